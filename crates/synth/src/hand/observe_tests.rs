//! That hands are found and lost as often as was measured.

use super::observe::{Camera, Hindrance, Landmarks, observe_performance};
use super::{Act, Interval, Label, Performance, Shape, Side, sets};

const GOOD: Camera = Camera { fps: 30.0, exposure_s: 1.0 / 60.0 };
const POOR: Camera = Camera { fps: 15.0, exposure_s: 1.0 / 15.0 };

#[test]
fn the_same_seed_finds_the_same() {
    let performance = Performance::new(Act::Talk, 3);
    let joints = |seed: u64| -> Vec<Option<[[f32; 3]; 21]>> {
        let observations = observe_performance(&performance, GOOD, seed);
        observations
            .iter()
            .flat_map(|seen| seen.hands.iter().map(|hand| hand.as_ref().map(|h| h.joints)))
            .collect()
    };
    assert_eq!(joints(5), joints(5));
    assert_ne!(joints(5), joints(6));
}

/// The measured points, and one between two of them.
#[test]
fn the_rates_are_the_measured_ones() {
    let easy = Hindrance { blur: 0.0, moved: 0.0, palm_px: 70.0, outside: 0.0 };
    let near = |rate: f32, measured: f32| assert!((rate - measured).abs() < 1e-3, "{rate} {measured}");
    for (blur, tracked, found) in
        [(0.25, 1.0, 1.0), (0.5, 0.89, 0.44), (0.75, 0.33, 0.13), (1.0, 0.11, 0.0), (0.625, 0.61, 0.285)]
    {
        near(Hindrance { blur, ..easy }.tracked_chance(), tracked);
        near(Hindrance { blur, ..easy }.found_chance(), found);
    }
    for (moved, tracked) in [(0.5, 1.0), (0.75, 0.99), (1.0, 0.67), (1.25, 0.11)] {
        near(Hindrance { moved, ..easy }.tracked_chance(), tracked);
    }
    for (palm_px, found) in [(48.0, 0.98), (32.0, 0.82), (24.0, 0.31), (20.0, 0.02)] {
        near(Hindrance { palm_px, ..easy }.found_chance(), found);
    }
    for (outside, seen) in [(0.3, 1.0), (0.45, 0.93), (0.6, 0.64)] {
        near(Hindrance { outside, ..easy }.found_chance(), seen);
        near(Hindrance { outside, ..easy }.tracked_chance(), seen);
    }
}

/// Of hands that are held still and inside the picture.
#[test]
fn a_tenth_of_the_pictures_is_without_the_hand() {
    let (mut found, mut all, mut longest) = (0, 0, 0);
    for case in sets::shape_cases(270, 1) {
        let performance = case.performance();
        let Interval { from, to, .. } = performance.truth()[0];
        let observations = observe_performance(&performance, GOOD, case.seed);
        let held = |t: f32| t > from + 0.2 && t < to && performance.hands_at(t)[0].palm_px() > 60.0;
        let mut gap = 0;
        for observation in observations.iter().filter(|observation| held(observation.t)) {
            all += 1;
            found += usize::from(observation.hands[0].is_some());
            gap = if observation.hands[0].is_some() { 0 } else { gap + 1 };
            longest = longest.max(gap);
        }
    }
    let share = found as f32 / all as f32;
    assert!(all > 4000 && (share - 0.9).abs() < 0.02, "{share} of {all}");
    assert!(longest > 2, "gaps come in bursts as well: {longest}");
}

/// Of pictures whose predecessor had the hand: how often it is found again, by how likely the tables say that is.
#[test]
fn a_followed_hand_is_lost_as_the_tables_say() {
    let mut bins = [(0.0_f32, 0.0_f32, 0_usize); 5];
    for (camera, case) in [GOOD, POOR]
        .into_iter()
        .flat_map(|camera| sets::stroke_cases(280, 2).into_iter().map(move |c| (camera, c)))
    {
        let performance = case.performance();
        let observations = observe_performance(&performance, camera, case.seed);
        for pair in observations.windows(2).filter(|pair| pair[0].hands[0].is_some()) {
            let (t, half) = (pair[1].t, camera.exposure_s / 2.0);
            let [opened, now, closed, before] =
                [t - half, t, t + half, pair[0].t].map(|t| performance.hands_at(t).remove(0));
            let hindrance = Hindrance::new(&opened, &now, &closed, &before);
            let tracked = hindrance.tracked_chance();
            // Lost by one and found at once by the other, with no wait in a third of the cases; but for a gap.
            let expected = (tracked + (1.0 - tracked) * hindrance.found_chance() / 3.0) * (1.0 - 0.0494);
            let bin = &mut bins[((tracked * 5.0) as usize).min(4)];
            bin.0 += expected;
            bin.1 += f32::from(u8::from(pair[1].hands[0].is_some()));
            bin.2 += 1;
        }
    }
    for (expected, found, count) in bins {
        assert!(count > 50, "{bins:?}");
        let (expected, found) = (expected / count as f32, found / count as f32);
        assert!((expected - found).abs() < 3.0 * (0.25 / count as f32).sqrt().min(0.05), "{bins:?}");
    }
}

#[test]
fn a_swipe_holds_in_a_good_camera_and_breaks_in_a_poor_one() {
    let seen = |camera: Camera| {
        let (mut found, mut all) = (0, 0);
        for case in sets::stroke_cases(280, 3) {
            let performance = case.performance();
            let stroke = performance.truth().iter().find(|i| matches!(i.label, Label::Stroke(_)));
            let Interval { from, to, .. } = *stroke.unwrap();
            for seen in observe_performance(&performance, camera, case.seed)
                .iter()
                .filter(|o| (from..to).contains(&o.t))
            {
                all += 1;
                found += usize::from(seen.hands[0].is_some());
            }
        }
        found as f32 / all as f32
    };
    let (good, poor) = (seen(GOOD), seen(POOR));
    assert!(good > 0.7 && good < 0.92 && poor < good - 0.2, "{good} {poor}");
}

#[test]
fn a_still_hand_jitters_as_measured() {
    for seed in 0..40 {
        let performance = Performance::new(Act::Held(Shape::OpenPalm), seed);
        let Interval { from, to, .. } = performance.truth()[0];
        let observations = observe_performance(&performance, Camera { fps: 200.0, exposure_s: 1e-3 }, seed);
        let mut offs = Vec::new();
        for observation in observations.iter().filter(|o| (from + 0.1..to).contains(&o.t)) {
            let truth = &performance.hands_at(observation.t)[0];
            if let Some(Landmarks { joints, presence, .. }) = &observation.hands[0] {
                offs.push((joints[0][0] - truth.joints[0][0]) / truth.palm_px());
                assert!(*presence >= 0.95);
            }
        }
        if offs.len() < 50 {
            // Too small to be found.
            continue;
        }
        let mean = offs.iter().sum::<f32>() / offs.len() as f32;
        let variance = offs.iter().map(|off| (off - mean).powi(2)).sum::<f32>() / offs.len() as f32;
        assert!((0.004..0.012).contains(&variance.sqrt()), "{}", variance.sqrt());
        assert!(mean.abs() < 0.06, "{mean}");
    }
}

#[test]
fn sides_are_mostly_right_and_false_hands_rare() {
    let (mut right, mut all, mut mistaken, mut pictures) = (0, 0, 0, 0);
    for case in sets::bystander_cases(140, 4) {
        let performance = case.performance();
        for observation in observe_performance(&performance, GOOD, case.seed) {
            pictures += 1;
            mistaken += usize::from(observation.false_hand.is_some());
            let hands = performance.hands_at(observation.t);
            for (seen, hand) in observation.hands.iter().zip(hands) {
                let Some(seen) = seen else { continue };
                all += 1;
                right += usize::from((seen.right > 0.5) == (hand.side == Side::Right));
            }
        }
    }
    let (right, mistaken) = (right as f32 / all as f32, mistaken as f32 / pictures as f32);
    assert!(right > 0.96 && right < 0.999, "{right}");
    assert!((mistaken - 8.0 / 2364.0).abs() < 0.001, "{mistaken} of {pictures}");
}
