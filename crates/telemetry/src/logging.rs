//! Log lines on stderr, written by a thread of their own: a pipe that nobody reads costs lines, not time.

use std::io::{self, IsTerminal as _, Write};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use sightwire_access::key::redacted;
use sightwire_config::Log;

/// Lines that wait for a slow reader; more are dropped.
const MAX_LINES: usize = 8192;

/// Writes lines without what is secret of the keys in them, whoever has written them: at the level trace some libraries say
/// every byte that comes.
struct WithoutKeys<W>(W);

impl<W: Write> Write for WithoutKeys<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(&redacted(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Starts logging. What is still unwritten is written when the guard is dropped.
pub fn start(log: &Log) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_LINES)
        .lossy(true)
        .finish(WithoutKeys(io::stderr()));
    let default = format!("{},hyper=warn,ort=warn,h2=warn,reqwest=warn,rustls=warn", log.level);
    let wished = std::env::var("RUST_LOG").ok().filter(|wish| !wish.trim().is_empty());
    let filter = wished.as_ref().map_or_else(|| Ok(EnvFilter::new(&default)), EnvFilter::try_new);
    let mistake = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(&default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    if log.json {
        builder.json().init();
    } else {
        builder.with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()).init();
    }
    if let Some(mistake) = mistake {
        tracing::warn!("RUST_LOG is not understood and has no effect: {mistake}");
    }
    guard
}
