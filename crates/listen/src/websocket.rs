//! Upgrades a request to a WebSocket that writes shared bytes without copying them.

use std::future::Future;
use std::time::Duration;

use crate::connection::ConnectionHandle;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64_simd::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sha1_smol::Sha1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::task::TaskTracker;
use tokio_websockets::{CloseCode, Config, Limits, Message, ServerBuilder, WebSocketStream};

use crate::refusal::error_response;

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// How long a goodbye may take: a peer that goes on sending does not hear it before it has looked.
const GOODBYE: Duration = Duration::from_secs(3);
/// Longest reason of a goodbye, in bytes.
const MAX_REASON: usize = 123;

/// The server's end of a WebSocket.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What is agreed on.
#[derive(Clone, Copy, Debug)]
pub struct UpgradeOptions {
    /// Of a message of the client.
    pub max_message_bytes: usize,
    /// Among those that the client offers.
    pub protocol: Option<&'static str>,
    /// Whether the connection ends when the server stops; else the session sees to that, and can say goodbye.
    pub ends_with_the_server: bool,
}

/// Whether the request asks for a WebSocket.
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The key of a handshake of version 13: 16 bytes in base64, given once (RFC 6455, section 4.2.1).
fn key_of_handshake(headers: &HeaderMap) -> Option<&str> {
    let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version.as_bytes() == b"13");
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else { return None };
    let key = key.to_str().ok()?.trim();
    let is_base64 = |digits: &str| digits.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    let is_key = key.strip_suffix("==").is_some_and(|digits| digits.len() == 22 && is_base64(digits));
    (is_asked_for(headers) && version && is_key).then_some(key)
}

/// Whether the request is a handshake that can be answered.
pub fn is_handshake(headers: &HeaderMap) -> bool {
    key_of_handshake(headers).is_some()
}

/// The answer to a handshake that cannot.
pub fn no_handshake() -> Response {
    let detail = "This is no WebSocket handshake of version 13 with one key of 16 bytes in base64.";
    error_response(StatusCode::BAD_REQUEST, detail)
}

/// Whether the client speaks that protocol.
pub fn offers_protocol(headers: &HeaderMap, protocol: &str) -> bool {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|offered| offered.trim() == protocol)
}

/// Answers 101 and hands the socket to `session`, which is a task of `tasks`.
pub fn upgrade_request<F: Future<Output = ()> + Send + 'static>(
    mut request: Request,
    terms: UpgradeOptions,
    tasks: &TaskTracker,
    session: impl FnOnce(Socket) -> F + Send + 'static,
) -> Response {
    let Some(key) = key_of_handshake(request.headers()) else { return no_handshake() };
    let digest = Sha1::from(format!("{key}{GUID}")).digest().bytes();
    let accept = STANDARD.encode_to_string(digest);
    if let Some(connection) = request.extensions().get::<ConnectionHandle>() {
        if terms.ends_with_the_server {
            connection.end_on_shutdown();
        }
        connection.expect_websocket();
    }
    let upgraded = hyper::upgrade::on(&mut request);
    tasks.spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        // One frame for each message, however long: others need not put them together.
        let config = Config::default().flush_threshold(1).frame_size(usize::MAX);
        let limits = Limits::default().max_payload_len(Some(terms.max_message_bytes));
        session(ServerBuilder::new().config(config).limits(limits).serve(TokioIo::new(upgraded))).await;
    });
    let headers = [(CONNECTION, "Upgrade"), (UPGRADE, "websocket"), (SEC_WEBSOCKET_ACCEPT, &accept)];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
    if let Some(protocol) = terms.protocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response
}

/// Says goodbye, and waits a little for the peer's: a peer that is still sending would lose ours with the connection.
pub async fn close_socket(mut socket: Socket, code: u16, reason: &str) {
    let Ok(code) = CloseCode::try_from(code) else { return };
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    let goodbye = async {
        if socket.send(Message::close(Some(code), reason)).await.is_ok() {
            while socket.next().await.is_some_and(|message| message.is_ok()) {}
        }
    };
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}

/// Ends a socket whose peer broke the protocol: the library has written why, and it gets out. Of a message that came in
/// pieces and was too long it has not.
pub async fn give_up(mut socket: Socket, too_long: bool) {
    let goodbye = async {
        if too_long {
            let _ = socket
                .send(Message::close(Some(CloseCode::MESSAGE_TOO_BIG), "the message is too long"))
                .await;
        }
        let _ = socket.next().await; // writes it
        let mut io = socket.into_inner();
        let _ = io.shutdown().await;
        let mut rest = [0; 4096];
        while io.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    };
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_has_one_key_of_16_bytes() {
        let is_handshake = |keys: &[&'static str]| {
            let mut headers = HeaderMap::new();
            headers.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            for key in keys {
                headers.append(SEC_WEBSOCKET_KEY, HeaderValue::from_static(key));
            }
            is_handshake(&headers)
        };
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        assert!(is_handshake(&[key]));
        assert!(is_handshake(&["+/+/+/+/+/+/+/+/+/+/+w=="]));
        for keys in [
            &[][..],
            &[key, key],
            &[""],
            &["abc"],
            &["dGhlIHNhbXBsZSBub25jZQ"],
            &["dGhlIHNhbXBsZSBub25jZQ=="; 2],
            &["dGhlIHNhbXBsZSBub25jZQ==AAAA"],
            &["dGhlIHNhbXBsZSBub25jZS4="],
            &["dGhlIHNhbXBsZSBub25jZ-=="],
            &["dGhlIHNhbXBsZSBub25jZ==="],
        ] {
            assert!(!is_handshake(keys), "{keys:?}");
        }
    }
}
