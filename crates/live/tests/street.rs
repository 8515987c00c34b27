//! The generated street and what detectors say of it: what the demo shows has to be true.
//!
//! The scene tells where its cars are only to be compared with; no label comes from it. With the figures:
//! `SIGHTWIRE_MODEL_MIRROR=FOLDER cargo test --release -p sightwire-live --test street -- --nocapture`, where FOLDER has
//! `yolox_nano.onnx`, or after `sightwire models pull yolox-nano` without it. Without the model the half that needs it is
//! skipped; all of it needs the ONNX Runtime library in the store (`sightwire models pull runtime`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sightwire_frame::boxes::Detection;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Encoder, Image};
use sightwire_infer::detect::{DEFAULT_MODEL, DetectModel, DetectorOptions};
use sightwire_models::store::Store;
use sightwire_synth::scene::{Scene, SceneObject};
use sightwire_track::{Motion, MotionOptions};

/// The cameras of `cargo xtask demo`: seed, width, height, pictures a second.
const DEMO: [(u64, u32, u32, u32); 2] = [(1, 640, 480, 15), (7, 480, 360, 10)];
/// Pictures of each camera.
const PICTURES: u32 = 200;
/// From one picture that is looked at to the next: more than two rounds of the lights in all.
const STEP: Duration = Duration::from_millis(350);
/// The quality that `sightwire camera` has where nobody says otherwise.
const QUALITY: u8 = 80;
/// From which boxes are shown where nobody says otherwise (`detector.confidence`).
const CONFIDENCE: f32 = 0.25;
const OVERLAP: f32 = 0.5;
/// Of a box of [`Motion`], which knows no edges.
const MOTION_OVERLAP: f32 = 0.3;
/// How long motion looks, and until when it takes what stood in its first picture for a part of the street.
const MOTION_S: u32 = 90;
const LEARNT: Duration = Duration::from_secs(30);
/// Share of the boxes shown that have to be right, and of the objects that have to be found.
const RIGHT: f64 = 0.9;

/// What a viewer gets of a camera, decoded again from its JPEGs, with what is in it.
fn pictures(
    seed: u64,
    (width, height): (u32, u32),
    step: Duration,
    count: u32,
) -> impl Iterator<Item = (Image, Vec<SceneObject>)> {
    pictures_of(Scene::street(seed, width, height), step, count)
}

fn pictures_of(scene: Scene, step: Duration, count: u32) -> impl Iterator<Item = (Image, Vec<SceneObject>)> {
    let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
    let limits = Limits { max_bytes: 10 << 20, max_pixels: 40_000_000, max_side: 16_384 };
    (0..count).map(move |index| {
        let (mut jpeg, mut image) = (Vec::new(), Image::default());
        encoder.encode(&scene.frame(step * index), QUALITY, &mut jpeg).unwrap();
        decoder.decode(&jpeg, &limits, &mut image).unwrap();
        (image, scene.objects(step * index))
    })
}

/// Boxes that were shown, objects, and how many of the ones are one of the others.
#[derive(Default)]
struct Tally {
    shown: u32,
    right: u32,
    objects: u32,
}

impl Tally {
    /// A box is right if it has the object's name and lies on it; each object makes one box right.
    fn count(
        &mut self,
        found: &[Detection],
        same: impl Fn(&Detection, &SceneObject) -> bool,
        truth: &[SceneObject],
        least: f32,
    ) {
        let mut left: Vec<&SceneObject> = truth.iter().collect();
        for detection in found {
            let best = left
                .iter()
                .enumerate()
                .filter(|(_, object)| same(detection, object))
                .map(|(index, object)| (index, object.rect.iou(&detection.rect)))
                .max_by(|one, other| one.1.total_cmp(&other.1));
            if let Some((index, _)) = best.filter(|&(_, overlap)| overlap >= least) {
                left.swap_remove(index);
                self.right += 1;
            }
        }
        self.shown += found.len() as u32;
        self.objects += truth.len() as u32;
    }

    fn share_right(&self) -> f64 {
        f64::from(self.right) / f64::from(self.shown.max(1))
    }

    fn share_found(&self) -> f64 {
        f64::from(self.right) / f64::from(self.objects.max(1))
    }

    fn say(&self, what: &str) {
        println!(
            "{what}: {} of {} boxes shown are right ({:.1} %), {} false; {} of {} objects found ({:.1} %)",
            self.right,
            self.shown,
            100.0 * self.share_right(),
            self.shown - self.right,
            self.right,
            self.objects,
            100.0 * self.share_found()
        );
    }
}

/// The model of the mirror or of the store, and where the library is.
fn yolox_nano() -> Option<(DetectModel, Store)> {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    let mirror = std::env::var_os("SIGHTWIRE_MODEL_MIRROR").map(PathBuf::from);
    let store = Store::new(home, None);
    let copy = tempfile::tempdir().unwrap();
    let model = match mirror.filter(|folder| folder.join("yolox_nano.onnx").is_file()) {
        Some(mirror) => {
            let store = Store::new(copy.path().to_owned(), Some(mirror));
            DetectModel::load_or_fetch(&store, DEFAULT_MODEL, &mut |_| {}).ok()
        }
        None => {
            store.manifest(DEFAULT_MODEL).ok().and_then(|manifest| DetectModel::load(&store, &manifest).ok())
        }
    };
    model.map(|model| (model, store))
}

#[test]
fn yolox_nano_agrees_with_nine_of_ten_boxes_that_it_shows_on_the_street() {
    let Some((model, store)) = yolox_nano() else {
        println!("skipped: no model {DEFAULT_MODEL} in the store, and no SIGHTWIRE_MODEL_MIRROR that has it");
        return;
    };
    let runtime = Runtime::load(&store, None, None).expect("`cargo xtask setup` brings the library");
    let options =
        EngineOptions { provider: None, threads: 2, precision: None, gpu_memory_mb: 0, trials: None };
    let engine = Engine::new(runtime, options).unwrap();
    for (seed, width, height, _) in DEMO {
        let mut detector = model.detector(&engine, DetectorOptions::default()).unwrap();
        let mut tally = Tally::default();
        for (image, truth) in pictures(seed, (width, height), STEP, PICTURES) {
            let found = detector.detect(&image, CONFIDENCE).unwrap();
            tally.count(
                &found,
                |detection, object| label(&model, detection) == object.kind.name(),
                &truth,
                OVERLAP,
            );
        }
        tally.say(&format!("{DEFAULT_MODEL} on street {seed}, {width}x{height}"));
        assert!(tally.share_right() >= RIGHT, "street {seed}: {}", tally.share_right());
        assert!(tally.share_found() >= RIGHT, "street {seed}: {}", tally.share_found());
    }
    // To compare: why the demo does not show the car park.
    let mut detector = model.detector(&engine, DetectorOptions::default()).unwrap();
    let mut tally = Tally::default();
    for (image, truth) in pictures_of(Scene::new(1, 640, 480), STEP, PICTURES) {
        let found = detector.detect(&image, CONFIDENCE).unwrap();
        tally.count(
            &found,
            |detection, object| label(&model, detection) == object.kind.name(),
            &truth,
            OVERLAP,
        );
    }
    tally.say(&format!("{DEFAULT_MODEL} on the car park"));
}

fn label<'a>(model: &'a DetectModel, detection: &Detection) -> &'a str {
    &model.labels()[detection.class]
}

/// What is shown where the model cannot be had.
#[test]
fn motion_shows_the_cars_of_the_street_and_little_else() {
    for (seed, width, height, fps) in DEMO {
        let (mut motion, mut tally) = (Motion::new(MotionOptions::default()), Tally::default());
        let (begin, step) = (Instant::now(), Duration::from_secs(1) / fps);
        let count = MOTION_S * fps;
        for (index, (image, truth)) in pictures(seed, (width, height), step, count).enumerate() {
            let at = step * index as u32;
            let found = motion.update(begin + at, &image);
            if at > LEARNT {
                tally.count(&found, |_, _| true, &truth, MOTION_OVERLAP);
            }
        }
        tally.say(&format!("motion on street {seed}, {width}x{height}"));
        assert!(tally.share_right() >= RIGHT && tally.share_found() >= RIGHT, "street {seed}");
    }
}
