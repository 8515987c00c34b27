//! Reads messages that are long because pictures are in them: each byte once, without a tree, without a copy. Knows nothing of
//! the rest of the server, so that it can be fuzzed.
//!
//! - [`relay`]: what senders and viewers of the relay say, and processes to each other
//! - [`json`]: what strings may hold
#![forbid(unsafe_code)]

pub mod json;
pub mod relay;
