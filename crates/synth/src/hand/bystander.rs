//! Hands that mean nothing to the camera.

use super::Script;
use super::arm::{self, Angles, Arm};
use super::geometry::{Vector, add, length, scale, sub};
use super::held::random_side;
use super::person::Body;
use super::shape::{self, Other, Shape};
use super::skeleton::{Bones, Finger, Grip, Thumb, deg};
use super::track::{self, Side, Track};
use crate::random::Random;

/// Somebody before a camera: where their body is, how large their hands are.
struct Place {
    body: Body,
    /// Of the hands, in P.
    depth: f32,
    /// Of the hands, in pixels.
    px: f32,
    /// The middle of the body, in P at the hands' depth, about which a left hand is mirrored.
    middle: f32,
}

impl Place {
    fn new(random: &mut Random, least: f32, most: f32) -> Self {
        let depth = arm::depth_from_size(random.range(least, most));
        let px = arm::unit_pixels([0.0, 0.0, depth]);
        let behind = arm::unit_pixels([0.0, 0.0, depth + random.range(1.5, 3.0)]);
        let head = [320.0 + random.range(-70.0, 70.0), behind * 1.3 + random.range(5.0, 40.0)];
        let middle = arm::point_at_pixel(head[0], 0.0, depth)[0];
        Self { body: Body::sitting(head, behind), depth, px, middle }
    }

    /// A point this many P right of the body's middle and below the face's middle, and nearer than the hands' depth.
    fn point_at(&self, x: f32, y: f32, nearer: f32) -> Vector {
        let [middle, face] = self.body.head;
        let point = arm::point_at_pixel(middle + x * self.px, face + y * self.px, self.depth);
        add(point, [0.0, 0.0, -nearer])
    }

    fn make_track(&self, side: Side, palm: Vector, angles: Angles, grip: Grip, random: &mut Random) -> Track {
        let bones = Bones::new(random);
        let arm = Arm::with_palm(palm, angles, &bones);
        let mut track = Track::new(side, bones, arm, grip, random);
        track.mirror = self.middle;
        track
    }

    fn make_script(self, duration: f32, tracks: Vec<Track>) -> Script {
        Script { duration, tracks, body: Some(self.body), ..Script::default() }
    }
}

/// Both hands, or one.
fn choose_hands(random: &mut Random, both: f32) -> Vec<Side> {
    if random.chance(both) { vec![Side::Right, Side::Left] } else { vec![random_side(random)] }
}

/// Neither open nor closed.
fn half_open(random: &mut Random) -> Grip {
    let bent = random.range(0.0, 1.0);
    let finger = |i: usize| {
        let bent = bent + 0.15 * i as f32;
        Finger::from_degrees(16.0 + 20.0 * bent, 30.0 + 26.0 * bent, 14.0 + 14.0 * bent)
    };
    Grip { thumb: Thumb::from_degrees(38.0, 24.0, 0.0, 12.0, 14.0), fingers: std::array::from_fn(finger) }
        .varied(random, deg(8.0))
}

/// A forearm before the chest: its hand inwards, the palm inwards or up.
fn before_chest(random: &mut Random) -> Angles {
    Angles {
        flexion: deg(random.range(-20.0, 25.0)),
        deviation: deg(random.range(-20.0, 12.0)),
        twist: deg(random.range(50.0, 130.0)),
        pitch: deg(random.range(20.0, 60.0)),
        roll: deg(random.range(5.0, 50.0)),
        heading: deg(random.range(0.0, 25.0)),
    }
}

/// Beats with half open hands at the height of the chest.
pub(super) fn talk_script(random: &mut Random) -> Script {
    let place = Place::new(random, 0.5, 1.1);
    let duration = random.range(6.0, 10.0);
    let mut tracks = Vec::new();
    for side in choose_hands(random, 0.7) {
        let home = place.point_at(-random.range(0.9, 2.0), random.range(2.8, 4.0), 0.0);
        let angles = before_chest(random);
        let mut track = place.make_track(side, home, angles, half_open(random), random);
        while track.arm.end_time() < duration {
            track.arm.rest_until(track.arm.end_time() + random.range(0.05, 0.8));
            // Up, and down on the word.
            let beat = random.range(0.2, 1.2);
            let up = add(home, [random.range(-0.4, 0.4) * beat, -beat, random.range(-0.3, 0.3) * beat]);
            let raised = Arm::with_palm(up, before_chest(random), &track.bones);
            track.arm.move_to(raised, random.range(0.25, 0.6));
            let down = add(home, std::array::from_fn(|_| random.range(-0.15, 0.15)));
            track.arm.move_to(Arm::with_palm(down, angles, &track.bones), random.range(0.15, 0.4));
            track.grip.rest_until(track.arm.end_time() - random.range(0.2, 0.5));
            track.grip.move_to(half_open(random), random.range(0.2, 0.5));
        }
        tracks.push(track);
    }
    place.make_script(duration, tracks)
}

/// Changing shapes and moves as fast as strokes.
pub(super) fn sign_script(random: &mut Random) -> Script {
    let place = Place::new(random, 0.5, 1.1);
    let duration = random.range(6.0, 10.0);
    let mut tracks = Vec::new();
    for side in choose_hands(random, 0.6) {
        let mut palm = place.point_at(-1.2, 2.6, 0.5);
        let mut track = place.make_track(side, palm, before_chest(random), half_open(random), random);
        let mut was_open = false;
        while track.arm.end_time() < duration {
            let shape = Shape::ALL[(random.bits() % Shape::ALL.len() as u64) as usize];
            let is_open = shape == Shape::OpenPalm && !was_open;
            let shape = if shape == Shape::OpenPalm && was_open { Shape::Fist } else { shape };
            let grip = if shape == Shape::None {
                let other = Other::ALL[(random.bits() % Other::ALL.len() as u64) as usize];
                shape::other_grip(other, &track.bones, random)
            } else {
                shape::shape_grip(shape, &track.bones, random)
            };
            let next =
                place.point_at(-random.range(-0.4, 2.2), random.range(0.6, 3.6), random.range(0.0, 1.2));
            // 0.5 to 3 P, at most as fast as the fastest stroke.
            let way = sub(next, palm);
            let far = length(way).clamp(0.5, 3.0);
            palm = add(palm, scale(way, far / length(way).max(0.1)));
            let angles = Angles {
                twist: deg(random.range(-20.0, 180.0)),
                pitch: deg(random.range(-10.0, 55.0)),
                roll: deg(random.range(-15.0, 60.0)),
                flexion: deg(random.range(-30.0, 40.0)),
                deviation: deg(random.range(-25.0, 18.0)),
                ..Angles::default()
            };
            // An open palm passes by: it is made, seen and gone within 0.3 s.
            let hurried = is_open || was_open;
            let least = far / 16.0;
            let seconds = if hurried { random.range(0.14, 0.2) } else { random.range(0.2, 0.5) }.max(least);
            let from = track.arm.end_time();
            track.arm.move_to(Arm::with_palm(palm, angles, &track.bones), seconds);
            track.grip.rest_until(from + seconds - seconds.min(0.25));
            track.grip.move_to(grip, seconds.min(0.25));
            track.arm.rest_until(
                track.arm.end_time()
                    + if is_open { random.range(0.0, 0.06) } else { random.range(0.0, 0.45) },
            );
            track.grip.rest_until(track.arm.end_time());
            was_open = is_open;
        }
        tracks.push(track);
    }
    place.make_script(duration, tracks)
}

/// Somebody crosses the picture some metres away, and their arms swing.
pub(super) fn walk_script(random: &mut Random) -> Script {
    let depth = arm::depth_from_size(random.range(0.25, 0.45));
    let px = arm::unit_pixels([0.0, 0.0, depth]);
    let sign = if random.chance(0.5) { 1.0 } else { -1.0 };
    let head_y = random.range(1.5, 2.5) * px;
    let (from, to) = (320.0 - sign * (320.0 + 5.0 * px), 320.0 + sign * (320.0 + 5.0 * px));
    // 1.0 to 1.5 m a second.
    let speed = sign * random.range(10.5, 16.0);
    let duration = (to - from) / px / speed;
    let step = random.range(0.45, 0.6);
    let phase = random.range(0.0, step);

    let mut body = Body::sitting([from, head_y], px);
    body.is_whole = true;
    body.speed = speed * px;
    let mut tracks: Vec<Track> = Vec::new();
    for side in [Side::Right, Side::Left] {
        let bones = Bones::new(random);
        // A left hand's script is mirrored about the picture's middle, so it walks the other way.
        let mirror = if side == Side::Left { -1.0 } else { 1.0 };
        let pose = |ahead: f32| {
            let x = 320.0 + mirror * (from - 320.0);
            let swing = ahead * sign * mirror;
            let angles = Angles {
                twist: deg(80.0),
                roll: deg(180.0) - swing * deg(18.0),
                flexion: deg(8.0),
                ..Angles::default()
            };
            let raised = 8.6 - 0.4 * ahead.max(0.0);
            Arm::with_palm(
                arm::point_at_pixel(x + swing * 1.7 * px, head_y + raised * px, depth),
                angles,
                &bones,
            )
        };
        let mut ahead = if side == Side::Left { 1.0 } else { -1.0 };
        let mut track = Track::new(side, bones.clone(), pose(ahead), shape::relaxed_grip(random), random);
        track.walk = speed * mirror;
        track.arm.rest_until(phase);
        while track.arm.end_time() < duration {
            ahead = -ahead;
            track.arm.move_to(pose(ahead), step);
        }
        tracks.push(track);
    }
    Script { duration, tracks, body: Some(body), ..Script::default() }
}

/// A hand around a cup: the thumb up, the forearm towards the camera.
fn around_cup(random: &mut Random) -> Angles {
    Angles {
        twist: deg(random.range(165.0, 185.0)),
        roll: deg(random.range(75.0, 95.0)),
        heading: deg(random.range(30.0, 65.0)),
        deviation: deg(random.range(-10.0, 8.0)),
        ..Angles::default()
    }
}

/// From the table to the mouth, a sip, and back.
pub(super) fn drink_script(random: &mut Random) -> Script {
    let place = Place::new(random, 0.55, 1.1);
    let low = place.point_at(-random.range(0.6, 1.6), random.range(3.6, 4.6), 1.0);
    let angles = around_cup(random);
    let mut track = place.make_track(random_side(random), low, angles, shape::cup_grip(random), random);
    track.has_cup = true;
    track.arm.rest_until(random.range(0.5, 1.5));
    for _ in 0..=random.bits() % 2 {
        let mouth = place.point_at(-random.range(0.5, 0.8), random.range(0.6, 0.9), 0.4);
        let sip = Angles { roll: angles.roll - deg(random.range(15.0, 35.0)), ..angles };
        track.arm.move_to(Arm::with_palm(mouth, sip, &track.bones), random.range(0.7, 1.3));
        let tipped = Angles { roll: sip.roll - deg(random.range(10.0, 25.0)), ..sip };
        track.arm.move_to(Arm::with_palm(mouth, tipped, &track.bones), random.range(0.3, 0.7));
        track.arm.rest_until(track.arm.end_time() + random.range(0.6, 1.6));
        track.arm.move_to(Arm::with_palm(low, angles, &track.bones), random.range(0.7, 1.3));
        track.arm.rest_until(track.arm.end_time() + random.range(0.4, 1.2));
    }
    let duration = track.arm.end_time();
    place.make_script(duration, vec![track])
}

/// Two hands above a keyboard, palms down.
pub(super) fn typing_script(random: &mut Random) -> Script {
    let place = Place::new(random, 0.6, 1.2);
    let duration = random.range(5.0, 8.0);
    let low = random.range(390.0, 455.0);
    let mut tracks = Vec::new();
    for side in [Side::Right, Side::Left] {
        let [middle, _] = place.body.head;
        let home = |random: &mut Random| {
            let x = middle - random.range(0.8, 1.5) * place.px;
            arm::point_at_pixel(x, low + random.range(-8.0, 8.0), place.depth)
        };
        let angles = Angles {
            flexion: deg(random.range(-20.0, 5.0)),
            twist: deg(random.range(-10.0, 20.0)),
            pitch: deg(random.range(78.0, 100.0)),
            heading: deg(random.range(-28.0, -8.0)),
            ..Angles::default()
        };
        let palm = home(random);
        let mut track = place.make_track(side, palm, angles, half_open(random), random);
        track.taps = Some(track::random_tapping(random));
        while track.arm.end_time() < duration {
            track.arm.rest_until(track.arm.end_time() + random.range(0.2, 1.5));
            let palm = home(random);
            track.arm.move_to(Arm::with_palm(palm, angles, &track.bones), random.range(0.15, 0.4));
        }
        tracks.push(track);
    }
    place.make_script(duration, tracks)
}

/// A cup before the chest, moved now and then.
pub(super) fn hold_cup(random: &mut Random) -> Script {
    let place = Place::new(random, 0.55, 1.2);
    let duration = random.range(5.0, 8.0);
    let home = place.point_at(-random.range(0.3, 1.6), random.range(2.6, 4.0), 0.8);
    let angles = around_cup(random);
    let mut track = place.make_track(random_side(random), home, angles, shape::cup_grip(random), random);
    track.has_cup = true;
    while track.arm.end_time() < duration {
        track.arm.rest_until(track.arm.end_time() + random.range(0.4, 2.0));
        let palm = add(home, std::array::from_fn(|_| random.range(-0.35, 0.35)));
        let turned = Angles { roll: angles.roll + deg(random.range(-10.0, 10.0)), ..angles };
        track.arm.move_to(Arm::with_palm(palm, turned, &track.bones), random.range(0.4, 0.9));
    }
    place.make_script(duration, vec![track])
}

/// Nobody, or somebody who keeps their hands out of the picture.
pub(super) fn empty_script(random: &mut Random) -> Script {
    let body = random.chance(0.5).then(|| Place::new(random, 0.5, 1.1).body);
    Script { duration: random.range(4.0, 8.0), body, ..Script::default() }
}
