//! Senders of streams that fall silent, are lost, or want a name that somebody else has.

use tokio::time::{Duration, Instant, sleep};

use crate::client::{BYTES, CONTINUATION, Client, MODERN, MUTE, POLITE, TEXT, What, frame, jpeg};
use crate::support::start;

const URL: &str = "data:image/jpeg;base64,/9j/";
/// As they are configured by default.
const WARN: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(15);
const HIDDEN_END: Duration = Duration::from_secs(90);

/// Whether it was this long, but for what looking takes.
fn took(begun: Instant, expected: Duration) -> bool {
    begun.elapsed().abs_diff(expected) < Duration::from_millis(300)
}

/// Says something at this interval, for this time.
async fn often(client: &Client, every: Duration, what: &str, count: u32) {
    for _ in 0..count {
        client.text(what).await;
        sleep(every).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_falls_silent_is_warned_and_then_its_stream_ends() {
    let server = start("").await;
    let mut sender = server.sender("silent", MUTE).await;
    let mut viewer = server.viewer("?streams=silent", POLITE).await;
    sender.picture(URL).await;
    viewer.next("live_frame").await;
    let begun = Instant::now();
    let warning = sender.next("warning").await;
    assert!(took(begun, WARN), "{:?}", begun.elapsed());
    assert!(warning["message"].as_str().unwrap().contains("without frames"));
    assert_eq!(warning.as_object().unwrap().len(), 2);
    let (code, reason) = sender.closed().await;
    assert_eq!(code, 4408, "{reason}");
    assert!(took(begun, END), "{:?}", begun.elapsed());
    viewer.next("stream_ended").await;
    assert_eq!(sender.all(|what| what.is("warning")).len(), 1);
    assert!(server.active().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_answers_pings_is_a_hidden_tab_and_ends_later() {
    let server = start("").await;
    let mut sender = server.sender("hidden", POLITE).await;
    sender.picture(URL).await;
    let begun = Instant::now();
    sleep(END * 2).await;
    assert_eq!(server.active().await, ["hidden"]);
    assert_eq!(sender.closed().await.0, 4408);
    assert!(took(begun, HIDDEN_END), "{:?}", begun.elapsed());
    let pings = sender.all(|what| matches!(what, What::Ping)).len();
    assert!((16..=18).contains(&pings), "{pings}: one each five seconds");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_says_other_things_is_ended_but_not_warned() {
    let server = start("").await;
    let mut sender = server.sender("pings", POLITE).await;
    let begun = Instant::now();
    often(&sender, Duration::from_secs(1), r#"{"type":"ping"}"#, 14).await;
    assert_eq!(sender.closed().await.0, 4408);
    assert!(took(begun, END), "{:?}", begun.elapsed());
    assert!(sender.all(|what| what.is("warning")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_never_says_hello_is_ended_too() {
    let server = start("").await;
    let begun = Instant::now();
    assert_eq!(server.client("/ws/stream/shy", POLITE).await.closed().await.0, 4408);
    assert!(took(begun, END), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_warned_again_when_it_falls_silent_again() {
    let server = start("").await;
    let mut sender = server.sender("twice", POLITE).await;
    for _ in 0..3 {
        sender.next("warning").await;
        sender.picture(URL).await;
    }
    sleep(WARN / 2).await;
    assert_eq!(server.active().await, ["twice"]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_of_frames_is_never_warned() {
    let server = start("").await;
    let mut sender = server.sender("steady", POLITE).await;
    let picture = format!(r#"{{"type":"frame","frame":"{URL}"}}"#);
    often(&sender, WARN.saturating_sub(Duration::from_secs(1)), &picture, 10).await;
    assert!(sender.said_so_far().is_empty(), "{:?}", sender.heard);
}

#[tokio::test(start_paused = true)]
async fn senders_that_are_lost_are_given_up_wherever_they_were() {
    for when in ["before its hello", "after its hello", "in mid-frame", "between two fragments"] {
        let server = start("").await;
        let mut lost = server.client("/ws/stream/lost", MUTE).await;
        if when != "before its hello" {
            lost.text(r#"{"analysis_mode":"normal"}"#).await;
        }
        match when {
            "in mid-frame" => lost.raw(&frame(0x80 | TEXT, &vec![b' '; 30_000], 50_000, true)).await,
            "between two fragments" => lost.raw(&frame(TEXT, b"{", 1, true)).await,
            _ => {}
        }
        let begun = Instant::now();
        assert_eq!(lost.closed().await.0, 4408, "{when}");
        assert!(took(begun, END), "{when}: {:?}", begun.elapsed());
        assert!(server.active().await.is_empty(), "{when}: the name is free");
        // It never says goodbye, and is not waited for.
        lost.gone().await;
        assert!(begun.elapsed() < END + Duration::from_secs(10), "{when}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_lost_by_a_sender_that_does_not_answer_within_2_s() {
    let server = start("").await;
    let mut first = server.sender("lost", MUTE).await;
    let mut viewer = server.viewer("?streams=lost", POLITE).await;
    first.picture(URL).await;
    viewer.next("live_frame").await;
    let begun = Instant::now();
    let second = server.sender("lost", POLITE).await;
    assert!(took(begun, Duration::from_secs(2)), "{:?}", begun.elapsed());
    second.picture(URL).await;
    viewer.next("stream_ended").await;
    viewer.next("live_frame").await;
    assert_eq!(viewer.all(|what| what.json().is_some()).len(), 4, "{:?}", viewer.heard);
    first.until(|what| *what == What::Ping).await;
    assert_eq!(first.closed().await.0, 4090);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_has_lost_goes_to_one_of_those_who_ask_for_it() {
    let server = start("").await;
    let _lost = server.sender("race", MUTE).await;
    let mut racing = Vec::new();
    for _ in 0..10 {
        let client = server.client("/ws/stream/race", POLITE).await;
        client.text("{}").await;
        racing.push(client);
    }
    let mut winners = 0;
    for client in &mut racing {
        if client.json().await["type"] == "connected" {
            winners += 1;
        } else {
            assert_eq!(client.closed().await.0, 4090);
        }
    }
    assert_eq!(winners, 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_refused_to_a_second_sender_before_it_has_said_anything() {
    let server = start("").await;
    let mut first = server.sender("ward", POLITE).await;
    let mut second = server.client("/ws/stream/ward", POLITE).await;
    assert_eq!(second.closed().await.0, 4090);
    assert!(first.all(|what| matches!(what, What::Close(..))).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_binary_sender_is_told_how_many_watch_and_what_became_of_its_frames() {
    let server = start("").await;
    let mut sender = server.sender("stats", MODERN).await;
    let figures = |stats: &serde_json::Value| {
        ["viewers", "received", "bad", "dropped"].map(|key| stats[key].as_u64().unwrap())
    };
    assert_eq!(figures(&sender.next("stream_stats").await), [0; 4]);
    let viewer = server.viewer("?streams=stats", POLITE).await;
    for _ in 0..3 {
        sender.jpeg(&jpeg(1000)).await;
        sleep(Duration::from_millis(50)).await;
    }
    sender.text(r#"{"type":"frame"}"#).await;
    assert_eq!(figures(&sender.next("stream_stats").await), [1, 3, 1, 0]);
    drop(viewer);
    assert_eq!(figures(&sender.next("stream_stats").await), [0, 3, 1, 0]);
    sleep(Duration::from_secs(5)).await;
    assert!(sender.said_so_far().is_empty(), "nothing new, nothing said");
    let mut old = server.sender("old", POLITE).await;
    sleep(Duration::from_secs(5)).await;
    assert!(old.so_far().is_empty(), "and nothing at all to old clients");
}

#[tokio::test(start_paused = true)]
async fn more_frames_than_relay_max_fps_are_dropped_and_counted() {
    let server = start("relay.max_fps = 10\nrelay.overlays = \"none\"").await;
    let mut sender = server.sender("fast", MODERN).await;
    let mut viewer = server.viewer("?streams=fast", MODERN).await;
    for _ in 0..120 {
        sender.jpeg(&jpeg(1000)).await;
        sleep(Duration::from_millis(1000 / 60)).await;
    }
    sleep(Duration::from_secs(2)).await;
    let last = sender.all(|what| what.is("stream_stats")).pop().unwrap().1.json().unwrap();
    let got = viewer.all(|what| matches!(what, What::Bytes(_))).len() as u64;
    assert_eq!(last["received"], 120);
    assert_eq!(last["dropped"], 120 - got);
    // Ten a second, and a few that may come in a bunch.
    assert!((20..=32).contains(&got), "{got}");
}

/// What a viewer is told of a stream's state, but for when.
async fn state(viewer: &mut Client) -> (String, f64) {
    let told = viewer.next("stream_state").await;
    (told["state"].as_str().unwrap().to_owned(), told["since_s"].as_f64().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stalls_is_told_to_new_viewers_however_late_they_come() {
    let server = start("relay.overlays = \"none\"").await;
    let mut viewer = server.viewer("?streams=bed", MODERN).await;
    let mut old = server.viewer("?streams=bed", POLITE).await;
    let mut sender = server.sender("bed", POLITE).await;
    assert_eq!(state(&mut viewer).await.0, "starting");
    sender.picture(URL).await;
    assert_eq!(state(&mut viewer).await.0, "running");
    let begun = Instant::now();
    let stalled = viewer.next("stream_state").await;
    assert_eq!(stalled["state"], "stalled");
    assert!(stalled["reason"].as_str().unwrap().contains(' '), "in words: {stalled}");
    assert!(took(begun, Duration::from_secs(3)), "{:?}", begun.elapsed());
    sleep(Duration::from_secs(2)).await;
    let mut late = server.viewer("?streams=bed", MODERN).await;
    let (condition, since) = state(&mut late).await;
    assert_eq!(condition, "stalled");
    assert!((4.5..5.5).contains(&since), "{since} s, for it counts from the last picture");
    sender.picture(URL).await;
    assert_eq!(state(&mut viewer).await.0, "running");
    sender.close().await;
    assert_eq!(sender.closed().await.0, 1000);
    assert!(viewer.next("stream_ended").await["reason"].as_str().unwrap().contains(' '));
    old.next("stream_ended").await;
    let kinds: Vec<_> = old.heard.iter().filter_map(|(_, what)| what.json()).collect();
    let kinds: Vec<_> = kinds.iter().map(|json| json["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["viewer_connected", "live_frame", "live_frame", "stream_ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_picture_in_fragments_that_take_their_time_is_a_good_one() {
    let server = start("").await;
    let sender = server.sender("slow", MODERN).await;
    let mut viewer = server.viewer("?streams=slow", MODERN).await;
    let message = crate::client::packed(&jpeg(5_000));
    let mut kind = BYTES;
    for piece in message.chunks(1000) {
        sender.raw(&frame(kind, piece, piece.len() as u64, true)).await;
        sleep(Duration::from_secs(1)).await;
        kind = CONTINUATION;
    }
    sender.raw(&frame(0x80 | CONTINUATION, b"", 0, true)).await;
    let What::Bytes(bytes) = viewer.until(|what| matches!(what, What::Bytes(_))).await else {
        unreachable!()
    };
    assert_eq!(bytes[bytes.len() - 5_000..], jpeg(5_000));
}
