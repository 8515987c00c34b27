//! What can be seen of the server from outside.
//!
//! - `lines`: log lines that others have a say in
//! - `live`: all of it, once a second, for those who look
//! - `logging`: log lines that never hold anyone up
//! - `process`: CPU, memory and threads of this process
//! - `prometheus`: `/metrics`; `reading`: of text reading

pub mod live;
pub mod logging;
pub mod process;
pub mod prometheus;
mod reading;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::Serialize;
use sightwire_infer::clip::service::ServiceStats;
use sightwire_infer::shared::SharedEngine;
use sightwire_listen::Listening;
use sightwire_live::Cameras;
use sightwire_live::relay::Relay;
use sightwire_reading::Reader;
use sightwire_recognizer::Recognizer;
use tokio_util::sync::CancellationToken;

/// Rates are over the last so many samples.
const SAMPLES: usize = 6;
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

/// What transports count, and telemetry shows.
pub trait Doors: fmt::Debug + Send + Sync {
    /// Replies that Socket.IO clients were sent, messages that they did not take, and frames of theirs that were not valid.
    fn socketio(&self) -> [u64; 3];

    /// Socket.IO sessions without a WebSocket.
    fn polling_sessions(&self) -> usize;

    /// Such sessions that were ended so far to make room for others.
    fn evicted_sessions(&self) -> usize;

    /// Requests refused so far because they were for another server.
    fn foreign_hosts(&self) -> u64;
}

/// Seconds since 1970.
pub fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Counters of all parts, and rates made of them.
#[derive(Debug)]
pub struct Telemetry {
    started: Instant,
    engine: Arc<SharedEngine>,
    recognizer: Arc<Recognizer>,
    cameras: Arc<Cameras>,
    relay: Arc<Relay>,
    reader: Arc<Reader>,
    listening: Arc<Listening>,
    doors: Arc<dyn Doors>,
    samples: Mutex<VecDeque<Sample>>,
}

#[derive(Debug)]
struct Sample {
    at: Instant,
    stats: ServiceStats,
    cpu_seconds: f64,
}

/// Over the last three seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Frames that arrived.
    pub frames_per_s: f64,
    /// Frames that were analysed.
    pub analysed_per_s: f64,
    /// Frames not analysed for want of capacity.
    pub skipped_per_s: f64,
    /// Predictions made.
    pub predictions_per_s: f64,
    /// Arrival of a window's newest frame to its prediction; `None` without predictions.
    pub delay_p50_ms: Option<f64>,
    /// Likewise.
    pub delay_p95_ms: Option<f64>,
    /// 100 is one core.
    pub cpu_percent: f64,
}

/// All connections together.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Connections {
    /// Connections now.
    pub open: usize,
    /// Connections at most.
    pub max: usize,
    /// How often the system could not give one that had come.
    pub accept_failures: u64,
    /// Of messages and bodies that are not whole.
    pub receiving_bytes: usize,
    /// `server.receive_memory_mb`.
    pub receiving_max_bytes: usize,
    /// Messages and bodies that were given up so far for want of memory.
    pub given_up: u64,
    /// Those that did not arrive whole in time.
    pub timed_out: u64,
    /// Of Socket.IO messages that wait to be sent.
    pub sending_bytes: usize,
    /// `server.send_memory_mb`.
    pub sending_max_bytes: usize,
    /// Socket.IO sessions without a WebSocket.
    pub polling_sessions: usize,
    /// Of the pixels of single pictures.
    pub decoding_bytes: u64,
    /// `images.decode_memory_mb`.
    pub decoding_max_bytes: u64,
}

impl Telemetry {
    /// Of these parts.
    pub fn new(
        engine: Arc<SharedEngine>,
        recognizer: Arc<Recognizer>,
        relay: Arc<Relay>,
        reader: Arc<Reader>,
        listening: Arc<Listening>,
        doors: Arc<dyn Doors>,
    ) -> Arc<Self> {
        let (samples, cameras) = (Mutex::default(), relay.cameras.clone());
        Arc::new(Self {
            started: Instant::now(),
            engine,
            recognizer,
            cameras,
            relay,
            reader,
            listening,
            doors,
            samples,
        })
    }

    /// Takes samples until `stop`.
    pub async fn sample(self: Arc<Self>, stop: CancellationToken) {
        let mut interval = tokio::time::interval(SAMPLE_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            let sample = Sample {
                at: Instant::now(),
                stats: self.recognizer.stats(),
                cpu_seconds: process::usage().cpu_seconds,
            };
            let mut samples = self.samples.lock();
            if samples.len() > SAMPLES {
                samples.pop_front();
            }
            samples.push_back(sample);
        }
    }

    /// Since the server began.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
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
            polling_sessions: self.doors.polling_sessions(),
            decoding_bytes: self.reader.display.decoding.used(),
            decoding_max_bytes: self.reader.display.decoding.limit(),
        }
    }

    /// Over the last samples.
    pub fn rates(&self) -> Rates {
        let samples = self.samples.lock();
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else {
            return Rates::default();
        };
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return Rates::default();
        }
        let rate = |count: fn(&ServiceStats) -> u64| {
            count(&last.stats).saturating_sub(count(&first.stats)) as f64 / seconds
        };
        let delay = last.stats.delay.since(&first.stats.delay);
        Rates {
            frames_per_s: rate(|s| s.frames),
            analysed_per_s: rate(|s| s.analysed),
            skipped_per_s: rate(|s| s.skipped),
            predictions_per_s: rate(|s| s.predictions),
            delay_p50_ms: delay.quantile_ms(0.5),
            delay_p95_ms: delay.quantile_ms(0.95),
            cpu_percent: (last.cpu_seconds - first.cpu_seconds) / seconds * 100.0,
        }
    }

    /// The text of `/metrics`.
    pub fn prometheus(self: &Arc<Self>) -> Result<String, fmt::Error> {
        prometheus::encode(self)
    }
}
