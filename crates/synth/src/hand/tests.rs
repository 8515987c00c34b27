//! What the generated hands promise.

use super::arm::Angles;
use super::geometry::{cross, dot, length, sub, unit};
use super::skeleton::{Finger, Grip, Thumb, deg};
use super::*;

const ACTS: [Act; 7] = [Act::Talk, Act::Sign, Act::Walk, Act::Drink, Act::Type, Act::HoldCup, Act::Empty];

fn performances(count: usize) -> Vec<Performance> {
    let sets = [sets::shape_cases(count, 1), sets::stroke_cases(count, 1), sets::bystander_cases(count, 1)];
    sets.into_iter().flatten().map(|case| case.performance()).collect()
}

fn times(performance: &Performance, step: f32) -> impl Iterator<Item = f32> {
    let count = (performance.duration() / step) as usize;
    (0..=count).map(move |i| i as f32 * step)
}

fn interval(performance: &Performance, is: impl Fn(Label) -> bool) -> Interval {
    *performance.truth().iter().find(|interval| is(interval.label)).unwrap()
}

fn stroke_of(performance: &Performance) -> Interval {
    interval(performance, |label| matches!(label, Label::Stroke(_)))
}

/// The mean of x, y of palm where a hand is.
fn palm(performance: &Performance, t: f32) -> [f32; 2] {
    performance.hands_at(t)[0].palm()
}

fn degrees_between(a: [f32; 2], b: [f32; 2]) -> f32 {
    let cos = (a[0] * b[0] + a[1] * b[1]) / (a[0].hypot(a[1]) * b[0].hypot(b[1]));
    cos.clamp(-1.0, 1.0).acos().to_degrees()
}

#[test]
fn the_same_seed_is_the_same_performance() {
    for case in
        sets::stroke_cases(7, 3).into_iter().chain(sets::bystander_cases(7, 3)).chain(sets::shape_cases(9, 3))
    {
        let [a, b] = [case.performance(), case.performance()];
        assert_eq!(a.truth(), b.truth());
        for t in [0.0, 1.1, 2.3] {
            let [a, b] = [a.hands_at(t), b.hands_at(t)];
            assert!(a.iter().zip(&b).all(|(a, b)| a.joints == b.joints), "{case:?}");
        }
    }
    assert_ne!(sets::stroke_cases(7, 3), sets::stroke_cases(7, 4));
}

#[test]
fn every_kind_is_in_its_set_as_often_as_the_others() {
    let count = |cases: &[sets::Case], act: Act| cases.iter().filter(|case| case.act == act).count();
    let (shapes, strokes, others) =
        (sets::shape_cases(90, 1), sets::stroke_cases(70, 1), sets::bystander_cases(70, 1));
    assert!(Shape::ALL.into_iter().all(|shape| count(&shapes, Act::Held(shape)) == 10));
    assert!(Stroke::ALL.into_iter().all(|stroke| count(&strokes, Act::Stroke(stroke)) == 10));
    assert!(ACTS.into_iter().all(|act| count(&others, act) == 10));
}

#[test]
fn joints_stay_within_their_limits() {
    const NEARLY: f32 = 1e-4;
    for performance in performances(63) {
        for (t, track) in
            times(&performance, 0.04).flat_map(|t| performance.tracks.iter().map(move |track| (t, track)))
        {
            let Grip { thumb, fingers } = track.grip_at(t);
            let fingers = fingers.iter().flat_map(|finger| finger.angles().into_iter().zip(Finger::LIMITS));
            let wrist = track.arm_at(t).angles;
            let wrist = [wrist.flexion, wrist.deviation, wrist.twist].into_iter().zip(Angles::LIMITS);
            for (angle, (least, most)) in
                fingers.chain(thumb.angles().into_iter().zip(Thumb::LIMITS)).chain(wrist)
            {
                assert!(angle >= least - NEARLY && angle <= most + NEARLY, "{:?} {t}", performance.act);
            }
        }
    }
}

#[test]
fn bones_keep_their_length() {
    for performance in performances(21) {
        for track in &performance.tracks {
            let lengths = |t: f32| {
                let solid = track.solid_at(t);
                let mut lengths = BONES.map(|(a, b)| length(sub(solid.joints[a], solid.joints[b]))).to_vec();
                lengths.push(length(sub(solid.joints[0], solid.elbow)));
                lengths
            };
            let first = lengths(0.0);
            assert!((first[8] - 1.0).abs() < 1e-3, "P is the unit");
            for t in times(&performance, 0.07) {
                let off = lengths(t).iter().zip(&first).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 1e-3, "{:?} at {t}: {off}", performance.act);
            }
        }
    }
}

#[test]
fn a_left_hand_is_a_right_one_mirrored() {
    for performance in performances(63) {
        for t in times(&performance, 0.3) {
            for (track, hand) in performance.tracks.iter().zip(performance.hands_at(t)) {
                let solid = track.solid_at(t);
                // Thumb's side × fingers is where a right palm faces.
                let across = sub(solid.joints[5], solid.joints[17]);
                let along = sub(solid.joints[9], solid.joints[0]);
                let facing = dot(unit(cross(across, along)), solid.normal);
                assert!(if hand.side == Side::Right { facing > 0.9 } else { facing < -0.9 }, "{facing}");
            }
        }
    }
}

#[test]
fn a_stroke_goes_where_its_truth_says() {
    let mut ways: [Vec<f32>; 3] = Default::default();
    let mut most = 0.0_f32;
    for performance in sets::stroke_cases(700, 5).iter().map(sets::Case::performance) {
        let Act::Stroke(stroke) = performance.act else { unreachable!() };
        let Some(direction) = stroke.direction() else { continue };
        let Interval { from, to, .. } = stroke_of(&performance);
        let [a, b] = [from, to].map(|t| palm(&performance, t));
        let way = [b[0] - a[0], b[1] - a[1]];
        let off = degrees_between(way, direction);
        let turn = performance.tracks[0].turn.0.to_degrees().abs();
        assert!(off <= 25.5 && turn <= 25.01, "{:?} {off} {turn}", performance.act);
        most = most.max(off);
        let hand = &performance.hands_at(f32::midpoint(from, to))[0];
        ways[performance.hinge.unwrap() as usize].push(way[0].hypot(way[1]) / hand.palm_px());
    }
    assert!(most > 20.0, "strokes are turned: {most}");
    for (ways, (least, most)) in ways.iter().zip([(0.5, 2.1), (2.4, 3.4), (2.6, 3.4)]) {
        assert!(ways.iter().all(|way| (least..most).contains(way)), "{ways:?}");
    }
    let half = ways[0].len() as f32 / ways.iter().map(Vec::len).sum::<usize>() as f32;
    assert!((half - 0.5).abs() < 0.08, "half of the strokes turn about the wrist: {half}");
}

#[test]
fn a_stroke_lasts_and_begins_as_its_ranges_say() {
    for performance in sets::stroke_cases(350, 6).iter().map(sets::Case::performance) {
        let arm = interval(&performance, |label| label == Label::Arm);
        let stroke = stroke_of(&performance);
        let (hold, gap, seconds) = (arm.to - arm.from, stroke.from - arm.to, stroke.to - stroke.from);
        let (least, most) = match (performance.act, performance.hinge.unwrap()) {
            (Act::Stroke(Stroke::Wave), _) => (2.0 / 3.0, 4.0 / 1.5),
            (Act::Stroke(Stroke::Push | Stroke::Pull), _) => (0.4 / 1.6, 0.4 / 0.6),
            (_, Hinge::Wrist) => (0.3 / 1.6, 0.3 / 0.6 * 2.0),
            (_, Hinge::Elbow | Hinge::Arm) => (0.3 / 1.6, 0.3 / 0.6),
        };
        assert!((0.599..1.001).contains(&hold) && (0.099..1.001).contains(&gap), "{hold} {gap}");
        assert!(seconds > least - 1e-3 && seconds < most + 1e-3, "{:?} {seconds}", performance.act);
        let truth = performance.truth();
        assert!(truth.windows(2).all(|pair| pair[0].to <= pair[1].from), "{truth:?}");
        assert!(truth[truth.len() - 1].to < performance.duration());
        let ends = [0.0, performance.duration()].map(|t| performance.hands_at(t)[0].outside);
        assert!(ends.iter().all(|&outside| outside > 0.9), "comes from outside and goes there: {ends:?}");
    }
}

/// From the knuckle to the tip, as a share of the finger's bones.
fn straightness(joints: &[[f32; 3]; JOINTS], finger: usize) -> f32 {
    let first = 5 + 4 * finger;
    let bones: f32 = (0..3).map(|i| length(sub(joints[first + i + 1], joints[first + i]))).sum();
    length(sub(joints[first + 3], joints[first])) / bones
}

#[test]
fn the_palm_that_arms_is_open_upright_and_still() {
    for performance in sets::stroke_cases(210, 7).iter().map(sets::Case::performance) {
        let Interval { from, to, .. } = interval(&performance, |label| label == Label::Arm);
        let [first, .., last] =
            [from, f32::midpoint(from, to), to].map(|t| performance.hands_at(t).remove(0));
        for hand in [&first, &last] {
            let open = (0..4).map(|finger| straightness(&hand.joints, finger)).fold(1.0, f32::min);
            assert!(open > 0.96, "{open}");
            let along = sub(hand.joints[9], hand.joints[0]);
            let lean = degrees_between([along[0], along[1]], [0.0, -1.0]);
            assert!(lean < 33.0, "{:?} {:?} {lean}", performance.act, performance.hinge);
            // Facing the camera, but for yaw and pitch.
            assert!(hand.normal[2] < -0.7, "{:?} {:?}", performance.act, hand.normal);
            assert!(hand.is_visible());
        }
        let [a, b] = [first.palm(), last.palm()];
        let moved = (a[0] - b[0]).hypot(a[1] - b[1]) / first.palm_px();
        assert!(moved < 0.15, "{moved}");
    }
}

#[test]
fn a_push_grows_and_a_pull_shrinks_with_an_open_hand_at_both_ends() {
    for performance in sets::stroke_cases(350, 8).iter().map(sets::Case::performance) {
        let Act::Stroke(stroke @ (Stroke::Push | Stroke::Pull)) = performance.act else { continue };
        let Interval { from, to, .. } = stroke_of(&performance);
        let hands = [from, to].map(|t| performance.hands_at(t).remove(0));
        let growth = hands[1].palm_px() / hands[0].palm_px();
        let growth = if stroke == Stroke::Push { growth } else { 1.0 / growth };
        // The wrist, at which P is seen, is nearer or farther than the palm.
        assert!((1.4..2.45).contains(&growth), "{growth}");
        for hand in &hands {
            assert!((0..4).all(|finger| straightness(&hand.joints, finger) > 0.96));
        }
    }
}

#[test]
fn a_wave_swings_two_to_four_times() {
    for performance in sets::stroke_cases(210, 9).iter().map(sets::Case::performance) {
        if performance.act != Act::Stroke(Stroke::Wave) {
            continue;
        }
        let Interval { from, to, .. } = stroke_of(&performance);
        let lean = |t: f32| {
            let joints = performance.hands_at(t).remove(0).joints;
            (joints[9][0] - joints[0][0]).atan2(joints[0][1] - joints[9][1])
        };
        let middle = lean(from);
        let count = 400;
        let leans: Vec<f32> =
            (0..=count).map(|i| lean(from + (to - from) * i as f32 / count as f32) - middle).collect();
        let crossings = leans.windows(2).filter(|pair| (pair[0] > 0.02) != (pair[1] > 0.02)).count();
        let most = leans.iter().fold(0.0_f32, |most, lean| most.max(lean.abs())).to_degrees();
        assert!((3..=9).contains(&crossings), "{crossings}");
        assert!((17.0..42.0).contains(&most), "{most}");
    }
}

#[test]
fn held_shapes_have_the_fingers_of_their_names() {
    for performance in sets::shape_cases(360, 10).iter().map(sets::Case::performance) {
        let Act::Held(shape) = performance.act else { unreachable!() };
        let Interval { from, to, .. } = performance.truth()[0];
        assert!((0.999..2.001).contains(&(to - from)));
        let hand = &performance.hands_at(f32::midpoint(from, to))[0];
        let joints = &hand.joints;
        let is_straight: [bool; 4] = std::array::from_fn(|finger| straightness(joints, finger) > 0.9);
        let p = hand.palm_px();
        let pinch = length(sub(joints[4], joints[8])) / p;
        let thumb = sub(joints[4], joints[2]);
        let expected = match shape {
            Shape::OpenPalm => [true; 4],
            Shape::Fist | Shape::ThumbUp | Shape::ThumbDown => [false; 4],
            Shape::Point => [true, false, false, false],
            Shape::Victory => [true, true, false, false],
            Shape::Ok => [false, true, true, true],
            Shape::ILoveYou => [true, false, false, true],
            Shape::None => continue,
        };
        assert_eq!(is_straight, expected, "{shape:?}");
        assert!(if shape == Shape::Ok { pinch < 0.16 } else { pinch > 0.2 }, "{shape:?} {pinch}");
        // Down is where y grows.
        let turned = degrees_between([thumb[0], thumb[1]], [0.0, 1.0]);
        match shape {
            Shape::ThumbUp => assert!(turned > 180.0 - 70.0, "{turned}"),
            Shape::ThumbDown => assert!(turned < 70.0, "{turned}"),
            _ => {}
        }
        assert!(hand.is_visible(), "{shape:?} {}", hand.outside);
    }
}

/// A recogniser may be armed by an open upright palm of 0.4 s; who signs does not hold one.
#[test]
fn who_signs_shows_open_palms_only_in_passing() {
    const STEP: f32 = 0.01;
    let mut seen = 0;
    for seed in 0..60 {
        let performance = Performance::new(Act::Sign, seed);
        let mut since = vec![0.0_f32; performance.tracks.len()];
        for t in times(&performance, STEP) {
            for (hand, since) in performance.hands_at(t).iter().zip(&mut since) {
                let is_open = (0..4).all(|finger| straightness(&hand.joints, finger) > 0.95)
                    && length(sub(hand.joints[4], hand.joints[9])) / hand.palm_px() > 0.5;
                *since = if is_open { *since + STEP } else { 0.0 };
                seen += usize::from(is_open);
                assert!(*since < 0.3, "seed {seed} at {t}");
            }
        }
    }
    assert!(seen > 100, "there are some: {seen}");
}

#[test]
fn hands_that_mean_nothing_have_no_truth_and_move() {
    for performance in sets::bystander_cases(140, 11).iter().map(sets::Case::performance) {
        assert!(performance.truth().is_empty());
        assert!(performance.duration() > 1.0 && performance.duration() < 14.0);
        let seen = times(&performance, 0.1)
            .filter(|&t| performance.hands_at(t).iter().any(HandAt::is_visible))
            .count();
        assert_eq!(seen > 10, performance.act != Act::Empty, "{:?} {seen}", performance.act);
    }
}

#[test]
fn a_degree_is_a_degree() {
    assert!((deg(180.0) - std::f32::consts::PI).abs() < 1e-6);
}
