//! Other programs, run to their end: output to a log, the newest line shown, stopped when we are.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeVal;
use nix::unistd::Pid;

use crate::interrupt::{self, Interrupted};
use crate::progress::Step;
use crate::project::{Project, on_path};

/// How long a program has after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(15);
/// How long to wait for output that a program's own children still hold open after its end.
const LEFTOVER: Duration = Duration::from_secs(1);

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    /// What it took of the CPUs, with all that it started and waited for.
    pub(crate) cpu: Duration,
    log: PathBuf,
}

impl Ended {
    /// Itself, where the program has succeeded; else an error with the last of what it said.
    pub(crate) fn require_success(self, command: &Command) -> Result<Self> {
        if !self.status.success() {
            bail!("`{}` ended with {}:\n{}", command_words(command), self.status, self.tail(40));
        }
        Ok(self)
    }

    /// The last lines of the output and where the rest is, for an error message.
    pub(crate) fn tail(&self, lines: usize) -> String {
        format!("{}\n{ALL_OF_IT}{})", last_lines(&self.output, lines), self.log.display())
    }
}

/// Begins the line that names the log.
const ALL_OF_IT: &str = "(all of it: ";

/// What a program said last that failed, of the error that [`Ended::require_success`] made of it.
pub(crate) fn last_words(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with(ALL_OF_IT);
    text.lines().rev().find(said).unwrap_or_default().trim().to_owned()
}

pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(count)..].join("\n")
}

/// What is done with a line that a program has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputLine {
    Keep,
    /// It was for us alone.
    Drop,
}

/// Reads along what a program writes, and says in its own words how far it is.
pub(crate) trait Watch {
    fn read_line(&mut self, line: &str) -> OutputLine;
    /// How far it is, once that is known.
    fn progress_words(&self) -> Option<String>;
    /// The share of the work that is done, from 0 to 1.
    fn done_share(&self) -> f64;
}

/// Runs a program; its output goes to `.sightwire/logs/NAME.log` and, with `echo`, to stderr.
pub(crate) fn run_command(
    project: &Project,
    step: &mut Step,
    log: &str,
    command: &mut Command,
    echo: bool,
) -> Result<Ended> {
    run_watched(project, step, log, command, echo, None)
}

/// The same, with somebody who reads along.
pub(crate) fn run_watched(
    project: &Project,
    step: &mut Step,
    log: &str,
    command: &mut Command,
    echo: bool,
    mut watch: Option<&mut dyn Watch>,
) -> Result<Ended> {
    let path = project.log_path(log);
    let mut file = File::create(&path).with_context(|| format!("make {}", path.display()))?;
    let (reader, writer) = std::io::pipe().context("make a pipe")?;
    writeln!(file, "$ {}", command_words(command))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    // `setsid` makes a group itself, and would fork if it led one.
    if program != SETSID {
        command.process_group(0);
    }
    let mut child = command.spawn().with_context(|| format!("start {program}"))?;
    // The command still holds the pipe's write ends; without them the reader sees the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let lines = read_lines(reader);
    let mut output = String::new();
    let mut newest = String::new();
    let (mut ended, mut cpu): (Option<Instant>, _) = (None, Duration::ZERO);
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                if let Some(watch) = &mut watch
                    && watch.read_line(&line) == OutputLine::Drop
                {
                    continue;
                }
                if echo {
                    eprintln!("{line}");
                }
                // Where the disk is full, the program itself says so, and what to do is told by that.
                let _ = writeln!(file, "{line}");
                output.push_str(&line);
                output.push('\n');
                newest = line;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        match &watch {
            _ if echo => {}
            Some(watch) => match watch.progress_words() {
                Some(words) => step.show_share(&words, watch.done_share()),
                None => step.show_alive(&newest),
            },
            None => step.show_alive(&newest),
        }
        if interrupt::is_stop_requested() {
            stop_process(&mut child, Signal::SIGINT)?;
            return Err(Interrupted.into());
        }
        if ended.is_none() && cpu_of_ended(child.id()).is_some() {
            ended = Some(Instant::now());
        }
        if ended.is_some_and(|at| at.elapsed() > LEFTOVER) {
            break;
        }
    }
    // Its output may end before it does, and nothing is known of it once it was waited for.
    while Path::new(&format!("/proc/{}", child.id())).exists() {
        if let Some(used) = cpu_of_ended(child.id()) {
            cpu = used;
            break;
        }
        if interrupt::is_stop_requested() {
            stop_process(&mut child, Signal::SIGINT)?;
            return Err(Interrupted.into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = child.wait()?;
    Ok(Ended { status, output, cpu, log: path })
}

/// Of a program that has ended and was not waited for: CPU time of itself and of all that it waited for.
fn cpu_of_ended(pid: u32) -> Option<Duration> {
    /// Clock ticks a second, in which the kernel tells CPU times.
    const TICKS: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    if fields.next()? != "Z" {
        return None;
    }
    let times = fields.skip(10).take(4).filter_map(|field| field.parse::<u64>().ok());
    Some(Duration::from_millis(times.sum::<u64>() * 1000 / TICKS))
}

/// Runs a program that has to succeed.
pub(crate) fn run_required(
    project: &Project,
    step: &mut Step,
    log: &str,
    command: &mut Command,
) -> Result<Ended> {
    run_command(project, step, log, command, false)?.require_success(command)
}

/// What a short program prints on stdout, or `None` when it is missing or fails.
pub(crate) fn command_output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Starts a program that goes on until [`stop_process`], in a group of its own, with its output in `log`; returns when it `is_ready`.
pub(crate) fn start_process(
    name: &str,
    command: &mut Command,
    log: &Path,
    patience: Duration,
    is_ready: impl Fn() -> bool,
) -> Result<Child> {
    let file = File::create(log).with_context(|| format!("make {}", log.display()))?;
    command.process_group(0).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("start {name}"))?;
    let begun = Instant::now();
    while !is_ready() {
        if child.try_wait()?.is_some() || begun.elapsed() > patience {
            let _ = stop_process(&mut child, Signal::SIGTERM);
            bail!("{name} did not start; its log is {}", log.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(child)
}

/// Ends a program and all it started: `signal`, then after a while SIGKILL. Its own exit status.
pub(crate) fn stop_process(child: &mut Child, signal: Signal) -> Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    let group = Pid::from_raw(i32::try_from(child.id())?);
    // A group that is gone already is as good as stopped.
    let _ = killpg(group, signal);
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = killpg(group, Signal::SIGKILL);
    Ok(child.wait()?)
}

/// What starts a program in a session of its own.
const SETSID: &str = "setsid";
/// Has the whole session give way, where the kernel shares the processor between sessions; then the program. Of users who are not root
/// it takes one such wish in 100 ms, of all of them together.
const SESSION_GIVES_WAY: &str = r#"for again in 1 2 3 4 5; do
{ echo 19 > /proc/self/autogroup; } 2> /dev/null && break; sleep 0.2; done; exec "$0" "$@""#;

/// The same command, with the processor shared between it and the others, whatever niceness their threads have: text is read by
/// threads that give way to all others of their session, and beside other suites would hardly be read at all.
pub(crate) fn with_own_share(command: &Command) -> Command {
    started_by(if on_path(SETSID).is_some() { &[SETSID] } else { &[] }, command)
}

/// The same command, which gives way to all others: it has what is left of the processor, where this system can do so.
pub(crate) fn at_idle_priority(command: &Command) -> Command {
    let mut by: Vec<&str> = Vec::new();
    if on_path(SETSID).is_some() {
        by.extend([SETSID, "sh", "-c", SESSION_GIVES_WAY]);
    }
    by.extend(if on_path("chrt").is_some() { ["chrt", "--idle", "0"] } else { ["nice", "-n", "19"] });
    started_by(&by, command)
}

/// The same command, which the kernel asks to end when the thread that starts it does: if we are killed, no server stays behind.
pub(crate) fn ends_with_us(command: &Command) -> Command {
    let by: &[&str] = if on_path("setpriv").is_some() { &["setpriv", "--pdeathsig", "TERM"] } else { &[] };
    started_by(by, command)
}

/// The same command, started by another program.
fn started_by(by: &[&str], command: &Command) -> Command {
    let mut words = by.iter().map(OsStr::new).chain([command.get_program()]).chain(command.get_args());
    let mut other = Command::new(words.next().unwrap_or_default());
    other.args(words);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    other
}

/// CPU time of all programs that this one has started and that have ended, with theirs.
pub(crate) fn children_cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("ask what programs have used")?;
    let time = |time: TimeVal| {
        Duration::from_micros(
            u64::try_from(time.tv_sec()).unwrap_or_default() * 1_000_000
                + u64::try_from(time.tv_usec()).unwrap_or_default(),
        )
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// A command as one would type it, near enough for a message.
pub(crate) fn command_words(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// The lines of a pipe, one message each, until it is closed. The channel holds a few hundred
/// lines, then the program waits: nothing grows.
fn read_lines(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(512);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            bytes.clear();
            // A bar that moves is written over itself: each of its states is a line.
            let mut lines = text.trim_end().split('\r').map(str::to_owned);
            if lines.any(|line| sender.send(line).is_err()) {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_failure_is_told_by_what_the_program_said_last_and_not_by_where_its_log_is() {
        let mut command = Command::new("fetch");
        let ended = |output: &str| Ended {
            status: ExitStatus::from_raw(256),
            output: output.to_owned(),
            cpu: Duration::ZERO,
            log: "/l/fetch.log".into(),
        };
        let error =
            ended("fetching\nerror: no route to the host\n").require_success(command.arg("it")).unwrap_err();
        assert!(error.to_string().ends_with("(all of it: /l/fetch.log)"), "{error}");
        assert_eq!(last_words(&error), "error: no route to the host");
    }

    #[test]
    fn a_command_that_another_program_starts_has_its_own_environment_and_folder() {
        let mut command = Command::new("npm");
        command.arg("test").env("KEPT", "1").env_remove("GONE").current_dir("/");
        for other in [with_own_share(&command), at_idle_priority(&command)] {
            let told: Vec<_> = other.get_envs().collect();
            assert_eq!(told, [("GONE".as_ref(), None), ("KEPT".as_ref(), Some("1".as_ref()))], "{other:?}");
            assert_eq!(other.get_current_dir(), Some(Path::new("/")));
            let words: Vec<_> = other.get_args().collect();
            assert_eq!(words[words.len() - 1], "test", "{other:?}");
        }
    }
}
