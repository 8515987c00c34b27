//! The built-in model on generated clips, through the whole service: real library, real networks, real JPEGs.
//!
//! Needs the ONNX Runtime library in the store (`sightwire models pull runtime`, which `cargo xtask test` does).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineError, EngineOptions};
use sightwire_frame::header::Limits;
use sightwire_frame::{Encoder, Image};
use sightwire_infer::clip::model::{ClipModel, ClipModelError};
use sightwire_infer::clip::scheduler::Verdict;
use sightwire_infer::clip::service::{ClipClient, ClipService, ServiceOptions};
use sightwire_infer::sender::{Frame, Payload, Prediction};
use sightwire_models::Provider;
use sightwire_models::manifest::Manifest;
use sightwire_models::store::Store;
use sightwire_synth::sample::{Clip, Gesture};

const OPTIONS: ServiceOptions = ServiceOptions {
    limits: Limits { max_bytes: 10 << 20, max_pixels: 40_000_000, max_side: 16_384 },
    max_fps: 1000.0,
    turn_gap: Duration::from_secs(1),
    turn_wait: Duration::from_secs(15),
    idle_release: Duration::from_secs(60),
    threshold: None,
    arming: false,
};

fn store() -> Store {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    Store::new(home, None)
}

fn engine(provider: Option<Provider>) -> Arc<Engine> {
    let runtime = Runtime::load(&store(), None, None).expect("`cargo xtask setup` brings the library");
    let options = EngineOptions { provider, threads: 2, precision: None, gpu_memory_mb: 0, trials: None };
    Arc::new(Engine::new(runtime, options).unwrap())
}

fn manifest() -> Manifest {
    store().manifest("gestures").unwrap()
}

fn service(provider: Option<Provider>) -> ClipService {
    let model = ClipModel::load(&store(), &manifest()).unwrap();
    ClipService::start(model, engine(provider), OPTIONS).unwrap()
}

fn jpegs(gesture: Gesture, seed: u64, frames: u32) -> Vec<Bytes> {
    let clip = Clip::new(gesture, seed, 640, 480);
    let mut encoder = Encoder::new().unwrap();
    let mut image = Image::new(0, 0);
    (0..frames)
        .map(|index| {
            clip.frame_into(index, &mut image);
            let mut jpeg = Vec::new();
            encoder.encode(&image, 90, &mut jpeg).unwrap();
            jpeg.into()
        })
        .collect()
}

/// Pushes a frame and waits until it has been analysed, so that none is skipped.
fn analysed(service: &ClipService, client: &ClipClient, id: usize, jpeg: &Bytes) {
    let before = service.stats().analysed + service.stats().broken;
    let frame =
        Frame { payload: Payload::Binary(jpeg.clone()), arrived: Instant::now(), id: Some(id as u64) };
    assert_eq!(client.push(frame).0, Verdict::Queued);
    let start = Instant::now();
    while service.stats().analysed + service.stats().broken == before {
        assert!(start.elapsed() < Duration::from_secs(20), "frame {id} was not analysed");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Each frame is pushed when the one before has been analysed; returns all predictions.
fn predictions(service: &ClipService, frames: &[Bytes]) -> Vec<Arc<Prediction>> {
    let (sender, receiver) = mpsc::channel();
    let client = service.join(Box::new(move |p| drop(sender.send(p.clone()))));
    let mut all = Vec::new();
    let before = service.stats().analysed;
    for (id, jpeg) in frames.iter().enumerate() {
        analysed(service, &client, id, jpeg);
        // One for each full window of 10.
        while all.len() < (service.stats().analysed - before).saturating_sub(9) as usize {
            all.push(receiver.recv_timeout(Duration::from_secs(20)).unwrap());
        }
    }
    all
}

#[test]
fn each_gesture_of_a_generated_clip_is_recognised() {
    let service = service(None);
    let labels = &manifest().clip.unwrap().labels;
    for gesture in Gesture::ALL {
        let (mut right, mut all) = (0, 0);
        for seed in 1..=2 {
            for prediction in predictions(&service, &jpegs(gesture, seed, 25)) {
                all += 1;
                right += usize::from(labels[prediction.label] == gesture.name());
            }
        }
        println!("{}: {right} of {all}", gesture.name());
        assert!(all >= 2 * 14, "{all} predictions of 2 × 16 windows");
        assert!(right * 3 > all * 2, "{}: {right} of {all} windows", gesture.name());
    }
}

// OpenVINO is packaged for x86-64 alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn providers_agree() {
    let frames = jpegs(Gesture::Left, 7, 14);
    let with = |provider| predictions(&service(Some(provider)), &frames);
    let (cpu, openvino) = (with(Provider::Cpu), with(Provider::OpenVino));
    assert_eq!(cpu.len(), openvino.len());
    for (a, b) in cpu.iter().zip(&openvino) {
        let largest = a.scores.iter().zip(&b.scores).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-3, "scores differ by {largest}");
    }
}

#[test]
fn a_prediction_names_the_newest_frame_it_has_seen_and_its_scores_add_up() {
    let all = predictions(&service(None), &jpegs(Gesture::Right, 3, 12));
    let seen: Vec<_> = all.iter().map(|p| p.seen).collect();
    assert_eq!(seen, [Some(9), Some(10), Some(11)], "one for each full window of 10");
    for prediction in &all {
        assert!((prediction.scores.iter().sum::<f32>() - 1.0).abs() < 1e-3);
        assert!((prediction.scores[prediction.label] - prediction.score).abs() < f32::EPSILON);
    }
}

#[test]
fn sessions_are_made_when_needed_let_go_when_idle_and_made_anew() {
    let model = ClipModel::load(&store(), &manifest()).unwrap();
    let options = ServiceOptions { idle_release: Duration::from_secs(2), ..OPTIONS };
    let service = ClipService::start(model, engine(None), options).unwrap();
    assert_eq!(service.stats().workers_with_sessions, 0);
    for round in 0..2 {
        let all = predictions(&service, &jpegs(Gesture::Wave, 1, 11));
        assert_eq!(all.len(), 2, "round {round}");
        assert!((1..=2).contains(&service.stats().workers_with_sessions));
        let start = Instant::now();
        while service.stats().workers_with_sessions > 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "sessions were not let go");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_truncated_picture_leaves_the_window_and_is_counted() {
    let mut frames = jpegs(Gesture::Up, 1, 12);
    let half = frames[4].len() / 2;
    frames[4].truncate(half);
    let service = service(None);
    let all = predictions(&service, &frames);
    assert_eq!(all.iter().map(|p| p.seen).collect::<Vec<_>>(), [Some(10), Some(11)]);
    assert_eq!(service.stats().broken, 1);
}

#[test]
fn a_panic_in_a_run_costs_that_run_and_its_thread_goes_on() {
    let service = service(None);
    let frames = jpegs(Gesture::Left, 1, 11);
    // The one that is told panics, at the first prediction of two.
    let (sender, receiver) = mpsc::channel();
    let first = AtomicBool::new(true);
    let client = service.join(Box::new(move |prediction| {
        assert!(!first.swap(false, Ordering::Relaxed), "as meant");
        let _ = sender.send(prediction.seen);
    }));
    for (id, jpeg) in frames.iter().take(10).enumerate() {
        analysed(&service, &client, id, jpeg);
    }
    let start = Instant::now();
    while service.stats().failed == 0 || service.stats().running > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "the run has not ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Its window began anew, and so did the sessions; others notice nothing.
    for (id, jpeg) in frames.iter().take(10).enumerate() {
        analysed(&service, &client, 10 + id, jpeg);
    }
    assert_eq!(receiver.recv_timeout(Duration::from_secs(20)).unwrap(), Some(19));
    assert_eq!(predictions(&service, &frames).len(), 2);
    assert_eq!(service.stats().failed, 1);
}

#[test]
fn a_shape_that_is_not_the_manifests_is_refused_in_words() {
    for (from, to, part) in [
        ("features = 192", "features = 128", "[1, 128]"),
        ("width = 224", "width = 96", "[1, 224, 96, 3]"),
        ("batch_symbol = \"n\"", "batch_symbol = \"batch\"", "-1"),
    ] {
        let text = sightwire_models::builtin::manifest_text("gestures").unwrap().replace(from, to);
        let model = ClipModel::load(&store(), &Manifest::parse(&text, "test").unwrap()).unwrap();
        let error = ClipService::start(model, engine(None), OPTIONS).unwrap_err();
        assert!(matches!(error, ClipModelError::Engine { error: EngineError::Shape { .. }, .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(part) && message.contains("gestures_backbone.onnx"), "{message}");
    }
}

#[test]
fn what_is_not_a_network_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path().to_owned(), None);
    let mut text = sightwire_models::builtin::manifest_text("gestures").unwrap().to_owned();
    let bytes = b"this is not a network";
    let path = store.file_path("gestures", "gestures_head.onnx");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let hash = sightwire_models::digest::sha256_of(&path).unwrap();
    let old = manifest().file("head").unwrap().sha256.clone().unwrap();
    text = text.replace(&old, &hash);
    let model = ClipModel::load(&store, &Manifest::parse(&text, "test").unwrap()).unwrap();
    let error = ClipService::start(model, engine(None), OPTIONS).unwrap_err().to_string();
    assert!(error.contains("gestures_head.onnx") && error.contains("cannot be loaded"), "{error}");
}

#[test]
fn a_library_that_is_missing_or_wrong_is_an_error_that_says_what_to_do() {
    let empty = Store::new(tempfile::tempdir().unwrap().path().to_owned(), None);
    let error = Runtime::load(&empty, None, None).unwrap_err().to_string();
    assert!(error.contains("models pull runtime"), "{error}");
    let wrong = std::path::Path::new("/no/such/libonnxruntime.so");
    let error = Runtime::load(&empty, Some(wrong), None).unwrap_err().to_string();
    assert!(error.contains("/no/such/libonnxruntime.so") && error.contains("models pull runtime"), "{error}");
}

#[test]
fn a_provider_that_is_not_there_is_an_error_and_never_a_silent_fall_back() {
    let runtime = Runtime::load(&store(), None, None).unwrap();
    let options = EngineOptions {
        provider: Some(Provider::Cuda),
        threads: 1,
        precision: None,
        gpu_memory_mb: 0,
        trials: None,
    };
    let error = Engine::new(runtime, options).unwrap_err().to_string();
    assert!(error.contains("cuda") && error.contains("engine.provider"), "{error}");
}
