//! Hands: where they are, what shape they have, and what their motions mean. Pure state: networks run elsewhere, and time
//! is what the caller says.
//!
//! - [`palm`], [`landmarks`]: what the two networks' values mean
//! - [`pose`]: where shoulders are, by a third network
//! - [`region`]: the square of a picture in which a hand or a body is looked for
//! - [`tracker`]: hands over time: what is to be looked at next
//! - [`shape`]: which fingers are straight, and what that is called
//! - [`flow`]: what moves between two pictures
//! - [`gesture`]: motions that are meant
//! - [`label`]: what hands say, in one word
//! - [`watch`]: all of it for one camera; [`told`]: as it is told to others
#![forbid(unsafe_code)]

pub mod flow;
pub mod gesture;
pub mod label;
pub mod landmarks;
pub mod palm;
pub mod pose;
pub mod region;
pub mod shape;
pub mod told;
pub mod tracker;
pub mod watch;

/// The 21 points of a hand, numbered as by `MediaPipe` ([`joint`]): x to the right and y down in pixels of the picture, and
/// the depth relative to the wrist in about the same unit, towards the camera negative.
pub type Points = [[f32; 3]; 21];

/// Numbers of points.
pub mod joint {
    /// Where the hand begins.
    pub const WRIST: usize = 0;
    /// First joint of the thumb, in the palm.
    pub const THUMB_BASE: usize = 1;
    /// Second joint of the thumb.
    pub const THUMB_KNUCKLE: usize = 2;
    /// Last joint of the thumb.
    pub const THUMB_JOINT: usize = 3;
    /// Tip of the thumb.
    pub const THUMB_TIP: usize = 4;
    /// Where the index finger leaves the palm; its other joints follow.
    pub const INDEX_KNUCKLE: usize = 5;
    /// Tip of the index finger.
    pub const INDEX_TIP: usize = 8;
    /// Where the middle finger leaves the palm.
    pub const MIDDLE_KNUCKLE: usize = 9;
    /// Tip of the middle finger.
    pub const MIDDLE_TIP: usize = 12;
    /// Where the ring finger leaves the palm.
    pub const RING_KNUCKLE: usize = 13;
    /// Tip of the ring finger.
    pub const RING_TIP: usize = 16;
    /// Where the little finger leaves the palm.
    pub const LITTLE_KNUCKLE: usize = 17;
    /// Tip of the little finger.
    pub const LITTLE_TIP: usize = 20;
}

/// Pairs of points between which a hand is drawn: the fingers, and the edge of the palm.
pub const BONES: [(usize, usize); 21] = [
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (0, 5),
    (5, 6),
    (6, 7),
    (7, 8),
    (5, 9),
    (9, 10),
    (10, 11),
    (11, 12),
    (9, 13),
    (13, 14),
    (14, 15),
    (15, 16),
    (13, 17),
    (0, 17),
    (17, 18),
    (18, 19),
    (19, 20),
];

/// Which hand of a person, if the picture is not mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// A hand in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Hand {
    /// The same as long as the hand is followed; never used again.
    pub id: u64,
    /// Its 21 joints, in the order of [`joint`].
    pub points: Points,
    /// How sure it is that this is a hand, 0–1.
    pub presence: f32,
    /// Which one, by all pictures since it was found.
    pub side: Side,
}

/// Of what a network gives before it is a probability.
fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

#[cfg(test)]
mod tests {
    use sightwire_frame::boxes::Rect;

    use super::Points;
    use super::landmarks::Landmarks;
    use super::palm::Palm;

    /// An open right hand that points up, seen from the palm: 60 pixels from the wrist at (0, 40) to the middle knuckle.
    pub(crate) fn upright_hand() -> Points {
        let flat: [[f32; 2]; 21] = [
            [0.0, 40.0],
            [-22.0, 28.0],
            [-38.0, 10.0],
            [-50.0, -6.0],
            [-60.0, -20.0],
            [-20.0, -18.0],
            [-24.0, -45.0],
            [-26.0, -62.0],
            [-28.0, -78.0],
            [0.0, -20.0],
            [0.0, -52.0],
            [0.0, -72.0],
            [0.0, -90.0],
            [17.0, -16.0],
            [20.0, -45.0],
            [22.0, -63.0],
            [24.0, -80.0],
            [32.0, -8.0],
            [38.0, -28.0],
            [42.0, -42.0],
            [46.0, -56.0],
        ];
        flat.map(|[x, y]| [x, y, 0.0])
    }

    /// That hand with its middle there.
    pub(crate) fn hand_at(x: f32, y: f32, presence: f32) -> Landmarks {
        let points = upright_hand().map(|[px, py, pz]| [px + x, py + y, pz]);
        Landmarks { points, presence, right: 0.9 }
    }

    /// Its palm, with its middle there.
    pub(crate) fn palm_at(x: f32, y: f32) -> Palm {
        let rect = Rect { left: x - 30.0, top: y - 30.0, right: x + 30.0, bottom: y + 30.0 };
        let points = [[x, y + 40.0], [x - 20.0, y - 25.0], [x, y - 30.0], [x, y], [x, y], [x, y], [x, y]];
        Palm { rect, points, score: 0.8 }
    }
}
