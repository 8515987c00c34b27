//! Viewers who cannot keep up beside those who can.

use anyhow::Result;

use super::{Common, Relay};
use crate::live::fanout::Source as _;
use crate::live::slow;
use crate::live::viewers::Viewers;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Viewers who keep up
    #[arg(long, default_value_t = 50)]
    viewers: usize,
    /// Viewers who do not: half of them read 10 KB a second, half nothing
    #[arg(long, default_value_t = 10)]
    slow: usize,
    /// How often it is measured without and with them
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How long each
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
}

/// Measures and prints the table.
pub(super) fn main(args: &Args) -> Result<()> {
    let relay = Relay::from_args(&args.common)?;
    let (streamers, viewers, ask) = (relay.start_streamers(1)?, Viewers::start()?, relay.make_ask());
    viewers.open_viewers(&ask, args.viewers)?;
    slow::measure_beside_slow(
        &viewers,
        || streamers.sent_count(),
        &ask,
        args.slow,
        (args.pairs, args.seconds),
    )
}
