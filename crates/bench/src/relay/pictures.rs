//! Pictures as streamers send them: masked beforehand, but for the first bytes, which carry the stamp.

use bytes::Bytes;

use crate::live::messages::BINARY_HEADER_BYTES;
use crate::live::stamp::{self, Stamp};
use crate::live::websocket::{self, Opcode};

const TEXT_START: &[u8] = br#"{"type":"frame","frame":"data:image/jpeg;base64,"#;
const TEXT_END: &str = "\"}";

/// Pictures to be sent one after the other, again and again.
pub(super) struct Pictures {
    pictures: Vec<Picture>,
    binary: bool,
}

struct Picture {
    /// Size of the JPEG file before the stamp was put into it.
    jpeg_bytes: usize,
    /// What follows the stamp, masked.
    rest: Bytes,
}

impl Pictures {
    /// Of JPEG files. `binary`: as binary messages instead of text with base64.
    pub(super) fn new(jpegs: &[Bytes], binary: bool) -> Self {
        let pictures = jpegs.iter().map(|jpeg| Picture::new(jpeg, binary)).collect();
        Self { pictures, binary }
    }

    /// Whether as binary messages.
    pub(super) fn are_binary(&self) -> bool {
        self.binary
    }

    /// A message for the server: its beginning, with a stamp of now, and its rest.
    pub(super) fn encode_message(&self, source: usize, sequence: u64) -> (Vec<u8>, Bytes) {
        let picture = &self.pictures[sequence as usize % self.pictures.len()];
        let start = Stamp::now(source, picture.jpeg_bytes, sequence).beginning();
        let payload = if self.binary {
            let mut payload = vec![0; BINARY_HEADER_BYTES];
            payload[0] = 1;
            payload.extend_from_slice(&start);
            payload
        } else {
            let mut payload = TEXT_START.to_vec();
            payload.extend_from_slice(base64_simd::STANDARD.encode_to_string(start).as_bytes());
            payload
        };
        let opcode = if self.binary { Opcode::Binary } else { Opcode::Text };
        let mut message = websocket::encode_header(opcode, payload.len() + picture.rest.len(), true);
        let at = message.len();
        message.extend_from_slice(&payload);
        websocket::mask_payload(&mut message[at..], 0);
        (message, picture.rest.clone())
    }
}

impl Picture {
    fn new(jpeg: &Bytes, binary: bool) -> Self {
        let after_marker = jpeg.get(2..).unwrap_or_default();
        let (mut rest, at) = if binary {
            (after_marker.to_vec(), BINARY_HEADER_BYTES + stamp::BYTES)
        } else {
            let text = base64_simd::STANDARD.encode_to_string(after_marker) + TEXT_END;
            (text.into_bytes(), TEXT_START.len() + stamp::BYTES / 3 * 4)
        };
        websocket::mask_payload(&mut rest, at);
        Self { jpeg_bytes: jpeg.len(), rest: rest.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmasked(pictures: &Pictures, sequence: u64) -> Vec<u8> {
        let (start, rest) = pictures.encode_message(7, sequence);
        let message = [start, rest.to_vec()].concat();
        let at = if message[1] & 0x7f == 126 { 8 } else { 6 };
        let mut payload = message[at..].to_vec();
        websocket::mask_payload(&mut payload, 0);
        payload
    }

    #[test]
    fn a_message_carries_the_picture_with_its_stamp_in_either_mode() {
        let jpeg = Bytes::from_static(b"\xff\xd8one picture of an odd length \xff\xd9");
        let jpegs = [jpeg.clone(), jpeg.slice(..20)];
        for sequence in [4, 5] {
            let jpeg = &jpegs[sequence as usize % 2];
            let text = String::from_utf8(unmasked(&Pictures::new(&jpegs, false), sequence)).unwrap();
            let base64 = text.strip_prefix(r#"{"type":"frame","frame":"data:image/jpeg;base64,"#).unwrap();
            let from_text = base64_simd::STANDARD.decode_to_vec(base64.strip_suffix("\"}").unwrap()).unwrap();
            let binary = unmasked(&Pictures::new(&jpegs, true), sequence);
            assert_eq!(binary[..BINARY_HEADER_BYTES], [&[1][..], &[0; 19]].concat());
            for picture in [&from_text[..], &binary[BINARY_HEADER_BYTES..]] {
                let stamp = Stamp::from_bytes(picture).unwrap();
                assert_eq!((stamp.source, stamp.sequence), (7, sequence));
                assert_eq!(stamp.bytes as usize, picture.len());
                assert_eq!(picture[stamp::BYTES..], jpeg[2..]);
            }
        }
    }
}
