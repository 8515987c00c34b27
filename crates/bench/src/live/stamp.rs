//! When a picture was sent: written into it as a comment segment, which nobody but a viewer of this program reads.

use std::time::{Duration, SystemTime};

const MAGIC: &[u8; 6] = b"SWSENT";
/// Marker, length, magic, source, size, number, time.
pub(crate) const SEGMENT_BYTES: usize = 4 + MAGIC.len() + 24;
/// What has to be seen of a picture to read its stamp: a multiple of three, so that base64 of a stamped picture is that
/// of its beginning and that of the rest, one after the other.
pub(crate) const BYTES: usize = 2 + SEGMENT_BYTES;
const _: () = assert!(BYTES.is_multiple_of(3));

/// Which picture, and when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Number of the camera or stream that it is from.
    pub(crate) source: u32,
    /// Size of the picture, stamp included.
    pub(crate) bytes: u32,
    /// Counts the pictures of a source.
    pub(crate) sequence: u64,
    /// By the clock of [`now_ns`].
    pub(crate) sent_ns: u64,
}

impl Stamp {
    /// For the next picture of a source, to be sent now; `bytes` is its size without the stamp.
    pub(crate) fn now(source: usize, bytes: usize, sequence: u64) -> Self {
        Self { source: source as u32, bytes: (bytes + SEGMENT_BYTES) as u32, sequence, sent_ns: now_ns() }
    }

    /// A COM segment (ITU-T T.81, B.2.4.5) to follow a picture's first marker.
    pub(crate) fn segment(self) -> [u8; SEGMENT_BYTES] {
        let mut segment = [0; SEGMENT_BYTES];
        segment[..2].copy_from_slice(&[0xff, 0xfe]);
        segment[2..4].copy_from_slice(&(SEGMENT_BYTES as u16 - 2).to_be_bytes());
        segment[4..10].copy_from_slice(MAGIC);
        segment[10..14].copy_from_slice(&self.source.to_be_bytes());
        segment[14..18].copy_from_slice(&self.bytes.to_be_bytes());
        segment[18..26].copy_from_slice(&self.sequence.to_be_bytes());
        segment[26..].copy_from_slice(&self.sent_ns.to_be_bytes());
        segment
    }

    /// How a stamped picture begins: its first marker and the segment.
    pub(crate) fn beginning(self) -> [u8; BYTES] {
        let mut start = [0; BYTES];
        start[..2].copy_from_slice(&[0xff, 0xd8]);
        start[2..].copy_from_slice(&self.segment());
        start
    }

    /// From the first [`BYTES`] bytes of a picture.
    pub(crate) fn from_bytes(start: &[u8]) -> Option<Self> {
        let rest = start.get(6..BYTES)?.strip_prefix(MAGIC)?;
        let short = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes);
        let long = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
        Some(Self {
            source: short(&rest[..4])?,
            bytes: short(&rest[4..8])?,
            sequence: long(&rest[8..16])?,
            sent_ns: long(&rest[16..])?,
        })
    }

    /// Since it was sent.
    pub(crate) fn age(self, now_ns: u64) -> Duration {
        Duration::from_nanos(now_ns.saturating_sub(self.sent_ns))
    }
}

/// Nanoseconds of the calendar's clock, which processes share. A run in which it is set is lost.
pub(crate) fn now_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_and_other_pictures_have_none() {
        let stamp = Stamp { source: 3, bytes: 75_000, sequence: u64::MAX, sent_ns: 42 };
        let start = stamp.beginning();
        assert_eq!(Stamp::from_bytes(&start), Some(stamp));
        assert_eq!(Stamp::from_bytes(&start[..20]), None);
        assert_eq!(Stamp::from_bytes(&[0xff; 60]), None);
        assert_eq!(stamp.age(1_000_042), Duration::from_millis(1));
    }
}
