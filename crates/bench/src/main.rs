//! `sightwire-bench`: load generators and benchmarks, one subcommand per use of the server.
//!
//! - `sign`: gesture recognition over Socket.IO (many clients that send frames and count the answers)

mod frames;
mod http;
mod machine;
mod procfs;
mod schedule;
mod sign;
mod stats;
mod target;
mod timer;

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
    /// Load the sign recogniser with real Socket.IO clients and measure what comes back
    #[command(after_help = sign::HELP)]
    Sign(Box<sign::Args>),
}

/// 0: everything was measured and nothing was lost; 1: lost replies or errors; 2: usage.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Sign(args) => sign::main(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(1)
    })
}
