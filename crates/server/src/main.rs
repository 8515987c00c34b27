//! Sightwire: one server for live vision. This file parses the command line and calls.
//!
//! - `anew`: starts the program anew where the CPU promises too much
//! - `cmd`: one module a command
//! - `config`: defaults, file, environment, flags
//! - `app`: the parts of the server, put together
//! - `engine`: what runs networks, for all
//! - `listen`: connections
//! - `missing`: what is not there yet, and how to get it
//! - `transport`: protocols
//! - `recognizer`: the sign recogniser's pipeline
//! - `reading`: text reading: results and what is made of them
//! - `cameras`: what is read of cameras, found in their pictures and drawn, for all who watch
//! - `reading`: text in pictures
//! - `relay`: streams that clients send
//! - `cluster`: who owns which of them
//! - `telemetry`: log, metrics, the process
//! - `print`: what commands print

// These panic when nobody reads; see `print`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod anew;
mod app;
mod cameras;
mod cluster;
mod cmd;
mod config;
mod decoding;
mod engine;
mod listen;
mod missing;
mod print;
mod reading;
mod recognizer;
mod relay;
mod telemetry;
mod transport;

use std::process::ExitCode;

use clap::Parser as _;

/// Frames come and go by the thousand a second and by the hundred kilobytes, and what clients held has to go back when
/// they leave: this allocator gives it back within a second (set in `.cargo/config.toml`), others kept a third and more.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    anew::where_the_cpu_promises_too_much();
    cmd::Cli::parse().run()
}
