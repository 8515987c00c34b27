//! What is asked for over HTTP.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::markup::{Html, anchor_id};
use super::types;
use crate::openapi::operation::{Answer, Content, JSON, Operation, Parameter};

pub fn anchor_of(method: &str, path: &str) -> String {
    format!("{method}-{}", anchor_id(path))
}

pub fn show_operation(page: &mut Html, method: &str, path: &str, operation: &Operation) {
    page.raw(&format!("<details id=\"{}\"><summary>", anchor_of(method, path)));
    page.raw("<span class=\"method\">").text(method).raw("</span> ").code(path);
    page.raw(" <span class=\"about\">").inline(operation.summary).raw("</span> <span class=\"role\">(");
    page.text(operation.role.unwrap_or("everybody")).raw(")</span></summary>");
    if let Some(description) = operation.description {
        page.paragraph(description);
    }
    if operation.is_endless {
        page.paragraph("The answer goes on until either side ends it.");
    }
    page.pre(&curl_command(method, path, operation));
    if !operation.parameters.is_empty() {
        page.title("Parameters").raw("<dl>");
        operation.parameters.iter().for_each(|one| show_parameter(page, one));
        page.raw("</dl>");
    }
    if let Some(body) = &operation.body {
        page.title("Body");
        show_content(page, body.content.iter());
    }
    page.title("Answers");
    for (status, answer) in &operation.responses {
        if let Answer::Own(response) = answer {
            page.raw("<p>").code(status).raw(" ").inline(response.description).raw("</p>");
            if response.content.get(JSON).is_some_and(is_plain_error) {
                continue;
            }
            if !response.headers.is_empty() {
                page.raw("<dl>");
                for (name, header) in &response.headers {
                    page.raw("<dt>").code(name).raw("</dt><dd>").inline(header.description).raw("</dd>");
                }
                page.raw("</dl>");
            }
            show_content(page, response.content.iter());
        }
    }
    let shared = operation.responses.iter().filter(|(_, answer)| matches!(answer, Answer::Shared(_)));
    let shared: Vec<&str> = shared.map(|(status, _)| *status).collect();
    page.raw("<p>As ").link("#errors", "anywhere").raw(": ").text(&shared.join(", ")).raw("</p></details>");
}

/// What all errors are, and stands at the top of the page.
fn is_plain_error(content: &Content) -> bool {
    let error = "#/components/schemas/Error";
    content.schema.as_ref().is_some_and(|schema| schema.get("$ref").is_some_and(|path| path == error))
}

fn show_parameter(page: &mut Html, one: &Parameter) {
    page.raw("<dt>").code(one.name).raw(" <span class=\"kind\">");
    types::show_kind(page, &json!(one.schema));
    page.raw(match one.place {
        "path" => ", in the path",
        "header" if one.required => ", a header",
        "header" => ", a header that may be left out",
        _ => ", in the query; may be left out",
    });
    page.raw("</span></dt><dd>").inline(one.description).raw("</dd>");
}

fn show_content<'a>(page: &mut Html, all: impl Iterator<Item = (&'a &'static str, &'a Content)>) {
    for (kind, content) in all {
        page.raw("<p>").code(kind);
        let schema = content.schema.as_ref().map(|schema| json!(schema));
        if let Some(schema) = &schema
            && !schema["properties"].is_object()
        {
            page.raw(" ");
            types::show_kind(page, schema);
        }
        page.raw("</p>");
        if let Some(schema) = schema.filter(|schema| schema["properties"].is_object()) {
            types::show_body(page, &schema);
        }
        if let Some(example) = &content.example {
            page.raw("<details><summary>Example</summary>").example(example).raw("</details>");
        }
    }
}

/// A line for a shell.
fn curl_command(method: &str, path: &str, operation: &Operation) -> String {
    let mut filled = path.to_owned();
    for one in operation.parameters.iter().filter(|one| one.place == "path") {
        let example =
            one.example.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        filled = filled.replace(&format!("{{{}}}", one.name), &example.unwrap_or_default());
    }
    let mut line = "curl".to_owned();
    if method != "get" {
        let _ = write!(line, " -X {}", method.to_uppercase());
    }
    if operation.role.is_some() {
        line += " -H \"Authorization: Bearer $KEY\"";
    }
    for one in operation.parameters.iter().filter(|one| one.place == "header" && one.required) {
        let _ = write!(
            line,
            " -H '{}: {}'",
            one.name,
            one.example.as_ref().and_then(Value::as_str).unwrap_or_default()
        );
    }
    let bodies = operation.body.iter().flat_map(|body| body.content.iter());
    for (kind, content) in bodies {
        match (*kind, &content.example) {
            (JSON, Some(example)) => {
                let _ = write!(line, " -H 'Content-Type: {JSON}' -d '{example}'");
            }
            ("multipart/form-data", _) => line += " -F file=@picture.jpg",
            _ => {}
        }
    }
    if operation.responses.keys().any(|status| *status == "101") {
        let _ = write!(
            line,
            " -N --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' "
        );
        line += "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='";
    }
    format!("{line} http://localhost:8000{filled}")
}
