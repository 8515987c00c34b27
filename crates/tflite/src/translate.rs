//! Operator by operator: what is needed for the outputs that were asked for.
//!
//! Pictures are \[pictures, rows, columns, channels\] in TFLite and \[pictures, channels, rows, columns\] here, from the input to
//! where an operator's result depends on the order of values in memory. All other tensors are as in the file.
//!
//! - [`values`]: in which forms a tensor is there
//! - [`picture`]: operators on pictures
//! - [`plain`]: operators on tensors of any shape

mod picture;
mod plain;
mod values;

use crate::error::{ConvertError, Fault};
use crate::model::{Kind, Model, Operator};
use crate::op::{self, Op};

use values::{Layout, Values};

/// The ONNX file of these outputs.
pub fn translate_model(model: &Model<'_>, outputs: &[usize]) -> Result<Vec<u8>, ConvertError> {
    if outputs.is_empty() {
        return Err(ConvertError::NoOutputs);
    }
    let wanted = outputs.iter().map(|asked| {
        let tensor = model.outputs.get(*asked).copied();
        tensor.ok_or(ConvertError::NoOutput { count: model.outputs.len(), asked: *asked })
    });
    let wanted: Vec<usize> = wanted.collect::<Result<_, _>>()?;
    let needed = needed_operators(model, &wanted);
    let mut values = Values::new(model)?;
    for (index, operator) in model.operators.iter().enumerate().filter(|(index, _)| needed[*index]) {
        convert_operator(&mut values, operator, index)?;
    }
    let shape = join_outputs(&mut values, &wanted)?;
    values.graph.add_output("output", &shape);
    Ok(values.graph.into_file())
}

/// Which operators the tensors depend on.
fn needed_operators(model: &Model<'_>, wanted: &[usize]) -> Vec<bool> {
    let mut tensors = vec![false; model.tensors.len()];
    for tensor in wanted {
        tensors[*tensor] = true;
    }
    let mut operators = vec![false; model.operators.len()];
    // From the last to the first: each stands after those whose results it takes.
    for (operator, needed) in model.operators.iter().zip(&mut operators).rev() {
        *needed = operator.outputs.iter().any(|tensor| tensors[*tensor]);
        for tensor in operator.inputs.iter().flatten().filter(|_| *needed) {
            tensors[*tensor] = true;
        }
    }
    operators
}

fn convert_operator(
    values: &mut Values<'_, '_>,
    operator: &Operator<'_>,
    index: usize,
) -> Result<(), ConvertError> {
    let name = || operator.name.clone();
    let done = match op::read_op(operator.code, operator.options) {
        Ok(Some(op)) => convert_op(values, operator, op),
        Ok(None) => return Err(ConvertError::Unsupported { index, name: name() }),
        Err(fault) => Err(fault),
    };
    done.map_err(|fault| match fault {
        Fault::File(error) => error,
        Fault::Reason(reason) => ConvertError::Operator { index, name: name(), reason },
    })
}

fn convert_op(values: &mut Values<'_, '_>, operator: &Operator<'_>, op: Op) -> Result<(), Fault> {
    let [to] = operator.outputs[..] else {
        return Err(format!("has {} results instead of one", operator.outputs.len()).into());
    };
    let given = |place: usize| operator.inputs.get(place).copied().flatten();
    let input = |place: usize| given(place).ok_or_else(|| Fault::Reason(format!("has no input {place}")));
    match op {
        Op::Add(activation) => plain::convert_add(values, [input(0)?, input(1)?], to, activation),
        Op::Concat(axis, activation) => {
            let from: Vec<usize> = operator.inputs.iter().flatten().copied().collect();
            plain::convert_concat(values, &from, to, axis, activation)
        }
        Op::Conv(window, activation) => {
            picture::convert_conv(values, [input(0)?, input(1)?], given(2), to, window, activation)
        }
        Op::Depthwise(window, activation) => {
            picture::convert_depthwise(values, [input(0)?, input(1)?], given(2), to, window, activation)
        }
        Op::Dequantize => values.dequantize(input(0)?, to),
        Op::FullyConnected(activation) => {
            plain::fully_connected(values, [input(0)?, input(1)?], given(2), to, activation)
        }
        Op::Logistic => plain::convert_each(values, input(0)?, to, "Sigmoid"),
        Op::Activation(activation) => plain::convert_activation(values, input(0)?, to, activation),
        Op::MaxPool(size, window, activation) => {
            picture::max_pool(values, input(0)?, to, size, window, activation)
        }
        Op::Mean { keep } => plain::convert_mean(values, input(0)?, input(1)?, to, keep),
        Op::Pad => plain::convert_pad(values, input(0)?, input(1)?, to),
        Op::Prelu => plain::convert_prelu(values, input(0)?, input(1)?, to),
        Op::Reshape => plain::convert_reshape(values, input(0)?, to),
        Op::Resize(sampling) => picture::convert_resize(values, input(0)?, input(1)?, to, sampling),
    }
}

/// The tensors one after the other along their last side, in the file's order of values, as `output`.
fn join_outputs(values: &mut Values<'_, '_>, wanted: &[usize]) -> Result<Vec<usize>, ConvertError> {
    let mut names = Vec::new();
    let mut joined: Option<Vec<usize>> = None;
    for &index in wanted {
        let tensor = values.model.tensor(index)?;
        let Some((last, sides)) = tensor.shape.split_last().filter(|_| tensor.kind == Kind::F32) else {
            let reason = format!(
                "is an output, but {} of {:?} instead of a list of f32",
                tensor.kind.name(),
                tensor.shape
            );
            return Err(tensor.tensor_error(index, reason));
        };
        match &mut joined {
            None => joined = Some(tensor.shape.clone()),
            Some(shape) => match shape.split_last_mut() {
                Some((sum, others)) if others == sides => *sum += last,
                _ => {
                    let reason = format!(
                        "is {:?}, which cannot be joined to {shape:?} along the last side",
                        tensor.shape
                    );
                    return Err(tensor.tensor_error(index, reason));
                }
            },
        }
        names.push(values.tensor_name(index, Layout::File)?);
    }
    let shape = joined.unwrap_or_default();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let axis = [crate::onnx::Attribute::Int("axis", shape.len() as i64 - 1)];
    match names[..] {
        [only] => values.graph.add_node("Identity", &[only], "output", &[]),
        _ => values.graph.add_node("Concat", &names, "output", &axis),
    }
    Ok(shape)
}
