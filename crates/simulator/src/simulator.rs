//! Accepts connections; what they share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use sightwire_synth::scene::Scene;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::controls::{Settings, SettingsStatus, Size};
use super::faults::Faults;
use super::shutter::{self, Shutter};
use super::source::{Origin, Source, SourceError};
use super::{connection, damage};

/// Connections beyond those that get pictures: for pages and settings. More are closed at once.
const OTHER_CONNECTIONS: usize = 32;

/// How the camera is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the pictures come from.
    pub origin: Origin,
    /// What goes wrong, and when.
    pub faults: Faults,
    /// Pictures per second at the start; `/control` can change it.
    pub fps: f64,
    /// Width and height of generated pictures at the start; `/control` can change them.
    pub size: Size,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Another one gives another car park or street.
    pub seed: u64,
    /// Clients that get pictures at the same time.
    pub max_clients: usize,
    /// `name:password` that is asked for.
    pub user: Option<String>,
    /// What parts of the stream are separated by.
    pub boundary: String,
    /// Whether parts have a `Content-Length`.
    pub lengths: bool,
    /// Whether answers are those of HTTP/1.0.
    pub http10: bool,
    /// Whether the stream is sent in chunks.
    pub chunked: bool,
    /// Time for a request to arrive, and for the next one to begin.
    pub request_deadline: Duration,
}

/// A camera at work. Dropping it ends it at once.
pub struct Simulator {
    address: SocketAddr,
    note: Option<String>,
    stop: CancellationToken,
    tasks: TaskTracker,
    failed: oneshot::Receiver<SourceError>,
}

/// Why a camera cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There are no pictures to show.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The address of the listener is not known.
    #[error("cannot tell the address: {0}")]
    Address(#[from] io::Error),
}

/// Everything that connections share.
pub struct Shared {
    pub options: Options,
    started: Instant,
    pub settings: Mutex<Settings>,
    pub shutter: Shutter,
    /// As it was for the newest picture.
    pub scene: Mutex<Option<Arc<Scene>>>,
    pub counts: Counts,
    /// For clients that get pictures.
    pub places: Arc<Semaphore>,
    pub thumbnail: Vec<u8>,
    /// What goes wrong, and since when that has been so.
    faults: Mutex<(Faults, Instant)>,
}

/// Answer to `/status`, in JSON.
#[derive(Debug, Serialize)]
pub struct Status {
    #[serde(flatten)]
    settings: SettingsStatus,
    /// As `/control?var=fault` takes it.
    fault: String,
    /// Since that was set.
    fault_time_s: f64,
    uptime_s: f64,
    /// Who watch the stream now.
    stream_clients: usize,
    max_clients: usize,
    connections_total: u64,
    /// Connections, for want of places.
    refused_total: u64,
    streams_total: u64,
    captures_total: u64,
    pictures_total: u64,
}

/// Counters of `/status`, all from zero at the start but for those who are there now.
#[derive(Debug, Default)]
pub struct Counts {
    pub connections: AtomicU64,
    pub refused: AtomicU64,
    pub streams: AtomicU64,
    pub stream_clients: AtomicUsize,
    pub captures: AtomicU64,
}

impl Simulator {
    /// Opens the source and serves on `listener`; in a Tokio runtime.
    pub fn start(listener: TcpListener, options: Options) -> Result<Self, StartError> {
        let address = listener.local_addr()?;
        let source = Source::open(&options.origin, options.seed, options.size, options.quality)?;
        let note = source.note().map(str::to_owned);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let started = Instant::now();
        let shared = Arc::new(Shared {
            started,
            settings: Mutex::new(Settings::new(options.size, options.quality, options.fps)),
            shutter: Shutter::new(),
            scene: Mutex::new(source.scene()),
            counts: Counts::default(),
            places: Arc::new(Semaphore::new(options.max_clients)),
            thumbnail: damage::thumbnail_segment().unwrap_or_default(),
            faults: Mutex::new((options.faults.clone(), started)),
            options,
        });
        let (fail, failed) = oneshot::channel();
        let taking = shutter::run_shutter(shared.clone(), source, stop.clone());
        tasks.spawn(async move {
            if let Err(error) = taking.await {
                let _ = fail.send(error);
            }
        });
        tasks.spawn(accept_connections(listener, shared, stop.clone(), tasks.clone()));
        Ok(Self { address, note, stop, tasks, failed })
    }

    /// The address it listens on, with the port that the system chose where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the user should know.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Waits until there are no more pictures, which is not what happens usually.
    pub async fn wait_failed(&mut self) -> SourceError {
        match (&mut self.failed).await {
            Ok(error) => error,
            Err(_) => std::future::pending().await,
        }
    }

    /// Ends everything, within that time.
    pub async fn stop(self, within: Duration) {
        self.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(within, self.tasks.wait()).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    /// The camera's time, in whole microseconds.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.started.elapsed().as_micros() as u64)
    }

    /// What goes wrong, and the time that it counts in.
    pub fn faults(&self) -> (Faults, Duration) {
        let (faults, since) = &*self.faults.lock();
        (faults.clone(), since.elapsed())
    }

    /// A moment in the time of [`Shared::faults`]; none if it was before that.
    pub fn fault_time(&self, moment: Instant) -> Option<Duration> {
        moment.checked_duration_since(self.faults.lock().1)
    }

    /// From now on something else goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock() = (faults, Instant::now());
    }

    /// The answer to `/status` as things are now.
    pub fn status(&self) -> Status {
        let (faults, fault_time) = self.faults();
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Status {
            settings: self.settings.lock().status(),
            fault: faults.to_string(),
            fault_time_s: fault_time.as_secs_f64(),
            uptime_s: self.time().as_secs_f64(),
            stream_clients: self.counts.stream_clients.load(Ordering::Relaxed),
            max_clients: self.options.max_clients,
            connections_total: count(&self.counts.connections),
            refused_total: count(&self.counts.refused),
            streams_total: count(&self.counts.streams),
            captures_total: count(&self.counts.captures),
            pictures_total: self.shutter.taken_count(),
        }
    }
}

async fn accept_connections(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(shared.options.max_clients + OTHER_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Usually no file descriptors are left: let some close, and do not spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        shared.counts.connections.fetch_add(1, Ordering::Relaxed);
        let Ok(place) = places.clone().try_acquire_owned() else {
            shared.counts.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let (shared, stop) = (shared.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection::serve_connection(stream, &shared) => {}
            }
            drop(place);
        });
    }
}
