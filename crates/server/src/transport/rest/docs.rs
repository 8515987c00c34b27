//! The documents that describe the API; made when somebody first asks.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use sightwire_access::action::SeeServer;
use sightwire_api::{asyncapi as messages, openapi as paths};

use sightwire_http::may::May;

static OPENAPI: LazyLock<String> = LazyLock::new(|| paths::document().text());
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| messages::document().text());

pub(super) async fn openapi(_: May<SeeServer>) -> Response {
    answer(&OPENAPI)
}

pub(super) async fn asyncapi(_: May<SeeServer>) -> Response {
    answer(&ASYNCAPI)
}

fn answer(json: &'static str) -> Response {
    // Another version of the server has another.
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], json).into_response()
}
