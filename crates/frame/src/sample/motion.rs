//! Where the hand is in each frame.

use std::f32::consts::TAU;

use super::Gesture;
use super::random::Random;

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
    /// 0 (not there) to 1.
    pub(super) opacity: f32,
}

/// A motion without end.
pub(super) struct Motion {
    gesture: Gesture,
    start: Pose,
    /// Progress per frame; what it means depends on the gesture.
    speed: f32,
    amplitude: f32,
    phase: f32,
}

impl Motion {
    pub(super) fn new(gesture: Gesture, random: &mut Random) -> Self {
        let start = Pose {
            x: random.range(-0.3, 0.3),
            y: random.range(-0.2, 0.3),
            scale: random.range(0.35, 0.55),
            turn: random.range(-0.35, 0.35),
            opacity: 1.0,
        };
        Self {
            gesture,
            start,
            speed: random.range(0.0, 1.0),
            amplitude: random.range(0.2, 0.35),
            phase: random.range(0.0, 1.0),
        }
    }

    /// The hands to draw in frame `index`, back to front.
    pub(super) fn poses(&self, index: u32) -> Vec<Pose> {
        let mut pose = self.start;
        let t = index as f32;
        let offset = (t % 25.0 - 12.0) * (0.04 + 0.02 * self.speed);
        match self.gesture {
            Gesture::Still => {}
            Gesture::Left => pose.x = -offset,
            Gesture::Right => pose.x = offset,
            Gesture::Up => pose.y = -offset,
            Gesture::Down => pose.y = offset,
            Gesture::Push => pose.scale = 0.45 * offset.exp(),
            Gesture::Pull => pose.scale = 0.45 * (-offset).exp(),
            Gesture::Wave => {
                let swing = self.amplitude * (TAU * (t * 0.15 + self.phase)).sin();
                pose.x = pose.x * 0.6 + swing;
                pose.turn += swing;
            }
        }
        vec![pose]
    }
}
