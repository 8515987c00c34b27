//! Times of looking for hands: `cargo run --release -p sightwire-infer --example hands_bench`.
//!
//! Prints milliseconds for each picture of 640 × 480, decoded already: the mean and the median over a few seconds of pictures, on one
//! thread. Needs the models (`sightwire models pull` with `runtime` and `hands`). The hands are generated, and found by the real
//! networks. Where the model `pose` is there, shoulders are looked for as in the server, and the time of one look is printed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::Image;
use sightwire_hands::flow::{Small, measure_flow};
use sightwire_hands::region::Region;
use sightwire_hands::watch::{Networks as _, Watch, WatchOptions};
use sightwire_infer::landmarks::{HandModel, HandNetworks};
use sightwire_models::store::{Store, default_home};
use sightwire_synth::hand::{Act, Performance, Shape, Stage};

/// Pictures of each kind.
const PICTURES: u32 = 250;
const FPS: f32 = 25.0;

fn report(what: &str, mut times: Vec<Duration>) {
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e3 / times.len() as f64;
    times.sort_unstable();
    println!("{what:<58} {mean:>8.2} {:>8.2}", times[times.len() / 2].as_secs_f64() * 1e3);
}

/// Watches a performance from `from` to `to` seconds of it, again and again.
fn watch(
    name: &str,
    act: Act,
    [from, to]: [f32; 2],
    networks: &mut HandNetworks,
) -> Result<(), Box<dyn std::error::Error>> {
    let performance = Performance::new(act, 3);
    let stage = Stage::new(&performance, [640, 480], 3);
    let count = ((to - from) * FPS) as u32;
    let pictures: Vec<Image> =
        (0..count).map(|index| stage.picture(from + index as f32 / FPS, 1.0 / 60.0)).collect();
    let mut watch = Watch::new(WatchOptions::default());
    let (mut times, mut hands, mut looked) = (Vec::new(), 0, 0);
    for index in 0..PICTURES {
        // To and fro, so that nothing jumps.
        let place = index % (2 * count - 2);
        let picture = &pictures[place.min(2 * count - 2 - place) as usize];
        let begun = Instant::now();
        let sight = watch.see_picture(Duration::from_secs_f32(index as f32 / FPS), picture, networks)?;
        times.push(begun.elapsed());
        hands += usize::from(!sight.hands.is_empty());
        looked += usize::from(sight.looked);
    }
    report(name, times);
    println!("    a hand in {hands} of {PICTURES}, palms looked for in {looked}");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(default_home, PathBuf::from);
    let store = Store::new(home, std::env::var_os("SIGHTWIRE_MODEL_MIRROR").map(PathBuf::from));
    let runtime = Runtime::load(&store, None, None)?;
    let provider = std::env::args().nth(1).map(|name| name.parse()).transpose()?;
    let options = EngineOptions { provider, threads: 1, precision: None, gpu_memory_mb: 0, trials: None };
    let engine = Engine::new(runtime, options)?;
    let begun = Instant::now();
    let model = HandModel::load(&store, &store.manifest("hands")?)?;
    println!(
        "reading and converting the networks: {:.0} ms; run with {}",
        begun.elapsed().as_secs_f64() * 1e3,
        engine.provider()
    );
    let mut networks = model.networks(&engine)?;
    println!("{:<58} {:>8} {:>8}", "milliseconds for each picture", "mean", "median");
    let held = Performance::new(Act::Held(Shape::OpenPalm), 3);
    let middle = held.truth().first().map_or(1.0, |held| f32::midpoint(held.from, held.to));
    watch("one hand, held", Act::Held(Shape::OpenPalm), [middle - 0.4, middle + 0.4], &mut networks)?;
    watch("somebody who talks, two hands", Act::Talk, [1.0, 5.0], &mut networks)?;
    watch("no hand", Act::Empty, [1.0, 5.0], &mut networks)?;
    let stage = Stage::new(&held, [640, 480], 3);
    // While it comes in.
    let begins = held.truth().first().map_or(1.0, |held| held.from);
    let [first, second] = [0.0, 0.04].map(|t| stage.picture(begins - 0.35 + t, 1.0 / 60.0));
    let (mut before, mut now) = (Small::default(), Small::default());
    let time = |mut work: Box<dyn FnMut() + '_>| -> Vec<Duration> {
        (0..PICTURES)
            .map(|_| {
                let begun = Instant::now();
                work();
                begun.elapsed()
            })
            .collect()
    };
    report("small grey copy", time(Box::new(|| before.copy_image(&first))));
    now.copy_image(&second);
    report(
        "flow around a hand that moves",
        time(Box::new(|| {
            std::hint::black_box(measure_flow(&before, &now, [320.0, 300.0], 210.0));
        })),
    );
    let whole = Region { x: 320.0, y: 240.0, side: 640.0, turn: 0.0 };
    let mut shoulders = Vec::new();
    for _ in 0..PICTURES / 5 {
        let begun = Instant::now();
        let found = networks.pose(&first, &whole)?;
        shoulders.push(begun.elapsed());
        std::hint::black_box(found);
    }
    if model.plans(&engine).iter().any(|(role, _)| *role == "pose") {
        report("a look for shoulders", shoulders);
    }
    println!("kept of a client: {} bytes and the small copies, 2 × {} bytes", size_of::<Watch>(), 80 * 60);
    Ok(())
}
