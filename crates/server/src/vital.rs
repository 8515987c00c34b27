//! Tasks without which the server would only seem to run.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts such tasks. One that panics stops the server, cleanly and with an error: whatever watches over it starts it again,
/// whole.
#[derive(Clone, Debug)]
pub struct Vital {
    /// Those of the server.
    pub tasks: TaskTracker,
    /// Cancelled when it stops.
    pub stop: CancellationToken,
    broken: Arc<Mutex<Option<&'static str>>>,
}

impl Vital {
    /// Its tasks are among these, and cancel that when one of them breaks.
    pub fn new(tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        Self { tasks: tasks.clone(), stop: stop.clone(), broken: Arc::default() }
    }

    /// Starts one; `what` it does completes "what … broke".
    pub fn spawn(&self, what: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let this = self.clone();
        self.tasks.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!("what {what} broke, and nothing can take its place: the server stops");
                *this.broken.lock() = Some(what);
                this.stop.cancel();
            }
        });
    }

    /// What broke, if something did.
    pub fn broken_task(&self) -> Option<&'static str> {
        *self.broken.lock()
    }
}

#[cfg(test)]
mod tests {
    use sightwire_base::captured;

    use super::*;

    #[tokio::test]
    async fn a_vital_task_that_panics_stops_the_server_and_one_that_ends_does_not() {
        let log = captured::capture_log();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let vital = Vital::new(&tasks, &stop);
        vital.spawn("ends", async {});
        tokio::task::yield_now().await;
        assert!(!stop.is_cancelled() && vital.broken_task().is_none());
        vital.spawn("sends late replies", async { panic!("on purpose") });
        stop.cancelled().await;
        assert_eq!(vital.broken_task(), Some("sends late replies"));
        assert_eq!(log.lines_with("what sends late replies broke").len(), 1);
    }
}
