//! Child processes: what they say, line by line, and a sure end.

use std::io::{BufRead as _, BufReader, Read};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;

/// Of what a child says on its standard error, the end is kept.
const KEPT_STDERR_BYTES: usize = 4096;

/// What a child has said last has arrived within this.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Lines that a child may be ahead of who listens; then it waits.
const LINES_AHEAD: usize = 64;

/// A child that does not outlive its owner, nor do its own children.
pub struct KilledWhenDropped(pub Child);

impl Drop for KilledWhenDropped {
    fn drop(&mut self) {
        // pip and venv run children of their own. Not a process group: Ctrl-C on a terminal has to reach them all.
        if matches!(self.0.try_wait(), Ok(None)) {
            for pid in find_descendants(self.0.id()) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All processes that a process has started and that are still there, and theirs.
fn find_descendants(of: u32) -> Vec<rustix::process::Pid> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name, in brackets, may hold anything; the state and the parent follow it.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found[1..].iter().filter_map(|pid| rustix::process::Pid::from_raw(i32::try_from(*pid).ok()?)).collect()
}

/// The lines of a child's standard output, as they come. What is not text is shown as well as can be.
pub fn read_lines(stdout: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES_AHEAD);
    if let Some(stdout) = stdout {
        std::thread::spawn(move || {
            let (mut stdout, mut line) = (BufReader::new(stdout), Vec::new());
            while let Ok(1..) = stdout.read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                if sender.send(text).is_err() {
                    break;
                }
                line.clear();
            }
        });
    }
    receiver
}

/// What a child says on its standard error, as far as it is kept.
pub struct ChildOutput {
    kept: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

/// Listens to a child's standard error.
pub fn read_end(stderr: Option<impl Read + Send + 'static>) -> ChildOutput {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (end, ended) = sync_channel(1);
    if let Some(mut stderr) = stderr {
        let kept = kept.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                let mut kept = kept.lock();
                kept.extend_from_slice(&buffer[..n]);
                let too_many = kept.len().saturating_sub(KEPT_STDERR_BYTES);
                kept.drain(..too_many);
            }
            let _ = end.send(());
        });
    }
    ChildOutput { kept, ended }
}

impl ChildOutput {
    /// Of a child that has ended: its last lines that are not empty, on one. A child of its own may keep the stream open,
    /// and is not waited for.
    pub fn last_lines(self) -> String {
        let _ = self.ended.recv_timeout(LAST_WORDS);
        let kept = self.kept.lock();
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(3)..].join(" | ")
    }
}
