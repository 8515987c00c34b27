//! The memory that all of the server may use: what runs goes on, and nothing new begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::{Duration, sleep};

use crate::client::{Client, POLITE, What};
use crate::support::{Running, start_as};

const URL: &str = "data:image/jpeg;base64,/9j/";
const CONFIG: &str = r#"
[server]
memory_mb = 100
[[camera]]
id = "gate"
url = "http://127.0.0.1:9/"
default = true
[relay]
warn_after_s = 3000
end_after_s = 3600
"#;
/// What is said of it, whatever the protocol.
const WHY: &str = "The server uses all of its memory (server.memory_mb). Please try again later.";

/// A server that takes it from a test how much is used.
struct Filled {
    server: Running,
    used: Arc<AtomicU64>,
}

impl Filled {
    async fn start() -> Self {
        let used = Arc::new(AtomicU64::new(0));
        let reading = used.clone();
        let told = move || Some(reading.load(Ordering::Relaxed) << 20);
        Self { server: start_as(CONFIG, |server| server.with_memory_usage(told)).await, used }
    }

    /// This many MiB are used, until the server has seen it, and lets go of cameras that nobody watches.
    async fn use_mib(&self, mib: u64) {
        sleep(Duration::from_secs(10)).await;
        self.used.store(mib, Ordering::Relaxed);
        while self.server.status().await["memory"]["used_bytes"] != mib << 20 {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a client of the recogniser hears when it enters.
    async fn enter(&self) -> String {
        let mut client = self.server.client("/socket.io/?EIO=4&transport=websocket", POLITE).await;
        client.until(|what| matches!(what, What::Text(_))).await;
        client.text("40").await;
        loop {
            if let What::Text(text) = client.until(|what| matches!(what, What::Text(_))).await
                && text.starts_with("42")
            {
                return text;
            }
        }
    }

    /// Whether each of the paths that begin something over HTTP was refused for want of memory.
    async fn refused(&self) -> Vec<(&'static str, bool)> {
        let mut all = Vec::new();
        for (method, path, body) in [
            ("GET", "/stream?camera=gate", ""),
            ("GET", "/stream/detect?camera=gate", ""),
            ("GET", "/api/v1/streams/gate/snapshot.jpg", ""),
            ("GET", "/api/v1/streams/gate/detections", ""),
            ("POST", "/api/v1/cameras/test", r#"{"url":"http://127.0.0.1:9/"}"#),
            ("POST", "/api/v1/detect", "JPEG"),
            ("POST", "/api/v1/read", "JPEG"),
            ("POST", "/api/v1/jobs", "--a--\r\n"),
        ] {
            let mut request = self.server.request(method, path, body);
            let kind =
                if path.ends_with("jobs") { "multipart/form-data; boundary=a" } else { "application/json" };
            request.headers_mut().insert("content-type", kind.parse().unwrap());
            let (parts, body) = self.server.send(request).await.into_parts();
            // An answer that is not refused may go on for ever.
            let is_over = parts.status == StatusCode::SERVICE_UNAVAILABLE;
            let body = if is_over { body.collect().await.unwrap().to_bytes() } else { Bytes::new() };
            let is_refused = String::from_utf8_lossy(&body).contains(WHY);
            if is_refused {
                assert_eq!(parts.headers["retry-after"], "2", "{path}");
            }
            all.push((path, is_refused));
        }
        all
    }
}

async fn refused(mut client: Client) {
    assert_eq!(client.next("error").await["message"], WHY);
    let (code, reason) = client.closed().await;
    assert_eq!((code, reason.as_str()), (1013, WHY));
}

#[tokio::test(start_paused = true)]
async fn above_the_budget_every_door_is_shut_and_what_runs_goes_on() {
    let filled = Filled::start().await;
    let server = &filled.server;
    let sender = server.sender("early", POLITE).await;
    let mut viewer = server.viewer("?streams=early", POLITE).await;
    assert!(filled.enter().await.contains("ready"));
    assert!(filled.refused().await.iter().all(|(_, refused)| !refused));

    filled.use_mib(101).await;
    let all = filled.refused().await;
    assert!(all.iter().all(|(_, refused)| *refused), "{all:?}");
    let at_capacity = r#"42["error",{"message":"Server at capacity, please try again later"}]"#;
    assert_eq!(filled.enter().await, at_capacity);
    refused(server.client("/ws/stream/late", POLITE).await).await;
    refused(server.client("/ws/view", POLITE).await).await;
    sender.picture(URL).await;
    viewer.next("live_frame").await;

    let memory = server.status().await["memory"].clone();
    assert_eq!((&memory["is_full"], &memory["budget_bytes"]), (&true.into(), &(100 << 20).into()));
    let counts: [(&str, Value); 6] = [
        ("batches", 1.into()),
        ("cameras", 2.into()),
        ("clients", 1.into()),
        ("pictures", 2.into()),
        ("streams", 1.into()),
        ("viewers", 4.into()),
    ];
    for (kind, count) in counts {
        assert_eq!(memory["refused"][kind], count, "{kind}: {memory}");
    }
    let metrics = server.get("/metrics").await;
    for line in [
        "sightwire_memory_budget_bytes 104857600",
        "sightwire_memory_used_bytes 105906176",
        "sightwire_memory_refused_total{what=\"viewer\"} 4",
    ] {
        assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
    }

    // What is shared by running streams is not given away for nothing: a twentieth has to be free.
    filled.use_mib(96).await;
    assert_eq!(filled.enter().await, at_capacity);
    filled.use_mib(94).await;
    assert!(filled.refused().await.iter().all(|(_, refused)| !refused));
    assert!(filled.enter().await.contains("ready"));
    server.sender("late", POLITE).await;
    server.viewer("", POLITE).await;
    // The client that has sent it all the time still does.
    sender.picture(URL).await;
    viewer.next("live_frame").await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_comes_back_to_its_own_stream_gets_it_though_the_memory_is_used_up() {
    let filled = Filled::start().await;
    let before = filled.server.sender("mine", crate::client::MUTE).await;
    filled.use_mib(101).await;
    let mut again = filled.server.client("/ws/stream/mine", POLITE).await;
    again.text(r#"{"analysis_mode":"normal"}"#).await;
    again.next("connected").await;
    drop(before);
}
