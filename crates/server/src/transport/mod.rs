//! Protocols. Each module translates between the wire and a pipeline and holds no other logic; none imports another.
//!
//! - [`socketio`]: the sign recogniser's clients
//! - [`mjpeg`]: cameras, for browsers and everything else that reads `multipart/x-mixed-replace`
//! - [`relay`]: streams that clients send, and their viewers
//! - [`boards`]: cameras as text over a WebSocket, for the pages of the camera prototype
//! - [`inference`]: pictures of other servers, over gRPC
//! - [`rest`]: health, metrics and the JSON API
//! - [`page`]: the embedded pages
//!
//! What they share is in `sightwire_http`; [`pick`] finds the camera that is meant, [`paths`] tells apart what one path means to several.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::Extensions;
use sightwire_api::stream::ViewerKind;
use sightwire_listen::client;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::NewViewer;

pub mod boards;
pub mod inference;
pub mod mjpeg;
pub mod page;
pub mod paths;
pub mod pick;
pub mod relay;
pub mod rest;
pub mod socketio;

pub use sightwire_listen::refusal::error;

/// Somebody comes to watch, with that request.
fn arrival(request: &Request, kind: ViewerKind, endpoint: &'static str) -> NewViewer {
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
fn shares_of(extensions: &Extensions) -> Option<IpAddr> {
    client::of(extensions)?.shares()
}
