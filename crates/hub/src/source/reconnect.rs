//! Runs a source again and again, with pauses that grow while it fails.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_base::clock;
use tokio::time::sleep;

use super::{Sink, Skipped, Source, SourceError};

/// How long to pause before a source is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// The first; each is twice the one before.
    pub first: Duration,
    /// No pause is longer than this.
    pub longest: Duration,
    /// A connection that gave pictures for this long was a good one: the next pause is the first again.
    pub good_after: Duration,
    /// After a connection that the camera ended by itself behind a whole picture: some send one for each.
    pub after_end: Duration,
}

/// 1 s, 30 s, good after 10 s, a tenth of a second after each picture.
impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            good_after: Duration::from_secs(10),
            after_end: Duration::from_millis(100),
        }
    }
}

/// The pauses of one source, each up to a quarter shorter by chance, so that boards which lost their network together do
/// not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    pauses: Pauses,
    next: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    /// Pauses from the first on; the same `seed` gives the same.
    pub fn new(pauses: Pauses, seed: u64) -> Self {
        Self { pauses, next: pauses.first, random: fastrand::Rng::with_seed(seed) }
    }

    /// The pause after a connection that gave pictures for `pictures_for`.
    pub fn next_pause(&mut self, pictures_for: Duration) -> Duration {
        if pictures_for >= self.pauses.good_after {
            self.next = self.pauses.first;
        }
        let pause = self.next.min(self.pauses.longest);
        self.next = (pause * 2).min(self.pauses.longest);
        pause.mul_f64(1.0 - 0.25 * self.random.f64())
    }

    /// The pause after a connection that ended behind a whole picture.
    fn after_end(&mut self) -> Duration {
        self.next = self.pauses.first;
        self.pauses.after_end
    }
}

/// Runs `source` until this future is dropped, and tells `sink` of every end ([`Sink::on_down`]) before it pauses.
pub async fn keep_running(source: &dyn Source, sink: &mut dyn Sink, backoff: &mut Backoff) -> Infallible {
    loop {
        let mut timed = Timed { sink: &mut *sink, first: None, last: None };
        let error = source.run(&mut timed).await;
        let pictures_for = timed.first.zip(timed.last).map(|(first, last)| last.duration_since(first));
        let pause = match error {
            SourceError::Ended { pictures: 1.., .. } => backoff.after_end(),
            _ => backoff.next_pause(pictures_for.unwrap_or_default()),
        };
        sink.on_down(&error, pause, clock::now());
        sleep(pause).await;
    }
}

/// Notes when pictures came.
struct Timed<'a> {
    sink: &'a mut dyn Sink,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Sink for Timed<'_> {
    fn on_picture(&mut self, jpeg: Bytes, now: Instant) {
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.sink.on_picture(jpeg, now);
    }

    fn on_bytes(&mut self, count: usize, now: Instant) {
        self.sink.on_bytes(count, now);
    }

    fn on_skipped(&mut self, skipped: Skipped, now: Instant) {
        self.sink.on_skipped(skipped, now);
    }

    fn on_down(&mut self, error: &SourceError, pause: Duration, now: Instant) {
        self.sink.on_down(error, pause, now);
    }
}
