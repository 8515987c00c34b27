//! Who did what: one line for each request that changes something, and for each that was not allowed to.
//!
//! Not the handlers see to that, so none can forget it; they may say in words what they did.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use sightwire_access::{Action, Role};
use sightwire_listen::client::ClientAddress;
use sightwire_measure::clock;
use sightwire_measure::lines::{self, AUDIT, LogThrottle};

use super::caller::Caller;
use super::may;

/// What was not allowed is said once in a while: anybody may try. Of each who is known, and of each address.
static DENIED: LazyLock<Mutex<HashMap<String, LogThrottle>>> = LazyLock::new(Mutex::default);
/// So many of them are told apart.
const MOST_DENIED: usize = 1000;

/// If that is to be said of them: how often it was not said since it was said last.
pub fn is_due(who: String) -> Option<u64> {
    let mut denied = DENIED.lock();
    if denied.len() >= MOST_DENIED && !denied.contains_key(&who) {
        denied.clear();
    }
    denied.entry(who).or_default().is_due(clock::now())
}

/// What becomes of a request, for the line.
#[derive(Clone, Debug, Default)]
pub struct Deed(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    changes: AtomicBool,
    what: OnceLock<String>,
}

impl Deed {
    /// It asks for that, and changes something.
    pub fn asks_for(&self, action: &Action) {
        // What every sender and reader does is no deed.
        if action.role >= Some(Role::Operator) {
            self.0.changes.store(true, Ordering::Relaxed);
        }
    }

    /// In words that follow who did it, such as "added the camera gate". Never with anything secret.
    pub fn is(&self, what: String) {
        let _ = self.0.what.set(what);
    }
}

/// A layer inside of the one that finds who asks.
pub async fn told(request: Request, next: Next) -> Response {
    // Frames and polls come by the thousand, and most others only look.
    let caller = request.extensions().get::<Caller>().filter(|_| may::changes(request.method()));
    let Some(caller) = caller.cloned() else { return next.run(request).await };
    let mut asked = Asked {
        client: request.extensions().get::<ClientAddress>().copied(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        status: None,
        caller,
    };
    let response = next.run(request).await;
    asked.status = Some(response.status());
    response
}

/// A request, which is told when it is over: answered, or given up by whoever made it.
struct Asked {
    caller: Caller,
    client: Option<ClientAddress>,
    method: Method,
    path: String,
    /// Of the answer; none where nobody waited for it. What was begun is then done all the same.
    status: Option<StatusCode>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Told { changes, what } = &*self.caller.deed().0;
        if !changes.load(Ordering::Relaxed) {
            return;
        }
        let who = self.caller.principal().who().quoted();
        let (shown, path) = (lines::sentence(&who), lines::short(&self.path));
        let (code, from) = (self.status.map(|status| status.as_u16()), self.client.map(|c| c.to_string()));
        let method = &self.method;
        match self.status {
            Some(status) if status.is_success() => {
                let asked = || format!("asked for {method} {path}");
                let did = what.get().cloned().unwrap_or_else(asked);
                tracing::info!(target: AUDIT, code, from, "AUDIT {shown} {}", lines::sentence(&did));
            }
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                let is_known = self.caller.principal().role().is_some();
                let address = || self.client.map(|client| client.ip().to_string()).unwrap_or_default();
                if let Some(unsaid) = is_due(if is_known { who.clone() } else { address() }) {
                    tracing::warn!(target: AUDIT, code, from, unsaid, "AUDIT {shown} may not, and tried {method} {path}");
                }
            }
            Some(_) => tracing::info!(target: AUDIT, code, from, "AUDIT {shown} tried {method} {path}"),
            None => {
                tracing::info!(
                    target: AUDIT,
                    from,
                    "AUDIT {shown} asked for {method} {path} and did not wait for the answer: it may be done"
                );
            }
        }
    }
}
