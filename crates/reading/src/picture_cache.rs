//! The pictures of batches that were read last, as they came, to be looked at and read again.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::options::MAX_KEEP;

/// Few pictures, bounded by number and bytes over all batches; of one more, the oldest is let go.
#[derive(Debug)]
pub struct PictureCache {
    max_bytes: usize,
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    job: Arc<str>,
    index: usize,
    bytes: Bytes,
}

impl PictureCache {
    /// At most [`MAX_KEEP`] pictures with this many bytes in all.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, kept: Mutex::default() }
    }

    /// Keeps a file's picture; `max` is how many of that batch may be kept.
    pub fn insert(&self, job: &Arc<str>, index: usize, bytes: Bytes, max: usize) {
        if max == 0 || bytes.len() > self.max_bytes {
            return;
        }
        let mut kept = self.kept.lock();
        kept.retain(|k| k.index != index || k.job != *job);
        kept.push_back(Kept { job: job.clone(), index, bytes });
        while kept.iter().filter(|k| k.job == *job).count() > max {
            let oldest = kept.iter().position(|k| k.job == *job);
            oldest.map(|oldest| kept.remove(oldest));
        }
        while kept.len() > MAX_KEEP || kept.iter().map(|k| k.bytes.len()).sum::<usize>() > self.max_bytes {
            kept.pop_front();
        }
    }

    /// A file's picture, if it is still kept.
    pub fn get(&self, job: &str, index: usize) -> Option<Bytes> {
        let kept = self.kept.lock();
        kept.iter().find(|k| k.index == index && &*k.job == job).map(|k| k.bytes.clone())
    }

    /// Which of a batch are kept.
    pub fn indexes(&self, job: &str) -> Vec<usize> {
        self.kept.lock().iter().filter(|k| &*k.job == job).map(|k| k.index).collect()
    }

    /// Number and bytes of all that are kept.
    pub fn usage(&self) -> (usize, usize) {
        let kept = self.kept.lock();
        (kept.len(), kept.iter().map(|k| k.bytes.len()).sum())
    }

    /// Lets those of a batch go.
    pub fn forget_job(&self, job: &str) {
        self.kept.lock().retain(|k| &*k.job != job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    #[test]
    fn the_last_of_each_batch_are_kept_within_the_bounds_of_all() {
        let keep = PictureCache::new(1000);
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        for index in 0..5 {
            keep.insert(&a, index, picture(100), 3);
        }
        assert_eq!(keep.indexes("a"), [2, 3, 4]);
        keep.insert(&a, 2, picture(50), 3);
        assert_eq!(keep.indexes("a"), [3, 4, 2], "read again, it is the last");
        keep.insert(&b, 0, picture(800), 3);
        assert_eq!((keep.indexes("a"), keep.usage()), (vec![4, 2], (3, 950)));
        keep.insert(&b, 1, picture(2000), 3);
        assert_eq!(keep.get("b", 1), None, "one that is too large drives nothing out");
        assert_eq!(keep.get("b", 0).unwrap().len(), 800);
        for index in 0..50 {
            keep.insert(&b, index, picture(1), 50);
        }
        assert_eq!(keep.usage().0, MAX_KEEP);
        keep.forget_job("b");
        assert_eq!(keep.usage(), (0, 0));
    }
}
