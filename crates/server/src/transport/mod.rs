//! Protocols. Each module translates between the wire and a pipeline and holds no other logic; none imports another.
//!
//! - [`socketio`]: the sign recogniser's clients
//! - [`mjpeg`]: cameras, for browsers and everything else that reads `multipart/x-mixed-replace`
//! - [`relay`]: streams that clients send, and their viewers
//! - [`rest`]: health, metrics and the JSON API
//! - [`page`]: the embedded pages
//!
//! Shared by them: [`query`] reads parameters, [`pick`] finds the camera that is meant,
//! [`host`] tells whether this server is asked, [`origin`] tells whose page asks, [`websocket`] upgrades.

use std::sync::Arc;

use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::Connection;

pub mod host;
pub mod mjpeg;
pub mod origin;
pub mod page;
pub mod pick;
pub mod query;
pub mod relay;
pub mod rest;
pub mod socketio;
pub mod websocket;

pub use sightwire_listen::refusal::error;

/// The connection that a viewer came with, for those who may end it.
#[derive(Debug)]
struct Ending(ConnectionHandle);

impl Connection for Ending {
    fn end(&self) {
        self.0.end();
    }
}

/// See [`Ending`].
fn ending(connection: Option<&ConnectionHandle>) -> Option<Arc<dyn Connection>> {
    connection.cloned().map(|connection| Arc::new(Ending(connection)) as _)
}

/// With a capital and a full stop, as answers have them.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    // An address at the beginning keeps its small letters.
    let text = if text.starts_with("http") { text.to_owned() } else { first + letters.as_str() };
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}
