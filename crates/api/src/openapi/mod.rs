//! The OpenAPI document: which paths there are, what they take and answer.
//!
//! - [`paths`]: the table of all paths
//! - [`operation`]: one request of it

mod operation;
mod paths;

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{board, relay, sign};
use paths::Paths;

/// OpenAPI 3.1, of which version 2020-12 of JSON Schema is a part.
#[derive(Debug, Serialize)]
pub struct Document {
    openapi: &'static str,
    info: Info,
    /// Ways of saying who asks, of which one will do.
    security: [BTreeMap<&'static str, Vec<&'static str>>; 2],
    paths: Paths,
    components: Components,
}

#[derive(Debug, Serialize)]
struct Info {
    title: &'static str,
    description: &'static str,
    version: &'static str,
    license: License,
}

#[derive(Debug, Serialize)]
struct License {
    name: &'static str,
    identifier: &'static str,
}

#[derive(Debug, Serialize)]
struct Components {
    schemas: Map<String, Value>,
    #[serde(rename = "securitySchemes")]
    security: BTreeMap<&'static str, SecurityScheme>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SecurityScheme {
    Header {
        #[serde(rename = "type")]
        kind: &'static str,
        scheme: &'static str,
        description: &'static str,
    },
    Parameter {
        #[serde(rename = "type")]
        kind: &'static str,
        #[serde(rename = "in")]
        place: &'static str,
        name: &'static str,
        description: &'static str,
    },
}

const HEADER: SecurityScheme = SecurityScheme::Header {
    kind: "http",
    scheme: "bearer",
    description: "A key, as `sightwire keys add` prints it",
};
const PARAMETER: SecurityScheme = SecurityScheme::Parameter {
    kind: "apiKey",
    place: "query",
    name: "key",
    description: "A key, where no header can be set: images, and WebSockets of browsers",
};

const DESCRIPTION: &str = "\
What a Sightwire server answers over HTTP, and the JSON messages of its WebSockets and of Socket.IO, which stand under \
`components`. docs/protocol.md says in which order messages come. Every error is an `Error`, with a status of 4xx or 5xx. \
`x-role` is the least role that a key needs: viewer, streamer, operator or admin. On the machine that runs the server none \
is needed, unless `access.mode` is `protected`.";

/// Describes the API of this version of the server.
pub fn document() -> Document {
    let mut schemas = Schemas::new();
    let paths = paths::all(&mut schemas);
    messages(&mut schemas);
    Document {
        openapi: "3.1.0",
        info: Info {
            title: "Sightwire",
            description: DESCRIPTION,
            version: env!("CARGO_PKG_VERSION"),
            license: License { name: "MIT or Apache 2.0", identifier: "MIT OR Apache-2.0" },
        },
        security: ["bearer", "key"].map(|way| BTreeMap::from([(way, Vec::new())])),
        paths,
        components: Components {
            schemas: schemas.finish(),
            security: BTreeMap::from([("bearer", HEADER), ("key", PARAMETER)]),
        },
    }
}

impl Document {
    /// Paths as routes are written: `/api/v1/streams/{id}`.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.paths.keys().copied()
    }

    /// Every operation: its path, its method in lower case, and the least role for it; `None` for everybody.
    pub fn roles(&self) -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> + '_ {
        self.paths.iter().flat_map(|(path, operations)| {
            operations.iter().map(|(method, operation)| (*path, *method, operation.role))
        })
    }

    /// The document as indented JSON, with a line break at its end.
    pub fn text(&self) -> String {
        // There is no map with odd keys in it.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Adds the messages that no path answers with: those of Socket.IO, and of WebSockets.
fn messages(schemas: &mut Schemas) {
    schemas.sent::<sign::SignMessage<'_>>();
    schemas.sent::<sign::Prediction<'_>>();
    schemas.sent::<sign::DetailedPrediction<'_>>();
    schemas.sent::<sign::SignResult<'_>>();
    schemas.sent::<sign::SignModel>();
    schemas.sent::<sign::EngineIoError>();
    schemas.taken::<sign::SignFrame>();
    schemas.taken::<relay::FromSender>();
    schemas.taken::<relay::FromViewer>();
    schemas.sent::<relay::ToSender>();
    schemas.sent::<relay::ToViewer>();
    schemas.sent::<board::BoardInfo>();
    schemas.sent::<board::BoardFrame>();
    schemas.sent::<board::BoardStats>();
    schemas.sent::<board::BoardProblem>();
    schemas.sent::<crate::models::ListedModel>();
    schemas.sent::<crate::read::FailedFile>();
}

/// Schemas of all types that were asked for.
struct Schemas {
    sent: SchemaGenerator,
    taken: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings.transforms.push(Box::new(RecursiveTransform(without_widths)));
        });
        Self {
            sent: settings.clone().for_serialize().into_generator(),
            taken: settings.for_deserialize().into_generator(),
        }
    }

    /// The schema of a type that the server sends.
    fn sent<T: JsonSchema>(&mut self) -> Schema {
        self.sent.subschema_for::<T>()
    }

    /// The schema of a type that the server takes.
    fn taken<T: JsonSchema>(&mut self) -> Schema {
        self.taken.subschema_for::<T>()
    }

    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.taken.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all
    }
}

/// How many bits a number has here is nobody's business: JSON has none of it.
fn without_widths(schema: &mut Schema) {
    if schema
        .get("type")
        .is_some_and(|of| of.to_string().contains("number") || of.to_string().contains("integer"))
    {
        schema.remove("format");
    }
}
