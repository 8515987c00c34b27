//! Follows the frames of a WebSocket (RFC 6455, section 5.2) as their bytes go by, without keeping any of them. So a
//! connection knows what it holds of a message that has not ended, whatever library reads it.

/// Longest header of a frame: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;
/// Opcodes from here on are those of control frames.
const CONTROL: u8 = 8;

/// One direction of a WebSocket.
#[derive(Debug, Default)]
pub struct Frames {
    header: [u8; MAX_HEADER],
    /// Bytes of a header that has begun.
    in_header: usize,
    /// Payload bytes of the current frame that have not come.
    left: u64,
    is_control: bool,
    is_last: bool,
    /// A message has begun and not ended.
    open: bool,
    /// Payload bytes of that message which have come.
    held: u64,
    units: u64,
    ended: u64,
}

impl Frames {
    /// Takes note of bytes; the payload bytes of messages among them.
    pub fn pass(&mut self, mut bytes: &[u8]) -> u64 {
        let mut payload = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let count = self.left.min(bytes.len() as u64);
                self.left -= count;
                if !self.is_control {
                    self.held += count;
                    payload += count;
                }
                bytes = bytes.get(count as usize..).unwrap_or_default();
                self.end_frame_if_whole();
                continue;
            }
            if let Some(slot) = self.header.get_mut(self.in_header) {
                *slot = *first;
                self.in_header += 1;
            }
            bytes = rest;
            if self.in_header >= 2 && self.in_header == header_length(self.header[1]) {
                self.begin_frame();
            }
        }
        payload
    }

    fn begin_frame(&mut self) {
        let [first, second, extended @ ..] = self.header;
        let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        self.left = match second & 0x7f {
            126 => big_endian(&extended[..2]),
            127 => big_endian(&extended[..8]),
            short => u64::from(short),
        };
        self.in_header = 0;
        self.is_control = first & 0x0f >= CONTROL;
        self.is_last = first & 0x80 != 0;
        if !self.is_control {
            self.open = true;
        }
        self.end_frame_if_whole();
    }

    fn end_frame_if_whole(&mut self) {
        if self.left > 0 {
            return;
        }
        self.ended += 1;
        if self.is_control {
            self.units += u64::from(!self.open);
        } else if self.is_last {
            self.open = false;
            self.held = 0;
            self.units += 1;
        }
    }

    /// Payload bytes that have come of a message which has not ended.
    pub fn held_bytes(&self) -> u64 {
        self.held
    }

    /// What that message will have at least.
    pub fn announced_bytes(&self) -> u64 {
        if self.open && !self.is_control { self.held.saturating_add(self.left) } else { self.held }
    }

    /// Payload bytes of the current frame that have not come.
    pub fn bytes_left(&self) -> u64 {
        self.left
    }

    /// Bytes that do not go beyond the frame that arrives: of its header, then of its payload.
    pub fn missing_bytes(&self) -> u64 {
        match self.in_header {
            _ if self.left > 0 => self.left,
            begun @ 0..2 => 2 - begun as u64,
            begun => (header_length(self.header[1]) - begun) as u64,
        }
    }

    /// Whether a message, or a frame, has begun and not ended.
    pub fn is_within(&self) -> bool {
        self.open || self.is_within_frame()
    }

    /// Whether a frame has begun and not ended.
    pub fn is_within_frame(&self) -> bool {
        self.in_header > 0 || self.left > 0
    }

    /// Messages that have ended, and control frames that were not within one.
    pub fn unit_count(&self) -> u64 {
        self.units
    }

    /// Frames of every kind that have ended.
    pub fn ended_frames(&self) -> u64 {
        self.ended
    }
}

/// Of a frame with that second byte.
fn header_length(second: u8) -> usize {
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + if second & 0x80 == 0 { 0 } else { 4 }
}

/// Follows the head of a request, or of an answer. Where that of a WebSocket ends, frames begin.
#[derive(Debug, Default)]
pub struct Head {
    /// Bytes of the blank line that have come.
    matched: usize,
    /// Bytes before its end.
    length: usize,
    /// Whether something came after it.
    has_more: bool,
}

/// Longer than any head that is taken. It need not be looked further, what comes is a body.
const MAX_HEAD: usize = 64 << 10;
const BLANK_LINE: &[u8; 4] = b"\r\n\r\n";

impl Head {
    /// Takes note of bytes; those that come after the blank line.
    pub fn pass<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while self.matched < BLANK_LINE.len() && self.length < MAX_HEAD {
            let Some((byte, after)) = rest.split_first() else { return rest };
            self.matched = match BLANK_LINE.get(self.matched) {
                Some(next) if next == byte => self.matched + 1,
                _ => usize::from(*byte == b'\r'),
            };
            self.length += 1;
            rest = after;
        }
        self.has_more |= !rest.is_empty();
        rest
    }

    /// Whether the blank line has come.
    pub fn is_over(&self) -> bool {
        self.matched == BLANK_LINE.len()
    }

    /// Whether all that came is one head.
    pub fn is_all(&self) -> bool {
        self.is_over() && !self.has_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(mask | length as u8),
            126..0x1_0000 => {
                frame.push(mask | 0x7E);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 0x7F);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        if masked {
            frame.extend([0x81, 0x7f, 0x88, 0xff]);
        }
        frame.extend(vec![0x81; length]);
        frame
    }

    #[test]
    fn messages_are_followed_wherever_their_bytes_are_cut() {
        let mut wire = Vec::new();
        let mut payload = 0;
        for masked in [true, false] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
                wire.extend(frame(0x81, length, masked));
                wire.extend(frame(0x89, length.min(125), masked));
                wire.extend(frame(0x02, length, masked));
                wire.extend(frame(0x8a, 0, masked));
                wire.extend(frame(0x80, length, masked));
                payload += 3 * length as u64;
            }
        }
        for piece in [1, 2, 3, 7, 125, 4096, wire.len()] {
            let mut frames = Frames::default();
            let passed: u64 = wire.chunks(piece).map(|bytes| frames.pass(bytes)).sum();
            assert_eq!(passed, payload, "{piece}");
            assert_eq!((frames.held_bytes(), frames.is_within()), (0, false), "{piece}");
            // Of five frames the fourth is a pong within a message, and the second a ping between two.
            assert_eq!(frames.unit_count(), 3 * 16, "{piece}");
            assert_eq!(frames.ended_frames(), 5 * 16, "{piece}");
        }
    }

    #[test]
    fn what_is_held_of_a_message_is_known_before_it_ends() {
        let mut frames = Frames::default();
        frames.pass(&frame(0x01, 1000, true));
        assert_eq!((frames.held_bytes(), frames.announced_bytes()), (1000, 1000), "more fragments follow");
        assert!(frames.is_within() && !frames.is_within_frame());
        frames.pass(&frame(0x89, 100, true));
        assert_eq!(frames.held_bytes(), 1000, "a ping in between is no part of it");
        let last = frame(0x80, 70_000, true);
        frames.pass(&last[..20]);
        assert_eq!((frames.held_bytes(), frames.announced_bytes()), (1006, 71_000));
        assert!(frames.is_within_frame());
        frames.pass(&last[20..]);
        assert_eq!((frames.held_bytes(), frames.announced_bytes(), frames.unit_count()), (0, 0, 1));
    }

    #[test]
    fn lengths_that_no_message_has_are_no_reason_to_panic() {
        let mut frames = Frames::default();
        let mut huge = vec![0x01, 0xff];
        huge.extend([0xff; 12]);
        frames.pass(&huge);
        frames.pass(&vec![0; 100_000]);
        assert_eq!(frames.held_bytes(), 100_000);
        assert_eq!(frames.announced_bytes(), u64::MAX);
    }

    #[test]
    fn a_head_is_all_that_came_or_it_is_not() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for piece in 1..head.len() {
            let mut all = Head::default();
            for bytes in head.chunks(piece) {
                assert!(all.pass(bytes).is_empty());
            }
            assert!(all.is_all(), "{piece}");
            assert_eq!(all.pass(b"\x81"), b"\x81");
            assert!(!all.is_all(), "a frame came with it");
        }
        let after = |text: &[u8]| {
            let mut head = Head::default();
            head.pass(text);
            head.is_all()
        };
        assert!(!after(b"GET / HTTP/1.1\r\n"));
        assert!(!after(b"GET / HTTP/1.1\n\n"));
        assert!(after(b"\r\r\n\r\r\n\r\n"));
        assert!(!after(b"GET / HTTP/1.1\r\n\r\n\x81\x80\r\n\r\n"), "whatever it ends with");
    }
}
