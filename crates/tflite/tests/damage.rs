//! Whatever the bytes are, there is an answer or an error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use proptest::prelude::*;
use sightwire_tflite::op::{Activation, Sampling, Window};
use sightwire_tflite::write::{Array, Net};
use sightwire_tflite::{describe_model, to_onnx};

/// A network with all operators.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let array = |shape: &[usize]| Array::from_fn(shape, |place| place.iter().sum::<usize>() as f32);
    let mut net = Net::new([1, 8, 8, 3]).with_half();
    let (taps, bias) = (array(&[4, 3, 3, 3]), array(&[4]));
    let x = net.conv(net.input(), &taps, &bias, Window::same_padding(2), Activation::Relu);
    let y = net.depthwise(x, &array(&[1, 3, 3, 4]), None, Window::same_padding(1), Activation::Relu6);
    let sum = net.add(x, y, Activation::None);
    let bent = net.prelu(sum, &array(&[1, 1, 4]));
    let pooled = net.max_pool(bent, [2, 2], Window::valid_padding(2), Activation::None);
    let wide = net.pad(pooled, &[[0, 0], [0, 0], [1, 1], [0, 0]]);
    let large = net.resize(wide, [4, 8], Sampling::AlignCorners);
    let both = net.concat(&[large, large], 3, Activation::None);
    let both = net.activate(both, Activation::Relu);
    let list = net.reshape(both, &[1, 256]);
    let mean = net.mean(both, &[1, 2], false);
    let dense = net.fully_connected(mean, &array(&[5, 8]), &array(&[5]), Activation::None);
    let sure = net.logistic(dense);
    net.finish(&[list, sure])
});

/// Where, and which four bytes stand there then; some are those of references and sizes, as they should not be.
fn change() -> impl Strategy<Value = (prop::sample::Index, u32, usize)> {
    let word = prop_oneof![
        any::<u32>(),
        0..64_u32,
        prop::sample::select(vec![
            0,
            1,
            4,
            0x7fff_ffff,
            0x8000_0000,
            u32::MAX,
            u32::MAX - 3,
            1 << 26,
            0xffff
        ]),
    ];
    (any::<prop::sample::Index>(), word, 1..=4_usize)
}

fn look(file: &[u8]) {
    let outputs = describe_model(file).map_or(2, |description| description.outputs.len());
    for output in 0..outputs.min(3) {
        drop(to_onnx(file, &[output]));
    }
    drop(to_onnx(file, &[1, 0]));
}

#[test]
fn the_file_that_is_damaged_below_is_good() {
    assert_eq!(describe_model(&FILE).unwrap().outputs.len(), 2);
    to_onnx(&FILE, &[0, 1]).unwrap();
}

#[test]
fn a_file_that_ends_early_is_an_error_or_a_network() {
    for len in 0..FILE.len() {
        look(&FILE[..len]);
    }
}

#[test]
fn every_byte_may_be_another() {
    let mut file = FILE.clone();
    for place in 0..file.len() {
        let before = file[place];
        for byte in [0, 1, 0x7f, 0x80, 0xff, before.wrapping_add(4), before.wrapping_sub(4)] {
            file[place] = byte;
            look(&file);
        }
        file[place] = before;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn several_places_may_be_others(changes in prop::collection::vec(change(), 1..12), cut in any::<prop::sample::Index>()) {
        let mut file = FILE.clone();
        for (place, word, size) in changes {
            let place = place.index(file.len() - 4);
            file[place..place + size].copy_from_slice(&word.to_le_bytes()[..size]);
        }
        look(&file);
        look(&file[..cut.index(file.len())]);
    }

    #[test]
    fn bytes_of_any_kind_are_refused(mut file in prop::collection::vec(any::<u8>(), 0..400)) {
        look(&file);
        if let Some(letters) = file.get_mut(4..8) {
            letters.copy_from_slice(b"TFL3");
        }
        look(&file);
    }
}
