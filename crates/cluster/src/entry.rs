//! A stream, and who has it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sightwire_api::stream::AnalysisMode;

use crate::process::Instance;

/// Which of all leases of a stream one is: a later one has a higher token, and the highest counts (a fencing token). It is
/// below 2^53, so that whatever counts in floating point can keep it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

impl Token {
    /// Below every other.
    pub const NONE: Self = Self(0);
}

impl From<u64> for Token {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Token> for u64 {
    fn from(token: Token) -> Self {
        token.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What others are told of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// How closely it is looked at.
    #[serde(rename = "m")]
    pub mode: AnalysisMode,
    /// Whether its sender sends binary messages.
    #[serde(rename = "b", default)]
    pub binary: bool,
    /// Nobody sends it: the process reads it from a camera of that id, which has this [mark](crate::Cluster::camera_mark).
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// Which of all streams that this process had under that name: chosen at random when it begins.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub(crate) number: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl About {
    /// Of what somebody sends.
    pub fn new_sent(mode: AnalysisMode, binary: bool) -> Self {
        Self { mode, binary, ..Self::default() }
    }

    /// Of a camera of that [mark](crate::Cluster::camera_mark).
    pub fn new_camera(mark: &str) -> Self {
        Self { camera: Some(mark.to_owned()), ..Self::default() }
    }

    /// The same of one that begins now.
    pub(crate) fn with_new_number(self) -> Self {
        Self { number: fastrand::u64(1..1 << 53), ..self }
    }

    /// Whether it is a camera, of whatever address.
    pub fn is_camera(&self) -> bool {
        self.camera.is_some()
    }
}

/// A stream that some process has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stream's name.
    pub stream: Arc<str>,
    /// The token of its lease.
    pub token: Token,
    /// The name of the process that has it.
    pub process: Arc<str>,
    /// Which life of that process has it.
    pub instance: Instance,
    /// What is told of it.
    pub about: About,
}

/// What a store keeps of a stream is not what we write there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry must be a token, an instance, a process, and JSON")]
pub struct EntryError;

impl Entry {
    /// As it is kept: `TOKEN INSTANCE/PROCESS JSON`.
    pub fn to_value(&self) -> String {
        format!("{} {}/{} {}", self.token, self.instance, self.process, about_json(&self.about))
    }

    /// Of what is kept.
    pub fn parse_value(stream: &str, value: &str) -> Result<Self, EntryError> {
        let mut parts = value.splitn(3, ' ');
        let mut part = || parts.next().ok_or(EntryError);
        let (token, place, about) = (part()?, part()?, part()?);
        let (instance, process) = place.split_once('/').ok_or(EntryError)?;
        Ok(Self {
            stream: stream.into(),
            token: Token(u64::from_str(token).map_err(|_| EntryError)?),
            process: process.into(),
            instance: instance.parse().map_err(|_| EntryError)?,
            about: serde_json::from_str(about).map_err(|_| EntryError)?,
        })
    }
}

/// One line of JSON.
pub(crate) fn about_json(about: &About) -> String {
    serde_json::to_string(about).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(process: &str) -> Entry {
        Entry {
            stream: "ward 3".into(),
            token: Token(1_700_000_000_000_001),
            process: process.into(),
            instance: Instance::from(0xabc),
            about: About::new_sent(AnalysisMode::Enhanced, true),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let entry = entry("a.example:8000");
        assert_eq!(
            entry.to_value(),
            r#"1700000000000001 0000000000000abc/a.example:8000 {"m":"enhanced","b":true}"#
        );
        assert_eq!(Entry::parse_value("ward 3", &entry.to_value()), Ok(entry));
    }

    #[test]
    fn what_a_newer_version_adds_is_passed_over() {
        let value = r#"5 0000000000000abc/a {"m":"normal","new":[1]}"#;
        assert!(!Entry::parse_value("s", value).unwrap().about.binary);
    }

    #[test]
    fn what_is_no_entry_is_said_to_be_none() {
        for value in ["", "5", "5 x/a {}", "5 0000000000000abc/a", "x 0000000000000abc/a {\"m\":\"normal\"}"]
        {
            assert_eq!(Entry::parse_value("s", value), Err(EntryError), "{value:?}");
        }
    }
}
