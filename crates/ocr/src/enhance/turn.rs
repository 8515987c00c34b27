//! Turning a picture.

use super::Affine;
use crate::crop;
use sightwire_frame::Image;

/// The picture turned clockwise, and where its points went. The result is as large as needed for nothing to be cut off;
/// what the picture does not cover has the colour `ground` (blue, green, red).
pub fn rotate_image(image: &Image, degrees: f32, ground: [u8; 3]) -> (Image, Affine) {
    if image.is_empty() || degrees == 0.0 || !degrees.is_finite() {
        return (image.clone(), Affine::IDENTITY);
    }
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    // A quarter turn is exact but for what sine and cosine leave beyond the last place.
    let side = |length: f64| (length - 1e-6).ceil().max(1.0);
    let turned_width = side((width * cos).abs() + (height * sin).abs());
    let turned_height = side((width * sin).abs() + (height * cos).abs());
    let centred = |row: [f64; 2], size: f64| {
        [row[0], row[1], size / 2.0 - row[0] * width / 2.0 - row[1] * height / 2.0]
    };
    let map = Affine([centred([cos, -sin], turned_width), centred([sin, cos], turned_height)]);
    let back = map.invert();
    let corner = |x: f64, y: f64| back.apply([x as f32, y as f32]);
    let corners = [
        corner(0.0, 0.0),
        corner(turned_width, 0.0),
        corner(turned_width, turned_height),
        corner(0.0, turned_height),
    ];
    let mut out = Image::default();
    crop::crop_quad(image, corners, turned_width as u32, turned_height as u32, &mut out);
    // Beyond the picture, the crop goes on with its edge.
    for (row, pixels) in out.data_mut().chunks_exact_mut(turned_width as usize * 3).enumerate() {
        let (first, end) = covered_columns(&back, row, [width, height], turned_width);
        let (left, right) = pixels.split_at_mut(end * 3);
        for pixel in left[..first * 3].chunks_exact_mut(3).chain(right.chunks_exact_mut(3)) {
            pixel.copy_from_slice(&ground);
        }
    }
    (out, map)
}

/// The columns of a row whose middles lie in the picture.
fn covered_columns(back: &Affine, row: usize, sides: [f64; 2], turned_width: f64) -> (usize, usize) {
    let y = row as f64 + 0.5;
    let (mut low, mut high) = (0.5_f64, turned_width - 0.5);
    for ([by_x, by_y, add], side) in back.0.into_iter().zip(sides) {
        // 0 <= by_x * x + rest <= side
        let rest = by_y * y + add;
        if by_x.abs() < 1e-12 {
            if !(0.0..=side).contains(&rest) {
                return (0, 0);
            }
            continue;
        }
        let (one, two) = (-rest / by_x, (side - rest) / by_x);
        low = low.max(one.min(two));
        high = high.min(one.max(two));
    }
    // A column's middle is half a pixel on. Middles on the very edge count, whatever rounding did to them.
    let first = (low - 0.5 - 1e-6).ceil().clamp(0.0, turned_width);
    let end = (high - 0.5 + 1e-6).floor() + 1.0;
    (first as usize, end.clamp(first, turned_width) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(width: u32, height: u32) -> Image {
        let pixel = |at: u32| [(at % width) as u8, (at / width) as u8, 77];
        Image::from_bgr(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
    }

    fn pixel(image: &Image, x: u32, y: u32) -> &[u8] {
        let at = ((y * image.width() + x) * 3) as usize;
        &image.data()[at..at + 3]
    }

    #[test]
    fn quarter_turns_are_exact() {
        let image = slope(60, 40);
        let (right, map) = rotate_image(&image, 90.0, [1, 2, 3]);
        assert_eq!((right.width(), right.height()), (40, 60));
        for (x, y) in [(0, 0), (59, 0), (0, 39), (30, 20)] {
            assert_eq!(pixel(&right, 39 - y, x), pixel(&image, x, y));
            let [to_x, to_y] = map.apply([x as f32 + 0.5, y as f32 + 0.5]);
            assert!((to_x - (39.5 - y as f32)).abs() < 1e-3 && (to_y - (x as f32 + 0.5)).abs() < 1e-3);
        }
        let (half, _) = rotate_image(&image, 180.0, [1, 2, 3]);
        assert_eq!(pixel(&half, 0, 0), pixel(&image, 59, 39));
        assert!(half.data().chunks_exact(3).all(|pixel| pixel[2] == 77));
        assert_eq!(rotate_image(&image, 0.0, [0; 3]), (image.clone(), Affine::IDENTITY));
        assert_eq!(rotate_image(&image, f32::NAN, [0; 3]).0, image);
    }

    #[test]
    fn nothing_is_cut_off_and_the_rest_has_the_ground_colour() {
        let image = slope(60, 40);
        for degrees in [-45.0, -12.3, 0.4, 7.0, 33.0, 135.0] {
            let (turned, map) = rotate_image(&image, degrees, [1, 2, 3]);
            for (x, y) in [(0, 0), (59, 0), (59, 39), (0, 39)] {
                let [to_x, to_y] = map.apply([x as f32 + 0.5, y as f32 + 0.5]);
                assert!(
                    to_x > 0.0 && to_y > 0.0 && to_x < turned.width() as f32 && to_y < turned.height() as f32
                );
            }
            let ground = turned.data().chunks_exact(3).filter(|&pixel| pixel == [1, 2, 3]).count();
            let picture = turned.data().chunks_exact(3).filter(|pixel| pixel[2] == 77).count();
            assert_eq!(ground + picture, (turned.width() * turned.height()) as usize);
            assert!(picture.abs_diff(2400) < 30, "{degrees}: {picture} pixels of 2400");
            // A point in the middle of the picture keeps its colour.
            let [x, y] = map.apply([20.5, 30.5]);
            let found = pixel(&turned, x as u32, y as u32);
            assert!(found[0].abs_diff(20) <= 1 && found[1].abs_diff(30) <= 1, "{degrees}: {found:?}");
        }
    }
}
