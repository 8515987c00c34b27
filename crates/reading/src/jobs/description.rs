//! What a batch is, in its folder, so that it outlives the server: `job.json` and the list of its files, `files.jsonl`.
//!
//! The list is written once, before the first `job.json`, which is what makes the folder a batch; that is replaced as a whole
//! when the batch ends. The limits of the server are not among it: those hold that are configured when a file is read.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightwire_api::read::{JobState, ReadOptions};

use super::spool::{DESCRIPTION, Folder, new_file};
use super::upload::{Arrived, Source, Unreadable};

/// Name of the list of files.
const FILES: &str = "files.jsonl";
/// Of both files; another one is of another version of this program.
const FORMAT: u32 = 1;
/// A description has no more bytes: names of a model and of the sender, and numbers.
const MAX_BYTES: u64 = 1 << 20;
/// A line of the list has no more: a name of 255 characters, and a sentence.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// `job.json`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Description {
    /// Version of this form.
    format: u32,
    /// The sender, by the name that the server which took it uses.
    pub owner: String,
    /// Name of the model.
    pub model: String,
    /// Of that model's files, [`ReadModel::digest`](sightwire_ocr::ReadModel::digest).
    pub model_digest: String,
    /// What else was chosen, exactly.
    pub options: ReadOptions,
    /// How many of its pictures are kept in memory.
    pub keep: usize,
    /// When it began, milliseconds since 1970.
    pub created_ms: u64,
    /// What became of it.
    pub state: JobState,
    /// When it ended, since 1970.
    pub ended_ms: Option<u64>,
    /// How long it was worked on until then, microseconds.
    pub spent_us: u64,
    /// Its files.
    pub files: usize,
    /// What was sent: each a file or a zip.
    pub parts: usize,
    /// Which of these are the zips.
    pub zips: Vec<usize>,
}

/// A line of the list: one file.
#[derive(Default, Deserialize, Serialize)]
struct Line {
    name: Box<str>,
    bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<usize>,
    /// Number of the zip among the zips, and of the file in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<(usize, usize)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<Box<str>>,
}

/// Why a folder's batch is not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// A file cannot be read from the disk.
    #[error("{} cannot be read: {error}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Not what this program writes.
    #[error("{} is not understood: {error}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with its JSON.
        #[source]
        error: serde_json::Error,
    },
    /// Written by another version.
    #[error("{} is of another version of this program (format {format}, not {FORMAT})", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that it names.
        format: u32,
    },
    /// The list and the description do not belong together.
    #[error("{} lists {listed} files, and the batch has {files}", .path.display())]
    Incomplete {
        /// The list.
        path: PathBuf,
        /// Files in it.
        listed: usize,
        /// Files by the description.
        files: usize,
    },
    /// More than are held in memory.
    #[error("{} says {files} files, and a batch may have {most}; raise reader.max_job_files", .path.display())]
    TooMany {
        /// The description.
        path: PathBuf,
        /// Files by it.
        files: usize,
        /// `reader.max_job_files`.
        most: usize,
    },
}

impl Description {
    /// Of a batch that has begun.
    pub fn new(owner: &str, (model, digest): (&str, &str), options: ReadOptions, keep: usize) -> Self {
        Self {
            format: FORMAT,
            owner: owner.to_owned(),
            model: model.to_owned(),
            model_digest: digest.to_owned(),
            options,
            keep,
            created_ms: 0,
            state: JobState::Running,
            ended_ms: None,
            spent_us: 0,
            files: 0,
            parts: 0,
            zips: Vec::new(),
        }
    }

    /// Puts it in the place of the one before, on the disk when this returns; blocks.
    pub fn write(&self, folder: &Folder) -> io::Result<()> {
        let new = folder.file_path("job.json.new");
        let written = self.write_beside(&new).and_then(|()| fs::rename(&new, folder.file_path(DESCRIPTION)));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written?;
        folder.sync_names()
    }

    fn write_beside(&self, path: &Path) -> io::Result<()> {
        // Of a server that was killed.
        if let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = new_file(path)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }

    /// What a folder's batch is; blocks. The file is left as it is, whatever is in it.
    pub fn read(folder: &Folder, max_files: usize) -> Result<Self, DescriptionError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let path = folder.file_path(DESCRIPTION);
        let mut text = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut text));
        if let Err(error) = read {
            return Err(DescriptionError::Read { path, error });
        }
        match serde_json::from_slice(&text) {
            Ok(Version { format: FORMAT }) => {}
            Ok(Version { format }) => return Err(DescriptionError::Format { path, format }),
            Err(error) => return Err(DescriptionError::Broken { path, error }),
        }
        match serde_json::from_slice::<Self>(&text) {
            Ok(Self { files, .. }) if files > max_files => {
                Err(DescriptionError::TooMany { path, files, most: max_files })
            }
            Ok(description) => Ok(description),
            Err(error) => Err(DescriptionError::Broken { path, error }),
        }
    }
}

/// Writes the list of a batch's files, on the disk when this returns; blocks.
pub fn write_files(folder: &Folder, files: &[Arrived]) -> io::Result<()> {
    let mut out = BufWriter::new(new_file(&folder.file_path(FILES))?);
    for Arrived { name, bytes, source } in files {
        let mut line = Line { name: name.clone(), bytes: *bytes, ..Line::default() };
        match source {
            Source::Part(number) => line.part = Some(*number),
            Source::Member { zip, index } => line.member = Some((*zip, *index)),
            Source::Refused(reason) => line.refused = Some(reason.to_string().into()),
        }
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The batch's files, as many as it says; blocks.
pub fn read_files(folder: &Folder, files: usize) -> Result<Vec<Arrived>, DescriptionError> {
    let path = folder.file_path(FILES);
    let unread = |error| DescriptionError::Read { path: path.clone(), error };
    let mut list = BufReader::new(File::open(&path).map_err(unread)?);
    let (mut found, mut text) = (Vec::with_capacity(files), Vec::new());
    while found.len() < files {
        text.clear();
        let bytes = (&mut list).take(MAX_LINE_BYTES).read_until(b'\n', &mut text).map_err(unread)?;
        if bytes == 0 {
            let listed = found.len();
            return Err(DescriptionError::Incomplete { path, listed, files });
        }
        let broken = |error| DescriptionError::Broken { path: path.clone(), error };
        let Line { name, bytes, part, member, refused } = serde_json::from_slice(&text).map_err(broken)?;
        let source = match (part, member, refused) {
            (Some(number), ..) => Source::Part(number),
            (None, Some((zip, index)), _) => Source::Member { zip, index },
            (None, None, reason) => Source::Refused(Unreadable::Known(reason.unwrap_or_default())),
        };
        found.push(Arrived { name, bytes, source });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::spool::Spool;
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Spool::new(dir.path().to_owned()).create_folder("0123456789abcdef").unwrap();
        (dir, folder)
    }

    #[test]
    fn a_description_and_its_list_are_read_back() {
        let (_dir, folder) = folder();
        let mut job = Description::new("key 1", ("m", "0a"), ReadOptions::default(), 5);
        (job.files, job.parts, job.zips) = (3, 2, vec![1]);
        job.write(&folder).unwrap();
        job.state = JobState::Cancelled;
        fs::write(folder.file_path("job.json.new"), "what a killed server left").unwrap();
        job.write(&folder).unwrap();
        assert_eq!(Description::read(&folder, 3).unwrap(), job);
        let many = Description::read(&folder, 2).unwrap_err().to_string();
        assert!(many.contains("job.json says 3 files") && many.contains("reader.max_job_files"), "{many}");

        let of = |source| Arrived { name: "ä\u{fffd}.png".into(), bytes: 7, source };
        let known = Unreadable::Known("it is a link".into());
        let files =
            [of(Source::Part(0)), of(Source::Member { zip: 0, index: 4 }), of(Source::Refused(known))];
        write_files(&folder, &files).unwrap();
        let read = read_files(&folder, 3).unwrap();
        assert_eq!(format!("{read:?}"), format!("{files:?}"));
        let few = read_files(&folder, 4).unwrap_err().to_string();
        assert!(few.ends_with("files.jsonl lists 3 files, and the batch has 4"), "{few}");
    }

    #[test]
    fn what_is_not_understood_is_named_and_left() {
        let (_dir, folder) = folder();
        for (text, words) in [
            ("{\"format\":2}", "is of another version of this program (format 2, not 1)"),
            ("{\"format\":1}", "is not understood: missing field"),
            ("", "is not understood: EOF"),
        ] {
            fs::write(folder.file_path(DESCRIPTION), text).unwrap();
            let error = Description::read(&folder, 9).unwrap_err().to_string();
            assert!(error.contains("0123456789abcdef/job.json ") && error.contains(words), "{error}");
            assert_eq!(fs::read_to_string(folder.file_path(DESCRIPTION)).unwrap(), text);
        }
    }
}
