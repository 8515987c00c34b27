//! What viewers and streams take of the server's memory, and what they leave behind.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use super::{Common, Relay};
use crate::live::churn::REST;
use crate::live::table::Table;
use crate::live::viewers::Viewers;

/// Until buffers are what they will be.
const SETTLE: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// How many viewers, one row each
    #[arg(long, value_delimiter = ',', default_value = "10,50,100,250,500")]
    viewers: Vec<usize>,
    /// How many streams, one row each
    #[arg(long, value_delimiter = ',', default_value = "8,16,32,64")]
    streams: Vec<usize>,
}

/// Measures and prints the table.
pub(super) fn main(args: &Args) -> Result<()> {
    let relay = Relay::from_args(&args.common)?;
    let mut table =
        Table::new(&["streams", "viewers", "resident MB", "kB more a viewer", "kB more a stream"]);
    let resident = || anyhow::Ok(relay.server.read_sample()?.memory.rss_bytes as f64);
    let mut row = |streams: usize, viewers: &str, bytes: f64, more: [Option<f64>; 2]| {
        let more = more.map(|more| more.map_or("–".to_owned(), |bytes| format!("{:.1}", bytes / 1e3)));
        let [a_viewer, a_stream] = more;
        table.add_row([
            streams.to_string(),
            viewers.to_owned(),
            format!("{:.1}", bytes / 1e6),
            a_viewer,
            a_stream,
        ]);
    };
    // One of each, so that what is made once is there.
    let streamers = relay.start_streamers(1)?;
    let first = Viewers::start()?;
    first.open_viewers(&relay.make_ask(), 1)?;
    sleep(SETTLE);
    let alone = resident()?;
    row(1, "1", alone, [None; 2]);
    let viewers = Viewers::start()?;
    for &count in &args.viewers {
        eprintln!("{count} viewers");
        viewers.open_viewers(&relay.make_ask(), count.saturating_sub(1 + viewers.take_results()?.viewers))?;
        sleep(SETTLE);
        let now = resident()?;
        row(1, &count.to_string(), now, [Some((now - alone) / (count.max(2) - 1) as f64), None]);
    }
    viewers.remove_viewers(None, false)?;
    sleep(REST);
    let before = resident()?;
    row(1, "1, the others gone", before, [None; 2]);
    drop(streamers);
    for &count in &args.streams {
        eprintln!("{count} streams");
        let streamers = relay.start_streamers(count)?;
        sleep(SETTLE);
        let now = resident()?;
        row(count, "1", now, [None, Some((now - before) / (count.max(2) - 1) as f64)]);
        drop(streamers);
    }
    drop(first);
    sleep(REST);
    row(0, "0, all gone", resident()?, [None; 2]);
    println!("{}", table.text());
    println!("A picture is {:.0} KB on its way to a viewer.", relay.message_bytes() as f64 / 1e3);
    Ok(())
}
