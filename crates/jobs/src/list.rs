//! What is to be read, put into chunks: small ones first, so that all workers have something soon, and never so large that the last
//! one is long waited for.

use crate::about::{Entry, Listed};
use crate::folder::{Job, JobError};
use crate::inputs::{Input, NamedError, StorageAway, Unreadable, check_storage};

/// Files of a chunk: at first, and at most.
const FIRST: usize = 4;
const MOST: usize = 250;
/// A chunk has at most so great a part of what is before it.
const PART: u64 = 48;

/// Writes the files of a job as its chunks.
#[derive(Debug)]
pub struct Lists {
    job: Job,
    waiting: Vec<Entry>,
    listed: Listed,
}

impl Lists {
    /// Goes on after this many that are there already.
    pub fn from_listed(job: Job, listed: Listed) -> Self {
        Self { job, waiting: Vec::new(), listed }
    }

    /// One more; blocks where a chunk is complete by it. Whether it was.
    pub fn push(&mut self, entry: Entry) -> Result<bool, JobError> {
        self.waiting.push(entry);
        let is_complete = self.waiting.len() >= size_after(self.listed.files);
        if is_complete {
            self.flush()?;
        }
        Ok(is_complete)
    }

    /// There are no more; blocks. How much there is.
    pub fn end(mut self) -> Result<Listed, JobError> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        self.job.set_listed(self.listed)?;
        Ok(self.listed)
    }

    fn flush(&mut self) -> Result<(), JobError> {
        self.job.set_entries(self.listed.chunks, &self.waiting)?;
        self.listed.chunks += 1;
        self.listed.files += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

/// Why not all that was named is found.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// What was found cannot be seen.
    #[error(transparent)]
    Job(#[from] JobError),
    /// It cannot be looked for.
    #[error(transparent)]
    Named(#[from] NamedError),
    /// Nothing can be found now.
    #[error(transparent)]
    Away(#[from] StorageAway),
    /// A file of a chunk.
    #[error("{0} is gone, which was found before the search was interrupted: begin it anew")]
    Gone(String),
}

/// Passes over what is in chunks already; what has come between it since is in none. Blocks.
pub fn pass_over(
    job: &Job,
    before: Listed,
    inputs: &mut impl Iterator<Item = Result<Input, Unreadable>>,
) -> Result<(), SearchError> {
    for chunk in 0..before.chunks {
        for entry in job.entries(chunk)? {
            let mut is_there = false;
            while !is_there && let Some(found) = inputs.next() {
                check_storage(&found)?;
                is_there = entry.is_of(&found);
            }
            if !is_there {
                return Err(SearchError::Gone(entry.name));
            }
        }
    }
    Ok(())
}

/// What is in chunks already; blocks.
pub fn read_listed(job: &Job) -> Result<Listed, JobError> {
    let mut listed = Listed::default();
    loop {
        match job.entries(listed.chunks) {
            Ok(entries) => {
                listed.chunks += 1;
                listed.files += entries.len() as u64;
            }
            Err(error) if error.is_missing() => return Ok(listed),
            Err(error) => return Err(error),
        }
    }
}

/// How many files each chunk has, one after the other; but for the last, which may have fewer.
pub fn chunk_sizes() -> impl Iterator<Item = u64> {
    let mut before = 0;
    std::iter::repeat_with(move || {
        let size = size_after(before) as u64;
        before += size;
        size
    })
}

/// Files of this many chunks, if the last is as large as it may be.
pub fn files_of(chunks: u32) -> u64 {
    chunk_sizes().take(chunks as usize).sum()
}

/// The chunk in which a file is, by its number among all, and its number there.
pub fn place_of(file: u64) -> (u32, usize) {
    let (mut chunk, mut left) = (0, file);
    for size in chunk_sizes() {
        if left < size {
            break;
        }
        (chunk, left) = (chunk + 1, left - size);
    }
    (chunk, left as usize)
}

/// Files of the chunk that comes after this many.
fn size_after(files: u64) -> usize {
    usize::try_from(files / PART).unwrap_or(MOST).clamp(FIRST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Jobs;
    use crate::folder::tests::about;

    #[test]
    fn chunks_grow_and_each_file_is_in_one() {
        let root = tempfile::tempdir().unwrap();
        let job = Jobs::open(root.path()).unwrap().begin_job(&about("scans")).unwrap();
        let mut lists = Lists::from_listed(job.clone(), Listed::default());
        let entry = |number: usize| Entry { name: format!("{number}.png"), ..Entry::default() };
        for number in 0..1001 {
            lists.push(entry(number)).unwrap();
        }
        let listed = lists.end().unwrap();
        assert_eq!((listed.files, job.listed().unwrap()), (1001, Some(listed)));
        let mut all = Vec::new();
        for chunk in 0..listed.chunks {
            let entries = job.entries(chunk).unwrap();
            assert_eq!(files_of(chunk), all.len() as u64);
            let last = (all.len() + entries.len() - 1) as u64;
            assert_eq!(
                (place_of(all.len() as u64), place_of(last)),
                ((chunk, 0), (chunk, entries.len() - 1))
            );
            assert!(entries.len() <= FIRST.max(all.len() / PART as usize), "{chunk}");
            all.extend(entries);
        }
        assert_eq!(all, (0..1001).map(entry).collect::<Vec<_>>());
        assert_eq!(job.chunks().unwrap().listed.len() as u32, listed.chunks);
        assert_eq!((size_after(0), size_after(1 << 40)), (FIRST, MOST));
    }
}
