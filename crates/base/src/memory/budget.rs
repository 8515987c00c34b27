//! How much memory the server may use, what it uses, and what happens in between.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{AGAIN_PERCENT, Memory, children};
use crate::clock;
use crate::lines::LogThrottle;

/// Of what there is, unless the configuration says how much: the rest is for the kernel's buffers, other processes of the group,
/// and what is begun between two looks.
const SHARE_PERCENT: u64 = 80;
/// From one look to the next: a stream that begins takes a few megabytes in this time.
const EVERY: Duration = Duration::from_millis(250);

/// How much the server may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    configured: Option<u64>,
    there_is: Option<Available>,
}

/// What the system lets a process have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Available {
    bytes: u64,
    /// A control group allows less than the machine has.
    is_of_group: bool,
}

impl Budget {
    /// On this machine; `configured` in bytes, or as much as there is a share of.
    pub fn for_machine(configured: Option<u64>) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let there_is =
            available_memory(&read("/proc/meminfo"), &read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
        Self { configured, there_is }
    }

    /// In bytes; `None` where nothing is configured and it cannot be told what there is.
    pub fn bytes(&self) -> Option<u64> {
        let share = |there_is: Available| there_is.bytes / 100 * SHARE_PERCENT;
        self.configured.or_else(|| self.there_is.map(share))
    }

    /// For the operator, where the server would be ended by the system before it refuses anything.
    pub fn warning(&self) -> Option<String> {
        let (configured, there_is) = (self.configured?, self.there_is?);
        (configured > there_is.bytes).then(|| {
            format!(
                "server.memory_mb is {} MiB, but {there_is}: the system may end the server before it refuses anything; lower server.memory_mb",
                configured >> 20
            )
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.bytes(), self.configured, self.there_is) {
            (Some(bytes), Some(_), _) => {
                write!(f, "nothing new begins above {} MiB (server.memory_mb)", bytes >> 20)
            }
            (Some(bytes), None, Some(there_is)) => write!(
                f,
                "nothing new begins above {} MiB, {SHARE_PERCENT} % of what there is: {there_is}",
                bytes >> 20
            ),
            _ => f.write_str(
                "there is no budget, as it cannot be told how much there is; set server.memory_mb",
            ),
        }
    }
}

impl fmt::Display for Available {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.bytes >> 20;
        if self.is_of_group {
            write!(f, "the control group allows {mib} MiB")
        } else {
            write!(f, "the machine has {mib} MiB")
        }
    }
}

/// The machine's memory or, where that is less, the lowest limit of the groups that a process is in, as named in
/// `/proc/self/cgroup`.
fn available_memory(meminfo: &str, groups: &str, root: &Path) -> Option<Available> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let (machine, group) = (kib.map(|kib| kib << 10), lowest_limit(groups, root));
    match (machine, group) {
        (machine, Some(bytes)) if machine.is_none_or(|machine| bytes < machine) => {
            Some(Available { bytes, is_of_group: true })
        }
        (machine, _) => machine.map(|bytes| Available { bytes, is_of_group: false }),
    }
}

fn lowest_limit(groups: &str, root: &Path) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        // Of version 2 there is one hierarchy, and its controllers are not named.
        let (folders, file): (&[&str], _) = match controllers {
            "" => (&["", "unified"], "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (&["memory"], "memory.limit_in_bytes")
            }
            _ => return None,
        };
        // From inside of a container only the upper ones of these can be seen, or none but the root.
        let group = PathBuf::from(group.trim_start_matches('/'));
        let files = folders.iter().flat_map(|folder| {
            group.ancestors().map(move |part| root.join(folder).join(part).join(file)).collect::<Vec<_>>()
        });
        // `max` is not a limit, and neither is version 1's highest number.
        let limit = |file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
        files.filter_map(limit).min()
    });
    limits.filter(|limit| *limit > 0).min()
}

/// Tells how many bytes are used now; `None` where that cannot be told.
pub type Reading = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// What this process and those that it has started to draw have for themselves, in bytes: not what they share with files, which
/// the system can take back. `None` where it cannot be told.
pub fn used_memory() -> Option<u64> {
    let own = private_bytes(&fs::read_to_string("/proc/self/statm").ok()?)?;
    Some(own + children::used_by_all())
}

/// Of the text of a process's `statm`.
pub(super) fn private_bytes(statm: &str) -> Option<u64> {
    of_statm(statm, rustix::param::page_size() as u64)
}

fn of_statm(statm: &str, page: u64) -> Option<u64> {
    let mut fields = statm.split_whitespace().skip(1);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let (resident, shared) = (next()?, next()?);
    Some(resident.saturating_sub(shared) * page)
}

/// Looks at what is used for as long as it is polled, and says when the budget is used up and when it is not any more. Where it
/// cannot be told, nothing changes.
pub async fn watch_memory(memory: Arc<Memory>, used: Reading) {
    let mut log = Log::default();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Some(used) = used()
            && let Some(is_full) = memory.record_usage(used)
        {
            log.log_change(&memory, is_full);
        }
    }
}

/// Both lines of each time that it is used up, or none.
#[derive(Debug, Default)]
struct Log {
    throttle: LogThrottle,
    has_begun: bool,
    refused: u64,
}

impl Log {
    fn log_change(&mut self, memory: &Memory, is_full: bool) {
        let (used, budget) = (memory.used() >> 20, memory.budget().unwrap_or_default() >> 20);
        if is_full {
            let unsaid = self.throttle.admit_line(clock::now());
            self.has_begun = unsaid.is_some();
            if let Some(unsaid) = unsaid {
                self.refused = memory.all_refused();
                tracing::warn!(
                    unsaid,
                    "{used} MiB of memory are used and {budget} may be (server.memory_mb): new streams, cameras, viewers, clients, pictures and batches are refused until it is less than {AGAIN_PERCENT} % of that"
                );
            }
        } else if std::mem::take(&mut self.has_begun) {
            let refused = memory.all_refused().saturating_sub(self.refused);
            tracing::info!(
                "{used} MiB of memory are used: what is new is accepted again; {refused} were refused"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Work;
    use super::*;
    use crate::captured;

    const MEMINFO: &str = "MemTotal:        8192 kB\nMemFree:          100 kB\n";

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
    fn what_there_is_is_the_least_of_the_machine_and_all_groups_above_in_both_versions() {
        let unlimited = "9223372036854771712\n";
        for (groups, files, expected) in [
            ("0::/a/b\n", &[("a/b/memory.max", "4096\n"), ("a/memory.max", "max\n")][..], Some(4096)),
            ("0::/a/b\n", &[("a/b/memory.max", "max\n"), ("a/memory.max", "5000\n")], Some(5000)),
            ("0::/a/b\n", &[("a/b/memory.max", "6000\n"), ("a/memory.max", "5000\n")], Some(5000)),
            // From inside of a container: the group's own name is not there.
            ("0::/\n", &[("memory.max", "4096\n")], Some(4096)),
            ("0::/docker/0123\n", &[("memory.max", "4096\n")], Some(4096)),
            ("5:memory:/m\n0::/m\n", &[("memory/m/memory.limit_in_bytes", "4096\n")], Some(4096)),
            ("5:memory:/m/n\n", &[("memory/m/memory.limit_in_bytes", "4096\n")], Some(4096)),
            ("5:cpu:/m\n", &[("memory/m/memory.limit_in_bytes", "4096\n")], None),
            ("5:memory:/m\n", &[("memory/m/memory.limit_in_bytes", unlimited)], None),
            ("0::/a\n", &[("a/memory.max", "99999999\n")], None),
            ("0::/\n", &[("memory.max", "nonsense")], None),
            ("", &[("memory.max", "4096\n")], None),
        ] {
            let root = written(files);
            let found = available_memory(MEMINFO, groups, root.path()).unwrap();
            let machine = Available { bytes: 8 << 20, is_of_group: false };
            let expected = expected.map_or(machine, |bytes| Available { bytes, is_of_group: true });
            assert_eq!(found, expected, "{groups:?} {files:?}");
        }
        let nothing = written(&[]);
        assert_eq!(available_memory("", "0::/\n", nothing.path()), None);
        let group = written(&[("memory.max", "4096\n")]);
        assert!(available_memory("", "0::/\n", group.path()).unwrap().is_of_group);
    }

    #[test]
    fn the_budget_is_what_is_configured_or_a_share_of_what_there_is_and_says_so() {
        let of = |mib: u64, is_of_group| Some(Available { bytes: mib << 20, is_of_group });
        let budget = |configured: Option<u64>, there_is| Budget {
            configured: configured.map(|mib| mib << 20),
            there_is,
        };
        let share = budget(None, of(1000, true));
        assert_eq!(share.bytes(), Some(800 << 20));
        assert!(
            share.to_string().contains("above 800 MiB, 80 % of")
                && share.to_string().contains("group allows 1000")
        );
        assert!(budget(None, of(1000, false)).to_string().contains("machine has 1000 MiB"));
        let own = budget(Some(600), of(1000, true));
        assert_eq!((own.bytes(), own.warning()), (Some(600 << 20), None));
        assert!(own.to_string().contains("above 600 MiB (server.memory_mb)"), "{own}");
        let warning = budget(Some(1200), of(1000, true)).warning().unwrap();
        assert!(warning.contains("1200 MiB") && warning.contains("allows 1000"), "{warning}");
        let none = budget(None, None);
        assert!(none.bytes().is_none() && none.to_string().contains("set server.memory_mb"), "{none}");
    }

    #[test]
    fn what_is_shared_with_files_does_not_count() {
        assert_eq!(of_statm("1000 300 100 5 0 200 0\n", 4096), Some(200 * 4096));
        assert_eq!(of_statm("1000 300", 4096), None);
        let Some(before) = used_memory() else { return };
        let block = vec![1_u8; 64 << 20];
        let with = used_memory().unwrap();
        assert!(with > before + (32 << 20), "{before} {with} {}", block.len());
    }

    #[test]
    fn a_child_counts_as_long_as_it_computes_for_this_process() {
        use std::io::Read as _;
        use std::process::{Command, Stdio};

        // Sixteen megabytes in a variable; it says so when they are there, and goes when its input ends.
        let script = "x=$(head -c 16000000 /dev/zero | tr '\\0' a); echo; read -r _";
        let command = &mut Command::new("sh");
        let command = command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else { return };
        let counted = children::CountedChild::new(child.id());
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert!(counted.used_bytes() >= 16_000_000, "{}", counted.used_bytes());
        assert!(children::used_by_all() >= counted.used_bytes());
        drop(counted);
        assert_eq!(children::used_by_all(), 0);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn it_is_said_when_the_budget_is_used_up_and_when_it_is_not_any_more_but_not_each_time() {
        let lines = captured::capture_log();
        let (memory, mut log) = (Memory::new(Some(100 << 20)), Log::default());
        for _ in 0..20 {
            for used in [101, 90] {
                if let Some(is_full) = memory.record_usage(used << 20) {
                    log.log_change(&memory, is_full);
                }
                let _ = memory.admit_work(Work::Viewer);
            }
        }
        let begun = lines.lines_with("101 MiB of memory are used and 100 may be");
        assert_eq!(begun.len(), 1, "{begun:?}");
        assert_eq!(
            lines
                .lines_with("90 MiB of memory are used: what is new is accepted again; 1 were refused")
                .len(),
            1
        );
    }
}
