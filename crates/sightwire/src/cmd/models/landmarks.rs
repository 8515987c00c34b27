//! `sightwire models check` of models that find joints.

use std::time::Instant;

use sightwire_frame::Image;
use sightwire_hands::region::Region;
use sightwire_hands::watch::Networks as _;
use sightwire_infer::clip::model::in_words;
use sightwire_infer::landmarks::HandModel;
use sightwire_models::manifest::{Joints, Manifest};
use sightwire_server::config::Config;

use crate::engine;
use crate::print::{Printer, note, out};

/// How often each network is run.
const RUNS: u32 = 50;

pub(super) fn check_landmarks(
    config: &Config,
    manifest: &Manifest,
    of: Joints,
    again: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    let name = &manifest.name;
    if of == Joints::Pose {
        for file in &manifest.files {
            config.store.verified_path(name, file)?;
        }
        out!(printer, "{}", super::right_files(manifest))?;
        note!(printer, "{name}: runs beside hands only; `sightwire models check hands` runs both");
        return Ok(());
    }
    let model = HandModel::load(&config.store, manifest)?;
    out!(printer, "{}", super::right_files(manifest))?;
    if let Some(warning) = model.warning() {
        note!(printer, "{name}: {warning}");
    }
    let engine = engine::load_engine(config, printer)?;
    let subjects = model.subjects();
    engine::measure_networks(&engine, name, &subjects, again, printer)?;
    super::show_ways(&engine, name, &subjects, printer)?;
    let started = Instant::now();
    let mut networks = model.networks(&engine)?;
    let made = started.elapsed();
    let picture = Image::new(640, 480);
    let region = Region { x: 320.0, y: 240.0, side: 200.0, turn: 0.1 };
    let started = Instant::now();
    for _ in 0..RUNS {
        networks.palms(&picture)?;
    }
    let palms = started.elapsed();
    let started = Instant::now();
    for _ in 0..RUNS {
        networks.landmarks(&picture, &region)?;
    }
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3 / f64::from(RUNS);
    out!(
        printer,
        "{name}: runs on ONNX Runtime {} ({}); on one thread {:.2} ms to look for palms in a picture of 640x480, {:.2} ms for the joints of a hand; sessions made in {:.0} ms",
        engine.runtime().version(),
        in_words(&model.plans(&engine)),
        ms(palms),
        ms(started.elapsed()),
        made.as_secs_f64() * 1e3,
    )?;
    Ok(())
}
