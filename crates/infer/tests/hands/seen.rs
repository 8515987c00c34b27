//! Where hands are found.

use std::time::Duration;

use sightwire_frame::{Encoder, Image};
use sightwire_hands::Side;
use sightwire_hands::shape::{Measures, Shape};
use sightwire_hands::watch::{Sight, WatchedHand};
use sightwire_infer::sender::Payload;

use crate::drawn::{Drawn, RADIUS, draw, joints};
use crate::show::{HEIGHT, Show, WIDTH, palm, service};

/// How far the joint is away that is furthest from where it was drawn, palm lengths.
fn error(hand: &Drawn, seen: &WatchedHand) -> f32 {
    let away = |(drawn, found): (&[f32; 2], &[f32; 3])| (drawn[0] - found[0]).hypot(drawn[1] - found[1]);
    let away = hand.joints().iter().zip(&seen.hand.points).map(away).fold(0.0, f32::max);
    away / hand.palm
}

/// The only hand, which has to be this one.
fn only<'a>(hand: &Drawn, sight: &'a Sight) -> &'a WatchedHand {
    let [seen] = &sight.hands[..] else { panic!("{hand:?}: {} hands", sight.hands.len()) };
    assert!(error(hand, seen) < 0.05, "{hand:?}: {} palm lengths away", error(hand, seen));
    assert_eq!(seen.hand.side, hand.side, "{hand:?}");
    assert!(seen.hand.presence > 0.99, "{hand:?}");
    seen
}

#[test]
fn drawn_hands_have_the_shapes_that_they_are_said_to_have_and_no_discs_that_touch() {
    for shape in Shape::ALL {
        let all = joints(shape);
        for (index, a) in all.iter().enumerate() {
            for b in &all[..index] {
                assert!((a[0] - b[0]).hypot(a[1] - b[1]) > 2.1 * RADIUS, "{shape:?}: {a:?} and {b:?}");
            }
        }
        for side in [Side::Left, Side::Right] {
            let points = Drawn { side, ..Drawn::new(shape, [0.0; 2], 80.0) }.joints();
            let points = points.map(|[x, y]| [x, y, 0.0]);
            assert_eq!(Measures::from_points(&points).unwrap().shape(), Some(shape), "{side:?}");
        }
    }
}

#[test]
fn joints_are_found_in_all_places_sizes_turns_and_shapes() {
    let service = service();
    for (index, shape) in Shape::ALL.into_iter().enumerate() {
        for (place, palm) in [56.0, 80.0, 112.0].into_iter().enumerate() {
            for turn in [-25.0, -8.0, 0.0, 25.0] {
                for side in [Side::Left, Side::Right] {
                    let at = [[215.0, 255.0], [331.0, 262.0], [423.0, 271.0]][(place + index) % 3];
                    let hand = Drawn { turn, side, ..Drawn::new(shape, at, palm) };
                    let mut show = Show::new(&service);
                    for _ in 0..3 {
                        only(&hand, &show.hands(&[hand]));
                    }
                }
            }
        }
    }
}

#[test]
fn joints_are_found_in_jpegs_too() {
    let (service, mut encoder) = (service(), Encoder::new().unwrap());
    for shape in Shape::ALL {
        for (palm, quality) in [(56.0, 90), (80.0, 70), (112.0, 80)] {
            let hand = Drawn { turn: 11.0, ..Drawn::new(shape, [321.3, 258.4], palm) };
            let mut jpeg = Vec::new();
            encoder.encode(&draw(&[hand], WIDTH, HEIGHT), quality, &mut jpeg).unwrap();
            let mut show = Show::new(&service);
            for _ in 0..3 {
                let sight = show.file(Payload::Binary(jpeg.clone().into()));
                assert_eq!((sight.width, sight.height), (WIDTH, HEIGHT));
                only(&hand, &sight.sight);
            }
        }
    }
}

#[test]
fn a_hand_is_followed_through_the_picture_under_one_number() {
    let service = service();
    let mut show = Show::new(&service);
    let mut hand = Drawn::new(Shape::OpenPalm, [180.0, 230.0], 60.0);
    let id = only(&hand, &show.hands(&[hand])).hand.id;
    let mut looked = 0;
    for step in 0..60_u8 {
        hand = Drawn { turn: f32::from(step) / 2.0, palm: hand.palm + 0.5, ..hand.moved(0.05, 0.01) };
        let sight = show.hands(&[hand]);
        assert_eq!(only(&hand, &sight).hand.id, id);
        looked += usize::from(sight.looked);
    }
    assert!(looked <= 4, "palms were looked for {looked} times in two seconds beside a hand that is known");
}

#[test]
fn without_a_hand_palms_are_looked_for_a_few_times_a_second() {
    let service = service();
    let mut show = Show::new(&service);
    for _ in 0..90 {
        assert_eq!(show.hands(&[]).hands, []);
    }
    assert!((10..=16).contains(&show.looked), "{} times in three seconds", show.looked);
    assert_eq!(show.said, [] as [&str; 0]);
    // A hand that comes stirs the picture, and is found at once.
    let sight = show.hands(&[palm()]);
    only(&palm(), &sight);
    // And black pictures are pictures.
    let black = show.picture(Image::new(WIDTH, HEIGHT)).sight;
    assert_eq!(
        (black.hands, black.looked),
        (vec![], true),
        "the hand was lost, and looked for in the same picture"
    );
}

#[test]
fn two_hands_are_two_and_keep_their_numbers() {
    let service = service();
    let mut show = Show::new(&service);
    let right = Drawn::new(Shape::OpenPalm, [150.0, 250.0], 60.0);
    let left = Drawn { side: Side::Left, ..Drawn::new(Shape::Fist, [480.0, 270.0], 60.0) };
    let both = show.hands(&[right, left]);
    let find = |sight: &Sight, hand: &Drawn| {
        let mut near = sight.hands.iter().filter(|seen| error(hand, seen) < 0.05);
        let seen = near.next().unwrap_or_else(|| panic!("{hand:?} is not among {:?}", sight.hands)).clone();
        assert_eq!((near.next(), seen.hand.side), (None, hand.side));
        seen.hand.id
    };
    let ids = (find(&both, &right), find(&both, &left));
    assert_ne!(ids.0, ids.1);
    let (mut right, mut left) = (right, left);
    for _ in 0..40 {
        (right, left) = (right.moved(0.012, 0.0), left.moved(-0.01, 0.025));
        let sight = show.hands(&[right, left]);
        assert_eq!((find(&sight, &right), find(&sight, &left)), ids);
        assert_eq!(sight.hands.len(), 2);
    }
    // One goes; the other stays who it is.
    for _ in 0..10 {
        assert_eq!(only(&left, &show.hands(&[left])).hand.id, ids.1);
    }
}

#[test]
fn a_third_hand_is_not_followed_and_disturbs_nobody() {
    let service = service();
    let mut show = Show::new(&service);
    let hands = [110.0, 320.0, 530.0].map(|x| Drawn::new(Shape::OpenPalm, [x, 250.0], 40.0));
    let first: Vec<u64> = show.hands(&hands).hands.iter().map(|seen| seen.hand.id).collect();
    assert_eq!(first.len(), 2);
    for _ in 0..30 {
        let ids: Vec<u64> = show.hands(&hands).hands.iter().map(|seen| seen.hand.id).collect();
        assert_eq!(ids, first);
    }
}

#[test]
fn a_hand_that_leaves_over_the_edge_is_lost_and_found_again() {
    let service = service();
    let mut show = Show::new(&service);
    let hand = Drawn::new(Shape::OpenPalm, [500.0, 260.0], 70.0);
    let first = only(&hand, &show.hands(&[hand])).hand.id;
    let mut out = hand;
    let mut lost_at = None;
    for step in 0..30_u8 {
        out = hand.moved(0.1 * f32::from(step), 0.0);
        let sight = show.hands(&[out]);
        let inside = out.joints().iter().filter(|joint| joint[0] < WIDTH as f32).count();
        if inside == 21 {
            only(&out, &sight);
        } else if sight.hands.is_empty() && lost_at.is_none() {
            lost_at = Some(inside);
        }
    }
    let lost_at = lost_at.expect("a hand outside of the picture is none");
    assert!((8..20).contains(&lost_at), "lost with {lost_at} joints in the picture");
    assert!(show.hands(&[out]).hands.is_empty());
    // Half of it: no hand, and no harm.
    let half = hand.moved(1.9, 0.0);
    let sight = show.holds(half, Duration::from_secs(1));
    assert!(
        sight.hands.iter().all(|seen| seen.hand.points.as_flattened().iter().all(|value| value.is_finite()))
    );
    let sight = show.holds(hand, Duration::from_millis(400));
    assert_ne!(only(&hand, &sight).hand.id, first, "numbers are not used again");
}

#[test]
fn a_hand_of_a_poster_is_a_hand_that_never_moves() {
    let service = service();
    let mut show = Show::new(&service);
    let poster = Drawn::new(Shape::Fist, [200.0, 300.0], 50.0);
    let id = only(&poster, &show.hands(&[poster])).hand.id;
    let sight = show.holds(poster, Duration::from_secs(6));
    assert_eq!(only(&poster, &sight).hand.id, id);
    assert_eq!(show.said, ["fist"]);
    // It is in nobody's way.
    let person = Drawn::new(Shape::Victory, [470.0, 260.0], 70.0);
    for _ in 0..25 {
        show.hands(&[poster, person]);
    }
    let sight = show.hands(&[poster, person]);
    assert_eq!(sight.hands.len(), 2);
    assert!(sight.hands.iter().any(|seen| error(&person, seen) < 0.05 && seen.shape == Some(Shape::Victory)));
}
