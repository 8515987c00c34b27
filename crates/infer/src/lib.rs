//! Runs models: pixels and bytes in, labels and scores out. Knows nothing of networks or clients'
//! protocols, and runs on its own threads, never on an async runtime.
//!
//! - [`cpu`]: what the CPU can do, and what it only announces
//! - [`runtime`]: finds and loads the ONNX Runtime library
//! - [`engine`]: execution providers, and sessions with static shapes
//! - [`shared`]: the one engine, made when it is first needed
//! - [`network`]: a network's file, and what it is run with
//! - [`trial`]: each way of running a network is tried in a child process first, and measured
//! - [`clip`]: clip classification: a window of frames in, a label out; whose frames are analysed when there are more than
//!   the machine can take (`scheduler`)
//! - [`detect`]: object detection: boxes in a picture
//! - [`read`]: text reading: lines of text in a picture, by way of a probability map, polygons (`outline`) and characters
//!   (`ctc`)
//! - [`pool`]: the threads that all tasks run on; [`jobs`]: the same for work without a network
//! - [`child`]: child processes, and their sure end
//! - [`core_time`]: how long work would take with a core of its own
//! - [`priority`]: lets batches give way to live work; [`quota`]: leaves some of a container's quota for replies
#![forbid(unsafe_code)]

pub mod child;
pub mod clip;
mod core_time;
pub mod cpu;
pub mod detect;
pub mod engine;
pub mod jobs;
pub mod network;
pub mod pool;
pub mod priority;
pub mod quota;
pub mod read;
pub mod runtime;
pub mod shared;
pub mod trial;
