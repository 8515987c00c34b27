//! Sides to a part of a pixel, on the picture itself.

use sightwire_frame::Image;

/// Places along a side at which its edge is looked for.
const PLACES: u16 = 56;
/// Pixels of the picture along the side that are averaged at each.
const ALONG: i16 = 2;
/// Places of which this share has to be on one line.
const LEAST_ALIKE: f32 = 0.3;

/// The corners, in pixels of the picture; those of the copy, scaled, are within `step` pixels or two of them.
pub(super) fn refine_corners(
    image: &Image,
    corners: [[f32; 2]; 4],
    lighter: [bool; 4],
    step: f32,
) -> [[f32; 2]; 4] {
    let sides: [[f64; 3]; 4] = std::array::from_fn(|side| {
        let (from, to) = (corners[side], corners[(side + 1) % 4]);
        let exact = find_edge(image, from, to, lighter[side], step);
        exact.unwrap_or_else(|| line_through(from.map(f64::from), to.map(f64::from)))
    });
    std::array::from_fn(|corner| {
        let ([a, b, e], [c, d, f]) = (sides[(corner + 3) % 4], sides[corner]);
        let area = a * d - b * c;
        let [x, y] = corners[corner];
        let found = [(e * d - f * b) / area, (a * f - c * e) / area].map(|value| value as f32);
        let moved = (found[0] - x).hypot(found[1] - y);
        if moved.is_finite() && moved <= 6.0 * step + 4.0 { found } else { [x, y] }
    })
}

/// The line through two points: its normal, inward if they are clockwise, and its distance along that.
fn line_through(from: [f64; 2], to: [f64; 2]) -> [f64; 3] {
    let (x, y) = (to[0] - from[0], to[1] - from[1]);
    let length = x.hypot(y).max(1e-9);
    let normal = [-y / length, x / length];
    [normal[0], normal[1], normal[0] * from[0] + normal[1] * from[1]]
}

/// The line along which the picture changes most, near that from one corner to the next.
fn find_edge(image: &Image, from: [f32; 2], to: [f32; 2], lighter: bool, step: f32) -> Option<[f64; 3]> {
    let across = [to[0] - from[0], to[1] - from[1]];
    let length = across[0].hypot(across[1]);
    if length < 8.0 {
        return None;
    }
    let way = across.map(|value| value / length);
    let normal = [-way[1], way[0]];
    let sign = if lighter { 1.0 } else { -1.0 };
    let reach = (2.2 * step + 3.0).ceil() as i16;
    let mut found: Vec<[f64; 3]> = Vec::new();
    let mut levels = Vec::new();
    for place in 0..PLACES {
        let along = length * (0.03 + 0.94 * (f32::from(place) + 0.5) / f32::from(PLACES));
        let start = [0, 1].map(|axis| from[axis] + way[axis] * along);
        sample_profile(image, start, way, normal, reach, &mut levels);
        if let Some((off, steepness)) = find_steepest(&levels, sign, step) {
            found.push([f64::from(along), f64::from(off - f32::from(reach)), f64::from(steepness)]);
        }
    }
    let (tilt, shift) = fit_line(&found, f64::from(step))?;
    let (end, begin) = (shift + tilt * f64::from(length), shift);
    let moved =
        |point: [f32; 2], by: f64| [0, 1].map(|axis| f64::from(point[axis]) + f64::from(normal[axis]) * by);
    Some(line_through(moved(from, begin), moved(to, end)))
}

/// Colours across a side, from `reach` pixels outside to as many within; none if that is not all in the picture.
fn sample_profile(
    image: &Image,
    [x, y]: [f32; 2],
    way: [f32; 2],
    normal: [f32; 2],
    reach: i16,
    levels: &mut Vec<[f32; 3]>,
) {
    levels.clear();
    let (width, height) = (image.width() as f32, image.height() as f32);
    for off in -reach..=reach {
        let mut sum = [0.0; 3];
        for beside in -ALONG..=ALONG {
            let (off, beside) = (f32::from(off), f32::from(beside));
            let place = [x + normal[0] * off + way[0] * beside, y + normal[1] * off + way[1] * beside];
            if place[0] < 1.0 || place[1] < 1.0 || place[0] >= width - 1.0 || place[1] >= height - 1.0 {
                levels.clear();
                return;
            }
            let colour = blend_pixels(image, place);
            (0..3).for_each(|channel| sum[channel] += colour[channel]);
        }
        levels.push(sum.map(|sum| sum / f32::from(2 * ALONG + 1)));
    }
}

/// The colour at a place within the picture, blended of four pixels.
fn blend_pixels(image: &Image, [x, y]: [f32; 2]) -> [f32; 3] {
    let (x, y) = (x - 0.5, y - 0.5);
    let (column, row) = (x as usize, y as usize);
    let (right, down) = (x - column as f32, y - row as f32);
    let bytes = image.width() as usize * 3;
    let at = row * bytes + column * 3;
    let data = image.data();
    std::array::from_fn(|channel| {
        let level = |at: usize| f32::from(data[at + channel]);
        (level(at) * (1.0 - right) + level(at + 3) * right) * (1.0 - down)
            + (level(at + bytes) * (1.0 - right) + level(at + bytes + 3) * right) * down
    })
}

/// Where along a profile it gets lighter (or darker, as `sign` says) most, and by how much.
fn find_steepest(levels: &[[f32; 3]], sign: f32, step: f32) -> Option<(f32, f32)> {
    // As far apart as a soft edge is wide.
    let apart = (step * 0.4).round().clamp(1.0, 3.0) as usize;
    if levels.len() < 2 * apart + 3 {
        return None;
    }
    let change = |index: usize| {
        let (before, after) = (levels[index - apart], levels[index + apart]);
        (0..3).map(|channel| (after[channel] - before[channel]) * sign).fold(f32::MIN, f32::max)
    };
    let middle = (levels.len() / 2) as f32;
    let indices = apart..levels.len() - apart;
    let worth = |index: usize| change(index) * (1.0 - 0.25 * (index as f32 - middle).abs() / middle);
    let best = indices.clone().max_by(|one, two| worth(*one).total_cmp(&worth(*two)))?;
    let here = change(best);
    if here < 5.0 {
        return None;
    }
    let mut place = best as f32;
    if best > apart && best + 1 < levels.len() - apart {
        let (before, after) = (change(best - 1), change(best + 1));
        let bend = before - 2.0 * here + after;
        if bend < -1e-3 {
            place += (0.5 * (before - after) / bend).clamp(-0.5, 0.5);
        }
    }
    Some((place, here))
}

/// The line on which most of the places are, `[along, off, steepness]` each: how it tilts, and where it begins.
fn fit_line(places: &[[f64; 3]], step: f64) -> Option<(f64, f64)> {
    let least = (f32::from(PLACES) * LEAST_ALIKE) as usize;
    if places.len() < least {
        return None;
    }
    let near = 0.35 * step + 0.8;
    let mut best = (0.0, 0.0, 0.0);
    for (index, one) in places.iter().enumerate() {
        for two in &places[index + 1..] {
            if two[0] - one[0] < 0.25 * (places[places.len() - 1][0] - places[0][0]) {
                continue;
            }
            let tilt = (two[1] - one[1]) / (two[0] - one[0]);
            let shift = one[1] - tilt * one[0];
            let alike: f64 = places
                .iter()
                .map(|place| (1.0 - ((place[1] - shift - tilt * place[0]) / near).powi(2)).max(0.0))
                .sum();
            if alike > best.0 {
                best = (alike, tilt, shift);
            }
        }
    }
    let (_, mut tilt, mut shift) = best;
    let mut count = 0;
    for _ in 0..3 {
        let (mut weights, mut sums) = (0.0, [0.0; 4]);
        count = 0;
        for [along, off, _] in places {
            let away = (off - shift - tilt * along) / near;
            if away.abs() >= 1.0 {
                continue;
            }
            count += 1;
            let weight = (1.0 - away * away).powi(2);
            weights += weight;
            for (sum, value) in sums.iter_mut().zip([*along, *off, along * along, along * off]) {
                *sum += weight * value;
            }
        }
        let [along, off, square, both] = sums.map(|sum| sum / f64::max(weights, 1e-9));
        let spread = square - along * along;
        if spread < 1.0 {
            return None;
        }
        tilt = (both - along * off) / spread;
        shift = off - tilt * along;
    }
    (count >= least).then_some((tilt, shift))
}
