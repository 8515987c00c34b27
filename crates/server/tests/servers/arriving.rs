//! What does not arrive whole in time, what is too much at once, and what goes around the bounds.

use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::time::{Duration, Instant, sleep};

use crate::client::{self, BYTES, Client, POLITE, TEXT, What, beginning, frame};
use crate::support::{PNG, Running, start};

const SETTINGS: &str = "server.receive_timeout_s = 10";
const TIMEOUT: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_secs(1);

/// Sends a byte now and then, until the server has closed.
async fn trickle(mut stream: impl AsyncWrite + Unpin) {
    while stream.write_all(b"4").await.is_ok() {
        sleep(EVERY).await;
    }
}

/// The answer to a body that trickles, and when it came.
async fn trickled(server: &Running, path: &str, kind: &str) -> (String, Duration) {
    let begun = Instant::now();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
    );
    let (mut read, write) = tokio::io::split(server.write(&head).await);
    let trickling = tokio::spawn(trickle(write));
    let (head, mut rest) = client::head(&mut read).await;
    let took = begun.elapsed();
    while !rest.ends_with(b"}") && read.read_buf(&mut rest).await.unwrap() > 0 {}
    trickling.abort();
    (head + std::str::from_utf8(&rest).unwrap(), took)
}

fn is_timely(took: Duration, expected: Duration) -> bool {
    (expected..expected + Duration::from_secs(2)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_given_up_with_its_reason_though_a_byte_comes_now_and_then() {
    let server = start(&format!("{SETTINGS}\nrelay.end_after_s = 600")).await;
    let mut sender = server.client("/ws/stream/slow", POLITE).await;
    let begun = Instant::now();
    sender.raw(&beginning(1000)).await;
    for _ in 0..9 {
        sender.raw(b"x").await;
        sleep(EVERY).await;
    }
    let (code, reason) = sender.closed().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("in time"), "{reason}");
    assert!(is_timely(begun.elapsed(), TIMEOUT), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_408() {
    let server = start(SETTINGS).await;
    for (path, kind) in [("/api/v1/detect", "image/jpeg"), ("/api/v1/cameras", "application/json")] {
        let (answer, took) = trickled(&server, path, kind).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        assert!(answer.contains("server.receive_timeout_s"), "{path}: {answer}");
        assert!(is_timely(took, TIMEOUT), "{path}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_of_which_nothing_comes_is_given_up_sooner() {
    let server = start("").await;
    let begun = Instant::now();
    let head = "POST /api/v1/cameras HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                Content-Length: 1000\r\n\r\n{";
    assert!(server.head(head).await.starts_with("HTTP/1.1 408 "));
    assert!(is_timely(begun.elapsed(), Duration::from_secs(15)), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_post_of_a_polling_client_that_trickles_is_408() {
    let server = start(SETTINGS).await;
    let path = polling(&server).await;
    let (answer, took) = trickled(&server, &path, "text/plain").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(is_timely(took, TIMEOUT), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_with_broken_chunks_is_400() {
    let server = start("").await;
    for path in ["/api/v1/detect", "/api/v1/cameras"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n");
        let chunks = "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\nnonsense\r\n";
        let answer = server.head(&(head + chunks)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
    }
}

/// The path of a new session that polls.
async fn polling(server: &Running) -> String {
    let opening = server.get("/socket.io/?EIO=4&transport=polling").await;
    let opening: serde_json::Value = serde_json::from_str(&opening.text()[1..]).unwrap();
    format!("/socket.io/?EIO=4&transport=polling&sid={}", opening["sid"].as_str().unwrap())
}

/// Of messages that never end: how much is sent of each.
const SENT: usize = 2 << 20;
const LIMIT: u64 = 16 << 20;
const COUNT: usize = 60;

/// A client that begins something long.
enum Attacker {
    Socket(Client),
    Body(DuplexStream),
}

impl Attacker {
    async fn open(server: &Running, kind: &str, number: usize) -> Self {
        let socketio = "/socket.io/?EIO=4&transport=websocket";
        match kind {
            "Socket.IO before its namespace" | "Socket.IO" => {
                let mut client = server.client(socketio, POLITE).await;
                client.hear().await;
                if kind == "Socket.IO" {
                    client.text("40").await;
                    client.hear().await;
                }
                Self::Socket(client)
            }
            "a stream" => Self::Socket(server.client(&format!("/ws/stream/attack-{number}"), POLITE).await),
            _ => {
                let path = polling(server).await;
                assert_eq!(server.ask(server.request("POST", &path, "40")).await.text(), "ok");
                let head = format!(
                    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
                    SENT * 2
                );
                Self::Body(server.write(&head).await)
            }
        }
    }

    /// Sends as much as the server takes.
    async fn pour(self) {
        match self {
            Self::Socket(client) => {
                client.pour(&beginning(SENT as u64 * 2)).await;
                client.pour(&vec![b'x'; SENT]).await;
                std::future::pending::<()>().await;
            }
            Self::Body(mut stream) => {
                let _ = stream.write_all(&vec![b'x'; SENT]).await;
                std::future::pending::<()>().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_never_end_share_one_budget_and_a_newcomer_is_served() {
    for kind in ["Socket.IO before its namespace", "Socket.IO", "a stream", "polling"] {
        let server =
            start("server.receive_memory_mb = 16\nrelay.max_streams = 100\nrecognizer.max_clients = 100")
                .await;
        let mut attackers = Vec::new();
        for number in 0..COUNT {
            attackers.push(Attacker::open(&server, kind, number).await);
        }
        let attack: Vec<_> = attackers.into_iter().map(|one| tokio::spawn(one.pour())).collect();
        sleep(Duration::from_secs(2)).await;
        let connections = server.status().await["connections"].clone();
        assert!(connections["receiving_bytes"].as_u64().unwrap() <= LIMIT, "{kind}: {connections}");
        // Of who has not said who it is nothing long is read.
        let is_read = kind != "Socket.IO before its namespace";
        assert_eq!(connections["given_up"].as_u64().unwrap() > 0, is_read, "{kind}: {connections}");

        let mut client = server.client("/socket.io/?EIO=4&transport=websocket", POLITE).await;
        client.hear().await;
        client.text("40").await;
        client.until(|what| matches!(what, What::Text(text) if text.starts_with("40"))).await;
        let padding = "x".repeat(50_000);
        client.text(&format!(r#"42["frame",{{"image":"{PNG}","padding":"{padding}"}}]"#)).await;
        client.until(is_reply).await;
        attack.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

fn is_reply(what: &What) -> bool {
    matches!(what, What::Text(text) if text.starts_with(r#"42["prediction""#))
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_given_up_for_want_of_room_is_told_why() {
    let server = start("server.receive_memory_mb = 1").await;
    let mut client = server.client("/ws/stream/long", POLITE).await;
    client.pour(&frame(0x80 | BYTES, &vec![0; SENT / 2], SENT as u64, true)).await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 1013);
    assert!(reason.to_lowercase().contains("too much is arriving"), "{reason}");
    assert!(server.get("/metrics").await.text().contains("\nsightwire_receive_given_up_total 1\n"));
}

#[tokio::test(start_paused = true)]
async fn sessions_that_poll_take_no_place_of_clients_with_a_websocket() {
    let server = start("server.max_connections = 20").await;
    for _ in 0..60 {
        server.get("/socket.io/?EIO=4&transport=polling").await;
    }
    let mut client = server.client("/socket.io/?EIO=4&transport=websocket", POLITE).await;
    client.hear().await;
    client.text("40").await;
    client.until(|what| matches!(what, What::Text(text) if text.starts_with("40"))).await;
    client.text(&format!(r#"42["frame",{{"image":"{PNG}"}}]"#)).await;
    client.until(is_reply).await;
}

#[tokio::test(start_paused = true)]
async fn polling_with_the_header_of_a_websocket_is_counted_as_polling() {
    let server = start("").await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let path = "/socket.io/?EIO=4&transport=polling";
    server.head(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}")).await;
    assert_eq!(server.status().await["connections"]["polling_sessions"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_is_none_is_400() {
    let server = start("").await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: x\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for transport in ["websocket=", "websocket=x", "WebSocket", "tcp"] {
        let path = format!("/socket.io/?EIO=4&transport={transport}");
        let answer = server.head(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{transport}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_is_told_when_it_says_too_much() {
    let server = start("").await;
    let mut viewer = server.viewer("", POLITE).await;
    viewer.pour(&client::whole(TEXT, &vec![b'x'; 1 << 20])).await;
    assert_eq!(viewer.closed().await.0, 1009);
}
