//! WebSockets and Engine.IO sessions, with the bounds that libraries leave open.
//!
//! - [`websocket`]: the handshake, and goodbyes that arrive
//! - [`sessions`]: bounds and ends what Engine.IO itself would keep
#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod sessions;
pub mod websocket;
