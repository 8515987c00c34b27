//! What is made of the one list of sections for programs: the keys and the values in force, as `GET /api/v1/settings` tells them,
//! and the schema of the file.

use serde_json::{Map, json};
use sightwire_api::settings::{Setting, SettingKind, SettingTable, SettingValue, Settings};
use sightwire_settings::key::{Effect, Key};
use sightwire_settings::{Kind, Layers, Sections, redact_secrets};
use toml::Value;

/// What takes effect at once has the value that was read last, everything else that of the start.
pub fn report_settings(started: &Layers, last: &Layers) -> Settings {
    let in_force = |effect| if effect == Effect::AtOnce { last } else { started };
    let sections = started.sections();
    let settings = sections.keys().map(|key| build_setting(key, in_force(key.effect)));
    let tables = sections.tables().map(|table| SettingTable {
        at_once: table.effect == Effect::AtOnce,
        count: in_force(table.effect).tables(table).len(),
        name: table.shown.to_owned(),
    });
    Settings { settings: settings.collect(), tables: tables.collect() }
}

fn build_setting(key: &Key, layers: &Layers) -> Setting {
    let (value, origin) = layers.get(key.name);
    let (kind, range, choices) = setting_kind(key.kind);
    Setting {
        at_once: key.effect == Effect::AtOnce,
        choices,
        default: setting_value(&key.default_value()),
        env: key.env_name(),
        kind,
        max: range.map(|(_, max)| max),
        min: range.map(|(min, _)| min),
        name: key.name.to_owned(),
        old_env: key.old_names.iter().map(ToString::to_string).collect(),
        origin: origin.to_string(),
        secret: key.is_secret,
        text: key.text().to_owned(),
        unit: key.kind.unit(key.name).map(str::to_owned),
        value: (!key.hides_value(value)).then(|| setting_value(value)),
    }
}

type Range = Option<(f64, f64)>;

fn setting_kind(kind: Kind) -> (SettingKind, Range, Option<Vec<String>>) {
    match kind {
        Kind::Flag => (SettingKind::Flag, None, None),
        Kind::Int { from, to } => (SettingKind::Int, Some((from as f64, to as f64)), None),
        Kind::Number { from, to } => (SettingKind::Number, Some((from, to)), None),
        Kind::Choice(words) | Kind::Word(words) => {
            (SettingKind::Choice, None, Some(words.iter().map(ToString::to_string).collect()))
        }
        Kind::Text => (SettingKind::Text, None, None),
        Kind::Path => (SettingKind::Path, None, None),
        Kind::List => (SettingKind::List, None, None),
        Kind::Addresses => (SettingKind::Addresses, None, None),
    }
}

fn setting_value(value: &Value) -> SettingValue {
    match value {
        Value::Boolean(flag) => SettingValue::Flag(*flag),
        Value::Integer(number) => SettingValue::Int(*number),
        Value::Float(number) => SettingValue::Number(*number),
        Value::Array(items) => {
            let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), redact_secrets);
            SettingValue::List(items.iter().map(text).collect())
        }
        other => SettingValue::Text(redact_secrets(other.as_str().unwrap_or_default())),
    }
}

/// JSON Schema of `sightwire.toml`, for editors.
pub fn json_schema(sections: Sections) -> serde_json::Value {
    let table = |properties: Map<String, serde_json::Value>| json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let mut root = Map::new();
    for section in sections.iter() {
        let mut keys: Map<_, _> =
            section.keys.iter().map(|key| (key.name_parts().1.to_owned(), schema_of(key))).collect();
        for list in section.tables {
            let fields = list.fields.iter();
            let fields = fields.map(|field| (field.name.to_owned(), kind_schema(field.kind))).collect();
            let tables = json!({ "type": "array", "items": table(fields) });
            match list.name.split_once('.') {
                Some((_, name)) => keys.insert(name.to_owned(), tables),
                None => root.insert(list.name.to_owned(), tables),
            };
        }
        let keys = table(keys);
        root.extend(section.spelling.map(|spelling| (spelling.to_owned(), keys.clone())));
        root.insert(section.name.to_owned(), keys);
    }
    let mut schema = table(root);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Configuration of Sightwire".into();
    schema
}

fn schema_of(key: &Key) -> serde_json::Value {
    let mut schema = kind_schema(key.kind);
    schema["description"] = key.text().into();
    schema["default"] = json!(setting_value(&key.default_value()));
    schema
}

fn kind_schema(kind: Kind) -> serde_json::Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Int { from, to } => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Number { from, to } => json!({ "type": "number", "minimum": from, "maximum": to }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Word(words) => json!({ "type": "string", "examples": words }),
        Kind::Text | Kind::Path => json!({ "type": "string" }),
        Kind::List => json!({ "anyOf": [texts, { "type": "string" }] }),
        Kind::Addresses => json!({ "anyOf": [texts, { "type": "string" }, { "type": "integer" }] }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    #[test]
    fn each_key_is_told_with_the_value_in_force_and_no_secret_is() {
        let layers = |text: &str| {
            let mut layers = load::default_layers();
            layers.add_text(text, Path::new("a.toml")).unwrap();
            layers
        };
        let started = layers(
            "[relay]\nmax_fps = 30\n[reader]\nqueue = 3\n[cluster]\nredis_url = \"redis://:s3cret@a\"",
        );
        let last = layers(
            "[relay]\nmax_fps = 20\n[reader]\nqueue = 9\n[[camera]]\nid = \"a\"\nurl = \"http://me:s3cret@a\"",
        );
        let told = report_settings(&started, &last);
        assert_eq!(told.settings.len(), started.sections().keys().count());
        let setting = |name| told.settings.iter().find(|setting| setting.name == name).unwrap();
        let fps = setting("relay.max_fps");
        assert_eq!((&fps.value, fps.at_once), (&Some(SettingValue::Number(20.0)), true), "read since");
        assert_eq!((fps.min, fps.max, fps.unit.as_deref()), (Some(1.0), Some(1e6), Some("fps")));
        let queue = setting("reader.queue");
        assert_eq!(
            (&queue.value, &*queue.origin),
            (&Some(SettingValue::Int(3)), "a.toml, line 4"),
            "as at the start"
        );
        assert_eq!(
            (setting("cluster.redis_url").value.is_none(), setting("cluster.secret").value.is_none()),
            (true, false)
        );
        assert_eq!(setting("relay.overlays").choices.as_ref().unwrap().join(" "), "asked all none");
        assert_eq!(told.tables[1], SettingTable { at_once: true, count: 1, name: "[[camera]]".into() });
        assert!(!serde_json::to_string(&told).unwrap().contains("s3cret"));
    }
}
