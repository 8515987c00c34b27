//! Ctrl-C: the first ends the work cleanly, the second at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::print::{Printer, note};

/// By a shell's rule: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// Whether someone asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether somebody has asked so far.
    pub fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// From now on it is.
    pub fn request_stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Listens for Ctrl-C and SIGTERM until the process ends.
pub fn listen_for_signals(printer: Printer) -> io::Result<Stop> {
    let stop = Stop::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let asked = stop.clone();
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if asked.is_asked_for() {
                    std::process::exit(INTERRUPTED);
                }
                asked.request_stop();
                note!(printer, "\nstopping once the pictures in flight are done; Ctrl-C again stops at once");
            }
        });
    })?;
    Ok(stop)
}
