//! What a model is, as written in `models/<name>.toml`.

mod check;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use check::ManifestMistake;

use crate::provider::Provider;

/// A model or a package, its files and how to use them. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Unique; letters, digits, `-` and `_`.
    pub name: String,
    /// The name that people see.
    pub title: String,
    /// What it does.
    pub task: Task,
    /// SPDX expression.
    pub licence: String,
    /// Who made it, and where it is described.
    pub origin: String,
    /// Its files.
    pub files: Vec<File>,
    /// Present where `task` is [`Task::ClipClassification`] and the model can be run.
    pub clip: Option<Clip>,
    /// Present where `task` is [`Task::ObjectDetection`] and a network does it.
    pub detect: Option<Detect>,
    /// Present where `task` is [`Task::TextReading`].
    pub read: Option<Read>,
    /// Present where `task` is [`Task::Landmarks`].
    pub landmarks: Option<Landmarks>,
    /// Present where the model's file has to be imported before it can be run.
    pub import: Option<Import>,
    /// Present where an import made this manifest.
    pub imported: Option<Imported>,
    /// Present where `task` is [`Task::Runtime`].
    pub runtime: Option<RuntimePackage>,
}

/// What a model does; decides how it is run.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A window of frames in, one of several labels out.
    ClipClassification,
    /// A picture in, boxes with classes out.
    ObjectDetection,
    /// A picture in, lines of text with their polygons out.
    TextReading,
    /// A picture in, joints of hands or bodies out.
    Landmarks,
    /// Not a model: the ONNX Runtime library.
    Runtime,
}

impl Task {
    /// As in manifests and API answers.
    pub fn name(self) -> &'static str {
        match self {
            Task::ClipClassification => "clip-classification",
            Task::ObjectDetection => "object-detection",
            Task::TextReading => "text-reading",
            Task::Landmarks => "landmarks",
            Task::Runtime => "runtime",
        }
    }
}

/// One file of a model.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What the task uses it for: `backbone` and `head`, or `whole`; `network`; `palm` and `hand`; `pose`; `keras`;
    /// `library`.
    pub role: String,
    /// Its name in the store.
    pub name: String,
    /// SHA-256 in hexadecimal: of the file, or of the archive where `source` takes members out of one.
    pub sha256: Option<String>,
    /// Where no SHA-256 is known: the id that git gives the content, SHA-1 over `blob <size>\0` and the content.
    pub git_blob: Option<String>,
    /// Bytes of what the hash is of; absent where it is not known.
    pub size_bytes: Option<u64>,
    /// The execution provider that was measured to be the fastest for it, where it is not the usual one; taken where
    /// `engine.provider = auto`.
    pub provider: Option<Provider>,
    /// `provider` is the only one that can run it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provider_only: bool,
    /// Where it comes from.
    pub source: Source,
}

/// Where a file comes from, if neither the store nor the mirror folder has it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// Inside the binary.
    Builtin,
    /// A wheel, fetched with the user's own `pip`.
    Pypi {
        /// Name of the package.
        package: String,
        /// Exact version.
        version: String,
        /// Arguments that make pip choose the same wheel whatever Python runs it.
        tags: Vec<String>,
        /// Files of the wheel to unpack: those whose path begins so. Empty: the wheel itself is the file.
        #[serde(default)]
        members: String,
        /// Ends of member paths that are not needed.
        #[serde(default)]
        without: Vec<String>,
        /// The one file of the wheel that is meant; the hash is its own then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<String>,
    },
    /// A file at an address.
    Https {
        /// Address.
        url: String,
    },
    /// Made by an import on this machine.
    Imported,
}

impl Source {
    /// Whether it can be had from elsewhere.
    pub fn can_be_fetched(&self) -> bool {
        matches!(self, Self::Https { .. } | Self::Pypi { .. })
    }
}

/// What a file has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest<'a> {
    /// Of its content, hexadecimal.
    Sha256(&'a str),
    /// As git names it, hexadecimal.
    GitBlob(&'a str),
}

impl File {
    /// What its content must hash to.
    pub fn digest(&self) -> Digest<'_> {
        match (&self.sha256, &self.git_blob) {
            (Some(sha256), _) => Digest::Sha256(sha256),
            // `Manifest::parse` lets no file without either pass.
            (None, git_blob) => Digest::GitBlob(git_blob.as_deref().unwrap_or_default()),
        }
    }
}

/// A clip classifier: two networks, `backbone` over each frame once and `head` over the window's features; or one that
/// is `whole` and takes the window's frames.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// Frames in a window.
    pub window: usize,
    /// Width of a frame as the network takes it, px.
    pub width: u32,
    /// Height of a frame as the network takes it, px.
    pub height: u32,
    /// Order of the three colour values of a pixel.
    pub colour: Colour,
    /// A colour value (0–255) is divided by this.
    pub divide_by: f32,
    /// Values the backbone makes of a frame; absent where the network is `whole`.
    pub features: Option<usize>,
    /// Name of the networks' free first dimension, set to the batch size for static shapes; absent where it is 1.
    pub batch_symbol: Option<String>,
    /// Below this probability the answer is `none`.
    pub threshold: f32,
    /// In the order of the head's output.
    pub labels: Vec<String>,
    /// The label for when nothing moves, of a model of motions: with `recognizer.arming` only what follows on it counts.
    pub rest: Option<String>,
    /// Precision of the backbone or the whole network that was checked against f32 for this model (see its card); used
    /// where `engine.precision = auto`. Heads are always f32: they cost little, and have the last word.
    #[serde(default)]
    pub precision: Precision,
}

impl Clip {
    /// Roles of its networks' files.
    pub fn roles(&self) -> &'static [&'static str] {
        if self.features.is_some() { &["backbone", "head"] } else { &["whole"] }
    }
}

/// An object detector: a network over one picture.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// What the network gives, and where in its input a picture lies.
    pub format: Format,
    /// Width of the input, px: a multiple of 32.
    pub width: u32,
    /// Height of the input, px: a multiple of 32.
    pub height: u32,
    /// Order of the planes.
    pub colour: Colour,
    /// A colour value (0–255) is divided by this.
    pub divide_by: f32,
    /// Boxes that the network gives, where it is not one for each place of the strides 8, 16 and 32.
    pub boxes: Option<usize>,
    /// Name of the network's free first dimension; absent where it is 1.
    pub batch_symbol: Option<String>,
    /// Below this confidence nothing was found, where nobody asks for another.
    pub confidence: f32,
    /// Of two boxes of one class that overlap by more than this, the less sure one is dropped.
    pub iou: f32,
    /// In the order of the network's classes.
    pub labels: Vec<String>,
    /// Precision of the network that was checked against f32 for this model (see its card); used where
    /// `engine.precision = auto`.
    #[serde(default)]
    pub precision: Precision,
}

/// The family of a detector.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The picture in the upper left corner; a row for each place of the strides 8, 16 and 32: offsets from it, logarithms
    /// of the sides, objectness, classes.
    Yolox,
    /// The picture in the middle; a column for each box: its centre and sides in pixels of the input, classes. As newer
    /// exports of that family without end-to-end suppression still have it.
    Yolov8,
}

/// Distances of the places at which detectors look, px.
pub const STRIDES: [u32; 3] = [8, 16, 32];

impl Detect {
    /// Boxes that the network gives.
    pub fn boxes(&self) -> usize {
        let places = |stride: u32| (self.width / stride) as usize * (self.height / stride) as usize;
        self.boxes.unwrap_or_else(|| STRIDES.into_iter().map(places).sum())
    }
}

/// A reader of text: a network that finds lines, one that tells which of them stand on their head, and one that reads a
/// line. Each may have a precision that was checked against f32 for this model (see its card).
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Languages that it knows, as BCP 47 tags.
    pub languages: Vec<String>,
    /// Of the network that finds lines.
    #[serde(default)]
    pub detector_precision: Precision,
    /// Of the network that reads a line.
    #[serde(default)]
    pub recogniser_precision: Precision,
    /// Height of a line as the network takes it, px.
    pub line_height: u32,
    /// The characters that the network knows, one a line, as a file with the role `characters`; where there is none, they
    /// are in the metadata of the recogniser's file under `character`.
    #[serde(default)]
    pub space: bool,
}

/// A finder of joints: TFLite networks as `MediaPipe` publishes them, and others with the same inputs and outputs.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Landmarks {
    /// What it finds the joints of.
    pub of: Joints,
    /// Probability from which something is what is looked for.
    pub presence: f32,
}

/// Whose joints a model finds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Joints {
    /// 21 of a hand: one network finds palms, another one the joints.
    Hands,
    /// 33 of a body.
    Pose,
}

impl Landmarks {
    /// Roles of its networks' files.
    pub fn roles(self) -> &'static [&'static str] {
        match self.of {
            Joints::Hands => &["palm", "hand"],
            Joints::Pose => &["pose"],
        }
    }
}

/// What an import of the model's file is to make of it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Below this probability the answer is `none`.
    pub threshold: f32,
    /// In the order of the network's output.
    pub labels: Vec<String>,
}

/// What an import made the model from, and what it found.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Name of the file.
    pub from: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The import that did it; a newer one does it again.
    pub version: u32,
    /// It was not to be split.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_whole: bool,
    /// Version of Keras that saved the file, as it says.
    pub keras: Option<String>,
    /// Windows on which the original and the import were compared.
    pub clips: usize,
    /// Largest difference of a probability between the original and the import at f32.
    pub difference: f64,
    /// Largest difference of a probability between f32 and bf16 on generated clips, where that was measured.
    pub bf16_difference: Option<f64>,
    /// Time of a prediction at f32, ms, as measured then.
    pub f32_ms: f64,
    /// Time of a prediction at bf16, ms.
    pub bf16_ms: Option<f64>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Colour order.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Blue, green, red, as OpenCV has it.
    Bgr,
    /// Red, green, blue.
    Rgb,
}

/// Arithmetic inside a network; inputs and outputs are always f32.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bit.
    #[default]
    F32,
    /// 16 bit with the range of 32; only OpenVINO on CPUs that have it.
    Bf16,
}

impl Precision {
    /// As in manifests and API answers, and as OpenVINO calls it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}

/// The ONNX Runtime library as a package.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimePackage {
    /// Provider it is for.
    pub provider: Provider,
    /// `std::env::consts::ARCH` it runs on.
    pub arch: String,
    /// `std::env::consts::OS` it runs on.
    pub os: String,
    /// Name of the library's file in the package.
    pub library: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read the manifest {path}: {error}")]
    Read {
        /// Path of the manifest.
        path: String,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// It is not a manifest, or a wrong one.
    #[error("the manifest {origin} is wrong: {mistake}")]
    Wrong {
        /// File or built-in name.
        origin: String,
        /// What is wrong, and where it stands.
        mistake: ManifestMistake,
    },
}

impl Manifest {
    /// Reads and checks a manifest file.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ManifestError::Read { path: origin.clone(), error })?;
        Self::parse(&text, &origin)
    }

    /// Parses and checks a manifest; `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ManifestError> {
        let wrong = |mistake| ManifestError::Wrong { origin: origin.to_owned(), mistake };
        let manifest: Self = toml::from_str(text).map_err(|error| wrong(error.into()))?;
        manifest.check().map_err(wrong)?;
        Ok(manifest)
    }

    /// As in a manifest file.
    pub fn to_toml(&self) -> String {
        // Plain tables and values always can be written; a test does it with every built-in one.
        toml::to_string(self).unwrap_or_default()
    }

    /// The file that has to be imported before the model can be run, if that is still to be done.
    pub fn to_import(&self) -> Option<&File> {
        self.import.as_ref().and_then(|_| self.file("keras"))
    }

    /// The file with this role.
    pub fn file(&self, role: &str) -> Option<&File> {
        self.files.iter().find(|file| file.role == role)
    }

    /// What its outputs mean, where the manifest says it.
    pub fn labels(&self) -> Option<&[String]> {
        let clip = self.clip.as_ref().map(|clip| &clip.labels);
        let detect = self.detect.as_ref().map(|detect| &detect.labels);
        clip.or(detect).or_else(|| self.import.as_ref().map(|import| &import.labels)).map(Vec::as_slice)
    }
}

/// Whether a name is safe as that of a file: letters, digits, `-`, `_` and `.`, which does not come first.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    #[test]
    fn every_builtin_manifest_is_right() {
        let manifests = builtin::builtin_manifests();
        assert!(manifests.iter().any(|m| m.name == "gestures"));
        assert!(manifests.iter().any(|m| m.task == Task::Runtime));
    }

    #[test]
    fn a_manifest_that_was_written_reads_the_same() {
        for manifest in builtin::builtin_manifests() {
            let again = Manifest::parse(&manifest.to_toml(), "again").unwrap();
            assert_eq!(format!("{again:?}"), format!("{manifest:?}"));
        }
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let text = builtin::manifest_text("gestures").unwrap().replace("threshold", "treshold");
        let error = Manifest::parse(&text, "test").unwrap_err();
        assert!(
            matches!(&error, ManifestError::Wrong { mistake: ManifestMistake::Toml(_), .. }),
            "{error:?}"
        );
        let error = error.to_string();
        assert!(error.contains("treshold") && error.contains("threshold"), "{error}");
    }

    #[test]
    fn a_file_name_cannot_leave_the_store() {
        let text =
            builtin::manifest_text("gestures").unwrap().replace("\"gestures_head.onnx\"", "\"../head.onnx\"");
        let error = Manifest::parse(&text, "test").unwrap_err().to_string();
        assert!(error.contains("../head.onnx"), "{error}");
    }

    #[test]
    fn a_clip_model_without_a_head_is_refused() {
        let text = builtin::manifest_text("gestures").unwrap().replace("role = \"head\"", "role = \"hat\"");
        let error = Manifest::parse(&text, "test").unwrap_err().to_string();
        assert!(error.contains("`head`"), "{error}");
    }

    fn nano(from: &str, to: &str) -> Result<Manifest, ManifestError> {
        let text = builtin::manifest_text("yolox-nano").unwrap();
        assert!(text.contains(from), "{from}");
        Manifest::parse(&text.replace(from, to), "test")
    }

    #[test]
    fn a_detector_whose_table_cannot_be_right_is_refused_in_words() {
        for (from, to, part) in [
            ("width = 416", "width = 400", "`detect.width` is 400"),
            ("height = 416", "height = 0", "`detect.height` is 0"),
            ("divide_by = 1.0", "divide_by = 0.0", "`detect.divide_by`"),
            ("confidence = 0.25", "confidence = 25", "`detect.confidence` is 25"),
            ("iou = 0.5", "iou = nan", "`detect.iou` is NaN"),
            ("iou = 0.5", "iou = 0.5\nboxes = 3549", "`detect.boxes`"),
            ("\"yolox\"", "\"yolo\"", "`yolov8`"),
            ("\"bgr\"", "\"grb\"", "`rgb`"),
            ("role = \"network\"", "role = \"backbone\"", "`network`"),
            ("[detect]", "[detect]\nlabel = 1", "`label`"),
        ] {
            let error = nano(from, to).unwrap_err().to_string();
            assert!(error.contains(part), "{to}: {error}");
        }
    }

    #[test]
    fn files_for_detection_without_a_table_are_refused_and_no_files_are_the_binarys_own() {
        let motion = builtin::builtin_manifests().into_iter().find(|m| m.name == "motion").unwrap();
        assert_eq!(motion.task, Task::ObjectDetection);
        let mut text = builtin::manifest_text("motion").unwrap().replace("files = []", "");
        text += "[[files]]\nrole = \"network\"\nname = \"a.onnx\"\nsource = \"builtin\"\ngit_blob = \"";
        text += &"0".repeat(40);
        let error = Manifest::parse(&(text + "\""), "test").unwrap_err().to_string();
        assert!(error.contains("[detect]"), "{error}");
    }

    #[test]
    fn a_clip_model_does_not_get_its_colours_swapped() {
        let text = builtin::manifest_text("gestures").unwrap().replace("\"bgr\"", "\"rgb\"");
        let error = Manifest::parse(&text, "test").unwrap_err().to_string();
        assert!(error.contains("clip.colour"), "{error}");
    }

    #[test]
    fn a_detector_of_416_pixels_gives_3549_boxes() {
        assert_eq!(nano("416", "416").unwrap().detect.unwrap().boxes(), 3549);
        assert_eq!(nano("416", "640").unwrap().detect.unwrap().boxes(), 8400);
    }
}
