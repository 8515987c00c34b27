//! What all jobs come to, for `/metrics`: looked at now and then, so that a request for it reads no folder.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sightwire_cluster::queue::JobId;
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use super::{Progress, Service, State};
use crate::folder::JobError;
use crate::worker::Shown;

/// How often it is looked at; every process does so, on a folder that may be far away.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// Jobs, their files, and who reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Jobs that are read, or would be.
    pub running: usize,
    /// Jobs that nobody is to read on.
    pub stopped: usize,
    /// Jobs of which all is read, and that are kept still.
    pub done: usize,
    /// Files of the running ones that have been found and not read.
    pub waiting: u64,
    /// Files that are read, of all that are kept.
    pub read: u64,
    /// Files that could not be read, of all that are kept.
    pub failed: u64,
    /// Workers that live; `None` while Redis does not answer.
    pub workers: Option<usize>,
    /// Workers that say what keeps them, and take nothing new; what one has it may still end.
    pub held: usize,
}

impl Overview {
    fn add_progress(&mut self, progress: Progress) {
        let Progress { state, files, ended, failed, .. } = progress;
        *match state {
            State::Running => &mut self.running,
            State::Stopped => &mut self.stopped,
            State::Done => &mut self.done,
        } += 1;
        if state == State::Running {
            self.waiting += files.saturating_sub(ended);
        }
        self.read += ended.saturating_sub(failed);
        self.failed += failed;
    }
}

impl Service {
    /// What all jobs come to, as it was some seconds ago; `None` until it was looked at, and while their folder cannot be read.
    pub fn overview(&self) -> Option<Overview> {
        self.overview.lock().clone()
    }

    pub(super) async fn look_over_now_and_then(self: &Arc<Self>) {
        let mut interval = tokio::time::interval(EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.look_over().await;
        }
    }

    pub(super) async fn look_over(self: &Arc<Self>) {
        let service = self.clone();
        // That the folder cannot be read is said where files are found.
        let jobs = spawn_blocking(move || service.jobs_over()).await.ok().and_then(Result::ok);
        let workers = self.list_workers().await.ok();
        *self.overview.lock() = jobs.map(|overview| Overview {
            workers: workers.as_ref().map(Vec::len),
            held: workers.iter().flatten().filter(|(_, shown)| is_held(shown)).count(),
            ..overview
        });
    }

    /// Without workers; blocks.
    pub(super) fn jobs_over(&self) -> Result<Overview, JobError> {
        let (mut overview, mut over) = (Overview::default(), HashMap::<JobId, Progress>::new());
        for (job, _) in self.all_jobs()? {
            // Of one that is read nothing changes.
            let known = self.over.lock().get(&job.id).copied();
            let progress = match known.map_or_else(|| self.job_progress(&job), Ok) {
                Ok(progress) => progress,
                // Just removed.
                Err(error) if error.is_missing() => continue,
                Err(error) => {
                    if self.uncounted.lock().insert(job.id.clone()) {
                        warn!("job {} is not counted: {error}", job.id);
                    }
                    continue;
                }
            };
            overview.add_progress(progress);
            if progress.all_found && progress.ended == progress.files {
                over.insert(job.id, progress);
            }
        }
        *self.over.lock() = over;
        Ok(overview)
    }
}

/// One that refuses a job and reads another is not.
fn is_held(shown: &Shown) -> bool {
    !shown.note.is_empty() || (!shown.refused.is_empty() && shown.at.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_refuses_one_job_and_reads_another_is_not_held() {
        let refused = vec![("0123456789abcdef".to_owned(), "another version".to_owned())];
        let refuses = Shown { refused, ..Shown::default() };
        let reads = Shown { at: vec![("fedcba9876543210".to_owned(), 3)], ..refuses.clone() };
        let full = Shown { note: "no room".to_owned(), ..reads.clone() };
        assert_eq!(
            [Shown::default(), refuses, reads, full].map(|shown| is_held(&shown)),
            [false, true, false, true]
        );
    }
}
