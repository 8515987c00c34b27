//! Single pictures: what is in one, beside the streams, which have the first claim on threads and memory.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_base::clock;
use sightwire_frame::boxes::Detection;
use sightwire_frame::header::{self, Format, Header, LimitError, Limits};
use sightwire_frame::{DecodeError, Image, ImageError, still};
use sightwire_hub::picture::PicturePool as _;
use sightwire_infer::detect::{DetectService, Found};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Streams;
use crate::detector::{Model, find_objects};
use crate::pixels::{Lost, Tools};
use crate::remote::{FindError, RemoteDetector};

/// Single pictures that may wait for the model, beside those that it works on.
const WAITING: usize = 2;
/// Time that a model elsewhere has for one, before the model here is asked.
const ELSEWHERE: Duration = Duration::from_secs(5);
/// What is not a JPEG goes there as one of this quality.
const QUALITY: u8 = 95;

/// Places for single pictures.
#[derive(Debug)]
pub struct Stills(Arc<Semaphore>);

/// A place for one picture.
#[derive(Debug)]
pub struct StillPlace(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// A picture as it was sent.
#[derive(Clone, Debug)]
pub enum Picture {
    /// A JPEG or PNG.
    File(Bytes),
    /// Pixels row by row, red, green and blue of each.
    Rgb {
        /// Width and height, px.
        size: (u32, u32),
        /// Three bytes for each pixel.
        values: Bytes,
    },
}

impl Picture {
    /// What has no header, or is too large, has none: the decoder says so. Pixels are as good as a JPEG of that size.
    fn read_header(&self, limits: &Limits) -> Option<Header> {
        let header = match self {
            Self::File(file) => header::probe_header(file).ok(),
            Self::Rgb { size: (width, height), .. } => {
                Some(Header { format: Format::Jpeg, width: *width, height: *height })
            }
        };
        header.filter(|header| limits.check_size(header).is_ok())
    }

    /// What it takes while it is decoded and looked at.
    fn decoding_bytes(&self, &Header { format, width, height }: &Header) -> u64 {
        let (size, shown) = ((width, height), still::shown_bytes((width, height)));
        match self {
            Self::File(file) => {
                still::decoding_bytes(format.into(), file, &[size]).into_iter().sum::<u64>().max(shown)
            }
            Self::Rgb { .. } => shown,
        }
    }

    /// As it came, if it is one.
    fn jpeg(&self, header: Option<&Header>) -> Option<Bytes> {
        match self {
            Self::File(file) if header?.format == Format::Jpeg => Some(file.clone()),
            _ => None,
        }
    }

    fn decode_image(self, tools: &mut Tools, limits: &Limits) -> Result<Image, StillError> {
        let (width, height, values) = match self {
            Self::File(file) => return tools.decode(&file, limits).map_err(StillError::Picture),
            Self::Rgb { size: (width, height), values } => (width, height, values),
        };
        let too_large = |error: LimitError| StillError::Picture(error.into());
        limits.check_size(&Header { format: Format::Jpeg, width, height }).map_err(too_large)?;
        let mut pixels = values.to_vec();
        for pixel in pixels.chunks_exact_mut(3) {
            pixel.swap(0, 2);
        }
        Image::from_bgr(width, height, pixels).map_err(StillError::Pixels)
    }
}

/// What is in a picture.
#[derive(Debug)]
pub struct DetectedStill {
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
    /// It has fewer or more pixels than it should.
    #[error("the picture cannot be used: {0}")]
    Pixels(#[source] ImageError),
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
    /// Beside this many threads.
    pub(crate) fn new(threads: usize) -> Self {
        Self(Arc::new(Semaphore::new(threads + WAITING)))
    }

    /// A place; `None` if all are taken.
    pub fn try_acquire_place(&self) -> Option<StillPlace> {
        self.0.clone().try_acquire_owned().ok().map(StillPlace)
    }

    /// A place, once there is one; who came first has it first.
    pub async fn acquire_place(&self) -> Result<StillPlace, StillError> {
        self.0.clone().acquire_owned().await.map(StillPlace).map_err(|_| StillError::Busy)
    }
}

impl Streams {
    /// What is in a picture, at that threshold; found elsewhere where pictures are, and here if that fails. Before it is decoded,
    /// `room` for this many bytes is waited for, and held. The place is free again when nothing works on the picture any more, which may
    /// be after the one who asked has gone.
    pub async fn find_in_picture<R, F>(
        &self,
        place: StillPlace,
        picture: Picture,
        threshold: f32,
        room: impl FnOnce(u64) -> F + Send,
    ) -> Result<DetectedStill, StillError>
    where
        R: Send + 'static,
        F: Future<Output = R> + Send,
    {
        let elsewhere = match self.detector.remote() {
            Some(remote) if remote.is_here().await => Some(&**remote),
            _ => None,
        };
        let here = if elsewhere.is_some() { None } else { Some(self.detect_service().await?) };
        let limits = self.options().pictures;
        let header = picture.read_header(&limits);
        let bytes = header.as_ref().map(|header| picture.decoding_bytes(header));
        let jpeg = picture.jpeg(header.as_ref());
        // Where another machine looks at the file, nobody needs its pixels here, unless that fails.
        let mut decoding = pin!(async {
            let room = match bytes {
                Some(bytes) => Some(room(bytes).await),
                None => None,
            };
            // Waiting for room is not part of looking.
            let begun = clock::now();
            let decoded = self.pixels.run(move |tools| {
                let image = picture.decode_image(tools, &limits)?;
                Ok::<_, StillError>((image, place, room, begun))
            });
            decoded.await?
        });
        let file = jpeg.as_ref().zip(header).zip(elsewhere.filter(|remote| remote.takes_files()));
        let mut decoded = None;
        if let Some(((jpeg, Header { width, height, .. }), remote)) = file {
            let (size, begun) = ((width, height), clock::now());
            // What is broken is nobody's fault but its sender's.
            let is_valid = Box::pin(async { decoded.insert(decoding.as_mut().await).is_ok() });
            match remote.find_in_file(jpeg, size, ELSEWHERE, is_valid).await {
                Ok(found) => return Ok(DetectedStill::from_remote(remote, size, (found, begun), threshold)),
                Err(error) => log_remote_failure(&error),
            }
        }
        let (image, place, _room, begun) = match decoded {
            Some(decoded) => decoded?,
            None => decoding.await?,
        };
        let (size, image) = ((image.width(), image.height()), Arc::new(image));
        if let Some(remote) = elsewhere.filter(|_| file.is_none()) {
            match self.look_elsewhere(remote, jpeg, &image).await {
                Ok(found) => return Ok(DetectedStill::from_remote(remote, size, (found, begun), threshold)),
                Err(error) => log_remote_failure(&error),
            }
        }
        let service = match here {
            Some(service) => service,
            None => self.detect_service().await?,
        };
        match find_objects(&service, image, threshold, place).await {
            Ok(found) => Ok(DetectedStill { model: Model::Network(service), size, found }),
            Err(FindError::Busy) => Err(StillError::Busy),
            Err(error) => Err(StillError::Failed(error)),
        }
    }

    async fn detect_service(&self) -> Result<Arc<DetectService>, StillError> {
        match self.detector.load_model().await {
            Model::Network(service) => Ok(service),
            _ => Err(StillError::NoModel(self.detector.fallback_note())),
        }
    }

    async fn look_elsewhere(
        &self,
        remote: &dyn RemoteDetector,
        jpeg: Option<Bytes>,
        image: &Arc<Image>,
    ) -> Result<Vec<Detection>, FindError> {
        let file = Box::pin(async {
            match jpeg {
                Some(jpeg) => Ok(jpeg),
                None => Ok(self.pixels.encode(image.clone(), QUALITY).await?),
            }
        });
        remote.find_objects(&self.pixels, image, file, ELSEWHERE).await
    }
}

fn log_remote_failure(error: &FindError) {
    tracing::debug!("a single picture is looked at here: {error}");
}

impl DetectedStill {
    /// By another machine, which was asked then.
    fn from_remote(
        remote: &dyn RemoteDetector,
        size: (u32, u32),
        (mut detections, begun): (Vec<Detection>, Instant),
        threshold: f32,
    ) -> Self {
        detections.retain(|detection| detection.confidence >= threshold);
        let found = Found { detections, wait: Duration::ZERO, took: clock::since(begun) };
        Self { model: Model::Remote(remote.known_model()), size, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_counts_what_decoding_its_kind_takes() {
        let limits = Limits::default();
        let bytes =
            |picture: &Picture| picture.read_header(&limits).map(|header| picture.decoding_bytes(&header));
        // 10 x 10, three components as dense as each other, all in one scan.
        let jpeg = |frame: u8| {
            let header = [0xff, frame, 0, 17, 8, 0, 10, 0, 10, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1];
            Picture::File([&[0xff, 0xd8][..], &header, &[0xff, 0xda, 0, 3, 3]].concat().into())
        };
        assert_eq!(bytes(&jpeg(0xc0)), Some(700));
        assert_eq!(bytes(&jpeg(0xc2)), Some(900), "progressive");
        assert_eq!(bytes(&Picture::Rgb { size: (10, 10), values: Bytes::new() }), Some(700));
        assert_eq!(bytes(&Picture::File(Bytes::from_static(b"none"))), None);
    }
}
