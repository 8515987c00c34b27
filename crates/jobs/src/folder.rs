//! Where jobs are: a folder that all processes see, with a folder for each.
//!
//! | file | holds |
//! | --- | --- |
//! | `job.json` | [`About`] |
//! | `plan.json` | [`Plan`], from the first worker |
//! | `listed.json` | [`Listed`], when everything that is to be read is known |
//! | `stopped` | nothing: nobody is to read on |
//! | `note` | why it was stopped, if nobody asked for that |
//! | `ended` | nothing: all chunks are read |
//! | `chunks/000007.list` | what is to be read: an [`Entry`] a line |
//! | `chunks/000007.starts` | the number of a file, each time somebody begins to read it |
//! | `chunks/000007.WORKER.part` | [records](sightwire_reading::record), while a worker reads |
//! | `chunks/000007.jsonl` | the same, of all its files: it is read |
//! | `chunks/000007.failed` | how many of them could not be read, if any |
//! | `files/000007.png` | a picture that was sent |
//!
//! Files appear whole: they are written under another name, synced, and given their own.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sightwire_cluster::queue::JobId;
use tracing::warn;

use crate::about::{About, Entry, FORMAT, Listed, Plan};

/// Longest file of those that are read whole, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;
/// Jobs that there may be.
pub const MAX_JOBS: usize = 1000;
/// Pictures may be anybody's; what is read of them is its user's alone.
const FOLDER_MODE: u32 = 0o700;
pub(crate) const FILE_MODE: u32 = 0o600;
/// What a job is, if it is longer than this, is read again whenever it is looked for jobs: bytes of JSON.
const MAX_KNOWN_BYTES: usize = 16 << 10;
/// How the name of a folder begins that is being removed.
const REMOVED: &str = ".removed-";

/// Why something of a job cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The disk says so.
    #[error("{}: {error}", .path.display())]
    File {
        /// What was to be read or written.
        path: PathBuf,
        /// Why it was not.
        #[source]
        error: io::Error,
    },
    /// Something else wrote it.
    #[error("{} is not as Sightwire writes it: {error}", .path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: serde_json::Error,
    },
    /// Nobody takes them away.
    #[error("{} has {MAX_JOBS} jobs already: end some with the command that began them, or remove their folders", .0.display())]
    TooMany(PathBuf),
    /// Larger than anything that is written here.
    #[error("{} has more than {} MB", .0.display(), MAX_FILE_BYTES >> 20)]
    TooLarge(PathBuf),
    /// Another version of us wrote it.
    #[error(
        "{} was written by another version of Sightwire (format {found}, this one reads format {FORMAT}): update all of them",
        .path.display()
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// The format that it names.
        found: u32,
    },
}

/// Whether the disk, or what is allowed of it, is used up.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl JobError {
    pub(crate) fn for_path(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }

    /// Whether it is because the disk, or what is allowed of it, is used up.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::File { error, .. } if is_full(error))
    }

    /// Whether it is because there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::File { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

/// The folder of all jobs.
#[derive(Clone, Debug)]
pub struct Jobs {
    root: PathBuf,
    /// Those that cannot be read, of which the log knows.
    told: Arc<Mutex<BTreeSet<JobId>>>,
    /// What those are that are there: that is written once, and read once, however often it is looked for jobs.
    known: Arc<Mutex<HashMap<JobId, About>>>,
}

/// The folder of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name, which is that of its folder.
    pub id: JobId,
    folder: PathBuf,
}

impl Jobs {
    /// Makes the folder if there is none, and ends what was being removed; blocks.
    pub fn open(root: &Path) -> Result<Self, JobError> {
        make_folder(root)?;
        for entry in fs::read_dir(root).map_err(JobError::for_path(root))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(REMOVED) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(Self { root: root.to_owned(), told: Arc::default(), known: Arc::default() })
    }

    /// The folder that holds all jobs.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A new job; blocks. It is there for others when this returns.
    pub fn begin_job(&self, about: &About) -> Result<Job, JobError> {
        Ok(self.begin_locked(about)?.0)
    }

    /// One more, locked ([`Job::lock`]) before anybody can see it; blocks.
    pub fn begin_locked(&self, about: &About) -> Result<(Job, Option<File>), JobError> {
        if self.job_folders()?.len() >= MAX_JOBS {
            return Err(JobError::TooMany(self.root.clone()));
        }
        let id = JobId::random();
        let job = self.job(id);
        make_folder(&job.folder.join("chunks"))?;
        let lock = job.lock()?;
        job.write_file("job.json", about)?;
        sync_folder(&self.root)?;
        Ok((job, lock))
    }

    /// That one, whether there is one or not.
    pub fn job(&self, id: JobId) -> Job {
        Job { folder: self.root.join(id.as_str()), id }
    }

    /// All that there are, the oldest first, each with what it is; blocks. What cannot be read is passed over, with one line in the log.
    pub fn all_jobs(&self) -> Result<Vec<(Job, About)>, JobError> {
        self.filter_jobs(|_| true)
    }

    /// Those that are to be read; blocks.
    pub fn wanted_jobs(&self) -> Result<Vec<(Job, About)>, JobError> {
        self.filter_jobs(Job::is_wanted)
    }

    fn job_folders(&self) -> Result<Vec<Job>, JobError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(JobError::for_path(&self.root))? {
            let name = entry.map_err(JobError::for_path(&self.root))?.file_name();
            let Some(id) = name.to_str().and_then(JobId::parse) else { continue };
            found.push(self.job(id));
        }
        Ok(found)
    }

    fn filter_jobs(&self, which: impl Fn(&Job) -> bool) -> Result<Vec<(Job, About)>, JobError> {
        let folders = self.job_folders()?;
        let ids: HashSet<&JobId> = folders.iter().map(|job| &job.id).collect();
        self.known.lock().retain(|id, _| ids.contains(id));
        self.told.lock().retain(|id| ids.contains(id));
        let mut found = Vec::new();
        for job in folders.into_iter().filter(which) {
            match self.read_about(&job) {
                Ok(Some(about)) => found.push((job, about)),
                // Just begun, or just removed.
                Ok(None) => {}
                Err(error) => {
                    if self.told.lock().insert(job.id.clone()) {
                        warn!("job {} is passed over: {error}", job.id);
                    }
                }
            }
        }
        found.sort_by(|(one, a), (other, b)| (a.created, &one.id).cmp(&(b.created, &other.id)));
        Ok(found)
    }

    fn read_about(&self, job: &Job) -> Result<Option<About>, JobError> {
        if let Some(known) = self.known.lock().get(&job.id) {
            return Ok(Some(known.clone()));
        }
        let about = job.about()?;
        let is_short =
            |about: &About| serde_json::to_vec(about).is_ok_and(|json| json.len() <= MAX_KNOWN_BYTES);
        if let Some(about) = about.as_ref().filter(|about| is_short(about)) {
            self.known.lock().insert(job.id.clone(), about.clone());
        }
        Ok(about)
    }
}

impl Job {
    /// The folder of this job.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is; `None` if there is no such job (any more).
    pub fn about(&self) -> Result<Option<About>, JobError> {
        let about: Option<About> = self.read_file("job.json")?;
        match about {
            Some(about) if about.format != FORMAT => {
                Err(JobError::Format { path: self.folder.join("job.json"), found: about.format })
            }
            about => Ok(about),
        }
    }

    /// With what it is read: as given, if nobody said so before; blocks.
    pub fn agree_on(&self, plan: &Plan) -> Result<Plan, JobError> {
        if let Some(agreed) = self.read_file("plan.json")? {
            return Ok(agreed);
        }
        let bytes = serde_json::to_vec(plan).unwrap_or_default();
        match self.put_file(&self.folder.join("plan.json"), &bytes, false) {
            Err(JobError::File { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => {}
            put => put?,
        }
        Ok(self.read_file("plan.json")?.unwrap_or_else(|| plan.clone()))
    }

    /// How much there is; `None` until that is known.
    pub fn listed(&self) -> Result<Option<Listed>, JobError> {
        self.read_file("listed.json")
    }

    /// Says how much there is.
    pub fn set_listed(&self, listed: Listed) -> Result<(), JobError> {
        self.write_file("listed.json", &listed)
    }

    /// Whether somebody is to read on.
    pub fn is_wanted(&self) -> bool {
        let has = |name| self.folder.join(name).exists();
        has("job.json") && !has("stopped") && !has("ended")
    }

    /// Nobody is to read on, until [`Self::go_on`].
    pub fn stop(&self) -> Result<(), JobError> {
        self.put_file(&self.folder.join("stopped"), b"", true)
    }

    /// What was stopped is to be read on.
    pub fn go_on(&self) -> Result<(), JobError> {
        self.take_away("stopped")
    }

    /// All chunks are read.
    pub fn mark_done(&self) -> Result<(), JobError> {
        self.put_file(&self.folder.join("ended"), b"", true)
    }

    /// Whether all chunks are read.
    pub fn has_ended(&self) -> bool {
        self.folder.join("ended").exists()
    }

    /// For how long nobody has had to read it, if so: it ended then, or was stopped.
    pub fn over_since(&self) -> Option<Duration> {
        let changed = |name| fs::metadata(self.folder.join(name)).and_then(|meta| meta.modified()).ok();
        let at = changed("ended").or_else(|| changed("stopped"))?;
        Some(at.elapsed().unwrap_or_default())
    }

    /// Says why it was stopped, if nobody asked for that; blocks.
    pub fn set_note(&self, note: &str) -> Result<(), JobError> {
        self.put_file(&self.folder.join("note"), note.as_bytes(), true)
    }

    /// What was said does not hold any more; blocks.
    pub fn clear_note(&self) -> Result<(), JobError> {
        self.take_away("note")
    }

    /// Why it was stopped, if that was said; blocks.
    pub fn note(&self) -> Result<Option<String>, JobError> {
        let note = read_whole(&self.folder.join("note"))?;
        Ok(note.map(|note| String::from_utf8_lossy(&note).into_owned()))
    }

    /// Takes it away, with all that was read; blocks.
    pub fn remove(&self) -> Result<(), JobError> {
        // A worker that still reads finds no place for what it reads.
        let gone = self.folder.with_file_name(format!("{REMOVED}{}", self.id));
        fs::rename(&self.folder, &gone).map_err(JobError::for_path(&self.folder))?;
        // What is left of it goes when somebody opens the folder the next time.
        let _ = fs::remove_dir_all(&gone);
        Ok(())
    }

    /// Chunks that are to be read, and those of them that were; blocks.
    pub fn chunks(&self) -> Result<Chunks, JobError> {
        let folder = self.folder.join("chunks");
        let mut chunks = Chunks::default();
        for entry in fs::read_dir(&folder).map_err(JobError::for_path(&folder))? {
            let name = entry.map_err(JobError::for_path(&folder))?.file_name();
            let Some((number, kind)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            let Ok(number) = number.parse() else { continue };
            match kind {
                "list" => chunks.listed.insert(number),
                "jsonl" => chunks.read.insert(number),
                "failed" => chunks.failed.insert(number),
                _ => false,
            };
        }
        Ok(chunks)
    }

    /// A file of a chunk.
    pub fn chunk_file(&self, chunk: u32, kind: &str) -> PathBuf {
        self.folder.join("chunks").join(format!("{chunk:06}.{kind}"))
    }

    /// A picture that was sent for this job; `None` if that is not the name of one.
    pub fn own_file(&self, name: &str) -> Option<PathBuf> {
        let is_one = !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        (is_one && !name.is_empty()).then(|| self.folder.join("files").join(name))
    }

    /// Keeps a picture that was sent, on the disk for good with the chunk that it is put into; blocks.
    pub fn keep_file(&self, name: &str, bytes: &[u8]) -> Result<(), JobError> {
        let path = self
            .own_file(name)
            .ok_or_else(|| JobError::for_path(&self.folder)(io::ErrorKind::InvalidInput.into()))?;
        make_folder(&self.folder.join("files"))?;
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(JobError::for_path(&path))
    }

    /// Says how many files of a chunk could not be read; blocks.
    pub fn set_failed(&self, chunk: u32, failed: usize) -> Result<(), JobError> {
        self.put_file(&self.chunk_file(chunk, "failed"), failed.to_string().as_bytes(), true)
    }

    /// How many files of a chunk could not be read; blocks.
    pub fn count_failed(&self, chunk: u32) -> Result<u64, JobError> {
        let text = read_whole(&self.chunk_file(chunk, "failed"))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).trim().parse().unwrap_or_default())
    }

    /// Whether a chunk is read.
    pub fn is_read(&self, chunk: u32) -> bool {
        self.chunk_file(chunk, "jsonl").exists()
    }

    /// What a chunk has; blocks.
    pub fn entries(&self, chunk: u32) -> Result<Vec<Entry>, JobError> {
        let path = self.chunk_file(chunk, "list");
        let text =
            read_whole(&path)?.ok_or_else(|| JobError::for_path(&path)(io::ErrorKind::NotFound.into()))?;
        let broken = |error| JobError::Broken { path: path.clone(), error };
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(broken))
            .collect()
    }

    /// Says what a chunk has; blocks.
    pub fn set_entries(&self, chunk: u32, entries: &[Entry]) -> Result<(), JobError> {
        let mut lines = Vec::new();
        for entry in entries {
            lines.extend(serde_json::to_vec(entry).unwrap_or_default());
            lines.push(b'\n');
        }
        self.put_file(&self.chunk_file(chunk, "list"), &lines, true)
    }

    /// Held by the process that puts its files into chunks; `None` if another process does. Blocks.
    pub fn lock(&self) -> Result<Option<File>, JobError> {
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(JobError::for_path(&path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // A file system without locks leaves it to the operator.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
        }
    }

    /// A file that may not be there.
    fn take_away(&self, name: &str) -> Result<(), JobError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(JobError::for_path(&path)(error)),
            _ => Ok(()),
        }
    }

    fn read_file<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JobError> {
        let path = self.folder.join(name);
        let Some(bytes) = read_whole(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| JobError::Broken { path, error })
    }

    fn write_file<T: Serialize>(&self, name: &str, value: &T) -> Result<(), JobError> {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.put_file(&self.folder.join(name), &bytes, true)
    }

    /// Writes a file whole, or not at all.
    fn put_file(&self, path: &Path, bytes: &[u8], over: bool) -> Result<(), JobError> {
        let put = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".new-").permissions(fs::Permissions::from_mode(FILE_MODE));
            let mut file = builder.tempfile_in(&self.folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            if over {
                file.persist(path)?
            } else {
                file.persist_noclobber(path)?
            };
            Ok(())
        };
        put().map_err(JobError::for_path(path))?;
        sync_folder(path.parent().unwrap_or(&self.folder))
    }
}

/// Which chunks there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunks {
    /// All that are known so far.
    pub listed: BTreeSet<u32>,
    /// Those that are read.
    pub read: BTreeSet<u32>,
    /// Those with files that could not be read.
    pub failed: BTreeSet<u32>,
}

fn make_folder(folder: &Path) -> Result<(), JobError> {
    let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(JobError::for_path(folder))
}

/// What stands in a folder is there after a power cut as well.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), JobError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(JobError::for_path(folder))
}

fn read_whole(path: &Path) -> Result<Option<Vec<u8>>, JobError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JobError::for_path(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(JobError::for_path(path))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        Err(JobError::TooLarge(path.to_owned()))
    } else {
        Ok(Some(bytes))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn about(name: &str) -> About {
        About { format: FORMAT, name: name.into(), created: 7, key: name.into(), ..About::default() }
    }

    #[test]
    fn a_job_that_is_begun_locked_is_nobody_elses_until_the_lock_goes() {
        let root = tempfile::tempdir().unwrap();
        let (job, lock) = Jobs::open(root.path()).unwrap().begin_locked(&about("scans")).unwrap();
        assert!(lock.is_some() && job.lock().unwrap().is_none());
        drop(lock);
        assert!(job.lock().unwrap().is_some());
    }

    #[test]
    fn a_job_is_there_for_whoever_looks_and_the_first_plan_counts() {
        let root = tempfile::tempdir().unwrap();
        let jobs = Jobs::open(&root.path().join("a/jobs")).unwrap();
        let job = jobs.begin_job(&about("scans")).unwrap();
        fs::create_dir(jobs.root().join("lost+found")).unwrap();
        fs::create_dir(jobs.root().join("0123456789abcdef")).unwrap();
        let all = Jobs::open(jobs.root()).unwrap().all_jobs().unwrap();
        assert_eq!(
            all.iter().map(|(job, about)| (&job.id, &*about.name)).collect::<Vec<_>>(),
            [(&job.id, "scans")]
        );
        let plan =
            |version: &str| Plan { version: version.into(), model: "m".into(), runs: vec!["cpu".into()] };
        assert_eq!(job.agree_on(&plan("1")).unwrap(), plan("1"));
        assert_eq!(all[0].0.agree_on(&plan("2")).unwrap(), plan("1"));
        assert!(job.is_wanted());
        job.stop().unwrap();
        assert!(!job.is_wanted());
        job.go_on().unwrap();
        job.go_on().unwrap();
        assert!(job.is_wanted());
        job.mark_done().unwrap();
        assert!(!job.is_wanted() && job.has_ended());
        job.remove().unwrap();
        assert_eq!(jobs.all_jobs().unwrap(), []);
        let mode = fs::metadata(jobs.root()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_left() {
        let root = tempfile::tempdir().unwrap();
        let jobs = Jobs::open(root.path()).unwrap();
        let [broken, newer, good] = ["a", "b", "c"].map(|name| jobs.begin_job(&about(name)).unwrap());
        fs::write(broken.folder.join("job.json"), "{").unwrap();
        newer.write_file("job.json", &About { format: 2, ..about("b") }).unwrap();
        let all = jobs.all_jobs().unwrap();
        assert_eq!(all.iter().map(|(job, _)| &job.id).collect::<Vec<_>>(), [&good.id]);
        let said = newer.about().unwrap_err().to_string();
        assert!(said.contains("format 2") && said.contains("update"), "{said}");
        assert!(broken.folder.join("job.json").exists());
    }

    #[test]
    fn what_a_job_is_is_read_once_unless_it_is_long_and_gone_with_it() {
        let root = tempfile::tempdir().unwrap();
        let jobs = Jobs::open(root.path()).unwrap();
        let short = jobs.begin_job(&about("a")).unwrap();
        let long = jobs.begin_job(&about(&"b".repeat(MAX_KNOWN_BYTES))).unwrap();
        assert_eq!(jobs.all_jobs().unwrap().len(), 2);
        for job in [&short, &long] {
            fs::write(job.folder.join("job.json"), "{").unwrap();
        }
        assert_eq!(jobs.all_jobs().unwrap(), [(short.clone(), about("a"))]);
        assert_eq!(jobs.wanted_jobs().unwrap().len(), 1);
        short.remove().unwrap();
        assert_eq!(jobs.all_jobs().unwrap(), []);
        assert!(jobs.known.lock().is_empty());
    }
}
