//! Who may change how the server runs: by default whoever sits at it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sightwire_listen::Peer;

use crate::transport::origin::{is_proxied, is_this_machine};
use crate::transport::refusal::Refusal;
use sightwire_config::{Config, Who};

/// Something that is not for everyone.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// In words that follow "may".
    what: &'static str,
    /// Configuration key that says who may; refusals name it.
    key: &'static str,
    who: fn(&Config) -> Who,
    /// Pages of origins that the configuration lists may, too: it is what they are for.
    listed: bool,
}

/// Ending streams, sending viewers away.
pub const MANAGE: Change = Change {
    what: "end streams and viewers",
    key: "server.managing",
    who: |config| config.server.managing,
    listed: false,
};
/// Getting the library that runs networks.
pub const LIBRARY: Change = Change { what: "get the library", ..MANAGE };
/// Adding, changing and removing cameras, and having the server connect to one.
pub const CAMERAS: Change = Change {
    what: "change cameras",
    key: "cameras.changing",
    who: |config| config.cameras.changing,
    listed: false,
};
/// Saving the camera of a user, from the pages of the camera prototype.
pub const OWN_CAMERA: Change = Change { listed: true, ..CAMERAS };
/// Putting another model to use.
pub const MODEL: Change = Change {
    what: "switch the model",
    key: "recognizer.switching",
    who: |config| config.recognizer.switching,
    listed: false,
};

/// Whoever only looks may pass; who changes something, if that one may.
pub async fn guard(
    State((change, config)): State<(Change, Arc<Config>)>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && let Some(reason) = change.why_not(&config, peer, request.headers())
    {
        return Refusal::new(StatusCode::FORBIDDEN, &reason).into_response();
    }
    next.run(request).await
}

impl Change {
    /// Why this client may not, if it may not.
    pub fn why_not(self, config: &Config, peer: SocketAddr, headers: &HeaderMap) -> Option<String> {
        let listed = config.server.cors_origins.as_deref().filter(|_| self.listed);
        why_not((self.who)(config), self.what, self.key, listed, peer, headers)
    }
}

/// Behind a proxy everyone seems to be on this machine; and a page from elsewhere, open in a browser on this machine, must not
/// do it in its user's name.
fn why_not(
    who: Who,
    what: &str,
    key: &str,
    listed: Option<&[String]>,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Option<String> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_own = |origin: &str| {
        origin.split_once("://").is_some_and(|(_, rest)| rest == host)
            || listed.is_some_and(|list| list.iter().any(|listed| listed == origin))
    };
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let foreign = origin.is_some_and(|origin| !is_own(origin));
    let proxied = is_proxied(headers);
    // A name that an attacker's server resolves to this machine is not this machine's own.
    let own_name = is_this_machine(host);
    match who {
        Who::Nobody => Some(format!("Nobody may {what} while this server runs ({key} = \"nobody\").")),
        _ if foreign => Some(format!("Pages from elsewhere may not {what}.")),
        Who::Anyone => None,
        Who::Local if peer.ip().to_canonical().is_loopback() && !proxied && own_name => None,
        Who::Local => Some(format!(
            "Only on the machine that runs the server can one {what}; {key} = \"anyone\" allows it to all."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(who: Who, peer: &str, given: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", "127.0.0.1:8000".parse().unwrap());
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        let listed = ["https://app.example".to_owned()];
        why_not(who, "change it", "a.key", Some(&listed), peer.parse().unwrap(), &headers).is_some()
    }

    #[test]
    fn only_this_machine_may_change_things_unless_told_otherwise() {
        use Who::{Anyone, Local, Nobody};
        assert!(!refused(Local, "127.0.0.1:5000", &[]));
        assert!(!refused(Local, "[::1]:5000", &[("host", "[::1]:8000")]));
        assert!(!refused(Local, "[::ffff:127.0.0.1]:5000", &[("host", "localhost:8000")]));
        assert!(!refused(Local, "127.0.0.1:5000", &[("origin", "http://127.0.0.1:8000")]));
        assert!(refused(Local, "192.168.1.7:5000", &[]));
        assert!(refused(Local, "127.0.0.1:5000", &[("x-forwarded-for", "192.168.1.7")]));
        assert!(refused(Local, "127.0.0.1:5000", &[("origin", "https://evil.example")]));
        assert!(refused(Local, "127.0.0.1:5000", &[("host", "evil.example:8000")]));
        assert!(refused(Local, "127.0.0.1:5000", &[("origin", "null")]));
        assert!(!refused(Anyone, "192.168.1.7:5000", &[("host", "signs.example")]));
        assert!(refused(Anyone, "192.168.1.7:5000", &[("origin", "https://evil.example")]));
        assert!(!refused(Anyone, "192.168.1.7:5000", &[("origin", "https://app.example")]), "it is listed");
        assert!(refused(Local, "192.168.1.7:5000", &[("origin", "https://app.example")]));
        assert!(refused(Nobody, "127.0.0.1:5000", &[]));
    }
}
