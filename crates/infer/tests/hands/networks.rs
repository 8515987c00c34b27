//! Three networks with the inputs and outputs of `MediaPipe`'s, whose weights are calculated: they find the discs of a drawn
//! hand and of drawn shoulders ([`crate::drawn`]) and nothing else.
//!
//! A joint is where its disc's outermost columns and rows are, so neither its size nor what covers half of it matters.

use sightwire_tflite::op::{Activation, Window};
use sightwire_tflite::write::{Array, Net, Value};

use crate::drawn::{COLOURS, SHOULDERS};

use Activation::{None as Plain, Relu, Relu6};

/// What a disc's pixel is in a mask.
const FULL: f32 = 6.0;
/// Colours are the same up to this sum of differences, and different from there.
const SAME: f32 = 0.3;
const OTHER: f32 = 0.47;
/// Pixels without a disc are moved back by more than a picture is wide.
const FAR: f32 = 140.0;

/// Joints that palms have, in their order in the palm detector's output.
const PALM: [usize; 7] = [0, 5, 9, 13, 17, 1, 2];
/// Places of the wrist and the middle finger's knuckle among them.
const WRIST: usize = 0;
const KNUCKLE: usize = 2;

/// Side of the masks in which each network looks for outermost pixels.
const HAND_SIDE: usize = 112;
const PALM_SIDE: usize = 96;
const BODY_SIDE: usize = 128;

/// The joints of the hand in a crop of 224 × 224.
pub fn hand() -> Vec<u8> {
    let mut net = Net::new([1, 224, 224, 3]).with_half();
    let x = net.input();
    let masks = thick_masks(&mut net, x, &COLOURS);
    let list = outermost(&mut net, masks, HAND_SIDE);

    let points = Array::from_fn(&[63, 105], |at| {
        let (joint, axis, of, kind) = (at[0] / 3, at[0] % 3, at[1] % 21, at[1] / 21);
        f32::from(joint == of && axis < 2) * (f32::from(kind == 2 * axis) - f32::from(kind == 2 * axis + 1))
    });
    let middle = Array::from_fn(&[63], |at| if at[0] % 3 == 2 { 0.0 } else { 112.0 });
    let points = net.fully_connected(list, &points, &middle, Plain);
    // Sixteen of the 21 have to be there.
    let counted = Array::from_fn(&[1, 105], |at| if at[1] >= 84 { 2.0 / FULL } else { 0.0 });
    let presence = net.fully_connected(list, &counted, &filled(1, -2.0 * 15.5), Plain);
    let presence = net.logistic(presence);
    // The little finger of a right hand is right of the thumb.
    let across = Array::from_fn(&[1, 63], |at| f32::from(at[1] == 3 * 17) - f32::from(at[1] == 3 * 2));
    let across = Array::new(&across.shape, across.values.iter().map(|value| 0.1 * value).collect());
    let right = net.fully_connected(points, &across, &filled(1, 0.0), Plain);
    let right = net.logistic(right);
    let world = net.fully_connected(list, &scaled(&[63, 105], 0.0), &filled(63, 0.0), Plain);
    net.finish(&[points, presence, right, world])
}

/// The shoulders in a square of 256 × 256, and what of a body's other points says where it is.
pub fn body() -> Vec<u8> {
    let mut net = Net::new([1, 256, 256, 3]).with_half();
    let x = net.input();
    let masks = thick_masks(&mut net, x, &SHOULDERS);
    let list = outermost(&mut net, masks, BODY_SIDE);
    // For each of both: left, right, upper and lower edge, as `outermost` has them, and whether it is there.
    let place = |shoulder: usize, axis: usize, at: usize| {
        let (of, kind) = (at % 2, at / 2);
        f32::from(of == shoulder) * (f32::from(kind == 2 * axis) - f32::from(kind == 2 * axis + 1))
    };
    // Shares of the left and of the right shoulder, and of what is downwards between them: the way between both, turned.
    // All but the shoulders are where somebody has them who stands upright.
    let point = |index: usize| match index {
        0 => (0.5, 0.5, -0.5),
        2 => (0.6, 0.4, -0.6),
        5 => (0.4, 0.6, -0.6),
        11 => (1.0, 0.0, 0.0),
        12 => (0.0, 1.0, 0.0),
        13 => (1.2, -0.2, 0.4),
        14 => (-0.2, 1.2, 0.4),
        15 => (1.25, -0.25, 0.7),
        16 => (-0.25, 1.25, 0.7),
        33 => (0.5, 0.5, 1.2),
        34 => (0.5, 0.5, -0.8),
        _ => (0.5, 0.5, 0.0),
    };
    let weights = Array::from_fn(&[195, 10], |at| {
        let (index, value) = (at[0] / 5, at[0] % 5);
        let ((left, right, down), of) = (point(index), at[1]);
        match value {
            0 => {
                left * place(0, 0, of) + right * place(1, 0, of) + down * (place(1, 1, of) - place(0, 1, of))
            }
            1 => {
                left * place(0, 1, of) + right * place(1, 1, of) + down * (place(0, 0, of) - place(1, 0, of))
            }
            // A shoulder is visible where its colour is.
            3 if index == 11 || index == 12 => f32::from(of == 8 + index - 11) * 20.0 / FULL,
            _ => 0.0,
        }
    });
    let bias = Array::from_fn(&[195], |at| match (at[0] / 5, at[0] % 5) {
        (_, 0 | 1) => BODY_SIDE as f32,
        (11 | 12, 3) => -10.0,
        (_, 3 | 4) => 10.0,
        _ => 0.0,
    });
    let points = net.fully_connected(list, &weights, &bias, Plain);
    // One shoulder is enough for a body.
    let counted = Array::from_fn(&[1, 10], |at| if at[1] >= 8 { 20.0 / FULL } else { 0.0 });
    let flag = net.fully_connected(list, &counted, &filled(1, -10.0), Plain);
    let flag = net.logistic(flag);
    let mask = net.conv(x, &scaled(&[1, 1, 1, 3], 0.0), &filled(1, 0.0), Window::same_padding(1), Plain);
    let heat = net.conv(x, &scaled(&[39, 4, 4, 3], 0.0), &filled(39, 0.0), Window::valid_padding(4), Plain);
    let world = net.fully_connected(list, &scaled(&[117, 10], 0.0), &filled(117, 0.0), Plain);
    net.finish(&[points, flag, mask, heat, world])
}

/// The palms in a picture of 192 × 192.
pub fn palm() -> Vec<u8> {
    let mut net = Net::new([1, 192, 192, 3]).with_half();
    let x = net.input();
    let masks = masks(&mut net, x, 1, &PALM.map(|joint| COLOURS[joint]));
    // Discs of far hands are hardly larger than two pixels.
    let (weights, bias) = (scaled(&[1, 2, 2, 7], 5.0 / 3.0), filled(7, -2.0));
    let masks = net.depthwise(masks, &weights, &bias, Window::valid_padding(2), Relu6);
    let edges = edges(&mut net, masks);
    let mut parts = Vec::new();
    for axis in [2, 1] {
        for backwards in [false, true] {
            let along = ramp(&mut net, axis, PALM_SIDE, backwards);
            parts.push(net.add(edges, along, Relu));
        }
    }
    parts.push(masks);
    let parts = net.concat(&parts, 3, Plain);
    // Around each of 24 × 24 places, 48 pixels of the input to each side.
    let steps = |stride| Window { stride, ..Window::same_padding(1) };
    let around = net.max_pool(parts, [48, 1], steps([4, 1]), Plain);
    let around = net.max_pool(around, [1, 48], steps([1, 4]), Plain);
    // A place speaks for the hand whose middle knuckle is next to it.
    let only = Array::from_fn(&[1, 1, 1, 7], |at| f32::from(at[3] == KNUCKLE));
    let knuckle = net.conv(masks, &only, None, Window::same_padding(1), Plain);
    let near = net.max_pool(knuckle, [8, 8], Window::same_padding(4), Plain);
    let around = net.concat(&[around, near], 3, Plain);

    let boxes = boxes(&mut net, around);
    let score = Array::from_fn(&[2, 1, 1, 36], |at| if at[3] >= 28 { 20.0 / FULL } else { 0.0 });
    // The knuckle is here, and all seven are around: eight.
    let scores = net.conv(around, &score, &filled(2, -20.0 * 7.2), Window::same_padding(1), Plain);
    let coarse_boxes =
        net.conv(around, &scaled(&[108, 1, 1, 36], 0.0), &filled(108, 0.0), Window::same_padding(2), Plain);
    let coarse_scores =
        net.conv(around, &scaled(&[6, 1, 1, 36], 0.0), &filled(6, -50.0), Window::same_padding(2), Plain);
    let mut heads = |fine: Value, coarse: Value, each: usize| {
        let fine = net.reshape(fine, &[1, 1152, each]);
        let coarse = net.reshape(coarse, &[1, 864, each]);
        net.concat(&[fine, coarse], 1, Plain)
    };
    let (boxes, scores) = (heads(boxes, coarse_boxes, 18), heads(scores, coarse_scores, 1));
    net.finish(&[boxes, scores])
}

/// Of each mask in a square: how far its rightmost column is from the left and its leftmost from the right, its lowest row from
/// the top and its uppermost from the bottom, and whether there is any.
fn outermost(net: &mut Net, masks: Value, side: usize) -> Value {
    let channels = net.shape(masks)[3];
    let columns = net.max_pool(masks, [side, 1], Window::valid_padding(1), Plain);
    let rows = net.max_pool(masks, [1, side], Window::valid_padding(1), Plain);
    let present = net.max_pool(columns, [1, side], Window::valid_padding(1), Plain);
    let mut lists = Vec::new();
    for (line, axis) in [(columns, 2), (rows, 1)] {
        let edges = edges(net, line);
        let mut size = [1, 1];
        size[axis - 1] = side;
        for backwards in [false, true] {
            let along = ramp(net, axis, side, backwards);
            let furthest = net.add(edges, along, Relu);
            let furthest = net.max_pool(furthest, size, Window::valid_padding(1), Plain);
            lists.push(net.reshape(furthest, &[1, channels]));
        }
    }
    lists.push(net.reshape(present, &[1, channels]));
    net.concat(&lists, 1, Plain)
}

/// Boxes and points relative to each place, from what is around it: for each joint the rightmost, leftmost, lowest and
/// highest pixel.
fn boxes(net: &mut Net, around: Value) -> Value {
    // In pixels of the input: the middle of the outermost pixels of half its size.
    let coordinate = |at: usize, joint: usize, axis: usize| {
        f32::from(at == 14 * axis + joint) - f32::from(at == 14 * axis + 7 + joint)
    };
    let across = |at: usize, axis: usize| coordinate(at, KNUCKLE, axis) - coordinate(at, WRIST, axis);
    let weights = Array::from_fn(&[18, 1, 1, 36], |at| match (at[0], at[3]) {
        (value @ 0..14, at) => coordinate(at, value / 2, value % 2),
        (value, at) => across(at, (value - 14) / 2) * if value % 2 == 0 { 1.0 } else { -1.0 },
    });
    let bias = Array::from_fn(&[18], |at| if at[0] < 14 { PALM_SIDE as f32 } else { 0.0 });
    let points = net.conv(around, &weights, &bias, Window::same_padding(1), Relu);
    // The points, how far the knuckle is from the wrist on each axis, and by how much further on the first.
    let weights = Array::from_fn(&[17, 1, 1, 18], |at| match (at[0], at[3]) {
        (16, 14 | 15) => 1.0,
        (16, 16 | 17) => -1.0,
        (value @ (14 | 15), at) => f32::from(at >= 14 && at / 2 == value - 7),
        (value, at) => f32::from(value == at),
    });
    let lengths = net.conv(points, &weights, &filled(17, 0.0), Window::same_padding(1), Relu);
    // The length of the palm, to 4 %: the longer way and less than half of the shorter one.
    let length = [0.4, 0.96, 0.96 - 0.4];
    let weights = Array::from_fn(&[36, 1, 1, 17], |at| {
        let (value, at) = (at[0] % 18, at[3]);
        match value {
            0 | 1 => 0.7 * f32::from(at == 2 * WRIST + value) + 0.3 * f32::from(at == 2 * KNUCKLE + value),
            2 | 3 => at.checked_sub(14).map_or(0.0, |at| 1.15 * length[at]),
            _ => f32::from(at == value - 4),
        }
    });
    let mut all = net.conv(lengths, &weights, &filled(36, 0.0), Window::same_padding(1), Plain);
    for axis in [2, 1] {
        let mut shape = [1, 1, 1, 36];
        shape[axis] = 24;
        let place = Array::from_fn(&shape, |at| {
            let value = at[3] % 18;
            let is_here = value % 2 == 2 - axis && !(2..4).contains(&value);
            if is_here { -8.0 * (at[axis] as f32 + 0.5) } else { 0.0 }
        });
        let place = net.constant(&place);
        all = net.add(all, place, Plain);
    }
    all
}

/// The masks of half the side without what is thinner than three of their pixels: lines where two colours meet, and of shoulders'
/// colours the joints of hands.
fn thick_masks(net: &mut Net, x: Value, colours: &[[u8; 3]]) -> Value {
    let (masks, count) = (masks(net, x, 2, colours), colours.len());
    let (weights, bias) = (scaled(&[1, 3, 3, count], 5.0 / 9.0), filled(count, -22.5));
    net.depthwise(masks, &weights, &bias, Window::same_padding(1), Relu6)
}

/// For each colour, where it is: 0 to [`FULL`]. Of `step` × `step` pixels the mean counts.
fn masks(net: &mut Net, x: Value, step: usize, colours: &[[u8; 3]]) -> Value {
    // Of each channel its value, what is missing to full light, and how far it is above and below one half.
    let (sign, bias) = ([1.0, -1.0, 1.0, -1.0], [0.0, 1.0, -0.5, 0.5]);
    let share = 1.0 / (step * step) as f32;
    let weights =
        Array::from_fn(
            &[12, step, step, 3],
            |at| {
                if at[3] == at[0] / 4 { share * sign[at[0] % 4] } else { 0.0 }
            },
        );
    let bias = Array::from_fn(&[12], |at| bias[at[0] % 4]);
    let levels = net.conv(x, &weights, &bias, Window::valid_padding(step), Relu);
    let slope = FULL / (OTHER - SAME);
    let weights = Array::from_fn(&[colours.len(), 1, 1, 12], |at| {
        let differs = match colours[at[0]][at[3] / 4] {
            0 => at[3] % 4 == 0,
            1 => at[3] % 4 >= 2,
            _ => at[3] % 4 == 1,
        };
        -slope * f32::from(differs)
    });
    net.conv(levels, &weights, &filled(colours.len(), slope * OTHER), Window::same_padding(1), Relu6)
}

/// From -[`FAR`] where there is nothing to 1 where a mask is full: what is added to places, so that the furthest is that of
/// the mask's edge.
fn edges(net: &mut Net, masks: Value) -> Value {
    let channels = net.shape(masks)[3];
    let (weights, bias) = (scaled(&[1, 1, 1, channels], 2.0 / FULL), filled(channels, -1.0));
    let half = net.depthwise(masks, &weights, &bias, Window::same_padding(1), Plain);
    net.prelu(half, &scaled(&[1, 1, channels], FAR))
}

/// The middles of the pixels along a side, or how far they are from its end.
fn ramp(net: &mut Net, axis: usize, side: usize, backwards: bool) -> Value {
    let mut shape = [1; 4];
    shape[axis] = side;
    net.constant(&Array::from_fn(&shape, |at| {
        let place = at[axis] as f32 + 0.5;
        if backwards { side as f32 - place } else { place }
    }))
}

fn scaled(shape: &[usize], value: f32) -> Array {
    Array::from_fn(shape, |_| value)
}

fn filled(values: usize, value: f32) -> Array {
    scaled(&[values], value)
}
