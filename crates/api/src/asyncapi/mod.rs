//! The AsyncAPI document: what is said over Socket.IO and WebSockets, in either direction.
//!
//! - [`channels`]: the table of all channels and their messages

mod channels;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::example::Example;
use crate::openapi::operation::Parameter;
use crate::openapi::paths::Paths;
use crate::schemas::Schemas;

/// AsyncAPI 3.0.
#[derive(Debug, Serialize)]
pub struct Document {
    asyncapi: &'static str,
    info: Value,
    #[serde(rename = "defaultContentType")]
    content_type: &'static str,
    servers: Value,
    pub(crate) channels: BTreeMap<&'static str, Channel>,
    operations: BTreeMap<String, Operation>,
    pub(crate) components: Components,
}

/// Where messages go to and fro.
#[derive(Debug, Serialize)]
pub(crate) struct Channel {
    pub address: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    servers: [Reference; 1],
    messages: BTreeMap<String, Reference>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "Value::is_null")]
    bindings: Value,
    /// The least role that may.
    #[serde(rename = "x-role")]
    pub role: &'static str,
    /// Why the server ends the connection.
    #[serde(rename = "x-close-codes", skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<&'static str, &'static str>,
    /// Names of messages that the server takes, and that it sends.
    #[serde(skip)]
    pub taken: Vec<String>,
    #[serde(skip)]
    pub sent: Vec<String>,
}

impl Channel {
    /// Without messages yet, for viewers.
    fn new(
        server: &'static str,
        address: &'static str,
        title: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            address,
            title,
            description,
            servers: [Reference::from_path(server)],
            messages: BTreeMap::new(),
            parameters: BTreeMap::new(),
            bindings: Value::Null,
            role: "viewer",
            codes: BTreeMap::new(),
            taken: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Whether a handshake of HTTP leads to it, which is in the OpenAPI document.
    pub fn is_websocket(&self) -> bool {
        !self.bindings.is_null()
    }
}

/// All messages of a channel in one direction: `receive` is what the server takes.
#[derive(Debug, Serialize)]
struct Operation {
    action: &'static str,
    channel: Reference,
    messages: Vec<Reference>,
}

#[derive(Clone, Debug, Serialize)]
struct Reference {
    #[serde(rename = "$ref")]
    path: String,
}

impl Reference {
    fn from_path(path: &str) -> Self {
        Self { path: format!("#/{path}") }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Components {
    pub messages: BTreeMap<String, Message>,
    pub schemas: Map<String, Value>,
    #[serde(rename = "securitySchemes")]
    security: Value,
}

#[derive(Debug, Serialize)]
pub(crate) struct Message {
    /// Of the event, or what its `type` says.
    pub name: &'static str,
    #[serde(rename = "contentType")]
    pub content_type: &'static str,
    pub summary: &'static str,
    pub payload: Schema,
    pub examples: Vec<Value>,
    /// Which bytes of a binary message mean what.
    #[serde(rename = "x-layout", skip_serializing_if = "<[_]>::is_empty")]
    pub layout: &'static [[&'static str; 3]],
}

const DESCRIPTION: &str = "\
What is said over Socket.IO and the WebSockets of a Sightwire server. `send` is what the server sends, `receive` what it takes. \
Everything is JSON, except for frames of `sightwire.v1`. docs/protocol.md says in which order messages come. Unknown fields are \
to be ignored, by either side. `x-role` is the least role that a key needs; `x-close-codes` are those with which the server ends \
a WebSocket. What is asked for over HTTP is in `/api/v1/openapi.json`.";

/// Describes what clients and this version of the server say to each other; `paths` are those of the OpenAPI document.
pub fn build_document() -> Document {
    let mut book = Book {
        schemas: Schemas::new(),
        paths: crate::openapi::paths::describe_paths(&mut Schemas::new()),
        channels: BTreeMap::new(),
        messages: BTreeMap::new(),
    };
    channels::describe_channels(&mut book);
    let operations = book.channels.iter().flat_map(channel_operations).collect();
    let security = ["bearer", "key", "cookie"]
        .map(|way| json!({ "$ref": format!("#/components/securitySchemes/{way}") }));
    let server = |protocol: &str, about: &str| json!({ "host": "localhost:8000", "protocol": protocol, "description": about, "security": security });
    Document {
        asyncapi: "3.0.0",
        info: json!({
            "title": "Sightwire",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
        }),
        content_type: "application/json",
        servers: json!({
            "websocket": server("ws", "Messages of WebSockets (RFC 6455); `wss` where the server has a certificate"),
            "socketio": server("socket.io", "Events of Socket.IO v5 over Engine.IO v4, namespace `/`; polling or WebSocket"),
        }),
        operations,
        components: Components {
            messages: book.messages,
            schemas: book.schemas.finish(),
            security: json!({
                "bearer": { "type": "http", "scheme": "bearer", "description": "A key, as `sightwire keys add` prints it" },
                "key": {
                    "type": "httpApiKey", "in": "query", "name": "key",
                    "description": "A key, where no header can be set: WebSockets of browsers. With Socket.IO it may also be in `auth`"
                },
                "cookie": { "type": "httpApiKey", "in": "cookie", "name": "sightwire-8000", "description": "A session" },
            }),
        },
        channels: book.channels,
    }
}

impl Document {
    /// The document as indented JSON, with a line break at its end.
    pub fn text(&self) -> String {
        // There is no map with odd keys in it.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn channel_operations((name, channel): (&&'static str, &Channel)) -> Vec<(String, Operation)> {
    let of = |action, messages: &[String]| Operation {
        action,
        channel: Reference::from_path(&format!("channels/{name}")),
        messages: messages
            .iter()
            .map(|one| Reference::from_path(&format!("channels/{name}/messages/{one}")))
            .collect(),
    };
    let both = [("receive", &channel.taken), ("send", &channel.sent)].into_iter();
    both.filter(|(_, messages)| !messages.is_empty())
        .map(|(action, messages)| (format!("{action}.{name}"), of(action, messages)))
        .collect()
}

/// A document that is being written.
struct Book {
    schemas: Schemas,
    paths: Paths,
    channels: BTreeMap<&'static str, Channel>,
    messages: BTreeMap<String, Message>,
}

impl Book {
    /// A channel over a WebSocket, whose parameters and role are those of its path.
    fn websocket(
        &mut self,
        name: &'static str,
        address: &'static str,
        description: &'static str,
    ) -> Entry<'_> {
        let operation = self.paths.get(address).and_then(|of| of.get("get"));
        let parameters = operation.map(|of| &of.parameters[..]).unwrap_or_default();
        let of = |place: &'static str| parameters.iter().filter(move |one| one.place == place);
        let parts = of("path").map(|one| (one.name, json!({ "description": one.description })));
        let mut bindings = Map::from_iter([
            ("bindingVersion".to_owned(), json!("0.1.0")),
            ("method".to_owned(), json!("GET")),
        ]);
        for (key, place) in [("query", "query"), ("headers", "header")] {
            if of(place).next().is_some() {
                bindings.insert(key.to_owned(), parameter_object(of(place)));
            }
        }
        let channel = Channel {
            parameters: parts.collect(),
            bindings: json!({ "ws": bindings }),
            role: operation.and_then(|of| of.role).unwrap_or("viewer"),
            ..Channel::new("servers/websocket", address, operation.map_or("", |of| of.summary), description)
        };
        self.entry(name, channel)
    }

    /// The channel of Socket.IO.
    fn socketio(&mut self, name: &'static str, title: &'static str, description: &'static str) -> Entry<'_> {
        let channel = Channel {
            role: "streamer",
            ..Channel::new("servers/socketio", "/socket.io/", title, description)
        };
        self.entry(name, channel)
    }

    fn entry(&mut self, name: &'static str, channel: Channel) -> Entry<'_> {
        Entry {
            schemas: &mut self.schemas,
            messages: &mut self.messages,
            channel: self.channels.entry(name).or_insert(channel),
        }
    }
}

/// Parameters as the properties of an object.
fn parameter_object<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> Value {
    let properties = parameters.map(|one| {
        let mut schema = one.schema.clone();
        schema.insert("description".to_owned(), json!(one.description));
        (one.name.to_owned(), json!(schema))
    });
    json!({ "type": "object", "properties": properties.collect::<Map<_, _>>() })
}

/// A channel that is being described.
struct Entry<'a> {
    schemas: &'a mut Schemas,
    messages: &'a mut BTreeMap<String, Message>,
    channel: &'a mut Channel,
}

impl Entry<'_> {
    /// The server takes messages of this type, and calls them by that name.
    fn takes<T: JsonSchema + Example>(self, name: &'static str, summary: &'static str) -> Self {
        let payload = self.schemas.taken_schema::<T>();
        let key = T::schema_name().into_owned();
        self.takes_message(key, Message::json(name, summary, payload, &json!(T::example())))
    }

    /// The server sends messages of this type.
    fn sends<T: JsonSchema + Example>(self, name: &'static str, summary: &'static str) -> Self {
        let payload = self.schemas.sent_schema::<T>();
        let key = T::schema_name().into_owned();
        self.sends_message(key, Message::json(name, summary, payload, &json!(T::example())))
    }

    fn takes_message(self, key: String, message: Message) -> Self {
        self.channel.taken.push(key.clone());
        self.with(key, message)
    }

    fn sends_message(self, key: String, message: Message) -> Self {
        self.channel.sent.push(key.clone());
        self.with(key, message)
    }

    fn with(self, key: String, message: Message) -> Self {
        self.channel
            .messages
            .insert(key.clone(), Reference::from_path(&format!("components/messages/{key}")));
        self.messages.entry(key).or_insert(message);
        self
    }

    /// Why the server ends the connection.
    fn closes(self, codes: &[(&'static str, &'static str)]) -> Self {
        self.channel.codes.extend(codes.iter().copied());
        self
    }
}

impl Message {
    fn json(name: &'static str, summary: &'static str, payload: Schema, example: &Value) -> Self {
        let examples = vec![json!({ "payload": example })];
        Self { name, content_type: "application/json", summary, payload, examples, layout: &[] }
    }

    /// A message that is not JSON.
    fn other(name: &'static str, content_type: &'static str, summary: &'static str) -> Self {
        let payload = json_schema!({ "type": "string" });
        Self { name, content_type, summary, payload, examples: Vec::new(), layout: &[] }
    }
}
