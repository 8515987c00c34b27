//! Times of one frame's steps at 640x480: `cargo run --release -p sightwire-frame --example frame_bench`.
//!
//! Prints microseconds per call: the median and the fastest of many. One thread; run it on a machine that is quiet.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sightwire_frame::header::{self, Limits};
use sightwire_frame::{Decoder, Encoder, Image, JPEG_BACKEND, Resizer, data_url};
use sightwire_synth::sample::{Clip, Gesture};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// A camera's picture as a browser sends it.
const TARGET_BYTES: usize = 90_000;

/// Runs `step` for about a second and prints its times.
fn time(name: &str, mut step: impl FnMut()) {
    for _ in 0..20 {
        step();
    }
    let mut micros = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        let begin = Instant::now();
        step();
        micros.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    println!("{name:<44} {:>8.1} {:>8.1}", micros[micros.len() / 2], micros[0]);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits::default();
    let clip = Clip::new(Gesture::Wave, 1, WIDTH, HEIGHT);
    let picture = clip.frame(0);
    let mut encoder = Encoder::new()?;
    let mut jpeg = Vec::new();
    let mut quality = 50;
    while quality < 100 && jpeg.len() < TARGET_BYTES {
        quality += 1;
        encoder.encode(&picture, quality, &mut jpeg)?;
    }
    let text = base64_simd::STANDARD.encode_to_string(&jpeg);
    let url = format!("data:image/jpeg;base64,{text}");
    println!("{JPEG_BACKEND}, {WIDTH}x{HEIGHT}, quality {quality}: {} bytes", jpeg.len());
    println!("{:<44} {:>8} {:>8}", "microseconds per call", "median", "least");

    let mut bytes = Vec::new();
    let mut image = Image::default();
    let mut small = Image::default();
    let mut decoder = Decoder::new()?;
    let mut resizer = Resizer::new();
    time("header probe", || {
        black_box(header::probe_header(black_box(&jpeg))).ok();
    });
    time("data URL: probe (all base64, header)", || {
        black_box(data_url::probe_data_url(black_box(&url), &limits)).ok();
    });
    time("data URL: decode base64", || {
        black_box(data_url::decode_into(black_box(&url), &mut bytes)).ok();
    });
    time("JPEG decode", || {
        black_box(decoder.decode(black_box(&jpeg), &limits, &mut image)).ok();
    });
    time("resize to 224x224", || {
        black_box(resizer.resize(black_box(&image), 224, 224, &mut small)).ok();
    });
    time("all of a frame: base64, decode, resize", || {
        black_box(data_url::decode_into(black_box(&url), &mut bytes)).ok();
        black_box(decoder.decode(&bytes, &limits, &mut image)).ok();
        black_box(resizer.resize(&image, 224, 224, &mut small)).ok();
    });
    time("JPEG encode", || {
        black_box(encoder.encode(black_box(&picture), quality, &mut jpeg)).ok();
    });
    let mut index = 0;
    time("generate a frame of a clip", || {
        clip.frame_into(index % 25, &mut image);
        index += 1;
    });
    Ok(())
}
