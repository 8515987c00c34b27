//! The configuration: defaults < `sightwire.toml` < `.env` < environment < flags.
//!
//! - [`keys`]: the list of sections, each of which stands beside the options that it fills
//! - [`load`]: all layers, from where they usually are
//! - [`place`]: where the file lies, and what came with the program
//! - [`settings`]: all keys with the values in force, as they are told
//! - [`Config`]: what is made of them, checked; `partial`: in spite of mistakes
//! - `server`, `images`, `engine`, [`cluster`]: the sections of these names, which fill the options of several rooms; `access`: who is let in, made
//!   of several sections
#![allow(missing_docs, reason = "a field has what the section of its name declares and explains")]

mod access;
pub mod cluster;
mod engine;
mod images;
pub mod keys;
pub mod load;
mod partial;
pub mod place;
mod server;
pub mod settings;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::observe::status::Configured;
use sightwire_access::options::{Access, LEGACY};
use sightwire_base::memory::Memory;
use sightwire_engine::shared::EngineSettings;
use sightwire_frame::header::Limits as PictureLimits;
use sightwire_import::ImportOptions;
use sightwire_import::foreign::Foreign;
use sightwire_live::options::{CameraOptions, DetectorOptions, RelayOptions, WatchOptions};
use sightwire_live::private::PrivateNetworks;
use sightwire_models::options::StoreOptions;
use sightwire_models::store::Store;
use sightwire_recognizer::RecognizerSettings;
use sightwire_streaming::options::SocketIoOptions;
use sightwire_telemetry::logging::Log;
use sightwire_telemetry::otlp::Otlp;
use sightwire_tls::Tls;

pub use engine::{ENGINE, Engine};
pub use images::{IMAGES, ImageOptions};
pub use server::{SERVER, ServerOptions};
use sightwire_listen::limits::LimitOptions;
pub use sightwire_recognizer::ModelChoice;
pub use sightwire_settings::kind::Who;
pub use sightwire_settings::layers::dot_env;
pub use sightwire_settings::{ConfigError, Layers, Origin, Values, redact_secrets};

/// The hidden command that tries ways of running networks, in a child of this program.
pub const TRY_NETWORKS: &str = "try-networks";

/// Everything that can be set. docs/config.md has a line for each.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: ServerOptions,
    pub access: Access,
    pub tls: Tls,
    /// What one address, key or user may take.
    pub limits: LimitOptions,
    pub recognizer: RecognizerSettings,
    pub socketio: SocketIoOptions,
    pub cameras: CameraOptions,
    pub relay: RelayOptions,
    pub detector: DetectorOptions,
    pub reader: sightwire_reading::Options,
    pub images: PictureLimits,
    /// For the pixels of all single pictures together.
    pub decode_memory_bytes: usize,
    pub engine: Engine,
    pub import: ImportOptions,
    pub store: Store,
    pub log: Log,
    /// Where metrics and log lines are sent; `None`: nowhere.
    pub otlp: Option<Otlp>,
    /// With which other processes this one acts as one; `None`: with none.
    pub cluster: Option<cluster::ClusterConfig>,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub listen: Vec<String>,
    /// `tls.mode`.
    pub tls: Option<String>,
    /// Reached from other machines, over TLS.
    pub lan: bool,
    pub set: Vec<String>,
}

impl Config {
    /// Reads all layers and checks every value.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_layers(&load::load_layers(flags)?)
    }

    /// The defaults and what a file with this text would set; nothing of the environment.
    pub fn of_toml(text: &str) -> Result<Self, ConfigError> {
        let mut layers = load::default_layers();
        layers.add_text(text, Path::new("sightwire.toml"))?;
        Self::from_layers(&layers)
    }

    /// As [`Config::load`]; the model has to be there, too.
    pub fn load_to_serve(flags: &Flags) -> Result<(Layers, Self), ConfigError> {
        let layers = load::load_layers(flags)?;
        let config = Self::from_layers(&layers)?;
        config.check_model(&layers)?;
        Ok((layers, config))
    }

    /// What the recogniser runs with.
    pub fn recognizer_options(&self, memory: Arc<Memory>) -> sightwire_recognizer::Options {
        sightwire_recognizer::Options {
            settings: self.recognizer.clone(),
            pictures: self.images,
            idle_release: self.engine.idle_release,
            python: self.import.python.clone(),
            engine: self.engine_settings(),
            memory,
        }
    }

    /// What streams are watched with, by a server alone.
    pub fn live_options(&self, memory: Arc<Memory>) -> sightwire_live::Options {
        sightwire_live::Options {
            cameras: self.cameras.clone(),
            relay: self.relay.clone(),
            detector: self.detector.clone(),
            threads: self.engine.options.threads,
            idle_release: self.engine.idle_release,
            pictures: self.images,
            store: self.store.clone(),
            memory,
            remote: None,
            cluster: None,
        }
    }

    /// What the status says of it.
    pub fn for_status(&self) -> Configured<'_> {
        Configured {
            provider: self.engine.options.provider,
            has_workers: self.cluster.as_ref().is_some_and(|cluster| cluster.jobs.is_some()),
            store: &self.store,
        }
    }

    /// What the engine is opened with.
    pub fn engine_settings(&self) -> EngineSettings {
        let (options, library) = (self.engine.options.clone(), self.engine.library.clone());
        EngineSettings { options, library, store: self.store.clone(), remote: None }
    }

    /// Whether the model is there.
    fn check_model(&self, layers: &Layers) -> Result<(), ConfigError> {
        let wrong = match &self.recognizer.model {
            _ if self.recognizer.dummy => None,
            ModelChoice::Best => None,
            ModelChoice::Name(name) => self.store.manifest(name).err().map(|error| error.to_string()),
            ModelChoice::File(path) if !path.exists() => Some("there is no such file".to_owned()),
            ModelChoice::File(path) => {
                let foreign = Foreign::from_file(path).ok().flatten();
                foreign.map(|foreign| format!("it is {foreign}, and {}", foreign.cure()))
            }
        };
        wrong.map_or(Ok(()), |reason| Err(Values::new(layers).invalid("recognizer.model", &reason)))
    }

    /// Checks every value; the first that cannot be used is the error.
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let r = Values::new(layers);
        let socketio = SocketIoOptions::read(r)?;
        let images = ImageOptions::read(r)?;
        let store = StoreOptions::read(r)?.store();
        let engine = Engine::from_values(r, &store)?;
        let threads = engine.options.threads;
        let (server, recognizer) = (ServerOptions::read(r)?, RecognizerSettings::read(r)?);
        let watch = WatchOptions::with_hands(recognizer.hands, recognizer.arming);
        let private = private_networks(r, &server.listen)?;
        Ok(Self {
            access: Access::read(r)?,
            tls: Tls::read(r, store.home(), &server.listen)?,
            server,
            limits: LimitOptions::read(r)?,
            recognizer,
            cameras: CameraOptions::with_configured(r, private, store.home())?,
            relay: RelayOptions::read(r)?,
            detector: DetectorOptions::read(r, watch)?,
            reader: sightwire_reading::Options::with_usual(r, threads, store.home())?,
            decode_memory_bytes: images.decode_memory_bytes,
            images: images.limits(socketio.max_message_bytes),
            socketio,
            engine,
            import: ImportOptions::read(r)?,
            store,
            log: Log::read(r)?,
            otlp: Otlp::read(r)?,
            cluster: cluster::ClusterConfig::from_values(r)?,
        })
    }
}

/// Who may have cameras in private networks read that `cameras.allow` does not list. A server that only its own machine reaches
/// may be asked by others through a proxy there, which not every proxy says.
fn private_networks(r: Values<'_>, listen: &[SocketAddr]) -> Result<PrivateNetworks, ConfigError> {
    if !listen.iter().all(|address| address.ip().is_loopback()) {
        return Ok(PrivateNetworks::Nobody);
    }
    let signs = [
        (r.text("access.mode") == "protected", "access.mode is protected"),
        (r.text("access.mode") == "open", "access.mode is open"),
        (!r.list("server.trusted_proxies")?.is_empty(), "server.trusted_proxies is set"),
        (!r.list("server.hosts")?.is_empty(), "server.hosts is set"),
        (!r.text("server.base_path").is_empty(), "server.base_path is set"),
        (!r.text("access.proxy_header").is_empty(), "access.proxy_header is set"),
        (!r.tables(&LEGACY).is_empty(), "[[access.legacy]] is set"),
    ];
    let sign = signs.into_iter().find(|(is_set, _)| *is_set);
    Ok(sign.map_or(PrivateNetworks::Here, |(_, because)| PrivateNetworks::Added { because }))
}

#[cfg(test)]
mod tests;
