//! What a server says of itself to the outside, whatever it serves.
//!
//! - [`history`]: how numbers went, for a day
//! - [`life`]: whether the process goes on as it should
//! - [`logging`]: log lines that never hold anyone up
//! - [`otlp`]: metrics and log lines for a collector
//! - [`process`]: CPU, memory, threads and open files of this process
//! - [`prometheus`]: metrics as `/metrics` has them

#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod history;
pub mod life;
pub mod logging;
pub mod otlp;
pub mod process;
pub mod prometheus;
