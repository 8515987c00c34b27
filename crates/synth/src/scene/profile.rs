//! Cars as somebody at the roadside sees them: from the side, driving to the right or to the left.
//!
//! Places on a car are in metres: x from its rear end to its nose, y up from the ground.

use std::f32::consts::TAU;

use super::canvas::{Canvas, Paint, bounding_box, clip_polygon};
use super::solid::{Colour, light_colour};
use super::view::Pixel;
use crate::random::Random;
use sightwire_frame::boxes::Rect;

/// A place on a car.
type Place = [f32; 2];

/// Paint (blue, green, red).
const PAINTS: [Colour; 7] = [
    [228.0, 228.0, 225.0],
    [150.0, 82.0, 40.0],
    [40.0, 36.0, 175.0],
    [176.0, 124.0, 58.0],
    [60.0, 60.0, 200.0],
    [200.0, 110.0, 40.0],
    [44.0, 60.0, 190.0],
];
const GLASS: Colour = [70.0, 62.0, 52.0];
/// Of the upper half of a window, where the sky is mirrored.
const MIRRORED_SKY: Colour = [120.0, 108.0, 92.0];
const SILL: Colour = [35.0, 35.0, 35.0];
const ARCH: Colour = [12.0, 12.0, 12.0];
const TYRE: Colour = [24.0, 24.0, 25.0];
const RIM: Colour = [150.0, 150.0, 150.0];
const WELL: Colour = [95.0, 95.0, 95.0];
const SPOKE: Colour = [178.0, 178.0, 178.0];
const HEAD_LIGHT: Colour = [235.0, 240.0, 240.0];
const TAIL_LIGHT: Colour = [24.0, 20.0, 120.0];
const BRAKE_LIGHT: Colour = [60.0, 50.0, 255.0];
const WHEEL_RADIUS_M: f32 = 0.325;
const ARCH_RADIUS_M: f32 = 0.4;
/// How bright the body is at each height: the sill is in the shade, and edges that look up mirror the sky.
const LIGHT: [Place; 10] = [
    [0.2, 0.3],
    [0.32, 0.45],
    [0.5, 0.62],
    [0.62, 0.8],
    [0.75, 0.92],
    [0.9, 1.0],
    [0.95, 1.15],
    [1.1, 1.0],
    [1.4, 1.1],
    [1.5, 1.3],
];
/// The camera looks down a little: what is upright is so much less high in the picture.
const FORESHORTENED: f32 = 0.94;
/// Points of the outline between two that are given.
const STEPS: usize = 6;

/// Length of the longest of [`BODIES`].
pub(super) const LONGEST_M: f32 = 4.6;

/// What all cars of a kind share.
struct Body {
    length: f32,
    /// From the rear bumper over the roof to the front bumper.
    outline: [Place; 12],
    /// The rear one first; each begins with its rear corners and ends with the lower front one.
    windows: [&'static [Place]; 2],
    wheels: [f32; 2],
}

static BODIES: [Body; 3] = [
    // A saloon.
    Body {
        length: 4.5,
        outline: [
            [0.02, 0.55],
            [0.03, 0.8],
            [0.12, 0.96],
            [0.8, 1.0],
            [1.45, 1.36],
            [2.0, 1.45],
            [2.5, 1.42],
            [3.25, 1.0],
            [4.0, 0.88],
            [4.38, 0.72],
            [4.48, 0.55],
            [4.46, 0.32],
        ],
        windows: [
            &[[1.0, 1.0], [1.5, 1.31], [2.0, 1.38], [2.05, 1.38], [2.05, 0.98]],
            &[[2.13, 0.98], [2.13, 1.38], [2.46, 1.35], [3.02, 0.98]],
        ],
        wheels: [0.85, 3.62],
    },
    // A hatchback.
    Body {
        length: 4.0,
        outline: [
            [0.02, 0.55],
            [0.02, 0.85],
            [0.1, 1.0],
            [0.3, 1.32],
            [0.6, 1.44],
            [1.4, 1.48],
            [2.1, 1.44],
            [2.85, 1.02],
            [3.5, 0.9],
            [3.88, 0.72],
            [3.98, 0.55],
            [3.96, 0.32],
        ],
        windows: [
            &[[0.35, 1.02], [0.5, 1.33], [1.3, 1.41], [1.3, 1.0]],
            &[[1.38, 1.0], [1.38, 1.41], [2.05, 1.38], [2.65, 1.0]],
        ],
        wheels: [0.72, 3.2],
    },
    // A lower, longer saloon.
    Body {
        length: 4.6,
        outline: [
            [0.02, 0.5],
            [0.03, 0.75],
            [0.12, 0.9],
            [0.75, 0.95],
            [1.5, 1.29],
            [2.05, 1.38],
            [2.55, 1.35],
            [3.3, 0.95],
            [4.1, 0.83],
            [4.48, 0.68],
            [4.58, 0.5],
            [4.56, 0.3],
        ],
        windows: [
            &[[1.05, 0.96], [1.55, 1.25], [2.0, 1.31], [2.08, 1.31], [2.08, 0.94]],
            &[[2.16, 0.94], [2.16, 1.31], [2.5, 1.28], [3.06, 0.94]],
        ],
        wheels: [0.85, 3.68],
    },
];

/// Where a car is in the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Of its rear end (`to_right`) or of its nose, in pixels.
    pub(super) left_px: f32,
    /// Where its wheels stand, in pixels.
    pub(super) ground_px: f32,
    pub(super) px_per_m: f32,
    pub(super) to_right: bool,
}

/// A car of the street: its body and its paint.
pub(super) struct Profile {
    body: &'static Body,
    paint: Colour,
}

impl Profile {
    pub(super) fn new(random: &mut Random) -> Self {
        let body = &BODIES[random.bits() as usize % BODIES.len()];
        Self { body, paint: PAINTS[random.bits() as usize % PAINTS.len()] }
    }

    pub(super) fn length(&self) -> f32 {
        self.body.length
    }

    /// The box around the part of it that lies in a picture of that size, if there is any.
    pub(super) fn visible_box(&self, spot: Spot, width: u32, height: u32) -> Option<Rect> {
        let part = |places: &[Place]| {
            clip_polygon(places.iter().map(|&place| self.pixel_at(spot, place)).collect(), width, height)
        };
        let mut seen = part(&self.body_outline());
        for axle in self.body.wheels {
            seen.extend(part(&disc_places([axle, WHEEL_RADIUS_M], WHEEL_RADIUS_M)));
        }
        (!seen.is_empty()).then(|| bounding_box(&seen).clamp_to(width, height))
    }

    /// `way_m` turns the wheels.
    pub(super) fn draw(&self, spot: Spot, way_m: f32, braking: bool, canvas: &mut Canvas<'_>) {
        self.draw_shadow(spot, canvas);
        self.draw_body(spot, canvas);
        let (body, length) = (self.body, self.body.length);
        self.fill_places(
            spot,
            canvas,
            &[[0.15, 0.24], [0.15, 0.33], [length - 0.15, 0.33], [length - 0.15, 0.24]],
            SILL,
        );
        for axle in body.wheels {
            self.fill_places(spot, canvas, &disc_places([axle, WHEEL_RADIUS_M + 0.015], ARCH_RADIUS_M), ARCH);
        }
        self.draw_doors(spot, canvas);
        for window in body.windows {
            self.fill_places(spot, canvas, &grow_polygon(window, 1.06), shade_colour(self.paint, 0.35));
            self.fill_places(spot, canvas, window, GLASS);
            let sill = window.iter().map(|place| place[1]).fold(f32::MAX, f32::min);
            let roof = window.iter().map(|place| place[1]).fold(0.0, f32::max);
            let upper = part_above(window, f32::midpoint(sill, roof) + 0.05);
            self.fill_places(spot, canvas, &upper, MIRRORED_SKY);
        }
        let rear = if braking { BRAKE_LIGHT } else { TAIL_LIGHT };
        self.fill_places(spot, canvas, &[[0.03, 0.76], [0.03, 0.88], [0.3, 0.9], [0.26, 0.8]], rear);
        let nose = [[-0.42, 0.7], [-0.5, 0.8], [-0.12, 0.74], [-0.05, 0.62]].map(|[x, y]| [length + x, y]);
        self.fill_places(spot, canvas, &nose, HEAD_LIGHT);
        for axle in body.wheels {
            self.draw_wheel(spot, axle, way_m, canvas);
        }
    }

    /// Under it, darkest in the middle.
    fn draw_shadow(&self, spot: Spot, canvas: &mut Canvas<'_>) {
        let middle = self.pixel_at(spot, [self.body.length * 0.5, 0.0]);
        for size in [1.08, 1.0, 0.92, 0.84, 0.76] {
            let (across, down) =
                (self.body.length * 0.52 * size * spot.px_per_m, 0.16 * size * size * spot.px_per_m);
            let edge: [Pixel; 24] = std::array::from_fn(|corner| {
                let (sin, cos) = (corner as f32 / 24.0 * TAU).sin_cos();
                [middle[0] + across * cos, middle[1] + down * sin]
            });
            canvas.fill(&edge, Paint::Shade(0.8));
        }
    }

    /// Row by row, since its light changes with the height.
    fn draw_body(&self, spot: Spot, canvas: &mut Canvas<'_>) {
        let outline = self.body_outline();
        let roof = outline.iter().map(|place| place[1]).fold(0.0, f32::max);
        let height = |row: f32| (spot.ground_px - row) / (FORESHORTENED * spot.px_per_m);
        let mut row = self.pixel_at(spot, [0.0, roof])[1].floor();
        while height(row) > 0.2 {
            let (above, below) = (height(row), height(row + 1.0));
            if let Some([rear, front]) = span_at_height(&outline, below) {
                let [upper_rear, upper_front] = span_at_height(&outline, above).unwrap_or([rear, front]);
                let strip = [[upper_rear, above], [upper_front, above], [front, below], [rear, below]];
                let light = light_at(f32::midpoint(above, below));
                let gloss = ((light - 1.0) * 120.0).clamp(0.0, 60.0);
                self.fill_places(spot, canvas, &strip, self.paint.map(|level| level * light + gloss));
            }
            row += 1.0;
        }
    }

    /// The gaps around doors, their handles and the mirror.
    fn draw_doors(&self, spot: Spot, canvas: &mut Canvas<'_>) {
        let (gap, crease) = (shade_colour(self.paint, 0.4), shade_colour(self.paint, 0.75));
        let [rear, front] = self.body.windows;
        let end = |window: &[Place]| window.last().copied().unwrap_or_default();
        let middle = f32::midpoint(end(rear)[0], front[0][0]);
        let hinge = end(front)[0];
        self.draw_line(spot, canvas, &[[0.3, 0.93], [self.body.length - 0.5, 0.86]], crease);
        self.draw_line(spot, canvas, &[[middle, 1.0], [middle + 0.02, 0.33]], gap);
        self.draw_line(spot, canvas, &[[hinge, 0.97], [hinge + 0.05, 0.7], [hinge - 0.05, 0.33]], gap);
        let arch = self.body.wheels[0];
        self.draw_line(
            spot,
            canvas,
            &[[arch + 0.45, 0.36], [arch + 0.5, 0.7], [rear[0][0] + 0.35, 0.98]],
            gap,
        );
        for door in [middle, hinge] {
            let handle = [[-0.32, 0.84], [-0.32, 0.88], [-0.14, 0.88], [-0.14, 0.84]];
            self.fill_places(
                spot,
                canvas,
                &handle.map(|[x, y]| [door + x, y]),
                shade_colour(self.paint, 0.55),
            );
        }
        let mirror = [[-0.15, 0.98], [-0.18, 1.08], [0.0, 1.08], [0.04, 0.98]];
        self.fill_places(spot, canvas, &mirror.map(|[x, y]| [hinge + x, y]), shade_colour(self.paint, 0.8));
    }

    fn draw_wheel(&self, spot: Spot, axle: f32, way_m: f32, canvas: &mut Canvas<'_>) {
        let hub = [axle, WHEEL_RADIUS_M];
        for (radius, colour) in [(WHEEL_RADIUS_M, TYRE), (0.22, RIM), (0.19, WELL)] {
            self.fill_places(spot, canvas, &disc_places(hub, radius), colour);
        }
        for spoke in 0..5 {
            let (sin, cos) = (spoke as f32 * TAU / 5.0 - way_m / WHEEL_RADIUS_M).sin_cos();
            let place =
                |out: f32, aside: f32| [hub[0] + out * cos - aside * sin, hub[1] + out * sin + aside * cos];
            let blade = [place(0.0, 0.035), place(0.2, 0.025), place(0.2, -0.025), place(0.0, -0.035)];
            self.fill_places(spot, canvas, &blade, SPOKE);
        }
        self.fill_places(spot, canvas, &disc_places(hub, 0.05), SPOKE);
    }

    /// The body's outline as a polygon, with the lower edge that closes it.
    fn body_outline(&self) -> Vec<Place> {
        let mut outline = self.upper_outline();
        outline.extend([[self.body.length - 0.1, 0.22], [0.1, 0.24]]);
        outline
    }

    /// From bumper to bumper as a smooth line: Catmull and Rom (1974).
    fn upper_outline(&self) -> Vec<Place> {
        let points = &self.body.outline;
        let last = points.len() - 1;
        let mut line = Vec::with_capacity(points.len() * STEPS + 2);
        for index in 0..last {
            let [before, from, to, after] =
                [index.saturating_sub(1), index, index + 1, (index + 2).min(last)].map(|index| points[index]);
            for step in 0..STEPS {
                let t = step as f32 / STEPS as f32;
                line.push([0, 1].map(|axis: usize| {
                    let (a, b, c, d) = (before[axis], from[axis], to[axis], after[axis]);
                    0.5 * (2.0 * b
                        + (c - a) * t
                        + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
                        + (3.0 * b - a - 3.0 * c + d) * t * t * t)
                }));
            }
        }
        line.push(points[last]);
        line
    }

    fn pixel_at(&self, spot: Spot, [x, y]: Place) -> Pixel {
        let along = if spot.to_right { x } else { self.body.length - x };
        [spot.left_px + along * spot.px_per_m, spot.ground_px - y * FORESHORTENED * spot.px_per_m]
    }

    fn fill_places(&self, spot: Spot, canvas: &mut Canvas<'_>, places: &[Place], colour: Colour) {
        let pixels: Vec<Pixel> = places.iter().map(|&place| self.pixel_at(spot, place)).collect();
        canvas.fill(&pixels, Paint::Colour(light_colour(colour, 1.0), 1.0));
    }

    /// A thin line, but a pixel wide at least.
    fn draw_line(&self, spot: Spot, canvas: &mut Canvas<'_>, places: &[Place], colour: Colour) {
        let half = 0.009_f32.max(0.5 / spot.px_per_m);
        for pair in places.windows(2) {
            let ([x, y], [to_x, to_y]) = (pair[0], pair[1]);
            let length = (to_x - x).hypot(to_y - y).max(f32::EPSILON);
            let (aside_x, aside_y) = ((y - to_y) / length * half, (to_x - x) / length * half);
            let strip = [
                [x + aside_x, y + aside_y],
                [to_x + aside_x, to_y + aside_y],
                [to_x - aside_x, to_y - aside_y],
                [x - aside_x, y - aside_y],
            ];
            self.fill_places(spot, canvas, &strip, colour);
        }
    }
}

/// Where a closed outline begins and ends at a height.
fn span_at_height(outline: &[Place], height: f32) -> Option<[f32; 2]> {
    let mut ends: Option<[f32; 2]> = None;
    for (index, from) in outline.iter().enumerate() {
        let to = outline[(index + 1) % outline.len()];
        if (from[1] <= height) == (to[1] <= height) {
            continue;
        }
        let x = from[0] + (to[0] - from[0]) * (height - from[1]) / (to[1] - from[1]);
        ends = Some(ends.map_or([x, x], |[rear, front]| [rear.min(x), front.max(x)]));
    }
    ends
}

/// The part of a convex polygon that lies above a height.
fn part_above(places: &[Place], height: f32) -> Vec<Place> {
    let mut part = Vec::with_capacity(places.len() + 1);
    for (index, &from) in places.iter().enumerate() {
        let to = places[(index + 1) % places.len()];
        if from[1] >= height {
            part.push(from);
        }
        if (from[1] >= height) != (to[1] >= height) {
            let share = (height - from[1]) / (to[1] - from[1]);
            part.push([from[0] + (to[0] - from[0]) * share, height]);
        }
    }
    part
}

fn light_at(height: f32) -> f32 {
    let mut below = LIGHT[0];
    for above in LIGHT {
        if height < above[0] {
            let share = ((height - below[0]) / (above[0] - below[0]).max(f32::EPSILON)).clamp(0.0, 1.0);
            return below[1] + (above[1] - below[1]) * share;
        }
        below = above;
    }
    below[1]
}

fn shade_colour(paint: Colour, light: f32) -> Colour {
    paint.map(|level| level * light)
}

fn disc_places(middle: Place, radius: f32) -> [Place; 32] {
    std::array::from_fn(|corner| {
        let (sin, cos) = (corner as f32 / 32.0 * TAU).sin_cos();
        [middle[0] + radius * cos, middle[1] + radius * sin]
    })
}

/// The same polygon, this many times as large, about its middle.
fn grow_polygon(places: &[Place], size: f32) -> Vec<Place> {
    let count = places.len().max(1) as f32;
    let middle = [0, 1].map(|axis: usize| places.iter().map(|place| place[axis]).sum::<f32>() / count);
    places.iter().map(|p| [0, 1].map(|axis: usize| middle[axis] + (p[axis] - middle[axis]) * size)).collect()
}
