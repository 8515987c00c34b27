//! A folder of pictures.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use sightwire_hub::multipart::Limits;
use sightwire_hub::source::SourceError;
use sightwire_hub::source::folder::Folder;

use super::camera::{pictures, run, take_pictures, vector};

fn folder(path: &std::path::Path) -> Folder {
    Folder::new(path, Duration::from_millis(1), Limits { max_picture: 100_000, max_header: 1000 })
}

#[tokio::test]
async fn pictures_are_looped_in_the_order_of_their_names() {
    let at = tempfile::tempdir().unwrap();
    for (name, picture) in ["c.JPG", "a.jpg", "b.jpeg"].iter().zip(pictures()) {
        fs::write(at.path().join(name), picture).unwrap();
    }
    fs::write(at.path().join("notes.txt"), "no picture").unwrap();
    let got = take_pictures(&folder(at.path()), 7).await;
    let [c, a, b] = &pictures()[..] else { panic!() };
    assert!(got.pictures.iter().take(7).eq([a, b, c, a, b, c, a]));
}

#[tokio::test]
async fn what_is_no_picture_is_passed_over_and_counted() {
    let at = tempfile::tempdir().unwrap();
    fs::write(at.path().join("1.jpg"), "no picture").unwrap();
    fs::write(at.path().join("2.jpg"), [&vector("420.jpg")[..], b"rubbish"].concat()).unwrap();
    fs::write(at.path().join("3.jpg"), vec![0xff; 1_000_000]).unwrap();
    fs::create_dir(at.path().join("4.jpg")).unwrap();
    assert!(Command::new("mkfifo").arg(at.path().join("5.jpg")).status().unwrap().success());
    let got = take_pictures(&folder(at.path()), 2).await;
    assert!(got.pictures[..2] == [vector("420.jpg"), vector("420.jpg")]);
    assert!(got.skipped.broken >= 4);
}

#[tokio::test]
async fn files_may_come_while_it_runs() {
    let at = tempfile::tempdir().unwrap();
    fs::write(at.path().join("1.jpg"), vector("420.jpg")).unwrap();
    let source = folder(at.path());
    assert!(take_pictures(&source, 2).await.pictures[1] == vector("420.jpg"));
    fs::write(at.path().join("2.jpg"), vector("restart.jpg")).unwrap();
    assert!(take_pictures(&source, 3).await.pictures.contains(&vector("restart.jpg").into()));
}

#[tokio::test]
async fn pictures_come_at_the_rate_that_was_set() {
    let at = tempfile::tempdir().unwrap();
    fs::write(at.path().join("1.jpg"), vector("420.jpg")).unwrap();
    let source = Folder::new(at.path(), Duration::from_millis(100), Limits::default());
    let start = Instant::now();
    let got = take_pictures(&source, 4).await;
    assert!(got.times[3] - start >= Duration::from_millis(300), "{:?}", got.times);
}

#[tokio::test]
async fn a_folder_without_pictures_or_none_at_all_is_named() {
    let at = tempfile::tempdir().unwrap();
    fs::write(at.path().join("1.jpg"), "no picture").unwrap();
    let (_, error) = run(&folder(at.path())).await;
    let SourceError::EmptyFolder { .. } = error else { panic!("{error}") };
    let (_, error) = run(&folder(&at.path().join("none"))).await;
    let SourceError::Folder { .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("none"), "{error}");
}
