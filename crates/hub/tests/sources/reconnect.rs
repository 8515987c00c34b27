//! Sources that fail are tried again, at a pace.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use sightwire_hub::source::reconnect::{Backoff, Pauses, keep_running};
use sightwire_hub::source::{Run, Sink, Source, SourceError};
use tokio::time::{Instant, sleep, timeout};

use super::camera::{Camera, Got, LONG, MULTIPART, part, pictures_of, url, vector, web};

/// Gives pictures for this long each time, then fails.
struct Failing(Mutex<Vec<Duration>>);

impl Source for Failing {
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
        let good_for = self.0.lock().unwrap().pop();
        Box::pin(async move {
            if let Some(good_for) = good_for {
                sink.on_picture(Bytes::new(), Instant::now().into_std());
                sleep(good_for).await;
                sink.on_picture(Bytes::new(), Instant::now().into_std());
            }
            SourceError::Ended { camera: "camera".into(), pictures: 0 }
        })
    }
}

async fn pauses(good_for: &[u64], run_for: Duration) -> Vec<f64> {
    let source = Failing(Mutex::new(good_for.iter().rev().copied().map(Duration::from_secs).collect()));
    let mut got = Got::default();
    let mut backoff = Backoff::new(Pauses::default(), 7);
    timeout(run_for, keep_running(&source, &mut got, &mut backoff)).await.unwrap_err();
    got.downs.iter().map(|(_, pause, _)| pause.as_secs_f64()).collect()
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_from_one_second_to_thirty_and_stay_there() {
    let pauses = pauses(&[], Duration::from_secs(300)).await;
    assert!(pauses.len() > 10);
    for (pause, longest) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0].into_iter().chain([30.0; 50])) {
        assert!((0.75 * longest..=longest).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_good_for_a_while_starts_them_again() {
    let pauses = pauses(&[0, 0, 0, 0, 9, 10, 0], Duration::from_secs(80)).await;
    assert!(pauses[4] > 10.0, "nine seconds are too few: {pauses:?}");
    assert!(pauses[5] <= 1.0, "{pauses:?}");
    assert!(pauses[6] > 1.0, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn boards_that_failed_together_do_not_come_back_together() {
    let mut pauses: Vec<Duration> =
        (0..100).map(|seed| Backoff::new(Pauses::default(), seed).next_pause(Duration::ZERO)).collect();
    pauses.sort();
    pauses.dedup();
    assert!(pauses.len() > 90);
    let spread = pauses.last().unwrap().saturating_sub(pauses[0]);
    assert!(spread > Duration::from_millis(150), "{spread:?}");
}

#[tokio::test]
async fn a_camera_that_closes_after_each_picture_still_gives_pictures() {
    let camera = Camera::sending([MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()).await;
    let source = Mjpeg::new(url(&camera.url()), web(), MjpegOptions::default());
    let (mut got, mut tell) = Got::telling();
    let short = Duration::from_millis(1);
    let mut backoff =
        Backoff::new(Pauses { first: short, longest: short, good_after: LONG, after_end: short }, 1);
    tokio::select! {
        () = pictures_of(&mut tell, 3) => {}
        _ = keep_running(&source, &mut got, &mut backoff) => unreachable!(),
    }
    assert!(matches!(got.downs[0].0, SourceError::Ended { pictures: 1, .. }), "{:?}", got.downs[0]);
}

#[tokio::test]
async fn a_camera_with_one_part_a_connection_is_asked_again_at_once_and_one_that_gives_none_is_not() {
    let camera = Camera::sending([MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()).await;
    let source = Mjpeg::new(url(&camera.url()), web(), MjpegOptions::default());
    let (mut got, mut tell) = Got::telling();
    let mut backoff = Backoff::new(Pauses::default(), 1);
    let begun = Instant::now();
    tokio::select! {
        () = pictures_of(&mut tell, 5) => {}
        _ = keep_running(&source, &mut got, &mut backoff) => unreachable!(),
    }
    // Pauses that grow would have been 1, 2, 4 and 8 s.
    let pauses: Vec<Duration> = got.downs.iter().map(|(_, pause, _)| *pause).collect();
    assert!(
        pauses.iter().all(|pause| *pause == Duration::from_millis(100)),
        "{pauses:?}, {:?}",
        begun.elapsed()
    );
    let silent = Camera::sending(MULTIPART.as_bytes()).await;
    let source = Mjpeg::new(url(&silent.url()), web(), MjpegOptions::default());
    let mut got = Got::default();
    let run = keep_running(&source, &mut got, &mut backoff);
    assert!(timeout(Duration::from_millis(300), run).await.is_err());
    assert!(got.downs[0].1 > Duration::from_millis(700), "{:?}", got.downs);
}
