//! Text in pictures, one by one and in batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was read in a file. Coordinates are in the shortest form that reads back as the same `f32`, confidences have four
/// decimals.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Document {
    /// Name of the file; null where it came without one.
    pub file: Option<String>,
    /// Format of the file: `jpeg`, `png`, `tiff`, …
    pub format: String,
    /// Name of the model that read it.
    pub model: String,
    /// Execution provider of its networks: `cpu`, `openvino`, `cuda`.
    pub provider: String,
    /// Number formats of its networks.
    pub precision: ReadPrecision,
    /// How it was read: what was asked for, and the defaults.
    pub options: ReadOptions,
    /// The pages of a TIFF or PDF, else a single one.
    pub pages: Vec<Page>,
    /// Lines of text of all pages, in reading order.
    pub regions: Vec<Region>,
    /// Mean confidence of these lines, from 0 to 1; null where there are none.
    #[serde(default)]
    pub mean_confidence: Option<f64>,
    /// The text of all lines, put together as `layout` asks, with a form feed between pages.
    pub text: String,
    /// How long each stage took.
    pub ms: ReadTimes,
    /// Sentences about what whoever asked should know: a page in a script that the model does not read, parameters that are not
    /// known; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Number formats of a text model's networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ReadPrecision {
    /// Number format of the network that finds lines, `f32` or `bf16`.
    pub detection: String,
    /// Number format of the network that reads a line, `f32` or `bf16`.
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
    /// How far outlines are moved outwards: their area by their perimeter, times this.
    pub unclip: f64,
    /// The longer side in pixels to which larger pictures are scaled down while lines are looked for.
    pub max_side: u32,
    /// How many lines are read at most: of more, the largest.
    #[serde(default = "most_candidates")]
    pub max_candidates: u32,
    /// Lines are read whose outline is at least so high, in pixels of the upright original.
    #[serde(default)]
    pub min_detection_size: f64,
    /// A line is kept from this confidence on; 0 to 1.
    pub min_confidence: f64,
    /// Pages on their side or head are turned, and lines that are upside down.
    pub angle: bool,
    /// A page that is not level is turned.
    pub deskew: bool,
    /// Contrast is raised where it is low.
    pub contrast: bool,
    /// Noise is taken away.
    pub denoise: bool,
    /// The page in a photograph is read as if seen from straight above. Left out unless asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub perspective: bool,
    /// The corners that were given of that page; left out where none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<[Point; 4]>,
}

/// As a result has it that was stored before one could choose.
fn most_candidates() -> u32 {
    10_000
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_upright(turned: &u16) -> bool {
    *turned == 0
}

/// One page of a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Page {
    /// Number of the page, from 1.
    pub page: usize,
    /// Width of the upright page in pixels.
    pub width: u32,
    /// Height of the upright page in pixels.
    pub height: u32,
    /// Degrees by which it was turned clockwise to make its lines level.
    pub skew: f32,
    /// Degrees by which it was turned clockwise besides so that its text stands upright: 90, 180 or 270; left out where it was not.
    #[serde(default, skip_serializing_if = "is_upright")]
    pub turned: u16,
    /// The corners of the page in a photograph, found or given, in pixels of the upright picture, clockwise from the page's
    /// upper left; left out if there is none, or neither `perspective` nor `corners` was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<[Point; 4]>,
    /// Lines that were found and are not among the regions: of a confidence below `min_confidence`, without a letter, lower than
    /// `min_detection_size`, or beyond `max_candidates`.
    #[serde(default)]
    pub left_out: usize,
}

/// A place in a picture: x to the right and y down, in pixels of the upright original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Point(pub [f32; 2]);

/// A line of text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Region {
    /// The corners of the text: upper left, upper right, lower right, lower left.
    pub polygon: [Point; 4],
    /// The characters of the line.
    pub text: String,
    /// Mean confidence of its characters, from 0 to 1.
    pub confidence: f64,
    /// Number of the page that it is on, from 1.
    pub page: usize,
    /// Number of its block on the page, from 1: lines that stand together, in one column.
    #[serde(default)]
    pub block: u32,
    /// Number of its row on the page, from 1: lines that stand side by side in a block have the same.
    #[serde(default)]
    pub row: u32,
    /// The confidence of each character, from 0 to 1; left out unless `characters` asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<Vec<f64>>,
    /// Its words, in the order of `text`; left out unless `words` asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<Word>>,
}

/// A word of a line: what stands between spaces. Ideographs are parted from other letters, and after their marks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Word {
    /// Its characters.
    pub text: String,
    /// The corners of its part of the line: upper left, upper right, lower right, lower left.
    pub polygon: [Point; 4],
    /// Mean confidence of its characters, from 0 to 1.
    pub confidence: f64,
}

/// How long each stage took, in milliseconds, summed over the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ReadTimes {
    /// Waiting for a free thread.
    pub wait: f64,
    /// Decoding the file to pixels.
    pub decode: f64,
    /// Deskewing, raising contrast and removing noise, where that was asked for.
    pub prepare: f64,
    /// Finding lines of text.
    pub detect: f64,
    /// Reading the lines that were found.
    pub recognise: f64,
    /// All stages but the wait, from decoding to the result.
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
    /// It was ended before all files were read.
    Cancelled,
}

/// A batch of files.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Job {
    /// Files that were not read since the batch was ended before.
    pub cancelled: usize,
    /// Characters that were read, in all files.
    pub characters: u64,
    /// When it was made, seconds since 1970.
    pub created: u64,
    /// Files that were read.
    pub done: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Files that came with it, those that were refused included.
    pub files: usize,
    /// Files read per second.
    pub files_per_s: f64,
    /// What names the batch in paths.
    pub id: String,
    /// How many of its pictures are kept for the page, the last that were read.
    pub keep: usize,
    /// Lines that were found and left out: of a confidence below `min_confidence`, without a letter, lower than
    /// `min_detection_size`, or beyond `max_candidates`.
    #[serde(default)]
    pub left_out: u64,
    /// Estimated seconds until it has ended; null before the first file is read, 0 once it has ended.
    pub left_s: Option<f64>,
    /// Mean confidence of all lines, from 0 to 1; null before the first line.
    pub mean_confidence: Option<f64>,
    /// Milliseconds that it took, or has taken so far.
    pub ms: f64,
    /// Sentences about parameters that are not known, in the answer to `POST` alone, and about what keeps it from going on:
    /// the disk, its model, or what draws its PDFs. Left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How its files are read.
    pub options: JobOptions,
    /// Files that are being read now.
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
    /// Pages on their side or head are turned, and lines that are upside down.
    pub angle: bool,
    /// A line is kept from this mean probability of its pixels on; 0 to 1.
    pub box_threshold: f64,
    /// Contrast is raised where it is low.
    pub contrast: bool,
    /// The corners that were given of the page in each photograph; left out where none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<[Point; 4]>,
    /// Noise is taken away.
    pub denoise: bool,
    /// A page that is not level is turned.
    pub deskew: bool,
    /// How many lines are read at most: of more, the largest.
    pub max_candidates: u32,
    /// The longer side in pixels to which larger pictures are scaled down while lines are looked for.
    pub max_side: u32,
    /// A line is kept from this confidence on; 0 to 1.
    pub min_confidence: f64,
    /// Lines are read whose outline is at least so high, in pixels of the upright original.
    pub min_detection_size: f64,
    /// Name of the model that reads them.
    pub model: String,
    /// The page in a photograph is read as if seen from straight above. Left out unless asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub perspective: bool,
    /// A pixel belongs to text from this probability on; 0 to 1.
    pub threshold: f64,
    /// How far outlines are moved outwards: their area by their perimeter, times this.
    pub unclip: f64,
}

/// Answer to `GET /api/v1/jobs`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Jobs {
    /// All batches, the newest first.
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
    /// Its text was read.
    Done,
    /// It could not be read.
    Failed,
    /// The batch was ended before it was read.
    Cancelled,
}

/// A file of a batch, without its text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct JobFile {
    /// Number of the file, from 0 in the order in which they came.
    pub index: usize,
    /// Name that the client gave it.
    pub name: Box<str>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// What has become of it.
    pub state: FileState,
    /// Why it could not be read, for people; null where it could, or has not been tried.
    pub error: Option<Box<str>>,
    /// How many pages it has; this and all below but `picture` are null until it is read.
    pub pages: Option<u32>,
    /// Width of its first page in pixels.
    pub width: Option<u32>,
    /// Height of its first page in pixels.
    pub height: Option<u32>,
    /// Lines of text that were found.
    pub regions: Option<u32>,
    /// Lines that were found and left out: of a confidence below `min_confidence`, without a letter, lower than
    /// `min_detection_size`, or beyond `max_candidates`.
    pub left_out: Option<u32>,
    /// Mean confidence of its lines, from 0 to 1; null where it has none.
    pub confidence: Option<f64>,
    /// Milliseconds that reading took, without waiting for a thread; `total` of its result.
    pub ms: Option<f64>,
    /// Whether its picture is still kept, for `picture` and `read` of its path.
    pub picture: bool,
    /// Sentences about its text that its reader should know, as in its [`Document`]; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Answer to `GET /api/v1/jobs/{id}/files`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct JobFiles {
    /// The files from `offset` on, at most `limit`.
    pub files: Vec<JobFile>,
    /// How many files the batch has.
    pub total: usize,
}

/// Stands in an export in place of a [`Document`] for a file that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct FailedFile {
    /// Why it could not be read, for people.
    pub error: Option<Box<str>>,
    /// Name of the file.
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
