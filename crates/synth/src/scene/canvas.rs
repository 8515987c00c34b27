//! Convex polygons with smooth edges.

use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;

use super::view::Pixel;

/// Lines per row of pixels at which a polygon is sampled.
const LINES: usize = 4;

/// What a polygon does to the pixels under it.
#[derive(Clone, Copy)]
pub(super) enum Paint {
    /// This colour (BGR), as opaque as the number says: 0 to 1.
    Colour([u8; 3], f32),
    /// Share of the light that is left: 0 to 1.
    Shade(f32),
}

/// A picture to draw on.
pub(super) struct Canvas<'a> {
    image: &'a mut Image,
    /// Left and right of the polygon on each line.
    spans: Vec<(f32, f32)>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(image: &'a mut Image) -> Self {
        Self { image, spans: Vec::new() }
    }

    /// Fills a convex polygon; its points in either direction. What lies outside of the picture is left out.
    pub(super) fn fill(&mut self, points: &[Pixel], paint: Paint) {
        let (width, height) = (self.image.width() as usize, self.image.height() as usize);
        let bounds = bounding_box(points);
        let top = bounds.top.max(0.0).floor() as usize;
        let bottom = (bounds.bottom.min(height as f32).ceil()).max(0.0) as usize;
        if top >= bottom || bounds.right <= 0.0 || bounds.left >= width as f32 {
            return;
        }
        self.find_spans(points, top, bottom);
        for row in top..bottom {
            let spans = &self.spans[(row - top) * LINES..][..LINES];
            let (mut left, mut right, mut inner_left, mut inner_right) =
                (f32::MAX, f32::MIN, f32::MIN, f32::MAX);
            for &(from, to) in spans {
                left = left.min(from);
                right = right.max(to);
                inner_left = inner_left.max(from);
                inner_right = inner_right.min(to);
            }
            if left >= right {
                continue;
            }
            let pixels = &mut self.image.data_mut()[row * width * 3..][..width * 3];
            let column = |x: f32| x.clamp(0.0, width as f32) as usize;
            let (start, end) = (column(left), column(right.ceil()));
            let solid = column(inner_left.ceil()).clamp(start, end);
            let solid_end = column(inner_right).clamp(solid, end);
            for x in (start..solid).chain(solid_end..end) {
                let covered: f32 = spans.iter().map(|span| pixel_coverage(x, *span)).sum();
                paint.blend_pixel(&mut pixels[x * 3..x * 3 + 3], covered / LINES as f32);
            }
            match paint {
                Paint::Colour(colour, opacity) if opacity >= 1.0 => {
                    for pixel in pixels[solid * 3..solid_end * 3].chunks_exact_mut(3) {
                        pixel.copy_from_slice(&colour);
                    }
                }
                _ => {
                    for pixel in pixels[solid * 3..solid_end * 3].chunks_exact_mut(3) {
                        paint.blend_pixel(pixel, 1.0);
                    }
                }
            }
        }
    }

    /// Where each line of the rows `top..bottom` is within the polygon.
    fn find_spans(&mut self, points: &[Pixel], top: usize, bottom: usize) {
        let lines = (bottom - top) * LINES;
        self.spans.clear();
        self.spans.resize(lines, (f32::MAX, f32::MIN));
        let line_of = |y: f32| ((y - top as f32) * LINES as f32 - 0.5).clamp(-1.0, lines as f32);
        for (index, &one) in points.iter().enumerate() {
            let other = points[(index + 1) % points.len()];
            let (upper, lower) = if one[1] <= other[1] { (one, other) } else { (other, one) };
            let (first, last) = (line_of(upper[1]).ceil() as usize, line_of(lower[1]).ceil() as usize);
            let slope = (lower[0] - upper[0]) / (lower[1] - upper[1]).max(f32::EPSILON);
            for line in first..last.min(lines) {
                let y = top as f32 + (line as f32 + 0.5) / LINES as f32;
                let x = upper[0] + (y - upper[1]) * slope;
                let span = &mut self.spans[line];
                *span = (span.0.min(x), span.1.max(x));
            }
        }
    }
}

impl Paint {
    fn blend_pixel(self, pixel: &mut [u8], covered: f32) {
        match self {
            Self::Colour(colour, opacity) => {
                let weight = (covered * opacity * 256.0) as i32;
                for (value, new) in pixel.iter_mut().zip(colour) {
                    let old = i32::from(*value);
                    *value = (old + (((i32::from(new) - old) * weight) >> 8)) as u8;
                }
            }
            Self::Shade(left) => {
                let weight = ((1.0 - covered * (1.0 - left)) * 256.0) as i32;
                for value in pixel {
                    *value = ((i32::from(*value) * weight) >> 8) as u8;
                }
            }
        }
    }
}

/// How much of pixel `x` a line covers.
fn pixel_coverage(x: usize, (from, to): (f32, f32)) -> f32 {
    (to.min(x as f32 + 1.0) - from.max(x as f32)).clamp(0.0, 1.0)
}

/// The box around points.
pub(super) fn bounding_box(points: &[Pixel]) -> Rect {
    let nothing = Rect { left: f32::MAX, top: f32::MAX, right: f32::MIN, bottom: f32::MIN };
    points.iter().fold(nothing, |rect, &[x, y]| Rect {
        left: rect.left.min(x),
        top: rect.top.min(y),
        right: rect.right.max(x),
        bottom: rect.bottom.max(y),
    })
}

/// The part of a convex polygon that lies in a picture of that size: Sutherland and Hodgman (1974).
pub(super) fn clip_polygon(mut points: Vec<Pixel>, width: u32, height: u32) -> Vec<Pixel> {
    let sides = [(0, 1.0, 0.0), (0, -1.0, -(width as f32)), (1, 1.0, 0.0), (1, -1.0, -(height as f32))];
    for (axis, sign, limit) in sides {
        let beyond = |point: &Pixel| limit - sign * point[axis];
        let mut kept = Vec::with_capacity(points.len() + 2);
        for (index, one) in points.iter().enumerate() {
            let other = &points[(index + 1) % points.len()];
            let (a, b) = (beyond(one), beyond(other));
            if a <= 0.0 {
                kept.push(*one);
            }
            if (a <= 0.0) != (b <= 0.0) {
                let share = a / (a - b);
                kept.push([0, 1].map(|axis: usize| one[axis] + (other[axis] - one[axis]) * share));
            }
        }
        points = kept;
    }
    points
}
