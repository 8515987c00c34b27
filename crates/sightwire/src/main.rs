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

use std::io::{self, Write as _};

use clap::Parser as _;

/// Frames come and go by the thousand a second and by the hundred kilobytes, and what clients held has to go back when
/// they leave: this allocator gives it back within a second (set in `.cargo/config.toml`), others kept a third and more.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let printer = print::Printer::of_process();
    anew::where_a_library_has_to_be_told(&printer);
    let code = cmd::Cli::parse().run(&printer);
    let _ = io::stdout().flush();
    // Everything of ours is closed. Were the libraries' own ends run, too, a thread that is still in one of them, as with a
    // page that was given up, would make the process crash.
    signal_hook::low_level::exit(code.into());
}
