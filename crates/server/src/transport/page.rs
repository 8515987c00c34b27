//! The pages, embedded in the binary: compressed ones where the browser takes them, names with a hash for ever.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use http::uri::PathAndQuery;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rust_embed::{EmbeddedFile, RustEmbed};
use sightwire_access::Guard;
use sightwire_access::action::{Act as _, Anything, SeeServer};
use sightwire_listen::base::Base;
use sightwire_listen::tls::Secured;

use crate::reach::{AUTHORITY, Reach};
use sightwire_admission::caller::NotAllowed;
use sightwire_admission::cookie::Cookies;
use sightwire_admission::may::May;
use sightwire_admission::refusal::Refusal;

/// `ui/dist`, or the note of build.rs where the pages have not been built.
#[derive(RustEmbed)]
#[folder = "$SIGHTWIRE_PAGES"]
struct Pages;

/// What somebody who is to log in needs for that: everybody gets it.
const FREE: [&str; 5] = ["login/login.css", "login/login.js", "login/tokens.css", "favicon.svg", "scheme.js"];

/// The page at `/api`: all paths and messages; made when somebody first asks.
static API: LazyLock<String> = LazyLock::new(sightwire_api::page::page_html);

/// What pages are served with.
#[derive(Clone, Debug)]
pub struct Dependencies {
    pub access: Arc<Guard>,
    pub reach: Arc<Reach>,
}

/// Serves a page's file, or the page itself for its own routes (`/recognise`).
pub async fn serve_page(
    may: May<Anything>,
    State(Dependencies { access, reach }): State<Dependencies>,
    secured: Option<Extension<Secured>>,
    method: Method,
    uri: Uri,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
) -> Response {
    let base = base.map(|Extension(base)| base).unwrap_or_default();
    if uri.path() == AUTHORITY {
        return authority_response(&reach);
    }
    let path = uri.path().trim_start_matches('/');
    if path == "login" {
        return page_response("login/index.html", &base.address(uri.path(), "/"), base.is_framed(), &headers);
    }
    if FREE.contains(&path) {
        return file_response(path, &headers);
    }
    let is_page = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
    let wanted = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if let Err(why) = may.check_action(&SeeServer::ACTION, false) {
        let next = utf8_percent_encode(wanted, NON_ALPHANUMERIC);
        return match why {
            NotAllowed::Denied(why) if why.is_unknown() && is_page => {
                Redirect::to(&base.address(uri.path(), &format!("/login?next={next}"))).into_response()
            }
            why => Refusal::from(why).into_response(),
        };
    }
    if is_page && may.has_key_in_address() {
        if !may.is_from_no_other_page() {
            // A link on another's page is not to make somebody act for the author of that page.
            return Redirect::to(&base.address(uri.path(), "/login")).into_response();
        }
        // It would stay in the browser's history, and be lost with the next link.
        return match access.begin_session(may.principal()) {
            Ok((token, _)) => {
                let to = Redirect::to(&base.address(uri.path(), wanted));
                let cookies = Cookies::from_headers(&headers, secured.is_some());
                ([(SET_COOKIE, cookies.set_cookie(token.reveal()))], to).into_response()
            }
            Err(why) => Refusal::from(why).into_response(),
        };
    }
    if method != Method::GET && method != Method::HEAD {
        return super::error_response(StatusCode::NOT_FOUND, "There is nothing at this address.");
    }
    if path == "api" {
        return ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")], API.as_str())
            .into_response();
    }
    if !path.is_empty() && path != "index.html" && !is_compressed(path) && Pages::get(path).is_some() {
        return file_response(path, &headers);
    }
    let is_route = !path.contains('.') && !path.starts_with("api/");
    if path.is_empty() || path == "index.html" || (is_route && is_page) {
        return page_response("index.html", &base.address(uri.path(), "/"), base.is_framed(), &headers);
    }
    super::error_response(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

/// The certificate that a device is to trust, as phones and computers install one.
fn authority_response(reach: &Reach) -> Response {
    let own = reach.certificates.as_ref().and_then(|certificates| certificates.facts().authority);
    let Some(own) = own else {
        let detail = "This server has no certificate authority of its own (tls.mode).";
        return super::error_response(StatusCode::NOT_FOUND, detail);
    };
    let headers = [
        (CONTENT_TYPE, "application/x-x509-ca-cert"),
        (CONTENT_DISPOSITION, "attachment; filename=\"sightwire-authority.crt\""),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, own.der).into_response()
}

/// The pages load nothing from elsewhere, and no other page may frame them.
pub const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
    connect-src 'self' ws: wss:; media-src 'self' blob:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'";

/// What an answer with a page depends on.
const VARIES: &str = "Accept, X-Forwarded-Prefix, X-Ingress-Path";

/// What a page's file says of where it is, and every page is elsewhere.
const BASE: &str = r#"<base href="/""#;

/// A page that finds everything else from `base`.
fn page_response(path: &str, base: &str, is_framed: bool, headers: &HeaderMap) -> Response {
    let Some(found) = Pages::get(path) else {
        return super::error_response(StatusCode::NOT_FOUND, "There is nothing at this address.");
    };
    let tag = format!("\"{}:{base}\"", hash(&found));
    let mut response = if is_known(&tag, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let text = String::from_utf8_lossy(&found.data).replacen(BASE, &format!(r#"<base href="{base}""#), 1);
        ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
    };
    let out = response.headers_mut();
    out.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-cache"));
    out.insert(VARY, http::HeaderValue::from_static(VARIES));
    if is_framed && let Ok(policy) = CONTENT_POLICY.replace("ancestors 'none'", "ancestors 'self'").parse() {
        out.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if let Ok(tag) = tag.parse() {
        out.insert(ETAG, tag);
    }
    response
}

fn is_known(tag: &str, headers: &HeaderMap) -> bool {
    headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()) == Some(tag)
}

fn file_response(path: &str, headers: &HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let variants = [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(name, _)| accepted.contains(name));
    let best = variants
        .filter_map(|(name, end)| Some((Some(name), Pages::get(&format!("{path}{end}"))?)))
        .chain(Pages::get(path).map(|found| (None, found)))
        .next();
    let Some((encoding, found)) = best else {
        return super::error_response(StatusCode::NOT_FOUND, "There is nothing at this address.");
    };
    let tag = format!("\"{}\"", hash(&found));
    let mut response = if is_known(&tag, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let text = kind.type_() == "text" || kind.subtype() == "javascript" || kind.subtype() == "json";
        let kind = if text { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        ([(CONTENT_TYPE, kind)], Body::from(found.data.into_owned())).into_response()
    };
    let out = response.headers_mut();
    // Vite puts a hash of the content into the names below assets/.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(CACHE_CONTROL, cache.parse().unwrap_or_else(|_| http::HeaderValue::from_static("no-cache")));
    out.insert(VARY, http::HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = tag.parse() {
        out.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        out.insert(CONTENT_ENCODING, http::HeaderValue::from_static(encoding));
    }
    response
}

fn is_compressed(path: &str) -> bool {
    [".br", ".gz"].iter().any(|end| path.ends_with(end))
}

/// Of what is in it.
fn hash(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let short = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{short:016x}")
}
