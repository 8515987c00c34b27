//! A key of the configuration, the section that declares it, and all sections together.

use std::borrow::Cow;

use toml::Value;

use crate::kind::Kind;
use crate::redact::redact_secrets;

/// A key, as its section declares it: the one place that says what it is.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Written `section.key`, in lower case.
    pub name: &'static str,
    /// What its values may be.
    pub kind: Kind,
    /// TOML literal; its type is the key's type.
    pub default: &'static str,
    /// Environment names that deployments of the prototypes set, besides `SIGHTWIRE_SECTION_KEY`.
    pub old_names: &'static [&'static str],
    /// Whether a changed value takes effect while the server runs.
    pub effect: Effect,
    /// It is a secret or may hold a password, and is never shown.
    pub is_secret: bool,
    /// Where the documentation says more: a page, and an anchor of it.
    pub see: Option<&'static str>,
    text: &'static str,
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// When the configuration is read again: for who is there already, only where that drops nobody.
    AtOnce,
    /// When the server is started again.
    Restart,
}

/// Keys that belong together, and the tables beside them.
#[derive(Debug)]
pub struct Section {
    /// What its keys begin with.
    pub name: &'static str,
    /// In the order of the documents.
    pub keys: &'static [Key],
    /// Lists of tables that belong to it.
    pub tables: &'static [&'static Table],
    /// Another spelling of its name, which counts as the right one.
    pub spelling: Option<&'static str>,
    /// A key whose values are sets of values of others.
    pub profile: Option<Profile>,
}

/// A list of tables, such as `[[camera]]`.
#[derive(Debug)]
pub struct Table {
    /// As it is written between the brackets.
    pub name: &'static str,
    /// With its brackets, as it is named to people.
    pub shown: &'static str,
    /// Whether changed tables take effect while the server runs.
    pub effect: Effect,
    /// As it stands in a commented file, with a line before it that is empty.
    pub example: &'static str,
    /// What each of the tables may have.
    pub fields: &'static [Field],
}

/// A key of one of a list of tables.
#[derive(Debug)]
pub struct Field {
    /// As it is written.
    pub name: &'static str,
    /// What its values may be; whether they are in its range is up to who reads them.
    pub kind: Kind,
    /// Whether its value is told to nobody.
    pub is_secret: bool,
}

impl Field {
    /// One whose value may be shown.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, is_secret: false }
    }

    /// Its value, or a part of it, is told to nobody.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

impl Table {
    /// One of the tables with its values as their kinds have them; else its keys that there are not, or that have a value of another
    /// type, each with what is wrong.
    pub(crate) fn accept_entry(&self, entry: Value) -> Result<Value, Vec<(String, String)>> {
        let Value::Table(entry) = entry else {
            return Err(vec![(
                String::new(),
                format!("expected keys and values, as {} has them", self.shown),
            )]);
        };
        let (mut accepted, mut mistakes) = (toml::Table::new(), Vec::new());
        for (name, value) in entry {
            match self.accept_field(&name, value) {
                Ok(value) => drop(accepted.insert(name, value)),
                Err(reason) => mistakes.push((name, reason)),
            }
        }
        if mistakes.is_empty() { Ok(Value::Table(accepted)) } else { Err(mistakes) }
    }

    fn accept_field(&self, name: &str, value: Value) -> Result<Value, String> {
        let Some(field) = self.fields.iter().find(|field| field.name == name) else {
            let near = nearest(name, self.fields.iter().map(|field| field.name));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("there is no key `{name}`{near}"));
        };
        let is_of_texts = |value: &Value| value.as_array().is_none_or(|list| list.iter().all(Value::is_str));
        let accepted = field.kind.accept_value(value);
        accepted.and_then(|value| if is_of_texts(&value) { Ok(value) } else { Err(value) }).map_err(|other| {
            // A table or list may hold what is not to be shown in any of its parts.
            let shown = if field.is_secret || other.is_table() || other.is_array() {
                "(not shown)".to_owned()
            } else {
                format!("= {}", redact_secrets(&other.to_string()))
            };
            format!("`{name}` {shown}: expected {}", field.kind.describe_expected(name))
        })
    }
}

/// A key whose values are sets of values of others, unless those are set by themselves.
#[derive(Debug)]
pub struct Profile {
    /// Name of the key that chooses a set.
    pub key: &'static str,
    /// The others; whole numbers.
    pub coupled: &'static [&'static str],
    /// The values of the others, for each value of the key.
    pub values: &'static [(&'static str, &'static [i64])],
}

/// All sections that there are.
#[derive(Clone, Copy, Debug)]
pub struct Sections(&'static [&'static Section]);

impl Key {
    /// A key that takes effect at a restart; `text` is what it means, the first sentence a summary.
    pub const fn new(name: &'static str, kind: Kind, default: &'static str, text: &'static str) -> Self {
        let (effect, is_secret) = (Effect::Restart, false);
        Self { name, kind, default, old_names: &[], effect, is_secret, see: None, text }
    }

    /// It takes effect at once.
    #[must_use]
    pub const fn at_once(self) -> Self {
        Self { effect: Effect::AtOnce, ..self }
    }

    /// Its value is never shown.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    /// The documentation says more there.
    #[must_use]
    pub const fn see_page(self, page: &'static str) -> Self {
        Self { see: Some(page), ..self }
    }

    /// Deployments of the prototypes set it by these.
    #[must_use]
    pub const fn old_names(self, old_names: &'static [&'static str]) -> Self {
        Self { old_names, ..self }
    }

    /// What it means; the first sentence is the summary.
    pub fn text(&self) -> &'static str {
        self.text.trim()
    }

    /// Whether a value of it is not to be shown: that a secret is not set is none.
    pub fn hides_value(&self, value: &Value) -> bool {
        self.is_secret && value.as_str() != Some("")
    }

    /// A value as it is shown to who may see the configuration: nothing of a secret, and no password of an address.
    pub fn show_value(&self, value: &Value) -> String {
        if self.hides_value(value) { "(set)".to_owned() } else { redact_secrets(&value.to_string()) }
    }

    /// The environment variable that sets it: `SIGHTWIRE_SECTION_KEY`.
    pub fn env_name(&self) -> String {
        env_name(self.name)
    }

    /// Section, and what follows the dot.
    pub fn name_parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// The default, parsed from its text.
    pub fn default_value(&self) -> Value {
        // A test reads every default.
        toml::from_str::<toml::Table>(&format!("v = {}", self.default))
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or(Value::Boolean(false))
    }
}

impl Section {
    /// Without tables and what else a section may have.
    pub const fn new(name: &'static str, keys: &'static [Key]) -> Self {
        Self { name, keys, tables: &[], spelling: None, profile: None }
    }

    /// It has lists of tables, too.
    #[must_use]
    pub const fn with_tables(self, tables: &'static [&'static Table]) -> Self {
        Self { tables, ..self }
    }

    /// Its name may be spelt so, too.
    #[must_use]
    pub const fn with_spelling(self, spelling: &'static str) -> Self {
        Self { spelling: Some(spelling), ..self }
    }

    /// Whether that is its name, in either spelling.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.spelling == Some(name)
    }

    /// One of its keys stands for several values.
    #[must_use]
    pub const fn with_profile(self, profile: Profile) -> Self {
        Self { profile: Some(profile), ..self }
    }
}

fn env_name(name: &str) -> String {
    format!("SIGHTWIRE_{}", name.to_uppercase().replace('.', "_"))
}

/// What follows the section's name, if this is one of its keys.
fn in_section<'a>(name: &'a str, section: &str) -> Option<&'a str> {
    name.strip_prefix(section).filter(|rest| rest.starts_with('.'))
}

impl Sections {
    /// In the order of the documents.
    pub const fn new(sections: &'static [&'static Section]) -> Self {
        Self(sections)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = &'static Section> {
        self.0.iter().copied()
    }

    /// All keys, by section.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        self.iter().flat_map(|section| section.keys)
    }

    /// All lists of tables.
    pub fn tables(self) -> impl Iterator<Item = &'static Table> {
        self.iter().flat_map(|section| section.tables).copied()
    }

    /// The key of that name, in either spelling.
    pub fn find_key(self, name: &str) -> Option<&'static Key> {
        let name = self.respell_name(name);
        self.keys().find(|key| key.name == name)
    }

    /// The nearest right name to a wrong one, if one is near.
    pub fn nearest_name(self, name: &str) -> Option<&'static str> {
        let name = &*self.respell_name(name);
        let near = |key: &Key| {
            // `max_clients` alone is near to `recognizer.max_clients`.
            let last = key.name.rsplit('.').next().unwrap_or(key.name);
            let last_of_name = name.rsplit('.').next().unwrap_or(name);
            let whole = strsim::normalized_damerau_levenshtein(key.name, name);
            (whole.max(strsim::normalized_damerau_levenshtein(last, last_of_name)), whole)
        };
        self.keys()
            .map(|key| (near(key), key.name))
            .filter(|((near, _), _)| *near > 0.6)
            // Several sections have a `model`: then the one whose name is nearer.
            .max_by(|((a, whole_a), _), ((b, whole_b), _)| a.total_cmp(b).then(whole_a.total_cmp(whole_b)))
            .map(|(_, name)| name)
    }

    /// Whether what has changed takes effect at once: a key, or a list of tables with its brackets.
    pub fn is_at_once(self, name: &str) -> bool {
        let of_key = self.find_key(name).map(|key| key.effect);
        let of_table = || self.tables().find(|table| table.shown == name).map(|table| table.effect);
        of_key.or_else(of_table) == Some(Effect::AtOnce)
    }

    /// Whether the value of that key is never shown. So is that of a name which is nearest to such a key.
    pub fn is_secret(self, name: &str) -> bool {
        let meant = self.find_key(name).or_else(|| self.find_key(self.nearest_name(name)?));
        meant.is_some_and(|key| key.is_secret)
    }

    /// The environment variable of a key with the other spelling of its section, if that has one.
    pub(crate) fn other_env_name(self, key: &Key) -> Option<String> {
        self.iter().find_map(|section| {
            let rest = in_section(key.name, section.name)?;
            Some(env_name(&format!("{}{rest}", section.spelling?)))
        })
    }

    /// The name with the section's usual spelling.
    fn respell_name(self, name: &str) -> Cow<'_, str> {
        let other = self.iter().find_map(|section| {
            let rest = in_section(name, section.spelling?)?;
            Some(format!("{}{rest}", section.name))
        });
        other.map_or(Cow::Borrowed(name), Cow::Owned)
    }
}

/// The one of these that is near to a wrong name, if one is.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(name, wrong), name))
        .filter(|(near, _)| *near > 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
