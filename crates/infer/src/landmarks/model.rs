//! The networks that find hands: their files, and what one thread runs them with.

use std::borrow::Cow;
use std::sync::Arc;

use sightwire_engine::network::Network;
use sightwire_engine::trial::Subject;
use sightwire_engine::{Engine, EngineError, NetworkSpec, Plan, Session};
use sightwire_frame::Image;
use sightwire_frame::turned::{self, Square};
use sightwire_hands::landmarks::{self, Landmarks};
use sightwire_hands::palm::{self, Anchors, Looked, Palm};
use sightwire_hands::region::Region;
use sightwire_hands::watch;
use sightwire_models::fetch::FetchError;
use sightwire_models::manifest::{Joints, Manifest, Task};
use sightwire_models::store::{Store, StoreError};
use sightwire_tflite::ConvertError;

/// The files and the manifest of a model that finds hands; makes [`HandNetworks`].
#[derive(Debug)]
pub struct HandModel {
    name: String,
    presence: f32,
    palm: Arc<Network>,
    hand: Arc<Network>,
}

/// Why a model of hands cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum HandModelError {
    /// Its files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its files could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file is no network that can be translated.
    #[error("{file} of the model {model} cannot be used: {error}")]
    Convert {
        /// Name of the model.
        model: String,
        /// Name of the file.
        file: String,
        /// What is wrong.
        error: ConvertError,
    },
    /// Its networks.
    #[error("the model {model}: {error}")]
    Engine {
        /// Name.
        model: String,
        /// What is wrong.
        error: EngineError,
    },
    /// It does something else.
    #[error("the model {name} is for {task}, not for hands; `sightwire models list` shows which are")]
    WrongTask {
        /// Name.
        name: String,
        /// What it is for.
        task: &'static str,
    },
    /// No thread to run it on.
    #[error("no thread can be started for the model {model}: {error}")]
    Thread {
        /// Name.
        model: String,
        /// Why.
        error: std::io::Error,
    },
}

/// One thread's sessions and buffers.
pub struct HandNetworks {
    anchors: Anchors,
    palm: Session,
    hand: Session,
    palm_input: Vec<f32>,
    hand_input: Vec<f32>,
}

const PALM_INPUT: usize = palm::INPUT as usize;
const HAND_INPUT: usize = landmarks::INPUT as usize;

impl HandModel {
    /// Reads and verifies the model's files, which are there already, and translates them.
    pub fn load(store: &Store, manifest: &Manifest) -> Result<Self, HandModelError> {
        let name = &manifest.name;
        let wrong = || HandModelError::WrongTask { name: name.clone(), task: manifest.task.name() };
        let (Task::Landmarks, Some(table)) = (manifest.task, manifest.landmarks) else {
            return Err(wrong());
        };
        if table.of != Joints::Hands {
            return Err(wrong());
        }
        let network = |role, outputs: &[usize]| {
            // `Manifest::parse` lets no model without one pass.
            let file = manifest.file(role).ok_or_else(wrong)?;
            let bytes = store.load(name, file)?;
            let onnx = sightwire_tflite::to_onnx(&bytes, outputs).map_err(|error| {
                HandModelError::Convert { model: name.clone(), file: file.name.clone(), error }
            })?;
            Ok::<_, HandModelError>(Arc::new(Network::of_file(name, file, Cow::Owned(onnx), None)))
        };
        let (palm, hand) = (network("palm", &[0, 1])?, network("hand", &[0, 1, 2, 3])?);
        Ok(Self { name: name.clone(), presence: table.presence, palm, hand })
    }

    /// The model's name, as in its manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Presence from which something is a hand.
    pub fn presence(&self) -> f32 {
        self.presence
    }

    fn specs(&self) -> [(&'static str, NetworkSpec<'_>); 2] {
        let spec = |network, side, output: &[usize]| NetworkSpec {
            network,
            symbol: None,
            batch: 1,
            input: vec![1, 3, side, side],
            output: output.to_vec(),
        };
        [
            ("palm", spec(&self.palm, PALM_INPUT, &[1, palm::PLACES, palm::VALUES])),
            ("hand", spec(&self.hand, HAND_INPUT, &[1, landmarks::VALUES])),
        ]
    }

    /// What each network is run with, by role.
    pub fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)> {
        let plan = |(role, spec): (_, NetworkSpec<'_>)| (role, spec.network.plan(engine, &spec.input));
        self.specs().into_iter().map(plan).collect()
    }

    /// What is to be tried before the model is used.
    pub fn subjects(&self) -> Vec<Subject> {
        let [(_, palm), (_, hand)] = self.specs();
        let subject =
            |network: &Arc<Network>, input| Subject { network: network.clone(), input, sizes: vec![] };
        vec![subject(&self.palm, palm.input), subject(&self.hand, hand.input)]
    }

    /// Makes the sessions and buffers for one thread.
    pub fn networks(&self, engine: &Engine) -> Result<HandNetworks, HandModelError> {
        let wrap = |error| HandModelError::Engine { model: self.name.clone(), error };
        let [(_, palm), (_, hand)] = self.specs();
        Ok(HandNetworks {
            anchors: Anchors::default(),
            palm: engine.session(&palm).map_err(wrap)?,
            hand: engine.session(&hand).map_err(wrap)?,
            palm_input: vec![0.0; 3 * PALM_INPUT * PALM_INPUT],
            hand_input: vec![0.0; 3 * HAND_INPUT * HAND_INPUT],
        })
    }
}

impl watch::Networks for HandNetworks {
    type Error = EngineError;

    fn palms(&mut self, image: &Image) -> Result<Vec<Palm>, EngineError> {
        let looked = Looked::at(image.width(), image.height());
        let half = looked.side / 2.0;
        let (x, y) = (looked.left + half, looked.top + half);
        let square = Square { x, y, side: looked.side, turn: 0.0 };
        turned::planes(image, &square, palm::INPUT, &mut self.palm_input);
        self.palm.run_with(&self.palm_input, |values| self.anchors.palms(values, looked))
    }

    fn landmarks(&mut self, image: &Image, region: &Region) -> Result<Option<Landmarks>, EngineError> {
        if !region.is_in(image.width(), image.height()) {
            return Ok(None);
        }
        let Region { x, y, side, turn } = *region;
        turned::planes(image, &Square { x, y, side, turn }, landmarks::INPUT, &mut self.hand_input);
        self.hand.run_with(&self.hand_input, |values| Landmarks::decode(values, region))
    }
}

impl std::fmt::Debug for HandNetworks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandNetworks")
            .field("palm", &self.palm)
            .field("hand", &self.hand)
            .finish_non_exhaustive()
    }
}
