//! What the child is asked: 64 bytes on its standard input, then the file.

use sightwire_frame::still::{StillFormat, StillLimits};

use crate::patience::Patience;

/// The child has this much memory in any case: its program, fonts, and pictures within a page, which may have more pixels than
/// the page itself.
const BASE_MEMORY: u64 = 1 << 30;
/// Besides, for each byte of the file: it is held once, and parts of it once more while they are unpacked.
const MEMORY_PER_BYTE: u64 = 2;
/// Besides, for each pixel of the page that is drawn (measured: docs/reading.md).
const MEMORY_PER_PIXEL: u64 = 24;

/// Length of a request, and its first bytes, by which each side knows that the other is of the same kind.
pub const LENGTH: usize = 64;
const MAGIC: [u8; 8] = *b"sw-draw1";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Which pages there are.
    Header,
    /// The pixels of a page.
    Page {
        /// From 0.
        page: u32,
        /// As the header has it.
        size: (u32, u32),
    },
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub what: What,
    /// What the file is.
    pub format: StillFormat,
    /// Bytes of the file.
    pub bytes: u64,
    /// Pixels of a page at most.
    pub max_pixels: u64,
    /// Pixels of a page's side at most.
    pub max_side: u32,
    /// Pages of the file at most.
    pub max_pages: u32,
    /// Bytes of address space that the child may have.
    pub memory: u64,
    /// Seconds of CPU time that the child may have.
    pub cpu_s: u64,
}

impl Request {
    /// What a child is asked of a file of this many bytes, and how much memory and time it has for that.
    pub fn new(
        what: What,
        format: StillFormat,
        bytes: usize,
        limits: &StillLimits,
        patience: &Patience,
    ) -> Self {
        let pixels = match what {
            What::Header => 0,
            What::Page { size: (width, height), .. } => u64::from(width) * u64::from(height),
        };
        let bytes = bytes as u64;
        Self {
            what,
            format,
            bytes,
            max_pixels: limits.max_pixels,
            max_side: limits.max_side,
            max_pages: limits.max_pages,
            memory: (BASE_MEMORY + MEMORY_PER_BYTE * bytes)
                .saturating_add(MEMORY_PER_PIXEL.saturating_mul(pixels)),
            // In whole seconds, at least one.
            cpu_s: patience.cpu_limit(pixels > 0).as_secs_f64().ceil().max(1.0) as u64,
        }
    }

    /// As it is sent.
    pub fn encode(&self) -> [u8; LENGTH] {
        let (page, size) = match self.what {
            What::Header => (u32::MAX, (0, 0)),
            What::Page { page, size } => (page, size),
        };
        let format = match self.format {
            StillFormat::Avif => 1,
            StillFormat::Heic => 2,
            _ => 0_u32,
        };
        let mut out = [0; LENGTH];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&MAGIC);
        for number in [page, size.0, size.1, format, self.max_side, self.max_pages] {
            put(&number.to_le_bytes());
        }
        for number in [self.bytes, self.max_pixels, self.memory, self.cpu_s] {
            put(&number.to_le_bytes());
        }
        out
    }

    /// As it was sent; `None` of anything else.
    pub fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (small, large) = rest.split_first_chunk::<24>()?;
        let small = |index: usize| small.chunks_exact(4).nth(index)?.try_into().ok().map(u32::from_le_bytes);
        let large = |index: usize| large.chunks_exact(8).nth(index)?.try_into().ok().map(u64::from_le_bytes);
        if *magic != MAGIC {
            return None;
        }
        let what = match small(0)? {
            u32::MAX => What::Header,
            page => What::Page { page, size: (small(1)?, small(2)?) },
        };
        let format = match small(3)? {
            0 => StillFormat::Pdf,
            1 => StillFormat::Avif,
            2 => StillFormat::Heic,
            _ => return None,
        };
        Some(Self {
            what,
            format,
            bytes: large(0)?,
            max_pixels: large(1)?,
            max_side: small(4)?,
            max_pages: small(5)?,
            memory: large(2)?,
            cpu_s: large(3)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_arrives_as_it_was_sent() {
        let limits = StillLimits { max_bytes: 1, max_pixels: 1 << 33, max_side: 9, max_pages: 7 };
        for format in [StillFormat::Pdf, StillFormat::Avif, StillFormat::Heic] {
            for what in [What::Header, What::Page { page: 3, size: (1000, 2000) }] {
                let request = Request::new(what, format, 12_345, &limits, &Patience::Work);
                assert_eq!(Request::decode(&request.encode()), Some(request));
            }
        }
        assert_eq!(Request::decode(&[0; LENGTH]), None);
    }

    #[test]
    fn memory_is_what_the_file_and_the_page_need() {
        let ask =
            |what| Request::new(what, StillFormat::Pdf, 10 << 20, &StillLimits::default(), &Patience::Work);
        assert_eq!(ask(What::Header).memory, (1 << 30) + (20 << 20));
        let page = ask(What::Page { page: 0, size: (1 << 10, 1 << 10) });
        assert_eq!(page.memory, (1 << 30) + (44 << 20));
    }
}
