//! What decoder, encoder and resizer promise beyond the bytes of OpenCV.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a helper cannot do fails its test")]

use std::path::PathBuf;

use proptest::prelude::*;
use sightwire_frame::codec::CodecError;
use sightwire_frame::header::{Format, Limits, probe_header};
use sightwire_frame::{DecodeError, Decoder, EncodeError, Encoder, Image, ResizeError, Resizer};
use sightwire_synth::sample::{Clip, Gesture};

fn vector(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn decode(bytes: &[u8]) -> Result<Image, DecodeError> {
    let mut image = Image::default();
    Decoder::new()?.decode(bytes, &Limits::default(), &mut image)?;
    Ok(image)
}

#[test]
fn a_picture_cut_off_is_an_error() {
    for name in
        ["420_640x480.jpg", "progressive.jpg", "grey.jpg", "rgb.png", "palette8.png", "interlaced.png"]
    {
        let bytes = vector(name);
        for percent in [1, 10, 50, 90, 99] {
            let cut = decode(&bytes[..bytes.len() * percent / 100]);
            assert!(cut.is_err(), "{name} cut to {percent} %");
        }
    }
}

#[test]
fn after_a_damaged_picture_the_next_one_is_decoded_as_ever() {
    let mut decoder = Decoder::new().unwrap();
    let mut image = Image::default();
    for name in ["420_640x480.jpg", "cmyk.jpg", "exif_6.jpg", "rgba16.png"] {
        let bytes = vector(name);
        let expected = decode(&bytes).unwrap();
        let mut damaged = bytes.clone();
        damaged.truncate(bytes.len() / 2);
        assert!(decoder.decode(&damaged, &Limits::default(), &mut image).is_err());
        decoder.decode(&bytes, &Limits::default(), &mut image).unwrap();
        assert_eq!(image, expected, "{name}");
    }
}

/// Each file made a decoder panic once.
#[test]
fn a_header_that_is_cut_off_does_not_swallow_the_next_picture() {
    let bytes = vector("420_640x480.jpg");
    let expected = decode(&bytes).unwrap();
    let tables = bytes.windows(2).position(|pair| pair == [0xff, 0xc4]).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut image = Image::default();
    for length in tables..tables + 40 {
        assert!(decoder.decode(&bytes[..length], &Limits::default(), &mut image).is_err());
        decoder.decode(&bytes, &Limits::default(), &mut image).unwrap();
        assert!(image == expected, "after a picture cut to {length} bytes");
    }
}

#[test]
fn pictures_that_crashed_a_decoder_are_errors() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/crashes");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let error = decode(&std::fs::read(&path).unwrap()).unwrap_err().to_string();
        assert!(!error.contains("failed on it"), "{}: it still panics", path.display());
    }
}

#[test]
fn a_decode_error_names_the_format_and_the_reason() {
    let bytes = vector("420.jpg");
    let error = decode(&bytes[..bytes.len() / 2]).unwrap_err();
    assert!(
        matches!(&error, DecodeError::Picture { format: Format::Jpeg, reason: CodecError::Library(_) }),
        "{error:?}"
    );
    assert!(error.to_string().starts_with("the JPEG cannot be decoded: "), "{error}");
}

#[test]
fn buffers_are_kept_from_picture_to_picture() {
    let (bytes, mut decoder, mut encoder) =
        (vector("420_640x480.jpg"), Decoder::new().unwrap(), Encoder::new().unwrap());
    let (mut resizer, mut image, mut small, mut jpeg) =
        (Resizer::new(), Image::default(), Image::default(), Vec::new());
    let mut places = Vec::new();
    for _ in 0..3 {
        decoder.decode(&bytes, &Limits::default(), &mut image).unwrap();
        resizer.resize(&image, 224, 224, &mut small).unwrap();
        encoder.encode(&image, 80, &mut jpeg).unwrap();
        places.push((image.data().as_ptr(), small.data().as_ptr(), jpeg.as_ptr()));
    }
    assert_eq!(places[0], places[1]);
    assert_eq!(places[1], places[2]);
}

#[test]
fn what_is_encoded_is_decoded_to_nearly_the_same() {
    let mut encoder = Encoder::new().unwrap();
    for (width, height) in [(1, 1), (16, 16), (37, 23), (320, 240)] {
        let picture = Clip::new(Gesture::Still, 5, width, height).frame(0);
        let mut jpeg = Vec::new();
        encoder.encode(&picture, 95, &mut jpeg).unwrap();
        let header = probe_header(&jpeg).unwrap();
        assert_eq!((header.width, header.height), (width, height));
        let back = decode(&jpeg).unwrap();
        let sum: u64 = picture.data().iter().zip(back.data()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / picture.data().len() as f64;
        assert!(mean < 6.0, "{width}x{height}: {mean} levels off on average");
    }
}

#[test]
fn a_better_quality_takes_more_bytes_and_impossible_ones_are_refused() {
    let mut encoder = Encoder::new().unwrap();
    let picture = Clip::new(Gesture::Still, 5, 160, 120).frame(0);
    let (mut low, mut high) = (Vec::new(), Vec::new());
    encoder.encode(&picture, 30, &mut low).unwrap();
    encoder.encode(&picture, 90, &mut high).unwrap();
    assert!(low.len() < high.len());
    assert_eq!(encoder.encode(&picture, 0, &mut low), Err(EncodeError::Quality(0)));
    assert_eq!(encoder.encode(&picture, 101, &mut low), Err(EncodeError::Quality(101)));
    let nothing = encoder.encode(&Image::default(), 80, &mut low);
    assert_eq!(nothing, Err(EncodeError::Size { width: 0, height: 0 }));
    let wide = encoder.encode(&Image::new(65_501, 1), 80, &mut low);
    assert_eq!(wide, Err(EncodeError::Size { width: 65_501, height: 1 }));
}

#[test]
fn a_resize_from_or_to_nothing_is_refused() {
    let mut resizer = Resizer::new();
    let mut out = Image::default();
    let refused = resizer.resize(&Image::default(), 2, 2, &mut out);
    assert!(matches!(refused, Err(ResizeError::Size { from_width: 0, .. })));
    assert!(resizer.resize(&Image::new(2, 2), 0, 2, &mut out).is_err());
    assert!(resizer.resize(&Image::new(2, 2), 2, u32::MAX, &mut out).is_err());
}

/// The formula of `resize.rs`, one value at a time.
fn slow_resize(src: &Image, width: u32, height: u32) -> Image {
    let axis = |d: u32, from: u32, to: u32| {
        let scale = 1.0 / (f64::from(to) / f64::from(from));
        let f = ((f64::from(d) + 0.5) * scale - 0.5) as f32;
        (f.floor() as i64, f - f.floor())
    };
    let weight = |w: f32| (w * 2048.0).round_ties_even() as i32;
    let (last_x, last_y) = (i64::from(src.width()) - 1, i64::from(src.height()) - 1);
    let mut out = Image::new(width, height);
    for (i, value) in out.data_mut().iter_mut().enumerate() {
        let (x, y, c) = (i as u32 / 3 % width, i as u32 / 3 / width, i % 3);
        let (mut sx, mut wx) = axis(x, src.width(), width);
        if sx < 0 {
            (sx, wx) = (0, 0.0);
        }
        if sx >= last_x {
            (sx, wx) = (last_x, 0.0);
        }
        let (sy, wy) = axis(y, src.height(), height);
        let pixel = |x: i64, y: i64| {
            let at = (y.clamp(0, last_y) * i64::from(src.width()) + x.min(last_x)) as usize * 3 + c;
            i32::from(src.data()[at])
        };
        let across = |y: i64| (pixel(sx, y) * weight(1.0 - wx) + pixel(sx + 1, y) * weight(wx)) >> 4;
        let sum = ((weight(1.0 - wy) * across(sy)) >> 16) + ((weight(wy) * across(sy + 1)) >> 16);
        *value = ((sum + 2) >> 2) as u8;
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_resize_is_the_formula(
        width in 1..90_u32, height in 1..90_u32, to_width in 1..90_u32, to_height in 1..90_u32, seed in any::<u32>(),
    ) {
        let noise = (0..width * height * 3).map(|i| (i.wrapping_add(seed).wrapping_mul(0x9e37_79b1) >> 24) as u8);
        let source = Image::from_bgr(width, height, noise.collect()).unwrap();
        let mut resizer = Resizer::new();
        let mut out = Image::default();
        // Another size before: its tables and rows must not show.
        resizer.resize(&source, to_height, to_width, &mut out).unwrap();
        resizer.resize(&source, to_width, to_height, &mut out).unwrap();
        prop_assert_eq!(out, slow_resize(&source, to_width, to_height));
    }

    #[test]
    fn damaged_pictures_are_answered(
        name in prop::sample::select(vec!["420_odd.jpg", "cmyk.jpg", "exif_5.jpg", "palette8.png", "rgb16.png"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = vector(name);
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        let limits = Limits { max_pixels: 1_000_000, ..Limits::default() };
        let mut image = Image::default();
        if Decoder::new().unwrap().decode(&bytes, &limits, &mut image).is_ok() {
            let header = probe_header(&bytes).unwrap();
            let pixels = u64::from(header.width) * u64::from(header.height);
            prop_assert_eq!(image.data().len() as u64, pixels * 3);
        }
    }
}
