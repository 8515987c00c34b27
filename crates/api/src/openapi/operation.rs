//! One request of the document.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use super::errors::{self, Shared};
use crate::example::Example;
use crate::schemas::Schemas;

/// What a path does with a method.
#[derive(Debug, Serialize)]
pub struct Operation {
    pub tags: [&'static str; 1],
    pub summary: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'static str>,
    /// The least role that may; `None` for everybody, with or without a key.
    #[serde(rename = "x-role", skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// Whether the answer goes on until one of both hangs up.
    #[serde(rename = "x-endless", skip_serializing_if = "std::ops::Not::not")]
    pub is_endless: bool,
    /// Empty where nobody is asked for a key; else that of the whole document counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    #[serde(rename = "requestBody", skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    pub responses: BTreeMap<&'static str, Answer>,
}

#[derive(Debug, Serialize)]
pub struct Parameter {
    pub name: &'static str,
    #[serde(rename = "in")]
    pub place: &'static str,
    pub required: bool,
    pub description: &'static str,
    /// In the query, what is empty is as if it were not there.
    #[serde(rename = "allowEmptyValue", skip_serializing_if = "std::ops::Not::not")]
    may_be_empty: bool,
    pub schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
}

#[derive(Debug, Serialize)]
pub struct Body {
    required: bool,
    pub content: BTreeMap<&'static str, Content>,
}

/// An answer, or where it is described for all who give it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Shared(Shared),
    Own(Response),
}

#[derive(Debug, Serialize)]
pub struct Response {
    pub description: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, Header>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub content: BTreeMap<&'static str, Content>,
    /// Where what was answered leads.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, Link>,
}

/// An operation whose parameter is in an answer.
#[derive(Debug, Serialize)]
pub struct Link {
    #[serde(rename = "operationRef")]
    operation: String,
    parameters: BTreeMap<&'static str, &'static str>,
}

#[derive(Debug, Serialize)]
pub struct Header {
    pub description: &'static str,
    schema: Schema,
}

impl Header {
    pub fn text(description: &'static str) -> Self {
        Self { description, schema: json_schema!({ "type": "string" }) }
    }

    pub fn seconds(description: &'static str) -> Self {
        Self { description, schema: json_schema!({ "type": "integer", "minimum": 0 }) }
    }
}

#[derive(Debug, Serialize)]
pub struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
}

impl Content {
    pub fn from_schema(schema: Option<Schema>, example: Option<Value>) -> Self {
        Self { schema, example }
    }
}

pub const JSON: &str = "application/json";

/// An operation that is being described.
pub struct Entry<'a> {
    schemas: &'a mut Schemas,
    operation: Operation,
}

impl<'a> Entry<'a> {
    /// Begins without parameters, and with no answer but those that any operation can give.
    pub fn new(
        (tag, role): (&'static str, &'static str),
        summary: &'static str,
        schemas: &'a mut Schemas,
    ) -> Self {
        let operation = Operation {
            tags: [tag],
            summary,
            description: None,
            role: Some(role),
            is_endless: false,
            security: None,
            parameters: Vec::new(),
            body: None,
            responses: errors::any_answers().chain(errors::with_role()).collect(),
        };
        Self { schemas, operation }
    }

    /// Takes that role instead of the one of its group.
    pub fn takes_role(mut self, role: &'static str) -> Self {
        self.operation.role = Some(role);
        self
    }

    /// Takes no role, and no key.
    pub fn takes_no_role(mut self) -> Self {
        (self.operation.role, self.operation.security) = (None, Some([]));
        self.operation.responses.remove("401");
        self.operation.responses.extend(errors::any_answers());
        self
    }

    /// More than fits into a line.
    pub fn says(mut self, description: &'static str) -> Self {
        self.operation.description = Some(description);
        self
    }

    /// The operation as described so far.
    pub fn finish(self) -> Operation {
        self.operation
    }

    /// Adds a parameter that stands in braces in the path.
    pub fn part<T: JsonSchema>(
        self,
        name: &'static str,
        description: &'static str,
        example: impl Into<Value>,
    ) -> Self {
        let schema = self.schemas.taken_schema::<T>();
        self.parameter("path", name, description, schema, Some(example.into()))
    }

    /// Adds a text of the query, which may be left out.
    pub fn text(self, name: &'static str, description: &'static str) -> Self {
        self.parameter("query", name, description, json_schema!({ "type": "string" }), None)
    }

    /// Adds `true` or `false` of the query, which may be left out.
    pub fn flag(self, name: &'static str, description: &'static str) -> Self {
        self.parameter("query", name, description, json_schema!({ "type": "boolean" }), None)
    }

    /// Adds a number of the query, which may be left out.
    pub fn number(self, name: &'static str, range: RangeInclusive<f64>, description: &'static str) -> Self {
        let schema = json_schema!({ "type": "number", "minimum": range.start(), "maximum": range.end() });
        self.parameter("query", name, description, schema, None)
    }

    /// Adds a whole number of the query, which may be left out.
    pub fn whole(self, name: &'static str, range: RangeInclusive<u64>, description: &'static str) -> Self {
        let schema = json_schema!({ "type": "integer", "minimum": range.start(), "maximum": range.end() });
        self.parameter("query", name, description, schema, None)
    }

    /// Adds one of these words, which may be left out.
    pub fn one_of(self, name: &'static str, words: &[&'static str], description: &'static str) -> Self {
        let schema = json_schema!({ "type": "string", "enum": words });
        self.parameter("query", name, description, schema, None)
    }

    /// Adds a header that the client may send.
    pub fn header(self, name: &'static str, description: &'static str) -> Self {
        self.parameter("header", name, description, json_schema!({ "type": "string" }), None)
    }

    /// Adds a header that the client has to send.
    pub fn needs_header(
        mut self,
        name: &'static str,
        description: &'static str,
        example: &'static str,
    ) -> Self {
        let schema = json_schema!({ "type": "string", "pattern": "^[\\t -~]*[!-~][\\t -~]*$" });
        self = self.parameter("header", name, description, schema, Some(example.into()));
        self.operation
            .parameters
            .iter_mut()
            .filter(|one| one.name == name)
            .for_each(|one| one.required = true);
        self
    }

    /// The body is JSON of this type.
    pub fn takes<T: JsonSchema + Example>(self) -> Self {
        let content = Content::from_schema(Some(self.schemas.taken_schema::<T>()), Some(json!(T::example())));
        self.with_body([(JSON, content)]).fails(
            "422",
            "The body is no JSON, a field is missing, unknown or of the wrong type, or a value cannot be",
        )
    }

    /// The body is a picture, or a form with files.
    pub fn takes_pictures(self) -> Self {
        let form = json_schema!({
            "type": "object",
            "properties": { "file": { "type": "string", "format": "binary", "description": "The picture" } },
            "required": ["file"]
        });
        self.with_body([
            ("image/*", Content::from_schema(None, None)),
            ("multipart/form-data", Content::from_schema(Some(form), None)),
        ])
    }

    /// The body is a form with any number of files.
    pub fn takes_files(self) -> Self {
        let form = json_schema!({
            "type": "object",
            "properties": {
                "file": {
                    "type": "array",
                    "items": { "type": "string", "format": "binary" },
                    "minItems": 1,
                    "description": "Pictures, and zips of them"
                }
            },
            "required": ["file"]
        });
        self.with_body([("multipart/form-data", Content::from_schema(Some(form), None))])
    }

    fn with_body<const N: usize>(mut self, content: [(&'static str, Content); N]) -> Self {
        self.operation.body = Some(Body { required: true, content: BTreeMap::from(content) });
        self.operation.responses.extend(errors::with_body());
        self
    }

    /// Answers with JSON of this type and status 200.
    pub fn answers<T: JsonSchema + Example>(self) -> Self {
        self.answers_with::<T>("200", "OK")
    }

    /// Answers with JSON of this type.
    pub fn answers_with<T: JsonSchema + Example>(
        self,
        status: &'static str,
        description: &'static str,
    ) -> Self {
        let content = Content::from_schema(Some(self.schemas.sent_schema::<T>()), Some(json!(T::example())));
        self.with(status, description, JSON, content)
    }

    /// Answers with something of this type in place of an error, or with an error.
    pub fn fails_with<T: JsonSchema + Serialize>(
        self,
        status: &'static str,
        description: &'static str,
        example: &T,
    ) -> Self {
        let (own, error) = (self.schemas.sent_schema::<T>(), self.schemas.sent_schema::<crate::Error>());
        let schema = json_schema!({ "anyOf": [own, error] });
        let fails = self.fails(status, description);
        fails.with(status, description, JSON, Content::from_schema(Some(schema), Some(json!(example))))
    }

    /// Answers with something other than JSON, with status 200.
    pub fn sends(self, kind: &'static str) -> Self {
        self.with("200", "OK", kind, Content::from_schema(None, None))
    }

    /// Answers with something other than JSON for as long as the client takes it, with status 200.
    pub fn sends_for_ever(mut self, kind: &'static str) -> Self {
        self.operation.is_endless = true;
        self.sends(kind)
    }

    /// Answers with Server-Sent Events that have this type as their data.
    pub fn streams<T: JsonSchema + Example>(mut self) -> Self {
        self.operation.is_endless = true;
        let content = Content::from_schema(Some(self.schemas.sent_schema::<T>()), Some(json!(T::example())));
        self.with("200", "Server-Sent Events with this as their data", "text/event-stream", content)
    }

    /// Upgrades to a WebSocket, whose messages the AsyncAPI document describes.
    pub fn upgrades(mut self) -> Self {
        self.operation.is_endless = true;
        self.ends("101", "A WebSocket; its messages are in the AsyncAPI document, under this path")
            .fails("400", "The request is no WebSocket handshake of version 13 (RFC 6455), or no valid HTTP")
    }

    /// Answers with nothing but a status.
    pub fn ends(mut self, status: &'static str, description: &'static str) -> Self {
        let response = Response {
            description,
            headers: BTreeMap::new(),
            content: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        self.operation.responses.insert(status, Answer::Own(response));
        self
    }

    /// Answers with an error of this status.
    pub fn fails(mut self, status: &'static str, description: &'static str) -> Self {
        let error = errors::error_response(status, description, self.schemas);
        self.operation.responses.insert(status, Answer::Own(error));
        self
    }

    /// An answer of this status has this header, or may have it.
    pub fn tells(mut self, status: &'static str, name: &'static str, header: Header) -> Self {
        if let Some(Answer::Own(response)) = self.operation.responses.get_mut(status) {
            response.headers.insert(name, header);
        }
        self
    }

    /// What was answered with this status has the parameter `name` of these operations, at `place`.
    pub fn leads(
        mut self,
        status: &'static str,
        name: &'static str,
        place: &'static str,
        to: &[(&'static str, &'static str)],
    ) -> Self {
        if let Some(Answer::Own(response)) = self.operation.responses.get_mut(status) {
            response.links.extend(to.iter().map(|(method, path)| {
                let operation = format!("#/paths/{}/{method}", path.replace('/', "~1"));
                let key = format!("{method}{}", path.replace(|c: char| !c.is_ascii_alphanumeric(), "."));
                (key, Link { operation, parameters: BTreeMap::from([(name, place)]) })
            }));
        }
        self
    }

    fn parameter(
        mut self,
        place: &'static str,
        name: &'static str,
        description: &'static str,
        schema: Schema,
        example: Option<Value>,
    ) -> Self {
        let (required, may_be_empty) = (place == "path", place == "query");
        self.operation.parameters.push(Parameter {
            name,
            place,
            required,
            description,
            may_be_empty,
            schema,
            example,
        });
        self
    }

    fn with(
        mut self,
        status: &'static str,
        description: &'static str,
        kind: &'static str,
        content: Content,
    ) -> Self {
        if !matches!(self.operation.responses.get(status), Some(Answer::Own(_))) {
            self = self.ends(status, description);
        }
        if let Some(Answer::Own(response)) = self.operation.responses.get_mut(status) {
            response.content.insert(kind, content);
        }
        self
    }
}
