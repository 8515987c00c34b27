//! Viewers that read slowly or not at all, and clients that ask and do not read the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::time::{Duration, Instant, sleep};

use crate::client::{self, Client, MODERN, MUTE, Manners, PING, POLITE, TEXT, What, jpeg, number, whole};
use crate::support::{Running, start};

/// Pictures that cannot be made smaller, and in which nothing is looked for.
const PLAIN: &str = "relay.lower_quality = false\nrelay.overlays = \"none\"\ncameras.lower_quality = false";

/// Sends such a picture at this interval, for this time.
async fn send(sender: &Client, bytes: usize, every: Duration, whole: Duration) -> u32 {
    let (picture, begun) = (jpeg(bytes), Instant::now());
    let mut sent = 0;
    while begun.elapsed() < whole {
        sender.jpeg(&picture).await;
        sent += 1;
        sleep(every).await;
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_never_reads_is_closed_after_three_deadlines_and_nobody_else_loses_anything() {
    let deadlines = "relay.viewer_deadline_s = 0.8\nrelay.viewer_deadline_min_s = 0.8\n\
                     relay.viewer_deadline_max_s = 0.8\nrelay.max_fps = 1000";
    let server = start(&format!("{PLAIN}\n{deadlines}")).await;
    let sender = server.sender("stuck", MODERN).await;
    let mut good = server.viewer("?streams=stuck", MODERN).await;
    let mut old = server.viewer("?streams=stuck", POLITE).await;
    let mut stuck = server.viewer("?streams=stuck", MODERN).await;
    stuck.pause();
    let (begun, mut sent) = (Instant::now(), 0);
    while server.status().await["relay"]["viewers"] == 3 {
        sent += send(&sender, 400_000, Duration::from_millis(20), Duration::from_millis(100)).await;
        assert!(begun.elapsed() < Duration::from_secs(12), "it was closed");
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(2_400) && took < Duration::from_millis(3_500), "{took:?}");
    let numbers: Vec<_> = good.so_far().iter().filter_map(number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap: {numbers:?}");
    assert_eq!(numbers.len() as u32, sent);
    assert_eq!(old.all(|what| what.is("live_frame")).len() as u32, sent);
    stuck.resume();
    stuck.gone().await;
}

/// What a viewer gets of 30 pictures a second for this many seconds, of which it can read every sixth.
async fn watch_slowly(bytes: usize, seconds: u64) -> (Vec<u64>, u32, serde_json::Value) {
    let server = start(PLAIN).await;
    let sender = server.sender("slow", MODERN).await;
    let mut good = server.viewer("?streams=slow", MODERN).await;
    let mut slow = server.viewer("?streams=slow", MODERN).await;
    slow.throttle(bytes);
    let every = Duration::from_millis(33);
    let sent = send(&sender, bytes / 5, every, Duration::from_secs(seconds)).await;
    let known = server.known("slow", slow.peer).await.expect("the server still has it");
    let numbers = |client: &mut Client| client.so_far().iter().filter_map(number).collect::<Vec<_>>();
    assert_eq!(numbers(&mut good).len() as u32, sent, "the other got all");
    let got = numbers(&mut slow);
    assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{got:?}");
    (got, sent, known)
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_takes_a_sixth_of_the_pictures_gets_new_ones_only_and_its_loss_is_known() {
    let (got, sent, known) = watch_slowly(200_000, 10).await;
    assert!(got.len() > 30 && got.len() as u32 * 3 < sent, "{} of {sent}", got.len());
    // What lies in the pipe, and the one under way; were all of them queued, it would be hundreds.
    let behind = u64::from(sent) - got.last().unwrap();
    assert!(behind < 45, "{behind} pictures behind");
    assert!(known["missed"].as_u64().unwrap() > 150, "{known}");
    assert!(known["lost_percent"].as_f64().unwrap() > 60.0, "{known}");
    let deadline = known["deadline_ms"].as_f64().unwrap();
    assert!((500.0..=5_000.0).contains(&deadline) && known["write_ms"].as_f64().unwrap() > 0.0, "{known}");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_reads_20_kb_a_second_stays() {
    let (got, ..) = watch_slowly(20_000, 60).await;
    assert!(got.len() > 100, "{} pictures", got.len());
}

#[tokio::test(start_paused = true)]
async fn viewers_that_say_nothing_are_pinged_and_given_up() {
    let server = start("").await;
    let mut polite = server.viewer("", POLITE).await;
    let mut mute = server.viewer("", MUTE).await;
    let begun = Instant::now();
    assert_eq!(mute.closed().await.0, 4408);
    assert!((90..=150).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    sleep(Duration::from_secs(120)).await;
    let at: Vec<_> = polite.all(|what| what.is("ping")).iter().map(|(at, _)| *at).collect();
    assert!(at.len() >= 6, "{at:?}");
    for pair in at.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap.abs_diff(Duration::from_secs(30)) < Duration::from_millis(10), "{gap:?}");
    }
    assert!(polite.all(|what| matches!(what, What::Close(..))).is_empty());
}

/// Sends the same again and again as long as the server takes it; how many bytes that were.
fn flood(client: Client, ask: Vec<u8>) -> Arc<AtomicUsize> {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    tokio::spawn(async move {
        client.pause();
        let many = ask.repeat(200);
        for _ in 0..(60 << 20) / many.len() {
            client.pour(&many).await;
            count.fetch_add(many.len(), Ordering::Relaxed);
        }
        std::future::pending::<()>().await;
    });
    sent
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_and_does_not_read_the_answers_is_made_to_wait_and_cut_off() {
    let asks =
        [("pings of the protocol", whole(PING, &[1; 125])), ("texts", whole(TEXT, br#"{"type":"ping"}"#))];
    for (what, ask) in asks {
        for who in ["sender", "viewer"] {
            let server = start(&format!("{PLAIN}\nrelay.viewer_deadline_max_s = 0.5")).await;
            let asking = match who {
                "sender" => server.sender("flood", MUTE).await,
                _ => server.viewer("", MUTE).await,
            };
            let sender = server.sender("beside", POLITE).await;
            let mut viewer = server.viewer("?streams=beside", POLITE).await;
            let sent = flood(asking, ask.clone());
            for _ in 0..25 {
                let begun = Instant::now();
                sender.picture("data:image/jpeg;base64,/9j/").await;
                viewer.next("live_frame").await;
                assert!(begun.elapsed() < Duration::from_millis(200), "{who}: {what}: others wait");
                sleep(Duration::from_millis(60)).await;
            }
            // What two pipes hold, and what it takes to know that nothing is read.
            let taken = sent.load(Ordering::Relaxed);
            assert!(taken < 2 << 20, "{who}: {what}: {taken} bytes were taken");
            sleep(Duration::from_secs(8)).await;
            let relay = server.status().await["relay"].clone();
            assert_eq!([&relay["streams"], &relay["viewers"]], [1, 1], "{who}: {what}: it was cut off");
        }
    }
}

/// Asks for the pictures of a stream as MJPEG; the connection once the first part has come.
async fn mjpeg(server: &Running, name: &str) -> DuplexStream {
    let request = format!("GET /stream?camera={name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let mut stream = server.write(&request).await;
    let (head, mut body) = client::head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    while !body.windows(2).any(|two| two == [0xff, 0xd8]) {
        stream.read_buf(&mut body).await.unwrap();
    }
    stream
}

async fn read(stream: &mut DuplexStream, most: usize) -> usize {
    let mut bytes = vec![0; most];
    stream.read_exact(&mut bytes).await.unwrap_or_default()
}

async fn watching(server: &Running, name: &str) -> u64 {
    server.get(&format!("/api/v1/streams/{name}")).await.json()["viewers"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_viewer_of_mjpeg_that_stops_reading_is_gone_after_the_deadline_and_holds_up_nobody() {
    let server = start(&format!("{PLAIN}\ncameras.viewer_deadline_s = 10")).await;
    let sender = server.sender("yard", MODERN).await;
    let mut good = server.viewer("?streams=yard", MODERN).await;
    sender.jpeg(&jpeg(50_000)).await;
    let _stuck = mjpeg(&server, "yard").await;
    let (begun, mut sent) = (Instant::now(), 1);
    while watching(&server, "yard").await == 2 {
        sent += send(&sender, 50_000, Duration::from_millis(50), Duration::from_millis(200)).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "it is gone");
    }
    assert!(
        begun.elapsed().abs_diff(Duration::from_secs(10)) < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(good.so_far().iter().filter_map(number).count() as u32, sent);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_of_mjpeg_that_pauses_for_less_than_the_deadline_stays() {
    let server = start(&format!("{PLAIN}\ncameras.viewer_deadline_s = 10")).await;
    let sender = server.sender("yard", MODERN).await;
    let sending = tokio::spawn(async move {
        send(&sender, 50_000, Duration::from_millis(100), Duration::from_secs(3600)).await;
    });
    let mut viewer = mjpeg(&server, "yard").await;
    for _ in 0..3 {
        sleep(Duration::from_secs(8)).await;
        assert_eq!(read(&mut viewer, 300_000).await, 300_000);
    }
    // Neither does one go that reads a little all the time.
    for _ in 0..30 {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(read(&mut viewer, 2_000).await, 2_000);
    }
    assert_eq!(watching(&server, "yard").await, 1);
    sending.abort();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_tells_everybody_1001_and_waits_for_nobody_who_does_not_listen() {
    let server = start(PLAIN).await;
    let sender = server.sender("a", MODERN).await;
    let mut listening = Vec::new();
    for (query, manners) in [("", POLITE), ("", MODERN), ("?streams=a", MODERN)] {
        listening.push(server.viewer(query, manners).await);
    }
    let unheard = Manners { answers: false, ..MODERN };
    let stuck = server.viewer("?streams=a", unheard).await;
    stuck.pause();
    listening.push(server.sender("b", MUTE).await);
    send(&sender, 50_000, Duration::from_millis(30), Duration::from_secs(1)).await;
    listening.push(sender);
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() <= Duration::from_millis(5_500), "{:?}", begun.elapsed());
    for client in &mut listening {
        assert_eq!(client.closed().await.0, 1001);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_takes_no_time_when_everybody_behaves() {
    let server = start(PLAIN).await;
    let mut clients = [server.sender("a", POLITE).await, server.viewer("", POLITE).await];
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    for client in &mut clients {
        assert_eq!(client.closed().await.0, 1001);
    }
}
