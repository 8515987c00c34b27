//! What can be seen of the server from outside.
//!
//! - [`metrics`]: the one list of what is in `/metrics`
//! - [`live`]: all of it, once a second, for those who look
//! - [`status`]: what `/api/v1/status` says

pub mod live;
pub mod metrics;
pub mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sightwire_api::status::Connections;
use sightwire_base::clock;
use sightwire_base::memory::Memory;
use sightwire_base::meter::{self, Meter, Sample};
use sightwire_engine::pool;
use sightwire_engine::shared::SharedEngine;
use sightwire_listen::Listening;
use sightwire_listen::sessions::Sessions;
use sightwire_live::Streams;
use sightwire_live::relay::Relay;
use sightwire_reading::TextReader;
use sightwire_recognizer::{Recognizer, State};
use sightwire_telemetry::history::{self, History, ResourceUsage};
use sightwire_telemetry::life::{Life, STUCK_AFTER, Stuck, WatchedPool};
use sightwire_telemetry::{logging, process};
use tokio_util::sync::CancellationToken;

/// A page of a hundred megapixels takes minutes on a slow machine.
const STUCK_READING_AFTER: Duration = Duration::from_mins(10);

/// Pools of threads that `/metrics` names, and those that are watched otherwise than all are.
static POOLS: [WatchedPool; 6] = [
    WatchedPool { name: "clip", stuck_after: STUCK_AFTER, is_shown: true },
    WatchedPool { name: "detect", stuck_after: STUCK_AFTER, is_shown: true },
    WatchedPool { name: "hands", stuck_after: STUCK_AFTER, is_shown: true },
    WatchedPool { name: "pixels", stuck_after: STUCK_AFTER, is_shown: true },
    WatchedPool { name: "read", stuck_after: STUCK_READING_AFTER, is_shown: true },
    // There a picture may wait for memory behind others, each with its deadline.
    WatchedPool { name: "display", stuck_after: Duration::MAX, is_shown: false },
];

/// The parts that are looked at.
#[derive(Clone, Debug)]
pub struct Observed {
    pub engine: Arc<SharedEngine>,
    pub recognizer: Arc<Recognizer>,
    pub streams: Arc<Streams>,
    pub relay: Arc<Relay>,
    pub reader: Arc<TextReader>,
    pub listening: Arc<Listening>,
    pub sessions: Arc<Sessions>,
    pub memory: Arc<Memory>,
}

/// Looks at all parts, and makes rates of what they count.
#[derive(Debug)]
pub struct Observer {
    started: Instant,
    /// How the process itself is.
    pub life: Arc<Life>,
    pub history: History,
    parts: Observed,
    /// Errors that pages have told of.
    page_errors: AtomicU64,
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
    /// The server is stopping.
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

impl Observer {
    /// Counts uptime from here on; rates are zero until samples were taken.
    pub fn new(parts: Observed) -> Arc<Self> {
        Arc::new(Self {
            started: clock::now(),
            life: Life::new(&POOLS),
            history: History::default(),
            parts,
            page_errors: AtomicU64::new(0),
            meter: Meter::default(),
        })
    }

    /// A page has told of an error of its own.
    pub fn count_page_error(&self) {
        self.page_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Errors that pages have told of.
    pub fn page_errors(&self) -> u64 {
        self.page_errors.load(Ordering::Relaxed)
    }

    /// Bytes that came from other processes so far.
    fn pulled_bytes(&self) -> u64 {
        self.parts
            .streams
            .cluster()
            .map_or(0, |cluster| cluster.counts().pulled_bytes.load(Ordering::Relaxed))
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
            let (at, stats) = (clock::now(), self.parts.recognizer.stats());
            let cpu_us = (process::process_usage().cpu_seconds * 1e6) as u64;
            let pulled_bytes = self.pulled_bytes();
            let counts =
                [stats.frames, stats.analysed, stats.skipped, stats.predictions, cpu_us, pulled_bytes];
            self.meter.sample(Sample { at, counts, ages: [stats.delay] });
            self.parts.streams.sample(at);
            self.record_step(at);
            self.life.check_threads(pool::longest_tasks());
            logging::sum_up();
        }
    }

    /// Once for each step.
    fn record_step(&self, now: Instant) {
        let step = now.saturating_duration_since(self.started).as_secs() / history::STEP.as_secs();
        if !self.history.is_due(step) {
            return;
        }
        let reports = self.parts.streams.stream_reports();
        let taken = ResourceUsage {
            cpu_percent: self.rates().cpu_percent,
            memory_bytes: process::process_usage().memory_bytes,
            connections: self.connections().open,
            analyses: self.parts.streams.report().analyses,
            viewers: self.parts.streams.viewers.all().len(),
        };
        self.history.record_step(step, &reports, taken);
    }

    /// Why it takes no clients; `None`: it does.
    pub fn unready_reason(&self) -> Option<Unready> {
        if self.life.is_stopping() {
            return Some(Unready::Stopping);
        }
        if let Some(stuck) = self.life.stuck() {
            return Some(Unready::Stuck(stuck));
        }
        if self.parts.streams.cluster().is_some_and(|cluster| cluster.drain_token().is_cancelled()) {
            return Some(Unready::Draining);
        }
        match self.parts.recognizer.state() {
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
        let Listening { receiving, outboxes, .. } = &*self.parts.listening;
        Connections {
            open: self.parts.listening.open_count(),
            max: self.parts.listening.max_connections(),
            accept_failures: self.parts.listening.accept_failures(),
            receiving_bytes: receiving.used(),
            receiving_max_bytes: receiving.limit(),
            given_up: receiving.given_up(),
            timed_out: receiving.timed_out(),
            sending_bytes: outboxes.waiting(),
            sending_max_bytes: outboxes.limit(),
            polling_sessions: self.parts.sessions.polling_count(),
            decoding_bytes: self.parts.reader.display.decoding.used(),
            decoding_max_bytes: self.parts.reader.display.decoding.limit(),
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
}
