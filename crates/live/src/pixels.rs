//! A fixed number of threads that decode, draw and encode: never the network's threads, and never more of them.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use sightwire_frame::draw::Annotator;
use sightwire_frame::{Decoder, Encoder};
use sightwire_infer::priority;
use tokio::sync::oneshot;

/// What a thread works with; made once for each.
pub struct Tools {
    /// JPEG to pixels.
    pub decoder: Decoder,
    /// Pixels to JPEG.
    pub encoder: Encoder,
    /// Boxes, labels, banners.
    pub annotator: Annotator,
}

type Job = Box<dyn FnOnce(&mut Tools) + Send>;

/// The threads. They end when this is dropped.
///
/// Whoever gives work waits for it, so there is never more waiting than there are analyses, views, cameras (for their
/// banners) and single pictures, all of which are limited in number.
pub struct Pixels {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// A thread of the pool died, or the pool has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the picture could not be worked on")]
pub struct Lost;

impl Pixels {
    /// So many threads.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        for number in 0..threads.max(1) {
            let shared = shared.clone();
            std::thread::Builder::new().name(format!("pixels-{number}")).spawn(move || work(&shared))?;
        }
        Ok(Self { shared })
    }

    /// Runs `job` on one of the threads. If the one who waits goes away, what has not begun is not done.
    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tools) -> R + Send + 'static,
    ) -> Result<R, Lost> {
        let (give, take) = oneshot::channel();
        let job: Job = Box::new(move |tools| {
            if !give.is_closed() {
                let _ = give.send(job(tools));
            }
        });
        {
            let mut queue = self.shared.queue.lock();
            if queue.closed {
                return Err(Lost);
            }
            queue.jobs.push_back(job);
        }
        self.shared.work.notify_one();
        take.await.map_err(|_| Lost)
    }
}

impl Drop for Pixels {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        queue.jobs.clear();
        drop(queue);
        self.shared.work.notify_all();
    }
}

fn work(shared: &Shared) {
    priority::lower_this_thread();
    let mut tools = None;
    loop {
        let job = {
            let mut queue = shared.queue.lock();
            loop {
                if let Some(job) = queue.jobs.pop_front() {
                    break job;
                }
                if queue.closed {
                    return;
                }
                shared.work.wait(&mut queue);
            }
        };
        let Some(these) = tools.take().or_else(Tools::new) else {
            tracing::error!("no JPEG decoder could be made");
            continue;
        };
        // A picture that breaks a library must not take the thread with it; its tools are made anew.
        let run = AssertUnwindSafe(|| {
            let mut these = these;
            job(&mut these);
            these
        });
        tools = catch_unwind(run).ok();
        if tools.is_none() {
            tracing::error!("a picture broke the thread that worked on it; it goes on");
        }
    }
}

impl Tools {
    fn new() -> Option<Self> {
        Some(Self {
            decoder: Decoder::new().ok()?,
            encoder: Encoder::new().ok()?,
            annotator: Annotator::new(),
        })
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pixels").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_and_a_panic_costs_only_its_own() {
        let pixels = Pixels::new(1).unwrap();
        assert_eq!(pixels.run(|_| 7).await, Ok(7));
        let panicked: Result<(), Lost> = pixels.run(|_| panic!("a broken picture")).await;
        assert_eq!(panicked, Err(Lost));
        assert_eq!(pixels.run(|_| 8).await, Ok(8), "the thread goes on");
    }

    #[tokio::test]
    async fn work_for_someone_who_has_left_is_not_done() {
        let pixels = Arc::new(Pixels::new(1).unwrap());
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pixels = pixels.clone();
            async move { pixels.run(move |_| wait.recv()).await }
        });
        tokio::task::yield_now().await;
        let done = Arc::new(Mutex::new(false));
        let flag = done.clone();
        let left = pixels.run(move |_| *flag.lock() = true);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), left).await.is_err());
        go.send(()).unwrap();
        busy.await.unwrap().unwrap().unwrap();
        assert_eq!(pixels.run(|_| 1).await, Ok(1));
        assert!(!*done.lock());
    }
}
