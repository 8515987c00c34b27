//! Viewers that lose pictures get smaller ones, and the sender's own again when they read fast enough. Threads make those, so
//! the clock goes on at ten times its usual rate instead of jumping.

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, interval};

use crate::client::{Client, MODERN, POLITE, What};
use crate::mjpeg::{Mjpeg, STEP_70, STEP_85, pictures, step};
use crate::support::{Running, Tenfold, start};

const SETTINGS: &str = "relay.overlays = \"none\"\ndetector.model = \"motion\"";
const FPS: u64 = 20;

/// A stream of pictures that goes on.
struct Sent {
    pictures: Vec<Bytes>,
    sending: JoinHandle<()>,
    _clock: Tenfold,
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

impl Sent {
    async fn begin(server: &Running) -> Self {
        let (sender, pictures) = (server.sender("yard", MODERN).await, pictures(40));
        let sent = pictures.clone();
        let sending = tokio::spawn(async move {
            let mut tick = interval(Duration::from_millis(1000 / FPS));
            for picture in sent.iter().cycle() {
                tick.tick().await;
                sender.jpeg(picture).await;
            }
        });
        let pictures = pictures.into_iter().map(Bytes::from).collect();
        Self { pictures, sending, _clock: Tenfold::begin() }
    }

    /// Whether the server has not made it anew.
    fn is_original(&self, picture: &[u8]) -> bool {
        self.pictures.iter().any(|sent| sent == picture)
    }

    /// What one has to read in a second for all of them.
    fn bytes_per_s(&self) -> usize {
        self.pictures[0].len() * FPS as usize
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_loses_pictures_gets_smaller_ones_and_the_original_back_when_it_reads_fast_again() {
    let server = start(SETTINGS).await;
    let sent = Sent::begin(&server).await;
    let mut good = Mjpeg::open(&server, "/stream?camera=yard").await.unwrap();
    let mut slow = Mjpeg::open(&server, "/stream?camera=yard").await.unwrap();
    slow.until(|picture| sent.is_original(picture)).await;
    assert_eq!(server.known("yard", slow.peer).await.unwrap()["quality"], "original");

    slow.throttle(sent.bytes_per_s() / 4);
    let small = slow.until(|picture| !sent.is_original(picture)).await;
    assert_eq!(step(&small), STEP_70);
    let known = server.known("yard", slow.peer).await.unwrap();
    assert_eq!(known["quality"], 70);
    assert!(known["missed"].as_u64().unwrap() > 5, "{known}");

    slow.resume();
    let begun = Instant::now();
    slow.until(|picture| sent.is_original(picture)).await;
    assert!(begun.elapsed().as_secs_f32() >= 9.0, "{:?}", begun.elapsed());
    assert!(good.so_far().iter().all(|picture| sent.is_original(picture)), "the other saw none of it");
    let other = server.known("yard", good.peer).await.unwrap();
    assert_eq!(
        [&other["quality"], &other["missed"]],
        [&serde_json::json!("original"), &serde_json::json!(0)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_of_drawn_pictures_gets_70_instead_of_85() {
    let server = start(SETTINGS).await;
    let _sent = Sent::begin(&server).await;
    let mut slow = Mjpeg::open(&server, "/stream/detect?camera=yard&fps=15").await.unwrap();
    let usual = slow.until(|picture| step(picture) == STEP_85).await;
    slow.throttle(usual.len());
    slow.until(|picture| step(picture) == STEP_70).await;
    assert_eq!(server.known("yard", slow.peer).await.unwrap()["quality"], 70);
}

/// The pictures that a viewer of the relay has got by now.
fn shown(viewer: &mut Client) -> Vec<Vec<u8>> {
    let all = viewer.all(|what| matches!(what, What::Bytes(_)) || what.is("live_frame"));
    let picture = |what| match what {
        What::Bytes(bytes) => bytes[20 + usize::from(bytes[1])..].to_vec(),
        other => {
            let json = other.json().unwrap();
            let url = json["data"]["frame"].as_str().unwrap().to_owned();
            let base64 = url.strip_prefix("data:image/jpeg;base64,").unwrap();
            base64_simd::STANDARD.decode_to_vec(base64).unwrap()
        }
    };
    all.into_iter().map(|(_, what)| picture(what)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_of_the_relay_gets_smaller_pictures_as_text_and_as_bytes() {
    for manners in [POLITE, MODERN] {
        let server = start(SETTINGS).await;
        let sent = Sent::begin(&server).await;
        let mut good = server.viewer("?streams=yard", MODERN).await;
        let mut slow = server.viewer("?streams=yard", manners).await;
        slow.throttle(sent.bytes_per_s() / 4);
        let begun = Instant::now();
        while !shown(&mut slow).iter().any(|picture| !sent.is_original(picture)) {
            slow.hear().await;
            assert!(begun.elapsed() < Duration::from_secs(300), "it gets smaller pictures: {manners:?}");
        }
        assert_ne!(server.known("yard", slow.peer).await.unwrap()["quality"], "original");
        assert!(shown(&mut good).iter().all(|picture| sent.is_original(picture)));
    }
}
