//! Below which path of an address this server is: behind a proxy that has more than this server, the browser asks for
//! `/sightwire/wall`, and this server for `/wall`.
//!
//! A proxy that takes its prefix off needs to say nothing: links and redirects are relative. What it says counts where it is
//! believed. One that passes paths on as they are needs `server.base_path`.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::LOCATION;
use http::{Extensions, HeaderMap, HeaderName, StatusCode, Uri, uri};
use sightwire_base::address::Networks;

use super::Peer;

/// How Home Assistant names its own way to an add-on, which it shows in a frame.
const INGRESS: HeaderName = HeaderName::from_static("x-ingress-path");
/// How others name what they have taken off.
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
/// No longer one was set up by anybody.
const MAX_CHARS: usize = 200;

/// A path that others begin with: empty, or `/sightwire` without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

/// Why a text is not a [`BasePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasePathError {
    /// It is the rest of another path, or an address.
    #[error("it has to begin with one slash, such as /sightwire")]
    Begin,
    /// It could mean something else to a browser.
    #[error("it has a part that is empty, `.` or `..`, or characters other than letters, digits and -._~%@")]
    Part,
    /// It is longer than [`MAX_CHARS`].
    #[error("it has more than 200 characters")]
    Long,
}

impl FromStr for BasePath {
    type Err = BasePathError;

    fn from_str(text: &str) -> Result<Self, BasePathError> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() {
            return Ok(Self::default());
        }
        let parts = text.strip_prefix('/').ok_or(BasePathError::Begin)?;
        if text.len() > MAX_CHARS {
            return Err(BasePathError::Long);
        }
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%@".contains(&byte);
        // Browsers read `%2e` as a dot, too.
        let is_dots = |part: &str| matches!(&*part.to_ascii_lowercase().replace("%2e", "."), "" | "." | "..");
        let is_part = |part: &str| !is_dots(part) && part.bytes().all(is_fine);
        if parts.split('/').all(is_part) { Ok(Self(text.into())) } else { Err(BasePathError::Part) }
    }
}

impl BasePath {
    /// As it stands in an address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows it in a path; `None` where the path is not below it.
    fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&*self.0).filter(|_| !self.0.is_empty())?;
        match rest {
            "" => Some("/"),
            below => below.starts_with('/').then_some(below),
        }
    }
}

/// Where the server is, and whom it believes.
#[derive(Clone, Debug)]
pub struct Places {
    /// What paths begin with that come as the browser asked for them.
    pub base_path: BasePath,
    /// Proxies that may name what they have taken off.
    pub trusted: Networks,
}

/// Where this server is for the client of a request. An extension of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// `None` where nobody said: it may be anywhere.
    known: Option<BasePath>,
    /// The proxy that brings the request shows pages in a frame of its own.
    is_framed: bool,
}

/// Takes `server.base_path` off, and notes where the server is for the client.
pub async fn strip_base_path(
    State(places): State<Arc<Places>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>();
    let is_trusted = peer.is_some_and(|Peer(peer)| places.trusted.contains_address(peer.ip()));
    let said = if is_trusted { proxied_base(request.headers()) } else { None };
    let below = places.base_path.rest(request.uri().path()).map(str::to_owned);
    let is_framed = said.is_some() && request.headers().contains_key(INGRESS);
    let known = said.or_else(|| below.is_some().then(|| places.base_path.clone()));
    if let Some(path) = below {
        replace_path(request.uri_mut(), &path);
    }
    let base = Base { known, is_framed };
    request.extensions_mut().insert(base.clone());
    let mut response = next.run(request).await;
    if response.status() == StatusCode::CREATED {
        base.prefix_location(response.headers_mut());
    }
    response
}

/// What a proxy says that it has taken off; `None` where that is nothing, no path, or said in two ways: one of them may be its
/// client's, which it has let through.
fn proxied_base(headers: &HeaderMap) -> Option<BasePath> {
    let mut all = [INGRESS, PREFIX].into_iter().flat_map(|name| headers.get_all(name));
    let path: BasePath = all.next()?.to_str().ok()?.trim().parse().ok()?;
    let is_one = |other: &http::HeaderValue| {
        other.to_str().is_ok_and(|other| other.trim().parse().as_ref() == Ok(&path))
    };
    (all.all(is_one) && !path.0.is_empty()).then_some(path)
}

fn replace_path(uri: &mut Uri, path: &str) {
    let mut parts: uri::Parts = uri.clone().into_parts();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    parts.path_and_query = format!("{path}{query}").parse().ok();
    if let Ok(new) = Uri::from_parts(parts) {
        *uri = new;
    }
}

/// Where the server is for the client of a request with these.
pub fn request_base(extensions: &Extensions) -> Base {
    extensions.get().cloned().unwrap_or_default()
}

impl Base {
    /// A path of this server (`/login?next=%2F`) as somebody finds it who asked for the path `from`: never one of another server.
    pub fn address(&self, from: &str, path: &str) -> String {
        let path = path.trim_start_matches(['/', '\\']);
        if let Some(BasePath(known)) = &self.known {
            return format!("{known}/{path}");
        }
        let depth = from.bytes().filter(|byte| *byte == b'/').count().saturating_sub(1);
        // Without the dot, what has a colon in it would begin with a scheme.
        let mut address = if depth == 0 { String::from("./") } else { "../".repeat(depth) };
        let _ = write!(address, "{path}");
        address
    }

    /// What all paths begin with for the client, where that is known: empty, or `/sightwire`.
    pub fn path(&self) -> &str {
        self.known.as_ref().map_or("", BasePath::as_str)
    }

    /// Whether the proxy that brings the request shows pages in a frame of its own.
    pub fn is_framed(&self) -> bool {
        self.is_framed
    }

    /// Where something lies that was made: the path of this server, as somebody finds it who comes through a proxy.
    fn prefix_location(&self, headers: &mut HeaderMap) {
        let (Some(BasePath(known)), Some(location)) = (&self.known, headers.get(LOCATION)) else { return };
        let location = location.to_str().ok().filter(|path| path.starts_with('/'));
        if let Some(Ok(location)) = location.map(|path| format!("{known}{path}").parse()) {
            headers.insert(LOCATION, location);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(path: &str) -> Base {
        Base { known: Some(path.parse().unwrap()), is_framed: false }
    }

    #[test]
    fn a_base_path_is_a_plain_path() {
        for (text, expected) in [
            ("", ""),
            ("/", ""),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/api/hassio_ingress/t-0_k", "/api/hassio_ingress/t-0_k"),
        ] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), expected);
        }
        for (text, why) in [
            ("a", BasePathError::Begin),
            ("http://a/b", BasePathError::Begin),
            ("//a", BasePathError::Part),
            ("/a//b", BasePathError::Part),
            ("/a/../b", BasePathError::Part),
            ("/a/%2E./b", BasePathError::Part),
            ("/a b", BasePathError::Part),
            ("/a\"><script>", BasePathError::Part),
            ("/a?b", BasePathError::Part),
        ] {
            assert_eq!(text.parse::<BasePath>(), Err(why), "{text}");
        }
        assert_eq!(format!("/{}", "a".repeat(MAX_CHARS)).parse::<BasePath>(), Err(BasePathError::Long));
    }

    #[test]
    fn what_is_below_it_is_told_from_what_only_begins_like_it() {
        let base: BasePath = "/sight".parse().unwrap();
        assert_eq!(base.rest("/sight"), Some("/"));
        assert_eq!(base.rest("/sight/"), Some("/"));
        assert_eq!(base.rest("/sight/ws/view"), Some("/ws/view"));
        assert_eq!(base.rest("/sightwire"), None);
        assert_eq!(base.rest("/wall"), None);
        assert_eq!(BasePath::default().rest("/wall"), None);
    }

    #[test]
    fn addresses_lead_to_this_server_wherever_it_is() {
        let anywhere = Base::default();
        for (from, expected) in
            [("/", "./login"), ("/wall", "./login"), ("/cameras/yard", "../login"), ("/a/b/", "../../login")]
        {
            assert_eq!(anywhere.address(from, "/login"), expected, "{from}");
        }
        assert_eq!(anywhere.address("/", "/"), "./");
        assert_eq!(anywhere.address("/", "//evil.example/"), "./evil.example/");
        assert_eq!(anywhere.address("/", "/javascript:alert(1)"), "./javascript:alert(1)");
        assert_eq!(known("/s").address("/cameras/yard", "/login?next=%2F"), "/s/login?next=%2F");
        assert_eq!(known("/s").address("/", "\\/evil.example"), "/s/evil.example");
    }

    #[test]
    fn what_a_proxy_says_counts_if_it_is_a_path() {
        let said_in = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            proxied_base(&headers).map(|path| path.as_str().to_owned())
        };
        assert_eq!(said_in("x-forwarded-prefix", "/a/"), Some("/a".into()));
        assert_eq!(said_in("x-ingress-path", "/api/hassio_ingress/x"), Some("/api/hassio_ingress/x".into()));
        for nothing in ["", "/", "a", "//evil.example", "https://evil.example", "/a, /b"] {
            assert_eq!(said_in("x-forwarded-prefix", nothing), None, "{nothing}");
        }
        let both = |ingress: &str, prefix: &str| {
            let pairs = [(INGRESS, ingress.parse().unwrap()), (PREFIX, prefix.parse().unwrap())];
            proxied_base(&HeaderMap::from_iter(pairs))
        };
        assert_eq!(both("/a", "/a/"), Some("/a".parse().unwrap()));
        assert_eq!(both("/evil", "/a"), None, "one of them is the client's");
    }

    #[test]
    fn what_was_made_lies_below_it() {
        for (base, given, expected) in [
            (known("/s"), "/api/v1/jobs/a", "/s/api/v1/jobs/a"),
            (known("/s"), "https://elsewhere.example/", "https://elsewhere.example/"),
            (Base::default(), "/api/v1/jobs/a", "/api/v1/jobs/a"),
        ] {
            let mut headers = HeaderMap::from_iter([(LOCATION, given.parse().unwrap())]);
            base.prefix_location(&mut headers);
            assert_eq!(headers[LOCATION], expected);
        }
    }

    #[test]
    fn a_query_is_kept() {
        let mut uri: Uri = "/s/wall?one=a".parse().unwrap();
        replace_path(&mut uri, "/wall");
        assert_eq!(uri, "/wall?one=a");
    }
}
