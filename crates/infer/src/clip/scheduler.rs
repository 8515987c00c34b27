//! Decides whose frames are analysed.
//!
//! Pure state: no thread, no lock, no clock of its own (every call is given `now`), so that overload can be
//! simulated in a test. [`super::service`] drives it.
//!
//! A prediction needs the last N frames *without a gap*, so past capacity it is useless to analyse a share of
//! everyone's frames. Instead a client is either **running** (every frame it sends is analysed, and from the
//! N-th on each gives a prediction) or **waiting** (its frames are answered with the newest result, but neither
//! kept nor decoded). What follows from it:
//!
//! - below capacity everyone runs, and every frame is analysed;
//! - past capacity the clients take turns. Whoever has waited for [`Options::turn_gap`] makes the one who was served
//!   most give way, but never before that one had its prediction; who was served least begins next. So runs get
//!   shorter as the load grows, down to windows that touch no other (disjoint windows), and all shares stay the same;
//! - a waiting client costs no memory, and a running one at most a window of frames.
//!
//! Where a prediction costs far more than a frame does (a network over the whole window, [`Options::stride`] above 1),
//! a running client's frames are all kept but not each gives a prediction: a worker takes all that wait and predicts
//! once. Whose frames wait longest is next.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Names one client of one scheduler; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u64);

/// What the scheduler goes by.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Frames in a window (the model's N).
    pub window: usize,
    /// Worker threads that analyse frames.
    pub workers: usize,
    /// Frames that a running client may be behind for long once it had its first prediction. A burst may be longer: it
    /// is over at once where there is room for it.
    pub max_lag: usize,
    /// How long a client waits before another has to give way.
    pub turn_gap: Duration,
    /// Frames a second of one client that are analysed at most.
    pub max_fps: f32,
    /// Frames of a client that may share a prediction: clients are let in up to the load at which they do.
    pub stride: usize,
    /// Wall time one worker needs for a frame, until it has been measured.
    pub frame_cost: Duration,
    /// Wall time one worker needs for a prediction beside that of its frames, until it has been measured.
    pub prediction_cost: Duration,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will be analysed.
    Queued,
    /// Not analysed: it is not this client's turn, or it is too far behind.
    Skipped,
    /// Not analysed: this client sends more than [`Options::max_fps`].
    Excess,
}

/// Work for one worker: the oldest frames of one client's run, and its window.
#[derive(Debug)]
pub struct Job<F, W> {
    /// Whose frames.
    pub client: ClientId,
    /// In the order they arrived; at least one.
    pub frames: Vec<F>,
    /// What is known of the frames before; fresh at the start of a run.
    pub window: W,
    run: u64,
}

/// What a worker made of a [`Job`].
#[derive(Debug)]
pub struct Outcome<W> {
    /// The window with the frames added that could be analysed.
    pub window: W,
    /// How many frames were analysed; the others were broken and leave the window.
    pub analysed: usize,
    /// Wall time that the worker spent on the frames.
    pub spent: Duration,
    /// Wall time that the worker spent on the prediction, where that is not counted by frames.
    pub predicting: Option<Duration>,
    /// The window has a gap, because the model failed on a frame: the run is over.
    pub lost: bool,
}

impl<W: Default> Outcome<W> {
    /// The model failed.
    pub fn lost() -> Self {
        Self { window: W::default(), analysed: 0, spent: Duration::ZERO, predicting: None, lost: true }
    }
}

#[derive(Debug)]
enum Phase {
    Waiting {
        since: Instant,
    },
    Running {
        /// Frames let in, analysed or not.
        accepted: usize,
        analysed: usize,
        /// A frame was missed after the window was complete: the run ends when that window is done.
        missed: bool,
    },
}

#[derive(Debug)]
struct Client<F, W> {
    /// Predictions made so far, or credited so as not to be too far behind the others.
    served: u64,
    /// Order of service, the lowest first: `served`, as it was at most a [`QUANTUM`] ago.
    turn: u64,
    /// Its place in [`Scheduler::ready`], where it is there.
    place: u64,
    phase: Phase,
    /// Number of this client's runs so far; work for an earlier run is not taken back.
    run: u64,
    pending: VecDeque<(Instant, F)>,
    /// `None` while waiting, and while a worker has it.
    window: Option<W>,
    /// A worker is at work on this client: there is never a second one.
    in_service: bool,
    last_frame: Option<Instant>,
    /// Smoothed time between frames, in seconds.
    interval: f32,
    /// Frames it may send at once above its rate.
    tokens: f32,
}

/// See the module.
#[derive(Debug)]
pub struct Scheduler<F, W> {
    options: Options,
    clients: HashMap<ClientId, Client<F, W>>,
    /// Running clients with pending frames that no worker has, the next one first.
    ready: BTreeSet<(u64, ClientId)>,
    /// What places by age are counted from.
    began: Option<Instant>,
    next: u64,
    /// Smoothed wall time of a frame on one worker, in seconds.
    frame_cost: f32,
    /// Smoothed wall time of a prediction on one worker beside that of its frames, in seconds.
    prediction_cost: f32,
    load: Load,
}

/// Frames a second of all running clients, recomputed at most every [`LOAD_AGE`].
#[derive(Debug)]
struct Load {
    fps: f32,
    at: Option<Instant>,
}

const LOAD_AGE: Duration = Duration::from_millis(5);
/// A client that has been silent for so long neither counts as load nor holds a place in the order.
const SILENT: Duration = Duration::from_millis(500);
/// New runs start only while the pending frames are younger than this.
const MAX_BACKLOG: Duration = Duration::from_millis(80);
/// A run whose frames have waited longer is given up.
const MAX_WAIT: Duration = Duration::from_millis(150);
/// Assumed of a client that has not sent two frames yet.
const USUAL_INTERVAL: f32 = 0.04;
/// A client may send so much of its rate at once.
const BURST: Duration = Duration::from_millis(500);
/// Predictions that the most served client may be ahead of any other.
const MAX_LEAD: u64 = 4 * QUANTUM;
/// Share of the capacity that is given out; the rest absorbs jitter.
const USABLE: f32 = 0.97;
/// A running client keeps its place in the order for so many predictions, so that when the capacity sinks some windows
/// are lost whole instead of all of them by a little; and no longer, so that it is not always the same ones.
const QUANTUM: u64 = 25;
const COST_SMOOTHING: f32 = 0.01;
const INTERVAL_SMOOTHING: f32 = 0.15;

impl<F, W: Default> Scheduler<F, W> {
    /// A scheduler without clients.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            clients: HashMap::new(),
            ready: BTreeSet::new(),
            next: 0,
            began: None,
            frame_cost: options.frame_cost.as_secs_f32().max(1e-6),
            prediction_cost: options.prediction_cost.as_secs_f32(),
            load: Load { fps: 0.0, at: None },
        }
    }

    /// A new client.
    pub fn join(&mut self, now: Instant) -> ClientId {
        self.next += 1;
        let id = ClientId(self.next);
        self.clients.insert(
            id,
            Client {
                served: 0,
                turn: 0,
                place: 0,
                phase: Phase::Waiting { since: now },
                run: 0,
                pending: VecDeque::new(),
                window: None,
                in_service: false,
                last_frame: None,
                interval: USUAL_INTERVAL,
                tokens: self.options.max_fps * BURST.as_secs_f32(),
            },
        );
        id
    }

    /// The client has left: its frames and its window are dropped at once (a window that a worker holds, when it
    /// comes back).
    pub fn leave(&mut self, id: ClientId) {
        if let Some(client) = self.clients.remove(&id) {
            self.ready.remove(&(client.place, id));
            self.load.at = None;
        }
    }

    /// The end: nothing of any client is kept.
    pub fn clear(&mut self) {
        self.clients.clear();
        self.ready.clear();
    }

    /// Clients that have joined and not left.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Clients whose frames are being analysed now.
    pub fn running(&self) -> usize {
        self.clients.values().filter(|c| matches!(c.phase, Phase::Running { .. })).count()
    }

    /// Frames waiting for a worker.
    pub fn pending(&self) -> usize {
        self.clients.values().map(|c| c.pending.len()).sum()
    }

    /// Jobs that [`Scheduler::take`] has to give: a frame of a client that a worker has is that worker's.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Frames a second that the workers can analyse, as measured.
    pub fn capacity_fps(&self) -> f32 {
        self.options.workers as f32 / (self.frame_cost + self.prediction_cost / self.options.stride as f32)
    }

    /// Takes a frame of `id` that arrived `now`.
    pub fn push(&mut self, now: Instant, id: ClientId, frame: F) -> Verdict {
        let options = self.options;
        self.bound_lead(now, id);
        let Some(client) = self.clients.get_mut(&id) else {
            return Verdict::Skipped;
        };
        if !client.pace(now, options.max_fps) {
            return Verdict::Excess;
        }
        if let Phase::Waiting { since } = client.phase {
            let waited = now.saturating_duration_since(since);
            let admitted = self.admit(now, id) || {
                if waited >= options.turn_gap {
                    self.make_way(now, id);
                }
                self.admit(now, id)
            };
            if !admitted {
                return Verdict::Skipped;
            }
        }
        if self.is_stale(now, id) {
            self.end_run(now, id);
            return Verdict::Skipped;
        }
        let Some(client) = self.clients.get_mut(&id) else {
            return Verdict::Skipped;
        };
        let Phase::Running { accepted, analysed, missed } = &mut client.phase else {
            return Verdict::Skipped;
        };
        if *missed {
            return Verdict::Skipped;
        }
        let oldest =
            client.pending.front().map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at));
        let pending = client.pending.len();
        // Where frames share a prediction, those that come during a long one share the next.
        let waits = oldest > options.max_wait() && !(options.stride > 1 && client.in_service);
        let behind = pending >= options.window || (pending >= options.max_lag && waits);
        if *accepted >= options.window && behind {
            if *analysed < options.window {
                *missed = true;
            } else {
                self.end_run(now, id);
            }
            return Verdict::Skipped;
        }
        *accepted += 1;
        client.pending.push_back((now, frame));
        self.make_ready(now, id);
        Verdict::Queued
    }

    /// The next work, at most `max_frames` of one client, or `None` while there is nothing to do.
    pub fn take(&mut self, max_frames: usize) -> Option<Job<F, W>> {
        while let Some((_, id)) = self.ready.pop_first() {
            let Some(client) = self.clients.get_mut(&id) else {
                continue;
            };
            let Some(window) = client.window.take() else {
                continue;
            };
            client.in_service = true;
            let count = client.pending.len().min(max_frames.max(1));
            let frames = client.pending.drain(..count).map(|(_, frame)| frame).collect();
            return Some(Job { client: id, frames, window, run: client.run });
        }
        None
    }

    /// A worker has ended a job of `frames` frames. Returns false if the client has left: nobody wants the result.
    pub fn done(&mut self, now: Instant, job: JobId, outcome: Outcome<W>) -> bool {
        let cost = outcome.spent.as_secs_f32() / job.frames.max(1) as f32;
        self.frame_cost += COST_SMOOTHING * (cost - self.frame_cost);
        if let Some(predicting) = outcome.predicting {
            self.prediction_cost += COST_SMOOTHING * (predicting.as_secs_f32() - self.prediction_cost);
        }
        let window_frames = self.options.window;
        let Some(client) = self.clients.get_mut(&job.client) else {
            return false;
        };
        client.in_service = false;
        if client.run != job.run {
            return true; // the run ended meanwhile, and its window with it
        }
        if outcome.lost {
            self.end_run(now, job.client);
            return true;
        }
        client.window = Some(outcome.window);
        if let Phase::Running { accepted, analysed, missed } = &mut client.phase {
            let before = analysed.saturating_sub(window_frames - 1);
            *analysed += outcome.analysed;
            client.served += (analysed.saturating_sub(window_frames - 1) - before) as u64;
            *accepted = accepted.saturating_sub(job.frames - outcome.analysed);
            if *missed && (*analysed >= window_frames || client.pending.is_empty()) {
                self.end_run(now, job.client);
                return true;
            }
        }
        if client.served >= client.turn + QUANTUM {
            client.turn = client.served;
        }
        self.make_ready(now, job.client);
        true
    }

    /// Gives a client with pending frames that no worker has its place in the order.
    fn make_ready(&mut self, now: Instant, id: ClientId) {
        let began = *self.began.get_or_insert(now);
        let Some(client) = self.clients.get_mut(&id).filter(|c| c.window.is_some()) else {
            return;
        };
        let Some((oldest, _)) = client.pending.front() else {
            return;
        };
        self.ready.remove(&(client.place, id));
        client.place = if self.options.stride > 1 {
            oldest.saturating_duration_since(began).as_micros() as u64
        } else {
            client.turn
        };
        self.ready.insert((client.place, id));
    }

    /// Lets a waiting client begin a run if there is room for it after those that have waited longer.
    fn admit(&mut self, now: Instant, id: ClientId) -> bool {
        if self.backlog(now) > self.options.max_backlog() {
            return false;
        }
        let room = self.capacity_fps() * USABLE - self.load(now);
        if room <= 0.0 {
            return false;
        }
        let Some(client) = self.clients.get(&id).filter(|c| !c.in_service) else {
            return false;
        };
        let (turn, fps) = (client.turn, client.fps());
        let ahead: f32 = self
            .clients
            .values()
            .filter(|c| c.turn < turn && matches!(c.phase, Phase::Waiting { .. }) && c.is_active(now))
            .map(Client::fps)
            .sum();
        if room <= ahead {
            return false;
        }
        self.load.fps += fps;
        if let Some(client) = self.clients.get_mut(&id) {
            client.window = Some(W::default());
            client.phase = Phase::Running { accepted: 0, analysed: 0, missed: false };
        }
        true
    }

    /// Ends the run of the client that was served most and had its prediction, for the sake of `waiting`.
    fn make_way(&mut self, now: Instant, waiting: ClientId) {
        let window = self.options.window;
        let most = self
            .clients
            .iter()
            .filter(|(_, c)| matches!(c.phase, Phase::Running { analysed, .. } if analysed >= window))
            .filter(|(_, c)| c.is_active(now))
            .max_by_key(|(id, c)| (c.served, **id))
            .map(|(id, _)| *id);
        if let Some(most) = most {
            self.end_run(now, most);
            if let Some(Client { phase: Phase::Waiting { since }, .. }) = self.clients.get_mut(&waiting) {
                *since = now;
            }
        }
    }

    /// From running to waiting.
    fn end_run(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        self.ready.remove(&(client.place, id));
        client.turn = client.served;
        client.pending.clear();
        client.window = None;
        client.run += 1;
        client.phase = Phase::Waiting { since: now };
        self.load.at = None;
    }

    /// Age of the oldest frame of the running client that is worst off: the one who is served last or, in the order of
    /// age, who is next.
    fn backlog(&self, now: Instant) -> Duration {
        let worst = if self.options.stride > 1 { self.ready.first() } else { self.ready.last() };
        worst
            .and_then(|(_, id)| self.clients.get(id))
            .and_then(|c| c.pending.front())
            .map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at))
    }

    /// Whether a client's frames have waited so long that its prediction would be of the past. Never so for the one who
    /// is next: a model may be too slow for a single client, and has to answer it all the same.
    fn is_stale(&self, now: Instant, id: ClientId) -> bool {
        let Some(client) = self.clients.get(&id) else { return false };
        let oldest =
            client.pending.front().map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at));
        let is_next = client.in_service || self.ready.first().is_some_and(|(_, next)| *next == id);
        oldest > self.options.max_wait() && !is_next
    }

    fn load(&mut self, now: Instant) -> f32 {
        if self.load.at.is_none_or(|at| now.saturating_duration_since(at) > LOAD_AGE) {
            self.load.fps = self
                .clients
                .values()
                .filter(|c| matches!(c.phase, Phase::Running { .. }) && c.is_active(now))
                .map(Client::fps)
                .sum();
            self.load.at = Some(now);
        }
        self.load.fps
    }

    /// Nobody may be further behind the one who was served most than a few turns: who was silent, slow or not yet there
    /// has no claim to what the others had meanwhile, and would else keep them waiting for as long as that took.
    fn bound_lead(&mut self, now: Instant, id: ClientId) {
        let most = self.clients.values().filter(|c| c.is_active(now)).map(|c| c.served).max();
        let least = most.unwrap_or(0).saturating_sub(MAX_LEAD);
        let Some(client) = self.clients.get_mut(&id).filter(|c| c.served < least) else { return };
        client.served = least;
        client.turn = least;
        if self.ready.contains(&(client.place, id)) {
            self.make_ready(now, id);
        }
    }
}

impl Options {
    /// See [`MAX_BACKLOG`]. Frames that share a prediction wait for one another.
    fn max_backlog(&self) -> Duration {
        MAX_BACKLOG * if self.stride > 1 { 2 } else { 1 }
    }

    /// See [`MAX_WAIT`].
    fn max_wait(&self) -> Duration {
        MAX_WAIT * if self.stride > 1 { 2 } else { 1 }
    }
}

/// What a worker must remember of a [`Job`] to hand it back.
#[derive(Clone, Copy, Debug)]
pub struct JobId {
    client: ClientId,
    run: u64,
    frames: usize,
}

impl<F, W> Job<F, W> {
    /// Call before taking the frames out.
    pub fn id(&self) -> JobId {
        JobId { client: self.client, run: self.run, frames: self.frames.len() }
    }
}

impl<F, W> Client<F, W> {
    /// Notes a frame's arrival; false if the client is above its rate.
    fn pace(&mut self, now: Instant, max_fps: f32) -> bool {
        if let Some(last) = self.last_frame {
            let elapsed = now.saturating_duration_since(last).as_secs_f32();
            self.tokens = (self.tokens + elapsed * max_fps).min(max_fps * BURST.as_secs_f32());
            if elapsed < SILENT.as_secs_f32() {
                self.interval += INTERVAL_SMOOTHING * (elapsed.max(1.0 / max_fps) - self.interval);
            }
        }
        self.last_frame = Some(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    fn fps(&self) -> f32 {
        1.0 / self.interval.max(1e-3)
    }

    fn is_active(&self, now: Instant) -> bool {
        self.last_frame.is_some_and(|at| now.saturating_duration_since(at) < SILENT)
    }
}

#[cfg(test)]
mod tests;
