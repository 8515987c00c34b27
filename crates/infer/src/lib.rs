//! Models and what runs them: pixels and bytes in, labels and scores out. Knows nothing of networks or clients'
//! protocols, and runs on its own threads, never on an async runtime.
//!
//! - [`manifest`]: what a model is: files, shapes, colour order, labels, licence
//! - [`builtin`]: the models and packages that the binary brings along
//! - [`store`]: where model files lie, and whether they are the right ones
//! - [`digest`]: whether a file is the right one
//! - [`fetch`]: gets them there: mirror folder, package, https
//! - [`import`]: makes a model out of a Keras file, once
//! - [`cpu`]: what the CPU can do, and what it only announces
//! - [`runtime`]: finds and loads the ONNX Runtime library
//! - [`engine`]: execution providers, and sessions with static shapes
//! - [`network`]: a network's file, and what it is run with
//! - [`trial`]: each way of running a network is tried in a child process first, and measured
//! - [`clip`]: clip classification: a window of frames in, a label out
//! - [`detect`]: object detection: boxes in a picture
//! - [`read`]: text reading: lines of text in a picture
//! - `child`: child processes, and their sure end
//! - [`priority`]: lets inference give way to replies

pub mod builtin;
mod child;
pub mod clip;
pub mod cpu;
pub mod detect;
pub mod digest;
pub mod engine;
pub mod fetch;
pub mod import;
pub mod manifest;
pub mod network;
pub mod priority;
pub mod read;
pub mod runtime;
pub mod store;
pub mod trial;
