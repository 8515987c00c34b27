//! What the machine is and who else used it during a run: a figure from a busy machine is not a figure.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{procfs, stats::round_digits};

/// The machine's CPUs, and their use over a run.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// CPUs that this process may use.
    pub cpus: usize,
    /// The CPU's own name.
    pub cpu_model: String,
    /// CPUs busy on average, everything included; absent where the system does not tell.
    pub busy_cores: Option<f64>,
    /// CPUs used by neither the server nor the generator: other programs, and kernel work that belongs to
    /// no process. Above about 0.2 the run was disturbed.
    pub other_cores: Option<f64>,
}

/// Machine-wide CPU time at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    at: Instant,
    busy: Option<Duration>,
}

impl Mark {
    /// What all programs together have used until now.
    pub fn now() -> Self {
        Self { at: Instant::now(), busy: procfs::machine_cpu() }
    }
}

impl Machine {
    /// Describes the machine and its use between two marks, of which `known_cores` are accounted for.
    pub fn from_marks(from: Mark, to: Mark, known_cores: f64) -> Self {
        let seconds = (to.at - from.at).as_secs_f64();
        let busy_cores = match (from.busy, to.busy) {
            (Some(a), Some(b)) if seconds > 0.0 => {
                Some(round_digits(b.saturating_sub(a).as_secs_f64() / seconds, 3))
            }
            _ => None,
        };
        let other_cores = busy_cores.map(|busy| round_digits((busy - known_cores).max(0.0), 3));
        Self {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_model: cpu_model().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            busy_cores,
            other_cores,
        }
    }
}

fn cpu_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
