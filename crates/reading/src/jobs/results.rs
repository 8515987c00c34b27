//! The results of a batch, on disk as [records](crate::record); where each stands is known.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use parking_lot::Mutex;

use super::spool::new_file;
use crate::output::Document;
use crate::record::{self, MAX_LINE_BYTES, Record, Replayed};

/// Name of the file in a batch's folder.
pub const RESULTS: &str = "results.jsonl";

/// A file of results.
#[derive(Debug)]
pub struct Results {
    file: File,
    max_bytes: u64,
    end: Mutex<u64>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    offset: u64,
    bytes: u32,
}

impl Results {
    /// A new file, whose documents have at most this many bytes; blocks.
    pub fn create(path: &Path, max_bytes: u64) -> io::Result<Self> {
        Ok(Self { file: new_file(path)?, max_bytes, end: Mutex::new(0) })
    }

    /// A file that is there, whose records are gone through; what was begun of another one is cut off. Blocks.
    pub fn open(
        path: &Path,
        max_bytes: u64,
        mut each: impl FnMut(Record, Span),
    ) -> io::Result<(Self, Replayed)> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let found = record::replay_records(BufReader::new(&file), |record, place| {
            // No line is this long.
            let bytes = u32::try_from(place.end - place.start).unwrap_or(u32::MAX);
            each(record, Span { offset: place.start, bytes });
        })?;
        file.set_len(found.whole_bytes)?;
        Ok((Self { file, max_bytes, end: Mutex::new(found.whole_bytes) }, found))
    }

    /// Adds the record of a file that was read, within the bound; blocks. After an error it is as before.
    pub fn append_result(&self, index: usize, document: &Document) -> io::Result<Span> {
        self.append(&record::read_line(index, document), self.max_bytes)
    }

    /// Adds the record of a file that could not be read; blocks. After an error it is as before.
    pub fn append_failure(&self, index: usize, reason: &str) -> io::Result<Span> {
        self.append(&record::failed_line(index, reason), u64::MAX)
    }

    fn append(&self, line: &str, max_bytes: u64) -> io::Result<Span> {
        let too_much = || io::Error::from(io::ErrorKind::FileTooLarge);
        let bytes = u32::try_from(line.len()).map_err(|_| too_much())?;
        let mut end = self.end.lock();
        if line.len() > MAX_LINE_BYTES || *end + u64::from(bytes) > max_bytes {
            return Err(too_much());
        }
        let offset = *end;
        if let Err(error) = self.file.write_all_at(line.as_bytes(), offset) {
            // What there is of it would be cut off the next time anyway.
            let _ = self.file.set_len(offset);
            return Err(error);
        }
        *end += u64::from(bytes);
        Ok(Span { offset, bytes: bytes - 1 })
    }

    /// Returns when all records are on the disk; blocks.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Reads a document back; blocks.
    pub fn read_document(&self, span: Span) -> io::Result<Document> {
        let mut line = vec![0; span.bytes as usize];
        self.file.read_exact_at(&mut line, span.offset)?;
        let wrong = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let record = record::parse_record(&line).map_err(|error| wrong(error.to_string()))?;
        record.outcome.map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_again_after_a_crash_and_the_file_has_a_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(RESULTS);
        let document = |name: &str| Document { file: Some(name.to_owned()), ..Document::default() };
        let bytes = record::read_line(1, &document("é")).len() as u64;
        let results = Results::create(&path, 2 * bytes).unwrap();
        let first = results.append_result(0, &document("é")).unwrap();
        results.append_failure(1, "broken").unwrap();
        let error = results.append_result(2, &document("é")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        results.append_failure(2, "what failed is always said").unwrap();
        results.sync().unwrap();
        assert_eq!(results.read_document(first).unwrap(), document("é"));
        drop(results);

        let torn = std::fs::read(&path).unwrap().len() as u64 - 3;
        OpenOptions::new().write(true).open(&path).unwrap().set_len(torn).unwrap();
        let mut seen = Vec::new();
        let (results, found) =
            Results::open(&path, 4 * bytes, |record, span| seen.push((record.index, span))).unwrap();
        assert_eq!((found.records, seen.len(), seen[0]), (2, 2, (0, first)));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), found.whole_bytes, "what was begun is cut off");
        let third = results.append_result(2, &document("a")).unwrap();
        assert_eq!(results.read_document(third).unwrap(), document("a"));
        assert_eq!(results.read_document(seen[1].1).unwrap_err().to_string(), "broken");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
        assert!(size_of::<Option<Span>>() <= 24);
    }
}
