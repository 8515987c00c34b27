//! The OpenAPI document: which paths there are, what they take and answer.
//!
//! - [`paths`]: the table of all paths
//! - [`operation`]: one request of it; [`errors`]: answers that several of them give

mod errors;
pub(crate) mod operation;
pub(crate) mod paths;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::schemas::Schemas;
use crate::{board, detect, live, relay, sign};
pub(crate) use errors::common_statuses as common_errors;
use operation::Response;
use paths::Paths;

/// OpenAPI 3.1, of which version 2020-12 of JSON Schema is a part.
#[derive(Debug, Serialize)]
pub struct Document {
    openapi: &'static str,
    info: Info,
    /// Ways of saying who asks, of which one will do.
    security: [BTreeMap<&'static str, Vec<&'static str>>; 3],
    tags: [Tag; 8],
    pub(crate) paths: Paths,
    pub(crate) components: Components,
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
struct Tag {
    name: &'static str,
    description: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Components {
    pub(crate) responses: BTreeMap<&'static str, Response>,
    pub(crate) schemas: Map<String, Value>,
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

const COOKIE: SecurityScheme = SecurityScheme::Parameter {
    kind: "apiKey",
    place: "cookie",
    name: "sightwire-8000",
    description: "A session, as `POST /api/v1/login` begins it. The name ends with the port of the address, if that has one, \
        and begins with `__Host-` over HTTPS. A request that changes something also needs the header `X-CSRF-Token` with the \
        `csrf` of `GET /api/v1/session`",
};

/// Groups of operations, in the order in which the page shows them.
pub(crate) const TAGS: [(&str, &str); 8] = [
    ("server", "What runs, and how it is"),
    ("access", "Logging in, keys and users"),
    ("cameras", "Which cameras there are"),
    ("streams", "Cameras that are being read, streams that are sent, and what is in them"),
    ("pictures", "Frames as MJPEG, for browsers and everything else that shows it"),
    ("reading", "Text in pictures, one by one and in batches"),
    ("signs", "Models of the sign recogniser, and clips to try it on"),
    ("camera prototype", "What the pages of the camera prototype ask for, in that prototype's words"),
];

const DESCRIPTION: &str = "\
What a Sightwire server answers over HTTP. What is said over its WebSockets and Socket.IO is in `/api/v1/asyncapi.json`; \
the schemas of those messages stand here, too. docs/protocol.md says what can be relied on beyond the shape.

Every error is an `Error`, with a status of 4xx or 5xx. A method that a path does not take gets 405, with `Allow`. `x-role` is \
the least role that a key needs: viewer, streamer, operator or admin. On the machine that runs the server none is needed, \
unless `access.mode` is `protected`. With `x-endless`, the answer goes on until either side ends it.

Parameters of the query that are left empty are as if left out, and those that are not known have no effect. `true` may also \
be `1`, `yes` or `on`, and `false` `0`, `no` or `off`.";

/// Describes the API of this version of the server.
pub fn build_document() -> Document {
    let mut schemas = Schemas::new();
    let paths = paths::describe_paths(&mut schemas);
    messages(&mut schemas);
    Document {
        openapi: "3.1.0",
        info: Info {
            title: "Sightwire",
            description: DESCRIPTION,
            version: env!("CARGO_PKG_VERSION"),
            license: License { name: "MIT or Apache 2.0", identifier: "MIT OR Apache-2.0" },
        },
        security: ["bearer", "key", "cookie"].map(|way| BTreeMap::from([(way, Vec::new())])),
        tags: TAGS.map(|(name, description)| Tag { name, description }),
        paths,
        components: Components {
            responses: errors::shared_responses(&mut schemas),
            schemas: schemas.finish(),
            security: BTreeMap::from([("bearer", HEADER), ("key", PARAMETER), ("cookie", COOKIE)]),
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

    /// Ways of saying who asks, and how.
    pub(crate) fn security(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.components.security.iter().map(|(name, scheme)| match scheme {
            SecurityScheme::Header { description, .. } | SecurityScheme::Parameter { description, .. } => {
                (*name, *description)
            }
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
    schemas.sent_schema::<sign::SignMessage<'_>>();
    schemas.sent_schema::<sign::Prediction<'_>>();
    schemas.sent_schema::<sign::DetailedPrediction<'_>>();
    schemas.sent_schema::<sign::SignResult<'_>>();
    schemas.sent_schema::<sign::SignModel>();
    schemas.sent_schema::<sign::EngineIoError>();
    schemas.taken_schema::<sign::SignFrame>();
    schemas.taken_schema::<relay::FromSender>();
    schemas.taken_schema::<relay::FromViewer>();
    schemas.sent_schema::<relay::ToSender>();
    schemas.sent_schema::<relay::ToViewer>();
    schemas.sent_schema::<board::BoardInfo>();
    schemas.sent_schema::<board::BoardFrame>();
    schemas.sent_schema::<board::BoardStats>();
    schemas.sent_schema::<board::BoardProblem>();
    schemas.sent_schema::<crate::models::ListedModel>();
    schemas.sent_schema::<crate::read::FailedFile>();
    schemas.sent_schema::<live::LiveMessage>();
    schemas.sent_schema::<detect::StreamEvent>();
}
