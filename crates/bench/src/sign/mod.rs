//! `sightwire-bench sign`: many clients that send frames to the sign recogniser and measure the replies.
//!
//! - [`packet`], [`session`]: the protocol, without sockets
//! - [`socket`], [`websocket`], [`polling`]: the transports
//! - [`churn`], [`stuck`]: clients that behave badly beside the steady ones
//! - [`run`]: one run from the first connection to the last look at the server
//! - [`record`], [`status`], [`memory`]: what is measured; [`parts`], [`report`], [`text`], [`ladder`]: what is said

mod args;
mod churn;
mod ladder;
mod memory;
mod packet;
mod parts;
mod polling;
mod record;
mod report;
pub(crate) mod run;
mod session;
mod socket;
mod status;
mod stuck;
mod text;
mod websocket;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::sync::watch;

use crate::frames::FrameSet;
pub(crate) use args::Args;
use args::{Settings, Transport};

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
Examples:
  sightwire-bench sign --clients 50 --fps 25 --seconds 30
  sightwire-bench sign --ladder 1,10,25,50,100 --json > ladder.json
  sightwire-bench sign --clients 40 --churn 100 --stuck 5

Delays count from the moment that a frame was due, so a late sender is seen and not hidden; the delay from the
moment of sending stands beside it. A run on a machine with other work is marked: see `machine` in the report.
Exit code: 0 all well (refusals at capacity are answers), 1 lost replies or errors, 2 usage.
A ladder gives 0 if each of its runs could be measured.";

/// Runs the subcommand and prints its report.
pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let settings = match args.resolve_settings() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    eprintln!("drawing the pictures");
    let frames = settings.render_frames()?;
    let runtime = if settings.threads == 1 {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    } else {
        tokio::runtime::Builder::new_multi_thread().worker_threads(settings.threads).enable_all().build()
    };
    let runtime = runtime.context("starting the async runtime")?;
    let good = runtime.block_on(async {
        let mut interrupt = watch_interrupt();
        match &settings.ladder {
            Some(rungs) => ladder::run_ladder(&settings, rungs, &frames, &mut interrupt).await,
            None => run_single(&settings, &frames, &mut interrupt).await,
        }
    })?;
    // Whatever still waits for a server that does not answer is not waited for.
    runtime.shutdown_background();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn run_single(
    settings: &Settings,
    frames: &FrameSet,
    interrupt: &mut watch::Receiver<bool>,
) -> Result<bool> {
    let report = run::run_load(settings, settings.clients, frames, interrupt).await?;
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text::render_report(&report));
    }
    Ok(report.is_good())
}

/// Becomes true at the first Ctrl-C; a second one ends the program at once.
fn watch_interrupt() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        // Without a handler Ctrl-C ends the program, which is good enough.
        if tokio::signal::ctrl_c().await.is_ok() {
            sender.send_replace(true);
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        }
        // Keeps the channel open for those who wait on it.
        sender.closed().await;
    });
    receiver
}
