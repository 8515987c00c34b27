//! Shapes of a hand: which fingers are bent, and how the hand is held with it.

use super::geometry::{add, scale};
use super::skeleton::{Bones, Finger, Grip, Thumb, deg};
use crate::random::Random;

/// A shape that a hand holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// All five fingers straight, apart or together, the palm to the camera.
    OpenPalm,
    /// All fingers bent into the palm, the thumb over them or beside them.
    Fist,
    /// Only the index finger straight.
    Point,
    /// Index and middle finger straight and apart.
    Victory,
    /// The tips of thumb and index finger touch; the others are straight.
    Ok,
    /// A fist seen from its side, the thumb up.
    ThumbUp,
    /// A fist seen from its side, the thumb down.
    ThumbDown,
    /// Thumb, index and little finger straight ("I love you" of American sign language).
    ILoveYou,
    /// A hand that is none of these: see [`Other`].
    None,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::OpenPalm,
        Self::Fist,
        Self::Point,
        Self::Victory,
        Self::Ok,
        Self::ThumbUp,
        Self::ThumbDown,
        Self::ILoveYou,
        Self::None,
    ];

    /// `open_palm`, `fist`, …, `none`.
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
            Self::None => "none",
        }
    }
}

/// The hands of [`Shape::None`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Other {
    /// Hanging loosely: each finger a little more bent than its neighbour towards the thumb.
    Relaxed,
    /// Knuckles straight, the joints after them bent.
    Claw,
    /// Index, middle and ring finger straight.
    Three,
    /// All but the thumb straight.
    Four,
    /// Thumb and index finger touch, the others bent.
    Pinch,
    /// Around a cup, from the side.
    Cup,
    /// Thumb and little finger straight ("call me").
    Call,
    /// Half of a fist.
    HalfFist,
    /// Only the little finger straight.
    Little,
}

impl Other {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Relaxed,
        Self::Claw,
        Self::Three,
        Self::Four,
        Self::Pinch,
        Self::Cup,
        Self::Call,
        Self::HalfFist,
        Self::Little,
    ];

    /// `relaxed`, `claw`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Claw => "claw",
            Self::Three => "three",
            Self::Four => "four",
            Self::Pinch => "pinch",
            Self::Cup => "cup",
            Self::Call => "call",
            Self::HalfFist => "half_fist",
            Self::Little => "little",
        }
    }
}

/// Bent into the palm.
const CURLED: Finger = Finger::from_degrees(86.0, 103.0, 60.0);
const STRAIGHT: Finger = Finger::from_degrees(2.0, 4.0, 3.0);
/// The thumb beside a flat hand.
const THUMB_OUT: Thumb = Thumb::from_degrees(44.0, 12.0, 0.0, 6.0, 2.0);
/// The thumb straight away from a fist.
const THUMB_STRETCHED: Thumb = Thumb::from_degrees(58.0, 5.0, 0.0, -10.0, -18.0);
/// The thumb before the palm, from where it reaches for something.
const THUMB_BEFORE: Thumb = Thumb::from_degrees(32.0, 42.0, 10.0, 25.0, 30.0);
/// Every angle differs from the textbook's by up to this, from person to person and from time to time.
const VARIED: f32 = deg(7.0);

/// A hand with no intent.
pub(super) fn relaxed_grip(random: &mut Random) -> Grip {
    let more = random.range(0.0, 14.0);
    let finger = |more: f32| Finger::from_degrees(18.0 + more, 32.0 + more, 16.0 + more * 0.5);
    Grip {
        thumb: Thumb::from_degrees(32.0, 26.0, 0.0, 14.0, 16.0),
        fingers: [finger(more), finger(more + 5.0), finger(more + 9.0), finger(more + 12.0)],
    }
    .varied(random, VARIED)
}

/// An open hand: straight fingers, apart or together.
pub(super) fn open_grip(random: &mut Random) -> Grip {
    let apart = random.range(0.0, 9.0);
    let spread = |finger: Finger, by: f32| Finger { spread: deg(by), ..finger };
    let thumb = Thumb::from_degrees(36.0 + apart * 1.6, 10.0, 0.0, 4.0, 0.0);
    let fingers = [
        spread(STRAIGHT, apart),
        spread(STRAIGHT, 0.0),
        spread(STRAIGHT, -apart),
        spread(STRAIGHT, -apart * 1.8),
    ];
    let mut grip = Grip { thumb, fingers }.varied(random, deg(4.0));
    // Neighbouring fingers do not pass through each other.
    grip.fingers[1].spread = 0.0;
    grip
}

fn straight_grip(thumb: Thumb, which: [bool; 4]) -> Grip {
    Grip { thumb, fingers: which.map(|is| if is { STRAIGHT } else { CURLED }) }
}

/// The thumb's tip over the middle bones of two bent fingers (0 for the index finger, 3 for the little one).
fn thumb_over(bones: &Bones, grip: &mut Grip, fingers: [usize; 2]) {
    let joints = bones.joints(grip);
    let middle = |finger: usize| {
        let [pip, dip] = [joints[6 + 4 * finger], joints[7 + 4 * finger]];
        scale(add(pip, dip), 0.5)
    };
    let between = scale(add(middle(fingers[0]), middle(fingers[1])), 0.5);
    grip.thumb = bones.reach(THUMB_BEFORE, add(between, [0.0, 0.0, 0.19]));
}

/// The fingers of `shape`, of one person at one time. Of [`Shape::None`], a relaxed hand: others have [`other_grip`].
pub(super) fn shape_grip(shape: Shape, bones: &Bones, random: &mut Random) -> Grip {
    match shape {
        Shape::OpenPalm => open_grip(random),
        Shape::Fist => {
            let mut grip = straight_grip(THUMB_BEFORE, [false; 4]).varied(random, VARIED);
            if random.chance(0.75) {
                thumb_over(bones, &mut grip, [0, 1]);
            } else {
                // Beside the index finger, on its first bone.
                let joints = bones.joints(&grip);
                let bone = add(scale(joints[5], 0.45), scale(joints[6], 0.55));
                let beside = Thumb::from_degrees(22.0, 25.0, 0.0, 12.0, 12.0);
                grip.thumb = bones.reach(beside, add(bone, [0.16, -0.06, 0.06]));
            }
            grip
        }
        Shape::Point => {
            let mut grip = straight_grip(THUMB_BEFORE, [true, false, false, false]).varied(random, VARIED);
            thumb_over(bones, &mut grip, [1, 1]);
            grip
        }
        Shape::Victory => {
            let mut grip = straight_grip(THUMB_BEFORE, [true, true, false, false]).varied(random, VARIED);
            grip.fingers[0].spread = deg(random.range(6.0, 14.0));
            grip.fingers[1].spread = deg(random.range(-12.0, -5.0));
            thumb_over(bones, &mut grip, [2, 2]);
            grip
        }
        Shape::Ok => {
            let mut grip = straight_grip(THUMB_BEFORE, [true; 4]).varied(random, VARIED);
            grip.fingers[0] = Finger::from_degrees(42.0, 62.0, 28.0);
            for (i, spread) in [(1, 0.0), (2, -5.0), (3, -12.0)] {
                grip.fingers[i].spread = deg(spread);
                grip.fingers[i].bend[0] += deg(2.0 + 5.0 * (3 - i) as f32);
            }
            bones.pinch(&grip, 0, 0.08)
        }
        Shape::ThumbUp | Shape::ThumbDown => {
            straight_grip(THUMB_STRETCHED, [false; 4]).varied(random, VARIED)
        }
        Shape::ILoveYou => {
            let mut grip = straight_grip(THUMB_OUT, [true, false, false, true]).varied(random, VARIED);
            grip.thumb =
                Thumb::from_degrees(random.range(46.0, 62.0), 4.0, 0.0, -4.0, random.range(-14.0, 4.0));
            grip.fingers[0].spread = deg(4.0);
            grip.fingers[3].spread = deg(-10.0);
            grip
        }
        Shape::None => relaxed_grip(random),
    }
}

/// The fingers of a hand that is none of the shapes.
pub(super) fn other_grip(other: Other, bones: &Bones, random: &mut Random) -> Grip {
    match other {
        Other::Relaxed => relaxed_grip(random),
        Other::Claw => {
            let bent = Finger::from_degrees(5.0, random.range(55.0, 75.0), random.range(35.0, 50.0));
            Grip { thumb: Thumb::from_degrees(46.0, 22.0, 0.0, 20.0, 45.0), fingers: [bent; 4] }
                .varied(random, VARIED)
        }
        Other::Three => {
            let mut grip = straight_grip(THUMB_BEFORE, [true, true, true, false]).varied(random, VARIED);
            grip.fingers[0].spread = deg(8.0);
            grip.fingers[2].spread = deg(-8.0);
            thumb_over(bones, &mut grip, [3, 3]);
            grip
        }
        Other::Four => {
            let mut grip = straight_grip(THUMB_BEFORE, [true; 4]).varied(random, deg(5.0));
            // Across the palm, to below the ring finger.
            grip.thumb = bones.reach(Thumb::from_degrees(20.0, 45.0, 20.0, 40.0, 50.0), [-0.08, 0.72, 0.2]);
            grip
        }
        Other::Pinch => {
            let mut grip = straight_grip(THUMB_BEFORE, [false; 4]).varied(random, VARIED);
            grip.fingers[0] = Finger::from_degrees(48.0, 58.0, 25.0);
            bones.pinch(&grip, 0, 0.08)
        }
        Other::Cup => cup_grip(random),
        Other::Call => {
            let mut grip = straight_grip(THUMB_STRETCHED, [false, false, false, true]).varied(random, VARIED);
            grip.fingers[3].spread = deg(-14.0);
            grip
        }
        Other::HalfFist => {
            let bent = Finger::from_degrees(random.range(40.0, 55.0), random.range(60.0, 75.0), 35.0);
            Grip { thumb: Thumb::from_degrees(30.0, 32.0, 5.0, 22.0, 28.0), fingers: [bent; 4] }
                .varied(random, VARIED)
        }
        Other::Little => {
            let mut grip = straight_grip(THUMB_BEFORE, [false, false, false, true]).varied(random, VARIED);
            thumb_over(bones, &mut grip, [0, 1]);
            grip
        }
    }
}

/// Fingers and thumb around a cup of 7 to 9 cm.
pub(super) fn cup_grip(random: &mut Random) -> Grip {
    let wide = random.range(0.0, 10.0);
    let bent = Finger::from_degrees(40.0 - wide, 48.0 - wide, 28.0);
    Grip { thumb: Thumb::from_degrees(44.0, 48.0, 0.0, 12.0, 18.0), fingers: [bent; 4] }
        .varied(random, deg(5.0))
}
