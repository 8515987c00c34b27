//! Many clients, and what is not a picture.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_frame::Encoder;
use sightwire_hands::label::Label;
use sightwire_hands::shape::Shape;
use sightwire_infer::clip::scheduler::Verdict;
use sightwire_infer::landmarks::{HandService, HandServiceOptions};
use sightwire_infer::sender::{Frame, Payload};

use crate::drawn::{Drawn, draw};
use crate::model;
use crate::show::{HEIGHT, Show, WIDTH, options, palm, service};

fn jpeg(hands: &[Drawn]) -> Bytes {
    let mut bytes = Vec::new();
    Encoder::new().unwrap().encode(&draw(hands, WIDTH, HEIGHT), 85, &mut bytes).unwrap();
    bytes.into()
}

/// Waits until something is so that does not take long.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn clients_see_their_own_hands_and_do_not_disturb_each_other() {
    let service = service();
    let mut shows = [(); 4].map(|()| Show::new(&service));
    let shapes = [Shape::Fist, Shape::Victory, Shape::OpenPalm];
    for picture in 0..40_u8 {
        for (show, shape) in shows.iter_mut().zip(shapes) {
            // Each where the others are not.
            let x = 200.0 + 100.0 * f32::from(shape as u8 % 3) + f32::from(picture);
            let sight = show.hands(&[Drawn::new(shape, [x, 260.0], 60.0)]);
            assert_eq!(sight.hands.len(), 1);
            assert_eq!(sight.hands[0].hand.id, 1, "numbers are a client's own");
        }
        assert_eq!(shows[3].hands(&[]).hands, []);
    }
    for (show, shape) in shows.iter().zip(shapes) {
        assert_eq!(show.said, [shape.name()]);
    }
    assert_eq!(shows[3].said, [] as [&str; 0]);
    assert_eq!(service.stats().clients, 4);
}

#[test]
fn a_client_that_sends_more_than_it_may_keeps_no_other_from_being_seen() {
    let service = service();
    let flood = service.join(Box::new(|_| ()));
    let picture = Arc::new(draw(&[palm()], WIDTH, HEIGHT));
    let mut show = Show::new(&service);
    let (start, mut skipped) = (Instant::now(), 0);
    for turn in 0..20 {
        for _ in 0..20 {
            skipped += u32::from(flood.push_picture(picture.clone(), Instant::now()) != Verdict::Queued);
        }
        let sight = show.hands(&[palm()]);
        assert_eq!(sight.hands.len(), 1, "picture {turn}");
    }
    assert!(skipped > 200, "{skipped} of 400");
    assert_eq!(show.said, ["open_palm"]);
    assert!(start.elapsed() < Duration::from_secs(10));
    // Of what it sent, no more than fits its slot waits.
    assert!(service.stats().pending <= 2);
}

#[test]
fn a_rate_that_is_above_the_limit_is_cut_to_it() {
    let options = HandServiceOptions { max_fps: 20.0, ..options() };
    let service = HandService::start(model::model(), model::engine(), options).unwrap();
    let client = service.join(Box::new(|_| ()));
    let (picture, start) = (Arc::new(draw(&[], WIDTH, HEIGHT)), Instant::now());
    let mut excess = 0;
    for index in 0..180 {
        let arrived = start + Duration::from_secs(1) / 60 * index;
        excess += u32::from(client.push_picture(picture.clone(), arrived) == Verdict::Excess);
    }
    // Three seconds: 60, and 10 at once at first.
    assert!((105..=115).contains(&excess), "{excess} of 180");
}

#[test]
fn a_frame_that_is_no_picture_is_counted_and_changes_nothing() {
    let service = service();
    let mut show = Show::new(&service);
    show.holds(palm(), Duration::from_millis(300));
    let whole = jpeg(&[palm()]);
    let broken: [Bytes; 4] =
        [whole.slice(..whole.len() / 2), Bytes::from_static(b"\xff\xd8\xff"), Bytes::new(), "text".into()];
    for (index, bytes) in broken.into_iter().enumerate() {
        show.push(Payload::Binary(bytes));
        until("it is counted", || service.stats().broken == index as u64 + 1);
    }
    show.push(Payload::Base64("data:image/jpeg;base64,####".into()));
    until("it is counted", || service.stats().broken == 5);
    let sight = show.file(Payload::Binary(whole.clone()));
    assert_eq!(sight.sight.hands.len(), 1);
    assert_eq!(sight.sight.hands[0].hand.id, 1, "the same hand as before");
    let text = base64(&whole);
    let sight = show.file(Payload::Base64(format!("data:image/jpeg;base64,{text}").into()));
    assert_eq!(sight.sight.hands[0].hand.id, 1, "as old clients send it");
    assert_eq!(service.stats().failed, 0);
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[test]
fn a_picture_may_have_any_size() {
    let service = service();
    for (width, height) in [(1, 1), (1, 900), (900, 1), (320, 240), (240, 320), (1280, 720)] {
        let mut show = Show::new(&service);
        let side = width.min(height) as f32;
        let at = [width as f32 / 2.0, height as f32 / 2.0 + side / 10.0];
        let hand = Drawn::new(Shape::Fist, at, side / 6.0);
        let mut last = None;
        for _ in 0..15 {
            last = show.picture(draw(&[hand], width, height)).sight.said;
        }
        let expected = (side > 100.0).then_some(Label::Shape(Shape::Fist));
        assert_eq!(last.map(|said| said.label), expected, "{width} × {height}");
    }
}

#[test]
fn a_client_that_leaves_is_told_nothing_more_and_forgotten() {
    let service = service();
    let (sender, told) = mpsc::channel();
    let client = service.join(Box::new(move |prediction| sender.send(prediction.seen).unwrap_or_default()));
    let jpeg = jpeg(&[palm()]);
    let mut other = Show::new(&service);
    for round in 0..3 {
        let frame =
            Frame { payload: Payload::Binary(jpeg.clone()), arrived: Instant::now(), id: Some(round) };
        client.push(frame);
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(Some(round)));
    }
    assert_eq!(client.newest().unwrap().seen, Some(2));
    let frame = Frame { payload: Payload::Binary(jpeg), arrived: Instant::now(), id: Some(9) };
    client.push(frame);
    drop(client);
    assert_eq!(service.stats().clients, 1);
    // Its last picture may have been under way; whatever comes later does not.
    for _ in 0..20 {
        assert_eq!(other.hands(&[palm()]).hands.len(), 1);
    }
    let late: Vec<_> = told.try_iter().collect();
    assert!(late.is_empty() || late == [Some(9)], "{late:?}");
    assert!(matches!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected)), "nothing of it is kept");
    until("its picture is given up", || service.stats().pending == 0);
}

#[test]
fn sessions_are_let_go_when_nobody_comes_and_made_anew() {
    let options = HandServiceOptions { idle_release: Duration::from_millis(300), ..options() };
    let service = HandService::start(model::model(), model::engine(), options).unwrap();
    let mut show = Show::new(&service);
    for _ in 0..2 {
        assert_eq!(show.hands(&[palm()]).hands.len(), 1);
        until("sessions are let go", || service.stats().workers_with_sessions == 0);
    }
}

#[test]
fn a_panic_of_whoever_is_told_costs_one_picture() {
    let service = service();
    let (sender, told) = mpsc::channel();
    let client = service.join(Box::new(move |prediction| {
        assert_ne!(prediction.seen, Some(0), "as meant");
        sender.send(prediction.seen).unwrap_or_default();
    }));
    let jpeg = jpeg(&[palm()]);
    let push = |id| {
        let frame = Frame { payload: Payload::Binary(jpeg.clone()), arrived: Instant::now(), id: Some(id) };
        client.push(frame)
    };
    push(0);
    until("it has failed", || service.stats().failed == 1);
    push(1);
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(Some(1)));
    assert_eq!(Show::new(&service).hands(&[palm()]).hands.len(), 1);
}

#[test]
fn a_service_that_ends_waits_for_its_threads_and_leaves_clients_in_peace() {
    let service = service();
    let client = service.join(Box::new(|_| ()));
    let picture = Arc::new(draw(&[palm()], WIDTH, HEIGHT));
    for _ in 0..3 {
        client.push_picture(picture.clone(), Instant::now());
    }
    drop(service);
    client.push_picture(picture, Instant::now());
    drop(client);
}
