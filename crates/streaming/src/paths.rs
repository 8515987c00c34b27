//! Paths of old clients that mean something else to others.

use axum::extract::Request;
use http::{Uri, header, uri};

use sightwire_listen::websocket;

/// Where the sockets of an old page lead, whose paths could be those of somebody who sends.
pub const DETECT: &str = "/ws/camera/detect";
/// The same without boxes.
pub const RAW: &str = "/ws/camera/raw";
/// Where a program's `/health` leads, which is a page for browsers.
pub const HEALTH: &str = "/api/esp32/health";

/// Paths that mean one thing to the prototype's pages and another to everyone else lead where those pages mean: a viewer always
/// says what it wants to see, a sender never does; and a browser asks for a page.
pub fn rewrite_legacy_path(mut request: Request) -> Request {
    let of_viewer = || {
        let query = request.uri().query().unwrap_or_default();
        let is_viewers = |pair: &str| {
            ["fps=", "conf=", "user_id=", "camera_url="].iter().any(|name| pair.starts_with(name))
        };
        query.split('&').any(is_viewers) && websocket::is_asked_for(request.headers())
    };
    let wants_page = || {
        let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        accept.is_some_and(|accept| accept.contains("text/html"))
    };
    let leads_to = match request.uri().path() {
        "/ws/stream/detect" if of_viewer() => DETECT,
        "/ws/stream/raw" if of_viewer() => RAW,
        "/health" if !wants_page() => HEALTH,
        _ => return request,
    };
    let mut parts: uri::Parts = request.uri().clone().into_parts();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    parts.path_and_query = format!("{leads_to}{query}").parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn leads_to(uri: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        rewrite_legacy_path(request.body(Body::empty()).unwrap()).uri().to_string()
    }

    #[test]
    fn viewers_are_told_from_senders_and_programs_from_browsers() {
        let socket = [("upgrade", "websocket")];
        let asked = "/ws/stream/detect?user_id=u&conf=0.25&show_labels=true&fps=10&skip_frames=2";
        assert_eq!(leads_to(asked, &socket), asked.replace("/ws/stream", "/ws/camera"));
        assert_eq!(leads_to("/ws/stream/raw?fps=30", &socket), "/ws/camera/raw?fps=30");
        for sender in
            ["/ws/stream/detect", "/ws/stream/raw", "/ws/stream/detect?token=x", "/ws/stream/P-1?fps=9"]
        {
            assert_eq!(leads_to(sender, &socket), sender);
        }
        assert_eq!(leads_to("/ws/stream/detect?fps=10", &[]), "/ws/stream/detect?fps=10", "no WebSocket");
        assert_eq!(leads_to("/health", &[("accept", "*/*")]), HEALTH);
        assert_eq!(leads_to("/health?x=1", &[]), format!("{HEALTH}?x=1"));
        let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
        assert_eq!(leads_to("/health", &browser), "/health");
    }
}
