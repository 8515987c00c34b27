//! The EXIF orientation of a picture, and turning the pixels by it.
//!
//! OpenCV's `imdecode` applies it to JPEG and PNG alike, so a phone's upright photograph arrives upright at the model.
//! TIFF 6.0, section 2 (header and directory); EXIF 2.3, tag 0x0112.

use crate::header::{self, Format, Segments};
use crate::image::Image;

/// How stored pixels are to be turned for display, the EXIF values 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orientation {
    Upright,
    MirroredAcross,
    HalfTurn,
    MirroredDown,
    Transposed,
    QuarterTurnRight,
    Transversed,
    QuarterTurnLeft,
}

/// The orientation that a JPEG or PNG asks for; upright if it says nothing that can be read.
pub(crate) fn orientation(format: Format, bytes: &[u8]) -> Orientation {
    let exif = match format {
        Format::Jpeg => jpeg_exif(bytes),
        Format::Png => png_exif(bytes),
    };
    exif.map_or(Orientation::Upright, of_tiff)
}

/// The orientation that an EXIF block asks for: a TIFF without pixels.
pub(crate) fn of_tiff(tiff: &[u8]) -> Orientation {
    orientation_value(tiff).map_or(Orientation::Upright, Orientation::from_value)
}

impl Orientation {
    pub(crate) fn from_value(value: u16) -> Self {
        match value {
            2 => Self::MirroredAcross,
            3 => Self::HalfTurn,
            4 => Self::MirroredDown,
            5 => Self::Transposed,
            6 => Self::QuarterTurnRight,
            7 => Self::Transversed,
            8 => Self::QuarterTurnLeft,
            _ => Self::Upright,
        }
    }

    /// Width and height after turning.
    pub(crate) fn upright(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.swaps() { (height, width) } else { (width, height) }
    }

    /// Whether what was stored across goes down.
    pub(crate) fn swaps(self) -> bool {
        matches!(self, Self::Transposed | Self::QuarterTurnRight | Self::Transversed | Self::QuarterTurnLeft)
    }

    /// Where the upper left, upper right and lower left corner of what is stored go, in sides of the upright picture.
    pub(crate) fn corners(self) -> [[f32; 2]; 3] {
        let corners = match self {
            Self::Upright => [[0, 0], [1, 0], [0, 1]],
            Self::MirroredAcross => [[1, 0], [0, 0], [1, 1]],
            Self::HalfTurn => [[1, 1], [0, 1], [1, 0]],
            Self::MirroredDown => [[0, 1], [1, 1], [0, 0]],
            Self::Transposed => [[0, 0], [0, 1], [1, 0]],
            Self::QuarterTurnRight => [[1, 0], [1, 1], [0, 0]],
            Self::Transversed => [[1, 1], [1, 0], [0, 1]],
            Self::QuarterTurnLeft => [[0, 1], [0, 0], [1, 1]],
        };
        corners.map(|corner| corner.map(|side: u8| f32::from(side)))
    }

    /// Writes `src`, turned, to `out`.
    pub(crate) fn apply(self, src: &Image, out: &mut Image) {
        let (w, h) = (src.width() as usize, src.height() as usize);
        let (upright_width, upright_height) = self.upright((src.width(), src.height()));
        out.reshape(upright_width, upright_height);
        if src.is_empty() {
            return;
        }
        let pixels = src.data();
        let row_px = out.width() as usize;
        for (y, row) in out.data_mut().chunks_exact_mut(row_px * 3).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let (sx, sy) = match self {
                    Self::Upright => (x, y),
                    Self::MirroredAcross => (w - 1 - x, y),
                    Self::HalfTurn => (w - 1 - x, h - 1 - y),
                    Self::MirroredDown => (x, h - 1 - y),
                    Self::Transposed => (y, x),
                    Self::QuarterTurnRight => (y, h - 1 - x),
                    Self::Transversed => (w - 1 - y, h - 1 - x),
                    Self::QuarterTurnLeft => (w - 1 - y, x),
                };
                let at = (sy * w + sx) * 3;
                pixel.copy_from_slice(&pixels[at..at + 3]);
            }
        }
    }
}

/// The TIFF block of the first EXIF segment.
fn jpeg_exif(bytes: &[u8]) -> Option<&[u8]> {
    Segments::new(bytes)
        .map_while(Result::ok)
        .filter(|segment| segment.marker == 0xe1)
        .find_map(|segment| segment.body.strip_prefix(b"Exif\0\0"))
}

/// The body of the `eXIf` chunk.
fn png_exif(bytes: &[u8]) -> Option<&[u8]> {
    header::png_chunks(bytes).find_map(|(kind, body)| (kind == b"eXIf").then_some(body))
}

/// The value of tag 0x0112 in the first directory. Like OpenCV, reads a short whatever type the entry claims.
fn orientation_value(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.first_chunk::<4>()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let offset = *tiff.get(4..)?.first_chunk()?;
    let directory = if little { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) } as usize;
    let entries = usize::from(short(directory)?);
    (0..entries).map_while(|i| directory.checked_add(2 + i * 12)).find_map(|at| {
        if short(at)? != 0x0112 {
            return None;
        }
        short(at + 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_go_where_pixels_do() {
        for value in 1..=8 {
            let orientation = Orientation::from_value(value);
            let mut stored = Image::new(3, 2);
            let (mut turned, ends) = (Image::default(), [[0, 0], [2, 0], [0, 1]]);
            for (corner, [x, y]) in orientation.corners().into_iter().zip(ends) {
                stored.data_mut().fill(0);
                stored.data_mut()[(y * 3 + x) * 3] = 255;
                orientation.apply(&stored, &mut turned);
                let (width, height) = (turned.width() as usize, turned.height() as usize);
                let [x, y] = corner.map(|side| side as usize);
                let at = (y * (height - 1) * width + x * (width - 1)) * 3;
                assert_eq!(turned.data()[at], 255, "{orientation:?}");
            }
        }
    }
}
