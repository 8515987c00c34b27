//! The server: connections in, what the pipelines make of them out.
//!
//! - [`server`]: its life, from its listeners to its last connection
//! - [`config`]: defaults, file, environment, flags
//! - `app`: the parts of the server, put together
//! - [`files`], [`reach`]: what whoever starts it should know: open files, who reaches it
//! - `samples`: clips for pages
//! - `transport`: protocols
//! - [`telemetry`]: log, metrics, the process
#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod app;
pub mod config;
pub mod files;
pub mod reach;
mod samples;
pub mod server;
pub mod telemetry;
mod transport;

pub use server::Server;
