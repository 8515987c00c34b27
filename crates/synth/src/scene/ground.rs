//! What never moves: asphalt with its lines and stains, kerbs, the pavement, a hedge.

use std::f32::consts::TAU;

use super::canvas::{Canvas, Paint};
use super::noise::Noise;
use super::solid::{Colour, Solid, draw_flat, light_colour};
use super::traffic::{BAY_M, FAR_BAYS_M, NEAR_BAYS_M, PAVEMENT_M};
use super::view::{Point, View};
use crate::random::Random;
use sightwire_frame::Image;

/// Samples per pixel in each direction.
const SAMPLES: u32 = 2;
const LINE_M: f32 = 0.11;
const STAINS: usize = 26;
const CRACKS: usize = 9;
/// The hedge beyond the pavement: from, to, height.
const HEDGE_M: [f32; 3] = [25.1, 26.0, 1.1];
const KERB_M: f32 = 0.16;
const KERB: Colour = [158.0, 160.0, 160.0];

pub(super) fn draw_ground(seed: u64, view: &View) -> Image {
    let mut random = Random::new(seed, 0x6772_6f75);
    let surface = Surface::new(&mut random);
    let mut image = Image::new(view.width(), view.height());
    let width = view.width() as usize;
    let step = 1.0 / SAMPLES as f32;
    for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (column, row) = ((index % width) as f32, (index / width) as f32);
        let mut sum = [0.0; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let (dx, dy) = ((sample % SAMPLES) as f32 + 0.5, (sample / SAMPLES) as f32 + 0.5);
            let colour = surface.colour(view.ground_point([column + dx * step, row + dy * step]));
            for channel in 0..3 {
                sum[channel] += colour[channel];
            }
        }
        pixel.copy_from_slice(&light_colour(sum, 1.0 / (SAMPLES * SAMPLES) as f32));
    }
    let mut canvas = Canvas::new(&mut image);
    for _ in 0..CRACKS {
        draw_crack(&mut random, view, &mut canvas);
    }
    for [near, far] in [[NEAR_BAYS_M[0] - 0.2, NEAR_BAYS_M[0]], [FAR_BAYS_M[1], PAVEMENT_M[0]]] {
        draw_kerb(near, far, view, &mut canvas);
    }
    draw_hedge(&mut random, view, &mut canvas);
    image
}

struct Surface {
    noise: Noise,
    /// x, y, radius, strength.
    stains: Vec<[f32; 4]>,
}

impl Surface {
    fn new(random: &mut Random) -> Self {
        let mut stain = |index: usize| {
            // Engines drip where cars stand.
            let bay = (random.range(-5.0, 5.0)).round() * BAY_M;
            let [from, to] = if index.is_multiple_of(2) { NEAR_BAYS_M } else { FAR_BAYS_M };
            let y = f32::midpoint(from, to) + random.range(-1.6, 1.6);
            [bay + random.range(-0.5, 0.5), y, random.range(0.15, 0.7), random.range(0.08, 0.3)]
        };
        let stains = (0..STAINS).map(&mut stain).collect();
        Self { noise: Noise::new(random), stains }
    }

    /// The colour of the ground at a place.
    fn colour(&self, [x, y]: [f32; 2]) -> Colour {
        if !(NEAR_BAYS_M[0] - 0.2..=PAVEMENT_M[1]).contains(&y) {
            return self.grass_colour(x, y);
        }
        if y > FAR_BAYS_M[1] {
            return self.slab_colour(x, y);
        }
        let coarse = self.noise.smooth(x * 0.35, y * 0.35) * 0.6 + self.noise.smooth(x * 1.3, y * 1.3) * 0.4;
        let grain = self.noise.smooth(x * 19.0, y * 19.0) * 0.5 + self.noise.smooth(x * 47.0, y * 47.0) * 0.5;
        let mut level = 92.0 + 20.0 * (coarse - 0.5) + 26.0 * (grain - 0.5);
        // Wheels polish the lanes.
        for lane in [12.6_f32, 15.8] {
            let track = ((y - lane).abs() - 0.75).abs();
            level += 7.0 * (1.0 - track / 0.5).max(0.0);
        }
        for &[stain_x, stain_y, radius, strength] in &self.stains {
            let away = ((x - stain_x).powi(2) + (y - stain_y).powi(2)).sqrt();
            let ragged = radius * (0.7 + 0.6 * self.noise.smooth(x * 5.0, y * 5.0));
            level *= 1.0 - strength * (1.0 - away / ragged).clamp(0.0, 0.5) * 2.0;
        }
        let asphalt = [level * 1.02, level, level * 0.98];
        if !Self::is_painted(x, y) {
            return asphalt;
        }
        let worn = self.noise.smooth(x * 7.0, y * 7.0) * 0.6 + self.noise.smooth(x * 23.0, y * 23.0) * 0.4;
        let cover = ((worn - 0.22) * 6.0).clamp(0.0, 0.85);
        let paint = 205.0 + 20.0 * (grain - 0.5);
        asphalt.map(|under| under + (paint - under) * cover)
    }

    fn is_painted(x: f32, y: f32) -> bool {
        let across = (x / BAY_M + 0.5).fract();
        let from_line = (across - across.floor()).min(1.0 - (across - across.floor())) * BAY_M;
        for [from, to] in [NEAR_BAYS_M, FAR_BAYS_M] {
            if (from..to).contains(&y) && from_line < LINE_M * 0.5 {
                return true;
            }
        }
        // Arrows, one per lane and every 11 m.
        for (lane, direction) in [(12.6, 1.0), (15.8, -1.0)] {
            let along = ((x + 44.0 + 2.0 * direction) % 11.0 - 5.5) * direction;
            let aside = (y - lane).abs();
            let in_shaft = (-1.0..0.2).contains(&along) && aside < 0.09;
            let in_head = (0.2..1.1).contains(&along) && aside < (1.1 - along) * 0.4;
            if in_shaft || in_head {
                return true;
            }
        }
        false
    }

    fn slab_colour(&self, x: f32, y: f32) -> Colour {
        let (column, row) = ((x / 0.6).floor(), ((y - FAR_BAYS_M[1]) / 0.6).floor());
        let own = self.noise.lattice(column as i32, row as i32 + 900);
        let seam = ((x / 0.6 - column).min((y - FAR_BAYS_M[1]) / 0.6 - row)) < 0.05;
        let level = 142.0 + 16.0 * (own - 0.5) + 18.0 * (self.noise.smooth(x * 21.0, y * 21.0) - 0.5);
        let level = if seam { level * 0.8 } else { level };
        [level * 0.97, level, level * 1.01]
    }

    fn grass_colour(&self, x: f32, y: f32) -> Colour {
        let patch = self.noise.smooth(x * 0.6, y * 0.6) - 0.5;
        let blade =
            self.noise.smooth(x * 14.0, y * 9.0) * 0.6 + self.noise.smooth(x * 37.0, y * 23.0) * 0.4 - 0.5;
        let light = 1.0 + 0.25 * patch + 0.55 * blade;
        [44.0 * light, 98.0 * light, 84.0 * light + 14.0 * patch]
    }
}

fn draw_kerb(near: f32, far: f32, view: &View, canvas: &mut Canvas<'_>) {
    const PIECE_M: f32 = 1.0;
    for piece in -18..18 {
        let (left, right) = (piece as f32 * PIECE_M, (piece as f32 + 0.97) * PIECE_M);
        let ring = |up: f32| [[left, near, up], [right, near, up], [right, far, up], [left, far, up]];
        Solid { bottom: &ring(0.0), top: &ring(KERB_M) }.draw(view, canvas, KERB, None, KERB);
    }
}

/// A dark line that wanders.
fn draw_crack(random: &mut Random, view: &View, canvas: &mut Canvas<'_>) {
    let (mut x, mut y) = (random.range(-11.0, 11.0), random.range(NEAR_BAYS_M[0], FAR_BAYS_M[1]));
    let mut direction = random.range(0.0, TAU);
    for _ in 0..12 {
        direction += random.range(-0.5, 0.5);
        let (sin, cos) = direction.sin_cos();
        let length = random.range(0.15, 0.5);
        let (to_x, to_y) = (x + cos * length, y + sin * length);
        let (aside_x, aside_y) = (-sin * 0.02, cos * 0.02);
        let piece = [
            [x + aside_x, y + aside_y, 0.0],
            [x - aside_x, y - aside_y, 0.0],
            [to_x - aside_x, to_y - aside_y, 0.0],
            [to_x + aside_x, to_y + aside_y, 0.0],
        ];
        if (NEAR_BAYS_M[0]..FAR_BAYS_M[1]).contains(&to_y) {
            let pixels = piece.map(|point: Point| view.project(point));
            canvas.fill(&pixels, Paint::Shade(0.6));
        }
        (x, y) = (to_x, to_y);
    }
}

/// A row of leaves in many shades, one over the other.
fn draw_hedge(random: &mut Random, view: &View, canvas: &mut Canvas<'_>) {
    const LEAVES: usize = 9000;
    const SIDE_M: f32 = 20.0;
    let [near, far, height] = HEDGE_M;
    let shade = [[-SIDE_M, near - 0.1], [SIDE_M, near - 0.1], [SIDE_M, far + 0.7], [-SIDE_M, far + 0.7]];
    canvas.fill(&shade.map(|[x, y]| view.project([x, y, 0.0])), Paint::Shade(0.5));
    let ring = |up: f32| [[-SIDE_M, near, up], [SIDE_M, near, up], [SIDE_M, far, up], [-SIDE_M, far, up]];
    let dark = [24.0, 46.0, 34.0];
    Solid { bottom: &ring(0.0), top: &ring(height) }.draw(view, canvas, dark, None, dark);
    for index in 0..LEAVES {
        // From below to above, so that the light ones on top lie over the others.
        let rise = index as f32 / LEAVES as f32;
        let x = random.range(-SIDE_M, SIDE_M);
        let (y, z) = if rise < 0.45 {
            (near, rise / 0.45 * height)
        } else {
            (far - (rise - 0.45) / 0.55 * (far - near), height)
        };
        let wave = 0.1 * (x * 1.9).sin() + 0.07 * (x * 4.3 + 1.0).sin();
        let (y, z) = (y + random.range(-0.1, 0.1), z + random.range(-0.1, 0.1) + wave);
        let size = random.range(0.05, 0.14);
        let level = random.range(0.55, 1.0) * if rise < 0.45 { 0.45 + rise } else { 1.0 };
        let colour = [46.0 + random.range(-8.0, 8.0), 104.0, 76.0 + random.range(-14.0, 14.0)];
        let leaf: [Point; 5] = std::array::from_fn(|corner| {
            let (sin, cos) = (corner as f32 * TAU / 5.0 + x).sin_cos();
            [x + size * cos, y, z + size * sin]
        });
        draw_flat(view, canvas, &leaf, colour, level);
    }
}
