//! Samples of a TIFF to colours.

use std::ops::Range;

use crate::cmyk;
use crate::ground::Ground;
use crate::image::Image;

/// What a second, fourth or fifth sample means: TIFF 6.0, section 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// It is not an opacity: colours are shown as they are.
    Ignored,
    /// The colours have been multiplied by it.
    Associated,
    /// The colours have not.
    Unassociated,
}

impl Alpha {
    /// From the first value of `ExtraSamples`.
    pub fn from_extra(extra: Option<u16>) -> Self {
        match extra {
            Some(1) => Self::Associated,
            Some(2) => Self::Unassociated,
            _ => Self::Ignored,
        }
    }

    fn blend_colour(self, colour: u8, alpha: u8) -> u8 {
        match self {
            Self::Ignored => colour,
            Self::Associated => colour.saturating_add(255 - alpha),
            Self::Unassociated => Ground::WHITE.blend_colour(colour, alpha),
        }
    }
}

/// What the samples of a pixel mean.
#[derive(Debug)]
pub(super) enum Ink {
    Grey {
        inverted: bool,
        alpha: Alpha,
    },
    /// Colours as blue, green, red.
    Palette(Vec<[u8; 3]>),
    Rgb,
    Rgba(Alpha),
    /// 0 means no ink.
    Cmyk,
    YCbCr,
}

impl Ink {
    /// A palette of all reds, then all greens, then all blues. `None` if it lacks some.
    pub fn palette(map: &[u16], bits: u8) -> Option<Self> {
        let count = 1_usize << bits;
        if map.len() < count * 3 {
            return None;
        }
        // Of 16 bits. Some writers use 8 of them, the lower ones.
        let shift = if map.iter().all(|&value| value < 256) { 0 } else { 8 };
        let value = |at: usize| (map[at] >> shift) as u8;
        let colours = (0..count).map(|index| [value(count * 2 + index), value(count + index), value(index)]);
        Some(Self::Palette(colours.collect()))
    }

    /// Whether all samples are of colours, none of opacity or ink.
    pub fn has_colours_only(&self) -> bool {
        matches!(self, Self::Rgb | Self::Grey { alpha: Alpha::Ignored, .. })
    }

    fn bgr(&self, sample: &[u8]) -> [u8; 3] {
        match (self, sample) {
            (Self::Palette(colours), &[index, ..]) => {
                colours.get(usize::from(index)).copied().unwrap_or_default()
            }
            (Self::Grey { inverted, alpha }, &[grey, ref rest @ ..]) => {
                let grey = if *inverted { 255 - grey } else { grey };
                [rest.first().map_or(grey, |&opacity| alpha.blend_colour(grey, opacity)); 3]
            }
            (Self::Rgba(alpha), &[red, green, blue, opacity, ..]) => {
                [blue, green, red].map(|colour| alpha.blend_colour(colour, opacity))
            }
            (Self::Cmyk, &[cyan, magenta, yellow, black, ..]) => {
                let mut pixel = [0; 3];
                cmyk::to_bgr(&[255 - cyan, 255 - magenta, 255 - yellow, 255 - black], &mut pixel);
                pixel
            }
            (Self::YCbCr, &[luma, blue, red, ..]) => from_ycbcr(luma, blue, red),
            (_, &[red, green, blue, ..]) => [blue, green, red],
            _ => [0; 3],
        }
    }
}

/// JFIF's matrix in 1/65536, rounded.
fn from_ycbcr(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let [luma, blue, red] = [luma, blue, red].map(i32::from);
    let (blue, red) = (blue - 128, red - 128);
    let scaled = |sum: i32| (luma + ((sum + 32_768) >> 16)).clamp(0, 255) as u8;
    [scaled(116_130 * blue), scaled(-22_554 * blue - 46_802 * red), scaled(91_881 * red)]
}

/// Bits that a page uses whose largest 16-bit sample is `most`: cameras and scanners of 10, 12 or 14 bits leave the upper ones
/// empty.
pub(super) fn used_bits(most: u16) -> u32 {
    match most {
        0..256 => 8,
        256..1024 => 10,
        1024..4096 => 12,
        4096..16_384 => 14,
        _ => 16,
    }
}

/// The samples of a strip or tile.
pub(super) struct Samples<'a> {
    pub bytes: &'a [u8],
    pub width: usize,
    pub height: usize,
    /// Bits of a sample: 1, 2, 4, 8 or 16, those in the order of the machine.
    pub bits: u8,
    /// Samples of a pixel.
    pub each: usize,
    /// 1 with the samples of a pixel side by side, else one after the other for the whole chunk.
    pub planes: usize,
}

impl Samples<'_> {
    /// The largest of 16 bits.
    pub fn max_value(&self) -> u16 {
        of_16_bits(self.bytes).max().unwrap_or_default()
    }

    /// Writes the chunk's colours to `out`, its first pixel at `left`, `top`. Of 16 bits the lower `used` ones count.
    pub fn paint(&self, ink: &Ink, used: u32, (left, top): (u32, u32), out: &mut Image) {
        let is_index = matches!(ink, Ink::Palette(_));
        let row_samples = if self.planes > 1 { self.width } else { self.width * self.each };
        let row_bytes = (row_samples * usize::from(self.bits)).div_ceil(8);
        let mut pixels = vec![0; self.width * self.each];
        let (left, target_bytes) = (left as usize * 3, out.width() as usize * 3);
        let targets = out.data_mut().chunks_exact_mut(target_bytes).skip(top as usize).take(self.height);
        for (row, target) in targets.enumerate() {
            if self.planes > 1 {
                for plane in 0..self.planes.min(self.each) {
                    let at = (plane * self.height + row) * row_bytes;
                    self.read_samples(
                        at..at + row_bytes,
                        is_index,
                        used,
                        pixels[plane..].iter_mut().step_by(self.each),
                    );
                }
            } else {
                self.read_samples(row * row_bytes..(row + 1) * row_bytes, is_index, used, pixels.iter_mut());
            }
            let targets = target[left..].chunks_exact_mut(3);
            for (sample, pixel) in pixels.chunks_exact(self.each).zip(targets) {
                pixel.copy_from_slice(&ink.bgr(sample));
            }
        }
    }

    /// Samples as 8 bits: stretched, unless they are places in a palette.
    fn read_samples<'a>(
        &self,
        range: Range<usize>,
        is_index: bool,
        used: u32,
        targets: impl Iterator<Item = &'a mut u8>,
    ) {
        let row = self.bytes.get(range).unwrap_or_default();
        let bits = self.bits;
        match bits {
            8 => row.iter().zip(targets).for_each(|(&byte, target)| *target = byte),
            16 => {
                of_16_bits(row)
                    .zip(targets)
                    .for_each(|(value, target)| *target = (value >> (used - 8)) as u8);
            }
            _ => {
                let most = ((1_u16 << bits) - 1) as u8;
                let stretch = if is_index { 1 } else { 255 / most };
                let each = 8 / bits;
                let values = move |byte: u8| {
                    (1..=each).map(move |place| (byte >> (8 - place * bits) & most) * stretch)
                };
                row.iter()
                    .flat_map(|&byte| values(byte))
                    .zip(targets)
                    .for_each(|(value, target)| *target = value);
            }
        }
    }
}

fn of_16_bits(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
}
