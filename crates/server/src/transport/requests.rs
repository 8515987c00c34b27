//! How many requests one key, user or address may make.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use sightwire_access::principal::Who;
use sightwire_measure::clock;
use sightwire_measure::shares::{Limit, Limited, Shares};

use super::caller::Caller;
use super::refusal::Refusal;
use sightwire_listen::client;

/// So many seconds' worth may come at once: a page asks for all that it consists of.
const BURST_S: u32 = 5;

/// Who makes requests, as far as they are limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asker {
    /// A key or a user, wherever they are.
    Known(Arc<str>),
    /// Everybody else there.
    Address(IpAddr),
}

/// Counts them.
#[derive(Clone, Debug)]
pub struct Requests {
    per_s: u32,
    shares: Option<Arc<Shares<Asker>>>,
    limited: Arc<Limited>,
}

impl Requests {
    /// So many a second for each; 0 is no limit. What is refused is counted in `limited`.
    pub fn new(per_s: u32, limited: Arc<Limited>) -> Self {
        Self { per_s, shares: Shares::new(per_s, BURST_S).map(Arc::new), limited }
    }

    fn check(&self, request: &Request) -> Result<(), Refusal> {
        let (Some(shares), Some(asker)) = (&self.shares, asker(request)) else { return Ok(()) };
        shares.take(&asker).map_err(|wait| {
            let key = Limit::RequestsPerS.name();
            if let Some(unsaid) = self.limited.count(Limit::RequestsPerS, clock::now()) {
                tracing::warn!(
                    unsaid,
                    "requests of {asker} are refused: more than {} a second (limits.{key})",
                    self.per_s
                );
            }
            let seconds = wait.as_secs() + 1;
            let detail = format!(
                "too many requests: {asker} may make {} a second (limits.{key}); try again in {seconds} s",
                self.per_s
            );
            Refusal::later(StatusCode::TOO_MANY_REQUESTS, seconds, &detail)
        })
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => write!(f, "the {name}"),
            Self::Address(address) => write!(f, "the address {address}"),
        }
    }
}

/// `None`: a program on this machine, or nobody knows from where.
fn asker(request: &Request) -> Option<Asker> {
    let address = client::of(request.extensions())?.limited()?;
    let caller = request.extensions().get::<Caller>();
    let known = caller.filter(|caller| match caller.principal().who() {
        Who::Key { .. } | Who::User { .. } | Who::Proxied { .. } | Who::Token { .. } => true,
        Who::Unknown(_) | Who::Anyone | Who::Here | Who::Legacy { .. } => false,
    });
    Some(known.map_or(Asker::Address(address), |caller| Asker::Known(caller.owner())))
}

/// A layer within the one that finds who asks.
pub async fn limit(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    match requests.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}
