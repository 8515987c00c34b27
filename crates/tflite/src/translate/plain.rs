//! Operators on tensors of any shape; those of four sides are pictures.

use crate::error::Fault;
use crate::onnx::Attribute;
use crate::op::Activation;

use super::picture::constant_of;
use super::values::{Layout, TO_PLANES, Values};

/// Where a side of the file's pictures is among planes.
const PLACE: [usize; 4] = [0, 2, 3, 1];

pub fn convert_add(
    values: &mut Values<'_, '_>,
    from: [usize; 2],
    to: usize,
    activation: Activation,
) -> Result<(), Fault> {
    let shapes = [values.shape(from[0])?, values.shape(from[1])?];
    let Some(sum) = broadcast_shape(shapes[0], shapes[1]) else {
        return Err(format!("is to add {:?} and {:?}", shapes[0], shapes[1]).into());
    };
    values.expect_shape(to, &sum)?;
    let mut layout = if sum.len() == 4 { Layout::Planes } else { Layout::File };
    for (index, shape) in from.into_iter().zip(shapes) {
        // What is smaller meets the last sides of what is larger, in the file's order of them.
        if shape.len() != sum.len() && !values.is_constant(index)? {
            layout = Layout::File;
        }
    }
    let mut names = Vec::new();
    for (index, shape) in from.into_iter().zip(shapes) {
        names.push(if layout == Layout::Planes && values.is_constant(index)? {
            let mut whole = vec![1; 4 - shape.len()];
            whole.extend(shape);
            values.constant(index, "_planes", &whole, &TO_PLANES)?
        } else {
            values.tensor_name(index, layout)?
        });
    }
    values.make_tensor(to, layout, "Add", &[&names[0], &names[1]], &[], activation)
}

/// The shape of what two tensors make where the smaller one is repeated.
fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let side = |shape: &[usize], place: usize| {
        (place + shape.len()).checked_sub(rank).map_or(1, |place| shape[place])
    };
    (0..rank)
        .map(|place| match (side(a, place), side(b, place)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

pub fn convert_concat(
    values: &mut Values<'_, '_>,
    from: &[usize],
    to: usize,
    axis: i32,
    activation: Activation,
) -> Result<(), Fault> {
    let Some((first, others)) = from.split_first() else { return Err("has no inputs".into()) };
    let mut shape = values.shape(*first)?.to_vec();
    let rank = shape.len();
    let axis = side_index(i64::from(axis), rank)?;
    for index in others {
        let other = values.shape(*index)?;
        let fits = other.len() == rank && (0..rank).all(|side| side == axis || other[side] == shape[side]);
        if !fits {
            return Err(format!("is to join {other:?} to {shape:?} along side {axis}").into());
        }
        shape[axis] += other[axis];
    }
    values.expect_shape(to, &shape)?;
    let (layout, axis) = if rank == 4 { (Layout::Planes, PLACE[axis]) } else { (Layout::File, axis) };
    let names = from.iter().map(|index| values.tensor_name(*index, layout)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    values.make_tensor(to, layout, "Concat", &names, &[Attribute::Int("axis", axis as i64)], activation)
}

/// Rows of all values are multiplied with weights, \[results, inputs\].
pub fn fully_connected(
    values: &mut Values<'_, '_>,
    from: [usize; 2],
    bias: Option<usize>,
    to: usize,
    activation: Activation,
) -> Result<(), Fault> {
    let (shape, weights) = (values.shape(from[0])?, values.shape(from[1])?);
    let [results, inputs] = *weights else {
        return Err(values.tensor_error(from[1], format!("is {weights:?} instead of two sides")).into());
    };
    let elements: usize = shape.iter().product();
    let rows = elements / inputs;
    let target = values.shape(to)?;
    let fits = elements.is_multiple_of(inputs)
        && target.last() == Some(&results)
        && target.iter().product::<usize>() == rows * results;
    if !fits {
        return Err(format!("is to make {target:?} of {shape:?} with weights of {weights:?}").into());
    }
    let mut input = values.in_order(from[0])?;
    if *shape != [rows, inputs] {
        let size = values.add_list(format!("t{to}_size"), &[rows as i64, inputs as i64]);
        let flat = format!("t{to}_rows");
        values.graph.add_node("Reshape", &[&input, &size], &flat, &[]);
        input = flat;
    }
    let weights = values.constant(from[1], "", weights, &[])?;
    let bias = bias.map(|bias| constant_of(values, bias, results)).transpose()?;
    let mut inputs = vec![input.as_str(), &weights];
    inputs.extend(bias.as_deref());
    let attributes = [Attribute::Int("transB", 1)];
    if *target == [rows, results] {
        return values.make_tensor(to, Layout::File, "Gemm", &inputs, &attributes, activation);
    }
    let product = format!("t{to}_product");
    values.graph.add_node("Gemm", &inputs, &product, &attributes);
    let size: Vec<i64> = target.iter().map(|side| *side as i64).collect();
    let size = values.add_list(format!("t{to}_shape"), &size);
    values.make_tensor(to, Layout::File, "Reshape", &[&product, &size], &[], activation)
}

/// An operator on each value.
pub fn convert_each(values: &mut Values<'_, '_>, from: usize, to: usize, op: &str) -> Result<(), Fault> {
    values.expect_shape(to, values.shape(from)?)?;
    let layout = values.layout(from);
    let name = values.tensor_name(from, layout)?;
    values.make_tensor(to, layout, op, &[&name], &[], Activation::None)
}

/// An activation on its own.
pub fn convert_activation(
    values: &mut Values<'_, '_>,
    from: usize,
    to: usize,
    activation: Activation,
) -> Result<(), Fault> {
    values.expect_shape(to, values.shape(from)?)?;
    let layout = values.layout(from);
    let name = values.tensor_name(from, layout)?;
    values.make_tensor(to, layout, "Identity", &[&name], &[], activation)
}

/// `sides` is a constant list.
pub fn convert_mean(
    values: &mut Values<'_, '_>,
    from: usize,
    sides: usize,
    to: usize,
    keep: bool,
) -> Result<(), Fault> {
    let shape = values.shape(from)?;
    let mut gone = vec![false; shape.len()];
    for axis in values.ints(sides)? {
        gone[side_index(axis, shape.len())?] = true;
    }
    let rest = shape.iter().zip(&gone).filter(|(_, gone)| keep || !**gone);
    let rest: Vec<usize> = rest.map(|(side, gone)| if *gone { 1 } else { *side }).collect();
    values.expect_shape(to, &rest)?;
    // Without rows and columns, or with all sides in their places, the order is the same in both forms.
    let of_planes = shape.len() == 4 && (keep || gone == [false, true, true, false]);
    let axes = (0..shape.len()).filter(|side| gone[*side]);
    let axes: Vec<i64> = axes.map(|side| if of_planes { PLACE[side] } else { side } as i64).collect();
    let name = values.tensor_name(from, if of_planes { Layout::Planes } else { Layout::File })?;
    let layout = if of_planes && keep { Layout::Planes } else { Layout::File };
    let attributes = [Attribute::Ints("axes", &axes), Attribute::Int("keepdims", i64::from(keep))];
    if axes.is_empty() {
        return values.make_tensor(to, layout, "Identity", &[&name], &[], Activation::None);
    }
    values.make_tensor(to, layout, "ReduceMean", &[&name], &attributes, Activation::None)
}

/// `margins` is a constant of two numbers a side: before and after.
pub fn convert_pad(values: &mut Values<'_, '_>, from: usize, margins: usize, to: usize) -> Result<(), Fault> {
    let shape = values.shape(from)?;
    let margins = values.ints(margins)?;
    let (pairs, rest) = margins.as_chunks::<2>();
    let largest = i64::from(i32::MAX);
    if pairs.len() != shape.len() || !rest.is_empty() || margins.iter().any(|m| !(0..=largest).contains(m)) {
        return Err(format!("has the margins {margins:?} for {shape:?}").into());
    }
    let sum = shape.iter().zip(pairs).map(|(side, [before, after])| side + (before + after) as usize);
    values.expect_shape(to, &sum.collect::<Vec<_>>())?;
    let layout = if shape.len() == 4 { Layout::Planes } else { Layout::File };
    let order: Vec<usize> = if shape.len() == 4 { TO_PLANES.into() } else { (0..shape.len()).collect() };
    let pads: Vec<i64> = (0..2).flat_map(|end| order.iter().map(move |side| pairs[*side][end])).collect();
    let name = values.tensor_name(from, layout)?;
    let pads = values.add_list(format!("t{to}_pads"), &pads);
    values.make_tensor(to, layout, "Pad", &[&name, &pads], &[], Activation::None)
}

/// `slope` is a constant that is repeated over the sides that it does not have.
pub fn convert_prelu(values: &mut Values<'_, '_>, from: usize, slope: usize, to: usize) -> Result<(), Fault> {
    let (shape, sides) = (values.shape(from)?, values.shape(slope)?);
    if broadcast_shape(shape, sides).is_none_or(|both| both != shape) {
        return Err(format!("has a slope of {sides:?} for {shape:?}").into());
    }
    values.expect_shape(to, shape)?;
    let (layout, slope) = match (shape.len(), sides) {
        (4, [] | [_] | [_, _] | [_, _, _]) => {
            let mut whole = vec![1; 3 - sides.len()];
            whole.extend(sides);
            (Layout::Planes, values.constant(slope, "_slope", &whole, &[2, 0, 1])?)
        }
        (4, _) => (Layout::Planes, values.tensor_name(slope, Layout::Planes)?),
        _ => (Layout::File, values.tensor_name(slope, Layout::File)?),
    };
    let name = values.tensor_name(from, layout)?;
    values.make_tensor(to, layout, "PRelu", &[&name, &slope], &[], Activation::None)
}

/// The file says the new shape twice; that of the result is taken.
pub fn convert_reshape(values: &mut Values<'_, '_>, from: usize, to: usize) -> Result<(), Fault> {
    let (shape, target) = (values.shape(from)?, values.shape(to)?);
    if shape.iter().product::<usize>() != target.iter().product::<usize>() {
        return Err(format!("is to make {target:?} of {shape:?}").into());
    }
    let name = values.in_order(from)?;
    let size: Vec<i64> = target.iter().map(|side| *side as i64).collect();
    let size = values.add_list(format!("t{to}_shape"), &size);
    values.make_tensor(to, Layout::File, "Reshape", &[&name, &size], &[], Activation::None)
}

/// A side that may be counted from the end.
fn side_index(axis: i64, rank: usize) -> Result<usize, Fault> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    let side = usize::try_from(counted).ok().filter(|side| *side < rank);
    side.ok_or_else(|| format!("names side {axis} of {rank}").into())
}
