//! The server: connections in, what the pipelines make of them out.
//!
//! - [`server`]: its life, from its listeners to its last connection; `cluster`: it is one of several processes, and [`jobs`] what
//!   they have in common that read batches in common
//! - `app`: the parts of the server, put together
//! - [`config`]: the one list of sections, and what is made of their values
//! - [`files`], [`reach`]: what those who start it should know: open files, who reaches it, and with which keys
//! - [`reload`]: the configuration, read again
//! - `observe`: what can be seen of it from outside
//! - `issuers`: asks issuers of tokens for their keys
//! - `samples`: clips for pages; `reading`: pictures whose text is wanted, from any caller
//! - `vital`: tasks without which it would only seem to run
//! - `transport`: the protocols of those who ask and get an answer: `rest` (`/api/v1`), `inference` (`KServe`), `page`
#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod app;
pub mod cluster;
pub mod config;
pub mod files;
mod issuers;
pub mod jobs;
mod observe;
pub mod reach;
mod reading;
pub mod reload;
mod samples;
pub mod server;
mod transport;
mod vital;

pub use app::as_it_came;
pub use server::Server;
