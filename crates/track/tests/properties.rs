//! What the tracker promises whatever it is given.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sightwire_frame::boxes::{Detection, Rect};
use sightwire_track::{Tracker, TrackerOptions};

/// Numbers as they come, and as they should not.
fn edge() -> impl Strategy<Value = f32> {
    prop_oneof![
        20 => 0.0..700.0_f32,
        1 => prop::sample::select(vec![
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN_POSITIVE,
            -0.0,
            -1e5,
            1e5,
            1e-20,
        ]),
        1 => any::<f32>(),
    ]
}

fn detection() -> impl Strategy<Value = Detection> {
    let confidence = prop_oneof![9 => 0.0..1.0_f32, 1 => any::<f32>()];
    // Some stand close to each other so that they meet; classes are few.
    let near = (0..6_u8, -5.0..5.0_f32, -5.0..5.0_f32).prop_map(|(place, x, y)| {
        let (left, top) = (f32::from(place) * 60.0 + x, 100.0 + y);
        [left, top, left + 80.0, top + 120.0]
    });
    let any_edges = [edge(), edge(), edge(), edge()];
    (prop_oneof![near, any_edges], 0..3_usize, confidence).prop_map(
        |([left, top, right, bottom], class, confidence)| Detection {
            rect: Rect { left, top, right, bottom },
            class,
            confidence,
        },
    )
}

fn options() -> impl Strategy<Value = TrackerOptions> {
    (1..40_usize, 0..10_usize, 1..4_u32, 0.0..=1.0_f32, 0..3_u64).prop_map(
        |(max_tracks, trail_points, confirm, other_class, lost_s)| TrackerOptions {
            max_tracks,
            trail_points,
            confirm,
            other_class,
            lost_buffer: Duration::from_secs(lost_s),
            ..TrackerOptions::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ids_are_unique_and_boxes_are_boxes_whatever_is_detected(
        options in options(),
        updates in prop::collection::vec(
            (prop_oneof![8 => 0..200_u64, 1 => 0..40_000_u64], prop::collection::vec(detection(), 0..30)),
            1..40,
        ),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut tracker = Tracker::new(options);
        let mut born: HashMap<u64, Instant> = HashMap::new();
        let mut ids_before = 0;
        for (passed, detections) in updates {
            now += Duration::from_millis(passed);
            tracker.update(now, &detections);
            prop_assert!(tracker.len() <= options.max_tracks);
            for later in [0, 15, 350, 100_000] {
                let at = now + Duration::from_millis(later);
                let tracks = tracker.predict(at);
                // by id, and none twice
                prop_assert!(tracks.windows(2).all(|pair| pair[0].id < pair[1].id));
                for track in tracks {
                    let Rect { left, top, right, bottom } = track.rect;
                    prop_assert!([left, top, right, bottom].iter().all(|edge| edge.is_finite()), "{:?}", track.rect);
                    prop_assert!(right > left && bottom > top, "{:?}", track.rect);
                    prop_assert!(track.trail.len() <= options.trail_points + 1);
                    prop_assert!(track.trail.iter().all(|point| point.x.is_finite() && point.y.is_finite()));
                    prop_assert!((0.0..=1.0).contains(&track.confidence));
                    prop_assert!(track.held_confidence >= track.confidence && track.held_confidence <= 1.0);
                    // An id always means who was born at one time, so it is never given again.
                    let birth = at.checked_sub(track.age).expect("born after the start");
                    let known = *born.entry(track.id).or_insert(birth);
                    prop_assert_eq!(known, birth);
                    prop_assert!(track.id <= tracker.newest_id());
                }
            }
            prop_assert!(tracker.newest_id() >= ids_before);
            ids_before = tracker.newest_id();
        }
    }
}

/// Numbers that look random and are the same each time.
fn noise(count: usize, seed: u32) -> Vec<Detection> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1_u32 << 24) as f32
    };
    (0..count)
        .map(|_| {
            let (left, top) = (next() * 1200.0, next() * 700.0);
            let rect = Rect { left, top, right: left + next() * 300.0, bottom: top + next() * 300.0 };
            Detection { rect, class: (next() * 80.0) as usize, confidence: next() }
        })
        .collect()
}

#[test]
fn ten_thousand_random_boxes_each_time_leave_no_more_than_the_bounds_allow() {
    let options = TrackerOptions::default();
    let start = Instant::now();
    let mut tracker = Tracker::new(options);
    for step in 0..25 {
        let now = start + Duration::from_millis(100) * step;
        tracker.update(now, &noise(10_000, step + 1));
        assert!(tracker.len() <= options.max_tracks);
        let tracks = tracker.predict(now);
        assert!(tracks.len() <= options.max_tracks);
        assert!(tracks.iter().all(|track| track.trail.len() <= options.trail_points + 1));
    }
    // All of it is gone once nothing more comes.
    for step in 0..20 {
        tracker.update(start + Duration::from_millis(2500 + 100 * step), &[]);
    }
    assert_eq!(tracker.len(), 0);
}
