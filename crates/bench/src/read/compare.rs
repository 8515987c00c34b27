//! The same pictures through every reader, in turn: one at a time, then in batches.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::load::machine::{Machine, Mark};
use crate::load::stats::Delays;
use anyhow::{Result, bail};

use super::beside::Beside;
use super::reader::{Reader, Used};
use super::served::Served;
use super::{read_pictures, split_name};
use crate::live::table::{Table, format_ms, median};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the pictures, .jpg and .png
    #[arg(long)]
    pictures: PathBuf,
    /// A server on this machine; several are measured in turn
    #[arg(long, value_name = "[NAME=]URL")]
    server: Vec<String>,
    /// Another reader: takes a path a line, answers with a number a line; the first is what the others are compared with
    #[arg(long, value_name = "[NAME=]COMMAND")]
    beside: Vec<String>,
    /// Another reader for batches only, in as many processes as there are CPUs
    #[arg(long, value_name = "[NAME=]COMMAND")]
    beside_in_batches: Vec<String>,
    /// How often each reads all pictures, one at a time
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// How often each reads a batch
    #[arg(long, default_value_t = 4)]
    batches: usize,
    /// How often the pictures are in a batch
    #[arg(long, default_value_t = 3)]
    repeat: usize,
}

/// What one reader did in one way of asking.
struct Sum {
    delays: Delays,
    images: usize,
    lines: usize,
    wall: Duration,
    cpu: Duration,
    /// Images a second of each round.
    rounds: Vec<f64>,
}

impl Sum {
    fn new() -> Result<Self> {
        let zero = Duration::ZERO;
        Ok(Self { delays: Delays::new()?, images: 0, lines: 0, wall: zero, cpu: zero, rounds: Vec::new() })
    }

    fn add_round(&mut self, images: usize, wall: Duration, cpu: Duration) {
        self.images += images;
        self.wall += wall;
        self.cpu += cpu;
        self.rounds.push(images as f64 / wall.as_secs_f64());
    }

    fn images_per_s(&self) -> f64 {
        self.images as f64 / self.wall.as_secs_f64()
    }

    fn cpu_s_per_image(&self) -> f64 {
        self.cpu.as_secs_f64() / self.images as f64
    }
}

/// Measures all readers and prints both tables.
pub(super) fn main(args: &Args) -> Result<()> {
    let pictures = read_pictures(&args.pictures)?;
    let mut readers: Vec<Box<dyn Reader>> = Vec::new();
    let mut idle = Vec::new();
    for text in &args.beside {
        let (name, command) = split_name(text);
        readers.push(Box::new(Beside::start(name, command, 1)?));
    }
    for text in &args.server {
        let (name, url) = split_name(text);
        readers.push(Box::new(Served::from_url(name, url)?));
    }
    if readers.is_empty() {
        bail!("nothing to measure: give --server URL");
    }
    for reader in &readers {
        idle.push(Used::from_reader(reader.as_ref())?.rss_bytes);
    }
    let mark = Mark::now();
    let mut sums = Vec::new();
    for reader in &mut readers {
        eprintln!("{}: a first time, which does not count", reader.name());
        for picture in &pictures {
            reader.read(picture)?;
        }
        sums.push(Sum::new()?);
    }
    for round in 0..args.rounds {
        eprintln!("one at a time, round {} of {}", round + 1, args.rounds);
        for (reader, sum) in readers.iter_mut().zip(&mut sums) {
            let before = Used::from_reader(reader.as_ref())?;
            let mut wall = Duration::ZERO;
            for picture in &pictures {
                let at = Instant::now();
                sum.lines += reader.read(picture)?;
                let took = at.elapsed();
                sum.delays.record(took);
                wall += took;
            }
            let cpu = Used::from_reader(reader.as_ref())?.cpu.saturating_sub(before.cpu);
            sum.add_round(pictures.len(), wall, cpu);
        }
    }
    println!("One picture at a time, {} pictures {} times, in turn:\n", pictures.len(), args.rounds);
    println!("{}", single_table(&readers, &sums, &idle)?);
    println!("{}", round_by_round(&readers, &sums));

    for text in &args.beside_in_batches {
        let (name, command) = split_name(text);
        let processes = std::thread::available_parallelism().map_or(1, usize::from);
        readers.push(Box::new(Beside::start(name, command, processes)?));
    }
    let batch = vec![pictures.clone(); args.repeat].concat();
    let mut sums = Vec::new();
    for reader in &mut readers {
        reader.read_batch(&pictures)?;
        sums.push(Sum::new()?);
    }
    for round in 0..args.batches {
        eprintln!("in batches, round {} of {}", round + 1, args.batches);
        for (reader, sum) in readers.iter_mut().zip(&mut sums) {
            let before = Used::from_reader(reader.as_ref())?;
            let at = Instant::now();
            sum.lines += reader.read_batch(&batch)?;
            let wall = at.elapsed();
            let cpu = Used::from_reader(reader.as_ref())?.cpu.saturating_sub(before.cpu);
            sum.add_round(batch.len(), wall, cpu);
        }
    }
    println!("In batches of {}, {} times, in turn:\n", batch.len(), args.batches);
    println!("{}", batch_table(&readers, &sums)?);
    println!("{}", round_by_round(&readers, &sums));
    let machine = Machine::from_marks(mark, Mark::now(), 0.0);
    if let Some(busy) = machine.busy_cores {
        println!("{} CPUs, of which {busy:.2} were busy, everything included.", machine.cpus);
    }
    Ok(())
}

fn single_table(readers: &[Box<dyn Reader>], sums: &[Sum], idle: &[u64]) -> Result<String> {
    let mut table = Table::new(&[
        "reader",
        "images/s",
        "times the first",
        "p50 ms",
        "p95",
        "CPU s/image",
        "lines",
        "MB before",
        "MB after",
        "MB peak",
    ]);
    for ((reader, sum), idle) in readers.iter().zip(sums).zip(idle) {
        let used = Used::from_reader(reader.as_ref())?;
        let delays = sum.delays.percentiles();
        table.add_row([
            reader.name().to_owned(),
            format!("{:.2}", sum.images_per_s()),
            format!("{:.2}", sum.images_per_s() / sums[0].images_per_s()),
            format_ms(delays.p50),
            format_ms(delays.p95),
            format!("{:.3}", sum.cpu_s_per_image()),
            sum.lines.to_string(),
            format_megabytes(*idle),
            format_megabytes(used.rss_bytes),
            format_megabytes(used.peak_bytes),
        ]);
    }
    Ok(table.text().to_owned())
}

fn batch_table(readers: &[Box<dyn Reader>], sums: &[Sum]) -> Result<String> {
    let mut table =
        Table::new(&["reader", "images/s", "times the first", "CPU s/image", "lines", "MB after", "MB peak"]);
    for (reader, sum) in readers.iter().zip(sums) {
        let used = Used::from_reader(reader.as_ref())?;
        table.add_row([
            reader.name().to_owned(),
            format!("{:.2}", sum.images_per_s()),
            format!("{:.2}", sum.images_per_s() / sums[0].images_per_s()),
            format!("{:.3}", sum.cpu_s_per_image()),
            sum.lines.to_string(),
            format_megabytes(used.rss_bytes),
            format_megabytes(used.peak_bytes),
        ]);
    }
    Ok(table.text().to_owned())
}

/// How each round of a reader compares with the first reader's, in images a second, and the median.
fn round_by_round(readers: &[Box<dyn Reader>], sums: &[Sum]) -> String {
    let mut text = String::new();
    for (reader, sum) in readers.iter().zip(sums).skip(1) {
        let ratios: Vec<f64> =
            sum.rounds.iter().zip(&sums[0].rounds).map(|(own, first)| own / first).collect();
        let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        let (name, first) = (reader.name(), readers[0].name());
        let _ = writeln!(
            text,
            "{name} / {first}, round by round: {}; median {:.2}",
            all.join(" "),
            median(ratios)
        );
    }
    text
}

/// Whole millions of bytes, for a table.
pub(super) fn format_megabytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}
