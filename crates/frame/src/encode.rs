//! Pixels to JPEG.

use crate::codec::CodecError;
use crate::image::Image;
use crate::jpeg::JpegEncoder;

/// Why a picture could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The encoder itself could not be set up.
    #[error("the JPEG encoder could not be set up: {0}")]
    Setup(CodecError),
    /// The quality is not 1 to 100.
    #[error("JPEG quality {0} is not between 1 and 100")]
    Quality(u8),
    /// A side is 0 or above 65,500 pixels, the most that JPEG libraries agree on.
    #[error("a picture of {width}x{height} pixels cannot be a JPEG")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The library refused.
    #[error("the picture of {width}x{height} cannot be encoded: {reason}")]
    Picture {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// What the library made of it.
        reason: CodecError,
    },
}

/// Encodes pictures to JPEG, one after another. Keep one per thread: it keeps its handle and buffer.
pub struct Encoder {
    jpeg: JpegEncoder,
}

impl Encoder {
    /// An encoder of baseline JPEG with 4:2:0 colour, as cameras and browsers write it.
    pub fn new() -> Result<Self, EncodeError> {
        Ok(Self { jpeg: JpegEncoder::new().map_err(EncodeError::Setup)? })
    }

    /// Encodes `image` with `quality` 1 to 100. `out` is replaced; its memory is reused.
    pub fn encode(&mut self, image: &Image, quality: u8, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (width, height) = (image.width(), image.height());
        if !(1..=100).contains(&quality) {
            return Err(EncodeError::Quality(quality));
        }
        if width == 0 || height == 0 || width.max(height) > 65_500 {
            return Err(EncodeError::Size { width, height });
        }
        let encoded = self.jpeg.encode(image, quality, out);
        encoded.map_err(|reason| EncodeError::Picture { width, height, reason })
    }
}
