//! Of boxes of one thing, the surest: greedy non-maximum suppression, for each class on its own.

use sightwire_frame::boxes::Detection;

/// Sorts by confidence, the surest first, and keeps at most `max_boxes`, none of which overlaps a surer one of its class
/// by more than `iou`.
pub(super) fn suppress_overlaps(found: &mut Vec<Detection>, iou: f32, max_boxes: usize) {
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept = 0;
    for index in 0..found.len() {
        if kept == max_boxes {
            break;
        }
        let candidate = found[index];
        let surer = &found[..kept];
        if surer.iter().all(|other| other.class != candidate.class || other.rect.iou(&candidate.rect) <= iou)
        {
            found[kept] = candidate;
            kept += 1;
        }
    }
    found.truncate(kept);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sightwire_frame::boxes::{Detection, Rect};

    use super::*;

    fn found(left: f32, class: usize, confidence: f32) -> Detection {
        Detection { rect: Rect { left, top: 0.0, right: left + 10.0, bottom: 10.0 }, class, confidence }
    }

    #[test]
    fn of_overlapping_boxes_of_a_class_the_surest_stays() {
        // By 8 of 10 pixels: an overlap of 8/12.
        let mut all = vec![found(0.0, 1, 0.5), found(2.0, 1, 0.9), found(2.0, 2, 0.4), found(40.0, 1, 0.3)];
        suppress_overlaps(&mut all, 0.5, 50);
        let kept: Vec<_> = all.iter().map(|d| (d.class, d.confidence)).collect();
        assert_eq!(kept, [(1, 0.9), (2, 0.4), (1, 0.3)]);
    }

    #[test]
    fn an_overlap_of_just_the_limit_is_none() {
        // By 5 of 10 pixels: an overlap of 5/15.
        let mut all = vec![found(0.0, 0, 0.9), found(5.0, 0, 0.8)];
        suppress_overlaps(&mut all, 5.0 / 15.0, 50);
        assert_eq!(all.len(), 2);
        suppress_overlaps(&mut all, 0.33, 50);
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn one_that_is_dropped_drops_no_other() {
        // Each overlaps the next by 2/3, the first and the third by less than a half.
        let mut all = vec![found(0.0, 0, 0.9), found(2.0, 0, 0.8), found(4.0, 0, 0.7)];
        suppress_overlaps(&mut all, 0.5, 50);
        assert_eq!(all.iter().map(|d| d.rect.left).collect::<Vec<_>>(), [0.0, 4.0]);
    }

    proptest! {
        #[test]
        fn what_is_left_overlaps_nothing_and_what_is_gone_overlapped_something_surer(
            boxes in prop::collection::vec((0.0..60.0_f32, 0..3_usize, 0.0..1.0_f32), 0..40),
            iou in 0.0..1.0_f32,
            max in 0..20_usize,
        ) {
            let all: Vec<_> = boxes.iter().map(|(left, class, sure)| found(*left, *class, *sure)).collect();
            let mut kept = all.clone();
            suppress_overlaps(&mut kept, iou, max);
            prop_assert!(kept.len() <= max);
            prop_assert!(kept.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
            for (index, one) in kept.iter().enumerate() {
                for other in &kept[..index] {
                    prop_assert!(one.class != other.class || one.rect.iou(&other.rect) <= iou);
                }
            }
            if kept.len() < max {
                for gone in all.iter().filter(|d| !kept.contains(d)) {
                    let because = kept.iter().any(|d| {
                        d.class == gone.class && d.confidence >= gone.confidence && d.rect.iou(&gone.rect) > iou
                    });
                    prop_assert!(because, "{gone:?}");
                }
            }
        }
    }
}
