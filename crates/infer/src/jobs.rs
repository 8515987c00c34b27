//! Work without a network, on a pool of its own: what somebody asks for and waits for, with tools that a thread keeps.

use std::collections::VecDeque;
use std::fmt;

use tokio::sync::oneshot;

use sightwire_engine::pool::{Options, Panicked, Pool, Shared, Work};

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// The threads. They end when this is dropped; what waits then is not done.
///
/// A thread that gives work waits for it, so there is never more waiting than there are those who may ask.
pub struct Jobs<T: 'static> {
    pool: Pool<Tools<T>>,
}

/// A thread failed at the job, or the pool has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the picture could not be worked on")]
pub struct Lost;

/// How tools are made; without them nothing is done.
struct Tools<T> {
    name: &'static str,
    make: fn() -> Option<T>,
}

impl<T> Jobs<T> {
    /// Each thread makes tools when it first has work, and after a job that failed.
    pub fn start(options: Options, make: fn() -> Option<T>) -> std::io::Result<Self>
    where
        T: Send,
    {
        let tools = Tools { name: options.name, make };
        Ok(Self { pool: Pool::start(tools, VecDeque::new(), options, None)? })
    }

    /// Runs `job` on one of the threads. If the one who waits goes away, what has not begun is not done.
    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Lost> {
        let (give, take) = oneshot::channel();
        let job: Job<T> = Box::new(move |tools| {
            if !give.is_closed() {
                let _ = give.send(job(tools));
            }
        });
        self.pool.shared().while_it_lasts(|jobs| jobs.push_back(job)).ok_or(Lost)?;
        take.await.map_err(|_| Lost)
    }
}

impl<T> Drop for Jobs<T> {
    /// A job in flight is not waited for: it may take seconds, and nobody waits for it any more.
    fn drop(&mut self) {
        drop(self.pool.end(std::mem::take));
        self.pool.leave();
    }
}

impl<T> fmt::Debug for Jobs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jobs").field(&self.pool).finish()
    }
}

impl<T: 'static> Work for Tools<T> {
    type Queue = VecDeque<Job<T>>;
    type Task = Option<Job<T>>;
    type Tools = T;
    type Outcome = ();

    fn next(&self, jobs: &mut Self::Queue, _: Option<&T>, _: usize) -> Option<Self::Task> {
        jobs.pop_front().map(Some)
    }

    fn count_waiting(&self, jobs: &Self::Queue) -> usize {
        jobs.len()
    }

    fn run(&self, tools: &mut Option<T>, job: &mut Self::Task) {
        if tools.is_none() {
            *tools = (self.make)();
        }
        let (Some(tools), Some(job)) = (tools, job.take()) else {
            tracing::error!(pool = self.name, "nothing is there to work with");
            return;
        };
        job(tools);
    }

    fn finish_task(&self, _: &Shared<Self>, _: Self::Task, _: Result<(), Panicked>) {}

    fn let_go(&self, _: T) {}

    fn name(&self) -> &str {
        self.name
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::*;
    use sightwire_engine::priority::Priority;

    fn one_thread() -> Jobs<u32> {
        let idle_release = Duration::from_mins(1);
        let options = Options { name: "jobs", threads: 1, priority: Priority::Live, idle_release };
        Jobs::start(options, || Some(0)).unwrap()
    }

    #[tokio::test]
    async fn work_is_done_and_a_panic_costs_only_its_own() {
        let jobs = one_thread();
        let count = |count: &mut u32| {
            *count += 1;
            *count
        };
        assert_eq!((jobs.run(count).await, jobs.run(count).await), (Ok(1), Ok(2)), "the tools are kept");
        let panicked: Result<(), Lost> = jobs.run(|_| panic!("a broken picture")).await;
        assert_eq!(panicked, Err(Lost));
        assert_eq!(jobs.run(count).await, Ok(1), "the thread goes on with new ones");
    }

    #[tokio::test]
    async fn work_for_someone_who_has_left_is_not_done() {
        let jobs = Arc::new(one_thread());
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let jobs = jobs.clone();
            async move { jobs.run(move |_| wait.recv()).await }
        });
        tokio::task::yield_now().await;
        let done = Arc::new(Mutex::new(false));
        let flag = done.clone();
        let left = jobs.run(move |_| *flag.lock() = true);
        assert!(tokio::time::timeout(Duration::from_millis(20), left).await.is_err());
        go.send(()).unwrap();
        busy.await.unwrap().unwrap().unwrap();
        assert_eq!(jobs.run(|_| 1).await, Ok(1));
        assert!(!*done.lock());
    }
}
