//! Values of keys from several places, the later ones before the earlier: defaults, file, `.env`, environment, flags.

use std::collections::BTreeMap;
use std::fmt;
use std::mem::discriminant;
use std::path::{Path, PathBuf};

use toml::Value;

use crate::error::ConfigError;
use crate::key::{Key, Sections, Table, nearest};
use crate::position::Lines;
use crate::redact::{SECRET, redact_secrets};

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
            Origin::Flag(text) => f.write_str(&redact_secrets(text)),
        }
    }
}

/// Values of all keys, each with its origin; and the tables beside them.
#[derive(Clone, Debug)]
pub struct Layers {
    sections: Sections,
    values: BTreeMap<&'static str, (Value, Origin)>,
    /// How keys were written that were set so far, and where.
    written: BTreeMap<&'static str, (String, Origin)>,
    /// By the names of their lists.
    tables: BTreeMap<&'static str, Vec<Entry>>,
}

/// One of a list of tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As it is written.
    pub value: Value,
    /// File and line at which it begins.
    pub origin: Origin,
    /// Which of the list it is, from 0.
    pub index: usize,
}

impl Layers {
    /// Only the defaults of these keys, without file, environment or flags.
    pub fn defaults(sections: Sections) -> Self {
        let values = sections.keys().map(|key| (key.name, (key.default_value(), Origin::Default))).collect();
        Self { sections, values, written: BTreeMap::new(), tables: BTreeMap::new() }
    }

    /// Which keys there are.
    pub fn sections(&self) -> Sections {
        self.sections
    }

    /// Takes back what was set of a key, or, where a dot ends the name, of a section.
    pub fn reset_key(&mut self, name: &str) {
        let is_meant = |key: &&Key| key.name == name || (name.ends_with('.') && key.name.starts_with(name));
        for key in self.sections.keys().filter(is_meant) {
            self.values.insert(key.name, (key.default_value(), Origin::Default));
        }
        self.follow_profiles();
    }

    /// Takes one of a list of tables away: that of this [`Entry::index`].
    pub fn remove_table(&mut self, shown: &str, index: usize) {
        for table in self.sections.tables().filter(|table| table.shown == shown) {
            if let Some(entries) = self.tables.get_mut(table.name) {
                entries.retain(|entry| entry.index != index);
            }
        }
    }

    /// What a profile couples has its values, unless it was set by itself.
    fn follow_profiles(&mut self) {
        for profile in self.sections.iter().filter_map(|section| section.profile.as_ref()) {
            let chosen = self.get(profile.key).0.as_str();
            let Some((_, values)) = profile.values.iter().find(|(name, _)| Some(*name) == chosen) else {
                continue;
            };
            for (name, value) in profile.coupled.iter().zip(*values) {
                if let Some((usual, Origin::Default)) = self.values.get_mut(name) {
                    *usual = Value::Integer(*value);
                }
            }
        }
    }

    /// A key's value and where it comes from.
    pub fn get(&self, name: &'static str) -> (&Value, &Origin) {
        static NONE: (Value, Origin) = (Value::Boolean(false), Origin::Default);
        let (value, origin) = self.values.get(name).unwrap_or(&NONE);
        (value, origin)
    }

    /// A list of tables, in the order of the file.
    pub fn tables(&self, table: &Table) -> &[Entry] {
        self.tables.get(table.name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Keys that have another value than `before`, and lists of tables that are others, with their brackets.
    pub fn changed_since(&self, before: &Self) -> Vec<&'static str> {
        let keys = self.sections.keys().map(|key| key.name);
        let mut changed: Vec<_> = keys.filter(|name| self.get(name).0 != before.get(name).0).collect();
        let values = |layers: &Self, table| -> Vec<Value> {
            layers.tables(table).iter().map(|entry| entry.value.clone()).collect()
        };
        let tables = self.sections.tables().filter(|table| values(self, table) != values(before, table));
        changed.extend(tables.map(|table| table.shown));
        changed
    }

    /// Adds a TOML file.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        self.add_text(&read_file(path)?, path)
    }

    /// Adds the text of a TOML file; `path` is what errors call it.
    pub fn add_text(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        first_mistake(self.try_text(text, path))
    }

    /// Adds what can be used of a file, and says what cannot.
    pub fn try_text(&mut self, text: &str, path: &Path) -> Vec<ConfigError> {
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                let reason = what_is_wrong(text, &error);
                return vec![ConfigError::Syntax { path: path.to_owned(), reason }];
            }
        };
        let (lines, mut mistakes) = (Lines::parse(text), Vec::new());
        for (section, value) in table {
            if let Some(table) = self.find_table(&section).filter(|table| !table.name.contains('.')) {
                mistakes.extend(self.add_tables(table, value, &lines, path));
                continue;
            }
            let Value::Table(entries) = value else {
                let origin = Origin::File(path.to_owned(), lines.section_line(&section));
                mistakes.push(self.no_section_error(section, &value, origin));
                continue;
            };
            for (name, value) in entries {
                let name_in_file = format!("{section}.{name}");
                if let Some(table) = self.find_table(&name_in_file) {
                    mistakes.extend(self.add_tables(table, value, &lines, path));
                    continue;
                }
                let origin = Origin::File(path.to_owned(), lines.key_line(&section, &name));
                mistakes.extend(self.set_value(&name_in_file, value, origin).err());
            }
        }
        mistakes
    }

    fn find_table(&self, name: &str) -> Option<&'static Table> {
        self.sections.tables().find(|table| table.name == name)
    }

    /// A list of tables takes the place of the one before; those that cannot be used are left out of it.
    fn add_tables(
        &mut self,
        table: &'static Table,
        value: Value,
        lines: &Lines<'_>,
        path: &Path,
    ) -> Vec<ConfigError> {
        let origin = |line| Origin::File(path.to_owned(), line);
        let wrong = |index, line, reason| ConfigError::Table {
            table: table.shown,
            origin: origin(line),
            index,
            reason,
        };
        let Value::Array(tables) = value else {
            let reason = format!("write {} with two brackets: it is a list", table.shown);
            return vec![wrong(0, lines.table_line(table.name, 0), reason)];
        };
        let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
        for (index, value) in tables.into_iter().enumerate() {
            match table.accept_entry(value) {
                Ok(value) => {
                    let origin = origin(lines.table_line(table.name, index));
                    entries.push(Entry { value, origin, index });
                }
                Err(found) => mistakes.extend(found.into_iter().map(|(name, reason)| {
                    wrong(index, lines.table_key_line(table.name, index, &name), reason)
                })),
            }
        }
        self.tables.insert(table.name, entries);
        mistakes
    }

    /// Adds environment variables; `origin` makes one of a variable's name.
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        origin: impl Fn(String) -> Origin,
    ) -> Result<(), ConfigError> {
        first_mistake(self.try_environment(variables, origin))
    }

    /// Adds what can be used of environment variables, and says what cannot.
    pub fn try_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        origin: impl Fn(String) -> Origin,
    ) -> Vec<ConfigError> {
        let mut mistakes = Vec::new();
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for key in self.sections.keys() {
            // Compose files and the like set what they have no value for to nothing.
            let text_of =
                |name: &str| variables.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
            let spellings = [Some(key.env_name()), self.sections.other_env_name(key)].into_iter().flatten();
            let given: Vec<String> = spellings.filter(|name| text_of(name).is_some()).collect();
            for name in &given {
                mistakes.extend(self.record_spelling(key, name, &origin(name.clone())).err());
            }
            // The new name goes before the old ones, the first old one before the second.
            let names = given.into_iter().chain(key.old_names.iter().map(ToString::to_string));
            let first = names.into_iter().find_map(|name| Some((text_of(&name)?, name)));
            if let Some((text, name)) = first {
                mistakes.extend(self.set_text(key, text, origin(name)).err());
            }
        }
        for name in variables.keys().filter(|name| name.starts_with("SIGHTWIRE_")) {
            let known = self.sections.keys().any(|k| {
                k.env_name() == *name
                    || self.sections.other_env_name(k).as_ref() == Some(name)
                    || k.old_names.contains(&name.as_str())
            });
            // Orchestrators make names of their own from a service's name (SIGHTWIRE_PORT, SIGHTWIRE_SERVICE_HOST).
            let ours = self.sections.iter().any(|section| {
                let rest = name.trim_start_matches("SIGHTWIRE_").to_lowercase();
                rest.split('_').next().is_some_and(|first| strsim::jaro_winkler(first, section.name) > 0.9)
            });
            if !known && ours && !name.starts_with("SIGHTWIRE_SERVICE_") {
                let wrong = name.trim_start_matches("SIGHTWIRE_").to_lowercase().replacen('_', ".", 1);
                mistakes.push(self.unknown_error(&wrong, origin(name.clone())));
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
            // What is not a key may be meant to be one that holds a secret.
            name if self.sections.find_key(name).is_none() || self.sections.is_secret(name) => {
                &format!("{name}=…")
            }
            _ => text,
        };
        let origin = Origin::Flag(format!("--set {shown}"));
        let key = self.sections.find_key(name).ok_or_else(|| self.unknown_error(name, origin.clone()))?;
        self.record_spelling(key, name, &origin)?;
        self.set_text(key, value.trim(), origin)
    }

    /// Notes how a key is written; that it was written otherwise in the same layer is an error.
    fn record_spelling(&mut self, key: &'static Key, name: &str, origin: &Origin) -> Result<(), ConfigError> {
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
    pub fn set_text(&mut self, key: &'static Key, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let invalid = || ConfigError::Invalid {
            name: key.name,
            value: format!("{text:?}"),
            reason: format!("expected {}", key.kind.describe_type()),
            origin: origin.clone(),
        };
        let value = match key.default_value() {
            Value::Boolean(_) => match text.to_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Value::Boolean(true),
                "0" | "false" | "no" | "off" | "" => Value::Boolean(false),
                _ => return Err(invalid()),
            },
            Value::Integer(_) => Value::Integer(text.parse().map_err(|_| invalid())?),
            Value::Float(_) => Value::Float(text.parse().map_err(|_| invalid())?),
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
        self.insert_value(key, value, origin);
        Ok(())
    }

    fn unknown_error(&self, name: &str, origin: Origin) -> ConfigError {
        let near = self.sections.nearest_name(name);
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        ConfigError::Unknown { name: name.to_owned(), near, origin }
    }

    /// What stands in a file in the place of a section is none.
    fn no_section_error(&self, name: String, value: &Value, origin: Origin) -> ConfigError {
        let list =
            nearest(&name, self.sections.tables().map(|table| table.name)).filter(|_| value.is_array());
        let near = match list {
            Some(list) => format!("; did you mean `[[{list}]]`?"),
            None if self.sections.iter().any(|section| section.is_called(&name)) => {
                format!("; it is a section: write `[{name}]`, and its keys below that line")
            }
            None => return self.unknown_error(&name, origin),
        };
        ConfigError::Unknown { name, near, origin }
    }

    fn insert_value(&mut self, key: &'static Key, value: Value, origin: Origin) {
        self.values.insert(key.name, (value, origin));
        self.follow_profiles();
    }

    fn set_value(&mut self, name: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let key = self.sections.find_key(name).ok_or_else(|| self.unknown_error(name, origin.clone()))?;
        self.record_spelling(key, name, &origin)?;
        let value = match key.kind.accept_value(value) {
            Ok(value) => value,
            Err(other) => {
                return Err(ConfigError::Invalid {
                    name: key.name,
                    value: if key.is_secret { "(not shown)".into() } else { other.to_string() },
                    reason: format!("expected {}", key.kind.describe_expected(key.name)),
                    origin,
                });
            }
        };
        self.insert_value(key, value, origin);
        Ok(())
    }
}

/// The first mistake, if there is one.
pub fn first_mistake(mistakes: Vec<ConfigError>) -> Result<(), ConfigError> {
    mistakes.into_iter().next().map_or(Ok(()), Err)
}

/// The text of a file.
pub fn read_file(path: &Path) -> Result<String, ConfigError> {
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

/// What the library says, without an excerpt where a secret could be in it: it may have several lines, or stand behind another.
fn what_is_wrong(text: &str, error: &toml::de::Error) -> String {
    if !text.contains(SECRET) {
        return redact_secrets(&error.to_string());
    }
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) =
        (before.matches('\n').count() + 1, before.rsplit('\n').next().map_or(0, str::len) + 1);
    let reason = redact_secrets(error.message());
    format!(
        "line {line}, column {column}: {reason} (the line is not shown, since the file has a secret in it)"
    )
}
