//! The networks that find hands: their files, and what one thread runs them with.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sightwire_engine::network::Network;
use sightwire_engine::remote::{Levels, Task, Terms};
use sightwire_engine::trial::{Subject, TrialError};
use sightwire_engine::{Engine, EngineError, NetworkSpec, Plan, Session};
use sightwire_frame::Image;
use sightwire_frame::turned::{self, Square};
use sightwire_hands::landmarks::{self, Landmarks};
use sightwire_hands::palm::{self, Anchors, Looked, Palm};
use sightwire_hands::pose::{self, Pose};
use sightwire_hands::region::Region;
use sightwire_hands::watch;
use sightwire_models::manifest::{Joints, Manifest};
use sightwire_models::store::{Store, StoreError};
use sightwire_tflite::ConvertError;

/// The files and the manifest of a model that finds hands, and of the one that finds shoulders where the store has it; makes
/// [`HandNetworks`].
#[derive(Debug)]
pub struct HandModel {
    name: String,
    presence: f32,
    palm: Arc<Network>,
    hand: Arc<Network>,
    body: Option<BodyModel>,
    /// Why there is none, though the store has one.
    no_body: Option<String>,
}

/// The network that finds bodies, and shoulders beside hands.
#[derive(Debug)]
pub struct BodyModel {
    network: Arc<Network>,
    presence: f32,
}

/// Why a model of hands cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum HandModelError {
    /// Its files cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file is not a network that can be translated.
    #[error("{file} of the model {model} cannot be used: {error}")]
    Convert {
        /// Name of the model.
        model: String,
        /// Name of the file.
        file: String,
        /// What is wrong.
        error: ConvertError,
    },
    /// One of its networks cannot be run.
    #[error("the model {model}: {error}")]
    Engine {
        /// Name.
        model: String,
        /// What is wrong.
        error: EngineError,
    },
    /// It does something else.
    #[error("the model {name} is for {task}, not for {wanted}; `sightwire models list` shows which are")]
    WrongTask {
        /// Name.
        name: String,
        /// What it is for.
        task: &'static str,
        /// What it should be for.
        wanted: &'static str,
    },
    /// No thread to run it on.
    #[error("no thread can be started for the model {model}: {error}")]
    Thread {
        /// Name.
        model: String,
        /// The error of the operating system.
        error: std::io::Error,
    },
}

/// One thread's sessions and buffers.
pub struct HandNetworks {
    anchors: Anchors,
    palm: Session,
    hand: Session,
    body: Option<BodyNetwork>,
    palm_input: Vec<f32>,
    hand_input: Vec<f32>,
}

/// One thread's session and buffer of a [`BodyModel`].
#[derive(Debug)]
pub struct BodyNetwork {
    session: Session,
    presence: f32,
    input: Vec<f32>,
}

const PALM_INPUT: usize = palm::INPUT as usize;
const HAND_INPUT: usize = landmarks::INPUT as usize;
const BODY_INPUT: usize = pose::INPUT as usize;

/// One of a model's networks.
struct Part<'a> {
    role: &'static str,
    network: &'a Arc<Network>,
    /// Of its input, which is a square.
    side: usize,
    output: Vec<usize>,
}

impl Part<'_> {
    fn input_shape(&self) -> Vec<usize> {
        vec![1, 3, self.side, self.side]
    }

    fn subject(&self) -> Subject {
        Subject { network: self.network.clone(), input: self.input_shape(), sizes: vec![] }
    }

    fn session(&self, engine: &Engine) -> Result<Session, HandModelError> {
        let spec = NetworkSpec {
            network: self.network,
            symbol: None,
            batch: 1,
            input: self.input_shape(),
            output: self.output.clone(),
        };
        let model = || self.network.model().to_owned();
        engine.session(&spec).map_err(|error| HandModelError::Engine { model: model(), error })
    }
}

impl HandModel {
    /// Reads and verifies the model's files, which are there already, and translates them; and those of the model `pose`, if they
    /// are there. If that one cannot be used, the log says why, and there are no shoulders.
    pub fn load(store: &Store, manifest: &Manifest) -> Result<Self, HandModelError> {
        let presence = presence_threshold(manifest, Joints::Hands)?;
        let palm = load_network(store, manifest, "palm", &[0, 1])?;
        let hand = load_network(store, manifest, "hand", &[0, 1, 2, 3])?;
        let (body, no_body) = match BodyModel::load(store) {
            Ok(body) => (body, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Ok(Self { name: manifest.name.clone(), presence, palm, hand, body, no_body })
    }

    /// The model's name, as in its manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For people: why shoulders are not looked for, though the store has the model.
    pub fn warning(&self) -> Option<String> {
        self.no_body.as_ref().map(|why| format!("shoulders are not looked for: {why}"))
    }

    /// Presence from which something is a hand.
    pub fn presence(&self) -> f32 {
        self.presence
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let palm_output = [1, palm::PLACES, palm::VALUES];
        let palm = Part { role: "palm", network: &self.palm, side: PALM_INPUT, output: palm_output.to_vec() };
        let hand_output = vec![1, landmarks::VALUES];
        let hand = Part { role: "hand", network: &self.hand, side: HAND_INPUT, output: hand_output };
        [palm, hand].into_iter().chain(self.body.as_ref().map(BodyModel::part)).collect()
    }

    /// What each network is run with, by role.
    pub fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)> {
        let plan = |part: Part<'_>| (part.role, part.network.plan(engine, &part.input_shape()));
        self.parts().into_iter().map(plan).collect()
    }

    /// What can be tried in several ways.
    pub fn subjects(&self) -> Vec<Subject> {
        self.parts().iter().map(Part::subject).collect()
    }

    /// Returns when one way of running each network is known to work here; without shoulders, if there is none for theirs.
    pub fn ensure_usable(&mut self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        let all = self.subjects();
        let (hands, body) = all.split_at(2);
        engine.ensure_usable(hands, going_on)?;
        if let Err(error) = engine.ensure_usable(body, going_on) {
            (self.body, self.no_body) = (None, Some(error.to_string()));
        }
        Ok(())
    }

    /// Measures all ways of running each network; if there is none for that of shoulders, the log says so.
    pub fn measure_networks(&self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        let all = self.subjects();
        let (hands, body) = all.split_at(2);
        engine.measure_ways(hands, going_on)?;
        if let Err(error) = engine.measure_ways(body, going_on) {
            tracing::warn!("how shoulders are found fastest was not measured: {error}");
        }
        Ok(())
    }

    /// Makes the sessions and buffers for one thread.
    pub fn networks(&self, engine: &Engine) -> Result<HandNetworks, HandModelError> {
        let parts = self.parts();
        let body = self.body.as_ref().map(|body| body.network(engine));
        Ok(HandNetworks {
            anchors: Anchors::default(),
            palm: parts[0].session(engine)?,
            hand: parts[1].session(engine)?,
            body: body.transpose()?,
            palm_input: vec![0.0; 3 * PALM_INPUT * PALM_INPUT],
            hand_input: vec![0.0; 3 * HAND_INPUT * HAND_INPUT],
        })
    }

    /// As [`HandModel::networks`], the first time; without shoulders, if theirs does not work here.
    pub fn first_networks(&mut self, engine: &Engine) -> Result<HandNetworks, HandModelError> {
        let failed = match self.networks(engine) {
            Err(error) if self.body.is_some() => error,
            made => return made,
        };
        self.body = None;
        let made = self.networks(engine)?;
        self.no_body = Some(failed.to_string());
        Ok(made)
    }
}

impl BodyModel {
    /// Its name in the store.
    pub const NAME: &str = "pose";

    /// The store's, if its files are there.
    pub fn load(store: &Store) -> Result<Option<Self>, HandModelError> {
        let manifest = store.manifest(Self::NAME)?;
        if !store.has_files(&manifest) {
            return Ok(None);
        }
        Self::read_files(store, &manifest).map(Some)
    }

    fn read_files(store: &Store, manifest: &Manifest) -> Result<Self, HandModelError> {
        let presence = presence_threshold(manifest, Joints::Pose)?;
        // The others are a mask, a heat map, and the joints in metres.
        let network = load_network(store, manifest, "pose", &[0, 1])?;
        Ok(Self { network, presence })
    }

    fn part(&self) -> Part<'_> {
        Part { role: "pose", network: &self.network, side: BODY_INPUT, output: vec![1, pose::VALUES] }
    }

    /// What can be tried in several ways.
    pub fn subject(&self) -> Subject {
        self.part().subject()
    }

    /// Makes the session and buffer for one thread.
    pub fn network(&self, engine: &Engine) -> Result<BodyNetwork, HandModelError> {
        Ok(BodyNetwork {
            session: self.part().session(engine)?,
            presence: self.presence,
            input: vec![0.0; 3 * BODY_INPUT * BODY_INPUT],
        })
    }
}

impl BodyNetwork {
    /// The body in a region, if there is one.
    pub fn find_body(&mut self, image: &Image, region: &Region) -> Result<Option<Pose>, EngineError> {
        look_at(image, region, pose::INPUT, &mut self.input);
        let pose = self.session.run_with(&self.input, |values| Pose::decode(values, region))?;
        Ok(pose.filter(|pose| pose.presence >= self.presence))
    }
}

/// The networks of a model of hands, or of the one that finds shoulders; for code that runs them one by one.
pub fn trial_subjects(store: &Store, manifest: &Manifest) -> Result<Vec<Subject>, HandModelError> {
    if manifest.landmarks.is_some_and(|table| table.of == Joints::Pose) {
        let body = BodyModel::read_files(store, manifest)?;
        return Ok(vec![body.subject()]);
    }
    // Shoulders are another model's.
    Ok(HandModel::load(store, manifest)?.subjects().into_iter().take(2).collect())
}

/// From which presence something is what a model looks for, if it looks for this.
fn presence_threshold(manifest: &Manifest, joints: Joints) -> Result<f32, HandModelError> {
    let table = manifest.landmarks.filter(|table| table.of == joints);
    table.map(|table| table.presence).ok_or_else(|| wrong_model(manifest, joints))
}

fn wrong_model(manifest: &Manifest, wanted: Joints) -> HandModelError {
    let named = |joints| match joints {
        Joints::Hands => "hands",
        Joints::Pose => "joints of a body",
    };
    let task = manifest.landmarks.map_or(manifest.task.name(), |table| named(table.of));
    HandModelError::WrongTask { name: manifest.name.clone(), task, wanted: named(wanted) }
}

/// The network of this role, translated, with these of its outputs.
fn load_network(
    store: &Store,
    manifest: &Manifest,
    role: &str,
    outputs: &[usize],
) -> Result<Arc<Network>, HandModelError> {
    let model = &manifest.name;
    // `Manifest::parse` lets no model without one pass.
    let file = manifest.file(role).ok_or_else(|| wrong_model(manifest, Joints::Hands))?;
    let bytes = store.load_file(model, file)?;
    let onnx = sightwire_tflite::to_onnx(&bytes, outputs).map_err(|error| HandModelError::Convert {
        model: model.clone(),
        file: file.name.clone(),
        error,
    })?;
    let terms = Terms { task: Task::Hands, levels: Some(Levels { divide_by: 255.0 }) };
    Ok(Arc::new(Network::of_file(model, file, Cow::Owned(onnx), None).with_offer(role, terms)))
}

/// The pixels of a region, red, green and blue from 0 to 1.
fn look_at(image: &Image, region: &Region, side: u32, input: &mut [f32]) {
    let Region { x, y, side: of, turn } = *region;
    turned::fill_planes(image, &Square { x, y, side: of, turn }, side, input);
}

impl watch::Networks for HandNetworks {
    type Error = EngineError;

    fn palms(&mut self, image: &Image) -> Result<Vec<Palm>, EngineError> {
        let looked = Looked::from_size(image.width(), image.height());
        let half = looked.side / 2.0;
        let (x, y) = (looked.left + half, looked.top + half);
        let whole = Region { x, y, side: looked.side, turn: 0.0 };
        look_at(image, &whole, palm::INPUT, &mut self.palm_input);
        self.palm.run_with(&self.palm_input, |values| self.anchors.decode_palms(values, looked))
    }

    fn landmarks(&mut self, image: &Image, region: &Region) -> Result<Option<Landmarks>, EngineError> {
        if !region.is_in(image.width(), image.height()) {
            return Ok(None);
        }
        look_at(image, region, landmarks::INPUT, &mut self.hand_input);
        self.hand.run_with(&self.hand_input, |values| Landmarks::decode(values, region))
    }

    fn pose(&mut self, image: &Image, region: &Region) -> Result<Option<Pose>, EngineError> {
        self.body.as_mut().map_or(Ok(None), |body| body.find_body(image, region))
    }
}

impl fmt::Debug for HandNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandNetworks")
            .field("palm", &self.palm)
            .field("hand", &self.hand)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
