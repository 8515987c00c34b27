//! Whose word opens which address: private networks are for who is on this machine.

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
