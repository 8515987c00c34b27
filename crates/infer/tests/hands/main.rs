//! Hands through the real library and the whole service, with small networks of our own that find the joints of a drawn
//! hand: they have the inputs, outputs and operators of those that people use.
//!
//! Needs the ONNX Runtime library in the store (`sightwire models pull runtime`, which `cargo xtask test` does).
//!
//! - [`drawn`]: the hands; [`networks`]: what finds them; [`model`]: the networks as a model; [`show`]: a client
//! - [`seen`]: where hands are found; [`body`]: and shoulders; [`meant`]: what they say; [`served`]: many clients; [`refused`]: other files
//! - [`remote`]: networks that another machine runs
//! - [`fixtures`]: the model for the tests of the whole server

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod body;
mod drawn;
mod fixtures;
mod meant;
mod model;
mod networks;
mod refused;
mod remote;
mod seen;
mod served;
mod show;
