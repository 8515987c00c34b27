//! Inference over gRPC as `KServe` v2 defines it: Triton, `MLServer` and their like speak it, and so do other Sightwires.
//!
//! - [`messages`]: what goes over the wire, written from the published field numbers
//! - [`tensor`]: tensors, built and checked
#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod messages;
pub mod tensor;
