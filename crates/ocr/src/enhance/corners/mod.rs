//! Where a page lies in a photograph.
//!
//! Straight edges are found in a small copy without writing ([`lines`]); four of them that can be the sides of a page make
//! a quadrilateral ([`quads`]); which of these looks most like paper on a table counts ([`judge`]), and its sides are
//! then found to a part of a pixel in the picture itself ([`refine`]).

mod copy;
mod judge;
mod lines;
mod quads;
mod refine;

use self::copy::{Ink, Slopes, Small};
use sightwire_frame::Image;

/// Log odds from which on a quadrilateral is taken for a page: a wrong page harms more than one that was missed.
const LEAST_SCORE: f32 = -1.0;
/// How often a side is moved outwards.
const MOST_GROWN: usize = 3;
/// A page whose corners are all this near to the picture's, in longer sides, fills it.
const FILLING: f32 = 0.01;

/// The corners of a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corners {
    /// In pixels of the picture, clockwise from the upper left of a page that stands more or less upright. They may lie
    /// beyond the picture, by a sixth of its sides.
    pub points: [[f32; 2]; 4],
    /// How sure it is that this is a page, 0.5 to 1.
    pub confidence: f32,
}

/// The page in a photograph; `None` where none stands out, no lines are written on it, or it fills the picture already.
///
/// Of a page that lies on its side or its head, the corner that is the upper left as it lies is the first.
pub fn find_corners(image: &Image) -> Option<Corners> {
    let copy = Small::new(image)?;
    let clean = copy.without_writing();
    let ink = Ink::new(&copy, &clean);
    let lines = lines::find_lines(&Slopes::new(&clean));
    let size = [clean.width as f32, clean.height as f32];
    let mut quads = quads::find_quads(&lines, size);
    for quad in &mut quads {
        judge::add_colour_features(quad, &clean);
    }
    quads.retain(|quad| quad.features.score() >= LEAST_SCORE);
    quads.sort_by(|one, two| two.features.score().total_cmp(&one.features.score()));
    let mut best = quads.into_iter().find(|quad| judge::is_written(&quad.corners, &ink))?;
    let above = best.features.score() - LEAST_SCORE;
    for _ in 0..MOST_GROWN {
        match quads::grow_quad(&lines, &best, size) {
            Some(grown) if judge::is_band(&best.corners, &grown.corners, &clean) => best = grown,
            _ => break,
        }
    }
    let step = copy.step as f32;
    let rough = best.corners.map(|corner| corner.map(|value| value * step));
    let points = rotate_upright(refine::refine_corners(image, rough, best.lighter, step));
    let confidence = 1.0 / (1.0 + (-above).exp());
    (!fills_picture(image, &points)).then_some(Corners { points, confidence })
}

/// Whether corners are those of the picture, more or less.
fn fills_picture(image: &Image, points: &[[f32; 2]; 4]) -> bool {
    let (width, height) = (image.width() as f32, image.height() as f32);
    let whole = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
    let near = width.max(height) * FILLING;
    points.iter().zip(whole).all(|(point, corner)| (point[0] - corner[0]).hypot(point[1] - corner[1]) < near)
}

/// From the corner on that is the upper left of a page that stands more or less upright.
fn rotate_upright(mut corners: [[f32; 2]; 4]) -> [[f32; 2]; 4] {
    let middle = quads::quad_middle(&corners);
    // The middle of the upper side is most nearly straight above the middle of the page.
    let above = |side: usize| {
        let (one, two) = (corners[side], corners[(side + 1) % 4]);
        let (x, y) = (f32::midpoint(one[0], two[0]) - middle[0], f32::midpoint(one[1], two[1]) - middle[1]);
        -y / x.hypot(y).max(1e-6)
    };
    let first = (0..4).max_by(|one, two| above(*one).total_cmp(&above(*two))).unwrap_or(0);
    corners.rotate_left(first);
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_corner_is_the_upper_left() {
        let corners = [[10.0, 10.0], [110.0, 20.0], [100.0, 220.0], [0.0, 210.0]];
        for turn in 0..4 {
            let mut turned = corners;
            turned.rotate_left(turn);
            assert_eq!(rotate_upright(turned), corners);
        }
    }
}
