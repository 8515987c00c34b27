//! `/stream` and `/capture`: good ones give every picture, and each fault does what it says.
//!
//! Pictures are compared without `assert_eq!`, which would print their bytes.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_frame::header::{self, Limits};
use sightwire_frame::{Decoder, Image};
use sightwire_hub::multipart::{self, Counts, Parser};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::{
    Client, LONG, Options, SHORT, json, line, options, page, position, set_faults, start, three,
    three_in_a_file, until, with_faults,
};

/// Three pictures again and again.
fn over_and_over(count: usize) -> Vec<Vec<u8>> {
    three().into_iter().cycle().take(count).collect()
}

fn decoded(jpeg: &[u8]) -> Image {
    let mut image = Image::default();
    Decoder::new().unwrap().decode(jpeg, &Limits::default(), &mut image).unwrap();
    image
}

#[tokio::test]
async fn a_good_camera_gives_every_picture_in_every_way_of_sending() {
    let (_folder, origin) = three_in_a_file();
    let ways: [Way; 5] = [
        ("HTTP/1.1", |_| {}),
        ("HTTP/1.0", |options| options.http10 = true),
        ("HTTP/1.1", |options| options.lengths = false),
        ("HTTP/1.1", |options| options.boundary = "123456789000000000000987654321".to_owned()),
        ("HTTP/1.1", |options| options.chunked = true),
    ];
    for (version, change) in ways {
        let mut wished = Options { origin: origin.clone(), ..options() };
        change(&mut wished);
        let simulator = start(wished.clone()).await;
        let (mut client, head) = Client::get(simulator.address(), "/stream").await;
        assert!(head.starts_with(&format!("{version} 200 OK\r\n")), "{head}");
        let boundary = &wished.boundary;
        assert_eq!(
            line(&head, "Content-Type"),
            Some(&*format!("multipart/x-mixed-replace; boundary={boundary}"))
        );
        assert_eq!(line(&head, "Transfer-Encoding").is_some(), wished.chunked);
        let (pictures, raw, counts) =
            if wished.chunked { dechunked(&mut client, 7).await } else { client.pictures(7).await };
        assert!(pictures[..7] == over_and_over(7));
        assert_eq!((counts.broken, counts.wrong_lengths, counts.skipped_bytes), (0, 0, 0), "{wished:?}");
        assert!(raw.starts_with(format!("--{boundary}\r\nContent-Type: image/jpeg\r\n").as_bytes()));
        assert_eq!(position(&raw, b"Content-Length").is_some(), wished.lengths);
        assert!(position(&raw, b"X-Timestamp: ").is_some());
    }
}

/// A version of HTTP, and what else is to be different.
type Way = (&'static str, fn(&mut Options));

/// As [`Client::pictures`], of an answer in chunks.
async fn dechunked(client: &mut Client, count: usize) -> (Vec<Bytes>, Vec<u8>, Counts) {
    let mut body = Vec::new();
    loop {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.extend(client.body(1).await);
        }
        let size = std::str::from_utf8(&size).unwrap().trim();
        body.extend(client.body(usize::from_str_radix(size, 16).unwrap()).await);
        assert_eq!(client.body(2).await, b"\r\n");
        let (mut parser, mut pictures) = (Parser::new(multipart::Limits::default()), Vec::new());
        parser.feed(&body, |picture| pictures.push(picture));
        if pictures.len() >= count {
            return (pictures, body, parser.counts());
        }
    }
}

#[tokio::test]
async fn faults_of_the_text_around_pictures_leave_the_pictures_whole() {
    let (_folder, origin) = three_in_a_file();
    let first = three()[0].len();
    for (fault, text, wrong_lengths) in [
        ("no-length", None, false),
        ("huge-length", Some("Content-Length: 99999999999\r\n".to_owned()), true),
        ("negative-length", Some("Content-Length: -1\r\n".to_owned()), true),
        ("wrong-length", Some(format!("Content-Length: {}\r\n", first - 7)), true),
        ("garbage", Some(format!("Content-Length: {first}\r\n")), false),
    ] {
        let simulator = start(Options { origin: origin.clone(), ..with_faults(fault) }).await;
        let (mut client, _) = Client::get(simulator.address(), "/stream").await;
        let (pictures, raw, counts) = client.pictures(7).await;
        assert!(pictures[..7] == over_and_over(7), "{fault}");
        let wished = text.as_deref().unwrap_or("Content-Length");
        assert_eq!(position(&raw, wished.as_bytes()).is_some(), text.is_some(), "{fault}");
        assert_eq!(counts.wrong_lengths > 0, wrong_lengths, "{fault}");
        assert_eq!(counts.skipped_bytes > 0, fault == "garbage", "{fault}");
        assert_eq!(counts.broken, 0, "{fault}");
    }
}

#[tokio::test]
async fn faults_within_pictures_leave_what_they_show() {
    let (_folder, origin) = three_in_a_file();
    let originals: Vec<Image> = three().iter().map(|jpeg| decoded(jpeg)).collect();
    for fault in ["thumbnail", "stray-eoi", "fill-bytes", "thumbnail,stray-eoi,fill-bytes,garbage,no-length"]
    {
        let simulator = start(Options { origin: origin.clone(), ..with_faults(fault) }).await;
        let (mut client, _) = Client::get(simulator.address(), "/stream").await;
        let (pictures, _, counts) = client.pictures(4).await;
        for (index, picture) in pictures.iter().take(4).enumerate() {
            assert!(picture[..] != three()[index % 3], "{fault}");
            assert_eq!(decoded(picture), originals[index % 3], "{fault}");
        }
        assert_eq!(counts.broken, 0, "{fault}");
    }
}

#[tokio::test]
async fn every_third_picture_is_cut_in_half() {
    let (_folder, origin) = three_in_a_file();
    let simulator = start(Options { origin, ..with_faults("half-frame@3") }).await;
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    let (pictures, raw, counts) = client.pictures(7).await;
    let whole: Vec<Vec<u8>> = over_and_over(11)
        .into_iter()
        .enumerate()
        .filter(|(index, _)| index % 3 != 2)
        .map(|(_, jpeg)| jpeg)
        .collect();
    assert!(pictures[..7] == whole[..7]);
    assert_eq!(counts.broken, 3);
    let third = three()[2].len();
    assert!(
        position(&raw, format!("Content-Length: {third}\r\n").as_bytes()).is_some(),
        "of the whole picture"
    );
}

#[tokio::test]
async fn a_frozen_camera_repeats_itself_until_it_thaws() {
    let simulator = start(options()).await;
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    let (pictures, ..) = client.pictures(2).await;
    assert!(pictures[0] != pictures[1]);
    set_faults(simulator.address(), "freeze").await;
    // Some were on their way.
    let (pictures, ..) = client.pictures(30).await;
    assert!(pictures[28] == pictures[29]);
    set_faults(simulator.address(), "").await;
    let (pictures, ..) = client.pictures(30).await;
    assert!(pictures[28] != pictures[29]);
}

#[tokio::test]
async fn a_stalled_camera_keeps_the_connection_and_goes_on_later() {
    let simulator = start(options()).await;
    let address = simulator.address();
    let (mut client, _) = Client::get(address, "/stream").await;
    client.pictures(2).await;
    set_faults(address, "stall").await;
    let (mut other, mut answer) = (Client::connect(address).await, [0; 1]);
    other.send(b"GET /capture HTTP/1.1\r\n\r\n").await;
    // What was on its way before comes to an end.
    let mut read = vec![0; 1 << 20];
    while let Ok(count) = timeout(SHORT, client.stream.read(&mut read)).await {
        assert!(count.unwrap() > 0, "the connection has ended");
    }
    assert!(timeout(SHORT, other.stream.read(&mut answer)).await.is_err(), "/capture stalls too");
    assert_eq!(json(address, "/status").await["stream_clients"], 1);
    set_faults(address, "").await;
    client.pictures(2).await;
    assert!(other.head().await.contains("image/jpeg"));
}

#[tokio::test]
async fn a_slow_camera_takes_ten_times_as_long() {
    let simulator = start(with_faults("slow")).await;
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    client.pictures(1).await;
    let begin = Instant::now();
    client.pictures(2).await;
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_dripping_camera_sends_two_kilobytes_a_second() {
    let simulator = start(with_faults("slow-drip")).await;
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    let begin = Instant::now();
    client.body(1001).await;
    assert!(begin.elapsed() >= Duration::from_millis(490), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_reset_breaks_the_connection_within_a_picture() {
    let (_folder, origin) = three_in_a_file();
    let simulator = start(Options { origin, ..with_faults("reset") }).await;
    for target in ["/stream", "/capture"] {
        let mut client = Client::connect(simulator.address()).await;
        client.send(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).await;
        let mut read = Vec::new();
        let broken = timeout(LONG, client.stream.read_to_end(&mut read)).await.unwrap().unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::ConnectionReset, "{target}");
        assert!(read.len() < three()[0].len(), "{target}: {}", read.len());
    }
}

#[tokio::test]
async fn a_reset_at_a_time_spares_later_connections() {
    let simulator = start(options()).await;
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    client.pictures(1).await;
    set_faults(simulator.address(), "reset@0s").await;
    let mut read = Vec::new();
    let broken = timeout(LONG, client.stream.read_to_end(&mut read)).await.unwrap().unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::ConnectionReset);
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    client.pictures(5).await;
}

#[tokio::test]
async fn a_dead_camera_accepts_and_does_not_answer_until_it_lives() {
    let simulator = start(with_faults("dead")).await;
    let address = simulator.address();
    for target in ["/stream", "/capture", "/"] {
        let (mut client, mut answer) = (Client::connect(address).await, [0; 1]);
        client.send(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).await;
        assert!(timeout(SHORT, client.stream.read(&mut answer)).await.is_err(), "{target}");
    }
    let mut client = Client::connect(address).await;
    client.send(b"GET /stream HTTP/1.1\r\n\r\n").await;
    set_faults(address, "").await;
    client.head().await;
    client.pictures(1).await;
}

#[tokio::test]
async fn a_busy_camera_says_so_and_a_web_page_is_one() {
    let simulator = start(with_faults("busy")).await;
    for target in ["/stream", "/capture"] {
        let (_, head) = Client::get(simulator.address(), target).await;
        assert!(head.starts_with("HTTP/1.1 503 ") && line(&head, "Retry-After") == Some("2"), "{head}");
    }
    set_faults(simulator.address(), "html").await;
    for target in ["/stream", "/capture"] {
        let (status, body) = page(simulator.address(), target).await;
        assert!(status.contains("200") && body.starts_with("<!doctype html>"), "{status} {body}");
    }
}

#[tokio::test]
async fn a_capture_is_one_picture_and_the_connection_stays() {
    let (_folder, origin) = three_in_a_file();
    let simulator = start(Options { origin, ..options() }).await;
    let mut client = Client::connect(simulator.address()).await;
    for _ in 0..4 {
        let head = client.ask("/capture").await;
        assert_eq!(line(&head, "Content-Type"), Some("image/jpeg"));
        let length: usize = line(&head, "Content-Length").unwrap().parse().unwrap();
        // Which one depends on when it was asked for.
        assert!(three().contains(&client.body(length).await));
    }
    assert_eq!(json(simulator.address(), "/status").await["captures_total"], 4);
}

#[tokio::test]
async fn a_capture_has_the_faults_of_pictures_too() {
    let (_folder, origin) = three_in_a_file();
    let simulator = start(Options { origin, ..options() }).await;
    let whole = |sent: &[u8]| three().iter().any(|picture| position(sent, picture).is_some());
    for (fault, text, is_whole) in [
        ("no-length", None, true),
        ("huge-length", Some("99999999999"), true),
        ("negative-length", Some("-1"), true),
        ("half-frame", None, false),
        ("garbage", None, true),
    ] {
        set_faults(simulator.address(), fault).await;
        let (mut client, head) = Client::get(simulator.address(), "/capture").await;
        assert_eq!(line(&head, "Content-Length").is_none(), fault == "no-length", "{head}");
        assert!(text.is_none() || line(&head, "Content-Length") == text, "{head}");
        assert_eq!(whole(&client.rest_of_it().await), is_whole, "{fault}");
    }
}

#[tokio::test]
async fn everyone_gets_the_same_pictures_and_nobody_there_means_none_are_taken() {
    let simulator = start(options()).await;
    let address = simulator.address();
    let (mut one, _) = Client::get(address, "/stream").await;
    let (mut other, _) = Client::get(address, "/stream").await;
    let ((first, ..), (second, ..)) = tokio::join!(one.pictures(20), other.pictures(20));
    assert!(second.iter().filter(|picture| first.contains(picture)).count() >= 10, "encoded once for both");
    assert_eq!(json(address, "/status").await["stream_clients"], 2);
    drop((one, other));
    until(address, "stream_clients", 0).await;
    let status = json(address, "/status").await;
    assert_eq!(status["streams_total"], 2);
    let taken = status["pictures_total"].as_u64().unwrap();
    tokio::time::sleep(SHORT).await;
    // One may have been on its way.
    assert!(json(address, "/status").await["pictures_total"].as_u64().unwrap() <= taken + 1);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_while_the_camera_is_silent() {
    for fault in ["stall", "dead"] {
        let simulator = start(options()).await;
        let (client, _) = Client::get(simulator.address(), "/stream").await;
        until(simulator.address(), "stream_clients", 1).await;
        set_faults(simulator.address(), fault).await;
        drop(client);
        until(simulator.address(), "stream_clients", 0).await;
    }
}

#[tokio::test]
async fn the_time_of_a_picture_tells_what_is_in_it() {
    let simulator = start(Options { size: "640x480".parse().unwrap(), fps: 10.0, ..options() }).await;
    let (mut client, head) = Client::get(simulator.address(), "/capture").await;
    let length = line(&head, "Content-Length").unwrap().parse().unwrap();
    let jpeg = client.body(length).await;
    let size = header::probe_header(&jpeg).unwrap();
    assert_eq!((size.width, size.height), (640, 480));
    let time = line(&head, "X-Timestamp").unwrap();
    let truth = json(simulator.address(), &format!("/objects?t={time}")).await;
    assert_eq!((&truth["width"], &truth["height"]), (&640.into(), &480.into()));
    let scene = sightwire_synth::scene::Scene::new(1, 640, 480);
    let expected = scene.objects(Duration::from_secs_f64(time.parse().unwrap()));
    let told = truth["objects"].as_array().unwrap();
    assert_eq!(told.len(), expected.len());
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!(told["id"], expected.id);
        assert_eq!(told["kind"], expected.kind.name());
        assert_eq!(told["moving"], expected.moving);
        assert!((told["box"][0].as_f64().unwrap() - f64::from(expected.rect.left)).abs() < 0.01);
    }
}
