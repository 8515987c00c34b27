//! The cookie of those who have logged in.

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HOST};
use sightwire_access::session::LONGEST;

/// Browsers send a cookie to all ports of a host, so that servers beside each other need names of their own.
fn name(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match host.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            format!("sightwire-{port}")
        }
        _ => "sightwire".to_owned(),
    }
}

/// What the request's cookie holds.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    // Without one there is nothing to make a name for.
    let first = pairs.find(|(name, _)| name.starts_with("sightwire"))?;
    let name = name(headers);
    [first].into_iter().chain(pairs).find(|(other, _)| *other == name).map(|(_, token)| token)
}

/// Whether the browser came over https, as a proxy says. Who says so falsely loses a cookie of their own.
fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// The value of `Set-Cookie` that keeps it.
pub fn set(headers: &HeaderMap, token: &str) -> String {
    let secure = if is_secure(headers) { "; Secure" } else { "" };
    let (name, age) = (name(headers), LONGEST.as_secs());
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}")
}

/// The value of `Set-Cookie` that takes it away.
pub fn forget(headers: &HeaderMap) -> String {
    format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", name(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_has_a_cookie_of_its_own() {
        let of = |host: &str, cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(COOKIE, cookie.parse().unwrap());
            token(&headers).map(str::to_owned)
        };
        let both = "theme=dark; sightwire-8000=a; sightwire-8001=b; sightwire=c";
        assert_eq!(of("127.0.0.1:8000", both).as_deref(), Some("a"));
        assert_eq!(of("[::1]:8001", both).as_deref(), Some("b"));
        assert_eq!(of("vision.example", both).as_deref(), Some("c"));
        assert_eq!(of("[::1]", "sightwire=c").as_deref(), Some("c"));
        assert_eq!(of("127.0.0.1:9", both), None);
        assert_eq!(of("127.0.0.1:9", "theme=dark"), None);
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "127.0.0.1:8000".parse().unwrap());
        let set = set(&headers, "t");
        assert!(set.starts_with("sightwire-8000=t; ") && set.contains("HttpOnly; SameSite=Lax"), "{set}");
    }
}
