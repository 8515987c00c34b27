//! How a worker comes by its next chunk: of all jobs in turn, of those that it can read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sightwire_cluster::queue::{self, HeldChunk, JobId, Queue};
use sightwire_cluster::store::StoreError;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{Opened, Opens, Reads, WorkerOptions};
use crate::about::{About, Plan};
use crate::folder::{Job, JobError, Jobs};
use crate::part::{Part, Todo};
use crate::refill::{Left, RefillError, refill_queue};

/// Chunks that turn out to be read already and are passed over, at a time.
const PASSED: usize = 64;
/// A job that cannot be read here is tried again after this time.
const UNFIT: Duration = Duration::from_secs(30);

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
    pub(super) held: HeldChunk,
    pub(super) part: Part,
    pub(super) todo: Todo,
    pub(super) reads: Arc<dyn Reads>,
}

pub(super) enum ChunkClaim {
    New(Box<Took>),
    /// One that is held already, under another entry: the queue had forgotten it.
    Again(HeldChunk),
}

/// What is known of a job.
enum Known {
    Reads(Arc<dyn Reads>),
    /// It cannot be read here, and until when that is not tried again.
    Unfit {
        why: String,
        until: Instant,
    },
}

/// What it knows of jobs.
pub(super) struct Taker {
    options: WorkerOptions,
    queue: Arc<dyn Queue>,
    jobs: Jobs,
    opens: Arc<dyn Opens>,
    known: HashMap<JobId, Known>,
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
    pub(super) async fn take_chunk(&mut self, held: &[HeldChunk]) -> Result<Option<ChunkClaim>, TakeError> {
        // What is wrong with one job keeps nobody from the others.
        let mut failed = None;
        for (job, about) in self.wanted_jobs().await? {
            let taken = match self.open_reads(&job, &about).await {
                Ok(Some(reads)) => self.take_of(&job, reads, held).await,
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            match taken {
                Ok(Some(taken)) => {
                    self.last = Some(job.id);
                    return Ok(Some(taken));
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Jobs that are not read here, and why.
    pub(super) fn refused_jobs(&self) -> Vec<(String, String)> {
        let why = |(job, known): (&JobId, &Known)| match known {
            Known::Reads(_) => None,
            Known::Unfit { why, .. } => Some((job.to_string(), why.clone())),
        };
        self.known.iter().filter_map(why).collect()
    }

    /// Jobs that are to be read, beginning after that of the last chunk.
    async fn wanted_jobs(&mut self) -> Result<Vec<(Job, About)>, TakeError> {
        let jobs = self.jobs.clone();
        let all = spawn_blocking(move || jobs.wanted_jobs());
        let mut all = all.await.map_err(|_| TakeError::Ending)??;
        self.known.retain(|id, _| all.iter().any(|(job, _)| job.id == *id));
        let after =
            all.iter().position(|(job, _)| Some(&job.id) == self.last.as_ref()).map_or(0, |at| at + 1);
        all.rotate_left(after);
        Ok(all)
    }

    /// What a job is read with, if it can be read here.
    async fn open_reads(&mut self, job: &Job, about: &About) -> Result<Option<Arc<dyn Reads>>, TakeError> {
        match self.known.get(&job.id) {
            Some(Known::Reads(reads)) => return Ok(Some(reads.clone())),
            Some(Known::Unfit { until, .. }) if Instant::now() < *until => return Ok(None),
            Some(Known::Unfit { .. }) | None => {}
        }
        let (opens, about) = (self.opens.clone(), about.clone());
        let opened = spawn_blocking({
            let job = job.clone();
            move || {
                // There may be none so far.
                let first = job.entries(0).unwrap_or_default();
                let opened = match opens.open_job(&job, &about, &first) {
                    Ok(opened) => opened,
                    Err(unfit) => return Ok(Err(unfit.to_string())),
                };
                let Opened { plan, reads } = opened;
                let agreed = job.agree_on(&plan)?;
                Ok::<_, JobError>(if agreed == plan {
                    Ok(reads)
                } else {
                    Err(plan_difference(&agreed, &plan))
                })
            }
        });
        let opened = opened.await.map_err(|_| TakeError::Ending)??;
        let reads = match opened {
            Ok(reads) => {
                info!("job {} is read here", job.id);
                reads
            }
            Err(why) => {
                let is_new = !matches!(self.known.get(&job.id), Some(Known::Unfit { why: before, .. }) if *before == why);
                if is_new {
                    warn!("job {} is not read here: {why}", job.id);
                }
                let until = Instant::now() + UNFIT;
                self.known.insert(job.id.clone(), Known::Unfit { why, until });
                return Ok(None);
            }
        };
        self.known.insert(job.id.clone(), Known::Reads(reads.clone()));
        Ok(Some(reads))
    }

    async fn take_of(
        &self,
        job: &Job,
        reads: Arc<dyn Reads>,
        held: &[HeldChunk],
    ) -> Result<Option<ChunkClaim>, TakeError> {
        let mut is_refilled = false;
        for _ in 0..PASSED {
            let taken = self.queue.take_chunk(&job.id, &self.options.name, self.options.silent).await?;
            let Some(queue::ClaimedChunk { held: new, deliveries }) = taken else {
                if is_refilled {
                    return Ok(None);
                }
                is_refilled = true;
                match refill_queue(&self.queue, job).await? {
                    Left::Queued(_) => continue,
                    Left::Nothing | Left::Waiting => return Ok(None),
                }
            };
            if held.contains(&new) {
                continue;
            }
            if held.iter().any(|held| (&held.job, held.chunk) == (&new.job, new.chunk)) {
                return Ok(Some(ChunkClaim::Again(new)));
            }
            let opened = spawn_blocking({
                let (job, name, chunk) = (job.clone(), self.options.name.clone(), new.chunk);
                move || {
                    // Read, and the queue never heard of it.
                    if job.is_read(chunk) { Ok(None) } else { Part::open(&job, chunk, &name).map(Some) }
                }
            });
            match opened.await.map_err(|_| TakeError::Ending)? {
                Ok(Some((part, todo))) => {
                    if deliveries > 1 {
                        info!(
                            "chunk {} of job {} is taken over: nothing is heard of whoever had it",
                            new.chunk, new.job
                        );
                    }
                    return Ok(Some(ChunkClaim::New(Box::new(Took { held: new, part, todo, reads }))));
                }
                Ok(None) => drop(self.queue.finish_chunk(&new).await?),
                // Nobody has listed it, or its job was just removed.
                Err(error) if error.is_missing() => drop(self.queue.finish_chunk(&new).await?),
                Err(error) => {
                    self.queue.give_back(&self.options.name, &new).await?;
                    return Err(error.into());
                }
            }
        }
        Ok(None)
    }
}

/// What to do about a plan that is another.
fn plan_difference(agreed: &Plan, here: &Plan) -> String {
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
