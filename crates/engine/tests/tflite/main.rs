//! Converted TFLite files through the real library: each operator, and a small network of all, give the numbers that plain
//! loops give.
//!
//! Needs the ONNX Runtime library in the store (`sightwire models pull runtime`, which `cargo xtask test` does).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod reference;

use std::borrow::Cow;
use std::path::PathBuf;

use sightwire_engine::network::Network;
use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions, NetworkSpec};
use sightwire_models::Provider;
use sightwire_models::store::Store;
use sightwire_tflite::op::{Activation, Padding, Sampling, Window};
use sightwire_tflite::to_onnx;
use sightwire_tflite::write::{Array, Net};

use reference::{Known, Tensor};

/// Of the largest value.
const TOLERANCE: f32 = 1e-5;

fn engine(provider: Provider) -> Engine {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    let runtime =
        Runtime::load(&Store::new(home, None), None, None).expect("`cargo xtask setup` brings the library");
    let provider = Some(provider);
    let options = EngineOptions { provider, threads: 1, precision: None, gpu_memory_mb: 0, trials: None };
    Engine::new(runtime, options).unwrap()
}

/// Numbers from -2 to 2 that 16 bits hold exactly, the same in every run.
struct Numbers(u32);

impl Numbers {
    fn array(&mut self, shape: &[usize]) -> Array {
        Array::from_fn(shape, |_| {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 24) as f32 / 64.0 - 2.0
        })
    }
}

/// A network without operators, over such a picture.
fn known(shape: [usize; 4]) -> (Known, Numbers) {
    let mut numbers = Numbers(7);
    let input = numbers.array(&shape);
    (Known::new(Net::new(shape), input), numbers)
}

/// What the converted file says of the input.
fn run(engine: &Engine, known: &Known, outputs: &[&Tensor], shape: &[usize]) -> Vec<f32> {
    let values: Vec<_> = outputs.iter().map(|tensor| tensor.value).collect();
    let file = known.net.finish(&values);
    let onnx = to_onnx(&file, &(0..values.len()).collect::<Vec<_>>()).unwrap();
    let network = Network::new("test", "network.onnx", Cow::Owned(onnx), None, None);
    let [pictures, rows, columns, channels] = known.input.is.shape[..] else { panic!("a picture") };
    let spec = NetworkSpec {
        network: &network,
        symbol: None,
        batch: 1,
        input: vec![pictures, channels, rows, columns],
        output: shape.to_vec(),
    };
    let mut session = engine.session(&spec).unwrap();
    let input = &known.input.is.values;
    let planes = Array::from_fn(&spec.input, |place| {
        input[((place[0] * rows + place[2]) * columns + place[3]) * channels + place[1]]
    });
    let mut output = Vec::new();
    session.run(&planes.values, &mut output).unwrap();
    output
}

fn assert_near(found: &[f32], expected: &[f32], what: &str) {
    let scale = expected.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - expected).abs() <= TOLERANCE * scale;
        assert!(near, "{what}: {found} instead of {expected} at {place}");
    }
}

/// The library gives the same numbers for this tensor.
fn check(engine: &Engine, known: &Known, result: &Tensor, what: &str) {
    let found = run(engine, known, &[result], &result.is.shape);
    assert_near(&found, &result.is.values, what);
}

#[test]
fn convolutions_of_all_steps_and_edges() {
    let engine = engine(Provider::Cpu);
    let windows = [1, 2, 3]
        .into_iter()
        .flat_map(|stride| [Window::same_padding(stride), Window::valid_padding(stride)]);
    let odd = Window { stride: [2, 1], dilation: [1, 2], padding: Padding::Same };
    for (place, window) in windows.chain([odd, Window { padding: Padding::Valid, ..odd }]).enumerate() {
        for (taps, activation) in [
            ([3, 3], Activation::Relu6),
            ([1, 1], Activation::None),
            ([5, 2], Activation::Relu),
            ([2, 4], Activation::None),
        ] {
            let (mut known, mut numbers) = known([1, 9, 8, 4]);
            let x = known.input.clone();
            let bias = numbers.array(&[6]);
            let full = numbers.array(&[6, taps[0], taps[1], 4]);
            let one = known.conv(&x, &full, Some(&bias), window, activation);
            check(&engine, &known, &one, &format!("convolution {place} {taps:?}"));
            // Two groups, without bias.
            let half = numbers.array(&[6, taps[0], taps[1], 2]);
            let two = known.conv(&x, &half, None, window, activation);
            check(&engine, &known, &two, &format!("groups {place} {taps:?}"));
            let deep = numbers.array(&[1, taps[0], taps[1], 12]);
            let bias = numbers.array(&[12]);
            let three = known.depthwise(&x, &deep, Some(&bias), window, activation);
            check(&engine, &known, &three, &format!("depthwise {place} {taps:?}"));
        }
    }
}

#[test]
fn the_largest_value_is_one_of_the_picture_even_at_the_edge() {
    let engine = engine(Provider::Cpu);
    for (size, window) in [
        ([2, 2], Window::valid_padding(2)),
        ([3, 3], Window::same_padding(2)),
        ([3, 2], Window::same_padding(1)),
        ([1, 1], Window::same_padding(2)),
    ] {
        let (mut known, _) = known([1, 7, 8, 3]);
        let negative = Array::new(&[1], vec![-5.0]);
        let (x, shift) = (known.input.clone(), known.constant(negative));
        let below = known.add(&x, &shift, Activation::None);
        let most = known.max_pool(&below, size, window, Activation::None);
        assert!(most.is.values.iter().all(|value| *value < 0.0));
        check(&engine, &known, &most, &format!("{size:?}"));
    }
}

#[test]
fn values_meet_those_that_are_repeated_as_in_the_file() {
    let engine = engine(Provider::Cpu);
    let (mut known, mut numbers) = known([1, 4, 5, 3]);
    let x = known.input.clone();
    for shape in [&[3][..], &[1], &[5, 1], &[4, 1, 3], &[1, 4, 5, 3], &[1, 1, 1, 3], &[]] {
        let constant = numbers.array(shape);
        let constant = known.constant(constant);
        let sum = known.add(&constant, &x, Activation::Relu);
        check(&engine, &known, &sum, &format!("a constant of {shape:?}"));
    }
    for shape in [&[1, 1, 3][..], &[3], &[4, 5, 3], &[1, 5, 1], &[1, 4, 5, 3], &[]] {
        let bent = known.prelu(&x, &numbers.array(shape));
        check(&engine, &known, &bent, &format!("a slope of {shape:?}"));
    }
    // A list of rows and a picture, both results.
    let column = known.mean(&x, &[0, 1], false);
    let sum = known.add(&column, &x, Activation::None);
    check(&engine, &known, &sum, "a smaller result");
    let list = known.reshape(&x, &[5, 12]);
    let row = known.mean(&list, &[0], true);
    let sum = known.add(&list, &row, Activation::Relu6);
    let bent = known.prelu(&sum, &numbers.array(&[12]));
    check(&engine, &known, &bent, "lists");
    let picture = known.activate(&x, Activation::Relu6);
    let sure = known.logistic(&picture);
    check(&engine, &known, &sure, "logistic");
}

#[test]
fn pictures_of_another_size() {
    let engine = engine(Provider::Cpu);
    for sampling in [Sampling::HalfPixel, Sampling::AlignCorners, Sampling::TopLeft] {
        for size in [[12, 10], [3, 7], [6, 5], [7, 20]] {
            let (mut known, _) = known([1, 6, 5, 2]);
            let x = known.input.clone();
            let resized = known.resize(&x, size, sampling);
            check(&engine, &known, &resized, &format!("{sampling:?} {size:?}"));
        }
    }
}

#[test]
fn the_order_of_values_is_that_of_the_file() {
    let engine = engine(Provider::Cpu);
    let (mut known, mut numbers) = known([1, 4, 6, 3]);
    let x = known.input.clone();
    for shape in [&[1, 72][..], &[1, 24, 3], &[1, 6, 4, 3], &[2, 3, 4, 3], &[1, 1, 1, 72], &[9, 8]] {
        let other = known.reshape(&x, shape);
        check(&engine, &known, &other, &format!("as {shape:?}"));
        if let [_, _, _, channels] = shape {
            let picture = known.conv(
                &other,
                &numbers.array(&[2, 2, 2, *channels]),
                None,
                Window::same_padding(1),
                Activation::None,
            );
            check(&engine, &known, &picture, &format!("a picture as {shape:?}"));
        }
    }
    for axis in 1..4 {
        let mut margins = [[0, 0]; 4];
        margins[axis] = [1, 2];
        let wide = known.pad(&x, &margins);
        let both = known.concat(&[&x, &wide, &x], axis);
        check(&engine, &known, &both, &format!("side {axis}"));
    }
    for gone in [&[1, 2][..], &[3], &[2], &[1, 2, 3], &[0, 3]] {
        for keep in [true, false] {
            let mean = known.mean(&x, gone, keep);
            check(&engine, &known, &mean, &format!("mean over {gone:?}, {keep}"));
        }
    }
    let dense =
        known.fully_connected(&x, &numbers.array(&[5, 72]), Some(&numbers.array(&[5])), Activation::Relu);
    check(&engine, &known, &dense, "a picture to a list");
    let rows = known.fully_connected(&x, &numbers.array(&[4, 36]), None, Activation::None);
    check(&engine, &known, &rows, "two rows");
    let dense = known.fully_connected(&dense, &numbers.array(&[2, 5]), None, Activation::Relu6);
    check(&engine, &known, &dense, "a list to a list");
    let mean = known.mean(&x, &[1, 2], true);
    let dense = known.fully_connected(&mean, &numbers.array(&[7, 3]), None, Activation::None);
    check(&engine, &known, &dense, "a pixel to a list");
}

/// Two heads over a trunk that goes down and up again, as detectors of hands have them, with weights of 16 bits.
fn detector() -> (Known, [Tensor; 2]) {
    let mut numbers = Numbers(11);
    let input = numbers.array(&[1, 16, 16, 3]);
    let mut known = Known::new(Net::new([1, 16, 16, 3]).with_half(), input);
    let small = |mut array: Array| {
        array.values.iter_mut().for_each(|value| *value /= 8.0);
        array
    };
    let mut weights = |shape: &[usize]| small(numbers.array(shape));
    let x = known.input.clone();
    let first = known.conv(
        &x,
        &weights(&[8, 5, 5, 3]),
        Some(&weights(&[8])),
        Window::same_padding(2),
        Activation::None,
    );
    let first = known.prelu(&first, &weights(&[1, 1, 8]));
    let deep =
        known.depthwise(&first, &weights(&[1, 5, 5, 8]), None, Window::same_padding(1), Activation::None);
    let deep = known.conv(
        &deep,
        &weights(&[8, 1, 1, 8]),
        Some(&weights(&[8])),
        Window::same_padding(1),
        Activation::None,
    );
    let sum = known.add(&first, &deep, Activation::Relu);
    let down =
        known.depthwise(&sum, &weights(&[1, 3, 3, 8]), None, Window::same_padding(2), Activation::None);
    let down = known.conv(
        &down,
        &weights(&[12, 1, 1, 8]),
        Some(&weights(&[12])),
        Window::same_padding(1),
        Activation::None,
    );
    let pooled = known.max_pool(&sum, [2, 2], Window::valid_padding(2), Activation::None);
    let pooled = known.pad(&pooled, &[[0, 0], [0, 0], [0, 0], [0, 4]]);
    let low = known.add(&pooled, &down, Activation::None);
    let up = known.resize(&low, [8, 8], Sampling::HalfPixel);
    let up = known.conv(
        &up,
        &weights(&[8, 1, 1, 12]),
        Some(&weights(&[8])),
        Window::same_padding(1),
        Activation::Relu6,
    );
    let high = known.add(&sum, &up, Activation::None);
    let mut head = |each: usize| {
        let lists = [&high, &low].map(|level| {
            let [_, rows, columns, channels] = level.is.shape[..] else { panic!("a picture") };
            let picture = known.conv(
                level,
                &weights(&[2 * each, 1, 1, channels]),
                Some(&weights(&[2 * each])),
                Window::same_padding(1),
                Activation::None,
            );
            known.reshape(&picture, &[1, rows * columns * 2, each])
        });
        known.concat(&[&lists[0], &lists[1]], 1)
    };
    let heads = [head(6), head(1)];
    (known, heads)
}

fn detector_agrees(provider: Provider) {
    let (known, [boxes, scores]) = detector();
    let found = run(&engine(provider), &known, &[&boxes, &scores], &[1, 160, 7]);
    let rows = boxes.is.values.chunks(6).zip(&scores.is.values);
    let expected: Vec<f32> = rows.flat_map(|(place, score)| [place, &[*score]].concat()).collect();
    assert_near(&found, &expected, "a detector");
}

#[test]
fn a_network_of_two_heads_gives_one_row_for_each_place() {
    detector_agrees(Provider::Cpu);
}

// OpenVINO is packaged for x86-64 alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_network_of_two_heads_gives_the_same_with_openvino() {
    detector_agrees(Provider::OpenVino);
}
