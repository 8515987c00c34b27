//! What becomes of a store whose Redis fails.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sightwire_cluster::redis::{ANSWER, Redis, RedisOptions, RedisStatus};
use sightwire_cluster::store::{Claimed, Kept, Store as _, StoreError};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, StoreConnection};
use crate::{Life, TTL};

/// Why it is away, said in time.
async fn away(life: &Life, store: &Redis) -> Arc<str> {
    let begun = Instant::now();
    let error = life.beat(store).await.unwrap_err();
    let took = begun.elapsed();
    assert!(took < 2 * ANSWER, "{took:?}");
    let StoreError::Away(why) = error else { panic!("{error:?}") };
    why
}

#[tokio::test]
async fn a_redis_that_was_killed_is_found_again() {
    let mut server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (store, a) = (&*place.store, Life::of("a", 1));
    let mut told = store.subscribe_changes();
    a.beat(store).await.unwrap();
    let token = a.granted(store, "ward").await;
    server.kill();
    let begun = Instant::now();
    while matches!(store.status(), RedisStatus::Connected { .. }) {
        assert!(begun.elapsed() < Duration::from_secs(1), "a lost connection is seen at once");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    let why = away(&a, store).await;
    assert!(begun.elapsed() < ANSWER, "nobody waits for what is not there");
    assert!(why.contains(&*server.socket().to_string_lossy()), "{why}");
    server.start_again();
    place.comes_back().await;
    assert_eq!(a.keep(store, "ward", token).await, Err(StoreError::Unknown));
    let a = Life { joined: true, epoch: "second".into(), ..a };
    assert_eq!(&*a.beat(store).await.unwrap().epoch, "second");
    assert_eq!(a.keep(store, "ward", token).await, Ok(Kept::Kept));
    // And it tells of changes again: version 1 and 2 of each life.
    for version in [1, 2, 1, 2] {
        assert_eq!(crate::told::next(&mut told).await.version, version);
    }
    assert!(store.counts().failures >= 1 && store.counts().answers.count() >= 4);
}

#[tokio::test]
async fn a_redis_that_stands_still_is_away_in_time_and_takes_nothing_from_anybody() {
    let server = Server::start();
    let (here, there) =
        (StoreConnection::open(&server, "p").await, StoreConnection::open(&server, "p").await);
    let (a, b) = (Life::of("a", 1), Life::of("b", 2));
    a.beat(&*here.store).await.unwrap();
    b.beat(&*there.store).await.unwrap();
    let token = a.granted(&*here.store, "ward").await;
    server.signal("STOP");
    let why = away(&a, &here.store).await;
    assert!(why.contains("does not answer within 500 ms"), "{why}");
    let begun = Instant::now();
    away(&a, &here.store).await;
    assert!(begun.elapsed() < ANSWER, "one waits once");
    // Somebody claims what the other may have lost; whether that is still done is up to Redis.
    let claimed = b.claim(&*there.store, "other").await;
    assert!(matches!(claimed, Err(StoreError::Away(_))), "{claimed:?}");
    server.signal("CONT");
    tokio::join!(here.comes_back(), there.comes_back());
    // Even the heartbeat that came late counts no more.
    a.is_silent(&server, TTL);
    assert_eq!(a.keep(&*here.store, "ward", token).await, Err(StoreError::Unknown));
    assert!(Life { joined: true, ..a.clone() }.beat(&*here.store).await.unwrap().lapsed);
    assert_eq!(a.keep(&*here.store, "ward", token).await, Ok(Kept::Kept));
    b.granted(&*there.store, "other").await;
    assert!(
        matches!(b.claim(&*there.store, "ward").await, Ok(Claimed::Held { token: held, .. }) if held == token)
    );
}

#[tokio::test]
async fn a_redis_that_is_full_still_takes_what_we_keep() {
    let server = Server::with(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    let much = "x".repeat(100_000);
    let put = |number: usize| server.try_ask::<()>(&["SET", &format!("theirs {number}"), &much]).err();
    let full = (0..100).find_map(put).expect("it takes no more than it may");
    assert_eq!(full.code(), Some("OOM"), "{full:?}");
    let place = StoreConnection::open(&server, "p").await;
    let (store, a) = (&*place.store, Life::of("a", 1));
    a.beat(store).await.unwrap();
    let token = a.granted(store, "ward").await;
    assert_eq!(a.keep(store, "ward", token).await, Ok(Kept::Kept));
    assert_eq!(store.read_snapshot().await.unwrap().streams.len(), 1);
    store.release_stream("ward", token).await.unwrap();
}

#[tokio::test]
async fn why_nothing_can_be_reached_is_told_in_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (at, words) in [
        (format!("{gone}"), "nothing listens at"),
        (format!("{silent}"), "does not answer within 1000 ms"),
        ("redis.invalid:7000".to_owned(), "the name redis.invalid cannot be resolved"),
    ] {
        let place = StoreConnection::begin(format!("redis://:geheim@{at}"), "p");
        let begun = Instant::now();
        while !matches!(place.store.status(), RedisStatus::Away { .. }) {
            assert!(begun.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let why = away(&Life::of("a", 1), &place.store).await;
        assert!(why.contains(words) && !why.contains("geheim"), "{why}");
    }
}

#[tokio::test]
async fn a_store_that_nobody_connects_says_so() {
    let url = "redis+unix:///nowhere".to_owned();
    let store = Redis::new(RedisOptions { url, prefix: "p".into(), trust: None }).unwrap();
    assert_eq!(store.status(), RedisStatus::New);
    let why = away(&Life::of("a", 1), &store).await;
    assert_eq!(&*why, "there is no connection to /nowhere yet");
}

#[tokio::test]
async fn nothing_is_left_of_a_store_that_was_stopped() {
    let server = Server::start();
    let store = StoreConnection::open(&server, "p").await.end().await;
    let why = away(&Life::of("a", 1), &store).await;
    assert_eq!(&*why, "this process has stopped asking");
    let clients: String = server.ask(&["CLIENT", "LIST"]);
    assert_eq!(clients.lines().count(), 1, "{clients}");
}

async fn pass(mut from: impl AsyncRead + AsyncWrite + Unpin, socket: PathBuf) -> io::Result<(u64, u64)> {
    let mut to = UnixStream::connect(socket).await?;
    copy_bidirectional(&mut from, &mut to).await
}

#[tokio::test]
async fn over_tcp_it_is_the_same() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let socket = server.socket();
    let passing = tokio::spawn(async move { pass(listener.accept().await?.0, socket).await });
    let place = StoreConnection::begin(url, "p");
    let a = Life::of("a", 1);
    a.beat(&*place.store).await.unwrap();
    assert!(u64::from(a.granted(&*place.store, "ward").await) > 0);
    place.end().await;
    assert!(passing.await.unwrap().is_err(), "what was under way is not sent any more");
}

/// A certificate for that name, which is trusted where it is asked for, and a server's key to it.
fn certificate(name: &str) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let server = server.unwrap().with_no_client_auth().with_single_cert(vec![made.cert.into()], key);
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server.unwrap()), Arc::new(client))
}

#[tokio::test]
async fn over_tls_it_is_the_same_and_nobody_else_is_trusted() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (shown, trusted) = certificate("localhost");
    let (_, other) = certificate("localhost");
    let socket = server.socket();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = TlsAcceptor::from(shown.clone()).accept(stream).await {
                tokio::spawn(pass(stream, socket.clone()));
            }
        }
    });
    let a = Life::of("a", 1);
    let url = format!("rediss://localhost:{port}");
    let place = StoreConnection::trusting(url.clone(), trusted.clone());
    a.beat(&*place.store).await.unwrap();
    assert!(u64::from(a.granted(&*place.store, "ward").await) > 0);
    for (url, trust) in [(url, other), (format!("rediss://127.0.0.1:{port}"), trusted)] {
        let place = StoreConnection::trusting(url, trust);
        let why = away(&a, &place.store).await;
        assert!(why.contains("no secure connection"), "{why}");
    }
}
