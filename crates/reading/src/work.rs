//! Reads the pages of a picture, and stops when nobody waits for them any more.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sightwire_frame::Image;
use sightwire_frame::still::StillError;
use sightwire_ocr::{PageRequest, ReadError, ReadOptions, Reading};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::models::Ready;
use super::output::Document;
use super::permits::{Permit, Permits};
use super::picture::Picture;
use crate::decoding::Decoding;
use crate::elsewhere;
use crate::options::Options;

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
    /// It took too long.
    #[error("it was not read within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// The picture is broken.
    #[error(transparent)]
    Broken(StillError),
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

/// Where the places of a picture's pages come from.
#[derive(Clone, Debug)]
pub enum PermitSource {
    /// One for all of them: somebody waits.
    Single(Arc<Permit>),
    /// Each page has to wait for its own.
    Batch(Arc<Permits>),
}

/// As [`document`], or as another machine tells it that is asked first, where there is one; of the time for one picture that has half.
pub async fn read(
    ready: &Ready,
    name: Option<String>,
    picture: &Picture,
    options: ReadOptions,
    turn: &PermitSource,
    limits: &Arc<Options>,
    keep: Option<usize>,
) -> Result<(Document, Option<(Arc<Image>, Decoding)>), WorkError> {
    let begun = Instant::now();
    if let Some(elsewhere) = &limits.elsewhere
        && picture.pages.len() <= MOST_PAGES
        && picture.bytes.len() <= MOST_BYTES
    {
        let permit = match turn {
            PermitSource::Single(permit) => permit.clone(),
            PermitSource::Batch(permits) => Arc::new(permits.batch().await),
        };
        let model = ready.model.clone();
        let version =
            tokio::task::spawn_blocking(move || elsewhere::version(&model)).await.unwrap_or_default();
        let request = ReadRequest { model: ready.model.name().to_owned(), options };
        let can_be = |told: &Document| elsewhere::is_of(told, picture, &request);
        let asked = elsewhere.read(&picture.bytes, &request, &version, limits.deadline / 2, &can_be);
        let told = asked.await;
        drop(permit);
        if let Some(told) = told {
            return Ok((Document { file: name, ..told }, None));
        }
    }
    let read = document(ready, name, picture, options, turn, limits, keep);
    match turn {
        PermitSource::Single(_) => {
            let by = begun + limits.deadline;
            timeout_at(by, read).await.map_err(|_| WorkError::Late(limits.deadline))?
        }
        PermitSource::Batch(_) => read.await,
    }
}

/// Reads all pages, one after the other. A picture for which somebody waits has `reader.deadline_s` in all, one of a
/// batch so long for each page. The pixels of the page `keep` (from 0) are returned, too, if it
/// is the last.
pub async fn document(
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
    let pages = async {
        for (index, header) in picture.pages.iter().enumerate() {
            let permit = match turn {
                PermitSource::Single(permit) => permit.clone(),
                PermitSource::Batch(permits) => Arc::new(permits.batch().await),
            };
            let read = page(ready, picture, index, limits, options, permit);
            let (reading, room) = match turn {
                PermitSource::Single(_) => read.await?,
                PermitSource::Batch(_) => {
                    timeout(limits.deadline, read).await.map_err(|_| WorkError::Late(limits.deadline))??
                }
            };
            document.push(&reading, header);
            // Whoever waits for memory for the next page must not hold any.
            if keep == Some(index) && index + 1 == picture.pages.len() {
                kept = Some((reading.image, room));
            }
        }
        Ok(())
    };
    match turn {
        PermitSource::Single(_) => {
            timeout(limits.deadline, pages).await.map_err(|_| WorkError::Late(limits.deadline))?
        }
        PermitSource::Batch(_) => pages.await,
    }?;
    Ok((document, kept))
}

/// Reads one page, from 0, as soon as there is memory for its pixels; they count until that is dropped. When this future is dropped, the work ends at its next step, and the place is free when it has.
async fn page(
    ready: &Ready,
    picture: &Picture,
    index: usize,
    limits: &Arc<Options>,
    options: ReadOptions,
    permit: Arc<Permit>,
) -> Result<(Reading, Decoding), WorkError> {
    let room = picture.room(index).await;
    let (picture, limits) = (picture.clone(), limits.clone());
    let (give, take) = oneshot::channel();
    let wanted = Wanted::default();
    let (asked, drawing) = (wanted.0.clone(), wanted.0.clone());
    let job = PageRequest {
        model: ready.model.clone(),
        load: Box::new(move || picture.decode(index, &limits, &|| !drawing.load(Ordering::Relaxed))),
        options,
        wanted: Box::new(move || !asked.load(Ordering::Relaxed)),
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
