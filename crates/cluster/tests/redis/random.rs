//! Many processes at once, and each step at random.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sightwire_cluster::entry::{Entry, Token};
use sightwire_cluster::store::{Change, Changed, Claimed, Kept, Store, StoreError};
use tokio::task::JoinSet;

use crate::server::{Server, StoreConnection};
use crate::{Life, TTL};

const PROCESSES: u64 = 4;
const STREAMS: u64 = 6;

/// What one process does until it has claimed this many times; the leases that it was granted.
async fn lives(server: &Server, store: &dyn Store, number: u64, most: usize) -> Vec<(u64, Token)> {
    let mut dice = fastrand::Rng::with_seed(number);
    let mut life = Life::of(&format!("p{number}"), number);
    let (mut granted, mut has) = (Vec::new(), BTreeMap::new());
    let mut claims = 0;
    while claims < most {
        let stream = dice.u64(..STREAMS);
        let name = format!("ward {stream}");
        match dice.u32(..10) {
            0 => {
                life.beat(store).await.unwrap();
                life.joined = true;
            }
            // Nothing was heard of it for a while.
            1 => life.is_silent(server, TTL),
            2..4 => {
                if let Some(token) = has.remove(&stream) {
                    store.release_stream(&name, token).await.unwrap();
                }
            }
            4..6 => {
                let Some(&token) = has.get(&stream) else { continue };
                match life.keep(store, &name, token).await {
                    Ok(Kept::Kept) => {}
                    Ok(Kept::Lost(to)) => {
                        assert_ne!(to, token);
                        has.remove(&stream);
                    }
                    Err(error) => assert_eq!(error, StoreError::Unknown),
                }
            }
            way => {
                let mut claimed = life.claim(store, &name).await;
                if let Ok(Claimed::Held { token, process, .. }) = &claimed {
                    assert_ne!(*process, life.name);
                    // As if its process had been silent for long enough.
                    if way == 6 {
                        claimed = life.claim_instead(store, &name, Some((*token, Duration::ZERO))).await;
                    }
                }
                match claimed {
                    Ok(Claimed::Granted(token)) => {
                        granted.push((stream, token));
                        has.insert(stream, token);
                    }
                    Ok(Claimed::Held { .. }) => {}
                    Err(error) => assert_eq!(error, StoreError::Unknown),
                }
                // As if the answer had been lost.
                let token = has.get(&stream).copied().filter(|_| way == 7);
                if let Some(token) = token
                    && let Ok(Claimed::Granted(again)) = life.claim_again(store, &name).await
                    && again != token
                {
                    granted.push((stream, again));
                    has.insert(stream, again);
                }
                claims += 1;
            }
        }
    }
    granted
}

#[tokio::test]
async fn no_lease_is_ever_granted_twice_and_each_is_above_the_one_before() {
    let full = std::env::var_os("SIGHTWIRE_FULL").is_some();
    let claims = if full { 10_000 } else { 1000 } / PROCESSES as usize;
    let server = Arc::new(Server::start());
    let listener = StoreConnection::open(&server, "p").await;
    let mut changes = listener.store.subscribe_changes();
    let mut all = JoinSet::new();
    for number in 1..=PROCESSES {
        let place = StoreConnection::open(&server, "p").await;
        let server = server.clone();
        all.spawn(async move { lives(&server, &*place.store, number, claims).await });
    }
    let mut highest: BTreeMap<Arc<str>, Token> = BTreeMap::new();
    // A process that was granted a lease may get it back after another had the stream, which nobody else may.
    let mut seen: BTreeMap<Token, (Arc<str>, Arc<str>)> = BTreeMap::new();
    let mut version = 0;
    let mut granted: Vec<(u64, Token)> = Vec::new();
    let mut told = |change: Change| {
        version += 1;
        assert_eq!(change.version, version);
        let Changed::Stream(stream, Some(value)) = change.what else { return };
        let Entry { token, process, .. } = Entry::parse_value(&stream, &value).unwrap();
        let before = highest.entry(stream.clone()).or_insert(Token::NONE);
        if let Some(owner) = seen.get(&token) {
            assert_eq!(owner, &(stream, process));
        } else {
            assert!(token > *before, "{token} was granted after {before}");
            *before = token;
            seen.insert(token, (stream, process));
        }
    };
    while !all.is_empty() {
        tokio::select! {
            change = changes.recv() => told(change.unwrap()),
            Some(ended) = all.join_next() => granted.extend(ended.unwrap()),
        }
    }
    let last = listener.store.read_snapshot().await.unwrap().version;
    while let Ok(change) = changes.try_recv() {
        told(change);
    }
    assert_eq!(version, last);
    let tokens: BTreeSet<Token> = granted.iter().map(|(_, token)| *token).collect();
    assert_eq!(tokens.len(), granted.len(), "no token is granted twice");
    assert_eq!(tokens, seen.into_keys().collect());
    assert!(tokens.len() > claims / 10, "{}", tokens.len());
}
