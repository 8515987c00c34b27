//! What `data_url` promises: strict where it is fast, forgiving where it is safe, never a panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a helper cannot do fails its test")]

use base64_simd::STANDARD;
use proptest::prelude::*;
use sightwire_frame::data_url::{DataUrlError, base64_body, decode_into, probe_data_url};
use sightwire_frame::header::{self, LimitError, Limits};
use sightwire_frame::{Encoder, Image};

/// A JPEG whose header ends after `header` bytes or a little later.
fn jpeg(header: usize) -> Vec<u8> {
    let mut plain = Vec::new();
    Encoder::new().unwrap().encode(&Image::new(32, 24), 80, &mut plain).unwrap();
    let mut bytes = plain[..2].to_vec();
    let mut left = header;
    while left > 0 {
        let body = left.min(60_000);
        bytes.extend([0xff, 0xef]);
        bytes.extend((body as u16 + 2).to_be_bytes());
        bytes.extend(vec![0x55; body]);
        left -= body;
    }
    bytes.extend(&plain[2..]);
    bytes
}

fn decode(text: &str) -> Result<Vec<u8>, DataUrlError> {
    let mut out = vec![1, 2, 3];
    let result = decode_into(text, &mut out);
    assert!(result.is_ok() || out.is_empty(), "what was there before must not stay");
    result.map(|()| out)
}

/// Forgiving-base64 decode as the WHATWG writes it down, one character at a time.
fn slow_decode(text: &str) -> Option<Vec<u8>> {
    let mut chars: Vec<u8> = text.bytes().filter(|b| !b"\t\n\x0c\r ".contains(b)).collect();
    if chars.len().is_multiple_of(4) {
        for _ in 0..2 {
            if chars.last() == Some(&b'=') {
                chars.pop();
            }
        }
    }
    if chars.len() % 4 == 1 {
        return None;
    }
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in chars {
        let value = alphabet.iter().position(|&letter| letter == byte)?;
        buffer = buffer << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits) as u8);
        }
    }
    Some(out)
}

#[test]
fn a_prefix_is_optional() {
    for prefix in
        ["", "data:image/jpeg;base64,", "DATA:IMAGE/PNG;BASE64,", "data:image/jpeg;q=1;base64,", "  "]
    {
        assert_eq!(base64_body(&format!("{prefix}/9j/")), Ok("/9j/"), "{prefix}");
    }
}

#[test]
fn other_data_urls_are_refused_with_what_was_found() {
    for text in
        ["data:,", "data:text/plain;base64,AAAA", "data:image/png,AAAA", "data:image/png;base64", "data:"]
    {
        let error = base64_body(text).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let long = format!("data:{},AAAA", "x".repeat(1_000_000));
    assert!(base64_body(&long).unwrap_err().to_string().len() < 150);
}

#[test]
fn text_as_people_send_it_is_read() {
    let bytes = jpeg(0);
    let strict = STANDARD.encode_to_string(&bytes);
    let lines: Vec<&str> =
        strict.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let wrapped = lines.join("\r\n") + "\n";
    let unpadded = strict.trim_end_matches('=');
    let url = format!("data:image/jpeg;base64,{strict}");
    for text in [strict.as_str(), wrapped.as_str(), unpadded, url.as_str()] {
        assert_eq!(decode(text).as_ref(), Ok(&bytes));
        assert_eq!(probe_data_url(text, &Limits::default()).unwrap().width, 32);
    }
}

#[test]
fn the_header_is_found_however_late_it_comes() {
    for header in [0, 100, 2_900, 3_000, 3_072, 3_100, 12_000, 12_300, 50_000, 200_000, 1_000_000] {
        let bytes = jpeg(header);
        let text = STANDARD.encode_to_string(&bytes);
        assert_eq!(
            probe_data_url(&text, &Limits::default()),
            Ok(header::probe_header(&bytes).unwrap()),
            "{header}"
        );
        let spaced = text.replace('A', "A\n");
        assert_eq!(
            probe_data_url(&spaced, &Limits::default()),
            Ok(header::probe_header(&bytes).unwrap()),
            "{header}"
        );
    }
}

#[test]
fn a_mistake_at_the_very_end_is_noticed() {
    let mut text = STANDARD.encode_to_string(jpeg(0)).trim_end_matches('=').to_owned();
    text.push('!');
    let position = text.len() - 1;
    assert_eq!(
        probe_data_url(&text, &Limits::default()),
        Err(DataUrlError::Character { byte: b'!', position })
    );
    assert_eq!(decode(&text), Err(DataUrlError::Character { byte: b'!', position }));
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(decode(""), Err(DataUrlError::Empty));
    assert_eq!(decode(" \n"), Err(DataUrlError::Empty));
    assert_eq!(probe_data_url("data:image/png;base64,", &Limits::default()), Err(DataUrlError::Empty));
    assert_eq!(decode("A"), Err(DataUrlError::Length { chars: 1 }));
    assert_eq!(decode("AA=A"), Err(DataUrlError::Length { chars: 4 }));
    let text = probe_data_url("aGVsbG8gd29ybGQ=", &Limits::default()).unwrap_err().to_string();
    assert!(text.contains("neither a JPEG nor a PNG"), "{text}");
}

#[test]
fn limits_hold_for_strict_and_for_forgiving_text() {
    let bytes = jpeg(0);
    let strict = STANDARD.encode_to_string(&bytes);
    let spaced = strict.replace('A', "A ");
    for text in [strict, spaced] {
        let with = |limits: Limits| probe_data_url(&text, &limits);
        let exact = Limits { max_bytes: bytes.len(), max_side: 32, max_pixels: 32 * 24 };
        assert!(with(exact).is_ok());
        let fewer_bytes = with(Limits { max_bytes: bytes.len() - 1, ..exact });
        assert!(matches!(fewer_bytes, Err(DataUrlError::Limit(LimitError::Bytes { .. }))), "{fewer_bytes:?}");
        let shorter = with(Limits { max_side: 31, ..exact });
        assert!(matches!(shorter, Err(DataUrlError::Limit(LimitError::Side { .. }))), "{shorter:?}");
        let smaller = with(Limits { max_pixels: 32 * 24 - 1, ..exact });
        assert!(matches!(smaller, Err(DataUrlError::Limit(LimitError::Pixels { .. }))), "{smaller:?}");
    }
}

/// Text near base64: mostly right, with white space, padding and now and then something else.
fn near_base64() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        30 => "[A-Za-z0-9+/]{1,40}",
        2 => "[ \t\n\r\x0c]{1,3}",
        1 => "={1,3}",
        1 => "[-_!é\u{0b}\u{0}]",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_decoded_as_the_slow_reference_decodes_it(text in near_base64()) {
        let slow = slow_decode(&text).filter(|_| !text.trim_ascii().is_empty());
        prop_assert_eq!(decode(&text).ok(), slow);
    }

    /// Around the length of the chunks that are decoded at a time.
    #[test]
    fn long_texts_are_decoded_like_short_ones(
        chunks in 1..4_usize, more in 0..8_usize, fill in any::<u8>(),
        gaps in prop::collection::vec(0..13_000_usize, 0..6), unpadded in any::<bool>(),
    ) {
        let bytes: Vec<u8> = (0..chunks * 3_072 + more - 4).map(|i| fill.wrapping_mul(i as u8)).collect();
        let mut text = STANDARD.encode_to_string(&bytes);
        if unpadded {
            text.truncate(text.trim_end_matches('=').len());
        }
        for gap in gaps {
            text.insert_str(gap.min(text.len()), "\r\n");
        }
        prop_assert_eq!(decode(&text), Ok(bytes));
    }

    #[test]
    fn probing_agrees_with_decoding_everything(
        head in prop::sample::select(vec!["", "/9j/", "/9j/4AAQ", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAA"]),
        rest in near_base64(),
        max_bytes in 0..400_usize,
    ) {
        let text = format!("{head}{rest}");
        let limits = Limits { max_bytes, ..Limits::default() };
        let all = decode(&text).ok().filter(|bytes| bytes.len() <= max_bytes);
        let expected = all.and_then(|bytes| header::probe_header(&bytes).ok());
        let found = probe_data_url(&text, &limits).ok();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_string_is_answered(text in "\\PC*", prefix in prop::sample::select(vec!["", "data:", "data:image/a;base64,"])) {
        let text = format!("{prefix}{text}");
        let _ = base64_body(&text);
        let _ = decode(&text);
        let _ = probe_data_url(&text, &Limits::default());
    }
}
