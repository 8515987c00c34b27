//! The bones of a hand, what its joints can do, and where they are then.
//!
//! A hand's own axes: a towards the thumb's side, b from the wrist towards the knuckle of the middle finger, c out of
//! the palm. It is always a right hand; a left one is its mirror image.
//!
//! Lengths are those of a hand of median size (P of 9.5 cm: Greiner, Hand anthropometry of U.S. Army personnel, 1991)
//! with the tips where `MediaPipe` puts them, some millimetres before the end of the finger. Limits of joints are the
//! ranges of motion in textbooks (American Academy of Orthopaedic Surgeons, 1965), rounded.

use super::geometry::{Mix, Vector, add, cross, length, scale, sub};
use crate::random::Random;

/// Joints of a hand, in `MediaPipe`'s order: 0 wrist; 1–4 thumb (CMC, MCP, IP, tip); 5–8 index finger (MCP, PIP, DIP,
/// tip); 9–12 middle; 13–16 ring; 17–20 little finger.
pub const JOINTS: usize = 21;

/// The joints that a bone connects, as (nearer to the wrist, farther from it).
pub const BONES: [(usize, usize); 20] = [
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (0, 5),
    (5, 6),
    (6, 7),
    (7, 8),
    (0, 9),
    (9, 10),
    (10, 11),
    (11, 12),
    (0, 13),
    (13, 14),
    (14, 15),
    (15, 16),
    (0, 17),
    (17, 18),
    (18, 19),
    (19, 20),
];

/// Wrist to elbow, in P: 24.5 cm.
const FOREARM: f32 = 2.6;
/// Each length of a person's hand differs from the median by up to this share.
const DIFFERENCE: f32 = 0.08;

/// Degrees, as radians.
pub(super) const fn deg(degrees: f32) -> f32 {
    degrees * (std::f32::consts::PI / 180.0)
}

/// One finger's angles, in radians.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finger {
    /// Bend of the knuckle (MCP), of the middle joint (PIP) and of the last (DIP).
    pub(super) bend: [f32; 3],
    /// Turn towards the thumb's side, within the palm's plane, from where the finger rests.
    pub(super) spread: f32,
}

impl Finger {
    /// Least and most of the three bends and of the spread.
    pub(super) const LIMITS: [(f32, f32); 4] =
        [(deg(-25.0), deg(95.0)), (deg(-5.0), deg(115.0)), (deg(-10.0), deg(85.0)), (deg(-25.0), deg(25.0))];

    /// Bends in degrees.
    pub(super) const fn from_degrees(mcp: f32, pip: f32, dip: f32) -> Self {
        Self { bend: [deg(mcp), deg(pip), deg(dip)], spread: 0.0 }
    }

    pub(super) fn angles(&self) -> [f32; 4] {
        [self.bend[0], self.bend[1], self.bend[2], self.spread]
    }

    pub(super) fn from_angles(angles: [f32; 4]) -> Self {
        let [mcp, pip, dip, spread] = clamp_angles(angles, &Self::LIMITS);
        Self { bend: [mcp, pip, dip], spread }
    }
}

/// The thumb's angles, in radians.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thumb {
    /// Of the metacarpal, within the palm's plane, from the direction of the fingers towards the thumb's side.
    pub(super) away: f32,
    /// Of the metacarpal out of the palm's plane, on the palm's side.
    pub(super) lift: f32,
    /// Of the plane in which the thumb bends: 0 within the palm's plane, more out of the palm.
    pub(super) twist: f32,
    /// Bend of MCP and IP.
    pub(super) bend: [f32; 2],
}

impl Thumb {
    /// Least and most of `away`, `lift`, `twist` and the two bends.
    pub(super) const LIMITS: [(f32, f32); 5] = [
        (deg(5.0), deg(70.0)),
        (deg(-15.0), deg(60.0)),
        (deg(-50.0), deg(50.0)),
        (deg(-15.0), deg(60.0)),
        (deg(-25.0), deg(85.0)),
    ];

    /// All in degrees.
    pub(super) const fn from_degrees(away: f32, lift: f32, twist: f32, mcp: f32, ip: f32) -> Self {
        Self { away: deg(away), lift: deg(lift), twist: deg(twist), bend: [deg(mcp), deg(ip)] }
    }

    pub(super) fn angles(&self) -> [f32; 5] {
        [self.away, self.lift, self.twist, self.bend[0], self.bend[1]]
    }

    pub(super) fn from_angles(angles: [f32; 5]) -> Self {
        let [away, lift, twist, mcp, ip] = clamp_angles(angles, &Self::LIMITS);
        Self { away, lift, twist, bend: [mcp, ip] }
    }
}

fn clamp_angles<const N: usize>(angles: [f32; N], limits: &[(f32, f32); N]) -> [f32; N] {
    std::array::from_fn(|i| angles[i].clamp(limits[i].0, limits[i].1))
}

/// What a hand does with its fingers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grip {
    pub(super) thumb: Thumb,
    /// Index, middle, ring and little finger.
    pub(super) fingers: [Finger; 4],
}

impl Mix for Grip {
    fn mix(&self, other: &Self, share: f32) -> Self {
        Self {
            thumb: Thumb::from_angles(self.thumb.angles().mix(&other.thumb.angles(), share)),
            fingers: std::array::from_fn(|i| {
                Finger::from_angles(self.fingers[i].angles().mix(&other.fingers[i].angles(), share))
            }),
        }
    }
}

impl Grip {
    /// The same, with every angle a little different: `amount` in radians at most. Stays within the limits.
    pub(super) fn varied(&self, random: &mut Random, amount: f32) -> Self {
        let mut vary = |angle: f32| angle + random.range(-amount, amount);
        let thumb = Thumb::from_angles(self.thumb.angles().map(&mut vary));
        // Neighbours do much the same, so a finger's joints bend together.
        let fingers = self.fingers.map(|finger| {
            let more = vary(0.0);
            let angles = finger.angles();
            let bend = |i: usize, most: f32| angles[i] + more * most;
            Finger::from_angles([bend(0, 1.0), bend(1, 1.0), bend(2, 0.6), vary(angles[3])])
        });
        Self { thumb, fingers }
    }
}

/// The lengths of one person's hand, in P.
#[derive(Debug, Clone)]
pub(super) struct Bones {
    /// Where the thumb's metacarpal begins (CMC), and where the fingers do (MCP).
    thumb: Vector,
    knuckles: [Vector; 4],
    thumb_lengths: [f32; 3],
    finger_lengths: [[f32; 3]; 4],
    /// How far the fingers of a flat hand fan out by themselves: radians towards the thumb's side.
    fan: [f32; 4],
    /// Wrist to elbow.
    pub(super) forearm: f32,
    /// How thick this person's fingers are; the median is 1.
    pub(super) thickness: f32,
}

impl Bones {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut vary = |length: f32| length * random.range(1.0 - DIFFERENCE, 1.0 + DIFFERENCE);
        let long = |lengths: [f32; 3], by: f32| lengths.map(|length| length * by);
        let width = vary(1.0);
        let at = |a: f32, b: f32, c: f32| [a * width, b, c];
        Self {
            thumb: scale(at(0.27, 0.22, 0.07), vary(1.0)),
            knuckles: [
                scale(at(0.26, 0.97, 0.0), vary(1.0)),
                // P by definition.
                [0.0, 1.0, 0.0],
                scale(at(-0.21, 0.92, 0.01), vary(1.0)),
                scale(at(-0.39, 0.80, 0.04), vary(1.0)),
            ],
            thumb_lengths: [vary(0.45), vary(0.35), vary(0.28)],
            finger_lengths: [
                long([0.44, 0.26, 0.21], vary(1.0)),
                long([0.48, 0.30, 0.22], vary(1.0)),
                long([0.44, 0.28, 0.21], vary(1.0)),
                long([0.35, 0.20, 0.19], vary(1.0)),
            ],
            fan: [deg(5.0), deg(0.0), deg(-6.0), deg(-13.0)],
            forearm: vary(FOREARM),
            thickness: vary(1.0),
        }
    }

    /// The joints on the hand's own axes, the wrist at 0.
    pub(super) fn joints(&self, grip: &Grip) -> [Vector; JOINTS] {
        let mut joints = [[0.0; 3]; JOINTS];
        joints[1..5].copy_from_slice(&self.thumb_joints(&grip.thumb));
        for (i, finger) in grip.fingers.iter().enumerate() {
            joints[5 + 4 * i..9 + 4 * i].copy_from_slice(&self.finger_joints(i, finger));
        }
        joints
    }

    fn thumb_joints(&self, thumb: &Thumb) -> [Vector; 4] {
        let (away, lift) = (thumb.away.sin_cos(), thumb.lift.sin_cos());
        let along = [lift.1 * away.0, lift.1 * away.1, lift.0];
        // Across the thumb within the palm's plane, towards the fingers; and across both.
        let inwards = [-away.1, away.0, 0.0];
        let outwards = cross(along, inwards);
        let towards = add(scale(inwards, thumb.twist.cos()), scale(outwards, thumb.twist.sin()));
        let mut joints = [self.thumb; 4];
        let mut bend = 0.0_f32;
        for i in 0..3 {
            let direction = add(scale(along, bend.cos()), scale(towards, bend.sin()));
            joints[i + 1] = add(joints[i], scale(direction, self.thumb_lengths[i]));
            bend += thumb.bend.get(i).copied().unwrap_or_default();
        }
        joints
    }

    fn finger_joints(&self, index: usize, finger: &Finger) -> [Vector; 4] {
        // Fingers that bend close up: the ligaments of a bent knuckle hold it straight.
        let open = finger.bend[0].cos().max(0.0);
        let side = (self.fan[index] + finger.spread) * open;
        let along = [side.sin(), side.cos(), 0.0];
        let mut joints = [self.knuckles[index]; 4];
        let mut bend = 0.0_f32;
        for i in 0..3 {
            bend += finger.bend[i];
            let (sin, cos) = bend.sin_cos();
            let direction = add(scale(along, cos), [0.0, 0.0, sin]);
            joints[i + 1] = add(joints[i], scale(direction, self.finger_lengths[index][i]));
        }
        joints
    }

    /// Moves the thumb's tip as near to `target` (on the hand's own axes) as its joints let it.
    pub(super) fn reach(&self, thumb: Thumb, target: Vector) -> Thumb {
        let cost = |angles: &[f32; 5]| {
            let tip = self.thumb_joints(&Thumb::from_angles(*angles))[3];
            length(sub(tip, target)).powi(2) + 2e-3 * distance(angles, &thumb.angles())
        };
        Thumb::from_angles(minimize_cost(thumb.angles(), &Thumb::LIMITS, cost))
    }

    /// Bends the thumb and one finger until their tips are `apart` from each other, in P.
    pub(super) fn pinch(&self, grip: &Grip, finger: usize, apart: f32) -> Grip {
        let mut pinched = *grip;
        let (thumb, other) = (grip.thumb.angles(), grip.fingers[finger].angles());
        let all: [f32; 9] = std::array::from_fn(|i| if i < 5 { thumb[i] } else { other[i - 5] });
        let limits: [(f32, f32); 9] =
            std::array::from_fn(|i| if i < 5 { Thumb::LIMITS[i] } else { Finger::LIMITS[i - 5] });
        let split = |angles: &[f32; 9]| {
            let thumb = std::array::from_fn(|i| angles[i]);
            let other = std::array::from_fn(|i| angles[i + 5]);
            (Thumb::from_angles(thumb), Finger::from_angles(other))
        };
        let cost = |angles: &[f32; 9]| {
            let (thumb, other) = split(angles);
            let tips = sub(self.thumb_joints(&thumb)[3], self.finger_joints(finger, &other)[3]);
            (length(tips) - apart).powi(2) + 2e-3 * distance(angles, &all)
        };
        (pinched.thumb, pinched.fingers[finger]) = split(&minimize_cost(all, &limits, cost));
        pinched
    }
}

fn distance<const N: usize>(a: &[f32; N], b: &[f32; N]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// The angles of least cost near the given ones: one angle after the other, in steps that get smaller.
fn minimize_cost<const N: usize>(
    from: [f32; N],
    limits: &[(f32, f32); N],
    cost: impl Fn(&[f32; N]) -> f32,
) -> [f32; N] {
    let mut best = clamp_angles(from, limits);
    let mut least = cost(&best);
    let mut step = 0.3;
    while step > 0.004 {
        let mut better = false;
        for i in 0..N {
            for change in [-step, step] {
                let mut tried = best;
                tried[i] += change;
                tried = clamp_angles(tried, limits);
                let cost = cost(&tried);
                if cost < least {
                    (best, least, better) = (tried, cost, true);
                }
            }
        }
        if !better {
            step /= 2.0;
        }
    }
    best
}
