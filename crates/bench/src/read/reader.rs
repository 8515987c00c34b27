//! A reader of text, as the benchmark sees it.

use std::time::Duration;

use crate::load::procfs::{self, Sample};
use anyhow::Result;

use super::Picture;

/// A program that reads text.
pub(super) trait Reader {
    /// What the tables call it.
    fn name(&self) -> &str;

    /// The processes whose CPU time and memory count as its own.
    fn pids(&self) -> Vec<u32>;

    /// Reads one picture and says how many lines it found.
    fn read(&mut self, picture: &Picture) -> Result<usize>;

    /// Reads many in whatever way is quickest, and says how many lines it found.
    fn read_batch(&mut self, pictures: &[Picture]) -> Result<usize>;
}

/// What a reader's processes have used so far, and have in memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) cpu: Duration,
    pub(super) rss_bytes: u64,
    pub(super) peak_bytes: u64,
}

impl Used {
    /// Sums what all processes of the reader have used by now.
    pub(super) fn from_reader(reader: &dyn Reader) -> Result<Self> {
        let mut sum = Self::default();
        for pid in reader.pids() {
            let sample = Sample::read_quick(pid)?;
            sum.cpu += sample.cpu;
            sum.rss_bytes += sample.memory.rss_bytes;
            sum.peak_bytes += procfs::peak_rss_bytes(pid)?;
        }
        Ok(sum)
    }
}
