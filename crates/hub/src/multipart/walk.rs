//! Follows a JPEG from marker to marker. ITU-T T.81, annex B.
//!
//! Lengths of segments are followed, so a thumbnail within one does not end the picture; but a length is believed only if
//! it leads to another marker. Where it does not, the picture was cut off within that segment.

use memchr::{memchr, memmem};

/// What a step of [`Walk`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More bytes are needed.
    More,
    /// The picture is whole; it has this many bytes.
    Whole(usize),
    /// It is not a whole picture. Another one may begin at this byte or after it, none before.
    Broken(usize),
}

/// What stands at a marker.
enum Segment {
    /// More bytes are needed to tell.
    More,
    /// A segment that leads to this byte.
    Ends(usize),
    /// No segment: what stands here cannot be one, or its length leads nowhere.
    None,
    /// A table in which another picture begins at this byte: this one was cut off.
    Holds(usize),
}

/// A walk through one picture.
#[derive(Debug)]
pub struct Walk {
    /// Everything before is known: in the header the segments, in a scan the coded data.
    at: usize,
    has_frame: bool,
    segments: usize,
    in_scan: bool,
    certainly_broken: bool,
    #[cfg(test)]
    pub work: usize,
}

const STUFFED: u8 = 0x00;
const FILL: u8 = 0xff;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
/// More than any table needs: four quantisation tables have 516 bytes, eight Huffman tables 2,184.
const MAX_TABLE: usize = 4096;

impl Walk {
    /// A walk from the first marker of a picture, which is followed by `FF`.
    pub fn new() -> Self {
        Self {
            at: 2,
            has_frame: false,
            segments: 0,
            in_scan: false,
            certainly_broken: false,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Goes on with `bytes`, the picture as far as it is there. `ended`: there will be no more.
    pub fn step(&mut self, bytes: &[u8], ended: bool) -> Step {
        if self.in_scan { self.walk_scan(bytes, ended) } else { self.walk_header(bytes, ended) }
    }

    /// Where another picture may begin if this one is given up here.
    pub fn resume_offset(&self) -> usize {
        self.at
    }

    /// Whether it was more than two bytes that look like a first marker.
    pub fn was_a_picture(&self) -> bool {
        self.segments > 0
    }

    /// Whether the header is behind.
    pub fn is_in_scan(&self) -> bool {
        self.in_scan
    }

    /// Whether it is none even if its length should be right: another picture begins within it, or it ends without a
    /// scan.
    pub fn is_certainly_broken(&self) -> bool {
        self.certainly_broken
    }

    /// Segments up to the first scan.
    fn walk_header(&mut self, bytes: &[u8], ended: bool) -> Step {
        loop {
            self.count_work(1);
            let Some(&[lead, code]) = bytes.get(self.at..self.at + 2) else { return Step::More };
            match (lead, code) {
                (FILL, FILL) => self.at += 1,
                (FILL, SOI) => {
                    self.certainly_broken = true;
                    return Step::Broken(self.at);
                }
                (FILL, EOI) => {
                    self.certainly_broken = true;
                    return Step::Broken(self.at + 2);
                }
                (FILL, code) => match self.read_segment(bytes, code) {
                    Segment::More => return Step::More,
                    Segment::None => return Step::Broken(self.at),
                    Segment::Holds(another) => return Step::Broken(another),
                    Segment::Ends(end) => {
                        self.segments += 1;
                        self.at = end;
                        self.has_frame |= is_frame(code);
                        if code == SOS {
                            self.in_scan = true;
                            return self.walk_scan(bytes, ended);
                        }
                    }
                },
                _ => return Step::Broken(self.at),
            }
        }
    }

    /// Coded data, and the segments between scans. What does not hold as a segment is taken for data: a decoder
    /// does so too, and what is really another picture is found a few bytes later.
    fn walk_scan(&mut self, bytes: &[u8], ended: bool) -> Step {
        loop {
            let Some(next) = memchr(FILL, &bytes[self.at..]) else {
                self.count_work(bytes.len() - self.at);
                self.at = bytes.len();
                return Step::More;
            };
            self.count_work(next + 1);
            self.at += next;
            let Some(&code) = bytes.get(self.at + 1) else { return Step::More };
            match code {
                STUFFED => self.at += 2,
                FILL => self.at += 1,
                EOI => return Step::Whole(self.at + 2),
                SOI => match bytes.get(self.at + 2) {
                    Some(&FILL) => {
                        self.certainly_broken = true;
                        return Step::Broken(self.at);
                    }
                    None if !ended => return Step::More,
                    _ => self.at += 2,
                },
                _ if stands_between_scans(code) => match self.read_segment(bytes, code) {
                    Segment::More if !ended => return Step::More,
                    Segment::More | Segment::None => self.at += 2,
                    Segment::Ends(end) | Segment::Holds(end) => self.at = end,
                },
                _ => self.at += 2,
            }
        }
    }

    /// The segment at `self.at`.
    fn read_segment(&mut self, bytes: &[u8], code: u8) -> Segment {
        let start = self.at;
        if !is_segment(code) {
            return Segment::None;
        }
        let Some(&[high, low]) = bytes.get(start + 2..start + 4) else { return Segment::More };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let fits = match code {
            _ if is_frame(code) => (11..=8 + 3 * 255).contains(&length) && (length - 8) % 3 == 0,
            0xc4 | 0xcc | 0xdb => (2..=MAX_TABLE).contains(&length),
            SOS => self.has_frame && (8..=14).contains(&length) && length % 2 == 0,
            0xdc | 0xdd => length == 4,
            _ => length >= 2,
        };
        if !fits {
            return Segment::None;
        }
        let end = start + 2 + length;
        if code == SOS {
            let Some(header) = bytes.get(start + 4..end) else { return Segment::More };
            let [components, .., first, last, approximation] = *header else { return Segment::None };
            // `FF` as its last byte is not a value for it, but half of another picture's first marker.
            let holds = length == 6 + 2 * usize::from(components)
                && first < 64
                && last < 64
                && approximation != FILL
                && memmem::find(header, &[FILL, SOI]).is_none();
            return if holds { Segment::Ends(end) } else { Segment::None };
        }
        let Some(&[lead, next]) = bytes.get(end..end + 2) else { return Segment::More };
        if lead != FILL || !(next == FILL || next == EOI || is_segment(next)) {
            return Segment::None;
        }
        self.count_work(length);
        if let Some(another) = another_within(&bytes[start + 2..end + 2], matches!(code, 0xe0..=0xfe)) {
            return Segment::Holds(start + 2 + another);
        }
        if is_frame(code) && usize::from(bytes[start + 9]) * 3 + 8 != length {
            return Segment::None;
        }
        Segment::Ends(end)
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "counted in tests only"))]
    fn count_work(&mut self, steps: usize) {
        #[cfg(test)]
        {
            self.work += steps;
        }
        #[cfg(not(test))]
        let _ = steps;
    }
}

/// A marker with a length after it. Reserved codes are none; they do not occur outside coded data.
fn is_segment(code: u8) -> bool {
    matches!(code, 0xc0..=0xcf | SOS..=0xfe) && code != 0xc8
}

/// The frame header: size and components.
fn is_frame(code: u8) -> bool {
    matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc)
}

/// Tables, the next scan's header, the number of lines, `APPn`, COM.
fn stands_between_scans(code: u8) -> bool {
    matches!(code, 0xc4 | 0xcc | SOS..=0xdd | 0xe0..=0xef | 0xfe)
}

/// Where the next picture begins within a segment, because this one was cut off in it.
///
/// `APPn` and COM segments hold pictures of their own (thumbnails), but not after an empty line: that is the end of
/// a part's header. Other segments are tables, in which there is no first marker together with one that can follow it.
/// (`FF` alone after `FF D8` also occurs in the quantisation tables of very low qualities.)
fn another_within(bytes: &[u8], is_application: bool) -> Option<usize> {
    memmem::find_iter(bytes, &[FILL, SOI, FILL]).find(|&at| {
        if is_application {
            bytes[..at].ends_with(b"\n\r\n") || bytes[..at].ends_with(b"\n\n")
        } else {
            matches!(bytes.get(at + 3), Some(0xc0..=0xc2 | 0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe))
        }
    })
}
