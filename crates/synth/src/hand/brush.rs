//! Draws rounded solids: straight strips with a light on one side, onto a layer of colour and opacity.

/// A straight strip with round ends, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip {
    pub(super) from: [f32; 2],
    pub(super) to: [f32; 2],
    /// Half its width at either end.
    pub(super) radius: [f32; 2],
}

/// A colour (blue, green, red, 0 to 255) and how it lies on a solid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: [f32; 3],
    /// How much darker the solid is where it turns away: 0 for a flat surface.
    pub(super) round: f32,
    /// Strength and seed of blotches.
    pub(super) blotches: f32,
    pub(super) seed: u32,
    /// 0 to 1.
    pub(super) opacity: f32,
}

/// A rectangle of a picture, as colour (times opacity) and opacity.
pub(super) struct Layer {
    /// The rectangle's left upper corner.
    pub(super) origin: [i32; 2],
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[f32; 4]>,
}

/// Where the light comes from in the picture: from the left above.
const LIGHT: [f32; 2] = [-0.5, -0.75];

impl Layer {
    /// An empty layer over a rectangle (left, top, right, bottom).
    pub(super) fn new([left, top, right, bottom]: [i32; 4]) -> Self {
        let (width, height) = ((right - left).max(0) as usize, (bottom - top).max(0) as usize);
        Self { origin: [left, top], width, height, pixels: vec![[0.0; 4]; width * height] }
    }

    pub(super) fn clear(&mut self) {
        self.pixels.fill([0.0; 4]);
    }

    /// Calls `paint` with each pixel of a box, its middle in the picture, and lays what comes back (colour, opacity)
    /// over the pixel.
    fn lay_pixels(&mut self, bounds: [f32; 4], mut paint: impl FnMut([f32; 2]) -> Option<([f32; 3], f32)>) {
        let [left, top] = self.origin;
        let clip = |at: f32, origin: i32, most: usize| (at - origin as f32).clamp(0.0, most as f32) as usize;
        let columns = clip(bounds[0].floor(), left, self.width)..clip(bounds[2].ceil(), left, self.width);
        let rows = clip(bounds[1].floor(), top, self.height)..clip(bounds[3].ceil(), top, self.height);
        for row in rows {
            let y = (top + row as i32) as f32 + 0.5;
            let pixels = &mut self.pixels[row * self.width..][..self.width];
            for column in columns.clone() {
                let x = (left + column as i32) as f32 + 0.5;
                if let Some((colour, opacity)) = paint([x, y]) {
                    let pixel = &mut pixels[column];
                    for (channel, colour) in pixel.iter_mut().zip(colour) {
                        *channel = *channel * (1.0 - opacity) + colour * opacity;
                    }
                    pixel[3] = pixel[3] * (1.0 - opacity) + opacity;
                }
            }
        }
    }

    /// A strip, lit and rounded.
    pub(super) fn draw_strip(&mut self, strip: &Strip, paint: &Paint) {
        let Strip { from, to, radius } = *strip;
        let way = [to[0] - from[0], to[1] - from[1]];
        let squared = (way[0] * way[0] + way[1] * way[1]).max(1e-6);
        let most = radius[0].max(radius[1]) + 1.0;
        let bounds = [
            from[0].min(to[0]) - most,
            from[1].min(to[1]) - most,
            from[0].max(to[0]) + most,
            from[1].max(to[1]) + most,
        ];
        // Blotches are as large as the strip is wide, and go along with it.
        let grain = 1.0 / most.max(1.0);
        let scale = squared.sqrt() * grain;
        self.lay_pixels(bounds, |[x, y]| {
            let (dx, dy) = (x - from[0], y - from[1]);
            let along = ((dx * way[0] + dy * way[1]) / squared).clamp(0.0, 1.0);
            let (ox, oy) = (dx - along * way[0], dy - along * way[1]);
            let radius = radius[0] + (radius[1] - radius[0]) * along;
            let distance = (ox * ox + oy * oy).sqrt();
            let opacity = (radius + 0.5 - distance).clamp(0.0, 1.0) * paint.opacity;
            if opacity <= 0.0 {
                return None;
            }
            let share = (distance / radius.max(0.5)).min(1.0);
            let [nx, ny] = [ox / radius.max(0.5), oy / radius.max(0.5)];
            let lit = 1.0 + paint.round * (0.3 * (nx * LIGHT[0] + ny * LIGHT[1]) - 0.42 * share.powi(4));
            let across = (ox * way[1] - oy * way[0]) * grain / squared.sqrt();
            let blotch = paint.blotches * (smooth_noise(along * scale * 3.0, across * 3.0, paint.seed) - 0.5);
            Some((paint.colour.map(|channel| channel * (lit + blotch)), opacity))
        });
    }

    /// An area within `edge` (corners in order) and `radius` around it, darker towards its rim.
    pub(super) fn draw_area(&mut self, edge: &[[f32; 2]], radius: f32, paint: &Paint) {
        let reach = radius + 1.0;
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for [x, y] in edge {
            bounds = [
                bounds[0].min(x - reach),
                bounds[1].min(y - reach),
                bounds[2].max(x + reach),
                bounds[3].max(y + reach),
            ];
        }
        let grain = 1.0 / radius.max(1.0);
        // How far inside the rim is flat.
        let soft = 2.2 * radius;
        self.lay_pixels(bounds, |[x, y]| {
            let inside = radius - signed_distance(edge, [x, y]);
            let opacity = (inside + 0.5).clamp(0.0, 1.0) * paint.opacity;
            if opacity <= 0.0 {
                return None;
            }
            let rim = 1.0 - (inside / soft.max(0.5)).clamp(0.0, 1.0);
            let lit = 1.0 - paint.round * 0.34 * rim * rim * rim;
            let blotch = paint.blotches * (smooth_noise(x * grain, y * grain, paint.seed) - 0.5);
            Some((paint.colour.map(|channel| channel * (lit + blotch)), opacity))
        });
    }
}

/// Less than 0 inside.
fn signed_distance(edge: &[[f32; 2]], [x, y]: [f32; 2]) -> f32 {
    let mut nearest = f32::MAX;
    let mut is_inside = false;
    let mut before = edge[edge.len() - 1];
    for &corner in edge {
        let (wx, wy) = (corner[0] - before[0], corner[1] - before[1]);
        let (dx, dy) = (x - before[0], y - before[1]);
        let share = ((dx * wx + dy * wy) / (wx * wx + wy * wy).max(1e-6)).clamp(0.0, 1.0);
        let (ox, oy) = (dx - share * wx, dy - share * wy);
        nearest = nearest.min(ox * ox + oy * oy);
        if (before[1] > y) != (corner[1] > y) && dx < dy / wy * wx {
            is_inside = !is_inside;
        }
        before = corner;
    }
    if is_inside { -nearest.sqrt() } else { nearest.sqrt() }
}

/// Smooth noise of 0 to 1: one value at each whole number, and straight lines between.
pub(super) fn smooth_noise(x: f32, y: f32, seed: u32) -> f32 {
    let (cx, cy) = (x.floor(), y.floor());
    let (fx, fy) = (x - cx, y - cy);
    let at = |dx: i32, dy: i32| {
        let mut h = (cx as i32 + dx) as u32;
        h = h.wrapping_mul(0x9e37_79b1) ^ ((cy as i32 + dy) as u32).wrapping_mul(0x85eb_ca6b) ^ seed;
        h ^= h >> 15;
        h = h.wrapping_mul(0x2c1b_3c6d);
        h ^= h >> 12;
        (h & 0xffff) as f32 / 65535.0
    };
    let (upper, lower) = (at(0, 0) + (at(1, 0) - at(0, 0)) * fx, at(0, 1) + (at(1, 1) - at(0, 1)) * fx);
    upper + (lower - upper) * fy
}
