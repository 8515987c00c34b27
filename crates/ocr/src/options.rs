//! What a caller may choose.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::enhance::{self, Homography};
use sightwire_frame::Image;

/// Lines of a picture at most. A page of print has a few hundred.
pub const MAX_CANDIDATES: u32 = 10_000;
/// Range of [`ReadOptions::min_detection_size`], px.
pub const MIN_DETECTION_SIZES: RangeInclusive<f32> = 0.0..=1000.0;

/// How a picture is read. [`Default`] is what suits most pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step of its own, on or off")]
pub struct ReadOptions {
    /// A pixel belongs to text from this probability on, 0–1.
    pub threshold: f32,
    /// A line is kept whose pixels are text with this probability on average, 0–1.
    pub box_threshold: f32,
    /// How far a line's outline is moved outwards, in parts of its area by its perimeter.
    pub unclip: f32,
    /// A picture whose longer side has more pixels is made smaller before lines are looked for; polygons stay in pixels
    /// of the original, and lines are read from the original.
    pub max_side: u32,
    /// Of more lines, the largest ones are read, 1–[`MAX_CANDIDATES`].
    pub max_candidates: u32,
    /// Lines whose outline is lower are not read, px of the picture.
    pub min_detection_size: f32,
    /// Lines that are less sure are left out, 0–1.
    pub min_confidence: f32,
    /// Pages on their side or head are turned, and lines that stand on their head.
    pub angle: bool,
    /// Find the page in a photograph, and read it as if seen from straight above.
    pub perspective: bool,
    /// Where that page is, for callers that know; it is not looked for then, `perspective` or not.
    pub corners: Option<Corners>,
    /// Turn the picture so that its lines are level.
    pub deskew: bool,
    /// Even out contrast (CLAHE).
    pub contrast: bool,
    /// Take noise away before lines are looked for.
    pub denoise: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            threshold: 0.3,
            box_threshold: 0.5,
            unclip: 1.6,
            max_side: 2000,
            max_candidates: MAX_CANDIDATES,
            min_detection_size: 0.0,
            min_confidence: 0.5,
            angle: true,
            perspective: false,
            corners: None,
            deskew: false,
            contrast: false,
            denoise: false,
        }
    }
}

impl ReadOptions {
    /// Steps that make another picture of it before it is read.
    pub fn steps(&self) -> usize {
        let Self { perspective, corners, deskew, contrast, denoise, .. } = *self;
        [perspective || corners.is_some(), deskew, contrast, denoise].into_iter().filter(|step| *step).count()
    }
}

/// Nothing is further from the upper left of a picture, px.
const FARTHEST: f32 = 1e6;
/// A page has sides of this length at least, px.
const SHORTEST: f32 = 8.0;

/// The corners of a page in a photograph, in pixels of the upright picture, clockwise from the page's upper left: a
/// convex quadrilateral. They may lie outside the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corners([[f32; 2]; 4]);

/// No page has such corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "eight numbers x,y,x,y,x,y,x,y: the corners of a page, a convex quadrilateral, clockwise from its upper left, with sides of at least 8 px"
)]
pub struct NoCorners;

/// A page may have such corners, but not in this picture.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("corners {corners} are not those of a page in a picture of {width}x{height} pixels")]
pub struct UnsuitedCorners {
    /// As they were given.
    pub corners: Corners,
    /// Of the upright picture, px.
    pub width: u32,
    /// Of the upright picture, px.
    pub height: u32,
}

/// None of them is "not a number".
impl Eq for Corners {}

impl Corners {
    /// In this order: upper left, upper right, lower right, lower left.
    pub fn new(points: [[f32; 2]; 4]) -> Result<Self, NoCorners> {
        let known = points.as_flattened().iter().all(|part| part.abs() <= FARTHEST);
        let turns = (0..4).all(|index| {
            let [a, b, c] = [0, 1, 2].map(|step| points[(index + step) % 4]);
            let (to, on) = ([b[0] - a[0], b[1] - a[1]], [c[0] - b[0], c[1] - b[1]]);
            let (length, next) = (to[0].hypot(to[1]), on[0].hypot(on[1]));
            // To the right, by a degree at least.
            length >= SHORTEST && to[0] * on[1] - to[1] * on[0] > 0.02 * length * next
        });
        (known && turns).then_some(Self(points)).ok_or(NoCorners)
    }

    /// As they were given.
    pub fn points(self) -> [[f32; 2]; 4] {
        self.0
    }

    /// The page as if seen from straight above, and where the picture's points went. Corners may be beyond an edge of the
    /// picture by half of its side; no paper is more than 40 times as long as it is wide.
    pub fn straighten(self, image: &Image) -> Result<(Image, Homography), UnsuitedCorners> {
        let (width, height) = (image.width(), image.height());
        let unsuited = UnsuitedCorners { corners: self, width, height };
        let near = |at: f32, side: u32| (-0.5 * side as f32..=1.5 * side as f32).contains(&at);
        if self.0.iter().all(|[x, y]| near(*x, width) && near(*y, height)) {
            return enhance::straighten_page(image, self.0).ok_or(unsuited);
        }
        Err(unsuited)
    }
}

impl FromStr for Corners {
    type Err = NoCorners;

    fn from_str(text: &str) -> Result<Self, NoCorners> {
        let parts: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        let [a, b, c, d, e, f, g, h] = parts.map_err(|_| NoCorners)?[..] else { return Err(NoCorners) };
        Self::new([[a, b], [c, d], [e, f], [g, h]])
    }
}

impl fmt::Display for Corners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.as_flattened().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{part}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_read_as_they_are_written() {
        let text = "10,20.5,300,15,310,400,-5,390";
        let corners: Corners = text.parse().unwrap();
        assert_eq!(corners.points(), [[10.0, 20.5], [300.0, 15.0], [310.0, 400.0], [-5.0, 390.0]]);
        assert_eq!(corners.to_string(), text);
    }

    #[test]
    fn what_is_no_page_has_no_corners() {
        for text in [
            "",
            "1,2,3",
            "0,0,100,0,100,100,0,100,0",
            "0,0,100,0,100,x,0,100",
            "0,0,nan,0,100,100,0,100",
            "0,0,inf,0,100,100,0,100",
            "0,0,1e9,0,1e9,1e9,0,1e9",
            // Counterclockwise, crossed, concave, three in a row, and too small.
            "0,0,0,100,100,100,100,0",
            "0,0,100,0,0,100,100,100",
            "0,0,100,0,20,20,0,100",
            "0,0,50,0,100,0,0,100",
            "0,0,5,0,5,5,0,5",
        ] {
            assert_eq!(text.parse::<Corners>(), Err(NoCorners), "{text:?}");
        }
    }
}
