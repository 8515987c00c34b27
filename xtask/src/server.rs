//! The server, and the cameras that it shows in a demo, as child processes: started, waited for, stopped, with nothing
//! left behind.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::project::Project;
use crate::{interrupt, process};

/// The longest that a start may take: a slow disk, a cold cache, a model compiled for this CPU.
const START: Duration = Duration::from_mins(1);
const READY: &str = "listening on ";

/// A running `sightwire serve` or `sightwire camera`.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Starts the release build with `section.key=value` settings, its log in `NAME.log`, and returns when it says that it listens.
    pub(crate) fn start(project: &Project, name: &str, listen: &str, settings: &[String]) -> Result<Self> {
        let mut args = vec!["serve".to_owned(), "--listen".into(), listen.into()];
        for setting in settings {
            args.extend(["--set".into(), setting.clone()]);
        }
        Self::run(project, name, &args)
    }

    /// Starts the release build with these arguments; likewise.
    pub(crate) fn run(project: &Project, name: &str, args: &[String]) -> Result<Self> {
        let log = project.log(name);
        let file = File::create(&log).with_context(|| format!("make {}", log.display()))?;
        let mut command = Command::new(project.release("sightwire"));
        command
            .args(args)
            .current_dir(project.root())
            .env("SIGHTWIRE_HOME", project.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file.try_clone()?)
            .process_group(0);
        let mut child = command.spawn().with_context(|| format!("start `{}`", process::words(&command)))?;
        let found = wait_for_address(&mut child, file);
        match found {
            Ok(url) => Ok(Self { child, url, log }),
            Err(error) => {
                process::stop(&mut child, Signal::SIGTERM)?;
                Err(error.context(format!("{name} did not start; it said:\n{}", last_lines(&log))))
            }
        }
    }

    /// Where it answers: `http://ADDRESS:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until the server ends by itself (an error) or the user asks us to stop.
    pub(crate) fn watch(&mut self) -> Result<()> {
        while !interrupt::asked() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended by itself with {status}; its log is {}", self.url, self.log.display());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Asks the server to end and waits for it; anything but exit code 0 is an error.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = self.terminate()?;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM; its log is {}", self.log.display());
        }
        Ok(())
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        process::stop(&mut self.child, Signal::SIGTERM)
    }
}

/// Also on the way out of an error the server does not stay behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.terminate();
    }
}

/// What the server said before it ended, where the reason is.
fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// The address from the server's first words; all that follows on its stdout goes to the log.
fn wait_for_address(child: &mut Child, mut log: File) -> Result<String> {
    let stdout = child.stdout.take().context("the server's stdout")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = line.split_once(READY).map(|(_, url)| url.trim().to_owned()) {
                let _ = sender.send(url);
            }
            let _ = writeln!(log, "{line}");
        }
    });
    let started = Instant::now();
    while started.elapsed() < START {
        if let Ok(url) = receiver.recv_timeout(Duration::from_millis(50)) {
            return Ok(url);
        }
        interrupt::check()?;
        if let Some(status) = child.try_wait()? {
            bail!("it ended with {status}");
        }
    }
    bail!("it did not say `{READY}…` within {} s", START.as_secs())
}
