//! Names of a model's outputs: from a file beside it, or known.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sightwire_models::builtin;

use super::Request;
use super::tool::Report;

/// Labels, and what a person should know of where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// In the order of the outputs.
    pub names: Vec<String>,
    /// File they come from.
    pub file: Option<PathBuf>,
    /// For the model's card.
    pub note: Option<String>,
}

/// Why there are no labels.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// The file cannot be read.
    #[error("cannot read the labels in {path}: {reason}")]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Why it cannot be read.
        reason: LabelFileError,
    },
    /// Not as many as outputs.
    #[error(
        "{origin} has {found} labels, but {model} has {outputs} outputs; give one label for each, in their order"
    )]
    Count {
        /// Where the labels come from.
        origin: String,
        /// How many labels there are.
        found: usize,
        /// File of the model.
        model: String,
        /// How many outputs it has.
        outputs: usize,
    },
    /// Nothing says what the outputs mean.
    #[error(
        "{model} has {outputs} outputs, and nothing says what they mean: put a file {sidecar} with one label a line beside it, or give one with --labels"
    )]
    Missing {
        /// File of the model.
        model: String,
        /// How many outputs it has.
        outputs: usize,
        /// Name of the file that would be found.
        sidecar: String,
    },
}

/// The labels that were given, or that lie beside the file: `<name>.labels.txt`, `<name>.labels.json`, `labels.txt` or
/// `labels.json`.
pub fn given_labels(request: &Request) -> Result<Option<Labels>, LabelsError> {
    if let Some(path) = &request.labels_file {
        return read_labels(path).map(Some);
    }
    if let Some(names) = &request.labels {
        return Ok(Some(Labels { names: names.clone(), file: None, note: None }));
    }
    let stem = request.source.file_stem().unwrap_or_default().to_string_lossy();
    let beside = |name: String| request.source.with_file_name(name);
    let names = [
        format!("{stem}.labels.txt"),
        format!("{stem}.labels.json"),
        "labels.txt".into(),
        "labels.json".into(),
    ];
    names.into_iter().map(beside).find(|path| path.is_file()).map(|path| read_labels(&path)).transpose()
}

/// The labels of the model: those given, those in the file itself, or the known ones.
pub fn choose_labels(given: Option<Labels>, report: &Report, source: &Path) -> Result<Labels, LabelsError> {
    let model = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let outputs = report.labels;
    if let Some(labels) = given {
        if labels.names.len() == outputs {
            return Ok(labels);
        }
        let origin = labels.file.map_or_else(|| "The list".to_owned(), |path| path.display().to_string());
        return Err(LabelsError::Count { origin, found: labels.names.len(), model, outputs });
    }
    if let Some(names) = report.label_names.clone().filter(|names| names.len() == outputs) {
        return Ok(Labels {
            names,
            file: None,
            note: Some("The labels are from the model file itself.".into()),
        });
    }
    let known = known_labels();
    if outputs == known.len() {
        let note = "No labels lay beside the file; it has 20 outputs, so they are taken for the 20 words of the \
                    original recogniser, book to wall.";
        return Ok(Labels { names: known, file: None, note: Some(note.into()) });
    }
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    Err(LabelsError::Missing { model, outputs, sidecar: format!("{stem}.labels.txt") })
}

/// The words of the prototype's own model, in the order of its outputs. Those who trained a model of 20 outputs for it used
/// these unless a file says otherwise.
fn known_labels() -> Vec<String> {
    let wlasl20 = builtin::builtin_manifests().into_iter().find(|manifest| manifest.name == "wlasl20");
    wlasl20.and_then(|manifest| manifest.import).map(|import| import.labels).unwrap_or_default()
}

/// Why a file of labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelFileError {
    /// The system does not give it, or it is not text.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It begins as JSON does.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// JSON, of another kind.
    #[error("it is neither a list nor an object")]
    Shape,
    /// A number, for example.
    #[error("a label is not text")]
    NotText,
    /// An object has others, but not the one of this output.
    #[error("there is no label {0}")]
    NoLabel(usize),
    /// A line without a word, or a file without a line.
    #[error("a label is empty")]
    Empty,
}

/// One label a line; or JSON: a list, or an object from index to label.
fn read_labels(path: &Path) -> Result<Labels, LabelsError> {
    let wrong = |reason| LabelsError::Read { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.into()))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let names = if text.starts_with(['[', '{']) {
        from_json(text).map_err(wrong)?
    } else {
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(wrong(LabelFileError::Empty));
    }
    Ok(Labels { names, file: Some(path.to_owned()), note: None })
}

fn from_json(text: &str) -> Result<Vec<String>, LabelFileError> {
    let label = |value: &Value| value.as_str().map(|s| s.trim().to_owned()).ok_or(LabelFileError::NotText);
    match serde_json::from_str(text)? {
        Value::Array(items) => items.iter().map(label).collect(),
        Value::Object(items) => (0..items.len())
            .map(|index| label(items.get(&index.to_string()).ok_or(LabelFileError::NoLabel(index))?))
            .collect(),
        _ => Err(LabelFileError::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str) -> Result<Vec<String>, LabelsError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        read_labels(&path).map(|labels| labels.names)
    }

    #[test]
    fn labels_are_read_as_lines_and_as_json() {
        for text in ["a\nb c\n", "\u{feff}a\r\nb c", r#"["a","b c"]"#, r#"{"1":"b c","0":"a"}"#] {
            assert_eq!(read_text("labels", text).unwrap(), ["a", "b c"], "{text}");
        }
    }

    #[test]
    fn a_wrong_file_of_labels_says_what_is_wrong() {
        for (text, reason) in [
            ("", "empty"),
            ("a\n\nb", "empty"),
            ("[1]", "not text"),
            ("[\"a\"", "EOF"),
            (r#"{"0":"a","2":"b"}"#, "no label 1"),
        ] {
            let error = read_text("x.labels.txt", text).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("x.labels.txt"), "{error}");
        }
    }
}
