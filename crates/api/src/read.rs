//! Text in pictures, one by one and in batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was read in a file. Coordinates are in the shortest form that reads back as the same `f32`, confidences have four
/// decimals.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Document {
    /// Its name, where it came with one.
    pub file: Option<String>,
    /// `jpeg`, `png`, `tiff`, …
    pub format: String,
    /// Name of the model.
    pub model: String,
    /// Execution provider of its networks.
    pub provider: String,
    /// Number formats of its networks.
    pub precision: ReadPrecision,
    /// How it was read.
    pub options: ReadOptions,
    /// Most pictures have one.
    pub pages: Vec<Page>,
    /// Lines of text of all pages, in reading order.
    pub regions: Vec<Region>,
    /// All of it, a line each, with an empty line between pages.
    pub text: String,
    /// How long each stage took.
    pub ms: ReadTimes,
    /// What was asked for and is not known, in words; left out where there is nothing to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Number formats of a text model's networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ReadPrecision {
    /// Of the network that finds lines.
    pub detection: String,
    /// Of the network that reads a line.
    pub recognition: String,
}

/// How a picture is read, as a caller would ask for it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step of its own, on or off")]
pub struct ReadOptions {
    /// A pixel belongs to text from this probability on; 0 to 1.
    pub threshold: f64,
    /// A line is kept from this mean probability of its pixels on; 0 to 1.
    pub box_threshold: f64,
    /// By how much lines are widened.
    pub unclip: f64,
    /// A larger picture is made smaller for the search of lines, px.
    pub max_side: u32,
    /// A line is kept from this confidence on; 0 to 1.
    pub min_confidence: f64,
    /// Lines that are upside down are turned.
    pub angle: bool,
    /// A page that is not level is turned.
    pub deskew: bool,
    /// Contrast is raised where it is low.
    pub contrast: bool,
    /// Noise is taken away.
    pub denoise: bool,
}

/// One page of a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Page {
    /// From 1.
    pub page: usize,
    /// Px.
    pub width: u32,
    /// Px.
    pub height: u32,
    /// Degrees by which it was turned clockwise to make its lines level.
    pub skew: f32,
}

/// Of a picture: x to the right and y down, in pixels of the upright original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Point(pub [f32; 2]);

/// A line of text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Region {
    /// Upper left, upper right, lower right, lower left corner of the text.
    pub polygon: [Point; 4],
    /// What it says.
    pub text: String,
    /// 0 to 1.
    pub confidence: f64,
    /// From 1.
    pub page: usize,
    /// Of each character, 0 to 1; left out unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<Vec<f64>>,
}

/// How long each stage took, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReadTimes {
    /// Until a thread was free.
    pub wait: f64,
    /// File to pixels.
    pub decode: f64,
    /// Deskewing, contrast, noise, size.
    pub prepare: f64,
    /// Where lines are.
    pub detect: f64,
    /// What they say.
    pub recognise: f64,
    /// From the request to the result.
    pub total: f64,
}

/// What has become of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Files are being read or wait for it.
    #[default]
    Running,
    /// Every file was read or has failed.
    Done,
    /// It was ended before.
    Cancelled,
}

/// A batch of files.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Job {
    /// Files that were not read before it was ended.
    pub cancelled: usize,
    /// That were read.
    pub characters: u64,
    /// Seconds since 1970.
    pub created: u64,
    /// Files that were read.
    pub done: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// All of them.
    pub files: usize,
    /// Files read per second.
    pub files_per_s: f64,
    /// In paths.
    pub id: String,
    /// Of so many files the pictures are kept for the page.
    pub keep: usize,
    /// Until it is done, as it seems; null before the first file is.
    pub left_s: Option<f64>,
    /// Of all lines, 0 to 1; null before the first.
    pub mean_confidence: Option<f64>,
    /// How long it took, or has taken so far.
    pub ms: f64,
    /// What was asked for and is not known, in words; only in the answer to `POST`, and where there is something to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How its files are read.
    pub options: JobOptions,
    /// Files that are being read.
    pub reading: usize,
    /// Lines of text that were found.
    pub regions: u64,
    /// What has become of it.
    pub state: JobState,
    /// Files that have not begun.
    pub waiting: usize,
}

/// How the files of a batch are read; see [`ReadOptions`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step of its own, on or off")]
pub struct JobOptions {
    /// Lines that are upside down are turned.
    pub angle: bool,
    /// A line is kept from this mean probability of its pixels on; 0 to 1.
    pub box_threshold: f64,
    /// Contrast is raised where it is low.
    pub contrast: bool,
    /// Noise is taken away.
    pub denoise: bool,
    /// A page that is not level is turned.
    pub deskew: bool,
    /// A larger picture is made smaller for the search of lines, px.
    pub max_side: u32,
    /// A line is kept from this confidence on; 0 to 1.
    pub min_confidence: f64,
    /// Name of the model.
    pub model: String,
    /// A pixel belongs to text from this probability on; 0 to 1.
    pub threshold: f64,
    /// By how much lines are widened.
    pub unclip: f64,
}

/// `GET /api/v1/jobs`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Jobs {
    /// The newest first.
    pub jobs: Vec<Job>,
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// It has not begun.
    #[default]
    Waiting,
    /// It is being read.
    Reading,
    /// It was read.
    Done,
    /// It could not be read.
    Failed,
    /// The batch was ended before.
    Cancelled,
}

/// A file of a batch, without its text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct JobFile {
    /// From 0, in the order in which they came.
    pub index: usize,
    /// As the sender called it.
    pub name: Box<str>,
    /// Of the file.
    pub bytes: u64,
    /// What has become of it.
    pub state: FileState,
    /// Why it could not be read, for people.
    pub error: Option<Box<str>>,
    /// How many it has; null until it is read, as what follows.
    pub pages: Option<u32>,
    /// Of its first page, px.
    pub width: Option<u32>,
    /// Of its first page, px.
    pub height: Option<u32>,
    /// Lines of text that were found.
    pub regions: Option<u32>,
    /// Mean over them, 0 to 1; null without any.
    pub confidence: Option<f64>,
    /// How long it took.
    pub ms: Option<f64>,
    /// Its pixels are still there.
    pub picture: bool,
}

/// `GET /api/v1/jobs/{id}/files`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct JobFiles {
    /// Those that were asked for.
    pub files: Vec<JobFile>,
    /// How many there are.
    pub total: usize,
}

/// Instead of a [`Document`], where a file of an export could not be read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct FailedFile {
    /// Why, for people.
    pub error: Option<Box<str>>,
    /// Its name.
    pub file: Box<str>,
}

/// The data of an event of `GET /api/v1/jobs/{id}/events`: `job`, `end` (the last one) or `file`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum JobEvent {
    /// How far it is, or how it ended.
    Job(Job),
    /// What has become of a file.
    File(JobFile),
}
