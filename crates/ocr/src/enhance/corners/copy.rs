//! A small copy of a picture, without its writing, and where its edges are.

use sightwire_frame::Image;

/// The longer side of the copy, pixels, at most.
const LONGER_PX: u32 = 640;
/// Copies with a shorter side show nothing.
const LEAST_PX: usize = 32;
/// Rows of which a row of the copy is the mean, at most, so that sums fit 16 bits.
const MOST_ROWS: usize = 128;
/// Pixels on either side that closing fills: more than half a stroke, less than a margin.
const STROKE_PX: usize = 2;

/// Levels by which writing is darker than its paper, at least.
const INK: u8 = 14;

/// A copy: blue, green, red, rows without padding.
pub(super) struct Small {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels of the picture that are one of the copy, along each side.
    pub(super) step: usize,
    pub(super) levels: Vec<u8>,
}

impl Small {
    /// Means of squares of the picture; none of what is too small or too narrow.
    pub(super) fn new(image: &Image) -> Option<Self> {
        let (full_width, full_height) = (image.width() as usize, image.height() as usize);
        let step = image.width().max(image.height()).div_ceil(LONGER_PX).max(1) as usize;
        let (width, height) = (full_width / step, full_height / step);
        if width.min(height) < LEAST_PX {
            return None;
        }
        let every = step.div_ceil(MOST_ROWS);
        let mut levels = Vec::with_capacity(width * height * 3);
        let mut sums = vec![0_u16; width * step * 3];
        for rows in image.data().chunks_exact(full_width * 3 * step).take(height) {
            sums.fill(0);
            let rows = rows.chunks_exact(full_width * 3).step_by(every);
            let count = (rows.len() * step) as u32;
            for row in rows {
                for (sum, &level) in sums.iter_mut().zip(row) {
                    *sum += u16::from(level);
                }
            }
            for sums in sums.chunks_exact(step * 3) {
                let mut mean = [count / 2; 3];
                for sums in sums.chunks_exact(3) {
                    for (mean, &sum) in mean.iter_mut().zip(sums) {
                        *mean += u32::from(sum);
                    }
                }
                levels.extend(mean.map(|sum| (sum / count) as u8));
            }
        }
        Some(Self { width, height, step, levels })
    }

    /// The copy without what is dark and thin: the lightest around each pixel, then the darkest around that.
    pub(super) fn without_writing(&self) -> Self {
        let across = spread_levels(&self.levels, self.width * 3, 3, u8::max);
        let lightest = spread_down(&across, self.width * 3, u8::max);
        let across = spread_levels(&lightest, self.width * 3, 3, u8::min);
        let levels = spread_down(&across, self.width * 3, u8::min);
        Self { levels, ..*self }
    }

    pub(super) fn contains(&self, [x, y]: [f32; 2]) -> bool {
        x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32
    }

    /// The colour at a place; beyond the copy its edge goes on.
    pub(super) fn colour_at(&self, [x, y]: [f32; 2]) -> [u8; 3] {
        let column = (x.max(0.0) as usize).min(self.width - 1);
        let row = (y.max(0.0) as usize).min(self.height - 1);
        let at = (row * self.width + column) * 3;
        [self.levels[at], self.levels[at + 1], self.levels[at + 2]]
    }
}

/// The most of each value and its neighbours in its row, as `most` has it; those are `apart` values apart.
fn spread_levels(levels: &[u8], row: usize, apart: usize, most: impl Fn(u8, u8) -> u8) -> Vec<u8> {
    let mut out = levels.to_vec();
    for (out, levels) in out.chunks_exact_mut(row).zip(levels.chunks_exact(row)) {
        for shift in (1..=STROKE_PX).map(|count| count * apart) {
            for (out, &other) in out.iter_mut().zip(&levels[shift..]) {
                *out = most(*out, other);
            }
            for (out, &other) in out[shift..].iter_mut().zip(levels) {
                *out = most(*out, other);
            }
        }
    }
    out
}

/// As [`spread_levels`], down the columns.
fn spread_down(levels: &[u8], row: usize, most: impl Fn(u8, u8) -> u8) -> Vec<u8> {
    let mut out = levels.to_vec();
    for shift in (1..=STROKE_PX).map(|count| count * row) {
        for (out, &other) in out.iter_mut().zip(&levels[shift..]) {
            *out = most(*out, other);
        }
        for (out, &other) in out[shift..].iter_mut().zip(levels) {
            *out = most(*out, other);
        }
    }
    out
}

/// Where there is writing: what is darker than the copy without writing.
pub(super) struct Ink {
    width: usize,
    dark: Vec<bool>,
}

impl Ink {
    pub(super) fn new(copy: &Small, without: &Small) -> Self {
        let pairs = copy.levels.chunks_exact(3).zip(without.levels.chunks_exact(3));
        let dark = pairs.map(|(with, without)| without[1].abs_diff(with[1]) > INK).collect();
        Self { width: copy.width, dark }
    }

    /// Whether there is writing at a place.
    pub(super) fn has_ink(&self, [x, y]: [f32; 2]) -> bool {
        let column = (x.max(0.0) as usize).min(self.width - 1);
        self.dark.get(y.max(0.0) as usize * self.width + column).is_some_and(|dark| *dark)
    }
}

/// How steeply colours change at each pixel, levels per pixel, towards what is lighter.
pub(super) struct Slopes {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) all: Vec<[f32; 2]>,
}

impl Slopes {
    /// Sobel's, of the channel that changes most.
    pub(super) fn new(copy: &Small) -> Self {
        let (width, height, row) = (copy.width, copy.height, copy.width * 3);
        let mut slopes = vec![[0.0; 2]; width * height];
        // What changes along the rows, and what is blended along them, of three rows.
        let mut steps: Vec<[Vec<i16>; 2]> = (0..3).map(|_| [vec![0; row], vec![0; row]]).collect();
        for y in 0..height {
            let [change, blend] = &mut steps[y % 3];
            let levels = &copy.levels[y * row..][..row];
            for at in 3..row - 3 {
                let [before, here, after] = [levels[at - 3], levels[at], levels[at + 3]].map(i16::from);
                change[at] = after - before;
                blend[at] = before + 2 * here + after;
            }
            if y < 2 {
                continue;
            }
            let [above, middle, below] = [&steps[(y - 2) % 3], &steps[(y - 1) % 3], &steps[y % 3]];
            let out = &mut slopes[(y - 1) * width..][..width];
            for (x, out) in out.iter_mut().enumerate().take(width - 1).skip(1) {
                let mut most = -1;
                let mut found = [0; 2];
                for at in x * 3..x * 3 + 3 {
                    let across = i32::from(above[0][at] + 2 * middle[0][at] + below[0][at]);
                    let down = i32::from(below[1][at] - above[1][at]);
                    let length = across * across + down * down;
                    if length > most {
                        (most, found) = (length, [across, down]);
                    }
                }
                *out = found.map(|slope| slope as f32 / 8.0);
            }
        }
        Self { width, height, all: slopes }
    }

    /// The slope along a direction at a place; 0 beyond the copy.
    #[inline]
    pub(super) fn slope_along(&self, [x, y]: [f32; 2], [by_x, by_y]: [f32; 2]) -> f32 {
        if x < 0.0 || y < 0.0 {
            return 0.0;
        }
        let (column, row) = (x as usize, y as usize);
        if column >= self.width || row >= self.height {
            return 0.0;
        }
        let [across, down] = self.all[row * self.width + column];
        across * by_x + down * by_y
    }
}
