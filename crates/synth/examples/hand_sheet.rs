//! Contact sheets of generated hands: a page of each shape and a row of pictures of each stroke and of each bystander.
//!
//! `cargo run --release -p sightwire-synth --example hand_sheet -- /tmp/sheets [joints]`; with `joints`, the truth is
//! drawn over the pictures.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use sightwire_frame::Image;
use sightwire_frame::encode::Encoder;
use sightwire_synth::hand::{
    Act, BONES, HEIGHT, HandAt, Label, Performance, Shape, Side, Stage, Stroke, WIDTH, render_performance,
    sets,
};

const TILE: [u32; 2] = [320, 240];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "hand_sheets".to_owned());
    let with_joints = arguments.next().is_some_and(|word| word == "joints");
    std::fs::create_dir_all(&folder)?;
    let folder = Path::new(&folder);

    for shape in Shape::ALL {
        let tiles = (0..12).map(|seed| {
            let performance = Performance::new(Act::Held(shape), seed);
            let held = performance.truth()[0];
            tile(&performance, f32::midpoint(held.from, held.to), with_joints)
        });
        write(&folder.join(format!("shape_{}.jpg", shape.name())), &tiles.collect::<Vec<_>>(), 4)?;
    }
    for stroke in Stroke::ALL {
        let mut tiles = Vec::new();
        for seed in 0..4 {
            let performance = Performance::new(Act::Stroke(stroke), seed);
            let truth = performance.truth();
            let arm = truth[0];
            let played = truth.iter().find(|interval| matches!(interval.label, Label::Stroke(_)));
            let (from, to) = played.map_or((arm.to, arm.to), |played| (played.from, played.to));
            for t in [arm.to, from, from + (to - from) * 0.3, from + (to - from) * 0.6, to, to + 0.4] {
                tiles.push(tile(&performance, t, with_joints));
            }
        }
        write(&folder.join(format!("stroke_{}.jpg", stroke.name())), &tiles, 6)?;
    }
    let mut tiles = Vec::new();
    for case in sets::bystander_cases(7, 1) {
        let performance = case.performance();
        for i in 0..5 {
            tiles.push(tile(&performance, performance.duration() * (i as f32 + 0.5) / 5.0, with_joints));
        }
    }
    write(&folder.join("bystanders.jpg"), &tiles, 5)?;
    time();
    Ok(())
}

fn tile(performance: &Performance, t: f32, with_joints: bool) -> Image {
    let mut image = render_performance(performance, t, 1.0 / 60.0, TILE, performance.seed());
    if with_joints {
        for hand in performance.hands_at(t) {
            draw(&mut image, &hand);
        }
    }
    image
}

/// Bones as lines: thumb red, then yellow, green, cyan, blue; a white wrist for a right hand, black for a left.
fn draw(image: &mut Image, hand: &HandAt) {
    const COLOURS: [[u8; 3]; 5] = [[0, 0, 255], [0, 255, 255], [0, 255, 0], [255, 255, 0], [255, 0, 0]];
    let (width, height) = (image.width() as f32, image.height() as f32);
    let mut dot = |[x, y]: [f32; 2], colour: [u8; 3]| {
        let (x, y) = (x / WIDTH * width, y / HEIGHT * height);
        if x >= 0.0 && y >= 0.0 && x < width - 1.0 && y < height - 1.0 {
            let at = (y as usize * width as usize + x as usize) * 3;
            image.data_mut()[at..at + 3].copy_from_slice(&colour);
            image.data_mut()[at + 3..at + 6].copy_from_slice(&colour);
        }
    };
    for (i, (from, to)) in BONES.into_iter().enumerate() {
        let (a, b) = (hand.joints[from], hand.joints[to]);
        for step in 0..=60 {
            let share = step as f32 / 60.0;
            dot([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share], COLOURS[i / 4]);
        }
    }
    let wrist = if hand.side == Side::Right { [255; 3] } else { [0; 3] };
    for i in 0..36 {
        let offset = [(i % 6) as f32 - 3.0, (i / 6) as f32 - 3.0];
        dot([hand.joints[0][0] + offset[0] * 2.0, hand.joints[0][1] + offset[1] * 2.0], wrist);
    }
}

fn write(path: &Path, tiles: &[Image], columns: usize) -> Result<(), Box<dyn Error>> {
    let rows = tiles.len().div_ceil(columns);
    let [width, height] = TILE.map(|side| side as usize);
    let mut sheet = Image::new((width * columns) as u32, (height * rows) as u32);
    for (i, tile) in tiles.iter().enumerate() {
        let (column, row) = (i % columns, i / columns);
        for (y, line) in tile.data().chunks_exact(width * 3).enumerate() {
            let at = ((row * height + y) * width * columns + column * width) * 3;
            sheet.data_mut()[at..at + width * 3].copy_from_slice(line);
        }
    }
    let mut bytes = Vec::new();
    Encoder::new()?.encode(&sheet, 90, &mut bytes)?;
    std::fs::write(path, bytes)?;
    println!("{}", path.display());
    Ok(())
}

/// What a picture costs.
fn time() {
    for size in [[160, 120], [640, 480]] {
        let (mut pictures, mut most, mut stages) = (Vec::new(), 0.0_f64, Vec::new());
        for case in sets::stroke_cases(14, 1).into_iter().chain(sets::bystander_cases(14, 1)) {
            let performance = case.performance();
            let start = Instant::now();
            let stage = Stage::new(&performance, size, case.seed);
            stages.push(start.elapsed().as_secs_f64() * 1e3);
            let mut image = Image::default();
            for i in 0..20 {
                let start = Instant::now();
                stage.picture_into(performance.duration() * i as f32 / 20.0, 1.0 / 30.0, &mut image);
                let ms = start.elapsed().as_secs_f64() * 1e3;
                pictures.push(ms);
                most = most.max(ms);
            }
        }
        let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
        println!(
            "{} x {}: {:.2} ms a picture (most {most:.2}), {:.2} ms a room",
            size[0],
            size[1],
            mean(&pictures),
            mean(&stages)
        );
    }
}
