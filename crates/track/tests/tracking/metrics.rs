//! How good a tracker is: CLEAR MOT (Bernardin and Stiefelhagen 2008) and the ID measures (Ristani et al. 2016).

use std::collections::HashMap;

use sightwire_frame::boxes::Rect;
use sightwire_track::assignment::{Costs, assign_pairs};

/// Boxes with the number of their object, at one time.
pub type Boxes = Vec<(u64, Rect)>;

/// Boxes that share less do not mean the same.
const LEAST_IOU: f32 = 0.5;

/// Counts over one or more sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Boxes of the truth, and boxes found.
    pub truth: usize,
    pub found: usize,
    /// Boxes of the truth that were not found, boxes found that are none, and times an object changed its number.
    pub missed: usize,
    pub false_boxes: usize,
    pub switches: usize,
    /// Boxes found under the number that is the object's over the whole sequence.
    pub identified: usize,
}

impl Score {
    pub fn mota(&self) -> f64 {
        1.0 - (self.missed + self.false_boxes + self.switches) as f64 / self.truth as f64
    }

    pub fn idf1(&self) -> f64 {
        2.0 * self.identified as f64 / (self.truth + self.found) as f64
    }

    pub fn add(&mut self, other: &Self) {
        self.truth += other.truth;
        self.found += other.found;
        self.missed += other.missed;
        self.false_boxes += other.false_boxes;
        self.switches += other.switches;
        self.identified += other.identified;
    }
}

/// Scores one sequence: for each picture the truth and what was found.
pub fn score(pictures: &[(Boxes, Boxes)]) -> Score {
    let mut score = Score { identified: identified(pictures), ..Score::default() };
    // Which number an object had when it was last found.
    let mut known: HashMap<u64, u64> = HashMap::new();
    for (truth, found) in pictures {
        // A track that still lies where its object is keeps it; the others are paired anew.
        let kept = |object: u64, number: u64| known.get(&object) == Some(&number);
        let costs = Costs::new(truth.len(), found.len(), |row, column| {
            let iou = truth[row].1.iou(&found[column].1);
            if iou < LEAST_IOU {
                f32::INFINITY
            } else if kept(truth[row].0, found[column].0) {
                -1000.0
            } else {
                1.0 - iou
            }
        });
        let pairs = assign_pairs(&costs, 1.0);
        score.truth += truth.len();
        score.found += found.len();
        score.missed += truth.len() - pairs.len();
        score.false_boxes += found.len() - pairs.len();
        for (row, column) in pairs {
            let (object, number) = (truth[row].0, found[column].0);
            if known.insert(object, number).is_some_and(|before| before != number) {
                score.switches += 1;
            }
        }
    }
    score
}

/// The most boxes that can be right when each object has one number and each number one object.
fn identified(pictures: &[(Boxes, Boxes)]) -> usize {
    let mut together: HashMap<(u64, u64), usize> = HashMap::new();
    for (truth, found) in pictures {
        for (object, rect) in truth {
            for (number, other) in found {
                if rect.iou(other) >= LEAST_IOU {
                    *together.entry((*object, *number)).or_default() += 1;
                }
            }
        }
    }
    let mut objects: Vec<u64> = together.keys().map(|key| key.0).collect();
    let mut numbers: Vec<u64> = together.keys().map(|key| key.1).collect();
    for all in [&mut objects, &mut numbers] {
        all.sort_unstable();
        all.dedup();
    }
    let count = |row: usize, column: usize| {
        together.get(&(objects[row], numbers[column])).copied().unwrap_or_default()
    };
    let costs = Costs::new(objects.len(), numbers.len(), |row, column| -(count(row, column) as f32));
    assign_pairs(&costs, 0.0).into_iter().map(|(row, column)| count(row, column)).sum()
}

/// Cases small enough to be counted by hand.
mod by_hand {
    use super::*;

    fn at(x: f32) -> Rect {
        Rect { left: x, top: 0.0, right: x + 10.0, bottom: 20.0 }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    /// Two objects far apart over ten pictures, found under the numbers that `number` gives.
    fn two_objects(number: impl Fn(usize, u64) -> Option<u64>) -> Score {
        let pictures: Vec<(Boxes, Boxes)> = (0..10)
            .map(|picture| {
                let truth = vec![(1, at(0.0)), (2, at(100.0))];
                let found = truth
                    .iter()
                    .filter_map(|&(object, rect)| Some((number(picture, object)?, rect)))
                    .collect();
                (truth, found)
            })
            .collect();
        score(&pictures)
    }

    #[test]
    fn all_found_under_one_number_each_is_one() {
        let score = two_objects(|_, object| Some(object + 7));
        assert!(close(score.mota(), 1.0) && close(score.idf1(), 1.0), "{score:?}");
    }

    #[test]
    fn nothing_found_is_nothing() {
        let score = two_objects(|_, _| None);
        assert!(close(score.mota(), 0.0) && close(score.idf1(), 0.0), "{score:?}");
    }

    #[test]
    fn numbers_exchanged_half_way_are_two_switches_and_half_the_identity() {
        let score = two_objects(|picture, object| Some(if picture < 5 { object } else { 3 - object }));
        assert_eq!((score.switches, score.missed, score.false_boxes), (2, 0, 0));
        // 1 - 2/20, and 2·10 / (20 + 20)
        assert!(close(score.mota(), 0.9) && close(score.idf1(), 0.5), "{score:?}");
    }

    #[test]
    fn a_new_number_after_a_gap_is_one_switch() {
        // Object 1: four pictures as 1, three missed, three as 9. Object 2 found throughout.
        let score = two_objects(|picture, object| match (object, picture) {
            (1, 0..=3) => Some(1),
            (1, 4..=6) => None,
            (1, _) => Some(9),
            _ => Some(2),
        });
        assert_eq!((score.switches, score.missed, score.false_boxes, score.identified), (1, 3, 0, 14));
        // 1 - (3 + 1)/20, and 2·(4 + 10) / (20 + 17)
        assert!(close(score.mota(), 0.8) && close(score.idf1(), 28.0 / 37.0), "{score:?}");
    }

    #[test]
    fn a_box_that_is_nothing_is_false_and_one_too_far_off_is_missed_as_well() {
        let truth = vec![(1, at(0.0))];
        // IoU of boxes 10 wide, 4 apart: 6/14, below a half.
        let pictures = [
            (truth.clone(), vec![(1, at(0.0)), (5, at(300.0))]),
            (truth.clone(), vec![(1, at(4.0))]),
            (truth.clone(), vec![(1, at(3.0))]),
            (vec![], vec![(1, at(3.0))]),
        ];
        let score = score(&pictures);
        assert_eq!((score.truth, score.found, score.missed, score.false_boxes), (3, 5, 1, 3));
        assert_eq!((score.switches, score.identified), (0, 2));
        assert!(close(score.mota(), 1.0 - 4.0 / 3.0) && close(score.idf1(), 0.5), "{score:?}");
    }

    #[test]
    fn a_number_that_still_fits_is_kept_although_another_fits_better() {
        let truth = vec![(1, at(0.0))];
        let pictures =
            [(truth.clone(), vec![(1, at(0.0))]), (truth.clone(), vec![(1, at(2.0)), (2, at(0.0))])];
        let score = score(&pictures);
        assert_eq!((score.switches, score.false_boxes), (0, 1));
    }
}
