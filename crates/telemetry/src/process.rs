//! CPU, memory and threads of this process, from `/proc`; zeros where there is none.

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
pub fn usage() -> ProcessUsage {
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
