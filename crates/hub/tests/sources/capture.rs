//! A camera that is asked for one picture after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sightwire_hub::source::SourceError;
use sightwire_hub::source::capture::{Capture, CaptureOptions};
use tokio::io::AsyncWriteExt;

use super::camera::{Camera, LONG, MULTIPART, head, part, pictures, run, take_pictures, url, vector, web};

fn capture(camera: &Camera, every: Duration) -> Capture {
    let options = CaptureOptions { every, patience: LONG, ..CaptureOptions::default() };
    Capture::new(url(&camera.url()).capture_url(), web(), options)
}

fn answer(picture: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.len());
    [head.as_bytes(), picture].concat()
}

#[tokio::test]
async fn pictures_come_one_by_one_over_one_connection() {
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = connections.clone();
    let camera = Camera::start(move |mut stream, request| {
        seen.fetch_add(1, Ordering::Relaxed);
        async move {
            assert!(request.starts_with("GET /capture "), "{request}");
            for picture in pictures().iter().cycle() {
                if stream.write_all(&answer(picture)).await.is_err() {
                    break;
                }
                // Nothing is asked before the answer is there: a second request would be read as part of this one.
                let request = head(&mut stream).await;
                assert!(request.is_empty() || request.matches("GET").count() == 1);
            }
        }
    })
    .await;
    let got = take_pictures(&capture(&camera, Duration::from_millis(1)), 7).await;
    assert!(got.pictures[..3] == pictures());
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_camera_that_closes_after_each_picture_is_asked_again() {
    let camera =
        Camera::sending([&b"HTTP/1.0 200 OK\r\n\r\n"[..], &vector("420.jpg"), b"\r\n\xff\xd9"].concat())
            .await;
    let got = take_pictures(&capture(&camera, Duration::from_millis(1)), 3).await;
    assert!(got.pictures == vec![vector("420.jpg"); 3]);
}

#[tokio::test]
async fn pictures_are_not_asked_for_more_often_than_set() {
    let camera = Camera::sending(answer(&vector("420.jpg"))).await;
    let start = Instant::now();
    let got = take_pictures(&capture(&camera, Duration::from_millis(100)), 4).await;
    assert!(got.times[3] - start >= Duration::from_millis(300), "{:?}", got.times);
}

#[tokio::test]
async fn a_stream_where_a_picture_was_expected_is_not_read_for_ever() {
    let camera = Camera::start(|mut stream, _| async move {
        stream.write_all(MULTIPART.as_bytes()).await.unwrap();
        while stream.write_all(&part(&vector("420.jpg"))).await.is_ok() {}
    })
    .await;
    let got = take_pictures(&capture(&camera, Duration::from_millis(1)), 2).await;
    assert!(got.bytes < 10_000_000, "{} bytes for two pictures", got.bytes);
}

#[tokio::test]
async fn an_answer_without_a_picture_ends_it_in_words() {
    let half = vector("420.jpg")[..500].to_vec();
    for body in [b"busy".to_vec(), half] {
        let (got, error) = run(&capture(&Camera::sending(answer(&body)).await, LONG)).await;
        let SourceError::NotPictures { .. } = error else { panic!("{error}") };
        assert_eq!(got.skipped.bytes, body.len() as u64);
    }
}

#[tokio::test]
async fn a_picture_that_does_not_come_ends_it() {
    let camera = Camera::start(|mut stream, _| async move {
        stream.write_all(&answer(&vector("420.jpg"))[..300]).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let options = CaptureOptions { patience: Duration::from_millis(300), ..CaptureOptions::default() };
    let (_, error) = run(&Capture::new(url(&camera.url()).capture_url(), web(), options)).await;
    let SourceError::NoPicture { .. } = error else { panic!("{error}") };
}
