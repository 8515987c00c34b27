//! The engine of this process, shared by all that run networks.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use sightwire_models::store::Store;

use crate::cpu;
use crate::remote::{RemoteNetworks, Report};
use crate::runtime::{Runtime, RuntimeError};
use crate::{Engine, EngineError, EngineOptions};

/// How networks are run, and where the library that runs them is.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The provider, threads and number format to use.
    pub options: EngineOptions,
    /// The library; `None` takes the store's.
    pub library: Option<PathBuf>,
    /// Where it is looked for.
    pub store: Store,
    /// Who is asked to run networks first.
    pub remote: Option<Arc<dyn RemoteNetworks>>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library cannot be loaded.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// It cannot do what was asked for.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Loads the library, and makes an engine.
pub fn open_engine(settings: &EngineSettings) -> Result<Engine, OpenError> {
    let runtime = Runtime::load(&settings.store, settings.library.as_deref(), settings.options.provider)?;
    Ok(Engine::new(runtime, settings.options.clone())?.with_remote(settings.remote.clone()))
}

/// The engine, made when it is first needed: until then there may be no library.
pub struct SharedEngine {
    settings: EngineSettings,
    going_on: Box<dyn Fn() -> bool + Send + Sync>,
    made: OnceLock<Arc<Engine>>,
    /// Whoever loads the library is the only one. Others wait meanwhile, and then have the same engine, or try in turn if that
    /// has failed. Comes before the lock of the library's environment, which is the process's.
    making: Mutex<()>,
}

impl fmt::Debug for SharedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedEngine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl SharedEngine {
    /// Nothing is loaded yet. Trials end when `going_on` says no.
    pub fn new(settings: EngineSettings, going_on: impl Fn() -> bool + Send + Sync + 'static) -> Arc<Self> {
        let (going_on, made, making) = (Box::new(going_on), OnceLock::new(), Mutex::default());
        Arc::new(Self { settings, going_on, made, making })
    }

    /// The engine; loads the library if nobody has needed it yet, which blocks. After a failure the next call tries again.
    pub fn get(&self) -> Result<Arc<Engine>, OpenError> {
        let _only = self.making.lock();
        if let Some(engine) = self.made.get() {
            return Ok(engine.clone());
        }
        let engine = Arc::new(open_engine(&self.settings)?);
        Ok(self.made.get_or_init(|| engine).clone())
    }

    /// Whether trials are to go on.
    pub fn going_on(&self) -> bool {
        (self.going_on)()
    }

    /// For people: what is not done on this machine, and why.
    pub fn warnings(&self) -> Vec<String> {
        let of_engine = self.made.get().map(|engine| engine.warnings()).unwrap_or_default();
        let remote_networks = self.remote_networks().into_iter();
        let away = remote_networks.filter_map(|Report { network, why_not, .. }| Some((network, why_not?)));
        let away =
            away.map(|(network, why)| format!("{network} is run here, and not by engine.remote: {why}"));
        cpu::cpu_warning().into_iter().chain(of_engine).chain(away).collect()
    }

    /// How far networks are that are asked for elsewhere.
    fn remote_networks(&self) -> Vec<Report> {
        self.settings.remote.as_ref().map(|remote| remote.report()).unwrap_or_default()
    }

    /// For people: what networks are not run with, and why.
    pub fn given_up(&self) -> Vec<String> {
        self.made.get().map(|engine| engine.given_up()).unwrap_or_default()
    }
}
