//! Reads the pages of a picture, and stops when nobody waits for them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fmt, io};

use sightwire_documents::patience::Patience;
use sightwire_frame::Image;
use sightwire_frame::still::StillError;
use sightwire_ocr::{Effort, PageRequest, ReadError, ReadOptions, Reading};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::models::Ready;
use super::output::Document;
use super::permits::{Permit, Permits};
use super::picture::Picture;
use crate::decoding::{Decoding, TooMuch};
use crate::options::Options;
use crate::remote;

/// Files of more pages or bytes are read here: their answer, or they themselves, do not fit into a message.
const MOST_PAGES: usize = 8;
const MOST_BYTES: usize = 15 << 20;

/// How somebody wants a picture to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRequest {
    /// Name of the model.
    pub model: String,
    /// What else was chosen.
    pub options: ReadOptions,
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Too much waits.
    #[error("too many pictures wait to be read")]
    Busy,
    /// It was not done in time.
    #[error(transparent)]
    Late(#[from] Late),
    /// A picture of a batch, for which nobody waits.
    #[error("a page of it takes more than {} s of work (reader.deadline_s)", .0.as_secs_f64())]
    TooMuchWork(Duration),
    /// The picture is broken.
    #[error(transparent)]
    Broken(StillError),
    /// What was asked for would take more memory than all pictures may together.
    #[error(transparent)]
    TooMuch(TooMuch),
    /// What was asked for does not suit the picture.
    #[error(transparent)]
    Unsuited(ReadError),
    /// The model failed.
    #[error(transparent)]
    Failed(ReadError),
    /// The results of a batch have a limit.
    #[error(
        "the batch's results would be larger than {} MiB; send fewer at a time, or raise reader.max_job_mb", .0 >> 20
    )]
    ResultsTooLarge(u64),
    /// The result of a file of a batch cannot be written down.
    #[error("its text cannot be kept in reader.folder: {0}")]
    Disk(#[source] io::Error),
    /// The server stops.
    #[error("the server stops")]
    Stopped,
}

/// A picture for which somebody waits was not read in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// How long it had.
    pub of: Duration,
    /// For how long it was worked on; `None` where that is not known.
    pub worked: Option<Duration>,
}

impl std::error::Error for Late {}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it was not read within {} s", self.of.as_secs_f64())?;
        match self.worked {
            Some(worked) if worked < self.of / 2 => {
                write!(f, ", of which it was worked on for {:.1} s: the server is busy", worked.as_secs_f64())
            }
            _ => Ok(()),
        }
    }
}

/// Where the places of a picture's pages come from.
#[derive(Clone, Debug)]
pub enum PermitSource {
    /// One for all of them: how long somebody waits.
    Single(Arc<Permit>, Patience),
    /// Each page has to wait for its own.
    Batch(Arc<Permits>),
}

impl PermitSource {
    /// How long whatever is done for it may take.
    pub fn patience(&self) -> Patience {
        match self {
            Self::Single(_, patience) => *patience,
            Self::Batch(_) => Patience::Work,
        }
    }

    async fn acquire_permit(&self) -> Arc<Permit> {
        match self {
            Self::Single(permit, _) => permit.clone(),
            Self::Batch(permits) => Arc::new(permits.acquire_batch().await),
        }
    }

    /// What is done in time; `effort` says how much of that was work.
    async fn in_time<T>(
        &self,
        effort: &Effort,
        work: impl Future<Output = Result<T, WorkError>>,
    ) -> Result<T, WorkError> {
        let Self::Single(_, patience) = self else { return work.await };
        let late = |_| Late { of: patience.length(), worked: Some(effort.time_spent()) };
        timeout_at(patience.ends_at().into(), work).await.map_err(late)?
    }
}

/// As [`read_document`], or as another machine tells it that is asked first, where there is one; of the time for one picture that has half.
pub async fn read_picture(
    ready: &Ready,
    name: Option<String>,
    picture: &Picture,
    options: ReadOptions,
    turn: &PermitSource,
    limits: &Arc<Options>,
    keep: Option<usize>,
) -> Result<(Document, Option<(Arc<Image>, Decoding)>), WorkError> {
    if let Some(remote_reader) = &limits.remote
        && picture.pages.len() <= MOST_PAGES
        && picture.bytes.len() <= MOST_BYTES
    {
        let permit = turn.acquire_permit().await;
        let model = ready.model.clone();
        let version =
            tokio::task::spawn_blocking(move || remote::model_version(&model)).await.unwrap_or_default();
        let request = ReadRequest { model: ready.model.name().to_owned(), options };
        let can_be = |told: &Document| remote::is_of(told, picture, &request);
        let asked = remote_reader.read(&picture.bytes, &request, &version, limits.deadline / 2, &can_be);
        let told = asked.await;
        drop(permit);
        if let Some(told) = told {
            return Ok((Document { file: name, ..told }, None));
        }
    }
    read_document(ready, name, picture, options, turn, limits, keep).await
}

/// Reads all pages, one after the other. A picture for which somebody waits has `reader.deadline_s` in all; of one of a batch
/// each page may take that much work, however long it waits for cores. The pixels of the page `keep` (from 0) are returned, too,
/// if it is the last.
pub async fn read_document(
    ready: &Ready,
    name: Option<String>,
    picture: &Picture,
    options: ReadOptions,
    turn: &PermitSource,
    limits: &Arc<Options>,
    keep: Option<usize>,
) -> Result<(Document, Option<(Arc<Image>, Decoding)>), WorkError> {
    let plans = ready.service.plan(&ready.model);
    let mut document = Document::new(name, picture.format.name(), ready.model.name(), plans, options);
    let mut kept = None;
    let effort = Arc::new(Effort::default());
    let pages = async {
        for (index, header) in picture.pages.iter().enumerate() {
            let permit = turn.acquire_permit().await;
            let effort = match turn {
                PermitSource::Single(..) => effort.clone(),
                PermitSource::Batch(_) => Arc::new(Effort::at_most(limits.deadline)),
            };
            let work = (permit, turn.patience(), effort);
            // A task that waits for memory for the next page must not hold any.
            let keep = keep == Some(index) && index + 1 == picture.pages.len();
            let (reading, room) = read_page(ready, picture, index, limits, (options, keep), work).await?;
            document.push(&reading, header);
            kept = reading.image.map(|image| (image, room));
        }
        Ok(())
    };
    turn.in_time(&effort, pages).await?;
    Ok((document, kept))
}

/// Reads one page, from 0, as soon as there is memory for its pixels; they count until that is dropped. When this future is dropped, the work ends at its next step, and the place is free when it has.
async fn read_page(
    ready: &Ready,
    picture: &Picture,
    index: usize,
    limits: &Arc<Options>,
    (options, keep): (ReadOptions, bool),
    (permit, patience, effort): (Arc<Permit>, Patience, Arc<Effort>),
) -> Result<(Reading, Decoding), WorkError> {
    let (room, decoding, keep) =
        picture.acquire_room(index, &options, keep).await.map_err(WorkError::TooMuch)?;
    let (picture, limits) = (picture.clone(), limits.clone());
    let (give, take) = oneshot::channel();
    let wanted = Wanted::default();
    let (asked, drawing) = (wanted.0.clone(), wanted.0.clone());
    let job = PageRequest {
        model: ready.model.clone(),
        load: Box::new(move || {
            let image = picture.decode(index, &limits, patience, &|| !drawing.load(Ordering::Relaxed));
            drop(decoding);
            image
        }),
        options,
        keep,
        wanted: Box::new(move || !asked.load(Ordering::Relaxed)),
        effort,
        done: Box::new(move |result| {
            drop(permit);
            let _ = give.send((result, room));
        }),
    };
    ready.service.submit(job).map_err(|_| WorkError::Busy)?;
    match take.await {
        Ok((Ok(reading), room)) => Ok((reading, room)),
        Ok((Err(ReadError::Picture(reason)), _)) => Err(WorkError::Broken(reason)),
        Ok((Err(error @ ReadError::Corners(_)), _)) => Err(WorkError::Unsuited(error)),
        Ok((Err(ReadError::Unwanted | ReadError::Ended), _)) => Err(WorkError::Stopped),
        Ok((Err(ReadError::TooMuchWork(most)), _)) => Err(WorkError::TooMuchWork(most)),
        Ok((Err(error), _)) => Err(WorkError::Failed(error)),
        Err(_) => Err(WorkError::Failed(ReadError::Panicked)),
    }
}

/// Says when it is dropped that the work is not wanted any more.
#[derive(Debug, Default)]
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
