//! Ctrl-C and SIGTERM: remembered here, looked at by everything that waits.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

static ASKED_TO_STOP: AtomicBool = AtomicBool::new(false);

/// The user asked us to stop; `main` turns it into exit code 130.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Starts listening for SIGINT, SIGTERM and SIGHUP. Children run in process groups of their own,
/// so the terminal's Ctrl-C reaches only us and we pass it on in order.
pub(crate) fn listen_signals() -> Result<()> {
    ctrlc::set_handler(|| ASKED_TO_STOP.store(true, Ordering::SeqCst)).context("listen for Ctrl-C")
}

/// Has everything stop as if the user had asked.
pub(crate) fn request_stop() {
    ASKED_TO_STOP.store(true, Ordering::SeqCst);
}

/// Whether the user asked us to stop.
pub(crate) fn is_stop_requested() -> bool {
    ASKED_TO_STOP.load(Ordering::SeqCst)
}

/// `Err(Interrupted)` once the user asked us to stop.
pub(crate) fn check_interrupt() -> Result<()> {
    if is_stop_requested() { Err(Interrupted.into()) } else { Ok(()) }
}
