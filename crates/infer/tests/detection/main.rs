//! Detectors through the real library, with generated networks whose output is known, and the threads that run them.
//!
//! Needs the ONNX Runtime library in the store (`sightwire models pull runtime`, which `cargo xtask test` does).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod onnx;
mod service;
mod world;

use sightwire_engine::EngineError;
use sightwire_frame::Image;
use sightwire_infer::detect::{DetectError, DetectModelError, DetectorOptions};
use sightwire_models::Provider;

use onnx::Graph;
use world::{
    BGR, RGB, SIDE, assert_found, detector, engine, model, picture, says_yolov8, says_yolox, sees_yolov8,
    sees_yolox,
};

#[test]
fn a_yolox_sees_the_picture_in_the_corner_with_its_colours_as_they_are() {
    let network = sees_yolox();
    // 64×48 pixels in 32×32: by a half, the lower quarter grey.
    for (channel, colour) in [(0, [250, 10, 10]), (1, [10, 250, 10]), (2, [10, 10, 250])] {
        let mut detector = detector(&model("yolox", BGR, &network));
        let found = detector.detect(&picture(64, 48, [16, 32], 16, colour), 0.9).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_found(found[0], channel, 250.0 / 255.0, [16.0, 32.0, 32.0, 48.0]);
    }
    // Values are divided, and planes are turned round, where the manifest says so.
    let mut swapped = detector(&model("yolox", "colour = \"rgb\"\ndivide_by = 0.5", &network));
    let found = swapped.detect(&picture(64, 48, [16, 32], 16, [120, 10, 10]), 0.9).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_found(found[0], 2, 240.0 / 255.0, [16.0, 32.0, 32.0, 48.0]);
}

#[test]
fn a_yolov8_sees_the_picture_in_the_middle_as_red_green_blue_of_one() {
    let keys = format!("{RGB}\nboxes = 16");
    for (class, colour) in [(2, [250, 10, 10]), (1, [10, 250, 10]), (0, [10, 10, 250])] {
        let mut detector = detector(&model("yolov8", &keys, &sees_yolov8()));
        // 32×64 pixels in 32×32: by a half, eight columns of grey on either side.
        let found = detector.detect(&picture(32, 64, [16, 16], 16, colour), 0.9).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_found(found[0], class, 250.0 / 255.0, [16.0, 16.0, 32.0, 32.0]);
    }
    // Beside the picture there is grey 114, and nothing is found where the picture is not.
    let mut detector = detector(&model("yolov8", &keys, &sees_yolov8()));
    let found = detector.detect(&picture(32, 64, [0, 0], 64, [0, 0, 0]), 0.4).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn known_boxes_come_back_in_pixels_of_the_picture_and_within_it() {
    // Place 16 is the first of stride 16; twice as wide as the stride, and it begins outside of the picture.
    let row = [0.25, 0.5, 2.0_f32.ln(), 0.0, 0.9, 0.0, 0.8, 0.1];
    let mut yolox = detector(&model("yolox", BGR, &says_yolox(&[(16, row), (20, [0.0; 8])])));
    // Half as large again as the input.
    let found = yolox.detect(&Image::new(48, 48), 0.25).unwrap();
    assert_eq!(found.len(), 1);
    assert_found(found[0], 1, 0.72, [0.0, 0.0, 30.0, 24.0]);

    let column = [16.0, 20.0, 8.0, 30.0, 0.1, 0.2, 0.6];
    let mut yolov8 = detector(&model("yolov8", RGB, &says_yolov8(&[(7, column)])));
    // A third as high as wide: in the middle third of the input.
    let found = yolov8.detect(&Image::new(96, 36), 0.25).unwrap();
    assert_eq!(found.len(), 1);
    assert_found(found[0], 2, 0.6, [36.0, 0.0, 60.0, 36.0]);
}

#[test]
fn of_one_thing_there_is_one_box_and_at_most_so_many_in_all() {
    let column = |x: f32, sure: f32| [x, 16.0, 8.0, 8.0, sure, 0.0, 0.0];
    let columns =
        [(0, column(6.0, 0.6)), (1, column(7.0, 0.9)), (2, column(20.0, 0.5)), (3, column(28.0, 0.7))];
    let model = model("yolov8", RGB, &says_yolov8(&columns));
    let sure = |options: DetectorOptions| {
        let mut detector = model.detector(&engine(None), options).unwrap();
        let found = detector.detect(&Image::new(32, 32), 0.25).unwrap();
        found.iter().map(|d| (d.confidence * 10.0).round() as i32).collect::<Vec<_>>()
    };
    assert_eq!(sure(DetectorOptions::default()), [9, 7, 5]);
    assert_eq!(sure(DetectorOptions { max_boxes: 2, ..DetectorOptions::default() }), [9, 7]);
    assert_eq!(sure(DetectorOptions { iou: Some(0.9), ..DetectorOptions::default() }), [9, 7, 6, 5]);
}

#[test]
fn what_is_not_a_number_is_no_box() {
    let good = [0.5, 0.5, 0.0, 0.0, 0.9, 0.9, 0.0, 0.0];
    let mut rows = vec![(20, good)];
    for (place, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX].into_iter().enumerate() {
        for value in 0..4 {
            let mut row = good;
            row[value] = bad;
            rows.push((place * 4 + value, row));
        }
    }
    let mut detector = detector(&model("yolox", BGR, &says_yolox(&rows)));
    let found = detector.detect(&Image::new(32, 32), 0.25).unwrap();
    // Sides of e to the power of minus infinity are none; every other wrong value leaves no box either.
    assert_eq!(found.len(), 1, "{found:?}");
    assert_found(found[0], 0, 0.81, [0.0, 0.0, 32.0, 32.0]);
    let sure = [f32::NAN, f32::INFINITY].map(|bad| [16.0, 16.0, 8.0, 8.0, bad, 0.0, 0.0]);
    let network = says_yolov8(&[(0, sure[0]), (1, sure[1])]);
    let mut detector = world::detector(&model("yolov8", RGB, &network));
    assert!(detector.detect(&Image::new(32, 32), 0.25).unwrap().is_empty());
}

// OpenVINO is packaged for x86-64 alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn providers_agree_on_what_they_see() {
    let model = model("yolox", BGR, &sees_yolox());
    let found = [Provider::Cpu, Provider::OpenVino].map(|provider| {
        let mut detector = model.detector(&engine(Some(provider)), DetectorOptions::default()).unwrap();
        detector.detect(&picture(100, 40, [25, 0], 25, [200, 220, 240]), 0.2).unwrap()
    });
    assert_eq!(found[0].len(), found[1].len());
    for (cpu, openvino) in found[0].iter().zip(&found[1]) {
        assert_eq!((cpu.class, cpu.rect), (openvino.class, openvino.rect));
        assert!((cpu.confidence - openvino.confidence).abs() < 1e-4);
    }
}

#[test]
fn a_picture_without_pixels_is_an_error_and_the_next_one_is_looked_at() {
    let mut detector = detector(&model("yolox", BGR, &sees_yolox()));
    assert!(matches!(detector.detect(&Image::default(), 0.2), Err(DetectError::Picture(_))));
    assert!(matches!(detector.detect(&Image::new(0, 7), 0.2), Err(DetectError::Picture(_))));
    let picture = picture(32, 32, [0, 0], 32, [200, 0, 0]);
    assert!(!detector.detect(&picture, 0.2).unwrap().is_empty());
}

#[test]
fn a_network_of_another_shape_is_refused_in_words() {
    let network =
        Graph::new(&[1, 3, SIDE, SIDE], &[1, 3, SIDE, SIDE]).node("Abs", &["images"], "output", &[]).file();
    for (format, expected) in [("yolox", "[1, 21, 8]"), ("yolov8", "[1, 7, 21]")] {
        let model = model(format, BGR, &network);
        let error = model.detector(&engine(None), DetectorOptions::default()).unwrap_err();
        assert!(
            matches!(error, DetectModelError::Engine { error: EngineError::Shape { .. }, .. }),
            "{error}"
        );
        let message = error.to_string();
        assert!(message.contains(expected) && message.contains("[1, 3, 32, 32]"), "{message}");
    }
    let error = model("yolox", BGR, b"not a network").detector(&engine(None), DetectorOptions::default());
    assert!(error.unwrap_err().to_string().contains("network.onnx cannot be loaded"));
}
