//! Runs networks: values in, values out. Knows nothing of pictures, tasks or clients' protocols.
//!
//! - [`cpu`]: what the CPU can do, and what it only announces
//! - [`runtime`]: finds and loads the ONNX Runtime library
//! - [`Engine`]: execution providers, and sessions with static shapes
//! - [`shared`]: the one engine, made when it is first needed
//! - [`network`]: a network's file, and what it is run with; [`remote`]: has it run by another machine
//! - [`trial`]: each way of running a network is tried in a child process first, and measured
//! - [`child`]: child processes, and their sure end
//! - [`core_time`]: how long work would take with a core of its own
//! - [`pool`]: the threads that all tasks run on
//! - `metrics`: what is counted, for `/metrics`
//! - [`priority`]: lets batches give way to live work; [`quota`]: leaves some of a container's quota for replies
#![forbid(unsafe_code)]

pub mod child;
pub mod core_time;
pub mod cpu;
mod description;
mod engine;
mod metrics;
pub mod network;
pub mod pool;
pub mod priority;
pub mod quota;
pub mod remote;
pub mod runtime;
pub mod shared;
pub mod trial;

pub use description::Description;
pub use engine::{Engine, EngineError, EngineOptions, NetworkSpec, Plan, Preferred, Session, ShapedSpec};
