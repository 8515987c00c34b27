//! Models, the library that runs them, and samples to try them on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::literal;

/// Answer to `GET /api/v1/models`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Models {
    /// One sentence for each manifest that could not be read.
    pub errors: Vec<String>,
    /// Whether this client may make the recogniser run another model.
    pub may_activate: bool,
    /// All that the server knows, whether they can be used at once or not.
    pub models: Vec<Model>,
    /// Why this client may not change the model, for people; null where it may.
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
    /// Whether the recogniser runs it now.
    pub active: bool,
    /// Whether all its files are there.
    pub available: bool,
    /// What it can and cannot do, as Markdown.
    pub card: Option<String>,
    /// How it is run; null for what is no clip model, or is not imported yet.
    pub clip: Option<ClipModel>,
    /// What an import made it from; null for other models.
    pub imported: Option<ImportedModel>,
    /// Names of the classes that it tells apart; null for models without such a list, and where they are not known yet.
    pub labels: Option<Vec<String>>,
    /// Licence as an SPDX expression, such as `Apache-2.0`.
    pub licence: String,
    /// What names the model in paths and in the configuration.
    pub name: String,
    /// What has to be done before it can be used; null where nothing is.
    pub needs: Option<ModelNeed>,
    /// Whether it is one for the recogniser: `POST /api/v1/models/{name}/activate` lets it run there.
    pub recognizer: bool,
    /// Bytes of its files, of those whose size is known.
    pub size_bytes: u64,
    /// Where it comes from, in words.
    pub source: String,
    /// What it does: `clip-classification`, `landmarks`, `object-detection` or `text-reading`.
    pub task: String,
    /// The name shown to people.
    pub title: String,
}

/// How a clip model is run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClipModel {
    /// Height of the network's input in pixels.
    pub height: u32,
    /// Number format of the network, `f32` or `bf16`.
    pub precision: String,
    /// Whether it has two networks, one for a frame and one for a window, and not one for the whole window.
    pub split: bool,
    /// Below this score the label is `none`.
    pub threshold: f64,
    /// Width of the network's input in pixels.
    pub width: u32,
    /// How many frames a prediction is made of.
    pub window: usize,
}

/// What an import made a model from, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ImportedModel {
    /// Whether it was asked not to split the model; left out where it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_whole: bool,
    /// Largest difference of a probability between f32 and bf16; null where it was not measured.
    pub bf16_difference: Option<f64>,
    /// Milliseconds of a prediction at bf16; null where it was not measured.
    pub bf16_ms: Option<f64>,
    /// Windows on which the original and the import were compared.
    pub clips: usize,
    /// Largest difference of a probability between the original and the import at f32.
    pub difference: f64,
    /// Milliseconds of a prediction at f32.
    pub f32_ms: f64,
    /// Name of the file that was imported.
    pub from: String,
    /// Version of Keras that saved the file; null where the file does not say.
    pub keras: Option<String>,
    /// Sentences for people on what the import noticed.
    pub notes: Vec<String>,
    /// SHA-256 of the imported file, hexadecimal.
    pub sha256: String,
    /// Version of the importer; a newer one imports the file again.
    pub version: u32,
}

/// Answer to `POST /api/v1/models/{name}/activate`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Activated {
    /// Name of the model that the recogniser runs now.
    pub model: String,
    /// Milliseconds from the request until the model answered.
    pub took_ms: u64,
}

/// `sightwire models list --format json`, one object per line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ListedModel {
    /// Whether all its files are there.
    pub available: bool,
    /// Licence as an SPDX expression, such as `Apache-2.0`.
    pub licence: String,
    /// What names the model in paths and in the configuration.
    pub name: String,
    /// What it does, with the values of [`Model`].
    pub task: String,
    /// The name shown to people.
    pub title: String,
}

/// `GET /api/v1/runtime`: the library that runs networks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Runtime {
    /// Whether this client may have the server get it.
    pub may_get: bool,
    /// Whether the recogniser has no model because the library is not there.
    pub missing: bool,
    /// Why this client may not have it fetched, for people; null where it may.
    pub why_not: Option<String>,
}

literal! {
    /// It is being fetched.
    Loading = "loading"
}

/// Answer to `POST /api/v1/runtime` and `POST /api/v1/models/{name}/fetch`; how far it is stands in `recognizer.loading` and
/// `recognizer.better` of `/api/v1/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RuntimeFetch {
    /// Always `loading`.
    pub state: Loading,
}

/// `GET /api/v1/samples`: clips that the server draws, to try the recogniser on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Samples {
    /// Frames per second of the clips.
    pub fps: u32,
    /// Names for `GET /api/v1/samples/{gesture}`.
    pub gestures: Vec<String>,
}

/// Answer to `GET /api/v1/samples/{gesture}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SampleClip {
    /// Frames per second at which the clip is to be played.
    pub fps: u32,
    /// JPEGs as data URLs.
    pub frames: Vec<String>,
    /// Name of the gesture, as in the path.
    pub gesture: String,
}

/// `GET /labels`: names of classes by their index, `{"0":"book","1":"chair",…}`, in that order.
pub type Labels = BTreeMap<String, String>;
