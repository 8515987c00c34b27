//! Whose word opens which address: a scope of some streams names none, and private networks are for who is on this machine.

use super::*;

/// In a private network; nothing here connects to it.
const PRIVATE: &str = "http://192.168.7.7/stream";

impl House {
    /// As a program on this machine does, with these headers beside.
    async fn ask_here(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:8000");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json");
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(Peer("127.0.0.1:5000".parse().unwrap()));
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, String::from_utf8_lossy(&body).into_owned())
    }
}

#[tokio::test]
async fn a_scope_of_some_streams_gives_no_camera_an_address() {
    let house = House::new("");
    let (some, all) =
        (house.key(Role::Operator, &["gate-*", "yard"], &[]), house.key(Role::Operator, &[], &[]));
    let ask = async |method: Method, path: &str, key: &str, body: Value, user: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", &*bearer), ("x-user-id", user)];
        house.browse(&method, path, &headers, body).await
    };
    let [url, other] = ["http://127.0.0.1:9/gate", "http://127.0.0.1:9/other"];
    let add = |id: &str, url: &str| json!({ "id": id, "url": url });
    for (method, path, body) in [
        (Method::POST, "/api/v1/cameras", add("gate-9", "http://127.0.0.1:9/")),
        (Method::POST, "/api/v1/cameras/test", json!({ "url": url })),
        (Method::POST, "/api/v1/cameras/test", json!({ "id": "yard", "url": url })),
        (Method::POST, "/api/user/esp32-config", json!({ "esp32_url": url })),
    ] {
        let (status, _, answer) = ask(method.clone(), path, &some, body, "new").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {answer}");
    }
    let (status, _, answer) = ask(Method::POST, "/api/v1/cameras", &some, add("gate-9", other), "").await;
    let detail = answer["detail"].as_str().unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    assert!(detail.contains("to give the address of a camera takes one for all streams"), "{detail}");
    // A scene has no address, and another's camera keeps the one that it has.
    let (status, ..) =
        ask(Method::POST, "/api/v1/cameras", &some, add("gate-8", "simulated:street"), "").await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, _, answer) = ask(Method::POST, "/api/v1/cameras", &all, add("gate-9", url), "").await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    for (change, expected) in [
        (json!({ "name": "North" }), StatusCode::OK),
        (json!({ "name": "South", "url": url }), StatusCode::OK),
        (json!({ "mode": "capture", "fps": 2 }), StatusCode::OK),
        (json!({ "url": other }), StatusCode::FORBIDDEN),
    ] {
        let (status, _, answer) =
            ask(Method::PATCH, "/api/v1/cameras/gate-9", &some, change.clone(), "").await;
        assert_eq!(status, expected, "{change}: {answer}");
    }
    // Nor does one that has a scene become another's camera.
    let (status, ..) =
        ask(Method::PATCH, "/api/v1/cameras/gate-8", &some, json!({ "url": other, "mode": "stream" }), "")
            .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn private_networks_are_named_on_this_machine_and_not_by_others_through_its_proxy() {
    let house = House::new("");
    let bearer = format!("Bearer {}", house.key(Role::Operator, &[], &[]));
    let add = |id: &str| json!({ "id": id, "url": PRIVATE });
    let key = ("authorization", &*bearer);
    for proxied in [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9"), ("via", "1.1 proxy")] {
        let (status, answer) =
            house.ask_here(&Method::POST, "/api/v1/cameras", &[key, proxied], add("theirs")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert!(
            answer.contains("cameras.allow = [\\\"192.168.7.7\\\"]") && answer.contains("own machine"),
            "{answer}"
        );
        let path = "/stream/proxy?esp32_url=http://192.168.7.7/admin";
        let (status, answer) = house.ask_here(&Method::GET, path, &[key, proxied], Value::Null).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    }
    for headers in [&[][..], &[key]] {
        let id = format!("ours-{}", headers.len());
        let (status, answer) = house.ask_here(&Method::POST, "/api/v1/cameras", headers, add(&id)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
}

#[tokio::test]
async fn a_server_behind_a_proxy_closes_private_networks_to_all_and_says_why() {
    for (server, more, sign) in [
        ("", "[access]\nmode = \"protected\"", "access.mode is protected"),
        ("", "[access]\nmode = \"open\"", "access.mode is open"),
        ("hosts = [\"cams.example.org\"]", "", "server.hosts is set"),
        ("trusted_proxies = [\"127.0.0.2\"]", "", "server.trusted_proxies is set"),
    ] {
        let house = House::with_server(server, more);
        let bearer = format!("Bearer {}", house.key(Role::Operator, &[], &[]));
        // A proxy that adds nothing to what it passes on looks like somebody here.
        let key = [("authorization", &*bearer)];
        let add = json!({ "id": "theirs", "url": PRIVATE });
        let (status, answer) = house.ask_here(&Method::POST, "/api/v1/cameras", &key, add).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{sign}: {answer}");
        assert!(
            answer.contains("cameras.allow = [\\\"192.168.7.7\\\"]") && answer.contains(sign),
            "{answer}"
        );
    }
    let listed = House::new("[access]\nmode = \"protected\"\n[cameras]\nallow = [\"192.168.7.0/24\"]");
    let bearer = format!("Bearer {}", listed.key(Role::Operator, &[], &[]));
    let add = json!({ "id": "ours", "url": PRIVATE });
    let (status, answer) =
        listed.ask_here(&Method::POST, "/api/v1/cameras", &[("authorization", &*bearer)], add).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}
