//! Sessions of Engine.IO and Socket.IO: their heartbeat, and how they end without a word.

use http::StatusCode;
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use crate::client::{Client, POLITE, TEXT, What, whole};
use crate::support::{PNG, Running, start};

const PING: &str = "2";
const PONG: &str = "3";
const STATUS: &str = r#"42["status",{"message":"ready"}]"#;
/// As they are configured by default.
const INTERVAL: Duration = Duration::from_secs(25);
const TIMEOUT: Duration = Duration::from_secs(60);
/// A session that never enters a namespace may stay this long.
const CONNECT: Duration = Duration::from_secs(10);

fn is_timely(begun: Instant, expected: Duration) -> bool {
    begun.elapsed().abs_diff(expected) < Duration::from_millis(200)
}

/// A session that polls.
struct Polling<'a> {
    server: &'a Running,
    path: String,
}

impl<'a> Polling<'a> {
    async fn open(server: &'a Running) -> Self {
        let path = "/socket.io/?EIO=4&transport=polling";
        let opening: Value = serde_json::from_str(&server.get(path).await.text()[1..]).unwrap();
        Self { server, path: format!("{path}&sid={}", opening["sid"].as_str().unwrap()) }
    }

    async fn poll(&self) -> (StatusCode, String) {
        let answer = self.server.get(&self.path).await;
        (answer.status, answer.text().to_owned())
    }

    async fn post(&self, packet: &str) -> StatusCode {
        self.server.ask(self.server.request("POST", &self.path, packet.to_owned())).await.status
    }

    /// Polls, with an answer to each ping or none, until there is no session any more.
    async fn outlive(&self, answers: bool) {
        loop {
            let (status, text) = self.poll().await;
            if status == StatusCode::BAD_REQUEST {
                return;
            }
            if answers && text == PING && self.post(PONG).await == StatusCode::BAD_REQUEST {
                return;
            }
        }
    }
}

/// A session that begins with a WebSocket.
async fn websocket(server: &Running) -> Client {
    let mut client = server.client("/socket.io/?EIO=4&transport=websocket", POLITE).await;
    assert!(packet(&mut client).await.starts_with("0{"), "{:?}", client.heard);
    client
}

/// The next packet; pings are answered and left out.
async fn packet(client: &mut Client) -> String {
    loop {
        match client.until(|what| matches!(what, What::Text(_))).await {
            What::Text(text) if text != PING => return text,
            _ => client.text(PONG).await,
        }
    }
}

/// Answers pings and forgets all else, until the connection ends or this long.
async fn live(client: &mut Client, long: Duration) {
    let _ = tokio::time::timeout(long, async {
        loop {
            match client.hear().await {
                What::Text(text) if text == PING => client.pour(&whole(TEXT, PONG.as_bytes())).await,
                What::Gone => return,
                _ => {}
            }
        }
    })
    .await;
}

async fn enter(client: &mut Client) {
    client.text("40").await;
    while packet(client).await != STATUS {}
}

#[tokio::test(start_paused = true)]
async fn who_polls_gets_a_ping_each_interval_and_stays_as_long_as_it_answers() {
    let server = start("").await;
    let session = Polling::open(&server).await;
    assert_eq!(session.post("40").await, StatusCode::OK);
    let (_, first) = session.poll().await;
    assert!(first.contains(STATUS), "{first}");
    if first.split('\x1e').any(|packet| packet == PING) {
        assert_eq!(session.post(PONG).await, StatusCode::OK);
    }
    let mut at = Vec::new();
    for _ in 0..4 {
        assert_eq!(session.poll().await, (StatusCode::OK, PING.to_owned()));
        at.push(Instant::now());
        assert_eq!(session.post(PONG).await, StatusCode::OK);
    }
    let gaps: Vec<_> = at.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| gap.abs_diff(INTERVAL) < Duration::from_millis(50)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn who_polls_and_does_not_answer_or_does_neither_is_gone_after_the_timeout() {
    let server = start("").await;
    let polls = Polling::open(&server).await;
    let begun = Instant::now();
    polls.post("40").await;
    polls.outlive(false).await;
    assert!(begun.elapsed() >= TIMEOUT && begun.elapsed() < TIMEOUT + INTERVAL * 2, "{:?}", begun.elapsed());

    let silent = Polling::open(&server).await;
    silent.post("40").await;
    sleep(TIMEOUT + INTERVAL * 2).await;
    assert_eq!(silent.poll().await.0, StatusCode::BAD_REQUEST);
    assert_eq!(server.status().await["recognizer"]["clients"], 0, "their places are free");
}

#[tokio::test(start_paused = true)]
async fn a_websocket_gets_a_ping_each_interval_and_stays_as_long_as_it_answers() {
    let server = start("").await;
    let mut client = websocket(&server).await;
    enter(&mut client).await;
    live(&mut client, INTERVAL * 10).await;
    let is_ping = |what: &What| matches!(what, What::Text(text) if text == PING);
    let at: Vec<_> = client.all(is_ping).iter().map(|(at, _)| *at).collect();
    assert!(at.len() >= 9, "{at:?}");
    let gaps: Vec<_> = at.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| gap.abs_diff(INTERVAL) < Duration::from_millis(50)), "{gaps:?}");
    assert_eq!(server.status().await["recognizer"]["clients"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_does_not_answer_is_closed_after_the_timeout() {
    let server = start("").await;
    let mut client = websocket(&server).await;
    enter(&mut client).await;
    let begun = Instant::now();
    client.gone().await;
    assert!(begun.elapsed() >= TIMEOUT && begun.elapsed() < TIMEOUT + INTERVAL * 2, "{:?}", begun.elapsed());
    assert_eq!(server.status().await["recognizer"]["clients"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_never_enters_a_namespace_is_closed_though_it_answers_pings() {
    let server = start("socketio.ping_interval_s = 1").await;
    let mut client = websocket(&server).await;
    let begun = Instant::now();
    live(&mut client, CONNECT * 3).await;
    assert!(is_timely(begun, CONNECT), "{:?}", begun.elapsed());

    let mut refused = websocket(&server).await;
    let begun = Instant::now();
    refused.text("40/random,").await;
    let is_refusal = |what: &What| matches!(what, What::Text(text) if text.contains("Invalid namespace"));
    refused.until(is_refusal).await;
    live(&mut refused, CONNECT * 3).await;
    assert!(is_timely(begun, CONNECT), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_polls_and_never_enters_a_namespace_is_closed_though_it_answers_pings() {
    let server = start("socketio.ping_interval_s = 1").await;
    let session = Polling::open(&server).await;
    let begun = Instant::now();
    session.outlive(true).await;
    assert!(begun.elapsed().abs_diff(CONNECT) < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_namespace_may_come_back_for_a_while_and_not_for_ever() {
    let server = start("").await;
    let mut client = websocket(&server).await;
    enter(&mut client).await;
    client.text("41").await;
    sleep(Duration::from_millis(500)).await;
    enter(&mut client).await;
    live(&mut client, CONNECT * 2).await;
    assert_eq!(server.status().await["recognizer"]["clients"], 1, "it has come back");
    let begun = Instant::now();
    client.text("41").await;
    client.gone().await;
    assert!(begun.elapsed() <= CONNECT, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_client_that_stops_reading_is_free_after_3_s() {
    let server = start("recognizer.max_clients = 1").await;
    let mut client = websocket(&server).await;
    enter(&mut client).await;
    client.pause();
    let event = format!(r#"42["frame",{{"image":"{PNG}"}}]"#);
    let many = whole(TEXT, event.as_bytes()).repeat(100);
    let flood = tokio::spawn(async move {
        loop {
            client.pour(&many).await;
            sleep(Duration::from_millis(5)).await;
        }
    });
    let begun = Instant::now();
    while server.status().await["recognizer"]["clients"] == 1 {
        assert!(begun.elapsed() < Duration::from_secs(8), "its place is free");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    flood.abort();
    enter(&mut websocket(&server).await).await;
}

/// What a client hears until the prediction of its first frame.
async fn until_answered(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    while !all.last().is_some_and(|last: &String| last.starts_with(r#"42["prediction""#)) {
        all.push(packet(client).await);
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_comes_with_the_first_packet_is_answered() {
    let server = start("").await;
    let event = format!(r#"42["frame",{{"image":"{PNG}"}}]"#);
    for _ in 0..20 {
        let mut client = websocket(&server).await;
        let begun = Instant::now();
        client.pour(&[whole(TEXT, b"40"), whole(TEXT, event.as_bytes())].concat()).await;
        let heard = until_answered(&mut client).await;
        assert!(heard[0].starts_with("40{") && heard[1] == STATUS && heard.len() == 3, "{heard:?}");
        assert!(begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_posted_with_the_first_packet_is_answered() {
    let server = start("").await;
    let event = format!(r#"42["frame",{{"image":"{PNG}"}}]"#);
    for together in [true, false] {
        for _ in 0..10 {
            let session = Polling::open(&server).await;
            let begun = Instant::now();
            if together {
                assert_eq!(session.post(&format!("40\x1e{event}")).await, StatusCode::OK);
            } else {
                assert_eq!(session.post("40").await, StatusCode::OK);
                assert_eq!(session.post(&event).await, StatusCode::OK);
            }
            assert!(begun.elapsed() < Duration::from_millis(50), "it need not wait: {:?}", begun.elapsed());
            let mut heard = String::new();
            while !heard.contains(r#"42["prediction""#) {
                let (status, text) = session.poll().await;
                assert_eq!(status, StatusCode::OK, "{heard}");
                heard += &text;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_library_has_its_number_as_a_number() {
    let server = start("").await;
    let answer = server.get("/socket.io/?EIO=4&transport=polling&sid=nobody").await;
    assert_eq!(
        (answer.status, answer.text()),
        (StatusCode::BAD_REQUEST, r#"{"code":1,"message":"Session ID unknown"}"#)
    );
    for path in ["/socket.io/?EIO=3&transport=polling", "/socket.io/?EIO=4&transport=flash"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.json()["code"].is_u64(), "{path}: {}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
    }
}
