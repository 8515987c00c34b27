//! `cargo xtask demo`: set up, build, start, and say what to try.
//!
//! - [`cluster`]: with several servers that act as one

mod cluster;

use std::fmt::Write as _;
use std::fs;
use std::iter;
use std::net::TcpListener;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use lexopt::prelude::*;

use crate::interrupt::{self, Interrupted};
use crate::process;
use crate::progress::{End, Step};
use crate::project::Project;
use crate::server::Server;
use crate::setup::{self, Purpose};

/// Runs `cargo xtask demo`: a server with two simulated cameras.
pub(crate) fn run_demo(mut args: lexopt::Parser) -> Result<ExitCode> {
    let (mut once, mut several) = (false, false);
    let mut listen = None;
    let mut settings = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("once") => once = true,
            Long("cluster") => several = true,
            Long("listen") => listen = Some(args.value()?.string()?),
            Long("model") => {
                settings = vec!["--set".into(), format!("recognizer.model={}", args.value()?.string()?)];
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    let project = Project::here()?;
    // Played once on a free port, so that a demo that runs already does not matter.
    let (log, usual) = if once { ("server-once", "127.0.0.1:0") } else { ("server", "127.0.0.1:8000") };
    let listen = listen.as_deref().unwrap_or(usual);
    if !several {
        // Told before the build, which takes minutes.
        look_at_port(listen)?;
    }
    setup::install_parts(&project, if once || several { Purpose::Once } else { Purpose::Demo })?;
    if several {
        return cluster::run_cluster(&project, once);
    }
    let (cameras, config) = start_cameras(&project)?;
    if once && settings.is_empty() {
        // What is played are clips of its motions, though a better model may have been got since.
        settings = ["--set", "recognizer.model=gestures"].map(str::to_owned).to_vec();
    }
    let mut args = ["serve", "--listen", listen, "--config", &config].map(str::to_owned).to_vec();
    args.extend(settings);
    let mut server = start_server(&project, log, &args)?;
    let played = if once { play_clips(&project, &server)? } else { show_demo(&project, &mut server)? };
    let step = Step::start("stop");
    iter::once(server).chain(cameras).try_for_each(Server::stop)?;
    if once {
        interrupt::check_interrupt()?;
        step.end(End::Ok, "the server and the cameras ended with exit code 0");
    } else {
        step.end(End::Ok, "stopped, nothing left behind");
    }
    ensure!(played, "not all is as it should be; see the tables above");
    Ok(ExitCode::SUCCESS)
}

/// Fails where the server could not listen there: on an address, or a port of 127.0.0.1.
fn look_at_port(listen: &str) -> Result<()> {
    let address = if listen.contains(':') { listen.to_owned() } else { format!("127.0.0.1:{listen}") };
    TcpListener::bind(&address).map(drop).with_context(|| {
        format!(
            "cannot listen on {address} (taken, or not an address of this machine); choose another with --listen"
        )
    })
}

/// Two cameras at generated streets, since what is found there bears its right name: crates/live/tests/street.rs
/// measures these two. Which detector it is stays with the server: yolox-nano if it can be had, else motion, which names
/// nothing.
const CAMERAS: [(&str, &str, &[&str]); 2] = [
    ("main-road", "Main road", &["--source", "street", "--seed", "1", "--size", "640x480", "--fps", "15"]),
    (
        "side-road",
        "Side road (hangs)",
        &["--source", "street", "--seed", "7", "--size", "480x360", "--fps", "10"],
    ),
];
/// One of them is as such boards are: it hangs for a while once in this many minutes.
const HANGS: &str = "side-road";
const HANGS_MINUTES: u32 = 30;

/// Says what to try, until the user has seen enough. What can be done without is compiled meanwhile.
fn show_demo(project: &Project, server: &mut Server) -> Result<bool> {
    let url = server.url();
    println!();
    println!("Sightwire runs at {url}");
    println!(
        "  Try first:  open {url}/recognise, allow the camera, hold your hand still for a moment, and wave"
    );
    println!("  No camera:  open {url}/recognise?source=sample&gesture=wave");
    println!("  Cameras:    open {url}/cameras (two simulated ones; one of them hangs now and then)");
    println!("  Relay:      open {url}/broadcast?source=test&start=1, and {url}/wall beside it");
    println!("  Its log:    {}", server.log().display());
    println!("  To stop:    Ctrl-C");
    say_what_comes_later(project, "  Later:      ");
    beside_drawing(project, || server.watch())?;
    Ok(true)
}

/// Says what is not there yet, after the `label` of its line.
fn say_what_comes_later(project: &Project, label: &str) {
    if let Some(time) = setup::drawing_takes(project) {
        println!(
            "{label}pages of PDF, AVIF and HEIC can be read in {time}, or later where other programs compute: that is being compiled now"
        );
    }
}

/// Does something while what draws pages is being compiled, which ends with it.
fn beside_drawing<T>(project: &Project, watch: impl FnOnce() -> Result<T>) -> Result<T> {
    thread::scope(|scope| {
        scope.spawn(|| match setup::compile_drawing(project) {
            // The server runs all the same, and its page says what is missing.
            Err(error) if !error.is::<Interrupted>() => eprintln!("error: {error:#}"),
            _ => {}
        });
        let watched = watch();
        // Whatever has ended it, nothing goes on.
        interrupt::request_stop();
        watched
    })
}

/// Plays generated clips through a real client; whether all is as it should be.
fn play_clips(project: &Project, server: &Server) -> Result<bool> {
    let mut client = Command::new("node");
    client
        .arg("js/demo-once.mjs")
        .arg(server.url())
        .current_dir(project.join_root("e2e"))
        .env("SIGHTWIRE_BIN", project.program_path("sightwire"))
        .env("SIGHTWIRE_HOME", project.home());
    let mut step = Step::start("play");
    let ended = process::run_command(project, &mut step, "demo-once", &mut client, false)?;
    let played = ended.status.success();
    let end = if played { End::Ok } else { End::Failed };
    step.end(end, "clips through socket.io-client, cameras through HTTP");
    println!("\n{}", ended.output.trim_end());
    Ok(played)
}

/// The cameras, and a configuration file that names them.
fn start_cameras(project: &Project) -> Result<(Vec<Server>, String)> {
    let (mut cameras, mut config) =
        (Vec::new(), String::from("# Written by `cargo xtask demo`, anew each time.\n"));
    for (id, name, args) in CAMERAS {
        let mut words: Vec<String> = ["camera", "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        words.extend(args.iter().map(|&arg| arg.to_owned()));
        if id == HANGS {
            let hang = |minute| format!("stall@{}s-{}s", 60 * minute - 20, 60 * minute - 5);
            let hangs: Vec<String> = (1..=HANGS_MINUTES).map(hang).collect();
            words.extend(["--fault".into(), hangs.join(",")]);
        }
        let camera = start_server(project, id, &words)?;
        let default = cameras.is_empty();
        let _ = write!(
            config,
            "\n[[camera]]\nid = \"{id}\"\nname = \"{name}\"\nurl = \"{}\"\ndefault = {default}\n",
            camera.url()
        );
        cameras.push(camera);
    }
    let file = project.join_root(".sightwire/demo.toml");
    fs::write(&file, config).with_context(|| format!("write {}", file.display()))?;
    Ok((cameras, file.display().to_string()))
}

fn start_server(project: &Project, name: &str, args: &[String]) -> Result<Server> {
    let step = Step::start("start");
    let started = Server::start(project, name, args);
    match &started {
        Ok(server) => step.end(End::Ok, server.url()),
        Err(error) => step.end(End::from_error(error), ""),
    }
    started
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Elsewhere a network takes what is drawn for something else, and the demo would show wrong names.
    #[test]
    fn every_camera_of_the_demo_is_one_whose_names_were_measured() {
        let measured =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/live/tests/street.rs"));
        let measured = measured.unwrap();
        let of = |args: &[&str], name: &str| {
            let at = args.iter().position(|&arg| arg == name).unwrap_or_else(|| panic!("{name} in {args:?}"));
            args[at + 1].to_owned()
        };
        for (id, _, args) in CAMERAS {
            assert_eq!(of(args, "--source"), "street", "{id}");
            let size = of(args, "--size").replace('x', ", ");
            let row = format!("({}, {size}, {})", of(args, "--seed"), of(args, "--fps"));
            assert!(measured.contains(&row), "crates/live/tests/street.rs does not measure {row}");
        }
        assert!(CAMERAS.iter().any(|(id, ..)| *id == HANGS));
    }
}
