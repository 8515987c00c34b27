//! A Redis for a benchmark or a demo: on a free port of this machine, with nothing kept, and ended with it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use crate::process::{self, command_output};
use crate::project::{Project, on_path};

const PROGRAM: &str = "redis-server";
/// Where the system's loader looks first.
const LIBRARIES: &str = "LD_LIBRARY_PATH";
/// Scripts of older ones have no flags.
const LEAST_VERSION: u32 = 7;
const START: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);
const INFO: &[u8] = b"INFO stats\r\n";

pub(crate) struct Redis {
    child: Child,
    port: u16,
}

/// What came from all of its clients and went to them, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) came: u64,
    pub(crate) went: u64,
}

impl Redis {
    /// Starts it, and returns when it answers.
    pub(crate) fn start(project: &Project) -> Result<Self> {
        let port = free_port()?;
        let mut command = find_program(project)?;
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.current_dir(project.own_path("logs"));
        let is_ready = || fetch_info(port).is_ok();
        let child =
            process::start_process("Redis", &mut command, &project.log_path("redis"), START, is_ready)?;
        Ok(Self { child, port })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What went back and forth in a time, these questions aside.
    pub(crate) fn measure_traffic(&self, time: Duration) -> Result<Traffic> {
        let before = fetch_info(self.port)?;
        sleep(time);
        let after = fetch_info(self.port)?;
        // It counts the second question with what came, and the first answer with what went.
        traffic_between(&before, &after, INFO.len() as u64)
            .context("Redis does not say how much came and went")
    }
}

/// The answer of the one on that port to a question for its counts.
fn fetch_info(port: u16) -> Result<String> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(ANSWER))?;
    socket.write_all(INFO)?;
    let (mut reader, mut head) = (BufReader::new(socket), String::new());
    reader.read_line(&mut head)?;
    let bytes = head.trim_end().strip_prefix('$').and_then(|bytes| bytes.parse::<usize>().ok());
    let mut body = vec![0; bytes.with_context(|| format!("Redis answers {head:?}"))? + 2];
    reader.read_exact(&mut body)?;
    Ok(head + &String::from_utf8_lossy(&body))
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = process::stop_process(&mut self.child, Signal::SIGTERM);
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("look for a free port")?;
    Ok(listener.local_addr()?.port())
}

fn traffic_between(before: &str, after: &str, question: u64) -> Option<Traffic> {
    let grown = |name| Some(parse_number(after, name)? - parse_number(before, name)?);
    let came = grown("total_net_input_bytes:")?.checked_sub(question)?;
    let went = grown("total_net_output_bytes:")?.checked_sub(before.len() as u64)?;
    Some(Traffic { came, went })
}

fn parse_number(info: &str, name: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

/// The first that is new enough (`setup::unpacked` says where it may be).
fn find_program(project: &Project) -> Result<Command> {
    let named = std::env::var_os("SIGHTWIRE_REDIS_SERVER").map(PathBuf::from);
    let installed = on_path(PROGRAM).into_iter().chain([Path::new("/usr/bin").join(PROGRAM)]);
    if let Some(file) = named.into_iter().chain(installed).find(|file| is_new_enough(&[], file)) {
        return Ok(Command::new(file));
    }
    let unpacked = project.own_path("redis/usr");
    let folders = std::fs::read_dir(unpacked.join("lib")).into_iter().flatten().flatten();
    let libraries = std::env::join_paths(folders.map(|folder| folder.path()))?;
    let file = unpacked.join("bin").join(PROGRAM);
    if !is_new_enough(&[&format!("{LIBRARIES}={}", libraries.display())], &file) {
        bail!("no {PROGRAM} of version {LEAST_VERSION} or newer: `cargo xtask setup` unpacks it");
    }
    let mut command = Command::new(file);
    command.env(LIBRARIES, libraries);
    Ok(command)
}

/// Whether it runs with these variables, and is.
fn is_new_enough(variables: &[&str], file: &Path) -> bool {
    let said = command_output("env", &[variables, &[&*file.to_string_lossy(), "--version"]].concat());
    let version = said.as_deref().and_then(|said| said.split_once("v=")?.1.split('.').next()?.parse().ok());
    version.is_some_and(|version: u32| version >= LEAST_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_how_much_came_and_went_does_not_count() {
        let before = "$60\r\ntotal_net_input_bytes:1000\r\ntotal_net_output_bytes:2000\r\n\r\n";
        let after = "$60\r\ntotal_net_input_bytes:1512\r\ntotal_net_output_bytes:3064\r\n\r\n";
        let traffic = traffic_between(before, after, 12).unwrap();
        assert_eq!(traffic, Traffic { came: 500, went: 1064 - before.len() as u64 });
        assert_eq!(traffic_between("", after, 12), None);
    }
}
