//! Times of what text reading does to pictures: `cargo run --release -p sightwire-ocr --example still_bench`.
//!
//! Prints milliseconds per call: the median and the fastest. One thread; run it on a machine that is quiet.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sightwire_annotate::{self as annotate, TextRegion};
use sightwire_frame::still::{StillDecoder, StillLimits};
use sightwire_frame::{Encoder, Image};
use sightwire_ocr::{crop, enhance};
use sightwire_shrink::shrink_image;
use sightwire_synth::sample::{Clip, Gesture};

/// Runs `step` for about two seconds and prints its times.
fn time(name: &str, mut step: impl FnMut()) {
    step();
    let mut millis = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) || millis.len() < 3 {
        let begin = Instant::now();
        step();
        millis.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    millis.sort_by(f64::total_cmp);
    println!("{name:<44} {:>9.3} {:>9.3}", millis[millis.len() / 2], millis[0]);
}

/// Regions all over a picture.
fn regions(width: f32, height: f32) -> Vec<TextRegion<'static>> {
    let place = |index: u16| {
        let (x, y) = (f32::from(index % 10) / 10.0 * width, f32::from(index / 10) / 50.0 * height);
        let (right, bottom) = (x + width * 0.08, y + height * 0.012);
        [[x, y], [right, y + 3.0], [right, bottom], [x, bottom - 3.0]]
    };
    (0..500).map(|index| TextRegion { polygon: place(index), text: "Some words", confidence: 0.95 }).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:<44} {:>9} {:>9}", "milliseconds per call", "median", "least");
    // 20 megapixels.
    let page = Clip::new(Gesture::Wave, 1, 5000, 4000).frame(0);
    let mut out = Image::default();
    let line = [[100.0, 120.0], [700.0, 180.0], [694.0, 270.0], [92.0, 214.0]];
    time("a line of 320x48 cut out", || crop::crop_quad(black_box(&page), line, 320, 48, &mut out));
    time("skew of 20 megapixels", || {
        black_box(enhance::measure_skew(&page));
    });
    let photograph = Clip::new(Gesture::Wave, 1, 4000, 3000).frame(0);
    time("corners of a page in 12 megapixels", || {
        black_box(enhance::find_corners(&photograph));
    });
    let corners = [[700.0, 300.0], [2900.0, 500.0], [3300.0, 2700.0], [400.0, 2500.0]];
    time("a page of 5 megapixels straightened", || {
        drop(black_box(enhance::straighten_page(&photograph, corners)));
    });
    time("20 megapixels turned by 7 degrees", || {
        drop(black_box(enhance::rotate_image(&page, 7.0, [255; 3])));
    });
    time("even contrast of 20 megapixels", || drop(black_box(enhance::even_contrast(&page))));
    time("20 megapixels freed of noise", || drop(black_box(enhance::denoise_image(&page))));
    let texts = regions(5000.0, 4000.0);
    let mut annotated = page.clone();
    time("500 texts outlined on 20 megapixels", || annotate::draw_regions(&mut annotated, &texts));
    let mut jpeg = Vec::new();
    Encoder::new()?.encode(&page, 85, &mut jpeg)?;
    let (mut decoder, limits) = (StillDecoder::new()?, StillLimits::default());
    time("JPEG of 20 megapixels decoded", || drop(decoder.decode(&jpeg, 0, &limits, &mut out)));
    drop(annotated);
    let huge = Clip::new(Gesture::Wave, 1, 8000, 6250).frame(0);
    time("50 megapixels shrunk to 2048", || drop(black_box(shrink_image(&huge, 2048))));
    Ok(())
}
