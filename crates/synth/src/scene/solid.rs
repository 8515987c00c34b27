//! Bodies with a flat bottom and a flat top, lit by the sun.

use super::canvas::{Canvas, Paint, bounding_box};
use super::view::{Pixel, Point, View};
use sightwire_frame::boxes::Rect;

/// Where the light comes from: from behind the camera's left shoulder.
const SUN: Point = [-0.5, -0.42, 0.76];

/// A colour in blue, green, red: levels in full light.
pub(super) type Colour = [f32; 3];

/// Where something stands, and which way it looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pose {
    /// Metres to the right.
    pub(super) x: f32,
    /// Metres away from the camera.
    pub(super) y: f32,
    /// Sine and cosine of the direction it looks to, counted from x towards y.
    pub(super) heading: (f32, f32),
}

impl Pose {
    /// A point of a thing (forwards, to its left, up) in the world.
    pub(super) fn world_point(&self, [forward, left, up]: Point) -> Point {
        let (sin, cos) = self.heading;
        [self.x + forward * cos - left * sin, self.y + forward * sin + left * cos, up]
    }
}

/// A body between two polygons with as many corners, counter-clockwise from above, of a thing at a pose.
pub(super) struct Solid<'a> {
    pub(super) bottom: &'a [Point],
    pub(super) top: &'a [Point],
}

impl Solid<'_> {
    /// Draws the faces that the camera sees, and the top. `sides`: of the face from corner `index` on; its window, if
    /// any, is drawn into it.
    pub(super) fn draw(
        &self,
        view: &View,
        canvas: &mut Canvas<'_>,
        sides: Colour,
        window: Option<Colour>,
        top: Colour,
    ) {
        let count = self.bottom.len();
        let bottom: Vec<Pixel> = self.bottom.iter().map(|&point| view.project(point)).collect();
        let upper: Vec<Pixel> = self.top.iter().map(|&point| view.project(point)).collect();
        let seen_from_above = doubled_area(&upper).signum();
        // Neighbouring faces do not quite cover the edge that they share.
        let outline = convex_hull(bottom.iter().chain(&upper).copied().collect());
        canvas.fill(&outline, Paint::Colour(light_colour(sides, 0.7), 1.0));
        for index in 0..count {
            let next = (index + 1) % count;
            let face = [bottom[index], bottom[next], upper[next], upper[index]];
            if doubled_area(&face) * seen_from_above <= 0.0 {
                continue;
            }
            let light = face_brightness(face_normal(self.bottom[index], self.bottom[next], self.top[index]));
            canvas.fill(&face, Paint::Colour(light_colour(sides, light), 1.0));
            if let Some(window) = window {
                canvas.fill(
                    &shrink_polygon(&face, 0.8),
                    Paint::Colour(light_colour(window, 0.55 + light * 0.6), 1.0),
                );
            }
        }
        canvas.fill(&upper, Paint::Colour(light_colour(top, face_brightness([0.0, 0.0, 1.0])), 1.0));
    }
}

/// Draws a flat polygon of the world in the light that falls on a face with that normal.
pub(super) fn draw_flat(view: &View, canvas: &mut Canvas<'_>, points: &[Point], colour: Colour, light: f32) {
    let pixels: Vec<Pixel> = points.iter().map(|&point| view.project(point)).collect();
    canvas.fill(&pixels, Paint::Colour(light_colour(colour, light), 1.0));
}

/// Draws the soft shadow of points on the ground, and tells where.
pub(super) fn draw_shadow(view: &View, canvas: &mut Canvas<'_>, points: &[Point]) -> Rect {
    let fallen =
        points.iter().map(|&[x, y, z]| view.project([x - SUN[0] / SUN[2] * z, y - SUN[1] / SUN[2] * z, 0.0]));
    let outline = convex_hull(fallen.collect());
    for size in [1.05, 1.0, 0.95] {
        canvas.fill(&shrink_polygon(&outline, size), Paint::Shade(0.8));
    }
    bounding_box(&shrink_polygon(&outline, 1.05))
}

/// How bright a face is: full light is 1.
pub(super) fn face_brightness(normal: Point) -> f32 {
    let towards: f32 = normal.iter().zip(SUN).map(|(a, b)| a * b).sum();
    0.5 + 0.65 * towards.max(0.0)
}

pub(super) fn light_colour(colour: Colour, light: f32) -> [u8; 3] {
    colour.map(|level| (level * light).clamp(0.0, 255.0) as u8)
}

/// Outwards, of length 1.
pub(super) fn face_normal(a: Point, b: Point, c: Point) -> Point {
    let (u, v) = ([b[0] - a[0], b[1] - a[1], b[2] - a[2]], [c[0] - a[0], c[1] - a[1], c[2] - a[2]]);
    let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    let length = cross.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::EPSILON);
    cross.map(|value| value / length)
}

/// Its sign tells the direction of the corners.
fn doubled_area(points: &[Pixel]) -> f32 {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
}

/// The same polygon, this many times as large, about its middle.
fn shrink_polygon(points: &[Pixel], size: f32) -> Vec<Pixel> {
    let count = points.len().max(1) as f32;
    let middle = points.iter().fold([0.0; 2], |sum, point| [sum[0] + point[0], sum[1] + point[1]]);
    let middle = middle.map(|sum: f32| sum / count);
    points.iter().map(|p| [0, 1].map(|axis: usize| middle[axis] + (p[axis] - middle[axis]) * size)).collect()
}

/// The convex polygon around points: Andrew's monotone chain (1979).
pub(super) fn convex_hull(mut points: Vec<Pixel>) -> Vec<Pixel> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let mut outline: Vec<Pixel> = Vec::with_capacity(points.len() + 1);
    for backwards in [false, true] {
        let start = outline.len();
        let mut add = |point: Pixel| {
            while let [.., a, b] = outline[start..] {
                if (b[0] - a[0]) * (point[1] - a[1]) > (b[1] - a[1]) * (point[0] - a[0]) {
                    break;
                }
                outline.pop();
            }
            outline.push(point);
        };
        if backwards {
            points.iter().rev().copied().for_each(&mut add);
        } else {
            points.iter().copied().for_each(&mut add);
        }
        outline.pop();
    }
    outline
}
