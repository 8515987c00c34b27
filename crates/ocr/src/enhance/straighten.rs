//! A page that was photographed, made flat.

use super::Homography;
use crate::crop;
use sightwire_frame::Image;

/// Pixels of a page, at most, and never more than the photograph has.
const MOST_PX: f64 = 4e7;
/// Focal lengths that a camera may have, in longer sides of its pictures, and that of a usual phone.
const FOCAL: [f64; 2] = [0.3, 6.0];
const USUAL_FOCAL: f64 = 0.85;
/// A page is at most this many times as long as it is wide.
const LONGEST: f64 = 40.0;

/// The page whose corners are these, clockwise from its upper left, as if seen from straight above, and where the
/// picture's points went. Its sides are as long as they are where they are nearest, its proportions those of the paper.
///
/// `None` if no page can have such corners. What of the page is beyond the picture continues its edge.
pub fn straighten_page(image: &Image, corners: [[f32; 2]; 4]) -> Option<(Image, Homography)> {
    let (width, height) = page_size(image, corners)?;
    let back = Homography::onto_quad(f64::from(width), f64::from(height), corners)?;
    let mut out = Image::default();
    crop::quad_cubic(image, corners, width, height, &mut out);
    Some((out, back.invert()))
}

/// How large the page becomes.
fn page_size(image: &Image, corners: [[f32; 2]; 4]) -> Option<(u32, u32)> {
    let ratio = page_ratio(image.width(), image.height(), corners)?;
    let side = |from: usize, to: usize| {
        let [from, to] = [corners[from], corners[to]];
        f64::from(to[0] - from[0]).hypot(f64::from(to[1] - from[1]))
    };
    let width = side(0, 1).max(side(3, 2)).max(side(0, 3).max(side(1, 2)) * ratio);
    let most = (f64::from(image.width()) * f64::from(image.height())).min(MOST_PX);
    let width = width.min((most * ratio).sqrt());
    let height = width / ratio;
    (width >= 1.0 && height >= 1.0).then_some((width.round() as u32, height.round() as u32))
}

/// How many times as wide as high the paper is.
///
/// Z. Zhang and L.-W. He, "Whiteboard scanning and image enhancement" (2007), section 4, with the camera's axis through
/// the middle of the picture. Where sides are too nearly parallel to tell how the camera looks, it is a usual phone.
fn page_ratio(width: u32, height: u32, corners: [[f32; 2]; 4]) -> Option<f64> {
    let longer = f64::from(width.max(height));
    let middle = [f64::from(width) / 2.0, f64::from(height) / 2.0];
    // In longer sides from the middle.
    let [m1, m2, m4, m3] =
        corners.map(|[x, y]| [(f64::from(x) - middle[0]) / longer, (f64::from(y) - middle[1]) / longer, 1.0]);
    let cross = |a: [f64; 3], b: [f64; 3]| {
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    };
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let k2 = dot(cross(m1, m4), m3) / dot(cross(m2, m4), m3);
    let k3 = dot(cross(m1, m4), m2) / dot(cross(m3, m4), m2);
    let n2: [f64; 3] = std::array::from_fn(|index| k2 * m2[index] - m1[index]);
    let n3: [f64; 3] = std::array::from_fn(|index| k3 * m3[index] - m1[index]);
    let square = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2]);
    let plain = (FOCAL[0] * FOCAL[0]..=FOCAL[1] * FOCAL[1]).contains(&square);
    let square = if plain { square } else { USUAL_FOCAL * USUAL_FOCAL };
    let length = |n: [f64; 3]| (n[0] * n[0] + n[1] * n[1]) / square + n[2] * n[2];
    let ratio = (length(n2) / length(n3)).sqrt();
    (1.0 / LONGEST..=LONGEST).contains(&ratio).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a camera sees the corners of a page that is `page` large and lies as far away as `distance`: turned about its
    /// own axes by `tilts`, in degrees.
    fn seen(page: [f64; 2], tilts: [f64; 3], focal: f64, distance: f64, frame: [f64; 2]) -> [[f32; 2]; 4] {
        let [(sx, cx), (sy, cy), (sz, cz)] = tilts.map(|tilt: f64| tilt.to_radians().sin_cos());
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(x, y): (f64, f64)| {
            let (x, y) = (x * page[0], y * page[1]);
            let (x, y) = (x * cz - y * sz, x * sz + y * cz);
            let (y, z) = (y * cx, y * sx);
            let (x, z) = (x * cy + z * sy, z * cy - x * sy);
            let scale = focal / (distance + z);
            [(x * scale + frame[0] / 2.0) as f32, (y * scale + frame[1] / 2.0) as f32]
        })
    }

    #[test]
    fn paper_has_its_proportions_back() {
        for page in [[210.0, 297.0], [297.0, 210.0], [80.0, 240.0], [85.6, 54.0]] {
            for tilts in [[30.0, 0.0, 20.0], [20.0, 35.0, -40.0], [-40.0, 15.0, 5.0], [25.0, -25.0, 45.0]] {
                let corners = seen(page, tilts, 3300.0, 700.0, [4000.0, 3000.0]);
                let found = page_ratio(4000, 3000, corners).unwrap();
                assert!((found / (page[0] / page[1]) - 1.0).abs() < 0.01, "{page:?} {tilts:?} {found}");
            }
        }
    }

    #[test]
    fn where_the_camera_cannot_be_told_a_phone_is_assumed() {
        // Flat, or tilted about one of the page's own axes.
        for tilts in [[0.0, 0.0, 0.0], [0.0, 0.0, 33.0], [40.0, 0.0, 0.0], [0.0, 30.0, 0.0]] {
            let corners = seen([210.0, 297.0], tilts, 3400.0, 800.0, [4000.0, 3000.0]);
            let found = page_ratio(4000, 3000, corners).unwrap();
            assert!((found / (210.0 / 297.0) - 1.0).abs() < 0.02, "{tilts:?} {found}");
        }
    }

    #[test]
    fn a_page_is_no_larger_than_its_photograph() {
        let image = Image::new(400, 300);
        let corners = [[-300.0, -300.0], [700.0, -280.0], [720.0, 600.0], [-290.0, 620.0]];
        let (page, _) = straighten_page(&image, corners).unwrap();
        assert!(page.width() * page.height() <= 400 * 300 + 400, "{page:?}");
    }

    #[test]
    fn pixels_go_where_points_go() {
        let mut image = Image::new(640, 480);
        let corners = [[100.0, 60.0], [560.0, 90.0], [600.0, 430.0], [60.0, 400.0]];
        let dot = [333.0, 222.0];
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = ((index % 640) as f32 + 0.5, (index / 640) as f32 + 0.5);
            pixel.fill(if (x - dot[0]).hypot(y - dot[1]) < 6.0 { 255 } else { 0 });
        }
        let (page, there) = straighten_page(&image, corners).unwrap();
        let (mut sum, mut places) = (0.0, [0.0; 2]);
        for (index, pixel) in page.data().chunks_exact(3).enumerate() {
            let at = [index as u32 % page.width(), index as u32 / page.width()];
            sum += f64::from(pixel[0]);
            (0..2).for_each(|axis| places[axis] += (f64::from(at[axis]) + 0.5) * f64::from(pixel[0]));
        }
        let [x, y] = there.apply(dot);
        assert!((places[0] / sum - f64::from(x)).abs() < 0.5 && (places[1] / sum - f64::from(y)).abs() < 0.5);
    }

    #[test]
    fn of_corners_that_no_page_has_there_is_none() {
        let image = Image::from_bgr(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        for corners in [[[0.0; 2]; 4], [[0.0, 0.0], [2.0, 1.0], [2.0, 0.0], [0.0, 1.0]], [[f32::NAN; 2]; 4]] {
            assert_eq!(straighten_page(&image, corners), None);
        }
        let whole = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]];
        assert_eq!(straighten_page(&Image::default(), whole), None);
        assert_eq!(straighten_page(&image, whole).unwrap().0, image);
    }
}
