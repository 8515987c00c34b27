//! Certificates that the server shows: those of files, or its own, of an authority that it keeps.
//!
//! - [`certificates`]: what is shown now; taken up anew when files, names or addresses change
//! - [`authority`]: the authority of this server, and what it signs
//! - [`files`]: certificates, keys and authorities from files
//! - [`names`]: what a certificate is for
//! - `metrics`: what is counted, for `/metrics`
//! - `options`: how connections are encrypted, as it is configured
//!
//! Nothing here knows connections.

#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod authority;
pub mod certificates;
pub mod files;
mod metrics;
pub mod names;
mod options;

pub use certificates::{Certificates, Options, Source};
pub use names::Names;
pub use options::{TLS, Tls, authority_folder};
