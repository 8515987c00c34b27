//! Servers begin and end, several in one process.

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use tokio::time::{Duration, Instant};
use tokio_websockets::Message;

use crate::support::start;

#[tokio::test(start_paused = true)]
async fn two_servers_in_one_process_know_nothing_of_each_other() {
    let one = start("[server]\nmax_connections = 11").await;
    let other = start("[server]\nmax_connections = 22").await;

    let mut sender = one.websocket("/ws/stream/ward-3").await;
    for message in [r#"{"analysis_mode":"none"}"#, "no frame"] {
        sender.send(Message::text(message)).await.unwrap();
        sender.next().await.unwrap().unwrap();
    }
    let names = |streams: &serde_json::Value| {
        let streams = streams["streams"].as_array().unwrap();
        streams.iter().map(|stream| stream["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&one.get("/api/v1/streams").await.json()), ["ward-3"]);
    assert!(names(&other.get("/api/v1/streams").await.json()).is_empty());

    let status = [one.get("/api/v1/status").await.json(), other.get("/api/v1/status").await.json()];
    assert_eq!(status[0]["connections"]["max"], 11);
    assert_eq!(status[1]["connections"]["max"], 22);
    let bad = |metrics: &str| metrics.contains("\nsightwire_relay_bad_messages_total 1\n");
    assert!(bad(one.get("/metrics").await.text()));
    assert!(!bad(other.get("/metrics").await.text()));

    one.stop().await;
    assert_eq!(other.get("/livez").await.text(), "ok", "the other goes on");
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_lets_go_of_its_viewers_within_the_drain_time() {
    let server = start("").await;
    let mut viewer = server.websocket("/ws/view").await;
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    while let Some(Ok(message)) = viewer.next().await {
        assert!(!message.is_text() || !message.as_text().unwrap().contains("frame"), "{message:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_model_the_server_answers_and_says_what_it_is() {
    let server = start("").await;
    let ready = server.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.headers["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    assert_eq!(server.get("/api/nothing").await.json()["detail"], "There is no such API path.");
}
