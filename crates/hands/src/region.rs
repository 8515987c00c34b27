//! The square of a picture in which a hand or a body is looked for: turned so that fingers or head point up.
//!
//! As `MediaPipe` has it (`palm_detection_detection_to_roi`, `hand_landmark_landmarks_to_roi`,
//! `hand_landmarks_to_rect_calculator`, `rect_transformation_calculator`).

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use sightwire_frame::boxes::Rect;

use crate::palm::Palm;
use crate::{Points, joint};

/// A square of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Its middle, pixels.
    pub x: f32,
    /// Its middle, pixels.
    pub y: f32,
    /// Its side, pixels.
    pub side: f32,
    /// How far it is turned, clockwise as seen, radians from -π to π. At 0 it stands upright.
    pub turn: f32,
}

/// The points of a hand that hardly move with its fingers: wrist, thumb up to its last joint but one, and of each finger
/// the first two joints. With all 21 the region would breathe.
pub(crate) const STEADY: [usize; 12] = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18];

/// Regions that overlap by more than this are of one hand.
const SAME: f32 = 0.5;
/// Regions whose middles are nearer to each other than this, in shares of the smaller side, are of one hand.
const SAME_MIDDLE: f32 = 0.2;

impl Region {
    /// Around the hand of a palm.
    pub fn of_palm(palm: &Palm) -> Self {
        let (wrist, knuckle) = (palm.points[0], palm.points[2]);
        let turn = turn_angle(wrist, knuckle);
        let (x, y) = palm.rect.centre();
        let (width, height) = (palm.rect.width(), palm.rect.height());
        Self { x, y, side: width.max(height) * 2.6, turn }.moved_up(0.5 * height)
    }

    /// Where a hand will be in the next picture that is here in this one.
    pub fn of_points(points: &Points) -> Self {
        let at = |joint: usize| [points[joint][0], points[joint][1]];
        let (index, middle, ring) =
            (at(joint::INDEX_KNUCKLE), at(joint::MIDDLE_KNUCKLE), at(joint::RING_KNUCKLE));
        let towards = [0, 1].map(|axis| f32::midpoint(f32::midpoint(index[axis], ring[axis]), middle[axis]));
        let turn = turn_angle(at(joint::WRIST), towards);
        let (sin, cos) = turn.sin_cos();
        let upright = |[x, y]: [f32; 2]| [x * cos + y * sin, y * cos - x * sin];
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for point in STEADY.map(|joint| upright(at(joint))) {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let middle = [f32::midpoint(low[0], high[0]), f32::midpoint(low[1], high[1])];
        let (width, height) = (high[0] - low[0], high[1] - low[1]);
        let (x, y) = (middle[0] * cos - middle[1] * sin, middle[0] * sin + middle[1] * cos);
        Self { x, y, side: width.max(height) * 2.0, turn }.moved_up(0.1 * height)
    }

    /// Around a body whose middle is at `middle`, and which reaches as far to each side as up to `above`.
    pub fn around(middle: [f32; 2], above: [f32; 2], margin: f32) -> Self {
        let reach = (above[0] - middle[0]).hypot(above[1] - middle[1]);
        Self { x: middle[0], y: middle[1], side: 2.0 * reach * margin, turn: turn_angle(middle, above) }
    }

    /// Moved by this many pixels in the direction of its fingers.
    fn moved_up(self, pixels: f32) -> Self {
        let (sin, cos) = self.turn.sin_cos();
        Self { x: self.x + pixels * sin, y: self.y - pixels * cos, ..self }
    }

    /// Moved by this many pixels of the picture.
    #[must_use]
    pub fn moved_by(self, x: f32, y: f32) -> Self {
        Self { x: self.x + x, y: self.y + y, ..self }
    }

    /// Where a point of the region, -0.5 to 0.5 of its side to the right and down, is in the picture.
    pub fn to_picture(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.turn.sin_cos();
        let (x, y) = (x * self.side, y * self.side);
        [self.x + x * cos - y * sin, self.y + x * sin + y * cos]
    }

    /// An upright square of the same size in the same place.
    pub fn rect(&self) -> Rect {
        let half = self.side / 2.0;
        Rect { left: self.x - half, top: self.y - half, right: self.x + half, bottom: self.y + half }
    }

    /// How much of two regions is of both, 0–1, as if they were not turned.
    pub fn overlap(&self, other: &Self) -> f32 {
        self.rect().iou(&other.rect())
    }

    /// Whether two regions are of one hand: they overlap, or their middles are next to each other, as where one is of a hand that
    /// is seen badly, and too large.
    pub fn is_same(&self, other: &Self) -> bool {
        let away = (self.x - other.x).hypot(self.y - other.y);
        self.overlap(other) > SAME || away < SAME_MIDDLE * self.side.min(other.side)
    }

    /// Whether pixels can be taken from it: it is of numbers and has a side, and touches the picture.
    pub fn is_in(&self, width: u32, height: u32) -> bool {
        let whole = Rect { left: 0.0, top: 0.0, right: width as f32, bottom: height as f32 };
        let numbers = [self.x, self.y, self.side, self.turn].iter().all(|value| value.is_finite());
        numbers && self.side >= 1.0 && self.rect().iou(&whole) > 0.0
    }
}

/// By how much a hand is turned whose wrist is at `from` and whose fingers are towards `to`; and a body, from hips to head.
fn turn_angle(from: [f32; 2], to: [f32; 2]) -> f32 {
    let angle = FRAC_PI_2 - (from[1] - to[1]).atan2(to[0] - from[0]);
    angle - TAU * ((angle + PI) / TAU).floor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::upright_hand;

    #[test]
    fn a_hands_region_is_upright_with_it_and_turns_with_it() {
        let points = upright_hand();
        let region = Region::of_points(&points);
        assert!(region.turn.abs() < 0.1, "{region:?}");
        for degrees in [30.0_f32, 90.0, 179.0, -100.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let turned = points.map(|[x, y, z]| [x * cos - y * sin, x * sin + y * cos, z]);
            let found = Region::of_points(&turned);
            let expected = [region.x * cos - region.y * sin, region.x * sin + region.y * cos];
            assert!(
                (found.x - expected[0]).abs() + (found.y - expected[1]).abs() < 1e-2,
                "{degrees}: {found:?}"
            );
            assert!((found.side - region.side).abs() < 1e-2);
            let difference = (found.turn - region.turn - degrees.to_radians() + PI).rem_euclid(TAU) - PI;
            assert!(difference.abs() < 1e-4, "{degrees}: {found:?}");
        }
    }

    #[test]
    fn the_fingers_do_not_make_it_breathe() {
        let mut points = upright_hand();
        let before = Region::of_points(&points);
        for tip in [joint::THUMB_TIP, joint::INDEX_TIP, joint::MIDDLE_TIP, joint::RING_TIP, joint::LITTLE_TIP]
        {
            points[tip] = points[joint::MIDDLE_KNUCKLE];
        }
        assert_eq!(Region::of_points(&points), before);
    }

    #[test]
    fn a_region_of_a_palm_reaches_beyond_the_fingers() {
        let palm = Palm {
            rect: Rect { left: 90.0, top: 90.0, right: 110.0, bottom: 110.0 },
            points: [
                [100.0, 110.0],
                [95.0, 92.0],
                [100.0, 90.0],
                [104.0, 92.0],
                [108.0, 95.0],
                [92.0, 105.0],
                [90.0, 98.0],
            ],
            score: 0.9,
        };
        let region = Region::of_palm(&palm);
        assert_eq!(region, Region { x: 100.0, y: 90.0, side: 52.0, turn: 0.0 });
        // A point of the region and back.
        let tilted = Region { turn: FRAC_PI_2, ..region };
        let [x, y] = tilted.to_picture([0.5, 0.0]);
        assert!((x - 100.0).abs() < 1e-4 && (y - 116.0).abs() < 1e-4);
    }

    #[test]
    fn regions_are_of_one_hand_where_they_overlap_or_their_middles_meet() {
        let region = Region { x: 300.0, y: 200.0, side: 100.0, turn: 0.3 };
        let too_large = Region { x: 310.0, y: 195.0, side: 180.0, turn: 1.0 };
        assert!(region.overlap(&too_large) < SAME && region.is_same(&too_large));
        assert!(region.is_same(&region.moved_by(30.0, 0.0)));
        // Hands side by side, as far apart as palms are wide.
        assert!(!region.is_same(&region.moved_by(40.0, 0.0)));
    }

    #[test]
    fn a_region_without_numbers_or_outside_is_not_looked_at() {
        let region = Region { x: 10.0, y: 10.0, side: 5.0, turn: 0.0 };
        assert!(region.is_in(640, 480));
        for bad in [
            Region { x: f32::NAN, ..region },
            Region { side: 0.0, ..region },
            Region { x: -100.0, ..region },
            Region { turn: f32::INFINITY, ..region },
        ] {
            assert!(!bad.is_in(640, 480), "{bad:?}");
        }
    }
}
