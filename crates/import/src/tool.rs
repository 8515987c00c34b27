//! The conversion as a child process: progress as lines of JSON on its standard output.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde::Deserialize;
use sightwire_engine::child::{KilledWhenDropped, read_end, read_lines};

use super::environment::Environment;
use super::{OnProgress, Progress, Request};

/// A conversion that takes longer has gone wrong.
const DEADLINE: Duration = Duration::from_secs(1800);
/// How soon a request to end is noticed.
const TICK: Duration = Duration::from_millis(100);

/// What the conversion made.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// Frames in a window.
    pub window: usize,
    /// Of a frame, px.
    pub height: u32,
    /// Of a frame, px.
    pub width: u32,
    /// Outputs of the network, one for each label.
    pub labels: usize,
    /// Values the backbone makes of a frame; `None` where it is not split.
    pub features: Option<usize>,
    /// Whether there are a backbone and a head.
    pub split: bool,
    /// Name of the free batch dimension, or 1 where there is none.
    pub batch: serde_json::Value,
    /// Windows in `check_input.u8`, with which the result is compared.
    pub clips: usize,
    /// Version of Keras that saved the file, as it says.
    pub keras_version: Option<String>,
    /// Weights of the network, all layers together.
    pub parameters: u64,
    /// Names of the outputs, where the file has them.
    pub label_names: Option<Vec<String>>,
    /// Files with loops in them, which OpenVINO cannot load: for the plain CPU only.
    #[serde(default)]
    pub loops: Vec<String>,
    /// Lines for people, which go into the model's card.
    pub notes: Vec<String>,
}

impl Report {
    /// As the manifest has it. Where only the head is fixed to one window, the backbone still takes any number of frames.
    pub fn batch_symbol(&self) -> Option<String> {
        let free = if self.split { Some("n") } else { self.batch.as_str() };
        free.map(str::to_owned)
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It refused the file.
    #[error("{0}")]
    Refused(String),
    /// It ended without a result.
    #[error("the import ended without a result ({status}); it said last: {said}")]
    Ended {
        /// Exit status of the process.
        status: String,
        /// The end of its standard error.
        said: String,
    },
    /// It did not end.
    #[error("the import took longer than {} minutes and was ended", DEADLINE.as_secs() / 60)]
    TooLong,
    /// It could not be started.
    #[error("cannot start {program}: {error}")]
    Start {
        /// Path.
        program: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// Asked to end.
    #[error("the import was ended before it was done")]
    Cancelled,
    /// Its report is not one.
    #[error("the import's report cannot be read: {0}")]
    Report(String),
}

#[derive(Deserialize)]
struct ToolMessage {
    text: Option<String>,
    done: Option<f32>,
    error: Option<String>,
}

/// Converts the file into networks, comparison data and a report in the folder `out`.
pub(super) fn convert_model(
    environment: &Environment,
    request: &Request,
    out: &Path,
    watch: OnProgress<'_>,
) -> Result<Report, ToolError> {
    let mut command = Command::new(environment.python());
    command
        .arg(environment.script())
        .args(["convert", "--source"])
        .arg(&request.source)
        .arg("--out")
        .arg(out)
        .args(request.whole.then_some("--whole"))
        .env("PYTHONUNBUFFERED", "1")
        .env("CUDA_VISIBLE_DEVICES", "");
    let mut refused = None;
    let run = run_child(command, DEADLINE, &mut |line| match serde_json::from_str::<ToolMessage>(line) {
        Ok(ToolMessage { error: Some(error), .. }) => {
            refused = Some(error);
            true
        }
        Ok(ToolMessage { text: Some(text), done, .. }) => watch(Progress { text, done }),
        // Nothing to tell, but perhaps to end.
        _ => watch(Progress { text: String::new(), done: None }),
    })?;
    if let Some(reason) = refused {
        return Err(ToolError::Refused(reason));
    }
    if !run.status.success() {
        return Err(ToolError::Ended { status: run.status.to_string(), said: run.said });
    }
    let report =
        std::fs::read(out.join("report.json")).map_err(|error| ToolError::Report(error.to_string()))?;
    serde_json::from_slice(&report).map_err(|error| ToolError::Report(error.to_string()))
}

/// How a child ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The end of its standard error.
    pub(super) said: String,
}

/// Runs a child to its end. `line` is called with each line of its standard output, and with an empty one now and then;
/// when it answers false, the child is killed.
pub(super) fn run_child(
    mut command: Command,
    deadline: Duration,
    line: &mut dyn FnMut(&str) -> bool,
) -> Result<Ended, ToolError> {
    let program = PathBuf::from(command.get_program());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let child = command.spawn().map_err(|error| ToolError::Start { program, error })?;
    let mut child = KilledWhenDropped(child);
    let lines = read_lines(child.0.stdout.take());
    let said = read_end(child.0.stderr.take());
    loop {
        let go_on = match lines.recv_timeout(TICK) {
            Ok(text) => line(&text),
            Err(RecvTimeoutError::Timeout) => line(""),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if !go_on {
            return Err(ToolError::Cancelled);
        }
        if started.elapsed() > deadline {
            return Err(ToolError::TooLong);
        }
    }
    let status = child.0.wait().map_err(|error| ToolError::Report(error.to_string()))?;
    Ok(Ended { status, said: said.last_lines() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut sh = Command::new("sh");
        sh.args(["-c", script]);
        sh
    }

    #[test]
    fn a_child_is_killed_when_asked_to_end_and_at_its_deadline() {
        let started = Instant::now();
        assert!(matches!(
            run_child(sh("exec sleep 60"), DEADLINE, &mut |_| false),
            Err(ToolError::Cancelled)
        ));
        let short = Duration::from_millis(50);
        assert!(matches!(run_child(sh("exec sleep 60"), short, &mut |_| true), Err(ToolError::TooLong)));
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_the_child_has_started_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sh -c 'echo $$ > {0}; exec sleep 60' & wait", file.display());
        let started = Instant::now();
        let ended =
            run_child(sh(&script), DEADLINE, &mut |_| !file.exists() && started.elapsed().as_secs() < 20);
        assert!(matches!(ended, Err(ToolError::Cancelled)));
        let pid = std::fs::read_to_string(&file).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        while !gone() && started.elapsed().as_secs() < 20 {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(gone(), "the child's child is still there");
    }

    #[test]
    fn lines_status_and_last_words_come_through() {
        let mut lines = Vec::new();
        let ended = run_child(sh("echo one; echo two; echo oops >&2; exit 3"), DEADLINE, &mut |line| {
            lines.push(line.to_owned());
            true
        })
        .unwrap();
        lines.retain(|line| !line.is_empty());
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(ended.said, "oops");
    }
}
