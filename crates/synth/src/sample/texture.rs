//! Surfaces: the dead-leaves background and camera noise.
//!
//! Dead leaves (Matheron 1968; Lee, Mumford, Huang, IJCV 2001): opaque shapes of power-law sizes laid over each other
//! have the edges and contrasts of natural pictures.

use std::f32::consts::PI;

use crate::random::Random;
use sightwire_frame::Image;

/// Shapes laid over each other. With fewer the first colour shows through.
const LEAVES: u32 = 260;

/// A background of `width` × `height` pixels.
pub(crate) fn draw_background(random: &mut Random, width: u32, height: u32) -> Image {
    let tint = [random.range(0.75, 1.1), random.range(0.8, 1.05), random.range(0.8, 1.1)];
    // Rather dark, so that the hand stands out whatever lies behind it.
    let contrast = random.range(0.3, 0.4);
    let dark = random.range(0.03, 0.15);
    let mut image = Image::new(width, height);
    let base = dark + contrast * random.range(0.0, 1.0);
    for pixel in image.data_mut().chunks_exact_mut(3) {
        pixel.copy_from_slice(&tint_colour(base, tint));
    }
    for _ in 0..LEAVES {
        let leaf = Leaf::new(random);
        let own = tint.map(|channel| channel * random.range(0.85, 1.15));
        leaf.draw(&mut image, |level| tint_colour(dark + contrast * level, own));
    }
    image
}

fn tint_colour(level: f32, tint: [f32; 3]) -> [u8; 3] {
    tint.map(|channel| (level * channel * 255.0).clamp(0.0, 255.0) as u8)
}

/// One opaque shape: an ellipse or a rectangle, with a soft gradient.
pub(super) struct Leaf {
    centre: [f32; 2],
    radius: f32,
    aspect: f32,
    turn: (f32, f32),
    rectangle: bool,
    level: f32,
    slope: f32,
}

impl Leaf {
    /// Radius by a power law, in the coordinates of -1 to 1.
    pub(super) fn new(random: &mut Random) -> Self {
        const SMALLEST: f32 = 0.05;
        const LARGEST: f32 = 1.0;
        let u = random.range(0.0, 1.0);
        let radius = SMALLEST / (u * (SMALLEST / LARGEST) + (1.0 - u)) * random.range(0.6, 1.4);
        Self {
            centre: [random.range(-1.2, 1.2), random.range(-1.2, 1.2)],
            radius,
            aspect: random.range(0.25, 1.75),
            turn: random.range(0.0, PI).sin_cos(),
            rectangle: random.chance(0.4),
            level: random.range(0.0, 1.0),
            slope: random.range(-0.15, 0.15),
        }
    }

    /// Draws the shape; `paint` gives the colour of a brightness between 0 and 1.
    pub(super) fn draw(&self, image: &mut Image, paint: impl Fn(f32) -> [u8; 3]) {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let reach = self.radius * (1.0 + self.aspect);
        let columns = pixel_range(self.centre[0] - reach, self.centre[0] + reach, width);
        let rows = pixel_range(self.centre[1] - reach, self.centre[1] + reach, height);
        let (sin, cos) = self.turn;
        for y in rows {
            let dy = pixel_coordinate(y, height) - self.centre[1];
            let row = &mut image.data_mut()[y * width * 3..][..width * 3];
            for x in columns.clone() {
                let dx = pixel_coordinate(x, width) - self.centre[0];
                let a = (dx * cos + dy * sin) / self.radius;
                let b = (dy * cos - dx * sin) / (self.aspect * self.radius);
                let inside = if self.rectangle { a.abs().max(b.abs()) < 1.0 } else { a * a + b * b < 1.0 };
                if inside {
                    let level = (self.level + a * self.slope).clamp(0.0, 1.0);
                    row[x * 3..x * 3 + 3].copy_from_slice(&paint(level));
                }
            }
        }
    }
}

/// The coordinate (-1 to 1) of the middle of pixel `index` of `count`.
pub(super) fn pixel_coordinate(index: usize, count: usize) -> f32 {
    (index as f32 + 0.5) / count as f32 * 2.0 - 1.0
}

/// The pixels of `count` between two coordinates.
pub(super) fn pixel_range(from: f32, to: f32, count: usize) -> std::ops::Range<usize> {
    let pixel = |place: f32| ((place + 1.0) * 0.5 * count as f32).clamp(0.0, count as f32);
    pixel(from).floor() as usize..pixel(to).ceil() as usize
}

/// Adds the noise of a webcam's sensor indoors: up to 7 levels, the same in all three channels.
pub(crate) fn add_noise(random: &mut Random, image: &mut Image) {
    for block in image.data_mut().chunks_mut(8 * 3) {
        let bytes = random.bits().to_le_bytes();
        for (pixel, byte) in block.chunks_exact_mut(3).zip(bytes) {
            // The sum of two uniform numbers is near enough to a bell.
            let noise = i16::from(byte & 7) + i16::from((byte >> 3) & 7) - 7;
            for channel in pixel {
                *channel = (i16::from(*channel) + noise).clamp(0, 255) as u8;
            }
        }
    }
}

/// Adds noise of at most `amplitude` levels, the same in all three channels: like a poor sensor's, and hard to compress.
pub fn add_grain(seed: u64, amplitude: u8, image: &mut Image) {
    let mut random = Random::new(seed, 0x6741);
    let span = u64::from(amplitude) * 2 + 1;
    for pixel in image.data_mut().chunks_exact_mut(3) {
        let step = ((random.bits() >> 32) % span) as i16 - i16::from(amplitude);
        for value in pixel {
            *value = (i16::from(*value) + step).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grain_is_repeatable_and_bounded() {
        let mut a = Image::new(10, 10);
        a.data_mut().fill(100);
        let mut b = a.clone();
        add_grain(7, 10, &mut a);
        add_grain(7, 10, &mut b);
        assert_eq!(a.data(), b.data());
        assert!(a.data().iter().all(|v| (90..=110).contains(v)) && a.data().iter().any(|v| *v != 100));
    }
}
