//! The directories of a TIFF: one for each page, each with the place of the next.
//!
//! TIFF 6.0, section 2; `BigTIFF`: the same with 64-bit counts and places. Read here and not by the library, which would
//! follow a chain of a million directories, and fails on a file of which it cannot read the first page.

use std::collections::HashSet;

use super::super::{StillError, StillFormat};
use crate::exif::Orientation;

/// A page of a TIFF.
#[derive(Debug, Clone)]
pub(in crate::still) struct Page {
    /// Width and height in pixels, as stored. None is 0.
    pub stored: (u32, u32),
    pub orientation: Orientation,
    /// Where its directory starts.
    pub directory: u64,
    pub photometric: Option<Short>,
    pub rows_per_strip: Option<Short>,
    /// Samples of one pixel.
    pub samples: Option<Short>,
    /// Pixels in a unit across and down, as stored.
    pub resolution: [Option<f32>; 2],
    /// 2 is an inch, 3 a centimetre.
    pub resolution_unit: u64,
    /// A smaller copy of another page, or a mask for one.
    is_extra: bool,
}

/// A small number and where it stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::still) struct Short {
    pub value: u64,
    pub at: u64,
    /// Bytes of the number: 2, 4 or 8.
    pub bytes: usize,
}

/// How numbers are written in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub little: bool,
    pub big: bool,
}

/// Bytes with the numbers of a TIFF in them.
struct File<'a> {
    bytes: &'a [u8],
    layout: Layout,
}

/// Tags of a directory that are needed before decoding.
mod tag {
    pub const SUBFILE: u64 = 254;
    pub const WIDTH: u64 = 256;
    pub const HEIGHT: u64 = 257;
    pub const PHOTOMETRIC: u64 = 262;
    pub const ORIENTATION: u64 = 274;
    pub const SAMPLES: u64 = 277;
    pub const ROWS_PER_STRIP: u64 = 278;
    pub const X_RESOLUTION: u64 = 282;
    pub const Y_RESOLUTION: u64 = 283;
    pub const RESOLUTION_UNIT: u64 = 296;
}

fn damaged_tiff(reason: &'static str) -> StillError {
    StillError::damaged(StillFormat::Tiff, reason)
}

impl Page {
    /// Samples of the largest strip, of which the library makes a buffer; of tiles, and where nothing is said, those of the page.
    pub(in crate::still) fn most_samples(&self) -> u64 {
        let (width, height) = (u64::from(self.stored.0), u64::from(self.stored.1));
        let rows = self.rows_per_strip.map_or(height, |rows| rows.value.min(height));
        // A JPEG within it has three colours, whatever its page says.
        let samples = self.samples.map_or(1, |samples| samples.value).clamp(3, 16);
        width.saturating_mul(rows).saturating_mul(samples)
    }
}

impl Layout {
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let little = bytes.starts_with(b"II");
        Self { little, big: bytes.get(if little { 2 } else { 3 }) == Some(&b'+') }
    }

    /// Where the place of the first directory stands.
    pub fn first_place(self) -> u64 {
        if self.big { 8 } else { 4 }
    }

    /// Bytes of a place.
    pub fn place_bytes(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// A number as it is written.
    pub fn write_number(self, value: u64, bytes: usize) -> Vec<u8> {
        if self.little {
            value.to_le_bytes()[..bytes].to_vec()
        } else {
            value.to_be_bytes()[8 - bytes..].to_vec()
        }
    }
}

/// The pages of a TIFF, at most `most`. Thumbnails and masks are none, unless there is nothing else.
pub(in crate::still) fn pages(bytes: &[u8], most: u32) -> Result<Vec<Page>, StillError> {
    let file = File { bytes, layout: Layout::from_bytes(bytes) };
    let cut_off = || damaged_tiff("it ends within its directories");
    let mut place =
        file.read_number(file.layout.first_place(), file.layout.place_bytes()).ok_or_else(cut_off)?;
    let mut seen = HashSet::new();
    let mut pages = Vec::new();
    // Directories may overlap, so that a small file has many long ones: no honest file has more than fit side by side.
    let mut entries_left = bytes.len() as u64 / 12 + 1;
    while place != 0 {
        if !seen.insert(place) {
            return Err(damaged_tiff("its pages follow each other in a circle"));
        }
        if seen.len() > most as usize {
            return Err(StillError::Pages { format: StillFormat::Tiff, limit: most });
        }
        let count = file.count_entries(place).ok_or_else(cut_off)?;
        entries_left =
            entries_left.checked_sub(count).ok_or_else(|| damaged_tiff("its directories overlap"))?;
        pages.push(file.read_page(place, count).ok_or_else(cut_off)?);
        place = file.next(place, count).ok_or_else(cut_off)?;
    }
    if pages.iter().any(|page| !page.is_extra) {
        pages.retain(|page| !page.is_extra);
    }
    if pages.iter().any(|page| page.stored.0 == 0 || page.stored.1 == 0) {
        return Err(damaged_tiff("the width or height of a page is missing or 0"));
    }
    if pages.is_empty() {
        return Err(damaged_tiff("it has no page"));
    }
    Ok(pages)
}

impl File<'_> {
    fn read_number(&self, at: u64, bytes: usize) -> Option<u64> {
        let found = self.bytes.get(usize::try_from(at).ok()?..)?.get(..bytes)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.layout.little { found.iter().rev().fold(0, join) } else { found.iter().fold(0, join) })
    }

    fn count_bytes(&self) -> usize {
        if self.layout.big { 8 } else { 2 }
    }

    fn entry_bytes(&self) -> u64 {
        if self.layout.big { 20 } else { 12 }
    }

    fn count_entries(&self, directory: u64) -> Option<u64> {
        self.read_number(directory, self.count_bytes())
    }

    fn next(&self, directory: u64, entries: u64) -> Option<u64> {
        let end = directory.checked_add(self.count_bytes() as u64 + entries * self.entry_bytes())?;
        self.read_number(end, self.layout.place_bytes())
    }

    fn read_page(&self, directory: u64, entries: u64) -> Option<Page> {
        let mut page = Page {
            stored: (0, 0),
            orientation: Orientation::Upright,
            directory,
            photometric: None,
            rows_per_strip: None,
            samples: None,
            resolution: [None; 2],
            resolution_unit: 2,
            is_extra: false,
        };
        let first = directory.checked_add(self.count_bytes() as u64)?;
        for entry in 0..entries {
            let at = first.checked_add(entry * self.entry_bytes())?;
            let tag = self.read_number(at, 2)?;
            // Read before the value: unknown tags may have any kind.
            if !(tag::SUBFILE..=tag::RESOLUTION_UNIT).contains(&tag) {
                continue;
            }
            match tag {
                tag::X_RESOLUTION => page.resolution[0] = self.read_ratio(at),
                tag::Y_RESOLUTION => page.resolution[1] = self.read_ratio(at),
                _ => {}
            }
            let Some(short) = self.read_value(at) else { continue };
            let side = u32::try_from(short.value).unwrap_or(u32::MAX);
            match tag {
                tag::SUBFILE => page.is_extra = short.value & 0b101 != 0,
                tag::WIDTH => page.stored.0 = side,
                tag::HEIGHT => page.stored.1 = side,
                tag::PHOTOMETRIC => page.photometric = Some(short),
                tag::ORIENTATION => page.orientation = Orientation::from_value(side.min(9) as u16),
                tag::SAMPLES => page.samples = Some(short),
                tag::ROWS_PER_STRIP => page.rows_per_strip = Some(short),
                tag::RESOLUTION_UNIT => page.resolution_unit = short.value,
                _ => {}
            }
        }
        Some(page)
    }

    /// The quotient that an entry leads to, or holds where there is room for it.
    fn read_ratio(&self, entry: u64) -> Option<f32> {
        if self.read_number(entry + 2, 2)? != 5 {
            return None;
        }
        let place_bytes = self.layout.place_bytes();
        let held = entry + 4 + place_bytes as u64;
        let at = if self.layout.big { held } else { self.read_number(held, place_bytes)? };
        let (above, below) = (self.read_number(at, 4)?, self.read_number(at.checked_add(4)?, 4)?);
        (below > 0).then(|| above as f32 / below as f32)
    }

    /// The number in an entry that holds one.
    fn read_value(&self, entry: u64) -> Option<Short> {
        let bytes = match self.read_number(entry + 2, 2)? {
            3 => 2,
            4 => 4,
            16 if self.layout.big => 8,
            _ => return None,
        };
        let at = entry + 4 + self.layout.place_bytes() as u64;
        Some(Short { value: self.read_number(at, bytes)?, at, bytes })
    }
}
