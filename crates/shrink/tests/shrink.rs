//! Copies have the size that was asked for, and show what the picture shows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sightwire_frame::image::Image;
use sightwire_shrink::shrink_image;

fn flat(width: u32, height: u32, colour: [u8; 3]) -> Image {
    Image::from_bgr(width, height, colour.repeat((width * height) as usize)).unwrap()
}

#[test]
fn the_longer_side_decides_and_nothing_grows() {
    for ((width, height), max_side, expected) in [
        ((4000, 3000), 1000, (1000, 750)),
        ((3000, 4000), 1000, (750, 1000)),
        ((100, 50), 1000, (100, 50)),
        ((100, 50), 100, (100, 50)),
        ((30_000, 1), 300, (300, 1)),
        ((1, 30_000), 0, (1, 1)),
        ((0, 0), 10, (0, 0)),
    ] {
        let small = shrink_image(&flat(width, height, [10, 20, 30]), max_side);
        assert_eq!((small.width(), small.height()), expected, "{width}x{height} to {max_side}");
        assert!(small.data().chunks_exact(3).all(|pixel| pixel == [10, 20, 30]));
    }
}

#[test]
fn a_thin_line_stays_and_a_fine_pattern_becomes_grey() {
    let mut line = flat(800, 800, [255; 3]);
    line.data_mut()[400 * 800 * 3..401 * 800 * 3].fill(0);
    let darkest = shrink_image(&line, 100).data().iter().copied().min();
    assert!(darkest < Some(240), "{darkest:?}");
    let mut stripes = flat(800, 800, [255; 3]);
    stripes.data_mut().chunks_exact_mut(2400).step_by(2).for_each(|row| row.fill(0));
    let grey = shrink_image(&stripes, 100);
    let inner = &grey.data()[10 * 300..90 * 300];
    assert!(inner.iter().all(|level| (120..=135).contains(level)));
}
