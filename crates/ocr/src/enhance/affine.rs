//! Where points go.

/// A map of points, `[x, y, 1]` times two rows. Coordinates are continuous: the pixel in column x covers x to x + 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 3]; 2]);

impl Affine {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);

    /// Of a picture of this size that is turned clockwise by so many quarters ([`sightwire_frame::Image::turn_quarters`]).
    pub fn quarter_turns((width, height): (u32, u32), quarters: usize) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        match quarters % 4 {
            1 => Self([[0.0, -1.0, height], [1.0, 0.0, 0.0]]),
            2 => Self([[-1.0, 0.0, width], [0.0, -1.0, height]]),
            3 => Self([[0.0, 1.0, 0.0], [-1.0, 0.0, width]]),
            _ => Self::IDENTITY,
        }
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (f64::from(x), f64::from(y));
        self.0.map(|[by_x, by_y, add]| (by_x * x + by_y * y + add) as f32)
    }

    /// The way back; a map that makes everything a line or a point has none and gives [`Affine::IDENTITY`].
    #[must_use]
    pub fn invert(&self) -> Self {
        let [[a, b, c], [d, e, f]] = self.0;
        let area = a * e - b * d;
        if area == 0.0 || !area.is_finite() {
            return Self::IDENTITY;
        }
        let rows = [[e, -b, b * f - c * e], [-d, a, c * d - a * f]];
        Self(rows.map(|row| row.map(|value| value / area)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightwire_frame::Image;

    #[test]
    fn points_go_where_pixels_do_that_are_turned_by_quarters() {
        for quarters in 0..5 {
            let mut image = Image::new(5, 3);
            image.data_mut()[(2 * 5 + 1) * 3] = 255;
            image.turn_quarters(quarters);
            let map = Affine::quarter_turns((5, 3), quarters);
            let [x, y] = map.apply([1.5, 2.5]);
            let at = (y as u32 * image.width() + x as u32) as usize * 3;
            assert_eq!((image.data()[at], x.fract(), y.fract()), (255, 0.5, 0.5), "{quarters}");
            let [x, y] = map.invert().apply([x, y]);
            assert!((x - 1.5).abs() + (y - 2.5).abs() == 0.0, "exactly: {x} {y}");
        }
    }

    #[test]
    fn the_way_back_leads_back() {
        let map = Affine([[0.8, -0.6, 120.0], [0.6, 0.8, -7.5]]);
        for point in [[0.0, 0.0], [640.0, 1.5], [-30.0, 4000.0]] {
            let [x, y] = map.invert().apply(map.apply(point));
            assert!((x - point[0]).abs() < 1e-3 && (y - point[1]).abs() < 1e-3, "{point:?} {x} {y}");
        }
        assert_eq!(Affine([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]]).invert(), Affine::IDENTITY);
    }
}
