//! The messages of `KServe` v2, by their published field numbers.
//!
//! Fields that servers number differently (6 of a model's metadata, 4 of a tensor's) are left out: what is unknown is skipped.

use std::collections::HashMap;

use bytes::Bytes;

/// Asks nothing: of `ServerLive`, `ServerReady` and `ServerMetadata`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Empty {}

/// Whether the server runs.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Live {
    /// Whether the server runs.
    #[prost(bool, tag = "1")]
    pub live: bool,
}

/// Whether a server or a model takes requests.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Ready {
    /// Whether it takes requests.
    #[prost(bool, tag = "1")]
    pub ready: bool,
}

/// What a server is.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ServerMetadata {
    /// Name of the program.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Version of the program.
    #[prost(string, tag = "2")]
    pub version: String,
    /// What it can beyond the protocol.
    #[prost(string, repeated, tag = "3")]
    pub extensions: Vec<String>,
}

/// Asks whether a model is ready, or what it takes and gives.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ModelRequest {
    /// Name of the model.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Empty: the server chooses.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// What a model takes and gives.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ModelMetadata {
    /// Name of the model.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Those that can be asked.
    #[prost(string, repeated, tag = "2")]
    pub versions: Vec<String>,
    /// What runs it.
    #[prost(string, tag = "3")]
    pub platform: String,
    /// What it takes; empty where the server does not tell.
    #[prost(message, repeated, tag = "4")]
    pub inputs: Vec<TensorMetadata>,
    /// What it gives; empty where the server does not tell.
    #[prost(message, repeated, tag = "5")]
    pub outputs: Vec<TensorMetadata>,
}

/// A tensor that a model takes or gives.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TensorMetadata {
    /// Name of the tensor.
    #[prost(string, tag = "1")]
    pub name: String,
    /// As [`crate::kserve::tensor::Datatype`] has it.
    #[prost(string, tag = "2")]
    pub datatype: String,
    /// Its sizes; −1 is any.
    #[prost(int64, repeated, tag = "3")]
    pub shape: Vec<i64>,
}

/// Asks a model about tensors.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InferRequest {
    /// Name of the model.
    #[prost(string, tag = "1")]
    pub model_name: String,
    /// Empty: the server chooses.
    #[prost(string, tag = "2")]
    pub model_version: String,
    /// Comes back with the answer.
    #[prost(string, tag = "3")]
    pub id: String,
    /// What the model wants to know beside its inputs.
    #[prost(map = "string, message", tag = "4")]
    pub parameters: HashMap<String, Parameter>,
    /// What is asked about.
    #[prost(message, repeated, tag = "5")]
    pub inputs: Vec<TensorMessage>,
    /// What is wanted; empty: all.
    #[prost(message, repeated, tag = "6")]
    pub outputs: Vec<WantedOutput>,
    /// Values of the inputs, in their order; then no input has contents of its own.
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub raw_input_contents: Vec<Bytes>,
}

/// What a model answers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InferResponse {
    /// Name of the model.
    #[prost(string, tag = "1")]
    pub model_name: String,
    /// The version that answered.
    #[prost(string, tag = "2")]
    pub model_version: String,
    /// The id that the request had.
    #[prost(string, tag = "3")]
    pub id: String,
    /// What the model says beside its outputs.
    #[prost(map = "string, message", tag = "4")]
    pub parameters: HashMap<String, Parameter>,
    /// The answer.
    #[prost(message, repeated, tag = "5")]
    pub outputs: Vec<TensorMessage>,
    /// Values of the outputs, in their order; then no output has contents of its own.
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub raw_output_contents: Vec<Bytes>,
}

/// An input or an output.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorMessage {
    /// Name of the tensor.
    #[prost(string, tag = "1")]
    pub name: String,
    /// As [`crate::kserve::tensor::Datatype`] has it.
    #[prost(string, tag = "2")]
    pub datatype: String,
    /// Its sizes, the slowest first.
    #[prost(int64, repeated, tag = "3")]
    pub shape: Vec<i64>,
    /// What is said of it.
    #[prost(map = "string, message", tag = "4")]
    pub parameters: HashMap<String, Parameter>,
    /// Its values, where they are not raw.
    #[prost(message, optional, tag = "5")]
    pub contents: Option<Contents>,
}

/// An output that is wanted.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WantedOutput {
    /// Name of the tensor.
    #[prost(string, tag = "1")]
    pub name: String,
    /// How it is wanted.
    #[prost(map = "string, message", tag = "2")]
    pub parameters: HashMap<String, Parameter>,
}

/// Something said beside tensors.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Parameter {
    /// Its value.
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5")]
    pub value: Option<Value>,
}

/// The value of a parameter.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Value {
    /// Yes or no.
    #[prost(bool, tag = "1")]
    Bool(bool),
    /// A whole number.
    #[prost(int64, tag = "2")]
    Int(i64),
    /// A text.
    #[prost(string, tag = "3")]
    Text(String),
    /// A number.
    #[prost(double, tag = "4")]
    Real(f64),
    /// A whole number that is not negative.
    #[prost(uint64, tag = "5")]
    Whole(u64),
}

/// Values of a tensor, in the one of these that its datatype names.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Contents {
    /// BOOL.
    #[prost(bool, repeated, tag = "1")]
    pub bools: Vec<bool>,
    /// INT8, INT16 and INT32.
    #[prost(int32, repeated, tag = "2")]
    pub ints: Vec<i32>,
    /// INT64.
    #[prost(int64, repeated, tag = "3")]
    pub longs: Vec<i64>,
    /// UINT8, UINT16 and UINT32.
    #[prost(uint32, repeated, tag = "4")]
    pub uints: Vec<u32>,
    /// UINT64.
    #[prost(uint64, repeated, tag = "5")]
    pub ulongs: Vec<u64>,
    /// FP32.
    #[prost(float, repeated, tag = "6")]
    pub floats: Vec<f32>,
    /// FP64.
    #[prost(double, repeated, tag = "7")]
    pub doubles: Vec<f64>,
    /// BYTES.
    #[prost(bytes = "bytes", repeated, tag = "8")]
    pub bytes: Vec<Bytes>,
}
