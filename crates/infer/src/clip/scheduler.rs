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
//! - past capacity the clients take turns. A client that has waited for [`Options::turn_gap`] makes the one who was served
//!   most give way, but never before that one had its turn; who has waited longest begins next. The first frames of a run
//!   give no prediction, so a turn is [`TURN_WINDOWS`] windows long, and shorter only where the others would wait for
//!   more than [`Options::turn_wait`], down to windows that touch no other. All shares stay the same;
//! - a waiting client costs no memory, and a running one at most a window of frames.
//!
//! Where a prediction costs far more than a frame does (a network over the whole window, [`Options::stride`] above 1),
//! a running client's frames are all kept but not each gives a prediction: a worker takes all that wait and predicts
//! once. Whose frames wait longest is next.

mod client;
mod costs;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use client::{Client, Phase};
use costs::Costs;

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
    /// How long a client waits before another, who had its turn, has to give way.
    pub turn_gap: Duration,
    /// How long a client waits for its turn at most, as far as shorter turns of the others can see to it.
    pub turn_wait: Duration,
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
    /// Not analysed: it is not this client's turn, or it is too far behind. Where only the newest counts (hands), it is the one that
    /// waited that is not, and this one waits in its place.
    Skipped,
    /// Not analysed: this client sends more than [`Options::max_fps`].
    Excess,
}

/// Work for one worker: the oldest frames of one client's run, and its window.
#[derive(Debug)]
pub struct Job<F, W> {
    /// The client whose frames these are; all are of one.
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
    /// What it would have spent on all of it, the prediction too, had it had a core of its own.
    pub undisturbed: Duration,
    /// Wall time that the worker spent on the prediction, where that is not counted by frames.
    pub predicting: Option<Duration>,
    /// The window has a gap, because the model failed on a frame: the run is over.
    pub lost: bool,
}

impl<W: Default> Outcome<W> {
    /// The outcome of a job at which the model failed: nothing is kept, and the run is over.
    pub fn lost() -> Self {
        Self {
            window: W::default(),
            analysed: 0,
            spent: Duration::ZERO,
            undisturbed: Duration::ZERO,
            predicting: None,
            lost: true,
        }
    }
}

/// Decides whose frames are analysed and when, as the module says; holds frames and windows, and does no work itself.
#[derive(Debug)]
pub struct Scheduler<F, W> {
    options: Options,
    clients: HashMap<ClientId, Client<F, W>>,
    /// Running clients with pending frames that no worker has, the next one first.
    ready: BTreeSet<(u64, ClientId)>,
    /// Jobs that workers have.
    busy: usize,
    /// What places by age are counted from.
    began: Option<Instant>,
    next: u64,
    costs: Costs,
    load: Load,
}

/// What is so of all clients, recomputed at most every [`LOAD_AGE`]: many more frames than that come.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// Frames a second of those that run.
    fps: f32,
    /// Clients that wait and send.
    waiting: usize,
    /// Predictions of the one that has most.
    most_served: u64,
    at: Option<Instant>,
}

const LOAD_AGE: Duration = Duration::from_millis(5);
/// New runs start only while the pending frames are younger than this.
const MAX_BACKLOG: Duration = Duration::from_millis(80);
/// A run whose frames have waited longer is given up.
const MAX_FRAME_AGE: Duration = Duration::from_millis(150);
/// Predictions that the most served client may be ahead of any other.
const MAX_LEAD: u64 = 4 * QUANTUM;
/// Share of the capacity that is given out; the rest absorbs jitter.
const USABLE: f32 = 0.97;
/// A running client keeps its place in the order for this many predictions, so that when the capacity sinks some windows
/// are lost whole instead of all of them by a little; and no longer, so that it is not always the same ones.
const QUANTUM: u64 = 25;
/// Windows of frames in a turn. Of six windows all frames but the first nine give a prediction: 85 %.
const TURN_WINDOWS: usize = 6;

impl<F, W: Default> Scheduler<F, W> {
    /// A scheduler without clients.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            clients: HashMap::new(),
            ready: BTreeSet::new(),
            busy: 0,
            next: 0,
            began: None,
            costs: Costs::new(options.frame_cost, options.prediction_cost),
            load: Load::default(),
        }
    }

    /// Adds a client, which waits for its first turn.
    pub fn join(&mut self, now: Instant) -> ClientId {
        self.next += 1;
        let id = ClientId(self.next);
        self.clients.insert(id, Client::new(now, self.options.max_fps));
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

    /// How long the client that has waited longest for its turn has waited, of those that send.
    pub fn longest_wait(&self, now: Instant) -> Duration {
        let waits = self.clients.values().filter(|c| c.is_active(now)).filter_map(|c| match c.phase {
            Phase::Waiting { since, .. } => Some(now.saturating_duration_since(since)),
            Phase::Running { .. } => None,
        });
        waits.max().unwrap_or_default()
    }

    /// Frames waiting for a worker.
    pub fn pending(&self) -> usize {
        self.clients.values().map(|c| c.pending.len()).sum()
    }

    /// Jobs that [`Scheduler::take_job`] has to give: a frame of a client that a worker has is that worker's.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Frames a second that the workers can analyse, as measured. What others took of the cores is known while there is
    /// work, and forgotten a while after that.
    pub fn capacity_fps_at(&self, now: Instant) -> f32 {
        self.options.workers as f32 / self.costs.of_a_frame_at(now, self.options.stride)
    }

    fn capacity_fps(&self) -> f32 {
        self.options.workers as f32 / self.costs.of_a_frame(self.options.stride)
    }

    /// Takes a frame of `id` that arrived `now`.
    pub fn push(&mut self, now: Instant, id: ClientId, frame: F) -> Verdict {
        let options = self.options;
        self.costs.forget(now);
        self.bound_lead(now, id);
        let Some(client) = self.clients.get_mut(&id) else {
            return Verdict::Skipped;
        };
        if !client.note_arrival(now, options.max_fps) {
            return Verdict::Excess;
        }
        if let Phase::Waiting { patient_since, .. } = client.phase {
            let has_patience = now.saturating_duration_since(patient_since) < options.turn_gap;
            let admitted = self.admit_client(now, id)
                || (!has_patience && self.make_way(now, id) && self.admit_client(now, id));
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
        let Phase::Running { accepted, analysed, missed, .. } = &mut client.phase else {
            return Verdict::Skipped;
        };
        if *missed {
            return Verdict::Skipped;
        }
        let oldest =
            client.pending.front().map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at));
        let pending = client.pending.len();
        // Where frames share a prediction, those that come during a long one share the next.
        let waits = oldest > options.max_frame_age() && !(options.stride > 1 && client.in_service);
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

    /// In how long the prediction of a client's newest frame will be there, where that is known: its window is complete, each
    /// frame gives a prediction, and nobody waits for a turn.
    pub fn result_in(&mut self, now: Instant, id: ClientId) -> Option<Duration> {
        if self.options.stride > 1 || self.measure_load(now).waiting > 0 {
            return None;
        }
        let client = self.clients.get(&id)?;
        match client.phase {
            Phase::Running { accepted, missed: false, .. } if accepted >= self.options.window => {}
            _ => return None,
        }
        // Those that a worker has, those before this client, and its own.
        let frames = self.busy + self.ready.len() + client.pending.len().saturating_sub(1);
        let turns = frames.div_ceil(self.options.workers.max(1)).max(1);
        Some(Duration::from_secs_f32(self.costs.of_a_frame(1) * turns as f32))
    }

    /// The next work, at most `max_frames` of one client, or `None` while there is nothing to do.
    pub fn take_job(&mut self, max_frames: usize) -> Option<Job<F, W>> {
        while let Some((_, id)) = self.ready.pop_first() {
            let Some(client) = self.clients.get_mut(&id) else {
                continue;
            };
            let Some(window) = client.window.take() else {
                continue;
            };
            client.in_service = true;
            self.busy += 1;
            let count = client.pending.len().min(max_frames.max(1));
            let frames = client.pending.drain(..count).map(|(_, frame)| frame).collect();
            return Some(Job { client: id, frames, window, run: client.run });
        }
        None
    }

    /// A worker has ended a job of `frames` frames. Returns false if the client has left: nobody wants the result.
    pub fn finish_job(&mut self, now: Instant, job: JobId, outcome: Outcome<W>) -> bool {
        self.busy -= 1;
        self.costs.add_measured(now, job.frames, &outcome);
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
        if let Phase::Running { accepted, analysed, missed, .. } = &mut client.phase {
            let before = analysed.saturating_sub(window_frames - 1);
            *analysed += outcome.analysed;
            client.served += (analysed.saturating_sub(window_frames - 1) - before) as u64;
            *accepted = accepted.saturating_sub(job.frames - outcome.analysed);
            if *missed && (*analysed >= window_frames || client.pending.is_empty()) {
                self.end_run(now, job.client);
                return true;
            }
        }
        if client.served >= client.rank + QUANTUM {
            client.rank = client.served;
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
            client.rank
        };
        self.ready.insert((client.place, id));
    }

    /// Lets a waiting client begin a run if there is room for it after those that have waited longer.
    fn admit_client(&mut self, now: Instant, id: ClientId) -> bool {
        if self.backlog(now) > self.options.max_backlog() {
            return false;
        }
        let room = self.capacity_fps() * USABLE - self.measure_load(now).fps;
        if room <= 0.0 {
            return false;
        }
        let Some(client) = self.clients.get(&id).filter(|c| !c.in_service) else {
            return false;
        };
        let Phase::Waiting { since: waited_since, .. } = client.phase else {
            return false;
        };
        let fps = client.fps();
        let goes_before =
            |phase: &Phase| matches!(phase, Phase::Waiting { since, .. } if *since < waited_since);
        let ahead: f32 = self
            .clients
            .values()
            .filter(|c| goes_before(&c.phase) && c.is_active(now))
            .map(Client::fps)
            .sum();
        if room <= ahead {
            return false;
        }
        self.load.fps += fps;
        self.load.waiting = self.load.waiting.saturating_sub(1);
        if let Some(client) = self.clients.get_mut(&id) {
            client.window = Some(W::default());
            client.phase = Phase::Running { waited_since, accepted: 0, analysed: 0, missed: false };
        }
        true
    }

    /// Ends the run of the client that was served most and had its turn, for the sake of `waiting`; false if there is none.
    fn make_way(&mut self, now: Instant, waiting: ClientId) -> bool {
        let (turn_frames, options) = (self.turn_length(now), self.options);
        let predictions = |frames| options.count_predictions(frames);
        let most = self
            .clients
            .iter()
            .filter(|(_, c)| c.had_its_turn(turn_frames, predictions) && c.is_active(now))
            .max_by_key(|(id, c)| (c.served, **id))
            .map(|(id, _)| *id);
        let Some(most) = most else { return false };
        self.end_run(now, most);
        if let Some(Client { phase: Phase::Waiting { patient_since, .. }, .. }) =
            self.clients.get_mut(&waiting)
        {
            *patient_since = now;
        }
        true
    }

    /// Frames of a turn. While `waiting` clients wait, each waits for the turns of as many, of which the capacity ends that many a
    /// second.
    fn turn_length(&mut self, now: Instant) -> usize {
        let window = self.options.window;
        let waiting = self.measure_load(now).waiting.max(1) as f32;
        let most = self.options.turn_wait.as_secs_f32() * self.capacity_fps() * USABLE / waiting;
        (most as usize).clamp(window, TURN_WINDOWS * window)
    }

    /// From running to waiting. A turn that was cut short is not a turn: its client goes before those who came to wait
    /// meanwhile, until its runs have made up for one.
    fn end_run(&mut self, now: Instant, id: ClientId) {
        let (turn_frames, options) = (self.turn_length(now), self.options);
        let predictions = |frames| options.count_predictions(frames);
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        self.ready.remove(&(client.place, id));
        client.rank = client.served;
        client.pending.clear();
        client.window = None;
        client.run += 1;
        let since = match client.phase {
            Phase::Running { waited_since, analysed, .. }
                if 2 * (client.had.0 + predictions(analysed)) < predictions(turn_frames)
                    && client.had.1 + analysed < turn_frames.max(3 * options.window) =>
            {
                client.had.0 += predictions(analysed);
                client.had.1 += analysed;
                waited_since
            }
            Phase::Running { analysed, .. } => {
                let (had, _) = std::mem::take(&mut client.had);
                let missing =
                    (client.owed + predictions(turn_frames)).saturating_sub(had + predictions(analysed));
                client.owed = missing.min(turn_frames / 2);
                now
            }
            Phase::Waiting { .. } => now,
        };
        client.phase = Phase::Waiting { since, patient_since: now };
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
        oldest > self.options.max_frame_age() && !is_next
    }

    fn measure_load(&mut self, now: Instant) -> Load {
        if self.load.at.is_none_or(|at| now.saturating_duration_since(at) > LOAD_AGE) {
            let mut load = Load { at: Some(now), ..Load::default() };
            for client in self.clients.values().filter(|c| c.is_active(now)) {
                match client.phase {
                    Phase::Running { .. } => load.fps += client.fps(),
                    Phase::Waiting { .. } => load.waiting += 1,
                }
                load.most_served = load.most_served.max(client.served);
            }
            self.load = load;
        }
        self.load
    }

    /// Nobody may be further behind the one who was served most than a few turns: who was silent, slow or not yet there
    /// has no claim to what the others had meanwhile, and would else keep them waiting for as long as that took.
    fn bound_lead(&mut self, now: Instant, id: ClientId) {
        let least = self.measure_load(now).most_served.saturating_sub(MAX_LEAD);
        let Some(client) = self.clients.get_mut(&id).filter(|c| c.served < least) else { return };
        client.served = least;
        client.rank = least;
        if self.ready.contains(&(client.place, id)) {
            self.make_ready(now, id);
        }
    }
}

impl Options {
    /// That a run of this many frames gives, where each gives one as soon as the window is full.
    fn count_predictions(&self, frames: usize) -> usize {
        (frames + 1).saturating_sub(self.window)
    }

    /// See [`MAX_BACKLOG`]. Frames that share a prediction wait for one another.
    fn max_backlog(&self) -> Duration {
        MAX_BACKLOG * if self.stride > 1 { 2 } else { 1 }
    }

    /// [`MAX_FRAME_AGE`], twice as long where frames share a prediction, since they wait for one another.
    fn max_frame_age(&self) -> Duration {
        MAX_FRAME_AGE * if self.stride > 1 { 2 } else { 1 }
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

#[cfg(test)]
mod tests;
