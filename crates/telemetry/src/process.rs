//! CPU, memory, threads and open files of this process, from `/proc`; zeros where there is none.

use sightwire_base::metrics::{Collector, Metrics, Unit};

/// What this process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// User and system time since the start.
    pub cpu_seconds: f64,
    /// Memory that is in RAM (resident set), in bytes.
    pub memory_bytes: u64,
    /// Threads of this process at the moment.
    pub threads: u64,
}

/// What it uses now, from `/proc/self/stat`.
pub fn process_usage() -> ProcessUsage {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the name in parentheses, and may hold spaces.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let field =
        |number: usize| fields.get(number - 3).and_then(|f| f.parse::<u64>().ok()).unwrap_or_default();
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    ProcessUsage {
        cpu_seconds: (field(14) + field(15)) as f64 / ticks as f64,
        memory_bytes: field(24) * rustix::param::page_size() as u64,
        threads: field(20),
    }
}

/// Files and sockets of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFiles {
    /// How many are open.
    pub open: u64,
    /// How many may be open: the soft limit.
    pub most: u64,
}

/// What is open now. That is counted one by one: some milliseconds for ten thousand.
pub fn open_files() -> OpenFiles {
    // One of them is that of the count itself.
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |all| all.count().saturating_sub(1));
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    OpenFiles { open: open as u64, most }
}

/// Gives what the process takes to `/metrics`.
#[derive(Debug)]
pub struct ProcessMetrics;

impl Collector for ProcessMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        let (usage, files) = (process_usage(), open_files());
        metrics.counter_of_seconds("process_cpu", "User and system time.", usage.cpu_seconds);
        metrics.gauge("process_threads", "Threads.", usage.threads);
        metrics.gauge_in(Unit::Bytes, "process_memory", "Resident memory.", usage.memory_bytes);
        metrics.gauge("process_open_fds", "Files and sockets that are open now.", files.open);
        metrics.gauge("process_max_fds", "Files and sockets that may be open.", files.most);
    }
}
