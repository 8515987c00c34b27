//! Shapes and strokes of generated hands (`sightwire_synth::hand`), whose ranges were fixed before what recognises them was
//! written, on sets that no constant was chosen on. More of each, with figures by kind: `cargo run --release -p sightwire-hands
//! --example measure_hands 700 20261126`. The figures are in models/hands.md.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod player;

use sightwire_hands::gesture::GestureOptions;
use sightwire_hands::label::Label;
use sightwire_hands::watch::WatchOptions;
use sightwire_synth::hand::sets::{self, Case};
use sightwire_synth::hand::{Act, Camera, Shape};

use player::play;

const SEED: u64 = 20_261_125;
/// A camera in good light, and one in poor light.
const GOOD: Camera = Camera { fps: 30.0, exposure_s: 1.0 / 60.0 };
const POOR: Camera = Camera { fps: 15.0, exposure_s: 1.0 / 30.0 };

/// Half of this many hands, and all of them with `--full`.
fn some_of(all: usize) -> usize {
    if std::env::var_os("SIGHTWIRE_FULL").is_some() { all } else { all / 2 }
}

/// How many of a hundred are right.
fn right(cases: &[Case], camera: Camera, is_right: impl Fn(&Case, &[Label]) -> bool) -> f32 {
    let right = cases.iter().filter(|case| {
        let said = play(&case.performance(), camera, WatchOptions::default());
        let labels: Vec<Label> = said.iter().map(|said| said.label).collect();
        is_right(case, &labels)
    });
    right.count() as f32 * 100.0 / cases.len() as f32
}

fn is_shape(case: &Case, said: &[Label]) -> bool {
    match case.act {
        Act::Held(Shape::None) => said.is_empty(),
        Act::Held(shape) => !said.is_empty() && said.iter().all(|label| label.name() == shape.name()),
        _ => panic!("{case:?} is no shape"),
    }
}

fn is_stroke(case: &Case, said: &[Label]) -> bool {
    let Act::Stroke(stroke) = case.act else { panic!("{case:?} is no stroke") };
    let strokes = said.iter().filter(|label| matches!(label, Label::Stroke(_)));
    strokes.map(|label| label.name().to_owned()).eq([format!("{stroke:?}").to_lowercase()])
}

/// What is said of those who mean nothing: shapes and strokes.
#[derive(Clone, Copy)]
struct FalseLabels {
    seconds: f32,
    counts: [f32; 2],
}

impl FalseLabels {
    fn a_minute(self) -> [f32; 2] {
        self.counts.map(|count| count * 60.0 / self.seconds)
    }

    fn and(self, other: Self) -> Self {
        let counts = [0, 1].map(|kind| self.counts[kind] + other.counts[kind]);
        Self { seconds: self.seconds + other.seconds, counts }
    }
}

fn false_labels(acts: &[Act], camera: Camera, options: WatchOptions) -> FalseLabels {
    let (mut seconds, mut counts) = (0.0, [0.0; 2]);
    let cases = sets::bystander_cases(some_of(42), SEED);
    for case in cases.iter().filter(|case| acts.contains(&case.act)) {
        let performance = case.performance();
        seconds += performance.duration();
        for said in play(&performance, camera, options) {
            counts[usize::from(matches!(said.label, Label::Stroke(_)))] += 1.0;
        }
    }
    FalseLabels { seconds, counts }
}

#[test]
fn held_shapes_are_named_and_other_hands_are_not() {
    let share = right(&sets::shape_cases(180, SEED), GOOD, is_shape);
    assert!(share >= 97.0, "{share} %");
}

#[test]
fn armed_strokes_are_named_in_good_light() {
    let share = right(&sets::stroke_cases(some_of(70), SEED), GOOD, is_stroke);
    assert!(share >= 88.0, "{share} %");
}

#[test]
fn armed_strokes_are_named_in_poor_light() {
    let share = right(&sets::stroke_cases(some_of(70), SEED), POOR, is_stroke);
    assert!(share >= 75.0, "{share} %");
}

#[test]
fn who_talks_signs_types_drinks_or_walks_by_says_nothing() {
    let others = [Act::Talk, Act::Type, Act::HoldCup, Act::Drink, Act::Walk, Act::Empty];
    let theirs = false_labels(&others, GOOD, WatchOptions::default());
    let [shapes, strokes] = theirs.a_minute();
    assert!(shapes <= 0.5, "{shapes} shapes a minute");
    // Signers show all shapes, and make no more strokes than others.
    let signers = false_labels(&[Act::Sign], GOOD, WatchOptions::default());
    let [_, with_signers] = theirs.and(signers).a_minute();
    assert!(strokes <= 0.5 && with_signers <= 0.5, "{strokes}, with signers {with_signers} strokes a minute");
}

#[test]
fn without_arming_much_more_is_said() {
    let gesture = GestureOptions { arming: false, ..GestureOptions::default() };
    let options = WatchOptions { gesture, ..WatchOptions::default() };
    let acts = [Act::Talk, Act::Sign];
    let [_, armed] = false_labels(&acts, GOOD, WatchOptions::default()).a_minute();
    let [_, unarmed] = false_labels(&acts, GOOD, options).a_minute();
    assert!(unarmed > armed + 5.0, "{armed} strokes a minute armed, {unarmed} unarmed");
}
