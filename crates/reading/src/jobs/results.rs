//! The results of a batch, on disk as JSON lines; where each stands is known.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use parking_lot::Mutex;

/// A file of results.
#[derive(Debug)]
pub struct Results {
    file: File,
    max_bytes: u64,
    end: Mutex<u64>,
}

/// Where a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    offset: u64,
    bytes: u32,
}

impl Results {
    /// A new file that holds at most so many bytes; blocks.
    pub fn create(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        Ok(Self { file, max_bytes, end: Mutex::new(0) })
    }

    /// Adds a line; blocks.
    pub fn append(&self, line: &str) -> io::Result<Span> {
        let too_much = || io::Error::from(io::ErrorKind::FileTooLarge);
        let bytes = u32::try_from(line.len()).map_err(|_| too_much())?;
        let mut end = self.end.lock();
        if *end + u64::from(bytes) + 1 > self.max_bytes {
            return Err(too_much());
        }
        let offset = *end;
        self.file.write_all_at(line.as_bytes(), offset)?;
        self.file.write_all_at(b"\n", offset + u64::from(bytes))?;
        *end += u64::from(bytes) + 1;
        Ok(Span { offset, bytes })
    }

    /// Reads a line; blocks.
    pub fn read(&self, span: Span) -> io::Result<String> {
        let mut line = vec![0; span.bytes as usize];
        self.file.read_exact_at(&mut line, span.offset)?;
        String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_again_and_the_file_has_a_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.jsonl");
        let results = Results::create(&path, 20).unwrap();
        let (first, second) = (results.append("{\"a\":1}").unwrap(), results.append("{\"é\":2}").unwrap());
        let error = results.append("{\"b\":3}").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(results.read(second).unwrap(), "{\"é\":2}");
        assert_eq!(results.read(first).unwrap(), "{\"a\":1}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"é\":2}\n");
        assert!(size_of::<Option<Span>>() <= 24);
    }
}
