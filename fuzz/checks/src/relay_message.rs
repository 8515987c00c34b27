use std::collections::HashMap;
use std::time::{Instant, UNIX_EPOCH};

use serde_json::Value;
use serde_json::value::RawValue;
use futures_util::FutureExt as _;
use sightwire_hub::picture::{NoPool, Picture, PictureError, Stamp};
use sightwire_scan::relay::{self as scan, AS_IT_CAME, Incoming};

#[path = "../../../crates/streaming/src/relay/message.rs"]
#[allow(dead_code, reason = "other messages are not made of what comes")]
mod message;

/// A name that has to be escaped.
const STREAM: &str = "P-\"1\"";
/// Longest first message of a sender that is looked at.
const MAX_HELLO: usize = 64 << 10;

/// Messages of senders, viewers and other processes: what is read as a frame is one, the fast way and serde agree, and it goes on as
/// valid JSON, over another process as well.
pub fn relay_message(data: &[u8]) {
    if let Ok(range) = scan::read_binary(data) {
        assert!(data[range].starts_with(&[0xff, 0xd8, 0xff]));
    }
    if let Some(url) = scan::read_as_it_came(data) {
        goes_on(url);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Incoming::Frame(frame) = scan::parse_message(text) {
        // Of two fields of a name the last one counts; numbers are not looked into.
        let fields: HashMap<String, Box<RawValue>> = serde_json::from_str(text).expect("a frame is JSON");
        let string = |name: &str| serde_json::from_str::<String>(fields[name].get()).expect("a string");
        assert_eq!(string("type"), "frame");
        assert_eq!(string("frame"), frame);
        goes_on(&frame);
    }
    if scan::wants_enhanced(text) {
        assert!(text.len() <= MAX_HELLO && says_enhanced(text), "{text}");
    }
}

/// To viewers here, and to those of another process.
fn goes_on(url: &str) {
    assert!(url.starts_with("data:image"));
    let stamp = Stamp { sequence: 7, captured: Instant::now(), taken_at: UNIX_EPOCH };
    let picture = message::as_it_came(STREAM, url, 7, stamp);
    let text = resolve_now(message::picture_text(STREAM, &picture, &NoPool));
    let value: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!((value["patient_id"].as_str(), value["data"]["frame"].as_str()), (Some(STREAM), Some(url)));
    let sent = resolve_now(message::picture_for_process(STREAM, &picture, &NoPool));
    if sent[0] == AS_IT_CAME {
        assert_eq!(scan::read_as_it_came(&sent), Some(url));
    } else if let Ok(range) = scan::read_binary(&sent) {
        let anew = Picture::new(sent.slice(range), 7, Instant::now(), UNIX_EPOCH);
        assert_eq!(resolve_now(message::picture_text(STREAM, &anew, &NoPool)), text);
    }
}

/// A message is made at once: nothing of it waits for a thread.
fn resolve_now<T>(message: impl Future<Output = Result<T, PictureError>>) -> T {
    message.now_or_never().expect("at once").expect("a message")
}

/// As serde reads it, but for numbers that it cannot hold.
fn says_enhanced(text: &str) -> bool {
    let Ok(hello) = serde_json::from_str::<HashMap<String, Box<RawValue>>>(text) else { return false };
    let of = |name: &str| hello.get(name).map(|value| value.get()).filter(|value| *value != "null");
    match of("analysis_mode") {
        Some(mode) => serde_json::from_str::<String>(mode).is_ok_and(|mode| mode == "enhanced"),
        None => of("monitoring_conditions").is_some_and(|list| {
            serde_json::from_str::<Vec<Box<RawValue>>>(list).is_ok_and(|list| !list.is_empty())
        }),
    }
}
