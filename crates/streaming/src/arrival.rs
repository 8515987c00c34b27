//! Who comes to watch, as their request says it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::Extensions;
use axum::response::Response;
use sightwire_admission::query::{self, Params};
use sightwire_api::stream::ViewerKind;
use sightwire_base::address::format_peer;
use sightwire_listen::client;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::NewViewer;

/// Somebody comes to watch, with that request.
pub fn viewer_from_request(request: &Request, kind: ViewerKind, endpoint: &'static str) -> NewViewer {
    let extensions = request.extensions();
    let client = client::request_client(extensions);
    NewViewer {
        peer: client.map(|client| client.socket()),
        who: sightwire_admission::caller::known_caller(extensions),
        proxied: client.is_none_or(|client| client.is_shared()),
        kind,
        page: None,
        beside: false,
        endpoint,
        connection: extensions.get().map(ConnectionHandle::cut_token),
    }
}

/// The address whose shares that request takes, if it can be told.
pub fn shares_of(extensions: &Extensions) -> Option<IpAddr> {
    client::request_client(extensions)?.share_address()
}

/// Says once for that client which of its parameters do nothing: in the log, and in a header of the answer.
pub fn name_unknown(
    response: Response,
    params: &Params,
    known: &[&str],
    endpoint: &'static str,
    peer: Option<SocketAddr>,
) -> Response {
    let notes = query::unknown_notes(params, known);
    if notes.is_empty() {
        return response;
    }
    tracing::info!(endpoint, from = peer.map(format_peer), "parameters without effect: {}", notes.join(" "));
    query::with_notes(response, &notes)
}
