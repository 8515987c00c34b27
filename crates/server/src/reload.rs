//! The configuration, read again while the server runs: on SIGHUP, and by `POST /api/v1/reload`.
//!
//! What can be applied without dropping anyone is applied, all of it or, where something is wrong, nothing. The rest is named.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::config::keys::SECTIONS;
use crate::config::settings;
use crate::config::{Config, ConfigError, Layers, Values};
use parking_lot::Mutex;
use sightwire_api::settings::Settings;
use sightwire_api::status::Reloaded;
use sightwire_base::memory::Memory;
use sightwire_base::metrics::{Collector, Metrics};
use sightwire_listen::Listening;
use sightwire_live::configured::{self, CAMERA};
use sightwire_live::options::CameraOptions;
use sightwire_live::source::CameraTable;
use sightwire_live::{Streams, WatchError};
use sightwire_recognizer::Recognizer;
use sightwire_telemetry::logging;
use sightwire_tls::Certificates;
use sightwire_tls::certificates::CertificateError;

use crate::reach::Reach;
use sightwire_admission::requests::Requests;

/// Reads the configuration from where it was read at the start.
pub type Reader = Box<dyn Fn() -> Result<(Layers, Config), ConfigError> + Send + Sync>;

/// Where the configuration comes from.
pub struct Source {
    /// As it was read at the start.
    pub started: Layers,
    /// Reads it again.
    pub read: Reader,
}

/// The configuration as it was read last.
struct ReadLast {
    layers: Layers,
    /// With what stood in the files of their passwords then.
    cameras: Vec<CameraTable>,
}

impl ReadLast {
    fn at_start(layers: Layers) -> Self {
        // What cannot be used is not a configuration.
        let cameras = configured::read_tables(Values::new(&layers)).unwrap_or_default();
        Self { layers, cameras }
    }

    fn new(layers: Layers, options: &CameraOptions) -> Self {
        let is_of_a_table = |camera: &&CameraTable| Some(*camera) != options.default_url.as_ref();
        let cameras = options.configured.iter().filter(is_of_a_table).cloned().collect();
        Self { layers, cameras }
    }

    /// What is another in `self`.
    fn changed_since(&self, before: &Self) -> Vec<&'static str> {
        let mut changed = self.layers.changed_since(&before.layers);
        changed.retain(|name| *name != CAMERA.shown);
        if self.cameras != before.cameras {
            changed.push(CAMERA.shown);
        }
        changed
    }
}

/// Applies what has changed.
pub struct Reload {
    /// And the configuration as it was read last. Whoever reloads holds its lock until all is applied, so it comes before all
    /// others.
    source: Option<(Source, Mutex<ReadLast>)>,
    recognizer: Arc<Recognizer>,
    streams: Arc<Streams>,
    memory: Arc<Memory>,
    applied: AtomicU64,
    failed: AtomicU64,
    listening: Arc<Listening>,
    requests: Requests,
    certificates: Option<Arc<Certificates>>,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The server was started from within a program.
    #[error("This server was started with a configuration that cannot be read again; start it again.")]
    NoSource,
    /// It cannot be read, or contradicts itself.
    #[error("The configuration cannot be used, and the one before stays as it is: {}", .0.in_one_line())]
    Config(#[from] ConfigError),
    /// What its files hold cannot be shown.
    #[error("The certificate cannot be used, and everything stays as it is: {0}")]
    Certificate(#[from] CertificateError),
    /// What it says of streams cannot be now.
    #[error("The configuration cannot be used now, and the one before stays as it is: {0}")]
    Streams(#[from] WatchError),
}

impl Reload {
    /// For these parts of the server.
    pub fn new(
        source: Option<Source>,
        recognizer: &Arc<Recognizer>,
        streams: &Arc<Streams>,
        memory: &Arc<Memory>,
        listening: &Arc<Listening>,
        requests: &Requests,
        reach: &Reach,
    ) -> Arc<Self> {
        Arc::new(Self {
            source: source.map(|source| {
                let last = Mutex::new(ReadLast::at_start(source.started.clone()));
                (source, last)
            }),
            recognizer: recognizer.clone(),
            streams: streams.clone(),
            memory: memory.clone(),
            applied: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            listening: listening.clone(),
            requests: requests.clone(),
            certificates: reach.certificates.clone(),
        })
    }

    /// Reads it and applies what has changed; the log says what. Blocks, since it reads files.
    pub fn run(&self) -> Result<Reloaded, ReloadError> {
        let done = self.try_to();
        if done.is_ok() { &self.applied } else { &self.failed }.fetch_add(1, Ordering::Relaxed);
        match &done {
            Ok(Reloaded { applied, needs_restart }) => {
                let (applied, needs_restart) = (applied.join(", "), needs_restart.join(", "));
                let named = |keys: String| if keys.is_empty() { "nothing".to_owned() } else { keys };
                tracing::info!(
                    applied = named(applied),
                    needs_restart = named(needs_restart),
                    "the configuration was read again"
                );
            }
            Err(error) => tracing::warn!("{error}"),
        }
        done
    }

    /// Times that it was read again and used, and that it could not be used.
    pub fn counts(&self) -> [u64; 2] {
        [&self.applied, &self.failed].map(|count| count.load(Ordering::Relaxed))
    }

    /// All keys with the values in force: of those that need a restart, the values of the start.
    pub fn settings(&self) -> Result<Settings, ReloadError> {
        let (Source { started, .. }, last) = self.source.as_ref().ok_or(ReloadError::NoSource)?;
        Ok(settings::report_settings(started, &last.lock().layers))
    }

    fn try_to(&self) -> Result<Reloaded, ReloadError> {
        let (Source { started, read }, last) = self.source.as_ref().ok_or(ReloadError::NoSource)?;
        let mut last = last.lock();
        let (layers, config) = read()?;
        let streams = self.streams.prepare_options(config.live_options(self.memory.clone()))?;
        if let Some(certificates) = &self.certificates {
            certificates.take_up(SystemTime::now(), true)?;
        }
        // Nothing fails from here on.
        let now = ReadLast::new(layers, &config.cameras);
        let changed = now.changed_since(&last);
        self.streams.reconfigure(streams);
        self.recognizer.set_max_clients(config.recognizer.max_clients);
        // What somebody has taken of a limit is forgotten with it.
        if changed.iter().any(|key| key.starts_with("limits.")) {
            let options = config.listen_options();
            self.listening.set_limits(&options.per_address, options.per_asker);
            self.requests.set_limits(&config.limits);
        }
        let has_level = logging::set_level(&config.log.level);
        let is_applied = |key: &&str| SECTIONS.is_at_once(key) && (**key != *"log.level" || has_level);
        let named = |keys: Vec<&str>, applied: bool| {
            keys.into_iter().filter(|key| is_applied(key) == applied).map(str::to_owned).collect()
        };
        let needs_restart = named(now.layers.changed_since(started), false);
        let done = Reloaded { applied: named(changed, true), needs_restart };
        *last = now;
        Ok(done)
    }
}

impl Collector for Reload {
    fn collect(&self, metrics: &mut Metrics) {
        let [applied, failed] = self.counts();
        metrics.counter("reloads", "Times that the configuration was read again and used.", applied);
        let of_certificates = self.certificates.as_ref().map_or(0, |own| own.failures());
        metrics.counter(
            "reload_failures",
            "Times that the configuration, or a certificate, was read again and could not be used.",
            failed + of_certificates,
        );
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload").finish_non_exhaustive()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}
