//! Messages of the relay as they are written, and the first one of a sender.

use std::time::UNIX_EPOCH;

use base64_simd::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};
use sightwire_hub::picture::Picture;
use sightwire_live::analysis::Analysed;
use sightwire_live::relay::Mode;
use sightwire_live::view::is_among;

use super::scan::{self, HEADER, PICTURE};
use crate::telemetry::unix_s;

/// How closely a stream is to be looked at, by the first message of its sender.
pub fn mode(text: &str) -> Mode {
    if scan::wants_enhanced(text) { Mode::Enhanced } else { Mode::Normal }
}

/// The text in which a data URL goes to viewers; and the part of it that is the URL.
pub fn live_frame(stream: &str, url: &str) -> (Bytes, Bytes) {
    let name = Value::from(stream).to_string();
    let (head, tail) = (live_frame_head(&name), "\"}}");
    let mut text = BytesMut::with_capacity(head.len() + url.len() + tail.len());
    text.put_slice(head.as_bytes());
    if memchr::memchr2(b'"', b'\\', url.as_bytes()).is_some()
        || url.bytes().min().is_some_and(|byte| byte < 0x20)
    {
        // It was written with escapes, and needs them again.
        let quoted = Value::from(url).to_string();
        text.put_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
    } else {
        text.put_slice(url.as_bytes());
    }
    let end = text.len();
    text.put_slice(tail.as_bytes());
    let text = text.freeze();
    let url = text.slice(head.len()..end);
    (text, url)
}

fn live_frame_head(name: &str) -> String {
    format!("{{\"type\":\"live_frame\",\"patient_id\":{name},\"data\":{{\"frame\":\"")
}

/// A picture as text, for viewers.
pub fn picture_text(stream: &str, picture: &Picture) -> Bytes {
    picture
        .text_message(|picture| {
            let head = live_frame_head(&Value::from(stream).to_string()) + "data:image/jpeg;base64,";
            let jpeg = picture.jpeg();
            let mut text = Vec::with_capacity(head.len() + STANDARD.encoded_length(jpeg.len()) + 3);
            text.extend_from_slice(head.as_bytes());
            STANDARD.encode_append(&jpeg[..], &mut text);
            text.extend_from_slice(b"\"}}");
            text.into()
        })
        .clone()
}

/// A picture as a binary message, for viewers.
pub fn picture_binary(stream: &str, picture: &Picture) -> Bytes {
    picture
        .binary_message(|picture| {
            let (jpeg, origin) = (picture.jpeg(), picture.origin());
            let name = &stream.as_bytes()[..stream.len().min(255)];
            let micros = origin.taken_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
            let mut message = BytesMut::with_capacity(HEADER + name.len() + jpeg.len());
            message.put_slice(&[PICTURE, name.len() as u8, 0, 0]);
            message.put_u64(origin.sequence);
            message.put_u64(micros);
            message.put_slice(name);
            message.put_slice(jpeg);
            message.freeze()
        })
        .clone()
}

/// To a sender that may begin.
pub fn connected(stream: &str, mode: Mode, warning: Option<&str>) -> String {
    // In the order in which the prototype wrote them.
    let (stream, warning) = (Value::from(stream), Value::from(warning));
    let mode = mode.name();
    format!(
        "{{\"type\":\"connected\",\"patient_id\":{stream},\"analysis_mode\":\"{mode}\",\"warning\":{warning}}}"
    )
}

/// What is wrong.
pub fn error(message: &str) -> String {
    format!("{{\"type\":\"error\",\"message\":{}}}", Value::from(message))
}

/// What will go wrong.
pub fn warning(message: &str) -> String {
    format!("{{\"type\":\"warning\",\"message\":{}}}", Value::from(message))
}

/// Are you there?
pub fn ping() -> String {
    format!("{{\"type\":\"ping\",\"timestamp\":{}}}", unix_s())
}

/// I am.
pub fn pong() -> String {
    format!("{{\"type\":\"pong\",\"timestamp\":{}}}", unix_s())
}

/// To a viewer that has come.
pub fn viewer_connected(streams: &[&str]) -> String {
    let (streams, now) = (Value::from(streams), unix_s());
    format!("{{\"type\":\"viewer_connected\",\"active_streams\":{streams},\"timestamp\":{now}}}")
}

/// To viewers; `reason` only for those who know of it.
pub fn stream_ended(stream: &str, reason: Option<&str>) -> String {
    let reason = reason.map(|reason| format!(",\"reason\":{}", Value::from(reason))).unwrap_or_default();
    let (stream, now) = (Value::from(stream), unix_s());
    format!("{{\"type\":\"stream_ended\",\"patient_id\":{stream},\"timestamp\":{now}{reason}}}")
}

/// What is in a picture, for viewers who draw it themselves; made once for all of them.
pub fn overlay(stream: &str, analysed: &Analysed, confidence: f32, classes: &[String]) -> Bytes {
    let made = analysed.overlay.get_or_init(|| {
        let model = &analysed.model;
        let shown = analysed.objects.iter().filter(|object| {
            object.detection.confidence >= confidence
                && is_among(model.label(object.detection.class), classes)
        });
        let detections: Vec<Value> = shown.map(|object| object.report(model)).collect();
        let delay_ms = (analysed.origin.captured.elapsed().as_secs_f64() * 1e4).round() / 10.0;
        let message = json!({
            "type": "overlay_data",
            "patient_id": stream,
            "frame_num": analysed.origin.sequence,
            "data": {
                "landmarks": [],
                "connections": [],
                "head_pose_axes": null,
                "metrics": {
                    "model": model.name(),
                    "width": analysed.image.width(),
                    "height": analysed.image.height(),
                    "delay_ms": delay_ms,
                    "detections": detections,
                },
            },
        });
        message.to_string().into()
    });
    made.clone()
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use proptest::prelude::*;

    use super::*;
    use crate::transport::relay::scan::{Bad, read, read_binary};

    #[test]
    fn the_first_message_says_how_closely_to_look() {
        for (text, expected) in [
            (r#"{"analysis_mode":"enhanced"}"#, Mode::Enhanced),
            (r#"{"analysis_mode":"normal"}"#, Mode::Normal),
            (r#"{"analysis_mode":"other"}"#, Mode::Normal),
            (r#"{"analysis_mode":7}"#, Mode::Normal),
            (r#"{"monitoring_conditions":["fall"]}"#, Mode::Enhanced),
            (r#"{"monitoring_conditions":[]}"#, Mode::Normal),
            (r#"{"monitoring_conditions":"fall"}"#, Mode::Normal),
            ("{}", Mode::Normal),
            ("nonsense", Mode::Normal),
        ] {
            assert_eq!(mode(text), expected, "{text}");
        }
    }

    #[test]
    fn a_frame_goes_out_in_the_words_that_viewers_know() {
        let (text, url) = live_frame("P-\"1\"", "data:image/jpeg;base64,SlBFRw==");
        let read: Value = serde_json::from_slice(&text).unwrap();
        let expected = json!({
            "type": "live_frame", "patient_id": "P-\"1\"", "data": { "frame": "data:image/jpeg;base64,SlBFRw==" },
        });
        assert_eq!(read, expected);
        assert_eq!(url.as_ref(), b"data:image/jpeg;base64,SlBFRw==");
        let jpeg = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), SystemTime::now());
        let made: Value = serde_json::from_slice(&picture_text("P-\"1\"", &jpeg)).unwrap();
        assert_eq!(made, expected, "of a file, too");
        let (odd, _) = live_frame("a", "data:image/x,\"\\\n");
        let odd: Value = serde_json::from_slice(&odd).unwrap();
        assert_eq!(odd["data"]["frame"], "data:image/x,\"\\\n");
    }

    #[test]
    fn a_binary_picture_has_its_name_number_and_time_before_it() {
        let taken_at = UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_000_001);
        let picture = Picture::new(Bytes::from_static(b"\xff\xd8\xff!"), 7, Instant::now(), taken_at);
        let message = picture_binary("P-1", &picture);
        assert_eq!(message[..4], [1, 3, 0, 0]);
        assert_eq!(message[4..12], 7_u64.to_be_bytes());
        assert_eq!(message[12..20], 1_700_000_000_000_001_u64.to_be_bytes());
        assert_eq!(&message[20..], b"P-1\xff\xd8\xff!");
        assert_eq!(&message[read_binary(&message).unwrap()], b"\xff\xd8\xff!");
        for cut in 0..24 {
            assert!(read_binary(&message[..cut]).is_err(), "{cut}");
        }
        assert_eq!(read_binary(&[2; 40]), Err(Bad::Header));
    }

    proptest! {
        #[test]
        fn whatever_is_read_as_a_frame_goes_out_as_valid_json(text in any::<String>(), url in any::<String>()) {
            let _ = read(&text);
            let (sent, _) = live_frame(&text, &url);
            let value: Value = serde_json::from_slice(&sent).unwrap();
            prop_assert_eq!(value["data"]["frame"].as_str(), Some(url.as_str()));
            prop_assert_eq!(value["patient_id"].as_str(), Some(text.as_str()));
        }
    }
}
