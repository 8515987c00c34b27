//! How many generated shapes and strokes are right, and what is said of hands that mean nothing:
//! `cargo run --release -p sightwire-hands --example measure_hands [COUNT [SEED [which]]]`.

use std::collections::BTreeMap;

use sightwire_hands::gesture::GestureOptions;
use sightwire_hands::label::Label;
use sightwire_hands::shape::Measures;
use sightwire_hands::watch::WatchOptions;
use sightwire_synth::hand::sets::{self, Case};
use sightwire_synth::hand::{Act, Camera, Label as Truth, Shape, observe_performance};

#[path = "../tests/measure/player.rs"]
mod player;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (count, seed) = (number(180) as usize, number(7));
    let which = arguments.next().unwrap_or_default();
    let verbose = which.ends_with('!');
    let cameras =
        [(30.0, 60.0), (15.0, 30.0)].map(|(fps, shutter)| Camera { fps, exposure_s: 1.0 / shutter });
    let only = std::env::var("FPS").ok().and_then(|fps| fps.parse::<f32>().ok());
    for camera in cameras.into_iter().filter(|camera| only.is_none_or(|fps| (fps - camera.fps).abs() < 0.5)) {
        println!("{} pictures a second, 1/{} s", camera.fps, (1.0 / camera.exposure_s).round());
        if let Some(name) = which.strip_prefix("trace:") {
            for case in sets::stroke_cases(count, seed)
                .iter()
                .filter(|case| {
                    format!("{:?} {:?} {}", case.act, case.performance().hinge(), case.seed).contains(name)
                })
                .take(6)
            {
                trace(case, camera);
            }
        }
        if which.starts_with("measures") {
            measures(&sets::shape_cases(count, seed), camera);
        }
        if which.is_empty() || which.starts_with("shapes") {
            shapes(&sets::shape_cases(count, seed), camera, verbose);
        }
        if which.is_empty() || which.starts_with("strokes") {
            strokes(&sets::stroke_cases(count, seed), camera, verbose);
        }
        if which.is_empty() || which.starts_with("bystanders") {
            bystanders(&sets::bystander_cases(count, seed), camera, WatchOptions::default(), verbose);
        }
        if which.starts_with("unarmed") {
            let gesture = GestureOptions { arming: false, ..GestureOptions::default() };
            let options = WatchOptions { gesture, ..WatchOptions::default() };
            bystanders(&sets::bystander_cases(count, seed), camera, options, verbose);
        }
    }
}

/// Where the middle of the hand is in each picture, in palm lengths from where it was armed, and what is true.
fn trace(case: &Case, camera: Camera) {
    let performance = case.performance();
    let middle = |joints: &[[f32; 3]; 21]| {
        [0, 1].map(|axis| joints.iter().map(|joint| joint[axis]).sum::<f32>() / 21.0)
    };
    let arm = performance.truth().iter().find(|truth| truth.label == Truth::Arm).map_or(0.0, |arm| arm.to);
    let at_rest = &performance.hands_at(arm)[0];
    let (rest, palm) = (middle(&at_rest.joints), at_rest.palm_px());
    let relative = |place: [f32; 2]| [(place[0] - rest[0]) / palm, (place[1] - rest[1]) / palm];
    let said = player::play_with(&performance, camera, WatchOptions::default(), |t, seen, watch| {
        if t < arm - 0.1 {
            return;
        }
        let label =
            performance.truth().iter().find(|truth| truth.from <= t && t < truth.to).map(|truth| truth.label);
        let truly = relative(middle(&performance.hands_at(t)[0].joints));
        let seen: Vec<[f32; 2]> = seen
            .iter()
            .map(|hand| relative(middle(&hand.points).map(|value| value * player::SMALLER)))
            .collect();
        let thought: Vec<[f32; 2]> =
            watch.whereabouts().map(|at| relative(at.map(|value| value * player::SMALLER))).collect();
        println!("  {t:.2} {label:?} truly {truly:.2?} seen {seen:.2?} thought {thought:.2?}");
    });
    println!("{:?} {:?} palm {palm:.0} px: {said:?}", case.act, performance.hinge());
}

/// How what is measured of held hands is distributed: the 2nd, 10th, 50th, 90th and 98th of a hundred.
fn measures(cases: &[Case], camera: Camera) {
    let mut all: BTreeMap<String, Vec<Vec<f32>>> = BTreeMap::new();
    for case in cases {
        let Act::Held(shape) = case.act else { continue };
        let performance = case.performance();
        let Some(held) = performance.truth().iter().find(|truth| matches!(truth.label, Truth::Held(_)))
        else {
            continue;
        };
        let name =
            performance.other().map_or_else(|| shape.name().to_owned(), |other| format!("none {other:?}"));
        for observation in observe_performance(&performance, camera, case.seed) {
            let inside = observation.t > held.from && observation.t < held.to;
            let Some(hand) = observation.hands[0].as_ref().filter(|_| inside) else { continue };
            let Some(m) = Measures::from_points(&hand.joints) else { continue };
            let of_hand = all.entry(name.clone()).or_default();
            of_hand.push(
                [
                    &m.straight[..],
                    &m.reach,
                    &[
                        m.thumb_straight,
                        m.thumb_away,
                        m.thumb_out,
                        m.ring,
                        m.apart,
                        m.thumb_up,
                        m.up,
                        m.facing,
                    ],
                ]
                .concat(),
            );
        }
    }
    let names = [
        "str i", "str m", "str r", "str l", "rea i", "rea m", "rea r", "rea l", "th str", "th awy", "th out",
        "ring", "apart", "th up", "up",
    ];
    for (shape, rows) in all {
        println!("{shape} ({})", rows.len());
        for (index, name) in names.iter().enumerate() {
            let mut values: Vec<f32> = rows.iter().map(|row| row[index]).collect();
            values.sort_by(f32::total_cmp);
            let at = |share: f32| values[((values.len() - 1) as f32 * share) as usize];
            println!(
                "    {name:<7} {:>6.2} {:>6.2} {:>6.2} {:>6.2} {:>6.2}",
                at(0.02),
                at(0.1),
                at(0.5),
                at(0.9),
                at(0.98)
            );
        }
    }
}

fn shapes(cases: &[Case], camera: Camera, verbose: bool) {
    let mut right: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    for case in cases {
        let Act::Held(shape) = case.act else { continue };
        let performance = case.performance();
        let said = player::play(&performance, camera, WatchOptions::default());
        let mut names: Vec<&str> = said.iter().map(|said| said.label.name()).collect();
        names.dedup();
        let expected: &[&str] = if shape == Shape::None { &[] } else { &[shape.name()] };
        let is_right = names == expected;
        let counts = right.entry(shape.name()).or_default();
        counts[usize::from(is_right)] += 1;
        if verbose && !is_right {
            println!("  {} {:?} seed {}: {names:?}", shape.name(), performance.other(), case.seed);
        }
    }
    report("shapes", &right);
}

fn strokes(cases: &[Case], camera: Camera, verbose: bool) {
    let mut right: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    let mut others = 0;
    for case in cases {
        let Act::Stroke(stroke) = case.act else { continue };
        let performance = case.performance();
        let said = player::play(&performance, camera, WatchOptions::default());
        let strokes: Vec<&str> = said
            .iter()
            .filter(|said| matches!(said.label, Label::Stroke(_)))
            .map(|said| said.label.name())
            .collect();
        let is_right = strokes == [stroke.name()];
        others += strokes.iter().filter(|name| **name != stroke.name()).count();
        right.entry(stroke.name()).or_default()[usize::from(is_right)] += 1;
        if verbose && !is_right {
            let truth = performance.truth().iter().find(|truth| matches!(truth.label, Truth::Stroke(_)));
            let times = truth.map(|truth| (truth.from, truth.to));
            println!("  {} {:?} {times:?} seed {}: {said:?}", stroke.name(), performance.hinge(), case.seed);
        }
    }
    report("strokes", &right);
    println!("  other strokes said: {others}");
}

fn bystanders(cases: &[Case], camera: Camera, options: WatchOptions, verbose: bool) {
    let mut said: BTreeMap<String, (f32, u32, u32)> = BTreeMap::new();
    for case in cases {
        let performance = case.performance();
        let all = player::play(&performance, camera, options);
        let of_strokes = all.iter().filter(|said| matches!(said.label, Label::Stroke(_))).count() as u32;
        for key in [format!("{:?}", case.act), "all".to_owned()] {
            let (seconds, shapes, strokes) = said.entry(key).or_default();
            *seconds += performance.duration();
            *strokes += of_strokes;
            *shapes += all.len() as u32 - of_strokes;
        }
        if verbose && !all.is_empty() {
            println!("  {:?} seed {}: {all:?}", case.act, case.seed);
        }
    }
    println!("  said of hands that mean nothing, a minute:");
    for (act, (seconds, shapes, strokes)) in said {
        let minute = |count: u32| count as f32 * 60.0 / seconds;
        println!(
            "    {act:<10} {seconds:>6.0} s  shapes {:>5.2}  strokes {:>5.2}",
            minute(shapes),
            minute(strokes)
        );
    }
}

fn report(what: &str, right: &BTreeMap<&str, [u32; 2]>) {
    let total = right.values().fold([0, 0], |sum, counts| [sum[0] + counts[0], sum[1] + counts[1]]);
    println!(
        "  {what}: {} of {} right ({:.1} %)",
        total[1],
        total[0] + total[1],
        100.0 * total[1] as f32 / (total[0] + total[1]) as f32
    );
    for (name, [wrong, right]) in right {
        println!("    {name:<12} {right} of {}", wrong + right);
    }
}
