//! How far the lines of a page lean.
//!
//! W. Postl, "Detection of Linear Oblique Structures and Skew Scan in Digitized Documents" (1986): the dark pixels are
//! projected along many angles; along the lines, rows full of ink stand beside empty ones, and their differences are
//! largest. First roughly, with the page cut into strips, because along a narrow strip an angle may be further off and
//! still tell lines apart; then finer and finer on the whole width.

use super::pixel_lightness;
use sightwire_frame::Image;

/// The longer side of the copy that is looked at, pixels.
const COPY_PX: usize = 1200;
/// Pixels around one that tell whether it is ink: further than half a stroke, nearer than shadows change.
const AROUND_PX: usize = 12;
/// Fewer ink pixels are not text.
const LEAST_POINTS: usize = 150;
const MOST_POINTS: usize = 120_000;
const MOST_DEGREES: f32 = 45.0;
/// How much better than the usual angle the best one has to be.
const LEAST_GAIN: f64 = 1.35;

/// Degrees by which the picture has to be turned clockwise to make its lines of text level, -45 to 45. 0 if it has none
/// or does not say.
pub fn measure_skew(image: &Image) -> f32 {
    let page = Page::new(image);
    let points = page.ink();
    if points.len() < LEAST_POINTS {
        return 0.0;
    }
    let mut bins = Vec::new();
    let mut score = |degrees: f32, strips: usize| page.score(&points, degrees, strips, &mut bins);
    let coarse: Vec<_> =
        angle_grid(0.0, MOST_DEGREES, 0.5).map(|degrees| (degrees, score(degrees, 6))).collect();
    let mut scores: Vec<_> = coarse.iter().map(|(_, score)| *score).collect();
    scores.sort_by(f64::total_cmp);
    let usual = scores[scores.len() / 2];
    let Some(&(mut best, top)) = coarse.iter().max_by(|one, two| one.1.total_cmp(&two.1)) else { return 0.0 };
    if top < usual * LEAST_GAIN {
        return 0.0;
    }
    for (reach, step, strips) in [(0.6, 0.1, 3), (0.15, 0.03, 1)] {
        let near = angle_grid(best, reach, step).map(|degrees| (degrees, score(degrees, strips)));
        best = near.max_by(|one, two| one.1.total_cmp(&two.1)).map_or(best, |(degrees, _)| degrees);
    }
    // What leans clockwise is turned back.
    -best.clamp(-MOST_DEGREES, MOST_DEGREES) + 0.0
}

/// Angles from `middle - reach` to `middle + reach`, so far apart as `step` says.
fn angle_grid(middle: f32, reach: f32, step: f32) -> impl Iterator<Item = f32> {
    let count = (reach / step).round() as i16;
    (-count..=count).map(move |index| middle + f32::from(index) * step)
}

/// A small copy of the picture's lightness.
struct Page {
    width: usize,
    height: usize,
    levels: Vec<u8>,
}

impl Page {
    /// Means of squares of the picture.
    fn new(image: &Image) -> Self {
        let (full_width, full_height) = (image.width() as usize, image.height() as usize);
        let step = full_width.max(full_height).div_ceil(COPY_PX).max(1);
        let (width, height) = (full_width / step, full_height / step);
        let mut levels = Vec::with_capacity(width * height);
        let mut sums = vec![0_u32; width];
        for rows in image.data().chunks_exact((full_width * 3 * step).max(1)).take(height) {
            sums.fill(0);
            for row in rows.chunks_exact(full_width * 3) {
                for (sum, pixels) in sums.iter_mut().zip(row.chunks_exact(step * 3)) {
                    *sum +=
                        pixels.chunks_exact(3).map(|pixel| u32::from(pixel_lightness(pixel))).sum::<u32>();
                }
            }
            levels.extend(sums.iter().map(|sum| (sum / (step * step) as u32) as u8));
        }
        Self { width, height, levels }
    }

    /// Sums of all levels above and to the left, one row and column more than the page has.
    fn sums(&self) -> Vec<u32> {
        let stride = self.width + 1;
        let mut sums = vec![0; stride * (self.height + 1)];
        for y in 0..self.height {
            let mut row = 0;
            for x in 0..self.width {
                row += u32::from(self.levels[y * self.width + x]);
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
            }
        }
        sums
    }

    /// How each pixel differs from the mean around it.
    fn differences(&self) -> Vec<i16> {
        let sums = self.sums();
        let stride = self.width + 1;
        let mut differences = Vec::with_capacity(self.levels.len());
        for y in 0..self.height {
            let (top, bottom) = (y.saturating_sub(AROUND_PX), (y + AROUND_PX + 1).min(self.height));
            for x in 0..self.width {
                let (left, right) = (x.saturating_sub(AROUND_PX), (x + AROUND_PX + 1).min(self.width));
                let sum = sums[bottom * stride + right] + sums[top * stride + left]
                    - sums[bottom * stride + left]
                    - sums[top * stride + right];
                let mean = sum / ((bottom - top) * (right - left)) as u32;
                differences.push(i16::from(self.levels[y * self.width + x]) - mean as i16);
            }
        }
        differences
    }

    /// The pixels of strokes, each somewhere within its square: on a grid, some angles would be favoured.
    fn ink(&self) -> Vec<[f32; 2]> {
        let differences = self.differences();
        let (mut squares, mut cubes) = (0, 0);
        for difference in differences.iter().map(|&difference| i64::from(difference)) {
            squares += difference * difference;
            cubes += difference * difference * difference;
        }
        // Ink is rare and differs much, ground is frequent and differs little, whichever is darker.
        let sign = if cubes > 0 { 1.0 } else { -1.0 };
        let deviation = (squares as f32 / differences.len().max(1) as f32).sqrt();
        let least = (deviation * 0.75).max(4.0);
        let is_ink = |difference: i16| f32::from(difference) * sign > least;
        let count = differences.iter().filter(|&&difference| is_ink(difference)).count();
        let kept = (MOST_POINTS as f32 / count.max(1) as f32).min(1.0);
        let mut points = Vec::with_capacity(count.min(MOST_POINTS + MOST_POINTS / 8));
        for (index, _) in differences.iter().enumerate().filter(|(_, difference)| is_ink(**difference)) {
            let [x_shift, y_shift, chance] = scatter_values(index as u64);
            if chance <= kept {
                points.push([(index % self.width) as f32 + x_shift, (index / self.width) as f32 + y_shift]);
            }
        }
        points
    }

    /// How much the ink changes from row to row if rows lean clockwise by `degrees`.
    fn score(&self, points: &[[f32; 2]], degrees: f32, strips: usize, bins: &mut Vec<u32>) -> f64 {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (width, height) = (self.width as f32, self.height as f32);
        let count = (width * sin.abs() + height * cos) as usize + 3;
        let first = (width * sin).max(0.0) + 1.0;
        let strip = strips as f32 / width;
        bins.clear();
        bins.resize(count * strips, 0);
        for &[x, y] in points {
            let row = (y * cos - x * sin + first) as usize;
            let strip = ((x * strip) as usize).min(strips - 1);
            bins[strip * count + row.min(count - 1)] += 1;
        }
        let change = |pair: &[u32]| f64::from(pair[0].abs_diff(pair[1])).powi(2);
        bins.chunks_exact(count).flat_map(|bins| bins.windows(2)).map(change).sum()
    }
}

/// Three numbers from 0 to 1 that look random and are the same each time (`SplitMix64`).
fn scatter_values(index: u64) -> [f32; 3] {
    let mut bits = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    [0, 21, 42].map(|shift| ((bits >> shift) & 0x1f_ffff) as f32 / (1 << 21) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enhance::rotate_image;
    use sightwire_annotate::{Colour, Face, Letters, Typesetter};

    const WORDS: &str =
        "The quick brown fox jumps over the lazy dog and reads 1234567890 lines of text again";

    fn paper(width: u32, height: u32) -> Image {
        Image::from_bgr(width, height, vec![240; (width * height * 3) as usize]).unwrap()
    }

    fn page(width: u32, height: u32, text_px: u16, lines: usize) -> Image {
        let mut image = paper(width, height);
        let mut typesetter = Typesetter::new();
        let letters = Letters { px: text_px, face: Face::Regular, colour: Colour::BLACK };
        for line in 0..lines {
            let baseline = 30.0 + (line as f32 + 1.0) * f32::from(text_px) * 1.5;
            let text = &WORDS[line * 7 % 40..];
            typesetter.draw(&mut image, letters, text, (30.0, baseline));
        }
        image
    }

    fn assert_skew(image: &Image, expected: f32, most: f32) {
        let found = measure_skew(image);
        assert!((found - expected).abs() <= most, "{found} instead of {expected}");
    }

    #[test]
    fn the_lean_of_a_page_is_found() {
        let page = page(1000, 800, 22, 20);
        for degrees in [-44.0, -30.0, -12.7, -5.0, -1.0, -0.4, 0.0, 0.3, 2.5, 8.8, 21.3, 37.0, 44.5] {
            assert_skew(&rotate_image(&page, degrees, [240; 3]).0, -degrees, 0.3);
        }
    }

    #[test]
    fn a_dense_page_and_a_single_line_lean_too() {
        let dense = page(1500, 2000, 11, 110);
        for degrees in [-3.3, 0.0, 14.2] {
            assert_skew(&rotate_image(&dense, degrees, [240; 3]).0, -degrees, 0.3);
        }
        let line = page(900, 100, 24, 1);
        for degrees in [-6.0, 11.0] {
            assert_skew(&rotate_image(&line, degrees, [240; 3]).0, -degrees, 0.5);
        }
    }

    #[test]
    fn light_text_on_dark_ground_leans_too() {
        let mut page = rotate_image(&page(1000, 800, 22, 20), 6.5, [240; 3]).0;
        page.data_mut().iter_mut().for_each(|level| *level = 255 - *level / 2);
        assert_skew(&page, -6.5, 0.3);
        page.data_mut().iter_mut().for_each(|level| *level = 255 - *level);
        assert_skew(&page, -6.5, 0.3);
    }

    #[test]
    fn what_has_no_lines_is_left_as_it_is() {
        assert!(measure_skew(&Image::default()).abs() < 1e-9);
        assert!(measure_skew(&paper(1, 1)).abs() < 1e-9);
        assert!(measure_skew(&paper(3000, 2)).abs() < 1e-9);
        assert!(measure_skew(&paper(400, 300)).abs() < 1e-9);
        let mut noise = paper(600, 500);
        for (index, pixel) in noise.data_mut().chunks_exact_mut(3).enumerate() {
            pixel.fill((scatter_values(index as u64)[0] * 255.0) as u8);
        }
        assert!(measure_skew(&noise).abs() < 1e-9);
    }
}
