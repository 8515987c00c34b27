//! A line of text, cut out of a picture and made ready for the networks.

use sightwire_frame::{Image, ResizeError, Resizer};

use crate::crop;

use super::pixels::{self, Part};

/// Widths at which lines are read, px: each is compiled once. A line takes the smallest that holds it, whatever other
/// lines there are.
pub(super) const WIDTHS: [u32; 6] = [160, 240, 320, 480, 800, 1600];
/// The last of them.
const LONGEST: u32 = WIDTHS[WIDTHS.len() - 1];
/// A line that is this many times as high as it is wide stands upright: it is turned by a quarter to the left.
const UPRIGHT: f64 = 1.5;
/// Lines that are larger in the picture than they are read by this many times are sampled that much denser first.
const DENSEST: u32 = 8;
/// Pixels of a line as it is read, at most, so that a crooked outline costs no more than a long line.
const MOST_PX: u32 = 1 << 16;

/// A line, level, as high as the networks take it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) image: Image,
    /// By how many corners its outline has to be turned so that it begins at the top left of the text.
    pub(super) turned: usize,
}

/// A piece of a line, in columns: from, to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Columns that the network gets.
    pub(super) seen: (u32, u32),
    /// Letters whose middle lies here are taken.
    pub(super) kept: (u32, u32),
}

/// A column whose brightness changes by no more than this has no ink in it.
const QUIET: u32 = 32;

/// What a thread keeps to cut lines out with.
#[derive(Default)]
pub(super) struct Cutter {
    dense: Image,
    resizer: Resizer,
}

/// How a line that is small in the picture is enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// With cubic weights: clean print is read best, and its spaces are found.
    Sharp,
    /// Cut out at its own size and then enlarged with linear weights: noise does not become letters.
    Smooth,
}

impl Cutter {
    /// Cuts the line with this outline out of a picture: clockwise from its top left, px.
    pub(super) fn cut_line(
        &mut self,
        image: &Image,
        outline: &[[f32; 2]; 4],
        height: u32,
        how: Cut,
    ) -> Result<Line, ResizeError> {
        let (across, down) = sides(outline);
        let upright = down >= across * UPRIGHT;
        let (length, breadth, turned) = if upright { (down, across, 1) } else { (across, down, 0) };
        let mut corners = *outline;
        corners.rotate_left(turned);
        let breadth = breadth.max(1.0);
        let width = (f64::from(height) * length / breadth).ceil().clamp(1.0, f64::from(MOST_PX)) as u32;
        let dense = ((breadth / f64::from(height)).floor() as u32).clamp(1, DENSEST);
        let mut line = Image::default();
        if dense == 1 && how == Cut::Sharp {
            crop::quad_cubic(image, corners, width, height, &mut line);
        } else if dense == 1 {
            let own = [length, breadth].map(|side| side.clamp(1.0, f64::from(MOST_PX)) as u32);
            crop::quad_cubic(image, corners, own[0], own[1], &mut self.dense);
            self.resizer.resize(&self.dense, width, height, &mut line)?;
        } else {
            crop::crop_quad(image, corners, width * dense, height * dense, &mut self.dense);
            pixels::average_pixels(&self.dense, dense, &mut line);
        }
        Ok(Line { image: line, turned })
    }
}

impl Line {
    /// Turns it by half.
    pub(super) fn turn_half(&mut self) {
        self.turned = (self.turned + 2) % 4;
        let pixels = self.image.data_mut();
        pixels.reverse();
        pixels.chunks_exact_mut(3).for_each(<[u8]>::reverse);
    }

    /// The letter in the middle of which this column is: as it lies in the line, and turned by a quarter to the right, as it stands
    /// in the picture where the line was laid down.
    pub(super) fn letter(&self, middle: f32) -> [Self; 2] {
        let height = self.image.height();
        let (from, to) = (middle - height as f32 / 2.0, middle + height as f32 / 2.0);
        let corners = [[from, 0.0], [to, 0.0], [to, height as f32], [from, height as f32]];
        let mut image = Image::default();
        crop::crop_quad(&self.image, corners, height, height, &mut image);
        let mut turned = image.clone();
        turned.turn_quarters(1);
        [image, turned].map(|image| Self { image, turned: 0 })
    }

    /// Pieces that are no longer than the longest width: they are parted between letters, if there is a place, and each
    /// reaches beyond its ends, so that what stands there is seen whole by both.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let (width, mut from, mut pieces) = (self.image.width(), 0, Vec::new());
        let margin = self.image.height() * 3 / 2;
        let begin = |from: u32| from.saturating_sub(margin);
        while width - begin(from) > LONGEST {
            let room = begin(from) + LONGEST - margin;
            let cut = self.quietest_column(begin(from) + LONGEST / 2, room);
            pieces.push(Piece { seen: (begin(from), cut + margin), kept: (from, cut) });
            from = cut;
        }
        pieces.push(Piece { seen: (begin(from), width), kept: (from, width) });
        pieces
    }

    /// The column in whose neighbourhood least happens; the middle of the widest such place.
    fn quietest_column(&self, from: u32, to: u32) -> u32 {
        let activity: Vec<u32> = (from..to).map(|x| self.column_activity(x)).collect();
        let least = activity.iter().copied().min().unwrap_or(0) + QUIET / 4;
        let (mut best, mut run) = ((0, 0), 0);
        for (index, value) in activity.iter().enumerate() {
            run = if *value <= least { run + 1 } else { 0 };
            if run > best.0 {
                best = (run, index + 1);
            }
        }
        from + (best.1 - best.0 / 2) as u32
    }

    /// How much the brightness of a column changes.
    pub(super) fn column_activity(&self, x: u32) -> u32 {
        let column = self.image.data()[x as usize * 3 + 1..].iter().step_by(self.image.width() as usize * 3);
        let (low, high) = column.fold((255, 0), |(low, high), value| (*value.min(&low), *value.max(&high)));
        u32::from(high - low.min(high))
    }

    /// Writes a piece of it as the networks take it: planes of blue, green, red, -1 to 1; 0 to the right of it. Where it
    /// is wider than `width` it is squeezed.
    pub(super) fn fill_input(
        &self,
        (from, to): (u32, u32),
        width: u32,
        squeezed: &mut Image,
        input: &mut Vec<f32>,
    ) {
        let height = self.image.height();
        let (source, from, to) = if to - from > width {
            let corner = |x: u32, y: u32| [x as f32, y as f32];
            let corners = [corner(from, 0), corner(to, 0), corner(to, height), corner(from, height)];
            crop::crop_quad(&self.image, corners, width, height, squeezed);
            (&*squeezed, 0, width)
        } else {
            (&self.image, from, to)
        };
        let part = Part { left: from, top: 0, width: to - from, height };
        pixels::write_planes(source, part, (width, height), input);
    }
}

/// How long an outline is across and down.
pub(super) fn sides(outline: &[[f32; 2]; 4]) -> (f64, f64) {
    let side = |a: usize, b: usize| {
        let [from, to] = [outline[a], outline[b]];
        f64::from(to[0] - from[0]).hypot(f64::from(to[1] - from[1]))
    };
    (side(0, 1).max(side(3, 2)), side(0, 3).max(side(1, 2)))
}

/// The width at which a line of that length is read.
pub(super) fn width_for(length: u32) -> u32 {
    WIDTHS.into_iter().find(|width| *width >= length).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture whose pixels tell where they are: blue across, green down.
    fn chart(width: u32, height: u32) -> Image {
        let mut image = Image::new(width, height);
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (index as u32 % width, index as u32 / width);
            pixel.copy_from_slice(&[(x * 255 / width) as u8, (y * 255 / height) as u8, 0]);
        }
        image
    }

    #[test]
    fn a_level_line_is_as_wide_as_its_proportions_say() {
        let outline = [[10.0, 20.0], [110.0, 20.0], [110.0, 45.0], [10.0, 45.0]];
        let line = Cutter::default().cut_line(&chart(200, 100), &outline, 48, Cut::Sharp).unwrap();
        let smooth = Cutter::default().cut_line(&chart(200, 100), &outline, 48, Cut::Smooth).unwrap();
        assert_eq!((smooth.image.width(), smooth.image.height()), (192, 48));
        assert_eq!((line.image.width(), line.image.height(), line.turned), (192, 48, 0));
        assert!(line.image.data()[0] < line.image.data()[191 * 3]);
    }

    #[test]
    fn an_upright_line_is_laid_down_to_the_left_and_a_large_one_is_averaged() {
        let outline = [[10.0, 0.0], [110.0, 0.0], [110.0, 400.0], [10.0, 400.0]];
        let line = Cutter::default().cut_line(&chart(200, 400), &outline, 48, Cut::Sharp).unwrap();
        assert_eq!((line.image.width(), line.turned), (192, 1));
        // What was the top is at the left, and what was the right at the top.
        let green = |x: usize, y: usize| line.image.data()[(y * 192 + x) * 3 + 1];
        assert!(green(0, 24) < 10 && green(191, 24) > 245, "{} {}", green(0, 24), green(191, 24));
        assert!(line.image.data()[0] > line.image.data()[47 * 192 * 3]);
    }

    #[test]
    fn a_letter_is_as_wide_as_high_and_stands_as_in_the_picture() {
        let outline = [[10.0, 0.0], [58.0, 0.0], [58.0, 400.0], [10.0, 400.0]];
        let picture = chart(200, 400);
        let line = Cutter::default().cut_line(&picture, &outline, 48, Cut::Sharp).unwrap();
        let [laid, standing] = line.letter(100.0);
        assert_eq!((laid.image.width(), laid.image.height()), (48, 48));
        let pixel = |image: &Image, x: u32, y: u32| {
            let at = ((y * image.width() + x) * 3) as usize;
            [image.data()[at], image.data()[at + 1]]
        };
        for [x, y] in [[5, 5], [40, 5], [5, 40]] {
            let (seen, there) = (pixel(&standing.image, x, y), pixel(&picture, 10 + x, 76 + y));
            assert!(seen.iter().zip(there).all(|(a, b)| a.abs_diff(b) <= 2), "{seen:?} {there:?}");
        }
    }

    #[test]
    fn half_a_turn_and_back_is_nothing() {
        let outline = [[0.0, 0.0], [100.0, 0.0], [100.0, 25.0], [0.0, 25.0]];
        let mut line = Cutter::default().cut_line(&chart(100, 25), &outline, 48, Cut::Sharp).unwrap();
        let before = line.image.clone();
        line.turn_half();
        assert_eq!(line.turned, 2);
        assert_eq!(line.image.data()[..3], before.data()[before.data().len() - 3..]);
        line.turn_half();
        assert!(line.image == before && line.turned == 0);
    }

    #[test]
    fn a_long_line_is_cut_between_letters() {
        let mut image = Image::new(4000, 48);
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (index % 4000, index / 4000);
            // Letters of 20 px with gaps of 4, words with gaps of 24.
            let ink = x % 24 < 20 && x % 240 < 216 && y % 8 < 4;
            pixel.fill(if ink { 0 } else { 255 });
        }
        let line = Line { image, turned: 0 };
        let pieces = line.pieces();
        assert_eq!(pieces.first().map(|piece| (piece.seen.0, piece.kept.0)), Some((0, 0)));
        assert_eq!(pieces.last().map(|piece| (piece.seen.1, piece.kept.1)), Some((4000, 4000)));
        for pair in pieces.windows(2) {
            let cut = pair[0].kept.1;
            assert_eq!(cut, pair[1].kept.0);
            assert!((216..=240).contains(&(cut % 240)), "{pieces:?} cuts a word");
            assert_eq!((pair[0].seen.1, pair[1].seen.0), (cut + 72, cut - 72));
        }
        assert!(pieces.iter().all(|piece| piece.seen.1 - piece.seen.0 <= LONGEST));
    }

    #[test]
    fn a_line_takes_the_smallest_width_that_holds_it() {
        assert_eq!([1, 160, 161, 1600, 9999].map(width_for), [160, 160, 240, 1600, 1600]);
    }
}
