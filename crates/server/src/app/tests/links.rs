//! Links with which others watch a stream.

use super::*;

#[tokio::test]
async fn a_sender_gives_out_links_to_its_own_streams_and_whoever_has_one_sees_nothing_else() {
    let house = House::new("");
    let sender = house.key(Role::Streamer, &["gate-*"], &[]);
    let link = async |path: &str, key: &str| house.ask(&Method::POST, path, Some(key)).await;
    let (status, made) = link("/api/v1/streams/gate-1/links?lasts_s=3600", &sender).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["origin"], "http://192.168.1.2:8000");
    let path = made["path"].as_str().unwrap();
    let (page, key) = path.split_once("#key=").unwrap();
    assert_eq!(page, "/login?next=%2Fwall%3Fstreams%3Dgate%252D1");

    let (status, session) = house.ask(&Method::GET, "/api/v1/session", Some(key)).await;
    assert_eq!((status, &session["role"]), (StatusCode::OK, &json!("viewer")), "{session}");
    assert_eq!(session["streams"], json!(["gate-1"]));
    assert!(session.get("sees").is_none(), "{session}");
    for (key, stream, sees) in [(key, "gate-1", true), (key, "gate-2", false), (&*sender, "gate-2", true)] {
        let path = format!("/api/v1/session?stream={stream}");
        let (_, session) = house.ask(&Method::GET, &path, Some(key)).await;
        assert_eq!(session["sees"], sees, "{stream}: {session}");
    }
    let cameras = house.key(Role::Viewer, &[], &[Use::Cameras]);
    let (_, session) = house.ask(&Method::GET, "/api/v1/session?stream=gate-1", Some(&cameras)).await;
    assert_eq!(session["sees"], false, "what is sent is not for it: {session}");
    let (_, nobody) = house.ask(&Method::GET, "/api/v1/session?stream=gate-1", None).await;
    assert_eq!(nobody["sees"], false, "{nobody}");
    for (path, expected) in [
        ("/api/v1/streams/gate-1/snapshot.jpg", StatusCode::NOT_FOUND),
        ("/api/v1/streams/gate-2/snapshot.jpg", StatusCode::FORBIDDEN),
        ("/api/v1/viewers", StatusCode::FORBIDDEN),
        ("/labels", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(house.ask(&Method::GET, path, Some(key)).await.0, expected, "{path}");
    }
    let (status, _) = house.ask(&Method::POST, "/api/v1/streams/gate-1/links", Some(key)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "a viewer makes no others");

    for (path, expected) in [
        ("/api/v1/streams/yard/links", StatusCode::FORBIDDEN),
        ("/api/v1/streams/gate-*/links", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/streams/gate-1/links?lasts_s=59", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/streams/gate-1/links?lasts_s=604801", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(link(path, &sender).await.0, expected, "{path}");
    }
    for _ in 1..20 {
        assert_eq!(link("/api/v1/streams/gate-1/links", &sender).await.0, StatusCode::CREATED);
    }
    let (status, answer) = link("/api/v1/streams/gate-1/links", &sender).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");

    let admin = house.key(Role::Admin, &[], &[]);
    let id = made["key"].as_str().unwrap();
    let revoked = house.ask(&Method::DELETE, &format!("/api/v1/keys/{id}"), Some(&admin)).await;
    assert_eq!(revoked.0, StatusCode::NO_CONTENT);
    assert_eq!(house.ask(&Method::GET, "/api/v1/streams", Some(key)).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn where_nobody_needs_a_key_a_link_has_none() {
    let house = House::new("[access]\nmode = \"open\"");
    let (status, made) = house.ask(&Method::POST, "/api/v1/streams/gate%201/links", None).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["path"], "/wall?streams=gate%201");
    assert_eq!((&made["key"], &made["expires"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn whoever_sees_some_streams_is_not_told_the_sums_of_all() {
    let house = House::new("");
    let whole = house.key(Role::Viewer, &[], &[]);
    for (key, told) in [
        (whole, true),
        (house.key(Role::Viewer, &["gate-*"], &[]), false),
        (house.key(Role::Viewer, &[], &[Use::Relay]), false),
    ] {
        let (status, history) = house.ask(&Method::GET, "/api/v1/history", Some(&key)).await;
        assert_eq!(status, StatusCode::OK, "{history}");
        for name in ["streams", "viewers", "lost"] {
            assert_eq!(history["series"].get(name).is_some(), told, "{history}");
        }
        assert!(history["series"].get("cpu").is_some(), "{history}");
    }
}
