//! What stays behind of those who came and went at random.

use std::time::Duration;

use crate::load::procfs::Sample;
use anyhow::Result;

use super::server::Server;
use super::table::Table;

/// What a server needs to give back what it keeps for a moment: lingering cameras, its allocator's decay.
pub(crate) const REST: Duration = Duration::from_secs(15);

/// Numbers that only the seed decides: xorshift64 (Marsaglia 2003).
pub(crate) struct Random(u64);

/// The server's process before, meanwhile, and after.
pub(crate) struct Traces {
    before: Sample,
    most: Sample,
}

impl Random {
    /// The same numbers for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From 0 to before `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit.max(1)
    }

    /// From 0 to before 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }
}

impl Traces {
    /// Nobody has come yet.
    pub(crate) fn from_server(server: &Server) -> Result<Self> {
        let before = server.read_sample()?;
        Ok(Self { before, most: before })
    }

    /// While they come and go.
    pub(crate) fn record_sample(&mut self, server: &Server, at: Duration) -> Result<()> {
        let now = server.read_sample()?;
        self.most.open_files = self.most.open_files.max(now.open_files);
        self.most.threads = self.most.threads.max(now.threads);
        self.most.memory.rss_bytes = self.most.memory.rss_bytes.max(now.memory.rss_bytes);
        let megabytes = now.memory.rss_bytes / 1_000_000;
        eprintln!("{:.0} s: {} open files, {megabytes} MB", at.as_secs_f64(), now.open_files);
        Ok(())
    }

    /// The table, with the values now as those after the last has gone.
    pub(crate) fn table(&self, server: &Server) -> Result<Table> {
        let after = server.read_sample()?;
        let mut table = Table::new(&["", "before", "most", "after"]);
        let row = |name: &str, value: &dyn Fn(&Sample) -> String| {
            [name.to_owned(), value(&self.before), value(&self.most), value(&after)]
        };
        table.add_row(row("descriptors", &|s| s.open_files.to_string()));
        table.add_row(row("threads", &|s| s.threads.to_string()));
        table.add_row(row("resident MB", &|s| format!("{:.1}", s.memory.rss_bytes as f64 / 1e6)));
        Ok(table)
    }
}
