//! Another server that finds objects, asked before the model here. What asks it, and how, is not known here.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sightwire_api::status::DetectorStatus;
use sightwire_frame::Image;
use sightwire_frame::boxes::Detection;
use sightwire_hub::picture::PictureError;
use sightwire_infer::detect::DetectError;
use tokio_util::sync::CancellationToken;

use crate::pixels::{Lost, PixelPool};

/// Something that is waited for, and begins when it is.
pub type Awaited<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The model of another process, as far as that tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelElsewhere {
    /// As in that one's store, or `motion`.
    pub name: String,
    /// Names of the classes that were seen so far, by class number.
    pub labels: Vec<String>,
}

/// Why there are no detections.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Too much waits for the model.
    #[error("too many pictures wait for the model")]
    Busy,
    /// The model says so.
    #[error(transparent)]
    Failed(#[from] DetectError),
    /// The thread that compared it with the last one has gone.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// It has no file to be sent elsewhere.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The detector of another server failed.
    #[error("the detector elsewhere failed: {0}")]
    Elsewhere(Box<dyn Error + Send + Sync>),
    /// It was let go while the picture waited.
    #[error("the model has ended")]
    Ended,
}

/// A server that finds objects.
pub trait RemoteDetector: fmt::Debug + Send + Sync {
    /// Looks for the server while it is away, until `stop`.
    fn run(self: Arc<Self>, stop: CancellationToken) -> Awaited<'static, ()>;

    /// Whether it may be asked now.
    fn is_here(&self) -> Awaited<'_, bool>;

    /// Whether it answered the last time.
    fn is_answering(&self) -> bool;

    /// The model, with the names of the classes that were seen so far.
    fn known_model(&self) -> Arc<ModelElsewhere>;

    /// Whether pictures are sent there as the files that they came as.
    fn takes_files(&self) -> bool;

    /// What is in a picture, the surest first; asked once, and given up at the deadline. `jpeg` gives the picture as a file, where
    /// the server takes files.
    fn find_objects<'a>(
        &'a self,
        pool: &'a PixelPool,
        image: &'a Arc<Image>,
        jpeg: Awaited<'a, Result<Bytes, FindError>>,
        within: Duration,
    ) -> Awaited<'a, Result<Vec<Detection>, FindError>>;

    /// As [`Self::find_objects`], of a file of that width and height whose pixels nobody needs to know here; `is_valid` looks at them if
    /// it comes to that.
    fn find_in_file<'a>(
        &'a self,
        jpeg: &'a Bytes,
        size: (u32, u32),
        within: Duration,
        is_valid: Awaited<'a, bool>,
    ) -> Awaited<'a, Result<Vec<Detection>, FindError>>;

    /// What the status says of it, beside what it says of the model here.
    fn report(&self, here: DetectorStatus) -> DetectorStatus;
}
