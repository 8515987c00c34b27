//! The values that count, read and checked.

use std::fmt::Display;

use crate::error::ConfigError;
use crate::key::{Key, Table};
use crate::kind::{List, ReadValue, Text};
use crate::layers::{Entry, Layers, Origin};

/// What a room reads its options from. What is wrong with a value names its key, what is allowed, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a>(&'a Layers);

impl<'a> Values<'a> {
    /// The values that these layers come to.
    pub fn new(layers: &'a Layers) -> Self {
        Self(layers)
    }

    /// The value of a key.
    pub fn read<K: ReadValue>(self, name: &'static str, kind: K) -> Result<K::Output, ConfigError> {
        kind.read(self.0.get(name).0).map_err(|reason| self.invalid(name, &reason))
    }

    /// The value of a key, as `parse` understands it.
    pub fn parse<K: ReadValue, T, E: Display>(
        self,
        name: &'static str,
        kind: K,
        parse: impl FnOnce(K::Output) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        parse(self.read(name, kind)?).map_err(|reason| self.invalid(name, &reason.to_string()))
    }

    /// A text, without spaces around it.
    pub fn text(self, name: &'static str) -> String {
        Text.read(self.0.get(name).0).unwrap_or_default()
    }

    /// The texts of a list.
    pub fn list(self, name: &'static str) -> Result<Vec<String>, ConfigError> {
        self.read(name, List)
    }

    /// A list of tables, in the order of the file.
    pub fn tables(self, table: &Table) -> &'a [Entry] {
        self.0.tables(table)
    }

    /// Where the value of a key was set.
    pub fn origin(self, name: &'static str) -> &'a Origin {
        self.0.get(name).1
    }

    /// The first key of a section that has another value than its default.
    pub fn first_set_in(self, section: &str) -> Option<&'static Key> {
        let is_set = |key: &&Key| *self.0.get(key.name).0 != key.default_value();
        self.0.sections().keys().filter(|key| key.name_parts().0 == section).find(is_set)
    }

    /// That the value of this key cannot be used.
    pub fn invalid(self, name: &'static str, reason: &str) -> ConfigError {
        let (value, origin) = self.0.get(name);
        let value = if self.0.sections().is_secret(name) { "(not shown)".into() } else { value.to_string() };
        ConfigError::Invalid { name, value, reason: reason.to_owned(), origin: origin.clone() }
    }

    /// That one of a list of tables cannot be used.
    pub fn invalid_table(table: &Table, entry: &Entry, reason: &impl Display) -> ConfigError {
        let (origin, reason) = (entry.origin.clone(), reason.to_string());
        ConfigError::Table { table: table.shown, origin, index: entry.index, reason }
    }
}

/// What `convert` makes of a value: as [`section!`](crate::section!) needs it, so that the type of a closure's argument is known.
#[doc(hidden)]
pub fn convert<T, U>(value: T, convert: impl FnOnce(T) -> U) -> U {
    convert(value)
}
