//! The arm that holds a hand, and the camera that sees both.

use super::geometry::{Mix, Turn, Vector, add, sub};
use super::skeleton::{Bones, Grip, JOINTS, deg};

/// Width of the picture in which places are given, in pixels.
pub const WIDTH: f32 = 640.0;
/// Height of that picture, in pixels.
pub const HEIGHT: f32 = 480.0;
/// The camera's focal length in pixels: 60° across, as webcams have.
const FOCAL: f32 = 554.0;
/// P of a hand of size 1, in pixels.
const SIZE: f32 = 70.0;
/// Nearer than this, in P, nothing comes.
const NEAREST: f32 = 1.2;
/// The middle of the palm on the hand's own axes.
const PALM: Vector = [-0.03, 0.74, 0.0];

/// How an arm is held. All angles are 0 when it points up with the palm to the camera; they are a right arm's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arm {
    pub(super) elbow: Vector,
    pub(super) angles: Angles,
}

/// An arm's angles, in radians. Each turns what the ones before it have turned.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Angles {
    /// Of the wrist: towards the palm.
    pub(super) flexion: f32,
    /// Of the wrist: towards the thumb's side.
    pub(super) deviation: f32,
    /// Of the forearm about itself: supination, which turns the thumb of a raised hand away from the camera. At 180°
    /// the palm faces away.
    pub(super) twist: f32,
    /// Of the forearm: towards the camera.
    pub(super) pitch: f32,
    /// Of the forearm in the picture: clockwise.
    pub(super) roll: f32,
    /// Of the whole arm about the vertical: what points right turns towards the camera.
    pub(super) heading: f32,
}

impl Angles {
    /// Least and most of flexion, deviation and twist.
    pub(super) const LIMITS: [(f32, f32); 3] =
        [(deg(-75.0), deg(85.0)), (deg(-38.0), deg(25.0)), (deg(-30.0), deg(200.0))];

    fn all_angles(&self) -> [f32; 6] {
        [self.flexion, self.deviation, self.twist, self.pitch, self.roll, self.heading]
    }

    fn from_array(all: [f32; 6]) -> Self {
        let [flexion, deviation, twist, pitch, roll, heading] = all;
        let limit = |angle: f32, i: usize| angle.clamp(Self::LIMITS[i].0, Self::LIMITS[i].1);
        Self {
            flexion: limit(flexion, 0),
            deviation: limit(deviation, 1),
            twist: limit(twist, 2),
            pitch,
            roll,
            heading,
        }
    }

    fn forearm_turn(&self) -> Turn {
        Turn::about_x(self.pitch).then(&Turn::about_z(self.roll)).then(&Turn::about_y(self.heading))
    }

    /// Of the hand. It is for axes x = a, y = -b, z = -c, on which the hand is upright with its palm to the camera.
    fn hand_turn(&self) -> Turn {
        let wrist = Turn::about_x(self.flexion).then(&Turn::about_z(self.deviation));
        wrist.then(&Turn::about_y(-self.twist)).then(&self.forearm_turn())
    }

    /// From the elbow to the middle of the palm.
    fn reach(&self, bones: &Bones) -> Vector {
        add(self.forearm_turn().apply([0.0, -bones.forearm, 0.0]), on_axes(&self.hand_turn(), PALM))
    }
}

impl Mix for Arm {
    fn mix(&self, other: &Self, share: f32) -> Self {
        Self {
            elbow: self.elbow.mix(&other.elbow, share),
            angles: Angles::from_array(self.angles.all_angles().mix(&other.angles.all_angles(), share)),
        }
    }
}

impl Arm {
    /// With the middle of the palm at `palm`.
    pub(super) fn with_palm(palm: Vector, angles: Angles, bones: &Bones) -> Self {
        let angles = Angles::from_array(angles.all_angles());
        Self { elbow: sub(palm, angles.reach(bones)), angles }
    }

    /// The same arm with other angles, its elbow where it was.
    pub(super) fn with_angles(&self, angles: Angles) -> Self {
        Self { elbow: self.elbow, angles: Angles::from_array(angles.all_angles()) }
    }

    /// The same arm elsewhere.
    pub(super) fn moved_by(&self, by: Vector) -> Self {
        Self { elbow: add(self.elbow, by), angles: self.angles }
    }

    pub(super) fn wrist(&self, bones: &Bones) -> Vector {
        add(self.elbow, self.angles.forearm_turn().apply([0.0, -bones.forearm, 0.0]))
    }

    /// The middle of the palm.
    pub(super) fn palm(&self, bones: &Bones) -> Vector {
        add(self.elbow, self.angles.reach(bones))
    }

    /// The joints in space, and the palm's normal.
    pub(super) fn joints(&self, bones: &Bones, grip: &Grip) -> ([Vector; JOINTS], Vector) {
        let (wrist, hand) = (self.wrist(bones), self.angles.hand_turn());
        let joints = bones.joints(grip).map(|joint| add(wrist, on_axes(&hand, joint)));
        (joints, on_axes(&hand, [0.0, 0.0, 1.0]))
    }
}

/// A point on the hand's own axes, seen from the wrist.
fn on_axes(hand: &Turn, [a, b, c]: Vector) -> Vector {
    hand.apply([a, -b, -c])
}

/// How far from the camera a hand of this size is, in P.
pub(super) fn depth_from_size(size: f32) -> f32 {
    FOCAL / (SIZE * size)
}

/// The point in space that is seen at a pixel, at this depth.
pub(super) fn point_at_pixel(x: f32, y: f32, depth: f32) -> Vector {
    let by = depth / FOCAL;
    [(x - WIDTH / 2.0) * by, (y - HEIGHT / 2.0) * by, depth]
}

/// Where a point is seen.
pub(super) fn project_point(point: Vector) -> [f32; 2] {
    let by = unit_pixels(point);
    [WIDTH / 2.0 + point[0] * by, HEIGHT / 2.0 + point[1] * by]
}

/// Pixels of 1 P where a point is.
pub(super) fn unit_pixels(point: Vector) -> f32 {
    FOCAL / point[2].max(NEAREST)
}

/// Turned in the picture about the camera's axis through `middle`, clockwise.
pub(super) fn turned_about(middle: Vector, by: f32, point: Vector) -> Vector {
    add(middle, Turn::about_z(by).apply(sub(point, middle)))
}

/// Mirrored left to right about `middle` of the picture (0 is the camera's axis), in P.
pub(super) fn mirror_point(point: Vector, middle: f32) -> Vector {
    [2.0 * middle - point[0], point[1], point[2]]
}
