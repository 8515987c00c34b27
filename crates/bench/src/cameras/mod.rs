//! `sightwire-bench cameras`: a camera of its own, many viewers, and what lies between them.
//!
//! - [`camera`]: the camera; [`code`]: when a picture was sent, where it was drawn anew
//! - [`fanout`], [`slow`], [`leaving`], [`churn`], [`detect`], [`views`], [`encrypted`], [`protected`]: the scenarios
//! - [`pairs`]: two servers, in turn

pub(crate) mod camera;
mod churn;
mod code;
mod detect;
mod encrypted;
mod fanout;
mod leaving;
mod pairs;
mod protected;
mod slow;
mod views;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use self::camera::Camera;
use crate::live::kind::Kind;
use crate::live::server::Server;
use crate::live::viewers::Ask;

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
The server has to let this machine's own cameras in and has to hold the viewers:
  sightwire serve --set cameras.allow=127.0.0.0/8 --set cameras.max_viewers=2000 --set server.max_connections=4096

Ages are from just before the camera writes a picture to when a viewer has read its last byte, by one clock.
`cargo xtask bench cameras` starts the servers and runs all of this.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// One camera, more and more viewers; beside a bare loop that writes the same bytes
    FanOut(fanout::Args),
    /// Viewers who cannot keep up, beside those who can
    Slow(slow::Args),
    /// The last viewer leaves: is the camera closed, and the server at rest?
    Leaving(leaving::Args),
    /// Viewers who come and go at random: does anything stay behind?
    Churn(churn::Args),
    /// What is found in the pictures: rate, delay, and what two viewers cost
    Detect(detect::Args),
    /// One camera, an analysis and three views of it, one of them for a viewer who cannot keep up
    Views(views::Args),
    /// Viewers of a server that encrypts and of one that does not, in turn
    Encrypted(encrypted::Args),
    /// Viewers of a server that asks for a key and of one that is open, in turn
    Protected(protected::Args),
}

/// Runs the scenario and prints its table.
pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    match &args.scenario {
        Scenario::FanOut(args) => fanout::main(args)?,
        Scenario::Slow(args) => slow::main(args)?,
        Scenario::Leaving(args) => leaving::main(args)?,
        Scenario::Churn(args) => churn::main(args)?,
        Scenario::Detect(args) => detect::main(args)?,
        Scenario::Views(args) => views::main(args)?,
        Scenario::Encrypted(args) => encrypted::main(args)?,
        Scenario::Protected(args) => protected::main(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A request for parts.
fn make_ask(server: &Server, path: String) -> Ask {
    server.make_ask(Kind::Multipart, path)
}

/// A request for the camera's own pictures.
fn proxy_ask(server: &Server, camera: &Camera) -> Ask {
    make_ask(server, format!("/stream/proxy?esp32_url={}", camera.url()))
}
