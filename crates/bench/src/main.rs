//! `sightwire-bench`: load generators and benchmarks, one subcommand per use of the server.
//!
//! - `attacks`: clients that want to stop the server, and what others notice of them
//! - `cameras`: pictures of one camera to many viewers, and what is found in them
//! - `detect`: single pictures whose objects are asked for, one after the other
//! - `load`: what all of them share: timers, delays, what is known of processes and machines
//! - `mixed`: live work, alone and beside a batch of large pages
//! - `read`: pictures with text, beside another reader of text
//! - `relay`: pictures of many streamers to many viewers over WebSocket
//! - `sign`: gesture recognition over Socket.IO (many clients that send frames and count the answers)
#![forbid(unsafe_code)]

mod attacks;
mod cameras;
mod detect;
mod frames;
mod http;
mod live;
mod load;
mod mixed;
mod read;
mod relay;
mod schedule;
mod sign;
mod status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "sightwire-bench", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Attack the server and measure what others notice
    #[command(after_help = attacks::HELP)]
    Attacks(Box<attacks::Args>),
    /// Watch a camera through the server, by the hundred, and measure what comes
    #[command(after_help = cameras::HELP)]
    Cameras(Box<cameras::Args>),
    /// Ask what is in single pictures, one after the other, and measure how long each is waited for
    #[command(after_help = detect::HELP)]
    Detect(detect::Args),
    /// Load the server with live work, alone and beside a batch of large pages, and measure what live work keeps
    #[command(after_help = mixed::HELP)]
    Mixed(Box<mixed::Args>),
    /// Have the text of pictures read, in turn with another reader, and measure both
    #[command(after_help = read::HELP)]
    Read(Box<read::Args>),
    /// Stream through the relay to viewers by the hundred, and measure what comes
    #[command(after_help = relay::HELP)]
    Relay(Box<relay::Args>),
    /// Load the sign recogniser with real Socket.IO clients and measure what comes back
    #[command(after_help = sign::HELP)]
    Sign(Box<sign::Args>),
    /// The loop that servers are measured by (started by `fan-out`)
    #[command(hide = true)]
    Bare(live::bare::Args),
}

/// 0: everything was measured and nothing was lost; 1: lost replies or errors; 2: usage.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Attacks(args) => attacks::main(&args),
        Command::Cameras(args) => cameras::main(&args),
        Command::Detect(args) => detect::main(&args).map(|()| ExitCode::SUCCESS),
        Command::Mixed(args) => mixed::main(&args),
        Command::Read(args) => read::main(&args),
        Command::Relay(args) => relay::main(&args),
        Command::Sign(args) => sign::main(&args),
        Command::Bare(args) => live::bare::main(&args).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(1)
    })
}
