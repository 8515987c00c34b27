//! The documents that describe the API; made when somebody first asks.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use sightwire_access::action::SeeServer;
use sightwire_api::{asyncapi as messages, openapi as paths};

use sightwire_admission::may::May;

static OPENAPI: LazyLock<String> = LazyLock::new(|| paths::build_document().text());
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| messages::build_document().text());

pub(super) async fn serve_openapi(_: May<SeeServer>) -> Response {
    json_answer(&OPENAPI)
}

pub(super) async fn serve_asyncapi(_: May<SeeServer>) -> Response {
    json_answer(&ASYNCAPI)
}

fn json_answer(json: &'static str) -> Response {
    // Another version of the server has another.
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], json).into_response()
}
