//! What the operators of TFLite files calculate, in plain loops, with pictures as rows, columns, channels. A network and its
//! results grow together.

use sightwire_tflite::op::{Activation, Padding, Sampling, Window};
use sightwire_tflite::write::{Array, Net, Value};

/// A network, and what it makes of one input.
pub struct Known {
    pub net: Net,
    pub input: Tensor,
}

/// A tensor of the network, and its values.
#[derive(Clone)]
pub struct Tensor {
    pub value: Value,
    pub is: Array,
}

impl Known {
    pub fn new(net: Net, input: Array) -> Self {
        let input = Tensor { value: net.input(), is: input };
        Self { net, input }
    }

    pub fn constant(&mut self, array: Array) -> Tensor {
        Tensor { value: self.net.constant(&array), is: array }
    }

    pub fn conv(
        &mut self,
        x: &Tensor,
        weights: &Array,
        bias: Option<&Array>,
        window: Window,
        then: Activation,
    ) -> Tensor {
        let value = self.net.conv(x.value, weights, bias, window, then);
        let [results, rows, columns, inputs] = sides(weights);
        let groups = sides(&x.is)[3] / inputs;
        let is = windows(&x.is, window, [rows, columns], results, |taps, result| {
            let first = result / (results / groups) * inputs;
            let mut sum = bias.map_or(0.0, |bias| bias.values[result]);
            for (row, column, pixel) in taps {
                for input in 0..inputs {
                    let weight = weights.values[((result * rows + row) * columns + column) * inputs + input];
                    sum += weight * pixel[first + input];
                }
            }
            activated(sum, then)
        });
        Tensor { value, is }
    }

    pub fn depthwise(
        &mut self,
        x: &Tensor,
        weights: &Array,
        bias: Option<&Array>,
        window: Window,
        then: Activation,
    ) -> Tensor {
        let value = self.net.depthwise(x.value, weights, bias, window, then);
        let [_, rows, columns, results] = sides(weights);
        let multiplier = results / sides(&x.is)[3];
        let is = windows(&x.is, window, [rows, columns], results, |taps, result| {
            let mut sum = bias.map_or(0.0, |bias| bias.values[result]);
            for (row, column, pixel) in taps {
                sum +=
                    weights.values[(row * columns + column) * results + result] * pixel[result / multiplier];
            }
            activated(sum, then)
        });
        Tensor { value, is }
    }

    pub fn max_pool(&mut self, x: &Tensor, size: [usize; 2], window: Window, then: Activation) -> Tensor {
        let value = self.net.max_pool(x.value, size, window, then);
        let is = windows(&x.is, window, size, sides(&x.is)[3], |taps, channel| {
            let most = taps.iter().map(|(_, _, pixel)| pixel[channel]).fold(f32::NEG_INFINITY, f32::max);
            activated(most, then)
        });
        Tensor { value, is }
    }

    pub fn add(&mut self, a: &Tensor, b: &Tensor, then: Activation) -> Tensor {
        let value = self.net.add(a.value, b.value, then);
        let is = Array::from_fn(self.net.shape(value), |place| {
            activated(repeated(&a.is, place) + repeated(&b.is, place), then)
        });
        Tensor { value, is }
    }

    pub fn prelu(&mut self, x: &Tensor, slope: &Array) -> Tensor {
        let value = self.net.prelu(x.value, slope);
        let is = Array::from_fn(&x.is.shape, |place| {
            let x = repeated(&x.is, place);
            if x < 0.0 { x * repeated(slope, place) } else { x }
        });
        Tensor { value, is }
    }

    pub fn activate(&mut self, x: &Tensor, then: Activation) -> Tensor {
        let values = x.is.values.iter().map(|x| activated(*x, then)).collect();
        Tensor { value: self.net.activate(x.value, then), is: Array::new(&x.is.shape, values) }
    }

    pub fn logistic(&mut self, x: &Tensor) -> Tensor {
        let values = x.is.values.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        Tensor { value: self.net.logistic(x.value), is: Array::new(&x.is.shape, values) }
    }

    pub fn pad(&mut self, x: &Tensor, margins: &[[usize; 2]]) -> Tensor {
        let value = self.net.pad(x.value, margins);
        let is = Array::from_fn(self.net.shape(value), |place| {
            let within: Option<Vec<usize>> = (0..place.len())
                .map(|side| {
                    place[side].checked_sub(margins[side][0]).filter(|place| *place < x.is.shape[side])
                })
                .collect();
            within.map_or(0.0, |place| repeated(&x.is, &place))
        });
        Tensor { value, is }
    }

    pub fn concat(&mut self, from: &[&Tensor], axis: usize) -> Tensor {
        let values: Vec<_> = from.iter().map(|tensor| tensor.value).collect();
        let value = self.net.concat(&values, axis as i32, Activation::None);
        let is = Array::from_fn(self.net.shape(value), |place| {
            let mut place = place.to_vec();
            let mut parts = from.iter();
            loop {
                let part = &parts.next().unwrap().is;
                if place[axis] < part.shape[axis] {
                    return repeated(part, &place);
                }
                place[axis] -= part.shape[axis];
            }
        });
        Tensor { value, is }
    }

    pub fn reshape(&mut self, x: &Tensor, shape: &[usize]) -> Tensor {
        Tensor { value: self.net.reshape(x.value, shape), is: Array::new(shape, x.is.values.clone()) }
    }

    pub fn mean(&mut self, x: &Tensor, gone: &[usize], keep: bool) -> Tensor {
        let value = self.net.mean(x.value, gone, keep);
        let count: usize = gone.iter().map(|side| x.is.shape[*side]).product();
        let mut sums = vec![0.0; x.is.values.len() / count];
        let mut index = 0;
        // The place of each value among those that stay.
        Array::from_fn(&x.is.shape, |place| {
            let mut to = 0;
            for side in (0..place.len()).filter(|side| !gone.contains(side)) {
                to = to * x.is.shape[side] + place[side];
            }
            sums[to] += x.is.values[index] / count as f32;
            index += 1;
            0.0
        });
        let is = Array::new(self.net.shape(value), sums);
        Tensor { value, is }
    }

    pub fn fully_connected(
        &mut self,
        x: &Tensor,
        weights: &Array,
        bias: Option<&Array>,
        then: Activation,
    ) -> Tensor {
        let value = self.net.fully_connected(x.value, weights, bias, then);
        let inputs = weights.shape[1];
        let is = Array::from_fn(self.net.shape(value), |place| {
            let row = &x.is.values[place[0] * inputs..(place[0] + 1) * inputs];
            let weights = &weights.values[place[1] * inputs..(place[1] + 1) * inputs];
            let sum: f32 = row.iter().zip(weights).map(|(x, weight)| x * weight).sum();
            activated(sum + bias.map_or(0.0, |bias| bias.values[place[1]]), then)
        });
        Tensor { value, is }
    }

    pub fn resize(&mut self, x: &Tensor, size: [usize; 2], sampling: Sampling) -> Tensor {
        let value = self.net.resize(x.value, size, sampling);
        let from = [x.is.shape[1], x.is.shape[2]];
        // Between which two places, and how far from the first.
        let between = |side: usize, place: usize| {
            let (old, new) = (from[side] as f32, size[side] as f32);
            let at = match sampling {
                Sampling::TopLeft => place as f32 * old / new,
                Sampling::HalfPixel => ((place as f32 + 0.5) * old / new - 0.5).clamp(0.0, old - 1.0),
                Sampling::AlignCorners => place as f32 * (old - 1.0) / (new - 1.0),
            };
            let first = at.floor() as usize;
            (first.min(from[side] - 1), (first + 1).min(from[side] - 1), at - at.floor())
        };
        let is = Array::from_fn(self.net.shape(value), |place| {
            let [picture, row, column, channel] = [place[0], place[1], place[2], place[3]];
            let ((top, bottom, down), (left, right, over)) = (between(0, row), between(1, column));
            let at = |row, column| repeated(&x.is, &[picture, row, column, channel]);
            let above = at(top, left) * (1.0 - over) + at(top, right) * over;
            let below = at(bottom, left) * (1.0 - over) + at(bottom, right) * over;
            above * (1.0 - down) + below * down
        });
        Tensor { value, is }
    }
}

/// For each window the taps that lie within the picture, with the pixels below them; and what is made of these for each
/// result.
fn windows(
    x: &Array,
    window: Window,
    taps: [usize; 2],
    results: usize,
    mut make: impl FnMut(&[(usize, usize, &[f32])], usize) -> f32,
) -> Array {
    let [pictures, rows, columns, channels] = sides(x);
    let size = [rows, columns];
    let mut count = [0; 2];
    let mut before = [0; 2];
    for side in 0..2 {
        let covered = (taps[side] - 1) * window.dilation[side] + 1;
        if window.padding == Padding::Valid {
            count[side] = (size[side] - covered) / window.stride[side] + 1;
        } else {
            count[side] = size[side].div_ceil(window.stride[side]);
            let needed = (count[side] - 1) * window.stride[side] + covered;
            before[side] = needed.saturating_sub(size[side]) / 2;
        }
    }
    let mut values = Vec::new();
    for picture in 0..pictures {
        for row in 0..count[0] {
            for column in 0..count[1] {
                let mut within = Vec::new();
                for (down, over) in (0..taps[0]).flat_map(|down| (0..taps[1]).map(move |over| (down, over))) {
                    let y = (row * window.stride[0] + down * window.dilation[0]).checked_sub(before[0]);
                    let x_at = (column * window.stride[1] + over * window.dilation[1]).checked_sub(before[1]);
                    if let (Some(y), Some(x_at)) = (y, x_at)
                        && y < rows
                        && x_at < columns
                    {
                        let first = ((picture * rows + y) * columns + x_at) * channels;
                        within.push((down, over, &x.values[first..first + channels]));
                    }
                }
                values.extend((0..results).map(|result| make(&within, result)));
            }
        }
    }
    Array::new(&[pictures, count[0], count[1], results], values)
}

/// The value at a place of a larger array: missing sides, and those of one, are repeated.
fn repeated(array: &Array, place: &[usize]) -> f32 {
    let missing = place.len() - array.shape.len();
    let index = array.shape.iter().zip(&place[missing..]);
    array.values[index.fold(0, |index, (side, place)| index * side + if *side == 1 { 0 } else { *place })]
}

fn activated(value: f32, activation: Activation) -> f32 {
    match activation {
        Activation::None => value,
        Activation::Relu => value.max(0.0),
        Activation::Relu6 => value.clamp(0.0, 6.0),
    }
}

fn sides(array: &Array) -> [usize; 4] {
    array.shape[..].try_into().unwrap()
}
