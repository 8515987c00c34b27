//! The pictures and numbers of `tests/vectors`, made by `tools/vectors/make_preprocess_vectors.py` with real OpenCV.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a helper cannot do fails its test")]

use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use sightwire_frame::header::{self, Format, Limits};
use sightwire_frame::{Decoder, Image, JPEG_BACKEND, Resizer};

/// The largest difference from OpenCV of any channel of any pixel in the JPEG vectors, after decoding and after the
/// resize to 224x224.
const MAX_DIFFERENCE: i16 = if cfg!(feature = "turbo") { 0 } else { 11 };

struct Vector {
    name: String,
    width: u32,
    height: u32,
    decoded: String,
    resized: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn lines(kind: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(read("expected.txt")).unwrap();
    let fields = text.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let lines: Vec<_> = fields.filter(|fields| fields[0] == kind).collect();
    assert!(!lines.is_empty());
    lines
}

fn vectors(extension: &str) -> Vec<Vector> {
    let vector = |fields: &Vec<String>| Vector {
        name: fields[1].clone(),
        width: fields[2].parse().unwrap(),
        height: fields[3].parse().unwrap(),
        decoded: fields[4].clone(),
        resized: fields[5].clone(),
    };
    let all = lines("picture");
    let vectors: Vec<_> = all.iter().map(vector).filter(|vector| vector.name.ends_with(extension)).collect();
    assert!(vectors.len() >= 15, "only {} vectors", vectors.len());
    vectors
}

fn sha(image: &Image) -> String {
    Sha256::digest(image.data()).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn decode(decoder: &mut Decoder, name: &str) -> Image {
    let mut image = Image::default();
    let decoded = decoder.decode(&read(name), &Limits::default(), &mut image);
    decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
    image
}

fn resize(image: &Image) -> Image {
    let mut out = Image::default();
    Resizer::new().resize(image, 224, 224, &mut out).unwrap();
    out
}

fn assert_equal(vector: &Vector, image: &Image) {
    let name = &vector.name;
    assert_eq!((image.width(), image.height()), (vector.width, vector.height), "{name}");
    assert_eq!(sha(image), vector.decoded, "{name} decoded");
    assert_eq!(sha(&resize(image)), vector.resized, "{name} resized");
}

/// The largest difference, and the share of values that differ.
fn difference(a: &Image, b: &Image) -> (u8, f64) {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let differences = a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b));
    let largest = differences.clone().max().unwrap();
    (largest, differences.filter(|&d| d > 0).count() as f64 / a.data().len() as f64)
}

#[test]
fn png_decodes_to_the_bytes_of_opencv() {
    let mut decoder = Decoder::new().unwrap();
    for vector in vectors(".png") {
        let image = decode(&mut decoder, &vector.name);
        assert_equal(&vector, &image);
    }
}

#[test]
#[cfg(feature = "turbo")]
fn jpeg_decodes_to_the_bytes_of_opencv() {
    assert_eq!(JPEG_BACKEND, "libjpeg-turbo");
    let mut decoder = Decoder::new().unwrap();
    for vector in vectors(".jpg") {
        let image = decode(&mut decoder, &vector.name);
        assert_equal(&vector, &image);
    }
}

/// Holds for both libraries; `cargo test -- --nocapture` prints the figures.
#[test]
fn jpeg_stays_within_the_stated_difference_from_opencv() {
    let mut decoder = Decoder::new().unwrap();
    for vector in vectors(".jpg") {
        let image = decode(&mut decoder, &vector.name);
        assert_eq!((image.width(), image.height()), (vector.width, vector.height), "{}", vector.name);
        let exact = vector.name.replace(".jpg", ".expected.png");
        if !folder().join(&exact).exists() {
            continue;
        }
        let exact = decode(&mut decoder, &exact);
        assert_eq!(sha(&exact), vector.decoded, "{}", vector.name);
        let (decoded, share) = difference(&image, &exact);
        let (resized, resized_share) = difference(&resize(&image), &resize(&exact));
        println!(
            "{JPEG_BACKEND} {}: decoded up to {decoded} levels ({:.1} % of values), at 224x224 up to {resized} ({:.1} %)",
            vector.name,
            share * 100.0,
            resized_share * 100.0
        );
        assert!(i16::from(decoded.max(resized)) <= MAX_DIFFERENCE, "{}: {decoded}, {resized}", vector.name);
    }
}

/// Also with a picture's turned twin: the orientations are compared with the upright original of the same pixels.
#[test]
fn exif_orientation_turns_whatever_the_jpeg_library() {
    let mut decoder = Decoder::new().unwrap();
    let upright = decode(&mut decoder, "420_odd.jpg");
    let (w, h) = (upright.width() as usize, upright.height() as usize);
    let pixel = |image: &Image, x: usize, y: usize| {
        let at = (y * image.width() as usize + x) * 3;
        image.data()[at..at + 3].to_vec()
    };
    // Where the picture's top left and top right pixels go: EXIF 2.3, table of tag 274.
    let corners = |value| match value {
        2 => [(w - 1, 0), (0, 0)],
        3 => [(w - 1, h - 1), (0, h - 1)],
        4 => [(0, h - 1), (w - 1, h - 1)],
        5 => [(0, 0), (0, w - 1)],
        6 => [(h - 1, 0), (h - 1, w - 1)],
        7 => [(h - 1, w - 1), (h - 1, 0)],
        _ => [(0, w - 1), (0, 0)],
    };
    for value in 2..=8 {
        let turned = decode(&mut decoder, &format!("exif_{value}.jpg"));
        let [left, right] = corners(value);
        assert_eq!(pixel(&turned, left.0, left.1), pixel(&upright, 0, 0), "{value}");
        assert_eq!(pixel(&turned, right.0, right.1), pixel(&upright, w - 1, 0), "{value}");
    }
}

#[test]
fn the_header_of_every_picture_says_its_stored_size() {
    for vector in vectors(".jpg").into_iter().chain(vectors(".png")) {
        let header = header::probe_header(&read(&vector.name)).unwrap();
        let mut stored = (vector.width, vector.height);
        if ["exif_5", "exif_6", "exif_7", "exif_8"].iter().any(|turned| vector.name.contains(turned)) {
            stored = (stored.1, stored.0);
        }
        assert_eq!((header.width, header.height), stored, "{}", vector.name);
        let is_png = vector.name.contains(".png");
        assert_eq!(header.format, if is_png { Format::Png } else { Format::Jpeg });
    }
}

#[test]
fn resize_gives_the_bytes_of_opencv() {
    let mut resizer = Resizer::new();
    let mut out = Image::default();
    for fields in lines("resize") {
        let size = |i: usize| fields[i].parse::<u32>().unwrap();
        let (width, height) = (size(1), size(2));
        let hashed = (0..width * height * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let source = Image::from_bgr(width, height, hashed).unwrap();
        resizer.resize(&source, size(3), size(4), &mut out).unwrap();
        assert_eq!(sha(&out), fields[5], "{fields:?}");
    }
}
