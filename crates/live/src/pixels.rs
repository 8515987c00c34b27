//! A fixed number of threads that decode, draw and encode: never the network's threads, and never more of them.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sightwire_annotate::Annotator;
use sightwire_engine::pool;
use sightwire_engine::priority::Priority;
use sightwire_frame::header::Limits;
use sightwire_frame::{DecodeError, Decoder, Encoder, Image};
use sightwire_hub::picture::{Making, PictureError, PicturePool};
use sightwire_infer::jobs::Jobs;
pub use sightwire_infer::jobs::Lost;

/// What a thread works with.
pub struct Tools {
    /// Makes pixels of JPEGs.
    pub decoder: Decoder,
    /// Makes JPEGs of pixels.
    pub encoder: Encoder,
    /// Draws boxes, labels and banners into pixels.
    pub annotator: Annotator,
}

impl Tools {
    /// The pixels of a JPEG.
    pub fn decode(&mut self, jpeg: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
        let mut image = Image::new(0, 0);
        self.decoder.decode(jpeg, limits, &mut image)?;
        Ok(image)
    }

    /// The same of a stream's picture: one that is too large is decoded to a part of its sides.
    pub fn decode_to_fit(&mut self, jpeg: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
        let mut image = Image::new(0, 0);
        self.decoder.decode_to_fit(jpeg, limits, &mut image)?;
        Ok(image)
    }

    /// As JPEG, `quality` 1–100; none where it cannot be one.
    pub fn encode(&mut self, image: &Image, quality: u8) -> Option<Bytes> {
        let mut jpeg = Vec::new();
        self.encoder.encode(image, quality, &mut jpeg).ok()?;
        Some(jpeg.into())
    }
}

/// The threads. Code that gives work waits for it: analyses, views, cameras (for their banners) and single pictures, all of which are
/// limited in number.
#[derive(Debug)]
pub struct PixelPool {
    jobs: Jobs<Tools>,
    limits: Limits,
}

impl Deref for PixelPool {
    type Target = Jobs<Tools>;

    fn deref(&self) -> &Jobs<Tools> {
        &self.jobs
    }
}

impl PicturePool for PixelPool {
    fn decode(&self, jpeg: Bytes) -> Making<'_, Image> {
        let limits = self.limits;
        Box::pin(async move {
            let decoded = self.jobs.run(move |tools| tools.decode_to_fit(&jpeg, &limits)).await;
            Ok(decoded.map_err(|Lost| PictureError::Lost)??)
        })
    }

    fn encode(&self, image: Arc<Image>, quality: u8) -> Making<'_, Bytes> {
        Box::pin(async move {
            let encoded = self.jobs.run(move |tools| tools.encode(&image, quality)).await;
            encoded.map_err(|Lost| PictureError::Lost)?.ok_or(PictureError::Encode)
        })
    }
}

/// An idle thread may keep its tools for long: they are small.
const IDLE_RELEASE: Duration = Duration::from_mins(5);

impl PixelPool {
    /// Starts the threads, or says why the system refuses them. What is larger than the limits is decoded to a part of its sides.
    pub fn start(threads: usize, limits: Limits) -> std::io::Result<Self> {
        let options =
            pool::Options { name: "pixels", threads, priority: Priority::Live, idle_release: IDLE_RELEASE };
        let jobs = Jobs::start(options, || {
            Some(Tools {
                decoder: Decoder::new().ok()?,
                encoder: Encoder::new().ok()?,
                annotator: Annotator::new(),
            })
        })?;
        Ok(Self { jobs, limits })
    }
}
