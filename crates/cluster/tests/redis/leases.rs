//! Who has which stream.

use std::time::Duration;

use sightwire_cluster::entry::Token;
use sightwire_cluster::redis::Redis;
use sightwire_cluster::store::{Claimed, Kept, Snapshot, Store as _, StoreError};

use crate::server::{Server, StoreConnection};
use crate::{Life, TTL};

async fn read(store: &Redis) -> Snapshot {
    store.read_snapshot().await.unwrap()
}

fn streams(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.streams.iter().map(|(name, _)| &**name).collect()
}

#[tokio::test]
async fn a_stream_is_claimed_held_kept_and_released() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    let nothing = read(store).await;
    assert_eq!(nothing, Snapshot { at: nothing.at, ..Snapshot::default() });
    assert_eq!(a.claim(store, "ward 3").await, Err(StoreError::Unknown), "nobody has heard of it");

    let beat = a.beat(store).await.unwrap();
    assert_eq!((&*beat.epoch, beat.version, beat.lapsed), ("epoch-1", 1, true));
    let until = beat.at + a.ttl.as_millis() as u64;
    assert_eq!(beat.heard, [("a".into(), until)]);
    let beat = b.beat(store).await.unwrap();
    assert_eq!((&*beat.epoch, beat.version, beat.heard.len()), ("epoch-1", 2, 2));
    assert!(!b.beat(store).await.unwrap().lapsed);

    let token = a.granted(store, "ward 3").await;
    let held = b.claim(store, "ward 3").await.unwrap();
    let expected = Claimed::Held { token, process: "a".into(), heard: until - a.ttl.as_millis() as u64 };
    assert_eq!(held, expected);
    assert_eq!(a.keep(store, "ward 3", token).await, Ok(Kept::Kept));
    assert_eq!(b.keep(store, "ward 3", Token::from(5)).await, Ok(Kept::Lost(token)));

    let snapshot = read(store).await;
    assert_eq!((&*snapshot.epoch, snapshot.version), ("epoch-1", 3), "what was as before is no change");
    let value = format!(r#"{token} 0000000000000001/a {{"m":"normal","b":false}}"#);
    assert_eq!(snapshot.streams, [("ward 3".into(), value.into())]);
    let records: Vec<_> = snapshot.processes.iter().map(|(record, _)| record.clone()).collect();
    assert_eq!(records, [a.heartbeat().record, b.heartbeat().record]);

    store.release_stream("ward 3", Token::from(5)).await.unwrap();
    assert_eq!(streams(&read(store).await), ["ward 3"], "that lease is none");
    store.release_stream("ward 3", token).await.unwrap();
    assert_eq!(streams(&read(store).await), [""; 0]);
    let next = b.granted(store, "ward 3").await;
    assert!(next > token);
    let own = b.granted(store, "ward 3").await;
    assert!(own > next, "an own lease is no obstacle");
    let before = read(store).await.version;
    assert_eq!(b.claim_again(store, "ward 3").await, Ok(Claimed::Granted(own)), "the answer was lost");
    assert_eq!(read(store).await.version, before, "and nothing has changed");
    assert!(matches!(a.claim_again(store, "ward 3").await, Ok(Claimed::Held { .. })));
}

#[tokio::test]
async fn who_leaves_has_nothing_any_more() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    for life in [&a, &b] {
        life.beat(store).await.unwrap();
    }
    for stream in ["x", "y"] {
        a.granted(store, stream).await;
    }
    b.granted(store, "z").await;
    store.leave_process("a", 9.into()).await.unwrap();
    assert_eq!(read(store).await.streams.len(), 3, "that was another life");
    store.leave_process("a", a.instance).await.unwrap();
    let snapshot = read(store).await;
    assert_eq!((streams(&snapshot), snapshot.processes.len()), (vec!["z"], 1));
    assert_eq!(b.beat(store).await.unwrap().heard.len(), 1);
    assert_eq!(a.claim(store, "x").await, Err(StoreError::Unknown));
}

#[tokio::test]
async fn a_stream_is_anothers_only_once_its_process_is_silent() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    a.beat(store).await.unwrap();
    b.beat(store).await.unwrap();
    let first = a.granted(store, "ward").await;
    assert!(matches!(b.claim(store, "ward").await, Ok(Claimed::Held { .. })));
    a.is_silent(&server, TTL);
    let second = b.granted(store, "ward").await;
    assert!(second > first);

    assert_eq!(a.keep(store, "ward", first).await, Err(StoreError::Unknown));
    let a = Life { joined: true, ..a };
    assert!(a.beat(store).await.unwrap().lapsed);
    assert_eq!(a.keep(store, "ward", first).await, Ok(Kept::Lost(second)));
    store.release_stream("ward", first).await.unwrap();
    assert_eq!(streams(&read(store).await), ["ward"], "it is the other's");
}

#[tokio::test]
async fn a_heartbeat_counts_as_long_as_it_says() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (store, ttl) = (&*place.store, Duration::from_millis(50));
    let a = Life { ttl, ..Life::of("a", 1) };
    let beat = a.beat(store).await.unwrap();
    assert_eq!(beat.heard, [("a".into(), beat.at + 50)]);
    tokio::time::sleep(ttl).await;
    assert_eq!(a.claim(store, "ward").await, Err(StoreError::Unknown));
}

#[tokio::test]
async fn what_lapsed_and_nobody_took_is_still_its_own() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let a = Life::of("a", 1);
    let version = a.beat(store).await.unwrap().version;
    let token = a.granted(store, "ward").await;
    a.is_silent(&server, TTL);
    assert_eq!(a.keep(store, "ward", token).await, Err(StoreError::Unknown));
    let beat = Life { joined: true, ..a.clone() }.beat(store).await.unwrap();
    assert_eq!((beat.lapsed, beat.version), (true, version + 1));
    assert_eq!(a.keep(store, "ward", token).await, Ok(Kept::Kept));
    let b = Life::of("b", 2);
    b.beat(store).await.unwrap();
    assert!(matches!(b.claim(store, "ward").await, Ok(Claimed::Held { token: held, .. }) if held == token));
}

#[tokio::test]
async fn one_that_was_silent_for_a_while_gives_way_to_who_asks_for_that() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    b.beat(store).await.unwrap();
    a.beat(store).await.unwrap();
    let token = a.granted(store, "ward").await;
    let quiet = Duration::from_secs(3);
    let instead = |token| b.claim_instead(store, "ward", Some((token, quiet)));
    a.is_silent(&server, quiet / 3);
    assert!(matches!(instead(token).await, Ok(Claimed::Held { .. })));
    a.is_silent(&server, quiet);
    assert!(matches!(instead(Token::NONE).await, Ok(Claimed::Held { .. })), "that is another lease");
    let Ok(Claimed::Granted(second)) = instead(token).await else { panic!("it was silent for long enough") };
    assert!(second > token);
    assert_eq!(a.keep(store, "ward", token).await, Ok(Kept::Lost(second)));
}

#[tokio::test]
async fn a_flushed_redis_is_another_and_gets_back_what_is_still_there() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let a = Life::of("a", 1);
    a.beat(store).await.unwrap();
    let token = a.granted(store, "ward").await;
    server.ask::<()>(&["FLUSHALL"]);
    assert_eq!(a.keep(store, "ward", token).await, Err(StoreError::Unknown));
    let a = Life { joined: true, epoch: "second".into(), ..a };
    let beat = a.beat(store).await.unwrap();
    assert_eq!((&*beat.epoch, beat.lapsed), ("second", true));
    assert_eq!(a.keep(store, "ward", token).await, Ok(Kept::Kept));
    let value = format!(r#"{token} 0000000000000001/a {{"m":"normal","b":false}}"#);
    assert_eq!(read(store).await.streams, [("ward".into(), value.into())]);
    assert!(a.granted(store, "other").await > token, "tokens go on upwards");
    // Even if its clock went back meanwhile.
    let ahead = Token::from(u64::from(token) + 1_000_000_000);
    assert_eq!(a.keep(store, "third", ahead).await, Ok(Kept::Kept));
    assert!(a.granted(store, "third").await > ahead);
    assert!(a.granted(store, "fourth").await > ahead);
}

#[tokio::test]
async fn any_key_may_be_evicted() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let mut a = Life::of("a", 1);
    a.beat(store).await.unwrap();
    let token = a.granted(store, "ward").await;
    a.joined = true;
    for key in ["meta", "count", "processes", "until", "streams"] {
        let epoch = a.epoch.clone();
        a.epoch = format!("after-{key}").into();
        assert_eq!(server.ask::<u64>(&["DEL", &format!("{{p}}:{key}")]), 1, "{key}");
        let beat = a.beat(store).await.unwrap();
        assert_eq!(*beat.epoch == *a.epoch, key == "meta", "{key}");
        if key != "meta" {
            a.epoch = epoch;
        }
        assert_eq!(a.keep(store, "ward", token).await, Ok(Kept::Kept), "{key}");
        let snapshot = read(store).await;
        assert_eq!((streams(&snapshot), snapshot.processes.len()), (vec!["ward"], 1), "{key}");
        let next = a.granted(store, "other").await;
        assert!(next > token, "{key}");
        store.release_stream("other", next).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_is_dead_for_long_is_forgotten_with_all_it_had() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    a.beat(store).await.unwrap();
    b.beat(store).await.unwrap();
    a.granted(store, "x").await;
    b.granted(store, "y").await;
    a.is_silent(&server, TTL + Duration::from_secs(50));
    b.beat(store).await.unwrap();
    assert_eq!(read(store).await.streams.len(), 2);
    a.is_silent(&server, TTL + Duration::from_secs(60));
    let beat = b.beat(store).await.unwrap();
    let snapshot = read(store).await;
    assert_eq!((streams(&snapshot), snapshot.processes.len(), beat.heard.len()), (vec!["y"], 1, 1));
}

#[tokio::test]
async fn of_too_much_as_much_is_read_as_fits() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let a = Life::of("a", 1);
    a.beat(store).await.unwrap();
    let fill = r#"
        for i = 1, 12000 do redis.call('HSET', KEYS[1], 'ward ' .. i, '5 0000000000000001/a {"m":"normal"}') end
        for i = 1, 1200 do
          redis.call('HSET', KEYS[2], 'p' .. i, '000000000000000a http://p:8000 {}')
          redis.call('ZADD', KEYS[3], 1e13, 'p' .. i)
        end"#;
    server.ask::<()>(&["EVAL", fill, "3", "{p}:streams", "{p}:processes", "{p}:until"]);
    let snapshot = read(store).await;
    assert_eq!((snapshot.streams.len(), snapshot.processes.len()), (10_000, 1000));
    assert_eq!(a.beat(store).await.unwrap().heard.len(), 1000);
}
