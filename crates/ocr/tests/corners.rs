//! The corners of pages in photographs that are drawn here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use sightwire_annotate::{Colour, Face, Letters, Typesetter};
use sightwire_frame::Image;
use sightwire_ocr::enhance::{Homography, find_corners, straighten_page};

const WORDS: &str = "The quick brown fox jumps over the lazy dog and reads 1234567890 lines of text again";
const PAPER: u8 = 235;

fn page(width: u32, height: u32) -> Image {
    let mut image = Image::from_bgr(width, height, vec![PAPER; (width * height * 3) as usize]).unwrap();
    let mut typesetter = Typesetter::new();
    let letters = Letters { px: 22, face: Face::Regular, colour: Colour::BLACK };
    for line in 1..height / 36 - 1 {
        let text: String = WORDS.chars().skip(line as usize * 7 % 40).take(width as usize / 16).collect();
        typesetter.draw(&mut image, letters, &text, (50.0, line as f32 * 36.0 + 20.0));
    }
    image
}

/// Three numbers that look random and are the same each time.
fn scatter(seed: usize) -> [u8; 3] {
    let bits = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    [8, 24, 40].map(|shift| (bits >> shift) as u8)
}

/// A photograph of a page that lies there on a table whose pixels `table` gives, of places.
fn photograph(page: &Image, corners: [[f32; 2]; 4], table: impl Fn(usize, usize) -> [u8; 3]) -> Image {
    let (width, height) = (1200, 900);
    let there =
        Homography::onto_quad(f64::from(page.width()), f64::from(page.height()), corners).unwrap().invert();
    let mut image = Image::new(width, height);
    for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % width as usize, index / width as usize);
        // The mean of four places, so that edges are not steps.
        let mut sums = [0_u16; 3];
        for (right, down) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
            let [across, along] = there.apply([x as f32 + right, y as f32 + down]);
            let within =
                across >= 0.0 && along >= 0.0 && across < page.width() as f32 && along < page.height() as f32;
            let colour = if within {
                let at = (along as usize * page.width() as usize + across as usize) * 3;
                [page.data()[at], page.data()[at + 1], page.data()[at + 2]]
            } else {
                table(x, y)
            };
            sums.iter_mut().zip(colour).for_each(|(sum, level)| *sum += u16::from(level));
        }
        let grain = scatter(index)[0] % 7;
        pixel.copy_from_slice(&sums.map(|sum| (sum / 4) as u8 + grain));
    }
    image
}

fn checkered(x: usize, y: usize) -> [u8; 3] {
    if (x / 70 + y / 70).is_multiple_of(2) { [70, 50, 90] } else { [150, 170, 180] }
}

fn boards(x: usize, y: usize) -> [u8; 3] {
    let grain = scatter(y / 3 * 1000 + x / 150)[0] % 30;
    if y % 210 < 3 { [20, 30, 40] } else { [60 + grain, 90 + grain, 120 + grain] }
}

fn light(_: usize, _: usize) -> [u8; 3] {
    [208, 210, 212]
}

fn assert_found(image: &Image, expected: [[f32; 2]; 4]) {
    let found = find_corners(image).unwrap_or_else(|| panic!("no page at {expected:?}"));
    assert!(found.confidence >= 0.5, "{}", found.confidence);
    let diagonal = (expected[2][0] - expected[0][0]).hypot(expected[2][1] - expected[0][1]);
    for (one, two) in found.points.iter().zip(expected) {
        let apart = (one[0] - two[0]).hypot(one[1] - two[1]);
        assert!(apart < 0.004 * diagonal, "{:?} instead of {expected:?}", found.points);
    }
}

const LYING: [[[f32; 2]; 4]; 4] = [
    [[330.0, 80.0], [860.0, 130.0], [800.0, 840.0], [260.0, 760.0]],
    [[420.0, 60.0], [1010.0, 330.0], [690.0, 850.0], [110.0, 500.0]],
    [[380.0, 210.0], [790.0, 190.0], [1080.0, 800.0], [140.0, 830.0]],
    [[500.0, 40.0], [880.0, 340.0], [520.0, 860.0], [120.0, 600.0]],
];

#[test]
fn a_page_is_found_on_any_table() {
    let page = page(800, 1100);
    for lying in LYING {
        assert_found(&photograph(&page, lying, checkered), lying);
        assert_found(&photograph(&page, lying, boards), lying);
        assert_found(&photograph(&page, lying, light), lying);
        assert_found(&photograph(&page, lying, |_, _| [30, 25, 20]), lying);
    }
}

#[test]
fn a_card_ends_where_its_dark_band_does() {
    let mut card = page(1100, 700);
    card.data_mut()[..1100 * 3 * 110].fill(40);
    let lying = [[170.0, 240.0], [900.0, 130.0], [1010.0, 600.0], [230.0, 730.0]];
    assert_found(&photograph(&card, lying, boards), lying);
}

#[test]
fn a_corner_may_lie_beyond_the_picture() {
    let lying = [[360.0, -70.0], [960.0, 60.0], [840.0, 820.0], [220.0, 700.0]];
    assert_found(&photograph(&page(800, 1100), lying, boards), lying);
}

#[test]
fn straightened_the_page_is_as_it_was_printed() {
    let page = page(800, 1100);
    let photograph = photograph(&page, LYING[0], boards);
    let (flat, there) = straighten_page(&photograph, find_corners(&photograph).unwrap().points).unwrap();
    // All of it is paper up to the edge, and its lines are where they were.
    let level = |x: f32, y: f32| {
        let (column, row) = ((x * flat.width() as f32) as usize, (y * flat.height() as f32) as usize);
        flat.data()[(row * flat.width() as usize + column) * 3]
    };
    for (x, y) in [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.5, 0.99), (0.03, 0.5)] {
        assert!(level(x, y) > 215, "{x} {y}: {}", level(x, y));
    }
    let line = |y: f32| (0..300_u16).filter(|x| level(0.1 + f32::from(*x) / 400.0, y) < 150).count();
    let printed = line((10.0 * 36.0 + 13.0) / 1100.0);
    let between = line((10.0 * 36.0 + 30.0) / 1100.0);
    assert!(printed > 40 && between < 5, "{printed} {between}");
    let [x, y] = there.apply(LYING[0][2]);
    assert!((x - flat.width() as f32).abs() < 4.0 && (y - flat.height() as f32).abs() < 4.0);
}

#[test]
fn what_has_no_page_in_it_is_left_alone() {
    let scan = page(800, 1100);
    assert_eq!(find_corners(&scan), None, "a page that fills the picture");
    let mut figure = page(900, 1200);
    for (index, pixel) in figure.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % 900, index / 900);
        if (60..840).contains(&x) && (400..800).contains(&y) {
            pixel.fill(190);
        }
    }
    assert_eq!(find_corners(&figure), None, "a figure on a page");
    let blank = Image::from_bgr(800, 600, vec![PAPER; 800 * 600 * 3]).unwrap();
    assert_eq!(find_corners(&photograph(&blank, LYING[0], boards)), None, "an empty sheet");
    assert_eq!(
        find_corners(&photograph(
            &page(90, 120),
            [[10.0, 10.0], [90.0, 12.0], [91.0, 120.0], [9.0, 118.0]],
            boards
        )),
        None
    );
}

#[test]
fn small_and_even_pictures_have_no_page() {
    for (width, height) in [(0, 0), (1, 1), (1, 5000), (5000, 1), (31, 31), (64, 64), (2000, 70)] {
        for level in [0, 128, 255] {
            let image = Image::from_bgr(width, height, vec![level; (width * height * 3) as usize]).unwrap();
            assert_eq!(find_corners(&image), None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_a_picture_shows_it_is_looked_at(
        (width, height) in (1_u32..900, 1_u32..700),
        seed in any::<usize>(),
        block in 1_usize..60,
        levels in 2_u8..255,
    ) {
        let pixel = |index: usize| {
            let place = index / width as usize / block * 1000 + index % width as usize / block;
            scatter(place.wrapping_add(seed)).map(|level| level / levels * levels)
        };
        let data = (0..(width * height) as usize).flat_map(pixel).collect();
        let image = Image::from_bgr(width, height, data).unwrap();
        if let Some(found) = find_corners(&image) {
            prop_assert!(found.points.as_flattened().iter().all(|value| value.is_finite()));
            let _ = straighten_page(&image, found.points);
        }
    }
}
