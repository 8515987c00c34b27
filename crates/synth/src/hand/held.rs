//! A hand that comes in, holds a shape, and leaves; and what a stroke's script shares with that.

use super::arm::{self, Angles, Arm};
use super::geometry::Vector;
use super::person::Body;
use super::shape::{self, Other, Shape};
use super::skeleton::{Bones, deg};
use super::track::{Side, Track};
use super::{Interval, Label, Script};
use crate::random::Random;

/// What differs from one performance of a hand to the next, before it does anything.
pub(super) struct Setting {
    pub(super) side: Side,
    pub(super) bones: Bones,
    /// P is 70 px times this.
    pub(super) size: f32,
    /// Of the palm, in radians.
    pub(super) yaw: f32,
    pub(super) pitch: f32,
    /// Of everything in the picture, in radians.
    pub(super) turn: f32,
}

impl Setting {
    /// With sizes from `least` to 1.4 and turns of up to `most` degrees.
    pub(super) fn new(random: &mut Random, least: f32, most: f32) -> Self {
        Self {
            side: random_side(random),
            bones: Bones::new(random),
            size: random.range(least, 1.4),
            yaw: deg(random.range(-20.0, 20.0)),
            pitch: deg(random.range(-20.0, 20.0)),
            turn: deg(random.range(-most, most)),
        }
    }

    /// Upright, the palm to the camera but for yaw and pitch.
    pub(super) fn upright_angles(&self) -> Angles {
        Angles { twist: self.yaw, pitch: self.pitch / 2.0, flexion: self.pitch / 2.0, ..Angles::default() }
    }

    /// Below the picture, from where a hand at `palm` comes and whereto it goes: the way there, in P.
    pub(super) fn way_below(&self, palm: Vector) -> Vector {
        let px = arm::unit_pixels(palm);
        let way = (arm::HEIGHT - arm::project_point(palm)[1]) / px + 2.4;
        [0.0, way / self.turn.cos(), 0.0]
    }

    /// Somebody who stands or sits behind the hand at `palm` (as a right hand's script has it), in 60 of 100. The hand
    /// is before its own half of the body or beside it.
    pub(super) fn choose_body(&self, palm: Vector, random: &mut Random) -> Option<Body> {
        let px = arm::unit_pixels([0.0, 0.0, palm[2] + random.range(3.5, 6.0)]);
        let x = arm::project_point(mirror_for_side(palm, self.side))[0];
        let aside = random.range(0.6, 3.2) * px * if self.side == Side::Right { 1.0 } else { -1.0 };
        let head = [(x + aside).clamp(40.0, 600.0), random.range(1.3, 2.2) * px + 20.0];
        random.chance(0.6).then(|| Body::sitting(head, px))
    }
}

pub(super) fn random_side(random: &mut Random) -> Side {
    if random.chance(0.5) { Side::Right } else { Side::Left }
}

/// Where a shape is held: the angles of a right arm.
fn choose_stance(shape: Shape, other: Other, setting: &Setting, random: &mut Random) -> Angles {
    let upright = Angles {
        deviation: deg(random.range(-10.0, 8.0)),
        roll: deg(random.range(-2.0, 8.0)),
        ..setting.upright_angles()
    };
    // From the side, across the body and towards the camera.
    let across = |twist: f32, random: &mut Random| Angles {
        twist: deg(twist) + setting.yaw * 0.75,
        roll: deg(90.0),
        heading: deg(random.range(15.0, 70.0)),
        deviation: deg(random.range(-8.0, 8.0)),
        flexion: deg(random.range(-10.0, 10.0)),
        ..Angles::default()
    };
    match (shape, other) {
        (Shape::ThumbUp, _) => across(180.0, random),
        (Shape::ThumbDown, _) => across(0.0, random),
        (Shape::None, Other::Cup) => across(random.range(150.0, 180.0), random),
        (Shape::None, Other::Relaxed | Other::HalfFist) => Angles {
            twist: deg(random.range(-20.0, 160.0)),
            pitch: deg(random.range(0.0, 50.0)),
            flexion: deg(random.range(-20.0, 30.0)),
            roll: deg(random.range(-10.0, 50.0)),
            ..Angles::default()
        },
        _ => upright,
    }
}

pub(super) fn held_script(shape: Shape, random: &mut Random) -> Script {
    let setting = Setting::new(random, 0.5, 40.0);
    let other = Other::ALL[(random.bits() % Other::ALL.len() as u64) as usize];
    let angles = choose_stance(shape, other, &setting, random);
    let grip = match shape {
        Shape::None => shape::other_grip(other, &setting.bones, random),
        _ => shape::shape_grip(shape, &setting.bones, random),
    };
    let px = arm::unit_pixels([0.0, 0.0, arm::depth_from_size(setting.size)]);
    let (x, y) = (310.0 - 1.7 * px, (225.0 - 1.4 * px).max(10.0));
    let palm = arm::point_at_pixel(
        320.0 + random.range(-x.max(20.0), x.max(20.0)),
        250.0 + random.range(-y, y),
        arm::depth_from_size(setting.size),
    );
    let held = Arm::with_palm(palm, angles, &setting.bones);
    let below = held.moved_by(setting.way_below(palm));
    let body = setting.choose_body(palm, random);

    let has_cup = shape == Shape::None && other == Other::Cup;
    let loose = if has_cup { grip } else { shape::relaxed_grip(random) };
    let mut track = Track::new(setting.side, setting.bones.clone(), below, loose, random);
    // A left hand's place is mirrored as well, which leaves it within the same range.
    track.turn = (setting.turn, mirror_for_side(palm, setting.side));
    track.has_cup = has_cup;
    track.arm.rest_until(random.range(0.3, 0.6));
    track.arm.move_to(held, random.range(0.5, 0.9));
    // The shape is complete a little before the hand is there or after.
    track.grip.rest_until(track.arm.end_time() - random.range(0.25, 0.4));
    track.grip.move_to(grip, random.range(0.3, 0.5));
    let from = track.arm.end_time().max(track.grip.end_time());
    let to = from + random.range(1.0, 2.0);
    track.arm.rest_until(to);
    track.grip.rest_until(to);
    track.arm.move_to(below, random.range(0.5, 0.9));
    track.grip.move_to(loose, random.range(0.2, 0.4));
    let gone = track.arm.end_time();
    let truth = vec![
        Interval { label: Label::Held(shape), from, to },
        Interval { label: Label::Leave, from: to, to: gone },
    ];
    let other = (shape == Shape::None).then_some(other);
    Script { duration: gone + 0.5, tracks: vec![track], truth, body, other, ..Script::default() }
}

/// Where a point of a right hand's script is when `side` plays it, mirrored about the middle of the picture.
pub(super) fn mirror_for_side(point: Vector, side: Side) -> Vector {
    match side {
        Side::Right => point,
        Side::Left => arm::mirror_point(point, 0.0),
    }
}
