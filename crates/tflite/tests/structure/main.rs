//! What of a TFLite file stands in the ONNX file, and how; what is wrong with others, and where. The numbers that come out
//! are compared in `crates/engine/tests/tflite`, where there is a library to run them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod onnx;

use sightwire_tflite::op::{Activation, Padding, Sampling, Window};
use sightwire_tflite::write::{Array, Net, Value};
use sightwire_tflite::{ConvertError, describe_model, to_onnx};

use onnx::Onnx;

/// The ONNX file of all outputs.
fn converted(net: &Net, outputs: &[Value]) -> Onnx {
    let file = net.finish(outputs);
    Onnx::read(&to_onnx(&file, &(0..outputs.len()).collect::<Vec<_>>()).unwrap())
}

/// Why the first output cannot be had.
fn refused(net: &Net, output: Value) -> String {
    to_onnx(&net.finish(&[output]), &[0]).unwrap_err().to_string()
}

fn ones(shape: &[usize]) -> Array {
    Array::from_fn(shape, |_| 1.0)
}

/// A convolution of this many results with 3 × 3 taps.
fn conv(from: Value, net: &mut Net, results: usize, window: Window) -> Value {
    let channels = net.shape(from)[3];
    net.conv(from, &ones(&[results, 3, 3, channels]), &ones(&[results]), window, Activation::None)
}

#[test]
fn a_file_says_what_goes_in_and_what_comes_out() {
    let mut net = Net::new([1, 6, 8, 3]);
    let picture = conv(net.input(), &mut net, 5, Window::same_padding(2));
    let list = net.reshape(picture, &[1, 60]);
    let file = net.finish(&[list, picture]);
    let description = describe_model(&file).unwrap();
    assert_eq!(description.input, [1, 6, 8, 3]);
    let outputs: Vec<_> = description.outputs.iter().map(|output| output.shape.as_slice()).collect();
    assert_eq!(outputs, [&[1, 60][..], &[1, 3, 4, 5]]);
    assert!(description.outputs[0].name.starts_with("result_"), "{description:?}");

    let onnx = Onnx::read(&to_onnx(&file, &[0]).unwrap());
    assert_eq!(onnx.opset, 13);
    assert_eq!(onnx.input, ("input".into(), vec![1, 3, 6, 8]));
    assert_eq!(onnx.output, ("output".into(), vec![1, 60]));
    // What is a picture there comes out in the file's order, too.
    let onnx = Onnx::read(&to_onnx(&file, &[1]).unwrap());
    assert_eq!(onnx.output, ("output".into(), vec![1, 3, 4, 5]));
}

#[test]
fn outputs_are_joined_in_the_order_in_which_they_were_asked_for() {
    let mut net = Net::new([1, 4, 4, 3]);
    let picture = conv(net.input(), &mut net, 6, Window::same_padding(1));
    let [wide, narrow] = [[1, 32, 3], [1, 96, 1]].map(|shape| net.reshape(picture, &shape));
    let other = net.reshape(picture, &[1, 32, 3]);
    let file = net.finish(&[wide, narrow, other]);
    let onnx = Onnx::read(&to_onnx(&file, &[2, 0]).unwrap());
    assert_eq!(onnx.output.1, [1, 32, 6]);
    let join = onnx.only("Concat");
    assert_eq!((&join.ints["axis"], join.output.as_str()), (&vec![2], "output"));
    let made_of = |name: &str| onnx.nodes.iter().position(|node| node.output == name).unwrap();
    assert!(made_of(&join.inputs[0]) > made_of(&join.inputs[1]), "the third output was made last");

    let error = to_onnx(&file, &[0, 1]).unwrap_err();
    assert!(matches!(error, ConvertError::Tensor { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("is [1, 96, 1], which cannot be joined to [1, 32, 3] along the last side")
    );
    assert_eq!(to_onnx(&file, &[0, 3]), Err(ConvertError::NoOutput { count: 3, asked: 3 }));
    assert_eq!(to_onnx(&file, &[]), Err(ConvertError::NoOutputs));
}

#[test]
fn what_only_other_outputs_need_is_left_out_whether_it_is_known_or_not() {
    let mut net = Net::new([1, 4, 4, 3]);
    let trunk = conv(net.input(), &mut net, 4, Window::same_padding(1));
    let wanted = net.mean(trunk, &[1, 2], false);
    let strange = net.add_other(28, &[trunk], &[1, 4, 4, 4]);
    let mask = conv(strange, &mut net, 1, Window::same_padding(1));
    let file = net.finish(&[mask, wanted]);
    let onnx = Onnx::read(&to_onnx(&file, &[1]).unwrap());
    assert_eq!((onnx.count("Conv"), onnx.count("ReduceMean")), (1, 1));
    assert_eq!(onnx.floats.len(), 2, "weights and bias of the trunk");
    let error = to_onnx(&file, &[0]).unwrap_err();
    assert_eq!(error, ConvertError::Unsupported { index: 2, name: "TANH".into() });
    assert_eq!(error.to_string(), "unsupported operator TANH (operator 2)");
}

#[test]
fn windows_that_stand_out_do_so_more_on_the_right_and_below() {
    let mut net = Net::new([1, 7, 6, 3]);
    let same = conv(net.input(), &mut net, 2, Window { stride: [2, 2], ..Window::same_padding(1) });
    let node = converted(&net, &[same]);
    let node = node.only("Conv");
    assert_eq!(node.ints["pads"], [1, 0, 1, 1]);
    assert_eq!((&node.ints["strides"], &node.ints["kernel_shape"]), (&vec![2, 2], &vec![3, 3]));

    let mut net = Net::new([1, 7, 6, 3]);
    let window = Window { stride: [1, 2], dilation: [1, 1], padding: Padding::Same };
    let pooled = net.max_pool(net.input(), [3, 2], window, Activation::Relu6);
    let onnx = converted(&net, &[pooled]);
    assert_eq!(onnx.only("MaxPool").ints["pads"], [1, 0, 1, 0]);
    assert_eq!(onnx.only("MaxPool").ints["strides"], [1, 2]);
    let clip = onnx.only("Clip");
    assert_eq!([&onnx.floats[&clip.inputs[1]].1, &onnx.floats[&clip.inputs[2]].1], [&[0.0], &[6.0]]);

    let mut net = Net::new([1, 7, 6, 3]);
    let window = Window { dilation: [2, 1], ..Window::valid_padding(1) };
    let within = conv(net.input(), &mut net, 2, window);
    assert_eq!(net.shape(within), [1, 3, 4, 2]);
    let onnx = converted(&net, &[within]);
    assert_eq!(
        (&onnx.only("Conv").ints["pads"], &onnx.only("Conv").ints["dilations"]),
        (&vec![0; 4], &vec![2, 1])
    );
}

#[test]
fn pictures_are_turned_only_where_the_order_of_values_matters() {
    // All of the trunk's operators work on planes.
    let mut net = Net::new([1, 8, 8, 3]);
    let first = conv(net.input(), &mut net, 4, Window::same_padding(2));
    let second = conv(first, &mut net, 4, Window::same_padding(1));
    let sum = net.add(first, second, Activation::Relu);
    let sum = net.prelu(sum, &ones(&[1, 1, 4]));
    let wide = net.pad(sum, &[[0, 0], [1, 1], [1, 1], [0, 2]]);
    let large = net.resize(wide, [12, 12], Sampling::HalfPixel);
    let both = net.concat(&[large, large], -1, Activation::None);
    let small = net.mean(both, &[1, 2], true);
    let sure = net.logistic(small);
    let list = net.reshape(sure, &[1, 12]);
    let onnx = converted(&net, &[list]);
    assert_eq!(onnx.count("Transpose"), 0, "{:#?}", onnx.nodes);
    assert_eq!(onnx.floats[&onnx.only("PRelu").inputs[1]].0, [4, 1, 1]);
    assert_eq!(onnx.ints[&onnx.only("Pad").inputs[1]], [0, 0, 1, 1, 0, 2, 1, 1]);
    assert_eq!(onnx.ints[&onnx.only("Resize").inputs[3]], [1, 6, 12, 12]);
    assert_eq!(onnx.only("Resize").text["coordinate_transformation_mode"], "half_pixel");
    let join = onnx.nodes.iter().find(|node| node.op == "Concat").unwrap();
    assert_eq!(join.ints["axis"], [1]);
    assert_eq!(onnx.only("ReduceMean").ints["axes"], [2, 3]);

    // Two lists of one picture turn it once.
    let mut net = Net::new([1, 8, 8, 3]);
    let picture = conv(net.input(), &mut net, 4, Window::same_padding(2));
    let lists = [net.reshape(picture, &[1, 64]), net.reshape(picture, &[1, 64])];
    let rows = net.fully_connected(picture, &ones(&[2, 64]), None, Activation::None);
    let onnx = converted(&net, &[lists[0], lists[1], rows]);
    assert_eq!(onnx.only("Transpose").ints["perm"], [0, 2, 3, 1]);
    assert_eq!(onnx.only("Gemm").inputs.len(), 2, "without bias");

    // A list that becomes a picture is turned before it is looked at as one.
    let mut net = Net::new([1, 8, 8, 3]);
    let list = net.reshape(net.input(), &[1, 4, 16, 3]);
    let picture = conv(list, &mut net, 1, Window::same_padding(1));
    let onnx = converted(&net, &[picture]);
    assert_eq!(onnx.count("Transpose"), 2);
}

#[test]
fn weights_of_16_bits_are_made_larger_and_turned() {
    let mut net = Net::new([1, 4, 4, 2]).with_half();
    let weights =
        Array::from_fn(&[3, 1, 2, 2], |place| (place[0] * 4 + place[2] * 2 + place[3]) as f32 / 3.0);
    let result = net.conv(net.input(), &weights, &ones(&[3]), Window::same_padding(1), Activation::None);
    let deep = Array::from_fn(&[1, 3, 1, 6], |place| (place[1] * 10 + place[3]) as f32);
    let result = net.depthwise(result, &deep, &ones(&[6]), Window::same_padding(1), Activation::None);
    let onnx = converted(&net, &[result]);
    assert_eq!(onnx.count("Conv"), 2);
    let of = |node: usize| {
        let convs: Vec<_> = onnx.nodes.iter().filter(|node| node.op == "Conv").collect();
        (&onnx.floats[&convs[node].inputs[1]], convs[node].ints["group"][0])
    };
    let ((shape, values), groups) = of(0);
    assert_eq!((shape.as_slice(), groups), (&[3, 2, 1, 2][..], 1));
    // Thirds to ten binary places after the first.
    let halves = [0.0, 0.666_503_9, 0.333_251_95, 1.0];
    assert!(values.iter().zip(halves).all(|(value, half)| (value - half).abs() < 1e-7), "{values:?}");
    let ((shape, values), groups) = of(1);
    assert_eq!((shape.as_slice(), groups), (&[6, 1, 3, 1][..], 3));
    assert_eq!(values[..6], [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]);
}

#[test]
fn constants_that_are_used_twice_are_there_once() {
    let mut net = Net::new([1, 4, 4, 2]);
    let shift = net.constant(&Array::from_list(&[1.0, -1.0]));
    let once = net.add(net.input(), shift, Activation::None);
    let twice = net.add(shift, once, Activation::None);
    let onnx = converted(&net, &[twice]);
    assert_eq!(onnx.floats.values().cloned().collect::<Vec<_>>(), [(vec![1, 2, 1, 1], vec![1.0, -1.0])]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut net = Net::new([1, 4, 4, 3]);
    let result =
        net.conv(net.input(), &ones(&[4, 3, 3, 2]), &ones(&[4]), Window::same_padding(1), Activation::None);
    let message = refused(&net, result);
    assert_eq!(message, "operator 0 (CONV_2D) has weights of 2 inputs and 4 results for 3 channels");

    let mut net = Net::new([1, 4, 4, 3]);
    let result =
        net.conv(net.input(), &ones(&[4, 3, 3, 3]), &ones(&[3]), Window::same_padding(1), Activation::None);
    assert_eq!(refused(&net, result), "tensor 2 (\"constant_2\") is [3] instead of 4 values");

    let mut net = Net::new([1, 4, 4, 3]);
    let result = conv(net.input(), &mut net, 2, Window::same_padding(1));
    net.pretend_shape(result, &[1, 4, 3, 2]);
    let message = refused(&net, result);
    let expected = "tensor 3 (\"result_3\") is [1, 4, 3, 2] in the file, but [1, 4, 4, 2] by what makes it";
    assert_eq!(message, expected);

    let mut net = Net::new([1, 4, 4, 3]);
    let result = conv(net.input(), &mut net, 2, Window::valid_padding(2));
    net.pretend_shape(net.input(), &[1, 2, 4, 3]);
    let message = refused(&net, result);
    assert_eq!(message, "operator 0 (CONV_2D) has a window of [3, 3] taps on 2 rows and 4 columns");

    let mut net = Net::new([1, 4, 4, 3]);
    let result = conv(net.input(), &mut net, 2, Window { stride: [0, 1], ..Window::valid_padding(1) });
    assert_eq!(refused(&net, result), "operator 0 (CONV_2D) has a stride of 0");

    let mut net = Net::new([1, 4, 4, 3]);
    let list = net.reshape(net.input(), &[1, 47]);
    assert_eq!(refused(&net, list), "operator 0 (RESHAPE) is to make [1, 47] of [1, 4, 4, 3]");

    let mut net = Net::new([1, 4, 4, 3]);
    let result = net.concat(&[net.input()], 4, Activation::None);
    assert_eq!(refused(&net, result), "operator 0 (CONCATENATION) names side 4 of 4");

    let mut net = Net::new([1, 4, 4, 3]);
    let flat = net.add_other(54, &[net.input()], &[1, 4, 4, 3]);
    assert_eq!(refused(&net, flat), "operator 0 (PRELU) has no input 1");

    let mut net = Net::new([1, 4, 4, 3]);
    let large = net.add_other(6, &[net.input()], &[1, 4, 4, 3]);
    let message = refused(&net, large);
    assert_eq!(message, "operator 0 (DEQUANTIZE) is of a result of f32; only constants of f16 are converted");
    let mut net = Net::new([1, 4, 4, 3]);
    let slope = net.reshape(net.input(), &[4, 4, 3]);
    let flat = net.add_other(54, &[net.input(), slope], &[1, 4, 4, 3]);
    assert!(refused(&net, flat).ends_with("is not constant, as it has to be where it is used"));
}

#[test]
fn files_that_are_something_else_or_too_large_are_told() {
    let said = |file: &[u8]| to_onnx(file, &[0]).unwrap_err().to_string();
    assert_eq!(said(b""), "this is no TFLite file: it is too short");
    assert!(said(b"\x08\x08 this is ONNX").contains("the letters TFL3 are missing"));
    assert_eq!(said(b"\x08\0\0\0TFL3"), "the TFLite file is damaged: a reference out of the file at byte 0");

    let mut net = Net::new([1, 4, 4, 3]);
    let list = net.reshape(net.input(), &[1, 48]);
    let file = net.finish(&[list]);
    assert!(said(&file[..file.len() / 2]).contains("is damaged"), "{}", said(&file[..file.len() / 2]));

    net.pretend_shape(net.input(), &[1, 9000, 9000, 3]);
    let message = refused(&net, list);
    assert_eq!(message, "tensor 0 (\"input\") is [1, 9000, 9000, 3], more than 67108864 elements");
    net.pretend_shape(net.input(), &[1, 4000, 4000, 3]);
    net.pretend_shape(list, &[48_000_000]);
    assert!(refused(&net, list).contains("more elements than that together; at most 67108864 are read"));
    net.pretend_shape(list, &[1; 9]);
    assert!(refused(&net, list).contains("has 9 sides; at most 8 are read"));

    let mut net = Net::new([1, 4, 4, 3]);
    net.pretend_shape(net.input(), &[1, 48]);
    let message = describe_model(&net.finish(&[net.input()])).unwrap_err().to_string();
    assert!(message.contains("f32 of [1, 48] instead of f32 of rows, columns and channels"), "{message}");
}
