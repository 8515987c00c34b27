//! What can be seen of the server from outside.
//!
//! - `cluster`: this process among others
//! - [`history`]: how numbers went, for a day
//! - `inference`: what other servers ask of this one and what it asks of others, for `/metrics`
//! - `live`: all of it, once a second, for those who look
//! - [`life`]: whether the process goes on as it should
//! - `limits`: what was refused, for `/metrics`
//! - `logging`: log lines that never hold anyone up
//! - [`otlp`]: metrics and log lines for a collector
//! - `process`: CPU, memory, threads and open files of this process
//! - `prometheus`: `/metrics`; `own`: of the process; `reading`: of text reading
//! - `status`: `/api/v1/status`

#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cluster;
pub mod history;
mod inference;
pub mod life;
mod limits;
pub mod live;
pub mod logging;
pub mod otlp;
mod own;
pub mod process;
pub mod prometheus;
mod reading;
mod status;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sightwire_api::status::Connections;
use sightwire_engine::shared::SharedEngine;
use sightwire_jobs::service::Overview;
use sightwire_listen::Listening;
use sightwire_live::Streams;
use sightwire_live::relay::Relay;
use sightwire_measure::clock;
use sightwire_measure::memory::Memory;
use sightwire_measure::meter::{self, Meter, Sample};
use sightwire_reading::TextReader;
use sightwire_recognizer::{Recognizer, State};
use tokio_util::sync::CancellationToken;

use crate::history::{History, Taken};
use crate::life::{Life, Stuck};

/// What transports count, and telemetry shows.
pub trait TransportCounters: fmt::Debug + Send + Sync {
    /// Replies that Socket.IO clients were sent, messages that they did not take, and frames of theirs that were not valid.
    fn socketio(&self) -> [u64; 3];

    /// Socket.IO sessions without a WebSocket.
    fn polling_sessions(&self) -> usize;

    /// Such sessions that were ended so far to make room for others.
    fn evicted_sessions(&self) -> usize;

    /// Requests refused so far because they were for another server.
    fn foreign_hosts(&self) -> u64;

    /// TLS handshakes so far that were done, and those that failed.
    fn handshakes(&self) -> [u64; 2];

    /// When the certificate expires, in seconds since 1970 (UTC), where there is one.
    fn certificate_expires(&self) -> Option<f64>;

    /// How often a new certificate could not be used.
    fn certificate_failures(&self) -> u64;

    /// What other servers ask of this one's models.
    fn inference(&self) -> Inference;

    /// Batches that workers read; `None` where this process knows of none, or not yet.
    fn batches(&self) -> Option<Overview>;
}

/// Connections and requests of other servers that ask for this one's models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inference {
    /// Connections now.
    pub connections: usize,
    /// Connections closed at once, because there were too many.
    pub turned_away: u64,
    /// Pictures that were looked at.
    pub answered: u64,
    /// Requests that were refused, and why.
    pub refused: Vec<(&'static str, u64)>,
}

/// Seconds since 1970 (UTC), with fractions.
pub fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Counters of all parts, and rates made of them.
#[derive(Debug)]
pub struct Telemetry {
    started: Instant,
    /// How the process itself is.
    pub life: Arc<Life>,
    /// How it went.
    pub history: History,
    engine: Arc<SharedEngine>,
    recognizer: Arc<Recognizer>,
    streams: Arc<Streams>,
    relay: Arc<Relay>,
    reader: Arc<TextReader>,
    listening: Arc<Listening>,
    memory: Arc<Memory>,
    transports: Arc<dyn TransportCounters>,
    /// Frames, those analysed and those skipped, predictions, microseconds of CPU, bytes from other processes; how late
    /// predictions were.
    meter: Meter<6, 1>,
}

/// Rates and delays of the recogniser over the last three seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Frames that arrived from all clients.
    pub frames_per_s: f64,
    /// Frames that were analysed.
    pub analysed_per_s: f64,
    /// Frames not analysed for want of capacity.
    pub skipped_per_s: f64,
    /// Predictions made for all clients.
    pub predictions_per_s: f64,
    /// Arrival of a window's newest frame to its prediction; `None` without predictions.
    pub delay_p50_ms: Option<f64>,
    /// The 95th percentile of the same delay.
    pub delay_p95_ms: Option<f64>,
    /// 100 is one core.
    pub cpu_percent: f64,
    /// What came from other processes.
    pub pulled_bytes_per_s: f64,
}

/// Why the server takes no clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unready {
    /// It stops.
    #[error("The server stops. If it is started again, it is back in a few seconds.")]
    Stopping,
    /// It has given its cameras to other processes.
    #[error(
        "The server drains: other processes of the cluster take its cameras and its clients. It is back when it is started again."
    )]
    Draining,
    /// Something does not come back.
    #[error("{0} and is taken not to come back; start the server again")]
    Stuck(Stuck),
    /// The model is on its way.
    #[error("{text}")]
    Loading {
        /// Which step it is.
        text: String,
        /// 0–1; `None` where it cannot be told.
        done: Option<f32>,
    },
    /// The model cannot be had.
    #[error("{0}; then start the server again, or activate another model")]
    NoModel(String),
}

impl Unready {
    /// Seconds after which it may be so no longer by itself.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Stopping => Some(5),
            Self::Loading { .. } => Some(2),
            Self::Draining | Self::Stuck(_) | Self::NoModel(_) => None,
        }
    }
}

impl Telemetry {
    /// Counts uptime from here on; rates are zero until samples were taken.
    pub fn new(
        engine: Arc<SharedEngine>,
        recognizer: Arc<Recognizer>,
        (streams, relay): (Arc<Streams>, Arc<Relay>),
        reader: Arc<TextReader>,
        (listening, memory): (Arc<Listening>, Arc<Memory>),
        transports: Arc<dyn TransportCounters>,
    ) -> Arc<Self> {
        Arc::new(Self {
            started: clock::now(),
            life: Life::new(),
            history: History::default(),
            engine,
            recognizer,
            streams,
            relay,
            reader,
            listening,
            memory,
            transports,
            meter: Meter::default(),
        })
    }

    /// Takes samples of everything that is counted, until `stop`.
    pub async fn sample(self: Arc<Self>, stop: CancellationToken) {
        let mut interval = tokio::time::interval(meter::INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            let (at, stats) = (clock::now(), self.recognizer.stats());
            let cpu_us = (process::usage().cpu_seconds * 1e6) as u64;
            let pulled_bytes = cluster::pulled_bytes(&self.streams);
            let counts =
                [stats.frames, stats.analysed, stats.skipped, stats.predictions, cpu_us, pulled_bytes];
            self.meter.sample(Sample { at, counts, ages: [stats.delay] });
            self.streams.sample(at);
            self.remember(at);
            self.life.look();
            logging::sum_up();
        }
    }

    /// Once for each step.
    fn remember(&self, now: Instant) {
        let step = now.saturating_duration_since(self.started).as_secs() / history::STEP.as_secs();
        if !self.history.is_due(step) {
            return;
        }
        let reports = self.streams.stream_reports();
        let taken = Taken {
            cpu_percent: self.rates().cpu_percent,
            memory_bytes: process::usage().memory_bytes,
            connections: self.connections().open,
            analyses: self.streams.report().analyses,
            viewers: self.streams.viewers.all().len(),
        };
        self.history.note(step, &reports, taken);
    }

    /// Why it takes no clients; `None`: it does.
    pub fn unready(&self) -> Option<Unready> {
        if self.life.is_stopping() {
            return Some(Unready::Stopping);
        }
        if let Some(stuck) = self.life.stuck() {
            return Some(Unready::Stuck(stuck));
        }
        let cluster = self.streams.cluster();
        if cluster.is_some_and(|cluster| cluster.draining().is_cancelled()) {
            return Some(Unready::Draining);
        }
        match self.recognizer.state() {
            State::Loading(progress) => Some(Unready::Loading { text: progress.text, done: progress.done }),
            State::Failed { reason, .. } => Some(Unready::NoModel(reason)),
            State::Ready(_) | State::Dummy => None,
        }
    }

    /// Since the server began.
    pub fn uptime(&self) -> Duration {
        clock::since(self.started)
    }

    /// On all listening addresses, now; and what they hold.
    pub fn connections(&self) -> Connections {
        let Listening { receiving, outboxes, .. } = &*self.listening;
        Connections {
            open: self.listening.open(),
            max: self.listening.max(),
            accept_failures: self.listening.accept_failures(),
            receiving_bytes: receiving.used(),
            receiving_max_bytes: receiving.limit(),
            given_up: receiving.given_up(),
            timed_out: receiving.timed_out(),
            sending_bytes: outboxes.waiting(),
            sending_max_bytes: outboxes.limit(),
            polling_sessions: self.transports.polling_sessions(),
            decoding_bytes: self.reader.display.decoding.used(),
            decoding_max_bytes: self.reader.display.decoding.limit(),
        }
    }

    /// Over the last samples.
    pub fn rates(&self) -> Rates {
        let [
            frames_per_s,
            analysed_per_s,
            skipped_per_s,
            predictions_per_s,
            cpu_us_per_s,
            pulled_bytes_per_s,
        ] = self.meter.growth();
        let [delay] = self.meter.delays();
        Rates {
            frames_per_s,
            analysed_per_s,
            skipped_per_s,
            predictions_per_s,
            delay_p50_ms: delay.map(|delay| delay.p50),
            delay_p95_ms: delay.map(|delay| delay.p95),
            cpu_percent: cpu_us_per_s / 1e4,
            pulled_bytes_per_s,
        }
    }

    /// The text of `/metrics`.
    pub fn prometheus(self: &Arc<Self>) -> Result<String, fmt::Error> {
        prometheus::encode(self)
    }
}
