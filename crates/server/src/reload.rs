//! The configuration, read again while the server runs: on SIGHUP, and by `POST /api/v1/reload`.
//!
//! What can be applied without dropping anyone is applied, all of it or, where something is wrong, nothing. The rest is named.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use sightwire_api::status::Reloaded;
use sightwire_config::{Config, ConfigError, Layers};
use sightwire_listen::Listening;
use sightwire_live::{Streams, WatchError};
use sightwire_measure::memory::Memory;
use sightwire_recognizer::Recognizer;
use sightwire_telemetry::life::Life;
use sightwire_telemetry::logging;
use sightwire_tls::Certificates;
use sightwire_tls::certificates::CertificateError;

use crate::reach::Reach;
use sightwire_http::requests::Requests;

/// Keys that take effect at once; a name that ends with a dot stands for its section. For who is there already, only where that
/// drops nobody.
const APPLIED: [&str; 15] = [
    "[[camera]]",
    "cameras.allow",
    "cameras.default_url",
    "cameras.frozen_after_s",
    "cameras.lower_quality",
    "cameras.max_analyses",
    "cameras.max_frame_mb",
    "cameras.max_named",
    "cameras.max_upstreams",
    "cameras.max_viewers",
    "cameras.max_views",
    "cameras.stalled_after_s",
    "cameras.viewer_deadline_s",
    "log.level",
    "recognizer.max_clients",
];
const APPLIED_SECTIONS: [&str; 2] = ["limits.", "relay."];

/// Reads the configuration from where it was read at the start.
pub type Reader = Box<dyn Fn() -> Result<(Layers, Config), ConfigError> + Send + Sync>;

/// Where the configuration comes from.
pub struct Source {
    /// As it was read at the start.
    pub started: Layers,
    /// Reads it again.
    pub read: Reader,
}

/// Applies what has changed.
pub struct Reload {
    /// And the configuration as it was read last; whoever reloads holds that.
    source: Option<(Source, Mutex<Layers>)>,
    recognizer: Arc<Recognizer>,
    streams: Arc<Streams>,
    memory: Arc<Memory>,
    life: Arc<Life>,
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
        (recognizer, streams): (&Arc<Recognizer>, &Arc<Streams>),
        (memory, life): (&Arc<Memory>, &Arc<Life>),
        (listening, requests, reach): (&Arc<Listening>, &Requests, &Reach),
    ) -> Arc<Self> {
        Arc::new(Self {
            source: source.map(|source| {
                let last = Mutex::new(source.started.clone());
                (source, last)
            }),
            recognizer: recognizer.clone(),
            streams: streams.clone(),
            memory: memory.clone(),
            life: life.clone(),
            listening: listening.clone(),
            requests: requests.clone(),
            certificates: reach.certificates.clone(),
        })
    }

    /// Reads it and applies what has changed; the log says what. Blocks, since it reads files.
    pub fn run(&self) -> Result<Reloaded, ReloadError> {
        let done = self.try_to();
        self.life.reloaded(done.is_ok());
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

    fn try_to(&self) -> Result<Reloaded, ReloadError> {
        let (Source { started, read }, last) = self.source.as_ref().ok_or(ReloadError::NoSource)?;
        let mut last = last.lock();
        let (layers, config) = read()?;
        let streams = self.streams.prepare(config.live_options(self.memory.clone()))?;
        if let Some(certificates) = &self.certificates {
            certificates.take_up(SystemTime::now(), true)?;
        }
        // Nothing fails from here on.
        let changed = layers.changed_since(&last);
        self.streams.reconfigure(streams);
        self.recognizer.set_max_clients(config.recognizer.max_clients);
        // What somebody has taken of a limit is forgotten with it.
        if changed.iter().any(|key| key.starts_with("limits.")) {
            let options = config.listen_options();
            self.listening.allow(&options.per_address, options.per_asker);
            self.requests.allow(&config.limits);
        }
        let has_level = logging::set_level(&config.log.level);
        let is_applied = |key: &&str| {
            (APPLIED.contains(key) || APPLIED_SECTIONS.iter().any(|section| key.starts_with(section)))
                && (**key != *"log.level" || has_level)
        };
        let named = |keys: Vec<&str>, applied: bool| {
            keys.into_iter().filter(|key| is_applied(key) == applied).map(str::to_owned).collect()
        };
        let needs_restart = named(layers.changed_since(started), false);
        let done = Reloaded { applied: named(changed, true), needs_restart };
        *last = layers;
        Ok(done)
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
