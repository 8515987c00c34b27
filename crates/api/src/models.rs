//! Models, the library that runs them, and samples to try them on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::literal;

/// `GET /api/v1/models`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Models {
    /// Manifests that could not be read, and why.
    pub errors: Vec<String>,
    /// Whether this client may change the model.
    pub may_activate: bool,
    /// All that the server knows, whether they can be used at once or not.
    pub models: Vec<Model>,
    /// Why this client may not, for people.
    pub why_not: Option<String>,
}

/// What has to be done on the server's machine before a model can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModelNeed {
    /// Its files are not there: `sightwire models pull NAME`.
    Pull,
    /// Its file is there, in another format: `sightwire models import FILE`.
    Import,
}

/// A model that the server knows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Model {
    /// The recogniser runs it.
    pub active: bool,
    /// All its files are there.
    pub available: bool,
    /// What it can and cannot do, as Markdown.
    pub card: Option<String>,
    /// How it is run; null for what is no clip model, or is not imported yet.
    pub clip: Option<ClipModel>,
    /// What it was imported from.
    pub imported: Option<ImportedModel>,
    /// What it can tell apart.
    pub labels: Option<Vec<String>>,
    /// SPDX expression.
    pub licence: String,
    /// In paths and in the configuration.
    pub name: String,
    /// What has to be done before it can be used.
    pub needs: Option<ModelNeed>,
    /// Of its files, as far as it is known.
    pub size_bytes: u64,
    /// Where it comes from, in words.
    pub source: String,
    /// `clip-classification`, `object-detection`, `text-reading`.
    pub task: String,
    /// For people.
    pub title: String,
}

/// How a clip model is run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClipModel {
    /// Of the network's input, px.
    pub height: u32,
    /// Number format of the network.
    pub precision: String,
    /// In two networks, one for a frame and one for a window; else in one for the whole window.
    pub split: bool,
    /// Below this score the label is `none`.
    pub threshold: f64,
    /// Of the network's input, px.
    pub width: u32,
    /// Frames that a prediction is made of.
    pub window: usize,
}

/// What an import made a model from, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ImportedModel {
    /// It was not to be split.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_whole: bool,
    /// Largest difference of a probability between f32 and bf16, where that was measured.
    pub bf16_difference: Option<f64>,
    /// Time of a prediction at bf16.
    pub bf16_ms: Option<f64>,
    /// Windows on which the original and the import were compared.
    pub clips: usize,
    /// Largest difference of a probability between the original and the import at f32.
    pub difference: f64,
    /// Time of a prediction at f32.
    pub f32_ms: f64,
    /// Name of the file.
    pub from: String,
    /// Version of Keras that saved the file, as it says.
    pub keras: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// The import that did it; a newer one does it again.
    pub version: u32,
}

/// `POST /api/v1/models/{name}/activate`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Activated {
    /// Its name.
    pub model: String,
    /// Until it answered.
    pub took_ms: u64,
}

/// `sightwire models list --format json`, one object per line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ListedModel {
    /// All its files are there.
    pub available: bool,
    /// SPDX expression.
    pub licence: String,
    /// In paths and in the configuration.
    pub name: String,
    /// As of [`Model`].
    pub task: String,
    /// For people.
    pub title: String,
}

/// `GET /api/v1/runtime`: the library that runs networks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Runtime {
    /// Whether this client may have it fetched.
    pub may_get: bool,
    /// It is not there, so no network can run.
    pub missing: bool,
    /// Why this client may not, for people.
    pub why_not: Option<String>,
}

literal! {
    /// It is on its way.
    Loading = "loading"
}

/// `POST /api/v1/runtime`: it is being fetched; `/api/v1/status` says how far that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RuntimeFetch {
    /// It is on its way.
    pub state: Loading,
}

/// `GET /api/v1/samples`: clips that the server draws, to try the recogniser on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Samples {
    /// Frames per second.
    pub fps: u32,
    /// Names, for `GET /api/v1/samples/{gesture}`.
    pub gestures: Vec<String>,
}

/// `GET /api/v1/samples/{gesture}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SampleClip {
    /// Frames per second.
    pub fps: u32,
    /// JPEGs as data URLs.
    pub frames: Vec<String>,
    /// Its name.
    pub gesture: String,
}

/// `GET /labels`: names of classes by their index, `{"0":"book","1":"chair",…}`, in that order.
pub type Labels = BTreeMap<String, String>;
