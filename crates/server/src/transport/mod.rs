//! Protocols. Each module translates between the wire and a pipeline and holds no other logic; none imports another.
//!
//! - [`socketio`]: the sign recogniser's clients
//! - [`rest`]: health, metrics and the JSON API
//! - [`page`]: the embedded pages

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub mod page;
pub mod rest;
pub mod socketio;

/// The answer to a request that cannot be served: `{"detail": …}`.
pub fn error(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}
