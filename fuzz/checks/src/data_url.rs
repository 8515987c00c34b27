use sightwire_frame::data_url::{decode_into, probe_data_url};
use sightwire_frame::header::{self, Limits};

/// Base64 and data URLs: no panic, and probing agrees with decoding everything.
pub fn data_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let limits = Limits { max_bytes: 1 << 16, ..Limits::default() };
    let mut bytes = Vec::new();
    let decoded = decode_into(text, &mut bytes).is_ok();
    let expected = if decoded && bytes.len() <= limits.max_bytes { header::probe_header(&bytes).ok() } else { None };
    let expected = expected.filter(|header| limits.check_size(header).is_ok());
    assert_eq!(probe_data_url(text, &limits).ok(), expected);
}
