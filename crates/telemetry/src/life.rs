//! How the process itself is: whether its threads and tasks go on, whether its clock is steady, whether it is stopping.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sightwire_base::clock::unix_s;
use sightwire_base::lines::LogThrottle;
use sightwire_base::metrics::{Collector, Metrics, Unit};

/// A thread that has been at one task for this long is taken not to come back: none takes a tenth of it.
pub const STUCK_AFTER: Duration = Duration::from_mins(2);
/// A watch that looks once a second and has not for this time is itself stuck.
const BLIND_AFTER: Duration = Duration::from_secs(30);
/// What it is called then.
const LOOKER: &str = "net";
/// Between two looks, the clock may go this much more or less than the time that passes.
const STEADY: Duration = Duration::from_secs(2);

/// What is known of the process; several servers in it have one each.
#[derive(Debug)]
pub struct Life {
    /// Seconds since 1970 (UTC) when it began.
    pub began: f64,
    stopping: AtomicBool,
    seen: Mutex<Seen>,
    clock: Mutex<Option<(Instant, SystemTime)>>,
    jumps: AtomicU64,
    said: LogThrottle,
    pools: &'static [WatchedPool],
}

/// How threads of a pool are watched over, where that is not as all others are.
#[derive(Debug)]
pub struct WatchedPool {
    /// Its name.
    pub name: &'static str,
    /// One that has been at one task for this long is taken not to come back; of a pool that is not listed, after [`STUCK_AFTER`].
    pub stuck_after: Duration,
    /// Whether `/metrics` says how it is.
    pub is_shown: bool,
}

/// A thread that does not come back from a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its pool; or `net`, where the threads of the network do not come to look at the others.
    pub pool: &'static str,
    /// How long it has been at the task.
    pub since: Duration,
}

/// What was seen at the last look.
#[derive(Debug)]
struct Seen {
    stuck: Vec<Stuck>,
    at: Instant,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.since.as_secs();
        match self.pool {
            LOOKER => write!(f, "the server has not looked after itself for {s} s"),
            pool => write!(f, "a thread of the pool `{pool}` has been at one task for {s} s"),
        }
    }
}

impl Life {
    /// Of a server that begins now, and whose threads are in these pools.
    pub fn new(pools: &'static [WatchedPool]) -> Arc<Self> {
        Arc::new(Self {
            began: unix_s(),
            stopping: AtomicBool::new(false),
            seen: Mutex::new(Seen { stuck: Vec::new(), at: Instant::now() }),
            clock: Mutex::default(),
            jumps: AtomicU64::new(0),
            said: LogThrottle::new(),
            pools,
        })
    }

    /// From now on it is not ready: clients are to come back later, or elsewhere.
    pub fn mark_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server is stopping.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// What does not come back, if something does not: a thread of a pool, as of the last look, or the watch itself.
    pub fn stuck(&self) -> Option<Stuck> {
        let seen = self.seen.lock();
        let blind = Some(seen.at.elapsed()).filter(|since| *since >= BLIND_AFTER);
        let looker = blind.map(|since| Stuck { pool: LOOKER, since });
        looker.or_else(|| seen.stuck.first().copied())
    }

    /// Whether a thread of that pool does not come back; as of the last look.
    fn is_stuck(&self, pool: &str) -> bool {
        self.seen.lock().stuck.iter().any(|stuck| stuck.pool == pool)
    }

    /// Looks at all of it; to be called once a second, with how long the thread of each pool that is longest at its task has been
    /// at it.
    pub fn check_threads(&self, longest: impl IntoIterator<Item = (&'static str, Duration)>) {
        self.look_at_pools(longest);
        self.look_at_clock(Instant::now(), SystemTime::now());
    }

    fn look_at_pools(&self, longest: impl IntoIterator<Item = (&'static str, Duration)>) {
        let all = longest.into_iter().map(|(pool, since)| Stuck { pool, since });
        let stuck: Vec<Stuck> = all.filter(|stuck| self.is_watched_for(stuck)).collect();
        if let Some(first) = stuck.first()
            && let Some(unsaid) = self.said.admit_line(Instant::now())
        {
            tracing::error!(
                unsaid,
                "{first}: it is taken not to come back, and /readyz fails; start the server again (a systemd unit with WatchdogSec= does)"
            );
        }
        *self.seen.lock() = Seen { stuck, at: Instant::now() };
    }

    fn is_watched_for(&self, stuck: &Stuck) -> bool {
        let listed = self.pools.iter().find(|pool| pool.name == stuck.pool);
        stuck.since >= listed.map_or(STUCK_AFTER, |pool| pool.stuck_after)
    }

    fn look_at_clock(&self, now: Instant, time: SystemTime) {
        let Some((then, was)) = self.clock.lock().replace((now, time)) else { return };
        let expected = was + now.saturating_duration_since(then);
        let (by, way) = match time.duration_since(expected) {
            Ok(ahead) => (ahead, "forward"),
            Err(behind) => (behind.duration(), "back"),
        };
        if by >= STEADY {
            self.jumps.fetch_add(1, Ordering::Relaxed);
            let now = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            tracing::warn!(
                now,
                "the system's clock was set {way} by {:.1} s: times in the log jump; keys, tokens and certificates expire by the new time, and nothing that runs is affected",
                by.as_secs_f64()
            );
        }
    }
}

impl Collector for Life {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter("clock_jumps", "Times that the system's clock was set.", &self.jumps);
        metrics.gauge_in(Unit::Seconds, "start_time", "When the server began, since 1970 (UTC).", self.began);
        metrics.gauges(
            "pipeline_stalled",
            "1: a thread of this pool does not come back from a task.",
            ["pipeline"],
            self.pools
                .iter()
                .filter(|pool| pool.is_shown)
                .map(|pool| ([pool.name], self.is_stuck(pool.name))),
        );
    }
}

#[cfg(test)]
mod tests {
    use sightwire_base::captured;

    use super::*;

    const POOLS: &[WatchedPool] = &[
        WatchedPool { name: "read", stuck_after: Duration::from_mins(10), is_shown: true },
        WatchedPool { name: "display", stuck_after: Duration::MAX, is_shown: false },
    ];

    #[test]
    fn whoever_has_not_looked_for_long_is_itself_stuck_until_the_next_look() {
        let life = Life::new(POOLS);
        life.seen.lock().at = Instant::now().checked_sub(Duration::from_secs(34)).unwrap();
        let stuck = life.stuck().unwrap();
        assert_eq!(stuck.to_string(), "the server has not looked after itself for 34 s");
        life.look_at_pools([]);
        assert_eq!(life.stuck(), None);
    }

    #[test]
    fn a_thread_that_is_at_a_task_for_minutes_is_taken_not_to_come_back_until_it_does() {
        let (log, life) = (captured::capture_log(), Life::new(POOLS));
        let at = |s| [("display", Duration::from_secs(9999)), ("read", Duration::from_secs(s))];
        life.look_at_pools(at(599));
        assert_eq!(life.stuck(), None);
        life.look_at_pools(at(601));
        life.look_at_pools(at(602));
        assert_eq!(life.stuck(), Some(Stuck { pool: "read", since: Duration::from_secs(602) }));
        assert!(life.is_stuck("read") && !life.is_stuck("display"));
        assert_eq!(
            log.lines_with("the pool `read` has been at one task for 601 s").len(),
            1,
            "once in a while"
        );
        life.look_at_pools(at(1));
        assert_eq!(life.stuck(), None);
    }

    #[test]
    fn a_clock_that_is_set_is_said_and_one_that_drifts_is_not() {
        let (log, life) = (captured::capture_log(), Life::new(POOLS));
        let (begun, time) = (Instant::now(), SystemTime::now());
        let s = Duration::from_secs_f64;
        let look = |after, clock: SystemTime| life.look_at_clock(begun + s(after), clock);
        look(0.0, time);
        look(1.0, time + s(1.5));
        // A machine that slept for an hour, as its clock says.
        look(2.0, time + s(3602.0));
        look(3.0, time + s(3603.0));
        look(4.0, time + s(4.0));
        assert_eq!(life.jumps.load(Ordering::Relaxed), 2);
        assert_eq!(log.lines_with("set forward by 3599.").len(), 1);
        assert_eq!(log.lines_with("set back by 3600.0 s").len(), 1);
    }
}
