//! Still pictures as people have them: JPEG, PNG, WebP, TIFF with its pages, BMP, GIF.
//!
//! A file is read by its content, whatever its name says. Bytes, pixels, sides and pages are limited from the headers,
//! before anything is decoded. Pages come upright (EXIF and TIFF orientation), and as they look on white paper, so that
//! text on transparent ground can be read. Of an animation this is the first picture.

mod bmp;
mod gif;
mod tiff;
mod webp;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::CodecError;
use crate::decode::{DecodeError, Decoder};
use crate::exif::{self, Orientation};
use crate::header::{
    self, Format, Found, Header, HeaderError, JPEG_SIGNATURE, LimitError, Limits, PNG_SIGNATURE,
};
use crate::image::Image;
use crate::png::Alpha;

/// A format of still pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StillFormat {
    /// JPEG, four colours too.
    Jpeg,
    /// PNG, all colour types and depths. Of an animation the first picture.
    Png,
    /// WebP, lossy and lossless. Of an animation the first picture.
    WebP,
    /// TIFF and `BigTIFF`, all pages but thumbnails and masks: LZW, Deflate, `PackBits`, JPEG and fax group 4; whole
    /// numbers of at most 16 bits.
    Tiff,
    /// BMP of Windows and OS/2, 1 to 32 bits, run lengths.
    Bmp,
    /// GIF, the first picture.
    Gif,
}

impl StillFormat {
    /// The name in small letters: `jpeg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Gif => "gif",
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(&JPEG_SIGNATURE) => Some(Self::Jpeg),
            _ if bytes.starts_with(&PNG_SIGNATURE) => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Some(Self::Tiff),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ if bmp::is_bmp(bytes) => Some(Self::Bmp),
            _ => None,
        }
    }
}

impl From<Format> for StillFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg,
            Format::Png => Self::Png,
        }
    }
}

/// As the field writes it: `JPEG`, `WebP`.
impl fmt::Display for StillFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
        })
    }
}

/// How large a file and its pages may be. Checked from the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillLimits {
    /// Bytes of the file.
    pub max_bytes: usize,
    /// Pixels of a page: width × height.
    pub max_pixels: u64,
    /// Pixels on either side of a page.
    pub max_side: u32,
    /// Pages of a file.
    pub max_pages: u32,
}

/// 64 MiB, 100 megapixels, 32,768 pixels a side, 200 pages.
impl Default for StillLimits {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_pixels: 100_000_000, max_side: 32_768, max_pages: 200 }
    }
}

impl StillLimits {
    fn picture(&self) -> Limits {
        Limits { max_bytes: self.max_bytes, max_pixels: self.max_pixels, max_side: self.max_side }
    }

    /// Whether a page of this size is within the limits.
    fn check((width, height): (u32, u32), limits: &Limits) -> Result<(), LimitError> {
        // The check looks at the sides alone.
        limits.check_size(&Header { format: Format::Png, width, height })
    }
}

/// What the headers of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillHeader {
    /// The format, by the content.
    pub format: StillFormat,
    /// Width and height in pixels of each page as it is decoded: upright. At least one page, no side is 0.
    pub pages: Vec<(u32, u32)>,
}

/// Why a still picture cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// The decoder itself could not be set up.
    #[error("the JPEG decoder could not be set up: {0}")]
    Setup(CodecError),
    /// None of the formats.
    #[error("no picture of a kind that is read here ({0}): send a JPEG, PNG, WebP, TIFF, BMP or GIF")]
    UnknownFormat(Found),
    /// Cut off or broken.
    #[error("the {format} is cut off or damaged: {reason}")]
    Damaged {
        /// The format by its content.
        format: StillFormat,
        /// What is wrong.
        reason: CodecError,
    },
    /// A kind of the format that is not read here.
    #[error("this kind of {format} is not supported: {what}; save it as a PNG or JPEG")]
    Unsupported {
        /// The format by its content.
        format: StillFormat,
        /// What kind.
        what: String,
    },
    /// Too many bytes or pixels.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Too many pages.
    #[error("the TIFF has more than {limit} pages: split it")]
    Pages {
        /// The limit.
        limit: u32,
    },
    /// A page that the file does not have.
    #[error("there is no page {page}, the {format} has {pages}")]
    Page {
        /// The format.
        format: StillFormat,
        /// The page asked for, from 1.
        page: u64,
        /// Pages of the file.
        pages: usize,
    },
}

impl StillError {
    fn damaged(format: StillFormat, reason: impl Into<CodecError>) -> Self {
        Self::Damaged { format, reason: reason.into() }
    }

    fn unsupported(format: StillFormat, what: impl Into<String>) -> Self {
        Self::Unsupported { format, what: what.into() }
    }

    fn from_header(format: StillFormat, error: &HeaderError) -> Self {
        match *error {
            HeaderError::Incomplete => Self::damaged(format, "it ends within its header"),
            HeaderError::UnknownFormat(found) => Self::UnknownFormat(found),
            HeaderError::Malformed { what, .. } => Self::damaged(format, what),
            HeaderError::Unsupported { what, .. } => Self::unsupported(format, what),
        }
    }

    fn from_decoder(format: StillFormat, error: DecodeError) -> Self {
        match error {
            DecodeError::Setup(reason) => Self::Setup(reason),
            DecodeError::Header(error) => Self::from_header(format, &error),
            DecodeError::Limit(error) => Self::Limit(error),
            DecodeError::Picture { reason, .. } => Self::damaged(format, reason),
        }
    }
}

/// Where a page is and how it is to be turned.
enum Pages {
    /// The only picture of a file.
    One {
        stored: (u32, u32),
        orientation: Orientation,
    },
    Tiff(Vec<tiff::Page>),
}

impl Pages {
    fn read(format: StillFormat, bytes: &[u8], limits: &StillLimits) -> Result<Self, StillError> {
        let picture = limits.picture();
        let one = |stored, orientation| {
            StillLimits::check(stored, &picture)?;
            Ok(Self::One { stored, orientation })
        };
        match format {
            StillFormat::Jpeg | StillFormat::Png => {
                let header = header::probe(bytes).map_err(|error| StillError::from_header(format, &error))?;
                one((header.width, header.height), exif::orientation(header.format, bytes))
            }
            StillFormat::WebP => {
                let header = webp::header(bytes, &picture)?;
                one(header.size, header.orientation)
            }
            StillFormat::Bmp => one(bmp::size(bytes)?, Orientation::Upright),
            StillFormat::Gif => one(gif::size(bytes)?, Orientation::Upright),
            StillFormat::Tiff => {
                let pages = tiff::pages(bytes, limits.max_pages)?;
                for page in &pages {
                    StillLimits::check(page.stored, &picture)?;
                }
                Ok(Self::Tiff(pages))
            }
        }
    }

    fn upright(&self) -> Vec<(u32, u32)> {
        match self {
            Self::One { stored, orientation } => vec![orientation.upright(*stored)],
            Self::Tiff(pages) => pages.iter().map(|page| page.orientation.upright(page.stored)).collect(),
        }
    }
}

/// Format and pages of a file, from its headers.
///
/// Decodes nothing. The time is linear in the bytes of the headers, the memory in the pages; all limits are checked.
pub fn probe(bytes: &[u8], limits: &StillLimits) -> Result<StillHeader, StillError> {
    let (format, pages) = open(bytes, limits)?;
    Ok(StillHeader { format, pages: pages.upright() })
}

fn open(bytes: &[u8], limits: &StillLimits) -> Result<(StillFormat, Pages), StillError> {
    limits.picture().check_bytes(bytes.len())?;
    let format = StillFormat::of(bytes).ok_or_else(|| StillError::UnknownFormat(Found::new(bytes)))?;
    Ok((format, Pages::read(format, bytes, limits)?))
}

/// Decodes stills, one page after another. Keep one per thread: it keeps its handles and buffers.
pub struct StillDecoder {
    live: Decoder,
    unturned: Image,
}

impl StillDecoder {
    /// A decoder for all formats.
    pub fn new() -> Result<Self, StillError> {
        let live = Decoder::new().map_err(|error| StillError::from_decoder(StillFormat::Jpeg, error))?;
        Ok(Self { live, unturned: Image::default() })
    }

    /// Decodes a page, counted from 0, to upright BGR. `out` gets the page's size; its memory is reused.
    ///
    /// Greys become three equal channels, 16-bit samples keep their high byte, transparency shows white. The headers
    /// are checked against `limits` first. A picture that is cut off or damaged is an error as far as its library
    /// notices; after an error the pixels of `out` are unspecified.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        page: u32,
        limits: &StillLimits,
        out: &mut Image,
    ) -> Result<(), StillError> {
        let (format, pages) = open(bytes, limits)?;
        let count = match &pages {
            Pages::One { .. } => 1,
            Pages::Tiff(pages) => pages.len(),
        };
        if page as usize >= count {
            return Err(StillError::Page { format, page: u64::from(page) + 1, pages: count });
        }
        if matches!(format, StillFormat::Jpeg | StillFormat::Png) {
            let decoded = self.live.decode_with(Alpha::OnWhite, bytes, &limits.picture(), out);
            return decoded.map_err(|error| StillError::from_decoder(format, error));
        }
        let orientation = match &pages {
            Pages::One { orientation, .. } => *orientation,
            Pages::Tiff(pages) => pages[page as usize].orientation,
        };
        let upright = orientation == Orientation::Upright;
        let stored = if upright { &mut *out } else { &mut self.unturned };
        // Anyone's bytes come here: a library's panic must cost one picture and not a thread. Nothing of theirs is kept.
        let decoded = catch_unwind(AssertUnwindSafe(|| match (format, &pages) {
            (StillFormat::WebP, Pages::One { stored: size, .. }) => webp::decode(bytes, *size, stored),
            (StillFormat::Bmp, _) => bmp::decode(bytes, stored),
            (StillFormat::Gif, Pages::One { stored: size, .. }) => gif::decode(bytes, *size, stored),
            (_, Pages::Tiff(pages)) => tiff::decode(bytes, &pages[page as usize], limits.max_pixels, stored),
            _ => Err(StillError::damaged(format, "there is nothing to decode")),
        }));
        decoded.unwrap_or_else(|_| Err(StillError::damaged(format, CodecError::Panicked)))?;
        if !upright {
            orientation.apply(&self.unturned, out);
            self.unturned.release();
        }
        Ok(())
    }
}
