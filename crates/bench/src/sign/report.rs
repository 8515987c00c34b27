//! The result of one run, as one JSON object. Delays are in milliseconds, memory in bytes.

use std::collections::BTreeMap;

use crate::load::{
    machine::Machine,
    procfs::Memory,
    stats::{Percentiles, Spread},
};
use serde::Serialize;

use super::{churn::ChurnReport, record::Recorder, status::Engine, stuck::StuckReport};
use crate::frames::FrameSummary;

/// Everything that a run has measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// What was asked for.
    pub(crate) run: RunPart,
    pub(crate) machine: Machine,
    pub(crate) clients: ClientsPart,
    /// Frames and replies over the whole run, warm-up included.
    pub(crate) frames: FramesPart,
    /// Delays of frames that were due in the measured time.
    pub(crate) delay_ms: DelayPart,
    /// The same before churn or stuck clients began; absent without them.
    pub(crate) baseline_delay_ms: Option<DelayPart>,
    /// What the model did.
    pub(crate) analysis: AnalysisPart,
    /// Labels of the replies in the measured time.
    pub(crate) labels: BTreeMap<String, u64>,
    pub(crate) server: ServerPart,
    /// What this program cost.
    pub(crate) generator: GeneratorPart,
    /// Sessions that came and went.
    pub(crate) churn: Option<ChurnReport>,
    /// Clients that stopped reading.
    pub(crate) stuck: Option<StuckReport>,
    /// What was wrong; empty if all is well.
    pub(crate) problems: Vec<String>,
}

/// Settings of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunPart {
    /// The server's address as it was given.
    pub(crate) url: String,
    /// Clients that send all the time.
    pub(crate) clients: usize,
    /// Frames per second of each.
    pub(crate) fps: f64,
    /// Measured time; shorter than asked for if the run was interrupted.
    pub(crate) seconds: f64,
    /// Seconds before the measured time in which clients send.
    pub(crate) warmup_s: f64,
    /// `websocket` or `polling`.
    pub(crate) transport: &'static str,
    /// `base64` or `binary`.
    pub(crate) encoding: &'static str,
    /// Whether the extra events were asked for.
    pub(crate) extras: bool,
    /// Whether Ctrl-C ended it.
    pub(crate) interrupted: bool,
    pub(crate) frames: FrameSummary,
    /// Mean size of a frame's message or messages.
    pub(crate) message_bytes: u64,
}

/// How sessions began and ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClientsPart {
    /// Clients that became ready.
    pub(crate) ready: usize,
    /// Clients that were refused at capacity.
    pub(crate) refused: usize,
    /// Clients that became neither ready nor were refused.
    pub(crate) failed: usize,
    /// Ready, and then cut off.
    pub(crate) lost: usize,
    /// Why, with how many clients.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Start of the TCP connection → `status`.
    pub(crate) connect_ms: Percentiles,
}

/// Frames and their replies over the whole run; rates are of the measured time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FramesPart {
    /// Handed to the sockets.
    pub(crate) sent: u64,
    pub(crate) replied: u64,
    /// Sent and not answered.
    pub(crate) missing: u64,
    /// Replies that belong to no frame.
    pub(crate) extra: u64,
    /// Replies that came after the reply to a later frame.
    pub(crate) out_of_order: u64,
    /// Due, but the socket never took them.
    pub(crate) unsent: u64,
    /// `error` events in running sessions.
    pub(crate) error_events: u64,
    /// All replies, extra ones included, divided by frames sent; 1 is right.
    pub(crate) replies_per_frame: Option<f64>,
    /// Frames of the measured time, per second.
    pub(crate) sent_per_s: f64,
    /// What the schedule asked for.
    pub(crate) wanted_per_s: f64,
}

/// Delays between client and server, as the clients measure them.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct DelayPart {
    /// From the moment that the frame was due (never hides a wait in the sender).
    pub(crate) reply_from_due: Percentiles,
    /// From the moment that the socket began to take it.
    pub(crate) reply_from_send: Percentiles,
    /// The difference: how late frames left.
    pub(crate) lateness: Percentiles,
}

/// What the model did in the measured time, as server and clients count it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnalysisPart {
    /// Frames that the model has looked at, of all frames, by the server's counters.
    pub(crate) analysed_share: Option<f64>,
    /// The same per second.
    pub(crate) analysed_per_s: Option<f64>,
    /// Predictions per second by the server's counters.
    pub(crate) predictions_per_s: Option<f64>,
    /// `result` events per second, as the clients got them.
    pub(crate) results_per_s: Option<f64>,
    /// `result` events per second of one client: how even the service is.
    pub(crate) results_per_client_per_s: Option<Spread>,
    /// Frames that were in the window of some prediction, as the clients saw it.
    pub(crate) seen_share: Option<f64>,
    /// Frame due → first prediction that has seen it.
    pub(crate) frame_to_prediction_ms: Percentiles,
    /// Newest frame's arrival at the server → result, as the server says.
    pub(crate) result_age_ms: Percentiles,
}

/// What the server's process used, and what the server says of itself.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ServerPart {
    /// Process id, if it is on this machine and could be found.
    pub(crate) pid: Option<u32>,
    /// Version and settings, as it says.
    pub(crate) version: Option<String>,
    /// The model, as it says.
    pub(crate) model: Option<String>,
    /// Engine, as it says.
    pub(crate) engine: Option<Engine>,
    /// CPUs used on average in the measured time.
    pub(crate) cores: Option<f64>,
    /// CPU time for one frame.
    pub(crate) cpu_ms_per_frame: Option<f64>,
    /// Memory over the run.
    pub(crate) memory: Option<MemoryPart>,
    /// Threads in the middle of the run.
    pub(crate) threads: Option<u64>,
    /// Open files before the clients, with them, and after them.
    pub(crate) open_files: Option<[u64; 3]>,
    /// Clients that the server still counted when all had left.
    pub(crate) clients_after: Option<u64>,
}

/// Memory of the server's process at points of the run.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct MemoryPart {
    /// Before any client has connected.
    pub(crate) idle: Memory,
    /// After a short session of one client, so that what is made once is not counted per client.
    pub(crate) before: Memory,
    /// At the end of the measured time.
    pub(crate) end: Memory,
    /// The largest resident size seen (every second).
    pub(crate) peak_rss_bytes: u64,
    /// A few seconds after the last client left.
    pub(crate) after: Memory,
    /// (end − before) ÷ clients, by resident size.
    pub(crate) per_client_bytes: Option<i64>,
    /// Slope of the resident size over the measured time.
    pub(crate) growth_bytes_per_minute: Option<f64>,
    /// Seconds from the first frame, and resident bytes; at most 120 points.
    pub(crate) series: Vec<(f64, u64)>,
}

/// This program's own cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct GeneratorPart {
    /// CPUs used on average in the measured time.
    pub(crate) cores: Option<f64>,
    /// CPU time for one frame.
    pub(crate) cpu_ms_per_frame: Option<f64>,
}

impl DelayPart {
    /// Of the measured phase.
    pub(crate) fn from_measured(recorder: &Recorder) -> Self {
        Self::from_delays(recorder.measured_delays())
    }

    /// Of the baseline phase.
    pub(crate) fn from_baseline(recorder: &Recorder) -> Self {
        Self::from_delays(recorder.baseline_delays())
    }

    fn from_delays(delays: &super::record::PhaseDelays) -> Self {
        Self {
            reply_from_due: delays.reply_from_due.percentiles(),
            reply_from_send: delays.reply_from_send.percentiles(),
            lateness: delays.lateness.percentiles(),
        }
    }
}

impl Report {
    /// Whether nothing was lost and nothing failed. A refusal at capacity is an answer, as long as
    /// somebody was let in.
    pub(crate) fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Lists in [`Self::problems`] what was lost or failed.
    pub(crate) fn with_problems(mut self) -> Self {
        let mut problems = Vec::new();
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                problems.push(format!("{count} {what}"));
            }
        };
        say(self.frames.missing, "frames without a reply");
        say(self.frames.unsent, "frames that the socket never took");
        say(self.frames.extra, "replies that belong to no frame");
        say(self.frames.out_of_order, "replies out of order");
        say(self.frames.error_events, "error events");
        say(self.clients.failed as u64, "clients that never became ready");
        say(self.clients.lost as u64, "clients that were cut off");
        say(self.churn.as_ref().map_or(0, |churn| churn.failed), "short sessions that failed");
        say(self.churn.as_ref().map_or(0, |churn| churn.not_started), "short sessions not started");
        say(self.stuck.as_ref().map_or(0, |stuck| stuck.failed), "stuck clients that never became ready");
        if self.clients.ready == 0 {
            problems.push("no client became ready".to_owned());
        }
        self.problems = problems;
        self
    }
}
