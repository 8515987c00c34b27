//! What senders of pictures share: when the next one is due, and writing it.

use std::io::{self, IoSlice, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest sleep: what else happens is looked at in between.
const SLICE: Duration = Duration::from_millis(100);

/// Time lost that is made up for: a sleep is that inexact. A camera has no pictures of the past.
const MADE_UP: Duration = Duration::from_millis(2);

/// The pace of one sender.
#[derive(Debug)]
pub(crate) struct Pace {
    due: Instant,
}

impl Pace {
    /// The first picture is due at `due`.
    pub(crate) fn from(due: Instant) -> Self {
        Self { due }
    }

    /// Waits for the next picture at this many thousandths of a picture a second (0: no wait), for a moment only. Whether
    /// it is due.
    pub(crate) fn wait_due(&mut self, rate: u64) -> bool {
        if rate == 0 {
            return true;
        }
        let now = Instant::now();
        if let Some(wait) = self.due.checked_duration_since(now) {
            sleep(wait.min(SLICE));
            if wait > SLICE {
                return false;
            }
        }
        let interval = Duration::from_nanos(1_000_000_000_000 / rate);
        let oldest = now.checked_sub(interval.min(MADE_UP)).unwrap_or(now);
        self.due = self.due.max(oldest) + interval;
        true
    }
}

/// Writes all slices, in one call of the system where it takes all.
pub(crate) fn write_all(stream: &mut TcpStream, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match stream.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_on_average_and_lost_time_is_not_made_up_for() {
        let begun = Instant::now();
        let mut pace = Pace::from(begun);
        let mut wait = |rate| while !pace.wait_due(rate) {};
        (0..11).for_each(|_| wait(1_000_000));
        assert!(begun.elapsed() >= Duration::from_millis(10));
        sleep(Duration::from_millis(50));
        let late = Instant::now();
        (0..12).for_each(|_| wait(1_000_000));
        assert!(late.elapsed() >= Duration::from_millis(10), "one or two may be late, not fifty");
        (0..1000).for_each(|_| wait(0));
    }
}
