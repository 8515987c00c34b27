//! One batch on a server, and how many of its files come to text: whatever else has the cores.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use sightwire_api::read::JobState;

use super::served::Served;
use super::{Picture, read_pictures, split_name};
use crate::live::table::Table;

/// How often the batch is looked at.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the pages, .jpg or .png; they are taken again and again
    #[arg(long)]
    pictures: PathBuf,
    /// The servers, on this machine, one after the other
    #[arg(long, value_name = "[NAME=]URL", default_value = "http://127.0.0.1:8000")]
    server: Vec<String>,
    /// Files of the batch
    #[arg(long, default_value_t = 50)]
    files: usize,
    /// Seconds that it may take
    #[arg(long, default_value_t = 3600)]
    within: u64,
}

/// Has them read and prints the table.
pub(super) fn main(args: &Args) -> Result<()> {
    let all: Vec<Picture> = read_pictures(&args.pictures)?.into_iter().cycle().take(args.files).collect();
    let mut table = Table::new(&["server", "files", "read", "failed", "lines", "s"]);
    for text in &args.server {
        let (name, url) = split_name(text);
        let served = Served::from_url(name, url)?;
        let (id, begun) = (served.start_batch(&all)?, Instant::now());
        let job = loop {
            let job = served.fetch_job(&id)?;
            if job.state != JobState::Running {
                break job;
            }
            if begun.elapsed() > Duration::from_secs(args.within) {
                bail!("{name}: {} of {} files are read after {} s", job.done, args.files, args.within);
            }
            sleep(LOOK);
        };
        let seconds = begun.elapsed().as_secs_f64();
        table.add_row([
            name.to_owned(),
            args.files.to_string(),
            job.done.to_string(),
            job.failed.to_string(),
            job.regions.to_string(),
            format!("{seconds:.0}"),
        ]);
        served.delete_batch(&id)?;
    }
    println!("{}", table.text());
    Ok(())
}
