//! What the threads promise to those who hand pictures in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sightwire_frame::Image;
use sightwire_infer::detect::{Busy, DetectError, DetectService, DetectorOptions, Found, ServiceOptions};

use super::world::{BGR, assert_found, engine, model, sees_yolox};

const PATIENCE: Duration = Duration::from_secs(20);
const OPTIONS: ServiceOptions = ServiceOptions {
    threads: 1,
    queue: 4,
    idle_release: Duration::from_secs(600),
    detector: DetectorOptions { iou: None, max_boxes: 50 },
};

type Answers = (Sender<(u8, Result<Found, DetectError>)>, Receiver<(u8, Result<Found, DetectError>)>);

fn service(options: ServiceOptions) -> DetectService {
    DetectService::start(model("yolox", BGR, &sees_yolox()), engine(None), options).unwrap()
}

/// A picture that is blue all over.
fn blue() -> Arc<Image> {
    Arc::new(Image::from_bgr(32, 32, [204, 0, 0].repeat(32 * 32)).unwrap())
}

fn submit(service: &DetectService, answers: &Answers, number: u8) -> Result<(), Busy> {
    let sender = answers.0.clone();
    service.submit(blue(), 0.5, || true, move |found| drop(sender.send((number, found))))
}

/// Keeps the only thread busy until the sender that is returned is used or dropped.
fn block(service: &DetectService, answers: &Answers) -> Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let sender = answers.0.clone();
    let wait = move || {
        let _ = begun.send(());
        let _ = held.recv_timeout(PATIENCE);
        true
    };
    service.submit(blue(), 0.5, wait, move |found| drop(sender.send((0, found)))).unwrap();
    has_begun.recv_timeout(PATIENCE).unwrap();
    release
}

fn next(answers: &Answers) -> (u8, Result<Found, DetectError>) {
    answers.1.recv_timeout(PATIENCE).unwrap()
}

fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn pictures_are_answered_in_the_order_in_which_they_came_and_one_too_many_is_refused() {
    let (service, answers) = (service(OPTIONS), mpsc::channel());
    let release = block(&service, &answers);
    for number in 1..=4 {
        submit(&service, &answers, number).unwrap();
    }
    let refused = submit(&service, &answers, 5).unwrap_err();
    assert_eq!(refused, Busy { waiting: 4 });
    assert_eq!((service.stats().pending, service.stats().refused), (4, 1));
    drop(release);
    for expected in 0..=4 {
        let (number, found) = next(&answers);
        assert_eq!(number, expected);
        let found = found.unwrap();
        assert_found(found.detections[0], 0, 0.8, [0.0, 0.0, 8.0, 8.0]);
        assert!(found.took > Duration::ZERO);
    }
    let stats = service.stats();
    assert_eq!((stats.runs, stats.pending, stats.took.count()), (5, 0, 5));
    submit(&service, &answers, 6).unwrap();
    assert_eq!(next(&answers).0, 6);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_run() {
    let (service, answers) = (service(OPTIONS), mpsc::channel());
    let sender = answers.0.clone();
    service.submit(blue(), 0.5, || false, move |found| drop(sender.send((1, found)))).unwrap();
    assert!(matches!(next(&answers), (1, Err(DetectError::Unwanted))));
    assert_eq!((service.stats().runs, service.stats().unwanted), (0, 1));
}

#[test]
fn a_panic_costs_one_picture_and_no_thread() {
    let (service, answers) = (service(OPTIONS), mpsc::channel());
    let sender = answers.0.clone();
    service.submit(blue(), 0.5, || panic!("on purpose"), move |found| drop(sender.send((1, found)))).unwrap();
    assert!(matches!(next(&answers), (1, Err(DetectError::Panicked))));
    service.submit(blue(), 0.5, || true, |_| panic!("on purpose")).unwrap();
    submit(&service, &answers, 2).unwrap();
    assert!(matches!(next(&answers), (2, Ok(_))));
    let empty = Arc::new(Image::default());
    let sender = answers.0.clone();
    service.submit(empty, 0.5, || true, move |found| drop(sender.send((3, found)))).unwrap();
    assert!(matches!(next(&answers), (3, Err(DetectError::Picture(_)))));
    assert_eq!(service.stats().failed, 2);
}

#[test]
fn the_end_answers_everyone_who_waits() {
    let (service, answers) = (service(OPTIONS), mpsc::channel());
    let release = block(&service, &answers);
    for number in 1..=3 {
        submit(&service, &answers, number).unwrap();
    }
    let ender = std::thread::spawn(move || drop(service));
    for expected in 1..=3 {
        let (number, found) = next(&answers);
        assert!(number == expected && matches!(found, Err(DetectError::Ended)));
    }
    drop(release);
    assert!(matches!(next(&answers), (0, Ok(_))), "what has begun is finished");
    ender.join().unwrap();
}

#[test]
fn the_last_owner_may_let_go_within_an_answer() {
    let service = Arc::new(Mutex::new(Some(service(OPTIONS))));
    let (sender, answer) = mpsc::channel();
    let own = service.clone();
    let done = move |_| {
        drop(own.lock().unwrap().take());
        let _ = sender.send(());
    };
    service.lock().unwrap().as_ref().unwrap().submit(blue(), 0.5, || true, done).unwrap();
    answer.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn sessions_are_let_go_when_idle_and_made_anew_and_one_stream_needs_only_one() {
    let options = ServiceOptions { threads: 2, idle_release: Duration::from_secs(2), ..OPTIONS };
    let (service, answers) = (service(options), mpsc::channel());
    assert_eq!(service.stats().threads_with_sessions, 1, "the one that proved that the model works");
    for round in 0..2 {
        for number in 0..3 {
            submit(&service, &answers, number).unwrap();
            assert!(next(&answers).1.is_ok(), "round {round}");
        }
        assert!(service.stats().threads_with_sessions <= 1);
        until(|| service.stats().threads_with_sessions == 0);
    }
}

#[test]
fn two_threads_work_at_once() {
    let (service, answers) = (service(ServiceOptions { threads: 2, ..OPTIONS }), mpsc::channel());
    let both = Arc::new(AtomicUsize::new(0));
    for number in 0..2 {
        let (sender, both) = (answers.0.clone(), both.clone());
        let meet = move || {
            both.fetch_add(1, Ordering::SeqCst);
            until(|| both.load(Ordering::SeqCst) == 2);
            true
        };
        service.submit(blue(), 0.5, meet, move |found| drop(sender.send((number, found)))).unwrap();
    }
    assert!(next(&answers).1.is_ok() && next(&answers).1.is_ok());
}

#[test]
fn however_many_hand_in_at_once_everyone_is_answered() {
    let service = Arc::new(service(ServiceOptions { threads: 3, ..OPTIONS }));
    let submitters: Vec<_> = (0..6)
        .map(|_| {
            let service = service.clone();
            std::thread::spawn(move || {
                let (answers, mut refused) = (mpsc::channel(), 0);
                for number in 0..100 {
                    while submit(&service, &answers, number).is_err() {
                        refused += 1;
                        std::thread::yield_now();
                    }
                    // Half of the time two at once.
                    if number % 3 > 0 {
                        assert!(next(&answers).1.is_ok());
                    }
                }
                for _ in (0..100).step_by(3) {
                    assert!(next(&answers).1.is_ok());
                }
                refused
            })
        })
        .collect();
    let refused: u64 = submitters.into_iter().map(|submitter| submitter.join().unwrap()).sum();
    let stats = service.stats();
    assert_eq!((stats.runs, stats.refused, stats.pending), (600, refused, 0));
}
