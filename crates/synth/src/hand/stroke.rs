//! A stroke: the hand rises, arms itself, prepares, strokes, and goes back or away.

use super::arm::{self, Angles, Arm};
use super::geometry::{Mix, add};
use super::held::{Setting, mirror_for_side};
use super::shape;
use super::skeleton::deg;
use super::track::{Side, Swing, Track};
use super::{Interval, Label, Script};
use crate::random::Random;

/// A motion that is meant. Directions are those in the picture, which is not mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stroke {
    /// Towards smaller x.
    Left,
    /// Towards larger x.
    Right,
    /// Towards smaller y.
    Up,
    /// Towards larger y.
    Down,
    /// Nearer: the hand grows.
    Push,
    /// Away: the hand shrinks.
    Pull,
    /// From side to side.
    Wave,
}

impl Stroke {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Left, Self::Right, Self::Up, Self::Down, Self::Push, Self::Pull, Self::Wave];

    /// `left`, `right`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Up => "up",
            Self::Down => "down",
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Wave => "wave",
        }
    }

    /// Where a straight stroke goes in the picture: x to the right, y down.
    pub fn direction(self) -> Option<[f32; 2]> {
        match self {
            Self::Left => Some([-1.0, 0.0]),
            Self::Right => Some([1.0, 0.0]),
            Self::Up => Some([0.0, -1.0]),
            Self::Down => Some([0.0, 1.0]),
            Self::Push | Self::Pull | Self::Wave => None,
        }
    }

    /// What a right hand does so that its mirror image does this.
    fn mirrored(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            other => other,
        }
    }
}

/// What a stroke turns about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hinge {
    /// The wrist: the palm moves by 0.9 P and the fingertips by 2.1 P to the side; up and down by 0.5–2 P as the camera
    /// sees it, since the hand comes nearer.
    Wrist,
    /// The elbow: the palm moves by 3 P.
    Elbow,
    /// The shoulder: the palm moves by 3 P, and the elbow with it.
    Arm,
}

impl Hinge {
    fn new(random: &mut Random) -> Self {
        match (random.chance(0.5), random.chance(0.5)) {
            (true, _) => Self::Wrist,
            (false, true) => Self::Elbow,
            (false, false) => Self::Arm,
        }
    }
}

/// The way of a stroke's palm from end to end, in P.
const WAY: f32 = 3.0;
/// The deviation about which a wrist moves as far to one side as to the other.
const MIDDLE: f32 = deg(-5.0);

/// Of a hand and of its stroke, in radians.
const MOST_TURN: f32 = deg(25.0);

/// Where a stroke begins, where it ends, and where the hand is armed before it.
struct Way {
    armed: Arm,
    start: Arm,
    end: Arm,
    /// How much of the stroke's way the preparation goes back.
    preparation: f32,
    /// Of the stroke, in seconds.
    seconds: f32,
}

/// Left (`sign` of -1) and right (1).
fn sideways_way(sign: f32, setting: &Setting, hinge: Hinge, seconds: f32, random: &mut Random) -> Way {
    let px = arm::unit_pixels([0.0, 0.0, arm::depth_from_size(setting.size)]);
    let half = match hinge {
        Hinge::Wrist => 1.9 * px,
        Hinge::Elbow | Hinge::Arm => 2.4 * px,
    };
    let slack = (320.0 - half).clamp(0.0, 110.0);
    let middle = arm::point_at_pixel(
        320.0 + random.range(-slack, slack),
        random.range(215.0, 300.0),
        arm::depth_from_size(setting.size),
    );
    let upright = setting.upright_angles();
    let bones = &setting.bones;
    if hinge == Hinge::Wrist {
        let at =
            |s: f32| Angles { deviation: MIDDLE + deg(25.0) * s, roll: deg(3.0) * s - MIDDLE, ..upright };
        let armed = Arm::with_palm(middle, at(0.0), bones);
        let [start, end] = [-sign, sign].map(|s| armed.with_angles(at(s)));
        return Way { armed, start, end, preparation: 0.5, seconds };
    }
    let (roll, lag, preparation) = match hinge {
        Hinge::Elbow => (deg(26.0), 0.5, random.range(0.1, 0.4)),
        _ => (deg(8.0), 0.0, if random.chance(0.5) { 0.0 } else { random.range(0.1, 0.4) }),
    };
    let at = |s: f32| {
        let angles = Angles { roll: roll * s, deviation: -lag * roll * s, ..upright };
        Arm::with_palm(add(middle, [s * WAY / 2.0, 0.0, 0.0]), angles, bones)
    };
    // The hand that arms is upright, however its forearm leans.
    let s = sign * (2.0 * preparation - 1.0);
    let angles = Angles { roll: roll * s, deviation: -roll * s, ..upright };
    let armed = Arm::with_palm(add(middle, [s * WAY / 2.0, 0.0, 0.0]), angles, bones);
    Way { armed, start: at(-sign), end: at(sign), preparation, seconds }
}

/// Up and down: each begins with a movement the other way.
fn upright_way(is_down: bool, setting: &Setting, hinge: Hinge, seconds: f32, random: &mut Random) -> Way {
    let middle = arm::point_at_pixel(
        320.0 + random.range(-110.0, 110.0),
        random.range(225.0, 265.0),
        arm::depth_from_size(setting.size),
    );
    let upright = setting.upright_angles();
    let bones = &setting.bones;
    // 0 at the top, 1 at the bottom.
    let (top, bottom) = if is_down { (0.0, 1.0) } else { (1.0, 0.0) };
    if hinge == Hinge::Wrist {
        // A wrist that bends far takes a hand that is turned away to the side, and one that leans beyond its limit:
        // half of yaw and pitch. And a hand that bends towards the camera comes straight at it.
        let heading = middle[0].atan2(middle[2]);
        let [twist, pitch, flexion] =
            [upright.twist, upright.pitch, upright.flexion].map(|angle| angle / 2.0);
        let upright = Angles { flexion, twist, pitch, heading, ..upright };
        let at = |s: f32| Angles {
            flexion: upright.flexion + deg(-22.0) + deg(80.0) * s,
            pitch: upright.pitch + deg(2.0) + deg(28.0) * s,
            ..upright
        };
        // Upright: the wrist bent back by as much as the forearm leans forward.
        let rest = 0.2;
        let armed = Arm::with_palm(middle, at(rest), bones);
        let [start, end] = [top, bottom].map(|s| armed.with_angles(at(s)));
        let preparation = if is_down { rest } else { 1.0 - rest };
        return Way { armed, start, end, preparation, seconds };
    }
    let (pitch, kept, nearer) = match hinge {
        Hinge::Elbow => (deg(50.0), 0.6, 0.4),
        _ => (deg(0.0), 0.0, 0.0),
    };
    let at = |s: f32| {
        let angles = Angles {
            pitch: upright.pitch + pitch * s,
            flexion: upright.flexion - kept * pitch * s,
            ..upright
        };
        Arm::with_palm(add(middle, [0.0, WAY * (s - 0.5), -nearer * (s - 0.5) * 2.0]), angles, bones)
    };
    let preparation = random.range(0.25, 0.45);
    let (start, end) = (at(top), at(bottom));
    Way { armed: start.mix(&end, preparation), start, end, preparation, seconds }
}

/// Push and pull: from one size to another.
fn depth_way(is_push: bool, setting: &Setting, hinge: Hinge, seconds: f32, random: &mut Random) -> Way {
    let growth = random.range(1.5, 2.2_f32).sqrt();
    let (x, y) = (320.0 + random.range(-60.0, 60.0), random.range(235.0, 280.0));
    let upright = setting.upright_angles();
    // An arm that stretches leans forward, and the wrist bends back so that the palm still faces the camera.
    let lean = if hinge == Hinge::Arm { 0.0 } else { deg(30.0) };
    // 0 far, 1 near.
    let at = |s: f32| {
        let angles = Angles {
            pitch: upright.pitch + lean * (0.3 + s),
            flexion: upright.flexion - lean * (0.3 + s),
            ..upright
        };
        let size = setting.size * growth.powf(2.0 * s - 1.0);
        Arm::with_palm(arm::point_at_pixel(x, y, arm::depth_from_size(size)), angles, &setting.bones)
    };
    let (start, end) = if is_push { (at(0.0), at(1.0)) } else { (at(1.0), at(0.0)) };
    let preparation = random.range(0.0, 0.15);
    Way { armed: start.mix(&end, preparation), start, end, preparation, seconds }
}

fn stroke_way(stroke: Stroke, setting: &Setting, hinge: Hinge, speed: f32, random: &mut Random) -> Way {
    let seconds = 0.3 / speed * if hinge == Hinge::Wrist { random.range(1.0, 2.0) } else { 1.0 };
    match stroke {
        Stroke::Left => sideways_way(-1.0, setting, hinge, seconds, random),
        Stroke::Right => sideways_way(1.0, setting, hinge, seconds, random),
        Stroke::Up => upright_way(false, setting, hinge, seconds, random),
        Stroke::Down => upright_way(true, setting, hinge, seconds, random),
        Stroke::Push => depth_way(true, setting, hinge, 0.4 / speed, random),
        Stroke::Pull => depth_way(false, setting, hinge, 0.4 / speed, random),
        Stroke::Wave => {
            let middle = arm::point_at_pixel(
                320.0 + random.range(-110.0, 110.0),
                random.range(215.0, 300.0),
                arm::depth_from_size(setting.size),
            );
            let angles = Angles { deviation: MIDDLE, roll: -MIDDLE, ..setting.upright_angles() };
            let armed = Arm::with_palm(middle, angles, &setting.bones);
            Way { armed, start: armed, end: armed, preparation: 0.0, seconds: 0.0 }
        }
    }
}

/// From side to side: `half` of the swings' angle goes to each joint by the hinge.
fn make_swing(hinge: Hinge, from: f32, random: &mut Random) -> Swing {
    let amplitude = deg(random.range(20.0, 35.0)) * if random.chance(0.5) { 1.0 } else { -1.0 };
    let rate = random.range(1.5, 3.0);
    let count = 2 + random.bits() % 3;
    let (deviation, roll) = match hinge {
        Hinge::Wrist => (0.7, 0.3),
        Hinge::Elbow | Hinge::Arm => (0.0, 1.0),
    };
    Swing {
        from,
        to: from + count as f32 / rate,
        rate,
        deviation: deviation * amplitude,
        roll: roll * amplitude,
    }
}

/// Turns the track back by what its stroke, seen in perspective, is turned by more than it may.
fn keep_direction(track: &mut Track, direction: [f32; 2], begin: f32, end: f32) {
    // Turning it changes the perspective a little.
    for _ in 0..3 {
        let [a, b] = [begin, end].map(|t| track.hand_at(t).palm());
        let way = [b[0] - a[0], b[1] - a[1]];
        let cross = direction[0] * way[1] - direction[1] * way[0];
        let off = cross.atan2(direction[0] * way[0] + direction[1] * way[1]);
        track.turn.0 = (track.turn.0 - (off - off.clamp(-MOST_TURN, MOST_TURN))).clamp(-MOST_TURN, MOST_TURN);
    }
}

pub(super) fn stroke_script(stroke: Stroke, random: &mut Random) -> Script {
    let setting = Setting::new(random, 0.7, 25.0);
    let hinge = Hinge::new(random);
    let speed = random.range(0.6, 1.6);
    let played = if setting.side == Side::Left { stroke.mirrored() } else { stroke };
    let way = stroke_way(played, &setting, hinge, speed, random);
    let bones = &setting.bones;
    let palm = way.armed.palm(bones);
    let below = way.armed.moved_by(setting.way_below(palm));
    let body = setting.choose_body(palm, random);

    let mut track = Track::new(setting.side, bones.clone(), below, shape::relaxed_grip(random), random);
    let middle = way.start.mix(&way.end, 0.5).palm(bones);
    track.turn = (setting.turn, mirror_for_side(middle, setting.side));
    let mut truth = Vec::new();

    track.arm.rest_until(random.range(0.3, 0.6));
    track.arm.move_to(way.armed, random.range(0.5, 0.9));
    // Open a little before it is there or after.
    track.grip.rest_until(track.arm.end_time() - random.range(0.3, 0.4));
    track.grip.move_to(shape::open_grip(random), random.range(0.3, 0.45));
    let from = track.arm.end_time().max(track.grip.end_time());
    let to = from + random.range(0.6, 1.0);
    truth.push(Interval { label: Label::Arm, from, to });

    // The preparation is at most a quarter faster than the stroke.
    let preparing = (way.preparation * way.seconds * 0.8).max(0.1);
    let begin = to + random.range(preparing.min(1.0), 1.0);
    let end = if stroke == Stroke::Wave {
        let swing = make_swing(hinge, begin, random);
        track.swing = Some(swing);
        track.arm.rest_until(swing.to);
        swing.to
    } else {
        let preparing = preparing.max(random.range(0.1, 0.3)).min(begin - to);
        track.arm.rest_until(begin - preparing);
        track.arm.move_to(way.start, preparing);
        track.arm.move_to(way.end, way.seconds);
        track.arm.end_time()
    };
    truth.push(Interval { label: Label::Stroke(stroke), from: begin, to: end });
    if let Some(direction) = stroke.direction() {
        keep_direction(&mut track, direction, begin, end);
    }

    let rest = random.range(0.05, 0.3);
    track.arm.rest_until(end + rest);
    // Still open where the stroke ends, and loose afterwards.
    track.grip.rest_until(end + rest.max(0.1));
    track.grip.move_to(shape::relaxed_grip(random), random.range(0.3, 0.5));
    if stroke != Stroke::Wave && random.chance(0.6) {
        let from = track.arm.end_time();
        track.arm.move_to(way.armed, way.seconds * random.range(1.2, 2.5));
        truth.push(Interval { label: Label::Return, from, to: track.arm.end_time() });
        track.arm.rest_until(track.arm.end_time() + random.range(0.3, 0.8));
    }
    let from = track.arm.end_time();
    let last = track.arm.last_value();
    track.arm.move_to(last.moved_by(setting.way_below(last.palm(bones))), random.range(0.5, 0.9));
    let to = track.arm.end_time();
    truth.push(Interval { label: Label::Leave, from, to });
    Script { duration: to + 0.5, tracks: vec![track], truth, body, other: None, hinge: Some(hinge) }
}
