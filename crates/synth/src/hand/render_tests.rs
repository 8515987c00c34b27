//! That pictures show what the truth says.

use super::{Act, Interval, Label, Performance, Shape, Stage, render::render_performance, sets};
use sightwire_frame::Image;

const SIZE: [u32; 2] = [320, 240];

fn difference(a: &Image, b: &Image, [x, y]: [f32; 2]) -> i32 {
    let at = (y as usize * a.width() as usize + x as usize) * 3;
    (0..3)
        .map(|i| (i32::from(a.data()[at + i]) - i32::from(b.data()[at + i])).abs())
        .max()
        .unwrap_or_default()
}

#[test]
fn the_same_moment_is_the_same_picture_and_no_two_have_the_same_noise() {
    let performance = Performance::new(Act::Talk, 1);
    let picture = |t: f32| render_performance(&performance, t, 0.02, SIZE, 7);
    assert_eq!(picture(2.0), picture(2.0));
    assert_ne!(picture(2.0), picture(2.001));
    assert_ne!(picture(2.0), render_performance(&performance, 2.0, 0.02, SIZE, 8));
}

#[test]
fn the_hand_is_where_its_joints_are() {
    let (mut on, mut all) = (0, 0);
    for case in sets::shape_cases(45, 2) {
        let performance = case.performance();
        let Interval { from, .. } = performance.truth()[0];
        let stage = Stage::new(&performance, SIZE, 3);
        // Before the hand comes, after it has come.
        let (without, with) = (stage.picture(0.0, 0.001), stage.picture(from + 0.1, 0.001));
        let hand = &performance.hands_at(from + 0.1)[0];
        for joint in hand.joints {
            let place = [joint[0] / 2.0, joint[1] / 2.0];
            if (0.0..320.0).contains(&place[0]) && (0.0..240.0).contains(&place[1]) {
                all += 1;
                on += usize::from(difference(&without, &with, place) > 20);
            }
        }
    }
    let share = on as f32 / all as f32;
    // Some skin is much like the wall behind it.
    assert!(share > 0.8, "{share}");
}

#[test]
fn what_moves_during_the_exposure_is_blurred() {
    // How much neighbours differ, where the hand is.
    let sharpness = |image: &Image| -> f32 {
        let rows = image.data().chunks_exact(image.width() as usize * 3);
        rows.map(|row| {
            row.windows(4).step_by(3).map(|w| (f32::from(w[0]) - f32::from(w[3])).powi(2)).sum::<f32>()
        })
        .sum()
    };
    let mut blurred = 0;
    let strokes = sets::stroke_cases(21, 4);
    let straight = strokes.iter().map(sets::Case::performance).filter_map(|performance| {
        let stroke = *performance.truth().iter().find(|i| matches!(i.label, Label::Stroke(_)))?;
        let direction = match stroke.label {
            Label::Stroke(stroke) => stroke.direction(),
            _ => None,
        };
        direction.map(|_| (performance, f32::midpoint(stroke.from, stroke.to)))
    });
    let straight: Vec<_> = straight.collect();
    for (performance, t) in &straight {
        let stage = Stage::new(performance, [160, 120], 5);
        blurred += usize::from(sharpness(&stage.picture(*t, 0.05)) < sharpness(&stage.picture(*t, 0.0005)));
    }
    assert!(blurred + 1 >= straight.len(), "{blurred} of {}", straight.len());
}

#[test]
fn every_size_and_every_act_can_be_drawn() {
    for case in sets::bystander_cases(14, 5) {
        let performance = case.performance();
        for size in [[1, 1], [8, 8], [97, 33], [33, 97]] {
            for t in [-1.0, 0.0, 1.3, 100.0] {
                let image = render_performance(&performance, t, 1.0 / 15.0, size, case.seed);
                assert_eq!([image.width(), image.height()], size.map(|side| side.max(8)));
            }
        }
    }
    let held = render_performance(&Performance::new(Act::Held(Shape::Ok), 1), 2.0, 0.0, SIZE, 1);
    assert!(held.data().iter().any(|&channel| channel > 60));
}
