//! What stands in the folder of a job.

use serde::{Deserialize, Serialize};

use crate::inputs::{Input, Unreadable};

/// How these files are written. A job of another format is left to a program that knows it.
pub const FORMAT: u32 = 1;

/// What a job is, for the workers that read it. Written once, before anything else of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Must be [`FORMAT`]; another program version wrote others.
    pub format: u32,
    /// What is read, as people say it: the folders that were named.
    pub name: String,
    /// When it began, in seconds since 1970.
    pub created: u64,
    /// The same for the same files and the same way to read them: such a job is gone on with instead of begun anew.
    pub key: String,
    /// How it is read; in the words of its reader. Bounded by [`MAX_FILE_BYTES`](crate::folder::MAX_FILE_BYTES) with all the rest.
    pub how: serde_json::Value,
    /// Who began it over HTTP, as servers call them; `None` of a command, which keeps what came of it and removes the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Folders and files that a server is to put into chunks, absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

/// With what the first worker reads a job. All others read it with the same, or not at all, so that its results are those of
/// one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of Sightwire.
    pub version: String,
    /// The model's name, and the digests of what it is made of.
    pub model: String,
    /// What runs it, and with which precision.
    pub runs: Vec<String>,
}

/// How much there is; written when all of it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Chunks, numbered from 0.
    pub chunks: u32,
    /// Files in them.
    pub files: u64,
}

/// A file of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As it was named.
    pub name: String,
    /// Where it is, for all workers; `None` if it cannot be read, and why stands in `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it is called in the job's own folder ([`Job::own_file`](crate::folder::Job::own_file)), if it was sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// Where its result goes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Why it cannot even be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Entry {
    /// Whether that is what was found as this.
    pub fn is_of(&self, found: &Result<Input, Unreadable>) -> bool {
        match found {
            Ok(input) => input.name == self.name,
            Err(unreadable) => unreadable.name == self.name,
        }
    }
}
