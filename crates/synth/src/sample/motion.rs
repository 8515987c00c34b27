//! Where the hand is in each frame.
//!
//! A motion is a pass of [`FRAMES`] frames that begins again from the start, so a clip of that length can be played in
//! a loop. The ranges were chosen with the built-in model: any ten consecutive frames of a pass show the motion much
//! as the training clips did, which means slowly and near the middle of the picture. Ten frames across the place where
//! a pass begins again hold a jump, and no model can be asked to name them.

use std::f32::consts::TAU;

use super::{FRAMES, Gesture};
use crate::random::Random;

/// The way of a hand that moves straight, in picture halves per frame.
const STEP: f32 = 0.04;
/// Where the middle of that way lies, beyond the middle of the picture.
const LEAD: f32 = 0.05;
/// Growth of a hand that comes nearer, per frame: e to this power.
const GROWTH: f32 = 0.09;
/// Swings of a waving hand per frame.
const SWINGS: f32 = 0.16;

/// The hand's place in one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pose {
    /// Centre, -1 (left) to 1 (right) across the picture.
    pub(super) x: f32,
    /// Centre, -1 (top) to 1 (bottom).
    pub(super) y: f32,
    /// Half the side of the hand's square, in the same coordinates. More than 0.
    pub(super) scale: f32,
    /// Turn in radians, clockwise on the screen.
    pub(super) turn: f32,
}

/// A gesture's motion, repeated without end.
pub(super) struct Motion {
    gesture: Gesture,
    middle: Pose,
    swing: f32,
    phase: f32,
}

impl Motion {
    pub(super) fn new(gesture: Gesture, random: &mut Random) -> Self {
        let middle = Pose {
            x: random.range(-0.1, 0.1),
            y: random.range(-0.08, 0.1),
            scale: random.range(0.4, 0.5),
            turn: random.range(-0.1, 0.1),
        };
        Self { gesture, middle, swing: random.range(0.2, 0.35), phase: random.range(0.0, 1.0) }
    }

    /// The hand's place in frame `index`.
    pub(super) fn pose(&self, index: u32) -> Pose {
        let mut pose = self.middle;
        let frame = (index % FRAMES) as f32 - FRAMES as f32 / 2.0;
        let way = frame * STEP + LEAD;
        let growth = (frame * GROWTH).exp();
        match self.gesture {
            Gesture::Still => {}
            Gesture::Left => pose.x = pose.x * 0.3 - way,
            Gesture::Right => pose.x = pose.x * 0.3 + way,
            Gesture::Up => pose.y = pose.y * 0.3 - way,
            Gesture::Down => pose.y = pose.y * 0.3 + way,
            Gesture::Push => pose.scale *= growth,
            // Smaller, or it would begin by filling the picture.
            Gesture::Pull => pose.scale *= 0.8 / growth,
            Gesture::Wave => {
                // Four swings in 25 frames: this one has no seam.
                let swing = self.swing * (TAU * ((index % FRAMES) as f32 * SWINGS + self.phase)).sin();
                pose.x = pose.x * 0.6 + swing;
                pose.turn += swing;
            }
        }
        pose
    }
}
