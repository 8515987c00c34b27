//! Quadrilaterals cut out of pictures.

use sightwire_frame::Image;
use sightwire_ocr::crop;

/// A picture whose colours grow evenly: blue to the right, green downwards.
fn slope(width: u32, height: u32) -> Image {
    let pixel = |at: u32| [(at % width * 2) as u8, (at / width * 3) as u8, 77];
    Image::from_bgr(width, height, (0..width * height).flat_map(pixel).collect()).unwrap_or_default()
}

fn cut(image: &Image, corners: [[f32; 2]; 4], width: u32, height: u32) -> Image {
    let mut out = Image::default();
    crop::crop_quad(image, corners, width, height, &mut out);
    out
}

fn upright([left, top, right, bottom]: [f32; 4]) -> [[f32; 2]; 4] {
    [[left, top], [right, top], [right, bottom], [left, bottom]]
}

fn pixel(image: &Image, x: u32, y: u32) -> [u8; 3] {
    let at = ((y * image.width() + x) * 3) as usize;
    [image.data()[at], image.data()[at + 1], image.data()[at + 2]]
}

#[test]
fn the_whole_picture_is_itself() {
    for (width, height) in [(1, 1), (1, 7), (9, 1), (2, 2), (120, 80)] {
        let image = slope(width, height);
        let whole = upright([0.0, 0.0, width as f32, height as f32]);
        assert_eq!(cut(&image, whole, width, height).data(), image.data(), "{width}x{height}");
    }
}

#[test]
fn a_part_is_that_part_and_turned_corners_turn_it() {
    let image = slope(120, 80);
    let part = upright([10.0, 20.0, 40.0, 30.0]);
    let straight = cut(&image, part, 30, 10);
    assert_eq!((pixel(&straight, 0, 0), pixel(&straight, 29, 9)), ([20, 60, 77], [78, 87, 77]));
    // The content's top left is the picture's bottom left: read upwards.
    let mut corners = part;
    corners.rotate_right(1);
    let turned = cut(&image, corners, 10, 30);
    assert_eq!((turned.width(), turned.height()), (10, 30));
    assert_eq!(
        (pixel(&turned, 0, 0), pixel(&turned, 9, 0)),
        (pixel(&straight, 0, 9), pixel(&straight, 0, 0))
    );
}

#[test]
fn between_pixels_colours_are_blended() {
    let image = slope(100, 60);
    let moved = cut(&image, upright([10.5, 20.25, 40.5, 30.25]), 30, 10);
    // Half a pixel is one level of blue, a quarter is three quarters of a level of green.
    assert_eq!((pixel(&moved, 0, 0), pixel(&moved, 29, 9)), ([21, 61, 77], [79, 88, 77]));
    let doubled = cut(&image, upright([10.0, 20.0, 40.0, 30.0]), 60, 20);
    assert_eq!((pixel(&doubled, 1, 0)[0], pixel(&doubled, 2, 0)[0]), (21, 22));
}

#[test]
fn a_line_in_perspective_becomes_upright() {
    // The content's middle is where the diagonals of the corners cross, not where their mean is.
    let image = slope(120, 80);
    let corners = [[10.0, 10.0], [110.0, 30.0], [110.0, 50.0], [10.0, 70.0]];
    let out = cut(&image, corners, 101, 41);
    let [blue, green, _] = pixel(&out, 50, 20);
    assert!((i32::from(blue) - (85 * 2 - 1)).abs() <= 1, "{blue}");
    assert!((i32::from(green) - (40 * 3 - 1)).abs() <= 2, "{green}");
}

#[test]
fn beyond_the_picture_its_edge_goes_on() {
    let image = slope(20, 10);
    let out = cut(&image, upright([-10.0, -5.0, 30.0, 15.0]), 40, 20);
    assert_eq!(pixel(&out, 0, 0), pixel(&image, 0, 0));
    assert_eq!(pixel(&out, 39, 19), pixel(&image, 19, 9));
    assert_eq!(pixel(&out, 15, 0), pixel(&image, 5, 0));
}

#[test]
fn no_corners_and_no_size_panic() {
    let values = [f32::NAN, f32::INFINITY, -f32::INFINITY, f32::MAX, -1e9, 0.0, 3.5, 1e-30];
    for (width, height) in [(0, 0), (1, 1), (2, 1), (17, 9)] {
        let image = slope(width, height.max(1));
        for seed in 0..500_usize {
            let value = |at: usize| values[(seed * 31 + at * at * 7 + seed / 8) % values.len()];
            let corners = [0, 2, 4, 6].map(|at| [value(at), value(at + 1)]);
            let (to_width, to_height) = ((seed % 5) as u32 * 20, (seed % 3) as u32);
            let out = cut(&image, corners, to_width, to_height);
            assert_eq!(out.data().len(), (to_width * to_height * 3) as usize);
        }
    }
    for corners in [[[5.0, 5.0]; 4], [[0.0, 0.0], [5.0, 0.0], [10.0, 0.0], [2.0, 0.0]]] {
        assert_eq!(cut(&slope(20, 10), corners, 30, 8).data().len(), 30 * 8 * 3);
    }
}
