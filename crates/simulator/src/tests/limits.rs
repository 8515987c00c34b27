//! What a board cannot do, and what nobody may ask of it.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tokio::time::timeout;

use super::super::request;
use super::{Client, LONG, Options, json, line, options, page, start, until};

#[tokio::test]
async fn one_client_too_many_is_told_so_and_gets_the_place_that_becomes_free() {
    let simulator = start(Options { max_clients: 2, ..options() }).await;
    let address = simulator.address();
    let (mut one, _) = Client::get(address, "/stream").await;
    let (mut two, _) = Client::get(address, "/stream").await;
    one.pictures(1).await;
    two.pictures(1).await;
    for target in ["/stream", "/capture"] {
        let (_, head) = Client::get(address, target).await;
        assert!(head.starts_with("HTTP/1.1 503 ") && line(&head, "Retry-After").is_some(), "{head}");
    }
    assert_eq!(json(address, "/status").await["refused_total"], 2);
    drop(one);
    until(address, "stream_clients", 1).await;
    let (mut three, head) = Client::get(address, "/stream").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    three.pictures(1).await;
    two.pictures(1).await;
}

#[tokio::test]
async fn connections_are_counted_and_bounded() {
    let simulator = start(Options { max_clients: 1, ..options() }).await;
    let mut open = Vec::new();
    for _ in 0..33 {
        open.push(Client::connect(simulator.address()).await);
    }
    // They wait their turn to be accepted.
    let mut last = Client::connect(simulator.address()).await;
    let ended = timeout(LONG, async { last.more().await }).await.expect("closed at once");
    assert_eq!(ended, 0);
    open.truncate(10);
    let status = timeout(LONG, async {
        loop {
            let mut client = Client::connect(simulator.address()).await;
            client.send(b"GET /status HTTP/1.1\r\n\r\n").await;
            let head = client.head().await;
            if let Some(length) = line(&head, "Content-Length") {
                return client.body(length.parse().unwrap()).await;
            }
        }
    });
    let status: serde_json::Value = serde_json::from_slice(&status.await.unwrap()).unwrap();
    assert!(status["connections_total"].as_u64().unwrap() >= 35, "{status}");
    assert!(status["refused_total"].as_u64().unwrap() >= 1, "{status}");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let simulator = start(options()).await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9000));
    for (request, code) in [
        ("hello\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\n\r\n", "400"),
        ("GET  / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "400"),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\n\r\n", "405"),
        (&long, "431"),
    ] {
        let mut client = Client::connect(simulator.address()).await;
        client.send(request.as_bytes()).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{request:.40}: {head}");
        assert_eq!(line(&head, "Connection"), Some("close"));
        let length = line(&head, "Content-Length").unwrap().parse().unwrap();
        client.body(length).await;
        assert_eq!(client.more().await, 0, "closed");
    }
    page(simulator.address(), "/status").await;
}

#[tokio::test]
async fn a_slow_request_is_given_up() {
    let deadline = Duration::from_millis(200);
    let simulator = start(Options { request_deadline: deadline, ..options() }).await;
    let begin = Instant::now();
    let mut slow = Client::connect(simulator.address()).await;
    slow.send(b"GET /stream HT").await;
    let head = slow.head().await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert!(begin.elapsed() >= deadline);
    let mut silent = Client::connect(simulator.address()).await;
    assert_eq!(silent.more().await, 0, "closed without a word");
}

#[tokio::test]
async fn requests_may_follow_each_other_closely_and_come_in_pieces() {
    let simulator = start(options()).await;
    let mut client = Client::connect(simulator.address()).await;
    let requests = b"GET /status HTTP/1.1\r\n\r\nGET /status HTTP/1.1\r\nConnection: close\r\n\r\n";
    for byte in requests {
        client.send(&[*byte]).await;
    }
    for _ in 0..2 {
        let head = client.head().await;
        let length = line(&head, "Content-Length").unwrap().parse().unwrap();
        assert!(client.body(length).await.starts_with(b"{"));
    }
    assert_eq!(client.more().await, 0);
}

#[tokio::test]
async fn stopping_ends_every_connection() {
    let simulator = start(options()).await;
    let address = simulator.address();
    let (mut client, _) = Client::get(address, "/stream").await;
    client.pictures(1).await;
    timeout(LONG, simulator.stop(LONG)).await.unwrap();
    while matches!(client.stream.try_read(&mut [0; 4096]), Ok(1..)) {}
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens");
}

proptest! {
    #[test]
    fn no_request_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = request::parse_request(&bytes);
    }

    #[test]
    fn no_line_is_too_strange(line in "GET [ -~]{0,60} HTTP/1\\.1\r\n[ -~]{0,60}\r\n\r\n") {
        let _ = request::parse_request(line.as_bytes());
    }
}
