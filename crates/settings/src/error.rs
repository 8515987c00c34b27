//! A mistake in the configuration.

use std::path::{Path, PathBuf};

use crate::layers::Origin;
use crate::redact::{SECRET, redact_secrets};

/// A mistake in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {error}{}", suggest_cure(path, error))]
    Read {
        /// File.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not a TOML file: {reason}")]
    Syntax {
        /// File.
        path: PathBuf,
        /// Line, column and, where that shows no secret, an excerpt.
        reason: String,
    },
    /// No such key.
    #[error("{origin}: there is no key `{name}`{near} (`sightwire check` lists all)")]
    Unknown {
        /// The key as the file or variable spells it.
        name: String,
        /// The nearest right one, if one is near, as a question.
        near: String,
        /// Where it stands.
        origin: Origin,
    },
    /// One key in both of its spellings, in one layer.
    #[error("`{first}` ({first_origin}) and `{second}` ({second_origin}) are the same key; take one away")]
    Twice {
        /// The key in the spelling that comes first.
        first: String,
        /// Where it stands.
        first_origin: Origin,
        /// The key in its other spelling.
        second: String,
        /// Where it stands.
        second_origin: Origin,
    },
    /// Not a value for this key.
    #[error("{origin}: `{name}`{}: {}", format_value(name, value), redact_secrets(reason))]
    Invalid {
        /// Key.
        name: &'static str,
        /// The value that was given, as text.
        value: String,
        /// What the key takes instead.
        reason: String,
        /// Where it stands.
        origin: Origin,
    },
    /// A line of an `.env` file that sets nothing.
    #[error("{path}, line {line}: write it as NAME=value, or begin it with #")]
    DotEnv {
        /// File.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A value of an `.env` file that begins with a quote, and does not end with it.
    #[error("{path}, line {line}: the quote before the value of {name} is not closed on that line")]
    Quote {
        /// File.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Variable.
        name: String,
    },
    /// One of a list of tables that cannot be used.
    #[error("{origin}: this {table} cannot be used: {reason}")]
    Table {
        /// Which list, with its brackets.
        table: &'static str,
        /// Where it stands.
        origin: Origin,
        /// Which of the list it is, from 0.
        index: usize,
        /// What is wrong; never with an address that may hold a password.
        reason: String,
    },
    /// A flag without a value.
    #[error("--set {:?}: write it as section.key=value", key_name(.0))]
    Flag(String),
}

impl ConfigError {
    /// The key whose value is no value for it.
    pub fn key(&self) -> Option<&'static str> {
        if let Self::Invalid { name, .. } = self { Some(name) } else { None }
    }

    /// Whether what a key takes depends on that other one, which the reason names.
    pub fn mentions(&self, other: &str) -> bool {
        matches!(self, Self::Invalid { name, reason, .. } if *name != other && reason.contains(other))
    }

    /// Of a file that is not TOML, without the lines that show the place.
    pub fn in_one_line(&self) -> String {
        let text = self.to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        lines.next_back().map_or_else(|| first.to_owned(), |last| format!("{first}: {last}"))
    }
}

/// Of a text that sets nothing as it is: what follows the name of a key may be a secret.
fn key_name(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))).next().unwrap_or_default()
}

/// The value of a key, as errors show it.
fn format_value(name: &str, value: &str) -> String {
    if name.ends_with(SECRET) { " (not shown)".to_owned() } else { format!(" = {}", redact_secrets(value)) }
}

/// What helps against a file that cannot be read, if that is known.
fn suggest_cure(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("; `sightwire config init {}` writes one", path.display()),
        std::io::ErrorKind::PermissionDenied => "; allow the user who runs this to read it".to_owned(),
        _ => String::new(),
    }
}
