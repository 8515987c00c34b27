//! A quadrilateral of a picture, made upright: how a line of text gets from a page to its reader.
//!
//! Coordinates are continuous: the pixel in column x covers x to x + 1, so the corners (0, 0), (w, 0), (w, h), (0, h)
//! are the whole picture. Sampling is bilinear (or cubic) in fixed point, to 1/64 of a pixel (OpenCV's `warpPerspective` has
//! 1/32), and beyond the picture its edge goes on. The arithmetic is the same on every machine, so the result is too.

use sightwire_frame::Image;

/// Steps of a fraction of a pixel. Two of them multiplied leave each of three channels its 21 bits of a word.
const FRACTION_BITS: u32 = 6;
const ONE: i32 = 1 << FRACTION_BITS;
/// Pixels whose places are found together, in plain arrays, which the compiler makes vectors of.
const CHUNK: usize = 64;

/// Cuts the quadrilateral `corners`, clockwise from the top left of its content, out of `image` as a picture of
/// `width` × `height` pixels.
///
/// The corners may lie outside the picture. What makes no quadrilateral (not a number, three corners on a line) gives
/// some pixels of the picture and no panic. `out` is replaced, its memory reused; an empty `image` leaves it black.
#[allow(clippy::redundant_closure_for_method_calls, reason = "the method is of one lifetime only")]
pub fn crop_quad(image: &Image, corners: [[f32; 2]; 4], width: u32, height: u32, out: &mut Image) {
    crop_sampled(image, corners, width, height, out, |source, x, y| source.sample(x, y));
}

/// As [`crop_quad`], and sharper where it enlarges: sampled with cubic weights of 4 × 4 pixels.
pub fn quad_cubic(image: &Image, corners: [[f32; 2]; 4], width: u32, height: u32, out: &mut Image) {
    let weights = cubic_weights();
    crop_sampled(image, corners, width, height, out, |source, x, y| source.sample_cubic(x, y, &weights));
}

fn crop_sampled(
    image: &Image,
    corners: [[f32; 2]; 4],
    width: u32,
    height: u32,
    out: &mut Image,
    sample: impl Fn(&Source<'_>, i32, i32) -> [u8; 3],
) {
    out.reshape(width, height);
    if out.is_empty() {
        return;
    }
    if image.is_empty() {
        out.data_mut().fill(0);
        return;
    }
    let source = Source::new(image);
    let plane = Plane::new(corners, width, height);
    let mut places = [[0; 2]; CHUNK];
    for (row, pixels) in out.data_mut().chunks_exact_mut(width as usize * 3).enumerate() {
        for (chunk, pixels) in pixels.chunks_mut(CHUNK * 3).enumerate() {
            plane.fill_places(chunk * CHUNK, row, source.last, &mut places);
            for (pixel, &[x, y]) in pixels.chunks_exact_mut(3).zip(&places) {
                pixel.copy_from_slice(&sample(&source, x, y));
            }
        }
    }
}

/// From a place in the result to one in the source: `(column · column + row · row + start) / divisor + middle`.
///
/// Everything is relative to the middle of the corners, so that f32 is exact enough far from the picture's origin too.
struct Plane {
    column: [f32; 3],
    row: [f32; 3],
    start: [f32; 3],
    middle: [f32; 2],
}

impl Plane {
    /// P. Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3: square to quadrilateral.
    fn new(corners: [[f32; 2]; 4], width: u32, height: u32) -> Self {
        let corners = corners.map(|corner| corner.map(f64::from));
        let middle = [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).sum::<f64>() / 4.0);
        let [p0, p1, p2, p3] = corners.map(|[x, y]| [x - middle[0], y - middle[1]]);
        let minus = |a: [f64; 2], b: [f64; 2]| [a[0] - b[0], a[1] - b[1]];
        let cross = |a: [f64; 2], b: [f64; 2]| a[0] * b[1] - b[0] * a[1];
        let (right, below) = (minus(p1, p2), minus(p3, p2));
        let bend = minus(minus(p0, p1), minus(p3, p2));
        let area = cross(right, below);
        let tilt = [cross(bend, below) / area, cross(right, bend) / area];
        // A corner within the triangle of the others, or three on a line: there is no such view of a rectangle.
        let is_view =
            tilt.iter().all(|tilt| tilt.is_finite()) && tilt[0].min(tilt[1]).min(tilt[0] + tilt[1]) > -1.0;
        let [g, h] = if is_view { tilt } else { [0.0; 2] };
        let across = [0, 1].map(|axis| p1[axis] - p0[axis] + g * p1[axis]);
        let down = [0, 1].map(|axis| p3[axis] - p0[axis] + h * p3[axis]);
        let (width, height) = (f64::from(width), f64::from(height));
        let column = [across[0] / width, across[1] / width, g / width];
        let row = [down[0] / height, down[1] / height, h / height];
        // Half a pixel, because the middle of the result's first pixel is at (0.5, 0.5).
        let start = [p0[0], p0[1], 1.0];
        let start = [0, 1, 2].map(|at| start[at] + 0.5 * (column[at] + row[at]));
        let narrow = |values: [f64; 3]| values.map(|value| value as f32);
        // And half a pixel back, because a sample at 0 is the middle of the source's first pixel.
        let middle = middle.map(|middle| (middle - 0.5) as f32);
        Self { column: narrow(column), row: narrow(row), start: narrow(start), middle }
    }

    /// The places in the source, in 1/64 pixel and within it, of the pixels from column `first` of a row.
    fn fill_places(&self, first: usize, row: usize, last: [f32; 2], places: &mut [[i32; 2]; CHUNK]) {
        let row = row as f32;
        let begin = [0, 1, 2].map(|at| self.start[at] + self.row[at] * row);
        for (index, place) in places.iter_mut().enumerate() {
            let column = (first + index) as f32;
            let [x, y, divisor] = [0, 1, 2].map(|at| begin[at] + self.column[at] * column);
            let found = [x / divisor + self.middle[0], y / divisor + self.middle[1]];
            // What is not a number becomes 0.
            *place = [0, 1].map(|axis| (found[axis].clamp(0.0, last[axis]) * ONE as f32 + 0.5) as i32);
        }
    }
}

/// The picture that is sampled.
struct Source<'a> {
    pixels: &'a [u8],
    row_bytes: usize,
    /// The last column and row.
    last: [f32; 2],
    /// The last column and row that have another one behind them.
    last_pair: [i32; 2],
    /// Bytes to the next column and row: none where there is only one.
    step: [usize; 2],
}

impl<'a> Source<'a> {
    fn new(image: &'a Image) -> Self {
        let row_bytes = image.width() as usize * 3;
        let sides = [image.width(), image.height()];
        Self {
            pixels: image.data(),
            row_bytes,
            last: sides.map(|side| (side - 1) as f32),
            last_pair: sides.map(|side| side.saturating_sub(2) as i32),
            step: [if sides[0] > 1 { 3 } else { 0 }, if sides[1] > 1 { row_bytes } else { 0 }],
        }
    }

    /// The colour at a place in 1/64 pixel, blended of four pixels.
    #[inline]
    fn sample(&self, x: i32, y: i32) -> [u8; 3] {
        let column = (x >> FRACTION_BITS).min(self.last_pair[0]);
        let row = (y >> FRACTION_BITS).min(self.last_pair[1]);
        // Up to and with 1: the last column is all of the pair's right one.
        let (right, below) = (x - (column << FRACTION_BITS), y - (row << FRACTION_BITS));
        let at = row as usize * self.row_bytes + column as usize * 3;
        let upper = self.pixel_pair(at);
        let lower = self.pixel_pair(at + self.step[1]);
        let weigh = |value: u64, across: i32, down: i32| value * (across * down) as u64;
        let sum = weigh(upper[0], ONE - right, ONE - below)
            + weigh(upper[1], right, ONE - below)
            + weigh(lower[0], ONE - right, below)
            + weigh(lower[1], right, below)
            + HALF;
        let channel = |index: u32| (sum >> (index * LANE_BITS + 2 * FRACTION_BITS)) as u8;
        [channel(0), channel(1), channel(2)]
    }

    /// The colour at a place in 1/64 pixel, blended of sixteen pixels.
    #[inline]
    fn sample_cubic(&self, x: i32, y: i32, weights: &[[f32; 4]; ONE as usize]) -> [u8; 3] {
        let (column, row) = (x >> FRACTION_BITS, y >> FRACTION_BITS);
        let across = &weights[(x & (ONE - 1)) as usize];
        let down = &weights[(y & (ONE - 1)) as usize];
        let (last_column, last_row) = (self.last[0] as i32, self.last[1] as i32);
        let within = column >= 1 && column + 2 <= last_column;
        let mut sums = [0.0_f32; 12];
        for (offset, weight) in (-1..).zip(down) {
            let start = (row + offset).clamp(0, last_row) as usize * self.row_bytes;
            let mut bytes = [0; 12];
            if within {
                let from = start + (column - 1) as usize * 3;
                bytes.copy_from_slice(&self.pixels[from..from + 12]);
            } else {
                for (offset, pixel) in (-1..).zip(bytes.chunks_exact_mut(3)) {
                    let from = start + (column + offset).clamp(0, last_column) as usize * 3;
                    pixel.copy_from_slice(&self.pixels[from..from + 3]);
                }
            }
            for (sum, byte) in sums.iter_mut().zip(bytes) {
                *sum += weight * f32::from(byte);
            }
        }
        [0, 1, 2].map(|channel| {
            let value: f32 = (0..4).map(|index| across[index] * sums[index * 3 + channel]).sum();
            // Saturates.
            (value + 0.5) as u8
        })
    }

    /// The pixel at a byte and the one to its right, spread over lanes.
    #[inline]
    fn pixel_pair(&self, at: usize) -> [u64; 2] {
        let mut bytes = [0; 8];
        if let Some(found) = self.pixels.get(at..at + 8) {
            bytes.copy_from_slice(found);
        } else {
            // The last pixels of the picture.
            let next = at + self.step[0];
            bytes[..3].copy_from_slice(&self.pixels[at..at + 3]);
            bytes[3..6].copy_from_slice(&self.pixels[next..next + 3]);
        }
        let pair = u64::from_le_bytes(bytes);
        [spread_lanes(pair), spread_lanes(pair >> 24)]
    }
}

/// The weights of four pixels in a row for each fraction (Keys 1981, with a = -0.5: with -0.75, which OpenCV has, small letters are read a little worse).
fn cubic_weights() -> [[f32; 4]; ONE as usize] {
    const A: f32 = -0.5;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let mut weights = [[0.0; 4]; ONE as usize];
    for (index, weights) in weights.iter_mut().enumerate() {
        let x = index as f32 / ONE as f32;
        *weights = [far(x + 1.0), near(x), near(1.0 - x), far(2.0 - x)];
    }
    weights
}

/// Bits of a word for each channel.
const LANE_BITS: u32 = 21;
/// Half a level in each lane, for rounding.
const HALF: u64 = (1 << (2 * FRACTION_BITS - 1)) * (1 | 1 << LANE_BITS | 1 << (2 * LANE_BITS));

/// Three bytes, each at the bottom of its lane.
fn spread_lanes(pixel: u64) -> u64 {
    pixel & 0xff | (pixel & 0xff00) << (LANE_BITS - 8) | (pixel & 0xff_0000) << (2 * LANE_BITS - 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_weights_keep_what_is_even_and_pixels_that_are_met() {
        let weights = cubic_weights();
        assert!(weights.iter().all(|weights| (weights.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        let met = weights[0].map(|weight| (weight * 1e6).round() as i32);
        assert_eq!(met, [0, 1_000_000, 0, 0]);
        let data =
            (0..16 * 16 * 3).map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let image = Image::from_bgr(16, 16, data).unwrap();
        let corners = [[0.0, 0.0], [16.0, 0.0], [16.0, 16.0], [0.0, 16.0]];
        let mut out = Image::default();
        quad_cubic(&image, corners, 16, 16, &mut out);
        assert!(out == image);
    }

    #[test]
    fn an_edge_stays_sharper_than_with_linear_weights() {
        let row: Vec<u8> = (0..32).flat_map(|x| [if x < 16 { 0 } else { 255 }; 3]).collect();
        let image = Image::from_bgr(32, 8, row.repeat(8)).unwrap();
        let corners = [[0.0, 0.0], [32.0, 0.0], [32.0, 8.0], [0.0, 8.0]];
        let between = |cut: fn(&Image, [[f32; 2]; 4], u32, u32, &mut Image)| {
            let mut out = Image::default();
            cut(&image, corners, 512, 32, &mut out);
            out.data()[..512 * 3].iter().step_by(3).filter(|value| (40..215).contains(*value)).count()
        };
        assert!(between(quad_cubic) < between(crop_quad), "{} {}", between(quad_cubic), between(crop_quad));
    }
}
