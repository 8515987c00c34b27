//! Watches the server's process during a run.

use std::time::Instant;

use crate::load::{
    procfs::{Memory, Sample},
    stats::round_digits,
};
use sightwire_api::status::ProcessStatus;

use super::{report::MemoryPart, status::Status};

/// Points of the memory curve in the report.
const MAX_POINTS: usize = 120;
/// A slope over less than this says nothing.
const MIN_SLOPE_SECONDS: f64 = 10.0;

/// CPU time and memory at one moment, from `/proc` or, for a server elsewhere, from its own words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) at: Instant,
    /// CPU seconds since the process started.
    pub(crate) cpu_seconds: f64,
    pub(crate) memory: Memory,
    pub(crate) threads: u64,
    /// Open files; 0 if unknown.
    pub(crate) open_files: u64,
}

impl From<Sample> for Usage {
    fn from(sample: Sample) -> Self {
        Self {
            at: sample.at,
            cpu_seconds: sample.cpu.as_secs_f64(),
            memory: sample.memory,
            threads: sample.threads,
            open_files: sample.open_files,
        }
    }
}

impl Usage {
    /// Everything that can be known now: of a process here if one is given, else what the server says.
    pub(crate) fn read_full(pid: Option<u32>, status: Option<&Status>) -> Option<Self> {
        match pid {
            Some(pid) => Sample::read_full(pid).ok().map(Self::from),
            None => status.map(Self::from_status),
        }
    }

    /// What the server says of itself.
    fn from_status(status: &Status) -> Self {
        let ProcessStatus { cpu_seconds, memory_bytes, threads, .. } = status.body.process;
        let memory = Memory { rss_bytes: memory_bytes, pss_bytes: 0 };
        Self { at: status.at, cpu_seconds, memory, threads, open_files: 0 }
    }

    /// CPUs used on average since `earlier`.
    pub(crate) fn cores_since(&self, earlier: &Self) -> Option<f64> {
        let seconds = (self.at - earlier.at).as_secs_f64();
        (seconds > 0.0).then(|| (self.cpu_seconds - earlier.cpu_seconds) / seconds)
    }
}

/// Resident memory over time.
#[derive(Debug, Default)]
pub(crate) struct Curve {
    points: Vec<(f64, u64)>,
}

impl Curve {
    /// Adds a point, `seconds` from the first frame.
    pub(crate) fn push(&mut self, seconds: f64, rss_bytes: u64) {
        self.points.push((seconds, rss_bytes));
    }

    fn peak_bytes(&self) -> u64 {
        self.points.iter().map(|point| point.1).max().unwrap_or(0)
    }

    /// Least-squares slope in bytes per minute over the points at or after `from`, or `None` where they
    /// span too little time.
    fn slope_per_minute(&self, from: f64) -> Option<f64> {
        let points: Vec<(f64, f64)> =
            self.points.iter().filter(|p| p.0 >= from).map(|p| (p.0, p.1 as f64)).collect();
        let span = points.last()?.0 - points.first()?.0;
        if span < MIN_SLOPE_SECONDS {
            return None;
        }
        let n = points.len() as f64;
        let mean_x = points.iter().map(|p| p.0).sum::<f64>() / n;
        let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
        let covariance: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
        let variance: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
        Some(round_digits(covariance / variance * 60.0, 0))
    }

    /// At most [`MAX_POINTS`] of the points, evenly chosen.
    fn thinned_points(&self) -> Vec<(f64, u64)> {
        let step = self.points.len().div_ceil(MAX_POINTS).max(1);
        self.points.iter().step_by(step).map(|&(seconds, bytes)| (round_digits(seconds, 1), bytes)).collect()
    }
}

/// The memory part of the report; `measured_from` is in the curve's seconds.
pub(crate) fn memory_part(
    marks: [Option<Usage>; 4],
    curve: &Curve,
    measured_from: f64,
    clients: usize,
) -> Option<MemoryPart> {
    let [idle, before, end, after] = marks.map(|usage| usage.map(|usage| usage.memory));
    let (before, end) = (before?, end?);
    let grown = end.rss_bytes as i64 - before.rss_bytes as i64;
    Some(MemoryPart {
        idle: idle.unwrap_or(before),
        before,
        end,
        peak_rss_bytes: curve.peak_bytes().max(end.rss_bytes),
        after: after.unwrap_or_default(),
        per_client_bytes: i64::try_from(clients).ok().filter(|&clients| clients > 0).map(|n| grown / n),
        growth_bytes_per_minute: curve.slope_per_minute(measured_from),
        series: curve.thinned_points(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_growth_is_its_slope() {
        let mut curve = Curve::default();
        for second in 0..600 {
            curve.push(f64::from(second), 1_000_000 + second as u64 * 500);
        }
        assert_eq!(curve.slope_per_minute(0.0), Some(30_000.0));
        assert_eq!(curve.slope_per_minute(595.0), None);
        assert_eq!(curve.thinned_points().len(), 120);
        assert_eq!(curve.peak_bytes(), 1_299_500);
    }
}
