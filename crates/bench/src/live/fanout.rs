//! One source and more and more viewers: at its usual rate, and at the rate that the server can just keep up with.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use super::bare::Bare;
use super::measure::{Row, measure_viewers};
use super::server::Server;
use super::table::{Table, format_ms, median};
use super::viewers::{Ask, Viewers};

/// Until rates, buffers and caches are what they will be.
const SETTLE: Duration = Duration::from_millis(1500);
/// Pictures a second at the limit: this many times what the bare loop can write, whichever of these gets the most through. Too
/// few do not reach it, and those too many cost time without being seen.
const OFFERED: [f64; 4] = [0.8, 1.0, 1.2, 1.5];
/// What a higher rate has to gain to be taken.
const GAIN: f64 = 1.03;
/// How long each of them is tried, after as long again.
const TRIED: Duration = Duration::from_secs(1);
/// While something else is measured; pictures must not stop altogether.
const IDLE_FPS: f64 = 1.0;

/// The options of both tables.
#[derive(Debug, clap::Args)]
pub(crate) struct Steps {
    /// How many viewers, one row each
    #[arg(long, value_delimiter = ',', default_value = "10,50,100,200,500")]
    viewers: Vec<usize>,
    /// How long a row is measured
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Pairs of server and bare loop at the highest rate; 0: not that table
    #[arg(long, default_value_t = 3)]
    pairs: usize,
    /// How long each of a pair is measured
    #[arg(long, default_value_t = 4.0)]
    pair_seconds: f64,
    /// Threads of the bare loop (as many as the server has for its network: one a CPU)
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    bare_threads: usize,
}

/// Who sends the pictures.
pub(crate) trait Source {
    /// Pictures a second from now on.
    fn set_fps(&self, fps: f64);
    /// Pictures sent so far.
    fn sent_count(&self) -> u64;
}

/// What all rows share.
pub(crate) struct Bench<'a> {
    /// How many viewers, and how long each step is measured.
    pub(crate) steps: &'a Steps,
    /// Pictures a second at the usual rate.
    pub(crate) fps: f64,
    /// The server whose CPU time is measured.
    pub(crate) server: &'a Server,
    /// Sends what viewers get, at a rate that can be changed.
    pub(crate) source: &'a dyn Source,
    /// What viewers ask for.
    pub(crate) ask: Ask,
    /// Mean size of the pictures as they are sent.
    pub(crate) bytes: usize,
}

impl Bench<'_> {
    /// Prints a table of viewers at the usual rate and, if it is asked for, one of as many pictures as possible.
    pub(crate) fn print_tables(&self) -> Result<()> {
        println!("{}", self.measure_paced()?.text());
        if self.steps.pairs > 0 {
            println!("{}", self.measure_saturated()?.text());
        }
        Ok(())
    }

    fn measure_paced(&self) -> Result<Table> {
        let mut table = Table::new(&[
            "viewers",
            "parts/s",
            "MB/s",
            "delivered",
            "age p50 ms",
            "p95",
            "p99",
            "max",
            "server cores",
            "CPU ms/part",
            "kB/viewer",
            "bare: age p50",
            "p99",
            "bare: CPU ms/part",
            "generator cores",
            "others",
        ]);
        // With one viewer, so that what is left to grow is the others'.
        let viewers = Viewers::start()?;
        viewers.open_viewers(&self.ask, 1)?;
        sleep(SETTLE);
        let alone = self.server.read_sample()?.memory.rss_bytes;
        let (steps, source) = (self.steps, self.source);
        for &count in &steps.viewers {
            eprintln!("{count} viewers at {} pictures a second", self.fps);
            viewers.open_viewers(&self.ask, count.saturating_sub(viewers.take_results()?.viewers))?;
            sleep(SETTLE);
            let row = self.measure_row(&viewers, steps.seconds)?;
            let memory = self.server.read_sample()?.memory.rss_bytes;
            source.set_fps(IDLE_FPS);
            let bare = self.measure_bare(self.fps, count, steps.seconds)?;
            source.set_fps(self.fps);
            let age = row.got.age;
            table.add_row([
                count.to_string(),
                format!("{:.0}", row.parts_per_s()),
                format!("{:.1}", row.bytes_per_s() / 1e6),
                format!("{:.1} %", row.delivered_share(count) * 100.0),
                format_ms(age.p50),
                format_ms(age.p95),
                format_ms(age.p99),
                format_ms(age.max),
                format!("{:.2}", row.busy_cores(row.cpu)),
                format!("{:.4}", row.cpu_ms()),
                format!("{:.1}", memory.saturating_sub(alone) as f64 / 1e3 / (count.max(2) - 1) as f64),
                format_ms(bare.got.age.p50),
                format_ms(bare.got.age.p99),
                format!("{:.4}", bare.cpu_ms()),
                format!("{:.2}", row.busy_cores(row.generator)),
                row.format_other_cores(),
            ]);
        }
        Ok(table)
    }

    fn measure_row(&self, viewers: &Viewers, seconds: f64) -> Result<Row> {
        measure_viewers(viewers, &[self.server.pid()], seconds, || self.source.sent_count())?
            .require_complete()
    }

    /// The bare loop in the server's place, with viewers of its own.
    fn measure_bare(&self, fps: f64, count: usize, seconds: f64) -> Result<Row> {
        let bare = Bare::start(self.ask.kind, fps, self.bytes, self.steps.bare_threads)?;
        let viewers = Viewers::start()?;
        viewers.open_viewers(&bare.make_ask(), count)?;
        sleep(SETTLE);
        measure_viewers(&viewers, &[bare.pid()], seconds, || 0)?.require_complete()
    }

    /// The rate at which most gets through, about as fast as `fps`.
    fn find_best_rate(&self, viewers: &Viewers, fps: f64) -> Result<f64> {
        let mut best = (0.0, fps);
        for times in OFFERED {
            self.source.set_fps(fps * times);
            sleep(TRIED);
            let row = self.measure_row(viewers, TRIED.as_secs_f64())?;
            if row.bytes_per_s() > best.0 * GAIN {
                best = (row.bytes_per_s(), fps * times);
            }
        }
        Ok(best.1)
    }

    fn measure_saturated(&self) -> Result<Table> {
        let mut table = Table::new(&[
            "viewers",
            "bare MB/s",
            "server MB/s",
            "ratio (median of pairs)",
            "all pairs",
            "by CPU time",
            "offered pictures/s",
            "delivered",
            "server cores",
            "bare cores",
            "generator cores",
            "bare: generator",
            "others",
        ]);
        let (steps, source) = (self.steps, self.source);
        for &count in &steps.viewers {
            eprintln!("{count} viewers as fast as they get them");
            source.set_fps(self.fps);
            let first = self.measure_bare(0.0, count, 1.0)?;
            let viewers = Viewers::start()?;
            viewers.open_viewers(&self.ask, count)?;
            let fps = self.find_best_rate(&viewers, first.parts_per_s() / count as f64)?;
            let mut pairs = Vec::new();
            for _ in 0..steps.pairs {
                source.set_fps(fps);
                sleep(SETTLE);
                let row = self.measure_row(&viewers, steps.pair_seconds)?;
                source.set_fps(IDLE_FPS);
                pairs.push((self.measure_bare(0.0, count, steps.pair_seconds)?, row));
            }
            table.add_row(saturated_row(count, &pairs));
        }
        Ok(table)
    }
}

fn saturated_row(count: usize, pairs: &[(Row, Row)]) -> [String; 13] {
    let ratio = |bare: &Row, row: &Row| row.bytes_per_s() / bare.bytes_per_s();
    let of = |value: &dyn Fn(&Row, &Row) -> f64| {
        median(pairs.iter().map(|(bare, row)| value(bare, row)).collect())
    };
    let mut all: Vec<String> = pairs.iter().map(|(bare, row)| format!("{:.2}", ratio(bare, row))).collect();
    let unstamped: u64 = pairs.iter().map(|(_, row)| row.got.unstamped).sum();
    if unstamped > 0 {
        all.push(format!("({unstamped} parts at lower quality)"));
    }
    [
        count.to_string(),
        format!("{:.0}", of(&|bare, _| bare.bytes_per_s() / 1e6)),
        format!("{:.0}", of(&|_, row| row.bytes_per_s() / 1e6)),
        format!("{:.2}", of(&ratio)),
        all.join(" "),
        format!("{:.2}", of(&|bare, row| bare.cpu_per_byte() / row.cpu_per_byte())),
        format!("{:.0}", of(&|_, row| row.offered as f64 / row.seconds)),
        format!("{:.0} %", of(&|_, row| row.delivered_share(count)) * 100.0),
        format!("{:.2}", of(&|_, row| row.busy_cores(row.cpu))),
        format!("{:.2}", of(&|bare, _| bare.busy_cores(bare.cpu))),
        format!("{:.2}", of(&|_, row| row.busy_cores(row.generator))),
        format!("{:.2}", of(&|bare, _| bare.busy_cores(bare.generator))),
        format!("{:.2}", of(&|_, row| row.machine.other_cores.unwrap_or(f64::NAN))),
    ]
}
