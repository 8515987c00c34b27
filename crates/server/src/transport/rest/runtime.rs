//! The library that runs networks, got from the page where it is missing.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use sightwire_api::models::{Runtime, RuntimeFetch};
use sightwire_listen::Peer;

use super::{Api, changes};
use crate::transport::refusal::Refusal;

/// Whether it is missing, and whether this client may get it.
pub(super) async fn state(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Json<Runtime> {
    let refusal = changes::LIBRARY.why_not(&api.config, peer, &headers);
    Json(Runtime { may_get: refusal.is_none(), missing: api.recognizer.lacks_runtime(), why_not: refusal })
}

/// Begins to get it; `/api/v1/status` says how far that is.
pub(super) async fn get(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
) -> Result<(StatusCode, Json<RuntimeFetch>), Refusal> {
    if !api.recognizer.begin_getting_runtime() {
        let detail = "The library is not missing, or is on its way already.";
        return Err(Refusal::new(StatusCode::CONFLICT, detail));
    }
    tracing::info!(%peer, "the ONNX Runtime library is being fetched");
    let recognizer = api.recognizer;
    api.tasks.spawn_blocking(move || {
        recognizer.get_runtime();
        recognizer.measure();
    });
    Ok((StatusCode::ACCEPTED, Json(RuntimeFetch::default())))
}
