//! How many log lines predictions and refusals may take.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::clock;

/// At most this many lines a second.
const LINES_PER_S: f32 = 5.0;

/// A bucket that fills with [`LINES_PER_S`].
#[derive(Debug)]
pub(super) struct LineBudget(Mutex<(f32, Instant)>);

impl LineBudget {
    pub(super) fn new() -> Self {
        Self(Mutex::new((LINES_PER_S, clock::now())))
    }

    /// Whether there is a line left.
    pub(super) fn take_line(&self) -> bool {
        let mut bucket = self.0.lock();
        let now = clock::now();
        let elapsed: Duration = now.saturating_duration_since(bucket.1);
        bucket.1 = now;
        bucket.0 = (bucket.0 + elapsed.as_secs_f32() * LINES_PER_S).min(LINES_PER_S);
        let one = bucket.0 >= 1.0;
        bucket.0 -= f32::from(u8::from(one));
        one
    }
}
