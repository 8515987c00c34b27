//! What faults do to the bytes of a picture and around it.

use std::borrow::Cow;

use sightwire_frame::{Encoder, Image};

/// The first marker, with the beginning of the next.
const START: [u8; 2] = [0xff, 0xd8];
const END: [u8; 2] = [0xff, 0xd9];
/// Of the picture in a picture.
const THUMBNAIL_PX: (u32, u32) = (160, 120);

/// Inserts bytes after the first marker, where segments begin.
fn with_segment<'a>(jpeg: &'a [u8], segment: &[u8]) -> Cow<'a, [u8]> {
    match jpeg.strip_prefix(&START) {
        Some(rest) => Cow::Owned([&START, segment, rest].concat()),
        None => Cow::Borrowed(jpeg),
    }
}

/// An EXIF segment with a thumbnail: a whole JPEG with first and last markers of its own.
///
/// `None` where it cannot be encoded.
pub fn thumbnail_segment() -> Option<Vec<u8>> {
    let mut image = Image::new(THUMBNAIL_PX.0, THUMBNAIL_PX.1);
    for (index, value) in image.data_mut().iter_mut().enumerate() {
        *value = (index / 7 % 256) as u8;
    }
    let mut jpeg = Vec::new();
    Encoder::new().ok()?.encode(&image, 70, &mut jpeg).ok()?;
    // TIFF, big endian: an empty first directory, and a second one with place and length of the thumbnail.
    let (tiff_bytes, jpeg_bytes) = (8 + 6 + 2 + 2 * 12 + 4, jpeg.len() as u32);
    let mut body = b"Exif\0\0MM\0*\0\0\0\x08".to_vec();
    body.extend([0, 0, 0, 0, 0, 14, 0, 2]);
    for (tag, value) in [(0x0201_u16, tiff_bytes), (0x0202, jpeg_bytes)] {
        body.extend(tag.to_be_bytes());
        body.extend([0, 4, 0, 0, 0, 1]);
        body.extend(value.to_be_bytes());
    }
    body.extend([0; 4]);
    body.extend(&jpeg);
    let length = u16::try_from(body.len() + 2).ok()?;
    Some([&[0xff, 0xe1], &length.to_be_bytes()[..], &body].concat())
}

/// The picture with a thumbnail.
pub fn with_thumbnail<'a>(jpeg: &'a [u8], segment: &[u8]) -> Cow<'a, [u8]> {
    with_segment(jpeg, segment)
}

/// The picture with an end marker in a comment.
pub fn with_stray_end(jpeg: &[u8]) -> Cow<'_, [u8]> {
    with_segment(jpeg, &[0xff, 0xfe, 0, 8, b'e', b'n', b'd', b'?', END[0], END[1]][..])
}

/// What stands after a picture with stray end markers.
pub const STRAY_TRAILER: &[u8] = &[b'r', b'u', b'b', END[0], END[1], b'b', b'i', b's', b'h', END[0], END[1]];

/// The picture with `FF` before the markers of its header, which the format allows (T.81, B.1.1.2).
pub fn with_fill_bytes(jpeg: &[u8]) -> Cow<'_, [u8]> {
    const SCAN: u8 = 0xda;
    let Some(mut rest) = jpeg.strip_prefix(&START) else { return Cow::Borrowed(jpeg) };
    let mut filled = START.to_vec();
    while let [0xff, code, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((segment, after)) = rest.split_at_checked(2 + length) else { break };
        filled.extend([0xff; 3]);
        filled.extend(segment);
        rest = after;
        if code == SCAN {
            break;
        }
    }
    filled.extend(rest);
    Cow::Owned(filled)
}

/// Bytes between 300 and 1,323 in number that look like nothing: random, without a first marker. Another `number`
/// gives others.
pub fn random_garbage(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        // Xorshift64* (Vigna 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    };
    let count = 300 + usize::from(next()) * 4;
    let mut bytes: Vec<u8> = (0..count).map(|_| next()).collect();
    for index in 1..bytes.len() {
        if bytes[index - 1] == START[0] && bytes[index] == START[1] {
            bytes[index] = 0;
        }
    }
    // Whatever follows: no marker begins here.
    bytes.extend([0, b'\r', b'\n']);
    bytes
}
