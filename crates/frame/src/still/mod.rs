//! Still pictures as people have them: JPEG, PNG, WebP, TIFF with its pages, BMP, GIF.
//!
//! PDF, AVIF and HEIC have a name here and are read elsewhere: by `crates/documents`, in a process of their own.
//!
//! A file is read by its content, whatever its name says. Bytes, pixels, sides and pages are limited from the headers,
//! before anything is decoded. Pages come upright (EXIF and TIFF orientation), and as they look on white paper (PNG and
//! WebP whose edges are light: on black), so that text on transparent ground can be read. Of an animation this is the first picture.

mod bmp;
mod density;
mod error;
mod gif;
mod memory;
mod plain;
mod tiff;
mod webp;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::CodecError;
use crate::decode::Decoder;
use crate::exif::{self, Orientation};
use crate::found::{self, Brands};
use crate::header::{
    self, Format, Found, Header, JPEG_END, JPEG_SIGNATURE, LimitError, Limits, PNG_SIGNATURE,
};
use crate::image::Image;
use crate::png::Alpha;
pub use density::{Density, PDF_DENSITY, read_density};
pub use error::{StillError, Undrawn};
pub use memory::{decoding_bytes, drawing_bytes, shown_bytes};
pub use plain::{PlainJpeg, plain_jpeg};

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
    /// PDF, all pages, each drawn as a picture.
    Pdf,
    /// AVIF, the first picture.
    Avif,
    /// HEIC and other HEIF of HEVC, the main picture.
    Heic,
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
            Self::Pdf => "pdf",
            Self::Avif => "avif",
            Self::Heic => "heic",
        }
    }

    /// Whether its pages are drawn by a process of their own, since nobody can say how long that takes: [`probe_still`] and
    /// [`StillDecoder`] read none of it.
    pub fn is_drawn(self) -> bool {
        matches!(self, Self::Pdf | Self::Avif | Self::Heic)
    }

    /// By the first bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(&JPEG_SIGNATURE) => Some(Self::Jpeg),
            _ if bytes.starts_with(&PNG_SIGNATURE) => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Some(Self::Tiff),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ if bmp::is_bmp(bytes) => Some(Self::Bmp),
            _ if is_pdf(bytes) => Some(Self::Pdf),
            _ => match found::read_brands(bytes)? {
                Brands::Avif => Some(Self::Avif),
                Brands::Heic => Some(Self::Heic),
            },
        }
    }
}

/// Something may stand before a PDF, and readers look for it so far.
fn is_pdf(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1024)];
    start.windows(5).any(|window| window == b"%PDF-")
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
            Self::Pdf => "PDF",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
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
    fn picture_limits(&self) -> Limits {
        Limits { max_bytes: self.max_bytes, max_pixels: self.max_pixels, max_side: self.max_side }
    }

    /// Whether a page of this size is within the limits.
    pub fn check_size(&self, size: (u32, u32)) -> Result<(), LimitError> {
        check_size(size, &self.picture_limits())
    }

    /// Whether a file of this many bytes is within the limits.
    pub fn check_bytes(&self, bytes: usize) -> Result<(), LimitError> {
        self.picture_limits().check_bytes(bytes)
    }
}

fn check_size((width, height): (u32, u32), limits: &Limits) -> Result<(), LimitError> {
    // The check looks at the sides alone.
    limits.check_size(&Header { format: Format::Png, width, height })
}

/// What the headers of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillHeader {
    /// The format, by the content.
    pub format: StillFormat,
    /// Width and height in pixels of each page as it is decoded: upright. At least one page, no side is 0.
    pub pages: Vec<(u32, u32)>,
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
    fn read_pages(format: StillFormat, bytes: &[u8], limits: &StillLimits) -> Result<Self, StillError> {
        let picture = limits.picture_limits();
        let one = |stored, orientation| {
            limits.check_size(stored)?;
            Ok(Self::One { stored, orientation })
        };
        match format {
            StillFormat::Jpeg | StillFormat::Png => {
                let header =
                    header::probe_header(bytes).map_err(|error| StillError::from_header(format, &error))?;
                one((header.width, header.height), exif::read_orientation(header.format, bytes))
            }
            StillFormat::WebP => {
                let header = webp::read_header(bytes, &picture)?;
                one(header.size, header.orientation)
            }
            StillFormat::Bmp => one(bmp::read_size(bytes)?, Orientation::Upright),
            StillFormat::Gif => one(gif::read_size(bytes)?, Orientation::Upright),
            StillFormat::Tiff => {
                let pages = tiff::pages(bytes, limits.max_pages)?;
                for page in &pages {
                    limits.check_size(page.stored)?;
                }
                Ok(Self::Tiff(pages))
            }
            StillFormat::Pdf | StillFormat::Avif | StillFormat::Heic => {
                Err(StillError::UnknownFormat(Found::new(bytes)))
            }
        }
    }

    fn upright_sizes(&self) -> Vec<(u32, u32)> {
        match self {
            Self::One { stored, orientation } => vec![orientation.upright_size(*stored)],
            Self::Tiff(pages) => {
                pages.iter().map(|page| page.orientation.upright_size(page.stored)).collect()
            }
        }
    }
}

/// Format and pages of a file, from its headers.
///
/// Decodes nothing. The time is linear in the bytes of the headers, the memory in the pages; all limits are checked.
pub fn probe_still(bytes: &[u8], limits: &StillLimits) -> Result<StillHeader, StillError> {
    let (format, pages) = open_still(bytes, limits)?;
    Ok(StillHeader { format, pages: pages.upright_sizes() })
}

/// Whether a JPEG ends before its picture does, or without saying so: what there is of it is decoded, and the rest is grey.
pub fn is_cut_off(format: StillFormat, bytes: &[u8]) -> bool {
    // Nearly all end so, and then nothing has to be looked through.
    format == StillFormat::Jpeg && !bytes.ends_with(&JPEG_END) && plain::picture_end(bytes).is_none()
}

fn open_still(bytes: &[u8], limits: &StillLimits) -> Result<(StillFormat, Pages), StillError> {
    limits.picture_limits().check_bytes(bytes.len())?;
    let format = StillFormat::from_bytes(bytes).filter(|format| !format.is_drawn());
    let format = format.ok_or_else(|| StillError::UnknownFormat(Found::new(bytes)))?;
    Ok((format, Pages::read_pages(format, bytes, limits)?))
}

/// Decodes stills, one page after another. Keep one per thread: it keeps its handles and buffers.
pub struct StillDecoder {
    live: Decoder,
}

impl StillDecoder {
    /// A decoder for all formats.
    pub fn new() -> Result<Self, StillError> {
        let live = Decoder::in_place().map_err(|error| StillError::from_decoder(StillFormat::Jpeg, error))?;
        Ok(Self { live })
    }

    /// Decodes a page, counted from 0, to upright BGR. `out` gets the page's size; its memory is reused.
    ///
    /// Greys become three equal channels, 16-bit samples keep their high byte, transparency shows white (in a PNG or WebP
    /// whose edges are light, black). The headers are checked against `limits` first. Of a JPEG that is [cut off](is_cut_off)
    /// what is missing is grey. Any other picture that is cut off or damaged is an error as far as its library notices; after an error the pixels of `out` are unspecified.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        page: u32,
        limits: &StillLimits,
        out: &mut Image,
    ) -> Result<(), StillError> {
        let (format, pages) = open_still(bytes, limits)?;
        let count = match &pages {
            Pages::One { .. } => 1,
            Pages::Tiff(pages) => pages.len(),
        };
        if page as usize >= count {
            return Err(StillError::Page { format, page: u64::from(page) + 1, pages: count });
        }
        if matches!(format, StillFormat::Jpeg | StillFormat::Png) {
            let decoded = if is_cut_off(format, bytes) {
                self.live.decode_cut_off(bytes, &limits.picture_limits(), out)
            } else {
                self.live.decode_with(Alpha::Shown, bytes, &limits.picture_limits(), out)
            };
            return decoded.map_err(|error| StillError::from_decoder(format, error));
        }
        let orientation = match &pages {
            Pages::One { orientation, .. } => *orientation,
            Pages::Tiff(pages) => pages[page as usize].orientation,
        };
        // Anyone's bytes come here: a library's panic must cost one picture and not a thread. Nothing of theirs is kept.
        let decoded = catch_unwind(AssertUnwindSafe(|| match (format, &pages) {
            (StillFormat::WebP, Pages::One { stored: size, .. }) => webp::decode_webp(bytes, *size, out),
            (StillFormat::Bmp, _) => bmp::decode_bmp(bytes, out),
            (StillFormat::Gif, Pages::One { stored: size, .. }) => gif::decode_gif(bytes, *size, out),
            (_, Pages::Tiff(pages)) => {
                tiff::decode_page(bytes, &pages[page as usize], limits.max_pixels, out)
            }
            _ => Err(StillError::damaged(format, "there is nothing to decode")),
        }));
        decoded.unwrap_or_else(|_| Err(StillError::damaged(format, CodecError::Panicked)))?;
        orientation.turn_in_place(out);
        Ok(())
    }
}
