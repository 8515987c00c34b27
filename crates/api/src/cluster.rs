//! Processes of a cluster: how one stands with the others, and what they ask each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How this process stands with the others that it acts as one with (`cluster.*`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClusterStatus {
    /// What this process is called among them: `cluster.name`.
    pub name: String,
    /// All that are known, this one among them, by name. One that has ended without a word stands here for a minute.
    pub processes: Vec<ClusterProcess>,
    /// Bytes of pictures that come from other processes, a second.
    pub pulled_bytes_per_s: f64,
    /// Streams of other processes that somebody watches here.
    pub pulls: usize,
    /// Why it is not one of them, for people; null where it is, or has not been answered yet.
    pub reason: Option<String>,
    /// Host and port of Redis, or the path of its socket.
    pub redis: Option<String>,
    /// Seconds that it has been in this state.
    pub since_s: f64,
    /// Whether it is one of them.
    pub state: ClusterState,
    /// Streams that other processes have.
    pub streams_elsewhere: usize,
    /// Streams that are sent to this process.
    pub streams_here: usize,
    /// Where the others reach this process: `cluster.advertise_url`.
    pub url: String,
    /// What becomes of a stream that begins while Redis does not answer: `cluster.when_down`.
    pub when_down: WhenDown,
}

/// Whether a process is one of those that act as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClusterState {
    /// It has just started, and Redis has not answered yet.
    #[default]
    Joining,
    /// It is one of them.
    Connected,
    /// Redis does not answer. What flows goes on.
    Away,
    /// Redis answers, and this process may not take part: `reason` says what to change.
    Refused,
}

impl ClusterState {
    /// The name as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Connected => "connected",
            Self::Away => "away",
            Self::Refused => "refused",
        }
    }
}

/// What becomes of a stream that begins while Redis does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ClusterWhenDown")]
pub enum WhenDown {
    /// It begins; of two with one name one is closed when Redis is back.
    #[default]
    Accept,
    /// Its sender is told so and closed.
    Refuse,
}

/// A process of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClusterProcess {
    /// Cameras that it reads.
    pub cameras: usize,
    /// Frames a second that its models can look at, by which cameras are shared out; null where it has looked at too few to know.
    pub capacity: Option<f64>,
    /// Whether it gives its cameras to the others and takes none, until it is started again.
    pub draining: bool,
    /// Seconds since Redis heard of it last, by Redis's clock; null where that is not known yet.
    pub heard_s: Option<f64>,
    /// Whether it is the process that answers.
    pub is_self: bool,
    /// Unlike all others'.
    pub name: String,
    /// What is wrong with it, for people; null where nothing is.
    pub reason: Option<String>,
    /// Streams that are sent to it.
    pub streams: usize,
    /// Where the others reach it.
    pub url: String,
    /// Of Sightwire, such as `0.1.0`.
    pub version: String,
}

/// Whether the sender of a stream is there, after it was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ChallengeAnswer {
    /// It has shown that it is there. If it has not, its stream has ended.
    pub live: bool,
}
