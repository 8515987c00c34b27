//! A batch as it arrives: its files go to disk, within bounds. If it is given up, nothing of it stays.
//!
//! What was sent is taken from the disk once a result is there in its place for good: see [`Received::sync`].

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_api::read::JobState;
use sightwire_base::lines::is_deceptive;

use super::archive::{Archive, ArchiveError, Budget, MemberError, is_zip};
use super::description::Description;
use super::results::{RESULTS, Results, Span};
use super::spool::{Folder, Work, new_file};
use crate::options::Options;
use crate::output::Document;

/// Bytes that are collected in memory before they are written.
const BUFFER_BYTES: usize = 256 << 10;
/// Zips of a batch: the lists of their files are in memory until it has ended.
const MAX_ZIPS: usize = 32;
/// Longest name that is kept, in characters.
const MAX_NAME: usize = 255;
/// Results are put on the disk for good when there are this many new ones, if they were not before.
const MAX_UNSYNCED: usize = 64;
/// Characters that are kept of why a file could not be read.
const MAX_REASON: usize = 1000;

/// Why a batch is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Too many files.
    #[error("a batch may have {0} files; send fewer at a time, or raise reader.max_job_files")]
    TooMany(usize),
    /// Too many of them zips.
    #[error("a batch may have {MAX_ZIPS} zips; send fewer at a time, or the pictures in one")]
    TooManyZips,
    /// Too many bytes.
    #[error("a batch may have {} MiB; send less at a time, or raise reader.max_job_mb", .0 >> 20)]
    TooLarge(u64),
    /// No file came.
    #[error("no file came; send pictures or a zip of them as fields `file` of a form")]
    Empty,
    /// The files cannot be written to the disk.
    #[error("the files cannot be kept in reader.folder: {0}")]
    Disk(#[from] io::Error),
}

/// Where a file's bytes are.
#[derive(Debug)]
pub enum Source {
    /// In a file of the batch's folder, by number.
    Part(usize),
    /// In one of the batch's zips.
    Member {
        /// Number of the zip among the batch's.
        zip: usize,
        /// Number of the file in it.
        index: usize,
    },
    /// It is not to be read.
    Refused(Unreadable),
}

/// Why a file is known and not to be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is a zip, and none of its files can be had.
    #[error(transparent)]
    Zip(Arc<ArchiveError>),
    /// It lies in a zip, and is not taken out of it.
    #[error(transparent)]
    Member(MemberError),
    /// A server that ran before found it out.
    #[error("{0}")]
    Known(Box<str>),
}

/// Why the bytes of a file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// More bytes than a picture may have.
    #[error("it is larger than {} MiB", .0 >> 20)]
    TooLarge(usize),
    /// It or its zip, on the disk or as it was sent.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The batch has no file of this number.
    #[error("it is not there any more")]
    Gone,
    /// Its zip was taken from the disk.
    #[error("its zip has gone")]
    ZipGone,
    /// It was known from the beginning.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A file of a batch, as it came.
#[derive(Debug)]
pub struct Arrived {
    /// The name that the sender gave it.
    pub name: Box<str>,
    /// As far as is known.
    pub bytes: u64,
    /// Where its bytes are, or why it is not read.
    pub source: Source,
}

/// All of a batch.
#[derive(Debug)]
pub struct Received {
    /// The folder of what was sent and of the results.
    pub folder: Folder,
    /// Where its results go.
    pub results: Results,
    /// Its files in the order in which they were sent; those of a zip stand in its place.
    pub files: Vec<Arrived>,
    /// Its zips, until it has ended; without those that cannot be opened any more.
    zips: Mutex<Vec<Option<Arc<Archive>>>>,
    /// Which parts they are.
    zip_parts: Vec<usize>,
    /// Files on disk, zips included.
    parts: usize,
    unsynced: Mutex<Unsynced>,
}

/// Files whose results may not be on the disk for good.
#[derive(Debug, Default)]
struct Unsynced {
    files: Vec<usize>,
    /// The disk has failed once, and says nothing of what else it lost. Nothing is taken from it any more.
    is_lost: bool,
}

/// Takes a batch's files one after the other.
#[derive(Debug)]
pub struct Upload {
    folder: Folder,
    limits: Arc<Options>,
    bytes: u64,
    parts: Vec<(Box<str>, u64, bool)>,
    zips: usize,
    open: Option<Part>,
}

/// The file that is coming.
#[derive(Debug)]
struct Part {
    name: Box<str>,
    is_zip: bool,
    bytes: u64,
    buffer: Vec<u8>,
    file: Option<File>,
}

impl Upload {
    /// For one batch, whose files are written into `folder`.
    pub fn new(folder: Folder, limits: Arc<Options>) -> Self {
        Self { folder, limits, bytes: 0, parts: Vec::new(), zips: 0, open: None }
    }

    /// Begins the next file; an error where there would be too many.
    pub fn begin_file(&mut self, name: &str, content_type: Option<&str>) -> Result<(), UploadError> {
        if self.parts.len() >= self.limits.max_job_files {
            return Err(UploadError::TooMany(self.limits.max_job_files));
        }
        let is_zip =
            is_zip(name) || matches!(content_type, Some("application/zip" | "application/x-zip-compressed"));
        if is_zip {
            if self.zips >= MAX_ZIPS {
                return Err(UploadError::TooManyZips);
            }
            self.zips += 1;
        }
        let name = display_name(name);
        self.open = Some(Part { name, is_zip, bytes: 0, buffer: Vec::new(), file: None });
        Ok(())
    }

    /// Adds bytes to the file that was begun; an error where the batch would be too large.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), UploadError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.max_job_bytes {
            return Err(UploadError::TooLarge(self.limits.max_job_bytes));
        }
        if let Some(part) = &mut self.open {
            part.bytes += bytes.len() as u64;
            part.buffer.extend_from_slice(bytes);
            if part.buffer.len() >= BUFFER_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Ends the file that was begun, which is on the disk for good then.
    pub async fn end_file(&mut self) -> Result<(), UploadError> {
        self.flush().await?;
        if let Some(part) = self.open.take() {
            if let Some(file) = part.file {
                let synced = run_blocking(move || file.sync_all()).await;
                synced.inspect_err(|error| self.folder.report_failure(Work::Keep, error))?;
            }
            self.parts.push((part.name, part.bytes, part.is_zip));
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.write_out().await.inspect_err(|error| self.folder.report_failure(Work::Keep, error))
    }

    async fn write_out(&mut self) -> io::Result<()> {
        let Some(part) = &mut self.open else { return Ok(()) };
        let (buffer, file) = (std::mem::take(&mut part.buffer), part.file.take());
        // With the folder: it must not go while it is written to.
        let (folder, number) = (self.folder.clone(), self.parts.len());
        let (file, buffer) = run_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => new_file(&folder.part_path(number))?,
            };
            file.write_all(&buffer)?;
            Ok((file, buffer))
        })
        .await?;
        part.file = Some(file);
        part.buffer = buffer;
        part.buffer.clear();
        Ok(())
    }

    /// All has come; zips are opened.
    pub async fn finish(self) -> Result<Received, UploadError> {
        if self.parts.is_empty() {
            return Err(UploadError::Empty);
        }
        let folder = self.folder.clone();
        let received =
            run_blocking(move || Ok(self.into_received())).await.unwrap_or_else(|lost| Err(lost.into()));
        received.inspect_err(|refused| {
            if let UploadError::Disk(error) = refused {
                folder.report_failure(Work::Keep, error);
            }
        })
    }

    fn into_received(self) -> Result<Received, UploadError> {
        let max_files = self.limits.max_job_files;
        let (mut files, mut zips, parts) = (Vec::new(), Vec::new(), self.parts.len());
        let mut zip_parts = Vec::new();
        let mut budget = Budget::new(max_files);
        for (number, (name, bytes, is_zip)) in self.parts.into_iter().enumerate() {
            let opened = is_zip.then(|| Archive::open(self.folder.part_path(number), &mut budget));
            match opened {
                None => files.push(Arrived { name, bytes, source: Source::Part(number) }),
                Some(Err(error)) => {
                    if let ArchiveError::Disk(error) = &error {
                        self.folder.report_failure(Work::Read, error);
                    }
                    files.push(Arrived {
                        name,
                        bytes,
                        source: Source::Refused(Unreadable::Zip(error.into())),
                    });
                }
                Some(Ok(archive)) => {
                    files.extend(archive.members().into_iter().map(|member| Arrived {
                        name: display_name(&member.name),
                        bytes: member.bytes,
                        source: match member.refused {
                            None => Source::Member { zip: zips.len(), index: member.index },
                            Some(reason) => Source::Refused(Unreadable::Member(reason)),
                        },
                    }));
                    zips.push(Some(Arc::new(archive)));
                    zip_parts.push(number);
                }
            }
            if files.len() > max_files {
                return Err(UploadError::TooMany(max_files));
            }
        }
        if files.is_empty() {
            return Err(UploadError::Empty);
        }
        let results = Results::create(&self.folder.file_path(RESULTS), self.limits.max_job_bytes)?;
        let (zips, unsynced) = (Mutex::new(zips), Mutex::default());
        Ok(Received { folder: self.folder, results, files, zips, zip_parts, parts, unsynced })
    }
}

impl Received {
    /// What a server that ran before has received; blocks. Zips are opened unless the batch has ended.
    pub fn from_description(
        folder: Folder,
        description: &Description,
        files: Vec<Arrived>,
        results: Results,
        max_files: usize,
    ) -> Self {
        let mut budget = Budget::new(max_files.max(files.len()));
        let open = |number: &usize| {
            let opened = Archive::open(folder.part_path(*number), &mut budget);
            opened.ok().map(Arc::new)
        };
        let zip_parts = description.zips.clone();
        let needed = if description.state == JobState::Running { &zip_parts[..] } else { &[] };
        let zips = needed.iter().map(open).collect();
        let (zips, unsynced) = (Mutex::new(zips), Mutex::default());
        Self { folder, results, files, zips, zip_parts, parts: description.parts, unsynced }
    }

    /// How many parts were sent, and which of them are zips.
    pub fn parts(&self) -> (usize, &[usize]) {
        (self.parts, &self.zip_parts)
    }

    /// Writes down what came of a file; blocks. After an error nothing has changed.
    pub fn write_outcome(&self, index: usize, outcome: Result<&Document, &str>) -> io::Result<Span> {
        let span = match outcome {
            Ok(document) => self.results.append_result(index, document)?,
            Err(reason) => {
                let end = reason.char_indices().nth(MAX_REASON).map_or(reason.len(), |(at, _)| at);
                self.results.append_failure(index, &reason[..end])?
            }
        };
        self.mark_unsynced(index);
        if self.unsynced.lock().files.len() >= MAX_UNSYNCED {
            // What went wrong was said.
            let _ = self.sync();
        }
        Ok(span)
    }

    /// There is a result of that file; whether it is on the disk for good is not known.
    pub fn mark_unsynced(&self, index: usize) {
        self.unsynced.lock().files.push(index);
    }

    /// Returns when all results are on the disk for good, and takes what was sent and has one from there; blocks.
    pub fn sync(&self) -> io::Result<()> {
        let mut unsynced = self.unsynced.lock();
        if unsynced.is_lost {
            unsynced.files.clear();
            return Err(io::Error::other("what was read may not be on the disk, which failed before"));
        }
        if unsynced.files.is_empty() {
            return Ok(());
        }
        let files = std::mem::take(&mut unsynced.files);
        if let Err(error) = self.results.sync() {
            unsynced.is_lost = true;
            self.folder.report_failure(Work::Result, &error);
            return Err(error);
        }
        drop(unsynced);
        for index in files {
            self.release_file(index);
        }
        Ok(())
    }

    /// The bytes of a file; blocks.
    pub fn load_file(&self, index: usize, max_bytes: usize) -> Result<Bytes, LoadError> {
        let said = |error: io::Error| {
            // What is wrong with a zip is its sender's business.
            if error.raw_os_error().is_some() {
                self.folder.report_failure(Work::Read, &error);
            }
            match error.kind() {
                io::ErrorKind::FileTooLarge => LoadError::TooLarge(max_bytes),
                _ => LoadError::Read(error),
            }
        };
        let Some(file) = self.files.get(index) else { return Err(LoadError::Gone) };
        match &file.source {
            Source::Part(_) if file.bytes > max_bytes as u64 => Err(LoadError::TooLarge(max_bytes)),
            Source::Part(number) => fs::read(self.folder.part_path(*number)).map(Bytes::from).map_err(said),
            Source::Member { zip, index } => {
                let zip = self.zips.lock().get(*zip).cloned();
                let Some(Some(zip)) = zip else { return Err(LoadError::ZipGone) };
                zip.read(*index, max_bytes).map(Bytes::from).map_err(said)
            }
            Source::Refused(reason) => Err(reason.clone().into()),
        }
    }

    fn release_file(&self, index: usize) {
        if let Some(Arrived { source: Source::Part(number), .. }) = self.files.get(index) {
            self.remove_part(*number);
        }
    }

    /// Takes all files that were sent from the disk, and lets go of what is known of zips; blocks.
    pub fn release_all(&self) {
        self.zips.lock().clear();
        (0..self.parts).for_each(|number| self.remove_part(number));
    }

    fn remove_part(&self, number: usize) {
        // Most have gone already.
        if let Err(error) = fs::remove_file(self.folder.part_path(number))
            && error.kind() != io::ErrorKind::NotFound
        {
            self.folder.report_failure(Work::Remove, &error);
        }
    }
}

/// A name as it is shown: of a length, and on one line.
pub fn display_name(name: &str) -> Box<str> {
    let name = name.chars().take(MAX_NAME);
    name.map(|c| if is_deceptive(c) { '\u{fffd}' } else { c }).collect::<String>().into()
}

async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|lost| Err(io::Error::other(lost)))
}
