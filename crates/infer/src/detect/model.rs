//! A detector's network: its files, and what one thread runs it with.

use std::sync::Arc;

use sightwire_frame::boxes::Detection;
use sightwire_frame::letterbox::{Letterbox, Placement, Planes};
use sightwire_frame::{Image, ResizeError};
use sightwire_models::fetch::{self, FetchError, Progress};
use sightwire_models::manifest::{Colour, Detect, Format, Manifest, Task};
use sightwire_models::store::{Store, StoreError};

use super::choose;
use super::decode::Decode;
use super::suppress::suppress_overlaps;
use sightwire_engine::network::Network;
use sightwire_engine::trial::{Subject, TrialError};
use sightwire_engine::{Engine, EngineError, NetworkSpec, Plan, Session};

/// The file and the manifest of an object detector; makes [`Detector`]s.
#[derive(Debug)]
pub struct DetectModel {
    name: String,
    table: Detect,
    network: Arc<Network>,
}

/// Why a detector cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DetectModelError {
    /// Its files cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its files could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Its network cannot be run.
    #[error("the model {model}: {error}")]
    Engine {
        /// Name.
        model: String,
        /// What is wrong.
        error: EngineError,
    },
    /// It works in no way.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// It does something else.
    #[error(
        "the model {name} is for {task}, not for object detection; `sightwire models list` shows which are"
    )]
    WrongTask {
        /// Name.
        name: String,
        /// What it is for.
        task: &'static str,
    },
    /// It is built in and runs no network.
    #[error(
        "{name} compares the pictures of a stream and has no network; for single pictures take {model}: `sightwire models pull {model}`",
        model = choose::DEFAULT_MODEL
    )]
    NoNetwork {
        /// Name.
        name: String,
    },
    /// No thread to run it on.
    #[error("no thread can be started for the detector: {0}")]
    Thread(std::io::Error),
}

/// Why nothing can be said of one picture.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// It has no pixels, or too many.
    #[error(transparent)]
    Picture(#[from] ResizeError),
    /// The network failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no session to run it with.
    #[error(transparent)]
    Model(#[from] DetectModelError),
    /// The network gave something else than it promised.
    #[error("the network of {model} gave {found} values instead of {expected}")]
    Output {
        /// Name of the model.
        model: String,
        /// Values that came.
        found: usize,
        /// Values that were to come.
        expected: usize,
    },
    /// Nobody wanted to know any more when its turn came.
    #[error("nobody waits for the detections of this picture any more")]
    Unwanted,
    /// A bug.
    #[error("the detector failed on this picture")]
    Panicked,
    /// The service was ended before its turn came.
    #[error("the detector has been ended")]
    Ended,
}

/// What to make of a network's boxes.
#[derive(Clone, Copy, Debug)]
pub struct DetectorOptions {
    /// Of two boxes of one class that overlap by more than this, the less sure one is dropped; `None` takes the model's.
    pub iou: Option<f32>,
    /// Boxes of a picture at most, the surest.
    pub max_boxes: usize,
}

impl Default for DetectorOptions {
    fn default() -> Self {
        Self { iou: None, max_boxes: 50 }
    }
}

/// One thread's session and buffers of a detector.
pub struct Detector {
    model: String,
    iou: f32,
    max_boxes: usize,
    letterbox: Letterbox,
    session: Session,
    decode: Decode,
    found: Vec<Detection>,
}

impl DetectModel {
    /// Reads and verifies the model's file, which is there already.
    pub fn load(store: &Store, manifest: &Manifest) -> Result<Self, DetectModelError> {
        let name = manifest.name.clone();
        let (Task::ObjectDetection, Some(table)) = (manifest.task, &manifest.detect) else {
            return Err(match manifest.task {
                Task::ObjectDetection => DetectModelError::NoNetwork { name },
                task => DetectModelError::WrongTask { name, task: task.name() },
            });
        };
        // `Manifest::parse` lets no detector without one pass.
        let file = manifest.file("network").ok_or(DetectModelError::NoNetwork { name })?;
        Ok(Self {
            name: manifest.name.clone(),
            table: table.clone(),
            network: Arc::new(Network::of_file(
                &manifest.name,
                file,
                store.load_file(&manifest.name, file)?,
                Some(table.precision),
            )),
        })
    }

    /// As [`DetectModel::load`]; a model that is not here is fetched first, which blocks.
    pub fn load_or_fetch(
        store: &Store,
        name: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, DetectModelError> {
        let manifest = store.manifest(name)?;
        if manifest.detect.is_some() && !store.has_files(&manifest) {
            fetch::pull_files(store, &manifest, progress)?;
        }
        Self::load(store, &manifest)
    }

    /// The model's name, as in its manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the classes, in the order of the network's output.
    pub fn labels(&self) -> &[String] {
        &self.table.labels
    }

    /// What its manifest says.
    pub fn table(&self) -> &Detect {
        &self.table
    }

    /// What the network is run with.
    pub fn plan(&self, engine: &Engine) -> Plan {
        self.network.plan(engine, &self.input_shape())
    }

    /// What the network had better be run with, by what is known now.
    pub(super) fn better_plan(&self, engine: &Engine) -> Plan {
        engine.decide_plan(&self.network, &self.input_shape())
    }

    /// Runs the network so from now on.
    pub(super) fn run_with(&self, plan: Plan) {
        self.network.run_with(plan);
    }

    /// What is to be tried before the model is used.
    pub fn subjects(&self) -> Vec<Subject> {
        let sizes = self.table.batch_symbol.iter().map(|symbol| (symbol.clone(), 1)).collect();
        vec![Subject { network: self.network.clone(), input: self.input_shape(), sizes }]
    }

    fn input_shape(&self) -> Vec<usize> {
        vec![1, 3, self.table.height as usize, self.table.width as usize]
    }

    /// Makes the session and buffers for one thread.
    pub fn detector(&self, engine: &Engine, options: DetectorOptions) -> Result<Detector, DetectModelError> {
        let table = &self.table;
        let decode = Decode::new(table);
        let (width, height) = (table.width, table.height);
        let spec = NetworkSpec {
            network: &self.network,
            symbol: table.batch_symbol.as_deref(),
            batch: 1,
            input: self.input_shape(),
            output: decode.output_shape(),
        };
        let session = engine
            .session(&spec)
            .map_err(|error| DetectModelError::Engine { model: self.name.clone(), error })?;
        let placement = match table.format {
            Format::Yolox => Placement::TopLeft,
            Format::Yolov8 => Placement::Centre,
        };
        let planes = match table.colour {
            Colour::Bgr => Planes::Bgr,
            Colour::Rgb => Planes::Rgb,
        };
        Ok(Detector {
            model: self.name.clone(),
            iou: options.iou.unwrap_or(table.iou),
            max_boxes: options.max_boxes,
            letterbox: Letterbox::new(width, height, placement, planes, table.divide_by),
            session,
            decode,
            found: Vec::new(),
        })
    }
}

impl Detector {
    /// Finds what is in a picture at least as surely as `threshold`: the surest first, boxes in pixels of the picture and
    /// within it.
    pub fn detect(&mut self, image: &Image, threshold: f32) -> Result<Vec<Detection>, DetectError> {
        let fit = self.letterbox.fit(image)?;
        let (decode, found) = (&mut self.decode, &mut self.found);
        let decoded = self
            .session
            .run_with(self.letterbox.input(), |values| decode.decode(values, threshold, found))?;
        decoded.map_err(|found| {
            let expected = decode.output_shape().iter().product();
            DetectError::Output { model: self.model.clone(), found, expected }
        })?;
        suppress_overlaps(found, self.iou, self.max_boxes);
        let within = |detection: &Detection| {
            let rect = fit.to_picture(&detection.rect).clamp_to(image.width(), image.height());
            (rect.area() > 0.0).then_some(Detection { rect, ..*detection })
        };
        Ok(found.iter().filter_map(within).collect())
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("model", &self.model).finish_non_exhaustive()
    }
}
