//! A simulated ESP32 camera, as reliable or as faulty as wanted.
//!
//! - [`simulator`]: accepts connections; what they share
//! - [`connection`], [`request`]: one connection; its requests, within bounds
//! - [`stream`]: `/stream` and `/capture`, written byte by byte, so that they can be wrong
//! - [`controls`]: `/status` and `/control`
//! - [`faults`], [`damage`]: what goes wrong when, and what that does to a picture
//! - [`source`], [`shutter`]: where pictures come from; taken once for all clients, while there are any
#![forbid(unsafe_code)]
#![allow(rustdoc::private_intra_doc_links, reason = "the map above is for those who read the code")]

mod connection;
mod controls;
mod damage;
mod faults;
mod request;
mod shutter;
mod simulator;
mod source;
mod stream;

#[cfg(test)]
mod tests;

pub use controls::{FpsError, Size, SizeError, parse_fps};
pub use faults::{FaultError, Faults};
pub use simulator::{Options, Simulator, StartError};
pub use source::{Origin, SourceError};
