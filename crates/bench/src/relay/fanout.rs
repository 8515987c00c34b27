//! One stream and more and more viewers.

use anyhow::Result;

use super::{Common, Relay};
use crate::live::fanout::{Bench, Steps};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    steps: Steps,
}

/// Prints a table of viewers at the usual rate, and one of as many pictures as possible.
pub(super) fn main(args: &Args) -> Result<()> {
    let relay = Relay::from_args(&args.common)?;
    let streamers = relay.start_streamers(1)?;
    let bench = Bench {
        steps: &args.steps,
        fps: args.common.fps,
        server: &relay.server,
        source: &streamers,
        ask: relay.make_ask(),
        bytes: relay.bytes,
    };
    bench.print_tables()
}
