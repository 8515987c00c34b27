//! Batches of servers that ran before: found in the folder, and gone on with.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sightwire_api::read::JobState;
use sightwire_base::clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::description::{Description, DescriptionError};
use super::job::Job;
use super::spool::{Claim, Folder, Work};
use super::tries;
use super::{Entry, Jobs};
use crate::models::{Models, NotReady, Ready};

/// Longest time that a request for a batch waits for those of servers that ran before.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks whether a model that is being fetched, or is not there, has come.
const MODEL_AGAIN: Duration = Duration::from_secs(10);

/// Why a batch is not gone on with yet.
#[derive(Debug, thiserror::Error)]
enum NoModel {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// Its results would be of two.
    #[error(
        "the model {0} is not of the version that the batch began with; bring that one back, or cancel the batch and send \
         the rest again"
    )]
    Another(String),
}

impl Jobs {
    /// Takes the folder of batches for this server, and goes on with what is in it when it has just become this server's; blocks.
    pub(super) fn claim_folder(&self, make: bool) -> io::Result<Claim> {
        let _alone = self.opening.lock();
        self.open_alone(make)
    }

    fn open_alone(&self, make: bool) -> io::Result<Claim> {
        let claim = self.spool.claim(make)?;
        match claim {
            Claim::New => self.resume_jobs().inspect_err(|_| self.spool.release())?,
            Claim::Taken => {
                if let Some(unsaid) = self.taken.admit_line(clock::now()) {
                    tracing::warn!(
                        folder = %self.spool.path().display(),
                        unsaid,
                        "another server has the folder of batches: this one takes none until that one has stopped; set \
                         reader.folder to another one"
                    );
                }
            }
            Claim::Held | Claim::Absent => {}
        }
        Ok(claim)
    }

    /// What is to be done now and then: batches whose time is over go, models come, results reach the disk.
    pub(super) async fn run_maintenance(
        self: &Arc<Self>,
        models: &Arc<Models>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) {
        self.expire_jobs(SystemTime::now()).await;
        self.bring_models(models, stop, tasks);
        let this = self.clone();
        drop(tasks.spawn_blocking(move || {
            // The look before may not have ended yet.
            let Some(_alone) = this.opening.try_lock() else { return };
            if let Err(error) = this.open_alone(false) {
                this.spool.report_failure(Work::Read, &error);
            }
            this.known.send_replace(true);
            for job in this.current_jobs() {
                // What went wrong was said.
                let _ = job.received.sync();
            }
        }));
    }

    /// Waits until it is known what servers that ran before left, but not for ever.
    pub(super) async fn wait_until_known(&self) {
        let mut known = self.known.subscribe();
        let _ = tokio::time::timeout(KNOWN_WITHIN, known.wait_for(|known| *known)).await;
    }

    /// Goes on with what is in the folder, within the bounds of batches that begin now: first those that have not ended.
    fn resume_jobs(&self) -> io::Result<()> {
        let mut found = Vec::new();
        for folder in self.spool.list_folders()? {
            match read_description(&folder, self.limits.max_job_files) {
                Ok(Some(description)) => found.push((folder, description)),
                Ok(None) => {
                    tracing::info!(batch = folder.name(), "a batch that did not come to its end is removed");
                    folder.discard();
                }
                Err(reason) => tracing::warn!("a batch is left as it is, and is not gone on with: {reason}"),
            }
        }
        found.sort_by_key(|(_, it)| {
            (it.state != JobState::Running, std::cmp::Reverse(it.ended_ms), it.created_ms)
        });
        let left = found.split_off(found.len().min(self.limits.max_jobs));
        let mut jobs = Vec::new();
        for (folder, description) in found {
            match Job::from_description(folder.clone(), &description, &self.limits) {
                Ok(job) if is_fatal(&folder, &job) => {}
                Ok(job) => jobs.push(Arc::new(job)),
                Err(reason) => tracing::warn!("a batch is left as it is, and is not gone on with: {reason}"),
            }
        }
        jobs.sort_by_key(|job| job.created());
        for job in &jobs {
            let (files, ended) = job.counts();
            tracing::info!(
                job = &*job.id,
                files,
                ended,
                "a batch of a server that ran before is gone on with"
            );
            if job.ended_at().is_some() {
                job.settle();
            }
        }
        for (folder, _) in left {
            tracing::warn!(
                batch = folder.name(),
                "there is no place for a batch of a server that ran before: it waits for the next start \
                 (reader.max_jobs is {})",
                self.limits.max_jobs
            );
        }
        let entry = |job| Entry { job, ready: None, is_brought: false };
        self.entries.lock().splice(0..0, jobs.into_iter().map(entry));
        Ok(())
    }

    /// Has the models loaded that batches need which were gone on with.
    fn bring_models(self: &Arc<Self>, models: &Arc<Models>, stop: &CancellationToken, tasks: &TaskTracker) {
        let mut waiting = Vec::new();
        for entry in self.entries.lock().iter_mut() {
            let needs = entry.ready.is_none() && entry.job.state() == JobState::Running;
            if needs && !entry.is_brought {
                entry.is_brought = true;
                waiting.push(entry.job.clone());
            }
        }
        for job in waiting {
            let (this, models, stop) = (self.clone(), models.clone(), stop.clone());
            tasks.spawn(async move { stop.run_until_cancelled(this.bring_model(&job, &models)).await });
        }
    }

    /// The model that the batch began with.
    async fn load_model(&self, job: &Arc<Job>, models: &Arc<Models>) -> Result<Ready, NoModel> {
        let ready = models.get(&job.ask.model).await?;
        let model = ready.model.clone();
        let digest = tokio::task::spawn_blocking(move || model.digest()).await;
        if digest.is_ok_and(|digest| *digest == *job.model_digest) {
            return Ok(ready);
        }
        Err(NoModel::Another(job.ask.model.clone()))
    }

    async fn bring_model(&self, job: &Arc<Job>, models: &Arc<Models>) {
        while job.state() == JobState::Running {
            let after = match self.load_model(job, models).await {
                Ok(ready) => {
                    job.set_missing_model(None);
                    let mut entries = self.entries.lock();
                    if let Some(entry) = entries.iter_mut().find(|entry| Arc::ptr_eq(&entry.job, job)) {
                        entry.ready = Some(ready);
                    }
                    self.more.notify_one();
                    return;
                }
                Err(why) => {
                    let reason = why.to_string();
                    if job.set_missing_model(Some(&reason)) {
                        tracing::warn!(job = &*job.id, "a batch waits for its model: {reason}");
                    }
                    match why {
                        NoModel::NotReady(NotReady::Failed { after, .. }) => after.max(MODEL_AGAIN),
                        NoModel::NotReady(_) | NoModel::Another(_) => MODEL_AGAIN,
                    }
                }
            };
            let _ = tokio::time::timeout(after, job.cancel.cancelled()).await;
        }
    }
}

/// Whether it has ended one server after the other; says so.
fn is_fatal(folder: &Folder, job: &Job) -> bool {
    let (_, ended) = job.counts();
    let is_fatal = job.ended_at().is_none() && tries::so_far(folder, ended) >= tries::MOST;
    if is_fatal {
        tracing::error!(
            job = &*job.id,
            folder = %folder.file_path("").display(),
            "{} servers in a row ended while they read a batch, and had nothing of it: it is left as it is; remove its folder, or the \
             file `tries` in it to try again",
            tries::MOST
        );
    }
    is_fatal
}

/// What the folder's batch is; `None` if it was not all there.
fn read_description(folder: &Folder, max_files: usize) -> Result<Option<Description>, DescriptionError> {
    match folder.is_whole() {
        Ok(false) => Ok(None),
        Ok(true) | Err(_) => Description::read(folder, max_files).map(Some),
    }
}
