//! One client's side of the protocol, without its socket: what to answer, what is due, what came back.
//!
//! The transports own the socket and the clock; they hand in texts and instants.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::load::{target::Target, timer::Clockwork};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::{
    packet::{self, Event, FrameMessage, Open, Packet, Prediction},
    record::{End, Outcome, Recorder, Tally},
};
use crate::schedule::{Phase, Plan, Schedule};

/// After the last frame a client stays this long: for predictions that have seen it, and so that the server
/// is looked at with all its clients.
const AFTERGLOW: Duration = Duration::from_secs(1);
/// Window of the contract, used until the server says otherwise.
const DEFAULT_WINDOW: u64 = 10;

/// What all clients of a run share.
pub(crate) struct Shared {
    pub(crate) target: Target,
    /// The pictures, ready to send.
    pub(crate) messages: Vec<FrameMessage>,
    /// Frames per second of one client.
    pub(crate) fps: f64,
    /// Clients that send all the time.
    pub(crate) clients: usize,
    /// Whether the server's extra events are asked for.
    pub(crate) extras: bool,
    /// Keeps the time for all sockets.
    pub(crate) clockwork: Clockwork,
    pub(crate) recorder: Recorder,
    /// The times of the run, once all clients are connected.
    pub(crate) plan: watch::Receiver<Option<Plan>>,
}

/// Held by a client while it connects and dropped when it is ready or has failed: the run begins when all
/// tickets are back.
pub(crate) struct Ticket {
    /// Closes the run's channel with the last clone.
    pub(crate) _pending: mpsc::Sender<()>,
    /// Bounds how many connect at the same time.
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// What the transport does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    None,
    Send(Bytes),
    /// The client has become ready.
    Ready,
    /// The session is over; see [`Session::finish`].
    Over,
}

/// A frame to send.
pub(crate) struct Outgoing {
    pub(crate) text: Bytes,
    /// The binary message behind it, if any.
    pub(crate) attachment: Option<Bytes>,
}

/// A frame that was sent, until its reply comes.
struct Awaited {
    id: u64,
    due: Instant,
    sent: Instant,
    phase: Phase,
}

/// One client's protocol state.
pub(crate) struct Session {
    shared: Arc<Shared>,
    index: usize,
    plan: Option<Plan>,
    schedule: Option<Schedule>,
    /// Frames sent; also the id of the newest one.
    sent: u64,
    unanswered: VecDeque<Awaited>,
    /// The highest id that was answered.
    newest_answered: u64,
    /// Sent and not yet known to be in a prediction's window.
    unseen: VecDeque<Awaited>,
    window: u64,
    started: Instant,
    last_heard: Instant,
    heartbeat: Duration,
    ready: bool,
    end: Option<End>,
    tally: Tally,
}

impl Session {
    /// A client that begins to connect now.
    pub(crate) fn new(shared: Arc<Shared>, index: usize, now: Instant) -> Self {
        Self {
            shared,
            index,
            plan: None,
            schedule: None,
            sent: 0,
            unanswered: VecDeque::new(),
            newest_answered: 0,
            unseen: VecDeque::new(),
            window: DEFAULT_WINDOW,
            started: now,
            last_heard: now,
            heartbeat: super::record::CONNECT_TIMEOUT,
            ready: false,
            end: None,
            tally: Tally::default(),
        }
    }

    /// Takes in one packet that arrived at `now`.
    pub(crate) fn on_text(&mut self, text: &str, now: Instant) -> Reaction {
        self.last_heard = now;
        match packet::parse_packet(text) {
            Ok(Packet::Open(open)) => self.on_open(&open),
            Ok(Packet::Ping) => Reaction::Send(packet::PONG),
            Ok(Packet::Event(event)) => self.on_event(event, now),
            Ok(Packet::Connected | Packet::Ignored) => Reaction::None,
            Ok(Packet::Close) => self.record_loss("the server closed the session"),
            Ok(Packet::Disconnected) => self.record_loss("the server disconnected the client"),
            Ok(Packet::ConnectError(message)) => self.record_loss(&format!("connect error: {message}")),
            Err(error) => self.record_loss(&error.to_string()),
        }
    }

    fn on_open(&mut self, open: &Open) -> Reaction {
        self.heartbeat = open.heartbeat();
        Reaction::Send(packet::connect_packet(self.shared.extras))
    }

    fn on_event(&mut self, event: Event<'_>, now: Instant) -> Reaction {
        match event {
            Event::Status if !self.ready => {
                self.ready = true;
                self.shared.recorder.connect.record(now - self.started);
                return Reaction::Ready;
            }
            Event::Model { window: Some(window) } => self.window = window.max(1),
            Event::Prediction(prediction) => self.on_reply(&prediction, now),
            Event::Result(prediction) => self.on_result(&prediction, now),
            Event::Error(message) if message.contains("capacity") => {
                self.end = Some(End::Refused);
                return Reaction::Over;
            }
            Event::Error(_) => self.tally.error_events += 1,
            Event::Status | Event::Model { .. } | Event::Other => {}
        }
        Reaction::None
    }

    fn on_reply(&mut self, reply: &Prediction<'_>, now: Instant) {
        let position = match reply.id {
            Some(id) => self.unanswered.iter().position(|frame| frame.id == id),
            None if self.unanswered.is_empty() => None,
            None => Some(0),
        };
        let Some(frame) = position.and_then(|at| self.unanswered.remove(at)) else {
            self.tally.extra += 1;
            return;
        };
        self.tally.out_of_order += u64::from(frame.id < self.newest_answered);
        self.newest_answered = self.newest_answered.max(frame.id);
        self.tally.replied += 1;
        self.shared.recorder.count_replied();
        if let Some(delays) = self.shared.recorder.phase_delays(frame.phase) {
            delays.reply_from_due.record(now - frame.due);
            delays.reply_from_send.record(now - frame.sent);
        }
        if frame.phase == Phase::Measured {
            self.tally.measured_replied += 1;
            self.tally.count_label(&reply.label);
        }
        self.on_seen(reply.seen, now);
    }

    fn on_result(&mut self, result: &Prediction<'_>, now: Instant) {
        if self.plan.is_some_and(|plan| now < plan.end && plan.phase(now) == Phase::Measured) {
            self.tally.measured_results += 1;
        }
        let phase = self.plan.map_or(Phase::WarmUp, |plan| plan.phase(now));
        if let (Some(delays), Some(age_ms)) = (self.shared.recorder.phase_delays(phase), result.age_ms) {
            delays.result_age.record(Duration::try_from_secs_f64(age_ms / 1e3).unwrap_or_default());
        }
        self.on_seen(result.seen, now);
    }

    /// A prediction whose newest frame is `seen` has seen that frame and those of its window before it;
    /// an older frame that was still waiting will never be seen.
    fn on_seen(&mut self, seen: Option<u64>, now: Instant) {
        let Some(seen) = seen else { return };
        while let Some(frame) = self.unseen.pop_front_if(|frame| frame.id <= seen) {
            let in_window = frame.id + self.window > seen;
            if in_window && let Some(delays) = self.shared.recorder.phase_delays(frame.phase) {
                delays.frame_to_prediction.record(now - frame.due);
            }
            if frame.phase == Phase::Measured {
                self.tally.measured_seen += u64::from(in_window);
                self.tally.measured_unseen += u64::from(!in_window);
            }
        }
    }

    /// Ends the session for a reason that the client did not choose.
    pub(crate) fn record_loss(&mut self, why: &str) -> Reaction {
        if self.end.is_none() {
            let why = why.to_owned();
            self.end = Some(if self.ready { End::Lost(why) } else { End::Failed(why) });
        }
        Reaction::Over
    }

    /// The run's times became known or changed.
    pub(crate) fn set_plan(&mut self, plan: Option<Plan>) {
        self.plan = plan;
        if let (Some(plan), None) = (plan, self.schedule) {
            self.schedule =
                Some(Schedule::for_client(plan.start, self.shared.fps, self.index, self.shared.clients));
        }
    }

    /// When the next frame is due; `None` before the client is ready, before the plan is known and after
    /// the last frame.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if !self.ready {
            return None;
        }
        let due = self.schedule?.due_at(self.sent);
        (due < self.plan?.end).then_some(due)
    }

    /// The next frame if it is due, counted as sent at `now`. A client that fell behind gets all missed
    /// frames one after the other: none is left out.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Outgoing> {
        let due = self.next_due().filter(|&due| due <= now)?;
        let phase = self.plan?.phase(due);
        self.sent += 1;
        let id = self.sent;
        self.tally.sent += 1;
        self.tally.measured_sent += u64::from(phase == Phase::Measured);
        self.shared.recorder.count_sent();
        if let Some(delays) = self.shared.recorder.phase_delays(phase) {
            delays.lateness.record(now - due);
        }
        self.unanswered.push_back(Awaited { id, due, sent: now, phase });
        if self.shared.extras {
            self.unseen.push_back(Awaited { id, due, sent: now, phase });
        }
        // Clients start at different pictures, so that equal frames do not meet.
        let picture = (self.index * 7 + id as usize) % self.shared.messages.len();
        let message = self.shared.messages.get(picture)?;
        Some(Outgoing {
            text: message.text(self.shared.extras.then_some(id)),
            attachment: message.attachment(),
        })
    }

    /// When [`Self::check`] has something to decide, whatever else happens.
    pub(crate) fn next_check(&self) -> Instant {
        let silence = self.last_heard + self.heartbeat;
        let Some(plan) = self.plan else { return silence };
        let answered = self.unanswered.is_empty() && self.next_due().is_none();
        let leave = if answered { plan.end + AFTERGLOW } else { plan.give_up };
        silence.min(leave)
    }

    /// Whether the session goes on at `now`: it ends a second after the last frame if all are answered, when
    /// the time to wait for them is over, or when the server has been silent for too long.
    pub(crate) fn check_time(&mut self, now: Instant) -> Reaction {
        if now >= self.last_heard + self.heartbeat {
            let why = if self.ready { "no ping from the server in time" } else { "not ready in time" };
            return self.record_loss(why);
        }
        let Some(plan) = self.plan else {
            return Reaction::None;
        };
        let answered = self.unanswered.is_empty() && self.next_due().is_none();
        if now >= plan.give_up || answered && now >= plan.end + AFTERGLOW {
            self.end.get_or_insert(End::Left);
            return Reaction::Over;
        }
        Reaction::None
    }

    /// Whether the client leaves of its own will, so that it takes leave of the server.
    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self.end, Some(End::Left | End::Refused))
    }

    /// Closes the books. Frames without a reply count with the delay that they have reached, so that
    /// losing replies never makes the percentiles better.
    pub(crate) fn finish(mut self, now: Instant) -> Outcome {
        while self.next_due().is_some_and(|due| due <= now) {
            let Some((due, plan)) = self.next_due().zip(self.plan) else {
                break;
            };
            if let Some(delays) = self.shared.recorder.phase_delays(plan.phase(due)) {
                delays.reply_from_due.record(now - due);
                delays.lateness.record(now - due);
            }
            self.tally.unsent += 1;
            self.sent += 1;
        }
        for frame in &self.unanswered {
            if let Some(delays) = self.shared.recorder.phase_delays(frame.phase) {
                delays.reply_from_due.record(now - frame.due);
                delays.reply_from_send.record(now - frame.sent);
            }
        }
        let end = self.end.unwrap_or(End::Left);
        Outcome { end, was_ready: self.ready, tally: self.tally }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
