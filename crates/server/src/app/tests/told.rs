//! What the operator is told about the server.

use std::time::Duration;

use sightwire_base::captured;

use super::*;

#[tokio::test]
async fn a_server_that_stops_is_not_ready_and_still_alive() {
    let house = House::new("");
    house.app.observer.life.mark_stopping();
    let (status, answer) = house.ask(&Method::GET, "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer["reason"].as_str().unwrap().starts_with("The server stops"), "{answer}");
    assert_eq!(house.ask(&Method::GET, "/livez", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_to_is_told_of_and_sends_nobody_elsewhere() {
    let house = House::new("");
    let (status, answer) = house.ask(&Method::GET, "/readyz", None).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({ "ready": true })));
    sightwire_base::disk::count_failure();
    let (status, answer) = house.ask(&Method::GET, "/readyz", None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(answer["notes"][0].as_str().unwrap().starts_with("A disk is full"), "{answer}");
}

#[tokio::test]
async fn the_log_says_who_did_what_and_who_was_not_allowed_to_and_never_a_key() {
    let (log, house) = (captured::capture_log(), House::new(""));
    let admin = house.key(Role::Admin, &[], &[]);
    let viewer = house.key(Role::Viewer, &[], &[]);
    for (method, path, key, code) in [
        (Method::POST, "/api/v1/cameras", &admin, StatusCode::CREATED),
        (Method::DELETE, "/api/v1/cameras/new", &viewer, StatusCode::FORBIDDEN),
        (Method::DELETE, "/api/v1/cameras/new", &admin, StatusCode::NO_CONTENT),
        (Method::DELETE, "/api/v1/cameras/new", &admin, StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/cameras", &admin, StatusCode::OK),
        (Method::POST, "/api/v1/read", &admin, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        assert_eq!(house.ask(&method, path, Some(key)).await.0, code, "{method} {path}");
    }
    let lines = log.lines_with("AUDIT");
    for (line, parts) in lines.iter().zip([
        ["added the camera \"new\"", "code=201"],
        ["may not, and tried DELETE /api/v1/cameras/new", "code=403"],
        ["removed the camera \"new\"", "code=204"],
        ["tried DELETE /api/v1/cameras/new", "code=404"],
    ]) {
        let named = line.contains("AUDIT the key ")
            && line.contains("(\"")
            && line.contains("from=\"192.168.1.7:5000\"");
        assert!(named && parts.iter().all(|part| line.contains(part)), "{parts:?} in {line}");
    }
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!([&admin, &viewer].iter().all(|key| log.lines_with(&key[12..]).is_empty()));
}

#[tokio::test]
async fn an_error_of_a_page_is_one_short_line_and_counted() {
    let (log, house) = (captured::capture_log(), House::new(""));
    let viewer = house.key(Role::Viewer, &[], &[]);
    let body = json!({ "message": "TypeError:\nWARN forged", "page": "/wall", "place": "x".repeat(5000) });
    let request = Request::builder().method(Method::POST).uri("/api/v1/page-errors");
    let request = request.header(HOST, "192.168.1.2:8000").header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {viewer}"));
    let mut request = request.body(Body::from(body.to_string())).unwrap();
    request.extensions_mut().insert(Peer("192.168.1.7:5000".parse().unwrap()));
    let response = house.app.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let lines = log.lines_with("the page failed in the browser of the key");
    assert!(lines[0].contains("TypeError:\\nWARN forged") && lines[0].len() < 500, "{lines:?}");
    assert_eq!(house.app.observer.page_errors(), 1);
}

#[tokio::test]
async fn whoever_does_not_wait_for_the_answer_is_told_of_all_the_same() {
    let (log, house) = (captured::capture_log(), House::new(""));
    let admin = house.key(Role::Admin, &[], &[]);
    let mut asked = Box::pin(house.ask(&Method::POST, "/api/v1/cameras", Some(&admin)));
    // The handler has begun what blocks.
    while futures_util::poll!(&mut asked).is_pending() && house.app.streams.registry.get("new").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(asked);
    let lines = log.lines_with("AUDIT the key ");
    assert!(lines.len() == 1, "{lines:?}");
    let told = lines[0].contains("did not wait for the answer") || lines[0].contains("added the camera");
    assert!(told, "{lines:?}");
}
