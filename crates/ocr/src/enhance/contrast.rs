//! Contrast-limited adaptive histogram equalisation of the lightness.
//!
//! K. Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV (1994), with the tiles, limits
//! and rounding of OpenCV's `createCLAHE` (modules/imgproc/src/clahe.cpp).

use super::lightness_of;
use sightwire_frame::Image;

/// Tiles along each side.
const TILES: usize = 8;
/// How often a level may occur in a tile, in multiples of the mean.
const CLIP_LIMIT: f64 = 2.0;
const LEVELS: usize = 256;

type Table = [u8; LEVELS];

/// The picture with even contrast: each part is stretched by what is around it, so that pale writing on a shaded page
/// stands out. Colours keep their hue; grey pictures become what OpenCV makes of them.
#[must_use]
pub fn even_contrast(image: &Image) -> Image {
    if image.is_empty() {
        return image.clone();
    }
    let (width, height) = (image.width() as usize, image.height() as usize);
    let levels = lightness_of(image);
    let tiles = Tiles::new(&levels, width, height);
    let columns: Vec<Place> = (0..width).map(|x| Place::new(x, tiles.width)).collect();
    let mut out = image.clone();
    let rows = out.data_mut().chunks_exact_mut(width * 3).zip(levels.chunks_exact(width));
    for (y, (pixels, levels)) in rows.enumerate() {
        let place = Place::new(y, tiles.height);
        let (upper, lower) = (tiles.row(place.before), tiles.row(place.after));
        for ((pixel, &level), column) in pixels.chunks_exact_mut(3).zip(levels).zip(&columns) {
            let at = usize::from(level);
            let blend = |row: &[Table]| {
                f32::from(row[column.before][at]) * (1.0 - column.beyond)
                    + f32::from(row[column.after][at]) * column.beyond
            };
            let value = blend(upper) * (1.0 - place.beyond) + blend(lower) * place.beyond;
            let change = value.round_ties_even() as i16 - i16::from(level);
            for channel in pixel {
                *channel = (i16::from(*channel) + change).clamp(0, 255) as u8;
            }
        }
    }
    out
}

/// Between the middles of which tiles a pixel is.
struct Place {
    before: usize,
    after: usize,
    /// How far from the one before, 0 to 1.
    beyond: f32,
}

impl Place {
    fn new(at: usize, tile: usize) -> Self {
        let place = at as f32 * (1.0 / tile as f32) - 0.5;
        let before = place.floor();
        let tile = |index: f32| (index.max(0.0) as usize).min(TILES - 1);
        Self { before: tile(before), after: tile(before + 1.0), beyond: place - before }
    }
}

/// What each tile makes of each level.
struct Tiles {
    width: usize,
    height: usize,
    tables: Vec<Table>,
}

impl Tiles {
    fn new(levels: &[u8], width: usize, height: usize) -> Self {
        // A picture that the tiles do not divide is continued by its mirror image; so is then a side that they do.
        let divides = width.is_multiple_of(TILES) && height.is_multiple_of(TILES);
        let side = |side: usize| if divides { side / TILES } else { side / TILES + 1 };
        let (tile_width, tile_height) = (side(width), side(height));
        let table = |index: usize| {
            let (left, top) = (index % TILES * tile_width, index / TILES * tile_height);
            let mut counts = [0; LEVELS];
            for y in top..top + tile_height {
                let row = &levels[mirror_index(y, height) * width..][..width];
                for x in left..left + tile_width {
                    counts[usize::from(row[mirror_index(x, width)])] += 1;
                }
            }
            equalise_counts(counts, tile_width * tile_height)
        };
        Self { width: tile_width, height: tile_height, tables: (0..TILES * TILES).map(table).collect() }
    }

    fn row(&self, index: usize) -> &[Table] {
        &self.tables[index * TILES..(index + 1) * TILES]
    }
}

/// The mirror image of a place beyond the end, as often as needed; the edge itself is not repeated.
fn mirror_index(at: usize, size: usize) -> usize {
    if at < size || size == 1 {
        return at.min(size - 1);
    }
    let period = (size - 1) * 2;
    let at = at % period;
    if at < size { at } else { period - at }
}

/// The cumulative histogram, where what goes beyond the limit is spread over all levels.
fn equalise_counts(mut counts: [u32; LEVELS], pixels: usize) -> Table {
    let limit = ((CLIP_LIMIT * pixels as f64 / LEVELS as f64) as u32).max(1);
    let mut clipped = 0;
    for count in &mut counts {
        clipped += count.saturating_sub(limit);
        *count = (*count).min(limit);
    }
    let each = clipped / LEVELS as u32;
    let rest = clipped as usize % LEVELS;
    for count in &mut counts {
        *count += each;
    }
    if let Some(step) = LEVELS.checked_div(rest) {
        counts.iter_mut().step_by(step.max(1)).take(rest).for_each(|count| *count += 1);
    }
    let scale = (LEVELS - 1) as f32 / pixels as f32;
    let mut sum = 0;
    counts.map(|count| {
        sum += count;
        (sum as f32 * scale).round_ties_even().min(255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32, level: impl Fn(u32, u32) -> u8) -> Image {
        let pixel = |at: u32| [level(at % width, at / width); 3];
        Image::from_bgr(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
    }

    #[test]
    fn pale_writing_gets_darker_than_its_ground() {
        let page = grey(400, 300, |x, y| 150 + (x / 8) as u8 - if y % 20 < 4 && x % 9 < 4 { 12 } else { 0 });
        let range = |image: &Image, x: u32| {
            let column = (100..140).map(|y| image.data()[((y * 400 + x) * 3) as usize]);
            column.clone().max().unwrap() - column.min().unwrap()
        };
        let even = even_contrast(&page);
        assert!(range(&page, 200) <= 12 && range(&even, 200) >= 24, "{}", range(&even, 200));
    }

    #[test]
    fn odd_sizes_are_evened_out() {
        for (width, height) in [(0, 0), (1, 1), (2, 9), (7, 3), (8, 8), (9, 16), (300, 2)] {
            let image = grey(width.max(1), height.max(1), |x, y| (x * 7 + y * 3) as u8);
            let image = if width == 0 { Image::default() } else { image };
            assert_eq!(even_contrast(&image).data().len(), image.data().len());
        }
    }

    #[test]
    fn colours_keep_their_hue() {
        let image = Image::from_bgr(64, 64, [40, 60, 90].repeat(64 * 64)).unwrap();
        let even = even_contrast(&image);
        let pixel = &even.data()[..3];
        assert_eq!((pixel[1] - pixel[0], pixel[2] - pixel[1]), (20, 30));
    }
}
