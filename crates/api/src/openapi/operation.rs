//! One request of the document.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Schemas;

/// What a path does with a method.
#[derive(Debug, Serialize)]
pub struct Operation {
    tags: [&'static str; 1],
    summary: &'static str,
    /// The least role that may; `None` for everybody, with or without a key.
    #[serde(rename = "x-role", skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// Empty where nobody is asked for a key; else that of the whole document counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<Parameter>,
    #[serde(rename = "requestBody", skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    responses: BTreeMap<&'static str, Response>,
}

#[derive(Debug, Serialize)]
struct Parameter {
    name: &'static str,
    #[serde(rename = "in")]
    place: &'static str,
    required: bool,
    description: &'static str,
    schema: Schema,
}

#[derive(Debug, Serialize)]
struct Body {
    required: bool,
    content: BTreeMap<&'static str, Content>,
}

#[derive(Debug, Serialize)]
struct Response {
    description: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    content: BTreeMap<&'static str, Content>,
}

#[derive(Debug, Serialize)]
struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Schema>,
}

const JSON: &str = "application/json";

/// An operation that is being described.
pub struct Entry<'a> {
    schemas: &'a mut Schemas,
    operation: Operation,
}

impl<'a> Entry<'a> {
    /// Begins without parameters, and with no answer but errors.
    pub fn new(
        (tag, role): (&'static str, &'static str),
        summary: &'static str,
        schemas: &'a mut Schemas,
    ) -> Self {
        let error = Content { schema: Some(schemas.sent::<crate::Error>()) };
        let error = Response { description: "What was wrong", content: BTreeMap::from([(JSON, error)]) };
        let responses = BTreeMap::from([("default", error)]);
        let operation = Operation {
            tags: [tag],
            summary,
            role: Some(role),
            security: None,
            parameters: Vec::new(),
            body: None,
            responses,
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
        self
    }

    /// The operation as described so far.
    pub fn finish(self) -> Operation {
        self.operation
    }

    /// Adds a parameter that stands in braces in the path.
    pub fn part<T: JsonSchema>(self, name: &'static str, description: &'static str) -> Self {
        self.parameter::<T>("path", true, name, description)
    }

    /// Adds a parameter of the query, which may be left out.
    pub fn query<T: JsonSchema>(self, name: &'static str, description: &'static str) -> Self {
        self.parameter::<T>("query", false, name, description)
    }

    /// Adds a header that the client sends.
    pub fn header(self, required: bool, name: &'static str, description: &'static str) -> Self {
        self.parameter::<String>("header", required, name, description)
    }

    /// The body is JSON of this type.
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        let content = BTreeMap::from([(JSON, Content { schema: Some(self.schemas.taken::<T>()) })]);
        self.operation.body = Some(Body { required: true, content });
        self
    }

    /// The body is a picture, or a form with files.
    pub fn takes_pictures(mut self) -> Self {
        let kinds = ["image/*", "multipart/form-data"].map(|kind| (kind, Content { schema: None }));
        self.operation.body = Some(Body { required: true, content: BTreeMap::from(kinds) });
        self
    }

    /// Answers with JSON of this type and status 200.
    pub fn answers<T: JsonSchema>(self) -> Self {
        self.answers_with::<T>("200", "OK")
    }

    /// Answers with JSON of this type.
    pub fn answers_with<T: JsonSchema>(self, status: &'static str, description: &'static str) -> Self {
        let schema = self.schemas.sent::<T>();
        self.with(status, description, JSON, Some(schema))
    }

    /// Answers with something other than JSON, with status 200.
    pub fn sends(self, kind: &'static str) -> Self {
        self.with("200", "OK", kind, None)
    }

    /// Answers with Server-Sent Events that have this type as their data.
    pub fn streams<T: JsonSchema>(self) -> Self {
        let schema = self.schemas.sent::<T>();
        self.with("200", "Server-Sent Events with this as their data", "text/event-stream", Some(schema))
    }

    /// Upgrades to a WebSocket whose messages are of this type.
    pub fn upgrades<T: JsonSchema>(self) -> Self {
        let schema = self.schemas.sent::<T>();
        self.with("101", "A WebSocket whose messages are this", JSON, Some(schema))
    }

    /// Answers with nothing but a status.
    pub fn ends(mut self, status: &'static str, description: &'static str) -> Self {
        self.operation.responses.insert(status, Response { description, content: BTreeMap::new() });
        self
    }

    fn parameter<T: JsonSchema>(
        mut self,
        place: &'static str,
        required: bool,
        name: &'static str,
        description: &'static str,
    ) -> Self {
        let schema = self.schemas.taken::<T>();
        self.operation.parameters.push(Parameter { name, place, required, description, schema });
        self
    }

    fn with(
        mut self,
        status: &'static str,
        description: &'static str,
        kind: &'static str,
        schema: Option<Schema>,
    ) -> Self {
        let none = || Response { description, content: BTreeMap::new() };
        let response = self.operation.responses.entry(status).or_insert_with(none);
        response.content.insert(kind, Content { schema });
        self
    }
}
