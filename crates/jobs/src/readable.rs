//! What is read for others: files below few folders, and objects below few addresses in S3-compatible storage.

use std::fs::File;
use std::path::{Path, PathBuf};

use sightwire_s3::Objects;
use sightwire_s3::address::Address;
use sightwire_s3::error::ObjectError;

use crate::about::Entry;
use crate::folder::Job;
use crate::inputs::{Input, Unreadable};
use crate::shared::{Folders, SharedError};
use crate::worker::Unfit;

/// Folders and storage whose pictures are read for others.
#[derive(Clone, Debug)]
pub struct Readable {
    /// Folders whose files may be read.
    pub folders: Folders,
    /// Buckets whose objects may be read; `None`: none.
    pub objects: Option<Objects>,
}

/// A picture that was found.
#[derive(Debug)]
pub enum Found {
    /// A file, open for reading.
    File(File),
    /// All bytes of an object.
    Object(Vec<u8>),
}

/// Why a picture is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadableError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] SharedError),
    /// An object cannot be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

impl ReadableError {
    /// Whether it may be read later, as it is: the storage is away.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Object(error) if error.is_passing())
    }
}

/// The address that a path is meant as.
pub fn parse_address(path: &Path) -> Option<Result<Address, ObjectError>> {
    let text = path.to_str().filter(|text| Address::is_meant(text))?;
    Some(text.parse().map_err(ObjectError::Address))
}

impl Readable {
    /// Where a picture really is, for all workers; blocks.
    pub fn real_path(&self, path: &Path) -> Result<PathBuf, ReadableError> {
        match parse_address(path) {
            None => Ok(self.folders.real_path(path)?),
            Some(address) => {
                self.objects_at(&address?)?;
                Ok(path.to_owned())
            }
        }
    }

    /// Opens a picture; an object is read, if it has at most this many bytes. Blocks.
    pub fn open_picture(&self, path: &Path, max_bytes: usize) -> Result<Found, ReadableError> {
        match parse_address(path) {
            None => Ok(Found::File(self.folders.open(path)?)),
            Some(address) => {
                let address = address?;
                Ok(Found::Object(self.objects_at(&address)?.read_object(&address, max_bytes)?))
            }
        }
    }

    /// Opens a picture of a job, which may have been sent with it; as [`Self::open_picture`].
    pub fn open_of(&self, job: &Job, entry: &Entry, max_bytes: usize) -> Result<Found, ReadableError> {
        let Some(own) = &entry.own else {
            return self.open_picture(Path::new(entry.path.as_deref().unwrap_or(&entry.name)), max_bytes);
        };
        let path = job.own_file(own).ok_or(SharedError::Outside)?;
        Ok(Found::File(File::open(path).map_err(SharedError::File)?))
    }

    /// What was found as workers find it, or why they cannot; blocks.
    pub fn to_entry(&self, found: Result<Input, Unreadable>) -> Entry {
        let refused =
            |name, place, error: String| Entry { name, place, error: Some(error), ..Entry::default() };
        match found {
            Ok(Input { name, path, place, .. }) => {
                let place = place.to_string_lossy().into_owned();
                let Some(path) = path else {
                    return refused(name, place, "what comes by stdin cannot be read by others".into());
                };
                match self.real_path(&path).map(|real| real.into_os_string().into_string()) {
                    Ok(Ok(path)) => Entry { name, path: Some(path), place, ..Entry::default() },
                    Ok(Err(_)) => {
                        refused(name, place, "its name is not UTF-8, and workers are told no other".into())
                    }
                    Err(error) => refused(name, place, error.to_string()),
                }
            }
            Err(Unreadable { name, reason }) => refused(name.clone(), name, reason.to_string()),
        }
    }

    /// Whether this is a place to read a job: the command that began it has seen each of its files, so where none of the first can be
    /// seen, something else lies in their place. Blocks.
    pub fn check_visible(&self, first: &[Entry]) -> Result<(), Unfit> {
        let mut why = None;
        for path in first.iter().filter_map(|entry| entry.path.as_deref()) {
            match self.explain_missing(Path::new(path)) {
                Some(reason) => why = why.or_else(|| Some(format!("such as {path}: {reason}"))),
                None => return Ok(()),
            }
        }
        let unfit = |why| Unfit(format!("none of its first files can be opened, {why}").into());
        why.map_or(Ok(()), |why| Err(unfit(why)))
    }

    fn explain_missing(&self, path: &Path) -> Option<String> {
        match parse_address(path) {
            None => match self.folders.open(path) {
                Err(SharedError::File(_)) => Some("is the folder there on this machine?".to_owned()),
                // What is refused here is refused file by file.
                Ok(_) | Err(_) => None,
            },
            Some(address) => {
                let seen = address.and_then(|address| self.objects_at(&address)?.check_object(&address));
                seen.err().filter(|error| *error != ObjectError::Outside).map(|error| error.to_string())
            }
        }
    }

    fn objects_at(&self, address: &Address) -> Result<&Objects, ObjectError> {
        self.objects.as_ref().filter(|objects| objects.contains_address(address)).ok_or(ObjectError::Outside)
    }
}
