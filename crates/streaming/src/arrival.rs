//! Who comes to watch, as their request says it.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::Extensions;
use sightwire_api::stream::ViewerKind;
use sightwire_listen::client;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::NewViewer;

/// Somebody comes to watch, with that request.
pub fn arrival(request: &Request, kind: ViewerKind, endpoint: &'static str) -> NewViewer {
    let extensions = request.extensions();
    let client = client::of(extensions);
    NewViewer {
        peer: client.map(|client| client.socket()),
        who: sightwire_http::caller::known(extensions),
        proxied: client.is_none_or(|client| client.is_shared()),
        kind,
        page: None,
        beside: false,
        endpoint,
        connection: extensions.get().map(ConnectionHandle::cutting),
    }
}

/// The address whose shares that request takes, if it can be told.
pub fn shares_of(extensions: &Extensions) -> Option<IpAddr> {
    client::of(extensions)?.shares()
}
