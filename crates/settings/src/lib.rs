//! Keys of the configuration, and their values: defaults < file < `.env` < environment < flags. Knows no key: each room
//! declares its own with [`section!`], beside the options that they fill, and the server has the one list of all sections.
//!
//! - [`key`]: a key, its section, and all sections together
//! - [`kind`]: what a value may be, and how it is read
//! - [`section!`]: declares a section and the options that are read from it
//! - [`layers`]: where values come from, and which of them counts
//! - [`values`]: the values that count, read and checked
//! - [`error`]: a mistake, which names key, value, place and what is allowed
//! - [`documents`]: what is made of the list: a commented file, an `.env`
//! - [`redact`]: nothing of a password is shown
#![forbid(unsafe_code)]

pub mod documents;
pub mod error;
pub mod key;
pub mod kind;
pub mod layers;
mod position;
mod redact;
mod section;
pub mod values;

pub use error::ConfigError;
pub use key::{Effect, Field, Key, Section, Sections, Table};
pub use kind::Kind;
pub use layers::{Layers, Origin};
pub use redact::redact_secrets;
pub use values::Values;

#[cfg(test)]
mod tests;
