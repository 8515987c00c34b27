//! `server.memory_mb` and `limits.*`: how much all may take together, and one address or key.

use super::{ConfigError, Values};

/// What all of it may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of the process; `None` takes a share of what there is.
    pub memory_bytes: Option<u64>,
}

pub(super) fn read(r: &Values<'_>) -> Result<Limits, ConfigError> {
    let memory = (r.int("server.memory_mb", 0, 1 << 24)? as u64) << 20;
    Ok(Limits { memory_bytes: Some(memory).filter(|bytes| *bytes > 0) })
}
