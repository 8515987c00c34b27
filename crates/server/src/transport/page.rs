//! The pages, embedded in the binary: compressed ones where the browser takes them, names with a hash for ever.

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use sightwire_access::action::SeeServer;

use super::may::May;

/// `ui/dist`, or the note of build.rs where the pages have not been built.
#[derive(RustEmbed)]
#[folder = "$SIGHTWIRE_PAGES"]
struct Pages;

/// Serves a page's file, or the page itself for its own routes (`/recognise`).
pub async fn serve(_: May<SeeServer>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return super::error(StatusCode::NOT_FOUND, "There is nothing at this address.");
    }
    let path = uri.path().trim_start_matches('/');
    let wants =
        |name, what| headers.get(name).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(what));
    if !path.is_empty() && path != "index.html" && !is_compressed(path) && Pages::get(path).is_some() {
        return file(path, &headers);
    }
    let is_route = !path.contains('.') && !path.starts_with("api/");
    if path.is_empty() || path == "index.html" || (is_route && wants(ACCEPT, "text/html")) {
        return file("index.html", &headers);
    }
    super::error(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let variants = [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(name, _)| accepted.contains(name));
    let best = variants
        .filter_map(|(name, end)| Some((Some(name), Pages::get(&format!("{path}{end}"))?)))
        .chain(Pages::get(path).map(|found| (None, found)))
        .next();
    let Some((encoding, found)) = best else {
        return super::error(StatusCode::NOT_FOUND, "There is nothing at this address.");
    };
    let tag = etag(&found);
    let mut response = if headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()) == Some(tag.as_str()) {
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

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let short = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("\"{short:016x}\"")
}
