//! The fields of types, from their schemas.

use serde_json::{Map, Value};

use super::markup::Html;

const SCHEMAS: &str = "#/components/schemas/";

/// A type of its own, with its fields.
pub fn show_type(page: &mut Html, name: &str, schema: &Value) {
    page.raw(&format!("<details id=\"type-{name}\"><summary>")).code(name);
    let description = schema["description"].as_str().unwrap_or_default();
    page.raw(" <span class=\"about\">").inline(description.lines().next().unwrap_or_default());
    page.raw("</span></summary>");
    if description.lines().count() > 1 {
        page.paragraph(description);
    }
    show_body(page, schema);
    page.raw("</details>");
}

/// What stands below the name of a type, or below a field whose type has no name.
pub fn show_body(page: &mut Html, schema: &Value) {
    if let Some(choices) = schema_choices(schema) {
        page.raw("<p>One of:</p><ul>");
        for choice in choices {
            page.raw("<li>");
            show_kind(page, choice);
            if let Some(description) = choice["description"].as_str() {
                page.raw(" ").inline(description);
            }
            if choice["properties"].is_object() {
                show_fields(page, choice);
            }
            page.raw("</li>");
        }
        page.raw("</ul>");
    }
    if schema["properties"].is_object() {
        show_fields(page, schema);
    } else if schema_choices(schema).is_none() {
        page.raw("<p>");
        show_kind(page, schema);
        page.raw("</p>");
    }
}

fn schema_choices(schema: &Value) -> Option<&Vec<Value>> {
    schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())
}

fn show_fields(page: &mut Html, schema: &Value) {
    let none = Map::new();
    let needed = schema["required"].as_array();
    page.raw("<dl>");
    for (name, field) in schema["properties"].as_object().unwrap_or(&none) {
        page.raw("<dt>").code(name).raw(" <span class=\"kind\">");
        show_kind(page, field);
        if !needed.is_some_and(|needed| needed.contains(&Value::from(name.as_str()))) {
            page.raw(", may be left out");
        }
        page.raw("</span></dt><dd>").inline(field["description"].as_str().unwrap_or_default()).raw("</dd>");
    }
    page.raw("</dl>");
}

/// What a value is, in a few words; types that have a name are links.
pub fn show_kind(page: &mut Html, schema: &Value) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix(SCHEMAS)) {
        page.link(&format!("#type-{name}"), name);
    } else if let Some(value) = schema.get("const") {
        page.code(&value.to_string());
    } else if let Some(words) = schema["enum"].as_array() {
        show_list(page, words, |page, word| _ = page.code(&word.to_string()));
    } else if let Some(choices) = schema_choices(schema) {
        show_list(page, choices, show_kind);
    } else if let Some(names) = schema["type"].as_array() {
        show_list(page, names, |page, name| show_one(page, name.as_str().unwrap_or_default(), schema));
    } else {
        show_one(page, schema["type"].as_str().unwrap_or("any value"), schema);
    }
}

fn show_list(page: &mut Html, items: &[Value], mut show: impl FnMut(&mut Html, &Value)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            page.raw(" or ");
        }
        show(page, item);
    }
}

fn show_one(page: &mut Html, name: &str, schema: &Value) {
    match name {
        "array" => {
            page.raw("list of ");
            if let (Some(least), Some(most)) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64())
                && least == most
            {
                page.text(&format!("{most} times "));
            }
            show_kind(page, &schema["items"]);
        }
        "object" if schema["additionalProperties"].is_object() => {
            page.raw("object of ");
            show_kind(page, &schema["additionalProperties"]);
        }
        "string" if schema["format"] == "binary" => _ = page.raw("file"),
        name => _ = page.text(name),
    }
    let bound = |key: &str| schema.get(key).filter(|value| value.is_number()).map(Value::to_string);
    match (bound("minimum").filter(|least| least != "0" || bound("maximum").is_some()), bound("maximum")) {
        _ if !matches!(name, "number" | "integer") => {}
        (Some(least), Some(most)) if most.len() < 12 => _ = page.text(&format!(" from {least} to {most}")),
        (Some(least), _) => _ = page.text(&format!(" from {least}")),
        _ => {}
    }
    if name == "string" {
        match (bound("minLength"), bound("maxLength")) {
            (Some(least), Some(most)) => _ = page.text(&format!(" of {least} to {most} characters")),
            (Some(least), None) => _ = page.text(&format!(" of {least} characters or more")),
            (None, Some(most)) => _ = page.text(&format!(" of up to {most} characters")),
            (None, None) => {}
        }
    }
}
