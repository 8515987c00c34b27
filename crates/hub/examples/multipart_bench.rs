//! Speed of the multipart parser: `cargo run --release -p sightwire-hub --example multipart_bench`.
//!
//! Feeds parts with pictures of 75 kB in pieces of 64 kB, as a socket gives them, and prints gigabytes per second: the
//! median and the fastest of many rounds. One thread; run it on a machine that is quiet.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_frame::Encoder;
use sightwire_hub::multipart::{Limits, Parser};
use sightwire_synth::sample::{Clip, Gesture};

const PICTURE_BYTES: usize = 75_000;
const READ_BYTES: usize = 64 << 10;
/// Few enough that they stay in the cache, as what a socket has just given does.
const PICTURES: usize = 10;
const PASSES: usize = 20;

/// Pictures of a moving scene at 640x480, as near to the size as the quality allows.
fn pictures() -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let clip = Clip::new(Gesture::Wave, 1, 640, 480);
    let mut encoder = Encoder::new()?;
    let mut jpeg = Vec::new();
    let mut quality = 50;
    while quality < 100 && jpeg.len() < PICTURE_BYTES {
        quality += 1;
        encoder.encode(&clip.frame(0), quality, &mut jpeg)?;
    }
    let mut pictures = Vec::new();
    for index in 0..PICTURES as u32 {
        encoder.encode(&clip.frame(index), quality, &mut jpeg)?;
        pictures.push(jpeg.clone());
    }
    Ok(pictures)
}

fn body(pictures: &[Vec<u8>], header: impl Fn(usize) -> String) -> Vec<u8> {
    let mut body = Vec::new();
    for picture in pictures {
        body.extend(header(picture.len()).into_bytes());
        body.extend(picture);
        body.extend(b"\r\n");
    }
    body
}

/// Runs `round` over `bytes` for about two seconds and prints its speed.
fn time(name: &str, bytes: usize, mut round: impl FnMut()) {
    let mut speeds = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        let begin = Instant::now();
        round();
        speeds.push(bytes as f64 / begin.elapsed().as_secs_f64() / 1e9);
    }
    speeds.sort_by(f64::total_cmp);
    println!("{name:<36} {:>8.2} {:>8.2}", speeds[speeds.len() / 2], speeds[speeds.len() - 1]);
}

fn parse(name: &str, body: &[u8]) {
    let mut newest = Bytes::new();
    time(name, body.len() * PASSES, || {
        let mut parser = Parser::new(Limits::default());
        for _ in 0..PASSES {
            for read in body.chunks(READ_BYTES) {
                parser.feed(black_box(read), |picture| newest = picture);
            }
        }
        assert_eq!(parser.counts().pictures, (PICTURES * PASSES) as u64);
    });
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pictures = pictures()?;
    let mean = pictures.iter().map(Vec::len).sum::<usize>() / pictures.len();
    println!("{PICTURES} pictures of {mean} bytes in reads of {READ_BYTES} bytes");
    println!("{:<36} {:>8} {:>8}", "GB/s", "median", "most");
    let with = |length| format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
    parse("with Content-Length", &body(&pictures, with));
    parse("without", &body(&pictures, |_| "--frame\r\nContent-Type: image/jpeg\r\n\r\n".to_owned()));
    parse("with a wrong one", &body(&pictures, |length| with(length + 1000)));
    let plain = body(&pictures, with);
    time("for comparison: copying alone", plain.len() * PASSES, || {
        for _ in 0..PASSES {
            for read in plain.chunks(READ_BYTES) {
                black_box(Bytes::copy_from_slice(black_box(read)));
            }
        }
    });
    Ok(())
}
