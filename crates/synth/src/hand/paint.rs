//! How a hand, an arm and a person are drawn from their joints.
//!
//! Thicknesses are in P: of fingers 16 to 21 mm, of a wrist 55 mm, of a palm 28 mm.

use super::brush::{Layer, Paint};
use super::geometry::{Mix, Vector, add, cross, scale as times, sub, unit};
use super::look::Look;
use super::render::{Scale, draw_strip};
use super::track::{HandAt, Side};
use super::{HEIGHT, Person};

/// Half the thickness of the thumb and of each finger: at its first joint, the second, the third, the tip.
const THICKNESS: [[f32; 4]; 5] = [
    [0.19, 0.135, 0.115, 0.09],
    [0.115, 0.102, 0.09, 0.075],
    [0.118, 0.105, 0.092, 0.077],
    [0.112, 0.098, 0.086, 0.072],
    [0.10, 0.085, 0.075, 0.063],
];
/// Around the bones of the palm.
const PALM: f32 = 0.125;
/// From the wrist's middle to either side.
const WRIST: f32 = 0.17;
/// Focal length, in pixels.
const FOCAL: f32 = 554.0;

/// How much larger something is seen that is nearer than the wrist by -`z` pixels.
pub(super) fn swell_factor(z: f32) -> f32 {
    1.0 / (1.0 + z / FOCAL).max(0.25)
}

fn flatten_point(point: Vector) -> [f32; 2] {
    [point[0], point[1]]
}

/// Where the upper arm begins, and half its thickness there. Where nobody is seen, it comes from below the picture.
pub(super) fn shoulder_place(hand: &HandAt, person: Option<&Person>) -> ([f32; 2], f32) {
    let out = if hand.side == Side::Right { -1.0 } else { 1.0 };
    if let Some(person) = person {
        let p = person.palm_px;
        // Who walks past is seen from the side.
        let aside = if person.is_whole { 0.3 } else { 1.75 };
        ([person.head[0] + out * aside * p, person.head[1] + 2.6 * p], 0.6 * p)
    } else {
        let p = hand.palm_px() * swell_factor(hand.elbow[2]);
        let [x, y, _] = hand.elbow;
        ([x + out * 1.5 * p, y.max(HEIGHT) + 2.0 * p], 0.6 * p)
    }
}

/// A part of a hand, and how far it is from the camera.
struct Part {
    z: f32,
    what: What,
}

enum What {
    Forearm,
    Palm,
    Web,
    /// Of finger 0 (thumb) to 4, from joint to joint: 0 to 2.
    Bone(usize, usize),
    Cup,
}

/// A hand and its arm.
pub(super) fn paint_hand(
    layer: &mut Layer,
    hand: &HandAt,
    person: Option<&Person>,
    look: &Look,
    scale: Scale,
) {
    let joints = &hand.joints;
    let mean = |which: &[usize]| which.iter().map(|&i| joints[i][2]).sum::<f32>() / which.len() as f32;
    let mut parts = vec![
        Part { z: f32::midpoint(hand.elbow[2], 0.0).max(0.0) + 0.2 * hand.palm_px(), what: What::Forearm },
        Part { z: mean(&[0, 5, 17]), what: What::Palm },
        Part { z: mean(&[1, 2, 5]) + 0.02 * hand.palm_px(), what: What::Web },
    ];
    for finger in 0..5 {
        for bone in 0..3 {
            let first = 1 + 4 * finger + bone;
            // A flat finger is drawn over the palm that it begins at.
            let z = mean(&[first, first + 1]) - 0.03 * hand.palm_px();
            parts.push(Part { z, what: What::Bone(finger, bone) });
        }
    }
    if hand.cup.is_some() {
        parts.push(Part { z: mean(&[3, 4, 6, 7, 10, 11]), what: What::Cup });
    }
    // Far parts first.
    parts.sort_by(|a, b| b.z.total_cmp(&a.z));
    let (shoulder, radius) = shoulder_place(hand, person);
    let at_elbow = 0.46 * hand.palm_px() * swell_factor(hand.elbow[2]);
    draw_strip(
        layer,
        scale,
        [shoulder, flatten_point(hand.elbow)],
        [radius, at_elbow],
        &look.cloth_paint(look.shirt),
    );
    for part in parts {
        match part.what {
            What::Forearm => paint_forearm(layer, hand, look, scale),
            What::Palm => paint_palm(layer, hand, look, scale),
            What::Web => {
                let web = [1, 2, 5].map(|i| scale.scale_point(flatten_point(joints[i])));
                layer.draw_area(&web, scale.scale_length(0.07 * hand.palm_px()), &skin_paint(hand, look));
            }
            What::Bone(finger, bone) => finger_bone(layer, hand, finger, bone, look, scale),
            What::Cup => paint_cup(layer, hand, look, scale),
        }
    }
}

/// Of the side that is seen.
fn skin_paint(hand: &HandAt, look: &Look) -> Paint {
    let is_palm = (0.5 - 1.5 * hand.normal[2]).clamp(0.0, 1.0);
    look.flesh_paint(look.skin.mix(&look.palm, is_palm))
}

fn line_paint(look: &Look, opacity: f32) -> Paint {
    Paint { colour: look.skin.map(|channel| channel * 0.5), round: 0.0, blotches: 0.0, seed: 0, opacity }
}

fn paint_forearm(layer: &mut Layer, hand: &HandAt, look: &Look, scale: Scale) {
    let p = hand.palm_px() * hand.thickness.mix(&1.0, 0.5);
    let at_elbow = 0.42 * p * swell_factor(hand.elbow[2]);
    let (elbow, wrist) = (flatten_point(hand.elbow), flatten_point(hand.joints[0]));
    // It begins within the hand.
    let into = wrist.mix(&flatten_point(hand.joints[9]), 0.12);
    let at_wrist = 0.265 * p;
    draw_strip(layer, scale, [elbow, into], [at_elbow, at_wrist], &skin_paint(hand, look));
    let end = elbow.mix(&wrist, look.sleeve);
    let radius = [at_elbow * 1.15, at_elbow.mix(&at_wrist, look.sleeve) * 1.22];
    draw_strip(layer, scale, [elbow, end], radius, &look.cloth_paint(look.shirt));
}

fn paint_palm(layer: &mut Layer, hand: &HandAt, look: &Look, scale: Scale) {
    let joints = &hand.joints;
    let p = hand.palm_px();
    let across = times(unit(sub(joints[5], joints[17])), WRIST * p);
    let wrist = [sub(joints[0], across), add(joints[0], across)];
    let edge = [wrist[0], joints[17], joints[13], joints[9], joints[5], wrist[1]];
    let radius = PALM * p * hand.thickness;
    let paint = skin_paint(hand, look);
    layer.draw_area(
        &edge.map(|corner| scale.scale_point(flatten_point(corner))),
        scale.scale_length(radius),
        &paint,
    );
    if hand.normal[2] < -0.3 {
        // The lines of the palm: along it from the wrist (0) to the knuckles (1), across from the little finger (0).
        let at = |[along, side]: [f32; 2]| {
            let row = [joints[17], joints[13], joints[9], joints[5]];
            let place = (side * 3.0).clamp(0.0, 2.999);
            let knuckle = row[place as usize].mix(&row[place as usize + 1], place.fract());
            flatten_point(wrist[0].mix(&wrist[1], side).mix(&knuckle, along))
        };
        for points in [
            [[0.78, 0.0], [0.74, 0.35], [0.86, 0.75]],
            [[0.62, 0.98], [0.58, 0.6], [0.42, 0.15]],
            [[0.64, 0.98], [0.45, 0.62], [0.12, 0.5]],
        ] {
            for pair in points.windows(2) {
                let ends = [at(pair[0]), at(pair[1])];
                draw_strip(layer, scale, ends, [0.013 * p; 2], &line_paint(look, 0.35));
            }
        }
    } else if hand.normal[2] > 0.3 {
        // Knuckles.
        for i in [5, 9, 13, 17] {
            let at = flatten_point(joints[i]);
            draw_strip(layer, scale, [at, at], [0.06 * p; 2], &line_paint(look, 0.12));
        }
    }
}

fn finger_bone(layer: &mut Layer, hand: &HandAt, finger: usize, bone: usize, look: &Look, scale: Scale) {
    let joints = &hand.joints;
    let p = hand.palm_px() * hand.thickness;
    let first = 1 + 4 * finger + bone;
    let [from, to] = [joints[first], joints[first + 1]];
    let radius = [
        THICKNESS[finger][bone] * p * swell_factor(from[2]),
        THICKNESS[finger][bone + 1] * p * swell_factor(to[2]),
    ];
    // Which side of the finger is seen: its own palm side is across × along, on a right hand.
    let across = unit(sub(joints[5], joints[17]));
    let along = unit(sub(to, from));
    let facing = cross(across, along)[2] * if hand.side == Side::Right { 1.0 } else { -1.0 };
    let mut paint = look.flesh_paint(look.skin.mix(&look.palm, (0.5 - 1.5 * facing).clamp(0.0, 1.0)));
    paint.seed ^= first as u32;
    draw_strip(layer, scale, [flatten_point(from), flatten_point(to)], radius, &paint);
    if bone > 0 && finger > 0 {
        // The crease of the joint, across the finger.
        let [dx, dy] = flatten_point(along);
        let side = [-dy, dx].map(|d| d * radius[0] * 0.75);
        let at = flatten_point(from);
        let ends = [[at[0] - side[0], at[1] - side[1]], [at[0] + side[0], at[1] + side[1]]];
        draw_strip(layer, scale, ends, [0.012 * p; 2], &line_paint(look, 0.28));
    }
    let is_thumb = finger == 0;
    if bone == 2 && (facing > 0.35 || is_thumb && hand.normal[2] > 0.0) {
        let nail = [from.mix(&to, 0.72), from.mix(&to, 1.12)].map(flatten_point);
        let colour = look.skin.mix(&[205.0, 205.0, 240.0], 0.45);
        let paint = Paint { colour, round: 0.4, blotches: 0.0, seed: 0, opacity: 0.8 };
        draw_strip(layer, scale, nail, [radius[1] * 0.62; 2], &paint);
    }
}

fn paint_cup(layer: &mut Layer, hand: &HandAt, look: &Look, scale: Scale) {
    let Some(cup) = hand.cup else { return };
    let [dx, dy] = [cup.foot[0] - cup.rim[0], cup.foot[1] - cup.rim[1]];
    let far = dx.hypot(dy).max(1e-3);
    let side = [-dy / far * cup.radius, dx / far * cup.radius];
    let corner = |[x, y]: [f32; 2], by: f32| scale.scale_point([x + side[0] * by, y + side[1] * by]);
    let edge = [corner(cup.rim, -1.0), corner(cup.rim, 1.0), corner(cup.foot, 0.8), corner(cup.foot, -0.8)];
    layer.draw_area(&edge, scale.scale_length(0.07 * cup.radius), &look.cloth_paint(look.cup));
    let dark = look.cup.map(|channel| channel * 0.6);
    let rim = [[cup.rim[0] - side[0], cup.rim[1] - side[1]], [cup.rim[0] + side[0], cup.rim[1] + side[1]]];
    draw_strip(layer, scale, rim, [0.08 * cup.radius; 2], &look.cloth_paint(dark));
}

/// Head and shoulders, or the whole of somebody who walks.
pub(super) fn paint_person(layer: &mut Layer, person: &Person, look: &Look, scale: Scale) {
    let p = person.palm_px;
    let [x, y] = person.head;
    let at = |dx: f32, dy: f32| [x + dx * p, y + dy * p];
    let mut put = |from: [f32; 2], to: [f32; 2], radius: [f32; 2], paint: &Paint| {
        draw_strip(layer, scale, [at(from[0], from[1]), at(to[0], to[1])], radius.map(|r| r * p), paint);
    };
    let shirt = look.cloth_paint(look.shirt);
    if person.is_whole {
        let trousers = look.cloth_paint(look.trousers);
        for side in [-0.35, 0.35] {
            put([side, 7.5], [side * 2.2, 16.6], [0.85, 0.5], &trousers);
        }
    }
    let neck = look.flesh_paint(look.skin.map(|channel| channel * 0.82));
    put([0.0, 0.8], [0.0, 1.7], [0.56, 0.6], &neck);
    let wide = if person.is_whole { 0.8 } else { 1.6 };
    let foot = if person.is_whole { 7.4 } else { 18.0 };
    let trunk =
        [[-0.4 * wide, 2.05], [0.4 * wide, 2.05], [wide, 2.5], [wide, foot], [-wide, foot], [-wide, 2.5]];
    let trunk = trunk.map(|[dx, dy]| scale.scale_point(at(dx, dy)));
    layer.draw_area(&trunk, scale.scale_length(0.5 * p), &shirt);
    let mut put = |from: [f32; 2], to: [f32; 2], radius: [f32; 2], paint: &Paint| {
        draw_strip(layer, scale, [at(from[0], from[1]), at(to[0], to[1])], radius.map(|r| r * p), paint);
    };
    let hair = look.cloth_paint(look.hair);
    put([0.0, -0.62], [0.0, 0.1], [0.86, 0.84], &hair);
    let skin = look.flesh_paint(look.skin);
    put([0.0, -0.25], [0.0, 0.48], [0.74, 0.66], &skin);
    // Brows, eyes, nose, mouth.
    let dark = Paint { opacity: 0.75, ..look.flesh_paint(look.hair.map(|channel| channel * 0.7)) };
    for side in [-0.31, 0.31] {
        put([side - 0.15, -0.3], [side + 0.15, -0.3], [0.045, 0.045], &dark);
        put([side - 0.06, -0.1], [side + 0.06, -0.1], [0.06, 0.06], &dark);
    }
    let shade = Paint { opacity: 0.3, ..dark };
    put([0.02, 0.0], [0.06, 0.28], [0.06, 0.1], &shade);
    let lips = look.skin.mix(&[90.0, 80.0, 170.0], 0.45);
    put([-0.22, 0.62], [0.22, 0.62], [0.05, 0.05], &Paint { opacity: 0.8, ..look.flesh_paint(lips) });
}
