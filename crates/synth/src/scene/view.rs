//! Where a point of the car park is in the picture.
//!
//! The world is in metres: x to the right, y away from the camera along the ground, z up; the origin is at the foot of
//! the camera's pole. A pinhole camera looks along y and down.

/// Height of the camera.
const HEIGHT_M: f32 = 10.0;
/// Sine and cosine of how far it looks down: 42 degrees.
const PITCH: (f32, f32) = (0.669_130_6, 0.743_144_8);
/// Focal length, in widths of the picture: about 64 degrees from side to side.
const FOCAL: f32 = 0.8;

/// A point in the world, in metres.
pub(super) type Point = [f32; 3];
/// A point in the picture, in pixels.
pub(super) type Pixel = [f32; 2];

/// The camera on its pole, for pictures of one size.
pub(super) struct View {
    width: u32,
    height: u32,
    focal_px: f32,
}

impl View {
    pub(super) fn new(width: u32, height: u32) -> Self {
        // The horizon stays out of the picture, however high it is.
        let focal_px = FOCAL * (width as f32).max(height as f32 * 4.0 / 3.0);
        Self { width, height, focal_px }
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// For points in front of the camera and below it.
    pub(super) fn project(&self, [x, y, z]: Point) -> Pixel {
        let (sin, cos) = PITCH;
        let depth = y * cos + (HEIGHT_M - z) * sin;
        let down = (HEIGHT_M - z) * cos - y * sin;
        let scale = self.focal_px / depth;
        [self.width as f32 * 0.5 + x * scale, self.height as f32 * 0.5 + down * scale]
    }

    /// The point of the ground (x, y) that is seen at a pixel.
    pub(super) fn ground_point(&self, [u, v]: Pixel) -> [f32; 2] {
        let (sin, cos) = PITCH;
        let across = (u - self.width as f32 * 0.5) / self.focal_px;
        let down = (v - self.height as f32 * 0.5) / self.focal_px;
        let way = HEIGHT_M / (sin + down * cos);
        [way * across, way * (cos - down * sin)]
    }
}
