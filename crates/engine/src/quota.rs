//! A container's CPU quota: `docker run --cpus 0.5`, `limits.cpu` of Kubernetes.
//!
//! The kernel lets a group that has used its quota up (50 ms, say) do nothing for the rest of the period (of 100 ms): the
//! threads that reply stand still with those that calculate. So these take a little less than the quota, in small portions, and
//! there is always some left for a reply.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::thread::sched_getaffinity;

use crate::core_time::used_by_all;
use crate::priority::Priority;

/// Share of the quota that the process may have used when inference begins; the rest is for what it does until it looks again.
/// In half a core the server gets 92 to 93 % of what busy threads get there, and replies take 1.8 ms at p99
/// (docs/benchmarks/beside-others.md); before there was a share they waited for up to 50 ms.
const SHARE: f32 = 0.94;
/// How much that was not used may be used later. With a frame that was begun, a period may see a little more than the quota: its
/// last milliseconds are then lost.
const SAVED: Duration = Duration::from_millis(2);
/// A wait is no longer than that: the clock of a process that was stopped may say anything.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// Of live work, which a long run of a batch must not hold up.
const LONGEST_LIVE_WAIT: Duration = Duration::from_millis(25);

/// Threads that can calculate at the same time: as many as there are CPUs or, where the quota is less, as make use of all of it.
pub fn usable_threads() -> usize {
    let cpus = available_cpus();
    quota_of_this_process().map_or(cpus, |cores| (cores.ceil() as usize).clamp(1, cpus))
}

/// Waits until the process may use more of its quota, and says for how long it did; not at all where there is none. Live work
/// does not wait for what a batch has used beyond its share: the batch does.
pub fn wait_for_quota(priority: Priority) -> Duration {
    static HERE: LazyLock<Option<Budget>> = LazyLock::new(|| {
        let cores = quota_of_this_process()?;
        tracing::info!(cores, "the CPU quota of this container is used evenly");
        Some(Budget::new(cores, Instant::now(), used_by_all()))
    });
    let wait =
        HERE.as_ref().and_then(|budget| budget.pause_for(priority, || (Instant::now(), used_by_all())));
    wait.inspect(|wait| std::thread::sleep(*wait)).unwrap_or_default()
}

/// Core time that comes in at a steady rate.
#[derive(Debug)]
struct Budget {
    rate: f32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    at: Instant,
    used: Duration,
    /// Seconds; less than 0 if more was used than came in.
    left: f32,
}

impl Budget {
    fn new(cores: f32, now: Instant, used: Duration) -> Self {
        Self { rate: cores * SHARE, state: Mutex::new(State { at: now, used, left: 0.0 }) }
    }

    /// For how long nothing more of that kind should be begun; `read` tells the time, and what was used so far.
    fn pause_for(&self, priority: Priority, read: impl FnOnce() -> (Instant, Duration)) -> Option<Duration> {
        let mut state = self.state.lock();
        let (now, used) = read();
        let came = now.saturating_duration_since(state.at).as_secs_f32() * self.rate;
        let went = used.saturating_sub(state.used).as_secs_f32();
        *state = State { at: now, used, left: (state.left + came - went).min(SAVED.as_secs_f32()) };
        // A debt from before anyone looked, as when models were loaded, is no reason to stand still for long.
        state.left = state.left.max(-LONGEST_WAIT.as_secs_f32() * self.rate);
        let longest = match priority {
            Priority::Live => LONGEST_LIVE_WAIT,
            Priority::Batch => LONGEST_WAIT,
        };
        (state.left < 0.0).then(|| Duration::from_secs_f32(-state.left / self.rate).min(longest))
    }
}

/// What a control group lets this process use, in cores; `None` if there is no quota, or it cannot be told.
pub fn quota_of_this_process() -> Option<f32> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    lowest_quota(&groups, Path::new("/sys/fs/cgroup")).filter(|cores| *cores < available_cpus() as f32)
}

/// CPUs that the process may run on.
pub fn available_cpus() -> usize {
    sched_getaffinity(None).map_or(1, |cpus| cpus.count() as usize).max(1)
}

/// The lowest quota of the groups that a process is in, whose names are as in `/proc/self/cgroup`.
fn lowest_quota(groups: &str, root: &Path) -> Option<f32> {
    let lowest = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        // Of version 2 there is one hierarchy, and its controllers are not named.
        let folders: &[&str] = match controllers {
            "" => &["", "unified"],
            _ if controllers.split(',').any(|name| name == "cpu") => &["cpu", "cpu,cpuacct"],
            _ => return None,
        };
        folders.iter().filter_map(|folder| group_quota(&root.join(folder), group)).reduce(f32::min)
    });
    lowest.reduce(f32::min)
}

/// Of a group and those above it; of all that can be seen of them from inside of a container.
fn group_quota(hierarchy: &Path, group: &str) -> Option<f32> {
    let group = PathBuf::from(group.trim_start_matches('/'));
    group.ancestors().filter_map(|part| of_group(&hierarchy.join(part))).reduce(f32::min)
}

fn of_group(folder: &Path) -> Option<f32> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let (quota, period) = match read("cpu.max") {
        Some(both) => {
            let (quota, period) = both.trim().split_once(' ')?;
            (quota.to_owned(), period.to_owned())
        }
        None => (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?),
    };
    // `max` and -1 are none.
    let (quota, period): (f32, f32) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    #[test]
    fn the_lowest_quota_of_all_groups_above_counts_in_both_versions() {
        for (groups, files, expected) in [
            ("0::/a/b\n", &[("a/b/cpu.max", "50000 100000\n"), ("a/cpu.max", "max 100000\n")][..], Some(0.5)),
            ("0::/a/b\n", &[("a/b/cpu.max", "max 100000\n"), ("a/cpu.max", "150000 100000\n")], Some(1.5)),
            // From inside of a container: the group's own name is not there.
            ("0::/\n", &[("cpu.max", "25000 100000\n")], Some(0.25)),
            ("0::/docker/0123\n", &[("cpu.max", "25000 100000\n")], Some(0.25)),
            (
                "5:memory:/m\n3:cpu,cpuacct:/a\n0::/a\n",
                &[("cpu/a/cpu.cfs_quota_us", "50000\n"), ("cpu/a/cpu.cfs_period_us", "100000\n")],
                Some(0.5),
            ),
            (
                "3:cpu:/a\n",
                &[("cpu/a/cpu.cfs_quota_us", "-1\n"), ("cpu/a/cpu.cfs_period_us", "100000\n")],
                None,
            ),
            ("0::/\n", &[("cpu.max", "max 100000\n")], None),
            ("0::/\n", &[("cpu.max", "nonsense")], None),
            ("0::/\n", &[], None),
            ("", &[("cpu.max", "25000 100000\n")], None),
        ] {
            let root = written(files);
            assert_eq!(lowest_quota(groups, root.path()), expected, "{groups:?} {files:?}");
        }
    }

    #[test]
    fn what_is_used_is_never_much_more_than_the_share_in_any_period() {
        let (begin, ms) = (Instant::now(), Duration::from_millis);
        let budget = Budget::new(0.5, begin, Duration::ZERO);
        let (mut now, mut used, mut uses) = (begin, Duration::ZERO, Vec::new());
        while now < begin + Duration::from_secs(5) {
            if let Some(wait) = budget.pause_for(Priority::Live, || (now, used)) {
                now += wait;
            }
            // A frame of 3 ms, and a reply.
            (now, used) = (now + ms(3), used + ms(3) + Duration::from_micros(200));
            uses.push((now, used));
        }
        for (at, before) in &uses {
            let (_, after) = uses.iter().rfind(|(then, _)| *then <= *at + ms(100)).unwrap();
            assert!(*after <= *before + ms(53), "{before:?} to {after:?} in a period of 100 ms");
        }
        assert!(used > ms(2300), "and not much less: {used:?} in 5 s");
    }

    #[test]
    fn nobody_waits_long_for_what_was_used_before() {
        let begin = Instant::now();
        let budget = Budget::new(0.5, begin, Duration::ZERO);
        let at = |now, priority| budget.pause_for(priority, move || (now, Duration::from_secs(10)));
        assert_eq!(at(begin, Priority::Batch).unwrap().as_millis(), LONGEST_WAIT.as_millis());
        assert_eq!(at(begin, Priority::Live), Some(LONGEST_LIVE_WAIT));
        assert_eq!(at(begin + 2 * LONGEST_WAIT, Priority::Batch), None);
    }
}
