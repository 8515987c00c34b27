//! Whether what a manifest says can be so.

use super::{Clip, Colour, Detect, Format, Import, Manifest, Task, is_plain_name};

/// What is wrong in a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestMistake {
    /// It is not TOML, or has keys or values that nothing is called; says where.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// The model cannot be called so: its files lie in a folder of that name.
    #[error("`name = {0:?}`: only letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// A file cannot be called so in the store.
    #[error("file name {0:?}: only letters, digits, `-`, `_` and `.`")]
    FileName(String),
    /// Nothing tells whether the file of this name is the right one.
    #[error("{0} has neither `sha256` nor `git_blob`")]
    NoHash(String),
    /// The hash cannot be one of its kind.
    #[error("`{key}` of {file} is not {digits} hexadecimal digits")]
    Hash {
        /// The kind.
        key: &'static str,
        /// Name of the file.
        file: String,
        /// That it should have.
        digits: usize,
    },
    /// What the task needs to be known is not said.
    #[error("task {task} needs {table}")]
    NoTable {
        /// Its name, quoted, and in which case.
        task: &'static str,
        /// The table or tables.
        table: &'static str,
    },
    /// The task needs a file of this role.
    #[error("no file has the role `{0}`")]
    NoRole(&'static str),
    /// A number is out of its range.
    #[error("`{key}` is {value}; it must be from {low} to {high}")]
    Range {
        /// Table and key.
        key: &'static str,
        /// As written.
        value: usize,
        /// The least.
        low: usize,
        /// The most.
        high: usize,
    },
    /// The number of this key is not from 0 to 1.
    #[error("`{0}` is {1}; it must be from 0 to 1")]
    Share(&'static str, f32),
    /// Pixels cannot be divided by the number of this key.
    #[error("`{0}` is {1}; it must be a number other than 0")]
    Divisor(&'static str, f32),
    /// A detector's input cannot be this many pixels wide or high.
    #[error("`{0}` is {1}; it must be a multiple of 32 from 32 to 4096")]
    Side(&'static str, u32),
    /// Frames of clips have one order of colours only.
    #[error("`clip.colour` must be \"bgr\"; other orders are known to detectors only")]
    ClipColour,
    /// The number of boxes is said, and follows from the size.
    #[error("`detect.boxes` is for `format = \"yolov8\"`; with \"yolox\" it follows from the size")]
    Boxes,
}

impl Manifest {
    pub(super) fn check(&self) -> Result<(), ManifestMistake> {
        if !is_plain_name(&self.name) {
            return Err(ManifestMistake::Name(self.name.clone()));
        }
        for file in &self.files {
            if !is_plain_name(&file.name) {
                return Err(ManifestMistake::FileName(file.name.clone()));
            }
            let (key, hash, digits) = match (&file.sha256, &file.git_blob) {
                (None, None) => return Err(ManifestMistake::NoHash(file.name.clone())),
                (Some(sha256), _) => ("sha256", sha256, 64),
                (None, Some(git_blob)) => ("git_blob", git_blob, 40),
            };
            if hash.len() != digits || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(ManifestMistake::Hash { key, file: file.name.clone(), digits });
            }
        }
        let no_table = |task, table| Err(ManifestMistake::NoTable { task, table });
        match self.task {
            Task::ClipClassification => match (&self.clip, &self.import) {
                (Some(clip), None) => self.check_clip(clip),
                (None, Some(import)) => self.check_import(import),
                _ => no_table("`clip-classification`", "either the table [clip] or [import]"),
            },
            Task::ObjectDetection => match &self.detect {
                Some(detect) => self.check_detect(detect),
                // What the binary itself can do, without a network.
                None if self.files.is_empty() => Ok(()),
                None => no_table("`object-detection` with files", "the table [detect]"),
            },
            Task::TextReading if self.read.is_none() => no_table("`text-reading`", "the table [read]"),
            Task::TextReading => self.check_roles(&["detector", "recogniser"]),
            Task::Landmarks => match self.landmarks {
                Some(landmarks) => {
                    self.check_roles(landmarks.roles())?;
                    check_share("landmarks.presence", landmarks.presence)
                }
                None => no_table("`landmarks`", "the table [landmarks]"),
            },
            Task::Runtime if self.runtime.is_none() => no_table("`runtime`", "the table [runtime]"),
            Task::Runtime => Ok(()),
        }
    }

    fn check_clip(&self, clip: &Clip) -> Result<(), ManifestMistake> {
        self.check_roles(clip.roles())?;
        check_range("clip.window", clip.window, 1, 256)?;
        check_range("clip.width", clip.width as usize, 1, 4096)?;
        check_range("clip.height", clip.height as usize, 1, 4096)?;
        check_range("clip.features", clip.features.unwrap_or(1), 1, 1 << 20)?;
        check_range("clip.labels (number of)", clip.labels.len(), 1, 1 << 16)?;
        check_share("clip.threshold", clip.threshold)?;
        check_divisor("clip.divide_by", clip.divide_by)?;
        if clip.colour == Colour::Bgr { Ok(()) } else { Err(ManifestMistake::ClipColour) }
    }

    fn check_detect(&self, detect: &Detect) -> Result<(), ManifestMistake> {
        self.check_roles(&["network"])?;
        for (key, side) in [("detect.width", detect.width), ("detect.height", detect.height)] {
            if !(32..=4096).contains(&side) || side % 32 != 0 {
                return Err(ManifestMistake::Side(key, side));
            }
        }
        check_range("detect.boxes", detect.boxes.unwrap_or(1), 1, 1 << 20)?;
        if detect.format == Format::Yolox && detect.boxes.is_some() {
            return Err(ManifestMistake::Boxes);
        }
        check_range("detect.labels (number of)", detect.labels.len(), 1, 1 << 12)?;
        check_share("detect.confidence", detect.confidence)?;
        check_share("detect.iou", detect.iou)?;
        check_divisor("detect.divide_by", detect.divide_by)
    }

    fn check_import(&self, import: &Import) -> Result<(), ManifestMistake> {
        self.check_roles(&["keras"])?;
        check_range("import.labels (number of)", import.labels.len(), 1, 1 << 16)?;
        check_share("import.threshold", import.threshold)
    }

    fn check_roles(&self, roles: &[&'static str]) -> Result<(), ManifestMistake> {
        let missing = roles.iter().find(|role| self.file(role).is_none());
        missing.map_or(Ok(()), |role| Err(ManifestMistake::NoRole(role)))
    }
}

fn check_range(key: &'static str, value: usize, low: usize, high: usize) -> Result<(), ManifestMistake> {
    let inside = (low..=high).contains(&value);
    if inside { Ok(()) } else { Err(ManifestMistake::Range { key, value, low, high }) }
}

fn check_share(key: &'static str, value: f32) -> Result<(), ManifestMistake> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(ManifestMistake::Share(key, value)) }
}

fn check_divisor(key: &'static str, value: f32) -> Result<(), ManifestMistake> {
    if value.is_normal() { Ok(()) } else { Err(ManifestMistake::Divisor(key, value)) }
}
