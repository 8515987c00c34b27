//! Ending streams and sending viewers away; and who watches.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sightwire_listen::Peer;
use sightwire_live::relay::Relay;

use super::changes::why_not;
use crate::config::Who;
use crate::transport::error;

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Manage {
    pub relay: Arc<Relay>,
    /// Who may.
    pub who: Who,
}

impl Manage {
    /// Why this client may not, if it may not.
    pub fn why_not(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<String> {
        why_not(self.who, "end streams and viewers", "server.managing", peer, headers)
    }
}

pub async fn end_stream(
    State(manage): State<Manage>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Some(reason) = manage.why_not(peer, &headers) {
        return error(StatusCode::FORBIDDEN, &reason);
    }
    if manage.relay.end(&id) || manage.relay.cameras.end(&id) {
        tracing::info!(stream = id, %peer, "the stream was ended by an administrator");
        return StatusCode::NO_CONTENT.into_response();
    }
    error(StatusCode::NOT_FOUND, &format!("There is no stream {id:?}."))
}

pub async fn end_viewer(
    State(manage): State<Manage>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Some(reason) = manage.why_not(peer, &headers) {
        return error(StatusCode::FORBIDDEN, &reason);
    }
    if let Ok(id) = id.parse()
        && manage.relay.cameras.viewers.end(id)
    {
        tracing::info!(viewer = id, %peer, "the viewer was sent away by an administrator");
        return StatusCode::NO_CONTENT.into_response();
    }
    error(StatusCode::NOT_FOUND, &format!("There is no viewer {id:?}."))
}

pub async fn viewers(State(manage): State<Manage>) -> Json<Value> {
    let now = Instant::now();
    let all: Vec<Value> =
        manage.relay.cameras.viewers.all().iter().map(|viewer| viewer.report(now)).collect();
    Json(json!({ "viewers": all }))
}
