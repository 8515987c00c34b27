//! Format and size of a picture from its first bytes, without decoding anything.
//!
//! A picture of 20,000 × 20,000 pixels can be a file of a few kilobytes, so the size is read and limited before any
//! decoder sees the bytes. JPEG: ITU-T T.81, annex B (marker segments). PNG: W3C PNG, third edition, section 5.

use std::fmt;

pub use crate::found::Found;

/// A picture format that [`crate::Decoder`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG: baseline, extended, progressive; Huffman or arithmetic coding as far as the library goes.
    Jpeg,
    /// PNG, all colour types and depths. Of an animation the first picture.
    Png,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}

/// What the header of a picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// By the first bytes, whatever the file is called.
    pub format: Format,
    /// Stored width in pixels, at least 1. An EXIF orientation may swap it with the height when decoding.
    pub width: u32,
    /// Stored height in pixels, at least 1.
    pub height: u32,
}

/// Why a header could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The bytes end before the size is known. With more bytes of the same picture the answer may be another.
    #[error("the picture ends within its header")]
    Incomplete,
    /// Neither JPEG nor PNG.
    #[error("neither a JPEG nor a PNG: {0}")]
    UnknownFormat(Found),
    /// A JPEG or PNG whose header breaks the format's rules.
    #[error("damaged {format} header: {what}")]
    Malformed {
        /// The format by its signature.
        format: Format,
        /// The rule that it breaks.
        what: &'static str,
    },
    /// A JPEG or PNG of a kind that is not read here.
    #[error("{format} of a kind that is not supported: {what}")]
    Unsupported {
        /// The format by its signature.
        format: Format,
        /// The kind, as the message names it.
        what: &'static str,
    },
}

/// How large a picture may be. Checked from the header, before decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the encoded picture.
    pub max_bytes: usize,
    /// Pixels: width × height.
    pub max_pixels: u64,
    /// Pixels on either side.
    pub max_side: u32,
}

/// 10 MiB, 40 megapixels, 16,384 pixels a side.
impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 10 << 20, max_pixels: 40_000_000, max_side: 16_384 }
    }
}

/// Which limit a picture passes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// More encoded bytes than allowed.
    #[error("the picture has {found} bytes, the limit is {limit}")]
    Bytes {
        /// Bytes of the picture.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A side longer than allowed.
    #[error("the picture is {width}x{height}, the limit is {limit} pixels a side")]
    Side {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        limit: u32,
    },
    /// More pixels than allowed.
    #[error("the picture is {width}x{height}, the limit is {limit} pixels in all")]
    Pixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        limit: u64,
    },
}

impl Limits {
    /// Whether `bytes` encoded bytes are within the limit.
    pub fn check_bytes(&self, bytes: usize) -> Result<(), LimitError> {
        if bytes > self.max_bytes {
            return Err(LimitError::Bytes { found: bytes, limit: self.max_bytes });
        }
        Ok(())
    }

    /// Whether a picture with this header is within the limits on its size.
    pub fn check_size(&self, header: &Header) -> Result<(), LimitError> {
        let Header { width, height, .. } = *header;
        if width > self.max_side || height > self.max_side {
            return Err(LimitError::Side { width, height, limit: self.max_side });
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(LimitError::Pixels { width, height, limit: self.max_pixels });
        }
        Ok(())
    }
}

pub(crate) const PNG_SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
pub(crate) const JPEG_SIGNATURE: [u8; 3] = [0xff, 0xd8, 0xff];
/// The last marker of a JPEG (EOI).
pub(crate) const JPEG_END: [u8; 2] = [0xff, 0xd9];

/// Width and height of a JPEG or PNG, px, as [`probe_header`] finds them; `None` where it does not.
pub fn read_dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    probe_header(bytes).ok().map(|header| (header.width, header.height))
}

/// Reads format and size of a JPEG or PNG from its first bytes.
///
/// Looks at no more than the header: up to the frame header (SOF) of a JPEG, 33 bytes of a PNG. The time is linear in
/// the bytes before that, nothing is allocated. [`HeaderError::Incomplete`] if `bytes` is a beginning of what may
/// become a picture.
pub fn probe_header(bytes: &[u8]) -> Result<Header, HeaderError> {
    if bytes.starts_with(&PNG_SIGNATURE) {
        return probe_png(bytes);
    }
    if bytes.starts_with(&JPEG_SIGNATURE) {
        return probe_jpeg(bytes);
    }
    let begins = |signature: &[u8]| !bytes.is_empty() && signature.starts_with(bytes);
    if begins(&PNG_SIGNATURE) || begins(&JPEG_SIGNATURE) {
        return Err(HeaderError::Incomplete);
    }
    Err(HeaderError::UnknownFormat(Found::new(bytes)))
}

/// Kind and body of each chunk of a PNG, up to one that is cut off; its sums are not checked.
pub(crate) fn png_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(PNG_SIGNATURE.len()..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let body = after.get(..length)?;
        // The sum behind it may be missing, as of the last one.
        rest = length.checked_add(4).and_then(|next| after.get(next..)).unwrap_or_default();
        Some((kind, body))
    })
}

fn probe_png(bytes: &[u8]) -> Result<Header, HeaderError> {
    let malformed = |what| HeaderError::Malformed { format: Format::Png, what };
    let chunk: &[u8; 25] = bytes[PNG_SIGNATURE.len()..].first_chunk().ok_or(HeaderError::Incomplete)?;
    let (length, kind, body) = (&chunk[..4], &chunk[4..8], &chunk[8..21]);
    if kind != b"IHDR" || length != 13u32.to_be_bytes() {
        return Err(malformed("the first chunk is not an IHDR of 13 bytes"));
    }
    let number = |at: usize| u32::from_be_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]);
    let (width, height) = (number(0), number(4));
    if width == 0 || height == 0 || width > i32::MAX as u32 || height > i32::MAX as u32 {
        return Err(malformed("width or height is 0 or above 2^31 - 1"));
    }
    // Bit depths that each colour type allows: table 12 of the specification.
    let depth_fits = match body[9] {
        0 => matches!(body[8], 1 | 2 | 4 | 8 | 16),
        3 => matches!(body[8], 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(body[8], 8 | 16),
        _ => return Err(malformed("unknown colour type")),
    };
    if !depth_fits {
        return Err(malformed("the bit depth does not fit the colour type"));
    }
    if body[10] != 0 || body[11] != 0 || body[12] > 1 {
        return Err(malformed("unknown compression, filter or interlace method"));
    }
    Ok(Header { format: Format::Png, width, height })
}

fn probe_jpeg(bytes: &[u8]) -> Result<Header, HeaderError> {
    let malformed = |what| HeaderError::Malformed { format: Format::Jpeg, what };
    for segment in Segments::new(bytes) {
        let Segment { marker, body } = segment?;
        match marker {
            // SOF0-SOF15 without DHT (C4), JPG (C8) and DAC (CC).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => return probe_sof(marker, body),
            0xda => return Err(malformed("the scan begins before the size is given")),
            0xd9 => return Err(malformed("the picture ends before the size is given")),
            _ => {}
        }
    }
    Err(HeaderError::Incomplete)
}

/// Frame header: precision, height, width, number of components (T.81, B.2.2).
fn probe_sof(marker: u8, body: &[u8]) -> Result<Header, HeaderError> {
    let malformed = |what| HeaderError::Malformed { format: Format::Jpeg, what };
    let unsupported = |what| HeaderError::Unsupported { format: Format::Jpeg, what };
    let [precision, h1, h0, w1, w0, components, rest @ ..] = body else {
        return Err(malformed("the frame header is too short"));
    };
    let (height, width) = (u16::from_be_bytes([*h1, *h0]), u16::from_be_bytes([*w1, *w0]));
    if matches!(marker, 0xc5..=0xc7 | 0xcd..=0xcf) {
        return Err(unsupported("hierarchical coding"));
    }
    if *precision != 8 {
        return Err(unsupported("samples of other than 8 bits"));
    }
    if width == 0 {
        return Err(malformed("the width is 0"));
    }
    if height == 0 {
        return Err(unsupported("the height is given only after the scan (DNL)"));
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(unsupported("a number of colour components other than 1, 3 and 4"));
    }
    if rest.len() != usize::from(*components) * 3 {
        return Err(malformed("the frame header's length does not fit its components"));
    }
    Ok(Header { format: Format::Jpeg, width: width.into(), height: height.into() })
}

/// One marker segment of a JPEG before its first scan.
pub(crate) struct Segment<'a> {
    /// The marker's second byte.
    pub(crate) marker: u8,
    /// What follows the length; empty for markers that stand alone.
    pub(crate) body: &'a [u8],
}

/// The marker segments of a JPEG from its start up to and with the first scan header (SOS) or the end (EOI).
pub(crate) struct Segments<'a> {
    rest: &'a [u8],
    done: bool,
}

impl<'a> Segments<'a> {
    /// `jpeg` starts with SOI.
    pub(crate) fn new(jpeg: &'a [u8]) -> Self {
        Self { rest: jpeg.get(2..).unwrap_or_default(), done: false }
    }

    fn read(&mut self) -> Result<Segment<'a>, HeaderError> {
        let malformed = |what| HeaderError::Malformed { format: Format::Jpeg, what };
        if *self.rest.first().ok_or(HeaderError::Incomplete)? != 0xff {
            return Err(malformed("a marker is missing"));
        }
        // A marker may be preceded by any number of fill bytes FF (T.81, B.1.1.2).
        let fill = self.rest.iter().position(|&byte| byte != 0xff).ok_or(HeaderError::Incomplete)?;
        let marker = self.rest[fill];
        self.rest = &self.rest[fill + 1..];
        match marker {
            0x00 => Err(malformed("compressed data where a marker belongs")),
            0xd8 => Err(malformed("a second start of image")),
            // TEM, RST0-RST7 and EOI have no length.
            0x01 | 0xd0..=0xd7 | 0xd9 => Ok(Segment { marker, body: &[] }),
            _ => {
                let length: [u8; 2] = *self.rest.first_chunk().ok_or(HeaderError::Incomplete)?;
                let length = usize::from(u16::from_be_bytes(length));
                if length < 2 {
                    return Err(malformed("a segment's length is below 2"));
                }
                let body = self.rest.get(2..length).ok_or(HeaderError::Incomplete)?;
                self.rest = &self.rest[length..];
                Ok(Segment { marker, body })
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let segment = self.read();
        self.done = !matches!(&segment, Ok(Segment { marker, .. }) if !matches!(marker, 0xd9 | 0xda));
        Some(segment)
    }
}
