//! What all jobs come to, for `/metrics`: looked at now and then, so that whoever asks for it reads no folder.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sightwire_cluster::queue::JobId;
use tokio::task::spawn_blocking;

use super::{Progress, Service, State};
use crate::folder::JobError;

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
    /// Workers that cannot do what they should, as they say themselves.
    pub held: usize,
}

impl Overview {
    fn count(&mut self, progress: Progress) {
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
    /// What all jobs come to, as it was some seconds ago; `None` until it was looked at.
    pub fn overview(&self) -> Option<Overview> {
        self.overview.lock().clone()
    }

    pub(super) async fn look_over(self: &Arc<Self>) {
        let service = self.clone();
        // What is wrong with the folder is said where files are found.
        let Ok(Ok(mut overview)) = spawn_blocking(move || service.jobs_over()).await else { return };
        if let Ok(workers) = self.workers().await {
            overview.workers = Some(workers.len());
            let is_held = |shown: &crate::worker::Shown| !shown.note.is_empty() || !shown.refused.is_empty();
            overview.held = workers.iter().filter(|(_, shown)| is_held(shown)).count();
        }
        *self.overview.lock() = Some(overview);
    }

    /// Without workers; blocks.
    pub(super) fn jobs_over(&self) -> Result<Overview, JobError> {
        let (mut overview, mut over) = (Overview::default(), HashMap::<JobId, Progress>::new());
        for (job, _) in self.jobs.all()? {
            // Of one that is read nothing changes.
            let known = self.over.lock().get(&job.id).copied();
            let progress = match known.map_or_else(|| self.progress(&job), Ok) {
                Err(error) if error.is_missing() => continue,
                progress => progress?,
            };
            overview.count(progress);
            if progress.state == State::Done {
                over.insert(job.id, progress);
            }
        }
        *self.over.lock() = over;
        Ok(overview)
    }
}
