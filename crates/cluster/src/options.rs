//! What can be chosen. The keys `cluster.*` fill the options of several rooms, so they stand in the server's `config/cluster.rs`.

use std::sync::Arc;
use std::time::Duration;

use sightwire_access::process::Secret;
use sightwire_hub::picture::{Picture, Stamp};

/// How long a heartbeat counts.
pub const TTL: Duration = Duration::from_secs(5);

/// A process's place among others.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its name; no other process of the cluster may have it.
    pub name: Arc<str>,
    /// Where the others reach this process: `http://` or `https://`, host and port.
    pub url: Arc<str>,
    /// What all of them know, and nobody else.
    pub secret: Arc<Secret>,
    /// What becomes of streams that begin while nobody can say whether they are live elsewhere.
    pub when_down: WhenDown,
    /// How long a heartbeat counts.
    pub ttl: Duration,
    /// Makes a picture of a data URL that has to go out to viewers as its sender wrote it.
    pub as_it_came: AsItCame,
}

/// Makes a picture of a data URL. It is given the stream's name, the URL, the number that the picture has here, and the
/// stamp that the stream's owner gave it.
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
