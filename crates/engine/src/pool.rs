//! Threads that work for models: all tasks have theirs from here.
//!
//! A [`Pool`] has one queue, whatever that is made of, and a fixed number of threads. What a thread needs for its work
//! (sessions, buffers) it keeps from one task to the next, and lets go when it has had nothing to do for long. A panic ends
//! one task, and costs what the thread kept.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::priority::{self, Priority};

/// What the threads of a pool do.
pub trait Work: Send + Sync + Sized + 'static {
    /// What waits; only ever seen under the pool's lock.
    type Queue: Send;
    /// What one thread does at a time.
    type Task;
    /// What a thread keeps for the next task.
    type Tools;
    /// What comes of a task.
    type Outcome;

    /// The next task, if there is one for a thread with these tools; `idle` others have nothing to do.
    fn next(&self, queue: &mut Self::Queue, tools: Option<&Self::Tools>, idle: usize) -> Option<Self::Task>;

    /// Tasks that could be begun now, as far as the queue can tell: 0 if there is none.
    fn count_waiting(&self, queue: &Self::Queue) -> usize;

    /// Does a task, with the tools that the thread has, or with new ones. If this panics, the tools are gone.
    fn run(&self, tools: &mut Option<Self::Tools>, task: &mut Self::Task) -> Self::Outcome;

    /// Tells those who wait what came of a task. They may hand in the next one from here.
    fn finish_task(&self, queue: &Shared<Self>, task: Self::Task, outcome: Result<Self::Outcome, Panicked>);

    /// What a thread has after a task that panicked: none of what it worked with.
    fn after_panic(&self) -> Option<Self::Tools> {
        None
    }

    /// A thread has had nothing to do for long.
    fn let_go(&self, tools: Self::Tools) {
        drop(tools);
        tracing::info!(model = self.name(), "a session let go: no work for long");
    }

    /// Name of the model or pool, for log lines.
    fn name(&self) -> &str;
}

/// A bug ended the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// How a pool works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Of the threads, which are numbered.
    pub name: &'static str,
    /// At least one is taken.
    pub threads: usize,
    /// Who goes before whom.
    pub priority: Priority,
    /// A thread without work for so long lets its tools go.
    pub idle_release: Duration,
}

/// Threads at work. They end when this is dropped, each after its task.
///
/// Anyone who has its [`Shared`] may put something into the queue, from any thread, any number at a time; only its owner ends
/// it. The number of threads is fixed at the start: one that could not be started then is missing for good, and the log says
/// so.
///
/// A task that a thread has taken is run, and [`Work::finish_task`] is called with what came of it, exactly once. A panic while
/// it runs costs its outcome and the thread's tools, and one in [`Work::finish_task`] costs the telling alone; the thread goes
/// on. One in another method of [`Work`] ends the thread that calls it. The pool itself neither bounds the queue nor counts what
/// is refused: that is for whoever made the queue.
///
/// After [`Self::end`] nothing is begun any more, and what waits is for the caller to give up. Nobody takes what is put into the
/// queue later; [`Shared::while_it_lasts`] says so, [`Shared::with_queue`] does not. Tasks in flight go on to their end. Whoever
/// drops a pool, or [joins](Self::join) it, waits three seconds at most for all of its threads together, and not at all after
/// [`Self::leave`]; one that does not come back is left behind, and the log says so.
///
/// There is one lock for the queue. It is held while [`Work::next`], [`Work::count_waiting`] and the closures that are given to
/// this and to [`Shared`] run: these must not block, and must not call the pool. It is not held while a task is run, while its
/// outcome is told, or while tools are let go. What is put in wakes one thread at most, and each that takes a task wakes the
/// next where there is more; to fall asleep costs a search among the threads.
pub struct Pool<W: Work> {
    shared: Arc<Shared<W>>,
    threads: Vec<JoinHandle<()>>,
}

/// The work and its queue, which may outlive the threads.
pub struct Shared<W: Work> {
    work: W,
    options: Options,
    /// Comes before the locks of what is queued: tasks are taken out and counted under it.
    state: Mutex<State<W::Queue>>,
    /// One for each thread, so that the one that was last at work is woken: under light load the others stay asleep, and
    /// neither make tools nor keep them.
    wake: Vec<Condvar>,
    /// Threads that have tools.
    equipped: AtomicUsize,
    /// When each thread began the task that it is at. Each is locked for a moment, never together with `state`.
    busy: Vec<Mutex<Option<Instant>>>,
}

/// The tasks in flight are waited for so long when a pool ends: a run that does not come back must not keep its process. Three
/// such pools in turn take less than a supervisor waits.
const LAST_TASK: Duration = Duration::from_secs(3);

/// All pools of this process. No other lock is taken under it.
static POOLS: Mutex<Vec<Weak<dyn Busy>>> = Mutex::new(Vec::new());

/// What is known of a pool, whatever it works at.
trait Busy: Send + Sync {
    fn name(&self) -> &'static str;
    /// Since when the thread is at its task that has been at one for longest.
    fn busy_since(&self) -> Option<Instant>;
}

/// The pools of this process, each with the longest time for which one of its threads has been at a task now: nothing if all
/// sleep. Pools of the same name are one.
pub fn longest_tasks() -> BTreeMap<&'static str, Duration> {
    let mut longest = BTreeMap::new();
    // One of them may be dropped for good here, and that may take long: not under the lock.
    let pools: Vec<Arc<dyn Busy>> = {
        let mut pools = POOLS.lock();
        pools.retain(|pool| pool.strong_count() > 0);
        pools.iter().filter_map(Weak::upgrade).collect()
    };
    for pool in pools {
        let time = pool.busy_since().map(|since| since.elapsed()).unwrap_or_default();
        let known = longest.entry(pool.name()).or_insert(time);
        *known = time.max(*known);
    }
    longest
}

struct State<Q> {
    queue: Q,
    /// Threads that sleep, the one to wake first at the end.
    asleep: Vec<usize>,
    /// Threads that were woken, or hand out an outcome, and will look for work in a moment. No other one is woken for tasks
    /// that these will take: it would make tools for nothing.
    coming: usize,
    ended: bool,
}

impl<W: Work> Pool<W> {
    /// Starts the threads; the first has these tools. Fails if there can be no thread at all.
    pub fn start(work: W, queue: W::Queue, options: Options, first: Option<W::Tools>) -> std::io::Result<Self>
    where
        W::Tools: Send,
    {
        let count = options.threads.max(1);
        let coming = usize::from(first.is_some());
        let state = State { queue, asleep: Vec::with_capacity(count), coming, ended: false };
        let shared = Arc::new(Shared {
            work,
            options,
            state: Mutex::new(state),
            wake: (0..count).map(|_| Condvar::new()).collect(),
            equipped: AtomicUsize::new(coming),
            busy: (0..count).map(|_| Mutex::default()).collect(),
        });
        let this: Weak<Shared<W>> = Arc::downgrade(&shared);
        POOLS.lock().push(this);
        let (mut threads, mut first) = (Vec::with_capacity(count), first);
        for index in 0..count {
            let (shared, tools) = (shared.clone(), first.take());
            let name = format!("{}-{index}", options.name);
            match std::thread::Builder::new().name(name).spawn(move || shared.run_thread(index, tools)) {
                Ok(thread) => threads.push(thread),
                Err(error) if index == 0 => return Err(error),
                Err(error) => {
                    tracing::error!(%error, pool = options.name, "there is one thread less than there should be");
                }
            }
        }
        Ok(Self { shared, threads })
    }

    /// The work and its queue.
    pub fn shared(&self) -> &Arc<Shared<W>> {
        &self.shared
    }

    /// How many threads could be started, at most as many as were asked for.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Nothing is begun from now on; what the queue is made to give up.
    pub fn end<R>(&self, give_up: impl FnOnce(&mut W::Queue) -> R) -> R {
        let mut state = self.shared.state.lock();
        state.ended = true;
        let given_up = give_up(&mut state.queue);
        drop(state);
        for thread in &self.shared.wake {
            thread.notify_one();
        }
        given_up
    }

    /// After the end: the tasks in flight are not waited for, now or when this is dropped.
    pub fn leave(&mut self) {
        self.threads.clear();
    }

    /// After the end: waits for the tasks in flight, for three seconds at most. A thread that does not come back is left.
    pub fn join(&mut self) {
        self.join_within(LAST_TASK);
    }

    fn join_within(&mut self, longest: Duration) {
        let until = Instant::now() + longest;
        for thread in self.threads.drain(..) {
            // The last owner may let go within an outcome, on one of the threads themselves.
            if thread.thread().id() == std::thread::current().id() {
                continue;
            }
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                let pool = self.shared.options.name;
                tracing::error!(
                    pool,
                    "a thread does not come back from its task, and is not waited for any more"
                );
            }
        }
    }
}

impl<W: Work> Drop for Pool<W> {
    fn drop(&mut self) {
        self.end(|_| ());
        self.join();
    }
}

impl<W: Work> Shared<W> {
    /// What the threads do.
    pub fn work(&self) -> &W {
        &self.work
    }

    /// Threads that have tools now.
    pub fn count_equipped(&self) -> usize {
        self.equipped.load(Ordering::Relaxed)
    }

    /// Does something with the queue, and wakes a thread if there is more to do than those that are coming will take.
    pub fn with_queue<R>(&self, change: impl FnOnce(&mut W::Queue) -> R) -> R {
        let mut state = self.state.lock();
        let changed = change(&mut state.queue);
        self.wake_one(state);
        changed
    }

    /// Looks at the queue.
    pub fn inspect_queue<R>(&self, look: impl FnOnce(&W::Queue) -> R) -> R {
        look(&self.state.lock().queue)
    }

    /// Like [`Shared::with_queue`], unless the pool has ended: what is put into the queue then is taken by nobody.
    pub fn while_it_lasts<R>(&self, change: impl FnOnce(&mut W::Queue) -> R) -> Option<R> {
        let mut state = self.state.lock();
        if state.ended {
            return None;
        }
        let changed = change(&mut state.queue);
        self.wake_one(state);
        Some(changed)
    }

    fn wake_one(&self, mut state: MutexGuard<'_, State<W::Queue>>) {
        if state.ended || self.work.count_waiting(&state.queue) <= state.coming {
            return;
        }
        let Some(thread) = state.asleep.pop() else { return };
        state.coming += 1;
        drop(state);
        self.wake[thread].notify_one();
    }

    /// Takes task after task until the pool has ended.
    fn run_thread(&self, index: usize, mut tools: Option<W::Tools>) {
        priority::set_for_this_thread(self.options.priority);
        let mut coming = tools.is_some();
        while let Some(mut task) = self.next(index, &mut tools, coming) {
            let had = tools.is_some();
            *self.busy[index].lock() = Some(Instant::now());
            let run = AssertUnwindSafe(|| self.work.run(&mut tools, &mut task));
            let outcome = catch_unwind(run).map_err(|_| {
                tracing::error!(
                    pool = self.options.name,
                    "a thread panicked at its work and goes on; what it worked with is made anew"
                );
                tools = self.work.after_panic();
                Panicked
            });
            self.count_tools(had, tools.is_some());
            self.state.lock().coming += 1;
            coming = true;
            // Those who are told may panic, too.
            let tell = AssertUnwindSafe(|| self.work.finish_task(self, task, outcome));
            if catch_unwind(tell).is_err() {
                tracing::error!(pool = self.options.name, "whoever waited for an outcome failed to take it");
            }
            *self.busy[index].lock() = None;
        }
        self.count_tools(tools.is_some(), false);
    }

    fn count_tools(&self, had: bool, has: bool) {
        match (had, has) {
            (false, true) => self.equipped.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.equipped.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// Waits for a task; `None` when the pool ends. `coming` if the thread is counted as such.
    fn next(&self, index: usize, tools: &mut Option<W::Tools>, mut coming: bool) -> Option<W::Task> {
        let mut state = self.state.lock();
        loop {
            state.coming -= usize::from(coming);
            if state.ended {
                return None;
            }
            // What those will take that have their tools is not taken by one that would have to make them.
            let free = tools.is_some() || self.work.count_waiting(&state.queue) > state.coming;
            let idle = state.asleep.len();
            if free && let Some(task) = self.work.next(&mut state.queue, tools.as_ref(), idle) {
                // There may be more than whoever woke this thread knew.
                self.wake_one(state);
                return Some(task);
            }
            coming = self.wait_for_work(&mut state, index, tools);
        }
    }

    /// Until there is work, or too long; whether the thread was woken for work.
    fn wait_for_work(
        &self,
        state: &mut MutexGuard<'_, State<W::Queue>>,
        index: usize,
        tools: &mut Option<W::Tools>,
    ) -> bool {
        if tools.is_some() {
            state.asleep.push(index);
        } else {
            state.asleep.insert(0, index);
        }
        let timed_out = if tools.is_some() {
            self.wake[index].wait_for(state, self.options.idle_release).timed_out()
        } else {
            self.wake[index].wait(state);
            false
        };
        // It may have been woken in the moment in which its time was over.
        let woken = !state.asleep.contains(&index);
        state.asleep.retain(|thread| *thread != index);
        if timed_out && !woken && !state.ended && self.work.count_waiting(&state.queue) == 0 {
            MutexGuard::unlocked(state, || {
                if let Some(tools) = tools.take() {
                    self.work.let_go(tools);
                    self.count_tools(true, false);
                }
            });
        }
        woken
    }
}

impl<W: Work> Busy for Shared<W> {
    fn name(&self) -> &'static str {
        self.options.name
    }

    fn busy_since(&self) -> Option<Instant> {
        self.busy.iter().filter_map(|since| *since.lock()).min()
    }
}

impl<W: Work> fmt::Debug for Pool<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.shared.options.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Barrier, mpsc};

    /// Adds one to what it is given; 13 is too much for it.
    struct Adder {
        tools_made: AtomicUsize,
        meeting: Barrier,
    }

    type Told = mpsc::Sender<Result<(u32, String), Panicked>>;

    /// The task with which threads wait for each other.
    const MEET: u32 = 100;

    impl Work for Adder {
        type Queue = VecDeque<(u32, Told)>;
        type Task = (u32, Told);
        type Tools = ();
        type Outcome = (u32, String);

        fn next(&self, queue: &mut Self::Queue, _: Option<&()>, _: usize) -> Option<Self::Task> {
            queue.pop_front()
        }

        fn count_waiting(&self, queue: &Self::Queue) -> usize {
            queue.len()
        }

        fn run(&self, tools: &mut Option<()>, task: &mut Self::Task) -> Self::Outcome {
            if tools.replace(()).is_none() {
                self.tools_made.fetch_add(1, Ordering::Relaxed);
            }
            assert_ne!(task.0, 13);
            if task.0 == MEET {
                self.meeting.wait();
            }
            (task.0 + 1, std::thread::current().name().unwrap_or_default().to_owned())
        }

        fn finish_task(&self, _: &Shared<Self>, task: Self::Task, outcome: Result<Self::Outcome, Panicked>) {
            let _ = task.1.send(outcome);
        }

        fn name(&self) -> &'static str {
            "adder"
        }
    }

    fn pool(threads: usize, idle_release: Duration) -> Pool<Adder> {
        pool_that_meets(threads, idle_release, 1)
    }

    /// Where so many are to meet.
    fn pool_that_meets(threads: usize, idle_release: Duration, meeting: usize) -> Pool<Adder> {
        let adder = Adder { tools_made: AtomicUsize::new(0), meeting: Barrier::new(meeting) };
        let options = Options { name: "add", threads, priority: Priority::Live, idle_release };
        Pool::start(adder, VecDeque::new(), options, None).unwrap()
    }

    fn add(pool: &Pool<Adder>, number: u32) -> Result<(u32, String), Panicked> {
        let (tell, told) = mpsc::channel();
        pool.shared().with_queue(|queue| queue.push_back((number, tell)));
        told.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    fn made(pool: &Pool<Adder>) -> usize {
        pool.shared().work().tools_made.load(Ordering::Relaxed)
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_panic_ends_one_task_and_costs_what_the_thread_kept() {
        let pool = pool(1, LONG);
        assert_eq!(add(&pool, 1).unwrap().0, 2);
        assert_eq!(add(&pool, 13), Err(Panicked));
        assert_eq!(add(&pool, 2).unwrap().0, 3, "the thread goes on");
        assert_eq!((made(&pool), pool.shared().count_equipped()), (2, 1));
    }

    #[test]
    fn one_after_the_other_is_done_by_the_thread_that_has_its_tools() {
        let pool = pool(4, LONG);
        let names: Vec<String> = (20..40).map(|number| add(&pool, number).unwrap().1).collect();
        assert_eq!(
            (names.iter().filter(|name| **name == names[0]).count(), made(&pool)),
            (20, 1),
            "{names:?}"
        );
    }

    #[test]
    fn what_comes_at_the_same_time_is_done_by_all() {
        let pool = pool_that_meets(3, LONG, 3);
        let (tell, told) = mpsc::channel();
        pool.shared().with_queue(|queue| queue.extend((0..3).map(|_| (MEET, tell.clone()))));
        let mut names: Vec<String> = (0..3).map(|_| told.recv().unwrap().unwrap().1).collect();
        names.sort();
        assert_eq!(names, ["add-0", "add-1", "add-2"]);
    }

    #[test]
    fn tools_that_nobody_used_for_long_are_let_go() {
        let pool = pool(2, Duration::from_millis(30));
        add(&pool, 1).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while pool.shared().count_equipped() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(pool.shared().count_equipped(), 0);
        assert_eq!(add(&pool, 1).unwrap().0, 2);
        assert_eq!(made(&pool), 2);
    }

    #[test]
    fn a_thread_that_does_not_come_back_is_left_at_the_end() {
        let mut pool = pool_that_meets(2, Duration::MAX, 2);
        let (told, outcome) = mpsc::channel();
        pool.shared().with_queue(|queue| queue.push_back((MEET, told)));
        while pool.shared().busy_since().is_none() {
            std::thread::yield_now();
        }
        pool.end(|_| ());
        pool.join_within(Duration::from_millis(20));
        assert!(outcome.try_recv().is_err() && pool.threads() == 0);
        // It is not lost if it comes back all the same.
        pool.shared().work().meeting.wait();
        assert_eq!(outcome.recv().unwrap().unwrap().0, MEET + 1);
    }

    #[test]
    fn what_waits_at_the_end_is_handed_back_and_what_is_begun_is_waited_for() {
        let pool = pool_that_meets(1, LONG, 2);
        let (tell, told) = mpsc::channel();
        pool.shared().with_queue(|queue| queue.push_back((MEET, tell.clone())));
        while pool.shared().inspect_queue(VecDeque::len) > 0 {
            std::thread::yield_now();
        }
        pool.shared().with_queue(|queue| queue.push_back((1, tell.clone())));
        std::thread::sleep(Duration::from_millis(2));
        assert!(longest_tasks()["add"] >= Duration::from_millis(2), "what it is at");
        assert_eq!(pool.end(std::mem::take).len(), 1);
        pool.shared().work().meeting.wait();
        assert_eq!(pool.shared().while_it_lasts(|queue| queue.push_back((2, tell.clone()))), None);
        drop(pool);
        assert_eq!(told.try_recv().unwrap().unwrap().0, MEET + 1);
        assert!(told.try_recv().is_err());
    }
}
