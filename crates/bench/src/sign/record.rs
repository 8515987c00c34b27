//! What is counted and timed while clients run.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::load::stats::Delays;
use hdrhistogram::CreationError;

use crate::schedule::Phase;

/// Delays of all clients, per phase of the run.
pub(crate) struct Recorder {
    baseline: PhaseDelays,
    measured: PhaseDelays,
    /// From the start of the TCP connection to the `status` event.
    pub(crate) connect: Delays,
    /// For the progress line: frames sent so far.
    pub(crate) live_sent: AtomicU64,
    /// For the progress line: replies so far.
    pub(crate) live_replied: AtomicU64,
}

/// Delays within one phase.
pub(crate) struct PhaseDelays {
    /// Frame due → reply: what a user of a camera would see, waiting in our own socket included.
    pub(crate) reply_from_due: Delays,
    /// Frame handed to the socket → reply.
    pub(crate) reply_from_send: Delays,
    /// Frame due → frame handed to the socket.
    pub(crate) lateness: Delays,
    /// Frame due → first prediction that has seen it (extras).
    pub(crate) frame_to_prediction: Delays,
    /// Arrival of the newest frame at the server → result, as the server says (extras).
    pub(crate) result_age: Delays,
}

impl Recorder {
    pub(crate) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            baseline: PhaseDelays::new()?,
            measured: PhaseDelays::new()?,
            connect: Delays::new()?,
            live_sent: AtomicU64::new(0),
            live_replied: AtomicU64::new(0),
        })
    }

    /// The delays of a phase; the warm-up has none.
    pub(crate) fn phase_delays(&self, phase: Phase) -> Option<&PhaseDelays> {
        match phase {
            Phase::WarmUp => None,
            Phase::Baseline => Some(&self.baseline),
            Phase::Measured => Some(&self.measured),
        }
    }

    /// The delays that the report is about.
    pub(crate) fn measured_delays(&self) -> &PhaseDelays {
        &self.measured
    }

    /// The delays to compare them with.
    pub(crate) fn baseline_delays(&self) -> &PhaseDelays {
        &self.baseline
    }

    /// One frame was handed to a socket.
    pub(crate) fn count_sent(&self) {
        self.live_sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a reply for the progress line.
    pub(crate) fn count_replied(&self) {
        self.live_replied.fetch_add(1, Ordering::Relaxed);
    }
}

impl PhaseDelays {
    fn new() -> Result<Self, CreationError> {
        Ok(Self {
            reply_from_due: Delays::new()?,
            reply_from_send: Delays::new()?,
            lateness: Delays::new()?,
            frame_to_prediction: Delays::new()?,
            result_age: Delays::new()?,
        })
    }
}

/// How a client's session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It left when its work was done.
    Left,
    /// The server was at capacity.
    Refused,
    /// It never became ready.
    Failed(String),
    /// It was ready and lost its session.
    Lost(String),
}

/// What one client counted. The first group is over the whole run, the second over frames that were due
/// in the measured phase.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Frames handed to the socket.
    pub(crate) sent: u64,
    /// Frames that were due and never handed to the socket.
    pub(crate) unsent: u64,
    /// Replies that belong to a frame.
    pub(crate) replied: u64,
    /// Replies that belong to none, or to one that was answered before.
    pub(crate) extra: u64,
    /// Replies that came after the reply to a later frame.
    pub(crate) out_of_order: u64,
    /// `error` events in a running session.
    pub(crate) error_events: u64,

    /// Frames handed to the socket.
    pub(crate) measured_sent: u64,
    /// Replies to the frames of the measured phase.
    pub(crate) measured_replied: u64,
    /// `result` events that came in the phase (extras).
    pub(crate) measured_results: u64,
    /// Frames that were in the window of some prediction (extras).
    pub(crate) measured_seen: u64,
    /// Frames that no prediction had in its window (extras).
    pub(crate) measured_unseen: u64,
    /// Labels of the replies.
    pub(crate) labels: BTreeMap<String, u64>,
}

impl Tally {
    /// Frames that were sent and not answered.
    pub(crate) fn missing(&self) -> u64 {
        self.sent.saturating_sub(self.replied)
    }

    /// Counts a label without allocating where it is known already.
    pub(crate) fn count_label(&mut self, label: &str) {
        if let Some(count) = self.labels.get_mut(label) {
            *count += 1;
        } else {
            self.labels.insert(label.to_owned(), 1);
        }
    }

    /// Adds another client's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.unsent += other.unsent;
        self.replied += other.replied;
        self.extra += other.extra;
        self.out_of_order += other.out_of_order;
        self.error_events += other.error_events;
        self.measured_sent += other.measured_sent;
        self.measured_replied += other.measured_replied;
        self.measured_results += other.measured_results;
        self.measured_seen += other.measured_seen;
        self.measured_unseen += other.measured_unseen;
        for (label, count) in &other.labels {
            *self.labels.entry(label.clone()).or_insert(0) += count;
        }
    }
}

/// What a client brings home.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// Whether it became ready.
    pub(crate) was_ready: bool,
    pub(crate) tally: Tally,
}

/// Time after which an attempt to connect has failed.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
