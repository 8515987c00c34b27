//! What commands print. Whoever reads it may have seen enough, as `head` does: that ends a command quietly, and never with
//! a panic, as `println!` would.

use std::fmt;
use std::io::{self, Write as _};

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

/// A line on stdout, formatted as by `println!`: `out!("{name} is ready")?`. [`PrintError::Closed`] ends the command with
/// exit code 0.
macro_rules! out {
    ($($text:tt)*) => { $crate::print::line(format_args!($($text)*)) };
}

/// A line on stderr, formatted as by `eprintln!`. It is lost if nobody reads there.
macro_rules! note {
    ($($text:tt)*) => { $crate::print::remark(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {note, out};

/// So many of something, for people: "1 picture", "3 pictures".
pub fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Prints a line on stdout.
pub fn line(text: fmt::Arguments<'_>) -> Result<(), PrintError> {
    // In one piece: stdout writes at each end of a line.
    raw(&format!("{text}\n"))
}

/// Prints on stdout as it is.
pub fn raw(text: &str) -> Result<(), PrintError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints on stderr as it is, and at once.
pub fn remark(text: fmt::Arguments<'_>) {
    let mut out = io::stderr().lock();
    let _ = out.write_fmt(text).and_then(|()| out.flush());
}
