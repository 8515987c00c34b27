//! Sightwire: one server for live vision. This file parses the command line and calls.
//!
//! - `anew`: starts the program anew where a library has to find something in its environment
//! - `cmd`: one module a command
//! - `engine`: what runs networks, for commands
//! - `owner`: files of another user
//! - `print`: what commands print
//! - `systemd`: what systemd is told of the server
#![forbid(unsafe_code)]
// These panic when nobody reads; see `print`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod anew;
mod cmd;
mod engine;
mod owner;
mod print;
mod systemd;

use std::process::ExitCode;

use clap::Parser as _;

/// Frames come and go by the thousand a second and by the hundred kilobytes, and what clients held has to go back when
/// they leave: this allocator gives it back within a second (set in `.cargo/config.toml`), others kept a third and more.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let printer = print::Printer::of_process();
    anew::where_a_library_has_to_be_told(&printer);
    cmd::Cli::parse().run(&printer)
}
