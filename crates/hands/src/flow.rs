//! What moves between two pictures, and where to: blocks of a small grey copy are looked for in the next one.
//!
//! A hand that strikes through a picture is blurred, and its joints are lost for half of the way; that something of its size
//! went to the left can still be seen. Full search over blocks of 8 × 8 cells of a picture 80 cells wide: blocks that lie
//! still, or look alike everywhere, cost next to nothing and say nothing.

use sightwire_frame::Image;

/// Cells in a row.
const COLUMNS: usize = 80;
/// More rows are not made of a picture that is narrow and high.
const MOST_ROWS: usize = 160;
/// Side of a block, cells.
const BLOCK: usize = 8;
/// From one block to the next, cells.
const STEP: usize = 4;
/// How far a block is looked for, cells: at 640 pixels, 128 to each side.
const REACH: isize = 16;
/// A block that differs by less than this from what is in its place, mean of its cells, has not moved.
const QUIET: u32 = 6;
/// A block has moved if it differs this many times less from another place than from its own.
const BETTER: u32 = 2;
/// A cell that differs by more than this has changed.
const CHANGED: u8 = 12;
/// Fast is what moves at least this fast, as a part of the fastest.
const SLOWEST: f32 = 0.4;
/// Blocks go the same way if they differ by at most this many cells, and this share of their way.
const ALIKE: f32 = 1.5;
const ALIKE_SHARE: f32 = 0.2;
/// A pixel of a cell is looked at in steps that give this many to its side.
const SAMPLES: usize = 4;

/// A small grey copy of a picture.
#[derive(Clone, Debug, Default)]
pub struct Small {
    columns: usize,
    rows: usize,
    /// Pixels of the picture to a cell.
    scale: f32,
    cells: Vec<u8>,
}

/// What moved in a part of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// Way of what moved fastest, pixels of the picture from one picture to the next.
    pub step: [f32; 2],
}

impl Small {
    /// Takes the place of another picture, and reuses its memory.
    pub fn copy_image(&mut self, image: &Image) {
        let (width, height) = (image.width() as usize, image.height() as usize);
        self.cells.clear();
        if width == 0 || height == 0 {
            (self.columns, self.rows) = (0, 0);
            return;
        }
        self.scale = (width as f32 / COLUMNS as f32).max(height as f32 / MOST_ROWS as f32).max(1.0);
        self.columns = ((width as f32 / self.scale) as usize).max(1);
        self.rows = ((height as f32 / self.scale) as usize).max(1);
        let side = (self.scale as usize).max(1);
        let every = side.div_ceil(SAMPLES).max(1);
        let data = image.data();
        self.cells.reserve(self.columns * self.rows);
        for row in 0..self.rows {
            let top = ((row as f32 * self.scale) as usize).min(height - 1);
            for column in 0..self.columns {
                let left = ((column as f32 * self.scale) as usize).min(width - 1);
                let (mut sum, mut count) = (0_u32, 0_u32);
                for y in (top..(top + side).min(height)).step_by(every) {
                    let line = &data[y * width * 3..(y + 1) * width * 3];
                    for pixel in line[left * 3..(left + side).min(width) * 3].chunks_exact(3).step_by(every) {
                        sum += u32::from(pixel[0]) + 2 * u32::from(pixel[1]) + u32::from(pixel[2]);
                        count += 4;
                    }
                }
                self.cells.push((sum / count.max(1)) as u8);
            }
        }
    }

    /// Mean of all cells, 0–255.
    pub fn brightness(&self) -> f32 {
        let sum: u64 = self.cells.iter().map(|cell| u64::from(*cell)).sum();
        sum as f32 / self.cells.len().max(1) as f32
    }

    /// Which part of the cells has changed since `before`, 0–1: all where the size has. What changes everywhere alike, as
    /// when the camera adapts to the light, is not a change.
    pub fn changed_share(&self, before: &Self) -> f32 {
        if (self.columns, self.rows) != (before.columns, before.rows) || self.cells.is_empty() {
            return 1.0;
        }
        let lighter = (self.brightness() - before.brightness()).round() as i16;
        let differ = |(now, before): (&u8, &u8)| {
            (i16::from(*now) - i16::from(*before) - lighter).unsigned_abs() > u16::from(CHANGED)
        };
        let count = self.cells.iter().zip(&before.cells).filter(|cells| differ(*cells)).count();
        count as f32 / self.cells.len() as f32
    }

    fn block(&self, column: usize, row: usize) -> [[u8; BLOCK]; BLOCK] {
        std::array::from_fn(|line| {
            let first = (row + line) * self.columns + column;
            std::array::from_fn(|cell| self.cells[first + cell])
        })
    }

    /// Sum of differences of a block from what is at a place, at most a little more than `most`.
    #[inline]
    fn block_difference(&self, block: &[[u8; BLOCK]; BLOCK], column: usize, row: usize, most: u32) -> u32 {
        let mut sum = 0;
        for (line, cells) in block.iter().enumerate() {
            let first = (row + line) * self.columns + column;
            let there: &[u8] = &self.cells[first..first + BLOCK];
            sum += cells.iter().zip(there).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
            if sum > most {
                break;
            }
        }
        sum
    }
}

/// How what is within `radius` of `around` (pixels of the picture) moved from `before` to `now`.
pub fn measure_flow(before: &Small, now: &Small, around: [f32; 2], radius: f32) -> Flow {
    let same = (before.columns, before.rows) == (now.columns, now.rows);
    if !same || now.columns < BLOCK || now.rows < BLOCK || radius.is_nan() || radius <= 0.0 {
        return Flow::default();
    }
    let range = |middle: f32, cells: usize| {
        let low = ((middle - radius) / now.scale).max(0.0) as usize;
        let high = ((middle + radius) / now.scale).max(0.0) as usize;
        (low..high.min(cells).saturating_sub(BLOCK - 1)).step_by(STEP)
    };
    let mut steps = Vec::new();
    for row in range(around[1], now.rows) {
        for column in range(around[0], now.columns) {
            if let Some(step) = find_move(before, now, column, row) {
                steps.push(step);
            }
        }
    }
    if steps.is_empty() {
        return Flow::default();
    }
    Flow { step: fastest_group(steps).map(|cells| cells * now.scale) }
}

/// Where a block of `before` is now, in cells; `None` if it lies still or is not found.
fn find_move(before: &Small, now: &Small, column: usize, row: usize) -> Option<[f32; 2]> {
    const CELLS: u32 = (BLOCK * BLOCK) as u32;
    let block = before.block(column, row);
    let here = now.block_difference(&block, column, row, u32::MAX);
    if here < QUIET * CELLS {
        return None;
    }
    let within = |place: usize, cells: usize| {
        let (place, last) = (place as isize, (cells - BLOCK) as isize);
        (place - REACH).max(0)..=(place + REACH).min(last)
    };
    let (mut least, mut at) = (here / BETTER, None);
    for y in within(row, now.rows) {
        for x in within(column, now.columns) {
            let difference = now.block_difference(&block, x as usize, y as usize, least);
            if difference < least {
                (least, at) = (difference, Some([x - column as isize, y - row as isize]));
            }
        }
    }
    let step: [isize; 2] = at?;
    // What has looked so there before has not come there: it is a wall, and something has come before this part of it.
    let (x, y) = (column.checked_add_signed(step[0])?, row.checked_add_signed(step[1])?);
    let there_before = before.block_difference(&block, x, y, here);
    let came = there_before >= QUIET * CELLS && there_before / BETTER > least;
    came.then_some(step.map(|cells| cells as f32))
}

/// The way of the largest group of blocks among the fast ones that go nearly the same way: what moves fast is the hand, and a
/// block or two find something that only looks like it.
fn fastest_group(mut steps: Vec<[f32; 2]>) -> [f32; 2] {
    let length = |step: &[f32; 2]| step[0].hypot(step[1]);
    steps.sort_by(|a, b| length(b).total_cmp(&length(a)));
    // The arm moves with the hand, and more slowly.
    let least = length(&steps[0]) * SLOWEST;
    steps.retain(|step| length(step) >= least);
    let near =
        |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) <= ALIKE + ALIKE_SHARE * length(a);
    let group = |step: &[f32; 2]| steps.iter().filter(|other| near(step, other)).count();
    let Some(middle) = steps.iter().copied().max_by_key(group) else { return [0.0; 2] };
    let members: Vec<[f32; 2]> = steps.iter().copied().filter(|other| near(&middle, other)).collect();
    [0, 1].map(|axis| members.iter().map(|step| step[axis]).sum::<f32>() / members.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey wall with a checked square whose upper left corner is at a place.
    fn picture(left: u32, top: u32, light: u8) -> Image {
        let mut image = Image::new(640, 480);
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (index as u32 % 640, index as u32 / 640);
            let (inside_x, inside_y) = (x.wrapping_sub(left), y.wrapping_sub(top));
            // Noise that does not repeat.
            let mixed = (inside_x / 16).wrapping_mul(37).wrapping_add((inside_y / 16).wrapping_mul(101));
            let value = if inside_x < 130 && inside_y < 130 { 60 + (mixed % 13 * 12) as u8 } else { 120 };
            pixel.fill(value.saturating_add(light));
        }
        image
    }

    fn small(left: u32, top: u32, light: u8) -> Small {
        let mut small = Small::default();
        small.copy_image(&picture(left, top, light));
        small
    }

    #[test]
    fn what_moves_is_followed_also_far_and_across() {
        let before = small(200, 200, 0);
        for (x, y) in [(80, 0), (-96, 0), (0, 64), (0, -112), (64, -64)] {
            let now = small(200_u32.wrapping_add_signed(x), 200_u32.wrapping_add_signed(y), 0);
            let found = measure_flow(&before, &now, [265.0, 265.0], 210.0);
            assert!((found.step[0] - x as f32).abs() <= 8.0, "({x}, {y}): {found:?}");
            assert!((found.step[1] - y as f32).abs() <= 8.0, "({x}, {y}): {found:?}");
        }
    }

    #[test]
    fn a_picture_that_stands_still_or_becomes_lighter_has_no_flow() {
        let before = small(200, 200, 0);
        assert_eq!(measure_flow(&before, &small(200, 200, 0), [265.0, 265.0], 210.0), Flow::default());
        assert_eq!(
            measure_flow(&before, &small(280, 200, 0), [600.0, 40.0], 60.0),
            Flow::default(),
            "elsewhere"
        );
        let lighter = small(200, 200, 20);
        assert!(lighter.changed_share(&before) < 0.01);
        assert!(small(280, 200, 0).changed_share(&before) > 0.02);
    }

    #[test]
    fn pictures_of_other_sizes_and_none_are_no_flow() {
        let (before, mut other) = (small(200, 200, 0), Small::default());
        assert_eq!(measure_flow(&before, &other, [0.0, 0.0], 100.0), Flow::default());
        for (width, height) in [(1, 1), (5, 2000), (2000, 5), (7, 7)] {
            other.copy_image(&Image::new(width, height));
            let copy = other.clone();
            assert_eq!(measure_flow(&other, &copy, [1.0, 1.0], f32::NAN), Flow::default());
            assert_eq!(measure_flow(&other, &copy, [1e30, -1e30], 1e30), Flow::default());
        }
        assert_eq!(other.changed_share(&before).to_bits(), 1.0_f32.to_bits());
    }
}
