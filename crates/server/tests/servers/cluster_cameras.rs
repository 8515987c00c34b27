//! Cameras that several servers know: each is read by one of them.

use std::sync::atomic::Ordering;

use http::Method;
use sightwire_cluster::memory::Trouble;
use sightwire_cluster::options::{TTL, WhenDown};
use tokio::time::{Duration, Instant, sleep};

use crate::cameras::{Camera, Does};
use crate::client::{Client, MODERN, POLITE, What, number};
use crate::house::{House, URL};
use crate::mjpeg::Mjpeg;

async fn house(camera: &Camera) -> House {
    let toml =
        format!("cameras.linger_s = 0.5\n[[camera]]\nid = \"gate\"\nurl = \"http://{}\"\n", camera.address);
    House::that(3, WhenDown::Accept, &toml).await
}

fn readers(camera: &Camera) -> usize {
    camera.readers.load(Ordering::Relaxed)
}

/// Which server reads it.
fn reader(house: &House) -> usize {
    let known = house.clusters[0].current_directory();
    let process = &known.streams.get("gate").expect("somebody reads it").process;
    house.clusters.iter().position(|cluster| cluster.own_record().name == *process).unwrap()
}

async fn sees(viewer: &mut Client) {
    viewer.until(|what| number(what).is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn a_camera_is_read_once_however_many_processes_show_it() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    let mut viewers = Vec::new();
    for server in &house.servers {
        viewers.push(server.viewer("?streams=gate", MODERN).await);
    }
    for viewer in &mut viewers {
        sees(viewer).await;
    }
    sleep(Duration::from_secs(3)).await;
    assert_eq!(readers(&camera), 1);
    for viewer in &mut viewers {
        viewer.so_far();
        sees(viewer).await;
    }
    let reading = reader(&house);
    for (index, server) in house.servers.iter().enumerate() {
        let stream = server.get("/api/v1/streams/gate").await.json();
        assert_eq!(stream["state"], "running", "{index} of {reading}: {stream}");
        let elsewhere = (index != reading).then(|| &*house.clusters[reading].own_record().name);
        assert_eq!(stream["process"].as_str(), elsewhere, "{index} of {reading}: {stream}");
    }
    drop(viewers);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(readers(&camera), 0, "nobody watches it any more");
    assert!(house.clusters[0].current_directory().streams.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_cameras_of_a_process_that_is_gone_are_read_by_another_within_the_ttl() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    // The one that is to read it has no viewer of its own: it reads for the others.
    let mut first = house.servers[0].viewer("?streams=gate", MODERN).await;
    sees(&mut first).await;
    let gone = reader(&house);
    drop(first);
    let mut viewers = Vec::new();
    for (_, server) in house.servers.iter().enumerate().filter(|(index, _)| *index != gone) {
        viewers.push(server.viewer("?streams=gate", MODERN).await);
    }
    for viewer in &mut viewers {
        sees(viewer).await;
    }
    sleep(Duration::from_secs(3)).await;
    assert_eq!((reader(&house), readers(&camera)), (gone, 1));
    let begun = Instant::now();
    house.kill(gone).await;
    for viewer in &mut viewers {
        viewer.until(|what| what.json().is_some_and(|json| json["state"] == "stalled")).await;
    }
    for viewer in &mut viewers {
        sees(viewer).await;
    }
    let took = begun.elapsed();
    assert!(took < TTL + Duration::from_secs(1), "{took:?}");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(readers(&camera), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_drains_gives_its_cameras_away_within_2_s() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    let mut viewers = Vec::new();
    for server in &house.servers {
        viewers.push(server.viewer("?streams=gate", MODERN).await);
    }
    for viewer in &mut viewers {
        sees(viewer).await;
    }
    sleep(Duration::from_secs(2)).await;
    let before = reader(&house);
    for viewer in &mut viewers {
        viewer.so_far();
    }
    let begun = Instant::now();
    house.clusters[before].drain_cameras();
    while house.clusters[0].current_directory().streams.get("gate").is_none_or(|_| reader(&house) == before) {
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(3)).await;
    for viewer in &mut viewers {
        let pictures = viewer.all(|what| number(what).is_some());
        let times: Vec<Instant> = pictures.iter().map(|(at, _)| *at).collect();
        let gap = times.windows(2).map(|two| two[1] - two[0]).max().unwrap();
        assert!(gap < Duration::from_secs(2), "{gap:?}");
        assert!(times.last().unwrap().elapsed() < Duration::from_secs(1), "it goes on");
    }
    assert_eq!(readers(&camera), 1);
    assert_ne!(reader(&house), before);
}

/// The next frame in which something was found, and that.
async fn found(listener: &mut Client) -> serde_json::Value {
    let is_it = |what: &What| {
        what.json().is_some_and(|json| json["detections"].as_array().is_some_and(|found| !found.is_empty()))
    };
    listener.until(is_it).await.json().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_in_a_camera_is_found_by_the_process_that_reads_it_for_all() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    let mut listeners = Vec::new();
    for server in &house.servers {
        listeners.push(server.client("/api/v1/streams/gate/detections?fps=10", POLITE).await);
    }
    for listener in &mut listeners {
        let told = found(listener).await;
        assert_eq!(told["model"], "motion");
        assert!(told.get("shared").is_none(), "{told}");
    }
    sleep(Duration::from_secs(2)).await;
    let reading = reader(&house);
    for (index, server) in house.servers.iter().enumerate() {
        let state = server.status().await["detector"]["state"].clone();
        assert_eq!(state, if index == reading { "ready" } else { "idle" }, "{index} of {reading}");
        let stream = server.get("/api/v1/streams/gate").await.json();
        assert_eq!(stream["analyses"].as_array().unwrap().len(), 1, "{stream}");
    }
    assert_eq!(readers(&camera), 1);
    // An object has the same number wherever it is seen.
    for listener in &mut listeners {
        listener.so_far();
    }
    let mut tracks = Vec::new();
    for listener in &mut listeners {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..30 {
            let told = found(listener).await;
            seen.extend(
                told["detections"].as_array().unwrap().iter().filter_map(|one| one["track"].as_u64()),
            );
        }
        tracks.push(seen);
    }
    assert!(!tracks[0].is_empty() && tracks.iter().all(|seen| !seen.is_disjoint(&tracks[0])), "{tracks:?}");
    let path = "/stream/detect?camera=gate&fps=10";
    let away = (reading + 1) % house.servers.len();
    let mut drawn = Mjpeg::open(&house.servers[away], path).await.unwrap();
    for _ in 0..3 {
        drawn.next().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_is_ended_at_one_process_ends_at_all() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    for at in 0..house.servers.len() {
        let mut viewers = Vec::new();
        for server in &house.servers {
            viewers.push(server.viewer("?streams=gate", POLITE).await);
        }
        for viewer in &mut viewers {
            viewer.until(|what| what.is("live_frame")).await;
        }
        sleep(Duration::from_secs(2)).await;
        assert_eq!(readers(&camera), 1);
        let request = house.servers[at].request("DELETE", "/api/v1/streams/gate", "");
        assert_eq!(house.servers[at].ask(request).await.status, 204);
        for viewer in &mut viewers {
            viewer.next("stream_ended").await;
        }
        sleep(Duration::from_secs(3)).await;
        assert_eq!(readers(&camera), 0, "nobody reads it again");
    }
    let request = house.servers[0].request("DELETE", "/api/v1/streams/gate", "");
    assert_eq!(house.servers[0].ask(request).await.status, 404);
    // Where the one that reads it does not answer, that is said.
    let mut viewer = house.servers[0].viewer("?streams=gate", POLITE).await;
    viewer.until(|what| what.is("live_frame")).await;
    let reading = reader(&house);
    let other = (reading + 1) % house.servers.len();
    house.hang(reading);
    let request = house.servers[other].request("DELETE", "/api/v1/streams/gate", "");
    let answer = house.servers[other].ask(request).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains(&format!("The process {}", house.clusters[reading].own_record().name)));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_can_be_asked_cameras_go_on() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    let mut viewers = Vec::new();
    for server in &house.servers {
        viewers.push(server.viewer("?streams=gate", MODERN).await);
    }
    for viewer in &mut viewers {
        sees(viewer).await;
    }
    house.store.set_trouble(Trouble::Away);
    for _ in 0..20 {
        sleep(Duration::from_millis(500)).await;
        for viewer in &mut viewers {
            viewer.so_far();
            sees(viewer).await;
        }
    }
    house.store.set_trouble(Trouble::None);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(readers(&camera), 1);
    for viewer in &mut viewers {
        viewer.so_far();
        sees(viewer).await;
        assert!(viewer.all(|what| what.is("stream_ended")).is_empty());
    }
}

fn table(camera: &Camera) -> String {
    format!("cameras.linger_s = 0.5\n[[camera]]\nid = \"gate\"\nurl = \"http://{}\"\n", camera.address)
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_only_one_process_knows_is_read_by_that_one_and_seen_by_all() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let toml = table(&camera);
    for knows in 0..3 {
        let mut tomls = ["cameras.linger_s = 0.5"; 3];
        tomls[knows] = &toml;
        let house = House::with(&tomls, WhenDown::Accept).await;
        let begun = Instant::now();
        let mut viewer = house.servers[knows].viewer("?streams=gate", MODERN).await;
        sees(&mut viewer).await;
        assert!(begun.elapsed() < Duration::from_secs(14), "{:?}", begun.elapsed());
        assert_eq!(reader(&house), knows);
        let mut away = Mjpeg::open(&house.servers[(knows + 1) % 3], "/stream?camera=gate").await.unwrap();
        away.next().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_cameras_of_one_id_are_two() {
    let (first, second) = (Camera::begin(Does::Show(20.0)).await, Camera::begin(Does::Show(20.0)).await);
    let (one, other) = (table(&first), table(&second));
    let house = House::with(&[&one, &other], WhenDown::Accept).await;
    let mut viewers = Vec::new();
    for server in &house.servers {
        viewers.push(server.viewer("?streams=gate", MODERN).await);
    }
    sleep(Duration::from_secs(15)).await;
    assert_eq!((readers(&first), readers(&second)), (1, 1), "each process shows its own");
    for viewer in &mut viewers {
        viewer.so_far();
        sees(viewer).await;
    }
    let request = house.servers[0].request("DELETE", "/api/v1/streams/gate", "");
    assert_eq!(house.servers[0].ask(request).await.status, 204);
    sleep(Duration::from_secs(3)).await;
    assert_eq!((readers(&first), readers(&second)), (0, 1), "one ends, and not the other");
}

#[tokio::test(start_paused = true)]
async fn where_all_processes_drain_the_last_one_keeps_its_cameras() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    let mut viewer = house.servers[0].viewer("?streams=gate", MODERN).await;
    sees(&mut viewer).await;
    for cluster in &house.clusters {
        cluster.drain_cameras();
        sleep(Duration::from_secs(2)).await;
    }
    let connections = camera.connections.load(Ordering::Relaxed);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(camera.connections.load(Ordering::Relaxed), connections, "it is not asked again and again");
    viewer.so_far();
    sees(&mut viewer).await;
    assert_eq!(readers(&camera), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sender_with_the_name_of_a_camera_is_refused_and_takes_nothing_from_it() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let house = house(&camera).await;
    let mut viewer = house.servers[0].viewer("?streams=gate", MODERN).await;
    sees(&mut viewer).await;
    let before = house.clusters[0].current_directory().streams["gate"].clone();
    for server in &house.servers {
        let mut sender = server.client("/ws/stream/gate", POLITE).await;
        sender.text("{}").await;
        assert_eq!(sender.closed().await.0, 1008);
    }
    sleep(Duration::from_secs(3)).await;
    assert_eq!(house.clusters[1].current_directory().streams["gate"], before);
    assert_eq!(readers(&camera), 1);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_sends_under_a_cameras_name_is_not_shown_as_that_camera() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let toml = table(&camera);
    let house = House::with(&[&toml, &toml, ""], WhenDown::Accept).await;
    // That process knows nothing of the camera, which nobody watches.
    let sender = house.servers[2].sender("gate", POLITE).await;
    sender.picture(URL).await;
    let mut viewer = house.servers[0].viewer("?streams=gate", MODERN).await;
    for _ in 0..20 {
        sender.picture(URL).await;
        let what = viewer.until(|what| number(what).is_some()).await;
        assert!(matches!(what, What::Bytes(bytes) if bytes.len() > 200), "a camera's picture");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(readers(&camera), 1);
    // Who may end the camera ends nothing else of its name.
    let key = house.servers[0].key("operator", r#""uses":["cameras"]"#).await;
    let ended = house.servers[0].with_key(&key, Method::DELETE, "/api/v1/streams/gate").await;
    assert_eq!(ended.status, 204);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(readers(&camera), 0);
    assert_eq!(house.servers[2].active().await, ["gate"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_for_sent_streams_does_not_see_another_processs_camera() {
    let camera = Camera::begin(Does::Show(20.0)).await;
    let toml = table(&camera);
    // The first process knows of it from the other one alone.
    let house = House::with(&["", &toml], WhenDown::Accept).await;
    let mut viewer = house.servers[1].viewer("?streams=gate", MODERN).await;
    sees(&mut viewer).await;
    for (uses, listed, status) in [("cameras", 1, 200), ("relay", 0, 403)] {
        let key = house.servers[0].key("operator", &format!(r#""uses":["{uses}"]"#)).await;
        for server in &house.servers {
            sleep(Duration::from_secs(2)).await;
            let list = server.with_key(&key, Method::GET, "/api/v1/streams").await.json();
            assert_eq!(list["streams"].as_array().map(Vec::len), Some(listed), "{uses}: {list}");
            let one = server.with_key(&key, Method::GET, "/api/v1/streams/gate").await;
            assert_eq!(one.status.as_u16(), status, "{uses}: {}", one.text());
        }
    }
}
