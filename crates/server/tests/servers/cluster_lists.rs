//! Lists, ends and live updates of streams are the same from any process.

use http::Method;
use serde_json::Value;
use sightwire_base::captured;
use sightwire_cluster::options::TTL;
use tokio::time::{Duration, Instant, sleep};

use crate::client::{Client, MODERN, POLITE, number};
use crate::house::{House, URL};
use crate::support::{Answer, Running, start_at};

const NO_WORD: &str = "the process that has it does not answer";
/// What is told in a list may be this old.
const MOMENT: Duration = Duration::from_millis(300);

impl Running {
    async fn delete(&self, path: &str) -> Answer {
        self.ask(self.request("DELETE", path, "")).await
    }

    /// The streams that it lists, by their ids.
    async fn listed(&self) -> Vec<Value> {
        sleep(MOMENT).await;
        let mut listed = self.get("/api/v1/streams").await.json()["streams"].as_array().unwrap().clone();
        listed.sort_by_key(|stream| stream["id"].as_str().unwrap().to_owned());
        listed
    }
}

fn names(streams: &[Value]) -> Vec<(&str, Option<&str>)> {
    streams.iter().map(|stream| (stream["id"].as_str().unwrap(), stream["process"].as_str())).collect()
}

/// The state of everything, as a reader of live updates puts it together.
#[derive(Default)]
struct Seen(Value);

impl Seen {
    async fn next(&mut self, reader: &mut Client) -> &Value {
        let mut message = reader.json().await;
        let data = message["data"].take();
        if message["type"] == "full" {
            self.0 = data;
        } else {
            merge(&mut self.0, &data);
        }
        &self.0
    }
}

/// RFC 7386, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_process_lists_the_streams_of_all_and_says_who_has_them() {
    let house = House::with_servers(3).await;
    let [a, b, c] = &house.servers[..] else { panic!() };
    let ward = a.sender("ward", POLITE).await;
    let _bed = b.sender("bed%203%2F%C3%A4", MODERN).await;
    for _ in 0..3 {
        ward.picture(URL).await;
        sleep(Duration::from_millis(100)).await;
    }
    let (bed, here, there) = ("bed 3/ä", None, Some);
    assert_eq!(names(&a.listed().await), [(bed, there("s8002")), ("ward", here)]);
    assert_eq!(names(&b.listed().await), [(bed, here), ("ward", there("s8001"))]);
    let listed = c.listed().await;
    assert_eq!(names(&listed), [(bed, there("s8002")), ("ward", there("s8001"))]);
    let ward = &listed[1];
    assert_eq!(
        (&ward["kind"], &ward["mode"], &ward["protocol"]),
        (&"relay".into(), &"normal".into(), &"text".into())
    );
    assert_eq!(
        (&ward["state"], &ward["pictures"], &ward["viewers"]),
        (&"running".into(), &3.into(), &0.into())
    );
    assert_eq!(listed[0]["protocol"], "binary");
    // As it is told by its own process.
    let mut own = a.get("/api/v1/streams/ward").await.json();
    let mut told = c.get("/api/v1/streams/ward").await.json();
    assert_eq!(told["process"].take(), "s8001");
    told.as_object_mut().unwrap().remove("process");
    for changes in ["last_picture_age_s", "since_s"] {
        (own[changes], told[changes]) = (Value::Null, Value::Null);
    }
    assert_eq!(told, own);
    assert_eq!(c.get("/api/v1/streams/bed%203%2F%C3%A4").await.json()["id"], bed);
    let missing = c.get("/api/v1/streams/none").await;
    assert_eq!(
        (missing.status.as_u16(), missing.text()),
        (404, r#"{"detail":"There is no stream \"none\"."}"#)
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_at_another_process_is_counted_and_that_process_is_not() {
    let house = House::with_servers(3).await;
    let [a, b, c] = &house.servers[..] else { panic!() };
    let ward = a.sender("ward", POLITE).await;
    let mut viewers = [
        a.viewer("?streams=ward", MODERN).await,
        b.viewer("?streams=ward", MODERN).await,
        b.viewer("?streams=ward", MODERN).await,
    ];
    for viewer in &mut viewers {
        ward.picture(URL).await;
        viewer.until(|what| number(what).is_some()).await;
    }
    let one = b.get("/api/v1/streams/ward").await.json();
    let list = one["viewer_list"].as_array().unwrap();
    let told: Vec<_> =
        list.iter().map(|viewer| (viewer["peer"].as_str(), viewer["process"].as_str())).collect();
    let peers = viewers.each_ref().map(|viewer| viewer.peer.to_string());
    let expected = [(Some(&*peers[0]), Some("s8001")), (Some(&*peers[1]), None), (Some(&*peers[2]), None)];
    assert_eq!((&one["viewers"], told), (&3.into(), expected.to_vec()));
    assert_eq!(b.listed().await[0]["viewers"], 3);
    // For the others it is one that watches, for anybody.
    for server in [a, c] {
        let one = server.get("/api/v1/streams/ward").await.json();
        let list = one["viewer_list"].as_array().unwrap();
        let kinds: Vec<_> = list.iter().map(|viewer| viewer["kind"].as_str().unwrap()).collect();
        assert_eq!((&one["viewers"], kinds), (&2.into(), vec!["relay_binary", "process"]));
        assert_eq!(server.listed().await[0]["viewers"], 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_ended_from_any_process_and_both_write_down_who_did() {
    let (log, house) = (captured::capture_log(), House::with_servers(2).await);
    let [a, b] = &house.servers[..] else { panic!() };
    let mut ward = a.sender("ward", POLITE).await;
    ward.picture(URL).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    viewer.until(|what| number(what).is_some()).await;
    let ended = b.delete("/api/v1/streams/ward").await;
    assert_eq!((ended.status.as_u16(), ended.text()), (204, ""));
    assert_eq!(ward.closed().await.0, 4410);
    assert_eq!(viewer.next("stream_ended").await["reason"], "it was ended by an administrator");
    let by_process = log.lines_with(r#"AUDIT the process "s8002" ended the stream "ward""#);
    let by_user =
        log.lines_with(r#"AUDIT whoever is on this machine ended the stream "ward" of the process "s8001""#);
    assert_eq!((by_process.len(), by_user.len()), (1, 1), "{:?}", log.lines_with("AUDIT"));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(b.listed().await, Vec::<Value>::new());
    let again = b.delete("/api/v1/streams/ward").await;
    assert_eq!((again.status.as_u16(), again.text()), (404, r#"{"detail":"There is no stream \"ward\"."}"#));
}

#[tokio::test(start_paused = true)]
async fn streams_of_a_process_that_does_not_answer_are_told_of_within_a_second() {
    for hangs in [false, true] {
        let house = House::with_servers(3).await;
        let [a, b, c] = &house.servers[..] else { panic!() };
        let ward = a.sender("ward", MODERN).await;
        ward.jpeg(&[0xff, 0xd8, 0xff]).await;
        let _bed = b.sender("bed", POLITE).await;
        let _viewer = c.viewer("?streams=ward", POLITE).await;
        sleep(Duration::from_millis(100)).await;
        if hangs {
            house.hang(0);
        } else {
            house.kill(0).await;
        }
        let (begun, within) = (Instant::now(), MOMENT + Duration::from_millis(1050));
        let listed = c.listed().await;
        assert!(begun.elapsed() < within, "{:?}", begun.elapsed());
        assert_eq!(names(&listed), [("bed", Some("s8002")), ("ward", Some("s8001"))]);
        assert_eq!((&listed[0]["state"], &listed[0]["reason"]), (&"starting".into(), &Value::Null));
        let ward = &listed[1];
        assert_eq!((&ward["state"], &ward["reason"]), (&"stalled".into(), &NO_WORD.into()));
        assert_eq!((&ward["mode"], &ward["protocol"]), (&"normal".into(), &"binary".into()));
        let one = c.get("/api/v1/streams/ward").await.json();
        assert_eq!((&one["state"], &one["viewers"]), (&"stalled".into(), &1.into()));
        let (begun, ended) = (Instant::now(), c.delete("/api/v1/streams/ward").await);
        assert!(begun.elapsed() < Duration::from_millis(1050), "{:?}", begun.elapsed());
        let why = if hangs { "no answer within 1 s" } else { "no connection: connection refused" };
        let words = format!("The process s8001 has this stream, and could not be asked to end it: {why}.");
        assert_eq!((ended.status.as_u16(), &ended.json()["detail"]), (502, &words.into()));
        if !hangs {
            sleep(TTL * 2).await;
            assert_eq!(names(&c.listed().await), [("bed", Some("s8002"))]);
            assert_eq!(c.delete("/api/v1/streams/ward").await.status, 404);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_want_the_list_the_others_are_asked_once() {
    let house = House::with_servers(3).await;
    let [a, b, c] = &house.servers[..] else { panic!() };
    let (ward, bed) = (a.sender("ward", POLITE).await, b.sender("bed", POLITE).await);
    sleep(Duration::from_millis(100)).await;
    let all = futures_util::future::join_all((0..20).map(|_| c.get("/api/v1/streams"))).await;
    for answer in all {
        assert_eq!(answer.json()["streams"].as_array().unwrap().len(), 2);
    }
    assert_eq!(house.dialed(), 2);
    // What began a moment ago is there all the same.
    let new = a.sender("new", POLITE).await;
    sleep(Duration::from_millis(10)).await;
    assert_eq!(c.get("/api/v1/streams").await.json()["streams"].as_array().unwrap().len(), 3);
    // Where nobody else has a stream, nobody is asked.
    let dialed = house.dialed();
    drop((ward, bed, new));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(c.listed().await.len(), 0);
    assert_eq!(house.dialed(), dialed);
}

#[tokio::test(start_paused = true)]
async fn live_updates_tell_of_streams_elsewhere_and_wait_for_nobody() {
    let house = House::with_servers(3).await;
    let [a, b, c] = &house.servers[..] else { panic!() };
    let ward = a.sender("ward", POLITE).await;
    let bed = b.sender("bed", POLITE).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(house.dialed(), 0, "nobody looks");
    let (mut reader, mut seen) = (c.client("/api/v1/live", POLITE).await, Seen::default());
    while seen.next(&mut reader).await["streams"].as_object().unwrap().len() < 2 {}
    ward.picture(URL).await;
    while seen.0["streams"]["ward"]["pictures"] != 1 {
        seen.next(&mut reader).await;
    }
    assert_eq!(seen.0["streams"]["ward"]["process"], "s8001");
    assert_eq!(seen.0["streams"]["bed"]["process"], "s8002");
    house.hang(0);
    let before = Instant::now();
    for n in 1..=4 {
        seen.next(&mut reader).await;
        assert!(before.elapsed() <= Duration::from_secs(n) + MOMENT, "{:?}", before.elapsed());
    }
    assert_eq!(seen.0["streams"]["ward"]["reason"], NO_WORD);
    assert_eq!(seen.0["streams"]["bed"]["state"], "starting");
    let own = c.sender("own", POLITE).await;
    drop(bed);
    sleep(Duration::from_secs(2)).await;
    while seen.0["streams"].get("own").is_none() || seen.0["streams"].get("bed").is_some() {
        seen.next(&mut reader).await;
    }
    assert!(seen.0["streams"]["own"].get("process").is_none());
    drop((own, reader));
    sleep(Duration::from_secs(3)).await;
    let dialed = house.dialed();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(house.dialed(), dialed, "nobody looks any more");
}

#[tokio::test(start_paused = true)]
async fn a_key_for_one_stream_sees_and_ends_that_one_wherever_it_is() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (mut ward, _bed) = (a.sender("ward", POLITE).await, a.sender("bed", POLITE).await);
    sleep(Duration::from_millis(100)).await;
    let ours = b.key("operator", r#""streams":["ward"]"#).await;
    let cameras = b.key("operator", r#""uses":["cameras"]"#).await;
    let looks = b.key("viewer", r#""streams":["ward"]"#).await;
    let list = async |key: &str| {
        let listed = b.with_key(key, Method::GET, "/api/v1/streams").await.json();
        listed["streams"].as_array().unwrap().clone()
    };
    assert_eq!(names(&list(&ours).await), [("ward", Some("s8001"))]);
    assert_eq!(names(&list(&cameras).await), []);
    let [shown] = &list(&looks).await[..] else { panic!() };
    assert_eq!(shown["peer"], Value::Null, "who sends is not for every viewer");
    assert!(list(&ours).await[0]["peer"].is_string());
    for (key, method, path, status) in [
        (&ours, Method::GET, "/api/v1/streams/bed", 403),
        (&ours, Method::DELETE, "/api/v1/streams/bed", 403),
        (&cameras, Method::GET, "/api/v1/streams/ward", 403),
        (&cameras, Method::DELETE, "/api/v1/streams/ward", 403),
        (&looks, Method::GET, "/api/v1/streams/ward", 200),
        (&looks, Method::DELETE, "/api/v1/streams/ward", 403),
        (&ours, Method::DELETE, "/api/v1/streams/ward", 204),
    ] {
        let answer = b.with_key(key, method.clone(), path).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text());
    }
    assert_eq!(ward.closed().await.0, 4410);
}

#[tokio::test(start_paused = true)]
async fn who_is_in_the_cluster_is_told_to_those_who_may_see_where_things_are() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let _ward = a.sender("ward", POLITE).await;
    sleep(Duration::from_millis(100)).await;
    let status = async |role: &str| {
        let key = b.key(role, r#""streams":["ward"]"#).await;
        b.with_key(&key, Method::GET, "/api/v1/status").await.json()
    };
    let told = &status("operator").await["cluster"];
    assert_eq!((&told["state"], &told["streams_elsewhere"]), (&"connected".into(), &1.into()), "{told}");
    assert_eq!(told["processes"][0]["url"], "http://127.0.0.1:8001");
    assert_eq!(status("viewer").await.get("cluster"), None);
    let alone = start_at(8009, "", |server| server).await;
    assert_eq!(alone.get("/api/v1/status").await.json().get("cluster"), None);
    let metrics = async |server: &Running| server.get("/metrics").await.text().to_owned();
    assert!(metrics(b).await.contains("sightwire_cluster_streams{place=\"elsewhere\"} 1"));
    assert!(!metrics(&alone).await.contains("cluster"));
}
