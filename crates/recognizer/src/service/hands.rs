//! A finder of hands at work, and what their shapes and motions say.

use std::sync::Arc;
use std::time::Duration;

use sightwire_api::sign::SignModel;
use sightwire_engine::trial::TrialError;
use sightwire_engine::{Engine, Plan};
use sightwire_hands::label::Label;
use sightwire_hands::watch::WatchOptions;
use sightwire_infer::landmarks::{HandClient, HandModel, HandService, HandServiceOptions};
use sightwire_infer::sender::{Frame, OnPrediction, Prediction, ServiceStats};
use sightwire_models::manifest::{Joints, Manifest, Task};

use super::{Kind, Model, Service, ServiceClient};
use crate::Options;

pub(super) const KIND: Kind = Kind {
    task: Task::Landmarks,
    can_run: knows_hands,
    labels: Some(hand_labels),
    load: |store, manifest| Ok(Box::new(HandModel::load(store, manifest)?)),
};

/// Below this nothing is said: what is unsure is said with a score of 0.
const THRESHOLD: f32 = 0.5;

/// Other models of the task know bodies.
fn knows_hands(manifest: &Manifest) -> bool {
    manifest.landmarks.is_some_and(|table| table.of == Joints::Hands)
}

fn hand_labels() -> Vec<String> {
    Label::all_labels().map(|label| label.name().to_owned()).collect()
}

impl Model for HandModel {
    fn ensure_usable(&mut self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        self.ensure_usable(engine, going_on)
    }

    fn measure_plans(&self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        self.measure_networks(engine, going_on)
    }

    fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)> {
        self.plans(engine)
    }

    fn start_service(
        self: Box<Self>,
        engine: Arc<Engine>,
        options: &Options,
    ) -> anyhow::Result<Box<dyn Service>> {
        let options = HandServiceOptions {
            limits: options.pictures,
            max_fps: options.settings.max_fps,
            idle_release: options.idle_release,
            watch: WatchOptions::with_hands(options.settings.hands, options.settings.arming),
        };
        Ok(Box::new(HandService::start(*self, engine, options)?))
    }
}

impl Service for HandService {
    fn name(&self) -> &str {
        self.name()
    }

    fn warning(&self) -> Option<&str> {
        self.warning()
    }

    fn task(&self) -> Task {
        Task::Landmarks
    }

    fn plans(&self) -> &[(&'static str, Plan)] {
        self.plans()
    }

    fn engine(&self) -> &Engine {
        self.engine()
    }

    fn stats(&self) -> ServiceStats {
        self.stats()
    }

    fn facts(&self, threshold: Option<f32>) -> SignModel {
        SignModel {
            name: self.name().to_owned(),
            labels: hand_labels(),
            window: 1,
            threshold: threshold.unwrap_or(THRESHOLD),
            arming: self.options().watch.gesture.arming,
            // A hand is looked for in the whole picture, and looked at in its own pixels.
            width: 640,
            height: 480,
        }
    }

    fn join(&self, on_prediction: OnPrediction) -> Box<dyn ServiceClient> {
        Box::new(self.join(on_prediction))
    }
}

impl ServiceClient for HandClient {
    fn push(&self, frame: Frame) -> Option<Duration> {
        self.push(frame).1
    }

    fn newest(&self) -> Option<Arc<Prediction>> {
        self.newest()
    }
}
