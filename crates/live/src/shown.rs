//! What of an analysis is shown to those who watch it, and what of that is counted.

use std::collections::BTreeSet;

/// What of an analysis is shown, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ViewOptions {
    /// Objects that keep their number, instead of what each picture shows.
    pub tracking: Option<Tracking>,
    /// Least confidence that is shown, in hundredths (25 is 0.25).
    pub confidence: u8,
    /// Names beside the boxes.
    pub labels: bool,
    /// Classes that are shown, sorted; empty: all.
    pub classes: Vec<String>,
}

/// What is shown of objects that keep their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tracking {
    /// Where they have been.
    pub trails: bool,
    /// How many there are and have been, in a corner.
    pub stats: bool,
}

impl ViewOptions {
    /// Least confidence that is shown, 0–1.
    pub fn confidence(&self) -> f32 {
        f32::from(self.confidence) / 100.0
    }

    /// Whether that class is shown.
    pub fn is_class_shown(&self, label: &str) -> bool {
        is_among(label, &self.classes)
    }
}

/// How many objects views show and have shown.
#[derive(Debug, Default)]
pub struct ShownObjects {
    /// The newest of those that were shown.
    ids: BTreeSet<u64>,
    /// Of older ones it is not known any more whether they were, and they are not counted again.
    forgotten: u64,
    unique: u64,
}

impl ShownObjects {
    const MOST_IDS: usize = 1024;

    /// These are shown now.
    pub fn count_shown(&mut self, ids: impl Iterator<Item = u64>) -> Stats {
        let mut objects = 0;
        for id in ids {
            objects += 1;
            self.unique += u64::from(id > self.forgotten && self.ids.insert(id));
        }
        while self.ids.len() > Self::MOST_IDS {
            self.forgotten = self.ids.pop_first().unwrap_or(self.forgotten);
        }
        Stats { objects, unique: self.unique }
    }
}

/// What stands in the corner of a tracking picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Objects in this picture.
    pub objects: usize,
    /// Since the analysis began.
    pub unique: u64,
}

/// Whether a class was asked for; without any names all are.
pub fn is_among(label: &str, classes: &[String]) -> bool {
    classes.is_empty() || classes.iter().any(|class| class.eq_ignore_ascii_case(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_shown_again_is_not_counted_again_and_nothing_grows() {
        let mut seen = ShownObjects::default();
        let mut see = |ids: &[u64]| {
            let Stats { objects, unique } = seen.count_shown(ids.iter().copied());
            (objects, unique)
        };
        assert_eq!(see(&[]), (0, 0));
        assert_eq!(see(&[1, 2]), (2, 2));
        assert_eq!(see(&[2]), (1, 2));
        assert_eq!(see(&[1, 2, 5]), (3, 3), "one came back, one is new");
        let many: Vec<u64> = (10..5010).collect();
        assert_eq!(see(&many), (5000, 5003));
        assert_eq!(see(&[5009]), (1, 5003));
        assert_eq!(see(&[2, 5009]), (2, 5003), "a parked car is not counted with each picture");
        assert_eq!(see(&[2, 5010]), (2, 5004));
        assert_eq!(seen.ids.len(), ShownObjects::MOST_IDS);
    }
}
