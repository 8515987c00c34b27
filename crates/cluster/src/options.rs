//! What can be chosen: `cluster.*` of the configuration.

use std::sync::Arc;
use std::time::Duration;

use sightwire_access::process::Secret;
use sightwire_hub::picture::{Picture, Stamp};

/// How long a heartbeat counts.
pub const TTL: Duration = Duration::from_secs(5);

/// A process's place among others.
#[derive(Clone, Debug)]
pub struct Options {
    /// Unlike all others'.
    pub name: Arc<str>,
    /// Where the others reach this process: `http://` or `https://`, host and port.
    pub url: Arc<str>,
    /// What all of them know, and nobody else.
    pub secret: Arc<Secret>,
    /// What becomes of streams that begin while nobody can say whether they are live elsewhere.
    pub when_down: WhenDown,
    /// How long a heartbeat counts.
    pub ttl: Duration,
    /// Makes a picture of a data URL that has to go out as it came.
    pub as_it_came: AsItCame,
}

/// Makes a picture of the stream of that name, of a data URL, with its number in the slot, and what its owner says of it.
pub type AsItCame = fn(&str, &str, u64, Stamp) -> Picture;

/// What becomes of streams that begin while nobody can say whether they are live elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenDown {
    /// They begin. Of two with one name, at two processes, the one that is known first later stays.
    #[default]
    Accept,
    /// They are refused.
    Refuse,
}
