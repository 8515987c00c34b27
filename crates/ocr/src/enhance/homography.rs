//! Where points go when a picture is seen from elsewhere.

use super::Affine;

/// A map of points, `[x, y, 1]` times three rows, the first two divided by the third. Coordinates are continuous: the
/// pixel in column x covers x to x + 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography(pub [[f64; 3]; 3]);

impl Homography {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);

    /// From a picture of that size onto a quadrilateral, clockwise from where the upper left corner goes; none if there is
    /// no such view of a rectangle.
    ///
    /// P. Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3.
    pub fn onto_quad(width: f64, height: f64, corners: [[f32; 2]; 4]) -> Option<Self> {
        let [p0, p1, p2, p3] = corners.map(|corner| corner.map(f64::from));
        let minus = |a: [f64; 2], b: [f64; 2]| [a[0] - b[0], a[1] - b[1]];
        let cross = |a: [f64; 2], b: [f64; 2]| a[0] * b[1] - b[0] * a[1];
        let (right, below, bend) = (minus(p1, p2), minus(p3, p2), minus(minus(p0, p1), minus(p3, p2)));
        let area = cross(right, below);
        let [g, h] = [cross(bend, below) / area, cross(right, bend) / area];
        let is_view = g.is_finite() && h.is_finite() && g.min(h).min(g + h) > -1.0;
        if !(is_view && width > 0.0 && height > 0.0) {
            return None;
        }
        let row = |axis: usize| {
            let (across, down) = (p1[axis] - p0[axis] + g * p1[axis], p3[axis] - p0[axis] + h * p3[axis]);
            [across / width, down / height, p0[axis]]
        };
        Some(Self([row(0), row(1), [g / width, h / height, 1.0]]))
    }

    /// First this, then the other.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self(next.0.map(|row| [0, 1, 2].map(|column| (0..3).map(|at| row[at] * self.0[at][column]).sum())))
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (f64::from(x), f64::from(y));
        let [across, down, divisor] = self.0.map(|[by_x, by_y, add]| by_x * x + by_y * y + add);
        [(across / divisor) as f32, (down / divisor) as f32]
    }

    /// The way back; a map that makes everything a line or a point has none and gives [`Homography::IDENTITY`].
    #[must_use]
    pub fn invert(&self) -> Self {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.0;
        let area = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
        if area == 0.0 || !area.is_finite() {
            return Self::IDENTITY;
        }
        let rows = [
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ];
        Self(rows.map(|row| row.map(|value| value / area)))
    }
}

impl From<Affine> for Homography {
    fn from(map: Affine) -> Self {
        Self([map.0[0], map.0[1], [0.0, 0.0, 1.0]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORNERS: [[f32; 2]; 4] = [[120.0, 80.0], [610.0, 40.0], [700.0, 520.0], [60.0, 430.0]];

    fn assert_near(found: [f32; 2], expected: [f32; 2]) {
        let apart = (found[0] - expected[0]).hypot(found[1] - expected[1]);
        assert!(apart < 2e-2, "{found:?} instead of {expected:?}");
    }

    #[test]
    fn corners_go_to_corners_and_back() {
        let map = Homography::onto_quad(400.0, 300.0, CORNERS).unwrap();
        let picture = [[0.0, 0.0], [400.0, 0.0], [400.0, 300.0], [0.0, 300.0]];
        for (corner, seen) in picture.into_iter().zip(CORNERS) {
            assert_near(map.apply(corner), seen);
            assert_near(map.invert().apply(seen), corner);
        }
        // Straight lines stay straight: the diagonals meet in the middle.
        let [x, y] = map.apply([200.0, 150.0]);
        let off = |a: [f32; 2], b: [f32; 2]| (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
        assert!(off(CORNERS[0], CORNERS[2]).abs() < 1.0 && off(CORNERS[1], CORNERS[3]).abs() < 1.0);
    }

    #[test]
    fn one_map_after_the_other_is_one_map() {
        let first = Affine([[0.8, -0.6, 120.0], [0.6, 0.8, -7.5]]);
        let second = Homography::onto_quad(400.0, 300.0, CORNERS).unwrap();
        for point in [[0.0, 0.0], [300.0, 20.0], [-40.0, 210.0]] {
            assert_near(Homography::from(first).then(&second).apply(point), second.apply(first.apply(point)));
        }
    }

    #[test]
    fn what_is_no_view_of_a_rectangle_is_refused() {
        let [a, b, c, d] = CORNERS;
        for corners in [[a, c, b, d], [a, b, [200.0, 100.0], d], [a; 4], [a, b, c, [f32::NAN, 0.0]]] {
            assert_eq!(Homography::onto_quad(10.0, 10.0, corners), None, "{corners:?}");
        }
        assert_eq!(Homography::onto_quad(0.0, 10.0, CORNERS), None);
        assert_eq!(Homography([[0.0; 3]; 3]).invert(), Homography::IDENTITY);
    }
}
