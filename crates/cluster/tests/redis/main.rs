//! The store in Redis, against real servers of Redis that nobody else uses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod alike;
mod server;

mod faults;
mod leases;
mod queue;
mod random;
mod refused;
mod rights;
mod told;

use std::sync::Arc;
use std::time::Duration;

use sightwire_cluster::entry::Token;
use sightwire_cluster::process::{Instance, Record};
use sightwire_cluster::store::{Beat, Claim, Claimed, Heartbeat, Keep, Kept, Store, StoreError};

use server::Server;

const TTL: Duration = Duration::from_secs(5);

/// One life of a process, as it shows itself to a store.
#[derive(Clone, Debug)]
struct Life {
    name: Arc<str>,
    instance: Instance,
    url: Arc<str>,
    ttl: Duration,
    joined: bool,
    check: Arc<str>,
    epoch: Arc<str>,
}

impl Life {
    fn of(name: &str, instance: u64) -> Self {
        Self {
            name: name.into(),
            instance: instance.into(),
            url: format!("http://{name}.example:8000").into(),
            ttl: TTL,
            joined: false,
            check: "same".into(),
            epoch: format!("epoch-{instance}").into(),
        }
    }

    /// So, as if its last heartbeat had been this long ago.
    fn is_silent(&self, server: &Server, silent: Duration) {
        let [seconds, micros]: [u64; 2] = server.ask(&["TIME"]);
        let now = Duration::from_secs(seconds) + Duration::from_micros(micros);
        let until = (now + self.ttl).saturating_sub(silent).as_millis().to_string();
        server.ask::<u64>(&["ZADD", "{p}:until", &until, &self.name]);
    }

    fn heartbeat(&self) -> Heartbeat {
        let Self { name, instance, url, ttl, joined, check, epoch } = self.clone();
        Heartbeat { record: Record { name, instance, url, about: "{}".into() }, ttl, check, joined, epoch }
    }

    async fn beat(&self, store: &dyn Store) -> Result<Beat, StoreError> {
        store.beat_process(&self.heartbeat()).await
    }

    async fn claim(&self, store: &dyn Store, stream: &str) -> Result<Claimed, StoreError> {
        self.claim_instead(store, stream, None).await
    }

    async fn claim_again(&self, store: &dyn Store, stream: &str) -> Result<Claimed, StoreError> {
        store.claim_stream(&Claim { again: true, ..self.claim_of(stream, None) }).await
    }

    fn claim_of(&self, stream: &str, instead_of: Option<(Token, Duration)>) -> Claim {
        let (name, instance, ttl) = (self.name.clone(), self.instance, self.ttl);
        let about = r#"{"m":"normal","b":false}"#.into();
        Claim { stream: stream.into(), name, instance, about, ttl, instead_of, again: false }
    }

    async fn claim_instead(
        &self,
        store: &dyn Store,
        stream: &str,
        instead_of: Option<(Token, Duration)>,
    ) -> Result<Claimed, StoreError> {
        store.claim_stream(&self.claim_of(stream, instead_of)).await
    }

    async fn granted(&self, store: &dyn Store, stream: &str) -> Token {
        match self.claim(store, stream).await.unwrap() {
            Claimed::Granted(token) => token,
            held @ Claimed::Held { .. } => panic!("{held:?}"),
        }
    }

    async fn keep(&self, store: &dyn Store, stream: &str, token: Token) -> Result<Kept, StoreError> {
        let (name, instance) = (self.name.clone(), self.instance);
        let about = r#"{"m":"normal","b":false}"#.into();
        store.keep_stream(&Keep { stream: stream.into(), name, instance, token, about }).await
    }
}
