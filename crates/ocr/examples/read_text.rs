//! Reads the text of pictures: `cargo run --release --example read_text -- FILE…`

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::Image;
use sightwire_frame::still::{StillDecoder, StillLimits};
use sightwire_models::manifest::Precision;
use sightwire_models::store::Store;
use sightwire_ocr::{
    DEFAULT_MODEL, Memory, PageRequest, ReadModel, ReadOptions, ReadService, ServiceOptions,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::new(std::env::var("SIGHTWIRE_HOME")?.into(), None);
    let env = |name: &str, or: usize| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let (threads, rounds) = (env("THREADS", 2), env("ROUNDS", 1));
    let precision = match std::env::var("PRECISION").as_deref() {
        Ok("bf16") => Some(Precision::Bf16),
        Ok("f32") => Some(Precision::F32),
        _ => None,
    };
    let runtime = Runtime::load(&store, None, None)?;
    let options = EngineOptions { provider: None, threads, precision, gpu_memory_mb: 0, trials: None };
    let engine = Arc::new(Engine::new(runtime, options)?);
    let model =
        Arc::new(ReadModel::load_or_fetch(&store, DEFAULT_MODEL, &mut |progress| eprintln!("{progress:?}"))?);
    let idle_release = Duration::from_secs(60);
    let service = ReadService::start(
        engine,
        ServiceOptions { threads, queue: 64, idle_release, memory: Memory::unlimited() },
    )?;
    for round in 0..rounds {
        for file in std::env::args().skip(1) {
            let bytes = std::fs::read(&file)?;
            let (tell, told) = mpsc::channel();
            let load = move || {
                let mut image = Image::default();
                let limits = StillLimits { max_pixels: 200_000_000, ..StillLimits::default() };
                StillDecoder::new()?.decode(&bytes, 0, &limits, &mut image)?;
                Ok(image)
            };
            let started = Instant::now();
            let (load, wanted) = (Box::new(load), Box::new(|| true));
            let done = Box::new(move |read| drop(tell.send(read)));
            let min_confidence = std::env::var("MIN").ok().and_then(|v| v.parse().ok()).unwrap_or(0.5);
            let options = ReadOptions { min_confidence, ..ReadOptions::default() };
            service.submit(PageRequest {
                model: model.clone(),
                load,
                options,
                keep: false,
                wanted,
                effort: Arc::default(),
                done,
            })?;
            let reading = told.recv()??;
            if round + 1 == rounds {
                let ms = started.elapsed().as_secs_f64() * 1e3;
                println!("{file}: {} lines, {ms:.1} ms, {:?}", reading.regions.len(), reading.times);
                for region in &reading.regions {
                    println!("  {:.3} {:?} {:?}", region.confidence, region.text, region.polygon);
                }
            }
        }
    }
    Ok(())
}
