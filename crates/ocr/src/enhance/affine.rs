//! Where points go.

/// A map of points, `[x, y, 1]` times two rows. Coordinates are continuous: the pixel in column x covers x to x + 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 3]; 2]);

impl Affine {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);

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
