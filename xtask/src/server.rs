//! The server, and the cameras that it shows in a demo, as child processes: started, waited for, stopped, with nothing
//! left behind.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::programs::sightwire_command;
use crate::project::Project;
use crate::setup::Purpose;
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
    /// Starts the server of the demo with these arguments, its log in `NAME.log`, and returns when it says that it listens.
    pub(crate) fn start<S: AsRef<OsStr>>(project: &Project, name: &str, args: &[S]) -> Result<Self> {
        let log = project.log_path(name);
        let file = File::create(&log).with_context(|| format!("make {}", log.display()))?;
        let mut command = process::ends_with_us(&sightwire_command(project, Purpose::Demo, args));
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child =
            command.spawn().with_context(|| format!("start `{}`", process::command_words(&command)))?;
        let mut server = Self { child, url: String::new(), log };
        server.url = server.read_address().with_context(|| {
            let said = fs::read_to_string(&server.log).unwrap_or_default();
            format!("{name} did not start; it said:\n{}", process::last_lines(&said, 8))
        })?;
        Ok(server)
    }

    /// The address from its words.
    fn read_address(&mut self) -> Result<String> {
        let started = Instant::now();
        while started.elapsed() < START {
            let ended = self.child.try_wait()?;
            let said = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
            // Of what it is still writing the end is missing.
            let mut lines = said.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some((_, url)) = lines.find_map(|line| line.split_once(READY)) {
                return Ok(url.trim().to_owned());
            }
            interrupt::check_interrupt()?;
            if let Some(status) = ended {
                bail!("it ended with {status}");
            }
            sleep(Duration::from_millis(50));
        }
        bail!("it did not say `{READY}…` within {} s", START.as_secs())
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
        while !interrupt::is_stop_requested() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended by itself with {status}; its log is {}", self.url, self.log.display());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Kills it, so that it can say nothing to anybody.
    pub(crate) fn kill(mut self) -> Result<()> {
        process::stop_process(&mut self.child, Signal::SIGKILL)?;
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
        process::stop_process(&mut self.child, Signal::SIGTERM)
    }
}

/// Also on the way out of an error the server does not stay behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.terminate();
    }
}
