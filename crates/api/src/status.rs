//! What runs, with what, and how it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::camera::CameraTotals;
use crate::read::ReadPrecision;
use crate::relay::RelayTotals;

/// `GET /api/v1/status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Status {
    /// Sums over all cameras and their viewers.
    pub cameras: CameraTotals,
    /// On all listening addresses, and what they hold.
    pub connections: Connections,
    /// What finds objects.
    pub detector: DetectorStatus,
    /// What runs networks.
    pub engine: EngineStatus,
    /// Of this server.
    pub process: ProcessStatus,
    /// What reads text.
    pub reader: ReaderStatus,
    /// What recognises signs.
    pub recognizer: RecognizerStatus,
    /// Sums over all streams that are sent.
    pub relay: RelayTotals,
    /// Since the server began.
    pub uptime_s: f64,
    /// Of the server.
    pub version: String,
}

/// On all listening addresses, and what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Connections {
    /// How often the system could not give one that had come.
    pub accept_failures: u64,
    /// Of the pixels of single pictures.
    pub decoding_bytes: u64,
    /// `images.decode_memory_mb`.
    pub decoding_max_bytes: u64,
    /// Messages and bodies that were given up for want of memory, so far.
    pub given_up: u64,
    /// Connections at most.
    pub max: usize,
    /// Connections now.
    pub open: usize,
    /// Socket.IO sessions without a WebSocket.
    pub polling_sessions: usize,
    /// Of messages and bodies that are not whole.
    pub receiving_bytes: usize,
    /// `server.receive_memory_mb`.
    pub receiving_max_bytes: usize,
    /// Of Socket.IO messages that wait to be sent.
    pub sending_bytes: usize,
    /// `server.send_memory_mb`.
    pub sending_max_bytes: usize,
    /// Messages and bodies that did not arrive whole in time, so far.
    pub timed_out: u64,
}

/// What finds objects.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DetectorStatus {
    /// Time that its network has run, of all threads.
    pub busy_s: f64,
    /// `detector.confidence`.
    pub confidence: f64,
    /// What it can tell apart; empty until it is ready.
    pub labels: Vec<String>,
    /// Name of the model at work, or of the one that is to be.
    pub model: String,
    /// Why the model at work is not the one asked for, for people.
    pub note: Option<String>,
    /// Number format of the network.
    pub precision: Option<String>,
    /// How far the model is fetched, 0 to 1, where that is known.
    pub progress: Option<f64>,
    /// Execution provider of the network: `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// Pictures that the network has looked at, so far.
    pub runs: u64,
    /// How far the model is.
    pub state: ModelState,
    /// That run the network.
    pub threads: Option<usize>,
}

/// How far a model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModelState {
    /// Nobody has asked for it yet, so nothing is loaded.
    #[default]
    Idle,
    /// It is being fetched.
    Fetching,
    /// It is being loaded.
    Loading,
    /// It works.
    Ready,
    /// It cannot be had.
    Failed,
}

impl ModelState {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Fetching => "fetching",
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// What runs networks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct EngineStatus {
    /// The CPU that the server runs on.
    pub cpu: Cpu,
    /// What decodes and encodes JPEGs.
    pub jpeg: String,
    /// Of the recogniser.
    pub networks: Vec<Network>,
    /// What the operator should know, in words.
    pub note: Option<String>,
    /// Number format of the recogniser's first network; null while none is loaded, as are provider, version and threads.
    pub precision: Option<String>,
    /// Its execution provider: `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// `engine.provider`.
    pub requested: String,
    /// Of ONNX Runtime.
    pub runtime_version: Option<String>,
    /// That run networks.
    pub threads: Option<usize>,
    /// What this machine does not do, and why, in words.
    pub warnings: Vec<String>,
}

/// The CPU that the server runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Cpu {
    /// Whether its matrix unit can be used.
    pub amx: Amx,
    /// Of its instructions, those that matter here.
    pub extensions: String,
    /// As it calls itself.
    pub name: String,
}

/// Whether a CPU's matrix unit can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Amx {
    /// There is none.
    #[default]
    Absent,
    /// It works.
    Usable,
    /// It is announced, and does not work.
    Unusable,
    /// `engine.amx = off`.
    Off,
}

/// A network of the recogniser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Network {
    /// Number format.
    pub precision: String,
    /// Execution provider.
    pub provider: String,
    /// `backbone`, `head`, or `whole`.
    pub role: String,
}

/// Of the server's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ProcessStatus {
    /// 100 is one core.
    pub cpu_percent: f64,
    /// User and system time since it began.
    pub cpu_seconds: f64,
    /// Resident.
    pub memory_bytes: u64,
    /// Now.
    pub threads: u64,
}

/// What reads text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReaderStatus {
    /// Why the model cannot be had, for people.
    pub error: Option<String>,
    /// Pictures that could not be read, so far.
    pub failed: u64,
    /// Batches.
    pub jobs: JobTotals,
    /// What the configuration allows.
    pub limits: ReadLimits,
    /// Lines of text that were read, so far.
    pub lines: u64,
    /// Name of the model: the usual one, where it is in use.
    pub model: String,
    /// Those that are loaded.
    pub models: Vec<String>,
    /// Pictures that were read, so far.
    pub pictures: u64,
    /// Number formats of its networks.
    pub precision: Option<ReadPrecision>,
    /// How far the model is fetched, 0 to 1, where that is known.
    pub progress: Option<f64>,
    /// Execution provider of its networks: `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// Pictures that are being read.
    pub reading: usize,
    /// Pictures that came while too many waited, so far.
    pub refused: u64,
    /// Threads that have networks loaded.
    pub sessions: usize,
    /// How far the model is.
    pub state: ModelState,
    /// That may read at a time.
    pub threads: usize,
    /// Pictures that wait for a thread.
    pub waiting: usize,
}

/// Batches of files to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct JobTotals {
    /// That are over, and can still be asked for.
    pub ended: usize,
    /// Pictures that are kept for the page.
    pub kept: usize,
    /// Memory of these.
    pub kept_bytes: usize,
    /// That are being read.
    pub running: usize,
    /// Files that wait.
    pub waiting: usize,
}

/// What the configuration allows who has text read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReadLimits {
    /// A single picture is read within this, or not at all.
    pub deadline_s: f64,
    /// A batch that is over is kept for so long.
    pub job_ttl_s: f64,
    /// Pictures of a batch that are kept for the page.
    pub keep_pictures: usize,
    /// Of one file, MiB.
    pub max_image_mb: usize,
    /// Of one batch.
    pub max_job_files: usize,
    /// Of all files of one batch, MiB.
    pub max_job_mb: u64,
    /// At a time.
    pub max_jobs: usize,
    /// Of one file.
    pub max_pages: u32,
    /// Of one page.
    pub max_pixels: u64,
    /// Width and height of one page, px.
    pub max_side_px: u32,
}

/// How far the recogniser's model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecognizerState {
    /// It is being loaded or imported.
    #[default]
    Loading,
    /// It answers.
    Ready,
    /// It cannot be had.
    Failed,
    /// Every answer is the same; for tests of the wiring.
    Dummy,
}

impl RecognizerState {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Dummy => "dummy",
        }
    }
}

/// What recognises signs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RecognizerStatus {
    /// Frames per second that the model looks at.
    pub analysed_per_s: f64,
    /// Frames per second that it could look at, as measured.
    pub capacity_fps: f64,
    /// Connected now.
    pub clients: usize,
    /// The command that gets what is missing, where that is why there is no model.
    pub cure: Option<String>,
    /// From a window's newest frame to its prediction; null without predictions.
    pub delay_ms: PredictionDelay,
    /// Why there is no model, for people.
    pub error: Option<String>,
    /// Frames that the model has looked at, so far.
    pub frames_analysed_total: u64,
    /// Valid frames per second that come.
    pub frames_per_s: f64,
    /// Valid frames that came, so far.
    pub frames_total: u64,
    /// In the order of the scores; empty while they are not known.
    pub labels: Vec<String>,
    /// What goes on while the model is loaded or imported.
    pub loading: Option<Progress>,
    /// How long the client that has waited longest for its turn has waited.
    pub longest_wait_s: f64,
    /// `recognizer.max_clients`.
    pub max_clients: usize,
    /// Its name.
    pub model: String,
    /// More frames come than can be looked at.
    pub overloaded: bool,
    /// Predictions made per second.
    pub predictions_per_s: f64,
    /// Predictions made so far.
    pub predictions_total: u64,
    /// How far the model is.
    pub state: RecognizerState,
    /// The model is being changed.
    pub switching: Option<Switching>,
    /// `clip-classification`.
    pub task: String,
    /// Below this score the label is `none`.
    pub threshold: Option<f64>,
    /// What the operator should know, in words.
    pub warning: Option<String>,
    /// Frames that a prediction is made of.
    pub window: Option<usize>,
}

/// From a window's newest frame to its prediction; null without predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct PredictionDelay {
    /// Median.
    pub p50: Option<f64>,
    /// 95 of 100 are below.
    pub p95: Option<f64>,
}

/// What goes on, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Progress {
    /// 0 to 1; null where it cannot be told.
    pub progress: Option<f64>,
    /// What, for people.
    pub text: String,
}

/// The model is being changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Switching {
    /// Name of the next.
    pub to: String,
}

/// `GET /healthz`: the server runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Name of the recogniser's model.
    pub model: String,
}

/// `GET /readyz`: whether the recogniser answers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Readiness {
    /// Not yet, or not at all; status 503.
    Not {
        /// 0 to 1, where it is known.
        progress: Option<f64>,
        /// False.
        #[schemars(extend("const" = false))]
        ready: bool,
        /// Why, for people.
        reason: String,
    },
    /// It does.
    Ready {
        /// True.
        #[schemars(extend("const" = true))]
        ready: bool,
    },
}
