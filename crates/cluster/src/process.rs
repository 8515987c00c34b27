//! One process, as others know it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One life of a process: another start is another instance. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(u64);

impl Instance {
    /// One that nobody else has.
    pub fn random() -> Self {
        Self(fastrand::u64(1..))
    }
}

impl From<u64> for Instance {
    fn from(bits: u64) -> Self {
        Self(bits)
    }
}

impl From<Instance> for u64 {
    fn from(instance: Instance) -> Self {
        instance.0
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// It is not 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an instance must be 16 hexadecimal digits")]
pub struct InstanceError;

impl FromStr for Instance {
    type Err = InstanceError;

    fn from_str(text: &str) -> Result<Self, InstanceError> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self).ok_or(InstanceError)
    }
}

/// What a process says of itself. It changes seldom; whether it lives is told by its heartbeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Unlike all others': 1 to 64 of `[A-Za-z0-9._:-]`.
    pub name: Arc<str>,
    /// This life of it.
    pub instance: Instance,
    /// Where the others reach it: `http://` or `https://`, host and port; no spaces.
    pub url: Arc<str>,
    /// Whatever else it says, as one line of JSON; a store hands it on as it is.
    pub about: Arc<str>,
}
