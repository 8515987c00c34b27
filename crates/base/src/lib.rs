//! What every room counts and says in the same way. Knows nothing of what is counted.
//!
//! - [`address`]: who counts as one
//! - [`clock`]: the time, which tests can pause
//! - [`disk`]: writes that failed
//! - [`histogram`]: durations, counted without locks
//! - [`lines`]: log lines that others have a say in
//! - [`memory`]: how much of it the server may use
//! - [`metrics`]: what is counted, as a room declares it for `/metrics`
//! - [`meter`]: rates and delays of the last seconds
//! - [`shares`]: how often one of many may do something
//! - `captured` (a feature, for tests): the log lines of a thread
#![forbid(unsafe_code)]

pub mod address;
#[cfg(feature = "captured")]
pub mod captured;
pub mod clock;
pub mod disk;
pub mod histogram;
pub mod lines;
pub mod memory;
pub mod meter;
pub mod metrics;
pub mod shares;
