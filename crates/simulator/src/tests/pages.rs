//! `/`, `/status`, `/control`, `/objects`, and who may see them.

use sightwire_frame::header;

use super::{Client, Options, json, line, options, page, start, three_in_a_file};

async fn size_of_a_capture(client: &mut Client) -> (u32, u32, usize) {
    let head = client.ask("/capture").await;
    let length = line(&head, "Content-Length").unwrap().parse().unwrap();
    let header = header::probe_header(&client.body(length).await).unwrap();
    (header.width, header.height, length)
}

#[tokio::test]
async fn controls_change_the_pictures_and_the_status() {
    let simulator = start(options()).await;
    let address = simulator.address();
    let mut client = Client::connect(address).await;
    assert_eq!(size_of_a_capture(&mut client).await.0, 64);
    assert!(json(address, "/status").await["framesize"].is_null(), "no size of a board");
    page(address, "/control?var=framesize&val=5").await;
    let (width, height, bytes) = size_of_a_capture(&mut client).await;
    assert_eq!((width, height), (320, 240));
    page(address, "/control?var=quality&val=60").await;
    assert!(size_of_a_capture(&mut client).await.2 < bytes / 2);
    page(address, "/control?var=brightness&val=-2").await;
    page(address, "/control?var=fps&val=12.5").await;
    page(address, "/control?var=fault&val=half-frame@3,slow@900s").await;
    let status = json(address, "/status").await;
    for (name, value) in [("framesize", 5.0), ("quality", 60.0), ("jpeg_quality", 16.0), ("brightness", -2.0)]
    {
        assert_eq!(status[name].as_f64(), Some(value), "{name}");
    }
    assert_eq!(status["fps"], 12.5);
    assert_eq!(status["fault"], "half-frame@3,slow@900s");
    assert_eq!((&status["width"], &status["height"]), (&320.into(), &240.into()));
}

#[tokio::test]
async fn every_size_of_the_board_can_be_set() {
    let simulator = start(options()).await;
    for number in 0..14 {
        let (status, _) = page(simulator.address(), &format!("/control?var=framesize&val={number}")).await;
        assert!(status.contains("200"));
        assert_eq!(json(simulator.address(), "/status").await["framesize"], number);
    }
}

#[tokio::test]
async fn a_wrong_control_says_what_is_wrong() {
    let simulator = start(options()).await;
    for (query, code, words) in [
        ("", "400", "var=NAME"),
        ("?var=framesize", "400", "val=VALUE"),
        ("?var=framesize&val=14", "400", "from 0 to 13"),
        ("?var=quality&val=good", "400", "\"good\""),
        ("?var=fps&val=0", "400", "from 0.05 to 120"),
        ("?var=fps&val=NaN", "400", "from 0.05"),
        ("?var=fault&val=stal", "400", "did you mean stall?"),
        ("?var=colour&val=1", "404", "\"colour\""),
    ] {
        let (status, body) = page(simulator.address(), &format!("/control{query}")).await;
        assert!(status.contains(code) && body.contains(words), "{query}: {status} {body}");
    }
}

#[tokio::test]
async fn pages_are_there_and_others_are_not() {
    let simulator = start(options()).await;
    let (_, body) = page(simulator.address(), "/").await;
    assert!(body.contains("src=\"/stream\""));
    let (status, _) = page(simulator.address(), "/nothing").await;
    assert!(status.contains("404"));
    let truth = json(simulator.address(), "/objects").await;
    assert!(!truth["objects"].as_array().unwrap().is_empty());
    for t in ["-1", "NaN", "1e300", "x"] {
        let (status, _) = page(simulator.address(), &format!("/objects?t={t}")).await;
        assert!(status.contains("404"), "{t}");
    }
}

#[tokio::test]
async fn only_a_generated_scene_knows_what_is_in_it() {
    let (_folder, origin) = three_in_a_file();
    let simulator = start(Options { origin, ..options() }).await;
    let (status, body) = page(simulator.address(), "/objects").await;
    assert!(status.contains("404") && body.contains("a generated scene"), "{body}");
}

#[tokio::test]
async fn name_and_password_are_asked_for() {
    let simulator = start(Options { user: Some("anna:s3cret:x".to_owned()), ..options() }).await;
    let address = simulator.address();
    for target in ["/stream", "/capture", "/status", "/control?var=fps&val=1", "/"] {
        let (_, head) = Client::get(address, target).await;
        assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
        assert_eq!(line(&head, "WWW-Authenticate"), Some("Basic realm=\"camera\""));
    }
    let encoded = base64_simd::STANDARD.encode_to_string("anna:s3cret:x");
    for (given, is_right) in [
        (format!("Basic {encoded}"), true),
        (format!("basic {encoded}"), true),
        ("Basic YW5uYTp4".to_owned(), false),
    ] {
        let mut client = Client::connect(address).await;
        client.send(format!("GET /stream HTTP/1.1\r\nAuthorization: {given}\r\n\r\n").as_bytes()).await;
        assert_eq!(client.head().await.starts_with("HTTP/1.1 200 "), is_right, "{given}");
    }
}
