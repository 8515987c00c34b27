//! Who may not take part, and is told why.

use std::time::Duration;

use sightwire_cluster::redis::{Redis, RedisStatus};
use sightwire_cluster::store::{Refusal, Store as _, StoreError};

use crate::server::{Server, StoreConnection};
use crate::{Life, TTL};

async fn refusal(life: &Life, store: &Redis) -> Refusal {
    match life.beat(store).await {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// What is said of a Redis that takes nobody.
async fn turned_away(url: String) -> StoreError {
    let place = StoreConnection::begin(url, "p");
    let life = Life::of("a", 1);
    let error = life.beat(&*place.store).await.unwrap_err();
    assert!(matches!(place.store.status(), RedisStatus::Away { why, .. } if why == error));
    error
}

#[tokio::test]
async fn of_two_with_one_name_the_one_that_is_there_stays() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let first = Life::of("a", 1);
    first.beat(store).await.unwrap();
    let second = Life { url: "http://elsewhere:8000".into(), ..Life::of("a", 2) };
    let (name, url) = (second.name.clone(), first.url.clone());
    assert_eq!(refusal(&second, store).await, Refusal::Name { name: name.clone(), url });
    assert!(!first.beat(store).await.unwrap().lapsed, "it is not disturbed");
    first.is_silent(&server, TTL);
    second.beat(store).await.unwrap();
    let late = Life { joined: true, ..first };
    assert_eq!(refusal(&late, store).await, Refusal::Replaced { name, url: second.url });
}

#[tokio::test]
async fn whoever_has_the_very_address_of_another_takes_its_place() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let store = &*place.store;
    let (first, second) = (Life::of("a", 1), Life::of("a", 2));
    first.beat(store).await.unwrap();
    let token = first.granted(store, "ward").await;
    assert!(second.beat(store).await.unwrap().lapsed);
    let (name, url) = (first.name.clone(), first.url.clone());
    let first = Life { joined: true, ..first };
    assert_eq!(refusal(&first, store).await, Refusal::Replaced { name, url });
    assert!(second.granted(store, "ward").await > token, "what the dead one had is free");
}

#[tokio::test]
async fn another_secret_is_refused() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    Life::of("a", 1).beat(&*place.store).await.unwrap();
    let other = Life { check: "other".into(), ..Life::of("b", 2) };
    assert_eq!(refusal(&other, &place.store).await, Refusal::Secret);
    assert_eq!(place.store.read_snapshot().await.unwrap().processes.len(), 1);
}

#[tokio::test]
async fn what_nobody_has_gone_by_for_a_minute_binds_nobody() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let first = Life::of("a", 1);
    let before = first.beat(&*place.store).await.unwrap();
    first.claim(&*place.store, "ward").await.unwrap();
    let other = Life { check: "other".into(), ..Life::of("b", 2) };
    first.is_silent(&server, TTL + Duration::from_secs(55));
    assert_eq!(refusal(&other, &place.store).await, Refusal::Secret, "it may come back");
    first.is_silent(&server, TTL + Duration::from_secs(61));
    let beat = other.beat(&*place.store).await.unwrap();
    assert_ne!(beat.epoch, before.epoch);
    assert_eq!((beat.streams, beat.heard.len()), (0, 1));
    assert_eq!(refusal(&first, &place.store).await, Refusal::Secret);
    server.ask::<u64>(&["HSET", "{p}:meta", "format", "2"]);
    assert!(matches!(refusal(&other, &place.store).await, Refusal::Format { .. }));
    other.is_silent(&server, TTL + Duration::from_secs(61));
    other.beat(&*place.store).await.unwrap();
}

#[tokio::test]
async fn those_with_different_prefixes_do_not_meet() {
    let server = Server::start();
    let (p, q) = (StoreConnection::open(&server, "p").await, StoreConnection::open(&server, "q").await);
    Life::of("a", 1).beat(&*p.store).await.unwrap();
    let other = Life { check: "other".into(), ..Life::of("a", 2) };
    assert_eq!(other.beat(&*q.store).await.unwrap().heard.len(), 1);
    assert_eq!(p.store.read_snapshot().await.unwrap().processes.len(), 1);
}

#[tokio::test]
async fn another_version_of_what_is_kept_is_refused() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    Life::of("a", 1).beat(&*place.store).await.unwrap();
    server.ask::<u64>(&["HSET", "{p}:meta", "format", "2"]);
    let refused = refusal(&Life::of("b", 2), &place.store).await;
    assert_eq!(refused, Refusal::Format { ours: 1, theirs: "2".into() });
}

#[tokio::test]
async fn what_others_keep_under_our_names_stays_theirs() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let life = Life::of("a", 1);
    for (key, is, want, words) in [
        ("{p}:meta", "string", "hash", &["SET", "{p}:meta", "x"][..]),
        ("{p}:until", "list", "zset", &["RPUSH", "{p}:until", "x"]),
        ("{p}:rights", "hash", "string", &["HSET", "{p}:rights", "x", "y"]),
    ] {
        server.ask::<redis::Value>(words);
        let expected = Refusal::Type { key: key.into(), is: is.into(), want };
        assert_eq!(refusal(&life, &place.store).await, expected);
        assert_eq!(server.ask::<u64>(&["DEL", key]), 1);
    }
    for words in [
        ["HSET", "{p}:meta", "name", "x"],
        ["HSET", "{p}:count", "visitors", "5"],
        ["HSET", "{p}:processes", "init", "1"],
        ["HSET", "{p}:streams", "Euphrates", "2780 km"],
    ] {
        server.ask::<u64>(&words);
        assert_eq!(
            refusal(&life, &place.store).await,
            Refusal::Foreign { prefix: "{p}:".into() },
            "{words:?}"
        );
        assert_eq!(server.ask::<Vec<String>>(&["KEYS", "*"]), [words[1]], "nothing was written");
        assert_eq!(server.ask::<u64>(&["DEL", words[1]]), 1);
    }
    life.beat(&*place.store).await.unwrap();
}

#[tokio::test]
async fn what_somebody_else_writes_between_ours_is_passed_over() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (store, a) = (&*place.store, Life::of("a", 1));
    a.beat(store).await.unwrap();
    let token = a.granted(store, "ward").await;
    let long = "x".repeat(5000);
    for words in [
        ["HSET", "{p}:streams", "broken", "x"],
        ["HSET", "{p}:streams", "ward 9", "99999999999999999999 0000000000000001/a {}"],
        ["HSET", "{p}:streams", &long, "5 0000000000000001/a {}"],
        ["HSET", "{p}:streams", "long", &long],
        ["HSET", "{p}:processes", "b", "broken"],
        ["ZADD", "{p}:until", "inf", "b"],
        ["ZADD", "{p}:until", "5", "nobody"],
        ["ZADD", "{p}:until", "inf", "somebody"],
        ["HSET", "{p}:count", "fence", "1e300"],
        ["HSET", "{p}:count", "version", "much"],
    ] {
        server.ask::<u64>(&words);
    }
    assert_eq!(store.read_snapshot().await.unwrap().version, 0);
    let next = a.granted(store, "broken").await;
    assert!(next > token && u64::from(next) < 1 << 53);
    let snapshot = store.read_snapshot().await.unwrap();
    let streams: Vec<_> = snapshot.streams.iter().map(|(name, _)| &**name).collect();
    assert_eq!((streams, snapshot.processes.len(), snapshot.version), (vec!["broken", "ward"], 1, 1));
    assert!(a.granted(store, "ward 9").await > next);
    assert_eq!(a.beat(store).await.unwrap().heard.len(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_told_without_showing_it() {
    let server = Server::with(&["--requirepass", "geheim-1"]);
    let with = |password: &str| format!("{}?pass={password}", server.url());
    for url in [with("geheim-2"), server.url()] {
        let error = turned_away(url).await;
        assert!(matches!(error, StoreError::Refused(Refusal::Denied(_))), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
    }
    let place = StoreConnection::begin(with("geheim-1"), "p");
    Life::of("a", 1).beat(&*place.store).await.unwrap();
    assert!(!format!("{:?}", place.store).contains("geheim"));
}

#[tokio::test]
async fn a_user_that_may_not_do_what_is_needed_is_told_what() {
    let server = Server::start();
    server.ask::<()>(&["ACL", "SETUSER", "ward", "on", ">geheim", "~{p}:*", "&*", "+@all", "-evalsha"]);
    let place = StoreConnection::begin(format!("{}?user=ward&pass=geheim", server.url()), "p");
    let refused = refusal(&Life::of("a", 1), &place.store).await;
    assert!(matches!(&refused, Refusal::Denied(why) if why.contains("evalsha")), "{refused:?}");
}

#[tokio::test]
async fn a_replica_is_refused() {
    let server = Server::with(&["--replicaof", "127.0.0.1", "1"]);
    let place = StoreConnection::begin(server.url(), "p");
    assert_eq!(refusal(&Life::of("a", 1), &place.store).await, Refusal::Replica);
    assert_eq!(place.store.counts().connections, 0, "it is seen before anything is asked");
}

#[tokio::test]
async fn one_that_becomes_a_replica_is_left_for_another() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let life = Life::of("a", 1);
    life.beat(&*place.store).await.unwrap();
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(refusal(&life, &place.store).await, Refusal::Replica);
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
    place.comes_back().await;
    life.beat(&*place.store).await.unwrap();
}
