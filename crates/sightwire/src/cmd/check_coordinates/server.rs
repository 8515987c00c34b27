//! A server of its own: this binary again, as a child on a free port.

use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cmd::ConfigArgs;
use crate::cmd::read::OptionArgs;

/// A server has this time to say where it listens.
const START: Duration = Duration::from_secs(60);
/// A server that is told to end has this time before it is killed.
const END: Duration = Duration::from_secs(10);

/// Ends when it is dropped.
pub struct Server {
    child: Child,
    url: String,
    /// Removed after it has ended.
    _batches: TempDir,
}

impl Server {
    /// With the same configuration as this command has, but for a folder of batches of its own.
    pub fn start(config: &ConfigArgs, options: &OptionArgs) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("cannot tell which program this is")?);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        if let Some(file) = &config.config {
            command.arg("--config").arg(file);
        }
        for key in &config.set {
            command.args(["--set", key]);
        }
        // A server that runs holds the usual one.
        let batches = tempfile::tempdir().context("cannot make a folder for batches")?;
        command.args(["--set", &format!("reader.folder={}", batches.path().display())]);
        if options.precision != "auto" {
            command.args(["--set", &format!("engine.precision={}", options.precision)]);
        }
        let mut log = tempfile::tempfile().context("cannot make a file for the server's log")?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?);
        let mut child = command.spawn().context("cannot start a server")?;
        let stdout = child.stdout.take();
        let mut server = Self { child, url: String::new(), _batches: batches };
        let (say, said) = mpsc::sync_channel(1);
        thread::Builder::new().name("server".into()).spawn(move || {
            for line in stdout.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("listening on ") {
                    let _ = say.try_send(url.to_owned());
                }
            }
        })?;
        let Ok(url) = said.recv_timeout(START) else {
            drop(server);
            let mut text = String::new();
            log.rewind()?;
            log.read_to_string(&mut text)?;
            anyhow::bail!("the server did not start:\n{}", text.trim_end());
        };
        server.url = url;
        Ok(server)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let gone = |child: &mut Child| matches!(child.try_wait(), Ok(Some(_)) | Err(_));
        if gone(&mut self.child) {
            return;
        }
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < END {
            if gone(&mut self.child) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
