//! What a model is, as written in `models/<name>.toml`.

use std::path::Path;

use serde::Deserialize;

/// A model or a package, its files and how to use them. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Unique; letters, digits, `-` and `_`.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it does.
    pub task: Task,
    /// SPDX expression.
    pub licence: String,
    /// Who made it, and where it is described.
    pub origin: String,
    /// Its files.
    pub files: Vec<File>,
    /// Present where `task` is [`Task::ClipClassification`].
    pub clip: Option<Clip>,
    /// Present where `task` is [`Task::Runtime`].
    pub runtime: Option<RuntimePackage>,
}

/// What a model does; decides how it is run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A window of frames in, one of several labels out.
    ClipClassification,
    /// Not a model: the ONNX Runtime library.
    Runtime,
}

impl Task {
    /// As in manifests and API answers.
    pub fn name(self) -> &'static str {
        match self {
            Task::ClipClassification => "clip-classification",
            Task::Runtime => "runtime",
        }
    }
}

/// One file of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What the task uses it for: `backbone`, `head`, `library`.
    pub role: String,
    /// Its name in the store.
    pub name: String,
    /// SHA-256 in hexadecimal: of the file, or of the archive where `source` takes members out of one.
    pub sha256: String,
    /// Bytes of what `sha256` is of.
    pub size_bytes: u64,
    /// Where it comes from.
    pub source: Source,
}

/// Where a file comes from, if neither the store nor the mirror folder has it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
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
    },
    /// A file at an address.
    Https {
        /// Address.
        url: String,
    },
}

/// A clip classifier in two networks: `backbone` over each frame once, `head` over the window's features.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// Frames in a window.
    pub window: usize,
    /// Width of the backbone's input, px.
    pub width: u32,
    /// Height of the backbone's input, px.
    pub height: u32,
    /// Order of the three colour values of a pixel.
    pub colour: Colour,
    /// A colour value (0–255) is divided by this.
    pub divide_by: f32,
    /// Values the backbone makes of a frame.
    pub features: usize,
    /// Name of the networks' free first dimension, set to the batch size for static shapes.
    pub batch_symbol: String,
    /// Below this probability the answer is `none`.
    pub threshold: f32,
    /// In the order of the head's output.
    pub labels: Vec<String>,
    /// Precision that was checked against f32 for this model (see its card); used where `engine.precision = auto`.
    #[serde(default)]
    pub precision: Precision,
}

/// Colour order.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Blue, green, red, as OpenCV has it.
    Bgr,
}

/// Arithmetic inside a network; inputs and outputs are always f32.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimePackage {
    /// Provider it is for: `openvino`, `cpu`, `cuda`.
    pub provider: String,
    /// `std::env::consts::ARCH` it runs on.
    pub arch: String,
    /// `std::env::consts::OS` it runs on.
    pub os: String,
    /// File to load.
    pub library: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not readable.
    #[error("cannot read the manifest {path}: {error}")]
    Read {
        /// Of the manifest.
        path: String,
        /// Of the system.
        error: std::io::Error,
    },
    /// Not a manifest.
    #[error("the manifest {origin} is wrong: {reason}")]
    Wrong {
        /// File or built-in name.
        origin: String,
        /// What and where.
        reason: String,
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
        let wrong = |reason: String| ManifestError::Wrong { origin: origin.to_owned(), reason };
        let manifest: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        manifest.check().map_err(wrong)?;
        Ok(manifest)
    }

    /// The file with this role.
    pub fn file(&self, role: &str) -> Option<&File> {
        self.files.iter().find(|file| file.role == role)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if !plain(&self.name) {
            return Err(format!("`name = {:?}`: only letters, digits, `-`, `_` and `.`", self.name));
        }
        for file in &self.files {
            if !plain(&file.name) {
                return Err(format!("file name {:?}: only letters, digits, `-`, `_` and `.`", file.name));
            }
            if file.sha256.len() != 64 || !file.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(format!("`sha256` of {} is not 64 hexadecimal digits", file.name));
            }
        }
        match self.task {
            Task::ClipClassification => self.check_clip(),
            Task::Runtime if self.runtime.is_none() => Err("task `runtime` needs the table [runtime]".into()),
            Task::Runtime => Ok(()),
        }
    }

    fn check_clip(&self) -> Result<(), String> {
        let Some(clip) = &self.clip else {
            return Err("task `clip-classification` needs the table [clip]".into());
        };
        for role in ["backbone", "head"] {
            if self.file(role).is_none() {
                return Err(format!("no file has the role `{role}`"));
            }
        }
        let limits = [
            ("window", clip.window, 1, 256),
            ("width", clip.width as usize, 1, 4096),
            ("height", clip.height as usize, 1, 4096),
            ("features", clip.features, 1, 1 << 20),
            ("labels (number of)", clip.labels.len(), 1, 1 << 16),
        ];
        for (what, value, low, high) in limits {
            if !(low..=high).contains(&value) {
                return Err(format!("`clip.{what}` is {value}; it must be from {low} to {high}"));
            }
        }
        if !(0.0..=1.0).contains(&clip.threshold) {
            return Err(format!("`clip.threshold` is {}; it must be from 0 to 1", clip.threshold));
        }
        if !clip.divide_by.is_normal() {
            return Err(format!("`clip.divide_by` is {}; it must be a number other than 0", clip.divide_by));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    #[test]
    fn every_builtin_manifest_is_right() {
        let manifests = builtin::manifests();
        assert!(manifests.iter().any(|m| m.name == "gestures"));
        assert!(manifests.iter().any(|m| m.task == Task::Runtime));
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let text = builtin::text("gestures").unwrap().replace("threshold", "treshold");
        let error = Manifest::parse(&text, "test").unwrap_err().to_string();
        assert!(error.contains("treshold") && error.contains("threshold"), "{error}");
    }

    #[test]
    fn a_file_name_cannot_leave_the_store() {
        let text = builtin::text("gestures").unwrap().replace("\"gestures_head.onnx\"", "\"../head.onnx\"");
        let error = Manifest::parse(&text, "test").unwrap_err().to_string();
        assert!(error.contains("../head.onnx"), "{error}");
    }

    #[test]
    fn a_clip_model_without_a_head_is_refused() {
        let text = builtin::text("gestures").unwrap().replace("role = \"head\"", "role = \"hat\"");
        let error = Manifest::parse(&text, "test").unwrap_err().to_string();
        assert!(error.contains("`head`"), "{error}");
    }
}
