//! One large page again and again: memory after the tenth and after the last run.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use sightwire_load::stats::Delays;

use super::compare::megabytes;
use super::reader::{Reader, Used};
use super::served::Served;
use super::{named, pictures};
use crate::live::table::{Table, ms};

/// The options.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the page, .jpg or .png
    #[arg(long)]
    pictures: PathBuf,
    /// The server, on this machine
    #[arg(long, value_name = "[NAME=]URL", default_value = "http://127.0.0.1:8000")]
    server: Vec<String>,
    /// How often it is read
    #[arg(long, default_value_t = 100)]
    runs: usize,
}

const EARLY: usize = 10;

/// Measures and prints the table.
pub(super) fn main(args: &Args) -> Result<()> {
    let pictures = pictures(&args.pictures)?;
    let after = |run: usize| format!("MB after run {run}");
    let mut table = Table::new(&[
        "reader",
        "MB before",
        &after(1),
        &after(EARLY),
        &after(args.runs),
        "change %",
        "MB peak",
        "sessions",
        "lines",
        "p50 ms",
        "p95",
    ]);
    for text in &args.server {
        let (name, url) = named(text);
        let mut server = Served::find(name, url)?;
        let mut resident = vec![Used::by(&server)?.rss_bytes];
        let delays = Delays::new()?;
        let mut lines = 0;
        for run in 0..args.runs {
            let at = Instant::now();
            lines = server.read(&pictures[run % pictures.len()])?;
            delays.record(at.elapsed());
            resident.push(Used::by(&server)?.rss_bytes);
            if run % EARLY == 0 {
                eprintln!("{name}: run {} of {}, {} MB", run + 1, args.runs, megabytes(resident[run + 1]));
            }
        }
        let at = |run: usize| resident[run.min(args.runs)];
        let change = 100.0 * (at(args.runs) as f64 / at(EARLY) as f64 - 1.0);
        let took = delays.percentiles();
        table.row([
            name.to_owned(),
            megabytes(at(0)),
            megabytes(at(1)),
            megabytes(at(EARLY)),
            megabytes(at(args.runs)),
            format!("{change:+.1}"),
            megabytes(Used::by(&server)?.peak_bytes),
            server.status()?.sessions.to_string(),
            lines.to_string(),
            ms(took.p50),
            ms(took.p95),
        ]);
    }
    println!("{}", table.text());
    Ok(())
}
