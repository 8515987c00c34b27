//! Generated gesture clips: a textured hand moves before a textured background.
//!
//! For tests, demos and load without a camera, and without anybody's pictures. The clips follow the distribution that
//! the built-in `gestures` model was trained on: a dead-leaves background, a hand of an elliptic palm, fingers and
//! forearm with a texture of its own, and one motion per gesture. Positions are in coordinates of -1 to 1 over both
//! axes, x to the right and y down, since the model sees the picture squeezed to a square.
//!
//! The same gesture, seed and size give the same frames on every machine with the same floating-point arithmetic.

use std::fmt;
use std::str::FromStr;

use sightwire_frame::Image;

mod hand;
mod motion;
pub(crate) mod texture;

use crate::random::Random;
use hand::Hand;
use motion::Motion;

pub use texture::add_grain;

/// Frames a second that the motions are made for.
pub const FPS: u32 = 25;

/// Frames in which a gesture is shown once: one second. After that it begins again from the start.
///
/// In a clip of this length any ten consecutive frames show the gesture.
pub const FRAMES: u32 = 25;

/// The classes of the built-in model, in its label order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gesture {
    /// A hand at rest.
    Still,
    /// The hand moves towards the picture's left edge.
    Left,
    /// The hand moves towards the picture's right edge.
    Right,
    /// The hand moves towards the picture's upper edge.
    Up,
    /// The hand moves towards the picture's lower edge.
    Down,
    /// The hand comes nearer: it grows.
    Push,
    /// The hand goes away: it shrinks.
    Pull,
    /// The hand swings from side to side.
    Wave,
}

impl Gesture {
    /// All gestures, in the model's label order.
    pub const ALL: [Self; 8] =
        [Self::Still, Self::Left, Self::Right, Self::Up, Self::Down, Self::Push, Self::Pull, Self::Wave];

    /// The model's label: `still`, `left`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::Left => "left",
            Self::Right => "right",
            Self::Up => "up",
            Self::Down => "down",
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Wave => "wave",
        }
    }
}

impl fmt::Display for Gesture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is not a gesture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no gesture is called {0:?}: there are still, left, right, up, down, push, pull and wave")]
pub struct UnknownGesture(String);

impl FromStr for Gesture {
    type Err = UnknownGesture;

    fn from_str(name: &str) -> Result<Self, UnknownGesture> {
        let found = Self::ALL.into_iter().find(|gesture| gesture.name() == name);
        found.ok_or_else(|| UnknownGesture(name.to_owned()))
    }
}

/// One gesture, rendered frame by frame.
pub struct Clip {
    gesture: Gesture,
    seed: u64,
    background: Image,
    hand: Hand,
    motion: Motion,
}

impl Clip {
    /// A clip of `gesture` in pictures of `width` × `height` pixels (at least 1 each). Different seeds give different
    /// backgrounds, hands and speeds. Renders the background, which takes about as long as a few frames.
    pub fn new(gesture: Gesture, seed: u64, width: u32, height: u32) -> Self {
        let mut random = Random::new(seed, gesture as u64);
        let background = texture::draw_background(&mut random, width.max(1), height.max(1));
        let hand = Hand::new(&mut random);
        let motion = Motion::new(gesture, &mut random);
        Self { gesture, seed, background, hand, motion }
    }

    /// The gesture that all frames of the clip show.
    pub fn gesture(&self) -> Gesture {
        self.gesture
    }

    /// Frame `index` at [`FPS`] frames a second. After [`FRAMES`] frames the motion begins again; the noise goes on.
    pub fn frame(&self, index: u32) -> Image {
        let mut image = Image::default();
        self.frame_into(index, &mut image);
        image
    }

    /// As [`Clip::frame`], into a picture whose memory is reused.
    pub fn frame_into(&self, index: u32, image: &mut Image) {
        self.draw(index, u64::from(index), image);
    }

    /// Frame `index` of the motion after this many frames of rest, in which the hand is where the motion begins.
    pub fn rested_into(&self, rest: u32, index: u32, image: &mut Image) {
        match index.checked_sub(rest) {
            None => self.draw(0, (1 << 32) + u64::from(index), image),
            Some(index) => self.frame_into(index, image),
        }
    }

    fn draw(&self, pose: u32, noise: u64, image: &mut Image) {
        image.reshape(self.background.width(), self.background.height());
        image.data_mut().copy_from_slice(self.background.data());
        self.hand.draw(&self.motion.pose(pose), image);
        texture::add_noise(&mut Random::new(self.seed, 0x100 + noise), image);
    }
}
