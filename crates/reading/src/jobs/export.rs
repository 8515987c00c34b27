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

/// A piece has at least so many bytes, but for the last.
const PIECE_BYTES: usize = 256 << 10;

/// An export that is being made.
pub struct Export {
    job: Arc<Job>,
    format: Format,
    style: Style,
    min_confidence: f32,
    next: usize,
    zip: Option<ZipWriter<StreamWriter<Shared>>>,
    out: Shared,
    /// Something was written of a file.
    begun: bool,
    ended: bool,
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
        let out = Shared(Arc::new(Mutex::new(format.frame(style).head.into())));
        let zip = (format == Format::Hocr).then(|| ZipWriter::new_stream(out.clone()));
        Self { job, format, style, min_confidence, next: 0, zip, out, begun: false, ended: false }
    }

    /// The next piece; blocks. `None` after the last.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (files, _) = self.job.counts();
        while !self.ended && self.out.0.lock().len() < PIECE_BYTES {
            if self.next < files {
                self.add(self.next)?;
                self.next += 1;
            } else {
                if let Some(zip) = self.zip.take() {
                    zip.finish().map_err(io::Error::other)?;
                }
                self.out.write_all(self.format.frame(self.style).tail.as_bytes())?;
                self.ended = true;
            }
        }
        let piece = std::mem::take(&mut *self.out.0.lock());
        Ok((!piece.is_empty() || !self.ended).then_some(piece))
    }

    fn add(&mut self, index: usize) -> io::Result<()> {
        let Some((state, error, result)) = self.job.outcome(index) else { return Ok(()) };
        let name = &self.job.received.files[index].name;
        let document = match result {
            Some(span) => Some(read(&self.job, span, self.min_confidence)?),
            None => None,
        };
        match (self.format, document) {
            (Format::Json, Some(document)) => writeln!(self.out, "{}", document.json(self.style)),
            (Format::Json, None) if state == FileState::Failed => {
                let failed = FailedFile { error, file: name.clone() };
                writeln!(self.out, "{}", serde_json::to_string(&failed)?)
            }
            (Format::Csv, Some(document)) => write!(self.out, "{}", document.csv()),
            (Format::Text, Some(document)) => {
                writeln!(self.out, "==> {name} <==\n{}\n", document.text(self.style.layout))
            }
            (Format::Hocr, Some(document)) => {
                let Some(zip) = &mut self.zip else { return Ok(()) };
                // Names of several folders, and strange ones, do not collide and lead nowhere.
                let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
                let entry = format!("{:05}-{last}.{}", index + 1, Format::Hocr.extension());
                zip.start_file(entry, SimpleFileOptions::default()).map_err(io::Error::other)?;
                zip.write_all(document.hocr().as_bytes())
            }
            (Format::SubmissionCsv | Format::SubmissionJson, document)
                if document.is_some() || matches!(state, FileState::Failed | FileState::Cancelled) =>
            {
                if std::mem::replace(&mut self.begun, true) {
                    self.out.write_all(self.format.frame(self.style).between.as_bytes())?;
                }
                let row = Document::submission(document.as_ref(), name, self.format, self.style);
                self.out.write_all(row.as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// A result as it stands on disk, without the lines that are less sure; blocks.
pub fn read(job: &Job, span: super::results::Span, min_confidence: f32) -> io::Result<Document> {
    let read = job.received.results.document(span);
    let mut document = read.inspect_err(|error| job.received.folder.failed(Work::Read, error))?;
    for page in &mut document.pages {
        page.regions.retain(|region| region.confidence >= min_confidence);
    }
    Ok(document)
}
