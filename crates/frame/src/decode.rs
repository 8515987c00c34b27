//! JPEG or PNG to pixels, as OpenCV's `imdecode(…, IMREAD_COLOR)` does.
//!
//! Grey becomes three equal channels, alpha is dropped, 16-bit samples keep their high byte, four-colour JPEGs are
//! converted with OpenCV's formula, and the EXIF orientation is applied.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::CodecError;
use crate::exif::{self, Orientation};
use crate::header::{self, Format, HeaderError, LimitError, Limits};
use crate::image::Image;
use crate::jpeg::JpegDecoder;
use crate::png::{Alpha, PngDecoder};

/// Why a picture could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The decoder itself could not be set up.
    #[error("the JPEG decoder could not be set up: {0}")]
    Setup(CodecError),
    /// The header cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The picture is too large.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The picture is cut off, damaged or of a kind that the library does not read.
    #[error("the {format} cannot be decoded: {reason}")]
    Picture {
        /// The format by its header.
        format: Format,
        /// What the library made of it.
        reason: CodecError,
    },
}

/// Decodes pictures, one after another. Keep one per thread: it keeps its handles and buffers.
///
/// For JPEG (feature `turbo`) nothing is allocated on the Rust side once the buffers have grown; libjpeg-turbo takes
/// and frees a few work rows of its own per picture. PNG allocates per picture.
pub struct Decoder {
    jpeg: JpegDecoder,
    png: PngDecoder,
    unturned: Image,
}

impl Decoder {
    /// A decoder for both formats.
    pub fn new() -> Result<Self, DecodeError> {
        let jpeg = JpegDecoder::new().map_err(DecodeError::Setup)?;
        Ok(Self { jpeg, png: PngDecoder::default(), unturned: Image::default() })
    }

    /// Decodes a JPEG or PNG to BGR. `out` gets the picture's size; its memory is reused.
    ///
    /// The header is checked against `limits` before anything is decoded or allocated. A picture that is cut off or
    /// damaged is an error as far as the library notices; after an error the pixels of `out` are unspecified.
    pub fn decode(&mut self, bytes: &[u8], limits: &Limits, out: &mut Image) -> Result<(), DecodeError> {
        self.decode_with(Alpha::Dropped, bytes, limits, out)
    }

    /// [`Decoder::decode`], with the transparency of a PNG as asked for.
    pub(crate) fn decode_with(
        &mut self,
        alpha: Alpha,
        bytes: &[u8],
        limits: &Limits,
        out: &mut Image,
    ) -> Result<(), DecodeError> {
        limits.check_bytes(bytes.len())?;
        let header = header::probe(bytes)?;
        limits.check_size(&header)?;
        let orientation = exif::orientation(header.format, bytes);
        let upright = orientation == Orientation::Upright;
        let stored = if upright { &mut *out } else { &mut self.unturned };
        // The libraries' decoders have panicked on crafted pictures before. Anyone's bytes come here, so that must cost
        // one picture and not a thread; the decoder is replaced, since nobody knows what state it is in.
        let decoded = catch_unwind(AssertUnwindSafe(|| match header.format {
            Format::Jpeg => self.jpeg.decode(bytes, &header, stored),
            Format::Png => self.png.decode(bytes, &header, alpha, stored),
        }));
        let decoded = if let Ok(decoded) = decoded {
            decoded
        } else {
            self.png = PngDecoder::default();
            self.jpeg = JpegDecoder::new().map_err(DecodeError::Setup)?;
            Err(CodecError::Panicked)
        };
        decoded.map_err(|reason| DecodeError::Picture { format: header.format, reason })?;
        if !upright {
            orientation.apply(&self.unturned, out);
            self.unturned.release();
        }
        Ok(())
    }
}
