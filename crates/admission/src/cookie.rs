//! The cookie of those who have logged in.

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HOST};
use sightwire_access::session::LONGEST;

use crate::origin::is_secure;

/// Browsers take a cookie of such a name only over https, for all of the host and from nobody else.
const SECURE_PREFIX: &str = "__Host-";

/// Cookies of a request, and those of its answer.
#[derive(Clone, Copy, Debug)]
pub struct Cookies<'a> {
    headers: &'a HeaderMap,
    is_secure: bool,
}

impl<'a> Cookies<'a> {
    /// Of a request with these headers, which came `secured`, or to a proxy that says so. Who says so falsely loses a cookie of
    /// their own.
    pub fn from_headers(headers: &'a HeaderMap, secured: bool) -> Self {
        Self { headers, is_secure: secured || is_secure(headers) }
    }

    /// Browsers send a cookie to all ports of a host, so that servers beside each other need names of their own.
    fn cookie_name(self) -> String {
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let prefix = if self.is_secure { SECURE_PREFIX } else { "" };
        match host.rsplit_once(':') {
            Some((_, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{prefix}sightwire-{port}")
            }
            _ => format!("{prefix}sightwire"),
        }
    }

    /// What the request's cookie holds.
    pub fn token(self) -> Option<&'a str> {
        let cookies = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        // Without one there is nothing to make a name for.
        let is_ours = |name: &str| name.strip_prefix(SECURE_PREFIX).unwrap_or(name).starts_with("sightwire");
        let first = pairs.find(|(name, _)| is_ours(name))?;
        let name = self.cookie_name();
        [first].into_iter().chain(pairs).find(|(other, _)| *other == name).map(|(_, token)| token)
    }

    /// The value of `Set-Cookie` that keeps it.
    pub fn set_cookie(self, token: &str) -> String {
        self.format_cookie(token, LONGEST.as_secs())
    }

    /// The value of `Set-Cookie` that takes it away.
    pub fn forget_cookie(self) -> String {
        self.format_cookie("", 0)
    }

    fn format_cookie(self, value: &str, age: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}", self.cookie_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        headers.insert(COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn each_port_has_a_cookie_of_its_own() {
        let of = |host: &str, cookie: &str| {
            Cookies::from_headers(&headers(host, cookie), false).token().map(str::to_owned)
        };
        let both = "theme=dark; sightwire-8000=a; sightwire-8001=b; sightwire=c";
        assert_eq!(of("127.0.0.1:8000", both).as_deref(), Some("a"));
        assert_eq!(of("[::1]:8001", both).as_deref(), Some("b"));
        assert_eq!(of("vision.example", both).as_deref(), Some("c"));
        assert_eq!(of("[::1]", "sightwire=c").as_deref(), Some("c"));
        assert_eq!(of("127.0.0.1:9", both), None);
        assert_eq!(of("127.0.0.1:9", "theme=dark"), None);
        let set = Cookies::from_headers(&headers("127.0.0.1:8000", "x=y"), false).set_cookie("t");
        assert!(set.starts_with("sightwire-8000=t; ") && set.contains("HttpOnly; SameSite=Lax"), "{set}");
    }

    #[test]
    fn what_came_encrypted_has_a_cookie_that_goes_nowhere_else() {
        let both = headers("vision:8000", "sightwire-8000=plain; __Host-sightwire-8000=own");
        let (plain, secured) = (Cookies::from_headers(&both, false), Cookies::from_headers(&both, true));
        assert_eq!((plain.token(), secured.token()), (Some("plain"), Some("own")));
        // Somebody on the way to another port or name of this host can set the plain one, and nobody takes it.
        assert_eq!(
            Cookies::from_headers(&headers("vision:8000", "sightwire-8000=plain"), true).token(),
            None
        );
        let set = secured.set_cookie("t");
        assert!(set.starts_with("__Host-sightwire-8000=t; Path=/; ") && set.ends_with("; Secure"), "{set}");
        assert!(secured.forget_cookie().contains("Max-Age=0; Secure"), "{}", secured.forget_cookie());
        let mut proxied = headers("vision", "__Host-sightwire=own");
        proxied.insert("x-forwarded-proto", "https".parse().unwrap());
        assert_eq!(Cookies::from_headers(&proxied, false).token(), Some("own"));
    }
}
