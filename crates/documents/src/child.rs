//! The parent's side: one child for one request. It is over when this is dropped, whatever it was at.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{self, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use sightwire_base::memory::children::CountedChild;

use crate::answer::{self, Answer, sanitize_words};
use crate::program::{NAME, OpenProgram};
use crate::request::Request;

/// How soon it is noticed that nobody wants the answer any more.
const TICK: Duration = Duration::from_millis(50);
/// How long a child that has closed its output may take to end by itself, so that it can be said how it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How often a child that has closed its output is asked whether it has ended.
const END_TICK: Duration = Duration::from_millis(2);
/// Bytes of its standard error that are kept.
const MOST_SAID: usize = 4096;
/// Read or written at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum ChildError {
    /// It did not answer in time, in which it had a core for this long.
    Late(Duration),
    /// Nobody wants it any more.
    Unwanted,
    /// It has used the time of a core that it may have.
    Cpu,
    /// It wanted more memory than it may have.
    Memory,
    /// There is no memory for what it has.
    NoRoom,
    /// It crashed, or answered something else: how.
    Crashed(String),
}

/// A child process that draws.
pub(crate) struct Child {
    process: process::Child,
    /// Its memory is this process's as long as it lives.
    counted: Option<CountedChild>,
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        self.counted = None;
        let _ = self.process.wait();
    }
}

impl Child {
    /// Starts it, with nothing of this process's environment, in which secrets may be.
    pub(crate) fn start(program: &OpenProgram, args: &[OsString]) -> io::Result<Self> {
        let mut command = Command::new(program.path_of_file());
        command.arg0(NAME).args(args).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = command.spawn()?;
        let counted = Some(CountedChild::new(process.id()));
        Ok(Self { process, counted })
    }

    /// What it says by itself until it ends, at most this many bytes; nothing is a crash.
    pub(crate) fn read_output(
        mut self,
        most: usize,
        by: Instant,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, ChildError> {
        let mut talk = self.start_talk(&[], &[], 0, most)?;
        talk.finish(by, wanted, &|| true)?;
        if talk.answer.is_empty() { Err(self.exit_error(&mut talk, by)) } else { Ok(talk.answer) }
    }

    pub(crate) fn ask_once(
        mut self,
        request: &Request,
        file: &[u8],
        by: Instant,
        wanted: &dyn Fn() -> bool,
        has_room: &dyn Fn(u64) -> bool,
    ) -> Result<Answer, ChildError> {
        let head = request.encode();
        let mut talk =
            self.start_talk(&head, file, answer::expected_length(request), answer::max_length(request))?;
        let may_go_on = || self.counted.as_ref().is_none_or(|child| has_room(child.used_bytes()));
        talk.finish(by, wanted, &may_go_on).map_err(|error| self.with_work(error))?;
        let whole = std::mem::take(&mut talk.answer);
        match answer::decode_answer(whole, request) {
            Some(answer) => Ok(answer),
            None => Err(self.exit_error(&mut talk, by)),
        }
    }

    /// With what is to be written, and how many bytes of answer are expected and read at most.
    fn start_talk<'a>(
        &mut self,
        head: &'a [u8],
        file: &'a [u8],
        expected: usize,
        most: usize,
    ) -> Result<Talk<'a>, ChildError> {
        let (stdin, stdout, stderr) =
            (self.process.stdin.take(), self.process.stdout.take(), self.process.stderr.take());
        if stdin.is_none() || stdout.is_none() || stderr.is_none() {
            return Err(ChildError::Crashed("it has no streams".into()));
        }
        let (answer, said) = (Vec::new(), Vec::new());
        let talk = Talk { head, file, stdin, stdout, stderr, answer, expected, most, said };
        talk.unblock().map_err(|error| ChildError::Crashed(error.to_string()))?;
        Ok(talk)
    }

    /// A child that is late is ended soon: before that it can be told what it had.
    fn with_work(&self, error: ChildError) -> ChildError {
        let ChildError::Late(_) = error else { return error };
        let schedstat = std::fs::read_to_string(format!("/proc/{}/schedstat", self.process.id()));
        let worked = schedstat.ok().and_then(|text| text.split_whitespace().next()?.parse().ok());
        ChildError::Late(worked.map_or(Duration::MAX, Duration::from_nanos))
    }

    /// How it ended that did not answer.
    fn exit_error(&mut self, talk: &mut Talk<'_>, by: Instant) -> ChildError {
        let until = by.min(Instant::now() + LAST_WORDS);
        let status = loop {
            match self.process.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < until => std::thread::sleep(END_TICK),
                Ok(None) | Err(_) => break None,
            }
        };
        // What it has written before its end is in the pipe.
        let _ = talk.step(Duration::ZERO);
        let said = sanitize_words(&talk.said);
        let Some(status) = status else {
            return ChildError::Crashed("it closed its output and did not end".into());
        };
        // The standard library says so before it ends the process.
        if String::from_utf8_lossy(&talk.said).contains("memory allocation of") {
            return ChildError::Memory;
        }
        if status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
            return ChildError::Cpu;
        }
        ChildError::Crashed(match said.as_str() {
            "" => in_words(status),
            said => format!("{}, {said}", in_words(status)),
        })
    }
}

fn in_words(status: ExitStatus) -> String {
    match status.signal() {
        Some(4) => "it ended by SIGILL".into(),
        Some(6) => "it ended by SIGABRT".into(),
        Some(7) => "it ended by SIGBUS".into(),
        Some(9) => "it was killed, perhaps for want of memory".into(),
        Some(11) => "it ended by SIGSEGV".into(),
        Some(25) => "it wrote to a file".into(),
        Some(number) => format!("it ended by signal {number}"),
        None => format!("it ended without an answer (exit code {})", status.code().unwrap_or(-1)),
    }
}

/// What is said to and fro, as far as it has come. Nothing waits but [`step`](Self::step).
struct Talk<'a> {
    /// What is left to be written of what goes before the file.
    head: &'a [u8],
    /// What is left to be written of the file, after `head`.
    file: &'a [u8],
    /// `None` as soon as it is over.
    stdin: Option<process::ChildStdin>,
    stdout: Option<process::ChildStdout>,
    stderr: Option<process::ChildStderr>,
    answer: Vec<u8>,
    /// Bytes of the answer for which room is made when it begins.
    expected: usize,
    /// Bytes of the answer that are read at most.
    most: usize,
    said: Vec<u8>,
}

impl Talk<'_> {
    fn unblock(&self) -> io::Result<()> {
        fn unblock(stream: Option<&impl AsFd>) -> io::Result<()> {
            let Some(stream) = stream else { return Ok(()) };
            Ok(fcntl_setfl(stream, fcntl_getfl(stream)? | OFlags::NONBLOCK)?)
        }
        unblock(self.stdin.as_ref())?;
        unblock(self.stdout.as_ref())?;
        unblock(self.stderr.as_ref())
    }

    /// Until the child has said all.
    fn finish(
        &mut self,
        by: Instant,
        wanted: &dyn Fn() -> bool,
        may_go_on: &dyn Fn() -> bool,
    ) -> Result<(), ChildError> {
        let mut looked = Instant::now();
        while self.stdout.is_some() {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ChildError::Late(Duration::MAX));
            }
            if !wanted() {
                return Err(ChildError::Unwanted);
            }
            // Once in a tick: a child that answers is asked thousands of times.
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                if !may_go_on() {
                    return Err(ChildError::NoRoom);
                }
            }
            self.step(left.min(TICK)).map_err(|error| ChildError::Crashed(error.to_string()))?;
            if self.answer.len() > self.most {
                return Err(ChildError::Crashed("it answered more than was asked".into()));
            }
        }
        Ok(())
    }

    /// Waits until something can be read or written, at most this long, and does that.
    fn step(&mut self, wait: Duration) -> io::Result<()> {
        let mut fds = Vec::with_capacity(3);
        fds.extend(self.stdin.as_ref().map(|stream| PollFd::new(stream, PollFlags::OUT)));
        fds.extend(self.stdout.as_ref().map(|stream| PollFd::new(stream, PollFlags::IN)));
        fds.extend(self.stderr.as_ref().map(|stream| PollFd::new(stream, PollFlags::IN)));
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        match poll(&mut fds, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(stdin) = &mut self.stdin {
            let part = if self.head.is_empty() { &mut self.file } else { &mut self.head };
            match stdin.write(&part[..part.len().min(CHUNK)]) {
                Ok(count) => *part = &part[count..],
                Err(error) if is_not_yet(&error) => {}
                // It has seen enough, or is no more: its answer or its end tells.
                Err(_) => (self.head, self.file) = (&[], &[]),
            }
            if self.head.is_empty() && self.file.is_empty() {
                self.stdin = None;
            }
        }
        if let Some(stdout) = &mut self.stdout {
            // One byte more than the most, to see that there is more.
            let room = (self.most + 1).saturating_sub(self.answer.len());
            if read_available(stdout, &mut self.answer, room.min(1 << 20))? {
                self.stdout = None;
            }
            if self.answer.capacity() < self.expected && !self.answer.is_empty() {
                self.answer.reserve_exact(self.expected + 1 - self.answer.len());
            }
        }
        if let Some(stderr) = &mut self.stderr {
            // What does not fit is read and forgotten.
            if read_available(stderr, &mut self.said, CHUNK)? {
                self.stderr = None;
            }
            let over = self.said.len().saturating_sub(MOST_SAID);
            self.said.drain(..over);
        }
        Ok(())
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Reads what is there, at most `room` bytes. Whether that was the end.
fn read_available(stream: &mut impl Read, into: &mut Vec<u8>, room: usize) -> io::Result<bool> {
    match stream.by_ref().take(room as u64).read_to_end(into) {
        Ok(count) => Ok(count < room),
        Err(error) if is_not_yet(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
