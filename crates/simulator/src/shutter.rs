//! Takes pictures while someone needs them, once for all clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::faults::Kind;
use super::simulator::Shared;
use super::source::{Source, SourceError};

/// Pictures that a client may be behind before it loses some.
const BEHIND: usize = 8;
/// The rate falls to one in this many.
const SLOW: f64 = 10.0;

/// A picture, as taken.
#[derive(Debug, Clone)]
pub struct Shot {
    pub jpeg: Bytes,
    /// Time of the camera, in whole microseconds.
    pub at: Duration,
}

/// Where clients wait for pictures.
pub struct Shutter {
    shots: broadcast::Sender<Shot>,
    wanted: Notify,
    taken: AtomicU64,
}

impl Shutter {
    pub fn new() -> Self {
        Self { shots: broadcast::Sender::new(BEHIND), wanted: Notify::new(), taken: AtomicU64::new(0) }
    }

    /// Gets the pictures from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Shot> {
        let shots = self.shots.subscribe();
        self.wanted.notify_one();
        shots
    }

    /// How many pictures were taken so far.
    pub fn taken_count(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Takes pictures until `stop`, or until there are no more.
pub async fn run_shutter(
    shared: Arc<Shared>,
    mut source: Source,
    stop: CancellationToken,
) -> Result<(), SourceError> {
    let shutter = &shared.shutter;
    let mut last: Option<Bytes> = None;
    let mut due = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep_until(due) => {}
        }
        while shutter.shots.receiver_count() == 0 {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = shutter.wanted.notified() => {}
            }
        }
        let settings = shared.settings.lock().clone();
        let (faults, fault_time) = shared.faults();
        let slower = if faults.is_on(Kind::Slow, fault_time) { SLOW } else { 1.0 };
        // Late ones are not made up for.
        due = Instant::now().max(due + Duration::from_secs_f64(slower / settings.fps));
        let at = shared.time();
        let frozen = last.clone().filter(|_| faults.is_on(Kind::Freeze, fault_time));
        let jpeg = if let Some(jpeg) = frozen {
            jpeg
        } else {
            let taking = tokio::task::spawn_blocking(move || {
                let jpeg = source.next(at, settings.size, settings.quality);
                (source, jpeg)
            });
            let Ok((given_back, jpeg)) = taking.await else {
                return Err(SourceError::Encode("the drawing of a picture failed".to_owned()));
            };
            source = given_back;
            *shared.scene.lock() = source.scene();
            jpeg?
        };
        last = Some(jpeg.clone());
        shutter.taken.fetch_add(1, Ordering::Relaxed);
        // The task that wanted it may be gone.
        let _ = shutter.shots.send(Shot { jpeg, at });
    }
}
