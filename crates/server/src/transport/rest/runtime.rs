//! The library that runs networks, got from the page where it is missing.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sightwire_listen::Peer;

use super::Api;
use super::changes::why_not;
use crate::transport::error;

/// Whether it is missing, and whether this client may get it.
pub(super) async fn state(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Json<Value> {
    let refusal = may_get(&api, peer, &headers);
    Json(json!({
        "missing": api.recognizer.lacks_runtime(),
        "may_get": refusal.is_none(),
        "why_not": refusal,
    }))
}

/// Begins to get it; `/api/v1/status` says how far that is.
pub(super) async fn get(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if let Some(reason) = may_get(&api, peer, &headers) {
        return error(StatusCode::FORBIDDEN, &reason);
    }
    if !api.recognizer.begin_getting_runtime() {
        return error(StatusCode::CONFLICT, "The library is not missing, or is on its way already.");
    }
    tracing::info!(%peer, "the ONNX Runtime library is being fetched");
    let recognizer = api.recognizer;
    api.tasks.spawn_blocking(move || {
        recognizer.get_runtime();
        recognizer.measure();
    });
    (StatusCode::ACCEPTED, Json(json!({ "state": "loading" }))).into_response()
}

fn may_get(api: &Api, peer: SocketAddr, headers: &HeaderMap) -> Option<String> {
    why_not(api.config.server.managing, "get the library", "server.managing", peer, headers)
}
