//! How fast this machine is at the moment, in one figure: how long a fixed piece of work takes on one thread.
//!
//! Machines differ by more than two, and so do times on them. Divided by this, times of two machines can be compared:
//! `docs/testing.md` gives them as loops.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// Twenty million additions.
const LOOP: &str = "total = 0\nfor number in range(20_000_000): total += number";
/// The fastest of this many counts: what else runs only makes it slower.
const TRIES: usize = 3;

/// What the loop takes on this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calibration {
    took: Duration,
}

impl Calibration {
    /// Runs the loop, some seconds in all.
    pub(crate) fn measure() -> Result<Self> {
        let mut took = Duration::MAX;
        for _ in 0..TRIES {
            let begun = Instant::now();
            let status = Command::new("python3")
                .args(["-c", LOOP])
                .stdin(Stdio::null())
                .status()
                .context("start python3")?;
            ensure!(status.success(), "the calibration loop in python3 ended with {status}");
            took = took.min(begun.elapsed());
        }
        Ok(Self { took })
    }

    /// How many loops fit into a time.
    pub(crate) fn loops(self, time: Duration) -> f64 {
        time.as_secs_f64() / self.took.as_secs_f64()
    }

    /// This many loops, as time on this machine.
    pub(crate) fn time(self, loops: f64) -> Duration {
        self.took.mul_f64(loops)
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "calibration loop (20 million additions in Python): {:.2} s", self.took.as_secs_f64())
    }
}
