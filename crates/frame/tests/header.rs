//! What `header::probe_header` promises: the size without decoding, never a panic, limits before any decoder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a helper cannot do fails its test")]

use proptest::prelude::*;
use sightwire_frame::header::{Format, Header, HeaderError, LimitError, Limits, probe_header};
use sightwire_frame::{DecodeError, Decoder, Image};

fn png(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([depth, colour, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, marker];
    bytes.extend((body.len() as u16 + 2).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn sof(marker: u8, precision: u8, width: u16, height: u16, components: u8) -> Vec<u8> {
    let mut body = vec![precision];
    body.extend(height.to_be_bytes());
    body.extend(width.to_be_bytes());
    body.push(components);
    for i in 0..components {
        body.extend([i + 1, 0x11, 0]);
    }
    segment(marker, &body)
}

fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend(segments.concat());
    bytes
}

fn message(bytes: &[u8]) -> String {
    probe_header(bytes).unwrap_err().to_string()
}

#[test]
fn a_bomb_is_refused_from_its_header() {
    let bombs = [png(20_000, 20_000, 8, 2), jpeg(&[sof(0xc0, 8, 20_000, 20_000, 3)])];
    for mut bomb in bombs {
        bomb.resize(1_000_000, 0);
        let limits = Limits::default();
        let header = probe_header(&bomb).unwrap();
        assert_eq!((header.width, header.height), (20_000, 20_000));
        assert!(matches!(limits.check_size(&header), Err(LimitError::Side { .. })));
        let wide = Limits { max_side: 30_000, ..limits };
        assert!(matches!(wide.check_size(&header), Err(LimitError::Pixels { .. })));
        let mut image = Image::default();
        let refused = Decoder::new().unwrap().decode(&bomb, &limits, &mut image);
        assert!(matches!(refused, Err(DecodeError::Limit(_))), "{refused:?}");
        assert!(image.is_empty(), "nothing was allocated for it");
    }
}

#[test]
fn too_many_bytes_are_refused_before_they_are_looked_at() {
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    let refused = Decoder::new().unwrap().decode(&[0; 11], &limits, &mut Image::default());
    assert_eq!(refused, Err(DecodeError::Limit(LimitError::Bytes { found: 11, limit: 10 })));
}

#[test]
fn what_is_no_picture_is_named() {
    assert!(message(b"").contains("empty"));
    assert!(message(b"GIF89a\x01\0").contains("GIF"));
    assert!(message(b"RIFF\0\0\0\0WEBPVP8 ").contains("WebP"));
    assert!(message(b"BM\0\0").contains("BMP"));
    assert!(message(b"\0\0\0\x18ftypavif").contains("AVIF"));
    assert!(message(b"/9j/4AAQ").contains("base64"));
    assert!(message(b"hello").contains("68 65 6c 6c"));
}

#[test]
fn kinds_that_no_browser_or_camera_sends_are_refused_by_name() {
    assert!(message(&jpeg(&[sof(0xc1, 12, 8, 8, 3)])).contains("8 bits"));
    assert!(message(&jpeg(&[sof(0xc5, 8, 8, 8, 3)])).contains("hierarchical"));
    assert!(message(&jpeg(&[sof(0xc0, 8, 8, 0, 3)])).contains("DNL"));
    assert!(message(&jpeg(&[sof(0xc0, 8, 0, 8, 3)])).contains("width"));
    assert!(message(&jpeg(&[sof(0xc0, 8, 8, 8, 2)])).contains("components"));
    assert!(message(&jpeg(&[segment(0xda, &[0; 10])])).contains("scan"));
    assert!(message(&[0xff, 0xd8, 0xff, 0xd9]).contains("ends"));
    assert!(message(&jpeg(&[vec![0xff, 0xe0, 0, 1]])).contains("below 2"));
    assert!(message(&png(0, 5, 8, 2)).contains("width or height"));
    assert!(message(&png(1 << 31, 5, 8, 2)).contains("width or height"));
    assert!(message(&png(5, 5, 4, 2)).contains("bit depth"));
    assert!(message(&png(5, 5, 8, 1)).contains("colour type"));
}

#[test]
fn a_header_after_long_segments_is_found() {
    let thumbnail = [&[0xff, 0xd8][..], &sof(0xc0, 8, 9, 9, 3), &[0xff, 0xd9]].concat();
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(thumbnail);
    exif.resize(65_000, 0xff);
    let mut bytes = jpeg(&[segment(0xe1, &exif), segment(0xe2, &exif), vec![0xff; 7]]);
    bytes.extend(sof(0xc2, 8, 640, 480, 3));
    assert_eq!(probe_header(&bytes), Ok(Header { format: Format::Jpeg, width: 640, height: 480 }));
}

/// The beginnings of a picture: incomplete, then for ever the same answer.
fn assert_grows_into(bytes: &[u8], header: Header) {
    let mut known = false;
    for len in 1..=bytes.len() {
        match probe_header(&bytes[..len]) {
            Ok(found) => {
                assert_eq!(found, header);
                known = true;
            }
            Err(error) => {
                assert_eq!(error, HeaderError::Incomplete, "{len} bytes");
                assert!(!known, "known, then incomplete at {len}");
            }
        }
    }
    assert!(known);
}

#[test]
fn a_picture_cut_off_in_its_header_is_incomplete_and_nothing_else() {
    let app = segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let picture = jpeg(&[app, segment(0xdb, &[3; 65]), sof(0xc0, 8, 64, 48, 3), segment(0xda, &[0; 10])]);
    assert_grows_into(&picture, Header { format: Format::Jpeg, width: 64, height: 48 });
    assert_grows_into(&png(7, 9, 8, 6), Header { format: Format::Png, width: 7, height: 9 });
}

/// T.81 read once more, byte by byte: where the first frame header stands and what it says.
fn slow_jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = bytes[at];
        at += 1;
        if marker == 0 || marker == 0xd8 || marker == 0xd9 || marker == 0xda {
            return None;
        }
        if marker == 1 || (0xd0..=0xd7).contains(&marker) {
            continue;
        }
        let word = |at: usize| Some(u32::from(*bytes.get(at)?) << 8 | u32::from(*bytes.get(at + 1)?));
        let length = word(at)?;
        if length < 2 || at + length as usize > bytes.len() {
            return None;
        }
        let is_table = marker == 0xc4 || marker == 0xc8 || marker == 0xcc;
        if (0xc0..=0xcf).contains(&marker) && !is_table {
            return (length >= 8).then_some((word(at + 5)?, word(at + 3)?));
        }
        at += length as usize;
    }
}

fn any_segment() -> impl Strategy<Value = Vec<u8>> {
    // Mostly the markers that mean something to a reader of headers.
    let marker = prop_oneof![
        2 => any::<u8>(),
        2 => prop::sample::select(vec![0xc4, 0xc8, 0xcc, 0xdb, 0xe0, 0xe1, 0xfe]),
        1 => prop::sample::select(vec![0x00, 0x01, 0xd0, 0xd3, 0xd7, 0xd8, 0xd9, 0xda, 0xff]),
    ];
    let precision = prop_oneof![5 => Just(8), 1 => any::<u8>()];
    let components = prop_oneof![5 => Just(3), 1 => 0..5_u8];
    prop_oneof![
        6 => (marker, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(m, body)| segment(m, &body)),
        3 => (0xc0..=0xcf_u8, precision, any::<u16>(), any::<u16>(), components)
            .prop_map(|(m, p, w, h, n)| sof(m, p, w, h, n)),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => prop::collection::vec(Just(0xff), 0..4),
        1 => prop::sample::select(vec![0x01, 0xd0, 0xd7]).prop_map(|marker| vec![0xff, marker]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = probe_header(&bytes);
        let _ = probe_header(&[&[0xff, 0xd8, 0xff][..], &bytes].concat());
        let _ = probe_header(&[b"\x89PNG\r\n\x1a\n", &bytes[..]].concat());
    }

    #[test]
    fn a_jpeg_is_read_as_the_slow_reference_reads_it(
        segments in prop::collection::vec(any_segment(), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = jpeg(&segments);
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let found = probe_header(&bytes).ok().map(|header| (header.width, header.height));
        let slow = slow_jpeg_size(&bytes);
        if found.is_some() {
            prop_assert_eq!(found, slow);
        } else if let Some(size) = slow {
            // Found, but of a kind that is refused.
            let refused = probe_header(&bytes);
            let kind = matches!(refused, Err(HeaderError::Unsupported { .. } | HeaderError::Malformed { .. }));
            prop_assert!(kind || bytes.len() < 3, "{:?} {:?}", size, refused);
        }
    }

    #[test]
    fn no_decoder_is_asked_for_more_than_the_limits(
        width in 1..40_000_u32, height in 1..40_000_u32, side in 1..40_000_u32, pixels in 1..100_000_000_u64,
    ) {
        let limits = Limits { max_side: side, max_pixels: pixels, ..Limits::default() };
        let fits = width <= side && height <= side && u64::from(width) * u64::from(height) <= pixels;
        let header = probe_header(&png(width, height, 8, 2)).unwrap();
        prop_assert_eq!(limits.check_size(&header).is_ok(), fits);
    }
}
