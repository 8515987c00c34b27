//! Where a request comes from: this server's own pages, pages of this machine, pages that the configuration names, or
//! any page that somebody happens to have open.
//!
//! A browser sends requests to this server for every page that asks it to, also for one that its user does not trust. So
//! pages from elsewhere do not get what only the user's own place in the network makes reachable.

use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, HOST, ORIGIN, REFERER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The page that made a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// It is of this server.
    pub is_own: bool,
    /// It is of this machine.
    pub is_of_this_machine: bool,
    /// The configuration names its origin.
    pub is_listed: bool,
}

/// The page that made the request; `None` where none of another server has. `listed` are the origins that the configuration
/// names; `*` names none.
pub fn page_of(headers: &HeaderMap, listed: Option<&[String]>) -> Option<Page> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(&HOST).unwrap_or_default();
    let page = |origin: &str| {
        let rest = origin.split_once("://").map(|(_, rest)| rest);
        Page {
            is_own: rest.is_some_and(|rest| rest == host),
            is_of_this_machine: rest.is_some_and(is_this_machine),
            is_listed: listed.is_some_and(|list| list.iter().any(|listed| listed == origin)),
        }
    };
    if let Some(origin) = text(&ORIGIN) {
        return Some(page(origin));
    }
    // Pictures of a page are asked for without its origin, but the browser says that the page is another's.
    if text(&SEC_FETCH_SITE) == Some("cross-site") {
        let referer = text(&REFERER).and_then(origin_of);
        return Some(referer.as_deref().map(page).unwrap_or_default());
    }
    None
}

/// Whether a browser says that a page of another port or name of this site made the request.
pub fn is_of_neighbour(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-site") && !headers.contains_key(ORIGIN)
}

/// Whether a browser says that a page of this server made the request, or nothing says that a browser made it. One that says
/// nothing of its page may be an old one, which shows any page.
pub fn is_said_to_be_own(headers: &HeaderMap) -> bool {
    if headers.contains_key(ORIGIN) {
        return page_of(headers, None).is_some_and(|page| page.is_own);
    }
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let is_of_browsers = |name: &HeaderName| {
        matches!(*name, COOKIE | REFERER | ACCEPT_LANGUAGE) || name.as_str().starts_with("sec-")
    };
    let agent = headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    !agent.starts_with(b"Mozilla/") && !headers.keys().any(is_of_browsers)
}

/// Whether a browser came to a proxy over https, as that says.
pub fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// `https://a.example/page` is of `https://a.example`.
fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{host}"))
}

/// Whether the `host[:port]` of a request names the loopback interface.
pub fn is_this_machine(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    matches!(name, "localhost" | "[::1]")
        || name.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(given: &[(&'static str, &'static str)], listed: Option<&[String]>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", "192.168.1.2:8000".parse().unwrap());
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        let page = page_of(&headers, listed);
        page.is_some_and(|page| !page.is_own && !page.is_of_this_machine && !page.is_listed)
    }

    #[test]
    fn pages_from_elsewhere_are_told_from_those_of_this_server_and_this_machine() {
        assert!(!foreign(&[], None), "no browser");
        assert!(!foreign(&[("origin", "http://192.168.1.2:8000")], None));
        assert!(!foreign(&[("origin", "http://localhost:3000")], None));
        assert!(foreign(&[("origin", "https://evil.example")], None));
        assert!(foreign(&[("origin", "null")], None));
        assert!(foreign(&[("origin", "https://127.0.0.1.evil.example")], None));
        assert!(foreign(&[("sec-fetch-site", "cross-site")], None));
        assert!(foreign(&[("sec-fetch-site", "cross-site"), ("referer", "https://evil.example/x")], None));
        assert!(!foreign(&[("sec-fetch-site", "same-origin")], None));
        let listed = ["https://app.example".to_owned()];
        assert!(!foreign(&[("origin", "https://app.example")], Some(&listed)));
        assert!(!foreign(
            &[("sec-fetch-site", "cross-site"), ("referer", "https://app.example/page")],
            Some(&listed)
        ));
        assert!(foreign(&[("origin", "https://evil.example")], Some(&listed)));
    }
}
