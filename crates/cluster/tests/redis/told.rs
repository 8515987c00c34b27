//! What changes is told to all.

use std::time::Duration;

use sightwire_cluster::store::{Change, Changed, Store as _};
use tokio::sync::broadcast::Receiver;

use crate::Life;
use crate::server::{Server, StoreConnection};

pub async fn next(changes: &mut Receiver<Change>) -> Change {
    let change = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await;
    change.expect("it is told in time").unwrap()
}

#[tokio::test]
async fn changes_are_told_to_all_in_order_and_each_has_its_number() {
    let server = Server::start();
    let (here, there) =
        (StoreConnection::open(&server, "p").await, StoreConnection::open(&server, "p").await);
    let other = StoreConnection::open(&server, "q").await;
    let (mut told_here, mut told_there) = (here.store.subscribe_changes(), there.store.subscribe_changes());
    let mut told_other = other.store.subscribe_changes();
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    a.beat(&*here.store).await.unwrap();
    b.beat(&*there.store).await.unwrap();
    a.beat(&*here.store).await.unwrap();
    let token = a.granted(&*here.store, "ward\u{e9}").await;
    a.keep(&*here.store, "ward\u{e9}", token).await.unwrap();
    here.store.release_stream("ward\u{e9}", token).await.unwrap();
    here.store.leave_process("a", a.instance).await.unwrap();
    let value = format!(r#"{token} 0000000000000001/a {{"m":"normal","b":false}}"#);
    let expected = [
        Changed::Process("a".into(), Some(a.heartbeat().record)),
        Changed::Process("b".into(), Some(b.heartbeat().record)),
        Changed::Stream("ward\u{e9}".into(), Some(value.into())),
        Changed::Stream("ward\u{e9}".into(), None),
        Changed::Process("a".into(), None),
    ];
    for (what, version) in expected.into_iter().zip(1..) {
        let change = Change { version, what };
        assert_eq!(next(&mut told_here).await, change);
        assert_eq!(next(&mut told_there).await, change);
    }
    assert_eq!(b.beat(&*there.store).await.unwrap().version, 5);
    assert!(told_here.try_recv().is_err() && told_other.try_recv().is_err());
}

#[tokio::test]
async fn what_somebody_else_tells_is_passed_over() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let mut told = place.store.subscribe_changes();
    for words in ["", "hello", "1\nstream\nward\nbroken", "x\nstream\nward\n"] {
        assert_eq!(server.ask::<u64>(&["PUBLISH", "{p}:meta", words]), 1);
    }
    let a = Life::of("a", 1);
    a.beat(&*place.store).await.unwrap();
    let record = a.heartbeat().record;
    let change = Change { version: 1, what: Changed::Process("a".into(), Some(record)) };
    assert_eq!(next(&mut told).await, change);
}
