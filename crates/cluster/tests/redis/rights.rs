//! The keys and users in common.

use std::time::{Duration, Instant};

use sightwire_cluster::redis::{ANSWER, RIGHTS_ANSWER, RedisStatus};
use sightwire_cluster::store::{Change, Changed, Refusal, Shared, Store as _, StoreError};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, UnixStream};
use tokio::time::sleep;

use crate::Life;
use crate::server::{Server, StoreConnection};
use crate::told::next;

fn shared(version: u64, value: &str) -> Shared {
    Shared { version, value: value.into() }
}

#[tokio::test]
async fn of_two_that_change_the_same_one_hears_that_the_other_was_first() {
    let server = Server::start();
    let (here, there) =
        (StoreConnection::open(&server, "p").await, StoreConnection::open(&server, "p").await);
    let (a, mut told) = (Life::of("a", 1), there.store.subscribe_changes());
    assert_eq!(a.beat(&*here.store).await.unwrap().rights, 0);
    assert_eq!(here.store.read_rights().await, Ok(None));
    let (first, second) = (shared(1, "first"), shared(1, "second"));
    let (one, other) = tokio::join!(here.store.set_rights(0, &first), there.store.set_rights(0, &second));
    assert_ne!(one.unwrap(), other.clone().unwrap());
    let is = if other.unwrap() { second } else { first };
    for store in [&here.store, &there.store] {
        assert_eq!(store.read_rights().await, Ok(Some(is.clone())));
    }
    assert_eq!(there.store.set_rights(7, &shared(8, "late")).await, Ok(false));
    assert_eq!(there.store.set_rights(1, &shared(2, "an\nother \u{e9}")).await, Ok(true));
    assert_eq!(here.store.read_rights().await, Ok(Some(shared(2, "an\nother \u{e9}"))));
    assert_eq!(a.beat(&*here.store).await.unwrap().rights, 2);
    let record = a.heartbeat().record;
    let expected = [Changed::Process("a".into(), Some(record)), Changed::Rights(1), Changed::Rights(2)];
    for (what, version) in expected.into_iter().zip(1..) {
        assert_eq!(next(&mut told).await, Change { version, what });
    }
}

#[tokio::test]
async fn a_redis_that_was_emptied_or_is_full_takes_them() {
    let server = Server::with(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    let place = StoreConnection::open(&server, "p").await;
    let (store, a) = (&*place.store, Life::of("a", 1));
    a.beat(store).await.unwrap();
    let full = server.try_ask::<()>(&["SET", "other", "x"]);
    assert_eq!(full.unwrap_err().code(), Some("OOM"));
    let many = "x".repeat(1 << 20);
    assert_eq!(store.set_rights(0, &shared(1, &many)).await, Ok(true));
    assert_eq!(store.read_rights().await.unwrap().unwrap().value.len(), many.len());
    server.ask::<()>(&["FLUSHALL"]);
    a.beat(store).await.unwrap();
    assert_eq!(store.read_rights().await, Ok(None));
    assert_eq!(store.set_rights(1, &shared(2, "x")).await, Ok(false), "there is none any more");
    assert_eq!(store.set_rights(0, &shared(2, "x")).await, Ok(true));
}

#[tokio::test]
async fn what_somebody_else_keeps_there_stays_theirs_and_is_no_version() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (store, a) = (&*place.store, Life::of("a", 1));
    a.beat(store).await.unwrap();
    let long = format!("1 {}", "x".repeat(17 << 20));
    for value in ["hello", "0 x", "-1 x", "99999999999999999999 x", "5", long.as_str()] {
        server.ask::<()>(&["SET", "{p}:rights", value]);
        let read = store.read_rights().await.unwrap().unwrap();
        if !value.starts_with("1 ") {
            assert_eq!(a.beat(store).await.unwrap().rights, 0, "{value:.9}");
            assert_eq!(store.set_rights(0, &shared(1, "x")).await, Ok(false), "{value:.9}");
        }
        assert_eq!((read.version, &*read.value), (0, ""), "{value:.9}");
        assert_eq!(server.ask::<usize>(&["STRLEN", "{p}:rights"]), value.len());
    }
    server.ask::<()>(&["DEL", "{p}:rights"]);
    server.ask::<u64>(&["HSET", "{p}:rights", "x", "y"]);
    let refused = a.beat(store).await.unwrap_err();
    let key = "{p}:rights".into();
    let expected = Refusal::Type { key, is: "hash".into(), want: "string" };
    assert_eq!(refused, expected.into());
    for asked in [store.read_rights().await.map(drop), store.set_rights(0, &shared(1, "x")).await.map(drop)] {
        assert!(matches!(asked, Err(StoreError::Away(_))), "{asked:?}");
    }
    assert_eq!(server.ask::<String>(&["HGET", "{p}:rights", "x"]), "y");
}

/// A megabyte a second.
async fn slowly(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut bytes = vec![0; 10_000];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn however_long_they_take_no_heartbeat_waits_behind_them() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, socket) = (format!("redis://{}", listener.local_addr().unwrap()), server.socket());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let redis = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move {
                let ((from, mut back), (answers, mut to)) = (stream.into_split(), redis.into_split());
                let asks = async { drop(copy(&mut { from }, &mut to).await) };
                tokio::select! {
                    () = asks => {}
                    () = slowly(answers, &mut back) => {}
                }
            });
        }
    });
    let (near, far) = (StoreConnection::open(&server, "p").await, StoreConnection::begin(url, "p"));
    let (store, a) = (&*far.store, Life::of("a", 1));
    a.beat(store).await.unwrap();
    let many = shared(1, &"x".repeat(1 << 20));
    assert_eq!(near.store.set_rights(0, &many).await, Ok(true));
    let begun = Instant::now();
    let (read, ()) = tokio::join!(store.read_rights(), async {
        for _ in 0..8 {
            a.beat(store).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(read, Ok(Some(many)));
    assert!(begun.elapsed() > ANSWER, "{:?}", begun.elapsed());
    assert_eq!((store.counts().connections, store.counts().failures), (1, 0));
}

#[tokio::test]
async fn where_they_are_late_nothing_else_is_given_up() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (store, a) = (&*place.store, Life::of("a", 1));
    a.beat(store).await.unwrap();
    assert_eq!(store.set_rights(0, &shared(1, "x")).await, Ok(true));
    server.signal("STOP");
    let (read, ()) = tokio::join!(store.read_rights(), async {
        sleep(ANSWER + ANSWER / 2).await;
        server.signal("CONT");
    });
    assert_eq!(read, Ok(Some(shared(1, "x"))), "later than others may be");
    server.signal("STOP");
    let begun = Instant::now();
    let late = store.read_rights().await;
    assert!(matches!(late, Err(StoreError::Away(_))), "{late:?}");
    assert!(begun.elapsed() < RIGHTS_ANSWER + ANSWER);
    server.signal("CONT");
    assert!(matches!(store.status(), RedisStatus::Connected { .. }), "{:?}", store.status());
    a.beat(store).await.unwrap();
    assert_eq!((store.counts().connections, store.counts().failures), (1, 0));
}
