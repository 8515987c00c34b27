//! A file of which a few bytes read otherwise.

use std::io::{self, Read, Seek, SeekFrom};

/// Reads bytes with replacements, and if asked for with the bits of each byte in reverse.
#[derive(Debug)]
pub(super) struct Patched<'a> {
    bytes: &'a [u8],
    position: u64,
    patches: Vec<(u64, Vec<u8>)>,
    reverse: bool,
}

impl<'a> Patched<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, patches: Vec::new(), reverse: false }
    }

    /// From now on, the bytes at `at` read as `bytes`.
    pub fn patch(&mut self, at: u64, bytes: Vec<u8>) {
        self.patches.push((at, bytes));
    }

    /// From now on, each byte's lowest bit comes first.
    pub fn reverse_bits(&mut self, reverse: bool) {
        self.reverse = reverse;
    }
}

impl Read for Patched<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest =
            usize::try_from(self.position).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        let count = rest.len().min(out.len());
        let out = &mut out[..count];
        out.copy_from_slice(&rest[..count]);
        for (at, patch) in &self.patches {
            for (at, &byte) in (*at..).zip(patch) {
                let place = at.checked_sub(self.position).and_then(|place| usize::try_from(place).ok());
                if let Some(target) = place.and_then(|place| out.get_mut(place)) {
                    *target = byte;
                }
            }
        }
        if self.reverse {
            for byte in out {
                *byte = byte.reverse_bits();
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => (self.bytes.len() as u64).checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
