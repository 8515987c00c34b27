//! Processes that this one has started to compute for it: what they have counts as its own.

use std::collections::BTreeSet;
use std::fs;

use parking_lot::Mutex;

use super::budget::private_bytes;

static CHILDREN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A child that counts until this is dropped, which is before it is waited for: its number may be another's then.
#[derive(Debug)]
pub struct CountedChild(u32);

impl CountedChild {
    /// The child of that number.
    pub fn new(pid: u32) -> Self {
        CHILDREN.lock().insert(pid);
        Self(pid)
    }

    /// What it has for itself now, in bytes.
    pub fn used_bytes(&self) -> u64 {
        used_by(self.0)
    }
}

impl Drop for CountedChild {
    fn drop(&mut self) {
        CHILDREN.lock().remove(&self.0);
    }
}

/// What all of them have for themselves now, in bytes.
pub(super) fn used_by_all() -> u64 {
    CHILDREN.lock().iter().map(|pid| used_by(*pid)).sum()
}

fn used_by(pid: u32) -> u64 {
    fs::read_to_string(format!("/proc/{pid}/statm")).ok().and_then(|text| private_bytes(&text)).unwrap_or(0)
}
