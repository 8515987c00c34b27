//! Makes TFLite files for tests: small networks whose weights are known.
//!
//! ```
//! use sightwire_tflite::op::{Activation, Window};
//! use sightwire_tflite::write::{Array, Net};
//!
//! let mut net = Net::new([1, 8, 8, 3]);
//! // Two results, each the sum of the three channels below 3 × 3 pixels.
//! let (weights, bias) = (Array::from_fn(&[2, 3, 3, 3], |_| 1.0), Array::list(&[0.0, -1.0]));
//! let sums = net.conv(net.input(), &weights, &bias, Window::same(2), Activation::Relu);
//! assert_eq!(net.shape(sums), [1, 4, 4, 2]);
//! let list = net.reshape(sums, &[1, 32]);
//! let file = net.finish(&[list]);
//! assert_eq!(sightwire_tflite::describe(&file).unwrap().outputs[0].shape, [1, 32]);
//! ```
//!
//! What does not fit together is written as it is: the translation says what is wrong with it.
//!
//! - [`container`]: the FlatBuffer that it becomes

mod container;

use crate::half;
use crate::op::{Activation, Padding, Sampling, Window};

use container::{Field, Part};

/// A tensor of a [`Net`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(usize);

/// Weights, the last side lying closest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Lengths of its sides, outermost first.
    pub shape: Vec<usize>,
    /// As many as the product of the sides.
    pub values: Vec<f32>,
}

/// A network as it grows.
#[derive(Clone, Debug)]
pub struct Net {
    tensors: Vec<Tensor>,
    operators: Vec<Operator>,
    half: bool,
}

#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    /// Number in the schema.
    kind: u8,
    data: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Operator {
    code: i32,
    inputs: Vec<i32>,
    output: usize,
    options: Options,
}

/// The kind of options by its number in the schema, and their fields.
type Options = Option<(u8, Vec<(usize, Field)>)>;

const F32: u8 = 0;
const F16: u8 = 1;
const I32: u8 = 2;

impl Array {
    /// Of values that are there.
    pub fn new(shape: &[usize], values: Vec<f32>) -> Self {
        Self { shape: shape.to_vec(), values }
    }

    /// An array of one side.
    pub fn from_list(values: &[f32]) -> Self {
        Self::new(&[values.len()], values.to_vec())
    }

    /// Each value by its place: one number a side.
    pub fn from_fn(shape: &[usize], mut value: impl FnMut(&[usize]) -> f32) -> Self {
        let mut place = vec![0; shape.len()];
        let values = (0..shape.iter().product()).map(|index: usize| {
            let mut rest = index;
            for (place, side) in place.iter_mut().zip(shape).rev() {
                (*place, rest) = (rest % side, rest / side);
            }
            value(&place)
        });
        let values = values.collect();
        Self { shape: shape.to_vec(), values }
    }
}

impl Net {
    /// With the input \[pictures, rows, columns, channels\].
    pub fn new(input: [usize; 4]) -> Self {
        let input = Tensor { name: "input".into(), shape: input.into(), kind: F32, data: Vec::new() };
        Self { tensors: vec![input], operators: Vec::new(), half: false }
    }

    /// Constants of f32 that come from now on are kept in 16 bits, and made larger by an operator, as published files do.
    #[must_use]
    pub fn with_half(mut self) -> Self {
        self.half = true;
        self
    }

    /// The only input.
    pub fn input(&self) -> Value {
        Value(0)
    }

    /// A tensor's sides.
    pub fn shape(&self, value: Value) -> &[usize] {
        self.tensors.get(value.0).map_or(&[], |tensor| &tensor.shape)
    }

    /// A tensor that does not change.
    pub fn constant(&mut self, array: &Array) -> Value {
        if !self.half {
            let data = array.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            return self.tensor("constant", &array.shape, F32, data);
        }
        let data = array.values.iter().flat_map(|value| half::from_f32(*value).to_le_bytes()).collect();
        let half = self.tensor("half", &array.shape, F16, data);
        self.operator(6, &[Some(half)], &array.shape, None)
    }

    /// A constant of whole numbers.
    pub fn ints(&mut self, shape: &[usize], values: &[i32]) -> Value {
        self.tensor("ints", shape, I32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Weights are \[results, rows, columns, channels\].
    pub fn conv<'b>(
        &mut self,
        from: Value,
        weights: &Array,
        bias: impl Into<Option<&'b Array>>,
        window: Window,
        activation: Activation,
    ) -> Value {
        let shape = self.windowed(from, window, [weights.side(1), weights.side(2)], weights.side(0));
        let inputs = self.weighted(from, weights, bias.into());
        let [rows, columns] = window.stride;
        let fields = vec![
            (0, padding_field(window.padding)),
            (1, int_field(columns)),
            (2, int_field(rows)),
            (3, activation_field(activation)),
            (4, int_field(window.dilation[1])),
            (5, int_field(window.dilation[0])),
        ];
        self.operator(3, &inputs, &shape, Some((1, fields)))
    }

    /// Weights are \[1, rows, columns, results\]: as many results of each channel, one channel's after the other's.
    pub fn depthwise<'b>(
        &mut self,
        from: Value,
        weights: &Array,
        bias: impl Into<Option<&'b Array>>,
        window: Window,
        activation: Activation,
    ) -> Value {
        let results = weights.side(3);
        let multiplier = results / self.side(from, 3).max(1);
        let shape = self.windowed(from, window, [weights.side(1), weights.side(2)], results);
        let inputs = self.weighted(from, weights, bias.into());
        let [rows, columns] = window.stride;
        let fields = vec![
            (0, padding_field(window.padding)),
            (1, int_field(columns)),
            (2, int_field(rows)),
            (3, int_field(multiplier)),
            (4, activation_field(activation)),
            (5, int_field(window.dilation[1])),
            (6, int_field(window.dilation[0])),
        ];
        self.operator(4, &inputs, &shape, Some((2, fields)))
    }

    /// The largest of rows × columns pixels.
    pub fn max_pool(
        &mut self,
        from: Value,
        size: [usize; 2],
        window: Window,
        activation: Activation,
    ) -> Value {
        let shape = self.windowed(from, window, size, self.side(from, 3));
        let [rows, columns] = window.stride;
        let fields = vec![
            (0, padding_field(window.padding)),
            (1, int_field(columns)),
            (2, int_field(rows)),
            (3, int_field(size[1])),
            (4, int_field(size[0])),
            (5, activation_field(activation)),
        ];
        self.operator(17, &[Some(from)], &shape, Some((5, fields)))
    }

    /// A sum; the smaller tensor is repeated.
    pub fn add(&mut self, a: Value, b: Value, activation: Activation) -> Value {
        let (a_shape, b_shape) = (self.shape(a), self.shape(b));
        let rank = a_shape.len().max(b_shape.len());
        let side = |shape: &[usize], place: usize| {
            (place + shape.len()).checked_sub(rank).map_or(1, |place| shape[place])
        };
        let shape: Vec<usize> =
            (0..rank).map(|place| side(a_shape, place).max(side(b_shape, place))).collect();
        self.operator(0, &[Some(a), Some(b)], &shape, Some((11, vec![(0, activation_field(activation))])))
    }

    /// One after the other along a side, from the end where negative.
    pub fn concat(&mut self, from: &[Value], axis: i32, activation: Activation) -> Value {
        let mut shape = from.first().map_or(Vec::new(), |first| self.shape(*first).to_vec());
        let place = if axis < 0 { axis + shape.len() as i32 } else { axis } as usize;
        if let Some(side) = shape.get_mut(place) {
            *side = from.iter().map(|value| self.side(*value, place)).sum();
        }
        let inputs: Vec<_> = from.iter().copied().map(Some).collect();
        self.operator(
            2,
            &inputs,
            &shape,
            Some((10, vec![(0, Field::Int(axis)), (1, activation_field(activation))])),
        )
    }

    /// Zeros before and after, for each side.
    pub fn pad(&mut self, from: Value, margins: &[[usize; 2]]) -> Value {
        let shape = self.shape(from).iter().zip(margins).map(|(side, [before, after])| side + before + after);
        let shape: Vec<usize> = shape.collect();
        let list: Vec<i32> = margins.as_flattened().iter().map(|margin| *margin as i32).collect();
        let margins = self.ints(&[margins.len(), 2], &list);
        self.operator(34, &[Some(from), Some(margins)], &shape, Some((22, Vec::new())))
    }

    /// Negative values times a slope, which is repeated over the first sides.
    pub fn prelu(&mut self, from: Value, slope: &Array) -> Value {
        let (slope, shape) = (self.constant(slope), self.shape(from).to_vec());
        self.operator(54, &[Some(from), Some(slope)], &shape, None)
    }

    /// An activation of its own.
    pub fn activate(&mut self, from: Value, activation: Activation) -> Value {
        let code = match activation {
            Activation::None => return from,
            Activation::Relu => 19,
            Activation::Relu6 => 21,
        };
        let shape = self.shape(from).to_vec();
        self.operator(code, &[Some(from)], &shape, None)
    }

    /// 1 / (1 + exp(-x)).
    pub fn logistic(&mut self, from: Value) -> Value {
        let shape = self.shape(from).to_vec();
        self.operator(14, &[Some(from)], &shape, None)
    }

    /// Pictures of another size.
    pub fn resize(&mut self, from: Value, size: [usize; 2], sampling: Sampling) -> Value {
        let shape = [self.side(from, 0), size[0], size[1], self.side(from, 3)];
        let size = self.ints(&[2], &size.map(|side| side as i32));
        let flag = |on: bool| Field::Byte(u8::from(on));
        let fields =
            vec![(2, flag(sampling == Sampling::AlignCorners)), (3, flag(sampling == Sampling::HalfPixel))];
        self.operator(23, &[Some(from), Some(size)], &shape, Some((15, fields)))
    }

    /// The same values with other sides.
    pub fn reshape(&mut self, from: Value, shape: &[usize]) -> Value {
        let list: Vec<i32> = shape.iter().map(|side| *side as i32).collect();
        let target = self.ints(&[list.len()], &list);
        let fields = vec![(0, Field::Part(Part::Ints(list)))];
        self.operator(22, &[Some(from), Some(target)], shape, Some((17, fields)))
    }

    /// Over some sides, which stay as sides of one, or go.
    pub fn mean(&mut self, from: Value, sides: &[usize], keep: bool) -> Value {
        let shape = self.shape(from).iter().enumerate().filter_map(|(place, side)| {
            let gone = sides.contains(&place);
            (keep || !gone).then_some(if gone { 1 } else { *side })
        });
        let shape: Vec<usize> = shape.collect();
        let list: Vec<i32> = sides.iter().map(|side| *side as i32).collect();
        let sides = self.ints(&[list.len()], &list);
        self.operator(
            40,
            &[Some(from), Some(sides)],
            &shape,
            Some((27, vec![(0, Field::Byte(u8::from(keep)))])),
        )
    }

    /// Weights are \[results, inputs\]; all sides of the input but the last ones are rows.
    pub fn fully_connected<'b>(
        &mut self,
        from: Value,
        weights: &Array,
        bias: impl Into<Option<&'b Array>>,
        activation: Activation,
    ) -> Value {
        let elements: usize = self.shape(from).iter().product();
        let shape = [elements / weights.side(1).max(1), weights.side(0)];
        let inputs = self.weighted(from, weights, bias.into());
        self.operator(9, &inputs, &shape, Some((8, vec![(0, activation_field(activation))])))
    }

    /// An operator by its number in the schema, without options: for what is not converted.
    pub fn add_other(&mut self, code: i32, from: &[Value], shape: &[usize]) -> Value {
        let inputs: Vec<_> = from.iter().copied().map(Some).collect();
        self.operator(code, &inputs, shape, None)
    }

    /// Says another shape of a tensor than follows from what makes it.
    pub fn pretend_shape(&mut self, value: Value, shape: &[usize]) {
        if let Some(tensor) = self.tensors.get_mut(value.0) {
            tensor.shape = shape.to_vec();
        }
    }

    /// The file, with these outputs.
    pub fn finish(&self, outputs: &[Value]) -> Vec<u8> {
        let mut codes: Vec<i32> = self.operators.iter().map(|operator| operator.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let outputs: Vec<i32> = outputs.iter().map(|value| value.0 as i32).collect();
        let mut tensors = Vec::new();
        // The first buffer is that of tensors without values.
        let mut buffers = vec![Part::Table(Vec::new())];
        for tensor in &self.tensors {
            let shape = Part::Ints(tensor.shape.iter().map(|side| *side as i32).collect());
            let mut fields = vec![
                (0, Field::Part(shape)),
                (1, Field::Byte(tensor.kind)),
                (3, Field::Part(Part::Text(tensor.name.clone()))),
            ];
            if !tensor.data.is_empty() {
                fields.push((2, int_field(buffers.len())));
                buffers.push(Part::Table(vec![(0, Field::Part(Part::Bytes(tensor.data.clone())))]));
            }
            tensors.push(Part::Table(fields));
        }
        let operators = self.operators.iter().map(|operator| operator.part(&codes)).collect();
        let codes = codes.iter().map(|code| {
            let older = u8::try_from(*code).unwrap_or(127).min(127);
            Part::Table(vec![(0, Field::Byte(older)), (2, Field::Int(1)), (3, Field::Int(*code))])
        });
        let graph = Part::Table(vec![
            (0, Field::Part(Part::Tables(tensors))),
            (1, Field::Part(Part::Ints(vec![0]))),
            (2, Field::Part(Part::Ints(outputs))),
            (3, Field::Part(Part::Tables(operators))),
        ]);
        let model = Part::Table(vec![
            (0, Field::Int(3)),
            (1, Field::Part(Part::Tables(codes.collect()))),
            (2, Field::Part(Part::Tables(vec![graph]))),
            (4, Field::Part(Part::Tables(buffers))),
        ]);
        model.to_file(*b"TFL3")
    }

    fn side(&self, value: Value, side: usize) -> usize {
        self.shape(value).get(side).copied().unwrap_or(0)
    }

    /// The shape that a window makes; no rows or columns where not even one lies within.
    fn windowed(&self, from: Value, window: Window, taps: [usize; 2], channels: usize) -> [usize; 4] {
        let count = |direction: usize| {
            let pixels = self.side(from, direction + 1);
            window.span(direction, pixels, taps[direction]).map_or(0, |(count, _)| count)
        };
        [self.side(from, 0), count(0), count(1), channels]
    }

    fn weighted(&mut self, from: Value, weights: &Array, bias: Option<&Array>) -> [Option<Value>; 3] {
        [Some(from), Some(self.constant(weights)), bias.map(|bias| self.constant(bias))]
    }

    fn tensor(&mut self, what: &str, shape: &[usize], kind: u8, data: Vec<u8>) -> Value {
        let name = format!("{what}_{}", self.tensors.len());
        self.tensors.push(Tensor { name, shape: shape.to_vec(), kind, data });
        Value(self.tensors.len() - 1)
    }

    fn operator(&mut self, code: i32, inputs: &[Option<Value>], shape: &[usize], options: Options) -> Value {
        let output = self.tensor("result", shape, F32, Vec::new());
        let inputs = inputs.iter().map(|input| input.map_or(-1, |value| value.0 as i32)).collect();
        self.operators.push(Operator { code, inputs, output: output.0, options });
        output
    }
}

impl Array {
    fn side(&self, side: usize) -> usize {
        self.shape.get(side).copied().unwrap_or(0)
    }
}

impl Operator {
    fn part(&self, codes: &[i32]) -> Part {
        let code = codes.iter().position(|code| *code == self.code).unwrap_or(0);
        let mut fields = vec![
            (0, int_field(code)),
            (1, Field::Part(Part::Ints(self.inputs.clone()))),
            (2, Field::Part(Part::Ints(vec![self.output as i32]))),
        ];
        if let Some((kind, options)) = &self.options {
            fields.push((3, Field::Byte(*kind)));
            fields.push((4, Field::Part(Part::Table(options.clone()))));
        }
        Part::Table(fields)
    }
}

fn int_field(value: usize) -> Field {
    Field::Int(value as i32)
}

fn padding_field(padding: Padding) -> Field {
    Field::Byte(match padding {
        Padding::Same => 0,
        Padding::Valid => 1,
    })
}

fn activation_field(activation: Activation) -> Field {
    Field::Byte(match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::Relu6 => 3,
    })
}
