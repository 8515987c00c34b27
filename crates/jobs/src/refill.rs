//! What is left of a job goes into the queue: as much as workers need, by the process that comes first. So a queue that forgets is filled
//! again, and a job goes on without the process that began it.

use std::sync::Arc;

use sightwire_cluster::queue::{Added, Queue};
use sightwire_cluster::store::StoreError;
use tokio::task::spawn_blocking;

use crate::folder::{Job, JobError};

/// Why a queue was not filled.
#[derive(Debug, thiserror::Error)]
pub enum RefillError {
    /// What is left cannot be seen.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The queue does not answer.
    #[error(transparent)]
    Queue(#[from] StoreError),
    /// This process ends.
    #[error("this process ends")]
    Ending,
}

/// What is left of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// All is read, and everything that there is is known.
    Nothing,
    /// Nothing that could be queued now: it is all being read, or more will come.
    Waiting,
    /// This many chunks were queued.
    Queued(usize),
}

/// Queues what is left, the first chunks first. Where nothing is left, says so in the job's folder.
pub async fn refill_queue(queue: &Arc<dyn Queue>, job: &Job) -> Result<Left, RefillError> {
    let looked = spawn_blocking({
        let job = job.clone();
        move || -> Result<_, JobError> {
            // In this order: what is listed meanwhile is seen the next time.
            let listed = job.listed()?;
            let chunks = match job.chunks() {
                // It has just been removed.
                Err(error) if error.is_missing() => return Ok(Some(Vec::new())),
                chunks => chunks?,
            };
            let all = listed.is_some_and(|listed| listed.chunks as usize == chunks.listed.len());
            let left: Vec<u32> = chunks.listed.difference(&chunks.read).copied().collect();
            if all && left.is_empty() {
                job.mark_done()?;
                return Ok(None);
            }
            Ok(Some(left))
        }
    });
    let Some(left) = looked.await.map_err(|_| RefillError::Ending)?? else {
        queue.forget_job(&job.id).await?;
        return Ok(Left::Nothing);
    };
    let mut queued = 0;
    for chunk in left {
        match queue.add_chunk(&job.id, chunk).await? {
            Added::Queued => queued += 1,
            Added::Already => {}
            Added::Full => break,
        }
    }
    Ok(if queued == 0 { Left::Waiting } else { Left::Queued(queued) })
}
