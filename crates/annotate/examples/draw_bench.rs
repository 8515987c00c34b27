//! Times of drawing on a picture: `cargo run --release -p sightwire-annotate --example draw_bench [FOLDER]`.
//!
//! Prints microseconds per call: the median and the fastest of many. One thread; run it on a machine that is quiet.
//! With a folder it writes samples there as PNG instead, to be looked at.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use sightwire_annotate::{self as annotate, Annotator, Edge, Mark, Tone, TrailPoint};
use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;
use sightwire_synth::sample::{Clip, Gesture};

const LABELS: [&str; 10] =
    ["person", "bicycle", "car", "motorbike", "bus", "Straßenbahn", "truck", "dog", "Ωμέγα", "машина"];
const REASON: &str = "No picture for 7\u{a0}s: the camera at http://***:***@10.0.0.5/stream does not answer \
    (connection refused). Next attempt in 4\u{a0}s.";
const SIZES: [(u32, u32); 3] = [(320, 240), (640, 480), (1920, 1080)];

/// Ten boxes all over a picture, with trails of 40 points.
struct Scene {
    rects: Vec<Rect>,
    trails: Vec<Vec<TrailPoint>>,
}

impl Scene {
    fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        let places = [
            (0.03, 0.0, 0.2, 0.3),
            (0.3, 0.12, 0.1, 0.25),
            (0.36, 0.2, 0.24, 0.3),
            (0.88, 0.4, 0.2, 0.3),
            (0.6, 0.05, 0.3, 0.22),
            (0.05, 0.45, 0.3, 0.2),
            (0.4, 0.6, 0.25, 0.3),
            (0.7, 0.75, 0.08, 0.1),
            (0.1, 0.8, 0.12, 0.25),
            (0.66, 0.45, 0.1, 0.18),
        ];
        let rects: Vec<_> = places
            .iter()
            .map(|(x, y, w, h)| Rect {
                left: x * width,
                top: y * height,
                right: (x + w) * width,
                bottom: (y + h) * height,
            })
            .collect();
        let trail = |rect: &Rect| {
            let (x, y) = rect.centre();
            let point = |step: u8| {
                let age = f32::from(step) / 39.0;
                (x - age * width * 0.2, y + (age * 5.0).sin() * height * 0.06, age)
            };
            (0..40).map(point).collect()
        };
        let trails = rects.iter().map(trail).collect();
        Self { rects, trails }
    }

    fn marks(&self, tracks: bool) -> Vec<Mark<'_>> {
        (0..self.rects.len())
            .map(|index| Mark {
                rect: self.rects[index],
                label: LABELS[index],
                colour: index,
                confidence: (!tracks).then_some(0.97 - index as f32 * 0.07),
                id: tracks.then_some(index as u64 * 7 + 3),
                trail: if tracks { &self.trails[index] } else { &[] },
            })
            .collect()
    }
}

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

fn bench() {
    println!("{:<44} {:>8} {:>8}", "microseconds per call", "median", "least");
    for (width, height) in SIZES {
        println!("{width}x{height}");
        let scene = Scene::new(width, height);
        let mut image = Clip::new(Gesture::Wave, 1, width, height).frame(0);
        let mut annotator = Annotator::new();
        let (boxes, tracks) = (scene.marks(false), scene.marks(true));
        time("10 boxes with labels", || annotator.draw_marks(black_box(&mut image), &boxes));
        time("10 boxes with labels and trails of 40", || {
            annotator.draw_marks(black_box(&mut image), &tracks);
        });
        time("banner", || annotator.draw_banner(black_box(&mut image), REASON, Tone::Warning, Edge::Bottom));
        time("dim", || annotate::dim_image(black_box(&mut image)));
        time("placeholder", || {
            drop(black_box(annotator.draw_placeholder(width, height, "Front door", REASON)));
        });
        time("the first label of a new annotator", || {
            Annotator::new().draw_marks(black_box(&mut image), &boxes[..1]);
        });
    }
}

/// Backgrounds that are dark, light and busy.
fn backgrounds(width: u32, height: u32) -> [(&'static str, Image); 3] {
    let flat = |level| {
        Image::from_bgr(width, height, vec![level; (width * height * 3) as usize]).unwrap_or_default()
    };
    [("dark", flat(24)), ("light", flat(235)), ("busy", Clip::new(Gesture::Wave, 1, width, height).frame(3))]
}

fn samples(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let write = |name: String, image: &Image| -> Result<(), Box<dyn std::error::Error>> {
        let file = std::fs::File::create(folder.join(name + ".png"))?;
        let mut encoder = png::Encoder::new(file, image.width(), image.height());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let rgb: Vec<u8> = image.data().chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]]).collect();
        Ok(encoder.write_header()?.write_image_data(&rgb)?)
    };
    for (width, height) in [(160, 120), (320, 240), (640, 480), (1920, 1080), (3840, 2160)] {
        let scene = Scene::new(width, height);
        let mut annotator = Annotator::new();
        for (name, mut image) in backgrounds(width, height) {
            for (kind, tracks) in [("boxes", false), ("tracks", true)] {
                let mut image = image.clone();
                annotator.draw_marks(&mut image, &scene.marks(tracks));
                write(format!("{width}x{height}-{name}-{kind}"), &image)?;
            }
            annotator.draw_marks(&mut image, &scene.marks(true));
            annotate::dim_image(&mut image);
            annotator.draw_banner(&mut image, REASON, Tone::Warning, Edge::Bottom);
            annotator.draw_banner(&mut image, "Frozen for 12\u{a0}s", Tone::Error, Edge::Top);
            write(format!("{width}x{height}-{name}-stalled"), &image)?;
        }
        let image = annotator.draw_placeholder(
            width,
            height,
            "Front door",
            "Waiting for the camera's first picture.",
        );
        write(format!("{width}x{height}-waiting"), &image)?;
        let image = annotator.draw_placeholder(width, height, "Hofeinfahrt Süd", REASON);
        write(format!("{width}x{height}-unreachable"), &image)?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(folder) = std::env::args_os().nth(1) {
        return samples(Path::new(&folder));
    }
    bench();
    Ok(())
}
