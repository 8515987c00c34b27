//! AVIF and HEIC: sizes, colours, and which way up. How the files were made: `tests/data/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::time::Duration;

use sightwire_documents::Pages;
use sightwire_documents::patience::Patience;
use sightwire_documents::program::Launch;
use sightwire_frame::Image;
use sightwire_frame::still::{StillError, StillFormat, StillLimits};

const PATIENCE: Duration = Duration::from_secs(60);
const RED: [u8; 3] = [0, 0, 255];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [255, 0, 0];
const GREY: [u8; 3] = [40; 3];
const WHITE: [u8; 3] = [255; 3];
/// At the middle of a quarter, of 255.
const MOST_DIFFERENCE: u8 = 6;

fn pages() -> Pages {
    Pages::new(Launch { places: vec![env!("CARGO_BIN_EXE_sightwire-draw").into()], args: Vec::new() }, 2)
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

fn draw(bytes: &[u8], limits: &StillLimits) -> Result<Image, StillError> {
    let header = pages().probe(bytes, limits, Patience::with_limit(PATIENCE))?;
    assert_eq!(header.pages.len(), 1);
    assert!(matches!(header.format, StillFormat::Avif | StillFormat::Heic));
    pages().decode(
        bytes,
        (header.format, header.pages[0].size),
        0,
        limits,
        Patience::with_limit(PATIENCE),
        &|| true,
    )
}

/// The quarters, row by row from the upper left.
fn quarters(image: &Image) -> [[u8; 3]; 4] {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let at = |x: usize, y: usize| {
        let place = (y * width + x) * 3;
        <[u8; 3]>::try_from(&image.data()[place..place + 3]).unwrap()
    };
    let (left, right, top, bottom) = (width / 4, width * 3 / 4, height / 4, height * 3 / 4);
    [at(left, top), at(right, top), at(left, bottom), at(right, bottom)]
}

#[test]
fn pictures_have_their_size_their_colours_and_stand_upright() {
    let upright = [RED, GREEN, BLUE, GREY];
    for (name, size, expected) in [
        ("odd", (65, 49), upright),
        ("full-chroma", (65, 49), upright),
        ("deep", (65, 49), upright),
        ("turned", (49, 65), [BLUE, RED, GREY, GREEN]),
        ("mirrored", (49, 65), [RED, BLUE, GREEN, GREY]),
        ("clear", (64, 48), [RED, GREEN, BLUE, WHITE]),
        ("tiles", (1100, 600), upright),
    ] {
        for end in ["heic", "avif"] {
            if (name, end) == ("tiles", "avif") {
                continue;
            }
            let image = draw(&file(&format!("{name}.{end}")), &StillLimits::default());
            let image = image.unwrap_or_else(|error| panic!("{name}.{end}: {error}"));
            assert_eq!((image.width(), image.height()), size, "{name}.{end}");
            let found = quarters(&image);
            let differ = found.iter().flatten().zip(expected.iter().flatten());
            let most = differ.map(|(found, expected)| found.abs_diff(*expected)).max().unwrap();
            assert!(most <= MOST_DIFFERENCE, "{name}.{end}: {found:?}, not {expected:?}");
        }
    }
}

#[test]
fn a_picture_with_too_many_pixels_is_refused_before_it_is_decoded() {
    let limits = StillLimits { max_pixels: 1000, ..StillLimits::default() };
    for name in ["odd.heic", "odd.avif"] {
        let error = draw(&file(name), &limits).unwrap_err().to_string();
        assert_eq!(error, "the picture is 65x49, the limit is 1000 pixels in all");
    }
}

#[test]
fn what_is_cut_off_or_garbled_is_an_error_in_words() {
    for (name, format) in [("odd.heic", "HEIC"), ("odd.avif", "AVIF")] {
        let whole = file(name);
        for end in [40, 200, whole.len() - 20] {
            let error = draw(&whole[..end], &StillLimits::default()).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("the {format} is cut off or damaged: ")),
                "{name} {end}: {error}"
            );
        }
        // Whatever it becomes: it is an answer, or words.
        for place in (0..whole.len()).step_by(whole.len() / 40) {
            let mut garbled = whole.clone();
            garbled[place] ^= 0xff;
            let _ = draw(&garbled, &StillLimits { max_pixels: 1 << 20, ..StillLimits::default() });
        }
    }
}
