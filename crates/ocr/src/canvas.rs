//! At which size lines are looked for, and in how many pieces.
//!
//! The detector runs at a few sizes only, so that each is compiled once: a picture is scaled, and laid into the
//! smallest size that holds it. What is larger than the largest is looked at in overlapping tiles; nothing is cut off.

use sightwire_frame::{Image, ResizeError, Resizer};

use super::pixels::{self, Part};

/// Sides at which the detector is run, px: multiples of 32.
const SIDES: [u32; 9] = [352, 736, 864, 992, 1120, 1312, 1440, 1664, 2016];
/// The longest of them.
pub(super) const LONGEST: u32 = SIDES[SIDES.len() - 1];
/// Small pictures are enlarged until their shorter side is this long, px: small letters are found better then.
const SHORT_PX: u32 = 736;
/// Small pictures are not enlarged beyond this length of their longer side, px.
const ENLARGED_PX: u32 = 1312;
/// Small pictures are not enlarged more than this many times.
const ENLARGE_AT_MOST: f64 = 4.0;
/// By how much tiles overlap, px: a line that lies across a seam is seen by one of them with what is around it.
const OVERLAP_PX: u32 = 192;

/// A tile side by side with another costs as much as a quarter of all pixels more, for each that is: of small print the
/// network finds less the less of a line it sees.
const BESIDE: u32 = 4;

/// The size at which lines are looked for in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A part of the picture that the detector sees at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    /// Where it begins in the scaled picture, px.
    pub(super) left: u32,
    pub(super) top: u32,
    /// How much of the picture it holds, px.
    pub(super) width: u32,
    pub(super) height: u32,
    /// At which size the detector is run, px.
    pub(super) canvas: (u32, u32),
    /// Of which part its result is taken: from, to; in the scaled picture, px.
    pub(super) keep_x: (u32, u32),
    pub(super) keep_y: (u32, u32),
}

impl Tile {
    /// Where it lies in the scaled picture.
    pub(super) fn part(&self) -> Part {
        Part { left: self.left, top: self.top, width: self.width, height: self.height }
    }
}

impl Fit {
    /// Sides are at least 1.
    pub(super) fn new(width: u32, height: u32, max_side: u32) -> Self {
        let (short, long) = (f64::from(width.min(height)), f64::from(width.max(height)));
        let enlarged = (f64::from(SHORT_PX) / short).min(f64::from(ENLARGED_PX) / long).min(ENLARGE_AT_MOST);
        let reduced = f64::from(max_side) / long;
        let scale = if enlarged > 1.0 {
            enlarged.min(reduced)
        } else {
            // A long strip is not made so small that nobody could read it.
            reduced.max(f64::from(SHORT_PX) / short).min(1.0)
        };
        let side = |px: u32| (f64::from(px) * scale).round().max(1.0) as u32;
        Self { width: side(width), height: side(height) }
    }

    /// The tiles that cover it, with canvases of at most this many pixels where that can be: those with the fewest pixels in
    /// all, and rather one above the other than side by side, since most lines lie level.
    pub(super) fn tiles(self, most_px: u64) -> Vec<Tile> {
        let px = |across: u32, down: u32| {
            u64::from(canvas_side(self.width, across)) * u64::from(canvas_side(self.height, down))
        };
        let (least_across, least_down) = (count_pieces(self.width), count_pieces(self.height));
        let most = |length: u32, least: u32| least.max(length.div_ceil(SIDES[0] - OVERLAP_PX));
        let (most_across, most_down) = (most(self.width, least_across), most(self.height, least_down));
        let counts = (least_across..=most_across)
            .flat_map(|across| (least_down..=most_down).map(move |down| (across, down)));
        let (across, down) = counts
            .min_by_key(|(across, down)| {
                let one = px(*across, *down);
                let fits = one <= most_px;
                // As few as can be where they fit, though more would have less around them.
                let more = !fits || (*across, *down) != (least_across, least_down);
                let all = if fits { one * u64::from(across * down * (BESIDE + across - 1)) } else { one };
                (!fits, more, all, *across)
            })
            .unwrap_or((least_across, least_down));
        let (across, down) = (split_side(self.width, across), split_side(self.height, down));
        let mut tiles = Vec::with_capacity(across.len() * down.len());
        for y in &down {
            for x in &across {
                tiles.push(Tile {
                    left: x.start,
                    top: y.start,
                    width: x.length,
                    height: y.length,
                    canvas: (round_side(x.length), round_side(y.length)),
                    keep_x: x.keep,
                    keep_y: y.keep,
                });
            }
        }
        tiles
    }
}

struct Piece {
    start: u32,
    length: u32,
    keep: (u32, u32),
}

/// Into how many pieces a side has to be parted.
fn count_pieces(length: u32) -> u32 {
    if length <= LONGEST { 1 } else { (length - OVERLAP_PX).div_ceil(LONGEST - OVERLAP_PX) }
}

/// How long each of this many pieces of a side is.
fn piece_length(length: u32, count: u32) -> u32 {
    (length + (count - 1) * OVERLAP_PX).div_ceil(count).min(length)
}

/// The side of the canvas for each of this many pieces.
fn canvas_side(length: u32, count: u32) -> u32 {
    round_side(piece_length(length, count))
}

/// A side in pieces of equal length; what two of them see is taken from each up to the middle.
fn split_side(length: u32, count: u32) -> Vec<Piece> {
    if count == 1 {
        return vec![Piece { start: 0, length, keep: (0, length) }];
    }
    let long = piece_length(length, count);
    let start = |index: u32| (u64::from(length - long) * u64::from(index) / u64::from(count - 1)) as u32;
    let seam = |index: u32| (start(index) + start(index - 1) + long) / 2;
    (0..count)
        .map(|index| {
            let from = if index == 0 { 0 } else { seam(index) };
            let to = if index + 1 == count { length } else { seam(index + 1) };
            Piece { start: start(index), length: long, keep: (from, to) }
        })
        .collect()
}

fn round_side(length: u32) -> u32 {
    SIDES.into_iter().find(|side| *side >= length).unwrap_or(LONGEST)
}

/// Makes a picture as large as `fit` says. Enlarges and reduces as OpenCV does; halves it first where a sample of four
/// pixels would miss most of it.
pub(super) fn scale_image(
    image: &Image,
    fit: Fit,
    resizer: &mut Resizer,
    out: &mut Image,
) -> Result<(), ResizeError> {
    let (mut width, mut height, mut halvings) = (image.width(), image.height(), 0);
    while width >= fit.width * 2 && height >= fit.height * 2 {
        (width, height, halvings) = (width / 2, height / 2, halvings + 1);
    }
    if halvings == 0 {
        return resizer.resize(image, fit.width, fit.height, out);
    }
    let (mut rows, mut sums) = (vec![Vec::new(); halvings], Vec::new());
    let mut row = |row: usize, out: &mut Vec<u8>| halved_row(image, (&mut rows, &mut sums), row, out);
    resizer.resize_rows((width, height), &mut row, (fit.width, fit.height), out)
}

/// A row of a picture that is halved as often as there are `rows` to work with: each pixel the mean of four. It is made when it is
/// needed, so that nothing has to be kept but a few rows of each.
fn halved_row(image: &Image, (rows, sums): (&mut [Vec<u8>], &mut Vec<u32>), row: usize, out: &mut Vec<u8>) {
    let Some((pair, rows)) = rows.split_last_mut() else {
        let row_bytes = image.width() as usize * 3;
        out.extend_from_slice(&image.data()[row * row_bytes..][..row_bytes]);
        return;
    };
    pair.clear();
    halved_row(image, (rows, sums), row * 2, pair);
    halved_row(image, (rows, sums), row * 2 + 1, pair);
    let (begin, row_bytes) = (out.len(), pair.len() / 12 * 3);
    out.resize(begin + row_bytes, 0);
    sums.resize(row_bytes, 0);
    pixels::average_rows(pair, 2, sums, &mut out[begin..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_pictures_are_looked_at_as_a_whole() {
        for (size, fit, canvas) in [
            ((640, 480), (981, 736), (992, 736)),
            ((1280, 720), (1308, 736), (1312, 736)),
            ((720, 1280), (736, 1308), (736, 1312)),
            ((2480, 3508), (1414, 2000), (1440, 2016)),
            ((709, 132), (1312, 244), (1312, 352)),
            ((1, 1), (4, 4), (352, 352)),
        ] {
            let found = Fit::new(size.0, size.1, 2000);
            assert_eq!((found.width, found.height), fit, "{size:?}");
            let tiles = found.tiles(u64::MAX);
            assert_eq!(tiles.len(), 1, "{size:?}");
            assert_eq!(tiles[0].canvas, canvas, "{size:?}");
        }
    }

    #[test]
    fn tiles_cover_a_large_picture_without_gap_and_overlap() {
        for (width, height, max_side) in [(30_000, 100, 2000), (9000, 9000, 4096), (2017, 5, 2017)] {
            let fit = Fit::new(width, height, max_side);
            let tiles = fit.tiles(u64::MAX);
            assert!(tiles.len() > 1);
            let kept: u64 = tiles
                .iter()
                .map(|tile| {
                    u64::from(tile.keep_x.1 - tile.keep_x.0) * u64::from(tile.keep_y.1 - tile.keep_y.0)
                })
                .sum();
            assert_eq!(kept, u64::from(fit.width) * u64::from(fit.height));
            for tile in &tiles {
                assert!(tile.left + tile.width <= fit.width && tile.top + tile.height <= fit.height);
                assert!(tile.keep_x.0 >= tile.left && tile.keep_x.1 <= tile.left + tile.width);
                let seam = tile.keep_x.0 > 0;
                assert!(!seam || tile.keep_x.0 - tile.left >= OVERLAP_PX / 2, "{tile:?}");
            }
        }
    }

    #[test]
    fn what_fits_is_not_parted_and_what_does_not_is_parted_within_the_bound() {
        // Two parts would take fewer pixels here, and one fits.
        let whole = Fit { width: 1024, height: 512 }.tiles(1120 * 736);
        assert_eq!((whole.len(), whole[0].canvas), (1, (1120, 736)));
        for (width, height, most) in [
            (1498, 2000, 1_100_000),
            (2000, 1498, 1_100_000),
            (1414, 2000, 736 * 352),
            (4096, 3000, 736 * 352),
        ] {
            let tiles = Fit { width, height }.tiles(most);
            let px = |tile: &Tile| u64::from(tile.canvas.0) * u64::from(tile.canvas.1);
            assert!(tiles.len() > 1 && tiles.iter().all(|tile| px(tile) <= most), "{tiles:?}");
        }
    }

    #[test]
    fn lines_of_a_page_are_rather_seen_whole() {
        for (width, height) in [(1061, 865), (1414, 2000), (1000, 1414)] {
            let tiles = Fit { width, height }.tiles(1_080_000);
            assert!(tiles.len() > 1 && tiles.iter().all(|tile| tile.width == width), "{tiles:?}");
        }
    }

    #[test]
    fn a_large_picture_is_halved_row_by_row_as_it_would_be_as_a_whole() {
        for (size, fit) in
            [((97, 61), (40, 25)), ((640, 480), (100, 75)), ((33, 400), (8, 100)), ((64, 64), (16, 16))]
        {
            let pixels = (0..size.0 * size.1 * 3).map(|at| (at * 31 + at / 7 * 13) as u8).collect();
            let image = Image::from_bgr(size.0, size.1, pixels).unwrap();
            let (mut whole, mut resizer) = (image.clone(), Resizer::new());
            while whole.width() >= fit.0 * 2 && whole.height() >= fit.1 * 2 {
                let mut half = Image::default();
                pixels::average_pixels(&whole, 2, &mut half);
                whole = half;
            }
            let (mut expected, mut scaled) = (Image::default(), Image::default());
            resizer.resize(&whole, fit.0, fit.1, &mut expected).unwrap();
            scale_image(&image, Fit { width: fit.0, height: fit.1 }, &mut resizer, &mut scaled).unwrap();
            assert!(scaled == expected, "{size:?} to {fit:?}");
        }
    }

    #[test]
    fn a_strip_stays_legible() {
        let fit = Fit::new(30_000, 100, 2000);
        assert_eq!((fit.width, fit.height), (30_000, 100));
    }
}
