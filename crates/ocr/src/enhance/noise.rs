//! Noise out, edges kept.
//!
//! Two steps. A value beyond all of its neighbours is drawn back to them, which takes single specks and leaves every
//! stroke; where a page is full of salt and pepper, so that specks touch, one beyond all but one of them too. Then
//! each pixel becomes a mean of those around it that are like it, "like" being three deviations of the noise that the
//! picture shows: C. Tomasi and R. Manduchi, "Bilateral Filtering for Gray and Color Images" (1998), with weights
//! that fall off in a straight line, so that they need no table and several pixels are done at once.

use std::ops::Deref;

use sightwire_frame::Image;

/// Noise below this, in levels, is left alone.
const LEAST_DEVIATION: f32 = 1.0;
/// Differences in levels that are taken for noise: three deviations, and within these.
const LEAST_REACH: f32 = 6.0;
const MOST_REACH: f32 = 60.0;
/// Levels by which a speck differs from what is around it.
const SPECK: i32 = 40;
/// Pixels at which the noise is measured.
const MOST_SAMPLES: usize = 1 << 20;
/// Values whose sums are kept in the nearest cache.
const BLOCK: usize = 1024;

/// The picture with less noise of a scanner or camera, and the same edges. A clean picture stays nearly as it is. One that is
/// handed over is let go as soon as it is not needed.
#[must_use]
pub fn denoise_image(image: impl Deref<Target = Image>) -> Image {
    if image.is_empty() {
        return image.clone();
    }
    let specks_gone = if is_speckled(&image) {
        filter_rows::<3, u8>(&image, despeckle_row::<true>)
    } else {
        filter_rows::<3, u8>(&image, despeckle_row::<false>)
    };
    drop(image);
    let deviation = noise_deviation(&specks_gone);
    if deviation < LEAST_DEVIATION {
        return specks_gone;
    }
    let reach = (deviation * 3.0).clamp(LEAST_REACH, MOST_REACH) as i16;
    filter_rows::<5, i16>(&specks_gone, |rows, out| smooth_row(rows, reach, out))
}

/// Calls `step` for each row with the `N` rows around it, whose edges go on for `N / 2` pixels on either side.
fn filter_rows<const N: usize, T: From<u8> + Copy>(
    image: &Image,
    step: impl Fn(&[Vec<T>; N], &mut [u8]),
) -> Image {
    let row_bytes = image.width() as usize * 3;
    let reach = N / 2;
    let source: Vec<&[u8]> = image.data().chunks_exact(row_bytes).collect();
    let fill = |row: &mut Vec<T>, y: usize| {
        // Counted from `reach` rows above the picture.
        let pixels = source[y.saturating_sub(reach).min(source.len() - 1)];
        row.clear();
        let widen = |pixel: &[u8]| [T::from(pixel[0]), T::from(pixel[1]), T::from(pixel[2])];
        row.extend(widen(pixels).repeat(reach));
        row.extend(pixels.iter().map(|&level| T::from(level)));
        row.extend(widen(&pixels[row_bytes - 3..]).repeat(reach));
    };
    let mut rows: [Vec<T>; N] = std::array::from_fn(|_| Vec::new());
    for (y, row) in rows.iter_mut().enumerate() {
        fill(row, y);
    }
    let mut out = Image::new(image.width(), image.height());
    for (y, target) in out.data_mut().chunks_exact_mut(row_bytes).enumerate() {
        step(&rows, target);
        rows.rotate_left(1);
        fill(&mut rows[N - 1], y + N);
    }
    out
}

/// Draws each value back to the least and most of its eight neighbours, or to the second least and second most.
fn despeckle_row<const PAIRS: bool>(rows: &[Vec<u8>; 3], out: &mut [u8]) {
    let count = out.len();
    let [above, row, below] = rows;
    // Of one length, so that the compiler checks it once.
    let neighbours: [&[u8]; 8] = [
        &above[..count],
        &above[3..3 + count],
        &above[6..6 + count],
        &row[..count],
        &row[6..6 + count],
        &below[..count],
        &below[3..3 + count],
        &below[6..6 + count],
    ];
    let centre = &row[3..3 + count];
    for index in 0..count {
        let (mut least, mut second_least) = (255, 255);
        let (mut most, mut second_most) = (0, 0);
        for neighbour in &neighbours {
            let level = neighbour[index];
            second_least = second_least.min(least.max(level));
            least = least.min(level);
            second_most = second_most.max(most.min(level));
            most = most.max(level);
        }
        let (low, high) = if PAIRS { (second_least, second_most) } else { (least, most) };
        out[index] = centre[index].max(low).min(high);
    }
}

/// Places of the neighbours that are blended in, as rows and pixels from the first of the rows and pixels around: all
/// that are two steps away at most.
const NEIGHBOURS: [(usize, usize); 12] =
    [(0, 2), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 3), (2, 4), (3, 1), (3, 2), (3, 3), (4, 2)];

/// The mean of the values around, weighted by how near `reach` their difference is.
fn smooth_row(rows: &[Vec<i16>; 5], reach: i16, out: &mut [u8]) {
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let (start, count) = (block * BLOCK, out.len());
        let centre = &rows[2][start + 6..start + 6 + count];
        // At most 12 · (60 / 2)² and 13 · 60: both fit 16 bits.
        let mut sums = [0_i16; BLOCK];
        let mut weights = [reach; BLOCK];
        for (row, column) in NEIGHBOURS {
            let from = start + column * 3;
            let others = &rows[row][from..from + count];
            let sums = sums.iter_mut().zip(&mut weights);
            for ((sum, total), (&here, &other)) in sums.zip(centre.iter().zip(others)) {
                let difference = other - here;
                let weight = (reach - difference.abs()).max(0);
                *sum += weight * difference;
                *total += weight;
            }
        }
        for ((out, &here), (&sum, &total)) in out.iter_mut().zip(centre).zip(sums.iter().zip(&weights)) {
            let mean = f32::from(here) + f32::from(sum) / f32::from(total);
            *out = (mean + 0.5) as i32 as u8;
        }
    }
}

/// Calls `visit` with 3 × 3 pixels, row by row, at places all over the picture; how many those are. With their green,
/// which is most of the lightness: a mean of colours would hide their noise.
fn sample_pixels(image: &Image, mut visit: impl FnMut([i32; 9])) -> u32 {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let step = (width * height).div_ceil(MOST_SAMPLES).isqrt().max(1);
    let level = |x: usize, y: usize| i32::from(image.data()[(y * width + x) * 3 + 1]);
    let mut samples = 0;
    for y in (1..height.saturating_sub(1)).step_by(step) {
        for x in (1..width.saturating_sub(1)).step_by(step) {
            visit(std::array::from_fn(|at| level(x + at % 3 - 1, y + at / 3 - 1)));
            samples += 1;
        }
    }
    samples
}

/// Whether specks are so many that some touch: one pixel in 200 stands alone against all around it.
fn is_speckled(image: &Image) -> bool {
    let mut specks = 0;
    let samples = sample_pixels(image, |levels| {
        let here = levels[4];
        let others = || levels.iter().enumerate().filter(|(at, _)| *at != 4).map(|(_, level)| here - level);
        specks += u32::from(others().all(|by| by > SPECK) || others().all(|by| by < -SPECK));
    });
    specks > samples / 200
}

/// Standard deviation of the noise in levels.
///
/// J. Immerkær, "Fast Noise Variance Estimation" (1996): a mask that answers neither to flat nor to sloping parts; with
/// the median of its answers instead of their mean, because a page is full of edges.
fn noise_deviation(image: &Image) -> f32 {
    let mut counts = vec![0_u32; 16 * 255 + 1];
    let samples = sample_pixels(image, |levels| {
        let mask = [1, -2, 1, -2, 4, -2, 1, -2, 1];
        let answer: i32 = levels.iter().zip(mask).map(|(level, weight)| level * weight).sum();
        counts[answer.unsigned_abs() as usize] += 1;
    });
    let mut below = 0;
    let median = counts.iter().position(|count| {
        below += count;
        below * 2 >= samples
    });
    // Half of a normal distribution lies within 0.6745 deviations; the mask makes six times as much of the noise.
    median.unwrap_or_default() as f32 / (0.6745 * 6.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightwire_synth::random::Random;

    /// A page with strokes of several widths.
    fn page() -> Image {
        let level =
            |x: u32, y: u32| if y % 24 < 14 && matches!(x % 20, 3 | 8..=9 | 14..=16) { 30 } else { 225 };
        let pixel = |at: u32| [level(at % 320, at / 320); 3];
        Image::from_bgr(320, 240, (0..320 * 240).flat_map(pixel).collect()).unwrap()
    }

    fn error(one: &Image, two: &Image) -> f64 {
        let squares = one.data().iter().zip(two.data()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
        (squares.sum::<f64>() / one.data().len() as f64).sqrt()
    }

    #[test]
    fn a_clean_page_keeps_its_strokes() {
        let page = page();
        let clean = denoise_image(&page);
        let changed = page.data().iter().zip(clean.data()).filter(|(a, b)| a.abs_diff(**b) > 2).count();
        assert_eq!(changed, 0, "of {}", page.data().len());
    }

    #[test]
    fn the_noise_of_a_camera_gets_less() {
        let page = page();
        let mut noisy = page.clone();
        let mut random = Random::new(1, 0);
        for level in noisy.data_mut() {
            // The sum of uniform ones is nearly normal; its deviation is 12.
            let noise: f32 = (0..12).map(|_| random.range(-1.0, 1.0)).sum::<f32>() * 6.0;
            *level = (f32::from(*level) + noise).round().clamp(0.0, 255.0) as u8;
        }
        let measured = noise_deviation(&noisy);
        assert!((6.0..14.0).contains(&measured), "{measured}");
        let (before, after) = (error(&noisy, &page), error(&denoise_image(&noisy), &page));
        assert!(after < before * 0.75, "{before} {after}");
    }

    #[test]
    fn salt_and_pepper_go() {
        let page = page();
        let mut noisy = page.clone();
        let mut random = Random::new(2, 0);
        for pixel in noisy.data_mut().chunks_exact_mut(3) {
            if random.chance(0.04) {
                pixel.fill(if random.chance(0.5) { 0 } else { 255 });
            }
        }
        let (before, after) = (error(&noisy, &page), error(&denoise_image(&noisy), &page));
        assert!(after < before * 0.7, "{before} {after}");
    }

    #[test]
    fn the_smallest_pictures_are_filtered() {
        for (width, height) in [(0, 0), (1, 1), (1, 5), (2, 2), (5, 1), (3, 3), (700, 2)] {
            let image = Image::from_bgr(width, height, vec![9; (width * height * 3) as usize]).unwrap();
            assert_eq!(denoise_image(&image), image, "{width}x{height}");
        }
    }
}
