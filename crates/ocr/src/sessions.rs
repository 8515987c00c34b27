//! Sessions that threads share: each is taken by one at a time, made when none is free, and let go when it was not used
//! for long or when others need its memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::ReadModel;
use super::ReadOptions;
use super::effort;
use super::memory::{Costs, MAKING, Memory};
use sightwire_engine::{Engine, EngineError, Session};

/// Most threads that work on one map; with more, several maps are made at once.
const THREADS_EACH: usize = 8;

/// Values of the largest input that is kept: 16 MB.
const KEPT_INPUT: usize = 4 << 20;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find lines at a canvas of that size.
    Detect((u32, u32)),
    /// To tell whether a line stands on its head.
    Angle,
    /// To read lines of all widths.
    Recognise,
}

/// What a session is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One size, or all of them.
    Detect(Option<(u32, u32)>),
    Angle,
    Recognise,
}

struct Idle {
    model: Arc<ReadModel>,
    kind: Kind,
    session: Session,
    since: Instant,
    cost: u64,
}

/// The sessions of all models in use.
pub(super) struct Sessions {
    engine: Arc<Engine>,
    memory: Memory,
    /// Maps that are made at once, and threads that work on each: one map takes more memory than all else together.
    maps: usize,
    threads_each: usize,
    state: Mutex<State>,
    /// A session was given back, or has failed.
    changed: Condvar,
    /// For pictures as the networks take them: one for each map that is made at once. To find 12 MB anew for each takes longer
    /// than to fill them.
    inputs: Mutex<Vec<Vec<f32>>>,
}

#[derive(Default)]
struct State {
    /// The one that was used last is at the end.
    idle: Vec<Idle>,
    in_use: usize,
    /// Of those, they find lines.
    detecting: usize,
    /// What all of them take, in use or not.
    bytes: u64,
}

impl Sessions {
    pub(super) fn new(engine: Arc<Engine>, threads: usize, memory: Memory) -> Self {
        let maps = threads.div_ceil(THREADS_EACH).max(1);
        let (state, changed, inputs) = (Mutex::default(), Condvar::new(), Mutex::default());
        Self { engine, memory, maps, threads_each: threads.div_ceil(maps).max(1), state, changed, inputs }
    }

    /// Room for a picture as the networks take it; what is in it is nobody's.
    pub(super) fn input(&self) -> Vec<f32> {
        self.inputs.lock().pop().unwrap_or_default()
    }

    /// Keeps it for the next picture, unless it is for a large one.
    pub(super) fn keep_input(&self, input: Vec<f32>) {
        let mut inputs = self.inputs.lock();
        if inputs.len() < self.maps && input.capacity() <= KEPT_INPUT {
            inputs.push(input);
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// That are loaded, in use or not.
    pub(super) fn loaded(&self) -> usize {
        let state = self.state.lock();
        state.idle.len() + state.in_use
    }

    /// Pixels of the largest canvas at which lines are looked for with this model in a picture of this size.
    pub(super) fn canvas_px(&self, model: &ReadModel, size: (u32, u32), options: &ReadOptions) -> u64 {
        self.memory.canvas_px(&model.costs(&self.engine), size, options)
    }

    /// Uses a session, as soon as there is one or memory for it. One that failed is used no more. `None` if the model has
    /// no such network.
    pub(super) fn with_session<T>(
        &self,
        model: &Arc<ReadModel>,
        purpose: Purpose,
        work: impl FnOnce(&mut Session) -> Result<T, EngineError>,
    ) -> Result<Option<T>, EngineError> {
        let costs = model.costs(&self.engine);
        let kind = match purpose {
            Purpose::Detect(_) if model.finds_at_all_sizes(&self.engine) => Kind::Detect(None),
            Purpose::Detect(size) => Kind::Detect(Some(size)),
            Purpose::Angle => Kind::Angle,
            Purpose::Recognise => Kind::Recognise,
        };
        if kind == Kind::Angle && !model.has_angle() {
            return Ok(None);
        }
        let (session, mut used) = self.take_session(model, kind, &costs, purpose);
        let session = match session {
            Some(session) => session,
            None => match effort::make_shared(|| self.make_session(model, kind)).transpose()? {
                Some(session) => session,
                None => return Ok(None),
            },
        };
        let session = used.session.insert(session);
        let done = work(session)?;
        if let Some(session) = used.session.take() {
            let cost = used.cost - input_cost(purpose);
            used.give_back(&costs, Idle { model: model.clone(), kind, session, since: Instant::now(), cost });
        }
        Ok(Some(done))
    }

    fn make_session(&self, model: &ReadModel, kind: Kind) -> Option<Result<Session, EngineError>> {
        match kind {
            Kind::Detect(size) => Some(model.detector(&self.engine, size, self.threads_each)),
            Kind::Angle => model.angle(&self.engine),
            Kind::Recognise => Some(model.recogniser(&self.engine)),
        }
    }

    /// One that is there, or memory for a new one. Waits for it.
    fn take_session(
        &self,
        model: &Arc<ReadModel>,
        kind: Kind,
        costs: &Costs,
        purpose: Purpose,
    ) -> (Option<Session>, Used<'_>) {
        let (cost, input) = (session_cost(costs, purpose), input_cost(purpose));
        let detects = matches!(kind, Kind::Detect(_));
        let fits = |idle: &Idle| idle.kind == kind && Arc::ptr_eq(&idle.model, model);
        let mut state = self.state.lock();
        loop {
            if !detects || state.detecting < self.maps {
                let found = state.idle.iter().rposition(fits).map(|at| state.idle.remove(at));
                // One for all sizes takes more after the first larger one.
                let known = found.as_ref().map_or(0, |found| found.cost);
                let more = cost.saturating_sub(known) + input;
                let making = if found.is_none() { MAKING } else { 0 };
                let enough = state.make_room(self.memory.session_room(costs), more + making);
                // One more than there is room for is better than none at all.
                if enough || state.in_use == 0 {
                    let cost = known + more;
                    state.bytes += more;
                    state.in_use += 1;
                    state.detecting += usize::from(detects);
                    let used = Used { sessions: self, session: None, cost, detects };
                    return (found.map(|found| found.session), used);
                }
                state.idle.extend(found);
            }
            self.changed.wait(&mut state);
        }
    }

    /// Lets go what takes room that pictures have taken meanwhile, and waits for it where it is in use.
    pub(super) fn make_room(&self, model: &ReadModel) {
        let costs = model.costs(&self.engine);
        let mut state = self.state.lock();
        while !state.make_room(self.memory.session_room(&costs), 0) && state.in_use > 0 {
            self.changed.wait(&mut state);
        }
    }

    /// Lets go what was not used for this long.
    pub(super) fn release(&self, unused: Duration) {
        self.inputs.lock().clear();
        let mut state = self.state.lock();
        let count = state.idle.iter().take_while(|idle| idle.since.elapsed() >= unused).count();
        let old: Vec<_> = state.idle.drain(..count).collect();
        state.bytes -= old.iter().map(|idle| idle.cost).sum::<u64>();
        drop(state);
        if !old.is_empty() {
            self.changed.notify_all();
            tracing::debug!(sessions = old.len(), "sessions for text were not used for long and are let go");
        }
    }
}

fn session_cost(costs: &Costs, purpose: Purpose) -> u64 {
    match purpose {
        Purpose::Detect((width, height)) => costs.detector(u64::from(width) * u64::from(height)),
        Purpose::Angle => costs.angle,
        Purpose::Recognise => costs.recogniser,
    }
}

/// What the input takes while it is in use.
fn input_cost(purpose: Purpose) -> u64 {
    let Purpose::Detect((width, height)) = purpose else { return 0 };
    Costs::input(u64::from(width) * u64::from(height))
}

impl State {
    /// Lets go what was not used for longest until there are this many bytes of `room` left; says whether there are.
    fn make_room(&mut self, room: u64, bytes: u64) -> bool {
        while self.bytes + bytes > room && !self.idle.is_empty() {
            // What reads lines goes last: each picture needs it, and it takes longest to be made.
            let first = self.idle.iter().position(|idle| idle.kind != Kind::Recognise).unwrap_or(0);
            // With the lock held: what is made in its place must not come before its memory is free.
            self.bytes -= self.idle.remove(first).cost;
        }
        self.bytes + bytes <= room
    }
}

/// A session in use, or memory for one. Also a panic gives it back.
struct Used<'a> {
    sessions: &'a Sessions,
    session: Option<Session>,
    cost: u64,
    detects: bool,
}

impl Used<'_> {
    /// Keeps it for the next one, if there is room.
    fn give_back(mut self, costs: &Costs, idle: Idle) {
        self.cost -= idle.cost;
        let room = self.sessions.memory.session_room(costs);
        let mut state = self.sessions.state.lock();
        state.bytes -= std::mem::take(&mut self.cost);
        // Also where it takes more than there is, unless somebody waits for that: else it would be made again for the next line.
        if state.make_room(room, 0) || state.in_use == 1 {
            state.idle.push(idle);
        } else {
            state.bytes -= idle.cost;
            drop(idle);
        }
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        // Its memory is free before the next one is made.
        drop(self.session.take());
        let mut state = self.sessions.state.lock();
        state.in_use -= 1;
        state.detecting -= usize::from(self.detects);
        state.bytes -= self.cost;
        drop(state);
        self.sessions.changed.notify_all();
    }
}
