//! `cargo xtask demo --cluster`: three servers that act as one over a Redis, and one that is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{beside_drawing, say_what_comes_later, start_cameras, start_server};
use crate::progress::{End, Step};
use crate::project::Project;
use crate::redis::{Redis, free_port};
use crate::server::Server;
use crate::{interrupt, process, setup};

const NAMES: [&str; 3] = ["a", "b", "c"];
/// Usual ports of the three.
const PORTS: [u16; 3] = [8000, 8001, 8002];
/// The server that is killed.
const VICTIM: usize = 1;
/// The server is killed after this time.
const LIVES: Duration = Duration::from_secs(40);
/// The server is started again this long after it was killed.
const IS_GONE: Duration = Duration::from_secs(20);
/// Known to the three, in the demo's own folder.
const SECRET: &str = "demo-cluster.secret";

/// Three servers, for a browser or `once` without one.
pub(super) fn run_cluster(project: &Project, once: bool) -> Result<ExitCode> {
    setup::install_redis(project)?;
    let redis = Redis::start(project)?;
    let (cameras, config) = start_cameras(project)?;
    let secret = project.own_path(SECRET);
    fs::write(&secret, "anybody may know this: it is the demo's\n")
        .with_context(|| secret.display().to_string())?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    let demo = Demo { project, redis: redis.url(), config, secret: secret.display().to_string() };
    let ports = if once { [free_port()?, free_port()?, free_port()?] } else { PORTS };
    let mut servers = Vec::new();
    for (name, port) in NAMES.into_iter().zip(ports) {
        servers.push(demo.start_server(name, port)?);
    }
    let good = if once { play_streams(project, &mut servers)? } else { watch_servers(&demo, &mut servers)? };
    let step = Step::start("stop");
    servers.into_iter().chain(cameras).try_for_each(Server::stop)?;
    drop(redis);
    step.end(End::Ok, "stopped, nothing left behind");
    ensure!(good, "not all is as it should be; see the table above");
    Ok(ExitCode::SUCCESS)
}

struct Demo<'a> {
    project: &'a Project,
    redis: String,
    config: String,
    secret: String,
}

impl Demo<'_> {
    fn start_server(&self, name: &str, port: u16) -> Result<Server> {
        let url = format!("http://127.0.0.1:{port}");
        let listen = format!("127.0.0.1:{port}");
        let mut args: Vec<String> =
            ["serve", "--listen", &listen, "--config", &self.config].map(str::to_owned).to_vec();
        for (key, value) in [
            ("redis_url", &*self.redis),
            ("advertise_url", &url),
            ("name", name),
            ("secret_file", &self.secret),
        ] {
            args.extend(["--set".to_owned(), format!("cluster.{key}={value}")]);
        }
        start_server(self.project, &format!("server-{name}"), &args)
    }
}

/// Says what to look at, kills one of them, starts it again, and waits for the user.
fn watch_servers(demo: &Demo<'_>, servers: &mut Vec<Server>) -> Result<bool> {
    let [a, b, c] = [0, 1, 2].map(|index| servers[index].url().to_owned());
    println!();
    println!("Three Sightwires act as one: {a}, {b}, {c}");
    println!("  Send a stream to the second:  open {b}/broadcast?source=test&start=1");
    println!("  Watch it at the first:        open {a}/wall");
    println!("  Cameras at the third:         open {c}/cameras (each is read by one of the three)");
    println!("  Who has what:                 open {a}/health");
    println!("  In {} s the second is killed, and is back {} s later.", LIVES.as_secs(), IS_GONE.as_secs());
    println!("  To stop:                      Ctrl-C");
    say_what_comes_later(demo.project, "  Later:                        ");
    beside_drawing(demo.project, || kill_and_bring_back(demo, servers, [&a, &b]))?;
    Ok(true)
}

fn kill_and_bring_back(demo: &Demo<'_>, servers: &mut Vec<Server>, [a, b]: [&str; 2]) -> Result<()> {
    if wait_uninterrupted(LIVES) {
        servers.remove(VICTIM).kill()?;
        println!(
            "Killed {b}. Its streams end within 7 s; what it read is read by another; reload {a}/health."
        );
        if wait_uninterrupted(IS_GONE) {
            servers.insert(VICTIM, demo.start_server(NAMES[VICTIM], PORTS[VICTIM])?);
            println!("{b} is back.");
            servers[0].watch()?;
        }
    }
    Ok(())
}

/// Whether the user let it wait this long.
fn wait_uninterrupted(time: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < time && !interrupt::is_stop_requested() {
        sleep(Duration::from_millis(50));
    }
    !interrupt::is_stop_requested()
}

/// The same without a browser: a sender and viewers, of which each says for how long it was without frames.
fn play_streams(project: &Project, servers: &mut Vec<Server>) -> Result<bool> {
    let mut client = Command::new("node");
    client
        .arg("js/demo-cluster.mjs")
        .args(servers.iter().map(Server::url))
        .arg(servers[VICTIM].pid().to_string());
    client.current_dir(project.join_root("e2e"));
    let mut step = Step::start("play");
    let ended = process::run_command(project, &mut step, "demo-cluster", &mut client, false)?;
    let good = ended.status.success();
    step.end(if good { End::Ok } else { End::Failed }, "the second server was killed");
    println!("\n{}", ended.output.trim_end());
    // It has been killed by the client.
    servers.remove(VICTIM).kill()?;
    Ok(good)
}
