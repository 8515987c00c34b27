//! Ending streams and sending viewers away; and who watches.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use sightwire_api::stream::Viewers;
use sightwire_listen::Peer;
use sightwire_live::Streams;
use sightwire_measure::clock;

use crate::transport::refusal::Refusal;

pub async fn end_stream(
    State(streams): State<Arc<Streams>>,
    Extension(Peer(peer)): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    if streams.end(&id) {
        tracing::info!(stream = id, %peer, "the stream was ended by an administrator");
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, &format!("There is no stream {id:?}.")))
}

pub async fn end_viewer(
    State(streams): State<Arc<Streams>>,
    Extension(Peer(peer)): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    if let Ok(id) = id.parse()
        && streams.viewers.end(id)
    {
        tracing::info!(viewer = id, %peer, "the viewer was sent away by an administrator");
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, &format!("There is no viewer {id:?}.")))
}

pub async fn viewers(State(streams): State<Arc<Streams>>) -> Json<Viewers> {
    let now = clock::now();
    Json(Viewers { viewers: streams.viewers.all().iter().map(|viewer| viewer.report(now)).collect() })
}
