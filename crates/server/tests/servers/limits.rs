//! What one address or key may take, whatever it opens: others have their own.

use std::net::SocketAddr;

use tokio::time::{Duration, sleep};

use crate::client::{Client, MODERN, POLITE, What, jpeg};
use crate::support::{PNG, Running, start};

/// Two machines, as far as this one can tell.
const ONE: ([u8; 4], u16) = ([192, 0, 2, 7], 5000);
const OTHER: ([u8; 4], u16) = ([192, 0, 2, 8], 5000);

/// Sends this many frames as a stream of that name; how many of them were dropped.
async fn dropped(server: &Running, from: SocketAddr, name: &str, frames: usize) -> u64 {
    let mut sender = server.shake_from(from, &format!("/ws/stream/{name}"), MODERN).await.unwrap();
    sender.text(r#"{"analysis_mode":"normal"}"#).await;
    sender.next("connected").await;
    for _ in 0..frames {
        sender.jpeg(&jpeg(1000)).await;
    }
    loop {
        let stats = sender.next("stream_stats").await;
        if stats["received"] == frames {
            return stats["dropped"].as_u64().unwrap();
        }
    }
}

/// A client of the recogniser that has entered.
async fn enter(server: &Running, from: SocketAddr) -> Client {
    let mut client = server.shake_from(from, "/socket.io/?EIO=4&transport=websocket", POLITE).await.unwrap();
    client.until(|what| matches!(what, What::Text(_))).await;
    client.text("40").await;
    client.until(|what| matches!(what, What::Text(text) if text.starts_with("42"))).await;
    client
}

fn predictions(client: &mut Client) -> usize {
    client.all(|what| matches!(what, What::Text(text) if text.starts_with(r#"42["prediction""#))).len()
}

#[tokio::test(start_paused = true)]
async fn an_address_sends_so_many_frames_over_all_that_it_opens() {
    // Two seconds' worth at once. The time that counts is real, and hardly goes by here.
    let limits =
        "access.mode = \"open\"\nlimits.frames_per_s = 2\nrelay.max_fps = 240\nrelay.overlays = \"none\"";
    let server = start(limits).await;
    let one = SocketAddr::from(ONE);
    assert_eq!(dropped(&server, one, "first", 2).await, 0);
    let of_ten = dropped(&server, one, "second", 10).await;
    assert!((4..=8).contains(&of_ten), "{of_ten} of ten frames after two are dropped");
    assert_eq!(dropped(&server, OTHER.into(), "third", 2).await, 0, "another address has its own");

    let (mut full, mut fresh) = (enter(&server, one).await, enter(&server, ([192, 0, 2, 9], 1).into()).await);
    for client in [&full, &fresh] {
        for _ in 0..3 {
            client.text(&format!(r#"42["frame",{{"image":"{PNG}"}}]"#)).await;
            sleep(Duration::from_millis(40)).await;
        }
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(predictions(&mut fresh), 3);
    assert!(predictions(&mut full) < 3, "{:?}", full.heard);
    let metrics = server.get("/metrics").await;
    let counted = metrics.text().lines().find_map(|line| {
        line.strip_prefix("sightwire_limited_total{limit=\"frames_per_s\"} ")?.parse::<u64>().ok()
    });
    assert!(counted > Some(of_ten), "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_has_so_many_connections_wherever_they_are() {
    let home = tempfile::tempdir().unwrap();
    let limits = format!("store.home = {:?}\nlimits.connections_per_key = 2", home.path());
    let server = start(&limits).await;
    let made = async |name: &str, role: &str| {
        let body = format!(r#"{{"name":"{name}","role":"{role}"}}"#);
        let mut request = server.request("POST", "/api/v1/keys", body);
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        server.ask(request).await.json()["key"].as_str().unwrap().to_owned()
    };
    let (gate, yard) = (made("gate", "viewer").await, made("yard", "viewer").await);
    let watch = async |from: ([u8; 4], u16), key: &str| {
        server.shake_from(from.into(), &format!("/ws/view?key={key}"), POLITE).await
    };
    let first = watch(ONE, &gate).await.unwrap();
    let _second = watch(OTHER, &gate).await.unwrap();
    let refused = watch(ONE, &gate).await.unwrap_err();
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("retry-after: 5"), "{refused}");
    let _with_another = watch(ONE, &yard).await.unwrap();
    drop(first);
    let mut waited = 0;
    while let Err(refused) = watch(ONE, &gate).await {
        assert!(refused.starts_with("HTTP/1.1 429 ") && waited < 100, "{refused}");
        waited += 1;
        sleep(Duration::from_millis(50)).await;
    }
    // With Socket.IO the key comes in a message.
    let enter = async |from: SocketAddr, key: &str| {
        let path = "/socket.io/?EIO=4&transport=websocket";
        let mut client = server.shake_from(from, path, POLITE).await.unwrap();
        client.until(|what| matches!(what, What::Text(_))).await;
        client.text(&format!(r#"40{{"key":"{key}"}}"#)).await;
        let answer = client.until(|what| matches!(what, What::Text(text) if text.starts_with('4'))).await;
        let What::Text(answer) = answer else { unreachable!() };
        (client, answer)
    };
    let signs = made("signs", "streamer").await;
    let (_one, answer) = enter(ONE.into(), &signs).await;
    assert!(answer.starts_with("40{"), "{answer}");
    let (_two, _) = enter(OTHER.into(), &signs).await;
    let (_three, answer) = enter(([192, 0, 2, 9], 1).into(), &signs).await;
    assert!(answer.starts_with("44{") && answer.contains("limits.connections_per_key"), "{answer}");
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("sightwire_limited_total{limit=\"connections_per_key\"} "));
}
