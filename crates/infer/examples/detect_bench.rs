//! Times of detection: `cargo run --release -p sightwire-infer --example detect_bench [MODEL]`.
//!
//! Prints microseconds per call: the median and the fastest of many. One thread; run it on a machine that is quiet. With a
//! model that is in the store (`sightwire models pull yolox-nano`) its network is timed, too.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::letterbox::{Letterbox, Placement, Planes};
use sightwire_infer::detect::{DetectModel, DetectorOptions};
use sightwire_models::manifest::Precision;
use sightwire_models::store::Store;
use sightwire_synth::sample::{Clip, Gesture};
use sightwire_track::{Motion, MotionOptions};

/// Calls `step` for about two seconds and prints its times.
fn time(name: &str, mut step: impl FnMut()) {
    let mut micros = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        let begin = Instant::now();
        step();
        micros.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    println!("{name:<60} {:>10.1} {:>10.1}", micros[micros.len() / 2], micros[0]);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:<60} {:>10} {:>10}", "microseconds per call", "median", "least");
    for (width, height) in [(640, 480), (1600, 1200)] {
        let clip = Clip::new(Gesture::Wave, 1, width, height);
        let pictures: Vec<_> = (0..25).map(|index| clip.frame(index)).collect();
        let mut letterbox = Letterbox::new(416, 416, Placement::TopLeft, Planes::Bgr, 1.0);
        time(&format!("letterbox {width}x{height} to 416x416"), || {
            black_box(letterbox.fit(black_box(&pictures[0]))).ok();
        });
        for (name, options) in
            [("motion", MotionOptions::default()), ("motion, as a gate", MotionOptions::for_gate())]
        {
            let mut motion = Motion::new(options);
            let (start, mut count, mut found) = (Instant::now(), 0, 0);
            time(&format!("{name} {width}x{height}, a hand that waves"), || {
                let picture = &pictures[count % pictures.len()];
                count += 1;
                let now = start + Duration::from_millis(40) * count as u32;
                found += usize::from(!black_box(motion.update(now, picture)).is_empty());
            });
            println!("    found in {found} of {count}");
            let mut motion = Motion::new(options);
            count = 0;
            time(&format!("{name} {width}x{height}, a picture that stands still"), || {
                count += 1;
                let now = start + Duration::from_millis(40) * count as u32;
                black_box(motion.update(now, &pictures[0]));
            });
        }
    }
    let Some(name) = std::env::args().nth(1) else { return Ok(()) };
    let home =
        std::env::var_os("SIGHTWIRE_HOME").map_or_else(|| PathBuf::from(".sightwire/home"), PathBuf::from);
    let store = Store::new(home, std::env::var_os("SIGHTWIRE_MODEL_MIRROR").map(PathBuf::from));
    let model = DetectModel::load(&store, &store.manifest(&name)?)?;
    let image = Clip::new(Gesture::Still, 1, 640, 480).frame(0);
    for precision in [Precision::F32, Precision::Bf16] {
        let options = EngineOptions {
            provider: None,
            threads: 1,
            precision: Some(precision),
            gpu_memory_mb: 0,
            trials: None,
        };
        let engine = Engine::new(Runtime::load(&store, None, None)?, options)?;
        let begin = Instant::now();
        let mut detector = model.detector(&engine, DetectorOptions::default())?;
        println!("session made in {:.0} ms", begin.elapsed().as_secs_f64() * 1e3);
        for threshold in [0.25, 0.1, 0.0] {
            time(&format!("{name}, {}, boxes from {threshold}", model.plan(&engine)), || {
                black_box(detector.detect(black_box(&image), threshold)).ok();
            });
        }
    }
    Ok(())
}
