//! Single pictures: what is in one, beside the streams, which have the first claim on threads and memory.

use std::sync::Arc;

use bytes::Bytes;
use sightwire_frame::DecodeError;
use sightwire_frame::header::{self, Header};
use sightwire_infer::detect::Found;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Streams;
use crate::detector::{FindError, Model, find};
use crate::pixels::Lost;

/// Single pictures that may wait for the model, beside those that it works on.
const WAITING: usize = 2;

/// Places for single pictures.
#[derive(Debug)]
pub struct Stills(Arc<Semaphore>);

/// A place for one picture.
#[derive(Debug)]
pub struct StillPlace(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// What is in a picture.
#[derive(Debug)]
pub struct Seen {
    /// The model that looked at it.
    pub model: Model,
    /// Width and height, px.
    pub size: (u32, u32),
    /// Its objects, the surest first, and how long finding them took.
    pub found: Found,
}

/// Why nothing can be said of a picture.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    /// Motion needs a video; with why there is no other model, where that is known.
    #[error("there is no detection model for single pictures; motion needs a video")]
    NoModel(Option<Arc<str>>),
    /// It cannot be decoded.
    #[error("the picture cannot be used: {0}")]
    Picture(#[source] DecodeError),
    /// Too many are being analysed.
    #[error("too many pictures are being analysed")]
    Busy,
    /// The thread that decoded it has gone.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The model failed.
    #[error("the picture was not analysed: {0}")]
    Failed(#[source] FindError),
}

impl Stills {
    /// Beside so many threads.
    pub(crate) fn new(threads: usize) -> Self {
        Self(Arc::new(Semaphore::new(threads + WAITING)))
    }

    /// A place; `None` if all are taken.
    pub fn place(&self) -> Option<StillPlace> {
        self.0.clone().try_acquire_owned().ok().map(StillPlace)
    }
}

impl Streams {
    /// What is in a picture, at that threshold. Before it is decoded, `room` for its pixels is waited for, and held. The place is
    /// free again when nothing works on the picture any more, which may be after the one who asked has gone.
    pub async fn look<R>(
        &self,
        place: StillPlace,
        picture: Bytes,
        threshold: f32,
        room: impl AsyncFnOnce(Header) -> R,
    ) -> Result<Seen, StillError> {
        let Model::Network(service) = self.detector.model().await else {
            return Err(StillError::NoModel(self.detector.note()));
        };
        let limits = self.options().pictures;
        // What has no header, or is too large, is told so by the decoder.
        let header = header::probe(&picture).ok().filter(|header| limits.check_size(header).is_ok());
        let _room = match header {
            Some(header) => Some(room(header).await),
            None => None,
        };
        let decoded = self.pixels.run(move |tools| Ok((tools.decode(&picture, &limits)?, place)));
        let (image, place) = decoded.await?.map_err(StillError::Picture)?;
        let size = (image.width(), image.height());
        match find(&service, Arc::new(image), threshold, place).await {
            Ok(found) => Ok(Seen { model: Model::Network(service), size, found }),
            Err(FindError::Busy) => Err(StillError::Busy),
            Err(error) => Err(StillError::Failed(error)),
        }
    }
}
