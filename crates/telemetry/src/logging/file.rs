//! A log file of bounded size: when it is full it becomes `NAME.1`, what was that `NAME.2`, and so on.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::LogFile;
use sightwire_base::disk;
use sightwire_base::lines::LogThrottle;

/// How often it is looked whether the file is still where it was: another program may move it away, as logrotate does.
const LOOK: Duration = Duration::from_secs(1);
/// Time between tries after a failure: each try may hang on a network's disk.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Lines may name cameras, clients and users.
const MODE: u32 = 0o640;

static FAILURES: AtomicU64 = AtomicU64::new(0);

/// Lines that could not be written to a file of this process so far.
pub fn failures() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}

/// Takes lines, each in one piece. What cannot be written is counted and said elsewhere in the log, and never an error: others
/// go on to be written.
#[derive(Debug)]
pub(super) struct RotatingFile {
    key: &'static str,
    options: LogFile,
    open: Option<Open>,
    looked: Instant,
    failed: Option<Instant>,
    /// Lines that are not in it.
    missing: u64,
    said: LogThrottle,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Of whole lines.
    bytes: u64,
    /// Device and number, by which it is known again.
    id: (u64, u64),
}

impl RotatingFile {
    /// Opens the file, or makes it; an error if that cannot be done, which names it.
    pub fn open(key: &'static str, options: LogFile) -> io::Result<Self> {
        let open = Open::open_path(&options.path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", options.path.display())))?;
        let looked = Instant::now();
        let (failed, missing, said) = (None, 0, LogThrottle::new());
        Ok(Self { key, options, open: Some(open), looked, failed, missing, said })
    }

    fn write_line(&mut self, line: &[u8], now: Instant) -> io::Result<()> {
        if now.duration_since(self.looked) >= LOOK {
            self.looked = now;
            let id = fs::metadata(&self.options.path).ok().map(|found| (found.dev(), found.ino()));
            self.open = self.open.take().filter(|open| Some(open.id) == id);
        }
        let is_full = |open: &Open| open.bytes > 0 && open.bytes + line.len() as u64 > self.options.max_bytes;
        if self.open.as_ref().is_some_and(is_full) {
            self.open = None;
            self.rotate().map_err(|error| {
                io::Error::new(error.kind(), format!("it is full and cannot be begun anew: {error}"))
            })?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::open_path(&self.options.path)?),
        };
        if let Err(error) = open.file.write_all(line) {
            // Half a line would be taken for the beginning of the next.
            let _ = open.file.set_len(open.bytes);
            return Err(error);
        }
        open.bytes += line.len() as u64;
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        let path = &self.options.path;
        if self.options.keep == 0 {
            return fs::remove_file(path);
        }
        for number in (1..self.options.keep).rev() {
            match fs::rename(numbered_path(path, number), numbered_path(path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(path, numbered_path(path, 1))
    }
}

/// Whether it could be written: there, or in a folder that is there.
pub(super) fn check_writable(path: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(named(not_a_file())),
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop).map_err(named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::read_dir(folder.unwrap_or(Path::new("."))).map(drop).map_err(named)
        }
        Err(error) => Err(named(error)),
    }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let now = Instant::now();
        let waits = self.failed.is_some_and(|failed| now.duration_since(failed) < TRY_AGAIN);
        let written = if waits { Err(None) } else { self.write_line(line, now).map_err(Some) };
        match written {
            Ok(()) => {
                if self.failed.take().is_some() {
                    let (key, path, lines) = (self.key, self.options.path.display(), self.missing);
                    tracing::info!("{key} {path} is written again; lines that are missing there: {lines}");
                }
            }
            Err(error) => {
                FAILURES.fetch_add(1, Ordering::Relaxed);
                self.missing += 1;
                if let Some(error) = error {
                    disk::count_failure();
                    self.failed = Some(now);
                    // Opened anew next time: it may have been removed, or its disk mounted again.
                    self.open = None;
                    if let Some(unsaid) = self.said.admit_line(now) {
                        let (key, path, lines) = (self.key, self.options.path.display(), self.missing);
                        tracing::warn!(
                            unsaid,
                            "{key} {path} cannot be written: {error}; {lines} lines are missing there so far. The log goes on \
                             without it; see that its disk has room and that it may be written to"
                        );
                    }
                }
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Open {
    fn open_path(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for a reader.
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(not_a_file());
        }
        let file = OpenOptions::new().append(true).create(true).mode(MODE).open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(not_a_file());
        }
        Ok(Self { file, bytes: found.len(), id: (found.dev(), found.ino()) })
    }
}

/// `NAME.3`, whatever the name ends with.
fn numbered_path(path: &Path, number: usize) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use sightwire_base::captured;

    use super::*;

    fn opened(folder: &Path, max_bytes: u64, keep: usize) -> RotatingFile {
        let options = LogFile { path: folder.join("sightwire.log"), max_bytes, keep };
        RotatingFile::open("log.file", options).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_kept_is_bounded_and_no_line_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = opened(folder.path(), 100, 2);
        for n in 0..40 {
            file.write_all(format!("a line of 20 bytes{n:02}\n").as_bytes()).unwrap();
        }
        assert_eq!(names(folder.path()), ["sightwire.log", "sightwire.log.1", "sightwire.log.2"]);
        let all: String = ["sightwire.log.2", "sightwire.log.1", "sightwire.log"]
            .map(|name| fs::read_to_string(folder.path().join(name)).unwrap())
            .concat();
        let last = (28..40).map(|n| format!("a line of 20 bytes{n:02}\n")).collect::<Vec<_>>().concat();
        assert_eq!(all, last, "four lines each");
    }

    #[test]
    fn a_start_goes_on_where_the_last_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        opened(folder.path(), 100, 1).write_all(b"first\n").unwrap();
        opened(folder.path(), 100, 1).write_all(b"second\n").unwrap();
        let text = fs::read_to_string(folder.path().join("sightwire.log")).unwrap();
        assert_eq!(text, "first\nsecond\n");
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = opened(folder.path(), 1000, 1);
        file.write_all(b"first\n").unwrap();
        fs::rename(folder.path().join("sightwire.log"), folder.path().join("moved")).unwrap();
        file.looked = file.looked.checked_sub(LOOK).unwrap();
        file.write_all(b"second\n").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("sightwire.log")).unwrap(), "second\n");
        assert_eq!(fs::read_to_string(folder.path().join("moved")).unwrap(), "first\n");
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_said_once_and_later_ones_are_written() {
        let (log, folder) = (captured::capture_log(), tempfile::tempdir().unwrap());
        let mut file = opened(folder.path(), 1000, 1);
        // A device that is always full.
        file.open.as_mut().unwrap().file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        for _ in 0..3 {
            file.write_all(b"lost\n").unwrap();
        }
        assert_eq!((file.missing, failures()), (3, 3), "also those of the second in which it is not tried");
        let lines = log.lines_with("cannot be written: No space left on device");
        assert_eq!(lines.len(), 1, "{lines:?}");
        file.failed = file.failed.unwrap().checked_sub(TRY_AGAIN);
        file.write_all(b"written\n").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("sightwire.log")).unwrap(), "written\n");
    }

    #[test]
    fn what_is_no_file_or_has_no_folder_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        for (path, reason) in [
            (folder.path().join("missing/sightwire.log"), "No such file or directory"),
            (folder.path().to_owned(), "Is a directory"),
            ("/dev/null".into(), "it is not a file"),
        ] {
            let options = LogFile { path: path.clone(), max_bytes: 1000, keep: 1 };
            let error = RotatingFile::open("log.file", options).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()) && error.contains(reason), "{error}");
        }
    }
}
