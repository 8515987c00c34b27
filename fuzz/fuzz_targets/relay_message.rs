//! What is read as a frame is one: valid JSON whose `type` and `frame` are those strings. And no message makes it panic.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

#[path = "../../crates/api/src/relay/scan.rs"]
#[allow(dead_code)]
mod scan;

fuzz_target!(|data: &[u8]| {
    if let Ok(range) = scan::read_binary(data) {
        assert!(data[range].starts_with(&[0xff, 0xd8, 0xff]));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let scan::Incoming::Frame(frame) = scan::read(text) {
        // Of two fields of a name the last one counts; numbers are not looked into.
        let fields: HashMap<String, Box<RawValue>> = serde_json::from_str(text).expect("a frame is JSON");
        let string = |name: &str| serde_json::from_str::<String>(fields[name].get()).expect("a string");
        assert_eq!(string("type"), "frame");
        assert_eq!(string("frame"), frame);
        assert!(frame.starts_with("data:image"));
    }
});
