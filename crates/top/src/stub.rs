//! For the tests: a server's answers, and a server that gives them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::client::Reading;
use super::model::{Model, Stream};

/// Answers GET requests until the tests end; what is written: status and body for a path. Returns its address.
pub fn serve(answer: impl Fn(&str) -> (u16, String) + Send + Sync + Clone + 'static) -> String {
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

fn serve_one(mut stream: &TcpStream, answer: &impl Fn(&str) -> (u16, String)) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        while lines.next().is_some_and(|line| !line.is_empty()) {}
        let (status, body) = answer(&path);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

/// As a busy server answers.
pub fn status() -> Value {
    json!({
        "version": "0.1.0", "uptime_s": 11_100.0,
        "engine": { "provider": "openvino", "precision": "f32", "note": null },
        "recognizer": {
            "model": "wlasl20", "state": "ready", "error": null, "loading": null, "switching": null, "warning": null,
            "clients": 3, "max_clients": 50, "frames_per_s": 74.9, "delay_ms": { "p50": 12.3, "p95": 31.0 },
            "overloaded": false,
        },
        "cameras": {
            "upstreams": 2, "max_upstreams": 5, "viewers": 12, "max_viewers": 1000, "analyses": 1, "max_analyses": 8,
            "frames_per_s": 40.0, "bytes_in_per_s": 2.4e6, "bytes_out_per_s": 3.2e7,
        },
        "relay": {
            "streams": 4, "max_streams": 64, "viewers": 16, "max_viewers": 900, "frames_in_per_s": 120.0,
            "bytes_in_per_s": 1.2e7, "bytes_out_per_s": 1.9e8,
        },
        "detector": {
            "model": "yolox-nano", "state": "ready", "note": null, "progress": null, "provider": "openvino",
            "precision": "f32",
        },
        "process": { "cpu_percent": 145.2, "memory_bytes": 123_456_789, "threads": 14 },
        "connections": { "open": 17, "max": 2000 },
    })
}

/// So many streams in all states, each with an analysis.
pub fn reading(streams: usize) -> Reading {
    let states = ["running", "stalled", "frozen", "starting", "ended"];
    let streams: Vec<Value> = (0..streams)
        .map(|i| {
            json!({
                "id": format!("cam-{i:02}"), "name": format!("Camera {i:02} at the long gate behind the house"),
                "url": "http://***:***@10.0.0.5/stream", "state": states[i % states.len()],
                "reason": (i % states.len() > 0).then_some("no bytes for a while"), "since_s": 7.2, "slow": null,
                "fps": 19.9, "width": 1920, "height": 1080, "viewers": 3, "delivered": 3400, "missed": 17,
                "delay_ms": { "p50": 1.2, "p95": 333.0, "p99": 400.0 },
                "analyses": [{
                    "model": "yolox-nano", "provider": "openvino", "frames_per_s": 10.0, "analysed_per_s": 5.0,
                    "objects": { "car": 3, "person": 1 }, "problem": null,
                    "delay_ms": {
                        "decoded": { "p50": 6.9 }, "inferred": { "p50": 26.7 }, "encoded": { "p50": 25.0 },
                    },
                }],
            })
        })
        .collect();
    Reading { status: status(), streams: Some(json!({ "streams": streams })) }
}

/// One of them.
pub fn stream(id: &str) -> Stream {
    let mut stream = Model::from(&reading(1)).streams.unwrap().remove(0);
    id.clone_into(&mut stream.id);
    stream
}

/// A stream's details with so many viewers.
pub fn detail(viewers: usize) -> Value {
    let viewers: Vec<Value> = (0..viewers)
        .map(|i| {
            json!({
                "id": i, "peer": format!("192.168.100.{i}:50{i:03}"), "kind": "mjpeg", "endpoint": "/stream/detect",
                "since_s": 12.0, "delivered": 240, "missed": 12, "lost_percent": 4.8,
                "quality": if i % 2 == 0 { json!("original") } else { json!(70) }, "bytes": 123,
            })
        })
        .collect();
    json!({ "viewer_list": viewers })
}
