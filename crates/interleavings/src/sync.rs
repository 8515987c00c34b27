//! In the place of `sync` in `hub` and `models`. Before each step that others can see, they may go first. Channels and tokens
//! are tokio's own, each call of them a step; locks, counters and tasks are the scheduler's.

use std::collections;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::PoisonError;
use std::time::Duration;

use shuttle::sync::MutexGuard;
use shuttle::sync::atomic::AtomicBool;
use tokio_util::sync::CancellationToken as Token;
use tokio_util::task::TaskTracker as Tracker;

pub use shuttle::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

pub mod watch;

/// `std`'s, in the same order in each run.
pub type HashMap<K, V> = collections::HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// Any task that can run may run before this returns.
pub fn others_first() {
    AtomicBool::new(false).load(Ordering::SeqCst);
}

/// `parking_lot`'s mutex, as far as it is used.
#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A mutex that nobody holds.
    pub fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    /// Waits until nobody else has it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `tokio`'s: there always is a runtime.
#[derive(Debug)]
pub struct Handle;

impl Handle {
    /// The one that there is.
    pub fn try_current() -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Any time may pass for a task that sleeps: others go first as long as the scheduler likes.
pub async fn sleep(_: Duration) {
    shuttle::future::yield_now().await;
}

/// `tokio`'s; the work is a thread of the scheduler's.
pub fn spawn_blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) {
    shuttle::thread::spawn(work);
}

/// `tokio_util`'s token, as far as it is used.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Token);

impl CancellationToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled with this one.
    #[must_use]
    pub fn child_token(&self) -> Self {
        others_first();
        Self(self.0.child_token())
    }

    /// Cancels it and all of its children.
    pub fn cancel(&self) {
        others_first();
        self.0.cancel();
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        others_first();
        self.0.is_cancelled()
    }

    /// Waits until it is cancelled.
    pub async fn cancelled(&self) {
        others_first();
        self.0.cancelled().await;
    }
}

/// `tokio_util`'s tracker, as far as it is used.
#[derive(Clone, Debug, Default)]
pub struct TaskTracker(Tracker);

impl TaskTracker {
    /// A tracker without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task that nobody waits for, but [`Self::ended`].
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        shuttle::future::spawn(self.0.track_future(task));
    }

    /// Waits until no task runs.
    pub async fn ended(&self) {
        self.0.close();
        self.0.wait().await;
    }
}
