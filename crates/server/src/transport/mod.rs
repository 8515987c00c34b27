//! Protocols. Each module translates between the wire and a pipeline and holds no other logic; none imports another.
//!
//! - [`socketio`]: the sign recogniser's clients
//! - [`mjpeg`]: cameras, for browsers and everything else that reads `multipart/x-mixed-replace`
//! - [`relay`]: streams that clients send, and their viewers
//! - [`boards`]: cameras as text over a WebSocket, for the pages of the camera prototype
//! - [`rest`]: health, metrics and the JSON API
//! - [`page`]: the embedded pages
//!
//! Shared by them: [`query`] reads parameters, [`parts`] what a path names, [`object`] a body, [`refusal`] says why something is not served, [`pick`] finds the camera that is meant,
//! [`routes`] holds every route and who may use it, [`paths`] tells apart what one path means to several,
//! [`caller`] finds who asks, [`requests`] whether too often, [`cookie`] is how browsers say it, [`may`] whether that one may, [`origin`] tells whose page asks,
//! [`audit`] says who did what.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::Extensions;
use sightwire_api::stream::ViewerKind;
use sightwire_listen::client;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::NewViewer;

pub mod audit;
pub mod boards;
pub mod caller;
pub mod cookie;
pub mod may;
pub mod mjpeg;
pub mod object;
pub mod origin;
pub mod page;
pub mod parts;
pub mod paths;
pub mod pick;
pub mod query;
pub mod refusal;
pub mod relay;
pub mod requests;
pub mod rest;
pub mod routes;
pub mod socketio;

pub use sightwire_listen::refusal::error;

/// Somebody comes to watch, with that request.
fn arrival(request: &Request, kind: ViewerKind, endpoint: &'static str) -> NewViewer {
    let extensions = request.extensions();
    let client = client::of(extensions);
    NewViewer {
        peer: client.map(|client| client.socket()),
        who: caller::named(extensions),
        proxied: client.is_none_or(|client| client.is_shared()),
        kind,
        endpoint,
        connection: extensions.get().map(ConnectionHandle::cutting),
    }
}

/// The address whose shares that request takes, if it can be told.
fn shares_of(extensions: &Extensions) -> Option<IpAddr> {
    client::of(extensions)?.shares()
}

/// With a capital and a full stop, as answers have them.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    // An address at the beginning keeps its small letters.
    let text = if text.starts_with("http") { text.to_owned() } else { first + letters.as_str() };
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}
