//! Answers that say why something was not done: those that any operation can give, and how all of them look.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::operation::{Answer, Content, Header, JSON, Response};
use crate::schemas::Schemas;

/// What any operation can answer: a name under `components.responses`, its status, and when.
const ANYWHERE: [Common; 6] = [
    Common("BrokenRequest", "400", "The request is no valid HTTP, or a part of its address is no text"),
    Common("ForeignPage", "403", "A page of this origin may not ask for this (`server.cors_origins`)"),
    Common("ForeignHost", "421", "The request is meant for another host (`server.hosts`)"),
    Common("TooManyRequests", "429", "More than one key, user or address may ask for or open (`limits.*`)"),
    Common("LongHead", "431", "The address and the headers are longer than 64 KiB; without a body"),
    Common("NoRoom", "503", "The server has no room for this now: connections, memory, or what is arriving"),
];

/// What an operation answers where somebody has to be known.
const WITH_ROLE: [Common; 2] = [
    Common("UnknownCaller", "401", "Nobody is known by this key or cookie, or none came"),
    Common("NotAllowed", "403", "This caller, or a page of this origin, may not do that"),
];

/// What an operation answers that takes a body.
const WITH_BODY: [Common; 1] =
    [Common("LateBody", "408", "The body did not arrive whole in time (`server.receive_timeout_s`)")];

/// An answer that several operations give.
#[derive(Clone, Copy, Debug)]
struct Common(&'static str, &'static str, &'static str);

/// A reference to one of the shared answers.
#[derive(Clone, Debug, Serialize)]
pub struct Shared {
    #[serde(rename = "$ref")]
    path: String,
}

impl Common {
    fn shared(self) -> (&'static str, Answer) {
        (self.1, Answer::Shared(Shared { path: format!("#/components/responses/{}", self.0) }))
    }
}

/// What any operation can answer, with its status.
pub fn any_answers() -> impl Iterator<Item = (&'static str, Answer)> {
    ANYWHERE.into_iter().map(Common::shared)
}

/// What an operation answers where somebody has to be known.
pub fn with_role() -> impl Iterator<Item = (&'static str, Answer)> {
    WITH_ROLE.into_iter().map(Common::shared)
}

/// What an operation answers that takes a body.
pub fn with_body() -> impl Iterator<Item = (&'static str, Answer)> {
    WITH_BODY.into_iter().map(Common::shared)
}

/// All shared answers by name, for `components.responses`.
pub fn shared_responses(schemas: &mut Schemas) -> BTreeMap<&'static str, Response> {
    let all = ANYWHERE.into_iter().chain(WITH_ROLE).chain(WITH_BODY);
    all.map(|Common(name, status, description)| (name, error_response(status, description, schemas)))
        .collect()
}

/// Statuses that several operations answer with, and when.
pub fn common_statuses() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = ANYWHERE.into_iter().chain(WITH_ROLE).chain(WITH_BODY);
    all.map(|Common(_, status, description)| (status, description))
}

/// An answer that is an [`Error`](crate::Error).
pub fn error_response(status: &str, description: &'static str, schemas: &mut Schemas) -> Response {
    if status == "431" {
        return Response {
            description,
            headers: BTreeMap::new(),
            content: BTreeMap::new(),
            links: BTreeMap::new(),
        };
    }
    let error = crate::Error { detail: format!("{description}.").replace('`', "") };
    let content = Content::from_schema(Some(schemas.sent_schema::<crate::Error>()), Some(json!(error)));
    let headers = match status {
        "401" => vec![("WWW-Authenticate", Header::text("Always `Bearer`"))],
        "409" | "429" | "503" => {
            vec![("Retry-After", Header::seconds("When to try again; not always there"))]
        }
        _ => Vec::new(),
    };
    Response {
        description,
        headers: headers.into_iter().collect(),
        content: BTreeMap::from([(JSON, content)]),
        links: BTreeMap::new(),
    }
}
