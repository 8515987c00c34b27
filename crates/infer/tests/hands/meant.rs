//! What hands say: shapes that are held, and motions that are meant.

use std::time::Duration;

use sightwire_api::sign::HandHint;
use sightwire_hands::Side;
use sightwire_hands::gesture::{Arming, Stroke};
use sightwire_hands::shape::Shape;
use sightwire_infer::landmarks::HandService;

use crate::drawn::{Drawn, draw};
use crate::model;
use crate::show::{HEIGHT, Show, WIDTH, options, palm, service};

const HOLD: Duration = Duration::from_millis(700);
const STROKE: Duration = Duration::from_millis(300);

/// A way of three palm lengths, and where it begins, so that the hand stays in the picture.
const WAYS: [(&str, [f32; 2], [f32; 2]); 4] = [
    ("left", [-3.0, 0.0], [430.0, 260.0]),
    ("right", [3.0, 0.0], [220.0, 260.0]),
    ("up", [0.0, -3.0], [330.0, 400.0]),
    ("down", [0.0, 3.0], [330.0, 160.0]),
];

/// A hand that is small enough to move three of its palm lengths in any direction.
fn hand(at: [f32; 2]) -> Drawn {
    Drawn::new(Shape::OpenPalm, at, 60.0)
}

#[test]
fn each_shape_is_named_once_it_has_been_held() {
    let service = service();
    for shape in Shape::ALL {
        for side in [Side::Left, Side::Right] {
            let mut show = Show::new(&service);
            let hand = Drawn { side, turn: 12.0, ..Drawn::new(shape, [320.0, 265.0], 75.0) };
            let early = show.holds(hand, Duration::from_millis(250));
            assert_eq!((early.hands[0].shape, early.said), (None, None), "{shape:?} too early");
            let sight = show.holds(hand, Duration::from_millis(150));
            assert_eq!(sight.hands[0].shape, Some(shape));
            assert!(sight.said.unwrap().score > 0.99);
            show.holds(hand, Duration::from_secs(1));
            assert_eq!(show.said, [shape.name()]);
            // Over soon after the hand has gone, but not where a picture is lost.
            show.hands(&[]);
            show.holds(hand, Duration::from_millis(100));
            assert_eq!(show.said, [shape.name()]);
            for _ in 0..20 {
                show.hands(&[]);
            }
            assert_eq!(show.said, [shape.name(), "none"]);
        }
    }
}

#[test]
fn one_shape_after_the_other() {
    let service = service();
    let mut show = Show::new(&service);
    let shapes = [Shape::Fist, Shape::Victory, Shape::Point, Shape::ThumbUp, Shape::ILoveYou, Shape::Ok];
    for shape in shapes {
        show.holds(Drawn::new(shape, [320.0, 265.0], 75.0), Duration::from_millis(900));
    }
    let said: Vec<&str> = show.said.iter().copied().filter(|name| *name != "none").collect();
    assert_eq!(said, shapes.map(Shape::name));
}

#[test]
fn a_stroke_of_a_palm_that_was_held_is_named_once_and_its_way_back_is_not() {
    let service = service();
    for (name, way, from) in WAYS {
        for side in [Side::Left, Side::Right] {
            let mut show = Show::new(&service);
            let hand = Drawn { side, ..hand(from) };
            let sight = show.holds(hand, HOLD);
            assert!(matches!(sight.hands[0].arming, Arming::Armed(_)), "{name}: {:?}", sight.hands[0].arming);
            let there = show.moves(hand, way, STROKE);
            show.holds(there, Duration::from_millis(400));
            assert_eq!(show.strokes(), [name]);
            show.moves(there, [-way[0], -way[1]], 2 * STROKE);
            show.holds(hand, Duration::from_millis(300));
            assert_eq!(show.strokes(), [name], "the way back");
            assert_eq!(show.said[..2], ["open_palm", name], "{:?}", show.said);
        }
    }
}

#[test]
fn a_stroke_that_turns_back_at_once_is_one_too() {
    let service = service();
    for (name, way, from) in WAYS {
        let mut show = Show::new(&service);
        let hand = hand(from);
        show.holds(hand, HOLD);
        let there = show.moves(hand, way, STROKE);
        show.moves(there, [-way[0], -way[1]], 2 * STROKE);
        show.holds(hand, Duration::from_millis(300));
        assert_eq!(show.strokes(), [name]);
    }
}

#[test]
fn without_a_hold_the_same_motion_means_nothing() {
    let service = service();
    for (name, way, from) in WAYS {
        let mut show = Show::new(&service);
        show.holds(hand(from), Duration::from_millis(250));
        let there = show.moves(hand(from), way, STROKE);
        let there = show.moves(there, [-way[0], -way[1]], STROKE);
        show.moves(there, way, STROKE);
        show.hands(&[]);
        assert_eq!(show.strokes(), [] as [&str; 0], "{name}");
        // Nor with another shape, however long it is held.
        let mut show = Show::new(&service);
        let fist = Drawn { shape: Shape::Fist, ..hand(from) };
        show.holds(fist, 2 * HOLD);
        let there = show.moves(fist, way, STROKE);
        show.holds(there, HOLD);
        assert_eq!(show.strokes(), [] as [&str; 0], "{name} of a fist");
    }
}

#[test]
fn without_arming_a_moment_of_rest_is_enough() {
    let mut options = options();
    options.watch.gesture.arming = false;
    let service = HandService::start(model::model(), model::engine(), options).unwrap();
    for (name, way, from) in WAYS {
        let mut show = Show::new(&service);
        let fist = Drawn { shape: Shape::Fist, ..hand(from) };
        let sight = show.holds(fist, Duration::from_millis(300));
        assert_eq!(sight.hands[0].arming, Arming::Not);
        let there = show.moves(fist, way, STROKE);
        show.holds(there, Duration::from_millis(300));
        assert_eq!(show.strokes(), [name]);
    }
}

#[test]
fn the_ring_fills_while_a_palm_is_held_and_the_time_runs_out() {
    let service = service();
    let mut show = Show::new(&service);
    let mut last = -1.0;
    for _ in 0..13 {
        match show.hands(&[palm()]).hands[0].arming {
            Arming::Filling(share) => {
                assert!(share > last && share <= 1.0, "{share} after {last}");
                last = share;
            }
            Arming::Not => assert!(last < 0.0, "it was at {last}"),
            armed @ Arming::Armed(_) => panic!("{armed:?} too early"),
        }
    }
    show.hands(&[palm()]);
    let armed = |arming| if let Arming::Armed(left) = arming { left } else { panic!("{arming:?}") };
    let sight = show.holds(palm(), Duration::from_secs(5));
    assert!(armed(sight.hands[0].arming) > Duration::from_millis(2900), "as long as it is held");
    // Another shape lets the time run.
    let fist = Drawn { shape: Shape::Fist, ..palm() };
    let sight = show.holds(fist, Duration::from_secs(2));
    assert!(armed(sight.hands[0].arming) < Duration::from_millis(1100));
    let sight = show.holds(fist, Duration::from_millis(1200));
    assert_eq!(sight.hands[0].arming, Arming::Not);
    assert_eq!(show.strokes(), [] as [&str; 0]);
}

#[test]
fn a_palm_that_comes_nearer_pushes_and_one_that_goes_away_pulls() {
    let service = service();
    for (stroke, from, to) in [(Stroke::Push, 60.0, 95.0), (Stroke::Pull, 95.0, 60.0_f32)] {
        let mut show = Show::new(&service);
        let at = |palm| Drawn::new(Shape::OpenPalm, [325.0, 265.0], palm);
        show.holds(at(from), HOLD);
        for step in 0..12_u8 {
            show.hands(&[at(from + (to - from) * f32::from(step) / 11.0)]);
        }
        show.holds(at(to), Duration::from_millis(400));
        assert_eq!(show.strokes(), [stroke.name()]);
    }
}

#[test]
fn to_and_fro_is_a_wave() {
    let service = service();
    let mut show = Show::new(&service);
    let mut hand = hand([320.0, 260.0]);
    show.holds(hand, HOLD);
    for way in [-0.6, 1.2, -1.2, 1.2, -1.2] {
        hand = show.moves(hand, [way, 0.0], Duration::from_millis(270));
    }
    show.holds(hand, Duration::from_millis(400));
    assert_eq!(show.strokes(), ["wave"]);
}

#[test]
fn fifteen_pictures_a_second_are_enough_for_slower_strokes_and_it_is_said_that_they_are_few() {
    let service = service();
    for (name, way, from) in WAYS {
        let mut show = Show::at_rate(&service, 15);
        show.holds(hand(from), HOLD);
        let there = show.moves(hand(from), way, Duration::from_millis(500));
        show.holds(there, Duration::from_millis(500));
        assert_eq!(show.strokes(), [name]);
        let sight = show.picture(draw(&[there], WIDTH, HEIGHT));
        assert_eq!(sight.hints, [HandHint::Slow]);
    }
}

#[test]
fn a_hand_that_is_too_far_and_a_room_that_is_too_dark_are_told() {
    let service = service();
    let mut show = Show::new(&service);
    let far = Drawn::new(Shape::OpenPalm, [320.0, 260.0], 31.0);
    assert_eq!(show.picture(draw(&[far], WIDTH, HEIGHT)).hints, [HandHint::Far]);
    let mut hints = Vec::new();
    for _ in 0..60 {
        let mut image = draw(&[], WIDTH, HEIGHT);
        image.data_mut().iter_mut().for_each(|value| *value /= 6);
        hints = show.picture(image).hints;
    }
    assert_eq!(hints, [HandHint::Dark]);
    let mut show = Show::new(&service);
    assert_eq!(show.picture(draw(&[palm()], WIDTH, HEIGHT)).hints, []);
}
