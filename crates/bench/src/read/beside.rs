//! Another reader of text: a program that takes a path a line on stdin and answers with a line on stdout, the number of
//! lines that it found. Its first line, when it is ready, is `ready`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};

use super::Picture;
use super::reader::Reader;

/// One or several processes of it; batches are shared among them.
pub(super) struct Beside {
    name: String,
    workers: Vec<Worker>,
}

struct Worker {
    child: Child,
    paths: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Beside {
    /// Starts this many processes of the command, its words parted by spaces.
    pub(super) fn start(name: &str, command: &str, processes: usize) -> Result<Self> {
        let workers = (0..processes).map(|_| Worker::start(command)).collect::<Result<_>>()?;
        Ok(Self { name: name.to_owned(), workers })
    }
}

impl Worker {
    fn start(command: &str) -> Result<Self> {
        let mut words = command.split_ascii_whitespace();
        let program = words.next().context("an empty command")?;
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start `{command}`"))?;
        let paths = child.stdin.take().context("its stdin")?;
        let answers = BufReader::new(child.stdout.take().context("its stdout")?);
        let mut worker = Self { child, paths, answers };
        let first = worker.read_answer().with_context(|| format!("`{command}`"))?;
        if first != "ready" {
            bail!("`{command}` said {first:?} and not that it is ready");
        }
        Ok(worker)
    }

    fn read(&mut self, picture: &Picture) -> Result<usize> {
        writeln!(self.paths, "{}", picture.path.display())?;
        self.paths.flush()?;
        let answer = self.read_answer()?;
        answer.parse().with_context(|| format!("{}: {answer:?} is no number", picture.path.display()))
    }

    fn read_answer(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("it has ended");
        }
        Ok(line.trim_end().to_owned())
    }
}

/// It ends when nobody asks any more; it is not waited for long, because it holds nothing.
impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reader for Beside {
    fn name(&self) -> &str {
        &self.name
    }

    fn pids(&self) -> Vec<u32> {
        self.workers.iter().map(|worker| worker.child.id()).collect()
    }

    fn read(&mut self, picture: &Picture) -> Result<usize> {
        self.workers.first_mut().context("no process")?.read(picture)
    }

    fn read_batch(&mut self, pictures: &[Picture]) -> Result<usize> {
        let next = AtomicUsize::new(0);
        let share = |worker: &mut Worker| -> Result<usize> {
            let mut lines = 0;
            while let Some(picture) = pictures.get(next.fetch_add(1, Ordering::Relaxed)) {
                lines += worker.read(picture)?;
            }
            Ok(lines)
        };
        thread::scope(|scope| {
            let shares: Vec<_> =
                self.workers.iter_mut().map(|worker| scope.spawn(|| share(worker))).collect();
            let joined = shares.into_iter().map(|it| it.join().map_err(|_| anyhow!("a thread failed"))?);
            joined.sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_read_once_whoever_reads_it() {
        let script = std::env::temp_dir().join(format!("beside-{}.sh", std::process::id()));
        std::fs::write(&script, "echo ready; while read path; do echo 3; done").unwrap();
        let command = format!("sh {}", script.display());
        let picture = Picture { path: "a.png".into(), bytes: bytes::Bytes::new() };
        let mut beside = Beside::start("other", &command, 2).unwrap();
        assert_eq!(beside.read(&picture).unwrap(), 3);
        assert_eq!(beside.read_batch(&vec![picture; 7]).unwrap(), 21);
        assert_eq!(beside.pids().len(), 2);
        std::fs::remove_file(script).unwrap();
    }

    #[test]
    fn a_program_that_ends_is_an_error_and_not_a_hang() {
        assert!(Beside::start("other", "true", 1).is_err());
    }
}
