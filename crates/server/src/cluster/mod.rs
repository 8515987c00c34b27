//! Who owns which stream. Several processes that behave as one agree on it here; a process of its own agrees with
//! itself.

mod local;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub use local::Local;

/// Decides who owns a stream.
pub trait Cluster: Send + Sync + fmt::Debug {
    /// Makes this process the owner of a stream that nobody owns.
    fn claim<'a>(&'a self, stream: &'a Arc<str>) -> BoxFuture<'a, Result<Claim, ClaimError>>;
}

/// This process owns a stream, until this is dropped.
pub struct Claim {
    /// Goes up with each claim of a stream: what was done under an older one is out of date.
    pub token: u64,
    /// Cancelled when the claim is no longer ours.
    pub lost: CancellationToken,
    release: Option<Box<dyn FnOnce() + Send + Sync>>,
}

/// Why a stream cannot be claimed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// This process owns it already.
    #[error("the stream is live here")]
    Here,
}

impl Claim {
    /// `release` gives it up.
    pub fn new(token: u64, lost: CancellationToken, release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { token, lost, release: Some(Box::new(release)) }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("token", &self.token).finish_non_exhaustive()
    }
}
