//! `sightwire-bench relay`: streamers and viewers over WebSocket, and what lies between them.
//!
//! - [`pictures`]: what is sent; [`streamers`]: who sends it; [`places`]: to whom, and where viewers are
//! - [`run`]: some streams, some viewers; [`fanout`], [`delay`], [`memory`], [`slow`], [`leaving`], [`churn`]: scenarios

mod churn;
mod delay;
mod fanout;
mod leaving;
mod memory;
mod pictures;
mod places;
mod run;
mod slow;
mod streamers;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;
use sightwire_synth::sample::Gesture;

use self::pictures::Pictures;
use self::streamers::Streamers;
use crate::frames::FrameSet;
use crate::live::kind::Kind;
use crate::live::server::{Server, ServerArgs};
use crate::live::stamp;
use crate::live::viewers::Ask;

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
The server has to hold the streams and viewers, and send what it gets:
  sightwire serve --set relay.max_viewers=2000 --set relay.lower_quality=false --set server.max_connections=4096

Ages are from just before a streamer writes a picture to when a viewer has read its last byte, by one clock. Viewers
watch all streams. Streams are called bench-0, bench-1 and so on; others on the same server spoil the count.
`cargo xtask bench relay` starts the servers and runs the scenarios.

Of several processes that act as one (`cluster.redis_url`), --senders-at and --viewers-at say who goes to which, such as
  sightwire-bench relay --streams 16 --viewers 2 --senders-at http://127.0.0.1:8001 --viewers-at http://127.0.0.1:8002
What servers cost is then the sum of all these; with --json also of each, in this order. `cargo xtask bench cluster` compares
that with one process.

Exit code 1: pictures were lost, came twice, out of order or damaged, or somebody was sent away.";

#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    run: run::Args,
    #[command(subcommand)]
    scenario: Option<Scenario>,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// One stream, more and more viewers; beside a bare loop that writes the same bytes
    FanOut(fanout::Args),
    /// One stream, one viewer: what the relay adds to the delay
    Delay(delay::Args),
    /// What a viewer and a stream take, and what they leave behind
    Memory(memory::Args),
    /// Viewers who cannot keep up, beside those who can
    Slow(slow::Args),
    /// A streamer leaves: what viewers of the other streams notice
    Leaving(leaving::Args),
    /// Streamers and viewers who come and go at random: does anything stay behind?
    Churn(churn::Args),
}

/// What all scenarios have.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    server: ServerArgs,
    /// Pictures a second of each stream
    #[arg(long, default_value_t = 30.0)]
    fps: f64,
    /// Size of a picture in thousands of bytes, before it becomes text
    #[arg(long, default_value_t = 75.0, value_parser = clap::value_parser!(f64))]
    frame_kb: f64,
    /// Pictures as binary messages (sightwire.v1), in and out
    #[arg(long)]
    binary: bool,
}

/// A server with a relay, and pictures for it.
struct Relay<'a> {
    args: &'a Common,
    server: Server,
    pictures: Arc<Pictures>,
    /// Mean size of the pictures as they are sent, before they become text.
    bytes: usize,
}

/// Runs the scenario and prints its table.
pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    match &args.scenario {
        None => return run::main(&args.run),
        Some(Scenario::FanOut(args)) => fanout::main(args)?,
        Some(Scenario::Delay(args)) => delay::main(args)?,
        Some(Scenario::Memory(args)) => memory::main(args)?,
        Some(Scenario::Slow(args)) => slow::main(args)?,
        Some(Scenario::Leaving(args)) => leaving::main(args)?,
        Some(Scenario::Churn(args)) => churn::main(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Common {
    /// What is sent, and its mean size before it becomes text.
    fn make_pictures(&self) -> Result<(Arc<Pictures>, usize)> {
        let frames = FrameSet::render(Gesture::Wave, 640, 480, (self.frame_kb * 1e3) as usize)?;
        let bytes = frames.summary.mean_jpeg_bytes as usize + stamp::SEGMENT_BYTES;
        Ok((Arc::new(Pictures::new(&frames.jpegs, self.binary)), bytes))
    }

    /// A viewer of all streams there.
    fn make_ask(&self, server: &Server) -> Ask {
        server.make_ask(Kind::for_messages(self.binary), "/ws/view".to_owned())
    }
}

impl<'a> Relay<'a> {
    /// Finds the server and makes the pictures.
    fn from_args(args: &'a Common) -> Result<Self> {
        let server = Server::from_args(&args.server)?;
        let (pictures, bytes) = args.make_pictures()?;
        Ok(Self { args, server, pictures, bytes })
    }

    /// This many streams, all live.
    fn start_streamers(&self, count: usize) -> Result<Streamers> {
        Streamers::start(vec![self.server.address()], self.pictures.clone(), count, self.args.fps)
    }

    /// A viewer of all streams.
    fn make_ask(&self) -> Ask {
        self.args.make_ask(&self.server)
    }

    /// Mean size of a picture as a viewer gets it.
    fn message_bytes(&self) -> usize {
        if self.args.binary { self.bytes } else { self.bytes.div_ceil(3) * 4 }
    }
}
