//! The picture: 8-bit blue, green, red.

use std::fmt;

use crate::buffer;
use crate::exif::Orientation;

/// A picture of `width` × `height` pixels, three bytes each in the order blue, green, red (OpenCV's order).
///
/// Rows follow each other from the top without padding: pixel (x, y) starts at byte `(y * width + x) * 3`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Image {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

/// Why bytes do not make an [`Image`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The number of bytes is not `width * height * 3`.
    #[error("{found} bytes of BGR do not make a picture of {width}x{height}: {expected} are needed")]
    Length {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes that the size asks for.
        expected: u64,
        /// Bytes given.
        found: usize,
    },
}

impl Image {
    /// A black picture. The caller bounds the size: `width * height * 3` bytes are allocated.
    pub fn new(width: u32, height: u32) -> Self {
        let mut image = Self::default();
        image.reshape(width, height);
        image
    }

    /// A picture from BGR bytes, rows without padding.
    pub fn from_bgr(width: u32, height: u32, data: Vec<u8>) -> Result<Self, ImageError> {
        // u32 * u32 * 3 can pass u64's end.
        let expected = u64::from(width) * u64::from(height);
        let expected = expected.saturating_mul(3);
        if data.len() as u64 != expected {
            return Err(ImageError::Length { width, height, expected, found: data.len() });
        }
        Ok(Self { width, height, data })
    }

    /// Width in pixels; 0 in an empty picture.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels; 0 in an empty picture.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The BGR bytes, `width * height * 3` of them.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The BGR bytes, to be written.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The BGR bytes, moved out.
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Whether there are no pixels.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Gives the picture another size. Its memory is kept, unless it is more than 16 MiB and far too much. The pixels
    /// afterwards are unspecified: write all of them.
    pub fn reshape(&mut self, width: u32, height: u32) {
        buffer::fit_length(&mut self.data, width as usize * height as usize * 3);
        self.width = width;
        self.height = height;
    }

    /// Makes the picture empty if its memory is large.
    pub(crate) fn release(&mut self) {
        buffer::release_large(&mut self.data);
        if self.data.is_empty() {
            *self = Self::default();
        }
    }

    /// Turns it clockwise by so many quarters, where it is: no pixel changes, and no memory is needed for a second picture.
    pub fn turn_quarters(&mut self, quarters: usize) {
        let turn = match quarters % 4 {
            1 => Orientation::QuarterTurnRight,
            2 => Orientation::HalfTurn,
            3 => Orientation::QuarterTurnLeft,
            _ => return,
        };
        turn.turn_in_place(self);
    }
}

/// The size only: a picture's bytes are of no use in a log.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}x{} BGR)", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_of_bytes_is_refused() {
        assert!(Image::from_bgr(2, 2, vec![0; 12]).is_ok());
        let error = Image::from_bgr(2, 2, vec![0; 11]).unwrap_err().to_string();
        assert!(error.contains("11") && error.contains("12") && error.contains("2x2"), "{error}");
        assert!(Image::from_bgr(u32::MAX, u32::MAX, Vec::new()).is_err());
    }

    #[test]
    fn quarters_are_turned_clockwise_where_the_picture_is() {
        let image = Image::from_bgr(3, 2, (0..18).collect()).unwrap();
        let first = |image: &Image| image.data().iter().step_by(3).map(|blue| blue / 3).collect::<Vec<_>>();
        let turned = |quarters| {
            let mut image = image.clone();
            let before = image.data().as_ptr();
            image.turn_quarters(quarters);
            assert_eq!(image.data().as_ptr(), before);
            ((image.width(), image.height()), first(&image))
        };
        assert_eq!(turned(0), ((3, 2), vec![0, 1, 2, 3, 4, 5]));
        assert_eq!(turned(1), ((2, 3), vec![3, 0, 4, 1, 5, 2]));
        assert_eq!(turned(2), ((3, 2), vec![5, 4, 3, 2, 1, 0]));
        assert_eq!(turned(7), ((2, 3), vec![2, 5, 1, 4, 0, 3]));
    }

    #[test]
    fn reshaping_keeps_the_memory() {
        let mut image = Image::new(64, 64);
        let before = image.data().as_ptr();
        image.reshape(32, 16);
        assert_eq!((image.width(), image.height(), image.data().len()), (32, 16, 32 * 16 * 3));
        assert_eq!(image.data().as_ptr(), before);
    }
}
