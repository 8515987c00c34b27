//! Operators on pictures: rows, columns and channels.

use crate::error::Fault;
use crate::onnx::Attribute;
use crate::op::{Activation, Sampling, Window};

use super::values::{Layout, Values};

/// The attributes that all windows have.
struct Moved {
    kernel: [i64; 2],
    strides: [i64; 2],
    dilations: [i64; 2],
    /// Rows above, columns on the left, rows below, columns on the right.
    pads: [i64; 4],
    /// Rows and columns of the result.
    size: [usize; 2],
}

impl Moved {
    fn new(window: Window, taps: [usize; 2], rows: usize, columns: usize) -> Result<Self, Fault> {
        let none = || format!("has a window of {taps:?} taps on {rows} rows and {columns} columns");
        let (height, [above, below]) = window.span(0, rows, taps[0]).ok_or_else(none)?;
        let (width, [left, right]) = window.span(1, columns, taps[1]).ok_or_else(none)?;
        Ok(Self {
            kernel: taps.map(|side| side as i64),
            strides: window.stride.map(|step| step as i64),
            dilations: window.dilation.map(|step| step as i64),
            pads: [above, left, below, right].map(|side| side as i64),
            size: [height, width],
        })
    }

    fn attributes(&self) -> [Attribute<'_>; 4] {
        [
            Attribute::Ints("kernel_shape", &self.kernel),
            Attribute::Ints("strides", &self.strides),
            Attribute::Ints("dilations", &self.dilations),
            Attribute::Ints("pads", &self.pads),
        ]
    }
}

/// `from` is the picture and the weights, \[outputs, rows, columns, inputs\]; fewer inputs than channels make groups.
pub fn convert_conv(
    values: &mut Values<'_, '_>,
    from: [usize; 2],
    bias: Option<usize>,
    to: usize,
    window: Window,
    activation: Activation,
) -> Result<(), Fault> {
    let ([_, _, _, channels], [results, rows, columns, inputs]) =
        (values.picture(from[0])?, values.picture(from[1])?);
    let groups = channels / inputs;
    if channels % inputs != 0 || results % groups != 0 {
        return Err(
            format!("has weights of {inputs} inputs and {results} results for {channels} channels").into()
        );
    }
    let weights = values.constant(from[1], "_conv", &[results, rows, columns, inputs], &[0, 3, 1, 2])?;
    let taps = Weights { name: weights, taps: [rows, columns], results, groups };
    convert_windowed(values, from[0], &taps, bias, to, window, activation)
}

/// `from` is the picture and the weights, \[1, rows, columns, results\]: as many results for each channel.
pub fn convert_depthwise(
    values: &mut Values<'_, '_>,
    from: [usize; 2],
    bias: Option<usize>,
    to: usize,
    window: Window,
    activation: Activation,
) -> Result<(), Fault> {
    let ([_, _, _, channels], [one, rows, columns, results]) =
        (values.picture(from[0])?, values.picture(from[1])?);
    if one != 1 || results % channels != 0 {
        return Err(format!("has weights of {one} × {results} for {channels} channels").into());
    }
    let weights = values.constant(from[1], "_depthwise", &[1, rows, columns, results], &[3, 0, 1, 2])?;
    let taps = Weights { name: weights, taps: [rows, columns], results, groups: channels };
    convert_windowed(values, from[0], &taps, bias, to, window, activation)
}

struct Weights {
    name: String,
    taps: [usize; 2],
    results: usize,
    groups: usize,
}

fn convert_windowed(
    values: &mut Values<'_, '_>,
    from: usize,
    weights: &Weights,
    bias: Option<usize>,
    to: usize,
    window: Window,
    activation: Activation,
) -> Result<(), Fault> {
    let [pictures, rows, columns, _] = values.picture(from)?;
    let moved = Moved::new(window, weights.taps, rows, columns)?;
    values.expect_shape(to, &[pictures, moved.size[0], moved.size[1], weights.results])?;
    let picture = values.tensor_name(from, Layout::Planes)?;
    let bias = bias.map(|bias| constant_of(values, bias, weights.results)).transpose()?;
    let mut inputs = vec![picture.as_str(), &weights.name];
    inputs.extend(bias.as_deref());
    let group = [Attribute::Int("group", weights.groups as i64)];
    let attributes = [moved.attributes().as_slice(), &group].concat();
    values.make_tensor(to, Layout::Planes, "Conv", &inputs, &attributes, activation)
}

/// A constant list of this many values.
pub fn constant_of(values: &mut Values<'_, '_>, index: usize, len: usize) -> Result<String, Fault> {
    let shape = values.shape(index)?;
    if shape.iter().product::<usize>() != len {
        return Err(values.tensor_error(index, format!("is {shape:?} instead of {len} values")).into());
    }
    Ok(values.constant(index, "_list", &[len], &[])?)
}

pub fn max_pool(
    values: &mut Values<'_, '_>,
    from: usize,
    to: usize,
    size: [usize; 2],
    window: Window,
    activation: Activation,
) -> Result<(), Fault> {
    let [pictures, rows, columns, channels] = values.picture(from)?;
    let moved = Moved::new(window, size, rows, columns)?;
    values.expect_shape(to, &[pictures, moved.size[0], moved.size[1], channels])?;
    let picture = values.tensor_name(from, Layout::Planes)?;
    // What stands out of the picture is never the largest, in both formats.
    values.make_tensor(to, Layout::Planes, "MaxPool", &[&picture], &moved.attributes(), activation)
}

/// `size` is a constant of rows and columns.
pub fn convert_resize(
    values: &mut Values<'_, '_>,
    from: usize,
    size: usize,
    to: usize,
    sampling: Sampling,
) -> Result<(), Fault> {
    let [pictures, _, _, channels] = values.picture(from)?;
    let asked = values.ints(size)?;
    let sizes = match asked[..] {
        [rows, columns] if rows > 0 && columns > 0 => [pictures as i64, channels as i64, rows, columns],
        _ => return Err(format!("is to make pictures of {asked:?} rows and columns").into()),
    };
    values.expect_shape(to, &[pictures, sizes[2] as usize, sizes[3] as usize, channels])?;
    let picture = values.tensor_name(from, Layout::Planes)?;
    let sizes = values.add_list(format!("t{to}_sizes"), &sizes);
    let place = match sampling {
        Sampling::HalfPixel => "half_pixel",
        Sampling::AlignCorners => "align_corners",
        Sampling::TopLeft => "asymmetric",
    };
    let attributes =
        [Attribute::Text("mode", "linear"), Attribute::Text("coordinate_transformation_mode", place)];
    // Without a region and without factors.
    values.make_tensor(
        to,
        Layout::Planes,
        "Resize",
        &[&picture, "", "", &sizes],
        &attributes,
        Activation::None,
    )
}
