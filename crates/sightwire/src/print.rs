//! What commands print. The reader may have seen enough, as `head` does: that ends a command quietly, and never with
//! a panic, as `println!` would.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

/// Why a line was not printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// Nobody reads stdout any more.
    #[error("nobody reads what is printed")]
    Closed,
    /// A full disk, for example.
    #[error("cannot write to stdout: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => PrintError::Closed,
            _ => PrintError::Failed(error),
        }
    }
}

/// A line of results, formatted as by `println!`: `out!(printer, "{name} is ready")?`. [`PrintError::Closed`] ends the
/// command with exit code 0.
macro_rules! out {
    ($printer:expr, $($text:tt)*) => { $printer.line(format_args!($($text)*)) };
}

/// A line beside the results, formatted as by `eprintln!`. It is lost if nobody reads there.
macro_rules! note {
    ($printer:expr, $($text:tt)*) => { $printer.remark(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {note, out};

/// A number of something, for people: "1 picture", "3 pictures".
pub fn format_count(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Takes what is written.
pub type Sink = dyn Write + Send;

/// Where a command's results and remarks go. Its clones share both.
#[derive(Clone)]
pub struct Printer {
    out: Arc<Mutex<Sink>>,
    err: Arc<Mutex<Sink>>,
    /// Whether somebody watches results, and remarks, as they come.
    watched: [bool; 2],
}

impl Printer {
    /// This process's stdout and stderr.
    pub fn of_process() -> Self {
        let watched = [io::stdout().is_terminal(), io::stderr().is_terminal()];
        let (out, err) = (Arc::new(Mutex::new(io::stdout())), Arc::new(Mutex::new(io::stderr())));
        Self { out, err, watched }
    }

    /// Results and remarks go to these.
    #[cfg(test)]
    pub fn with_sinks(out: Arc<Mutex<Sink>>, err: Arc<Mutex<Sink>>) -> Self {
        Self { out, err, watched: [false; 2] }
    }

    /// Whether results go to a terminal.
    pub fn out_is_terminal(&self) -> bool {
        self.watched[0]
    }

    /// Whether remarks go to a terminal.
    pub fn err_is_terminal(&self) -> bool {
        self.watched[1]
    }

    /// For results, until it is dropped. A line that is written with `writeln!` reaches stdout in one piece.
    pub fn out(&self) -> MutexGuard<'_, Sink> {
        self.out.lock()
    }

    /// Prints a line of results.
    pub fn line(&self, text: fmt::Arguments<'_>) -> Result<(), PrintError> {
        // In one piece: stdout writes at each end of a line.
        self.raw(&format!("{text}\n"))
    }

    /// Prints results as they are.
    pub fn raw(&self, text: &str) -> Result<(), PrintError> {
        let mut out = self.out.lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Prints a remark as it is, at once and in one piece.
    pub fn remark(&self, text: fmt::Arguments<'_>) {
        let mut err = self.err.lock();
        let _ = err.write_all(text.to_string().as_bytes()).and_then(|()| err.flush());
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer").field("watched", &self.watched).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::LineWriter;

    use super::*;

    /// Keeps the text of each write by itself.
    #[derive(Default)]
    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_written_in_one_piece_so_that_nothing_comes_between() {
        // As stdout is buffered, and stderr is not.
        let out = Arc::new(Mutex::new(LineWriter::new(Writes::default())));
        let err = Arc::new(Mutex::new(Writes::default()));
        let printer = Printer::with_sinks(out.clone(), err.clone());
        let (host, port) = ("127.0.0.1", 8000);
        writeln!(printer.out(), "listening on http://{host}:{port}").unwrap();
        out!(printer, "{} is ready", host).unwrap();
        note!(printer, "{host} is {}", "slow");
        assert_eq!(out.lock().get_ref().0, ["listening on http://127.0.0.1:8000\n", "127.0.0.1 is ready\n"]);
        assert_eq!(err.lock().0, ["127.0.0.1 is slow\n"]);
    }
}
