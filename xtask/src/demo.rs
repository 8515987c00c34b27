//! `cargo xtask demo`: set up, build, start, and say what to try.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::progress::{End, Step};
use crate::project::Project;
use crate::server::Server;
use crate::setup::{self, Purpose};
use crate::{interrupt, process};

/// `cargo xtask demo`
pub(crate) fn command(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut once = false;
    let mut listen = None;
    let mut settings = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("once") => once = true,
            Long("listen") => listen = Some(args.value()?.string()?),
            Long("model") => settings.push(format!("recognizer.model={}", args.value()?.string()?)),
            _ => return Err(arg.unexpected().into()),
        }
    }
    let project = Project::here()?;
    setup::run(&project, Purpose::Demo)?;
    if once {
        // A free port, so that a demo that runs already does not matter.
        play_once(&project, listen.as_deref().unwrap_or("127.0.0.1:0"), &settings)
    } else {
        serve(&project, listen.as_deref().unwrap_or("127.0.0.1:8000"), &settings)
    }
}

fn serve(project: &Project, listen: &str, settings: &[String]) -> Result<ExitCode> {
    let mut server = start(project, "server", listen, settings)?;
    println!();
    println!("Sightwire runs at {}", server.url());
    println!("  Try first:  open {}/recognise, allow the camera, and wave", server.url());
    println!("  No camera:  open {}/recognise?source=sample&gesture=wave", server.url());
    println!("  Its log:    {}", server.log().display());
    println!("  To stop:    Ctrl-C");
    server.watch()?;
    let step = Step::start("stop");
    server.stop()?;
    step.end(End::Ok, "stopped, nothing left behind");
    Ok(ExitCode::SUCCESS)
}

fn play_once(project: &Project, listen: &str, settings: &[String]) -> Result<ExitCode> {
    let server = start(project, "server-once", listen, settings)?;
    let mut client = Command::new("node");
    client
        .arg("js/demo-once.mjs")
        .arg(server.url())
        .current_dir(project.at("e2e"))
        .env("SIGHTWIRE_BIN", project.release("sightwire"))
        .env("SIGHTWIRE_HOME", project.home()?);
    let mut step = Step::start("clips");
    let ended = process::run(project, &mut step, "demo-once", &mut client, false)?;
    let end = if ended.status.success() { End::Ok } else { End::Failed };
    step.end(end, "played through socket.io-client");
    println!("\n{}", ended.output.trim_end());
    let step = Step::start("stop");
    server.stop()?;
    interrupt::check()?;
    step.end(End::Ok, "the server ended with exit code 0");
    if !ended.status.success() {
        bail!("not every frame was answered with the right label; see the table above");
    }
    Ok(ExitCode::SUCCESS)
}

fn start(project: &Project, log: &str, listen: &str, settings: &[String]) -> Result<Server> {
    let step = Step::start("start");
    match Server::start(project, log, listen, settings) {
        Ok(server) => {
            step.end(End::Ok, server.url());
            Ok(server)
        }
        Err(error) => {
            step.end(End::of(&error), "");
            Err(error)
        }
    }
}
