//! For the tests: a server's answers, and a server that gives them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use serde::Serialize;
use sightwire_api::Quantiles;
use sightwire_api::camera::CameraTotals;
use sightwire_api::cluster::{ClusterProcess, ClusterState, ClusterStatus};
use sightwire_api::relay::RelayTotals;
use sightwire_api::status::{
    Connections, DetectorStatus, EngineStatus, ModelState, PredictionDelay, ProcessStatus, RecognizerState,
    RecognizerStatus, Status,
};
use sightwire_api::stream::{Analysis, PictureQuality, StageDelays, Stream, StreamState, Viewer};

use super::client::Reading;

/// Answers GET requests until the tests end; what is written: status and body for a path. Returns its address.
pub fn serve_answers(answer: impl Fn(&str) -> (u16, String) + Send + Sync + Clone + 'static) -> String {
    serve_asked(move |path, _| answer(path))
}

/// As [`serve`], to a client that sends that key; others get 401 and this.
pub fn serve_to(
    key: &'static str,
    answer: impl Fn(&str) -> (u16, String) + Send + Sync + Clone + 'static,
    refusal: &'static str,
) -> String {
    serve_asked(move |path, lines| {
        let is_known = |line: &String| {
            line.split_once(": Bearer ")
                .is_some_and(|(name, sent)| name.eq_ignore_ascii_case("authorization") && sent == key)
        };
        if lines.iter().any(is_known) { answer(path) } else { (401, refusal.to_owned()) }
    })
}

/// `answer` is for a path and the header's lines.
fn serve_asked(answer: impl Fn(&str, &[String]) -> (u16, String) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || serve_one(&stream, &answer));
        }
    });
    address
}

fn serve_one(mut stream: &TcpStream, answer: &impl Fn(&str, &[String]) -> (u16, String)) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let header: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let (status, body) = answer(&path, &header);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

/// As it is sent.
pub fn to_json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap()
}

/// As a busy server answers.
pub fn sample_status() -> Status {
    Status {
        version: "0.1.0".into(),
        uptime_s: 11_100.0,
        engine: EngineStatus {
            provider: Some("openvino".into()),
            precision: Some("f32".into()),
            ..Default::default()
        },
        recognizer: RecognizerStatus {
            model: "wlasl20".into(),
            state: RecognizerState::Ready,
            clients: 3,
            max_clients: 50,
            frames_per_s: 74.9,
            delay_ms: PredictionDelay { p50: Some(12.3), p95: Some(31.0) },
            ..Default::default()
        },
        cameras: CameraTotals {
            upstreams: 2,
            max_upstreams: 5,
            viewers: 12,
            max_viewers: 1000,
            analyses: 1,
            max_analyses: 8,
            frames_per_s: 40.0,
            bytes_in_per_s: 2.4e6,
            bytes_out_per_s: 3.2e7,
            ..Default::default()
        },
        relay: RelayTotals {
            streams: 4,
            max_streams: 64,
            viewers: 16,
            max_viewers: 900,
            frames_in_per_s: 120.0,
            bytes_in_per_s: 1.2e7,
            bytes_out_per_s: 1.9e8,
            ..Default::default()
        },
        detector: DetectorStatus {
            model: "yolox-nano".into(),
            state: ModelState::Ready,
            provider: Some("openvino".into()),
            precision: Some("f32".into()),
            ..Default::default()
        },
        process: ProcessStatus {
            cpu_percent: 145.2,
            memory_bytes: 123_456_789,
            threads: 14,
            ..Default::default()
        },
        connections: Connections { open: 17, max: 2000, ..Default::default() },
        ..Default::default()
    }
}

/// One of three processes, the last of which drains.
pub fn sample_cluster() -> ClusterStatus {
    let mut cluster = cluster_of(3);
    for (process, name) in cluster.processes.iter_mut().zip(["a", "b", "c"]) {
        process.name = name.into();
    }
    let [a, _, c] = &mut cluster.processes[..] else { unreachable!("three were made") };
    (a.is_self, a.streams, a.cameras, a.capacity) = (true, 4, 2, Some(62.5));
    c.draining = true;
    cluster
}

/// One of this many, all of them well.
pub fn cluster_of(processes: usize) -> ClusterStatus {
    let process = |number| ClusterProcess {
        heard_s: Some(1.2),
        name: format!("process-{number}"),
        ..ClusterProcess::default()
    };
    ClusterStatus {
        name: "a".into(),
        processes: (0..processes).map(process).collect(),
        pulled_bytes_per_s: 3.2e6,
        pulls: 2,
        state: ClusterState::Connected,
        streams_elsewhere: 7,
        streams_here: 4,
        ..ClusterStatus::default()
    }
}

/// This many streams in all states, each with an analysis.
pub fn sample_reading(streams: usize) -> Reading {
    use StreamState::{Ended, Frozen, Running, Stalled, Starting};
    let states = [Running, Stalled, Frozen, Starting, Ended];
    let stream = |i: usize| Stream {
        id: format!("cam-{i:02}"),
        name: format!("Camera {i:02} at the long gate behind the house"),
        url: Some("http://***:***@10.0.0.5/stream".into()),
        state: states[i % states.len()],
        reason: (states[i % states.len()] != Running).then(|| "no bytes for a while".into()),
        since_s: 7.2,
        fps: 19.9,
        width: Some(1920),
        height: Some(1080),
        viewers: 3,
        delivered: 3400,
        missed: 17,
        delay_ms: Some(Quantiles { p50: 1.2, p95: 333.0, p99: 400.0 }),
        analyses: vec![sample_analysis()],
        ..Default::default()
    };
    Reading { status: sample_status(), streams: Some((0..streams).map(stream).collect()) }
}

fn sample_analysis() -> Analysis {
    let p50 = |p50| Some(Quantiles { p50, ..Default::default() });
    Analysis {
        model: "yolox-nano".into(),
        provider: Some("openvino".into()),
        frames_per_s: 10.0,
        analysed_per_s: 5.0,
        objects: [("car".into(), 3), ("person".into(), 1)].into(),
        delay_ms: StageDelays { decoded: p50(6.9), inferred: p50(26.7), encoded: p50(25.0) },
        ..Default::default()
    }
}

/// A stream's details with this many viewers.
pub fn sample_detail(viewers: usize) -> Stream {
    let viewer = |i: usize| Viewer {
        id: i as u64,
        peer: Some(format!("192.168.100.{i}:50{i:03}")),
        endpoint: "/stream/detect".into(),
        since_s: 12.0,
        delivered: 240,
        missed: 12,
        lost_percent: 4.8,
        quality: if i.is_multiple_of(2) { PictureQuality::default() } else { PictureQuality::Jpeg(70) },
        ..Default::default()
    };
    Stream { viewer_list: Some((0..viewers).map(viewer).collect()), ..Default::default() }
}
