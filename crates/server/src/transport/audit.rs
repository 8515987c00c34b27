//! Who did what: one line for each request that changes something, and for each that was not allowed to.
//!
//! Not the handlers see to that, so none can forget it; they may say in words what they did.

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use sightwire_access::{Action, Role};
use sightwire_listen::client::ClientAddress;
use sightwire_measure::clock;
use sightwire_measure::lines::{self, AUDIT, LogThrottle};

use super::caller::Caller;

/// What was not allowed is said once in a while: anybody may try.
static DENIED: LogThrottle = LogThrottle::new();

/// What becomes of a request, for the line.
#[derive(Clone, Debug, Default)]
pub struct Deed(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    changes: OnceLock<()>,
    what: OnceLock<String>,
}

impl Deed {
    /// It asks for that, and changes something.
    pub fn asks_for(&self, action: &Action) {
        // What every sender and reader does is no deed.
        if action.role >= Some(Role::Operator) {
            let _ = self.0.changes.set(());
        }
    }

    /// In words that follow who did it, such as "added the camera gate". Never with anything secret.
    pub fn is(&self, what: String) {
        let _ = self.0.what.set(what);
    }
}

/// A layer inside of the one that finds who asks.
pub async fn told(request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else { return next.run(request).await };
    let client = request.extensions().get::<ClientAddress>().copied();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let Told { changes, what } = &*caller.deed().0;
    if changes.get().is_none() {
        return response;
    }
    let (status, who) = (response.status(), caller.principal().who().to_string());
    let (code, from) = (status.as_u16(), client.map(|client| client.to_string()));
    let who = lines::short(&who);
    if status.is_success() {
        let asked = || format!("asked for {method} {path}");
        let did = what.get().cloned().unwrap_or_else(asked);
        tracing::info!(target: AUDIT, code, from, "AUDIT {who} {}", lines::sentence(&did));
    } else if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        tracing::info!(target: AUDIT, code, from, "AUDIT {who} tried {method} {}", lines::short(&path));
    } else if let Some(unsaid) = DENIED.is_due(clock::now()) {
        let path = lines::short(&path);
        tracing::warn!(target: AUDIT, code, from, unsaid, "AUDIT {who} may not, and tried {method} {path}");
    }
    response
}
