use std::time::Duration;

use super::*;
use crate::picture::NoPool;

fn jpeg(byte: u8) -> Bytes {
    Bytes::copy_from_slice(&[byte])
}

async fn byte_of(picture: &Picture) -> u8 {
    picture.jpeg(&NoPool).await.unwrap()[0]
}

async fn picture(subscriber: &mut Subscriber) -> Picture {
    loop {
        match subscriber.next().await {
            Some(Update::Picture(picture)) => return picture,
            Some(_) => {}
            None => panic!("the stream has ended"),
        }
    }
}

#[tokio::test]
async fn who_is_slow_gets_the_newest_picture_and_knows_what_it_missed() {
    let (stream, mut producer) = Stream::new("a", Instant::now());
    let (mut fast, mut slow) = (stream.subscribe(), stream.subscribe());
    for byte in 1..=5 {
        producer.publish_jpeg(jpeg(byte), Instant::now());
        assert_eq!(byte_of(&picture(&mut fast).await).await, byte);
        if byte == 1 {
            picture(&mut slow).await;
        }
    }
    assert_eq!(byte_of(&picture(&mut slow).await).await, 5, "the newest, not the next");
    assert_eq!((fast.missed(), slow.missed()), (0, 3));
    assert_eq!(stream.counters().delivered.counts(), [7, 7, 3]);
}

#[tokio::test]
async fn a_picture_is_counted_once_in_each_account_and_not_at_all_if_it_is_passed_over() {
    let (stream, mut producer) = Stream::new("a", Instant::now());
    let (viewer, all) = (Arc::<Deliveries>::default(), Arc::<Deliveries>::default());
    let mut subscriber = stream.subscribe().with_accounts(&[viewer.clone(), all.clone()], |_| 100);
    let start = Instant::now();
    subscriber.only_after(Some(start));
    producer.publish_jpeg(jpeg(1), start);
    let passed = tokio::time::timeout(Duration::from_millis(5), picture(&mut subscriber)).await;
    assert!(passed.is_err(), "it is no newer: {passed:?}");
    producer.publish_jpeg(jpeg(2), start + Duration::from_millis(1));
    assert_eq!(byte_of(&picture(&mut subscriber).await).await, 2);
    for account in [&viewer, &all, &stream.counters().delivered] {
        assert_eq!(account.counts(), [1, 100, 0]);
    }
}

#[tokio::test]
async fn a_new_subscriber_gets_the_newest_picture_at_once_and_has_missed_nothing() {
    let (stream, mut producer) = Stream::new("a", Instant::now());
    for byte in 1..=3 {
        producer.publish_jpeg(jpeg(byte), Instant::now());
    }
    let mut late = stream.subscribe();
    assert_eq!(byte_of(&picture(&mut late).await).await, 3);
    assert_eq!((late.missed(), stream.counters().delivered.counts()[0]), (0, 1));
}

#[tokio::test]
async fn a_producer_that_goes_ends_the_stream_for_all() {
    let (stream, producer) = Stream::new("a", Instant::now());
    let mut subscriber = stream.subscribe();
    assert!(matches!(subscriber.next().await, Some(Update::State(s)) if s.condition == Condition::Starting));
    drop(producer);
    assert!(matches!(subscriber.next().await, Some(Update::State(s)) if s.condition == Condition::Ended));
    assert!(subscriber.next().await.is_none());
    let mut late = stream.subscribe();
    assert!(matches!(late.next().await, Some(Update::State(s)) if s.condition == Condition::Ended));
    assert!(late.next().await.is_none());
}

#[tokio::test]
async fn the_reason_of_an_end_is_the_first_that_was_given() {
    let now = Instant::now();
    let (stream, producer) = Stream::new("a", now);
    // As a view is told of its camera's end.
    producer.set_state(State::new(Condition::Ended, Some("it was unplugged"), now));
    producer.set_state(State::new(Condition::Running, None, now));
    drop(producer);
    let state = stream.state();
    assert_eq!((state.condition, state.reason.as_deref()), (Condition::Ended, Some("it was unplugged")));
}

#[tokio::test]
async fn banners_are_shown_while_no_picture_comes_and_never_while_one_does() {
    let now = Instant::now();
    let (stream, mut producer) = Stream::new("a", now);
    producer.publish_jpeg(jpeg(1), now);
    producer.set_state(State::new(Condition::Stalled, Some("it hangs"), now));
    let banner = Picture::new(jpeg(99), 1, now, SystemTime::now());
    stream.show_banner(banner);
    let mut subscriber = stream.subscribe();
    let mut seen = Vec::new();
    for _ in 0..2 {
        match subscriber.next().await.unwrap() {
            Update::State(state) => seen.push(state.condition.name().to_owned()),
            Update::Picture(picture) => seen.push(format!("picture {}", byte_of(&picture).await)),
            Update::Banner(picture) => seen.push(format!("banner {}", byte_of(&picture).await)),
        }
    }
    assert_eq!(seen, ["stalled", "banner 99"], "the old picture is not shown as if it were live");
    producer.set_state(State::new(Condition::Running, None, now));
    producer.publish_jpeg(jpeg(2), now);
    let mut late = stream.subscribe();
    assert_eq!(byte_of(&picture(&mut late).await).await, 2);
    let more = tokio::time::timeout(Duration::from_millis(20), late.next()).await;
    assert!(more.is_err(), "the old banner is not shown: {more:?}");
}

#[tokio::test]
async fn what_a_frozen_camera_goes_on_sending_is_neither_shown_nor_missed() {
    let now = Instant::now();
    let (stream, mut producer) = Stream::new("a", now);
    let mut subscriber = stream.subscribe();
    producer.publish_jpeg(jpeg(1), now);
    picture(&mut subscriber).await;
    producer.set_state(State::new(Condition::Frozen, Some("the same"), now));
    for _ in 0..5 {
        producer.publish_jpeg(jpeg(1), now);
        let next = tokio::time::timeout(Duration::from_millis(5), subscriber.next()).await;
        assert!(!matches!(next, Ok(Some(Update::Picture(_)))), "{next:?}");
    }
    producer.set_state(State::new(Condition::Running, None, now));
    producer.publish_jpeg(jpeg(2), now);
    assert_eq!(byte_of(&picture(&mut subscriber).await).await, 2);
    assert_eq!(stream.counters().delivered.counts(), [2, 2, 0]);
}

#[tokio::test]
async fn what_reads_along_inside_is_no_viewer() {
    let (stream, mut producer) = Stream::new("a", Instant::now());
    let mut tap = stream.tap();
    producer.publish_jpeg(jpeg(1), Instant::now());
    picture(&mut tap).await;
    let subscribers = || stream.counters().subscribers.load(Ordering::Relaxed);
    assert_eq!((subscribers(), stream.counters().delivered.counts()[0]), (0, 0));
    let viewer = stream.subscribe();
    drop(tap);
    assert_eq!(subscribers(), 1);
    drop(viewer);
    assert_eq!(subscribers(), 0);
}

#[tokio::test]
async fn who_waits_for_the_first_picture_is_told_why_there_is_none() {
    let now = Instant::now();
    let (stream, producer) = Stream::new("a", now);
    producer.set_state(State::new(Condition::Starting, Some("no such camera"), now));
    assert_eq!(stream.first_picture().await.unwrap_err().as_deref(), Some("no such camera"));
}

#[tokio::test]
async fn who_waits_for_the_first_picture_goes_on_while_nothing_speaks_against_it() {
    let now = Instant::now();
    let (stream, mut producer) = Stream::new("a", now);
    let waits = stream.first_picture();
    let comes = async {
        tokio::task::yield_now().await;
        producer.publish_jpeg(jpeg(1), now);
    };
    let (first, ()) = tokio::join!(waits, comes);
    assert_eq!(byte_of(&first.unwrap()).await, 1);
    assert_eq!(byte_of(&stream.newest().unwrap()).await, 1);
}

#[tokio::test]
async fn what_its_producer_says_of_a_source_stands_in_the_stream() {
    let now = Instant::now();
    let (stream, mut producer) = Stream::new("a", now);
    producer.count_bytes(10);
    producer.count_skipped(Skipped { bytes: 1, broken: 2, wrong_lengths: 3 });
    let slow = Slow { rate: 2.0, usual: 20.0 };
    producer.set_slow(Some(slow));
    let stamp = Stamp { sequence: 70, captured: now, taken_at: SystemTime::UNIX_EPOCH };
    producer.publish_derived(jpeg(1), stamp);
    let counters = stream.counters();
    let counts = [
        &counters.received_bytes,
        &counters.skipped_bytes,
        &counters.broken,
        &counters.wrong_lengths,
        &counters.pictures,
        &counters.bytes,
    ];
    assert_eq!(counts.map(|count| count.load(Ordering::Relaxed)), [10, 1, 2, 3, 1, 1]);
    assert_eq!(stream.slow(), Some(slow));
    let made = stream.newest().unwrap();
    assert_eq!((made.sequence(), made.stamp()), (1, stamp));
    producer.end("it is switched off", now);
    let ended = State::new(Condition::Ended, Some("it is switched off"), now);
    assert_eq!(stream.state(), ended);
}
