//! Luma and chroma to red, green and blue (ITU-T H.273).

/// How luma is made of the three colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Matrix {
    /// There is none: green, blue, red.
    Identity,
    /// The shares of red and blue in luma.
    Shares(f32, f32),
}

impl Matrix {
    pub(super) const BT601: Self = Self::Shares(0.299, 0.114);
    pub(super) const BT709: Self = Self::Shares(0.2126, 0.0722);
    pub(super) const BT2020: Self = Self::Shares(0.2627, 0.0593);
    pub(super) const ST240: Self = Self::Shares(0.212, 0.087);

    /// By the number in H.273, table 4; none of the rare ones.
    pub(super) fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            0 => Self::Identity,
            1 | 12 => Self::BT709,
            // 2 says nothing.
            2 | 4 | 5 | 6 => Self::BT601,
            7 => Self::ST240,
            9 => Self::BT2020,
            _ => return None,
        })
    }
}

/// Samples of 8 bits, or of more in two bytes each, the low one first.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes from row to row.
    pub(super) stride: usize,
    pub(super) is_wide: bool,
}

impl Plane<'_> {
    /// A row of this many samples.
    fn read_row(&self, y: usize, samples: usize, out: &mut Vec<f32>) -> Option<()> {
        let row = self.bytes.get(y.checked_mul(self.stride)?..)?;
        out.clear();
        if self.is_wide {
            let pairs = row.get(..samples * 2)?.chunks_exact(2);
            out.extend(pairs.map(|pair| f32::from(u16::from_le_bytes([pair[0], pair[1]]))));
        } else {
            out.extend(row.get(..samples)?.iter().map(|sample| f32::from(*sample)));
        }
        Some(())
    }
}

/// A frame as a video decoder has it.
pub(super) struct Frame<'a> {
    pub(super) size: (usize, usize),
    pub(super) luma: Plane<'a>,
    pub(super) chroma: Option<[Plane<'a>; 2]>,
    /// Whether chroma has half the columns, and half the rows.
    pub(super) halved: (bool, bool),
    /// Of a sample: 8, 10 or 12.
    pub(super) bits: u32,
    /// Whether samples take all values, else those of television.
    pub(super) is_full: bool,
    pub(super) matrix: Matrix,
}

impl Frame<'_> {
    /// Opaque pixels; `None` if a plane is shorter than the size says.
    pub(super) fn to_rgba(&self) -> Option<Vec<u8>> {
        let (width, height) = self.size;
        let most = ((1_u32 << self.bits) - 1) as f32;
        let step = (1_u32 << (self.bits - 8)) as f32;
        let (black, luma_scale) =
            if self.is_full { (0.0, 255.0 / most) } else { (16.0 * step, 255.0 / (219.0 * step)) };
        let chroma_scale = if self.is_full { 255.0 / most } else { 255.0 / (224.0 * step) };
        let middle = 128.0 * step;
        let mut out = Vec::with_capacity(width * height * 4);
        let (mut luma, mut blue, mut red) = (Vec::new(), Vec::new(), Vec::new());
        let samples = if self.halved.0 { width.div_ceil(2) } else { width };
        for y in 0..height {
            self.luma.read_row(y, width, &mut luma)?;
            if let Some(planes) = &self.chroma {
                let y = if self.halved.1 { y / 2 } else { y };
                planes[0].read_row(y, samples, &mut blue)?;
                planes[1].read_row(y, samples, &mut red)?;
            }
            for (x, luma) in luma.iter().enumerate() {
                let x = if self.halved.0 { x / 2 } else { x };
                let luma = (luma - black) * luma_scale;
                let pixel = match (self.matrix, blue.get(x), red.get(x)) {
                    (Matrix::Identity, Some(blue), Some(red)) => {
                        [(red - black) * luma_scale, luma, (blue - black) * luma_scale]
                    }
                    (Matrix::Shares(of_red, of_blue), Some(blue), Some(red)) => {
                        let (blue, red) = ((blue - middle) * chroma_scale, (red - middle) * chroma_scale);
                        let (red, blue) =
                            (luma + 2.0 * (1.0 - of_red) * red, luma + 2.0 * (1.0 - of_blue) * blue);
                        [red, (luma - of_red * red - of_blue * blue) / (1.0 - of_red - of_blue), blue]
                    }
                    _ => [luma; 3],
                };
                // The conversion stops at 0 and 255.
                out.extend(pixel.map(|value| (value + 0.5) as u8));
                out.push(255);
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(matrix: Matrix, is_full: bool, bits: u32, samples: [u16; 3]) -> [u8; 3] {
        let bytes =
            samples.map(|sample| if bits > 8 { sample.to_le_bytes().to_vec() } else { vec![sample as u8] });
        let plane = |index: usize| Plane { bytes: &bytes[index], stride: 2, is_wide: bits > 8 };
        let chroma = Some([plane(1), plane(2)]);
        let frame =
            Frame { size: (1, 1), luma: plane(0), chroma, halved: (false, false), bits, is_full, matrix };
        frame.to_rgba().unwrap()[..3].try_into().unwrap()
    }

    #[test]
    fn colours_are_those_of_the_standard() {
        assert_eq!(pixel(Matrix::BT601, true, 8, [76, 85, 255]), [254, 0, 0], "red");
        assert_eq!(pixel(Matrix::BT709, false, 8, [235, 128, 128]), [255; 3], "white of television");
        assert_eq!(pixel(Matrix::BT709, false, 10, [64, 512, 512]), [0; 3], "black of television");
        assert_eq!(pixel(Matrix::BT709, false, 8, [63, 102, 240]), [255, 1, 0], "red");
        assert_eq!(pixel(Matrix::BT2020, true, 12, [4095, 2048, 2048]), [255; 3]);
        assert_eq!(pixel(Matrix::Identity, true, 8, [2, 3, 1]), [1, 2, 3]);
    }

    #[test]
    fn a_plane_that_is_too_short_is_none() {
        let luma = Plane { bytes: &[0; 7], stride: 4, is_wide: false };
        let frame = |size| Frame {
            size,
            luma,
            chroma: None,
            halved: (false, false),
            bits: 8,
            is_full: true,
            matrix: Matrix::BT601,
        };
        assert!(frame((3, 2)).to_rgba().is_some());
        assert!(frame((4, 2)).to_rgba().is_none());
        assert!(frame((1, 3)).to_rgba().is_none());
    }
}
