//! TFLite files become ONNX, in memory and in milliseconds: the networks that find hands and bodies are published as the
//! one, and ONNX Runtime reads the other. Pure: bytes in, bytes out, and a file from anywhere is an error at worst.
//!
//! - [`flatbuffer`]: the container that TFLite files are; every access is checked
//! - [`model`]: what of it a translation needs: tensors, operators, inputs and outputs
//! - [`op`]: the operators that are known, and their options
//! - [`translate`]: operator by operator, with pictures as channels, rows, columns instead of rows, columns, channels
//! - [`onnx`]: the few fields of the format that the result needs
//! - [`half`]: numbers of 16 bits
//! - [`error`]: why a file is not converted
//! - `write` (a feature, for tests): makes TFLite files
#![forbid(unsafe_code)]

pub mod error;
mod flatbuffer;
pub mod half;
mod model;
pub mod onnx;
pub mod op;
mod translate;
#[cfg(feature = "write")]
pub mod write;

pub use error::ConvertError;

use model::Model;

/// What a file says of its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Of the only input: pictures, rows, columns, channels.
    pub input: Vec<usize>,
    /// In the file's order.
    pub outputs: Vec<Output>,
}

/// One of a network's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The tensor's name.
    pub name: String,
    /// As in the file; of four sides: pictures, rows, columns, channels.
    pub shape: Vec<usize>,
}

/// Reads what a file says of its network, without looking at the operators.
pub fn describe_model(tflite: &[u8]) -> Result<Description, ConvertError> {
    let model = Model::read(tflite)?;
    let outputs = model.outputs.iter().map(|index| {
        let tensor = model.tensor(*index)?;
        Ok(Output { name: tensor.name.clone(), shape: tensor.shape.clone() })
    });
    Ok(Description { input: model.input()?.1.shape.clone(), outputs: outputs.collect::<Result<_, _>>()? })
}

/// An ONNX file (opset 13) that calculates the same.
///
/// Its input is one f32 tensor called `input`, \[1, channels, rows, columns\] where the TFLite file has \[1, rows, columns,
/// channels\]. Its output is one f32 tensor called `output`: the outputs with these indexes, in the file's own order of values
/// within each, joined along their last side in the order of `outputs`. What only other outputs need is left out, whether its
/// operators are known or not. All shapes are static.
pub fn to_onnx(tflite: &[u8], outputs: &[usize]) -> Result<Vec<u8>, ConvertError> {
    translate::translate_model(&Model::read(tflite)?, outputs)
}
