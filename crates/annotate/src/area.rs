//! Rectangles: filled, blended, outlined.

use std::ops::Range;

use super::Colour;
use super::colour::{alpha_of, blend_pixel};
use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;

/// A rectangle of whole pixels, perhaps beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub left: i64,
    pub top: i64,
    pub right: i64,
    pub bottom: i64,
}

impl Area {
    /// The pixels whose centres lie in the box; none where an edge is not a number.
    pub fn from_rect(rect: &Rect) -> Option<Self> {
        let edges = [rect.left, rect.top, rect.right, rect.bottom];
        if edges.iter().any(|edge| edge.is_nan()) {
            return None;
        }
        // Far outside of any picture, and far from where arithmetic overflows.
        let [left, top, right, bottom] = edges.map(|edge| edge.clamp(-1e9, 1e9).round() as i64);
        Some(Self { left, top, right, bottom }).filter(|area| area.width() > 0 && area.height() > 0)
    }

    pub fn width(&self) -> i64 {
        self.right - self.left
    }

    pub fn height(&self) -> i64 {
        self.bottom - self.top
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Columns and rows that lie in the picture.
    pub fn clip_ranges(&self, image: &Image) -> (Range<usize>, Range<usize>) {
        let inside = |from: i64, to: i64, size: u32| {
            let size = i64::from(size);
            from.clamp(0, size) as usize..to.clamp(0, size) as usize
        };
        (inside(self.left, self.right, image.width()), inside(self.top, self.bottom, image.height()))
    }

    pub fn fill(&self, image: &mut Image, colour: Colour) {
        let (columns, rows) = self.clip_ranges(image);
        if columns.is_empty() || rows.is_empty() {
            return;
        }
        let stride = image.width() as usize * 3;
        let span = columns.start * 3..columns.end * 3;
        let data = image.data_mut();
        let first = rows.start * stride;
        for pixel in data[first + span.start..first + span.end].chunks_exact_mut(3) {
            pixel.copy_from_slice(&colour.bgr());
        }
        for row in rows.skip(1) {
            data.copy_within(first + span.start..first + span.end, row * stride + span.start);
        }
    }

    pub fn blend(&self, image: &mut Image, colour: Colour, opacity: f32) {
        let alpha = alpha_of(opacity);
        if alpha == 0 {
            return;
        }
        let (columns, rows) = self.clip_ranges(image);
        if columns.is_empty() {
            return;
        }
        let stride = image.width() as usize * 3;
        for row in image.data_mut().chunks_exact_mut(stride).take(rows.end).skip(rows.start) {
            for pixel in row[columns.start * 3..columns.end * 3].chunks_exact_mut(3) {
                blend_pixel(pixel, colour.bgr(), alpha);
            }
        }
    }

    /// The four sides of the outline that grows inwards from the edges, without overlap: top, bottom, left, right.
    pub fn sides(&self, thickness: i64) -> [Self; 4] {
        let thickness = thickness.clamp(0, (self.width().min(self.height()) + 1) / 2);
        let (upper, lower) = (self.top + thickness, (self.bottom - thickness).max(self.top + thickness));
        [
            Self { bottom: upper, ..*self },
            Self { top: lower, ..*self },
            Self { top: upper, bottom: lower, right: self.left + thickness, ..*self },
            Self {
                top: upper,
                bottom: lower,
                left: (self.right - thickness).max(self.left + thickness),
                ..*self
            },
        ]
    }

    /// Smaller by `by` on every side; none if nothing is left.
    pub fn inset(&self, by: i64) -> Option<Self> {
        let inner = Self {
            left: self.left + by,
            top: self.top + by,
            right: self.right - by,
            bottom: self.bottom - by,
        };
        Some(inner).filter(|area| area.width() > 0 && area.height() > 0)
    }
}

/// Fills the pixels whose centres lie in the box.
pub fn fill_rect(image: &mut Image, rect: &Rect, colour: Colour) {
    if let Some(area) = Area::from_rect(rect) {
        area.fill(image, colour);
    }
}

/// Lays the colour over the box: `opacity` 0 changes nothing, 1 is [`fill_rect`].
pub fn blend_rect(image: &mut Image, rect: &Rect, colour: Colour, opacity: f32) {
    if let Some(area) = Area::from_rect(rect) {
        area.blend(image, colour, opacity);
    }
}

/// Draws the box's edge, `thickness` pixels inwards: nothing outside of the box changes. An edge that lies beyond the
/// picture is not seen.
pub fn outline_rect(image: &mut Image, rect: &Rect, thickness: u32, colour: Colour) {
    if let Some(area) = Area::from_rect(rect) {
        for side in area.sides(i64::from(thickness)) {
            side.fill(image, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INK: Colour = Colour::rgb(10, 200, 30);

    fn painted(image: &Image) -> Vec<(usize, usize)> {
        let width = image.width() as usize;
        let pixels = image.data().chunks_exact(3).enumerate();
        pixels.filter(|(_, pixel)| **pixel != [0; 3]).map(|(i, _)| (i % width, i / width)).collect()
    }

    fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect { left, top, right, bottom }
    }

    #[test]
    fn a_box_fills_its_pixels_and_no_others() {
        let mut image = Image::new(8, 6);
        fill_rect(&mut image, &rect(2.0, 1.0, 5.0, 3.0), INK);
        assert_eq!(painted(&image), [(2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (4, 2)]);
        assert_eq!(&image.data()[(8 + 2) * 3..(8 + 3) * 3], [30, 200, 10], "blue, green, red");
    }

    #[test]
    fn an_outline_leaves_the_inside_alone() {
        let mut image = Image::new(8, 8);
        outline_rect(&mut image, &rect(1.0, 1.0, 7.0, 7.0), 2, INK);
        let mut full = Image::new(8, 8);
        fill_rect(&mut full, &rect(1.0, 1.0, 7.0, 7.0), INK);
        fill_rect(&mut full, &rect(3.0, 3.0, 5.0, 5.0), Colour::BLACK);
        assert_eq!(image.data(), full.data());
    }

    #[test]
    fn an_edge_beyond_the_picture_is_not_seen() {
        let mut image = Image::new(8, 8);
        outline_rect(&mut image, &rect(-4.0, f32::NEG_INFINITY, 4.0, f32::INFINITY), 1, INK);
        assert_eq!(painted(&image), (0..8).map(|y| (3, y)).collect::<Vec<_>>());
    }

    #[test]
    fn an_outline_thicker_than_its_box_fills_it() {
        for thickness in [3, 4, u32::MAX] {
            let mut image = Image::new(8, 8);
            outline_rect(&mut image, &rect(1.0, 2.0, 6.0, 7.0), thickness, INK);
            assert_eq!(painted(&image).len(), 25, "{thickness}");
        }
    }

    #[test]
    fn blending_goes_from_nothing_to_all() {
        let whole = rect(0.0, 0.0, 2.0, 2.0);
        for (opacity, level) in [(0.0, 100), (0.5, 150), (1.0, 200), (9.0, 200), (-1.0, 100), (f32::NAN, 100)]
        {
            let mut image = Image::from_bgr(2, 2, vec![100; 12]).unwrap();
            blend_rect(&mut image, &whole, Colour::rgb(200, 200, 200), opacity);
            assert_eq!(image.data(), [level; 12], "{opacity}");
        }
    }

    /// Coordinates as they come, and as they must not come.
    pub fn coordinate() -> impl Strategy<Value = f32> {
        prop_oneof![
            8 => -20.0f32..60.0,
            1 => any::<f32>(),
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(f32::MAX)],
        ]
    }

    proptest! {
        #[test]
        fn nothing_outside_of_any_box_changes(
            edges in [coordinate(), coordinate(), coordinate(), coordinate()],
            size in (0u32..40, 0u32..40), thickness in 0u32..60, opacity in any::<f32>(),
        ) {
            let rect = rect(edges[0], edges[1], edges[2], edges[3]);
            let mut image = Image::new(size.0, size.1);
            fill_rect(&mut image, &rect, INK);
            outline_rect(&mut image, &rect, thickness, INK);
            blend_rect(&mut image, &rect, INK, opacity);
            for (x, y) in painted(&image) {
                let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
                prop_assert!(rect.left <= x && x <= rect.right && rect.top <= y && y <= rect.bottom);
            }
        }
    }
}
