//! The shape of a hand: which fingers are straight, where the thumb is, and where it points.
//!
//! By geometry of the 21 points alone, so each shape can be looked up here. A shape counts when it has been held for
//! [`HOLD`]: see [`Held`].

use std::time::Duration;

use crate::{Points, joint};

/// Shapes that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// All fingers straight.
    OpenPalm,
    /// All fingers and the thumb closed.
    Fist,
    /// Only the index finger straight.
    Point,
    /// Index and middle finger straight and apart.
    Victory,
    /// Thumb and index finger make a ring, the others are straight.
    Ok,
    /// Only the thumb straight, upwards.
    ThumbUp,
    /// Only the thumb straight, downwards.
    ThumbDown,
    /// Thumb, index and little finger straight.
    ILoveYou,
}

impl Shape {
    /// All, in the order of the labels.
    pub const ALL: [Self; 8] = [
        Self::OpenPalm,
        Self::Fist,
        Self::Point,
        Self::Victory,
        Self::Ok,
        Self::ThumbUp,
        Self::ThumbDown,
        Self::ILoveYou,
    ];

    /// As in labels and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenPalm => "open_palm",
            Self::Fist => "fist",
            Self::Point => "point",
            Self::Victory => "victory",
            Self::Ok => "ok",
            Self::ThumbUp => "thumb_up",
            Self::ThumbDown => "thumb_down",
            Self::ILoveYou => "i_love_you",
        }
    }
}

/// A shape counts when it has been there so long.
pub const HOLD: Duration = Duration::from_millis(300);
/// A shape that is not seen for so long is over: a picture or two in between may be lost.
const GAP: Duration = Duration::from_millis(150);

type Vector = [f32; 3];

/// What is measured of a hand, in palm lengths and cosines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Of index to little finger, how straight each is: from its knuckle to its tip as a part of its length, 0–1.
    pub straight: [f32; 4],
    /// How far each of these reaches: from the wrist to its tip, as a multiple of the way to its middle joint.
    pub reach: [f32; 4],
    /// How straight the thumb is, 0–1.
    pub thumb_straight: f32,
    /// From the thumb's tip to the nearest of the index finger's knuckle and its middle joint, in palm lengths.
    pub thumb_away: f32,
    /// How far the thumb's tip is beyond the edge of the palm, on its side, in palm lengths: less than 0 over the palm.
    pub thumb_out: f32,
    /// From the thumb's tip to the tip of the index finger, in palm lengths.
    pub ring: f32,
    /// Between the tips of index and middle finger, in palm lengths.
    pub apart: f32,
    /// Where the thumb points in the picture: 1 straight up, -1 straight down.
    pub thumb_up: f32,
    /// Where the palm points in the picture, from the wrist to the middle finger's knuckle: 1 straight up.
    pub up: f32,
}

fn between(points: &Points, from: usize, to: usize) -> Vector {
    std::array::from_fn(|axis| points[to][axis] - points[from][axis])
}

fn length(vector: Vector) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn dot(a: Vector, b: Vector) -> f32 {
    (0..3).map(|axis| a[axis] * b[axis]).sum()
}

fn distance(points: &Points, from: usize, to: usize) -> f32 {
    length(between(points, from, to))
}

/// Of a finger with the joints `first` to `first` + 3, how straight it is.
fn straightness(points: &Points, first: usize) -> f32 {
    let bones: f32 = (first..first + 3).map(|joint| distance(points, joint, joint + 1)).sum();
    if bones > 0.0 { distance(points, first, first + 3) / bones } else { 0.0 }
}

impl Measures {
    /// Of a hand; `None` if it has no size.
    pub fn of(points: &Points) -> Option<Self> {
        let palm = distance(points, joint::WRIST, joint::MIDDLE_KNUCKLE);
        if !(palm.is_finite() && palm > 1e-3) {
            return None;
        }
        let knuckles =
            [joint::INDEX_KNUCKLE, joint::MIDDLE_KNUCKLE, joint::RING_KNUCKLE, joint::LITTLE_KNUCKLE];
        let reach = |knuckle: usize| {
            distance(points, joint::WRIST, knuckle + 3)
                / distance(points, joint::WRIST, knuckle + 1).max(1e-3)
        };
        let thumb = between(points, joint::THUMB_KNUCKLE, joint::THUMB_TIP);
        let towards = between(points, joint::WRIST, joint::MIDDLE_KNUCKLE);
        let up = |vector: Vector| -vector[1] / length(vector).max(1e-3);
        let across = between(points, joint::LITTLE_KNUCKLE, joint::INDEX_KNUCKLE);
        let beyond = between(points, joint::INDEX_KNUCKLE, joint::THUMB_TIP);
        let thumb_out = dot(across, beyond) / length(across).max(1e-3) / palm;
        let from_thumb = |joint| distance(points, joint::THUMB_TIP, joint) / palm;
        Some(Self {
            straight: knuckles.map(|knuckle| straightness(points, knuckle)),
            reach: knuckles.map(reach),
            thumb_straight: straightness(points, joint::THUMB_BASE),
            thumb_away: from_thumb(joint::INDEX_KNUCKLE).min(from_thumb(joint::INDEX_KNUCKLE + 1)),
            thumb_out,
            ring: from_thumb(joint::INDEX_TIP),
            apart: distance(points, joint::INDEX_TIP, joint::MIDDLE_TIP) / palm,
            thumb_up: up(thumb),
            up: up(towards),
        })
    }
}

/// How straight a finger is that counts as straight, and as closed.
const STRAIGHT: f32 = 0.88;
const CLOSED: f32 = 0.72;
/// A straight finger also reaches further than its middle joint by this factor, and a closed one does not.
const REACHES: f32 = 1.12;
/// Tips that touch are no further from one another than this, palm lengths.
const TOUCH: f32 = 0.32;
/// Fingers that are apart are so by more than this, palm lengths.
const APART: f32 = 0.22;
/// A thumb that is away from the hand is so by more than this, palm lengths.
const THUMB_AWAY: f32 = 0.42;
/// Up is up to 50 degrees from straight up.
const UPWARDS: f32 = 0.64;

impl Measures {
    /// The shape, if it is one of those that are known.
    pub fn shape(&self) -> Option<Shape> {
        let open = |finger: usize| self.straight[finger] > STRAIGHT && self.reach[finger] > REACHES;
        let closed = |finger: usize| self.straight[finger] < CLOSED || self.reach[finger] < 1.0;
        let [index, middle, ring, little] = [0, 1, 2, 3].map(open);
        let closed = [0, 1, 2, 3].map(closed);
        let thumb = self.thumb_straight > STRAIGHT && self.thumb_away > THUMB_AWAY;
        if index && middle && ring && little {
            return thumb.then_some(Shape::OpenPalm);
        }
        if middle && ring && little && !index && self.ring < TOUCH {
            return Some(Shape::Ok);
        }
        if closed[1] && closed[2] && index {
            if little && thumb {
                return Some(Shape::ILoveYou);
            }
            return (closed[3] && !thumb).then_some(Shape::Point);
        }
        if index && middle && closed[2] && closed[3] {
            return (self.apart > APART && !thumb).then_some(Shape::Victory);
        }
        if closed.iter().all(|closed| *closed) {
            return match (thumb, self.thumb_up) {
                (true, up) if up > UPWARDS => Some(Shape::ThumbUp),
                (true, up) if up < -UPWARDS => Some(Shape::ThumbDown),
                (true, _) => None,
                (false, _) => Some(Shape::Fist),
            };
        }
        None
    }

    /// Whether all fingers are straight: an open palm, with the thumb wherever it is.
    pub fn is_open(&self) -> bool {
        (0..4).all(|finger| self.straight[finger] > STRAIGHT && self.reach[finger] > REACHES)
    }
}

/// The shape that a hand holds, and for how long it has: what is seen in a single picture is no shape yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    shape: Option<Shape>,
    since: Duration,
    last: Duration,
}

impl Held {
    /// What was seen at time `now`.
    pub fn see(&mut self, now: Duration, seen: Option<Shape>) {
        if seen.is_some() && seen == self.shape {
            self.last = now;
        } else if self.shape.is_none() || now.saturating_sub(self.last) > GAP {
            *self = Self { shape: seen, since: now, last: now };
        }
    }

    /// The shape that counts.
    pub fn shape(&self) -> Option<Shape> {
        self.shape.filter(|_| self.last.saturating_sub(self.since) >= HOLD)
    }
}
