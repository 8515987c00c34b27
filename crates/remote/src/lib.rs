//! What another machine does for this one, and this one for others: networks, objects and text in pictures, over `KServe` v2.
//!
//! - [`networks`]: has networks run there, for the sessions of this one's engine; [`detector`]: objects found; [`text`]: pictures read
//! - [`served`]: runs networks for others
//! - [`kserve`]: the protocol: messages, tensors, a client with a circuit breaker, a server; nothing of models or pictures
//! - `metrics`: what is counted, for `/metrics`
//!
//! A network is a model there, called `MODEL.ROLE`, such as `hands.palm`. It has one input and one output, in the shape of its
//! file. The output is FP32. The input is UINT8 where the values are made of bytes, a quarter of what they are as numbers; a server
//! that says that it takes FP32 gets them as the network does.

#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod detector;
pub mod kserve;
mod metrics;
pub mod networks;
pub mod served;
pub mod text;

/// More values of an input are sent and taken by nobody: 12 MiB as bytes.
pub(crate) const MAX_VALUES: usize = 12 << 20;
/// More as FP32 do not fit into a message.
pub(crate) const MAX_REALS: usize = 3 << 20;
/// A server that says this is its platform runs the files that this version of the program knows.
pub const PLATFORM: &str = "sightwire";
/// Name of the input, where the server does not name another.
pub(crate) const INPUT: &str = "input";
/// Name of the output.
pub(crate) const OUTPUT: &str = "output";
