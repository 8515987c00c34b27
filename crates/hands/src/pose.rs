//! Bodies: what the pose network's values mean (`MediaPipe`, `pose_landmark_lite`), and when it is run for the shoulders of a hand.
//!
//! The network looks at a square around a body, and needs no detector of bodies: a hand says about where its body is and how
//! large, or else one begins with the whole picture, and each answer of the network says where to look next (`MediaPipe`,
//! `pose_landmarks_to_roi`, `alignment_points_to_rects_calculator`).

use std::time::Duration;

use sightwire_api::sign::Shoulders;
use sightwire_frame::boxes::Rect;

use crate::region::Region;
use crate::sigmoid;

/// Side of the network's input, pixels.
pub const INPUT: u32 = 256;
/// Points that the network gives: 33 joints of the body, and those that say where it is.
const POINTS: usize = 39;
/// Values of a point: x, y, z in pixels of the input; visibility and presence before the sigmoid.
const EACH: usize = 5;
/// Values that the network gives: the points, and that there is a body.
pub const VALUES: usize = POINTS * EACH + 1;

/// Numbers of points.
const LEFT_SHOULDER: usize = 11;
const RIGHT_SHOULDER: usize = 12;
const HIPS: usize = 33;
/// Above the head, so far from the hips as the body reaches.
const REACH: usize = 34;

/// Numbers of the joints of head, shoulders and arms: nose, eyes, shoulders, elbows, wrists; of each pair the left one first.
pub const UPPER_BODY: [usize; 9] = [0, 2, 5, LEFT_SHOULDER, RIGHT_SHOULDER, 13, 14, 15, 16];

/// The square around a body is larger than the circle that it reaches by this.
const MARGIN: f32 = 1.25;
/// Hips of a person who is close are below the picture, but no further down than this multiple of its height.
const BELOW_PICTURE: f32 = 3.0;
/// A body that is followed is at least this large, in shares of the picture's longer side.
const SMALLEST: f32 = 0.05;
/// A body that is followed is smaller than this, in shares of the picture's longer side.
const LARGEST: f32 = 5.0;
/// From here a shoulder is seen.
const VISIBLE: f32 = 0.5;
/// While there are hands, shoulders are looked for with at least this time between.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Shoulders are looked for in one of this many pictures at most, so that a server past its capacity looks at hands.
const LOOK_AFTER: u32 = 4;
/// A body that is not followed is looked for this far below its hand, palm lengths.
const BELOW: f32 = 5.0;
/// A body that is not followed is looked for in a square of this side, palm lengths.
const SIDE: f32 = 24.0;
/// A body is not followed into squares whose side is beyond these, palm lengths.
const SIDES: std::ops::Range<f32> = SIDE / 3.0..SIDE * 3.0;
/// A body is followed only while its square's middle is nearer to the hand than this, in shares of the square's side.
const IN_REACH: f32 = 0.6;

/// What the network says of a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// That there is a body, 0–1.
    pub presence: f32,
    /// Where its joints are, those that are visible, in the order of [`UPPER_BODY`], pixels.
    pub joints: [Option<[f32; 2]>; UPPER_BODY.len()],
    /// Where its shoulders are, if both are visible.
    pub shoulders: Option<Shoulders>,
    /// Where it is to be looked for next.
    pub next: Region,
}

impl Pose {
    /// From the network's values; `None` if they are not numbers, or not as many as are needed.
    pub fn decode(values: &[f32], region: &Region) -> Option<Self> {
        let values = values.get(..VALUES).filter(|values| values.iter().all(|value| value.is_finite()))?;
        let at = |point: usize| {
            let [x, y] = [0, 1].map(|axis| values[EACH * point + axis] / INPUT as f32 - 0.5);
            region.to_picture([x, y])
        };
        let is_visible = |point: usize| sigmoid(values[EACH * point + 3]) >= VISIBLE;
        let seen = |point: usize| is_visible(point).then(|| at(point));
        let shoulders = seen(LEFT_SHOULDER).zip(seen(RIGHT_SHOULDER));
        Some(Self {
            presence: values[VALUES - 1].clamp(0.0, 1.0),
            joints: UPPER_BODY.map(seen),
            shoulders: shoulders.map(|(left, right)| Shoulders { left, right }),
            next: Region::around(at(HIPS), at(REACH), MARGIN),
        })
    }
}

impl Region {
    /// Where a body is looked for of which nothing is known: all of a picture of that size.
    pub fn whole_picture(width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        Self { x: width / 2.0, y: height / 2.0, side: width.max(height), turn: 0.0 }
    }

    /// Around a person that a detector has found.
    pub fn around_person(rect: &Rect) -> Self {
        let (x, y) = rect.centre();
        Self { x, y, side: rect.width().max(rect.height()) * MARGIN, turn: 0.0 }
    }

    /// Whether a body is worth following there, in a picture of that size.
    pub fn can_hold_a_body(&self, width: u32, height: u32) -> bool {
        let share = self.side / width.max(height) as f32;
        let is_inside =
            (0.0..width as f32).contains(&self.x) && (0.0..height as f32 * BELOW_PICTURE).contains(&self.y);
        self.is_in(width, height) && (SMALLEST..LARGEST).contains(&share) && is_inside
    }
}

/// The body of a hand. Pure state: time is what the caller says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    next: Option<Region>,
    looked: Option<Duration>,
    pictures: u32,
    shoulders: Option<Shoulders>,
}

impl Body {
    /// Where it is to be looked for in the picture of time `now`, in which its hand is there and this large, pixels; `None` if it
    /// need not be.
    pub fn search_region(&mut self, now: Duration, [x, y]: [f32; 2], palm: f32) -> Option<Region> {
        self.pictures = self.pictures.saturating_add(1);
        let due = |looked: Duration| now.saturating_sub(looked) >= LOOK_EVERY && self.pictures >= LOOK_AFTER;
        self.looked.is_none_or(due).then(|| {
            (self.looked, self.pictures) = (Some(now), 0);
            let fits = |region: &Region| {
                let away = (region.x - x).hypot(region.y - y);
                SIDES.contains(&(region.side / palm)) && away < IN_REACH * region.side
            };
            let about = Region { x, y: y + BELOW * palm, side: SIDE * palm, turn: 0.0 };
            self.next.filter(fits).unwrap_or(about)
        })
    }

    /// What was found there.
    pub fn set_found(&mut self, found: Option<Pose>) {
        self.next = found.map(|pose| pose.next);
        self.shoulders = found.and_then(|pose| pose.shoulders);
    }

    /// Where its shoulders were seen last.
    pub fn shoulders(&self) -> Option<Shoulders> {
        self.shoulders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Region = Region { x: 300.0, y: 200.0, side: 256.0, turn: 0.0 };

    /// A body with its shoulders at these places of the input.
    fn values(left: [f32; 2], right: [f32; 2]) -> Vec<f32> {
        let mut values = vec![0.0; VALUES];
        for point in 0..POINTS {
            values[EACH * point + 3] = -5.0;
        }
        let mut point = |index: usize, [x, y]: [f32; 2]| {
            values[EACH * index..EACH * index + 4].copy_from_slice(&[x, y, 0.0, 5.0]);
        };
        point(LEFT_SHOULDER, left);
        point(RIGHT_SHOULDER, right);
        point(HIPS, [128.0, 200.0]);
        point(REACH, [128.0, 100.0]);
        values[VALUES - 1] = 0.9;
        values
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn shoulders_are_those_of_the_region_and_say_where_the_body_is() {
        let pose = Pose::decode(&values([178.0, 128.0], [78.0, 118.0]), &REGION).unwrap();
        let shoulders = Shoulders { left: [350.0, 200.0], right: [250.0, 190.0] };
        let next = Region { x: 300.0, y: 272.0, side: 250.0, turn: 0.0 };
        let mut joints = [None; UPPER_BODY.len()];
        (joints[3], joints[4]) = (Some(shoulders.left), Some(shoulders.right));
        assert_eq!(pose, Pose { presence: 0.9, joints, shoulders: Some(shoulders), next });
        // A body that lies on its side.
        let turned = Region { turn: std::f32::consts::FRAC_PI_2, ..REGION };
        let pose = Pose::decode(&values([178.0, 128.0], [78.0, 118.0]), &turned).unwrap();
        let [x, y] = pose.shoulders.unwrap().left;
        assert!((x - 300.0).abs() < 1e-3 && (y - 250.0).abs() < 1e-3, "{x} {y}");
        assert!((pose.next.turn - turned.turn).abs() < 1e-4, "{pose:?}");
    }

    #[test]
    fn a_shoulder_that_is_hidden_and_what_is_no_number_are_none() {
        let mut hidden = values([178.0, 128.0], [78.0, 118.0]);
        hidden[EACH * RIGHT_SHOULDER + 3] = -0.1;
        let pose = Pose::decode(&hidden, &REGION).unwrap();
        assert_eq!((pose.shoulders, pose.joints[4]), (None, None));
        assert_eq!(pose.joints[3], Some([350.0, 200.0]), "the other one is seen");
        hidden[7] = f32::NAN;
        assert_eq!(Pose::decode(&hidden, &REGION), None);
        assert_eq!(Pose::decode(&[1.0; VALUES - 1], &REGION), None);
    }

    #[test]
    fn a_body_is_looked_for_in_the_whole_picture_or_around_a_person_and_followed_while_it_can_be_one() {
        assert_eq!(Region::whole_picture(640, 360), Region { x: 320.0, y: 180.0, side: 640.0, turn: 0.0 });
        let person = Rect { left: 100.0, top: 40.0, right: 180.0, bottom: 240.0 };
        let around = Region::around_person(&person);
        assert_eq!(around, Region { x: 140.0, y: 140.0, side: 250.0, turn: 0.0 });
        for (region, can) in [
            (around, true),
            // Hips of a person who sits at a desk are below the picture.
            (Region { y: 500.0, side: 900.0, ..around }, true),
            (Region { x: -10.0, ..around }, false),
            (Region { y: 1200.0, ..around }, false),
            (Region { side: 20.0, ..around }, false),
            (Region { side: 3300.0, ..around }, false),
            (Region { x: f32::NAN, ..around }, false),
            (Region { side: f32::INFINITY, ..around }, false),
        ] {
            assert_eq!(region.can_hold_a_body(640, 360), can, "{region:?}");
        }
    }

    const HAND: [f32; 2] = [280.0, 170.0];
    const PALM: f32 = 12.0;

    #[test]
    fn a_body_is_looked_for_where_it_was_a_few_times_a_second_and_in_few_of_the_pictures() {
        let about = Region { x: 280.0, y: 230.0, side: 288.0, turn: 0.0 };
        let pose = Pose::decode(&values([178.0, 128.0], [78.0, 118.0]), &REGION).unwrap();
        let mut body = Body::default();
        assert_eq!(body.search_region(at(0), HAND, PALM), Some(about));
        body.set_found(Some(pose));
        let mut looks = Vec::new();
        for time in (1..100).map(|picture| picture * 33) {
            if let Some(region) = body.search_region(at(time), HAND, PALM) {
                assert_eq!(region, pose.next);
                looks.push(time);
            }
        }
        assert_eq!(looks, [429, 858, 1287, 1716, 2145, 2574, 3003]);
        assert_eq!(body.shoulders(), pose.shoulders);
        // A client that sends three pictures a second is not looked at three times a second.
        let mut body = Body::default();
        let times = (0..20).map(|picture| picture * 333);
        let looks: Vec<u64> = times.filter(|ms| body.search_region(at(*ms), HAND, PALM).is_some()).collect();
        assert_eq!(looks, [0, 1332, 2664, 3996, 5328]);
        // Nobody is there any more.
        body.set_found(Some(pose));
        body.set_found(None);
        assert_eq!((body.shoulders(), body.search_region(at(9000), HAND, PALM)), (None, Some(about)));
    }

    #[test]
    fn a_body_that_cannot_be_that_of_the_hand_is_not_followed() {
        let pose = Pose::decode(&values([178.0, 128.0], [78.0, 118.0]), &REGION).unwrap();
        for next in [
            Region { side: 1000.0, ..pose.next },
            Region { side: 50.0, ..pose.next },
            Region { x: 500.0, ..pose.next },
            Region { side: f32::NAN, ..pose.next },
        ] {
            let mut body = Body::default();
            body.set_found(Some(Pose { next, ..pose }));
            let region = body.search_region(at(0), HAND, PALM).unwrap();
            assert_eq!(region, Region { x: 280.0, y: 230.0, side: 288.0, turn: 0.0 }, "{next:?}");
        }
    }
}
