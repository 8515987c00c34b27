use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{COOKIE, HOST, LOCATION, ORIGIN, SEC_WEBSOCKET_KEY, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use sightwire_admission::cookie::Cookies;
use sightwire_admission::origin;
use sightwire_listen::host::{Hosts, OwnHosts};
use sightwire_listen::names::{HostNames, of_this_machine};
use sightwire_listen::tls::redirect_routes;
use sightwire_listen::websocket;
use tower::{ServiceExt as _, service_fn};


const TARGET: &str = "/pages/a?b=c";
/// Where this server listens with TLS.
const PORT: u16 = 8443;
const LISTED: [&str; 2] = ["vision.example.org", "*.cams.example"];

static HOSTS: LazyLock<Arc<Hosts>> = LazyLock::new(|| {
    Hosts::new(HostNames::parse(&LISTED.map(str::to_owned)).expect("names of hosts"))
});

/// Headers that say for which server, from which page and of whom a request is, each on a line: no other server's name is taken
/// for ours, nor another's page or cookie; what is redirected goes to the same place.
pub fn request_headers(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(16) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().trim_ascii());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else { continue };
        headers.append(name, value);
    }
    check_host(&headers);
    check_page(&headers);
    check_cookies(&headers, false);
    check_cookies(&headers, true);
    check_handshake(&headers);
}

fn make_request(headers: &HeaderMap) -> Request {
    let mut request = Request::builder().uri(TARGET).body(Body::empty()).expect("a request");
    request.headers_mut().clone_from(headers);
    request
}

fn answer_status(headers: &HeaderMap) -> StatusCode {
    let inner = service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::empty())));
    let response = OwnHosts::new(HOSTS.clone(), inner).oneshot(make_request(headers)).now_or_never();
    response.expect("there is nothing to wait for").expect("an answer").status()
}

fn check_host(headers: &HeaderMap) {
    let status = answer_status(headers);
    let known = [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::MISDIRECTED_REQUEST];
    assert!(known.contains(&status), "{status}");
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        assert_eq!(status, StatusCode::BAD_REQUEST);
        return;
    };
    let Ok(host) = host.to_str() else { return };
    let mut other = headers.clone();
    let swapped = host.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    other.insert(HOST, swapped.collect::<String>().try_into().expect("a header"));
    assert_eq!(answer_status(&other), status, "letters are small or large");
    if status != StatusCode::OK {
        return;
    }
    assert!(is_ours(host), "{host}");
    // Browsers send no zone.
    if !host.contains('%') {
        check_redirect(headers, host);
    }
}

/// Without its port.
fn name_of(host: &str) -> &str {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
}

fn is_ours(host: &str) -> bool {
    let name = name_of(host).to_ascii_lowercase();
    if let Some(address) = name.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        return address.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_below = |parent: &str| name.strip_suffix(parent).is_some_and(|name| name.len() > 1 && name.ends_with('.'));
    name.parse::<Ipv4Addr>().is_ok()
        || ["localhost", "vision.example.org"].contains(&name)
        || is_below("localhost")
        || is_below("cams.example")
        || of_this_machine().iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// From plain HTTP to the same path of the same host.
fn check_redirect(headers: &HeaderMap, host: &str) {
    let response = redirect_routes(PORT).oneshot(make_request(headers)).now_or_never();
    let response = response.expect("there is nothing to wait for").expect("an answer");
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT, "{host}");
    let location = response.headers()[LOCATION].to_str().expect("a text");
    let location: Uri = location.parse().expect("an address");
    assert_eq!((location.scheme_str(), location.port_u16()), (Some("https"), Some(PORT)));
    assert_eq!(location.host(), Some(name_of(host)));
    assert_eq!(location.path_and_query().map(PathAndQuery::as_str), Some(TARGET));
}

fn check_page(headers: &HeaderMap) {
    let listed = ["https://app.example".to_owned()];
    let page = origin::page_of(headers, Some(&listed));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if origin::is_said_to_be_own(headers) {
        assert!(page.is_none_or(|page| page.is_own));
    }
    let Some(page) = page else {
        assert!(!headers.contains_key(ORIGIN) && text("sec-fetch-site") != Some("cross-site"));
        return;
    };
    let said = if headers.contains_key(ORIGIN) { text("origin") } else { text("referer") };
    let Some((scheme, rest)) = said.and_then(|said| said.split_once("://")) else {
        assert!(!page.is_own && !page.is_of_this_machine && !page.is_listed);
        return;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if page.is_own {
        assert_eq!(Some(authority), headers.get(HOST).map_or(Some(""), |host| host.to_str().ok()));
    }
    if page.is_listed {
        assert_eq!(format!("{scheme}://{authority}"), listed[0]);
    }
    if page.is_of_this_machine
        && let Ok(authority) = authority.parse::<Authority>()
    {
        let host = authority.host();
        let is_loopback = host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback());
        assert!(is_loopback || matches!(host, "localhost" | "[::1]"), "{authority}");
    }
}

fn check_cookies(headers: &HeaderMap, is_secured: bool) {
    let cookies = Cookies::from_headers(headers, is_secured);
    let Some(token) = cookies.token() else { return };
    let set = cookies.set_cookie(token);
    let (pair, terms) = set.split_once("; ").expect("terms");
    let (name, value) = pair.split_once('=').expect("a name");
    assert_eq!(value, token);
    assert!(terms.contains("HttpOnly; SameSite=Lax"));
    assert!(!is_secured || (name.starts_with("__Host-") && terms.ends_with("; Secure")), "{set}");
    let is_there = |text: &str| text.split(';').any(|given| given.trim() == pair);
    assert!(headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).any(is_there), "{pair}");
    let mut again = headers.clone();
    again.insert(COOKIE, pair.try_into().expect("a header"));
    assert_eq!(Cookies::from_headers(&again, is_secured).token(), Some(token));
    again.insert(COOKIE, cookies.forget_cookie().split(';').next().expect("a pair").try_into().expect("a header"));
    assert_eq!(Cookies::from_headers(&again, is_secured).token(), Some(""));
}

fn check_handshake(headers: &HeaderMap) {
    if !websocket::is_handshake(headers) {
        return;
    }
    assert!(websocket::is_asked_for(headers) && headers[UPGRADE].as_bytes().eq_ignore_ascii_case(b"websocket"));
    assert_eq!(headers.get_all(SEC_WEBSOCKET_KEY).iter().count(), 1);
    let key = headers[SEC_WEBSOCKET_KEY].as_bytes().trim_ascii();
    let bytes = base64_simd::forgiving_decode_to_vec(key);
    assert_eq!(bytes.map(|bytes| bytes.len()).ok(), Some(16));
}
