//! How a worker comes by its next chunk: of all jobs in turn, of those that it can read.

use std::collections::HashMap;
use std::sync::Arc;

use sightwire_cluster::queue::{Held, JobId, Queue, Taken};
use sightwire_cluster::store::StoreError;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::{Opened, Opens, Reads, WorkerOptions};
use crate::about::{About, Plan};
use crate::folder::{Job, JobError, Jobs};
use crate::part::{Part, Todo};
use crate::refill::{Left, RefillError, refill};

/// Chunks that turn out to be read already and are passed over, at a time.
const PASSED: usize = 64;

/// Why there is no chunk.
#[derive(Debug, thiserror::Error)]
pub(super) enum TakeError {
    #[error("jobs cannot be seen: {0}")]
    Job(#[from] JobError),
    #[error("the queue does not answer: {0}")]
    Queue(#[from] StoreError),
    #[error("{0}")]
    Refill(#[from] RefillError),
    #[error("this process ends")]
    Ending,
}

/// A chunk, and what it is read with.
pub(super) struct Took {
    pub(super) held: Held,
    pub(super) part: Part,
    pub(super) todo: Todo,
    pub(super) reads: Arc<dyn Reads>,
}

/// What it knows of jobs.
pub(super) struct Taker {
    options: WorkerOptions,
    queue: Arc<dyn Queue>,
    jobs: Jobs,
    opens: Arc<dyn Opens>,
    /// `None` for those that cannot be read here.
    known: HashMap<JobId, Option<Arc<dyn Reads>>>,
    last: Option<JobId>,
}

impl Taker {
    pub(super) fn new(
        options: WorkerOptions,
        queue: Arc<dyn Queue>,
        jobs: Jobs,
        opens: Arc<dyn Opens>,
    ) -> Self {
        Self { options, queue, jobs, opens, known: HashMap::new(), last: None }
    }

    /// The next chunk, if there is one that is not held already.
    pub(super) async fn take(&mut self, held: &[Held]) -> Result<Option<Took>, TakeError> {
        for (job, about) in self.wanted().await? {
            let Some(reads) = self.reads(&job, &about).await? else { continue };
            if let Some(took) = self.take_of(&job, reads, held).await? {
                self.last = Some(job.id);
                return Ok(Some(took));
            }
        }
        Ok(None)
    }

    /// Jobs that are to be read, beginning after that of the last chunk.
    async fn wanted(&mut self) -> Result<Vec<(Job, About)>, TakeError> {
        let jobs = self.jobs.clone();
        let all = spawn_blocking(move || {
            let mut all = jobs.all()?;
            all.retain(|(job, _)| job.is_wanted());
            Ok::<_, JobError>(all)
        });
        let mut all = all.await.map_err(|_| TakeError::Ending)??;
        self.known.retain(|id, _| all.iter().any(|(job, _)| job.id == *id));
        let after =
            all.iter().position(|(job, _)| Some(&job.id) == self.last.as_ref()).map_or(0, |at| at + 1);
        all.rotate_left(after);
        Ok(all)
    }

    /// What a job is read with, if it can be read here.
    async fn reads(&mut self, job: &Job, about: &About) -> Result<Option<Arc<dyn Reads>>, TakeError> {
        if let Some(known) = self.known.get(&job.id) {
            return Ok(known.clone());
        }
        let (opens, about) = (self.opens.clone(), about.clone());
        let opened = spawn_blocking({
            let job = job.clone();
            move || {
                let opened = match opens.open(&about) {
                    Ok(opened) => opened,
                    Err(unfit) => return Ok(Err(unfit.to_string())),
                };
                let Opened { plan, reads } = opened;
                let agreed = job.agree_on(&plan)?;
                Ok::<_, JobError>(if agreed == plan { Ok(reads) } else { Err(differs(&agreed, &plan)) })
            }
        });
        let opened = opened.await.map_err(|_| TakeError::Ending)??;
        match &opened {
            Ok(_) => info!("job {} is read here", job.id),
            Err(why) => warn!("job {} is not read here: {why}", job.id),
        }
        let reads = opened.ok();
        self.known.insert(job.id.clone(), reads.clone());
        Ok(reads)
    }

    async fn take_of(
        &self,
        job: &Job,
        reads: Arc<dyn Reads>,
        held: &[Held],
    ) -> Result<Option<Took>, TakeError> {
        let mut is_refilled = false;
        for _ in 0..PASSED {
            let taken = self.queue.take(&job.id, &self.options.name, self.options.silent).await?;
            let Some(Taken { held: new, deliveries }) = taken else {
                if is_refilled {
                    return Ok(None);
                }
                is_refilled = true;
                match refill(&self.queue, job).await? {
                    Left::Queued(_) => continue,
                    Left::Nothing | Left::Waiting => return Ok(None),
                }
            };
            if held.contains(&new) {
                continue;
            }
            let opened = spawn_blocking({
                let (job, name) = (job.clone(), self.options.name.clone());
                move || {
                    // Read, and the queue never heard of it.
                    if job.is_read(new.chunk) {
                        Ok(Err(new))
                    } else {
                        Part::open(&job, new.chunk, &name).map(|part| Ok((new, part)))
                    }
                }
            });
            match opened.await.map_err(|_| TakeError::Ending)?? {
                Ok((held, (part, todo))) => {
                    if deliveries > 1 {
                        info!(
                            "chunk {} of job {} is taken over: nothing is heard of whoever had it",
                            held.chunk, held.job
                        );
                    }
                    return Ok(Some(Took { held, part, todo, reads }));
                }
                Err(read) => drop(self.queue.done(&read).await?),
            }
        }
        Ok(None)
    }
}

/// What to do about a plan that is another.
fn differs(agreed: &Plan, here: &Plan) -> String {
    if agreed.version != here.version {
        return format!(
            "it is read by Sightwire {}, and this is {}: let all workers be of one version",
            agreed.version, here.version
        );
    }
    if agreed.model != here.model {
        return format!(
            "it is read with {}, and here is {}: let all workers have the same model",
            agreed.model, here.model
        );
    }
    format!(
        "it is read on {}, and here it would be on {}: set engine.provider and engine.precision alike at all workers",
        agreed.runs.join(" and "),
        here.runs.join(" and ")
    )
}
