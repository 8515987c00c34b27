//! A model at work, of whichever task: what all clients share, and a client's place at it.

use std::sync::Arc;
use std::time::Duration;

use sightwire_api::sign::SignModel;
use sightwire_engine::trial::TrialError;
use sightwire_engine::{Engine, Plan};
use sightwire_hands::label::Label;
use sightwire_hands::watch::WatchOptions;
use sightwire_infer::clip::model::ClipModel;
use sightwire_infer::clip::service::{ClipClient, ClipService, ServiceOptions};
use sightwire_infer::landmarks::{HandClient, HandModel, HandService, HandServiceOptions};
use sightwire_infer::sender::{Frame, OnPrediction, Prediction, ServiceStats};
use sightwire_models::manifest::{Joints, Manifest, Task};
use sightwire_models::store::Store;

use crate::Options;

/// A model at work. Dropping it ends its threads.
#[derive(Debug)]
pub enum Service {
    /// A classifier of clips.
    Clip(ClipService),
    /// A finder of hands.
    Hands(HandService),
}

/// Whether a model is one for the recogniser.
pub fn can_run(manifest: &Manifest) -> bool {
    match manifest.task {
        Task::ClipClassification => true,
        Task::Landmarks => knows_hands(manifest),
        Task::ObjectDetection | Task::TextReading | Task::Runtime => false,
    }
}

/// What a model of hands tells apart; `None` of other models.
pub fn labels_of_hands(manifest: &Manifest) -> Option<Vec<String>> {
    knows_hands(manifest).then(hand_labels)
}

fn knows_hands(manifest: &Manifest) -> bool {
    manifest.landmarks.is_some_and(|table| table.of == Joints::Hands)
}

fn hand_labels() -> Vec<String> {
    Label::all().map(|label| label.name().to_owned()).collect()
}

/// A model's files, read and verified.
#[derive(Debug)]
pub(crate) enum Model {
    Clip(ClipModel),
    Hands(HandModel),
}

impl Model {
    pub fn load(store: &Store, manifest: &Manifest) -> anyhow::Result<Self> {
        Ok(match manifest.task {
            Task::Landmarks => Self::Hands(HandModel::load(store, manifest)?),
            _ => Self::Clip(ClipModel::load(store, manifest)?),
        })
    }

    /// Returns when one way of running it is known to work here.
    pub fn usable(&mut self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        match self {
            Self::Clip(model) => engine.usable(&model.subjects(engine), going_on),
            Self::Hands(model) => model.usable(engine, going_on),
        }
    }

    /// Measures all ways of running it.
    pub fn measure(&self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        match self {
            Self::Clip(model) => engine.measure(&model.subjects(engine), going_on),
            Self::Hands(model) => model.measure(engine, going_on),
        }
    }

    /// What each network is run with, by role.
    pub fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)> {
        match self {
            Self::Clip(model) => model.plans(engine),
            Self::Hands(model) => model.plans(engine),
        }
    }

    /// Puts it to work; blocks.
    pub fn start(self, engine: Arc<Engine>, options: &Options) -> anyhow::Result<Service> {
        let (limits, max_fps, idle_release) = (options.pictures, options.max_fps, options.idle_release);
        Ok(match self {
            Self::Clip(model) => {
                let (turn_gap, turn_wait) = (options.turn_gap, options.turn_wait);
                let options = ServiceOptions {
                    limits,
                    max_fps,
                    turn_gap,
                    turn_wait,
                    idle_release,
                    threshold: options.threshold,
                    arming: options.arming,
                };
                Service::Clip(ClipService::start(model, engine, options)?)
            }
            Self::Hands(model) => {
                let watch = WatchOptions::following(options.hands, options.arming);
                let options = HandServiceOptions { limits, max_fps, idle_release, watch };
                Service::Hands(HandService::start(model, engine, options)?)
            }
        })
    }
}

/// A client's place at a model. Dropping it is leaving.
#[derive(Debug)]
pub(crate) enum Seat {
    Clip(ClipClient),
    Hands(HandClient),
}

/// Of hands, below this nothing is said: what is unsure is said with a score of 0.
const HANDS_THRESHOLD: f32 = 0.5;

impl Service {
    /// Name of the model.
    pub fn name(&self) -> &str {
        match self {
            Self::Clip(service) => service.name(),
            Self::Hands(service) => service.name(),
        }
    }

    /// For people: what it does without, and why.
    pub fn warning(&self) -> Option<&str> {
        match self {
            Self::Clip(_) => None,
            Self::Hands(service) => service.warning(),
        }
    }

    /// What it does.
    pub fn task(&self) -> Task {
        match self {
            Self::Clip(_) => Task::ClipClassification,
            Self::Hands(_) => Task::Landmarks,
        }
    }

    /// What each network is run with, by role.
    pub fn plans(&self) -> &[(&'static str, Plan)] {
        match self {
            Self::Clip(service) => service.plans(),
            Self::Hands(service) => service.plans(),
        }
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        match self {
            Self::Clip(service) => service.engine(),
            Self::Hands(service) => service.engine(),
        }
    }

    /// All counters, and the present values of what goes up and down.
    pub fn stats(&self) -> ServiceStats {
        match self {
            Self::Clip(service) => service.stats(),
            Self::Hands(service) => service.stats(),
        }
    }

    /// What clients are told of it; `threshold` takes the place of the model's.
    pub fn facts(&self, threshold: Option<f32>) -> SignModel {
        let name = self.name().to_owned();
        match self {
            Self::Clip(service) => {
                let clip = service.clip();
                SignModel {
                    name,
                    labels: clip.labels.clone(),
                    window: clip.window,
                    threshold: threshold.unwrap_or(clip.threshold),
                    arming: service.is_armed(),
                    width: clip.width,
                    height: clip.height,
                }
            }
            Self::Hands(service) => SignModel {
                name,
                labels: hand_labels(),
                window: 1,
                threshold: threshold.unwrap_or(HANDS_THRESHOLD),
                arming: service.options().watch.gesture.arming,
                // A hand is looked for in the whole picture, and looked at in its own pixels.
                width: 640,
                height: 480,
            },
        }
    }

    pub(crate) fn join(&self, on_prediction: OnPrediction) -> Seat {
        match self {
            Self::Clip(service) => Seat::Clip(service.join(on_prediction)),
            Self::Hands(service) => Seat::Hands(service.join(on_prediction)),
        }
    }
}

impl Seat {
    /// Hands a frame in; in how long its prediction will be there, where that is known.
    pub fn push(&self, frame: Frame) -> Option<Duration> {
        match self {
            Self::Clip(client) => client.push(frame).1,
            Self::Hands(client) => client.push(frame).1,
        }
    }

    /// The newest prediction; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Prediction>> {
        match self {
            Self::Clip(client) => client.newest(),
            Self::Hands(client) => client.newest(),
        }
    }
}
