//! The answer to a request that cannot be served: `{"detail": …}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sightwire_api::Error;

/// `detail` is for people: what was wrong, and what to do.
pub fn error_response(status: StatusCode, detail: &str) -> Response {
    (status, Json(Error { detail: detail.to_owned() })).into_response()
}
