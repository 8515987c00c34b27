//! JPEGs that others can show as they are: in a PDF, say.

use crate::exif;
use crate::header::{Format, JPEG_SIGNATURE, Segments};

/// A JPEG of one or three colours in a way that all readers know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlainJpeg<'a> {
    /// The file up to the end of its picture.
    pub bytes: &'a [u8],
    /// Width and height as stored, px.
    pub stored: (u32, u32),
    /// Whether it has no colours.
    pub grey: bool,
    /// Where the stored picture's upper left, upper right and lower left corner are in the upright one, whose sides are 1
    /// long: x to the right, y down.
    pub corners: [[f32; 2]; 3],
}

/// What a file is, if it is such a JPEG.
pub fn plain_jpeg(bytes: &[u8]) -> Option<PlainJpeg<'_>> {
    if !bytes.starts_with(&JPEG_SIGNATURE) {
        return None;
    }
    let (mut frame, mut jfif, mut adobe) = (None, false, None);
    for segment in Segments::new(bytes) {
        let segment = segment.ok()?;
        match segment.marker {
            // Baseline, extended and progressive, with Huffman codes.
            0xc0..=0xc2 => frame = Some(segment.body),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return None,
            0xe0 => jfif |= segment.body.starts_with(b"JFIF\0"),
            0xee if segment.body.starts_with(b"Adobe") => adobe = segment.body.get(11).copied(),
            _ => {}
        }
    }
    let [8, h1, h0, w1, w0, components, rest @ ..] = frame? else { return None };
    let names: Vec<u8> = rest.iter().step_by(3).copied().collect();
    // Without a word on it, readers differ in whether these are red, green and blue.
    let is_known = jfif || adobe == Some(1) || (adobe.is_none() && names == [1, 2, 3]);
    let grey = match components {
        1 => true,
        3 if is_known => false,
        _ => return None,
    };
    let orientation = exif::read_orientation(Format::Jpeg, bytes);
    Some(PlainJpeg {
        bytes: &bytes[..picture_end(bytes)?],
        stored: (u16::from_be_bytes([*w1, *w0]).into(), u16::from_be_bytes([*h1, *h0]).into()),
        grey,
        corners: orientation.corners(),
    })
}

/// Where the picture ends: phones put films after it.
pub(super) fn picture_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut in_scan) = (2, false);
    loop {
        let rest = bytes.get(at..)?;
        if in_scan {
            // Up to a marker that is neither a stuffed byte nor a restart.
            let marker = rest
                .windows(2)
                .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7))?;
            at += marker;
            in_scan = false;
            continue;
        }
        match rest {
            [0xff, 0xd9, ..] => return Some(at + 2),
            [0xff, 0xff, ..] => at += 1,
            [0xff, 0x01 | 0xd0..=0xd7, ..] => at += 2,
            [0xff, marker, high, low, ..] => {
                at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
                in_scan = *marker == 0xda;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Image};

    fn jpeg() -> Vec<u8> {
        let mut out = Vec::new();
        Encoder::new().unwrap().encode(&Image::new(24, 16), 90, &mut out).unwrap();
        out
    }

    fn with(segment: &[u8]) -> Vec<u8> {
        let jpeg = jpeg();
        [&jpeg[..2], segment, &jpeg[2..]].concat()
    }

    #[test]
    fn a_jpeg_of_our_own_is_plain_and_what_follows_it_is_left_out() {
        let bytes = jpeg();
        let longer = [&bytes[..], b"ftypmp42 and a film\xff\xd9"].concat();
        let plain = plain_jpeg(&longer).unwrap();
        assert_eq!((plain.bytes, plain.stored, plain.grey), (&bytes[..], (24, 16), false));
        assert_eq!(plain.corners, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(plain_jpeg(&bytes[..bytes.len() - 2]), None, "cut off");
        assert_eq!(plain_jpeg(b"\x89PNG\r\n\x1a\n"), None);
    }

    #[test]
    fn one_that_lies_on_its_side_says_where_its_corners_go() {
        let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        assert_eq!(plain_jpeg(&with(exif)).unwrap().corners, [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]);
    }

    #[test]
    fn four_colours_and_other_codes_are_not_plain() {
        let bytes = jpeg();
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        let mut arithmetic = bytes.clone();
        arithmetic[frame + 1] = 0xc9;
        assert_eq!(plain_jpeg(&arithmetic), None);
        let mut four = bytes;
        four[frame + 9] = 4;
        assert_eq!(plain_jpeg(&four), None);
    }
}
