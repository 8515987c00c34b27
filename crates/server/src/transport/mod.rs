//! Protocols of those who ask and get an answer; those who stay connected are `sightwire_streaming`'s. Each module translates
//! between the wire and a pipeline and holds no other logic; none imports another.
//!
//! - [`inference`]: pictures of other servers, over gRPC
//! - [`rest`]: health, metrics and the JSON API
//! - [`page`]: the embedded pages
//!
//! What they share is in `sightwire_admission`.

pub mod inference;
pub mod page;
pub mod rest;

pub use sightwire_listen::refusal::error_response;
