//! How many there are of each, as long as they last.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Of each that has some; so there are no more than of what is counted.
#[derive(Debug)]
pub struct Counts<K: Hash + Eq>(Mutex<HashMap<K, usize>>);

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub struct Counted<K: Hash + Eq> {
    counts: Arc<Counts<K>>,
    of: K,
}

impl<K: Hash + Eq + Clone> Counts<K> {
    /// Without any counts.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    /// One more of these; `None` where there are `most` already.
    pub fn add(self: &Arc<Self>, of: K, most: usize) -> Option<Counted<K>> {
        let mut all = self.0.lock();
        let count = all.get(&of).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        all.insert(of.clone(), count + 1);
        drop(all);
        Some(Counted { counts: self.clone(), of })
    }

    /// How many different ones have some.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl<K: Hash + Eq> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut all = self.counts.0.lock();
        if let Some(count) = all.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.of);
            }
        }
    }
}
