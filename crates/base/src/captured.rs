//! Log lines of this thread, for tests.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::subscriber::{DefaultGuard, set_default};

/// Takes the lines of this thread until it is dropped.
#[allow(missing_debug_implementations, reason = "a guard of tests")]
pub struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

/// Begins to take the log lines of this thread, down to the level debug.
pub fn capture_log() -> Captured {
    let bytes = Arc::<Mutex<Vec<u8>>>::default();
    let writer = Writer(bytes.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone());
    Captured { bytes, _guard: set_default(subscriber.finish()) }
}

impl Captured {
    /// Those with this text.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let all = String::from_utf8(self.bytes.lock().clone()).unwrap();
        all.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
