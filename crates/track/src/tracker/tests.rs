use super::*;

const NOBODY: [u64; 0] = [];

const FRAME: Duration = Duration::from_millis(40);
const CAR: usize = 2;

fn rect(x: f32) -> Rect {
    Rect { left: x, top: 100.0, right: x + 50.0, bottom: 220.0 }
}

fn sure(x: f32) -> Detection {
    Detection { rect: rect(x), class: 0, confidence: 0.9 }
}

fn unsure(x: f32) -> Detection {
    Detection { confidence: 0.3, ..sure(x) }
}

/// A tracker and its time.
struct Run {
    tracker: Tracker,
    now: Instant,
}

impl Run {
    /// Something that is seen in the first analysis has its id at once, so an empty one comes first.
    fn new(options: TrackerOptions) -> Self {
        let mut run = Self { tracker: Tracker::new(options), now: Instant::now() };
        run.tracker.update(run.now, &[]);
        run
    }

    fn after(&mut self, time: Duration, detections: &[Detection]) -> &mut Self {
        self.now += time;
        self.tracker.update(self.now, detections);
        self
    }

    fn next(&mut self, detections: &[Detection]) -> &mut Self {
        self.after(FRAME, detections)
    }

    fn times(&mut self, count: usize, detections: &[Detection]) -> &mut Self {
        for _ in 0..count {
            self.next(detections);
        }
        self
    }

    fn seen(&self) -> Vec<Track> {
        self.tracker.predict(self.now)
    }

    fn ids(&self) -> Vec<u64> {
        self.seen().iter().map(|track| track.id).collect()
    }
}

#[test]
fn an_object_gets_its_id_when_it_is_found_again_and_keeps_it() {
    let mut run = Run::new(TrackerOptions::default());
    assert_eq!(run.next(&[sure(100.0)]).ids(), NOBODY);
    for step in 1..100_u8 {
        let x = 100.0 + 3.0 * f32::from(step);
        assert_eq!(run.next(&[sure(x)]).ids(), [1]);
        assert!(run.seen()[0].rect.iou(&rect(x)) > 0.85);
    }
    let track = &run.seen()[0];
    assert_eq!((track.age, track.unseen, track.class), (FRAME * 99, Duration::ZERO, 0));
}

#[test]
fn what_the_very_first_analysis_finds_is_shown_at_once() {
    let now = Instant::now();
    let mut tracker = Tracker::new(TrackerOptions::default());
    assert!(tracker.predict(now).is_empty());
    tracker.update(now, &[sure(100.0), sure(300.0), unsure(500.0)]);
    assert_eq!(tracker.predict(now).len(), 2);
}

#[test]
fn boxes_found_only_once_use_up_no_id() {
    let mut run = Run::new(TrackerOptions::default());
    for step in 0..20_u8 {
        run.next(&[sure(50.0), sure(200.0 + 400.0 * f32::from(step % 3))]);
    }
    assert_eq!((run.ids(), run.tracker.newest_id()), (vec![1], 1));
}

#[test]
fn an_unsure_box_keeps_a_track_but_neither_begins_one_nor_brings_one_back() {
    let mut run = Run::new(TrackerOptions::default());
    assert_eq!(run.times(5, &[unsure(300.0)]).ids(), NOBODY);
    run.times(3, &[sure(100.0)]).times(60, &[unsure(100.0)]);
    assert_eq!((run.ids(), run.seen()[0].unseen), (vec![1], Duration::ZERO));
    // Once it was not found at all, only a sure box will do.
    run.next(&[]).times(5, &[unsure(100.0)]);
    assert_eq!(run.seen()[0].unseen, FRAME * 6);
    assert_eq!(run.next(&[sure(100.0)]).seen()[0].unseen, Duration::ZERO);
    assert_eq!(run.ids(), [1]);
}

#[test]
fn an_object_hidden_for_most_of_a_second_comes_back_under_its_id() {
    let mut run = Run::new(TrackerOptions::default());
    let at = |step: u8| 100.0 + 4.0 * f32::from(step);
    for step in 0..30 {
        run.next(&[sure(at(step))]);
    }
    run.times(20, &[]);
    assert_eq!(run.ids(), NOBODY, "not drawn for ever where it may be");
    for step in 50..60 {
        assert_eq!(run.next(&[sure(at(step))]).ids(), [1]);
    }
}

#[test]
fn an_object_hidden_for_longer_than_the_buffer_is_another_one() {
    let mut run = Run::new(TrackerOptions::default());
    run.times(10, &[sure(100.0)]).times(26, &[]).times(2, &[sure(100.0)]);
    assert_eq!(run.ids(), [2]);
    assert_eq!(run.times(60, &[]).tracker.len(), 0, "nothing is kept of it");
}

#[test]
fn one_miss_ends_no_track_however_slow_analyses_are() {
    let mut run = Run::new(TrackerOptions::default());
    let slow = Duration::from_secs(4);
    run.after(slow, &[sure(100.0)]).after(slow, &[sure(100.0)]);
    run.after(slow, &[]).after(slow, &[sure(100.0)]);
    assert_eq!(run.ids(), [1]);
    for _ in 0..7 {
        run.after(slow, &[]);
    }
    assert!(run.tracker.is_empty());
}

#[test]
fn after_a_pause_everything_begins_anew() {
    let mut run = Run::new(TrackerOptions::default());
    run.times(3, &[sure(100.0)]).after(Duration::from_secs(60), &[sure(100.0)]);
    assert_eq!(run.ids(), [2]);
    let pause = TrackerOptions::default().pause;
    assert_eq!(run.next(&[sure(100.0)]).after(pause, &[sure(100.0)]).ids(), [2], "it is no longer than that");
}

#[test]
fn a_newcomer_may_be_as_far_as_its_speed_takes_it_since_it_was_seen() {
    let options = TrackerOptions { newcomer_speed: 2.0, nominal_fps: 25.0, ..TrackerOptions::default() };
    let mut run = Run::new(options);
    run.next(&[sure(100.0)]);
    let margin = |run: &Run, later: Duration| run.tracker.margin(run.now + later, 0);
    assert!(margin(&run, FRAME) < 0.01, "a usual interval needs none");
    // Two heights a second, 120 px each.
    assert!((margin(&run, FRAME + Duration::from_millis(500)) - 120.0).abs() < 0.1);
    run.next(&[sure(100.0)]);
    assert_eq!(margin(&run, Duration::from_secs(1)).to_bits(), 0, "one that is confirmed gets none");
}

#[test]
fn what_is_grown_has_the_margin_on_all_sides() {
    let (small, large) = ([10.0, 20.0, 30.0, 40.0], [5.0, 15.0, 35.0, 45.0]);
    let [small, large] = [small, large].map(|[left, top, right, bottom]| Rect { left, top, right, bottom });
    assert_eq!(grow_rect(&small, 5.0), large);
}

#[test]
fn a_tracker_is_empty_until_something_is_found() {
    let mut run = Run::new(TrackerOptions::default());
    assert!(run.tracker.is_empty());
    run.next(&[sure(100.0)]);
    assert!(!run.tracker.is_empty());
}

#[test]
fn something_new_and_fast_gets_a_track_although_its_first_boxes_do_not_meet() {
    // Five analyses a second, more than a width each time.
    let boxes = [sure(100.0), sure(160.0), sure(220.0), sure(280.0)];
    let walk = |options| {
        let mut run = Run::new(options);
        for detection in boxes {
            run.after(Duration::from_millis(200), &[detection]);
        }
        run.ids()
    };
    assert_eq!(walk(TrackerOptions { newcomer_speed: 2.0, ..TrackerOptions::default() }), [1]);
    assert_eq!(walk(TrackerOptions { newcomer_speed: 0.0, ..TrackerOptions::default() }), NOBODY);
}

#[test]
fn between_analyses_boxes_go_on_and_stop_after_a_while() {
    let mut run = Run::new(TrackerOptions::default());
    for step in 0..30_u8 {
        run.next(&[sure(100.0 + 4.0 * f32::from(step))]);
    }
    let (before, now) = (format!("{:?}", run.tracker), run.now);
    let x = |later: u64| run.tracker.predict(now + Duration::from_millis(later))[0].rect.left;
    // 4 pixels in 40 ms
    assert!((x(200) - x(0) - 20.0).abs() < 1.0, "{} {}", x(0), x(200));
    assert!((x(1000) - x(0) - 100.0).abs() < 3.0);
    assert!((x(60_000) - x(1000)).abs() < 0.01, "nothing flies out of a picture that stands still");
    assert_eq!(format!("{:?}", run.tracker), before, "looking changes nothing");
}

#[test]
fn what_is_not_found_is_drawn_for_a_short_while() {
    let mut run = Run::new(TrackerOptions::default());
    run.times(10, &[sure(100.0)]).times(10, &[]);
    assert_eq!((run.ids(), run.seen()[0].unseen), (vec![1], FRAME * 10));
    assert_eq!(run.next(&[]).ids(), NOBODY);
    let hidden = TrackerOptions { coast: Duration::ZERO, ..TrackerOptions::default() };
    assert_eq!(Run::new(hidden).times(10, &[sure(100.0)]).next(&[]).ids(), NOBODY);
}

#[test]
fn a_trail_ends_where_the_box_is_and_begins_some_seconds_ago() {
    let mut run = Run::new(TrackerOptions::default());
    for step in 0..200_u8 {
        run.next(&[sure(f32::from(step))]);
    }
    let now = run.now + Duration::from_millis(20);
    let track = &run.tracker.predict(now)[0];
    let (first, last) = (track.trail[0], track.trail[track.trail.len() - 1]);
    assert!(now - first.at > Duration::from_millis(2900) && now - first.at <= Duration::from_secs(3));
    assert_eq!((last.at, last.x, last.y), (now, track.rect.centre().0, track.rect.bottom));
    assert!(track.trail.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].x < pair[1].x));
    let newest = run.seen()[0].trail.iter().filter(|point| point.at == run.now).count();
    assert_eq!(newest, 1, "the analysis has marked it");
    let mut run = Run::new(TrackerOptions { trail_points: 0, ..TrackerOptions::default() });
    run.times(5, &[sure(100.0)]);
    assert_eq!(run.tracker.predict(run.now + FRAME)[0].trail, []);
}

#[test]
fn of_two_tracks_on_one_object_the_older_goes_on() {
    let mut run = Run::new(TrackerOptions::default());
    run.times(20, &[sure(100.0)]).times(5, &[sure(100.0), sure(112.0)]);
    assert_eq!(run.ids(), [1, 2]);
    // The newer takes the detections away from the older, and comes to lie where the older was lost.
    for step in 0..10_u8 {
        run.next(&[sure(112.0 - f32::from(step))]);
    }
    assert_eq!(run.ids(), [1]);
    assert_eq!(run.tracker.len(), 1);
    assert_eq!(run.seen()[0].unseen, Duration::ZERO);
}

#[test]
fn of_two_lost_tracks_where_an_object_is_found_one_goes_on() {
    let mut run = Run::new(TrackerOptions::default());
    let two = [sure(100.0), sure(102.0)];
    run.times(20, &two);
    assert_eq!(run.ids(), [1, 2], "a detector that finds it twice");
    // Something else comes there while both are hidden.
    for step in 0..12_u8 {
        run.next(&[sure(101.0 + 10.0 * f32::from(12 - step))]);
    }
    assert_eq!(run.next(&[sure(101.0)]).ids(), [1]);
}

#[test]
fn a_newer_track_of_another_class_is_the_same_object_unless_classes_are_kept_apart() {
    let car = |x| Detection { class: CAR, ..sure(x) };
    for (other_class, ids) in [(0.8, vec![1]), (0.0, vec![1, 2])] {
        let mut run = Run::new(TrackerOptions { other_class, ..TrackerOptions::default() });
        run.times(20, &[sure(100.0)]).times(5, &[sure(100.0), car(112.0)]);
        for step in 0..6_u8 {
            run.next(&[car(112.0 - 2.0 * f32::from(step))]);
        }
        assert_eq!(run.ids(), ids, "other_class {other_class}");
    }
}

#[test]
fn classes_can_be_kept_apart() {
    let car = |x| Detection { class: CAR, ..sure(x) };
    let strict = TrackerOptions { other_class: 0.0, ..TrackerOptions::default() };
    let mut run = Run::new(strict);
    run.times(3, &[sure(100.0)]).times(3, &[car(100.0)]);
    assert_eq!(
        run.seen().iter().map(|track| (track.id, track.class)).collect::<Vec<_>>(),
        [(1, 0), (2, CAR)]
    );
    let mut run = Run::new(TrackerOptions::default());
    run.times(20, &[sure(100.0)]).times(3, &[car(100.0)]);
    assert_eq!(run.seen().iter().map(|track| (track.id, track.class)).collect::<Vec<_>>(), [(1, 0)]);
}

#[test]
fn of_boxes_that_fit_about_as_well_the_surer_is_taken() {
    let found = |fuse_score| {
        let mut run = Run::new(TrackerOptions { fuse_score, ..TrackerOptions::default() });
        run.times(10, &[sure(100.0)]);
        run.next(&[Detection { confidence: 0.55, ..sure(103.0) }, sure(95.0)]).seen()[0].confidence
    };
    assert!(found(true) > 0.8);
    assert!(found(false) < 0.6);
}

#[test]
fn an_object_that_a_detector_is_sure_of_now_and_then_stays_above_a_threshold() {
    let mut run = Run::new(TrackerOptions::default());
    run.times(3, &[sure(100.0)]);
    for _ in 0..10 {
        run.times(5, &[unsure(100.0)]);
        assert!(run.seen()[0].confidence < 0.4 && run.seen()[0].held_confidence > 0.7);
        run.next(&[sure(100.0)]);
    }
    assert!(run.times(100, &[unsure(100.0)]).seen()[0].held_confidence < 0.4, "not for ever");
}

#[test]
fn only_the_surest_boxes_are_considered() {
    let mut run = Run::new(TrackerOptions { max_detections: 2, ..TrackerOptions::default() });
    let boxes = [Detection { confidence: 0.7, ..sure(0.0) }, sure(200.0), sure(400.0)];
    run.times(3, &boxes);
    let lefts: Vec<f32> = run.seen().iter().map(|track| track.rect.left.round()).collect();
    assert_eq!((lefts, run.tracker.len()), (vec![200.0, 400.0], 2));
    assert_eq!(run.next(&boxes[1..]).seen().len(), 2, "as many as may be");
}

#[test]
fn what_is_no_box_is_dropped() {
    let broken = [
        Rect { left: f32::NAN, ..rect(0.0) },
        Rect { right: f32::INFINITY, ..rect(0.0) },
        Rect { left: 200.0, right: 100.0, ..rect(0.0) },
        Rect { top: 100.0, bottom: 100.0, ..rect(0.0) },
        Rect { bottom: 100.0 + f32::MIN_POSITIVE, ..rect(0.0) },
        Rect { bottom: 1e30, ..rect(0.0) },
    ];
    let mut detections: Vec<_> = broken.iter().map(|&rect| Detection { rect, ..sure(0.0) }).collect();
    detections.push(Detection { confidence: f32::NAN, ..sure(0.0) });
    let mut run = Run::new(TrackerOptions::default());
    run.times(3, &detections);
    assert!(run.tracker.is_empty());
    detections.push(Detection { confidence: 3.0, ..sure(0.0) });
    assert!((run.times(3, &detections).seen()[0].confidence - 1.0).abs() < 1e-6);
}

#[test]
fn where_there_is_no_room_what_was_lost_longest_goes_first() {
    let options = TrackerOptions { max_tracks: 3, ..TrackerOptions::default() };
    let mut run = Run::new(options);
    run.times(3, &[sure(0.0), sure(200.0), sure(400.0)]);
    run.times(3, &[sure(200.0), sure(400.0), sure(600.0)]);
    assert_eq!((run.ids(), run.tracker.len()), (vec![2, 3, 4], 3));
    run.times(3, &[sure(200.0), sure(400.0), sure(600.0), sure(800.0)]);
    assert_eq!(run.ids(), [2, 3, 4], "what is there is not given up");
}

#[test]
fn time_that_runs_backwards_does_no_harm() {
    let mut run = Run::new(TrackerOptions::default());
    let early = run.now + FRAME * 2;
    run.times(5, &[sure(100.0)]);
    run.tracker.update(early + FRAME, &[sure(101.0)]);
    run.tracker.update(early, &[]);
    assert_eq!(run.tracker.predict(early).len(), 1);
    assert_eq!(run.next(&[sure(100.0)]).ids(), [1]);
}

/// Somebody 40 px wide and 100 px high walks behind a post, of whom a detector finds the visible part, and nothing of less than two
/// fifths: for 0.55 s. Numbers that the walker had, at four looks a second.
fn numbers_behind_a_post(speed: f32, phase: f32, options: TrackerOptions) -> u64 {
    const WIDTH: f32 = 40.0;
    let start = Instant::now();
    // Hidden while the visible part on either side is too small.
    let post = (300.0, 300.0 + speed * 0.55 + WIDTH * (1.0 - 2.0 * 0.4) - WIDTH + 2.0 * 0.4 * WIDTH);
    let mut tracker = Tracker::new(options);
    for look in 0..40 {
        let seconds = (f64::from(look) + f64::from(phase)) / 4.0;
        let now = start + Duration::from_secs_f64(seconds);
        let left = 20.0 + speed * seconds as f32;
        let right = left + WIDTH;
        if left > 640.0 {
            break;
        }
        let before = (left, right.min(post.0));
        let behind = (left.max(post.1), right);
        let seen = if before.1 - before.0 >= behind.1 - behind.0 { before } else { behind };
        let is_seen = seen.1 - seen.0 >= 0.4 * WIDTH;
        let rect = Rect { left: seen.0, top: 100.0, right: seen.1, bottom: 200.0 };
        let found = [Detection { rect, class: 0, confidence: 0.7 }];
        tracker.update(now, if is_seen { &found } else { &[] });
    }
    tracker.newest_id()
}

#[test]
fn who_walks_behind_a_post_comes_out_with_the_same_number() {
    let options = TrackerOptions::for_confidence(0.25);
    let crossings = [40.0, 60.0, 80.0, 100.0, 130.0, 160.0, 200.0];
    let all: Vec<(f32, f32)> =
        crossings.iter().flat_map(|speed| (0..8).map(move |phase| (*speed, phase as f32 / 8.0))).collect();
    let changed: Vec<_> =
        all.iter().filter(|(speed, phase)| numbers_behind_a_post(*speed, *phase, options) != 1).collect();
    assert!(changed.is_empty(), "{} of {}: {changed:?}", changed.len(), all.len());
}
