//! Batches that workers read, on as many machines as there are; see `sightwire worker`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::read::FileState;

/// What has become of a batch that workers read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SharedState {
    /// Workers read it, or would if there were some.
    #[default]
    Running,
    /// Every file was read or has failed.
    Done,
    /// Nobody is to read on; what was read is kept.
    Stopped,
}

/// A batch that workers read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SharedJob {
    /// Whether `files` are all there are: folders may still be searched.
    pub all_found: bool,
    /// Whether a command waits for it, `sightwire read --cluster`, which takes it away at its end.
    pub command: bool,
    /// When it was made, seconds since 1970.
    pub created: u64,
    /// Files that were read; those of the last seconds are in `reading`.
    pub done: u64,
    /// Files that could not be read.
    pub failed: u64,
    /// Files that were found.
    pub files: u64,
    /// What names the batch in paths.
    pub id: String,
    /// What it is of: the folders that were named.
    pub name: String,
    /// Sentences about what keeps workers from reading it. Left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Files that workers have read and not handed in.
    pub reading: u64,
    /// What has become of it.
    pub state: SharedState,
}

/// A process that reads batches: `sightwire worker`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReadWorker {
    /// Batches of which it has files.
    pub jobs: Vec<String>,
    /// Its machine, and a number.
    pub name: String,
    /// What is wrong with it; null where nothing is.
    pub note: Option<String>,
    /// Of Sightwire.
    pub version: String,
}

/// Answer to `GET /api/v1/cluster/jobs`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SharedJobs {
    /// Those that this caller may see, the newest first.
    pub jobs: Vec<SharedJob>,
    /// Why nothing is known of workers: Redis does not answer. Null where it does.
    pub trouble: Option<String>,
    /// All that live.
    pub workers: Vec<ReadWorker>,
}

/// What to read: `POST /api/v1/cluster/folders`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct NewShared {
    /// Folders and files, absolute, below those of `cluster.folders`; 1 to 100.
    pub paths: Vec<String>,
}

/// What to change: `PATCH /api/v1/cluster/jobs/{id}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SharedChange {
    /// Whether workers leave it.
    pub stopped: bool,
}

/// A file of a batch that workers read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SharedFile {
    /// Mean confidence of its lines, from 0 to 1; null where it has none.
    pub confidence: Option<f64>,
    /// Why it could not be read, for people; null where it could, or has not been tried.
    pub error: Option<String>,
    /// Number of the file, from 0 in the order in which they were found.
    pub index: u64,
    /// As it was found: its path.
    pub name: String,
    /// Lines of text that were found; null until it is read.
    pub regions: Option<u64>,
    /// What has become of it.
    pub state: FileState,
}

/// Answer to `GET /api/v1/cluster/jobs/{id}/files`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SharedFiles {
    /// The files from `offset` on, at most `limit`.
    pub files: Vec<SharedFile>,
    /// How many files were found.
    pub total: u64,
}
