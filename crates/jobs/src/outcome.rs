//! What came of a chunk.

use std::fs::File;
use std::io::BufReader;

use sightwire_reading::record::{self, Record};

use crate::about::Entry;
use crate::folder::{Job, JobError};

/// A file of a chunk that was read, and what came of it.
pub type Outcome = (Entry, Record);

/// Each file of a chunk that is read, once and in its order; blocks. A chunk has few enough to be held.
pub fn read_outcomes(job: &Job, chunk: u32) -> Result<Vec<Outcome>, JobError> {
    let entries = job.entries(chunk)?;
    let path = job.chunk_file(chunk, "jsonl");
    let mut records: Vec<Option<Record>> = entries.iter().map(|_| None).collect();
    let file = File::open(&path).map_err(JobError::for_path(&path))?;
    let keep = |record: Record, _| {
        if let Some(place) = records.get_mut(record.index) {
            *place = Some(record);
        }
    };
    record::replay_records(BufReader::new(file), keep).map_err(JobError::for_path(&path))?;
    let missing = |index| Record {
        index,
        outcome: Err("its result cannot be read: the file with it is damaged".into()),
    };
    let whole = entries.into_iter().zip(records).enumerate();
    Ok(whole.map(|(index, (entry, record))| (entry, record.unwrap_or_else(|| missing(index)))).collect())
}
