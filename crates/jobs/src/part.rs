//! A chunk that is being read. It goes on where another worker was killed, and finds the file that kills workers.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sightwire_reading::record;

use crate::about::Entry;
use crate::folder::{FILE_MODE, Job, JobError, sync_folder};

/// A file that this many have begun to read and nobody has ended is not begun again.
pub const MAX_STARTS: u32 = 3;

/// A chunk that this process reads. Another process that has a part of it wakes up too late: one of both gives the chunk its result, and
/// both say the same.
#[derive(Debug)]
pub struct Part {
    job: Job,
    chunk: u32,
    path: PathBuf,
    entries: Vec<Entry>,
    results: Mutex<File>,
    starts: Mutex<Starts>,
}

/// Files that were begun.
#[derive(Debug)]
struct Starts {
    path: PathBuf,
    file: File,
    /// Where it stands that this process began a file which it has not ended, by number.
    begun: BTreeMap<usize, u64>,
}

/// What came of ending a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is read.
    Read,
    /// Somebody else has taken it over, and this part of it is gone.
    TakenOver,
}

/// Each part that is opened has a name of its own: nobody gives a chunk what another has written.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// What is to be done for a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Todo {
    /// Files that nobody has begun, by number.
    pub fresh: Vec<usize>,
    /// Files that others have begun and not ended: one of them may have ended its worker, so each is to be read alone.
    pub suspects: Vec<usize>,
    /// Files that are given up for that; this is written already.
    pub dead: Vec<usize>,
}

impl Part {
    /// Takes over what others have read of it; blocks.
    pub fn open(job: &Job, chunk: u32, worker: &str) -> Result<(Self, Todo), JobError> {
        let entries = job.entries(chunk)?;
        let mut lines: Vec<Option<Vec<u8>>> = vec![None; entries.len()];
        let parts = find_parts(job, chunk)?;
        for part in &parts {
            take_over(part, &mut lines)?;
        }
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let path = job.chunk_file(chunk, &format!("{worker}-{number}.part"));
        let mut results = Vec::new();
        for line in lines.iter().flatten() {
            results.extend_from_slice(line);
        }
        let file = write_new(&path, &results).map_err(JobError::for_path(&path))?;
        for part in parts {
            // What is left of it says nothing new.
            let _ = fs::remove_file(part);
        }
        let starts_path = job.chunk_file(chunk, "starts");
        let begun = count_starts(&starts_path, entries.len()).map_err(JobError::for_path(&starts_path))?;
        let file_of_starts = open_append(&starts_path).map_err(JobError::for_path(&starts_path))?;
        let starts = Starts { path: starts_path, file: file_of_starts, begun: BTreeMap::new() };
        let part = Self {
            job: job.clone(),
            chunk,
            path,
            entries,
            results: Mutex::new(file),
            starts: Mutex::new(starts),
        };
        let mut todo = Todo::default();
        for (index, begun) in begun.into_iter().enumerate().filter(|(index, _)| lines[*index].is_none()) {
            match begun {
                0 => todo.fresh.push(index),
                begun if begun < MAX_STARTS => todo.suspects.push(index),
                _ => {
                    part.keep_record(index, &record::failed_line(index, &dead_reason()))?;
                    todo.dead.push(index);
                }
            }
        }
        Ok((part, todo))
    }

    /// The job that it belongs to.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// All files of the chunk.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A file is begun; blocks.
    pub fn begin_file(&self, index: usize) -> Result<(), JobError> {
        let mut starts = self.starts.lock();
        let line = format!("{index} +\n");
        let mut append = || {
            starts.file.write_all(line.as_bytes())?;
            starts.file.stream_position()
        };
        let end = append().map_err(JobError::for_path(&starts.path))?;
        starts.begun.insert(index, end - 2);
        Ok(())
    }

    /// A file is read, and this is its record; blocks.
    pub fn keep_record(&self, index: usize, line: &str) -> Result<(), JobError> {
        self.results.lock().write_all(line.as_bytes()).map_err(JobError::for_path(&self.path))?;
        self.starts.lock().begun.remove(&index);
        Ok(())
    }

    /// What this process has begun and not ended has not ended it: it counts as not begun. Takes no room on the disk; blocks.
    pub fn let_go(&self) {
        let mut starts = self.starts.lock();
        // One that appends would write to the end.
        let Ok(file) = OpenOptions::new().write(true).open(&starts.path) else { return };
        for (_, place) in std::mem::take(&mut starts.begun) {
            let _ = file.write_all_at(b"-", place);
        }
    }

    /// All files are read: from now on the chunk is; blocks until that is on the disk.
    pub fn finish(&self) -> Result<Finished, JobError> {
        self.results.lock().sync_all().map_err(JobError::for_path(&self.path))?;
        let failed = count_failures(&self.path, self.entries.len())?;
        if failed > 0 {
            self.job.set_failed(self.chunk, failed)?;
        }
        let whole = self.job.chunk_file(self.chunk, "jsonl");
        match fs::hard_link(&self.path, &whole) {
            Ok(()) => {}
            // Somebody else has read it as well, and said the same.
            Err(_) if whole.exists() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Finished::TakenOver),
            // Not every file system has links.
            Err(_) => fs::rename(&self.path, &whole).map_err(JobError::for_path(&whole))?,
        }
        sync_folder(whole.parent().unwrap_or(self.job.folder()))?;
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.job.chunk_file(self.chunk, "starts"));
        Ok(Finished::Read)
    }
}

/// How many files could not be read. Somebody else may have taken the part over.
fn count_failures(part: &Path, files: usize) -> Result<usize, JobError> {
    let file = match File::open(part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file.map_err(JobError::for_path(part))?,
    };
    let mut failed = vec![false; files];
    record::scan_outlines(BufReader::new(file), |index, has_failed| {
        if let Some(of) = failed.get_mut(index) {
            *of = has_failed;
        }
    })
    .map_err(JobError::for_path(part))?;
    Ok(failed.into_iter().filter(|failed| *failed).count())
}

fn dead_reason() -> String {
    format!("whoever read it ended before it did, {MAX_STARTS} times: it is left out")
}

/// What others have of a chunk, and this worker of an earlier time.
fn find_parts(job: &Job, chunk: u32) -> Result<Vec<PathBuf>, JobError> {
    let folder = job.folder().join("chunks");
    let prefix = format!("{chunk:06}.");
    let is_part =
        |name: &str| name.strip_prefix(&prefix).is_some_and(|rest| rest.split('.').nth(1) == Some("part"));
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(JobError::for_path(&folder))? {
        let entry = entry.map_err(JobError::for_path(&folder))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(is_part) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn take_over(part: &Path, lines: &mut [Option<Vec<u8>>]) -> Result<(), JobError> {
    let bytes = match fs::read(part) {
        // The process that had it has ended it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read.map_err(JobError::for_path(part))?,
    };
    let keep = |record: record::Record, place: std::ops::Range<u64>| {
        if let Some(line) = lines.get_mut(record.index) {
            // With its line end.
            *line = bytes.get(place.start as usize..=place.end as usize).map(<[u8]>::to_vec);
        }
    };
    record::replay_records(&bytes[..], keep).map(|_| ()).map_err(JobError::for_path(part))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)
}

/// How often each file was begun.
fn count_starts(path: &Path, files: usize) -> io::Result<Vec<u32>> {
    let mut begun = vec![0; files];
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(begun),
        file => file?,
    };
    // A line each time, and that is not often.
    let mut text = String::new();
    BufReader::new(file.take(1 << 20)).read_to_string(&mut text)?;
    for index in text.lines().filter_map(|line| line.strip_suffix(" +")?.parse::<usize>().ok()) {
        if let Some(count) = begun.get_mut(index) {
            *count += 1;
        }
    }
    Ok(begun)
}

#[cfg(test)]
mod tests {
    use sightwire_reading::output::Document;

    use super::*;
    use crate::about::Listed;
    use crate::folder::Jobs;
    use crate::folder::tests::about;
    use crate::list::Lists;
    use crate::outcome::read_outcomes;

    fn job(root: &Path) -> Job {
        let job = Jobs::open(root).unwrap().begin_job(&about("scans")).unwrap();
        let mut lists = Lists::from_listed(job.clone(), Listed::default());
        for number in 0..4 {
            let name = format!("{number}.png");
            lists.push(Entry { path: Some(name.clone()), name, ..Entry::default() }).unwrap();
        }
        lists.end().unwrap();
        job
    }

    fn line(index: usize, text: &str) -> String {
        record::read_line(index, &Document { file: Some(text.to_owned()), ..Document::default() })
    }

    fn said(job: &Job) -> Vec<String> {
        let of =
            |outcome: Result<Document, String>| outcome.map_or_else(|why| why, |read| read.file.unwrap());
        read_outcomes(job, 0).unwrap().into_iter().map(|(_, record)| of(record.outcome)).collect()
    }

    #[test]
    fn the_next_worker_goes_on_where_one_was_killed() {
        let root = tempfile::tempdir().unwrap();
        let job = job(root.path());
        let (first, todo) = Part::open(&job, 0, "a").unwrap();
        assert_eq!(todo, Todo { fresh: vec![0, 1, 2, 3], ..Todo::default() });
        for index in [1, 0, 3] {
            first.begin_file(index).unwrap();
        }
        first.keep_record(1, &line(1, "by a")).unwrap();
        // Killed in the middle of a line.
        first.keep_record(3, &line(3, "torn")[..40]).unwrap();
        let (second, todo) = Part::open(&job, 0, "b").unwrap();
        assert_eq!(todo, Todo { fresh: vec![2], suspects: vec![0, 3], ..Todo::default() });
        for index in [2, 3, 0] {
            second.begin_file(index).unwrap();
            second.keep_record(index, &line(index, "by b")).unwrap();
        }
        // The first has not heard of that, and thinks that it has read all.
        assert_eq!(first.finish().unwrap(), Finished::TakenOver);
        assert!(!job.is_read(0));
        assert_eq!(second.finish().unwrap(), Finished::Read);
        assert!(job.is_read(0));
        assert_eq!(said(&job), ["by b", "by a", "by b", "by b"]);
        // The first was only asleep.
        first.keep_record(0, &line(0, "late")).unwrap();
        first.finish().unwrap();
        assert_eq!(said(&job), ["by b", "by a", "by b", "by b"]);
        let left: Vec<_> =
            fs::read_dir(job.folder().join("chunks")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn a_file_that_ends_three_workers_is_given_up() {
        let root = tempfile::tempdir().unwrap();
        let job = job(root.path());
        for worker in ["a", "b", "c"] {
            let (part, todo) = Part::open(&job, 0, worker).unwrap();
            assert!(todo.dead.is_empty());
            part.begin_file(2).unwrap();
        }
        let (part, todo) = Part::open(&job, 0, "d").unwrap();
        assert_eq!(todo, Todo { fresh: vec![0, 1, 3], suspects: vec![], dead: vec![2] });
        for index in todo.fresh {
            part.keep_record(index, &line(index, "read")).unwrap();
        }
        part.finish().unwrap();
        let said = said(&job);
        assert_eq!([&said[0], &said[1], &said[3]], ["read"; 3]);
        assert!(said[2].contains("3 times"), "{}", said[2]);
        assert_eq!((job.chunks().unwrap().failed, job.count_failed(0).unwrap()), ([0].into(), 1));
    }

    #[test]
    fn a_worker_that_lives_on_has_not_been_ended_by_what_it_lets_go() {
        let root = tempfile::tempdir().unwrap();
        let job = job(root.path());
        for _ in 0..MAX_STARTS {
            let (part, todo) = Part::open(&job, 0, "a").unwrap();
            assert_eq!(todo.fresh, [0, 1, 2, 3]);
            // There is no room for what it says.
            part.begin_file(1).unwrap();
            part.begin_file(3).unwrap();
            part.let_go();
        }
        assert_eq!(Part::open(&job, 0, "b").unwrap().1.fresh, [0, 1, 2, 3]);
    }

    #[test]
    fn a_worker_takes_over_its_own() {
        let root = tempfile::tempdir().unwrap();
        let job = job(root.path());
        let (before, _) = Part::open(&job, 0, "a").unwrap();
        before.keep_record(1, &line(1, "first")).unwrap();
        let (part, todo) = Part::open(&job, 0, "a").unwrap();
        assert_eq!(todo.fresh, [0, 2, 3]);
        // It gives the chunk nothing of what it takes over itself.
        before.keep_record(0, &line(0, "late")).unwrap();
        assert_eq!(before.finish().unwrap(), Finished::TakenOver);
        for index in todo.fresh {
            part.keep_record(index, &line(index, "then")).unwrap();
        }
        part.finish().unwrap();
        assert_eq!(said(&job), ["then", "first", "then", "then"]);
    }

    #[test]
    fn a_result_that_is_damaged_is_said_of_its_file_alone() {
        let root = tempfile::tempdir().unwrap();
        let job = job(root.path());
        fs::write(job.chunk_file(0, "jsonl"), format!("{}xx\n{}", line(0, "a"), line(9, "b"))).unwrap();
        let said = said(&job);
        assert_eq!(said[0], "a");
        assert!(said[1].contains("damaged"), "{}", said[1]);
    }
}
