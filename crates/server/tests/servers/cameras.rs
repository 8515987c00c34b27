//! Cameras whose faults take long to show. They are read through the kernel, so the clock goes on at ten times its usual rate
//! instead of jumping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

use crate::client::{MODERN, What};
use crate::mjpeg::{Mjpeg, pictures};
use crate::support::{Running, Tenfold, start};

const SETTINGS: &str = "cameras.allow = \"127.0.0.0/8\"\ncameras.linger_s = 0.5";

/// What the simulated board does with a client that connects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Does {
    /// Shows this many pictures a second.
    Show(f64),
    /// Answers, and gives its first picture after this many seconds.
    Late(f64),
    Nothing,
}

pub struct Camera {
    pub address: SocketAddr,
    does: watch::Sender<Does>,
    pub readers: Arc<AtomicUsize>,
    /// All that there were.
    pub connections: Arc<AtomicUsize>,
    _clock: Tenfold,
}

impl Camera {
    pub async fn begin(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, readers) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let (does, does_now) = watch::channel(does);
        let count = readers.clone();
        let connections = Arc::<AtomicUsize>::default();
        let all = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (does, count) = (does_now.clone(), count.clone());
                all.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    let _ = serve(stream, does).await;
                    count.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { address, does, readers, connections, _clock: Tenfold::begin() }
    }

    fn path(&self) -> String {
        format!("/stream/proxy?esp32_url=http://{}", self.address)
    }

    /// What the server knows of it.
    async fn known(&self, server: &Running) -> Option<serde_json::Value> {
        let streams = server.get("/api/v1/streams").await.json();
        let host = self.address.to_string();
        let is_it = |one: &&serde_json::Value| one["url"].as_str().unwrap().contains(&host);
        streams["streams"].as_array().unwrap().iter().find(is_it).cloned()
    }
}

async fn serve(mut stream: TcpStream, mut does: watch::Receiver<Does>) -> std::io::Result<()> {
    let mut request = [0; 4096];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    if *does.borrow() == Does::Nothing {
        // Until the server gives up.
        while stream.read(&mut request).await? > 0 {}
        return Ok(());
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let begins = *does.borrow();
    if let Does::Late(seconds) = begins {
        sleep(Duration::from_secs_f64(seconds)).await;
    }
    for jpeg in pictures(40).iter().cycle() {
        let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
        stream.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat()).await?;
        let fps = match *does.borrow_and_update() {
            Does::Show(fps) => fps,
            Does::Late(_) => 1.0,
            Does::Nothing => return Ok(()),
        };
        tokio::select! {
            () = sleep(Duration::from_secs_f64(1.0 / fps)) => {}
            _ = does.changed() => {}
        }
    }
    Ok(())
}

/// Waits until that is known of a camera; how long it took.
async fn until(
    server: &Running,
    camera: &Camera,
    what: &str,
    is: impl Fn(&serde_json::Value) -> bool,
) -> Duration {
    let begun = Instant::now();
    while !is(&camera.known(server).await.expect("it is watched")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(100)).await;
    }
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_camera_far_below_its_usual_rate_is_said_to_be_slow_and_no_longer_when_it_is_back() {
    let server = start(SETTINGS).await;
    let camera = Camera::begin(Does::Show(20.0)).await;
    let mut viewer = Mjpeg::open(&server, &camera.path()).await.unwrap();
    // Its usual rate is known after ten seconds.
    sleep(Duration::from_secs(15)).await;
    assert_eq!(camera.known(&server).await.unwrap()["slow"], serde_json::Value::Null);
    camera.does.send_replace(Does::Show(2.0));
    until(&server, &camera, "it is slow", |known| !known["slow"].is_null()).await;
    let known = camera.known(&server).await.unwrap();
    assert_eq!(known["state"], "running");
    assert!(known["slow"]["fps"].as_f64().unwrap() < 6.0, "{known}");
    assert!(known["slow"]["usual_fps"].as_f64().unwrap() > 10.0, "{known}");
    camera.does.send_replace(Does::Show(20.0));
    until(&server, &camera, "no longer", |known| known["slow"].is_null()).await;
    let (shown, sent) = (viewer.so_far(), pictures(40));
    assert!(shown.len() > 300, "{} pictures", shown.len());
    assert!(shown.iter().all(|picture| sent.iter().any(|one| one == picture)), "and no banner");
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_stalls_has_a_banner_each_second_until_it_is_back() {
    let server = start(&format!("{SETTINGS}\ncameras.stalled_after_s = 3")).await;
    let camera = Camera::begin(Does::Show(20.0)).await;
    let sent = pictures(40);
    let is_banner = |picture: &Bytes| !sent.iter().any(|one| one == picture);
    let mut viewer = Mjpeg::open(&server, &camera.path()).await.unwrap();
    viewer.until(|picture| !is_banner(picture)).await;
    camera.does.send_replace(Does::Show(0.01));
    let took = until(&server, &camera, "it has stalled", |known| known["state"] == "stalled").await;
    assert!((2.5..5.0).contains(&took.as_secs_f64()), "{took:?}");
    viewer.until(is_banner).await;
    let begun = Instant::now();
    for _ in 0..5 {
        viewer.until(is_banner).await;
    }
    // A thread draws them, which may be late.
    assert!(begun.elapsed().as_secs_f64() >= 4.0, "{:?}", begun.elapsed());
    camera.does.send_replace(Does::Show(20.0));
    viewer.until(|picture| !is_banner(picture)).await;
    until(&server, &camera, "it runs", |known| known["state"] == "running").await;
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_is_ended_stays_closed_for_those_who_watch_it() {
    let folder = tempfile::tempdir().unwrap();
    for (number, jpeg) in pictures(3).iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.jpg")), jpeg).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let server = start(&format!("[[camera]]\nid = \"album\"\nfolder = \"{path}\"\nfps = 5")).await;
    let mut viewer = server.viewer("?streams=album", MODERN).await;
    viewer.until(|what| matches!(what, What::Bytes(_))).await;
    let ending = server.request("DELETE", "/api/v1/streams/album", "");
    assert_eq!(server.ask(ending).await.status, http::StatusCode::NO_CONTENT);
    assert!(viewer.next("stream_ended").await["reason"].as_str().unwrap().contains("administrator"));
    viewer.so_far();
    // It looks for cameras every five seconds.
    sleep(Duration::from_secs(30)).await;
    let later: Vec<_> = viewer.so_far().into_iter().filter(|what| what.is("stream_state")).collect();
    assert!(later.is_empty(), "it was opened again: {later:?}");
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_says_nothing_is_502_after_the_time_that_it_says_and_leaves_no_connection() {
    let server = start(SETTINGS).await;
    let camera = Camera::begin(Does::Nothing).await;
    let begun = Instant::now();
    let Err(answer) = Mjpeg::open(&server, &camera.path()).await else { panic!("it is shown") };
    let took = begun.elapsed().as_secs_f64();
    assert!(answer.contains(" 502 "), "{answer}");
    let (_, rest) = answer.split_once("did not answer within ").unwrap_or_else(|| panic!("{answer}"));
    let said: f64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert!((said..said + 3.0).contains(&took), "{took} s, and it says {said} s");
    sleep(Duration::from_secs(2)).await;
    assert!(camera.known(&server).await.is_none(), "it is closed");
    assert_eq!(camera.readers.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn who_asks_later_for_a_single_picture_gets_it_though_who_asked_first_gave_up() {
    let server = Arc::new(start(SETTINGS).await);
    let camera = Camera::begin(Does::Late(19.0)).await;
    let path = format!("/api/esp32/snapshot?esp32_url=http://{}", camera.address);
    let ask = || {
        let (server, path) = (server.clone(), path.clone());
        tokio::spawn(async move { server.get(&path).await.json()["success"] == true })
    };
    let first = ask();
    sleep(Duration::from_secs(9)).await;
    let second = ask();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (false, true));
    assert_eq!(camera.connections.load(Ordering::Relaxed), 1, "both over one connection");
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_gives_its_first_picture_late_is_waited_for() {
    let server = start(SETTINGS).await;
    let camera = Camera::begin(Does::Late(40.0)).await;
    let begun = Instant::now();
    let Ok(_viewer) = Mjpeg::open(&server, &camera.path()).await else { panic!("it is slow, and well") };
    assert!((39..50).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

/// Somebody who watches cameras that say nothing, each once.
fn waiting(
    server: &Arc<Running>,
    from: [u8; 4],
    silent: &[Camera],
) -> Vec<tokio::task::JoinHandle<Option<String>>> {
    let ask = |(index, camera): (usize, &Camera)| {
        let (server, path) = (server.clone(), camera.path());
        let peer = (from, 40_000 + index as u16).into();
        tokio::spawn(async move { Mjpeg::open_from(&server, peer, &path).await.err() })
    };
    silent.iter().enumerate().map(ask).collect()
}

async fn opened(server: &Running, named: u64) {
    until_status(server, |cameras| cameras["named"] == named).await;
}

async fn until_status(server: &Running, is: impl Fn(&serde_json::Value) -> bool) {
    for _ in 0..300 {
        if is(&server.status().await["cameras"]) {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", server.status().await["cameras"]);
}

#[tokio::test(start_paused = true)]
async fn addresses_that_say_nothing_take_no_place_of_a_camera_that_is_known() {
    let known = Camera::begin(Does::Show(20.0)).await;
    let settings = format!(
        "{SETTINGS}\ncameras.max_upstreams = 1\ncameras.max_named = 2\n[[camera]]\nid = \"door\"\nurl = \"http://{}\"",
        known.address
    );
    let server = Arc::new(start(&settings).await);
    let silent = [Camera::begin(Does::Nothing).await, Camera::begin(Does::Nothing).await];
    let _waiting = waiting(&server, [127, 0, 0, 9], &silent);
    opened(&server, 2).await;
    let Ok(mut viewer) = Mjpeg::open(&server, "/stream").await else { panic!("the door is not shown") };
    viewer.next().await;
    let status = server.status().await["cameras"].clone();
    assert_eq!([&status["upstreams"], &status["max_upstreams"], &status["max_named"]], [1, 1, 2]);
    // By its address it is the same camera, in the same place.
    let Ok(mut by_address) = Mjpeg::open(&server, &known.path()).await else { panic!("it is another") };
    by_address.next().await;
    assert_eq!(known.readers.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn of_addresses_that_say_nothing_one_gives_way_to_somebody_else_and_not_to_the_same() {
    let server = Arc::new(start(&format!("{SETTINGS}\ncameras.max_named = 2")).await);
    let silent = [Camera::begin(Does::Nothing).await, Camera::begin(Does::Nothing).await];
    let shown = Camera::begin(Does::Show(20.0)).await;
    let mut waiting = waiting(&server, [127, 0, 0, 9], &silent);
    opened(&server, 2).await;
    let own = ([127, 0, 0, 9], 41_000).into();
    let Err(refused) = Mjpeg::open_from(&server, own, &shown.path()).await else { panic!("a third one") };
    assert!(refused.contains(" 503 "), "{refused}");
    let other = ([127, 0, 0, 8], 41_000).into();
    let Ok(mut viewer) = Mjpeg::open_from(&server, other, &shown.path()).await else { panic!("no place") };
    viewer.next().await;
    opened(&server, 2).await;
    // Who waited for the one that gave way is told; one that gives pictures gives way to nobody.
    let (told, _, _) = futures_util::future::select_all(waiting.drain(..)).await;
    assert!(told.unwrap().unwrap().contains(" 502 "));
    viewer.next().await;
}
