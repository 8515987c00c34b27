//! Engine.IO 4 and Socket.IO 5 packets, as `socket.io-client` writes them and as it reads them.
//!
//! Protocols: <https://socket.io/docs/v4/engine-io-protocol/>, <https://socket.io/docs/v4/socket-io-protocol/>.

use std::{borrow::Cow, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use thiserror::Error;

/// Answers Engine.IO's ping.
pub(crate) const PONG: Bytes = Bytes::from_static(b"3");
/// Socket.IO disconnect of the default namespace.
pub(crate) const DISCONNECT: Bytes = Bytes::from_static(b"41");

/// Socket.IO connect to the default namespace, with or without the server's extra events.
pub(crate) fn connect_packet(extras: bool) -> Bytes {
    Bytes::from_static(if extras { br#"40{"extras":true}"# } else { b"40" })
}

/// A packet from the server could not be understood.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a packet from the server could not be read: {0}")]
pub(crate) struct PacketError(String);

/// A packet from the server.
#[derive(Debug, PartialEq)]
pub(crate) enum Packet<'a> {
    /// The first packet of a session.
    Open(Open),
    /// To be answered with [`PONG`].
    Ping,
    /// The server ended the session.
    Close,
    /// The default namespace is connected.
    Connected,
    /// The default namespace was refused, with the server's message.
    ConnectError(String),
    /// The server left the default namespace.
    Disconnected,
    Event(Event<'a>),
    /// Nothing that a client has to act on.
    Ignored,
}

/// What the server says of the session when it opens it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Open {
    /// Id of the Engine.IO session.
    pub(crate) sid: String,
    #[serde(default = "default_ping_interval")]
    ping_interval: u64,
    #[serde(default = "default_ping_timeout")]
    ping_timeout: u64,
    /// Largest polling body in bytes.
    #[serde(default = "default_max_payload")]
    pub(crate) max_payload: usize,
}

fn default_ping_interval() -> u64 {
    25_000
}

fn default_ping_timeout() -> u64 {
    20_000
}

fn default_max_payload() -> usize {
    1_000_000
}

impl Open {
    /// A client hears from a healthy server at least this often.
    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.ping_interval.saturating_add(self.ping_timeout).min(3_600_000))
    }
}

/// The events that the recogniser sends.
#[derive(Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// The client may begin to send frames.
    Status,
    /// The model in use; only its window matters here.
    Model { window: Option<u64> },
    /// The reply to a frame.
    Prediction(Prediction<'a>),
    /// A prediction that has just ended (extras).
    Result(Prediction<'a>),
    /// The server sends the client away, with the reason.
    Error(String),
    /// An event that is not measured.
    Other,
}

/// The fields of `prediction` and `result` that are measured.
#[derive(Debug, PartialEq)]
pub(crate) struct Prediction<'a> {
    /// The recognised class, or "none".
    pub(crate) label: Cow<'a, str>,
    /// The id of the frame that is answered (extras).
    pub(crate) id: Option<u64>,
    /// The newest frame that the prediction has seen (extras).
    pub(crate) seen: Option<u64>,
    /// From the newest frame's arrival to the result, as the server measures it (extras).
    pub(crate) age_ms: Option<f64>,
}

/// All fields of all known events: one shape, so that one pass over the text is enough. What is not
/// named here (`scores`) is skipped without being built.
#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    label: Cow<'a, str>,
    id: Option<u64>,
    seen: Option<u64>,
    age_ms: Option<f64>,
    window: Option<u64>,
    message: Option<String>,
}

impl<'a> From<Body<'a>> for Prediction<'a> {
    fn from(body: Body<'a>) -> Self {
        Self { label: body.label, id: body.id, seen: body.seen, age_ms: body.age_ms }
    }
}

#[derive(Deserialize)]
struct NameAndBody<'a>(#[serde(borrow)] Cow<'a, str>, #[serde(borrow)] Body<'a>);

/// Parses a text packet; binary ones follow an event that announces them.
pub(crate) fn parse_packet(text: &str) -> Result<Packet<'_>, PacketError> {
    let (kind, rest) = split_type(text);
    Ok(match kind {
        "0" => Packet::Open(serde_json::from_str(rest).map_err(|error| unreadable_error(text, &error))?),
        "1" => Packet::Close,
        "2" => Packet::Ping,
        "4" => match split_type(rest) {
            ("0", _) => Packet::Connected,
            ("1", _) => Packet::Disconnected,
            ("2", event) => Packet::Event(parse_event(event)),
            ("4", body) => {
                let body: Body = serde_json::from_str(body).unwrap_or_default();
                Packet::ConnectError(body.message.unwrap_or_else(|| "connection refused".to_owned()))
            }
            _ => Packet::Ignored,
        },
        "3" | "5" | "6" => Packet::Ignored,
        _ => return Err(unreadable_error(text, &"unknown type")),
    })
}

/// Splits off the first character, which is the packet's type.
fn split_type(text: &str) -> (&str, &str) {
    let end = text.char_indices().nth(1).map_or(text.len(), |(i, _)| i);
    text.split_at(end)
}

fn parse_event(text: &str) -> Event<'_> {
    // An acknowledgement id may stand before the array.
    let array = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let Ok(NameAndBody(name, body)) = serde_json::from_str(array) else {
        return Event::Other;
    };
    match &*name {
        "status" => Event::Status,
        "model" => Event::Model { window: body.window },
        "prediction" => Event::Prediction(body.into()),
        "result" => Event::Result(body.into()),
        "error" => Event::Error(body.message.unwrap_or_default()),
        _ => Event::Other,
    }
}

fn unreadable_error(text: &str, why: &dyn std::fmt::Display) -> PacketError {
    let start: String = text.chars().take(40).collect();
    PacketError(format!("`{start}`: {why}"))
}

/// How frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Base64 in the event, as the old clients do.
    Base64,
    /// A binary attachment behind the event, which takes a quarter less traffic.
    Binary,
}

/// One picture, ready to be sent by any client: only the id differs from one message to the next, and it
/// stands last, so a message is one copy of shared bytes and a few bytes behind them.
#[derive(Debug, Clone)]
pub(crate) struct FrameMessage {
    head: Bytes,
    attachment: Option<Bytes>,
}

impl FrameMessage {
    /// Writes all of the message but the id.
    pub(crate) fn new(jpeg: &Bytes, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Base64 => {
                let mut head = String::from(r#"42["frame",{"image":""#);
                base64_simd::STANDARD.encode_append(jpeg, &mut head);
                head.push('"');
                Self { head: head.into(), attachment: None }
            }
            Encoding::Binary => {
                let head = Bytes::from_static(br#"451-["frame",{"image":{"_placeholder":true,"num":0}"#);
                Self { head, attachment: Some(jpeg.clone()) }
            }
        }
    }

    /// The text message, with `"id"` if there is one.
    pub(crate) fn text(&self, id: Option<u64>) -> Bytes {
        use std::io::Write as _;
        let mut text = BytesMut::with_capacity(self.head.len() + 32);
        text.extend_from_slice(&self.head);
        if let Some(id) = id {
            // Writing to memory cannot fail.
            let _ = write!((&mut text).writer(), r#","id":{id}"#);
        }
        text.extend_from_slice(b"}]");
        text.freeze()
    }

    /// The binary message that follows the text, if any.
    pub(crate) fn attachment(&self) -> Option<Bytes> {
        self.attachment.clone()
    }

    /// Bytes of text and attachment, the id left out.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + 2 + self.attachment.as_ref().map_or(0, Bytes::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_written_as_the_official_client_does() {
        let jpeg = Bytes::from_static(&[0xFF, 0xD8, 0xFF]);
        let frame = FrameMessage::new(&jpeg, Encoding::Base64);
        assert_eq!(frame.text(None), r#"42["frame",{"image":"/9j/"}]"#);
        assert_eq!(frame.text(Some(17)), r#"42["frame",{"image":"/9j/","id":17}]"#);
        assert_eq!(frame.len(), frame.text(None).len());
        assert_eq!(frame.attachment(), None);
        let frame = FrameMessage::new(&jpeg, Encoding::Binary);
        assert_eq!(frame.text(Some(2)), r#"451-["frame",{"image":{"_placeholder":true,"num":0},"id":2}]"#);
        assert_eq!(frame.attachment(), Some(jpeg));
    }

    #[test]
    fn the_session_packets_are_read() {
        let open = r#"0{"sid":"x","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":99}"#;
        let Ok(Packet::Open(open)) = parse_packet(open) else { panic!("not an open packet") };
        assert_eq!((open.sid.as_str(), open.max_payload), ("x", 99));
        assert_eq!(open.heartbeat(), Duration::from_millis(500));
        assert_eq!(parse_packet("2"), Ok(Packet::Ping));
        assert_eq!(parse_packet("1"), Ok(Packet::Close));
        assert_eq!(parse_packet("6"), Ok(Packet::Ignored));
        assert_eq!(parse_packet(r#"40{"sid":"y"}"#), Ok(Packet::Connected));
        assert_eq!(parse_packet("41"), Ok(Packet::Disconnected));
        assert_eq!(parse_packet(r#"44{"message":"no"}"#), Ok(Packet::ConnectError("no".to_owned())));
        assert!(parse_packet("").is_err() && parse_packet("x").is_err() && parse_packet("0{").is_err());
        assert!(parse_packet("é").is_err());
    }

    #[test]
    fn events_are_read_with_and_without_extras() {
        let plain = parse_packet(r#"42["prediction",{"label":"hello","score":0.92}]"#);
        let expected = Prediction { label: "hello".into(), id: None, seen: None, age_ms: None };
        assert_eq!(plain, Ok(Packet::Event(Event::Prediction(expected))));
        let extras =
            parse_packet(r#"42["prediction",{"label":"no\"ne","score":0,"id":7,"seen":null,"scores":null}]"#);
        let expected = Prediction { label: "no\"ne".into(), id: Some(7), seen: None, age_ms: None };
        assert_eq!(extras, Ok(Packet::Event(Event::Prediction(expected))));
        let result = parse_packet(
            r#"42["result",{"label":"left","score":1.0,"seen":12,"scores":[0.1,0.9],"age_ms":3.5}]"#,
        );
        let expected = Prediction { label: "left".into(), id: None, seen: Some(12), age_ms: Some(3.5) };
        assert_eq!(result, Ok(Packet::Event(Event::Result(expected))));
        assert_eq!(parse_packet(r#"42["status",{"message":"ready"}]"#), Ok(Packet::Event(Event::Status)));
        let model = r#"42["model",{"name":"gestures","labels":["a"],"window":10,"threshold":0.5}]"#;
        assert_eq!(parse_packet(model), Ok(Packet::Event(Event::Model { window: Some(10) })));
        let full = r#"42["error",{"message":"Server at capacity, please try again later"}]"#;
        assert!(matches!(parse_packet(full), Ok(Packet::Event(Event::Error(m))) if m.contains("capacity")));
    }

    #[test]
    fn unknown_events_are_not_errors() {
        for text in [r#"42["news"]"#, r#"42["news",1]"#, "42nonsense", r#"421["news",{}]"#, "43[]"] {
            assert!(
                matches!(parse_packet(text), Ok(Packet::Event(Event::Other) | Packet::Ignored)),
                "{text}"
            );
        }
    }
}
