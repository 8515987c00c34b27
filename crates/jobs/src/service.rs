//! Jobs for callers of a server: begun there, and all of them as any process sees them that sees their folder. A server keeps
//! nothing of a job to itself: what one began, another one puts into chunks, tells of, and ends.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_cluster::queue::{JobId, Queue, Worker};
use sightwire_cluster::store::StoreError;
use sightwire_reading::record::Record;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::about::{About, Entry, FORMAT};
use crate::folder::{Job, JobError, Jobs};
use crate::how::How;
use crate::inputs::{Inputs, check_storage};
use crate::list::{self, Lists, SearchError};
use crate::outcome::read_outcomes;
use crate::readable::{self, Readable, ReadableError};
use crate::worker::Shown;

mod overview;

pub use overview::Overview;

/// Folders and files of a job that are named.
pub const MAX_SOURCES: usize = 100;
/// Until it is looked again for jobs whose files are to be found, or whose time is over.
const LOOK: Duration = Duration::from_secs(1);
/// Names of a job's folders that are shown.
const MAX_NAME: usize = 200;

/// Why a job is not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Its folder cannot be written.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Nothing was named.
    #[error("name at least one folder or file, and at most {MAX_SOURCES}")]
    Sources,
    /// It means something else at each process.
    #[error("{0:?} is no absolute path, as /mnt/scans is")]
    Relative(String),
    /// It is not there, or not for others.
    #[error("{path}: {error}")]
    Outside {
        /// As it was named.
        path: String,
        /// What is wrong with it.
        #[source]
        error: ReadableError,
    },
}

/// Jobs as a server sees them.
pub struct Service {
    jobs: Jobs,
    readable: Readable,
    queue: Arc<dyn Queue>,
    /// How long those of a server stay after their end.
    ttl: Duration,
    /// How many files of chunks could not be read, which does not change.
    failed: Mutex<HashMap<JobId, BTreeMap<u32, u64>>>,
    overview: Mutex<Option<Overview>>,
    /// How far those are of which all is read.
    over: Mutex<HashMap<JobId, Progress>>,
    /// Those of which it was said that they are not counted.
    uncounted: Mutex<HashSet<JobId>>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

/// What has become of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Workers read it, or would.
    Running,
    /// All is read.
    Done,
    /// Nobody is to read on.
    Stopped,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has become of it.
    pub state: State,
    /// Files that were found.
    pub files: u64,
    /// There are no more.
    pub all_found: bool,
    /// Files of chunks that are read, those that could not be among them.
    pub ended: u64,
    /// Files of these that could not be read.
    pub failed: u64,
}

/// A file of a job, and what came of it; `None` until its chunk is read.
#[derive(Clone, Debug)]
pub struct FileOf {
    /// By its number among all, from 0.
    pub index: u64,
    /// As it was found.
    pub entry: Entry,
    /// What it says, or why it does not.
    pub record: Option<Record>,
}

impl Service {
    /// Jobs in that folder, of pictures below those. `ttl` is how long those of a server stay after their end.
    pub fn new(jobs: Jobs, readable: Readable, queue: Arc<dyn Queue>, ttl: Duration) -> Arc<Self> {
        Arc::new(Self {
            jobs,
            readable,
            queue,
            ttl,
            failed: Mutex::default(),
            overview: Mutex::default(),
            over: Mutex::default(),
            uncounted: Mutex::default(),
        })
    }

    /// A job of folders and files, each of which is found by one of the servers from now on; blocks.
    pub fn begin_folders(
        &self,
        owner: &str,
        sources: &[String],
        how: &How,
    ) -> Result<(Job, About), BeginError> {
        if sources.is_empty() || sources.len() > MAX_SOURCES {
            return Err(BeginError::Sources);
        }
        for source in sources {
            let path = Path::new(source);
            if !path.is_absolute() && readable::parse_address(path).is_none() {
                return Err(BeginError::Relative(source.clone()));
            }
            let outside = |error| BeginError::Outside { path: source.clone(), error };
            self.readable.real_path(path).map_err(outside)?;
        }
        Ok(self.begin_job(owner, &sources.join(" "), sources, how)?)
    }

    /// A job of pictures that were sent, each with its name and what is in it, or why that is not known; blocks. After an error there
    /// is no such job.
    pub fn begin_files(
        &self,
        owner: &str,
        how: &How,
        files: impl Iterator<Item = (String, Result<Bytes, String>)>,
    ) -> Result<(Job, About), BeginError> {
        let (job, about) = self.begin_job(owner, "uploaded", &[], how)?;
        let kept = keep_all(&job, files);
        if kept.is_err() {
            let _ = job.remove();
        }
        Ok(kept.map(|()| (job, about))?)
    }

    fn begin_job(
        &self,
        owner: &str,
        name: &str,
        sources: &[String],
        how: &How,
    ) -> Result<(Job, About), JobError> {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let about = About {
            format: FORMAT,
            name: name.chars().take(MAX_NAME).collect(),
            created,
            // No other is the same.
            key: JobId::random().to_string(),
            how: serde_json::to_value(how).unwrap_or_default(),
            owner: Some(owner.to_owned()),
            sources: sources.to_vec(),
        };
        Ok((self.jobs.begin_job(&about)?, about))
    }

    /// All there are, the newest first; blocks.
    pub fn all_jobs(&self) -> Result<Vec<(Job, About)>, JobError> {
        let mut all = self.jobs.all_jobs()?;
        all.reverse();
        let ids: HashSet<&JobId> = all.iter().map(|(job, _)| &job.id).collect();
        self.failed.lock().retain(|id, _| ids.contains(id));
        self.uncounted.lock().retain(|id| ids.contains(id));
        Ok(all)
    }

    /// The job of this id, `None` if there is none; blocks.
    pub fn get(&self, id: &str) -> Result<Option<(Job, About)>, JobError> {
        let Some(job) = JobId::parse(id).map(|id| self.jobs.job(id)) else { return Ok(None) };
        Ok(job.about()?.map(|about| (job, about)))
    }

    /// How far it is; blocks.
    pub fn job_progress(&self, job: &Job) -> Result<Progress, JobError> {
        let (listed, chunks) = (job.listed()?, job.chunks()?);
        let found = chunks.listed.len() as u32;
        let files = listed.map_or_else(|| list::files_of(found), |listed| listed.files);
        let sizes = (0..found).zip(list::chunk_sizes());
        let before_last = list::files_of(found.saturating_sub(1));
        let size = |(chunk, size)| if chunk + 1 == found { files - before_last } else { size };
        let ended = sizes.filter(|(chunk, _)| chunks.read.contains(chunk)).map(size).sum();
        let mut failed = 0;
        for chunk in chunks.failed.intersection(&chunks.read) {
            let known = self.failed.lock().get(&job.id).and_then(|known| known.get(chunk).copied());
            failed += if let Some(known) = known {
                known
            } else {
                let count = job.count_failed(*chunk)?;
                self.failed.lock().entry(job.id.clone()).or_default().insert(*chunk, count);
                count
            };
        }
        let all_read = listed.is_some_and(|listed| listed.chunks as usize == chunks.read.len());
        let state = if all_read || job.has_ended() {
            State::Done
        } else if job.is_wanted() {
            State::Running
        } else {
            State::Stopped
        };
        Ok(Progress { state, files, all_found: listed.is_some(), ended, failed })
    }

    /// The files from `offset` on, at most this many; blocks.
    pub fn list_files(&self, job: &Job, offset: u64, limit: usize) -> Result<Vec<FileOf>, JobError> {
        let (mut chunk, mut skipped) = list::place_of(offset);
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(files) = self.list_chunk(job, chunk)? else { break };
            found.extend(files.into_iter().skip(skipped).take(limit - found.len()));
            (chunk, skipped) = (chunk + 1, 0);
        }
        Ok(found)
    }

    /// The files of a chunk; `None` after the last. Blocks.
    pub fn list_chunk(&self, job: &Job, chunk: u32) -> Result<Option<Vec<FileOf>>, JobError> {
        let files = match file_of_chunk(job, chunk) {
            Err(error) if error.is_missing() => return Ok(None),
            files => files?,
        };
        let of = |(index, (entry, record))| FileOf { index, entry, record };
        Ok(Some((list::files_of(chunk)..).zip(files).map(of).collect()))
    }

    /// Nobody is to read on; what is read stays. Blocks.
    pub fn stop_job(&self, job: &Job) -> Result<(), JobError> {
        job.stop()
    }

    /// What was stopped is to be read on; blocks.
    pub fn go_on(&self, job: &Job) -> Result<(), JobError> {
        job.go_on()
    }

    /// Takes it away with all that was read; blocks.
    pub fn remove_job(&self, job: &Job) -> Result<(), JobError> {
        job.remove()
    }

    /// Whether a command waits for this job: what it reads is the command's; blocks.
    pub fn has_waiting_command(&self, job: &Job, about: &About) -> bool {
        about.owner.is_none() && matches!(job.lock(), Ok(None))
    }

    /// Who works, and what each shows.
    pub async fn list_workers(&self) -> Result<Vec<(Worker, Shown)>, StoreError> {
        let workers = self.queue.workers().await?;
        let shown = |worker: &Worker| serde_json::from_str(&worker.about).unwrap_or_default();
        Ok(workers.into_iter().map(|worker| (worker.clone(), shown(&worker))).collect())
    }

    /// Finds the files of jobs that servers began, and takes away those whose time is over, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        // Finding files may take hours.
        tokio::select! {
            () = self.find_files(&stop) => {}
            () = self.look_over_now_and_then() => {}
        }
    }

    async fn find_files(self: &Arc<Self>, stop: &CancellationToken) {
        let mut said = String::new();
        loop {
            let (service, stopping) = (self.clone(), stop.clone());
            let looked = spawn_blocking(move || service.check_jobs(&stopping)).await;
            match looked {
                Ok(Ok(())) => said.clear(),
                Ok(Err(error)) if said != error.to_string() => {
                    said = error.to_string();
                    warn!("jobs of workers cannot be looked at: {said}; trying again");
                }
                Ok(Err(_)) | Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn check_jobs(&self, stop: &CancellationToken) -> Result<(), JobError> {
        for (job, about) in self.jobs.all_jobs()?.into_iter().filter(|(_, about)| about.owner.is_some()) {
            if stop.is_cancelled() {
                return Ok(());
            }
            if job.over_since().is_some_and(|age| age >= self.ttl) {
                info!("job {} is taken away: its time is over", job.id);
                job.remove()?;
            } else if job.is_wanted() && job.listed()?.is_none() {
                self.find_job_files(&job, &about, stop)?;
            }
        }
        Ok(())
    }

    /// Finds the files of a job, unless another process does.
    fn find_job_files(&self, job: &Job, about: &About, stop: &CancellationToken) -> Result<(), JobError> {
        let Some(_lock) = job.lock()? else { return Ok(()) };
        // It may have been found meanwhile.
        if job.listed()?.is_some() {
            return Ok(());
        }
        if about.sources.is_empty() {
            // The receiver has gone, and with it what was not received so far.
            info!("job {} is taken away: it did not arrive whole", job.id);
            return job.remove();
        }
        match self.find_all(job, about, stop) {
            Ok(()) => Ok(()),
            Err(SearchError::Job(error)) if error.is_missing() => Ok(()),
            Err(SearchError::Job(error)) => Err(error),
            Err(SearchError::Away(why)) => {
                let note = job.note()?;
                let why = why.to_string();
                if note.as_deref() != Some(&*why) {
                    warn!("the files of job {} cannot be looked for: {why}; trying again", job.id);
                    job.set_note(&why)?;
                }
                Ok(())
            }
            Err(error) => {
                warn!("job {} is stopped: {error}", job.id);
                job.set_note(&error.to_string())?;
                job.stop()
            }
        }
    }

    fn find_all(&self, job: &Job, about: &About, stop: &CancellationToken) -> Result<(), SearchError> {
        let sources: Vec<PathBuf> = about.sources.iter().map(PathBuf::from).collect();
        let mut inputs = Inputs::new(&sources, None)?.with_objects(self.readable.objects.clone());
        let before = list::read_listed(job)?;
        list::pass_over(job, before, &mut inputs)?;
        let mut lists = Lists::from_listed(job.clone(), before);
        for found in inputs {
            check_storage(&found)?;
            let is_complete = lists.push(self.readable.to_entry(found))?;
            if is_complete && (stop.is_cancelled() || !job.is_wanted()) {
                return Ok(());
            }
        }
        lists.end()?;
        // Storage may have been away before.
        Ok(job.clear_note()?)
    }
}

fn keep_all(job: &Job, files: impl Iterator<Item = (String, Result<Bytes, String>)>) -> Result<(), JobError> {
    let _lock = job.lock()?;
    let mut lists = Lists::from_listed(job.clone(), list::read_listed(job)?);
    for (number, (name, bytes)) in files.enumerate() {
        let entry = match bytes {
            Err(error) => Entry { place: name.clone(), name, error: Some(error), ..Entry::default() },
            Ok(bytes) => {
                let own = format!("{number:06}");
                job.keep_file(&own, &bytes)?;
                Entry { place: name.clone(), name, own: Some(own), ..Entry::default() }
            }
        };
        lists.push(entry)?;
    }
    lists.end().map(|_| ())
}

/// The files of a chunk in their order, with what came of them if it is read.
fn file_of_chunk(job: &Job, chunk: u32) -> Result<Vec<(Entry, Option<Record>)>, JobError> {
    if job.is_read(chunk) {
        let read = read_outcomes(job, chunk)?;
        return Ok(read.into_iter().map(|(entry, record)| (entry, Some(record))).collect());
    }
    Ok(job.entries(chunk)?.into_iter().map(|entry| (entry, None)).collect())
}

#[cfg(test)]
mod tests;
