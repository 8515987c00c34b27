//! Hands in pictures: `cargo run --release -p sightwire-infer --example find_hands [--fps N] PICTURE…`.
//!
//! Prints what is found in each, as JSON lines: side, presence, shape and joints, and where shoulders are.
//! With `--fps` they are the pictures of a clip, and what is said is printed, too. Needs the models (`sightwire models pull`
//! with `runtime`, `hands`, and for shoulders `pose`).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::Image;
use sightwire_frame::header::Limits;
use sightwire_frame::sent::FrameDecoder;
use sightwire_hands::shape::Measures;
use sightwire_hands::watch::{Watch, WatchOptions};
use sightwire_infer::landmarks::HandModel;
use sightwire_models::store::{Store, default_home};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(default_home, PathBuf::from);
    let store = Store::new(home, std::env::var_os("SIGHTWIRE_MODEL_MIRROR").map(PathBuf::from));
    let runtime = Runtime::load(&store, None, None)?;
    let options =
        EngineOptions { provider: None, threads: 1, precision: None, gpu_memory_mb: 0, trials: None };
    let engine = Engine::new(runtime, options)?;
    let model = HandModel::load(&store, &store.manifest("hands")?)?;
    let mut networks = model.networks(&engine)?;
    let (mut decoder, mut image) = (FrameDecoder::new()?, Image::new(0, 0));
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    let mut fps = None;
    if paths.first().is_some_and(|first| first == "--fps") {
        fps = paths.get(1).and_then(|fps| fps.parse::<f64>().ok());
        paths.drain(..2.min(paths.len()));
    }
    let mut watch = Watch::new(WatchOptions::default());
    let (mut looked, mut spent) = (0, Duration::ZERO);
    for (index, path) in paths.iter().enumerate() {
        decoder.decode(&std::fs::read(path)?, &Limits::default(), &mut image)?;
        if fps.is_none() {
            watch = Watch::new(WatchOptions::default());
        }
        let time = Duration::from_secs_f64(index as f64 / fps.unwrap_or(25.0));
        let begun = Instant::now();
        let sight = watch.see_picture(time, &image, &mut networks)?;
        spent += begun.elapsed();
        looked += usize::from(sight.looked);
        let said = sight.said.map(|said| said.label.name());
        println!(
            "{{\"picture\": {path:?}, \"seconds\": {:.3}, \"hands\": {}, \"said\": {said:?}}}",
            time.as_secs_f64(),
            sight.hands.len()
        );
        for seen in &sight.hands {
            let hand = &seen.hand;
            let measures = Measures::from_points(&hand.points);
            let shape = measures.and_then(|measures| measures.shape());
            println!(
                "{{\"side\": \"{:?}\", \"presence\": {:.4}, \"shape\": \"{shape:?}\", \"arming\": \"{:?}\", \"points\": {:?}}}",
                hand.side, hand.presence, seen.arming, hand.points
            );
            eprintln!("{measures:?}");
        }
        if let Some(shoulders) = sight.shoulders {
            println!("{{\"shoulders\": {:?}}}", [shoulders.left, shoulders.right]);
        }
    }
    let each = spent.as_secs_f64() * 1e3 / paths.len().max(1) as f64;
    eprintln!("{} pictures, {each:.2} ms each, palms looked for in {looked}", paths.len());
    Ok(())
}
