//! What folders have beside pictures, and what was read before, counted by kind: nothing of a folder goes without a word.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

/// This many kinds are told apart.
const MAX_KINDS: usize = 256;
/// This many kinds are named at the end, the most frequent first.
const NAMED: usize = 8;
const READ_BEFORE: &str = "read before";
/// A longer extension is none.
const MAX_EXTENSION: usize = 12;

/// Counts what is left out; its clones count together.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    kinds: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl LeftOut {
    /// Something whose name begins with a dot; of a hidden folder nothing else is known.
    pub fn count_hidden(&self) {
        self.add("hidden".to_owned());
    }

    /// A picture whose result is there.
    pub fn read_before(&self) {
        self.add(READ_BEFORE.to_owned());
    }

    /// How many pictures are left out because their results are there.
    pub fn count_read_before(&self) -> usize {
        self.kinds.lock().get(READ_BEFORE).copied().unwrap_or_default()
    }

    /// A socket, a pipe or a device.
    pub fn count_special(&self) {
        self.add("not a regular file".to_owned());
    }

    /// A file that has no picture's extension.
    pub fn count_other_kind(&self, path: &Path) {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let named =
            extension.filter(|name| name.len() <= MAX_EXTENSION && name.chars().all(char::is_alphanumeric));
        self.add(match named {
            Some(name) => format!(".{}", name.to_lowercase()),
            None => "without an extension".to_owned(),
        });
    }

    fn add(&self, kind: String) {
        let mut kinds = self.kinds.lock();
        // Whose number is asked for is told apart, however many there are.
        let is_told = kinds.len() < MAX_KINDS || kind == READ_BEFORE || kinds.contains_key(&kind);
        let kind = if is_told { kind } else { "of other kinds".into() };
        *kinds.entry(kind).or_default() += 1;
    }

    /// `7 files were left out: 4 .txt, 2 hidden, 1 .mp4`; `None` where nothing was.
    pub fn in_words(&self) -> Option<String> {
        let kinds = self.kinds.lock();
        let all: usize = kinds.values().sum();
        let mut kinds: Vec<(&String, &usize)> = kinds.iter().collect();
        kinds.sort_by_key(|(name, count)| (usize::MAX - **count, *name));
        let mut words = match all {
            0 => return None,
            1 => "1 file was left out: ".to_owned(),
            all => format!("{all} files were left out: "),
        };
        for (index, (name, count)) in kinds.iter().take(NAMED).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(words, "{comma}{count} {name}");
        }
        if kinds.len() > NAMED {
            let rest: usize = kinds[NAMED..].iter().map(|(_, count)| **count).sum();
            let more = kinds.len() - NAMED;
            let _ = write!(words, " and {rest} of {more} other kind{}", if more == 1 { "" } else { "s" });
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_the_most_frequent_named_first() {
        let left_out = LeftOut::default();
        assert_eq!(left_out.in_words(), None);
        left_out.count_hidden();
        assert_eq!(left_out.in_words().unwrap(), "1 file was left out: 1 hidden");
        for name in ["a.txt", "b.TXT", "c.mp4", "README", "x.an extension that is none"] {
            left_out.clone().count_other_kind(Path::new(name));
        }
        left_out.count_special();
        assert_eq!(
            left_out.in_words().unwrap(),
            "7 files were left out: 2 .txt, 2 without an extension, 1 .mp4, 1 hidden, 1 not a regular file"
        );
    }

    #[test]
    fn a_hundred_thousand_kinds_take_no_more_memory_than_some() {
        let left_out = LeftOut::default();
        for number in 0..100_000 {
            left_out.count_other_kind(Path::new(&format!("a.{number}")));
        }
        assert!(left_out.kinds.lock().len() <= MAX_KINDS + 1);
        let words = left_out.in_words().unwrap();
        assert!(words.starts_with("100000 files were left out: 99744 of other kinds, 1 .0"), "{words}");
        assert!(words.ends_with("and 249 of 249 other kinds"), "{words}");
    }
}
