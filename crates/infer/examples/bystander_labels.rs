//! What `gestures` says of generated people who mean nothing, with `recognizer.arming` and without:
//! `cargo run --release -p sightwire-infer --example bystander_labels [COUNT [SEED]]`.
//!
//! A label counts when it begins to be said; the model's rest is none. Needs the runtime (`sightwire models pull runtime`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::Encoder;
use sightwire_frame::header::Limits;
use sightwire_infer::clip::meant::Meant;
use sightwire_infer::clip::model::{ClipModel, Window};
use sightwire_infer::sender::Payload;
use sightwire_models::store::{Store, default_home};
use sightwire_synth::hand::{Stage, sets};

const FPS: f32 = 25.0;
const EXPOSURE_S: f32 = 1.0 / 60.0;
const QUALITY: u8 = 85;

/// Labels that began, of one kind of people.
#[derive(Default)]
struct Count {
    seconds: f32,
    armed: u32,
    unarmed: u32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (count, seed) = (number(140) as usize, number(20_261_126));
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(default_home, PathBuf::from);
    let store = Store::new(home, std::env::var_os("SIGHTWIRE_MODEL_MIRROR").map(PathBuf::from));
    let options =
        EngineOptions { provider: None, threads: 1, precision: None, gpu_memory_mb: 0, trials: None };
    let engine = Engine::new(Runtime::load(&store, None, None)?, options)?;
    let model = ClipModel::load(&store, &store.manifest("gestures")?)?;
    let (labels, threshold) = (model.clip().labels.clone(), model.clip().threshold);
    let rest = model.clip().rest.as_ref().and_then(|rest| labels.iter().position(|label| label == rest));
    let rest = rest.ok_or("the model has no label of rest")?;
    let mut networks = model.networks(&engine, Limits::default())?;
    let (mut encoder, begun) = (Encoder::new()?, Instant::now());
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for case in sets::bystander_cases(count, seed) {
        let performance = case.performance();
        let stage = Stage::new(&performance, [640, 480], case.seed);
        let (mut window, mut meant) = (Window::default(), Meant::new(rest, threshold));
        let of_kind = counts.entry(format!("{:?}", case.act)).or_default();
        let (mut last, mut jpeg) = ([None, None], Vec::new());
        for index in 0..(performance.duration() * FPS) as u32 {
            let t = index as f32 / FPS;
            jpeg.clear();
            encoder.encode(&stage.picture(t, EXPOSURE_S), QUALITY, &mut jpeg)?;
            networks.prepare_frame(0, &Payload::Binary(jpeg.clone().into()))?;
            networks.extend(&mut window, 1)?;
            let Some(scores) = networks.predict(&window)? else { continue };
            let best = (0..labels.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(rest);
            let says = scores[best] >= threshold && best != rest;
            let is_meant = meant.see_prediction(begun + Duration::from_secs_f32(t), best, scores[best]);
            let now = [is_meant && says, says].map(|said| said.then_some(best));
            for (begins, counter) in now.iter().zip(&last).zip([&mut of_kind.armed, &mut of_kind.unarmed]) {
                *counter += u32::from(begins.0.is_some() && begins.0 != begins.1);
            }
            last = now;
        }
        of_kind.seconds += performance.duration();
    }
    println!("labels a minute       seconds   arming   every motion");
    let mut all = Count::default();
    for (kind, count) in &counts {
        show(kind, count);
        all.seconds += count.seconds;
        all.armed += count.armed;
        all.unarmed += count.unarmed;
    }
    show("all", &all);
    Ok(())
}

fn show(kind: &str, count: &Count) {
    let a_minute = |labels: u32| labels as f32 * 60.0 / count.seconds;
    println!(
        "{kind:<20} {:>8.0} {:>8.2} {:>14.2}",
        count.seconds,
        a_minute(count.armed),
        a_minute(count.unarmed)
    );
}
