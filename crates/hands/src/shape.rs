//! The shape of a hand: which fingers are straight, where the thumb is, and where it points.
//!
//! By geometry of the 21 points alone, so each shape can be looked up here. A shape counts when it has been held for
//! [`HOLD`]: see [`HeldShape`].

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

/// A shape counts when it has been there this long.
pub const HOLD: Duration = Duration::from_millis(300);
/// A shape that is not seen for this long is over, also where the hand is not: some pictures in between may be lost.
const GAP: Duration = Duration::from_millis(350);

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
    /// How much the palm, or the back of the hand, faces the camera: 1 fully, 0 seen from its edge.
    pub facing: f32,
    /// Where the palm points in the picture, from the wrist to the middle finger's knuckle: 1 straight up.
    pub up: f32,
}

fn vector_between(points: &Points, from: usize, to: usize) -> Vector {
    std::array::from_fn(|axis| points[to][axis] - points[from][axis])
}

fn vector_length(vector: Vector) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn dot_product(a: Vector, b: Vector) -> f32 {
    (0..3).map(|axis| a[axis] * b[axis]).sum()
}

fn point_distance(points: &Points, from: usize, to: usize) -> f32 {
    vector_length(vector_between(points, from, to))
}

/// Cosine between the palm's normal and the line of sight.
fn palm_facing(points: &Points) -> f32 {
    let a = vector_between(points, joint::WRIST, joint::INDEX_KNUCKLE);
    let b = vector_between(points, joint::WRIST, joint::LITTLE_KNUCKLE);
    let normal = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    normal[2].abs() / vector_length(normal).max(1e-6)
}

/// Of a finger with the joints `first` to `first` + 3, how straight it is.
fn finger_straightness(points: &Points, first: usize) -> f32 {
    let bones: f32 = (first..first + 3).map(|joint| point_distance(points, joint, joint + 1)).sum();
    if bones > 0.0 { point_distance(points, first, first + 3) / bones } else { 0.0 }
}

impl Measures {
    /// Of a hand; `None` if it has no size.
    pub fn from_points(points: &Points) -> Option<Self> {
        let palm = point_distance(points, joint::WRIST, joint::MIDDLE_KNUCKLE);
        if !(palm.is_finite() && palm > 1e-3) {
            return None;
        }
        let knuckles =
            [joint::INDEX_KNUCKLE, joint::MIDDLE_KNUCKLE, joint::RING_KNUCKLE, joint::LITTLE_KNUCKLE];
        let reach = |knuckle: usize| {
            point_distance(points, joint::WRIST, knuckle + 3)
                / point_distance(points, joint::WRIST, knuckle + 1).max(1e-3)
        };
        let thumb = vector_between(points, joint::THUMB_KNUCKLE, joint::THUMB_TIP);
        let towards = vector_between(points, joint::WRIST, joint::MIDDLE_KNUCKLE);
        let up = |vector: Vector| -vector[1] / vector_length(vector).max(1e-3);
        let across = vector_between(points, joint::LITTLE_KNUCKLE, joint::INDEX_KNUCKLE);
        let beyond = vector_between(points, joint::INDEX_KNUCKLE, joint::THUMB_TIP);
        let thumb_out = dot_product(across, beyond) / vector_length(across).max(1e-3) / palm;
        let from_thumb = |joint| point_distance(points, joint::THUMB_TIP, joint) / palm;
        Some(Self {
            straight: knuckles.map(|knuckle| finger_straightness(points, knuckle)),
            reach: knuckles.map(reach),
            thumb_straight: finger_straightness(points, joint::THUMB_BASE),
            thumb_away: from_thumb(joint::INDEX_KNUCKLE).min(from_thumb(joint::INDEX_KNUCKLE + 1)),
            thumb_out,
            ring: from_thumb(joint::INDEX_TIP),
            apart: point_distance(points, joint::INDEX_TIP, joint::MIDDLE_TIP) / palm,
            thumb_up: up(thumb),
            facing: palm_facing(points),
            up: up(towards),
        })
    }
}

/// A straight finger is this straight, and its tip this far from the wrist as a multiple of the way to its middle joint.
const STRAIGHT: f32 = 0.80;
const REACHES: f32 = 1.17;
/// Straight fingers together are this straight in the mean.
const STRAIGHT_MEAN: f32 = 0.88;
/// A closed finger is no straighter than this, and reaches no further.
const CLOSED: f32 = 0.85;
const CLOSED_REACH: f32 = 0.98;
/// Closed fingers together are no straighter than this in the mean, and reach no further: half a fist is none.
const CLOSED_MEAN: f32 = 0.76;
const CLOSED_REACH_MEAN: f32 = 0.86;
/// Tips that touch are no further from one another than this, palm lengths.
const TOUCH: f32 = 0.42;
/// The index finger of a ring is bent: it reaches no further than this.
const RING_REACH: f32 = 1.2;
/// Fingers that are apart are so by more than this, palm lengths.
const APART: f32 = 0.36;
/// A thumb that lies over the palm is not part of an open one, palm lengths.
const THUMB_OVER: f32 = -0.1;
/// A thumb that is out is this far beyond the palm's edge, palm lengths; one that is not, is less far.
const THUMB_OUT: f32 = 0.4;
/// Beside closed fingers, a thumb stands off if it is this far beyond the edge and away from the index finger together, and lies
/// on them if it is less far: between the two nobody knows.
const THUMB_OFF: f32 = 0.66;
const THUMB_ON: f32 = 0.52;
/// Shapes of straight fingers count if the hand faces the camera this much, and points up.
const FACES: f32 = 0.6;
const UPRIGHT: f32 = 0.55;
/// A thumb that stands off far is straight, and what is beside it need not look closed, if it reaches no further than this.
const THUMB_FAR_OFF: f32 = 1.6;
const THUMB_STRAIGHT: f32 = 0.9;
const BENT_REACH: f32 = 1.1;
/// A thumb that stands off far is a sign only if it points at least this straight up or down.
const THUMB_UPRIGHT: f32 = 0.8;
/// Up is up to 63 degrees from straight up: people's thumbs lean.
const UPWARDS: f32 = 0.45;

impl Measures {
    /// The shape, if it is one of those that are known.
    pub fn shape(&self) -> Option<Shape> {
        let open = self.straight_fingers();
        let closed =
            [0, 1, 2, 3].map(|finger| self.straight[finger] < CLOSED && self.reach[finger] < CLOSED_REACH);
        let all = |fingers: &[usize], are: &[bool; 4]| fingers.iter().all(|finger| are[*finger]);
        let mean = |fingers: &[usize]| {
            fingers.iter().map(|finger| self.straight[*finger]).sum::<f32>() / fingers.len() as f32
        };
        let reach = |fingers: &[usize]| {
            fingers.iter().map(|finger| self.reach[*finger]).sum::<f32>() / fingers.len() as f32
        };
        let opened = |fingers: &[usize]| all(fingers, &open) && mean(fingers) > STRAIGHT_MEAN;
        let shut = |fingers: &[usize]| {
            all(fingers, &closed) && mean(fingers) < CLOSED_MEAN && reach(fingers) < CLOSED_REACH_MEAN
        };
        let shown = self.facing > FACES && self.up > UPRIGHT;
        let thumb_off = self.thumb_out + self.thumb_away;
        if opened(&[0, 1, 2, 3]) {
            return (shown && self.thumb_out > THUMB_OVER && self.ring > TOUCH).then_some(Shape::OpenPalm);
        }
        if opened(&[1, 2, 3]) && self.ring < TOUCH && self.reach[0] < RING_REACH && shown {
            return Some(Shape::Ok);
        }
        if opened(&[0, 3]) && shut(&[1, 2]) {
            return (shown && self.thumb_out > THUMB_OUT).then_some(Shape::ILoveYou);
        }
        if opened(&[0, 1]) && shut(&[2, 3]) {
            return (shown && self.apart > APART && self.thumb_out < THUMB_OUT).then_some(Shape::Victory);
        }
        if opened(&[0]) && shut(&[1, 2, 3]) {
            return (shown && self.thumb_out < THUMB_OUT).then_some(Shape::Point);
        }
        // A fist from its side: the fingers point to the camera or away from it, and their depth is hardly known.
        let stands_off = thumb_off > THUMB_FAR_OFF && self.thumb_straight > THUMB_STRAIGHT;
        let bent = reach(&[1, 2, 3]) < BENT_REACH && self.reach[3] < BENT_REACH;
        if stands_off && bent && self.thumb_up.abs() > THUMB_UPRIGHT {
            return Some(if self.thumb_up > 0.0 { Shape::ThumbUp } else { Shape::ThumbDown });
        }
        if shut(&[0, 1, 2, 3]) {
            return match (thumb_off > THUMB_OFF, self.thumb_up) {
                (true, up) if up > UPWARDS => Some(Shape::ThumbUp),
                (true, up) if up < -UPWARDS => Some(Shape::ThumbDown),
                (false, _) if thumb_off < THUMB_ON => Some(Shape::Fist),
                _ => None,
            };
        }
        None
    }

    /// Whether all fingers are straight: an open palm, with the thumb wherever it is.
    pub fn is_open(&self) -> bool {
        self.straight_fingers() == [true; 4]
    }

    fn straight_fingers(&self) -> [bool; 4] {
        [0, 1, 2, 3].map(|finger| self.straight[finger] > STRAIGHT && self.reach[finger] > REACHES)
    }
}

/// The shape that a hand holds, and for how long it has: what is seen in a single picture is not a shape yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeldShape {
    held: Option<Run>,
    /// Another one, which has been seen since that one was.
    next: Option<Run>,
}

/// Pictures in which a shape was seen, with gaps.
#[derive(Clone, Copy, Debug)]
struct Run {
    shape: Shape,
    since: Duration,
    last: Duration,
}

impl Run {
    fn is_held(&self) -> bool {
        self.last.saturating_sub(self.since) >= HOLD
    }

    fn goes_on(&self, now: Duration) -> bool {
        now.saturating_sub(self.last) <= GAP
    }
}

impl HeldShape {
    /// What was seen at time `now`.
    pub fn see_shape(&mut self, now: Duration, seen: Option<Shape>) {
        self.next = self.next.filter(|next| next.goes_on(now));
        self.held = self.held.filter(|held| held.goes_on(now)).or_else(|| self.next.take());
        let Some(shape) = seen else { return };
        let begins = Run { shape, since: now, last: now };
        match &mut self.held {
            None => self.held = Some(begins),
            Some(held) if held.shape == shape => (held.last, self.next) = (now, None),
            Some(held) => {
                let same = self.next.take().filter(|next| next.shape == shape);
                let next = same.map_or(begins, |next| Run { last: now, ..next });
                if next.is_held() { *held = next } else { self.next = Some(next) }
            }
        }
    }

    /// The shape that counts at time `now`.
    pub fn shape(&self, now: Duration) -> Option<Shape> {
        self.held.filter(|held| held.is_held() && held.goes_on(now)).map(|held| held.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What counts at the end of each run of pictures, 30 a second, in which this was seen for this many milliseconds.
    fn held(runs: &[(Option<Shape>, u64)]) -> Vec<Option<Shape>> {
        let (mut held, mut now) = (HeldShape::default(), 0);
        let run = |(seen, took): &(Option<Shape>, u64)| {
            let until = now + took;
            while now < until {
                now += 33;
                held.see_shape(Duration::from_millis(now), *seen);
            }
            held.shape(Duration::from_millis(now))
        };
        runs.iter().map(run).collect()
    }

    #[test]
    fn a_shape_counts_once_it_was_held_and_through_pictures_in_which_it_was_not_seen() {
        let fist = Some(Shape::Fist);
        assert_eq!(held(&[(fist, 250)]), [None]);
        assert_eq!(held(&[(fist, 400), (None, 250), (fist, 33), (None, 400)]), [fist, fist, fist, None]);
    }

    #[test]
    fn another_shape_takes_its_place_as_soon_as_it_was_held_and_one_picture_of_another_changes_nothing() {
        let (fist, point, victory) = (Some(Shape::Fist), Some(Shape::Point), Some(Shape::Victory));
        assert_eq!(held(&[(fist, 600), (victory, 250), (victory, 150)]), [fist, fist, victory]);
        assert_eq!(held(&[(point, 33), (victory, 400)]), [None, victory]);
        let stray = [(fist, 600), (point, 33), (fist, 200), (point, 33), (fist, 200), (point, 250)];
        assert_eq!(held(&stray), [fist; 6]);
    }
}
