//! Hands before a camera, made from a seed: what they do, where each joint is, and what is true of them.
//!
//! What recognises hands is measured on these. The ranges were fixed before there was anything to measure, from
//! measurements on public clips of people and from anatomy, and are not eased afterwards. P is the distance from the
//! wrist to the knuckle of the middle finger, about 9.5 cm. Places are pixels of a picture of 640 × 480 that is not
//! mirrored, x to the right and y down; the camera sees 60° across.
//!
//! | what | range |
//! | --- | --- |
//! | size | P of 70 px × 0.7–1.4; held shapes × 0.5–1.4 (0.5 is 1.5 m away) |
//! | turn in the picture | ± 25°; held shapes ± 40° |
//! | yaw and pitch of the palm | ± 20°; up and down about the wrist ± 10° |
//! | hand | left or right, evenly |
//! | bones | each length ± 8 % of the median; P itself is the unit |
//! | speed | × 0.6–1.6 about 3 P in 0.3 s, with least jerk (fastest 1.875 × its mean) |
//! | hinge of a stroke | half at the wrist (palm 0.9 P, fingertips 2.1 P, up to twice as long; up and down the palm 0.5–2 P, in perspective), half at the elbow or with the whole arm (palm 3 P) |
//! | arming | open, upright, still for 0.6–1.0 s; the stroke begins 0.1–1.0 s later |
//! | preparation | against the stroke: always for up and down (20–80 % of its way), for left and right 0–50 %, for push and pull 0–15 % |
//! | push, pull | size × 1.5–2.2 in 0.4 s / speed, the hand open at both ends; their mean size is the size above |
//! | wave | 2–4 swings of ± 20–35° at 1.5–3 Hz, wrist or elbow |
//! | after the stroke | rest of 0.05–0.3 s, then back (60 %) in 1.2–2.5 × its time, or down out of the picture |
//! | thumb up, thumb down | from the side, the forearm 15–70° towards the camera |
//! | held shape | 1–2 s, with a sway of some hundredths of P |
//! | pictures without a hand | 10 %, and where they are blurred, fast, small or cut off: see [`observe_performance()`] |
//!
//! Hands that mean nothing: talking (beats of 0.2–1.2 P with half open hands at the chest), signing (moves of 0.5–3 P
//! that are as fast as strokes, all shapes, open palms for less than 0.3 s), walking (size 0.25–0.45), drinking,
//! typing, holding a cup, and nobody.
//!
//! [`Performance`] is the truth, [`observe_performance()`] what a tracker of landmarks makes of it without any picture, [`Stage`]
//! and [`render_performance()`] the pictures, and [`sets`] which performances are meant when something is measured.
//!
//! What it is not: skin is smooth, hands wear nothing, light comes from one side, cameras do not move, and the person who is
//! seen has one face. The networks of `MediaPipe` found 96 of 100 held hands (`sets::shapes(180, 77)`), with joints 0.04
//! (open palm) to 0.13 P (thumb up) from the truth, and told left from right in all shapes but thumb up (60 of 100)
//! and thumb down (85 of 100).

mod arm;
mod brush;
mod bystander;
pub mod clip;
mod geometry;
mod held;
mod look;
mod observe;
#[cfg(test)]
mod observe_tests;
mod paint;
mod person;
mod render;
#[cfg(test)]
mod render_tests;
mod room;
pub mod sets;
mod shape;
mod skeleton;
mod stroke;
#[cfg(test)]
mod tests;
mod track;

use crate::random::Random;
pub use arm::{HEIGHT, WIDTH};
pub use observe::{Camera, Landmarks, Observation, observe_performance};
use person::Body;
pub use person::Person;
pub use render::{Stage, render_performance};
pub use shape::{Other, Shape};
pub use skeleton::{BONES, JOINTS};
pub use stroke::{Hinge, Stroke};
use track::Track;
pub use track::{Cup, HandAt, Side};

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A hand comes in, holds a shape for 1–2 s, and leaves.
    Held(Shape),
    /// A hand comes in, arms itself by an open palm, makes a stroke, and returns or leaves.
    Stroke(Stroke),
    /// Gestures of somebody who talks.
    Talk,
    /// Sign language, or what looks like it.
    Sign,
    /// Somebody walks through the picture with swinging arms.
    Walk,
    /// A cup is lifted to the mouth and put back.
    Drink,
    /// Two hands on a keyboard.
    Type,
    /// A cup is held.
    HoldCup,
    /// No hand.
    Empty,
}

/// What is true for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// The shape is complete and held.
    Held(Shape),
    /// The open palm that arms: open, upright and still. The hand may go on resting after it.
    Arm,
    /// The stroke itself, from where its preparation ends.
    Stroke(Stroke),
    /// The hand goes back to where it was armed.
    Return,
    /// The hand sinks out of the picture.
    Leave,
}

/// What is true from one time to another, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The shape or motion that is shown.
    pub label: Label,
    /// When it begins, seconds.
    pub from: f32,
    /// When it ends, seconds.
    pub to: f32,
}

/// One act of one person, with all that varies decided by a seed.
#[derive(Debug, Clone)]
pub struct Performance {
    act: Act,
    seed: u64,
    duration: f32,
    tracks: Vec<Track>,
    truth: Vec<Interval>,
    body: Option<Body>,
    other: Option<Other>,
    hinge: Option<Hinge>,
}

/// What one kind of act consists of.
#[derive(Debug, Default)]
struct Script {
    duration: f32,
    tracks: Vec<Track>,
    truth: Vec<Interval>,
    body: Option<Body>,
    other: Option<Other>,
    hinge: Option<Hinge>,
}

impl Performance {
    /// The same act and seed are the same performance, on every machine with the same floating-point arithmetic.
    pub fn new(act: Act, seed: u64) -> Self {
        let mut random = Random::new(seed, 0x4a11);
        let script = match act {
            Act::Held(shape) => held::held_script(shape, &mut random),
            Act::Stroke(stroke) => stroke::stroke_script(stroke, &mut random),
            Act::Talk => bystander::talk_script(&mut random),
            Act::Sign => bystander::sign_script(&mut random),
            Act::Walk => bystander::walk_script(&mut random),
            Act::Drink => bystander::drink_script(&mut random),
            Act::Type => bystander::typing_script(&mut random),
            Act::HoldCup => bystander::hold_cup(&mut random),
            Act::Empty => bystander::empty_script(&mut random),
        };
        let Script { duration, tracks, truth, body, other, hinge } = script;
        Self { act, seed, duration, tracks, truth, body, other, hinge }
    }

    /// What is done.
    pub fn act(&self) -> Act {
        self.act
    }

    /// The seed that it was made from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How long it lasts, seconds.
    pub fn duration(&self) -> f32 {
        self.duration
    }

    /// What is true and when, in order of time. Empty for hands that mean nothing.
    pub fn truth(&self) -> &[Interval] {
        &self.truth
    }

    /// Which hand a held [`Shape::None`] is.
    pub fn other(&self) -> Option<Other> {
        self.other
    }

    /// Where a stroke's hinge is.
    pub fn hinge(&self) -> Option<Hinge> {
        self.hinge
    }

    /// The hands at a time in seconds, inside the picture or not; always as many, in the same order.
    pub fn hands_at(&self, t: f32) -> Vec<HandAt> {
        self.tracks.iter().map(|track| track.hand_at(t)).collect()
    }

    /// Who is in the picture at a time in seconds.
    pub fn person_at(&self, t: f32) -> Option<Person> {
        self.body.as_ref().map(|body| body.person_at(t))
    }
}
