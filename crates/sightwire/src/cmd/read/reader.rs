//! One picture, page by page, each with a bound on its work.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sightwire_documents::Pages;
use sightwire_documents::patience::Patience;
use sightwire_frame::Image;
use sightwire_frame::still::{StillError, StillFormat, StillLimits};
use sightwire_jobs::readable::Found;
use sightwire_ocr::{
    Effort, Memory, PageRequest, ReadError, ReadModel, ReadModelError, ReadOptions, ReadService, Reading,
    ServiceOptions,
};
use sightwire_reading::output::{Document, Page};
use sightwire_server::config::Config;

use crate::cmd::{Mistake, models};
use crate::engine;
use crate::print::Printer;
use sightwire_jobs::inputs::InputError;
use sightwire_reading::work::ReadRequest;

/// Of files that the user names, unlike pictures that come over the network; 200 million pixels take 600 MB.
pub const LIMITS: StillLimits =
    StillLimits { max_bytes: 1 << 30, max_pixels: 200_000_000, max_side: 65_535, max_pages: 10_000 };
/// From one try to the next while the service is full of pages that nobody waits for any more.
const FULL: Duration = Duration::from_millis(20);

/// Why a picture was not read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was not even opened.
    #[error(transparent)]
    Unreadable(#[from] InputError),
    /// A bug came to light with it.
    #[error("it made the reader fail")]
    Panicked,
    #[error(transparent)]
    File(#[from] io::Error),
    /// More bytes than we take.
    #[error("it has more than {} MB, which is the most that is read", LIMITS.max_bytes >> 20)]
    Bytes,
    /// Not a picture, or one that is broken or too large.
    #[error(transparent)]
    Still(#[from] StillError),
    /// The reader says no.
    #[error(transparent)]
    Read(ReadError),
    /// It took too long.
    #[error("it takes more than {} s of work (--deadline)", .0.as_secs_f64())]
    TooMuchWork(Duration),
    /// A page of several.
    #[error("page {number}: {failure}")]
    Page {
        /// From 1.
        number: usize,
        failure: Box<Failure>,
    },
    #[error(transparent)]
    Annotate(#[from] sightwire_reading::output::AnnotateError),
    /// Stdout takes one part of a picture.
    #[error("it has {0} pages: choose a folder for them with --out")]
    Pages(usize),
    /// A picture that is read lies where the result goes.
    #[error("its result would take the place of {}, which is itself read: choose another --out", .0.display())]
    Taken(PathBuf),
    /// Another process read it, or could not.
    #[error("{0}")]
    Elsewhere(String),
    /// There is a result, and no file of it.
    #[error("its result cannot be written: {0}")]
    Unwritten(#[source] io::Error),
}

/// What one more thread takes that reads lines.
const READER_BYTES: u64 = 64 << 20;

/// A model at work.
#[derive(Clone)]
pub struct TextReader {
    service: Arc<ReadService>,
    model: Arc<ReadModel>,
    options: ReadOptions,
    pages: Pages,
    /// Of work, for a page.
    deadline: Duration,
}

impl TextReader {
    /// Loads the model, which is fetched if it is not here.
    pub fn start(
        printer: &Printer,
        config: &Config,
        ask: &ReadRequest,
        jobs: usize,
        deadline: Duration,
    ) -> anyhow::Result<Self> {
        let model = load_model(printer, config, &ask.model)?;
        let engine = Arc::new(engine::load_engine(config, printer)?);
        engine::measure_networks(&engine, model.name(), &model.subjects(&engine)?, false, printer)?;
        let threads = engine.threads();
        // Pictures of any size are read, and by all threads: who runs a command sees what it takes.
        let more = READER_BYTES * threads.saturating_sub(2) as u64;
        let (limit, kept) = (config.reader.memory_bytes, config.reader.kept_bytes());
        let memory = Memory::new(limit, kept, Arc::new(|| 0)).and_beyond(more);
        let idle_release = config.engine.idle_release;
        let service_options = ServiceOptions { threads, queue: 2 * jobs, idle_release, memory };
        let service = ReadService::start(engine, service_options)?;
        let (options, pages) = (ask.options, config.reader.pages.clone());
        Ok(Self { service: Arc::new(service), model: Arc::new(model), options, pages, deadline })
    }

    /// The same threads at another way of reading; the model is loaded again if it is not the one of that digest.
    pub fn with_request(
        &self,
        printer: &Printer,
        config: &Config,
        ask: &ReadRequest,
        digest: &str,
        deadline: Duration,
    ) -> anyhow::Result<Self> {
        let model = if ask.model == self.model.name() && self.model.digest() == digest {
            self.model.clone()
        } else {
            let model = load_model(printer, config, &ask.model)?;
            let engine = self.service.engine();
            engine::measure_networks(engine, model.name(), &model.subjects(engine)?, false, printer)?;
            Arc::new(model)
        };
        Ok(Self { model, options: ask.options, deadline, ..self.clone() })
    }

    /// The model, and what its networks run on.
    pub fn model(&self) -> (&ReadModel, [String; 2]) {
        (&self.model, self.service.plan(&self.model).map(|plan| plan.to_string()))
    }

    /// Reads a file, or stdin; `page` sees the file, each page's pixels, and what it says.
    pub fn read_file(
        &self,
        name: &str,
        path: Option<&Path>,
        page: impl FnMut(&[u8], &Image, &Page) -> Result<(), Failure>,
    ) -> Result<Document, Failure> {
        let bytes = match path {
            Some(path) => bytes_of(File::open(path)?)?,
            None => read_bounded(io::stdin().lock(), Vec::new())?,
        };
        self.read_bytes(name, bytes, page)
    }

    /// Reads what somebody has found.
    pub fn read_found(&self, name: &str, found: Found) -> Result<Document, Failure> {
        let bytes = match found {
            Found::File(file) => bytes_of(file)?,
            Found::Object(bytes) => bytes,
        };
        self.read_bytes(name, bytes, |_, _, _| Ok(()))
    }

    fn read_bytes(
        &self,
        name: &str,
        bytes: Vec<u8>,
        mut page: impl FnMut(&[u8], &Image, &Page) -> Result<(), Failure>,
    ) -> Result<Document, Failure> {
        let bytes: Arc<[u8]> = bytes.into();
        let header = self.pages.probe(&bytes, &LIMITS, Patience::Work)?;
        let plans = self.service.plan(&self.model);
        let (name, format) = (Some(name.to_owned()), header.format.name());
        let mut document = Document::new(name, format, self.model.name(), plans, self.options);
        for (index, of) in header.pages.iter().enumerate() {
            let mut read = || {
                let reading = self.read_page(&bytes, (header.format, of.size), index as u32)?;
                document.push(&reading, of);
                let Some(image) = &reading.image else { return Ok(()) };
                document.pages.last().map_or(Ok(()), |last| page(&bytes, image, last))
            };
            read().map_err(|failure| match header.pages.len() {
                1 => failure,
                _ => Failure::Page { number: index + 1, failure: Box::new(failure) },
            })?;
        }
        Ok(document)
    }

    fn read_page(
        &self,
        bytes: &Arc<[u8]>,
        of: (StillFormat, (u32, u32)),
        page: u32,
    ) -> Result<Reading, Failure> {
        let (tell, told) = mpsc::sync_channel(1);
        loop {
            let (bytes, tell, pages) = (bytes.clone(), tell.clone(), self.pages.clone());
            let job = PageRequest {
                model: self.model.clone(),
                load: Box::new(move || pages.decode(&bytes, of, page, &LIMITS, Patience::Work, &|| true)),
                options: self.options,
                keep: true,
                wanted: Box::new(|| true),
                effort: Arc::new(Effort::at_most(self.deadline)),
                done: Box::new(move |read| {
                    let _ = tell.send(read);
                }),
            };
            if self.service.submit(job).is_ok() {
                break;
            }
            std::thread::sleep(FULL);
        }
        drop(tell);
        // However long it waits for others and for cores: each picture before it ends, as this one does.
        match told.recv() {
            Ok(Err(ReadError::TooMuchWork(most))) => Err(Failure::TooMuchWork(most)),
            Ok(read) => read.map_err(Failure::Read),
            Err(_) => Err(Failure::Read(ReadError::Panicked)),
        }
    }

    /// What runs it: `ppocr-v4 on openvino bf16 and f32`.
    pub fn in_words(&self) -> String {
        let [detection, recognition] = self.service.plan(&self.model);
        let name = self.model.name();
        if detection == recognition {
            format!("{name} on {detection}")
        } else {
            format!("{name}: finds lines on {detection}, reads them on {recognition}")
        }
    }
}

/// All of a file, within the limit.
fn bytes_of(file: File) -> Result<Vec<u8>, Failure> {
    let size = file.metadata()?.len();
    if size > LIMITS.max_bytes as u64 {
        return Err(Failure::Bytes);
    }
    read_bounded(file, Vec::with_capacity(size as usize + 1))
}

fn read_bounded(from: impl Read, mut bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let limit = LIMITS.max_bytes as u64;
    from.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(Failure::Bytes) } else { Ok(bytes) }
}

/// The model asked for, fetched if it is not here.
pub fn load_model(printer: &Printer, config: &Config, name: &str) -> anyhow::Result<ReadModel> {
    let manifest = config.store.manifest(name).map_err(|error| Mistake(error.into()))?;
    if manifest.read.is_some() && !config.store.has_files(&manifest) {
        models::fetch_model(&config.store, &manifest, printer)?;
    }
    ReadModel::load(&config.store, &manifest).map_err(|error| match error {
        ReadModelError::WrongTask { .. } => Mistake(error.into()).into(),
        error => error.into(),
    })
}
