//! A classifier of clips at work.

use std::sync::Arc;
use std::time::Duration;

use sightwire_api::sign::SignModel;
use sightwire_engine::trial::TrialError;
use sightwire_engine::{Engine, Plan};
use sightwire_infer::clip::model::ClipModel;
use sightwire_infer::clip::service::{ClipClient, ClipService, ServiceOptions};
use sightwire_infer::sender::{Frame, OnPrediction, Prediction, ServiceStats};
use sightwire_models::manifest::Task;

use super::{Kind, Model, Service, ServiceClient};
use crate::Options;

pub(super) const KIND: Kind = Kind {
    task: Task::ClipClassification,
    can_run: |_| true,
    labels: None,
    load: |store, manifest| Ok(Box::new(ClipModel::load(store, manifest)?)),
};

impl Model for ClipModel {
    fn ensure_usable(&mut self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        engine.ensure_usable(&self.subjects(engine), going_on)
    }

    fn measure_plans(&self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        engine.measure_ways(&self.subjects(engine), going_on)
    }

    fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)> {
        self.plans(engine)
    }

    fn start_service(
        self: Box<Self>,
        engine: Arc<Engine>,
        options: &Options,
    ) -> anyhow::Result<Box<dyn Service>> {
        let options = ServiceOptions {
            limits: options.pictures,
            max_fps: options.settings.max_fps,
            turn_gap: options.settings.turn_gap,
            turn_wait: options.settings.turn_wait,
            idle_release: options.idle_release,
            threshold: options.settings.threshold,
            arming: options.settings.arming,
        };
        Ok(Box::new(ClipService::start(*self, engine, options)?))
    }
}

impl Service for ClipService {
    fn name(&self) -> &str {
        self.name()
    }

    fn task(&self) -> Task {
        Task::ClipClassification
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
        let clip = self.clip();
        SignModel {
            name: self.name().to_owned(),
            labels: clip.labels.clone(),
            window: clip.window,
            threshold: threshold.unwrap_or(clip.threshold),
            arming: self.is_armed(),
            width: clip.width,
            height: clip.height,
        }
    }

    fn join(&self, on_prediction: OnPrediction) -> Box<dyn ServiceClient> {
        Box::new(self.join(on_prediction))
    }
}

impl ServiceClient for ClipClient {
    fn push(&self, frame: Frame) -> Option<Duration> {
        self.push(frame).1
    }

    fn newest(&self) -> Option<Arc<Prediction>> {
        self.newest()
    }
}
