//! For tests: a recogniser that has nothing to load.

use std::sync::Arc;
use std::time::Duration;

use sightwire_engine::EngineOptions;
use sightwire_engine::shared::{EngineSettings, SharedEngine};
use sightwire_frame::header::Limits;
use sightwire_models::store::Store;
use sightwire_settings::kind::Who;

use crate::{ModelChoice, Options, Recognizer, RecognizerSettings};

/// Its model is not in the store.
pub(crate) fn recognizer_without_a_model(store: &Store) -> Arc<Recognizer> {
    let options =
        EngineOptions { provider: None, threads: 1, precision: None, gpu_memory_mb: 0, trials: None };
    let engine = EngineSettings { options, library: None, store: store.clone(), remote: None };
    let settings = RecognizerSettings {
        model: ModelChoice::Name("mine".into()),
        arming: true,
        hands: 2,
        switching: Who::Local,
        dummy: false,
        max_clients: 2,
        max_fps: 30.0,
        turn_gap: Duration::from_secs(1),
        turn_wait: Duration::from_secs(15),
        reply_wait: Duration::from_millis(10),
        threshold: None,
    };
    let options = Options {
        settings,
        pictures: Limits::default(),
        idle_release: Duration::from_secs(60),
        python: None,
        engine: engine.clone(),
        memory: Arc::default(),
    };
    Recognizer::new(options, SharedEngine::new(engine, || true))
}
