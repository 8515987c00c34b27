//! What viewers got in a time, and what it cost.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::load::machine::{Machine, Mark};
use anyhow::{Result, bail};

use super::server::Meter;
use super::viewers::{Got, Viewers};

/// What was measured over one step.
pub(crate) struct Row {
    /// What all viewers got.
    pub(crate) got: Got,
    /// How long was measured, the viewers' answers included.
    pub(crate) seconds: f64,
    /// CPU time of all processes that serve the viewers, together.
    pub(crate) cpu: Duration,
    /// CPU time of each process that serves the viewers.
    pub(crate) cpus: Vec<Duration>,
    /// CPU time of this program.
    pub(crate) generator: Duration,
    /// Pictures that each viewer was to get.
    pub(crate) offered: u64,
    /// Who else used the machine.
    pub(crate) machine: Machine,
}

impl Row {
    /// Pictures a second, of all viewers together.
    pub(crate) fn parts_per_s(&self) -> f64 {
        self.got.parts as f64 / self.seconds
    }

    /// Bytes a second, likewise.
    pub(crate) fn bytes_per_s(&self) -> f64 {
        self.got.bytes as f64 / self.seconds
    }

    /// CPU time of those who serve for a picture delivered.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / self.got.parts.max(1) as f64
    }

    /// Share of what was offered to this many viewers.
    pub(crate) fn delivered_share(&self, viewers: usize) -> f64 {
        (self.got.parts as f64 / (self.offered * viewers as u64).max(1) as f64).min(1.0)
    }

    /// CPU seconds of server and viewers per byte that arrived.
    pub(crate) fn cpu_per_byte(&self) -> f64 {
        (self.cpu + self.generator).as_secs_f64() / self.got.bytes.max(1) as f64
    }

    /// CPUs that `cpu` kept busy.
    pub(crate) fn busy_cores(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() / self.seconds
    }

    /// CPUs that others kept busy, as text.
    pub(crate) fn format_other_cores(&self) -> String {
        self.machine.other_cores.map_or("–".to_owned(), |cores| format!("{cores:.2}"))
    }

    /// An error if viewers were lost.
    pub(crate) fn require_complete(self) -> Result<Self> {
        match &self.got.problem {
            Some(problem) => bail!("{} viewers were lost, one because {problem}", self.got.lost),
            None => Ok(self),
        }
    }
}

/// Measures `viewers` for this long; `pids` are the processes that serve them, `sent` counts what each is to get.
pub(crate) fn measure_viewers(
    viewers: &Viewers,
    pids: &[u32],
    seconds: f64,
    sent: impl Fn() -> u64,
) -> Result<Row> {
    let warm_up = viewers.take_results()?;
    let servers: Vec<Meter> = pids.iter().map(|&pid| Meter::start(pid)).collect();
    let (ours, before) = (Meter::start(std::process::id()), sent());
    let (mark, begun) = (Mark::now(), Instant::now());
    sleep(Duration::from_secs_f64(seconds));
    // Before they are asked: what is sent while they answer is in nobody's count.
    let offered = sent() - before;
    let mut got = viewers.take_results()?;
    // Who was lost before is missing now.
    got.lost += warm_up.lost;
    got.problem = got.problem.or(warm_up.problem);
    let seconds = begun.elapsed().as_secs_f64();
    let cpus: Vec<Duration> = servers.iter().map(|server| server.read().0).collect();
    let (cpu, (generator, _)) = (cpus.iter().sum::<Duration>(), ours.read());
    let machine = Machine::from_marks(mark, Mark::now(), (cpu + generator).as_secs_f64() / seconds);
    Ok(Row { got, seconds, cpu, cpus, generator, offered, machine })
}
