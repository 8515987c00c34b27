//! BMP, read here: it is little, and the crates for it either misread kinds or bring a colour management with them.
//!
//! Microsoft, "Bitmap Header Types" and "Bitmap Compression" (Windows 2 to 5); OS/2's short and long headers.

mod runs;

use super::{StillError, StillFormat};
use crate::ground::Ground;
use crate::image::Image;

const FILE_HEADER_BYTES: usize = 14;
/// Of OS/2 1 and Windows 2: sides of 16 bits, colours of 3 bytes.
const CORE_HEADER_BYTES: u32 = 12;

/// How the pixels are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Runs8,
    Runs4,
    Masks,
}

struct Header {
    width: u32,
    height: u32,
    top_down: bool,
    bits: u16,
    coding: Coding,
    /// Red, green, blue, alpha: the bits of a pixel that hold it.
    masks: [u32; 4],
    palette: Vec<[u8; 3]>,
    /// Where the pixels start.
    start: usize,
}

/// Whether the first bytes are those of a BMP. Its signature alone is two letters, which texts begin with too.
pub(super) fn is_bmp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM")
        && bytes.len() > 2
        && read_u32(bytes, FILE_HEADER_BYTES)
            .is_none_or(|size| matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Width and height in pixels.
pub(super) fn read_size(bytes: &[u8]) -> Result<(u32, u32), StillError> {
    let header = Header::read(bytes)?;
    Ok((header.width, header.height))
}

/// Decodes a picture, whose size has been checked against the limits.
pub(super) fn decode_bmp(bytes: &[u8], out: &mut Image) -> Result<(), StillError> {
    let header = Header::read(bytes)?;
    out.reshape(header.width, header.height);
    let stored = bytes.get(header.start..).ok_or_else(cut_off)?;
    match header.coding {
        Coding::Runs4 | Coding::Runs8 => {
            runs::decode_runs(stored, &header, out).ok_or_else(cut_off)?;
        }
        Coding::Plain | Coding::Masks => header.decode_rows(stored, out)?,
    }
    Ok(())
}

fn damaged_bmp(reason: &'static str) -> StillError {
    StillError::damaged(StillFormat::Bmp, reason)
}

fn cut_off() -> StillError {
    damaged_bmp("it ends before its last row")
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, StillError> {
        let header = Self::parse(bytes).ok_or_else(|| damaged_bmp("it ends within its header"))??;
        if header.width == 0 || header.height == 0 || header.width > i32::MAX as u32 {
            return Err(damaged_bmp("width or height is 0 or below"));
        }
        Ok(header)
    }

    fn parse(bytes: &[u8]) -> Option<Result<Self, StillError>> {
        let header_bytes = read_u32(bytes, FILE_HEADER_BYTES)?;
        let core = header_bytes == CORE_HEADER_BYTES;
        let (width, height, bits) = if core {
            (read_u16(bytes, 18)?.into(), i32::from(read_u16(bytes, 20)?), read_u16(bytes, 24)?)
        } else {
            (read_u32(bytes, 18)?, read_u32(bytes, 22)? as i32, read_u16(bytes, 28)?)
        };
        let field = |at: usize| if header_bytes >= 40 { read_u32(bytes, at) } else { Some(0) };
        let unsupported = |what: String| Some(Err(StillError::unsupported(StillFormat::Bmp, what)));
        let coding = match (field(30)?, bits) {
            (0, 1 | 2 | 4 | 8 | 16 | 24 | 32) => Coding::Plain,
            (1, 8) => Coding::Runs8,
            (2, 4) => Coding::Runs4,
            (3 | 6, 16 | 32) => Coding::Masks,
            (0, bits) => return unsupported(format!("{bits} bits a pixel")),
            (code, bits) => return unsupported(format!("compression {code} with {bits} bits a pixel")),
        };
        let mut end = FILE_HEADER_BYTES + header_bytes as usize;
        let mut masks = match bits {
            16 => [31 << 10, 31 << 5, 31, 0],
            _ => [0xff_0000, 0xff00, 0xff, 0],
        };
        if coding == Coding::Masks {
            // Behind the header in its oldest form, and a part of it since.
            let count = if header_bytes >= 56 || field(30)? == 6 { 4 } else { 3 };
            for (index, mask) in masks.iter_mut().take(count).enumerate() {
                *mask = read_u32(bytes, 54 + index * 4)?;
            }
            end = end.max(54 + count * 4);
        }
        let colour_bytes = if core { 3 } else { 4 };
        let mut palette = Vec::new();
        if bits <= 8 {
            let all = 1 << bits;
            let used = field(46)? as usize;
            let count = if (1..all).contains(&used) { used } else { all };
            let stored = bytes.get(end..end + count * colour_bytes)?;
            palette.extend(stored.chunks_exact(colour_bytes).map(|colour| [colour[0], colour[1], colour[2]]));
            end += count * colour_bytes;
        }
        // Some writers leave it at 0.
        let start = match read_u32(bytes, 10)? as usize {
            start if start < FILE_HEADER_BYTES + header_bytes as usize => end,
            start => start,
        };
        let (top_down, height) = (height < 0, height.unsigned_abs());
        Some(Ok(Self { width, height, top_down, bits, coding, masks, palette, start }))
    }

    /// Pixels that are stored row by row, each row filled up to four bytes.
    fn decode_rows(&self, stored: &[u8], out: &mut Image) -> Result<(), StillError> {
        let row_bits = u64::from(self.width) * u64::from(self.bits);
        let (used, row_bytes) = (row_bits.div_ceil(8) as usize, row_bits.div_ceil(32) as usize * 4);
        // The last row may lack its filling.
        if stored.len() < row_bytes * (self.height as usize - 1) + used {
            return Err(cut_off());
        }
        let is_opaque = self.is_opaque(stored);
        let targets = out.data_mut().chunks_exact_mut(self.width as usize * 3);
        for (row, target) in stored.chunks(row_bytes).zip(self.in_order(targets)) {
            let pixels = target.chunks_exact_mut(3);
            match self.bits {
                8 => row
                    .iter()
                    .zip(pixels)
                    .for_each(|(&index, pixel)| pixel.copy_from_slice(&self.colour(index))),
                1..8 => {
                    let each = 8 / self.bits;
                    let indices = row.iter().flat_map(|byte| {
                        (1..=each)
                            .map(move |place| byte >> (8 - place * self.bits) & ((1 << self.bits) - 1) as u8)
                    });
                    indices.zip(pixels).for_each(|(index, pixel)| pixel.copy_from_slice(&self.colour(index)));
                }
                24 => target.copy_from_slice(&row[..target.len()]),
                _ => {
                    let values = row.chunks_exact(usize::from(self.bits / 8)).map(pixel_value);
                    values.zip(pixels).for_each(|(value, pixel)| {
                        pixel.copy_from_slice(&self.masked_colour(value, is_opaque));
                    });
                }
            }
        }
        Ok(())
    }

    /// The rows of the result in the order in which they are stored: upwards unless the height was negative.
    fn in_order<'a>(
        &self,
        rows: impl DoubleEndedIterator<Item = &'a mut [u8]> + 'a,
    ) -> Box<dyn Iterator<Item = &'a mut [u8]> + 'a> {
        if self.top_down { Box::new(rows) } else { Box::new(rows.rev()) }
    }

    /// Black for an index that the palette lacks.
    fn colour(&self, index: u8) -> [u8; 3] {
        self.palette.get(usize::from(index)).copied().unwrap_or_default()
    }

    /// Writers that know nothing of transparency leave it 0 everywhere.
    fn is_opaque(&self, stored: &[u8]) -> bool {
        let mask = self.masks[3];
        mask == 0
            || !stored.chunks_exact(usize::from(self.bits / 8)).any(|pixel| pixel_value(pixel) & mask != 0)
    }

    fn masked_colour(&self, value: u32, is_opaque: bool) -> [u8; 3] {
        let [red, green, blue, alpha] = self.masks.map(|mask| channel_value(value, mask));
        [blue, green, red]
            .map(|colour| if is_opaque { colour } else { Ground::WHITE.blend_colour(colour, alpha) })
    }
}

/// A pixel of two or four bytes.
fn pixel_value(pixel: &[u8]) -> u32 {
    pixel.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

/// What a mask picks of a pixel, stretched to 8 bits.
fn channel_value(value: u32, mask: u32) -> u8 {
    if mask == 0 {
        return 0;
    }
    let shift = mask.trailing_zeros();
    let most = u64::from(mask >> shift);
    let found = u64::from((value & mask) >> shift);
    ((found * 255 + most / 2) / most) as u8
}
