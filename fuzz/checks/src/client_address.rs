use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue};
use sightwire_listen::Peer;
use sightwire_listen::client::{self, ClientAddress};
use sightwire_base::address::Networks;
use tower::ServiceExt as _;

const PROXY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

static TRUSTED: LazyLock<Networks> = LazyLock::new(|| {
    Networks::parse(&["10.0.0.0/8", "fd00::/8"].map(str::to_owned)).expect("networks")
});

/// Puts the address that was found into the answer.
static FIND: LazyLock<Router> = LazyLock::new(|| {
    let tell = async |request: Request| {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().extend(request.extensions().clone());
        response
    };
    Router::new().fallback(tell).layer(from_fn_with_state(TRUSTED.clone(), client::identify_client))
});

fn find_address(peer: Ipv4Addr, headers: &HeaderMap) -> ClientAddress {
    let mut request = Request::new(Body::empty());
    request.headers_mut().clone_from(headers);
    request.extensions_mut().insert(Peer(SocketAddr::from((peer, 4000))));
    let response = FIND.clone().oneshot(request).now_or_never().expect("there is nothing to wait for");
    client::request_client(response.expect("an answer").extensions()).expect("an address")
}

/// What proxies say of their clients, in `X-Forwarded-For` (a line that begins with `x`) and `Forwarded` (any other): nobody
/// but a trusted proxy is believed, nothing is made up, what a client itself has written before changes nothing, and both headers mean
/// the same.
pub fn client_address(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(8) {
        let (name, value) = line.strip_prefix(b"x").map_or((FORWARDED, line), |value| (X_FORWARDED_FOR, value));
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(name, value);
    }
    let direct = find_address(CLIENT, &headers);
    assert_eq!((direct.socket(), direct.place()), (SocketAddr::from((CLIENT, 4000)), None));

    let told = find_address(PROXY, &headers);
    assert_eq!(told.place().is_none(), told.ip() == PROXY && told.socket().port() == 4000);
    if told.place().is_some() {
        assert!(written_addresses(&headers).contains(&told.ip()), "{told} stands nowhere");
    }
    if headers.contains_key(FORWARDED) {
        return;
    }
    // What stands before what a trusted proxy has seen itself was written by anybody.
    if told.place().is_none_or(|ip| !TRUSTED.contains_address(ip)) {
        let mut more = HeaderMap::new();
        more.insert(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.9, ?, 10.0.0.3"));
        for line in headers.get_all(X_FORWARDED_FOR) {
            more.append(X_FORWARDED_FOR, line.clone());
        }
        assert_eq!(find_address(PROXY, &more), told);
    }
    if let Some(same) = as_forwarded(&headers) {
        assert_eq!(find_address(PROXY, &same), told);
    }
}

/// The entries of `X-Forwarded-For`, however many lines it has.
fn header_entries(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or("?"));
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// All addresses that stand there in whatever way.
fn written_addresses(headers: &HeaderMap) -> Vec<IpAddr> {
    let of_address = |byte: char| byte.is_ascii_hexdigit() || matches!(byte, '.' | ':' | '[' | ']');
    let texts = headers.values().filter_map(|value| value.to_str().ok());
    let words = texts.flat_map(|text| text.split(move |byte| !of_address(byte)));
    words.filter_map(parse_ip).map(|ip| ip.to_canonical()).collect()
}

fn parse_ip(word: &str) -> Option<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word);
    bare.parse().ok().or_else(|| word.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// The same in `Forwarded`, where all entries are addresses.
fn as_forwarded(headers: &HeaderMap) -> Option<HeaderMap> {
    let element = |entry: &str| {
        let ip: IpAddr = entry.parse().ok()?;
        Some(if ip.is_ipv6() { format!("for=\"[{ip}]\";proto=https") } else { format!("For={ip}") })
    };
    let elements: Vec<String> = header_entries(headers).map(element).collect::<Option<_>>()?;
    let mut same = HeaderMap::new();
    same.insert(FORWARDED, elements.join(", ").try_into().ok()?);
    Some(same)
}
