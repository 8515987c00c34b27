//! Values of keys from several places, the later ones before the earlier: defaults, file, `.env`, environment, flags.

use std::collections::BTreeMap;
use std::fmt;
use std::mem::discriminant;
use std::path::{Path, PathBuf};

use sightwire_access::legacy::Legacy;
use sightwire_live::source::CameraTable;
use toml::Value;

use crate::Flags;
use crate::access::{self, LegacyTableError};
use crate::cameras::{self, CameraTableError};
use crate::keys::{self, KEYS, Key};
use crate::place;
use crate::position::{line_of, table_line};
use crate::reader::{COUPLED, PROFILES};
use crate::redact::{SECRET, redact};

/// A mistake in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {error}{}", cure(path, error))]
    Read {
        /// File.
        path: PathBuf,
        /// Of the system.
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
        /// As written.
        name: String,
        /// The nearest right one, if one is near, as a question.
        near: String,
        /// Where it stands.
        origin: Origin,
    },
    /// One key in both of its spellings, in one layer.
    #[error("`{first}` ({first_origin}) and `{second}` ({second_origin}) are the same key; take one away")]
    Twice {
        /// As written.
        first: String,
        /// Where it stands.
        first_origin: Origin,
        /// As written.
        second: String,
        /// Where it stands.
        second_origin: Origin,
    },
    /// Not a value for this key.
    #[error("{origin}: `{name}`{}: {}", is(name, value), redact(reason))]
    Invalid {
        /// Key.
        name: &'static str,
        /// As written.
        value: String,
        /// What is wrong.
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
    /// A `[[camera]]` table that is none.
    #[error("{origin}: this [[camera]] cannot be used: {reason}")]
    Camera {
        /// Where it stands.
        origin: Origin,
        /// What is wrong; never with an address that may hold a password.
        reason: CameraTableError,
    },
    /// An `[[access.legacy]]` table that is none.
    #[error("{origin}: this [[access.legacy]] cannot be used: {reason}")]
    Legacy {
        /// Where it stands.
        origin: Origin,
        /// What is wrong.
        reason: LegacyTableError,
    },
    /// A flag without a value.
    #[error("--set {:?}: write it as section.key=value", begin(.0))]
    Flag(String),
}

impl ConfigError {
    /// Of a file that is no TOML, without the lines that show the place.
    pub fn in_one_line(&self) -> String {
        let text = self.to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        lines.next_back().map_or_else(|| first.to_owned(), |last| format!("{first}: {last}"))
    }
}

/// Of a text that sets nothing as it is: what follows the name of a key may be a secret.
fn begin(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))).next().unwrap_or_default()
}

/// The value of a key, as errors show it.
fn is(name: &str, value: &str) -> String {
    if name.ends_with(SECRET) { " (not shown)".to_owned() } else { format!(" = {}", redact(value)) }
}

/// What helps against a file that cannot be read, if that is known.
fn cure(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("; `sightwire config init {}` writes one", path.display()),
        std::io::ErrorKind::PermissionDenied => "; allow the user who runs this to read it".to_owned(),
        _ => String::new(),
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it, so it is the default.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An environment variable, by its name.
    Environment(String),
    /// An environment variable in an `.env` file.
    DotEnv(String),
    /// `--set` or another flag, as it was given.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, 0) => write!(f, "{}", path.display()),
            Origin::File(path, line) => write!(f, "{}, line {line}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::DotEnv(name) => write!(f, "{name} in .env"),
            Origin::Flag(text) => f.write_str(&redact(text)),
        }
    }
}

/// Values of all keys, each with its origin.
#[derive(Clone, Debug)]
pub struct Layers {
    values: BTreeMap<&'static str, (Value, Origin)>,
    /// How keys were written that were set so far, and where.
    written: BTreeMap<&'static str, (String, Origin)>,
    cameras: Vec<CameraTable>,
    legacy: Vec<Legacy>,
}

impl Layers {
    /// Only the defaults, without file, environment or flags.
    pub fn defaults() -> Self {
        let values = KEYS.iter().map(|key| (key.name, (default_of(key), Origin::Default))).collect();
        Self { values, written: BTreeMap::new(), cameras: Vec::new(), legacy: Vec::new() }
    }

    /// All layers: the file that is named, or the [usual one](place::file); `.env` of the working folder, the process's
    /// environment, and flags.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let (layers, mistakes) = Self::load_what_can(flags);
        first(mistakes).map(|()| layers)
    }

    /// As [`Layers::load`], with all mistakes: what is wrong with one value takes no other away.
    pub fn load_what_can(flags: &Flags) -> (Self, Vec<ConfigError>) {
        let (mut layers, mut mistakes) = (Self::defaults(), Vec::new());
        if let Some(path) = place::file(flags.file.as_deref()) {
            match read(path) {
                Ok(text) => mistakes.extend(layers.try_text(&text, path)),
                Err(error) => mistakes.push(error),
            }
        }
        match dot_env(Path::new(".env")) {
            Ok(variables) => mistakes.extend(layers.try_environment(variables, Origin::DotEnv)),
            Err(error) => mistakes.push(error),
        }
        // A variable that is not text cannot name a key or hold a value of one.
        let environment =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        mistakes.extend(layers.try_environment(environment, Origin::Environment));
        mistakes.extend(flags.set.iter().filter_map(|text| layers.add_flag(text).err()));
        if !flags.listen.is_empty()
            && let Some(key) = keys::find("server.listen")
        {
            let origin = Origin::Flag(format!("--listen {}", flags.listen.join(" --listen ")));
            mistakes.extend(layers.set_text(key, &flags.listen.join(","), origin).err());
        }
        mistakes.extend(layers.add_tls(flags).err());
        (layers, mistakes)
    }

    /// Takes back what was set of a key, or, where a dot ends the name, of a section.
    pub(crate) fn reset(&mut self, name: &str) {
        let is_meant = |key: &&Key| key.name == name || (name.ends_with('.') && key.name.starts_with(name));
        for key in KEYS.iter().filter(is_meant) {
            self.values.insert(key.name, (default_of(key), Origin::Default));
        }
        self.follow_profile();
    }

    /// What `reader.profile` couples has its values, unless it was set by itself.
    fn follow_profile(&mut self) {
        let profile = self.get("reader.profile").0.as_str();
        let Some((_, coupled)) = PROFILES.iter().find(|(name, _)| Some(*name) == profile) else { return };
        for (name, value) in COUPLED.into_iter().zip(coupled) {
            if let Some((usual, Origin::Default)) = self.values.get_mut(name) {
                *usual = Value::Integer(*value);
            }
        }
    }

    /// `--tls` and `--lan`.
    fn add_tls(&mut self, flags: &Flags) -> Result<(), ConfigError> {
        let mode = keys::find("tls.mode");
        if let (Some(key), Some(text)) = (mode, &flags.tls) {
            self.set_text(key, text, Origin::Flag(format!("--tls {text}")))?;
        }
        if !flags.lan {
            return Ok(());
        }
        let origin = Origin::Flag("--lan".to_owned());
        let listen = self.get("server.listen").0.as_array().and_then(|list| list.first());
        // A port alone, or what follows the address.
        let port = listen.and_then(Value::as_str).and_then(|address| address.rsplit(':').next());
        let everywhere = format!("0.0.0.0:{}", port.unwrap_or("8000"));
        if let Some(key) = keys::find("server.listen") {
            self.set_text(key, &everywhere, origin.clone())?;
        }
        // Whoever has a certificate shows that one.
        if let Some(key) = mode
            && self.get("tls.mode").0.as_str() == Some("off")
        {
            self.set_text(key, "self-signed", origin)?;
        }
        Ok(())
    }

    /// A key's value and where it comes from.
    pub fn get(&self, name: &'static str) -> (&Value, &Origin) {
        static NONE: (Value, Origin) = (Value::Boolean(false), Origin::Default);
        let (value, origin) = self.values.get(name).unwrap_or(&NONE);
        (value, origin)
    }

    /// The `[[access.legacy]]` tables, in the order of the file.
    pub fn legacy(&self) -> &[Legacy] {
        &self.legacy
    }

    /// The `[[camera]]` tables, in the order of the file.
    pub fn cameras(&self) -> &[CameraTable] {
        &self.cameras
    }

    /// Keys that have another value than `before`, and the names of tables that do: `[[camera]]`, `[[access.legacy]]`.
    pub fn changed_since(&self, before: &Self) -> Vec<&'static str> {
        let keys = KEYS.iter().map(|key| key.name);
        let mut changed: Vec<_> = keys.filter(|name| self.get(name).0 != before.get(name).0).collect();
        changed.extend((self.cameras != before.cameras).then_some("[[camera]]"));
        changed.extend((self.legacy != before.legacy).then_some("[[access.legacy]]"));
        changed
    }

    /// Adds a TOML file.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        self.add_text(&read(path)?, path)
    }

    /// Adds the text of a TOML file; `path` is what errors call it.
    pub fn add_text(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        first(self.try_text(text, path))
    }

    /// Adds what can be used of a file, and says what cannot.
    pub(crate) fn try_text(&mut self, text: &str, path: &Path) -> Vec<ConfigError> {
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                let reason = what_is_wrong(text, &error);
                return vec![ConfigError::Syntax { path: path.to_owned(), reason }];
            }
        };
        let mut mistakes = Vec::new();
        for (section, value) in table {
            if section == "camera" {
                let (read, wrong) = cameras::read(value);
                self.cameras = read;
                mistakes.extend(wrong.into_iter().map(|(index, reason)| {
                    let origin = Origin::File(path.to_owned(), table_line(text, "[[camera]]", index));
                    ConfigError::Camera { origin, reason }
                }));
                continue;
            }
            let Value::Table(entries) = value else {
                let origin = Origin::File(path.to_owned(), line_of(text, "", &section));
                mistakes.push(unknown(&section, origin));
                continue;
            };
            for (name, value) in entries {
                if (&*section, &*name) == ("access", "legacy") {
                    match access::legacy(value) {
                        Ok(legacy) => self.legacy = legacy,
                        Err((index, reason)) => {
                            let line = table_line(text, "[[access.legacy]]", index);
                            let origin = Origin::File(path.to_owned(), line);
                            mistakes.push(ConfigError::Legacy { origin, reason });
                        }
                    }
                    continue;
                }
                let origin = Origin::File(path.to_owned(), line_of(text, &section, &name));
                mistakes.extend(self.set(&format!("{section}.{name}"), value, origin).err());
            }
        }
        mistakes
    }

    /// Adds environment variables; `origin` makes one of a variable's name.
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        origin: impl Fn(String) -> Origin,
    ) -> Result<(), ConfigError> {
        first(self.try_environment(variables, origin))
    }

    fn try_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        origin: impl Fn(String) -> Origin,
    ) -> Vec<ConfigError> {
        let mut mistakes = Vec::new();
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for key in KEYS {
            // Compose files and the like set what they have no value for to nothing.
            let text_of =
                |name: &str| variables.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
            let spellings = [Some(key.env_name()), key.other_env_name()].into_iter().flatten();
            let given: Vec<String> = spellings.filter(|name| text_of(name).is_some()).collect();
            for name in &given {
                mistakes.extend(self.write(key, name, &origin(name.clone())).err());
            }
            // The new name goes before the old ones, the first old one before the second.
            let names = given.into_iter().chain(key.old_names.iter().map(ToString::to_string));
            let first = names.into_iter().find_map(|name| Some((text_of(&name)?, name)));
            if let Some((text, name)) = first {
                mistakes.extend(self.set_text(key, text, origin(name)).err());
            }
        }
        for name in variables.keys().filter(|name| name.starts_with("SIGHTWIRE_")) {
            let known = KEYS.iter().any(|k| {
                k.env_name() == *name
                    || k.other_env_name().as_ref() == Some(name)
                    || k.old_names.contains(&name.as_str())
            });
            // Orchestrators make names of their own from a service's name (SIGHTWIRE_PORT, SIGHTWIRE_SERVICE_HOST).
            let ours = keys::SECTIONS.iter().any(|section| {
                let rest = name.trim_start_matches("SIGHTWIRE_").to_lowercase();
                rest.split('_').next().is_some_and(|first| strsim::jaro_winkler(first, section) > 0.9)
            });
            if !known && ours && !name.starts_with("SIGHTWIRE_SERVICE_") {
                let wrong = name.trim_start_matches("SIGHTWIRE_").to_lowercase().replacen('_', ".", 1);
                mistakes.push(unknown(&wrong, origin(name.clone())));
            }
        }
        mistakes
    }

    /// Sets a key from `section.key=value`, as `--set` takes it.
    pub fn add_flag(&mut self, text: &str) -> Result<(), ConfigError> {
        let (name, value) = text.split_once('=').ok_or_else(|| ConfigError::Flag(text.to_owned()))?;
        let name = name.trim();
        let shown = match name {
            // Without `=`: what follows that of a secret on its line is never shown.
            name if name.ends_with(SECRET) => &format!("{name} (not shown)"),
            // What is no key may be meant to be one that holds a secret.
            name if keys::find(name).is_none() || keys::may_hold_password(name) => &format!("{name}=…"),
            _ => text,
        };
        let origin = Origin::Flag(format!("--set {shown}"));
        let key = keys::find(name).ok_or_else(|| unknown(name, origin.clone()))?;
        self.write(key, name, &origin)?;
        self.set_text(key, value.trim(), origin)
    }

    /// Notes how a key is written; that it was written otherwise in the same layer is an error.
    fn write(&mut self, key: &'static Key, name: &str, origin: &Origin) -> Result<(), ConfigError> {
        let before = self.written.insert(key.name, (name.to_owned(), origin.clone()));
        match before {
            Some((first, first_origin))
                if first != name && discriminant(&first_origin) == discriminant(origin) =>
            {
                Err(ConfigError::Twice {
                    first,
                    first_origin,
                    second: name.to_owned(),
                    second_origin: origin.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Sets a key from text, read as the type of its default; lists are separated by commas.
    fn set_text(&mut self, key: &'static Key, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let invalid = |what: &str| ConfigError::Invalid {
            name: key.name,
            value: format!("{text:?}"),
            reason: format!("expected {what}"),
            origin: origin.clone(),
        };
        let value = match default_of(key) {
            Value::Boolean(_) => match text.to_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Value::Boolean(true),
                "0" | "false" | "no" | "off" | "" => Value::Boolean(false),
                _ => return Err(invalid("true or false")),
            },
            Value::Integer(_) => Value::Integer(text.parse().map_err(|_| invalid("a whole number"))?),
            Value::Float(_) => Value::Float(text.parse().map_err(|_| invalid("a number"))?),
            Value::Array(_) => Value::Array(
                text.strip_prefix('[')
                    .and_then(|text| text.strip_suffix(']'))
                    .unwrap_or(text)
                    .split(',')
                    .map(|part| part.trim().trim_matches('"'))
                    .filter(|part| !part.is_empty())
                    .map(|part| Value::String(part.to_owned()))
                    .collect(),
            ),
            _ => Value::String(text.to_owned()),
        };
        self.insert(key, value, origin);
        Ok(())
    }

    fn insert(&mut self, key: &'static Key, value: Value, origin: Origin) {
        self.values.insert(key.name, (value, origin));
        if key.name == "reader.profile" {
            self.follow_profile();
        }
    }

    fn set(&mut self, name: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let key = keys::find(name).ok_or_else(|| unknown(name, origin.clone()))?;
        self.write(key, name, &origin)?;
        let value = match (default_of(key), value) {
            (Value::Float(_), Value::Integer(i)) => Value::Float(i as f64),
            // A port alone.
            (Value::Array(_), Value::Integer(port)) if key.name == "server.listen" => {
                Value::Array(vec![Value::String(port.to_string())])
            }
            (Value::Array(_), Value::String(one)) => Value::Array(vec![Value::String(one)]),
            (default, value) if default.same_type(&value) => value,
            (default, value) => {
                let is_secret = keys::may_hold_password(key.name);
                return Err(ConfigError::Invalid {
                    name: key.name,
                    value: if is_secret { "(not shown)".into() } else { value.to_string() },
                    reason: format!("expected {}, such as {}", default.type_str(), key.default),
                    origin,
                });
            }
        };
        self.insert(key, value, origin);
        Ok(())
    }
}

fn first(mistakes: Vec<ConfigError>) -> Result<(), ConfigError> {
    mistakes.into_iter().next().map_or(Ok(()), Err)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::Read { path: path.to_owned(), error })
}

/// Whether this user sees what is in a folder.
fn may_look_into(folder: Option<&Path>) -> bool {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::metadata(folder.join(".")).is_ok()
}

/// Variables of the `.env` file beside the server, if there is one: `NAME=value` to the end of the line, perhaps in quotes
/// and after `export`; nothing is substituted. What cannot be read is an error, since a lost line may be the one that
/// limits who may come in.
pub fn dot_env(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        // A command as another user, in a home that this one may not look into: there is none to be seen.
        Err(error)
            if error.kind() == std::io::ErrorKind::PermissionDenied && !may_look_into(path.parent()) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(ConfigError::Read { path: path.to_owned(), error }),
    };
    let mut variables = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let name_and_value = line.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let Some((name, value)) = name_and_value.filter(|(name, _)| !name.is_empty() && !name.contains(' '))
        else {
            return Err(ConfigError::DotEnv { path: path.to_owned(), line: number + 1 });
        };
        let quoted = ['"', '\''].into_iter().find_map(|quote| Some((quote, value.strip_prefix(quote)?)));
        let value = match quoted {
            Some((quote, rest)) => {
                let closed = rest.split_once(quote).map(|(value, _)| value);
                closed.ok_or_else(|| ConfigError::Quote {
                    path: path.to_owned(),
                    line: number + 1,
                    name: name.to_owned(),
                })?
            }
            // A comment after an unquoted value needs a space before it, as everywhere.
            None => value.split_once(" #").map_or(value, |(value, _)| value.trim_end()),
        };
        variables.push((name.to_owned(), value.to_owned()));
    }
    Ok(variables)
}

fn default_of(key: &Key) -> Value {
    // A test reads every default.
    toml::from_str::<toml::Table>(&format!("v = {}", key.default))
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or(Value::Boolean(false))
}

/// What the library says, without an excerpt where a secret could be in it: it may have several lines, or stand behind another.
fn what_is_wrong(text: &str, error: &toml::de::Error) -> String {
    if !text.contains(SECRET) {
        return redact(&error.to_string());
    }
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) =
        (before.matches('\n').count() + 1, before.rsplit('\n').next().map_or(0, str::len) + 1);
    let reason = redact(error.message());
    format!(
        "line {line}, column {column}: {reason} (the line is not shown, since the file has a secret in it)"
    )
}

fn unknown(name: &str, origin: Origin) -> ConfigError {
    ConfigError::Unknown {
        name: name.to_owned(),
        near: keys::nearest(name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default(),
        origin,
    }
}
