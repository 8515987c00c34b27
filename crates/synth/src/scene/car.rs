//! Cars.

use super::canvas::Canvas;
use super::solid::{Colour, Pose, Solid, draw_flat, draw_shadow, face_brightness};
use super::view::{Point, View};
use crate::random::Random;
use sightwire_frame::boxes::Rect;

/// Paint (blue, green, red) of the cars that people buy, the frequent ones twice.
const PAINTS: [Colour; 12] = [
    [205.0, 205.0, 200.0],
    [205.0, 205.0, 200.0],
    [165.0, 163.0, 160.0],
    [165.0, 163.0, 160.0],
    [92.0, 88.0, 84.0],
    [44.0, 42.0, 42.0],
    [44.0, 42.0, 42.0],
    [128.0, 72.0, 40.0],
    [40.0, 36.0, 165.0],
    [70.0, 92.0, 46.0],
    [128.0, 165.0, 182.0],
    [176.0, 124.0, 58.0],
];
const GLASS: Colour = [62.0, 54.0, 46.0];
const TYRE: Colour = [26.0, 25.0, 25.0];
const RIM: Colour = [140.0, 140.0, 140.0];
const HEAD_LIGHT: Colour = [225.0, 235.0, 240.0];
const TAIL_LIGHT: Colour = [30.0, 26.0, 190.0];
const PLATE: Colour = [210.0, 215.0, 215.0];
/// Tail lights while the driver brakes.
const BRAKE_LIGHT: Colour = [60.0, 50.0, 255.0];
const WHEEL_RADIUS_M: f32 = 0.32;
/// To which side a wheel is, and how far along the car from its middle, in halves of the car.
const WHEELS: [(f32, f32); 4] = [(-1.0, -0.6), (-1.0, 0.58), (1.0, -0.6), (1.0, 0.58)];
/// Outlines of the body: how much wider than the car on each side, and how high above the ground, in metres.
const UNDERSIDE: (f32, f32) = (-0.1, 0.08);
const SILL: (f32, f32) = (-0.05, 0.24);
const WAIST: (f32, f32) = (0.0, 0.62);
const BONNET: (f32, f32) = (-0.07, 0.9);

/// The make of one car.
#[derive(Debug, Clone, Copy)]
pub(super) struct Car {
    length: f32,
    width: f32,
    height: f32,
    paint: Colour,
    /// The cabin's rear and front end at its bottom and at the roof, in lengths of the car.
    cabin: [f32; 4],
}

impl Car {
    pub(super) fn new(random: &mut Random) -> Self {
        let paint = PAINTS[random.bits() as usize % PAINTS.len()];
        let (length, height, cabin) = match random.bits() % 3 {
            // A saloon, a hatchback, an estate.
            0 => (random.range(4.3, 4.6), 1.44, [-0.38, 0.22, -0.26, 0.06]),
            1 => (random.range(3.8, 4.1), 1.48, [-0.45, 0.24, -0.38, 0.08]),
            _ => (random.range(4.3, 4.6), 1.52, [-0.45, 0.23, -0.40, 0.08]),
        };
        Self { length, width: random.range(1.7, 1.8), height, paint, cabin }
    }

    /// Half of its length and half of its width.
    pub(super) fn half_size(&self) -> (f32, f32) {
        (self.length * 0.5, self.width * 0.5)
    }

    pub(super) fn draw(&self, pose: &Pose, braking: bool, view: &View, canvas: &mut Canvas<'_>) {
        let (nose, side) = self.half_size();
        let [underside, sill, waist, bonnet] =
            [UNDERSIDE, SILL, WAIST, BONNET].map(|(wider, up)| self.outline_ring(pose, wider, up));
        let inside = self.outline_ring(pose, UNDERSIDE.0, 0.4);
        Solid { bottom: &underside, top: &inside }.draw(view, canvas, TYRE, None, TYRE);
        Solid { bottom: &sill, top: &waist }.draw(view, canvas, self.paint, None, self.paint);
        self.draw_wheels(pose, view, canvas);
        Solid { bottom: &waist, top: &bonnet }.draw(view, canvas, self.paint, None, self.paint);
        let rear = if braking { BRAKE_LIGHT } else { TAIL_LIGHT };
        for (end, lights) in [(1.0, HEAD_LIGHT), (-1.0, rear)] {
            // Where the corners begin to be round.
            let at = end * (nose - 0.06);
            for left in [-1.0, 1.0] {
                let (inner, outer) = (left * (side - 0.56), left * (side - 0.2));
                let light = [[at, inner, 0.58], [at, outer, 0.58], [at, outer, 0.76], [at, inner, 0.76]];
                draw_seen(view, canvas, pose, light, end, lights);
            }
            let plate = [[at, -0.26, 0.4], [at, 0.26, 0.4], [at, 0.26, 0.52], [at, -0.26, 0.52]];
            draw_seen(view, canvas, pose, plate, end, PLATE);
        }
        let [low, roof] = self.cabin_corners(pose);
        Solid { bottom: &low, top: &roof }.draw(view, canvas, self.paint, Some(GLASS), self.paint);
    }

    fn draw_wheels(&self, pose: &Pose, view: &View, canvas: &mut Canvas<'_>) {
        for (left, axle) in WHEELS {
            for (radius, colour) in [(WHEEL_RADIUS_M, TYRE), (WHEEL_RADIUS_M * 0.6, RIM)] {
                let rim = self.wheel_corners(pose, left, axle, radius);
                let outwards = [-pose.heading.0 * left, pose.heading.1 * left, 0.0];
                if faces_camera(rim[0], outwards) {
                    draw_flat(view, canvas, &rim, colour, face_brightness(outwards));
                }
            }
        }
    }

    /// Where the cabin begins, and its roof.
    fn cabin_corners(&self, pose: &Pose) -> [[Point; 4]; 2] {
        let side = self.half_size().1;
        let [rear_low, front_low, rear_high, front_high] = self.cabin.map(|share| share * self.length);
        [
            car_rectangle(pose, rear_low, front_low, side - 0.12, BONNET.1),
            car_rectangle(pose, rear_high, front_high, side - 0.27, self.height),
        ]
    }

    /// Corners of a wheel.
    fn wheel_corners(&self, pose: &Pose, left: f32, axle: f32, radius: f32) -> [Point; 10] {
        let (nose, side) = self.half_size();
        std::array::from_fn(|corner| {
            let (sin, cos) = (corner as f32 * 0.628_318_5).sin_cos();
            pose.world_point([axle * nose + radius * cos, left * side, WHEEL_RADIUS_M + radius * sin])
        })
    }

    pub(super) fn draw_shadow(&self, pose: &Pose, view: &View, canvas: &mut Canvas<'_>) -> Rect {
        let mut points = self.corners(pose);
        points.extend(self.outline_ring(pose, -0.05, 0.0));
        draw_shadow(view, canvas, &points)
    }

    /// The corners of its parts that reach farthest.
    pub(super) fn corners(&self, pose: &Pose) -> Vec<Point> {
        let mut corners = self.cabin_corners(pose).concat();
        for (wider, up) in [UNDERSIDE, SILL, WAIST, BONNET] {
            corners.extend(self.outline_ring(pose, wider, up));
        }
        for (left, axle) in WHEELS {
            corners.extend(self.wheel_corners(pose, left, axle, WHEEL_RADIUS_M));
        }
        corners
    }

    /// Its outline at a height, this much wider on each side, with round corners.
    fn outline_ring(&self, pose: &Pose, wider: f32, up: f32) -> [Point; 12] {
        const ROUND: [(f32, f32); 3] = [(0.0, 0.42), (0.09, 0.1), (0.4, 0.0)];
        let (nose, side) = (self.length * 0.5 + wider, self.width * 0.5 + wider);
        std::array::from_fn(|index| {
            let corner = index / 3;
            let turns_inwards = corner % 2 == 1;
            let (across, along) = ROUND[if turns_inwards { 2 - index % 3 } else { index % 3 }];
            let forward = if corner == 0 || corner == 3 { nose - across } else { across - nose };
            let left = if corner < 2 { side - along } else { along - side };
            pose.world_point([forward, left, up])
        })
    }
}

/// A horizontal rectangle at the height `up` of a car; corners counter-clockwise, seen from above.
fn car_rectangle(pose: &Pose, rear: f32, front: f32, side: f32, up: f32) -> [Point; 4] {
    [[front, side], [rear, side], [rear, -side], [front, -side]].map(|[x, y]| pose.world_point([x, y, up]))
}

/// Draws what is on the front (`end` is 1) or the rear (-1), if that is to be seen.
fn draw_seen(view: &View, canvas: &mut Canvas<'_>, pose: &Pose, face: [Point; 4], end: f32, colour: Colour) {
    let outwards = [pose.heading.1 * end, pose.heading.0 * end, 0.0];
    let face = face.map(|point| pose.world_point(point));
    if faces_camera(face[0], outwards) {
        draw_flat(view, canvas, &face, colour, 1.0);
    }
}

/// Whether an upright face at `point` that looks `outwards` is seen from the camera, above the origin.
fn faces_camera(point: Point, outwards: Point) -> bool {
    point[0] * outwards[0] + point[1] * outwards[1] < 0.0
}
