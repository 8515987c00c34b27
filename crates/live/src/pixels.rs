//! A fixed number of threads that decode, draw and encode: never the network's threads, and never more of them.

use std::time::Duration;

use bytes::Bytes;
use sightwire_frame::draw::Annotator;
use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Encoder, Image};
use sightwire_infer::jobs::Jobs;
pub use sightwire_infer::jobs::Lost;
use sightwire_infer::pool;
use sightwire_infer::priority::Priority;

/// What a thread works with.
pub struct Tools {
    /// JPEG to pixels.
    pub decoder: Decoder,
    /// Pixels to JPEG.
    pub encoder: Encoder,
    /// Boxes, labels, banners.
    pub annotator: Annotator,
}

impl Tools {
    /// The pixels of a JPEG.
    pub fn decode(&mut self, jpeg: &[u8], limits: &Limits) -> Result<Image, String> {
        let mut image = Image::new(0, 0);
        self.decoder.decode(jpeg, limits, &mut image).map(|()| image).map_err(|error| error.to_string())
    }

    /// As JPEG, `quality` 1–100; none where it cannot be one.
    pub fn encode(&mut self, image: &Image, quality: u8) -> Option<Bytes> {
        let mut jpeg = Vec::new();
        self.encoder.encode(image, quality, &mut jpeg).ok()?;
        Some(jpeg.into())
    }
}

/// The threads. Whoever gives work waits for it: analyses, views, cameras (for their banners) and single pictures, all of which are
/// limited in number.
pub type Pixels = Jobs<Tools>;

/// Tools are small.
const IDLE_RELEASE: Duration = Duration::from_mins(5);

/// So many threads.
pub fn start(threads: usize) -> std::io::Result<Pixels> {
    let options =
        pool::Options { name: "pixels", threads, priority: Priority::Live, idle_release: IDLE_RELEASE };
    Jobs::start(options, || {
        Some(Tools {
            decoder: Decoder::new().ok()?,
            encoder: Encoder::new().ok()?,
            annotator: Annotator::new(),
        })
    })
}
