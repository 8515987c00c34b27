//! One process alone: it owns what it claims.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Claim, ClaimError, Cluster};

/// The streams of this process.
#[derive(Debug, Default)]
pub struct Local {
    owned: Arc<Mutex<HashSet<Arc<str>>>>,
    token: AtomicU64,
}

impl Cluster for Local {
    fn claim<'a>(&'a self, stream: &'a Arc<str>) -> BoxFuture<'a, Result<Claim, ClaimError>> {
        let claimed = if self.owned.lock().insert(stream.clone()) {
            let (owned, stream) = (self.owned.clone(), stream.clone());
            let token = self.token.fetch_add(1, Ordering::Relaxed) + 1;
            let release = move || {
                owned.lock().remove(&stream);
            };
            Ok(Claim::new(token, CancellationToken::new(), release))
        } else {
            Err(ClaimError::Here)
        };
        ready(claimed).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_has_one_owner_and_is_free_again_when_its_claim_is_dropped() {
        let (local, stream) = (Local::default(), Arc::from("P-1"));
        let first = local.claim(&stream).await.unwrap();
        assert_eq!(local.claim(&stream).await.unwrap_err(), ClaimError::Here);
        assert!(local.claim(&Arc::from("P-2")).await.is_ok());
        let token = first.token;
        drop(first);
        assert!(local.claim(&stream).await.unwrap().token > token);
    }
}
