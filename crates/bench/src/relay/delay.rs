//! One stream and one viewer: what the relay adds to the delay of a connection without it.

use std::thread::sleep;
use std::time::Duration;

use crate::load::stats::Percentiles;
use anyhow::Result;

use super::{Common, Relay};
use crate::live::bare::Bare;
use crate::live::table::{Table, format_ms, median};
use crate::live::viewers::{Ask, Viewers};

const SETTLE: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// How often it is measured, in turn with a connection from sender to viewer
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How long each
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
}

/// Measures and prints the table.
pub(super) fn main(args: &Args) -> Result<()> {
    let relay = Relay::from_args(&args.common)?;
    let _streamers = relay.start_streamers(1)?;
    let mut table = Table::new(&[
        "pair",
        "direct: p50 ms",
        "p95",
        "p99",
        "max",
        "relay: p50",
        "p95",
        "p99",
        "max",
        "added: p50",
        "p99",
    ]);
    let mut added = Vec::new();
    for pair in 1..=args.pairs {
        eprintln!("pair {pair} of {}", args.pairs);
        let bare = Bare::start(relay.make_ask().kind, args.common.fps, relay.bytes, 1)?;
        let direct = measure_ages(&bare.make_ask(), args.seconds)?;
        drop(bare);
        let relayed = measure_ages(&relay.make_ask(), args.seconds)?;
        let more = (relayed.p50 - direct.p50, relayed.p99 - direct.p99);
        let mut cells = vec![pair.to_string()];
        for age in [direct, relayed] {
            cells.extend([age.p50, age.p95, age.p99, age.max].map(format_ms));
        }
        cells.extend([format!("{:.2}", more.0), format!("{:.2}", more.1)]);
        table.add_row(cells);
        added.push(more);
    }
    println!("{}", table.text());
    let (p50, p99): (Vec<_>, Vec<_>) = added.into_iter().unzip();
    println!("Median of what the relay adds: {:.2} ms at p50, {:.2} ms at p99.", median(p50), median(p99));
    Ok(())
}

fn measure_ages(ask: &Ask, seconds: f64) -> Result<Percentiles> {
    let viewers = Viewers::start()?;
    viewers.open_viewers(ask, 1)?;
    sleep(SETTLE);
    viewers.take_results()?;
    sleep(Duration::from_secs_f64(seconds));
    Ok(viewers.take_results()?.age)
}
