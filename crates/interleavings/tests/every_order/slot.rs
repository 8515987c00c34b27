//! The slot of a stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use shuttle::future::block_on;
use shuttle::thread;
use sightwire_interleavings::stream::{Condition, Producer, State, Stream, Subscriber, Update};

use crate::orders::in_every_order;

fn picture(producer: &mut Producer, bytes: usize) {
    producer.publish_jpeg(Bytes::from(vec![0; bytes]), Instant::now());
}

fn state(condition: Condition, reason: Option<&str>) -> State {
    State::new(condition, reason, Instant::now())
}

/// What somebody who reads until the picture of that number got: how many pictures, and how many it missed.
fn read_until(stream: &Stream, reader: &mut Subscriber, last: u64) -> (u64, u64) {
    let (mut got, mut before, mut missed) = (0, 0, 0);
    while before < last {
        match block_on(reader.next()) {
            Some(Update::Picture(picture)) => {
                assert!(picture.sequence() > before, "{} after {before}", picture.sequence());
                let published = stream.counters().pictures.load(Ordering::Relaxed);
                assert!(published >= picture.sequence(), "number {} of {published}", picture.sequence());
                // What there was before somebody came is not missed.
                missed += if before == 0 { picture.sequence() - 1 } else { reader.missed() };
                got += 1;
                before = picture.sequence();
            }
            Some(_) => {}
            None => panic!("the stream has ended"),
        }
    }
    (got, missed)
}

#[test]
fn the_last_picture_reaches_who_waits_none_is_older_than_the_one_before_and_the_counts_add_up() {
    in_every_order(5, || {
        let (stream, mut producer) = Stream::new("a", Instant::now());
        let (mut reader, of_reader) = (stream.subscribe(), stream.clone());
        let writer = thread::spawn(move || {
            (0..3).for_each(|_| picture(&mut producer, 10));
            producer
        });
        let (got, missed) = read_until(&of_reader, &mut reader, 3);
        assert_eq!(got + missed, 3);
        let [delivered, bytes, counted] = stream.counters().delivered.counts();
        assert_eq!((delivered, bytes), (got, 10 * got));
        assert!(counted <= missed, "{counted} of {missed}");
        drop(writer.join().unwrap());
        let counters = stream.counters();
        assert_eq!([&counters.pictures, &counters.bytes].map(|c| c.load(Ordering::Relaxed)), [3, 30]);
        drop(reader);
        assert_eq!(counters.subscribers.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn two_who_read_at_their_own_pace_get_the_last_picture_each_and_are_counted_together() {
    in_every_order(5, || {
        let (stream, mut producer) = Stream::new("a", Instant::now());
        let readers = [(); 2].map(|()| {
            let (mut reader, stream) = (stream.tap(), stream.clone());
            thread::spawn(move || read_until(&stream, &mut reader, 1))
        });
        picture(&mut producer, 10);
        assert_eq!(readers.map(|reader| reader.join().unwrap()), [(1, 0); 2]);
    });
}

#[test]
fn who_waits_is_told_of_the_end_whenever_it_comes_and_whoever_comes_later_too() {
    in_every_order(5, || {
        let (stream, mut producer) = Stream::new("a", Instant::now());
        let mut reader = stream.subscribe();
        let writer = thread::spawn(move || {
            picture(&mut producer, 1);
            drop(producer);
        });
        let mut told = None;
        while let Some(update) = block_on(reader.next()) {
            if let Update::State(state) = update {
                told = Some(state.condition);
            }
        }
        assert_eq!(told, Some(Condition::Ended));
        writer.join().unwrap();
        let mut late = stream.subscribe();
        assert!(
            matches!(block_on(late.next()), Some(Update::State(state)) if state.condition == Condition::Ended)
        );
        assert!(block_on(late.next()).is_none());
    });
}

#[test]
fn a_producer_goes_on_when_its_readers_go() {
    in_every_order(5, || {
        let (stream, mut producer) = Stream::new("a", Instant::now());
        let reader = stream.subscribe();
        let leaves = thread::spawn(move || drop(reader));
        (0..2).for_each(|_| picture(&mut producer, 1));
        leaves.join().unwrap();
        assert_eq!(stream.counters().subscribers.load(Ordering::Relaxed), 0);
        assert_eq!(stream.newest().unwrap().sequence(), 2);
    });
}

#[test]
fn who_waits_for_the_first_picture_gets_it_or_the_reason_why_there_is_none() {
    in_every_order(5, || {
        let (stream, mut producer) = Stream::new("a", Instant::now());
        let waits = {
            let stream = stream.clone();
            thread::spawn(move || block_on(stream.first_picture()))
        };
        producer.set_state(state(Condition::Starting, Some("no route")));
        picture(&mut producer, 1);
        producer.set_state(state(Condition::Running, None));
        match waits.join().unwrap() {
            Ok(picture) => assert_eq!(picture.sequence(), 1),
            Err(reason) => assert_eq!(reason.as_deref(), Some("no route")),
        }
    });
    in_every_order(5, || {
        let (stream, producer) = Stream::new("a", Instant::now());
        let waits = thread::spawn(move || block_on(stream.first_picture()));
        producer.end("switched off", Instant::now());
        let none = waits.join().unwrap();
        assert_eq!(none.unwrap_err().as_deref(), Some("switched off"));
    });
}

#[test]
fn what_is_old_is_never_shown_as_if_it_were_live() {
    in_every_order(5, || {
        let (stream, mut producer) = Stream::new("a", Instant::now());
        let (mut reader, of_writer) = (stream.tap(), stream);
        let writer = thread::spawn(move || {
            picture(&mut producer, 1);
            producer.set_state(state(Condition::Stalled, Some("it hangs")));
            let newest = of_writer.newest().unwrap();
            of_writer.show_banner(newest);
            producer.set_state(state(Condition::Running, None));
            picture(&mut producer, 1);
            producer
        });
        let mut told = Condition::Starting;
        loop {
            match block_on(reader.next()).unwrap() {
                Update::State(state) => told = state.condition,
                Update::Banner(_) => assert_eq!(told, Condition::Stalled),
                Update::Picture(picture) => {
                    assert_ne!(told, Condition::Stalled);
                    if picture.sequence() == 2 {
                        break;
                    }
                }
            }
        }
        drop(writer.join().unwrap());
    });
}

#[test]
fn two_who_begin_to_read_and_leave_are_counted() {
    in_every_order(5, || {
        let (stream, producer) = Stream::new("a", Instant::now());
        let come_and_go = [(); 2].map(|()| {
            let stream = Arc::clone(&stream);
            thread::spawn(move || {
                let reader = stream.subscribe();
                assert!(stream.counters().subscribers.load(Ordering::Relaxed) >= 1);
                drop(reader);
            })
        });
        for reader in come_and_go {
            reader.join().unwrap();
        }
        assert_eq!(stream.counters().subscribers.load(Ordering::Relaxed), 0);
        drop(producer);
    });
}
