//! Where shoulders are found: beside hands, by a third network, where the store has it.

use sightwire_api::sign::Shoulders;
use sightwire_frame::Image;
use sightwire_hands::shape::Shape;
use sightwire_infer::landmarks::HandService;
use sightwire_tflite::op::Activation;
use sightwire_tflite::write::{Array, Net};

use crate::drawn::{Drawn, Place, draw, draw_person};
use crate::show::{HEIGHT, Show, WIDTH, options, palm, service, service_with_shoulders};
use crate::{model, networks};

/// Somebody who shows the right hand: the hand, and the left and the right shoulder.
fn person(at: Place, size: f32, turn: f32) -> (Drawn, [Place; 2]) {
    let (sin, cos) = turn.to_radians().sin_cos();
    let there = |x: f32, y: f32| [at[0] + size * (x * cos - y * sin), at[1] + size * (x * sin + y * cos)];
    (Drawn { turn, ..Drawn::new(Shape::OpenPalm, at, size) }, [there(5.6, 2.0), there(1.6, 2.2)])
}

fn picture((hand, shoulders): (Drawn, [Place; 2])) -> Image {
    draw_person(&[hand], shoulders, WIDTH, HEIGHT)
}

/// How far the shoulder is away that is furthest from where it was drawn, palm lengths.
fn error((hand, drawn): (Drawn, [Place; 2]), found: Option<Shoulders>) -> f32 {
    let Some(Shoulders { left, right }) = found else { panic!("no shoulders: {drawn:?}") };
    let away = |(drawn, found): (Place, Place)| (drawn[0] - found[0]).hypot(drawn[1] - found[1]);
    [(drawn[0], left), (drawn[1], right)].map(away).into_iter().fold(0.0, f32::max) / hand.palm
}

#[test]
fn shoulders_are_found_with_the_first_hand_wherever_it_is_and_are_followed() {
    let service = service_with_shoulders();
    for at in [[120.0, 200.0], [230.0, 260.0]] {
        for size in [40.0, 56.0] {
            for turn in [-20.0, 0.0, 15.0] {
                let somebody = person(at, size, turn);
                let mut show = Show::new(&service);
                for _ in 0..30 {
                    let sight = show.picture(picture(somebody)).sight;
                    assert_eq!(sight.hands.len(), 1, "{at:?} {size} {turn}");
                    let error = error(somebody, sight.shoulders);
                    assert!(error < 0.25, "{at:?} {size} {turn}: {error} palm lengths");
                }
            }
        }
    }
    // Somebody goes to the side: a few times a second it is known where.
    let mut show = Show::new(&service);
    let mut worst = 0.0_f32;
    for step in 0..60_u8 {
        let somebody = person([120.0 + f32::from(step), 220.0], 48.0, 0.0);
        worst = worst.max(error(somebody, show.picture(picture(somebody)).sight.shoulders));
    }
    assert!(worst < 0.6, "{worst} palm lengths, of which 13 pictures of one pixel each are 0.27");
}

#[test]
fn nobody_is_looked_for_without_a_hand_or_without_a_network() {
    let service = service_with_shoulders();
    let mut show = Show::new(&service);
    let (hand, shoulders) = person([200.0, 250.0], 50.0, 0.0);
    let alone = draw_person(&[], shoulders, WIDTH, HEIGHT);
    for _ in 0..20 {
        assert_eq!(show.picture(alone.clone()).sight.shoulders, None);
    }
    assert!(show.picture(picture((hand, shoulders))).sight.shoulders.is_some());
    // The hand goes; the shoulders are not told of for ever.
    let seen = (0..60).filter(|_| show.picture(alone.clone()).sight.shoulders.is_some()).count();
    assert!(seen < 50, "{seen} pictures");
    // Both are needed.
    let mut show = Show::new(&service);
    let out = draw_person(&[hand], [[900.0, 300.0], shoulders[1]], WIDTH, HEIGHT);
    assert_eq!(show.picture(out).sight.shoulders, None);
    assert_eq!(show.picture(draw(&[palm()], WIDTH, HEIGHT)).sight.shoulders, None);

    let service = self::service();
    let mut show = Show::new(&service);
    let sight = show.picture(picture((hand, shoulders))).sight;
    assert_eq!((sight.hands.len(), sight.shoulders), (1, None));
}

#[test]
fn it_is_told_which_networks_run() {
    let roles = |service: &HandService| service.plans().iter().map(|(role, _)| *role).collect::<Vec<_>>();
    assert_eq!(roles(&service()), ["palm", "hand"]);
    assert_eq!(roles(&service_with_shoulders()), ["palm", "hand", "pose"]);
}

/// Another network in its place.
fn other() -> Vec<u8> {
    let mut net = Net::new([1, 64, 64, 3]);
    let mean = net.mean(net.input(), &[1, 2, 3], false);
    let outputs = [195, 1].map(|values| {
        let weights = Array::from_fn(&[values, 1], |_| 1.0);
        net.fully_connected(mean, &weights, None, Activation::None)
    });
    net.finish(&outputs)
}

#[test]
fn a_network_that_cannot_be_used_costs_the_shoulders_and_nothing_else() {
    let somebody = person([200.0, 250.0], 50.0, 0.0);
    let finds_the_hand = |service: &HandService| {
        let sight = Show::new(service).picture(picture(somebody)).sight;
        assert_eq!((sight.hands.len(), sight.shoulders), (1, None));
        assert_eq!(service.plans().len(), 2);
    };
    for file in [&b"no network"[..], &networks::hand(), &other()] {
        finds_the_hand(&HandService::start(model::model_with(file), model::engine(), options()).unwrap());
        let (mut model, engine) = (model::model_with(file), model::engine());
        model.usable(&engine, &|| true).unwrap();
        finds_the_hand(&HandService::start(model, engine, options()).unwrap());
    }
    // A file that is not what its manifest says.
    let (_home, store) = model::store(&[("palm", &networks::palm()), ("hand", &networks::hand())]);
    model::write_pose(&store.models(), &networks::body());
    std::fs::write(store.path(model::POSE, "pose.tflite"), b"damaged").unwrap();
    let model = sightwire_infer::landmarks::HandModel::load(&store, &store.manifest(model::NAME).unwrap());
    finds_the_hand(&HandService::start(model.unwrap(), model::engine(), options()).unwrap());
}
