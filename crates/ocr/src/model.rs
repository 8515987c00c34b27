//! The networks of a model for text.

use std::sync::{Arc, OnceLock};

use sightwire_models::Provider;
use sightwire_models::digest;
use sightwire_models::fetch::{self, FetchError, Progress};
use sightwire_models::manifest::{Manifest, Precision, Read, Task};
use sightwire_models::store::{Store, StoreError};

use super::ctc::Alphabet;
use super::memory::Costs;
use sightwire_engine::network;
use sightwire_engine::trial::Subject;
use sightwire_engine::{Description, Engine, EngineError, Plan, Session, ShapedSpec};

/// Width and height of a line as the network takes it that tells which stand on their head, px.
pub(super) const ANGLE_SIZE: (u32, u32) = (192, 48);
/// Width and height of a picture at which the network that finds lines is tried, px: one of those at which it runs.
const TRIED_PICTURE: (u32, u32) = (736, 736);
/// Width of a line at which the network that reads lines is tried, px.
const TRIED_WIDTH: u32 = 320;
/// What the network for angles tells apart: upright, on its head.
pub(super) const ANGLES: usize = 2;
/// Under this name the recogniser's file holds its characters.
const CHARACTERS: &str = "character";

/// Why a model for text cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ReadModelError {
    /// Its files cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its files could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It does something else.
    #[error("the model {name} is for {task}, not for reading text; `sightwire models list` shows which are")]
    WrongTask {
        /// Name.
        name: String,
        /// What it is for.
        task: &'static str,
    },
    /// Its characters are not text.
    #[error("the characters of the model {name} in {file} are not UTF-8 text, one on each line")]
    Characters {
        /// Name.
        name: String,
        /// Name of the file.
        file: String,
    },
}

/// The files and the manifest of a model for text.
#[derive(Debug)]
pub struct ReadModel {
    name: String,
    table: Read,
    detector: Network,
    angle: Option<Network>,
    recogniser: Network,
    /// Of a file of their own.
    characters: Option<Vec<String>>,
    alphabet: OnceLock<Alphabet>,
}

/// One network of it.
#[derive(Debug)]
pub(super) struct Network {
    file: Arc<network::Network>,
    /// Width and height of the input at which it is tried, px.
    tried: (u32, u32),
    description: OnceLock<Description>,
}

impl ReadModel {
    /// Reads and verifies the model's files, which are there already.
    pub fn load(store: &Store, manifest: &Manifest) -> Result<Self, ReadModelError> {
        let name = manifest.name.clone();
        let (Task::TextReading, Some(table)) = (manifest.task, &manifest.read) else {
            return Err(ReadModelError::WrongTask { name, task: manifest.task.name() });
        };
        let network = |role: &str, precision, tried| -> Result<Option<Network>, ReadModelError> {
            let Some(file) = manifest.file(role) else { return Ok(None) };
            let bytes = store.load_file(&manifest.name, file)?;
            let file = Arc::new(network::Network::of_file(&manifest.name, file, bytes, precision));
            Ok(Some(Network { file, tried, description: OnceLock::new() }))
        };
        let (picture, line) = (TRIED_PICTURE, (TRIED_WIDTH, table.line_height));
        let (found_at, read_at) = (Some(table.detector_precision), Some(table.recogniser_precision));
        // `Manifest::parse` lets no model for text without these pass.
        let wrong = || ReadModelError::WrongTask { name: name.clone(), task: manifest.task.name() };
        let characters = match manifest.file("characters") {
            None => None,
            Some(file) => {
                let bytes = store.load_file(&manifest.name, file)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| ReadModelError::Characters {
                    name: name.clone(),
                    file: file.name.clone(),
                })?;
                Some(text.lines().map(str::to_owned).collect())
            }
        };
        Ok(Self {
            table: table.clone(),
            detector: network("detector", found_at, picture)?.ok_or_else(wrong)?,
            angle: network("angle", None, ANGLE_SIZE)?,
            recogniser: network("recogniser", read_at, line)?.ok_or_else(wrong)?,
            characters,
            alphabet: OnceLock::new(),
            name,
        })
    }

    /// As [`ReadModel::load`]; a model that is not here is fetched first, which blocks.
    pub fn load_or_fetch(
        store: &Store,
        name: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, ReadModelError> {
        let manifest = store.manifest(name)?;
        if manifest.task == Task::TextReading && !store.has_files(&manifest) {
            fetch::pull_files(store, &manifest, progress)?;
        }
        Self::load(store, &manifest)
    }

    /// The model's name, as in its manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its manifest says.
    pub fn table(&self) -> &Read {
        &self.table
    }

    /// What the networks that find and that read lines are run with.
    pub fn plans(&self, engine: &Engine) -> [Plan; 2] {
        [&self.detector, &self.recogniser].map(|network| network.plan(engine))
    }

    /// What is to be tried before the model is used: the networks that find lines, that read them, and that turn them.
    pub fn subjects(&self, engine: &Engine) -> Result<Vec<Subject>, EngineError> {
        self.networks().map(|network| network.subject(engine)).collect()
    }

    /// What tells its files from those of another version: SHA-256, as hexadecimal digits, of those of its networks and of its
    /// characters. Goes through all of them the first time; blocks.
    pub fn digest(&self) -> String {
        let networks = self.networks().map(|network| network.file.sha256());
        let parts: Vec<&str> = networks.chain(self.characters.iter().flatten().map(String::as_str)).collect();
        digest::sha256_hex(parts.join("\n").as_bytes())
    }

    fn networks(&self) -> impl Iterator<Item = &Network> {
        [Some(&self.detector), Some(&self.recogniser), self.angle.as_ref()].into_iter().flatten()
    }

    /// Whether it is run in the best way by what is known now.
    pub fn runs_best(&self, engine: &Engine) -> bool {
        self.networks().all(|network| {
            network.plan(engine) == engine.decide_plan(&network.file, &input_shape(network.tried))
        })
    }

    /// Whether all that is to be tried was measured; without looking into the files.
    pub fn is_measured(&self, engine: &Engine) -> bool {
        let subjects: Vec<_> = self.networks().map(|network| network.sized(Vec::new())).collect();
        engine.is_measured(&subjects)
    }

    /// What sessions for it take of memory.
    pub(super) fn costs(&self, engine: &Engine) -> Costs {
        let files = [&self.detector, &self.recogniser].map(|network| network.file.bytes().len());
        Costs::new(self.plans(engine), files)
    }

    /// Whether one session finds text at canvases of all sizes, and not one for each: on the plain CPU that is no slower. With
    /// OpenVINO a map takes a quarter longer, at bf16 half as long again; but three sessions at f32 would take twice the memory
    /// of this one, and a fourth size would have to wait until one was made, which takes as long as three maps.
    pub(super) fn finds_at_all_sizes(&self, engine: &Engine) -> bool {
        let Plan { provider, precision } = self.detector.plan(engine);
        provider != Provider::OpenVino || precision == Precision::F32
    }

    /// A session that finds text in pictures of that size, or of every size.
    pub(super) fn detector(
        &self,
        engine: &Engine,
        size: Option<(u32, u32)>,
        threads: usize,
    ) -> Result<Session, EngineError> {
        let varying: &[usize] = if size.is_some() { &[] } else { &[2, 3] };
        self.detector.session(engine, size.unwrap_or(TRIED_PICTURE), varying, threads)
    }

    /// Whether it has a network that tells which lines stand on their head.
    pub(super) fn has_angle(&self) -> bool {
        self.angle.is_some()
    }

    /// A session that tells whether a line stands on its head.
    pub(super) fn angle(&self, engine: &Engine) -> Option<Result<Session, EngineError>> {
        self.angle.as_ref().map(|network| network.session(engine, ANGLE_SIZE, &[], 1))
    }

    /// A session that reads lines of all widths: as fast as one for each, the same to the last bit, and a sixth of their
    /// memory.
    pub(super) fn recogniser(&self, engine: &Engine) -> Result<Session, EngineError> {
        self.recogniser.session(engine, (TRIED_WIDTH, self.table.line_height), &[3], 1)
    }

    /// The same as [`ReadModel::alphabet`], if it was asked for before.
    pub(super) fn known_alphabet(&self) -> Option<&Alphabet> {
        self.alphabet.get()
    }

    /// What the classes of the recogniser stand for: nothing, then its characters.
    pub(super) fn alphabet(&self, engine: &Engine) -> Result<&Alphabet, EngineError> {
        if let Some(alphabet) = self.alphabet.get() {
            return Ok(alphabet);
        }
        let mut alphabet = vec![String::new()];
        if let Some(characters) = &self.characters {
            alphabet.extend(characters.iter().cloned());
        } else {
            let text = self.recogniser.describe(engine)?.metadata.as_deref().unwrap_or_default();
            alphabet.extend(text.lines().map(str::to_owned));
        }
        if self.table.space {
            alphabet.push(" ".to_owned());
        }
        Ok(self.alphabet.get_or_init(|| Alphabet::new(alphabet)))
    }
}

impl Network {
    fn describe(&self, engine: &Engine) -> Result<&Description, EngineError> {
        if let Some(description) = self.description.get() {
            return Ok(description);
        }
        let description = engine.describe(self.file.name(), self.file.bytes(), CHARACTERS)?;
        Ok(self.description.get_or_init(|| description))
    }

    fn plan(&self, engine: &Engine) -> Plan {
        self.file.plan(engine, &input_shape(self.tried))
    }

    fn subject(&self, engine: &Engine) -> Result<Subject, EngineError> {
        let sizes = self.describe(engine)?.free_sizes(self.file.name(), &input_shape(self.tried))?;
        Ok(self.sized(sizes))
    }

    fn sized(&self, sizes: Vec<(String, usize)>) -> Subject {
        Subject { network: self.file.clone(), input: input_shape(self.tried), sizes }
    }

    /// `varying` are the dimensions of the input that differ from run to run.
    fn session(
        &self,
        engine: &Engine,
        size: (u32, u32),
        varying: &[usize],
        threads: usize,
    ) -> Result<Session, EngineError> {
        engine.shaped_session(&ShapedSpec {
            network: &self.file,
            description: self.describe(engine)?,
            input: input_shape(size),
            varying,
            threads,
            plan: self.plan(engine),
        })
    }
}

/// Of a network's input for a picture of that width and height.
pub(super) fn input_shape((width, height): (u32, u32)) -> Vec<usize> {
    vec![1, 3, height as usize, width as usize]
}
