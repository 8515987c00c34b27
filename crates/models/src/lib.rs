//! Models as files: what they are, where they lie, how they come there. Knows nothing of what runs them.
//!
//! - [`manifest`]: what a model is: files, shapes, colour order, labels, licence
//! - [`provider`]: what can run a network
//! - [`builtin`]: the models and packages that the binary brings along
//! - [`options`]: where models are kept, as it is configured
//! - [`store`]: the folder where model files lie, each checked when it is loaded; [`digest`]: the hashes by which
//! - [`fetch`]: gets them there: mirror folder, package, https
//! - [`slot`]: where a model stands, from the first one who asks for it on; `sync`: what threads and tasks meet at there
#![forbid(unsafe_code)]

pub mod builtin;
pub mod digest;
pub mod fetch;
pub mod manifest;
pub mod options;
pub mod provider;
pub mod slot;
pub mod store;
mod sync;

pub use provider::{Provider, UnknownProvider};
