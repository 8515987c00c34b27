//! What runs, with what, and how it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::camera::CameraTotals;
use crate::cluster::ClusterStatus;
use crate::read::ReadPrecision;
use crate::relay::RelayTotals;

/// Answer to `GET /api/v1/status`. Rates and delays are over the last 3 s, counters begin at 0 when the server starts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Status {
    /// Sums over all cameras and their viewers.
    pub cameras: CameraTotals,
    /// How it stands with other processes. Left out where the server is alone, and for whoever may not see who watches, and
    /// from where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterStatus>,
    /// Connections, and memory that is held for them.
    pub connections: Connections,
    /// The service that finds objects in pictures.
    pub detector: DetectorStatus,
    /// The engine that runs the recogniser's networks.
    pub engine: EngineStatus,
    /// How much memory the server may use, and uses.
    pub memory: MemoryStatus,
    /// What the server's process takes of the machine.
    pub process: ProcessStatus,
    /// The service that reads text.
    pub reader: ReaderStatus,
    /// The service that recognises signs.
    pub recognizer: RecognizerStatus,
    /// Sums over all streams that are sent.
    pub relay: RelayTotals,
    /// Seconds since the server started.
    pub uptime_s: f64,
    /// The server's version, such as `0.1.0`.
    pub version: String,
}

/// Connections on all listening addresses, and memory that is held for what comes in and goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Connections {
    /// How often the system failed to hand over a connection that had come, so far.
    pub accept_failures: u64,
    /// Memory for the pixels of single pictures now, in bytes.
    pub decoding_bytes: u64,
    /// The most of it: `images.decode_memory_mb` in bytes.
    pub decoding_max_bytes: u64,
    /// Messages and bodies that were given up for want of memory, so far.
    pub given_up: u64,
    /// The most connections at once: `server.max_connections`.
    pub max: usize,
    /// Connections that are open now.
    pub open: usize,
    /// Socket.IO sessions that poll, without a WebSocket.
    pub polling_sessions: usize,
    /// Memory for messages and bodies that have not arrived whole, in bytes.
    pub receiving_bytes: usize,
    /// The most of it: `server.receive_memory_mb` in bytes.
    pub receiving_max_bytes: usize,
    /// Memory for Socket.IO messages that wait to be sent, in bytes.
    pub sending_bytes: usize,
    /// The most of it: `server.send_memory_mb` in bytes.
    pub sending_max_bytes: usize,
    /// Messages and bodies that did not arrive whole in time, so far.
    pub timed_out: u64,
}

/// How much memory the server may use, and uses: what runs goes on, and what would be new is refused above the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct MemoryStatus {
    /// `server.memory_mb` in bytes, or 80 % of what the system allows; null where that cannot be told.
    pub budget_bytes: Option<u64>,
    /// Nothing new begins: the budget was used up, and less than a twentieth of it is free again.
    pub is_full: bool,
    /// What was refused, so far.
    pub refused: MemoryRefused,
    /// Memory that the process has for itself, in bytes; what it shares with files does not count.
    pub used_bytes: u64,
}

/// What was refused for want of memory, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct MemoryRefused {
    /// Batches of pictures.
    pub batches: u64,
    /// Cameras that were not being read.
    pub cameras: u64,
    /// Clients of the recogniser.
    pub clients: u64,
    /// Single pictures to be read, or to find objects in.
    pub pictures: u64,
    /// Streams from senders.
    pub streams: u64,
    /// Viewers.
    pub viewers: u64,
}

/// The service that finds objects in pictures, with the model that it uses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DetectorStatus {
    /// Seconds that its network has run so far, summed over all threads.
    pub busy_s: f64,
    /// Least confidence where nobody asks for another: `detector.confidence`.
    pub confidence: f64,
    /// The model of hands, for streams; null without `detector.hands`.
    pub hands: Option<StreamHands>,
    /// The model `pose`, for overlays; null where it is not here.
    pub pose: Option<StreamHands>,
    /// Names of the classes that it tells apart; empty until it is ready.
    pub labels: Vec<String>,
    /// Name of the model at work, or of the one that is to be.
    pub model: String,
    /// Why the model at work is not the one asked for, for people; null where it is that one.
    pub note: Option<String>,
    /// Number format of the network, `f32` or `bf16`; null where no network is loaded.
    pub precision: Option<String>,
    /// How far the model is fetched, from 0 to 1; null where that is not known.
    pub progress: Option<f64>,
    /// Execution provider of the network: `cpu`, `openvino`, `cuda`; null where no network is loaded.
    pub provider: Option<String>,
    /// Frames and pictures that the network has analysed, so far.
    pub runs: u64,
    /// How far the model is.
    pub state: ModelState,
    /// Threads that run the network; null where none is loaded.
    pub threads: Option<usize>,
}

/// The model of hands or of bodies, for streams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct StreamHands {
    /// How far it is; `failed` until a stream that wants it tries again.
    pub state: ModelState,
    /// Why it cannot be had, for people; null where it can.
    pub note: Option<String>,
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
    /// It is loaded and answers.
    Ready,
    /// It cannot be had.
    Failed,
}

impl ModelState {
    /// The name as JSON has it.
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

/// The engine that runs the recogniser's networks, and what the CPU has for that.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct EngineStatus {
    /// The CPU that the server runs on.
    pub cpu: Cpu,
    /// Which library decodes and encodes JPEGs.
    pub jpeg: String,
    /// Networks of the recogniser, the costliest first; empty while none is loaded.
    pub networks: Vec<Network>,
    /// What the operator should know about the choice of the provider, for people; null where there is nothing.
    pub note: Option<String>,
    /// Number format of the first of `networks`; null while none is loaded, as are provider, version and threads.
    pub precision: Option<String>,
    /// Execution provider of the first of `networks`: `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// The provider that was asked for: `engine.provider`, or `auto`.
    pub requested: String,
    /// Version of ONNX Runtime.
    pub runtime_version: Option<String>,
    /// Threads that run networks.
    pub threads: Option<usize>,
    /// Sentences for people on what of this machine is not used, and why.
    pub warnings: Vec<String>,
}

/// The CPU that the server runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Cpu {
    /// Whether its matrix unit can be used.
    pub amx: Amx,
    /// The instruction set extensions that matter here, separated by spaces.
    pub extensions: String,
    /// How the CPU calls itself.
    pub name: String,
}

/// Whether a CPU's matrix unit (AMX) can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Amx {
    /// The CPU has none.
    #[default]
    Absent,
    /// The CPU has one and it works.
    Usable,
    /// The CPU announces one that does not work.
    Unusable,
    /// It is switched off: `engine.amx = off`.
    Off,
}

/// A network of the recogniser, and in which way it is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Network {
    /// Number format, `f32` or `bf16`.
    pub precision: String,
    /// Execution provider: `cpu`, `openvino` or `cuda`.
    pub provider: String,
    /// What it is for: `backbone`, `head`, or `whole`.
    pub role: String,
}

/// What the server's process takes of the machine; zeros where `/proc` is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ProcessStatus {
    /// CPU time over the last 3 s; 100 is one core used fully.
    pub cpu_percent: f64,
    /// User and system time since the process started, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory (RSS) in bytes.
    pub memory_bytes: u64,
    /// Threads that exist now.
    pub threads: u64,
}

/// The service that reads text. `state`, `error`, `progress`, `provider` and `precision` are those of `model`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReaderStatus {
    /// Whether PDF, AVIF and HEIC can be read.
    pub drawing: DrawingStatus,
    /// Why the model cannot be had, for people; null where it can.
    pub error: Option<String>,
    /// Pictures that could not be read, so far.
    pub failed: u64,
    /// Batches, and pictures that are kept of them.
    pub jobs: JobTotals,
    /// What the configuration allows to whoever has text read.
    pub limits: ReadLimits,
    /// Lines of text that were read, so far.
    pub lines: u64,
    /// Name of the usual model (`reader.model`) if it is in use or none is, else of another one that is.
    pub model: String,
    /// Names of the models that are loaded.
    pub models: Vec<String>,
    /// Pictures that were read, so far.
    pub pictures: u64,
    /// Number formats of its networks; null until it is loaded.
    pub precision: Option<ReadPrecision>,
    /// How far the model is fetched, from 0 to 1; null where that is not known.
    pub progress: Option<f64>,
    /// Execution provider of its networks: `cpu`, `openvino`, `cuda`; null until it is loaded.
    pub provider: Option<String>,
    /// Pictures that are being read now.
    pub reading: usize,
    /// Pictures that were turned away since too many waited, so far.
    pub refused: u64,
    /// Sessions that are loaded now, in use or not.
    pub sessions: usize,
    /// How far the model is.
    pub state: ModelState,
    /// The most pictures read at the same time: `reader.threads`.
    pub threads: usize,
    /// Pictures that wait for a thread.
    pub waiting: usize,
    /// Whether there are batches that workers read, too: `/api/v1/cluster/jobs`.
    pub workers: bool,
}

/// Whether what has to be drawn (PDF, AVIF, HEIC) can be read: another program does that. Everything else is read in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct DrawingStatus {
    /// The program is there.
    pub available: bool,
    /// What is missing and what to do, for people; null where nothing is, and in the first moment of a server.
    pub why: Option<String>,
}

/// Batches of files to be read, of all clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct JobTotals {
    /// Batches that are over and can still be asked for.
    pub ended: usize,
    /// Pictures that are kept in memory for the page.
    pub kept: usize,
    /// Bytes of the pictures that are kept.
    pub kept_bytes: usize,
    /// Batches whose files are being read.
    pub running: usize,
    /// Files of running batches that are not done yet, those being read included.
    pub waiting: usize,
}

/// What the configuration allows to whoever has text read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReadLimits {
    /// Seconds within which a single picture is read or given up: `reader.deadline_s`.
    pub deadline_s: f64,
    /// Seconds that a batch is kept when it is over: `reader.job_ttl_s`.
    pub job_ttl_s: f64,
    /// The longer side of a copy of a picture for a screen, in pixels, at most: `reader.display_size`.
    pub display_size: u32,
    /// How many pictures of a batch are kept for the page, at most and where it does not say: `reader.keep_pictures`.
    pub keep_pictures: usize,
    /// The largest file in MiB: `reader.max_image_mb`.
    pub max_image_mb: usize,
    /// The most files of a batch: `reader.max_job_files`.
    pub max_job_files: usize,
    /// The most of all files of a batch together, in MiB: `reader.max_job_mb`.
    pub max_job_mb: u64,
    /// The most batches that run at the same time: `reader.max_jobs`.
    pub max_jobs: usize,
    /// The most pages of a file: `reader.max_pages`.
    pub max_pages: u32,
    /// The most pixels of a page, width by height: `reader.max_pixels`.
    pub max_pixels: u64,
    /// The largest width and height of a page in pixels: `reader.max_side_px`.
    pub max_side_px: u32,
}

/// How far the recogniser's model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecognizerState {
    /// It is being loaded or imported.
    #[default]
    Loading,
    /// It is loaded and answers.
    Ready,
    /// It cannot be had.
    Failed,
    /// Every answer is the same; for tests of the wiring.
    Dummy,
}

impl RecognizerState {
    /// The name as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Dummy => "dummy",
        }
    }
}

/// What was recognised last. `none` and `still` do not count.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LastSign {
    /// Seconds since then.
    pub age_s: f64,
    /// From 0 to 1.
    pub confidence: f64,
    /// Name of the class.
    pub label: String,
}

/// The service that recognises signs. Rates and delays are over the last 3 s, totals since the server started.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RecognizerStatus {
    /// Frames per second that the model analyses.
    pub analysed_per_s: f64,
    /// A model that is better than the one at work, and not here yet; null where there is none.
    pub better: Option<BetterModel>,
    /// Frames per second that the model could look at, as measured; 0 without a model.
    pub capacity_fps: f64,
    /// Clients that are connected now.
    pub clients: usize,
    /// The command that gets what is missing; null unless that is why there is no model.
    pub cure: Option<String>,
    /// Time from the arrival of a window's newest frame to its prediction, in milliseconds.
    pub delay_ms: PredictionDelay,
    /// Why there is no model, for people; null where there is one.
    pub error: Option<String>,
    /// Frames that the model has analysed, so far.
    pub frames_analysed_total: u64,
    /// Valid frames per second that come.
    pub frames_per_s: f64,
    /// Valid frames that came, so far.
    pub frames_total: u64,
    /// Names of the classes, in the order of the scores; empty until there is a model.
    pub labels: Vec<String>,
    /// What was recognised last in anybody's frames; null before the first, and for whoever may not see who watches.
    pub last: Option<LastSign>,
    /// What goes on while the model is loaded or imported; null otherwise.
    pub loading: Option<Progress>,
    /// Seconds that the client that waits longest for its turn has waited.
    pub longest_wait_s: f64,
    /// The most clients at once: `recognizer.max_clients`.
    pub max_clients: usize,
    /// Name of the model at work, or of the one that is to be.
    pub model: String,
    /// Whether frames were skipped in the last 3 s since there was no time for them: more than half of `capacity_fps` came.
    pub overloaded: bool,
    /// Predictions made per second.
    pub predictions_per_s: f64,
    /// Predictions made so far.
    pub predictions_total: u64,
    /// How far the model is.
    pub state: RecognizerState,
    /// The model that is being loaded to take this one's place; null where none is.
    pub switching: Option<Switching>,
    /// `clip-classification`, or `landmarks` for a model of hands.
    pub task: String,
    /// Below this score the label is `none`; null until there is a model.
    pub threshold: Option<f64>,
    /// What the operator should know, for people; null where there is nothing.
    pub warning: Option<String>,
    /// How many frames a prediction is made of; null until there is a model.
    pub window: Option<usize>,
}

/// Percentiles in milliseconds over the last 3 s; null where there were no predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct PredictionDelay {
    /// The median: half of the values are below it.
    pub p50: Option<f64>,
    /// 95 of 100 are below.
    pub p95: Option<f64>,
}

/// A model that the server does not have yet, and that is better than the one at work.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BetterModel {
    /// The command that gets it.
    pub command: String,
    /// Why it could not be fetched, or is here and cannot be used, for people; null where that was not tried, or goes on.
    pub error: Option<String>,
    /// Its files are here: it has only to be put to work, which the same request does.
    pub here: bool,
    /// Its name, for `POST /api/v1/models/{name}/fetch`.
    pub name: String,
    /// How far its fetching is; null where nobody fetches it.
    pub progress: Option<Progress>,
    /// Bytes to be fetched.
    pub size_bytes: u64,
    /// What it is, for people.
    pub title: String,
}

/// What goes on before a model answers, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Progress {
    /// From 0 to 1; null where it cannot be told.
    pub progress: Option<f64>,
    /// What goes on, in words for people.
    pub text: String,
}

/// Another model is being loaded for the recogniser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Switching {
    /// Name of the model that takes over when it is ready.
    pub to: String,
}

/// Answer to `GET /healthz`: the server runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// Name of the recogniser's model.
    pub model: String,
}

/// Answer to `GET /readyz`: whether the recogniser answers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Readiness {
    /// It does not answer yet or cannot; status 503.
    Not {
        /// How far it is, from 0 to 1; null where that is not known.
        progress: Option<f64>,
        /// Always false.
        #[schemars(extend("const" = false))]
        ready: bool,
        /// Why it does not answer, for people.
        reason: String,
    },
    /// It answers; status 200.
    Ready {
        /// What does not work, for people, though it answers. Left out where there is nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        /// Always true.
        #[schemars(extend("const" = true))]
        ready: bool,
    },
}

/// What came of reading the configuration again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Reloaded {
    /// Keys that have changed since the configuration was read last, and whose new values are in effect.
    pub applied: Vec<String>,
    /// Keys that have changed since the server began, and need a restart to take effect.
    pub needs_restart: Vec<String>,
}

/// Body of `POST /api/v1/page-errors`: an error of a page, as the browser tells it. Of each text a line of the log has the
/// beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageError {
    /// What went wrong.
    pub message: String,
    /// Path of the page, without its query.
    pub page: String,
    /// File, line and column, as far as the browser says.
    pub place: String,
}
