//! What load generators share: when something is due, how late it was, and what it cost whom. Nothing of what is measured.
//!
//! - [`machine`]: what the machine is, and who else used it
//! - [`procfs`]: CPU time and memory of a process, and which one listens on a port
//! - [`stats`]: delays and their percentiles
//! - [`target`]: the server that is loaded, on this machine unless told otherwise
//! - [`timer`]: timers that are exact to some ten microseconds

pub mod machine;
pub mod procfs;
pub mod stats;
pub mod target;
pub mod timer;
