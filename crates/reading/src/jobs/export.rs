//! All results of a batch as one file, made piece by piece as it is taken.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use sightwire_api::read::{FailedFile, FileState};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::job::Job;
use super::spool::Work;
use crate::output::{Document, Format, Style};

/// A piece has at least this many bytes, but for the last.
const PIECE_BYTES: usize = 256 << 10;

/// An export that is being made.
pub struct Export {
    job: Arc<Job>,
    min_confidence: f32,
    next: usize,
    writer: Writer,
    ended: bool,
}

/// Writes results of one file after the other in a format, which is taken piece by piece.
pub struct Writer {
    format: Format,
    style: Style,
    zip: Option<ZipWriter<StreamWriter<Shared>>>,
    out: Shared,
    /// Something was written of a file.
    begun: bool,
}

/// What came of a file.
#[derive(Clone, Copy, Debug)]
pub enum Came<'a> {
    /// It was read: its text.
    Read(&'a Document),
    /// Why it could not be read, if that is known.
    Failed(Option<&'a str>),
    /// Nobody wanted it any more.
    Cancelled,
    /// It has not ended so far.
    Nothing,
}

/// What was written and not taken yet.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Export {
    /// In that format; lines that are less sure are left out.
    pub fn new(job: Arc<Job>, format: Format, style: Style, min_confidence: f32) -> Self {
        Self { job, min_confidence, next: 0, writer: Writer::new(format, style), ended: false }
    }

    /// The next piece; blocks. `None` after the last.
    pub fn next_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (files, _) = self.job.counts();
        while !self.ended && !self.writer.is_full() {
            if self.next < files {
                self.add_file(self.next)?;
                self.next += 1;
            } else {
                self.writer.end()?;
                self.ended = true;
            }
        }
        let piece = self.writer.take_written();
        Ok((!piece.is_empty() || !self.ended).then_some(piece))
    }

    fn add_file(&mut self, index: usize) -> io::Result<()> {
        let Some((state, error, result)) = self.job.file_outcome(index) else { return Ok(()) };
        let document = match result {
            Some(span) => Some(read_result(&self.job, span, self.min_confidence)?),
            None => None,
        };
        let came = match (&document, state) {
            (Some(document), _) => Came::Read(document),
            (None, FileState::Failed) => Came::Failed(error.as_deref()),
            (None, FileState::Cancelled) => Came::Cancelled,
            (None, FileState::Waiting | FileState::Reading | FileState::Done) => Came::Nothing,
        };
        self.writer.add_file(index, &self.job.received.files[index].name, came)
    }
}

impl Writer {
    /// With what stands before all files.
    pub fn new(format: Format, style: Style) -> Self {
        let out = Shared(Arc::new(Mutex::new(format.frame(style).head.into())));
        let zip = (format == Format::Hocr).then(|| ZipWriter::new_stream(out.clone()));
        Self { format, style, zip, out, begun: false }
    }

    /// Whether there is enough for a piece.
    pub fn is_full(&self) -> bool {
        self.out.0.lock().len() >= PIECE_BYTES
    }

    /// What was written since the last time.
    pub fn take_written(&self) -> Vec<u8> {
        std::mem::take(&mut *self.out.0.lock())
    }

    /// There are no more files.
    pub fn end(&mut self) -> io::Result<()> {
        if let Some(zip) = self.zip.take() {
            zip.finish().map_err(io::Error::other)?;
        }
        self.out.write_all(self.format.frame(self.style).tail.as_bytes())
    }

    /// What came of the next file, the `index`th of all, from 0.
    pub fn add_file(&mut self, index: usize, name: &str, came: Came<'_>) -> io::Result<()> {
        match (self.format, came) {
            (Format::Json, Came::Read(document)) => writeln!(self.out, "{}", document.to_json(self.style)),
            (Format::Json, Came::Failed(error)) => {
                let failed = FailedFile { error: error.map(Into::into), file: name.into() };
                writeln!(self.out, "{}", serde_json::to_string(&failed)?)
            }
            (Format::Csv, Came::Read(document)) => write!(self.out, "{}", document.to_csv()),
            (Format::Text, Came::Read(document)) => {
                writeln!(self.out, "==> {name} <==\n{}\n", document.to_text(self.style.layout))
            }
            (Format::Hocr, Came::Read(document)) => {
                let Some(zip) = &mut self.zip else { return Ok(()) };
                // Names of several folders, and strange ones, do not collide and lead nowhere.
                let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
                let entry = format!("{:05}-{last}.{}", index + 1, Format::Hocr.extension());
                zip.start_file(entry, SimpleFileOptions::default()).map_err(io::Error::other)?;
                zip.write_all(document.to_hocr().as_bytes())
            }
            (Format::SubmissionCsv | Format::SubmissionJson, came) if !matches!(came, Came::Nothing) => {
                if std::mem::replace(&mut self.begun, true) {
                    self.out.write_all(self.format.frame(self.style).between.as_bytes())?;
                }
                let document = if let Came::Read(document) = came { Some(document) } else { None };
                let row = Document::submission(document, name, self.format, self.style);
                self.out.write_all(row.as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// A result as it stands on disk, without the lines that are less sure; blocks.
pub fn read_result(job: &Job, span: super::results::Span, min_confidence: f32) -> io::Result<Document> {
    let read = job.received.results.read_document(span);
    let document = read.inspect_err(|error| job.received.folder.report_failure(Work::Read, error))?;
    Ok(filter_confident(document, min_confidence))
}

/// Without the lines that are less sure.
pub fn filter_confident(mut document: Document, min_confidence: f32) -> Document {
    for page in &mut document.pages {
        page.regions.retain(|region| region.confidence >= min_confidence);
    }
    document
}
