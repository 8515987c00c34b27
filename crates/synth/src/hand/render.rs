//! Pictures of a performance: the room, who is in it, and the hands with the blur of their motion.

use super::brush::{Layer, Paint, Strip};
use super::geometry::Mix;
use super::look::Look;
use super::paint;
use super::track::HandAt;
use super::{HEIGHT, Performance, Person, WIDTH, room};
use crate::random::Random;
use crate::sample::texture;
use sightwire_frame::Image;

/// The least number of moments that a picture of something that moves is the mean of.
const LEAST_MOMENTS: usize = 6;
const MOST_MOMENTS: usize = 16;
/// Of one hand, over all moments.
const MOST_PIXELS: usize = 1_200_000;

/// A room with a person who sits in it, in which a performance is seen. It is drawn once, which takes about as long as a
/// picture.
pub struct Stage {
    performance: Performance,
    look: Look,
    seed: u64,
    behind: Image,
}

/// A picture of a performance at `t` seconds, of `width` × `height` pixels (the whole of 640 × 480, stretched where
/// the shape differs). The exposure lies around `t`. For more than one picture, use a [`Stage`].
pub fn render_performance(
    performance: &Performance,
    t: f32,
    exposure_s: f32,
    [width, height]: [u32; 2],
    room_seed: u64,
) -> Image {
    Stage::new(performance, [width, height], room_seed).picture(t, exposure_s)
}

impl Stage {
    /// Draws the room of `seed` and, where they keep still, who sits in it. At least 8 × 8 pixels.
    pub fn new(performance: &Performance, [width, height]: [u32; 2], seed: u64) -> Self {
        let (width, height) = (width.max(8), height.max(8));
        let mut behind = room::draw_room(seed, width, height);
        let look = Look::new(performance.seed());
        if let Some(person) = performance.person_at(0.0).filter(|person| !person.is_whole) {
            draw_person(&mut behind, &person, &look);
        }
        Self { performance: performance.clone(), look, seed, behind }
    }

    /// The picture at `t` seconds, exposed for `exposure_s` around it.
    pub fn picture(&self, t: f32, exposure_s: f32) -> Image {
        let mut image = Image::default();
        self.picture_into(t, exposure_s, &mut image);
        image
    }

    /// As [`Stage::picture`], into a picture whose memory is reused.
    pub fn picture_into(&self, t: f32, exposure_s: f32, image: &mut Image) {
        image.reshape(self.behind.width(), self.behind.height());
        image.data_mut().copy_from_slice(self.behind.data());
        let person = self.performance.person_at(t);
        if let Some(person) = person.filter(|person| person.is_whole) {
            draw_person(image, &person, &self.look);
        }
        let moments = self.hand_moments(t, exposure_s);
        for index in 0..moments[0].len() {
            let hands: Vec<&HandAt> = moments.iter().map(|hands| &hands[index]).collect();
            draw_hand(image, &hands, person.as_ref(), &self.look);
        }
        let mut random = Random::new(self.seed ^ u64::from(t.to_bits()), 0x0153);
        // The exposure is never quite the same.
        let gain = random.range(0.985, 1.015);
        let table: [u8; 256] = std::array::from_fn(|level| (level as f32 * gain).min(255.0) as u8);
        for channel in image.data_mut() {
            *channel = table[usize::from(*channel)];
        }
        texture::add_noise(&mut random, image);
    }

    /// The hands at times spread over the exposure: more of them the farther they get.
    fn hand_moments(&self, t: f32, exposure_s: f32) -> Vec<Vec<HandAt>> {
        let (from, to) = (t - exposure_s / 2.0, t + exposure_s / 2.0);
        let [opened, closed] = [from, to].map(|t| self.performance.hands_at(t));
        let scale = self.behind.width() as f32 / WIDTH;
        let way = opened.iter().zip(&closed).flat_map(|(a, b)| a.joints.iter().zip(&b.joints));
        let way = way.map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max) * scale;
        if way < 0.3 {
            return vec![self.performance.hands_at(t)];
        }
        let count = ((way / 3.0) as usize).clamp(LEAST_MOMENTS, MOST_MOMENTS);
        let at = |i: usize| from.mix(&to, (i as f32 + 0.5) / count as f32);
        (0..count).map(|i| self.performance.hands_at(at(i))).collect()
    }
}

/// How a place in the picture of 640 × 480 becomes one in the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    x: f32,
    y: f32,
}

impl Scale {
    fn from_image(image: &Image) -> Self {
        Self { x: image.width() as f32 / WIDTH, y: image.height() as f32 / HEIGHT }
    }

    pub(super) fn scale_point(self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x * self.x, y * self.y]
    }

    pub(super) fn scale_length(self, px: f32) -> f32 {
        px * (self.x + self.y) / 2.0
    }
}

fn draw_person(image: &mut Image, person: &Person, look: &Look) {
    let scale = Scale::from_image(image);
    let p = person.palm_px;
    let [x, y] = person.head;
    let [left, top] = scale.scale_point([x - 4.0 * p, y - 2.0 * p]);
    let [right, bottom] = scale.scale_point([x + 4.0 * p, y + 19.0 * p]);
    let mut layer = Layer::new(clip_bounds(image, [left, top, right, bottom]));
    paint::paint_person(&mut layer, person, look, scale);
    blend_layer(image, &layer, 1);
}

/// The mean of a hand's moments.
fn draw_hand(image: &mut Image, moments: &[&HandAt], person: Option<&Person>, look: &Look) {
    let scale = Scale::from_image(image);
    let mut around = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    for hand in moments {
        let p = scale.scale_length(hand.palm_px());
        let elbow = scale.scale_length(paint::swell_factor(hand.elbow[2]) * hand.palm_px());
        let cup = hand.cup.iter().flat_map(|cup| [cup.rim, cup.foot].map(|[x, y]| ([x, y, 0.0], p)));
        let joints = hand.joints.iter().map(|&joint| (joint, 0.5 * p));
        for (place, margin) in joints.chain([(hand.elbow, 0.8 * elbow)]).chain(cup) {
            let [x, y] = scale.scale_point([place[0], place[1]]);
            around = [
                around[0].min(x - margin),
                around[1].min(y - margin),
                around[2].max(x + margin),
                around[3].max(y + margin),
            ];
        }
    }
    // The upper arm.
    let (shoulder, radius) = paint::shoulder_place(moments[0], person);
    let ([x, y], margin) = (scale.scale_point(shoulder), scale.scale_length(radius));
    around = [
        around[0].min(x - margin),
        around[1].min(y - margin),
        around[2].max(x + margin),
        around[3].max(y + margin),
    ];
    let area = clip_bounds(image, around);
    let mut layer = Layer::new(area);
    if layer.pixels.is_empty() {
        return;
    }
    let mut sum = Layer::new(area);
    // What fills the picture is drawn less often: each time costs more, and its blur is seen less.
    let most = (MOST_PIXELS / layer.pixels.len()).max(LEAST_MOMENTS);
    let count = moments.len().min(most);
    for hand in (0..count).map(|i| moments[(2 * i + 1) * moments.len() / (2 * count)]) {
        layer.clear();
        paint::paint_hand(&mut layer, hand, person, look, scale);
        for (sum, pixel) in sum.pixels.iter_mut().zip(&layer.pixels) {
            for (sum, channel) in sum.iter_mut().zip(pixel) {
                *sum += channel;
            }
        }
    }
    blend_layer(image, &sum, count);
}

fn clip_bounds(image: &Image, [left, top, right, bottom]: [f32; 4]) -> [i32; 4] {
    let (width, height) = (image.width() as f32, image.height() as f32);
    let within = |at: f32, most: f32| at.clamp(0.0, most) as i32;
    [
        within(left.floor(), width),
        within(top.floor(), height),
        within(right.ceil(), width),
        within(bottom.ceil(), height),
    ]
}

/// Lays a layer that is the sum of `count` over the image.
fn blend_layer(image: &mut Image, layer: &Layer, count: usize) {
    let share = 1.0 / count as f32;
    let width = image.width() as usize;
    let [left, top] = layer.origin.map(|at| at as usize);
    for (row, pixels) in layer.pixels.chunks_exact(layer.width.max(1)).enumerate() {
        let line = &mut image.data_mut()[((top + row) * width + left) * 3..][..layer.width * 3];
        for (under, over) in line.chunks_exact_mut(3).zip(pixels) {
            if over[3] > 0.0 {
                let behind = 1.0 - over[3] * share;
                for (channel, colour) in under.iter_mut().zip(over) {
                    *channel = (f32::from(*channel) * behind + colour * share).clamp(0.0, 255.0) as u8;
                }
            }
        }
    }
}

/// A strip between two places of the picture of 640 × 480.
pub(super) fn draw_strip(
    layer: &mut Layer,
    scale: Scale,
    [from, to]: [[f32; 2]; 2],
    radius: [f32; 2],
    paint: &Paint,
) {
    let radius = radius.map(|px| scale.scale_length(px));
    layer.draw_strip(&Strip { from: scale.scale_point(from), to: scale.scale_point(to), radius }, paint);
}
