//! Keys of the configuration, and the values in force.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answer to `GET /api/v1/settings`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Settings {
    /// All keys, by section, in the order of docs/config.md.
    pub settings: Vec<Setting>,
    /// Lists of tables, such as `[[camera]]`.
    pub tables: Vec<SettingTable>,
}

/// A key of the configuration.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Setting {
    /// Whether a changed value takes effect when the configuration is read again; if not, it needs a restart.
    pub at_once: bool,
    /// The words that it may be; left out of other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// Its value where nobody sets another.
    pub default: SettingValue,
    /// The environment variable that sets it.
    pub env: String,
    /// What it may be.
    pub kind: SettingKind,
    /// The largest number that it may be; left out of other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The smallest number that it may be; left out of other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// `section.key`.
    pub name: String,
    /// Older environment variables that set it, too.
    pub old_env: Vec<String>,
    /// Where its value was set: `default`, a line of a file, a variable or a flag.
    pub origin: String,
    /// Its value is a secret or may hold a password: it is never told.
    pub secret: bool,
    /// What it means; the first sentence is a summary. Names of keys, values and commands stand in backticks.
    pub text: String,
    /// What its number counts: `s`, `MiB`, `MiB/s`, `px` or `fps`; left out where it has no unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The value in force, as it is written; null of a secret that is set. Names and passwords in addresses are left out.
    pub value: Option<SettingValue>,
}

/// What a key may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// True or false.
    Flag,
    /// A whole number from `min` to `max`.
    Int,
    /// A number from `min` to `max`.
    Number,
    /// One of `choices`; of `log.level` also Python's names.
    Choice,
    /// Text.
    #[default]
    Text,
    /// The path of a file or folder.
    Path,
    /// A list of texts.
    List,
    /// A list of addresses to listen on, or of ports.
    Addresses,
}

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// Of a flag.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Number(f64),
    /// Text, a word or a path.
    Text(String),
    /// A list.
    List(Vec<String>),
}

/// A list of tables of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SettingTable {
    /// Whether changed tables take effect when the configuration is read again.
    pub at_once: bool,
    /// How many there are.
    pub count: usize,
    /// As it is written, such as `[[camera]]`.
    pub name: String,
}
