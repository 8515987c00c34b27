//! How the process itself is: whether its threads and tasks go on, whether its clock is steady, whether it is stopping.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sightwire_engine::pool;
use sightwire_measure::lines::LogThrottle;

/// A thread that has been at one task for so long is taken not to come back: none takes a tenth of it,
const STUCK_AFTER: Duration = Duration::from_mins(2);
/// but a page of a hundred megapixels on a slow machine.
const STUCK_READING_AFTER: Duration = Duration::from_mins(10);
/// Whoever looks once a second and has not for so long is itself stuck.
const BLIND_AFTER: Duration = Duration::from_secs(30);
/// What it is called then.
const LOOKER: &str = "net";
/// Between two looks, the clock may go so much more or less than the time that passes.
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
    reloads: AtomicU64,
    failed_reloads: AtomicU64,
    page_errors: AtomicU64,
}

/// A thread that does not come back from a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its pool: `clip`, `detect`, `display`, `hands`, `pixels`, `read`; or `net`, where the threads of the network do not come to
    /// look at the others.
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

/// How long a thread of that pool may be at one task.
fn patience(pool: &str) -> Duration {
    match pool {
        // There a picture may wait for memory behind others, each with its deadline.
        "display" => Duration::MAX,
        "read" => STUCK_READING_AFTER,
        _ => STUCK_AFTER,
    }
}

impl Life {
    /// Of a server that begins now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            began: super::unix_s(),
            stopping: AtomicBool::new(false),
            seen: Mutex::new(Seen { stuck: Vec::new(), at: Instant::now() }),
            clock: Mutex::default(),
            jumps: AtomicU64::new(0),
            said: LogThrottle::new(),
            reloads: AtomicU64::new(0),
            failed_reloads: AtomicU64::new(0),
            page_errors: AtomicU64::new(0),
        })
    }

    /// From now on it is not ready: whoever comes is to come back later, or elsewhere.
    pub fn stops(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it stops.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// What does not come back, if something does not: a thread of a pool, as of the last look, or whoever looks.
    pub fn stuck(&self) -> Option<Stuck> {
        let seen = self.seen.lock();
        let blind = Some(seen.at.elapsed()).filter(|since| *since >= BLIND_AFTER);
        let looker = blind.map(|since| Stuck { pool: LOOKER, since });
        looker.or_else(|| seen.stuck.first().copied())
    }

    /// Whether a thread of that pool does not come back; as of the last look.
    pub fn is_stuck(&self, pool: &str) -> bool {
        self.seen.lock().stuck.iter().any(|stuck| stuck.pool == pool)
    }

    /// Times that the clock was set.
    pub fn clock_jumps(&self) -> u64 {
        self.jumps.load(Ordering::Relaxed)
    }

    /// The configuration was read again; `applied` if it could be used.
    pub fn reloaded(&self, applied: bool) {
        let counter = if applied { &self.reloads } else { &self.failed_reloads };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Times that the configuration was read again and used, and that it could not be used.
    pub fn reloads(&self) -> [u64; 2] {
        [&self.reloads, &self.failed_reloads].map(|count| count.load(Ordering::Relaxed))
    }

    /// A page has told of an error of its own.
    pub fn page_failed(&self) {
        self.page_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Errors that pages have told of.
    pub fn page_errors(&self) -> u64 {
        self.page_errors.load(Ordering::Relaxed)
    }

    /// Looks at all of it; to be called once a second.
    pub fn look(&self) {
        self.look_at_pools(pool::longest());
        self.look_at_clock(Instant::now(), SystemTime::now());
    }

    fn look_at_pools(&self, longest: impl IntoIterator<Item = (&'static str, Duration)>) {
        let all = longest.into_iter().map(|(pool, since)| Stuck { pool, since });
        let stuck: Vec<Stuck> = all.filter(|stuck| stuck.since >= patience(stuck.pool)).collect();
        if let Some(first) = stuck.first()
            && let Some(unsaid) = self.said.is_due(Instant::now())
        {
            tracing::error!(
                unsaid,
                "{first}: it is taken not to come back, and /readyz fails; start the server again (a systemd unit with WatchdogSec= does)"
            );
        }
        *self.seen.lock() = Seen { stuck, at: Instant::now() };
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

#[cfg(test)]
mod tests {
    use sightwire_measure::captured;

    use super::*;

    #[test]
    fn whoever_has_not_looked_for_long_is_itself_stuck_until_the_next_look() {
        let life = Life::new();
        life.seen.lock().at = Instant::now().checked_sub(Duration::from_secs(34)).unwrap();
        let stuck = life.stuck().unwrap();
        assert_eq!(stuck.to_string(), "the server has not looked after itself for 34 s");
        life.look_at_pools([]);
        assert_eq!(life.stuck(), None);
    }

    #[test]
    fn a_thread_that_is_at_a_task_for_minutes_is_taken_not_to_come_back_until_it_does() {
        let (log, life) = (captured::log(), Life::new());
        let at = |s| [("display", Duration::from_secs(9999)), ("read", Duration::from_secs(s))];
        life.look_at_pools(at(599));
        assert_eq!(life.stuck(), None);
        life.look_at_pools(at(601));
        life.look_at_pools(at(602));
        assert_eq!(life.stuck(), Some(Stuck { pool: "read", since: Duration::from_secs(602) }));
        assert!(life.is_stuck("read") && !life.is_stuck("display"));
        assert_eq!(log.with("the pool `read` has been at one task for 601 s").len(), 1, "once in a while");
        life.look_at_pools(at(1));
        assert_eq!(life.stuck(), None);
    }

    #[test]
    fn a_clock_that_is_set_is_said_and_one_that_drifts_is_not() {
        let (log, life) = (captured::log(), Life::new());
        let (begun, time) = (Instant::now(), SystemTime::now());
        let s = Duration::from_secs_f64;
        let look = |after, clock: SystemTime| life.look_at_clock(begun + s(after), clock);
        look(0.0, time);
        look(1.0, time + s(1.5));
        // A machine that slept for an hour, as its clock says.
        look(2.0, time + s(3602.0));
        look(3.0, time + s(3603.0));
        look(4.0, time + s(4.0));
        assert_eq!(life.clock_jumps(), 2);
        assert_eq!(log.with("set forward by 3599.").len(), 1);
        assert_eq!(log.with("set back by 3600.0 s").len(), 1);
    }
}
