//! The header parser: no panic, and the answer for a beginning of the bytes never contradicts the answer for all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightwire_frame::header::{HeaderError, probe};

fuzz_target!(|bytes: &[u8]| {
    let all = probe(bytes);
    if let Ok(header) = &all {
        assert!(header.width > 0 && header.height > 0);
    }
    let beginning = probe(&bytes[..bytes.len() / 2]);
    if beginning != Err(HeaderError::Incomplete) && bytes.len() >= 24 {
        assert_eq!(beginning.is_ok(), all.is_ok());
        if all.is_ok() {
            assert_eq!(beginning, all);
        }
    }
});
