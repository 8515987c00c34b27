use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;
use sightwire_frame::header::Limits;
use sightwire_frame::sent;
use sightwire_recognizer::Payload;

#[path = "../../../crates/streaming/src/socketio/message.rs"]
mod message;

use message::{FrameMessage, FrameMessageError};

const LIMITS: Limits = Limits { max_bytes: 1 << 16, max_pixels: 1 << 20, max_side: 4096 };

/// Frames of the recogniser's clients, as text and as an attachment behind a NUL: the fast way and serde agree, what is taken is what
/// stands there, and it is a picture within the limits.
pub fn socketio_frame(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let attachments = VecDeque::from([Bytes::copy_from_slice(parts.next().unwrap_or_default())]);
    let parse = |text: &[u8]| message::parse(&Bytes::copy_from_slice(text), Some(&attachments), &LIMITS);
    let frame = parse(text);
    // With a blank before it, it is not written as clients write it.
    assert_eq!(parse_outcome(&frame), parse_outcome(&parse(&[b" ", text].concat())));
    let Ok(FrameMessage { payload, id }) = frame else { return };
    match &payload {
        Payload::Base64(base64) => {
            let base64 = std::str::from_utf8(base64).expect("a text");
            sent::probe_text(base64, &LIMITS).expect("a picture");
            let mut bytes = Vec::new();
            sent::decode_text(base64, &mut bytes).expect("base64");
            assert!(bytes.len() <= LIMITS.max_bytes);
        }
        Payload::Binary(bytes) => {
            assert_eq!(sent::probe_bytes(bytes, &LIMITS), Ok(sent::Bytes::Picture));
            assert!(bytes.len() <= LIMITS.max_bytes);
        }
    }
    // Some numbers have no value.
    let Ok(event) = serde_json::from_slice::<Value>(text) else { return };
    let fields = &event[1];
    assert_eq!(id, fields["id"].as_u64());
    let (Payload::Base64(bytes) | Payload::Binary(bytes)) = &payload;
    let expected = fields["image"].as_str().map_or(&attachments[0][..], str::as_bytes);
    assert_eq!(&bytes[..], expected);
}

/// What came of it, without the place of a mistake.
fn parse_outcome(parsed: &Result<FrameMessage, FrameMessageError>) -> Result<(Vec<u8>, Option<u64>), String> {
    match parsed {
        Ok(FrameMessage { payload: Payload::Base64(bytes) | Payload::Binary(bytes), id }) => Ok((bytes.to_vec(), *id)),
        Err(FrameMessageError::Shape(_)) => Err("shape".into()),
        Err(error) => Err(error.to_string()),
    }
}
