//! Log lines on stderr and, if wanted, in files: written by threads of their own, so that a pipe that nobody reads or a disk that
//! is full costs lines, not time.
//!
//! - `file`: files of bounded size
//! - `line`: what is secret or invisible is not in a line
//! - `options`: what is written down, as it is configured
//! - `often`: lines that come too often are summed up
//! - [`panics`]: what panics is a line, too

mod file;
mod line;
mod often;
mod options;
pub mod panics;

use std::io::{self, IsTerminal as _, Write};
use std::sync::{LazyLock, OnceLock};
use std::time::Instant;

pub use options::{LOG, Log, LogFile};
use sightwire_base::lines::AUDIT;
use sightwire_base::metrics::{Collector, Metrics};
use tracing::{Metadata, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{Directive, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use self::file::RotatingFile;
pub use self::file::failures;
use self::line::Escapes;
use self::often::NotTooOften;
use crate::otlp;

/// Lines that wait for a slow reader; more are dropped.
const MAX_LINES: usize = 8192;

/// Of the process, as the log is.
static OFTEN: LazyLock<NotTooOften> = LazyLock::new(NotTooOften::default);
static STARTED: OnceLock<Started> = OnceLock::new();

/// The log cannot be started, for example because a file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{key} cannot be written: {error}; see that its folder is there and may be written to")]
pub struct LogError {
    key: &'static str,
    error: io::Error,
}

/// What is still unwritten is written when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Unwritten {
    _guards: Vec<WorkerGuard>,
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        // A flood may be why it ends.
        OFTEN.sum_up_all(Instant::now());
    }
}

/// What is known of a log that was started.
struct Started {
    filter: reload::Handle<EnvFilter, Registry>,
    /// Lines that readers were too slow for.
    dropped: Vec<ErrorCounter>,
    /// `RUST_LOG` decides, whatever the configuration says.
    by_environment: bool,
}

/// Writes lines as they may be written.
struct Lines<W> {
    to: W,
    escapes: Escapes,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.to.write_all(&line::escape_line(line, self.escapes))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Starts logging, once in a process; panics go there, too.
pub fn start_logging(log: &Log) -> Result<Unwritten, LogError> {
    let wished = std::env::var("RUST_LOG").ok().filter(|wish| !wish.trim().is_empty());
    let filter = wished.as_ref().map_or_else(|| of_level(&log.level), |wish| of_environment(wish));
    let (filter, mistake) = match filter {
        Ok(filter) => (filter, None),
        Err(mistake) => (of_level(&log.level).unwrap_or_default(), Some(mistake)),
    };
    let (filter, handle) = reload::Layer::new(filter);
    let (mut guards, mut dropped) = (Vec::new(), Vec::new());
    let mut writer = |lines: Box<dyn Write + Send>, escapes| {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(MAX_LINES).lossy(true);
        let (writer, guard) = builder.thread_name("log").finish(Lines { to: lines, escapes });
        dropped.push(writer.error_counter());
        guards.push(guard);
        writer
    };
    let plain = if log.json { Escapes::Json } else { Escapes::Rust };
    let coloured = !log.json && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let to_stderr = writer(Box::new(io::stderr()), if coloured { Escapes::RustWithColours } else { plain });
    let mut file = |key, options: &Option<LogFile>| {
        let opened = options.clone().map(|options| RotatingFile::open(key, options));
        let opened = opened.transpose().map_err(|error| LogError { key, error })?;
        Ok(opened.map(|file| writer(Box::new(file), plain)))
    };
    let (whole, audit) = (file("log.file", &log.file)?, file("log.audit_file", &log.audit_file)?);
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(&*OFTEN)
        .with(otlp::log_layer())
        .with(format_layer(to_stderr, log.json, coloured))
        .with(whole.map(|file| format_layer(file, log.json, false)))
        // Not by a filter of its layer: what another layer leaves out would have that one left out, too.
        .with(audit.map(|file| format_layer(file.with_filter(is_audit), log.json, false)));
    subscriber.init();
    panics::into_the_log();
    let by_environment = wished.is_some() && mistake.is_none();
    let _ = STARTED.set(Started { filter: handle, dropped, by_environment });
    if let Some(mistake) = mistake {
        tracing::warn!("RUST_LOG is not understood and has no effect: {mistake}");
    }
    Ok(Unwritten { _guards: guards })
}

/// Whether those files could be opened. None is made: the user who checks may be another than the one that writes them.
pub fn check_files(log: &Log) -> Result<(), LogError> {
    for (key, options) in [("log.file", &log.file), ("log.audit_file", &log.audit_file)] {
        if let Some(options) = options {
            file::check_writable(&options.path).map_err(|error| LogError { key, error })?;
        }
    }
    Ok(())
}

/// Goes by another `log.level` from now on; `false` if `RUST_LOG` decides instead.
pub fn set_level(level: &str) -> bool {
    let Some(started) = STARTED.get().filter(|started| !started.by_environment) else { return false };
    of_level(level).is_ok_and(|filter| started.filter.reload(filter).is_ok())
}

/// Says how many lines were left out because they came too often; to be called about once a second.
pub fn sum_up() {
    OFTEN.sum_up(Instant::now());
}

/// Lines that were dropped so far because nobody took them in time.
pub fn dropped_lines() -> u64 {
    STARTED.get().map_or(0, |started| started.dropped.iter().map(|one| one.dropped_lines() as u64).sum())
}

/// What of the log was lost, and what it was to say of panics, for `/metrics`.
#[derive(Debug)]
pub struct LogMetrics;

impl Collector for LogMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter(
            "panics",
            "Mistakes of the server that ended a task; the log has a line for each.",
            panics::panic_count(),
        );
        metrics.counter("log_lines_dropped", "Lines of the log that nobody took in time.", dropped_lines());
        metrics.counter(
            "log_file_failures",
            "Lines of the log that could not be written to a file.",
            failures(),
        );
    }
}

fn of_level(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{level},{AUDIT}=info,hyper=warn,ort=warn,h2=warn,reqwest=warn,rustls=warn"))
}

/// What `RUST_LOG` says; who did what is written whatever that is.
fn of_environment(wish: &str) -> Result<EnvFilter, ParseError> {
    let filter = EnvFilter::try_new(wish)?;
    let audit: Directive = format!("{AUDIT}=info").parse()?;
    Ok(filter.add_directive(audit))
}

fn is_audit(metadata: &Metadata<'_>) -> bool {
    metadata.target() == AUDIT
}

/// Lines as text or as JSON.
fn format_layer<S, W>(writer: W, json: bool, coloured: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(writer).with_target(false);
    if json { layer.json().boxed() } else { layer.with_ansi(coloured).boxed() }
}
