//! A street with a lane in each direction, as a camera at the roadside sees it.
//!
//! All cars of a lane drive alike and stop alike, as before a light, so that none comes too near to another. Who is
//! where is computed from the time alone.

use std::f32::consts::TAU;
use std::time::Duration;

use super::canvas::{Canvas, Paint};
use super::noise::Noise;
use super::profile::{LONGEST_M, Profile, Spot};
use super::solid::{Colour, light_colour};
use super::{LEAST_SEEN_PX, SceneKind, SceneObject};
use crate::random::Random;
use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;

/// Heights in the picture, from its top, as shares of [`Street::unit_px`]: the sky ends, the hedge ends, the pavement
/// ends, the kerb ends; the near kerb begins, the near kerb ends.
const SKY: f32 = 0.17;
const HEDGE: f32 = 0.36;
const PAVEMENT: f32 = 0.395;
const KERB: f32 = 0.408;
const NEAR_KERB: f32 = 0.965;
const NEAR_PAVEMENT: f32 = 0.98;
/// Top and bottom of the line between the lanes, and how long its pieces and the gaps are.
const LINE: [f32; 2] = [0.69, 0.7];
const DASH: f32 = 0.11;
/// Where wheels are, and the size of a metre.
const LANES: [Lane; 2] = [
    Lane { ground: 0.635, metre: 0.128, to_right: false, speed_m_s: 2.6 },
    Lane { ground: 0.925, metre: 0.138, to_right: true, speed_m_s: 3.1 },
];
/// From the beginning of one car to that of the next, and by how much it may be late.
const SPACING_M: f64 = 11.0;
const LATE_M: f32 = 4.5;
/// Of the light: drive, brake, stand, pull away.
const DRIVE_S: f64 = 22.0;
const CHANGE_S: f64 = 2.0;
const STAND_S: f64 = 2.5;
/// A viewer that looks later sees this moment.
const LATEST: Duration = Duration::from_secs(1 << 32);
/// Slower than this is standing.
const STANDING_M_S: f64 = 0.05;
/// Cars are numbered from here on; those with smaller numbers were there at the beginning.
const FIRST_NUMBER: i64 = 1000;
const LEAVES: usize = 7000;

/// A lane of the road, with the cars of one direction.
struct Lane {
    ground: f32,
    metre: f32,
    to_right: bool,
    speed_m_s: f32,
}

/// The street in pictures of one size.
pub(super) struct Street {
    seed: u64,
    width: u32,
    height: u32,
}

/// A car at some time.
struct Car {
    id: u64,
    profile: Profile,
    spot: Spot,
    /// The part of the picture around what is seen of it.
    seen: Rect,
    way_m: f32,
    drive: Drive,
}

/// How a lane moves at some time.
#[derive(Clone, Copy)]
struct Drive {
    /// Metres since the beginning.
    way_m: f64,
    speed_m_s: f64,
    braking: bool,
}

impl Street {
    pub(super) fn new(seed: u64, width: u32, height: u32) -> Self {
        Self { seed, width, height }
    }

    /// What a share of the picture counts in: its height, unless it is so narrow that no car would be seen whole.
    fn unit_px(&self) -> f32 {
        (self.height as f32).min(self.width as f32 * 0.75)
    }

    /// All that never moves, drawn once.
    pub(super) fn background(&self) -> Image {
        let mut random = Random::new(self.seed, 0x7374_7265);
        let noise = Noise::new(&mut random);
        let mut image = Image::new(self.width, self.height);
        let (width, unit) = (self.width as usize, self.unit_px());
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = ((index % width) as f32 / unit, (index / width) as f32 / unit);
            pixel.copy_from_slice(&light_colour(surface_colour(&noise, x, y), 1.0));
        }
        let mut canvas = Canvas::new(&mut image);
        self.draw_hedge(&mut random, &mut canvas);
        self.draw_line(&mut canvas);
        image
    }

    /// Leaves upon leaves, the light ones on top.
    fn draw_hedge(&self, random: &mut Random, canvas: &mut Canvas<'_>) {
        let (unit, width) = (self.unit_px(), self.width as f32);
        for index in 0..LEAVES {
            let rise = index as f32 / LEAVES as f32;
            let x = random.range(0.0, width);
            let wave = 0.008 * (x / unit * 9.0).sin() + 0.006 * (x / unit * 23.0 + 1.0).sin();
            let y = (HEDGE - 0.006 - (HEDGE - SKY) * rise + wave + random.range(-0.01, 0.01)) * unit;
            let size = random.range(0.004, 0.012) * unit;
            let level = random.range(0.55, 1.0) * (0.5 + 0.5 * rise);
            let colour = [46.0 + random.range(-8.0, 8.0), 104.0, 70.0 + random.range(-14.0, 14.0)];
            let leaf: [[f32; 2]; 5] = std::array::from_fn(|corner| {
                let (sin, cos) = (corner as f32 * TAU / 5.0 + x).sin_cos();
                [x + size * cos, y + size * sin]
            });
            canvas.fill(&leaf, Paint::Colour(light_colour(colour, level), 1.0));
        }
    }

    fn draw_line(&self, canvas: &mut Canvas<'_>) {
        let unit = self.unit_px();
        let [top, bottom] = LINE.map(|share| share * unit);
        let pieces = (self.width as f32 / (DASH * unit * 2.0)) as usize + 1;
        for piece in 0..pieces {
            let left = (2.0 * piece as f32 + 0.3) * DASH * unit;
            let right = left + DASH * unit;
            let dash = [[left, top], [right, top], [right, bottom], [left, bottom]];
            canvas.fill(&dash, Paint::Colour([205, 208, 208], 0.9));
        }
    }

    /// Who comes and goes, on the street as it is without them.
    pub(super) fn draw(&self, t: Duration, image: &mut Image) {
        let mut canvas = Canvas::new(image);
        for car in self.visible_cars(t) {
            car.profile.draw(car.spot, car.way_m, car.drive.braking, &mut canvas);
        }
    }

    pub(super) fn objects(&self, t: Duration) -> Vec<SceneObject> {
        let seen = self.visible_cars(t).into_iter().map(|car| SceneObject {
            id: car.id,
            kind: SceneKind::Car,
            rect: car.seen,
            moving: car.drive.speed_m_s > STANDING_M_S,
        });
        seen.collect()
    }

    /// Those of whom something is in the picture, the far lane first.
    fn visible_cars(&self, t: Duration) -> Vec<Car> {
        let t = t.min(LATEST).as_secs_f64();
        let mut cars = Vec::with_capacity(8);
        for (index, lane) in LANES.iter().enumerate() {
            let px_per_m = lane.metre * self.unit_px();
            let mut random = Random::new(self.seed, 0x6c61_6e65 + index as u64);
            let drive = lane.drive_at(t + f64::from(random.range(0.0, DRIVE_S as f32)));
            let length_m = f64::from(self.width as f32 / px_per_m);
            let first = ((drive.way_m - length_m - f64::from(LATE_M + LONGEST_M)) / SPACING_M).floor() as i64;
            let last = (drive.way_m / SPACING_M).ceil() as i64;
            for number in first..=last {
                let id = ((number + FIRST_NUMBER).max(0) as u64) * 2 + index as u64;
                let mut random = Random::new(self.seed, 0x6361_7200_0000 + id);
                let profile = Profile::new(&mut random);
                let late = f64::from(random.range(0.0, LATE_M));
                // Metres of the street behind its nose.
                let nose = (drive.way_m - number as f64 * SPACING_M - late) as f32;
                let rear = nose - profile.length();
                let left_px =
                    if lane.to_right { rear * px_per_m } else { self.width as f32 - nose * px_per_m };
                let ground_px = lane.ground * self.unit_px();
                let spot = Spot { left_px, ground_px, px_per_m, to_right: lane.to_right };
                let seen = profile.visible_box(spot, self.width, self.height);
                let is_enough = |seen: &Rect| seen.width() >= LEAST_SEEN_PX && seen.height() >= LEAST_SEEN_PX;
                if let Some(seen) = seen.filter(is_enough) {
                    cars.push(Car { id, profile, spot, seen, way_m: nose, drive });
                }
            }
        }
        cars
    }
}

impl Lane {
    fn drive_at(&self, t: f64) -> Drive {
        let speed = f64::from(self.speed_m_s);
        let round_s = DRIVE_S + 2.0 * CHANGE_S + STAND_S;
        let rounds = (t / round_s).floor();
        let at = t - rounds * round_s;
        // Braking and pulling away take half of the way that driving takes.
        let before = rounds * speed * (DRIVE_S + CHANGE_S);
        let (way, share, braking) = if at < DRIVE_S {
            (at, 1.0, false)
        } else if at < DRIVE_S + CHANGE_S {
            let done = (at - DRIVE_S) / CHANGE_S;
            (DRIVE_S + CHANGE_S * done * (1.0 - done / 2.0), 1.0 - done, true)
        } else if at < DRIVE_S + CHANGE_S + STAND_S {
            (DRIVE_S + CHANGE_S / 2.0, 0.0, true)
        } else {
            let done = (at - DRIVE_S - CHANGE_S - STAND_S) / CHANGE_S;
            (DRIVE_S + CHANGE_S / 2.0 * (1.0 + done * done), done, false)
        };
        Drive { way_m: before + way * speed, speed_m_s: share * speed, braking }
    }
}

/// The colour of the sky, the pavements and the road at a place.
fn surface_colour(noise: &Noise, x: f32, y: f32) -> Colour {
    let grain = noise.smooth(x * 330.0, y * 330.0) * 0.6 + noise.smooth(x * 130.0, y * 130.0) * 0.4 - 0.5;
    let patch = noise.smooth(x * 9.0, y * 14.0) - 0.5;
    let grey = |level: f32| [level * 1.01, level, level * 0.98];
    if y < SKY {
        let cloud =
            (noise.smooth(x * 2.2, y * 7.0) * 0.6 + noise.smooth(x * 6.0, y * 17.0) * 0.4 - 0.5).max(0.0);
        let rise = 1.0 - y / SKY;
        let clear = [232.0 - 8.0 * rise, 214.0 - 26.0 * rise, 196.0 - 48.0 * rise];
        return clear.map(|level| level + (244.0 - level) * (cloud * 3.0).min(0.8) + 3.0 * grain);
    }
    if y < HEDGE {
        return [26.0, 48.0, 34.0];
    }
    if !(PAVEMENT..NEAR_PAVEMENT).contains(&y) {
        let seam = (x / 0.09).fract() < 0.02;
        let level = 150.0 + 14.0 * patch + 22.0 * grain;
        return grey(if seam { level * 0.85 } else { level });
    }
    if y < KERB {
        return grey(if y < PAVEMENT + 0.005 { 172.0 } else { 112.0 } + 12.0 * grain);
    }
    if y >= NEAR_KERB {
        return grey(if y < NEAR_KERB + 0.004 { 70.0 } else { 168.0 } + 12.0 * grain);
    }
    // Lighter than the cars' glass and tyres, and than their shadows: grey before grey is not seen to move.
    grey(118.0 - 8.0 * (y - KERB) + 13.0 * patch + 24.0 * grain)
}
