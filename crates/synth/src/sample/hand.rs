//! The hand: palm, fingers and forearm, drawn once and then placed, scaled and turned.

use std::f32::consts::FRAC_PI_2;

use super::motion::Pose;
use super::texture::{Leaf, pixel_coordinate, pixel_range};
use crate::random::Random;
use sightwire_frame::Image;

/// The drawn hand is this many pixels a side; it spans -1 to 1 of the hand's own coordinates.
const SIDE: usize = 256;

/// A hand in its own coordinates: fingers up (-y), forearm down.
pub(super) struct Hand {
    colours: Image,
    /// Opacity of each pixel, 0 to 255.
    mask: Vec<u8>,
}

/// A straight strip from the palm outwards.
struct Finger {
    turn: (f32, f32),
    length: f32,
    half_width: f32,
}

impl Hand {
    pub(super) fn new(random: &mut Random) -> Self {
        Self { colours: skin_texture(random), mask: hand_opacity(random) }
    }

    /// Draws the hand in the given pose, blended at its edges.
    pub(super) fn draw(&self, pose: &Pose, image: &mut Image) {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (sin, cos) = pose.turn.sin_cos();
        // The corners of the hand's square, turned.
        let reach = pose.scale * (sin.abs() + cos.abs());
        let columns = pixel_range(pose.x - reach, pose.x + reach, width);
        let rows = pixel_range(pose.y - reach, pose.y + reach, height);
        for py in rows {
            let dy = (pixel_coordinate(py, height) - pose.y) / pose.scale;
            let row = &mut image.data_mut()[py * width * 3..][..width * 3];
            for px in columns.clone() {
                let dx = (pixel_coordinate(px, width) - pose.x) / pose.scale;
                self.blend(dx * cos + dy * sin, dy * cos - dx * sin, &mut row[px * 3..px * 3 + 3]);
            }
        }
    }

    /// Blends the hand's colour at (u, v) of its own coordinates over `pixel`, bilinearly.
    fn blend(&self, u: f32, v: f32, pixel: &mut [u8]) {
        let scale = SIDE as f32 / 2.0;
        let (u, v) = ((u + 1.0) * scale - 0.5, (v + 1.0) * scale - 0.5);
        let last = (SIDE - 1) as f32;
        if !(u >= 0.0 && v >= 0.0 && u < last && v < last) {
            return;
        }
        let (x, y) = (u as usize, v as usize);
        let (wx, wy) = (((u - x as f32) * 256.0) as u32, ((v - y as f32) * 256.0) as u32);
        let weights = [(256 - wx) * (256 - wy), wx * (256 - wy), (256 - wx) * wy, wx * wy];
        let at = y * SIDE + x;
        let places = [at, at + 1, at + SIDE, at + SIDE + 1];
        // Colours weighted by opacity, so that what lies outside of the hand does not bleed in.
        let mut opacity = 0;
        let mut sums = [0_u32; 3];
        for (place, weight) in places.into_iter().zip(weights) {
            let share = (u32::from(self.mask[place]) * weight) >> 8;
            opacity += share;
            for (sum, &channel) in sums.iter_mut().zip(&self.colours.data()[place * 3..place * 3 + 3]) {
                *sum += share * u32::from(channel);
            }
        }
        // Full opacity is 255 * 256.
        let behind = 255 * 256_u32 - opacity.min(255 * 256);
        for (channel, sum) in pixel.iter_mut().zip(sums) {
            *channel = ((sum + behind * u32::from(*channel)) / (255 * 256)).min(255) as u8;
        }
    }
}

/// A skin-coloured square with blotches.
fn skin_texture(random: &mut Random) -> Image {
    let mut image = Image::new(SIDE as u32, SIDE as u32);
    // Blue, green, red of a well-lit skin.
    let tone = random.range(0.85, 1.0);
    let tint = [0.62 * tone, 0.75 * tone, tone];
    let paint = |level: f32| tint.map(|channel| ((0.7 + 0.3 * level) * channel * 255.0) as u8);
    let base = random.range(0.4, 0.9);
    for pixel in image.data_mut().chunks_exact_mut(3) {
        pixel.copy_from_slice(&paint(base));
    }
    for _ in 0..90 {
        Leaf::new(random).draw(&mut image, paint);
    }
    image
}

/// Opacity of palm, fingers and forearm.
fn hand_opacity(random: &mut Random) -> Vec<u8> {
    let palm = [random.range(0.35, 0.5), random.range(0.38, 0.55)];
    let forearm = random.range(0.2, 0.3);
    let mut fingers = Vec::new();
    for i in 0..5 {
        let angle = -FRAC_PI_2 + (i as f32 - 2.0) * 0.4 + random.range(-0.12, 0.12);
        let finger = Finger {
            turn: angle.sin_cos(),
            length: random.range(0.6, 0.85),
            half_width: random.range(0.07, 0.11),
        };
        if random.chance(0.8) {
            fingers.push(finger);
        }
    }
    let covers = |x: f32, y: f32| {
        let on_palm = (x / palm[0]).powi(2) + (y / palm[1]).powi(2) < 1.0;
        let on_forearm = y > 0.0 && x.abs() < forearm;
        let on_finger = |finger: &Finger| {
            let (sin, cos) = finger.turn;
            let (along, across) = (x * cos + y * sin, y * cos - x * sin);
            along > 0.0 && along < finger.length && across.abs() < finger.half_width
        };
        on_palm || on_forearm || fingers.iter().any(on_finger)
    };
    (0..SIDE * SIDE)
        .map(
            |i| {
                if covers(pixel_coordinate(i % SIDE, SIDE), pixel_coordinate(i / SIDE, SIDE)) {
                    255
                } else {
                    0
                }
            },
        )
        .collect()
}
