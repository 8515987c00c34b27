//! A drawn hand: each joint is a disc in a colour of its own, so that a network whose weights are calculated can find it.
//!
//! Places are in palm lengths, from the wrist to the middle finger's knuckle: the wrist is at 0, the fingers point up, y
//! counts down, and the thumb of a right hand is on the left, as seen from the palm.

use sightwire_frame::Image;
use sightwire_hands::shape::Shape;
use sightwire_hands::{BONES, Side};

/// A place in palm lengths, or in pixels.
pub type Point = [f32; 2];

/// Colours of the joints, red, green, blue, in halves of full light. No two are closer than half of it, and none is grey;
/// those of the palm are the fullest.
pub const COLOURS: [[u8; 3]; 21] = [
    [2, 0, 0],
    [0, 2, 2],
    [2, 1, 0],
    [0, 0, 1],
    [0, 1, 0],
    [0, 2, 0],
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 0],
    [0, 0, 2],
    [1, 0, 1],
    [1, 0, 2],
    [1, 1, 2],
    [2, 2, 0],
    [1, 2, 0],
    [1, 2, 1],
    [1, 2, 2],
    [2, 0, 2],
    [2, 0, 1],
    [2, 1, 2],
    [2, 2, 1],
];
/// Of a left and a right shoulder, in the same way.
pub const SHOULDERS: [[u8; 3]; 2] = [[0, 1, 1], [1, 1, 0]];
/// Of a shoulder's disc, palm lengths of the hand.
pub const SHOULDER: f32 = 0.45;
/// Of a disc, palm lengths. Discs do not touch.
pub const RADIUS: f32 = 0.1;
/// Of the lines between them, to either side, palm lengths.
pub const LINE: f32 = 0.02;
/// Grey levels of these lines.
pub const LINES: f32 = 95.0;

const THUMB_AWAY: [Point; 4] = [[-0.37, -0.2], [-0.63, -0.5], [-0.83, -0.77], [-1.0, -1.0]];
const THUMB_OUT: [Point; 4] = [[-0.37, -0.2], [-0.63, -0.5], [-0.94, -0.56], [-1.23, -0.6]];
const THUMB_BESIDE: [Point; 4] = [[-0.37, -0.2], [-0.64, -0.42], [-0.72, -0.7], [-0.5, -0.83]];
const THUMB_IN_RING: [Point; 4] = [[-0.37, -0.2], [-0.63, -0.42], [-0.88, -0.52], [-0.63, -0.7]];
const STRAIGHT: [[Point; 4]; 4] = [
    [[-0.33, -0.97], [-0.41, -1.4], [-0.45, -1.68], [-0.48, -1.94]],
    [[0.0, -1.0], [0.0, -1.5], [0.0, -1.81], [0.0, -2.1]],
    [[0.28, -0.93], [0.33, -1.4], [0.36, -1.7], [0.39, -1.97]],
    [[0.53, -0.8], [0.63, -1.12], [0.7, -1.37], [0.76, -1.61]],
];
const CLOSED: [[Point; 4]; 4] = [
    [[-0.33, -0.97], [-0.38, -1.27], [-0.31, -0.7], [-0.27, -0.45]],
    [[0.0, -1.0], [0.0, -1.3], [0.0, -0.73], [0.0, -0.48]],
    [[0.28, -0.93], [0.32, -1.2], [0.26, -0.66], [0.24, -0.4]],
    [[0.53, -0.8], [0.6, -1.07], [0.51, -0.53], [0.46, -0.28]],
];
/// Index and middle finger of a V.
const APART: [[Point; 4]; 2] = [
    [[-0.33, -0.97], [-0.48, -1.38], [-0.57, -1.65], [-0.65, -1.9]],
    [[0.0, -1.0], [0.03, -1.5], [0.06, -1.81], [0.09, -2.1]],
];
/// Index finger of a ring with the thumb.
const RING: [Point; 4] = [[-0.33, -0.97], [-0.6, -1.25], [-0.82, -1.06], [-0.84, -0.79]];

/// The joints of a right hand in this shape.
pub fn joints(shape: Shape) -> [Point; 21] {
    let [index, middle, ring, little] = STRAIGHT;
    let (thumb, fingers) = match shape {
        Shape::OpenPalm => (THUMB_AWAY, STRAIGHT),
        Shape::Fist => (THUMB_BESIDE, CLOSED),
        Shape::Point => (THUMB_BESIDE, [index, CLOSED[1], CLOSED[2], CLOSED[3]]),
        Shape::Victory => (THUMB_BESIDE, [APART[0], APART[1], CLOSED[2], CLOSED[3]]),
        Shape::Ok => (THUMB_IN_RING, [RING, middle, ring, little]),
        Shape::ThumbUp | Shape::ThumbDown => (THUMB_OUT, CLOSED),
        Shape::ILoveYou => (THUMB_AWAY, [index, CLOSED[1], CLOSED[2], little]),
    };
    let mut all = [[0.0; 2]; 21];
    for (to, from) in all[1..].iter_mut().zip(thumb.iter().chain(fingers.as_flattened())) {
        *to = *from;
    }
    all
}

/// A hand in a picture.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    pub shape: Shape,
    /// Half way between the wrist and the middle finger's knuckle, pixels.
    pub at: Point,
    /// Length of the palm, pixels.
    pub palm: f32,
    /// Clockwise, degrees. A thumb that is up or down is so at 0.
    pub turn: f32,
    pub side: Side,
}

impl Drawn {
    /// An upright right hand.
    pub fn new(shape: Shape, at: Point, palm: f32) -> Self {
        Self { shape, at, palm, turn: 0.0, side: Side::Right }
    }

    /// The same elsewhere, palm lengths away.
    pub fn moved(self, x: f32, y: f32) -> Self {
        Self { at: [self.at[0] + x * self.palm, self.at[1] + y * self.palm], ..self }
    }

    /// Its joints, pixels.
    pub fn joints(&self) -> [Point; 21] {
        let out = match self.shape {
            Shape::ThumbUp => 90.0,
            Shape::ThumbDown => -90.0,
            _ => 0.0,
        };
        let mirror = if self.side == Side::Left { -1.0 } else { 1.0 };
        let (sin, cos) = (self.turn + mirror * out).to_radians().sin_cos();
        joints(self.shape).map(|[x, y]| {
            let (x, y) = (mirror * x * self.palm, (y + 0.5) * self.palm);
            [self.at[0] + x * cos - y * sin, self.at[1] + x * sin + y * cos]
        })
    }
}

/// Hands before a grey wall that the light falls on from the side.
pub fn draw(hands: &[Drawn], width: u32, height: u32) -> Image {
    let mut image = wall(width, height);
    paint_hands(&mut image, hands);
    image
}

/// The same before somebody's left and right shoulder, pixels, who has hands as large as the first one.
pub fn draw_person(hands: &[Drawn], shoulders: [Point; 2], width: u32, height: u32) -> Image {
    let mut image = wall(width, height);
    let reach = hands.first().map_or(60.0, |hand| hand.palm) * SHOULDER;
    for (at, colour) in shoulders.into_iter().zip(SHOULDERS) {
        paint(&mut image, [at; 2], reach, full(colour));
    }
    paint_hands(&mut image, hands);
    image
}

fn full(halves: [u8; 3]) -> [f32; 3] {
    halves.map(|halves| f32::from(halves) * 127.5)
}

fn wall(width: u32, height: u32) -> Image {
    let mut image = Image::new(width, height);
    for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (index as u32 % width, index as u32 / width);
        pixel.fill((110.0 + 40.0 * x as f32 / width as f32 + 15.0 * y as f32 / height as f32) as u8);
    }
    image
}

fn paint_hands(image: &mut Image, hands: &[Drawn]) {
    for hand in hands {
        let joints = hand.joints();
        for (from, to) in BONES {
            paint(image, [joints[from], joints[to]], LINE * hand.palm, [LINES; 3]);
        }
        for (joint, colour) in joints.into_iter().zip(COLOURS) {
            paint(image, [joint; 2], RADIUS * hand.palm, full(colour));
        }
    }
}

/// Everything that is at most this far from a line, with soft edges. `colour` is red, green, blue.
fn paint(image: &mut Image, [from, to]: [Point; 2], reach: f32, colour: [f32; 3]) {
    let (width, height) = (image.width(), image.height());
    let bounds = |axis: usize, side: u32| {
        let low = (from[axis].min(to[axis]) - reach - 1.0).clamp(0.0, side as f32);
        let high = (from[axis].max(to[axis]) + reach + 1.0).clamp(0.0, side as f32);
        low as u32..high as u32
    };
    let way = [to[0] - from[0], to[1] - from[1]];
    let length = way[0] * way[0] + way[1] * way[1];
    for row in bounds(1, height) {
        for column in bounds(0, width) {
            let at = [column as f32 + 0.5 - from[0], row as f32 + 0.5 - from[1]];
            let along = (at[0] * way[0] + at[1] * way[1]) / length.max(1e-6);
            let along = along.clamp(0.0, 1.0);
            let distance = (at[0] - along * way[0]).hypot(at[1] - along * way[1]);
            let covered = (reach + 0.5 - distance).clamp(0.0, 1.0);
            let first = 3 * (row * width + column) as usize;
            let [red, green, blue] = colour;
            for (value, colour) in image.data_mut()[first..first + 3].iter_mut().zip([blue, green, red]) {
                *value = (f32::from(*value) * (1.0 - covered) + colour * covered).round() as u8;
            }
        }
    }
}
