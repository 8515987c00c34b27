//! A number of streams and viewers for a time: what came, how old it was, what it cost, and what was lost.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use crate::load::stats::Percentiles;
use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use super::Common;
use super::places::{self, PlaceArgs, Places};
use super::streamers::Streamers;
use crate::live::fanout::Source as _;
use crate::live::measure::{Row, measure_viewers};
use crate::live::slow::Slow;
use crate::live::table::{Table, format_ms};
use crate::live::viewers::Viewers;

/// A viewer that got less than this share of what was sent was left out.
const FAIR: f64 = 0.95;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    places: PlaceArgs,
    /// How many streams, one row each
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = count)]
    streams: Vec<usize>,
    /// How many viewers, each of all streams or of one; one row each
    #[arg(long, value_delimiter = ',', default_value = "10", value_parser = count)]
    viewers: Vec<usize>,
    /// Each viewer watches one stream, drawn by lot, instead of all
    #[arg(long)]
    one: bool,
    /// Viewers beside them, half of whom read 10 KB a second, and half nothing
    #[arg(long, default_value_t = 0)]
    slow: usize,
    /// Before that: until rates, buffers and caches are what they will be
    #[arg(long, default_value_t = 1.5)]
    settle: f64,
    /// Exit code 0 in any case: what was lost stands in the table
    #[arg(long)]
    lossy: bool,
    /// The rows as JSON, with what is measured of each process
    #[arg(long)]
    json: bool,
    /// How long a row is measured
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// A row for programs.
#[derive(Debug, Serialize)]
struct Told {
    streams: usize,
    viewers: usize,
    seconds: f64,
    /// Pictures that all viewers got.
    pictures: u64,
    /// Bytes that all viewers got on their sockets.
    bytes: u64,
    /// Pictures that viewers missed.
    lost: u64,
    age_ms: Percentiles,
    /// Of each process once: first those to which streams are sent, then those where viewers are.
    cpu_s: Vec<f64>,
    generator_cpu_s: f64,
    /// CPUs that others kept busy; null where the system does not tell.
    other_cores: Option<f64>,
    /// What was not as it should be.
    faults: Vec<String>,
}

fn count(text: &str) -> Result<usize> {
    let count: usize = text.parse().context("not a whole number")?;
    ensure!(count > 0, "at least 1 is needed");
    Ok(count)
}

/// The table, and what was not as it should be.
pub(super) fn main(args: &Args) -> Result<ExitCode> {
    let places = Places::from_args(&args.places, &args.common)?;
    let (pictures, _) = args.common.make_pictures()?;
    let mut table = Table::new(&[
        "streams × viewers",
        "pictures/s",
        "MB/s",
        "delivered",
        "lost a viewer: mean",
        "most",
        "age p50 ms",
        "p95",
        "p99",
        "max",
        "longest gap ms",
        "server cores",
        "CPU ms/picture",
        "generator cores",
        "others",
    ]);
    let (mut faults, mut all) = (Vec::new(), Vec::new());
    for &streams in &args.streams {
        for &viewers in &args.viewers {
            eprintln!("{streams} streams, {viewers} viewers");
            let name = format!("{streams} × {viewers}");
            let streamers =
                Streamers::start(places.sender_addresses(), pictures.clone(), streams, args.common.fps)?;
            let row = measure_streams(args, &places, &streamers, (streams, viewers))?;
            let found = list_faults(&row, (viewers, args.one.then_some(streams)), &streamers);
            faults.extend(found.iter().map(|fault| format!("{name}: {fault}")));
            table.add_row(format_cells(name, &row, viewers));
            all.push(Told::from_row(&row, (streams, viewers), found));
        }
    }
    let is_fine = faults.is_empty() || args.lossy;
    let code = if is_fine { ExitCode::SUCCESS } else { ExitCode::from(1) };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(code);
    }
    println!("{}", table.text());
    if args.slow > 0 {
        println!("Beside {} viewers who read 10 KB/s or nothing, who are not counted.\n", args.slow);
    }
    if faults.is_empty() {
        println!("No picture was lost, came twice, out of order or damaged; nobody was sent away.");
    }
    for fault in faults {
        println!("- {fault}");
    }
    Ok(code)
}

impl Told {
    fn from_row(row: &Row, (streams, viewers): (usize, usize), faults: Vec<String>) -> Self {
        Self {
            streams,
            viewers,
            seconds: row.seconds,
            pictures: row.got.parts,
            bytes: row.got.bytes,
            lost: row.got.skipped,
            age_ms: row.got.age,
            cpu_s: row.cpus.iter().map(Duration::as_secs_f64).collect(),
            generator_cpu_s: row.generator.as_secs_f64(),
            other_cores: row.machine.other_cores,
            faults,
        }
    }
}

fn measure_streams(
    args: &Args,
    places: &Places,
    streamers: &Streamers,
    (streams, count): (usize, usize),
) -> Result<Row> {
    let (viewers, asks) = (Viewers::start()?, places.make_asks(&args.common));
    places::spread_viewers(&viewers, &asks, count, args.one.then_some(streams))?;
    // At the first of the viewers' servers.
    let slow = match asks.first().filter(|_| args.slow > 0) {
        Some(ask) => Some(Slow::start(ask, args.slow)?),
        None => None,
    };
    sleep(Duration::from_secs_f64(args.settle));
    let row = measure_viewers(&viewers, &places.pids(), args.seconds, || streamers.sent_count())?;
    drop(slow);
    Ok(row)
}

fn format_cells(name: String, row: &Row, viewers: usize) -> [String; 15] {
    let (got, age) = (&row.got, row.got.age);
    let gap_ns = got.gaps_ns.iter().copied().max().unwrap_or_default();
    [
        name,
        format!("{:.0}", row.parts_per_s()),
        format!("{:.1}", row.bytes_per_s() / 1e6),
        // Without those on their way as the measurement began and ended.
        format!("{:.2} %", got.parts as f64 / (got.parts + got.skipped).max(1) as f64 * 100.0),
        format!("{:.1}", got.skipped as f64 / viewers as f64),
        got.most_skipped.to_string(),
        format_ms(age.p50),
        format_ms(age.p95),
        format_ms(age.p99),
        format_ms(age.max),
        format_ms(gap_ns as f64 / 1e6),
        format!("{:.2}", row.busy_cores(row.cpu)),
        format!("{:.4}", row.cpu_ms()),
        format!("{:.2}", row.busy_cores(row.generator)),
        row.format_other_cores(),
    ]
}

/// What was not as it should be.
fn list_faults(row: &Row, (viewers, one_of): (usize, Option<usize>), streamers: &Streamers) -> Vec<String> {
    let got = &row.got;
    let mut faults = Vec::new();
    let mut fault = |count: u64, what: &str| {
        if count > 0 {
            faults.push(format!("{count} {what}"));
        }
    };
    fault(got.skipped, &format!("pictures lost, {} by one viewer", got.most_skipped));
    fault(got.duplicates, "pictures came twice");
    fault(got.disordered, "pictures came out of order");
    fault(got.damaged, "pictures damaged or of another stream than they say");
    fault(got.unstamped, "pictures at lower quality");
    fault(got.lost, &format!("viewers sent away ({})", got.problem.as_deref().unwrap_or_default()));
    // All streams have the same rate.
    let offered = row.offered as f64 / one_of.unwrap_or(1) as f64;
    let least = got.least_parts as f64 / offered.max(1.0);
    if least < FAIR && got.lost == 0 {
        faults.push(format!("one of {viewers} viewers got {:.1} % of what was sent", least * 100.0));
    }
    faults.extend(streamers.problem());
    faults
}
