//! One list says which pages may use the server, however they come.

use super::*;

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[tokio::test]
async fn a_page_that_is_not_listed_gets_neither_requests_nor_sockets() {
    let house = House::with_server("cors_origins = [\"https://app.example\"]", "");
    let key = format!("Bearer {}", house.key(Role::Admin, &[], &[]));
    let websockets = house.app.paths.iter().filter(|path| path.starts_with("/ws") || path.ends_with("/live"));
    let websockets: Vec<String> = websockets.map(|path| filled(path)).collect();
    assert!(websockets.len() > 3, "{websockets:?}");
    let websockets = websockets.iter().map(String::as_str).chain(["/socket.io/?EIO=4&transport=websocket"]);
    let requests = ["/socket.io/?EIO=4&transport=polling", "/labels", "/api/v1/status", "/"];
    let all = websockets.map(|path| (path, &HANDSHAKE[..])).chain(requests.map(|path| (path, &[][..])));
    for (path, handshake) in all {
        let ask = async |origin: &str| {
            let headers = [handshake, &[("authorization", &*key), ("origin", origin)]].concat();
            let mut request = Request::builder().uri(path).header(HOST, "192.168.1.2:8000");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(Peer("192.168.1.7:5000".parse().unwrap()));
            house.app.router.clone().oneshot(request).await.unwrap().status()
        };
        for foreign in
            ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"]
        {
            assert_eq!(ask(foreign).await, StatusCode::FORBIDDEN, "{path} {foreign}");
        }
        for own in ["https://app.example", "http://192.168.1.2:8000"] {
            assert_ne!(ask(own).await, StatusCode::FORBIDDEN, "{path} {own}");
        }
    }
}
