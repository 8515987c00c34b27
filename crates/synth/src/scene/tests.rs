use std::collections::{BTreeMap, BTreeSet};

use super::*;

const SEEDS: [u64; 4] = [1, 2, 77, u64::MAX];

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Moments with this many seconds between, in some minutes.
fn times(minutes: u32, step: f64) -> impl Iterator<Item = Duration> {
    let count = (f64::from(minutes) * 60.0 / step) as u32;
    (0..count).map(move |index| at(f64::from(index) * step))
}

/// The parts of a car park.
fn car_park(scene: &Scene) -> &CarPark {
    match &scene.place {
        Place::CarPark(car_park) => car_park,
        Place::Street(_) => panic!("{scene:?}"),
    }
}

#[test]
fn seed_size_and_time_alone_decide_the_frame() {
    let scene = Scene::new(5, 160, 120);
    let frame = scene.frame(at(31.3));
    scene.frame(at(99.0));
    assert_eq!(scene.frame(at(31.3)), frame);
    assert_eq!(Scene::new(5, 160, 120).frame(at(31.3)), frame);
    assert_ne!(Scene::new(6, 160, 120).frame(at(31.3)), frame);
    assert_eq!(Scene::new(5, 160, 120).objects(at(31.3)), scene.objects(at(31.3)));
}

#[test]
fn no_two_frames_are_equal() {
    let scene = Scene::new(1, 64, 48);
    let frames: BTreeSet<Vec<u8>> = times(1, 0.05).map(|t| scene.frame(t).into_data()).collect();
    assert_eq!(frames.len(), 1200);
}

#[test]
fn rectangles_are_as_tight_as_they_can_be() {
    const PLAIN: [u8; 3] = [255, 0, 255];
    let scene = Scene::new(3, 640, 480);
    let mut seen = BTreeSet::new();
    for t in times(3, 5.3) {
        for actor in car_park(&scene).parked.iter().chain(&car_park(&scene).traffic.actors_at(t)) {
            let Some(rect) = actor.visible_box(&car_park(&scene).view) else { continue };
            if rect.width() < LEAST_SEEN_PX || rect.height() < LEAST_SEEN_PX {
                continue;
            }
            let mut image = Image::new(640, 480);
            image.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&PLAIN));
            actor.draw(&car_park(&scene).view, &mut Canvas::new(&mut image));
            let drawn = image.data().chunks_exact(3).enumerate().filter(|(_, pixel)| *pixel != PLAIN);
            let points: Vec<[f32; 2]> =
                drawn.map(|(index, _)| [(index % 640) as f32 + 0.5, (index / 640) as f32 + 0.5]).collect();
            let drawn = canvas::bounding_box(&points);
            let off = [
                drawn.left - 0.5 - rect.left,
                drawn.top - 0.5 - rect.top,
                drawn.right + 0.5 - rect.right,
                drawn.bottom + 0.5 - rect.bottom,
            ];
            let whole = actor.bounds(&car_park(&scene).view);
            // What is cut off is not quite as wide at the picture's edge as the hull of its corners.
            let most = if whole == whole.clamp_to(640, 480) { 1.5 } else { 6.0 };
            assert!(off.iter().all(|off| off.abs() < most), "{actor:?} at {t:?}: {off:?}");
            seen.insert((actor.kind() as u8, actor.moving));
        }
    }
    assert_eq!(seen.len(), 4, "cars and people, moving and standing");
}

/// Whether a pixel's middle lies in a box, or within a pixel of it: edges are smooth.
fn is_in(rect: &Rect, x: f32, y: f32) -> bool {
    x > rect.left - 1.0 && x < rect.right + 1.0 && y > rect.top - 1.0 && y < rect.bottom + 1.0
}

/// Against the frame without anyone who comes and goes.
#[test]
fn what_changes_in_the_picture_is_an_object_or_its_shadow() {
    for seed in SEEDS {
        let scene = Scene::new(seed, 320, 240);
        let parked: Vec<Rect> =
            car_park(&scene).parked.iter().map(|actor| actor.bounds(&car_park(&scene).view)).collect();
        let mut image = Image::default();
        for t in times(2, 3.1) {
            scene.draw(t, &mut image);
            let rects: Vec<Rect> = car_park(&scene)
                .traffic
                .actors_at(t)
                .iter()
                .map(|actor| actor.bounds(&car_park(&scene).view))
                .collect();
            let mut changed = vec![0; rects.len()];
            let pixels = image.data().chunks_exact(3).zip(scene.background.data().chunks_exact(3));
            for (index, (new, old)) in pixels.enumerate().filter(|(_, (new, old))| new != old) {
                let (x, y) = ((index % 320) as f32 + 0.5, (index / 320) as f32 + 0.5);
                let mut is_inside = false;
                for (_, changed) in rects.iter().zip(&mut changed).filter(|(rect, _)| is_in(rect, x, y)) {
                    is_inside = true;
                    *changed += 1;
                }
                let is_shadow = new.iter().zip(old).all(|(new, old)| new <= old);
                // Edges that are drawn twice where a parked car stands before someone.
                let is_edge = parked.iter().any(|rect| is_in(rect, x, y));
                assert!(is_inside || is_shadow || is_edge, "seed {seed}, {t:?}: {x}, {y}");
            }
            for (rect, changed) in rects.iter().zip(changed) {
                if *rect == rect.clamp_to(320, 240) {
                    // A car may stand behind another.
                    assert!(changed as f32 >= rect.area() * 0.2, "seed {seed}, {t:?}: {changed} of {rect:?}");
                }
            }
        }
    }
}

#[test]
fn drawing_what_has_changed_is_as_good_as_drawing_everything() {
    let scene = Scene::new(2, 320, 240);
    let ground = ground::draw_ground(2, &car_park(&scene).view);
    let mut drawn = Image::default();
    for t in times(1, 0.3) {
        scene.draw(t, &mut drawn);
        let mut whole = ground.clone();
        let mut canvas = Canvas::new(&mut whole);
        let mut actors = [car_park(&scene).parked.clone(), car_park(&scene).traffic.actors_at(t)].concat();
        actors.sort_by(far_first);
        for actor in &actors {
            actor.draw_shadow(&car_park(&scene).view, &mut canvas);
        }
        for actor in &actors {
            actor.draw(&car_park(&scene).view, &mut canvas);
        }
        let far_off = drawn.data().iter().zip(whole.data()).filter(|(a, b)| a.abs_diff(**b) > 64).count();
        assert_eq!(far_off, 0, "{t:?}");
    }
}

#[test]
fn nobody_drives_into_anybody() {
    for seed in SEEDS {
        let (traffic, parked) = Traffic::new(seed);
        for t in times(40, 0.2) {
            let actors = traffic.actors_at(t);
            let cars: Vec<_> = actors.iter().filter(|actor| actor.footprint().is_some()).collect();
            for (index, one) in cars.iter().enumerate() {
                for other in cars[index + 1..].iter().copied().chain(&parked) {
                    let (Some(a), Some(b)) = (one.footprint(), other.footprint()) else { continue };
                    assert!(!touch(&a, &b), "seed {seed}, {t:?}: {one:?} {other:?}");
                }
            }
        }
    }
}

/// Whether two convex polygons overlap: no side of either has all corners of the other beyond it.
fn touch(one: &[[f32; 2]; 4], other: &[[f32; 2]; 4]) -> bool {
    let is_apart = |a: &[[f32; 2]; 4], b: &[[f32; 2]; 4]| {
        (0..4).any(|index| {
            let (p, q) = (a[index], a[(index + 1) % 4]);
            let side =
                |point: &[f32; 2]| (q[0] - p[0]) * (point[1] - p[1]) - (q[1] - p[1]) * (point[0] - p[0]);
            b.iter().all(|point| side(point) < 0.0)
        })
    };
    !is_apart(one, other) && !is_apart(other, one)
}

#[test]
fn an_id_is_one_object_that_comes_and_goes_once() {
    let scene = Scene::new(9, 640, 480);
    let mut last: BTreeMap<u64, SceneObject> = BTreeMap::new();
    let mut gone: BTreeSet<u64> = BTreeSet::new();
    for t in times(12, 0.1) {
        let objects = scene.objects(t);
        let now: BTreeMap<u64, SceneObject> = objects.iter().map(|object| (object.id, *object)).collect();
        assert_eq!(now.len(), objects.len(), "an id is there twice");
        for (id, object) in &now {
            assert!(!gone.contains(id), "{id} is back");
            if let Some(before) = last.get(id) {
                assert_eq!(before.kind, object.kind);
                let ((x0, y0), (x1, y1)) = (before.rect.centre(), object.rect.centre());
                let way = (x1 - x0).hypot(y1 - y0);
                assert!(way < 25.0, "{id} jumps {way} px at {t:?}");
                if !before.moving && !object.moving {
                    assert!(way < 0.5, "{id} stands and moves {way} px at {t:?}");
                }
            }
        }
        gone.extend(last.keys().filter(|id| !now.contains_key(id)));
        last = now;
    }
    assert!(gone.len() > 40, "{}", gone.len());
}

#[test]
fn there_is_always_something_to_see() {
    for seed in SEEDS {
        let scene = Scene::new(seed, 640, 480);
        let (mut idle, mut most, mut people) = (0, 0, 0);
        let mut stood: BTreeMap<u64, u32> = BTreeMap::new();
        for t in times(10, 0.5) {
            let objects = scene.objects(t);
            let moving =
                objects.iter().filter(|object| object.moving && object.kind == SceneKind::Car).count();
            idle = if moving == 0 { idle + 1 } else { 0 };
            assert!(idle < 30, "seed {seed}: nothing moves for 15 s at {t:?}");
            most = most.max(moving);
            people += objects.iter().filter(|object| object.kind == SceneKind::Person).count();
            for object in objects.iter().filter(|object| object.id >= 1000 && !object.moving) {
                *stood.entry(object.id).or_default() += 1;
            }
        }
        assert!((2..=5).contains(&most), "seed {seed}: {most} cars move");
        assert!((100..2000).contains(&people), "seed {seed}: {people}");
        let parked = stood.values().filter(|halves| **halves > 20).count();
        assert!(parked >= 15, "seed {seed}: {parked} cars parked");
    }
}

#[test]
fn any_size_and_any_time_can_be_drawn() {
    for (width, height) in [(32, 32), (1600, 40), (40, 900), (0, 0), (320, 240)] {
        let scene = Scene::new(1, width, height);
        for t in [Duration::ZERO, at(1e9), Duration::MAX] {
            let frame = scene.frame(t);
            assert_eq!((frame.width(), frame.height()), (width.max(32), height.max(32)));
            for object in scene.objects(t) {
                assert!(object.rect.right <= frame.width() as f32 && object.rect.left >= 0.0);
            }
        }
    }
}

#[test]
fn a_street_is_decided_by_seed_size_and_time_alone_and_never_twice_the_same() {
    let street = Scene::street(5, 160, 120);
    let frame = street.frame(at(31.3));
    street.frame(at(99.0));
    assert_eq!(street.frame(at(31.3)), frame);
    assert_eq!(Scene::street(5, 160, 120).frame(at(31.3)), frame);
    assert_ne!(Scene::street(6, 160, 120).frame(at(31.3)), frame);
    let frames: BTreeSet<Vec<u8>> = times(1, 0.5).map(|t| street.frame(t).into_data()).collect();
    assert_eq!(frames.len(), 120);
    for (width, height) in [(MIN_SIDE, MIN_SIDE), (MAX_SIDE, MIN_SIDE), (MIN_SIDE, MAX_SIDE), (1, 1)] {
        let street = Scene::street(1, width, height);
        street.frame(at(1e9));
        street.objects(Duration::MAX);
    }
}

/// Against the street without anyone on it.
#[test]
fn what_changes_on_the_street_is_a_car_or_its_shadow_and_each_car_is_where_it_is_said_to_be() {
    for seed in SEEDS {
        let street = Scene::street(seed, 320, 240);
        let mut image = Image::default();
        for t in times(2, 3.1) {
            street.draw(t, &mut image);
            let objects = street.objects(t);
            let mut drawn = vec![Vec::new(); objects.len()];
            let pixels = image.data().chunks_exact(3).zip(street.background.data().chunks_exact(3));
            for (index, (new, old)) in pixels.enumerate().filter(|(_, (new, old))| new != old) {
                let (x, y) = ((index % 320) as f32 + 0.5, (index / 320) as f32 + 0.5);
                // Mirrors and the frames of windows reach a little beyond the body.
                let is_near = |rect: &Rect| {
                    let nearest = [x.clamp(rect.left, rect.right), y.clamp(rect.top, rect.bottom)];
                    (nearest[0] - x).hypot(nearest[1] - y) < 2.0
                };
                let inside = objects.iter().position(|object| is_near(&object.rect));
                let is_shadow = new.iter().zip(old).all(|(new, old)| new <= old);
                assert!(inside.is_some() || is_shadow, "seed {seed}, {t:?}: {x}, {y}: {objects:?}");
                if let Some(inside) = inside.filter(|_| !is_shadow) {
                    drawn[inside].push([x, y]);
                }
            }
            for (object, points) in objects.iter().zip(drawn) {
                let (rect, drawn) = (object.rect, canvas::bounding_box(&points));
                // The last centimetres of a car that leaves may be its dark tyre, and are taken for a shadow.
                if rect.width() < 40.0 {
                    continue;
                }
                let off = [drawn.left - rect.left, drawn.right - rect.right, drawn.top - rect.top];
                assert!(off.iter().all(|off| off.abs() < 5.0), "seed {seed}, {t:?}: {off:?} of {object:?}");
            }
        }
    }
}

#[test]
fn cars_on_the_street_keep_their_distance_come_once_and_go_once() {
    for seed in SEEDS {
        let street = Scene::street(seed, 640, 480);
        let (mut seen, mut moving, mut standing) = (BTreeMap::<u64, (f64, f32)>::new(), 0, 0);
        for t in times(5, 0.2) {
            let objects = street.objects(t);
            for (index, one) in objects.iter().enumerate() {
                let others = &objects[index + 1..];
                assert!(
                    others.iter().all(|other| !has_overlap(&one.rect, &other.rect)),
                    "{t:?}: {objects:?}"
                );
                if one.moving {
                    moving += 1;
                } else {
                    standing += 1;
                }
                let (now, middle) = (t.as_secs_f64(), f32::midpoint(one.rect.left, one.rect.right));
                let (before, was) = seen.insert(one.id, (now, middle)).unwrap_or((now, middle));
                assert!(now - before < 0.3, "{} came back after {} s", one.id, now - before);
                assert!((middle - was).abs() < 50.0, "{} jumped", one.id);
            }
        }
        assert!(
            seen.len() > 100 && moving > standing && standing > 100,
            "{} {moving} {standing}",
            seen.len()
        );
    }
}
