//! One large page again and again: memory after the tenth and after the last run.

use std::path::PathBuf;
use std::time::Instant;

use crate::load::stats::Delays;
use anyhow::Result;

use super::compare::format_megabytes;
use super::reader::{Reader, Used};
use super::served::Served;
use super::{read_pictures, split_name};
use crate::live::table::{Table, format_ms};

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
    let pictures = read_pictures(&args.pictures)?;
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
        let (name, url) = split_name(text);
        let mut server = Served::from_url(name, url)?;
        let mut resident = vec![Used::from_reader(&server)?.rss_bytes];
        let delays = Delays::new()?;
        let mut lines = 0;
        for run in 0..args.runs {
            let at = Instant::now();
            lines = server.read(&pictures[run % pictures.len()])?;
            delays.record(at.elapsed());
            resident.push(Used::from_reader(&server)?.rss_bytes);
            if run % EARLY == 0 {
                eprintln!(
                    "{name}: run {} of {}, {} MB",
                    run + 1,
                    args.runs,
                    format_megabytes(resident[run + 1])
                );
            }
        }
        let at = |run: usize| resident[run.min(args.runs)];
        let change = 100.0 * (at(args.runs) as f64 / at(EARLY) as f64 - 1.0);
        let took = delays.percentiles();
        table.add_row([
            name.to_owned(),
            format_megabytes(at(0)),
            format_megabytes(at(1)),
            format_megabytes(at(EARLY)),
            format_megabytes(at(args.runs)),
            format!("{change:+.1}"),
            format_megabytes(Used::from_reader(&server)?.peak_bytes),
            server.fetch_status()?.sessions.to_string(),
            lines.to_string(),
            format_ms(took.p50),
            format_ms(took.p95),
        ]);
    }
    println!("{}", table.text());
    Ok(())
}
