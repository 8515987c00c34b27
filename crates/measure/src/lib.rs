//! What every room counts and says in the same way. Knows nothing of what is counted.
//!
//! - [`histogram`]: durations, counted without locks
//! - [`lines`]: log lines that others have a say in
//! - `captured` (a feature, for tests): the log lines of a thread
#![forbid(unsafe_code)]

#[cfg(feature = "captured")]
pub mod captured;
pub mod histogram;
pub mod lines;
