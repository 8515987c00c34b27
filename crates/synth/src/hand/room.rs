//! The room behind the hands: a wall in falling light, a window or a lamp, furniture, a curtain.

use super::brush::smooth_noise;
use crate::random::Random;
use crate::sample::texture;
use sightwire_frame::Image;

/// A rectangle in shares of the picture: left, top, right, bottom.
type Rectangle = [f32; 4];

/// Draws the room of a seed.
pub(super) fn draw_room(seed: u64, width: u32, height: u32) -> Image {
    let mut random = Random::new(seed, 0x0600);
    let mut image = Image::new(width, height);
    let clutter = Clutter::new(&mut random, width, height);
    draw_wall(&mut random, &mut image);
    clutter.draw_onto(&mut image);
    if random.chance(0.6) {
        draw_window(&mut random, &mut image);
    } else {
        draw_lamp(&mut random, &mut image);
    }
    draw_furniture(&mut random, &mut image);
    apply_falloff(&mut random, &mut image);
    image
}

/// Brightness of everything falls off from where the light is.
fn apply_falloff(random: &mut Random, image: &mut Image) {
    let light = [random.range(0.0, 1.0), random.range(-0.2, 0.6)];
    let depth = random.range(0.25, 0.6);
    for_each_pixel(image, [0.0, 0.0, 1.0, 1.0], |[x, y], pixel| {
        let far = ((x - light[0]).powi(2) + (y - light[1]).powi(2)).min(1.4) / 1.4;
        let by = 1.05 - depth * far;
        for channel in pixel {
            *channel = (f32::from(*channel) * by).min(255.0) as u8;
        }
    });
}

/// A plain wall in a light colour, or one with a paper's pattern.
fn draw_wall(random: &mut Random, image: &mut Image) {
    let level = random.range(70.0, 200.0);
    let tint = [random.range(0.78, 1.05), random.range(0.9, 1.02), random.range(0.92, 1.1)];
    let seed = random.bits() as u32;
    let rough = random.range(2.0, 14.0);
    let stripes = if random.chance(0.25) { random.range(4.0, 14.0) } else { 0.0 };
    let count = random.range(8.0, 40.0);
    for_each_pixel(image, [0.0, 0.0, 1.0, 1.0], |[x, y], pixel| {
        let mut level = level + rough * (smooth_noise(x * 14.0, y * 11.0, seed) - 0.5);
        level += stripes * (x * count * std::f32::consts::TAU).sin().signum();
        for (channel, tint) in pixel.iter_mut().zip(tint) {
            *channel = (level * tint).clamp(0.0, 255.0) as u8;
        }
    });
}

/// A curtain, pictures on the wall or a full shelf: a part of the wall covered by dead leaves.
struct Clutter {
    leaves: Image,
    parts: Vec<Rectangle>,
    folds: f32,
}

impl Clutter {
    fn new(random: &mut Random, width: u32, height: u32) -> Self {
        // Half of the size is enough for what is out of focus behind the hands, and cheap.
        let leaves = texture::draw_background(random, (width / 2).max(8), (height / 2).max(8));
        let mut parts = Vec::new();
        if random.chance(0.45) {
            let left = random.range(-0.2, 0.9);
            parts.push([left, 0.0, left + random.range(0.2, 0.5), 1.0]);
        }
        for _ in 0..random.bits() % 4 {
            let (x, y) = (random.range(-0.1, 0.9), random.range(-0.1, 0.7));
            parts.push([x, y, x + random.range(0.08, 0.35), y + random.range(0.08, 0.4)]);
        }
        Self { leaves, parts, folds: random.range(8.0, 25.0) }
    }

    fn draw_onto(&self, image: &mut Image) {
        let (width, height) = (self.leaves.width() as usize, self.leaves.height() as usize);
        for (i, part) in self.parts.iter().enumerate() {
            let is_curtain = part[3] >= 1.0;
            for_each_pixel(image, *part, |[x, y], pixel| {
                let [u, v] = [x + 0.31 * i as f32, y].map(|at| at.rem_euclid(1.0));
                // Between the four nearest of the small picture's pixels.
                let (u, v) = (u * (width - 2) as f32, v * (height - 2) as f32);
                let at = (v as usize * width + u as usize) * 3;
                let (fu, fv) = (u.fract(), v.fract());
                let fold = if is_curtain { 1.0 + 0.18 * (x * self.folds * 6.0).sin() } else { 1.0 };
                let leaves = self.leaves.data();
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let at = at + channel;
                    let [a, b] = [at, at + width * 3]
                        .map(|at| f32::from(leaves[at]) * (1.0 - fu) + f32::from(leaves[at + 3]) * fu);
                    *value = ((25.0 + 1.5 * (a * (1.0 - fv) + b * fv)) * fold).min(255.0) as u8;
                }
            });
        }
    }
}

/// A bright rectangle with bars.
fn draw_window(random: &mut Random, image: &mut Image) {
    let (x, y) = (random.range(-0.1, 0.75), random.range(-0.15, 0.25));
    let (width, height) = (random.range(0.18, 0.4), random.range(0.3, 0.6));
    let sky = random.range(190.0, 255.0);
    let frame = random.range(0.55, 0.85);
    let bar = 0.012;
    for_each_pixel(image, [x, y, x + width, y + height], |at, pixel| {
        let (u, v) = (at[0] - x, at[1] - y);
        let is_bar = [u, width - u, v, height - v, (u - width / 2.0).abs(), (v - height * 0.4).abs()]
            .iter()
            .any(|&off| off < bar);
        let level = if is_bar { sky * frame } else { sky * (1.0 - 0.25 * v / height) };
        pixel.copy_from_slice(&[level.min(255.0) as u8, (level * 0.98) as u8, (level * 0.94) as u8]);
    });
}

/// A soft, warm spot.
fn draw_lamp(random: &mut Random, image: &mut Image) {
    let centre = [random.range(0.0, 1.0), random.range(0.0, 0.5)];
    let radius = random.range(0.06, 0.2);
    let strength = random.range(60.0, 150.0);
    let reach = radius * 2.0;
    let around = [centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach];
    for_each_pixel(image, around, |[x, y], pixel| {
        let far = ((x - centre[0]).powi(2) + (y - centre[1]).powi(2)).sqrt() / reach;
        let by = (1.0 - far).max(0.0).powi(2) * strength;
        for (channel, warm) in pixel.iter_mut().zip([0.6, 0.9, 1.0]) {
            *channel = (f32::from(*channel) + by * warm).min(255.0) as u8;
        }
    });
}

/// Edges of a shelf, a table, a door.
fn draw_furniture(random: &mut Random, image: &mut Image) {
    for _ in 0..=random.bits() % 3 {
        // Wood, white, black.
        let level = random.range(25.0, 190.0);
        let brown = random.range(0.0, 0.5);
        let colour = [level * (1.0 - brown), level * (1.0 - 0.45 * brown), level];
        let (x, y) = (random.range(-0.2, 0.9), random.range(0.1, 0.95));
        let part = if random.chance(0.5) {
            [x, y, x + random.range(0.2, 0.8), y + random.range(0.015, 0.06)]
        } else {
            [x, y - random.range(0.2, 0.9), x + random.range(0.02, 0.2), y]
        };
        let seed = random.bits() as u32;
        for_each_pixel(image, part, |[x, y], pixel| {
            let lit = 0.85 + 0.3 * smooth_noise(x * 60.0, y * 9.0, seed)
                - if y - part[1] < 0.006 { 0.0 } else { 0.12 };
            for (channel, colour) in pixel.iter_mut().zip(colour) {
                *channel = (colour * lit).clamp(0.0, 255.0) as u8;
            }
        });
    }
}

/// Each pixel of a rectangle, with its place as shares of the picture.
fn for_each_pixel(
    image: &mut Image,
    [left, top, right, bottom]: Rectangle,
    mut paint: impl FnMut([f32; 2], &mut [u8]),
) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixel = |share: f32, count: usize| (share * count as f32).clamp(0.0, count as f32) as usize;
    let columns = pixel(left, width)..pixel(right, width);
    for row in pixel(top, height)..pixel(bottom, height) {
        let y = (row as f32 + 0.5) / height as f32;
        let pixels = &mut image.data_mut()[row * width * 3..][..width * 3];
        for (column, pixel) in columns.clone().zip(pixels[columns.start * 3..].chunks_exact_mut(3)) {
            paint([(column as f32 + 0.5) / width as f32, y], pixel);
        }
    }
}
