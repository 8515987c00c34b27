//! From where a request comes, and how many may come from there.

use std::net::SocketAddr;

use super::*;

const KEYLESS: &str = r#"
[[access.legacy]]
paths = ["/labels"]
networks = ["10.9.0.0/16", "192.168.1.2"]
role = "viewer"
"#;

impl House {
    /// From that peer; the status, how long to wait, and what is said.
    async fn send(
        &self,
        (method, path, body): (&Method, &str, &str),
        peer: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Option<u64>, Value) {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "192.168.1.2:8000");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json");
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer(SocketAddr::new(peer.parse().unwrap(), 5000)));
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let wait = parts.headers.get("retry-after").map(|wait| wait.to_str().unwrap().parse().unwrap());
        (parts.status, wait, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn look(&self, peer: &str, headers: &[(&str, &str)]) -> (StatusCode, Option<u64>, Value) {
        self.send((&Method::GET, "/labels", ""), peer, headers).await
    }

    /// How many of this many requests are answered otherwise than with 429.
    async fn answered(&self, count: usize, peer: &str, headers: &[(&str, &str)]) -> usize {
        let mut answered = 0;
        for _ in 0..count {
            answered += usize::from(self.look(peer, headers).await.0 != StatusCode::TOO_MANY_REQUESTS);
        }
        answered
    }
}

#[tokio::test]
async fn who_needs_no_key_is_who_a_named_proxy_says_and_nobody_else() {
    let house = House::new(KEYLESS);
    let is_in = async |house: &House, peer: &str, headers: &[(&str, &str)]| {
        let (status, ..) = house.look(peer, headers).await;
        assert!(status == StatusCode::OK || status == StatusCode::UNAUTHORIZED, "{status}");
        status == StatusCode::OK
    };
    assert!(is_in(&house, "10.9.1.1", &[]).await);
    // Nobody is named: a peer that says a client is behind it is not that client, whatever is claimed.
    assert!(is_in(&house, "192.168.1.2", &[]).await);
    for claimed in ["10.9.1.1", "6.6.6.6"] {
        for peer in ["10.8.1.1", "192.168.1.2"] {
            assert!(!is_in(&house, peer, &[("x-forwarded-for", claimed)]).await, "{peer} {claimed}");
        }
    }

    let house = House::with_server("trusted_proxies = [\"192.168.1.2\"]", KEYLESS);
    assert!(is_in(&house, "192.168.1.2", &[("x-forwarded-for", "10.9.1.1")]).await);
    assert!(is_in(&house, "192.168.1.2", &[("forwarded", "for=10.9.1.1")]).await);
    assert!(!is_in(&house, "192.168.1.2", &[("x-forwarded-for", "10.9.1.1, 6.6.6.6")]).await);
    assert!(
        !is_in(&house, "10.8.1.1", &[("x-forwarded-for", "10.9.1.1")]).await,
        "not a proxy that is named"
    );
    // The proxy's own address would be let in, and nobody makes it count by nonsense.
    for nonsense in ["unknown", "6.6.6.6, nonsense", ""] {
        assert!(!is_in(&house, "192.168.1.2", &[("x-forwarded-for", nonsense)]).await, "{nonsense:?}");
    }
    assert!(
        !is_in(&house, "192.168.1.2", &[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=10.9.1.1")]).await
    );
}

#[tokio::test]
async fn through_a_named_proxy_attempts_to_log_in_are_counted_for_each_client() {
    let house = House::with_server("trusted_proxies = [\"192.168.1.2\"]", "");
    let from = |client: &'static str| [("x-forwarded-for", client)];
    // Names are counted, too: each is tried once.
    let login = |name: usize| format!(r#"{{"name":"name-{name}","password":"not it"}}"#);
    let mut refused = 0;
    for name in 0..11 {
        let login = (&Method::POST, "/api/v1/login", &*login(name));
        let (status, ..) = house.send(login, "192.168.1.2", &from("6.6.6.6, 10.9.1.1")).await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 1);
    let (status, ..) = house
        .send((&Method::POST, "/api/v1/login", &*login(11)), "192.168.1.2", &from("10.9.1.1, 10.9.1.2"))
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "somebody else");
}

#[tokio::test]
async fn an_address_a_key_and_a_client_of_a_named_proxy_make_so_many_requests_each() {
    let house = House::with_server("trusted_proxies = [\"192.168.1.2\"]", "[limits]\nrequests_per_s = 2");
    assert_eq!(house.answered(30, "192.168.1.7", &[]).await, 10, "five seconds' worth at once");
    let (status, wait, answer) = house.look("192.168.1.7", &[]).await;
    assert_eq!((status, wait), (StatusCode::TOO_MANY_REQUESTS, Some(1)), "{answer}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(
        detail.contains("the address 192.168.1.7") && detail.contains("limits.requests_per_s"),
        "{detail}"
    );
    // Handshakes and polls are requests.
    for path in
        ["/ws/view", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=websocket", "/"]
    {
        let (status, ..) = house.send((&Method::GET, path, ""), "192.168.1.7", &[]).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    // So are preflights, and what is refused for its page.
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "GET")];
    let (status, ..) = house.send((&Method::OPTIONS, "/labels", ""), "192.168.1.7", &preflight).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        house.answered(30, "192.168.1.7", &[("x-forwarded-for", "10.1.1.1")]).await,
        0,
        "no header helps"
    );
    // A key has a share of its own, wherever it is used.
    let key = format!("Bearer {}", house.key(Role::Viewer, &[], &[]));
    let with_key = [("authorization", &*key)];
    assert_eq!(
        house.answered(6, "192.168.1.7", &with_key).await
            + house.answered(24, "192.168.1.8", &with_key).await,
        10
    );
    assert_eq!(
        house.answered(30, "192.168.1.8", &[("authorization", "Bearer sw_wrong")]).await,
        10,
        "and a wrong one none"
    );
    let of = |client: &'static str| [("x-forwarded-for", client)];
    assert_eq!(house.answered(30, "192.168.1.2", &of("10.1.1.1")).await, 10);
    assert_eq!(house.answered(30, "192.168.1.2", &of("10.1.1.2")).await, 10);
    // Programs on this machine have no limit; what a proxy on it passes on has one.
    assert_eq!(house.answered(30, "127.0.0.1", &[]).await, 30);
    assert_eq!(house.answered(30, "127.0.0.1", &of("10.1.1.1")).await, 10);
    assert_eq!(
        house.app.listening.limited.limited_count(sightwire_base::shares::Limit::RequestsPerS),
        20 + 1 + 4 + 1 + 30 + 20 + 20 + 20 + 20 + 20
    );
}
