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
pub(crate) fn read_orientation(format: Format, bytes: &[u8]) -> Orientation {
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
    pub(crate) fn upright_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    /// Whether what was stored across goes down.
    pub(crate) fn swaps_sides(self) -> bool {
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

    /// Turns a picture where it is, without memory for a second one. Large ones faster than [`Self::turn_into`], small ones not.
    pub(crate) fn turn_in_place(self, image: &mut Image) {
        let transposed = match self {
            Self::QuarterTurnRight => Self::MirroredAcross,
            Self::QuarterTurnLeft => Self::MirroredDown,
            Self::Transversed => Self::HalfTurn,
            Self::Transposed => Self::Upright,
            level => return level.flip(image),
        };
        transpose_image(image);
        transposed.flip(image);
    }

    /// As [`Self::turn_in_place`], of those that leave the sides as they are.
    fn flip(self, image: &mut Image) {
        let row_bytes = image.width() as usize * 3;
        if image.is_empty() {
            return;
        }
        if matches!(self, Self::MirroredDown | Self::HalfTurn) {
            let mut rows = image.data_mut().chunks_exact_mut(row_bytes);
            while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
                upper.swap_with_slice(lower);
            }
        }
        if matches!(self, Self::MirroredAcross | Self::HalfTurn) {
            for row in image.data_mut().chunks_exact_mut(row_bytes) {
                row.reverse();
                row.chunks_exact_mut(3).for_each(<[u8]>::reverse);
            }
        }
    }

    /// Writes `src`, turned, to `out`.
    pub(crate) fn turn_into(self, src: &Image, out: &mut Image) {
        let (w, h) = (src.width() as usize, src.height() as usize);
        let (upright_width, upright_height) = self.upright_size((src.width(), src.height()));
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

/// Rows that are transposed at once.
const BAND: usize = 64;

/// Makes rows of a picture's columns. First within bands of rows, so that what lies side by side in the result does so already;
/// then these pieces move to where they belong. What is left of the last band is put aside, and between them at the end.
fn transpose_image(image: &mut Image) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mut data = std::mem::take(image).into_data();
    let (pixels, _) = data.as_chunks_mut::<3>();
    let band = BAND.min(height).max(1);
    let banded = height - height % band;
    let (whole, rest) = pixels.split_at_mut(width * banded);
    let rest = rest.to_vec();
    let mut stored = vec![[0; 3]; width * band];
    for rows in whole.chunks_exact_mut((width * band).max(1)) {
        stored.copy_from_slice(rows);
        for (x, column) in rows.chunks_exact_mut(band).enumerate() {
            for (y, pixel) in column.iter_mut().enumerate() {
                *pixel = stored[y * width + x];
            }
        }
    }
    transpose_pieces(whole, band, (width, banded / band));
    if !rest.is_empty() {
        for x in (0..width).rev() {
            pixels.copy_within(x * banded..(x + 1) * banded, x * height);
            for (pixel, row) in
                pixels[x * height + banded..(x + 1) * height].iter_mut().zip(rest.chunks_exact(width))
            {
                *pixel = row[x];
            }
        }
    }
    *image = Image::from_bgr(height as u32, width as u32, data).unwrap_or_default();
}

/// The same with pieces of this many pixels instead of pixels: each moves to where it belongs, then the one that was there, round
/// to where it began.
fn transpose_pieces(pixels: &mut [[u8; 3]], piece: usize, (width, height): (usize, usize)) {
    let count = width * height;
    let mut moved = vec![0_u64; count.div_ceil(64)];
    let mut first = vec![[0; 3]; piece];
    for start in 0..count {
        if moved[start / 64] >> (start % 64) & 1 == 1 {
            continue;
        }
        first.copy_from_slice(&pixels[start * piece..][..piece]);
        let mut to = start;
        loop {
            moved[to / 64] |= 1 << (to % 64);
            let from = to % height * width + to / height;
            if from == start {
                pixels[to * piece..][..piece].copy_from_slice(&first);
                break;
            }
            pixels.copy_within(from * piece..(from + 1) * piece, to * piece);
            to = from;
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
    fn a_picture_is_turned_where_it_is_as_into_another() {
        for (width, height) in
            [(0, 0), (1, 1), (1, 7), (7, 1), (4, 4), (5, 3), (64, 48), (31, 97), (3, 64), (2, 65), (97, 191)]
        {
            let pixels = (0..width * height * 3).map(|at| (at * 7 + at / 251) as u8).collect();
            let image = Image::from_bgr(width, height, pixels).unwrap();
            for value in 1..=8 {
                let orientation = Orientation::from_value(value);
                let (mut turned, mut expected) = (image.clone(), Image::default());
                orientation.turn_into(&image, &mut expected);
                orientation.turn_in_place(&mut turned);
                assert!(turned == expected, "{orientation:?} of {width} x {height}");
            }
        }
    }

    #[test]
    fn corners_go_where_pixels_do() {
        for value in 1..=8 {
            let orientation = Orientation::from_value(value);
            let mut stored = Image::new(3, 2);
            let (mut turned, ends) = (Image::default(), [[0, 0], [2, 0], [0, 1]]);
            for (corner, [x, y]) in orientation.corners().into_iter().zip(ends) {
                stored.data_mut().fill(0);
                stored.data_mut()[(y * 3 + x) * 3] = 255;
                orientation.turn_into(&stored, &mut turned);
                let (width, height) = (turned.width() as usize, turned.height() as usize);
                let [x, y] = corner.map(|side| side as usize);
                let at = (y * (height - 1) * width + x * (width - 1)) * 3;
                assert_eq!(turned.data()[at], 255, "{orientation:?}");
            }
        }
    }
}
