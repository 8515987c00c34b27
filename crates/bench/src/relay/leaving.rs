//! A streamer leaves: how long the viewers of the other streams wait for a picture around that moment.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{Common, Relay};
use crate::live::table::{Table, format_ms, median};
use crate::live::viewers::Viewers;

/// Viewers are measured for this long before and after they leave.
const AROUND: Duration = Duration::from_millis(500);
const SETTLE: Duration = Duration::from_millis(1000);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Streams, one of which leaves
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..))]
    streams: u16,
    /// Viewers of all streams
    #[arg(long, default_value_t = 16)]
    viewers: usize,
    /// How often each is tried
    #[arg(long, default_value_t = 10)]
    times: usize,
}

/// Measures and prints the table.
pub(super) fn main(args: &Args) -> Result<()> {
    let relay = Relay::from_args(&args.common)?;
    let mut streamers = relay.start_streamers(usize::from(args.streams))?;
    let viewers = Viewers::start()?;
    viewers.open_viewers(&relay.make_ask(), args.viewers)?;
    let mut table = Table::new(&[
        "leaves by",
        "times",
        "longest gap before ms (median, max)",
        "around its leaving (median, max)",
        "around its coming back (median, max)",
    ]);
    // The others' longest, within a time that begins now.
    let longest = |moment: &mut dyn FnMut() -> Result<()>| {
        viewers.take_results()?;
        sleep(AROUND);
        moment()?;
        sleep(AROUND);
        let got = viewers.take_results()?;
        if let Some(problem) = got.problem {
            bail!("{} viewers were lost, one because {problem}", got.lost);
        }
        let others = got.gaps_ns.iter().skip(1).copied().max();
        Ok(others.context("no other stream's pictures came")? as f64 / 1e6)
    };
    for reset in [false, true] {
        let name = if reset { "reset" } else { "close" };
        eprintln!("{name}");
        let mut gaps = [const { Vec::new() }; 3];
        for _ in 0..args.times {
            sleep(SETTLE);
            gaps[0].push(longest(&mut || Ok(()))?);
            gaps[1].push(longest(&mut || {
                streamers.end_stream(0, reset);
                Ok(())
            })?);
            gaps[2].push(longest(&mut || streamers.start_stream(0))?);
        }
        let [before, leaving, coming] = gaps.map(|gaps| {
            let max = gaps.iter().copied().fold(0.0, f64::max);
            format!("{}, {}", format_ms(median(gaps)), format_ms(max))
        });
        table.add_row([name.to_owned(), args.times.to_string(), before, leaving, coming]);
    }
    println!("{}", table.text());
    println!(
        "{} streams of {} pictures a second, {} viewers of all; {} ms between two pictures of a stream.",
        args.streams,
        args.common.fps,
        args.viewers,
        format_ms(1e3 / args.common.fps)
    );
    Ok(())
}
