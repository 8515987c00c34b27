//! One hand through time.

use std::f32::consts::TAU;

use super::arm::{self, Angles, Arm};
use super::geometry::{Keys, Vector, add, dot, least_jerk, scale, sub, unit};
use super::skeleton::{Bones, Finger, Grip, JOINTS, deg};
use crate::random::Random;

/// Which hand of the person it is. The picture is not mirrored: the right hand of somebody who faces the camera is
/// on the picture's left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left hand.
    Left,
    /// The right hand.
    Right,
}

/// A hand at one moment, as it truly is. Places are pixels of a picture of 640 × 480.
#[derive(Debug, Clone)]
pub struct HandAt {
    /// The joints in [`super::BONES`]' order: x to the right, y down, z relative to the wrist in the same unit,
    /// negative for nearer.
    pub joints: [[f32; 3]; JOINTS],
    /// Which hand it is.
    pub side: Side,
    /// The share of the joints that lies outside the picture, 0 to 1.
    pub outside: f32,
    /// Where the elbow is, mostly outside the picture; x, y and z as the joints'.
    pub elbow: [f32; 3],
    /// Where the palm faces: a unit vector, z of -1 for the camera.
    pub normal: [f32; 3],
    /// How thick the fingers are; 1 is the median.
    pub thickness: f32,
    /// The cup that it holds.
    pub cup: Option<Cup>,
}

/// A cup, as a straight strip. Places are pixels of a picture of 640 × 480.
#[derive(Debug, Clone, Copy)]
pub struct Cup {
    /// The middle of its rim.
    pub rim: [f32; 2],
    /// The middle of its foot.
    pub foot: [f32; 2],
    /// Half its width.
    pub radius: f32,
}

impl HandAt {
    /// P: the distance from the wrist to the knuckle of the middle finger in space, in pixels.
    pub fn palm_px(&self) -> f32 {
        let [wrist, knuckle] = [self.joints[0], self.joints[9]];
        sub(knuckle, wrist).iter().map(|d| d * d).sum::<f32>().sqrt()
    }

    /// The middle of the palm: of the wrist and the four knuckles.
    pub fn palm(&self) -> [f32; 2] {
        palm_of(&self.joints)
    }

    /// Whether most of it is inside the picture.
    pub fn is_visible(&self) -> bool {
        self.outside < 0.5
    }
}

/// The middle of the wrist and the four knuckles.
pub(super) fn palm_of(joints: &[[f32; 3]; JOINTS]) -> [f32; 2] {
    let mean = |axis: usize| [0, 5, 9, 13, 17].iter().map(|&i: &usize| joints[i][axis]).sum::<f32>() / 5.0;
    [mean(0), mean(1)]
}

/// A hand in space, in P.
pub(super) struct Solid {
    pub(super) joints: [Vector; JOINTS],
    pub(super) elbow: Vector,
    pub(super) normal: Vector,
}

/// Back and forth about a joint, beside what the keys say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Swing {
    /// In seconds.
    pub(super) from: f32,
    pub(super) to: f32,
    /// Per second.
    pub(super) rate: f32,
    /// Most of the wrist's deviation and of the forearm's roll, in radians.
    pub(super) deviation: f32,
    pub(super) roll: f32,
}

/// One hand, its person's bones and all that it does.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) side: Side,
    pub(super) bones: Bones,
    pub(super) arm: Keys<Arm>,
    pub(super) grip: Keys<Grip>,
    pub(super) swing: Option<Swing>,
    /// Fingers that tap: most bend in radians, and taps per second of each.
    pub(super) taps: Option<(f32, [f32; 4])>,
    /// Turned in the picture by this much, in radians, about this point.
    pub(super) turn: (f32, Vector),
    /// A left hand is a right one, mirrored about this x, in P.
    pub(super) mirror: f32,
    pub(super) has_cup: bool,
    /// Of who walks: to the right, in P a second, beside what the keys say.
    pub(super) walk: f32,
    drift: [[f32; 3]; 6],
}

impl Track {
    /// A hand that rests as it is held first.
    pub(super) fn new(side: Side, bones: Bones, arm: Arm, grip: Grip, random: &mut Random) -> Self {
        // Amplitude in P, rate in 1/s, phase: two slow waves for each axis. A hand held up sways by some millimetres.
        let mut wave =
            |rate: f32| [random.range(0.005, 0.02), rate * random.range(0.7, 1.4), random.range(0.0, TAU)];
        let drift = [wave(0.25), wave(0.6), wave(0.25), wave(0.6), wave(0.25), wave(0.6)];
        Self {
            side,
            bones,
            arm: Keys::new(arm),
            grip: Keys::new(grip),
            swing: None,
            taps: None,
            turn: (0.0, [0.0; 3]),
            mirror: 0.0,
            has_cup: false,
            walk: 0.0,
            drift,
        }
    }

    fn drift_at(&self, t: f32) -> Vector {
        let wave = |[amplitude, rate, phase]: [f32; 3]| amplitude * (TAU * rate * t + phase).sin();
        std::array::from_fn(|axis| wave(self.drift[2 * axis]) + wave(self.drift[2 * axis + 1]))
    }

    pub(super) fn arm_at(&self, t: f32) -> Arm {
        let arm = self.arm.value_at(t).moved_by(add(self.drift_at(t), [self.walk * t, 0.0, 0.0]));
        let Some(swing) = self.swing.filter(|swing| (swing.from..swing.to).contains(&t)) else { return arm };
        // Begins and ends at rest.
        let ramp = least_jerk((t - swing.from).min(swing.to - t) * swing.rate * 4.0);
        let wave = ramp * (TAU * swing.rate * (t - swing.from)).sin();
        arm.with_angles(Angles {
            deviation: arm.angles.deviation + swing.deviation * wave,
            roll: arm.angles.roll + swing.roll * wave,
            ..arm.angles
        })
    }

    pub(super) fn grip_at(&self, t: f32) -> Grip {
        let mut grip = self.grip.value_at(t);
        if let Some((bend, rates)) = self.taps {
            for (i, (finger, rate)) in grip.fingers.iter_mut().zip(rates).enumerate() {
                let down = (TAU * rate * t + i as f32).sin().max(0.0).powi(2);
                let mut angles = finger.angles();
                angles[0] += bend * down;
                *finger = Finger::from_angles(angles);
            }
        }
        grip
    }

    /// The hand in space at a time in seconds.
    pub(super) fn solid_at(&self, t: f32) -> Solid {
        let arm = self.arm_at(t);
        let (joints, normal) = arm.joints(&self.bones, &self.grip_at(t));
        let (turn, middle) = self.turn;
        let put = |point: Vector| {
            let point = match self.side {
                Side::Right => point,
                Side::Left => arm::mirror_point(point, self.mirror),
            };
            arm::turned_about(middle, turn, point)
        };
        let wrist = joints[0];
        Solid {
            joints: joints.map(put),
            elbow: put(arm.elbow),
            normal: sub(put(add(wrist, normal)), put(wrist)),
        }
    }

    pub(super) fn hand_at(&self, t: f32) -> HandAt {
        let solid = self.solid_at(t);
        let wrist = solid.joints[0];
        let at = |point: Vector| {
            let [x, y] = arm::project_point(point);
            [x, y, (point[2] - wrist[2]) * arm::unit_pixels(wrist)]
        };
        let joints = solid.joints.map(at);
        let is_outside = |joint: &&[f32; 3]| {
            !((0.0..arm::WIDTH).contains(&joint[0]) && (0.0..arm::HEIGHT).contains(&joint[1]))
        };
        HandAt {
            outside: joints.iter().filter(is_outside).count() as f32 / JOINTS as f32,
            joints,
            side: self.side,
            elbow: at(solid.elbow),
            normal: solid.normal,
            thickness: self.bones.thickness,
            cup: self.has_cup.then(|| make_cup(&solid)),
        }
    }
}

/// Between the palm and the fingers, along the row of knuckles.
fn make_cup(solid: &Solid) -> Cup {
    let row = sub(solid.joints[5], solid.joints[17]);
    let along = sub(solid.joints[9], solid.joints[0]);
    let up = unit(sub(row, scale(along, dot(row, along) / dot(along, along).max(1e-6))));
    let palm = add(scale(solid.joints[9], 0.9), scale(solid.joints[0], 0.1));
    let middle = add(palm, add(scale(solid.normal, 0.5), scale(along, 0.08)));
    let [rim, foot] = [0.62, -0.55].map(|by| arm::project_point(add(middle, scale(up, by))));
    Cup { rim, foot, radius: 0.42 * arm::unit_pixels(middle) }
}

/// A size for each finger's taps per second.
pub(super) fn random_tapping(random: &mut Random) -> (f32, [f32; 4]) {
    (deg(random.range(10.0, 20.0)), std::array::from_fn(|_| random.range(1.5, 3.5)))
}
