//! Tasks of a connection: they end with it.

use hyper::rt::Executor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Until the guard is dropped.
    pub(crate) fn new(tracker: TaskTracker) -> (Self, DropGuard) {
        let stop = CancellationToken::new();
        (Self { tracker, stop: stop.clone() }, stop.drop_guard())
    }

    /// Ends all of them now.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move { drop(stop.run_until_cancelled_owned(task).await) });
    }
}
