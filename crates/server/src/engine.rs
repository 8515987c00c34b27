//! The engine of this process, shared by all that run networks.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde_json::{Value, json};
use sightwire_infer::cpu::{Cpu, Tiles};
use sightwire_infer::engine::Engine;
use sightwire_infer::runtime::Runtime;
use sightwire_models::store::Store;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};

/// Loads the library, and makes an engine.
pub fn make(config: &config::Engine, store: &Store) -> anyhow::Result<Engine> {
    let runtime = Runtime::load(store, config.library.as_deref(), config.options.provider)?;
    Ok(Engine::new(runtime, config.options.clone())?)
}

/// The engine, made when it is first needed: until then there may be no library.
#[derive(Debug)]
pub struct SharedEngine {
    config: config::Engine,
    store: Store,
    stop: CancellationToken,
    made: OnceLock<Arc<Engine>>,
    /// Whoever loads the library is the only one.
    making: Mutex<()>,
}

impl SharedEngine {
    /// Nothing is loaded yet. Trials end with `stop`.
    pub fn new(config: &Config, stop: &CancellationToken) -> Arc<Self> {
        let (config, store) = (config.engine.clone(), config.store.clone());
        Arc::new(Self { config, store, stop: stop.clone(), made: OnceLock::new(), making: Mutex::default() })
    }

    /// The engine; loads the library if nobody has needed it yet, which blocks. After a failure the next call tries again.
    pub fn get(&self) -> anyhow::Result<Arc<Engine>> {
        let _only = self.making.lock();
        if let Some(engine) = self.made.get() {
            return Ok(engine.clone());
        }
        let engine = Arc::new(make(&self.config, &self.store)?);
        Ok(self.made.get_or_init(|| engine).clone())
    }

    /// Whether trials are to go on.
    pub fn going_on(&self) -> bool {
        !self.stop.is_cancelled()
    }

    /// For people: what is not done on this machine, and why.
    pub fn warnings(&self) -> Vec<String> {
        let of_engine = self.made.get().map(|engine| engine.warnings()).unwrap_or_default();
        cpu_warning().into_iter().chain(of_engine).collect()
    }

    /// For people: what networks are not run with, and why.
    pub fn given_up(&self) -> Vec<String> {
        self.made.get().map(|engine| engine.given_up()).unwrap_or_default()
    }
}

/// For people: what the CPU announces and cannot do.
pub fn cpu_warning() -> Option<String> {
    Cpu::here().warning(|name| std::env::var_os(name))
}

/// As in `/api/v1/status`.
pub fn cpu_report() -> Value {
    let cpu = Cpu::here();
    let amx = match cpu.tiles {
        Tiles::Absent => "absent",
        Tiles::Usable => "usable",
        Tiles::Unusable => "unusable",
        Tiles::Off => "off",
    };
    json!({ "name": cpu.name, "extensions": cpu.extensions, "amx": amx })
}
