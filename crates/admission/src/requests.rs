//! How many requests one key, user or address may make, and how many frames it may send over what they open.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use parking_lot::RwLock;
use sightwire_access::principal::Who;
use sightwire_base::clock;
use sightwire_base::shares::{Limit, Limited};
use sightwire_listen::asker::{Asker, AskerShares, Belonging};
use sightwire_listen::limits::LimitOptions;

use crate::caller::Caller;
use crate::refusal::Refusal;
use sightwire_listen::client;

/// This many seconds' worth may come at once: a page asks for all that it consists of.
const BURST_S: u32 = 5;
/// Of frames: those that a network has kept for a moment come together.
const FRAMES_BURST_S: u32 = 2;
/// After which a connection may have been closed.
const LATER_S: u64 = 5;

/// Counts requests and frames of each address, key and user.
#[derive(Clone, Debug)]
pub struct Requests {
    rate: Arc<Rate>,
    limited: Arc<Limited>,
    frames: FrameLimiter,
}

/// How many a second, and who has taken how many of them; `None`: there is no limit.
#[derive(Debug, Default)]
struct Rate(RwLock<Option<(u32, AskerShares)>>);

impl Rate {
    fn set_rate(&self, per_s: u32, burst_s: u32) {
        *self.0.write() = AskerShares::new(per_s, burst_s).map(|shares| (per_s, shares));
    }

    /// One more; an error says how many a second there may be, and after how long there is room.
    fn take_one(&self, asker: &Asker) -> Result<(), (u32, Duration)> {
        let now = self.0.read();
        let Some((per_s, shares)) = &*now else { return Ok(()) };
        shares.take_one(asker).map_err(|wait| (*per_s, wait))
    }
}

/// Frames of live streams that somebody sends. An extension of their requests.
#[derive(Clone, Debug, Default)]
pub struct FrameLimiter {
    rate: Arc<Rate>,
    limited: Arc<Limited>,
    /// Whose they are; `None`: of somebody who is not limited.
    asker: Option<Asker>,
}

impl Requests {
    /// This many a second for each, and this many frames; 0 means no limit. What is refused is counted in `limited`.
    pub fn new(limits: &LimitOptions, limited: Arc<Limited>) -> Self {
        let frames = FrameLimiter { limited: limited.clone(), ..FrameLimiter::default() };
        let this = Self { rate: Arc::default(), limited, frames };
        this.set_limits(limits);
        this
    }

    /// This many from now on, also of those who have connections.
    pub fn set_limits(&self, limits: &LimitOptions) {
        self.rate.set_rate(limits.requests_per_s, BURST_S);
        self.frames.rate.set_rate(limits.frames_per_s, FRAMES_BURST_S);
    }

    /// Counts one that came over another protocol, and has the extensions of those that come over HTTP.
    pub fn admit_request(&self, request: &Request) -> Result<(), Refusal> {
        self.check_rate(request_asker(request).as_ref())
    }

    fn check_rate(&self, asker: Option<&Asker>) -> Result<(), Refusal> {
        let Some(asker) = asker else { return Ok(()) };
        self.rate.take_one(asker).map_err(|(per_s, wait)| {
            let key = Limit::RequestsPerS.name();
            if let Some(unsaid) = self.limited.count(Limit::RequestsPerS, clock::now()) {
                tracing::warn!(
                    unsaid,
                    "requests of {asker} are refused: more than {per_s} a second (limits.{key})"
                );
            }
            let seconds = wait.as_secs() + 1;
            let detail = format!(
                "too many requests: {asker} may make {per_s} a second (limits.{key}); try again in {seconds} s"
            );
            Refusal::retry_later(StatusCode::TOO_MANY_REQUESTS, seconds, &detail)
        })
    }
}

impl FrameLimiter {
    /// Of somebody who has said only after the handshake who it is.
    #[must_use]
    pub fn for_caller(self, caller: &Caller) -> Self {
        let asker = self.asker.map(|asker| known_asker(caller).unwrap_or(asker));
        Self { asker, ..self }
    }

    /// Whose they are; `None`: of somebody who is not limited.
    pub fn asker(&self) -> Option<&Asker> {
        self.asker.as_ref()
    }

    /// Whether one more is taken, or it is one too many.
    pub fn take_frame(&self) -> bool {
        let Some(asker) = &self.asker else { return true };
        let Err((per_s, _)) = self.rate.take_one(asker) else { return true };
        if let Some(unsaid) = self.limited.count(Limit::FramesPerS, clock::now()) {
            let key = Limit::FramesPerS.name();
            tracing::warn!(
                unsaid,
                "frames of {asker} are dropped: more than {per_s} a second (limits.{key})"
            );
        }
        false
    }
}

/// `None`: a program on this machine, another process of its cluster, or nobody knows from where.
fn request_asker(request: &Request) -> Option<Asker> {
    let address = client::request_client(request.extensions())?.limit_address()?;
    let caller = request.extensions().get::<Caller>();
    // It asks for all who watch there.
    if caller.is_some_and(Caller::is_process) {
        return None;
    }
    Some(caller.and_then(known_asker).unwrap_or(Asker::Address(address)))
}

/// A key or user, if it is one.
fn known_asker(caller: &Caller) -> Option<Asker> {
    match caller.principal().who() {
        Who::Key { .. } | Who::User { .. } | Who::Proxied { .. } | Who::Token { .. } => {
            Some(Asker::Known(caller.owner()))
        }
        Who::Unknown(_) | Who::Anyone | Who::Here | Who::Legacy { .. } | Who::Process { .. } => None,
    }
}

/// Whose the connection is from now on, if they may have one more.
fn assign_connection(request: &Request, asker: Option<&Asker>) -> Result<(), Refusal> {
    let Some(belonging) = request.extensions().get::<Belonging>() else { return Ok(()) };
    belonging.assign_to(asker).map_err(|many| {
        let detail = format!("{many}; close some, or try again later");
        Refusal::retry_later(StatusCode::TOO_MANY_REQUESTS, LATER_S, &detail)
    })
}

/// A layer right within the one that finds who asks: whatever comes is counted, also what others refuse. What is one too many is
/// refused by [`limit_requests`], which stands behind what lets pages read the answer.
pub async fn count_request(State(requests): State<Requests>, mut request: Request, next: Next) -> Response {
    let asker = request_asker(&request);
    let counted =
        requests.check_rate(asker.as_ref()).and_then(|()| assign_connection(&request, asker.as_ref()));
    if let Err(refused) = counted {
        // Nothing stands behind the answer to a preflight.
        if request.method() == Method::OPTIONS {
            return refused.into_response();
        }
        request.extensions_mut().insert(refused);
    }
    request.extensions_mut().insert(FrameLimiter { asker, ..requests.frames });
    next.run(request).await
}

/// Refuses what was one too many.
pub async fn limit_requests(request: Request, next: Next) -> Response {
    match request.extensions().get::<Refusal>() {
        Some(refused) => refused.clone().into_response(),
        None => next.run(request).await,
    }
}
