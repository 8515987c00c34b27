//! Processes that act as one: each stream has one owner among them, and all know which. What coordinates them never carries a
//! picture.
//!
//! - [`process`]: one process, as others know it; [`entry`]: a stream, and who has it
//! - [`store`]: what coordinates; [`memory`]: within one process, for tests; [`redis`](mod@redis): in Redis
//! - [`cluster`]: this process's place among them, and its `claim`: how it gets a stream; [`lease`]: its right to a stream; [`options`]: what can be chosen
//! - [`directory`]: the local copy of what is known of all
//! - [`others`]: what other processes say of their streams
//! - [`peer`]: asking another process; [`dial`]: connections to them; [`pull`]: a stream of another, here; [`looks`]: what it sees in it
//! - [`queue`]: work that several share
//! - [`cameras`]: who reads a camera; `share`: how that is chosen
//! - [`rights`]: keys and users in common
//! - `metrics`: what is counted, for `/metrics`
//! - [`report`]: what is counted; [`visit`]: a look by whoever is not one of them

#![forbid(unsafe_code)]

pub mod cameras;
pub mod cluster;
pub mod dial;
pub mod directory;
pub mod entry;
pub mod lease;
pub mod looks;
pub mod memory;
mod metrics;
pub mod options;
pub mod others;
pub mod peer;
pub mod process;
pub mod pull;
pub mod queue;
pub mod redis;
pub mod report;
pub mod rights;
mod share;
pub mod store;
pub mod visit;

pub use cluster::Cluster;
pub use options::Options;
