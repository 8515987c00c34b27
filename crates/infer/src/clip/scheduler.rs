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
mod tests {
    use super::*;

    const WINDOW: usize = 10;
    const FPS: u32 = 25;

    #[derive(Default, Clone, Debug)]
    struct Seen(Vec<u64>);

    /// A worker's job: when it ends, and what it is of.
    type Busy = (Instant, Instant, JobId, Vec<u64>, Seen);

    /// Clients that send `FPS` frames a second to `workers` workers, each of whom needs `cost` a frame.
    struct Simulation {
        scheduler: Scheduler<u64, Seen>,
        clients: Vec<ClientId>,
        workers: Vec<Option<Busy>>,
        clock: Instant,
        cost: Duration,
        prediction_cost: Duration,
        /// Every other 300 ms a frame costs this many times more, as when something else takes the cores.
        disturbance: u32,
        /// Frames arrive so many at once.
        burst: u32,
        max_frames: usize,
        /// Clients that send nothing.
        absent: std::ops::Range<usize>,
        /// Sends one frame of five.
        slow: Option<usize>,
        sent: Vec<u64>,
        analysed: Vec<u64>,
        /// Per client: arrival of the window's newest frame, and end of the run.
        predictions: Vec<Vec<(Instant, Instant)>>,
        most_pending: usize,
        arrivals: HashMap<(usize, u64), Instant>,
        verdicts: HashMap<&'static str, u64>,
    }

    impl Simulation {
        fn new(clients: usize, workers: usize, cost: Duration) -> Self {
            let now = Instant::now();
            let mut scheduler = Scheduler::new(Options {
                window: WINDOW,
                workers,
                max_lag: 3,
                turn_gap: Duration::from_secs(1),
                max_fps: 60.0,
                stride: 1,
                frame_cost: cost,
                prediction_cost: Duration::ZERO,
            });
            let ids = (0..clients).map(|_| scheduler.join(now)).collect();
            Self {
                scheduler,
                clients: ids,
                workers: (0..workers).map(|_| None).collect(),
                clock: now,
                cost,
                prediction_cost: Duration::ZERO,
                disturbance: 1,
                burst: 1,
                max_frames: 1,
                absent: 0..0,
                slow: None,
                sent: vec![0; clients],
                analysed: vec![0; clients],
                predictions: vec![Vec::new(); clients],
                most_pending: 0,
                arrivals: HashMap::new(),
                verdicts: HashMap::new(),
            }
        }

        fn run(&mut self, length: Duration) {
            let start = self.clock;
            let step = Duration::from_micros(250);
            let interval = Duration::from_secs(1) / FPS;
            let count = self.clients.len() as u32;
            let mut next: Vec<Instant> = (0..count).map(|i| start + interval * i / count).collect();
            let mut now = start;
            while now < start + length {
                for (i, next) in next.iter_mut().enumerate() {
                    if *next > now {
                        continue;
                    }
                    let rarely = if self.slow == Some(i) { 5 } else { 1 };
                    *next += interval * self.burst * rarely;
                    if self.absent.contains(&i) {
                        continue;
                    }
                    for _ in 0..self.burst {
                        self.sent[i] += 1;
                        self.arrivals.insert((i, self.sent[i]), now);
                        let verdict = match self.scheduler.push(now, self.clients[i], self.sent[i]) {
                            Verdict::Queued => "queued",
                            Verdict::Skipped => "skipped",
                            Verdict::Excess => "excess",
                        };
                        *self.verdicts.entry(verdict).or_default() += 1;
                    }
                }
                self.most_pending = self.most_pending.max(self.scheduler.pending());
                for worker in 0..self.workers.len() {
                    if let Some((until, ..)) = &self.workers[worker]
                        && *until <= now
                        && let Some((_, since, id, frames, window)) = self.workers[worker].take()
                    {
                        self.finish(now, since, id, &frames, window);
                    }
                    if self.workers[worker].is_none()
                        && let Some(job) = self.scheduler.take(self.max_frames)
                    {
                        let id = job.id();
                        let disturbed = now.duration_since(start).as_millis() / 300 % 2 == 1;
                        let times = if disturbed { self.disturbance } else { 1 };
                        let until = now + self.cost * times * job.frames.len() as u32 + self.prediction_cost;
                        self.workers[worker] = Some((until, now, id, job.frames, job.window));
                    }
                }
                now += step;
            }
            self.clock = now;
        }

        fn finish(&mut self, now: Instant, since: Instant, id: JobId, frames: &[u64], mut window: Seen) {
            let client = self.clients.iter().position(|c| *c == id.client).unwrap();
            window.0.extend(frames);
            self.analysed[client] += frames.len() as u64;
            let excess = window.0.len().saturating_sub(WINDOW);
            window.0.drain(..excess);
            if window.0.len() == WINDOW {
                let consecutive = window.0.windows(2).all(|w| w[1] == w[0] + 1);
                assert!(consecutive, "a window has a gap: {:?}", window.0);
                let arrived = self.arrivals[&(client, window.0[WINDOW - 1])];
                self.predictions[client].push((arrived, now));
            }
            let spent = now.duration_since(since);
            // In the place of the measurement of each part.
            let predicting = (self.prediction_cost > Duration::ZERO).then(|| spent.min(self.prediction_cost));
            let spent = spent.saturating_sub(predicting.unwrap_or_default());
            let outcome = Outcome { window, analysed: frames.len(), spent, predicting, lost: false };
            self.scheduler.done(now, id, outcome);
        }

        fn predictions_per_s(&self, length: Duration) -> f64 {
            self.predictions.iter().map(Vec::len).sum::<usize>() as f64 / length.as_secs_f64()
        }

        fn slowest(&self) -> Duration {
            self.predictions.iter().flatten().map(|(a, b)| b.duration_since(*a)).max().unwrap_or_default()
        }
    }

    const LENGTH: Duration = Duration::from_secs(40);
    /// Two workers at 2 ms a frame: 1,000 frames a second, 40 clients.
    const COST: Duration = Duration::from_millis(2);

    #[test]
    fn below_capacity_every_frame_is_analysed() {
        let mut simulation = Simulation::new(30, 2, COST);
        simulation.run(LENGTH);
        assert_eq!(simulation.verdicts.get("skipped"), None, "{:?}", simulation.verdicts);
        let expected = 30.0 * f64::from(FPS);
        assert!(simulation.predictions_per_s(LENGTH) > 0.97 * expected);
        assert!(simulation.slowest() < Duration::from_millis(40), "{:?}", simulation.slowest());
    }

    #[test]
    fn past_capacity_every_client_gets_the_same_share_and_nothing_grows() {
        for clients in [44, 60, 80, 160] {
            let mut simulation = Simulation::new(clients, 2, COST);
            simulation.run(LENGTH);
            let counts: Vec<usize> = simulation.predictions.iter().map(Vec::len).collect();
            let (least, most) = (*counts.iter().min().unwrap(), *counts.iter().max().unwrap());
            let analysed: u64 = simulation.analysed.iter().sum();
            let used = analysed as f64 / LENGTH.as_secs_f64() / 1000.0;
            println!(
                "{clients} clients: {:.0} predictions/s, {used:.2} of the capacity used, per client {least} to {most}, \
                 slowest {:?}, most pending {}",
                simulation.predictions_per_s(LENGTH),
                simulation.slowest(),
                simulation.most_pending,
            );
            assert!(
                least as f64 > 0.9 * most as f64 || most - least <= 10,
                "{clients} clients: {least} to {most}"
            );
            assert!(used > 0.85, "{clients} clients: {used} of the capacity used");
            assert!(simulation.slowest() < Duration::from_millis(250), "{:?}", simulation.slowest());
            assert!(simulation.most_pending < 2 * clients + 10, "{}", simulation.most_pending);
        }
    }

    /// Two workers, 1 ms a frame and 20 ms a prediction: 12 clients if three frames share one, 3 if none do.
    fn whole_windows(clients: usize) -> Simulation {
        let mut simulation = Simulation::new(clients, 2, Duration::from_millis(1));
        simulation.prediction_cost = Duration::from_millis(20);
        simulation.max_frames = WINDOW;
        simulation.scheduler.options.stride = 3;
        simulation.scheduler.prediction_cost = simulation.prediction_cost.as_secs_f32();
        simulation
    }

    #[test]
    fn where_a_prediction_is_dear_frames_share_one_instead_of_clients_waiting() {
        for clients in [2, 6, 9] {
            let mut simulation = whole_windows(clients);
            simulation.run(LENGTH);
            assert_eq!(simulation.verdicts.get("skipped"), None, "{clients}: {:?}", simulation.verdicts);
            let share = simulation.predictions_per_s(LENGTH) / clients as f64;
            let least = if clients == 2 { 24.0 } else { 7.5 };
            assert!(share > least, "{clients} clients: {share} predictions/s each");
            assert!(simulation.slowest() < Duration::from_millis(200), "{:?}", simulation.slowest());
        }
    }

    #[test]
    fn past_capacity_whole_windows_are_shared_out_alike() {
        for clients in [14, 24, 48] {
            let mut simulation = whole_windows(clients);
            let length = LENGTH * 2;
            simulation.run(length);
            let counts: Vec<usize> = simulation.predictions.iter().map(Vec::len).collect();
            let (least, most) = (*counts.iter().min().unwrap(), *counts.iter().max().unwrap());
            println!(
                "{clients} clients: {:.0} predictions/s, per client {least} to {most}, slowest {:?}, most pending {}",
                simulation.predictions_per_s(length),
                simulation.slowest(),
                simulation.most_pending,
            );
            assert!(least as f64 > 0.9 * most as f64 || most - least <= 10, "{clients}: {least} to {most}");
            // Each turn gives at least one prediction, and costs a whole window of frames.
            assert!(simulation.predictions_per_s(length) > 20.0, "{clients}");
            assert!(simulation.slowest() < Duration::from_millis(400), "{:?}", simulation.slowest());
            assert!(simulation.most_pending < 8 * clients, "{}", simulation.most_pending);
        }
    }

    #[test]
    fn shares_stay_the_same_while_the_capacity_comes_and_goes() {
        for clients in [20, 35, 60] {
            let mut simulation = Simulation::new(clients, 2, COST);
            simulation.disturbance = 4;
            simulation.run(LENGTH);
            let counts: Vec<usize> = simulation.predictions.iter().map(Vec::len).collect();
            let (least, most) = (*counts.iter().min().unwrap(), *counts.iter().max().unwrap());
            println!(
                "{clients} disturbed clients: {:.0} predictions/s, per client {least} to {most}, slowest {:?}, \
                 most pending {}",
                simulation.predictions_per_s(LENGTH),
                simulation.slowest(),
                simulation.most_pending,
            );
            assert!(least as f64 > 0.75 * most as f64, "{clients} clients: {least} to {most}");
            assert!(simulation.most_pending < WINDOW * clients / 2, "{}", simulation.most_pending);
        }
    }

    #[test]
    fn bursts_lose_nothing_where_there_is_room() {
        for burst in [3, 5, 8] {
            let mut simulation = Simulation::new(2, 2, COST);
            simulation.burst = burst;
            simulation.run(LENGTH);
            let all = 2.0 * f64::from(FPS);
            assert!(
                simulation.predictions_per_s(LENGTH) > 0.95 * all,
                "{}",
                simulation.predictions_per_s(LENGTH)
            );
        }
    }

    #[test]
    fn newcomers_do_not_starve_those_who_were_there_while_one_was_slow() {
        // 30 veterans and one who sends rarely, below capacity; then 30 more come.
        let mut simulation = Simulation::new(61, 2, COST);
        simulation.absent = 31..61;
        simulation.slow = Some(0);
        simulation.run(LENGTH * 2);
        simulation.predictions.iter_mut().for_each(Vec::clear);
        simulation.absent = 0..0;
        simulation.run(LENGTH);
        let share = |range: std::ops::Range<usize>| {
            let count = range.len() as f64;
            simulation.predictions[range].iter().map(Vec::len).sum::<usize>() as f64 / count
        };
        let (veterans, newcomers) = (share(1..31), share(31..61));
        assert!(veterans > 0.7 * newcomers, "veterans {veterans}, newcomers {newcomers}");
    }

    #[test]
    fn a_failed_run_of_the_model_ends_the_run_so_that_no_window_has_a_gap() {
        let now = Instant::now();
        let mut simulation = Simulation::new(1, 1, COST);
        let client = simulation.clients[0];
        let scheduler = &mut simulation.scheduler;
        scheduler.push(now, client, 0);
        let job = scheduler.take(1).unwrap();
        let id = job.id();
        scheduler.done(
            now,
            id,
            Outcome { window: job.window, analysed: 0, spent: COST, predicting: None, lost: true },
        );
        assert_eq!(scheduler.running(), 0);
        assert_eq!(scheduler.push(now, client, 1), Verdict::Queued, "the next begins with the next frame");
    }

    #[test]
    fn a_model_too_slow_for_one_client_still_answers_it() {
        let mut simulation = Simulation::new(1, 1, Duration::from_millis(100));
        simulation.run(LENGTH);
        // 10 frames take 1 s.
        let count = simulation.predictions[0].len();
        assert!((30..=41).contains(&count), "{count} predictions in 40 s");
        assert!(simulation.most_pending <= WINDOW);
    }

    #[test]
    fn who_has_left_costs_nothing_more() {
        let now = Instant::now();
        let mut simulation = Simulation::new(2, 1, COST);
        let [a, b] = [simulation.clients[0], simulation.clients[1]];
        let scheduler = &mut simulation.scheduler;
        for frame in 0..3 {
            scheduler.push(now, a, frame);
        }
        scheduler.push(now, b, 100);
        let job = scheduler.take(1).unwrap();
        assert_eq!(job.client, a);
        let id = job.id();
        scheduler.leave(a);
        assert_eq!(scheduler.pending(), 1, "only b's frame is left");
        assert_eq!(scheduler.take(1).unwrap().client, b);
        assert!(scheduler.take(1).is_none());
        let outcome =
            Outcome { window: Seen::default(), analysed: 1, spent: COST, predicting: None, lost: false };
        assert!(!scheduler.done(now, id, outcome), "nobody wants a's result");
        assert_eq!(scheduler.clients(), 1);
    }

    #[test]
    fn one_client_is_never_with_two_workers() {
        let now = Instant::now();
        let mut simulation = Simulation::new(1, 2, COST);
        let client = simulation.clients[0];
        for frame in 0..4 {
            simulation.scheduler.push(now, client, frame);
        }
        let job = simulation.scheduler.take(2).unwrap();
        assert_eq!(job.frames, [0, 1]);
        assert!(simulation.scheduler.take(2).is_none());
        let id = job.id();
        simulation.scheduler.done(
            now,
            id,
            Outcome { window: job.window, analysed: 2, spent: COST, predicting: None, lost: false },
        );
        assert_eq!(simulation.scheduler.take(2).unwrap().frames, [2, 3]);
    }

    #[test]
    fn who_sends_too_fast_is_answered_but_not_analysed() {
        let start = Instant::now();
        let mut simulation = Simulation::new(1, 2, Duration::from_micros(10));
        let client = simulation.clients[0];
        let mut excess = 0;
        for i in 0..2000 {
            let now = start + Duration::from_millis(5) * i; // 200 a second for 10 s
            excess += u32::from(simulation.scheduler.push(now, client, u64::from(i)) == Verdict::Excess);
            if let Some(job) = simulation.scheduler.take(1) {
                let id = job.id();
                simulation.scheduler.done(
                    now,
                    id,
                    Outcome { window: job.window, analysed: 1, spent: COST, predicting: None, lost: false },
                );
            }
        }
        assert!((1300..=1400).contains(&excess), "{excess} of 2000 above 60 a second");
    }

    #[test]
    fn a_broken_frame_leaves_the_window_and_the_run_goes_on() {
        let now = Instant::now();
        let mut simulation = Simulation::new(1, 1, COST);
        let client = simulation.clients[0];
        let scheduler = &mut simulation.scheduler;
        scheduler.push(now, client, 0);
        let job = scheduler.take(1).unwrap();
        let id = job.id();
        scheduler.done(
            now,
            id,
            Outcome { window: job.window, analysed: 0, spent: COST, predicting: None, lost: false },
        );
        assert_eq!(scheduler.running(), 1);
        assert_eq!(scheduler.push(now, client, 1), Verdict::Queued);
        assert_eq!(scheduler.take(1).unwrap().frames, [1]);
    }
}
