//! Where shoulders are found: beside hands, by a third network, where the store has it.

use std::sync::Arc;
use std::time::Duration;

use sightwire_api::sign::Shoulders;
use sightwire_frame::Image;
use sightwire_hands::region::Region;
use sightwire_hands::shape::Shape;
use sightwire_infer::landmarks::{BodyModel, BodyService, HandService, NotLooked};
use sightwire_tflite::op::Activation;
use sightwire_tflite::write::{Array, Net};

use crate::drawn::{Drawn, Point, draw, draw_person};
use crate::show::{HEIGHT, Show, WIDTH, options, palm, service, service_with_shoulders};
use crate::{model, networks};

/// Somebody who shows the right hand: the hand, and the left and the right shoulder.
fn person(at: Point, size: f32, turn: f32) -> (Drawn, [Point; 2]) {
    let (sin, cos) = turn.to_radians().sin_cos();
    let there = |x: f32, y: f32| [at[0] + size * (x * cos - y * sin), at[1] + size * (x * sin + y * cos)];
    (Drawn { turn, ..Drawn::new(Shape::OpenPalm, at, size) }, [there(5.6, 2.0), there(1.6, 2.2)])
}

fn picture((hand, shoulders): (Drawn, [Point; 2])) -> Image {
    draw_person(&[hand], shoulders, WIDTH, HEIGHT)
}

/// How far the shoulder is away that is furthest from where it was drawn, palm lengths.
fn error((hand, drawn): (Drawn, [Point; 2]), found: Option<Shoulders>) -> f32 {
    let Some(Shoulders { left, right }) = found else { panic!("no shoulders: {drawn:?}") };
    let away = |(drawn, found): (Point, Point)| (drawn[0] - found[0]).hypot(drawn[1] - found[1]);
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

/// Threads that look for bodies, with the model of drawn shoulders.
fn bodies() -> BodyService {
    let (_home, store) = model::store(&[]);
    model::write_pose(&store.models(), &networks::body());
    let model = BodyModel::load(&store).unwrap().unwrap();
    BodyService::start(model, model::engine(), Duration::from_mins(1)).unwrap()
}

#[tokio::test]
async fn a_body_is_found_in_the_whole_picture_and_followed_from_there_without_a_hand() {
    let service = bodies();
    let shoulders = [[400.0, 220.0], [300.0, 220.0]];
    let image = Arc::new(draw_person(&[], shoulders, WIDTH, HEIGHT));
    let mut region = Region::whole_picture(WIDTH, HEIGHT);
    for _ in 0..3 {
        let pose = service.find_pose(image.clone(), region).await.unwrap().unwrap();
        // Nose, eyes, shoulders, elbows, wrists: as the network has them, from shoulder to shoulder and downwards.
        let expected = [
            [350.0, 170.0],
            [360.0, 160.0],
            [340.0, 160.0],
            shoulders[0],
            shoulders[1],
            [420.0, 260.0],
            [280.0, 260.0],
            [425.0, 290.0],
            [275.0, 290.0],
        ];
        for (joint, expected) in pose.joints.iter().zip(expected) {
            let [x, y] = joint.unwrap();
            assert!((x - expected[0]).hypot(y - expected[1]) < 8.0, "{expected:?}: {x} {y}");
        }
        region = pose.next;
        assert!(region.can_hold_a_body(WIDTH, HEIGHT) && region.side < 520.0, "{region:?}");
    }
    let nobody = Arc::new(draw_person(&[], [[9000.0, 0.0]; 2], WIDTH, HEIGHT));
    assert_eq!(service.find_pose(nobody, region).await, Ok(None));
    assert_eq!(service.count_failed(), 0);
}

#[tokio::test]
async fn pictures_that_nobody_waits_for_are_not_looked_at_and_too_many_are_refused() {
    let service = Arc::new(bodies());
    let image = Arc::new(draw_person(&[], [[400.0, 220.0], [300.0, 220.0]], WIDTH, HEIGHT));
    let find = || {
        let (service, image) = (service.clone(), image.clone());
        async move { service.find_pose(image, Region::whole_picture(WIDTH, HEIGHT)).await }
    };
    let all: Vec<_> = (0..100).map(|_| tokio::spawn(find())).collect();
    let mut busy = 0;
    for found in all {
        match found.await.unwrap() {
            Ok(pose) => assert!(pose.is_some()),
            Err(error) => {
                assert_eq!(error, NotLooked::Busy);
                busy += 1;
            }
        }
    }
    // One thread, a picture in its hands, and eight that wait.
    assert!((50..=99).contains(&busy), "{busy}");
    assert!(find().await.unwrap().is_some());
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
        model.ensure_usable(&engine, &|| true).unwrap();
        finds_the_hand(&HandService::start(model, engine, options()).unwrap());
    }
    // A file that is not what its manifest says.
    let (_home, store) = model::store(&[("palm", &networks::palm()), ("hand", &networks::hand())]);
    model::write_pose(&store.models(), &networks::body());
    std::fs::write(store.file_path(model::POSE, "pose.tflite"), b"damaged").unwrap();
    let model = sightwire_infer::landmarks::HandModel::load(&store, &store.manifest(model::NAME).unwrap());
    finds_the_hand(&HandService::start(model.unwrap(), model::engine(), options()).unwrap());
}
