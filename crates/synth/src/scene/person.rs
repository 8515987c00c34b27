//! People on foot.

use super::canvas::Canvas;
use super::solid::{Colour, Pose, Solid, draw_shadow};
use super::view::{Point, View};
use crate::random::Random;
use sightwire_frame::boxes::Rect;

const SKIN: Colour = [120.0, 150.0, 195.0];
const HEIGHT_M: f32 = 1.76;
/// From the heel of one foot to that of the other, at the middle of a step.
const STEP_M: f32 = 0.7;

/// The look of one person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    coat: Colour,
    trousers: Colour,
    hair: Colour,
}

impl Person {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut colour = |low, high| [0; 3].map(|_| random.range(low, high));
        Self { coat: colour(50.0, 215.0), trousers: colour(30.0, 90.0), hair: colour(20.0, 70.0) }
    }

    /// `way`: metres walked, which moves the legs.
    pub(super) fn draw(&self, pose: &Pose, way: f32, view: &View, canvas: &mut Canvas<'_>) {
        // The far leg first: the nearer hides it.
        let nearer_is_left = pose.heading.1 * pose.y - pose.heading.0 * pose.x < 0.0;
        let legs = if nearer_is_left { [-1.0, 1.0] } else { [1.0, -1.0] };
        for left in legs {
            let foot = foot_corners(pose, way, left);
            let hip = round_corners(pose, 0.0, 0.1 * left, [0.1, 0.09], 0.86);
            Solid { bottom: &foot, top: &hip }.draw(view, canvas, self.trousers, None, self.trousers);
        }
        let (waist, chest) = (
            round_corners(pose, 0.0, 0.0, [0.13, 0.2], 0.82),
            round_corners(pose, 0.02, 0.0, [0.14, 0.25], 1.4),
        );
        let neck = round_corners(pose, 0.02, 0.0, [0.07, 0.08], 1.5);
        Solid { bottom: &waist, top: &chest }.draw(view, canvas, self.coat, None, self.coat);
        Solid { bottom: &chest, top: &neck }.draw(view, canvas, self.coat, None, SKIN);
        let (chin, brow, crown) = (
            round_corners(pose, 0.04, 0.0, [0.08, 0.08], 1.5),
            round_corners(pose, 0.03, 0.0, [0.11, 0.1], 1.66),
            round_corners(pose, 0.02, 0.0, [0.07, 0.06], HEIGHT_M),
        );
        Solid { bottom: &chin, top: &brow }.draw(view, canvas, SKIN, None, self.hair);
        Solid { bottom: &brow, top: &crown }.draw(view, canvas, self.hair, None, self.hair);
    }

    pub(super) fn draw_shadow(pose: &Pose, view: &View, canvas: &mut Canvas<'_>) -> Rect {
        let mut points = round_corners(pose, 0.0, 0.0, [0.18, 0.15], 0.0).to_vec();
        points.extend(round_corners(pose, 0.0, 0.0, [0.13, 0.22], 1.3));
        points.extend(round_corners(pose, 0.0, 0.0, [0.08, 0.08], HEIGHT_M));
        draw_shadow(view, canvas, &points)
    }

    pub(super) fn corners(pose: &Pose, way: f32) -> Vec<Point> {
        let mut corners = foot_corners(pose, way, 1.0).to_vec();
        corners.extend(foot_corners(pose, way, -1.0));
        corners.extend(round_corners(pose, 0.02, 0.0, [0.14, 0.25], 1.4));
        corners.extend(round_corners(pose, 0.03, 0.0, [0.11, 0.1], 1.66));
        corners.extend(round_corners(pose, 0.02, 0.0, [0.07, 0.06], HEIGHT_M));
        corners
    }
}

/// The left foot (1) or the right one (-1).
fn foot_corners(pose: &Pose, way: f32, left: f32) -> [Point; 8] {
    let swing = (way / STEP_M * std::f32::consts::PI).sin() * STEP_M * 0.4;
    round_corners(pose, swing * left, 0.1 * left, [0.13, 0.08], 0.0)
}

/// Eight corners around a place on a person.
fn round_corners(pose: &Pose, forward: f32, left: f32, radius: [f32; 2], up: f32) -> [Point; 8] {
    std::array::from_fn(|corner| {
        let (sin, cos) = (corner as f32 * std::f32::consts::FRAC_PI_4).sin_cos();
        pose.world_point([forward + radius[0] * cos, left + radius[1] * sin, up])
    })
}
