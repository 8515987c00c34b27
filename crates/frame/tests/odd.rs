//! JPEGs as boards send them that follow no standard to the letter: what OpenCV and ffmpeg show without a word is decoded, to the
//! same pixels, and what lacks pixels is an error.
#![cfg(feature = "turbo")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;

use sightwire_frame::header::Limits;
use sightwire_frame::still::{StillDecoder, StillFormat, StillLimits, is_cut_off};
use sightwire_frame::{Decoder, Image, Scale};

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)).unwrap()
}

fn decoded(jpeg: &[u8]) -> Result<Image, String> {
    let mut image = Image::default();
    let mut decoder = Decoder::new().unwrap();
    decoder.decode(jpeg, &Limits::default(), &mut image).map_err(|error| error.to_string())?;
    Ok(image)
}

/// Where restart markers stand, in the one scan of a baseline picture.
fn restarts(jpeg: &[u8]) -> Vec<usize> {
    (0..jpeg.len() - 1).filter(|at| jpeg[*at] == 0xff && (0xd0..=0xd7).contains(&jpeg[at + 1])).collect()
}

fn with_bytes_before_restarts(jpeg: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut from = 0;
    for at in restarts(jpeg) {
        out.extend_from_slice(&jpeg[from..at]);
        out.extend_from_slice(bytes);
        from = at;
    }
    [out, jpeg[from..].to_vec()].concat()
}

#[test]
fn what_lacks_no_pixel_is_decoded_to_the_same_pixels() {
    let (restart, plain) = (vector("restart.jpg"), vector("420.jpg"));
    assert!(restarts(&restart).len() > 3);
    let without_end = |jpeg: &[u8]| jpeg[..jpeg.len() - 2].to_vec();
    let padded = |jpeg: &[u8]| [jpeg, &[0; 100]].concat();
    for (name, odd, whole) in [
        ("bytes before each restart marker", with_bytes_before_restarts(&restart, b"\x12\x34\x56"), &restart),
        ("one byte before each", with_bytes_before_restarts(&restart, b"\0"), &restart),
        ("without its last marker", without_end(&plain), &plain),
        ("the same with restart markers", without_end(&restart), &restart),
        ("zeros behind it", padded(&plain), &plain),
        ("two last markers", [&plain[..], b"\xff\xd9"].concat(), &plain),
    ] {
        let image = decoded(&odd).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(image == decoded(whole).unwrap(), "{name}");
    }
}

#[test]
fn a_still_that_lacks_its_end_is_what_there_is_of_it_and_grey() {
    let jpeg = vector("420_640x480.jpg");
    let limits = StillLimits::default();
    let still = |jpeg: &[u8]| {
        let mut image = Image::default();
        StillDecoder::new().unwrap().decode(jpeg, 0, &limits, &mut image).unwrap();
        image
    };
    let whole = still(&jpeg);
    assert!(!is_cut_off(StillFormat::Jpeg, &jpeg));
    assert!(!is_cut_off(StillFormat::Jpeg, &[&jpeg[..], &[0; 100]].concat()));
    let endless = &jpeg[..jpeg.len() - 2];
    assert!(is_cut_off(StillFormat::Jpeg, endless) && still(endless) == whole);
    let cut = still(&jpeg[..jpeg.len() * 6 / 10]);
    assert_eq!((cut.width(), cut.height()), (640, 480));
    let rows = |image: &Image, rows: std::ops::Range<usize>| {
        image.data()[rows.start * 1920..rows.end * 1920].to_vec()
    };
    assert!(rows(&cut, 0..160) == rows(&whole, 0..160), "what came before the cut");
    let bottom = rows(&cut, 470..480);
    assert!(bottom.iter().all(|value| value.abs_diff(bottom[0]) < 3), "one grey");
    // What follows is decoded as if nothing had been.
    assert!(still(&jpeg) == whole);
}

#[test]
fn what_lacks_pixels_is_an_error() {
    for name in ["restart.jpg", "420.jpg", "420_640x480.jpg"] {
        let jpeg = vector(name);
        for share in [3, 5, 8, 9] {
            let cut = &jpeg[..jpeg.len() * share / 10];
            assert!(decoded(cut).is_err(), "{name}, {share} tenths");
        }
    }
}

#[test]
fn one_that_is_too_large_is_decoded_to_a_part_of_its_sides() {
    let jpeg = vector("420_640x480.jpg");
    let whole = decoded(&jpeg).unwrap();
    let mut decoder = Decoder::new().unwrap();
    for (max_pixels, scale) in [
        (640 * 480, Some(Scale::Whole)),
        (640 * 480 - 1, Some(Scale::Half)),
        (320 * 240, Some(Scale::Half)),
        (320 * 240 - 1, Some(Scale::Quarter)),
        (160 * 120 - 1, Some(Scale::Eighth)),
        (80 * 60 - 1, None),
    ] {
        let (limits, mut image) = (Limits { max_pixels, ..Limits::default() }, Image::default());
        let found = decoder.decode_to_fit(&jpeg, &limits, &mut image).ok();
        assert_eq!(found, scale, "{max_pixels}");
        let Some(scale) = scale else { continue };
        let divisor = scale.divisor();
        assert_eq!((image.width(), image.height()), (640 / divisor, 480 / divisor));
        let mean = |image: &Image| {
            image.data().iter().map(|value| f64::from(*value)).sum::<f64>() / image.data().len() as f64
        };
        assert!((mean(&image) - mean(&whole)).abs() < 2.0, "{} and {}", mean(&image), mean(&whole));
    }
    // The next picture is whole again.
    let mut image = Image::default();
    decoder.decode(&jpeg, &Limits::default(), &mut image).unwrap();
    assert!(image == whole);
}
