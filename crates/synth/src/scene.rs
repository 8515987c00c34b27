//! Generated scenes: for tests, demos and load without a camera.
//!
//! A car park, as a camera on a pole sees it: cars drive in, along, stop, park and leave; now and then someone walks by.
//! And a street, as a camera at the roadside sees it: drawn so that a network which knows cars from photographs takes its
//! cars for cars. The light changes slowly, and no two frames are equal, for the sensor has noise. What is where is known ([`Scene::objects`]), so that detectors and
//! trackers can be measured on it. Everything is drawn here and is a function of seed, size and time alone: the same
//! three give the same frame on every machine with the same floating-point arithmetic.

use std::f32::consts::TAU;
use std::fmt;
use std::time::Duration;

use crate::random::Random;
use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;

mod canvas;
mod car;
mod ground;
mod noise;
mod person;
mod profile;
mod solid;
mod street;
mod traffic;
mod view;

use canvas::Canvas;
use car::Car;
use person::Person;
use street::Street;
use traffic::{Actor, Traffic};
use view::View;

/// The shortest side of a scene, in pixels.
pub const MIN_SIDE: u32 = 32;
/// The longest side of a scene, in pixels.
pub const MAX_SIDE: u32 = 4096;
/// Less of an object than this in both directions, in pixels, is not told of.
const LEAST_SEEN_PX: f32 = 4.0;
/// Values of noise from which each row takes some.
const NOISE_LEN: usize = 16 << 10;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SceneKind {
    /// A car, driving, stopped or parked.
    Car,
    /// Somebody who walks by.
    Person,
}

impl SceneKind {
    /// The label that detectors have for it: `car`, `person`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for SceneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One object in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SceneObject {
    /// The same from the frame in which it comes to the one in which it leaves; never used for another.
    pub id: u64,
    /// Whether it is a car or a person.
    pub kind: SceneKind,
    /// Around all of it that lies in the picture, also where something stands before it; without its shadow.
    pub rect: Rect,
    /// Whether it is moving at this time.
    pub moving: bool,
}

/// A scene in frames of one size.
pub struct Scene {
    seed: u64,
    place: Place,
    /// All that is drawn once, as it never moves.
    background: Image,
    /// Of the sensor, in levels.
    noise: Vec<i8>,
    light_phase: f64,
}

/// What there is to see.
enum Place {
    CarPark(CarPark),
    Street(Street),
}

struct CarPark {
    view: View,
    /// The cars that never leave.
    parked: Vec<Actor>,
    traffic: Traffic,
}

impl Scene {
    /// The car park of `seed` in frames of `width` × `height` pixels ([`MIN_SIDE`] to [`MAX_SIDE`]). Draws the ground,
    /// which takes as long as a hundred frames.
    pub fn new(seed: u64, width: u32, height: u32) -> Self {
        let view = View::new(width.clamp(MIN_SIDE, MAX_SIDE), height.clamp(MIN_SIDE, MAX_SIDE));
        let (car_park, background) = CarPark::new(seed, view);
        Self::from_place(seed, Place::CarPark(car_park), background)
    }

    /// The street of `seed`; likewise.
    pub fn street(seed: u64, width: u32, height: u32) -> Self {
        let street = Street::new(seed, width.clamp(MIN_SIDE, MAX_SIDE), height.clamp(MIN_SIDE, MAX_SIDE));
        let background = street.background();
        Self::from_place(seed, Place::Street(street), background)
    }

    fn from_place(seed: u64, place: Place, background: Image) -> Self {
        let mut random = Random::new(seed, 0x6e6f_6973);
        let row = background.width() as usize * 3;
        let noise = (0..row + NOISE_LEN).map(|_| sensor_noise(&mut random)).collect();
        Self { seed, place, background, noise, light_phase: random.range(0.0, TAU).into() }
    }

    /// Width of the frames in pixels.
    pub fn width(&self) -> u32 {
        self.background.width()
    }

    /// Height of the frames in pixels.
    pub fn height(&self) -> u32 {
        self.background.height()
    }

    /// The frame at time `t`.
    pub fn frame(&self, t: Duration) -> Image {
        let mut image = Image::default();
        self.frame_into(t, &mut image);
        image
    }

    /// As [`Scene::frame`], into a picture whose memory is reused.
    pub fn frame_into(&self, t: Duration, image: &mut Image) {
        self.draw(t, image);
        self.expose(t, image);
    }

    /// What is in the frame at time `t`: the cars that never leave too.
    pub fn objects(&self, t: Duration) -> Vec<SceneObject> {
        match &self.place {
            Place::CarPark(car_park) => car_park.objects(t),
            Place::Street(street) => street.objects(t),
        }
    }

    /// The frame as it would be in constant light, without noise.
    fn draw(&self, t: Duration, image: &mut Image) {
        image.reshape(self.width(), self.height());
        image.data_mut().copy_from_slice(self.background.data());
        match &self.place {
            Place::CarPark(car_park) => car_park.draw(t, image),
            Place::Street(street) => street.draw(t, image),
        }
    }

    /// Daylight, which changes as clouds pass, and the sensor's noise.
    fn expose(&self, t: Duration, image: &mut Image) {
        let seconds = t.as_secs_f64();
        let light = 1.0
            + 0.05 * (seconds / 17.0 + self.light_phase).sin()
            + 0.03 * (seconds / 6.1 + 2.0 * self.light_phase).sin();
        let light = (light * 256.0) as i32;
        let row_bytes = self.width() as usize * 3;
        let mut random = Random::new(self.seed, t.as_nanos() as u64);
        for row in image.data_mut().chunks_exact_mut(row_bytes) {
            let noise = &self.noise[random.bits() as usize % NOISE_LEN..][..row_bytes];
            for (value, noise) in row.iter_mut().zip(noise) {
                *value = (((i32::from(*value) * light) >> 8) + i32::from(*noise)).clamp(0, 255) as u8;
            }
        }
    }
}

impl CarPark {
    /// With its ground and the cars that never leave.
    fn new(seed: u64, view: View) -> (Self, Image) {
        let (traffic, mut parked) = Traffic::new(seed);
        parked.sort_by(far_first);
        let mut background = ground::draw_ground(seed, &view);
        let mut canvas = Canvas::new(&mut background);
        for actor in &parked {
            actor.draw_shadow(&view, &mut canvas);
        }
        for actor in &parked {
            actor.draw(&view, &mut canvas);
        }
        (Self { view, parked, traffic }, background)
    }

    fn objects(&self, t: Duration) -> Vec<SceneObject> {
        let coming = self.traffic.actors_at(t);
        let actors = self.parked.iter().chain(&coming);
        let seen = actors.filter_map(|actor| {
            let rect = actor.visible_box(&self.view)?;
            let is_seen = rect.width() >= LEAST_SEEN_PX && rect.height() >= LEAST_SEEN_PX;
            is_seen.then_some(SceneObject { id: actor.id, kind: actor.kind(), rect, moving: actor.moving })
        });
        seen.collect()
    }

    /// Who comes and goes, on the background.
    fn draw(&self, t: Duration, image: &mut Image) {
        let mut canvas = Canvas::new(image);
        let mut coming = self.traffic.actors_at(t);
        coming.sort_by(far_first);
        // Where the background is no longer right: what stands there before it has to be drawn again.
        let mut changed: Vec<Rect> = Vec::with_capacity(16);
        for actor in &coming {
            changed.push(actor.draw_shadow(&self.view, &mut canvas));
        }
        let mut parked = self.parked.iter().peekable();
        for actor in coming.iter().map(Some).chain([None]) {
            while let Some(standing) =
                parked.next_if(|standing| actor.is_none_or(|actor| far_first(standing, actor).is_le()))
            {
                let bounds = standing.bounds(&self.view);
                if changed.iter().any(|rect| has_overlap(rect, &bounds)) {
                    standing.draw(&self.view, &mut canvas);
                    changed.push(bounds);
                }
            }
            if let Some(actor) = actor {
                actor.draw(&self.view, &mut canvas);
                changed.push(actor.bounds(&self.view));
            }
        }
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::CarPark(_) => "car park",
            Place::Street(_) => "street",
        };
        write!(f, "Scene({place}, seed {}, {}x{})", self.seed, self.width(), self.height())
    }
}

/// Near enough to a bell, a little over one level wide.
fn sensor_noise(random: &mut Random) -> i8 {
    let sum: f32 = (0..4).map(|_| random.range(-1.0, 1.0)).sum();
    (sum * 1.1).round() as i8
}

fn far_first(one: &Actor, other: &Actor) -> std::cmp::Ordering {
    other.distance().total_cmp(&one.distance())
}

fn has_overlap(one: &Rect, other: &Rect) -> bool {
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom
}

#[cfg(test)]
mod tests;
