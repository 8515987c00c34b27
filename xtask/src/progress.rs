//! One line a step with the time it took; while a long one runs, its newest line of output.
//! Everything here goes to stderr: results are what stdout is for.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::interrupt::Interrupted;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Ok,
    Skipped,
    Failed,
    /// The user has stopped it.
    Stopped,
}

impl End {
    /// How a step ended that returned this error.
    pub(crate) fn from_error(error: &anyhow::Error) -> Self {
        if error.is::<Interrupted>() { Self::Stopped } else { Self::Failed }
    }

    fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("ok", "32"),
            Self::Skipped => ("skipped", "33"),
            Self::Failed => ("FAILED", "31"),
            Self::Stopped => ("stopped", "33"),
        }
    }
}

static TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stderr().is_terminal());
static COLOUR: LazyLock<bool> = LazyLock::new(|| *TERMINAL && std::env::var_os("NO_COLOR").is_none());

/// A step that is under way.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    started: Instant,
    shown: Instant,
    /// Tenths of its work of which a line was written.
    tenths: u32,
}

/// Where nobody watches, a long step says at this pace that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(30);
const REPAINT: Duration = Duration::from_millis(200);

impl Step {
    pub(crate) fn start(name: &str) -> Self {
        let now = Instant::now();
        Self { name: name.to_owned(), started: now, shown: now, tenths: 0 }
    }

    /// Called often while the step runs, with the newest line of its output.
    pub(crate) fn show_alive(&mut self, newest: &str) {
        let pace = if *TERMINAL { REPAINT } else { HEARTBEAT };
        if self.shown.elapsed() >= pace {
            self.print_line(newest);
        }
    }

    /// The same of a step that knows the `share` of its work that is done, once it is more than 0: where nobody watches, each tenth is a
    /// line.
    pub(crate) fn show_share(&mut self, words: &str, share: f64) {
        let tenths = (share * 10.0) as u32;
        if *TERMINAL || share <= 0.0 {
            self.show_alive(words);
        } else if tenths > self.tenths {
            self.tenths = tenths;
            self.print_line(words);
        }
    }

    fn print_line(&mut self, newest: &str) {
        self.shown = Instant::now();
        let seconds = self.started.elapsed().as_secs();
        if *TERMINAL {
            let room = terminal_columns().saturating_sub(36);
            eprint!("\r\x1b[2K{:>9}  {:<16} {} ({seconds} s)", "...", self.name, cut_line(newest, room));
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{:>9}  {:<16} {} ({seconds} s)", "...", self.name, cut_line(newest, 120));
        }
    }

    /// It had nothing to do: no line.
    pub(crate) fn clear_line(self) {
        let was_shown = self.shown != self.started;
        if *TERMINAL && was_shown {
            eprint!("\r\x1b[2K");
        }
    }

    /// The step's one line.
    pub(crate) fn end(self, end: End, detail: &str) {
        if *TERMINAL {
            eprint!("\r\x1b[2K");
        }
        let (word, colour) = end.word();
        let padded = format!("{word:>9}");
        let word = if *COLOUR { format!("\x1b[{colour}m{padded}\x1b[0m") } else { padded };
        eprintln!("{word}  {:<16} {detail:<52} {:>7.1} s", self.name, self.started.elapsed().as_secs_f64());
    }
}

fn terminal_columns() -> usize {
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(80)
}

fn cut_line(text: &str, room: usize) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    if clean.chars().count() <= room { clean.to_owned() } else { clean.chars().take(room).collect() }
}
