//! The library that runs networks, got from the page where it is missing.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use sightwire_access::action::{Act as _, GetLibrary, SeeServer};
use sightwire_api::models::{Runtime, RuntimeFetch};

use super::Api;
use crate::transport::may::May;
use crate::transport::refusal::Refusal;
use sightwire_listen::client::ClientAddress;

/// Whether it is missing, and whether this client may get it.
pub(super) async fn state(may: May<SeeServer>, State(api): State<Api>) -> Json<Runtime> {
    let refusal = may.why_not(&GetLibrary::ACTION);
    Json(Runtime { may_get: refusal.is_none(), missing: api.recognizer.lacks_runtime(), why_not: refusal })
}

/// Begins to get it; `/api/v1/status` says how far that is.
pub(super) async fn get(
    may: May<GetLibrary>,
    State(api): State<Api>,
    Extension(client): Extension<ClientAddress>,
) -> Result<(StatusCode, Json<RuntimeFetch>), Refusal> {
    if !api.recognizer.begin_getting_runtime() {
        let detail = "The library is not missing, or is on its way already.";
        return Err(Refusal::new(StatusCode::CONFLICT, detail));
    }
    tracing::info!(peer = %client, "the ONNX Runtime library is being fetched for {}", may.principal().who());
    let recognizer = api.recognizer;
    api.tasks.spawn_blocking(move || {
        recognizer.get_runtime();
        recognizer.measure();
    });
    Ok((StatusCode::ACCEPTED, Json(RuntimeFetch::default())))
}
