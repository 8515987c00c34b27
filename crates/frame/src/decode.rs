//! JPEG or PNG to pixels, as OpenCV's `imdecode(…, IMREAD_COLOR)` does.
//!
//! Grey becomes three equal channels, alpha is dropped, 16-bit samples keep their high byte, four-colour JPEGs are
//! converted with OpenCV's formula, and the EXIF orientation is applied.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::CodecError;
use crate::exif::{self, Orientation};
use crate::header::{self, Format, Header, HeaderError, LimitError, Limits};
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

/// To which part of its sides a picture is decoded; one that is not whole becomes a pixel more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// All of its pixels.
    #[default]
    Whole,
    /// Half of each side.
    Half,
    /// A quarter of each side.
    Quarter,
    /// An eighth of each side.
    Eighth,
}

impl Scale {
    /// What sides are divided by.
    pub fn divisor(self) -> u32 {
        match self {
            Self::Whole => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// A side of this many pixels.
    pub fn side(self, pixels: u32) -> u32 {
        pixels.div_ceil(self.divisor())
    }

    /// The largest at which a picture is within the limits; `None` if none is, or if it would take long even so.
    fn to_fit(header: &Header, limits: &Limits) -> Option<Self> {
        let pixels = u64::from(header.width) * u64::from(header.height);
        if pixels > MOST_SCALED || header.format != Format::Jpeg || !cfg!(feature = "turbo") {
            return None;
        }
        let fits = |scale: &Self| {
            let (width, height) = (scale.side(header.width), scale.side(header.height));
            limits.check_size(&Header { width, height, ..*header }).is_ok()
        };
        [Self::Half, Self::Quarter, Self::Eighth].into_iter().find(fits)
    }
}

/// The header of a picture that is within the limits.
fn header_within(bytes: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    limits.check_bytes(bytes.len())?;
    let header = header::probe_header(bytes)?;
    limits.check_size(&header)?;
    Ok(header)
}

/// Pixels of a picture that is decoded to fewer: all of its codes are read.
const MOST_SCALED: u64 = 100_000_000;

/// Decodes pictures, one after another. Keep one per thread: it keeps its handles and buffers.
///
/// For JPEG (feature `turbo`) nothing is allocated on the Rust side once the buffers have grown; libjpeg-turbo takes
/// and frees a few work rows of its own per picture. PNG allocates per picture.
pub struct Decoder {
    jpeg: JpegDecoder,
    png: PngDecoder,
    unturned: Image,
    /// Pictures are turned where they are.
    in_place: bool,
}

impl Decoder {
    /// A decoder for both formats.
    pub fn new() -> Result<Self, DecodeError> {
        let jpeg = JpegDecoder::new().map_err(DecodeError::Setup)?;
        Ok(Self { jpeg, png: PngDecoder::default(), unturned: Image::default(), in_place: false })
    }

    /// One that turns pictures where they are, without memory for a second one; small ones take a quarter longer.
    pub(crate) fn in_place() -> Result<Self, DecodeError> {
        Ok(Self { in_place: true, ..Self::new()? })
    }

    /// Decodes a JPEG or PNG to BGR. `out` gets the picture's size; its memory is reused.
    ///
    /// The header is checked against `limits` before anything is decoded or allocated. A picture that is cut off or
    /// damaged is an error as far as the library notices; after an error the pixels of `out` are unspecified.
    pub fn decode(&mut self, bytes: &[u8], limits: &Limits, out: &mut Image) -> Result<(), DecodeError> {
        self.decode_with(Alpha::Dropped, bytes, limits, out)
    }

    /// [`Decoder::decode`]; a JPEG that has more pixels than the limits allow is decoded to a half, a quarter or an eighth of its
    /// sides, if it is within them then.
    pub fn decode_to_fit(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        out: &mut Image,
    ) -> Result<Scale, DecodeError> {
        limits.check_bytes(bytes.len())?;
        let header = header::probe_header(bytes)?;
        let scale = match limits.check_size(&header) {
            Ok(()) => Scale::Whole,
            Err(large) => Scale::to_fit(&header, limits).ok_or(large)?,
        };
        self.decode_probed(Alpha::Dropped, bytes, &header, scale, out)?;
        Ok(scale)
    }

    /// [`Decoder::decode`], with the transparency of a PNG as asked for.
    pub(crate) fn decode_with(
        &mut self,
        alpha: Alpha,
        bytes: &[u8],
        limits: &Limits,
        out: &mut Image,
    ) -> Result<(), DecodeError> {
        let header = header_within(bytes, limits)?;
        self.decode_probed(alpha, bytes, &header, Scale::Whole, out)
    }

    /// [`Decoder::decode_with`], of a JPEG that lacks its end: what is missing of the picture is grey.
    pub(crate) fn decode_cut_off(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        out: &mut Image,
    ) -> Result<(), DecodeError> {
        let header = header_within(bytes, limits)?;
        self.decode_stored(bytes, &header, out, |this, stored| {
            this.jpeg.decode_cut_off(bytes, &header, stored)
        })
    }

    fn decode_probed(
        &mut self,
        alpha: Alpha,
        bytes: &[u8],
        header: &Header,
        scale: Scale,
        out: &mut Image,
    ) -> Result<(), DecodeError> {
        self.decode_stored(bytes, header, out, |this, stored| match header.format {
            Format::Jpeg => this.jpeg.decode(bytes, header, scale, stored),
            Format::Png => this.png.decode(bytes, header, alpha, stored),
        })
    }

    /// Turns upright what `decode` gives.
    fn decode_stored(
        &mut self,
        bytes: &[u8],
        header: &Header,
        out: &mut Image,
        decode: impl FnOnce(&mut Self, &mut Image) -> Result<(), CodecError>,
    ) -> Result<(), DecodeError> {
        let orientation = exif::read_orientation(header.format, bytes);
        let apart = orientation != Orientation::Upright && !self.in_place;
        let mut unturned = std::mem::take(&mut self.unturned);
        let stored = if apart { &mut unturned } else { &mut *out };
        // The libraries' decoders have panicked on crafted pictures before. Anyone's bytes come here, so that must cost
        // one picture and not a thread; the decoder is replaced, since nobody knows what state it is in.
        let decoded = catch_unwind(AssertUnwindSafe(|| decode(self, stored)));
        self.unturned = unturned;
        let decoded = if let Ok(decoded) = decoded {
            decoded
        } else {
            self.png = PngDecoder::default();
            self.jpeg = JpegDecoder::new().map_err(DecodeError::Setup)?;
            Err(CodecError::Panicked)
        };
        decoded.map_err(|reason| DecodeError::Picture { format: header.format, reason })?;
        if apart {
            orientation.turn_into(&self.unturned, out);
            self.unturned.release();
        } else {
            orientation.turn_in_place(out);
        }
        Ok(())
    }
}
