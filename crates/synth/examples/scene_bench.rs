//! Draws the car park and times it: `cargo run --release -p sightwire-synth --example scene_bench [FOLDER]`.
//!
//! With a folder, frames are written there as JPEG, a second apart.

use std::time::{Duration, Instant};

use sightwire_frame::{Encoder, Image};
use sightwire_synth::scene::Scene;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (width, height) in [(320, 240), (640, 480), (1280, 720)] {
        let begin = Instant::now();
        let scene = Scene::new(1, width, height);
        let made = begin.elapsed();
        let (mut image, mut encoder, mut jpeg) = (Image::default(), Encoder::new()?, Vec::new());
        let (mut draws, mut encodes, mut bytes) = (Vec::new(), Vec::new(), 0);
        for index in 0..300 {
            let begin = Instant::now();
            scene.frame_into(Duration::from_millis(250 * index), &mut image);
            draws.push(begin.elapsed());
            let begin = Instant::now();
            encoder.encode(&image, 80, &mut jpeg)?;
            encodes.push(begin.elapsed());
            bytes += jpeg.len();
        }
        draws.sort_unstable();
        encodes.sort_unstable();
        println!(
            "{width}x{height}: made in {made:.0?}; a frame {:.2?} (median), {:.2?} (99 %); encoding {:.2?}, {} bytes",
            draws[150],
            draws[297],
            encodes[150],
            bytes / 300
        );
    }
    if let Some(folder) = std::env::args().nth(1) {
        let scene = Scene::new(1, 640, 480);
        let (mut encoder, mut jpeg) = (Encoder::new()?, Vec::new());
        for second in 0..80 {
            encoder.encode(&scene.frame(Duration::from_secs(second)), 90, &mut jpeg)?;
            std::fs::write(format!("{folder}/{second:03}.jpg"), &jpeg)?;
        }
    }
    Ok(())
}
