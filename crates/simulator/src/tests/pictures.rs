//! Where pictures come from.

use std::time::Duration;

use sightwire_frame::header;

use super::super::controls::Size;
use super::super::source::{Origin, Source, SourceError};
use super::{Client, options, start, three, three_in_a_file, vector};

const SIZE: Size = Size { width: 64, height: 48 };

fn open(origin: &Origin) -> Result<Source, SourceError> {
    Source::open(origin, 1, SIZE, 80)
}

fn take(source: &mut Source, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| source.next(Duration::ZERO, SIZE, 80).unwrap().to_vec()).collect()
}

#[test]
fn a_file_gives_its_pictures_one_after_the_other_and_begins_again() {
    let (_folder, origin) = three_in_a_file();
    let mut source = open(&origin).unwrap();
    assert!(take(&mut source, 6) == [three(), three()].concat());
    assert!(source.note().is_none() && source.scene().is_none());
}

#[test]
fn the_street_is_another_scene_and_knows_what_is_in_it() {
    let size = Size { width: 640, height: 480 };
    let mut pictures = Vec::new();
    for name in ["street", "scene"] {
        let mut source = Source::open(&name.parse().unwrap(), 1, size, 80).unwrap();
        assert!(!source.scene().unwrap().objects(Duration::from_secs(3)).is_empty());
        pictures.push(source.next(Duration::from_secs(3), size, 80).unwrap());
        // Another size is the same place.
        source.next(Duration::from_secs(3), SIZE, 80).unwrap();
        assert!(format!("{:?}", source.scene().unwrap()).contains(if name == "street" {
            "street"
        } else {
            "car park"
        }));
    }
    assert!(pictures[0] != pictures[1]);
}

#[test]
fn a_recorded_stream_gives_its_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorded");
    let parts: Vec<u8> = three()
        .iter()
        .flat_map(|picture| {
            let length = picture.len();
            [format!("--frame\r\nContent-Length: {length}\r\n\r\n").as_bytes(), picture, b"\r\n"].concat()
        })
        .collect();
    std::fs::write(&path, parts).unwrap();
    assert!(take(&mut open(&Origin::Path(path)).unwrap(), 3) == three());
}

#[test]
fn a_folder_gives_its_pictures_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("2.JPG", vector("420.jpg")),
        ("1.jpeg", vector("progressive.jpg")),
        ("3.png", std::fs::read(png()).unwrap()),
        ("notes.txt", b"not a picture".to_vec()),
        ("0.jpg", b"not one either".to_vec()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut source = open(&Origin::Path(folder.path().to_owned())).unwrap();
    let taken = take(&mut source, 5);
    assert!(taken[0] == vector("progressive.jpg"));
    assert!(taken[1] == vector("420.jpg"));
    assert_eq!(header::probe_header(&taken[2]).unwrap().format, header::Format::Jpeg);
    assert!(taken[3..] == taken[..2]);
    // What comes and goes is seen in the next round.
    std::fs::remove_file(folder.path().join("2.JPG")).unwrap();
    assert!(take(&mut source, 1)[0] == taken[2]);
    assert!(take(&mut source, 3) == [taken[0].clone(), taken[2].clone(), taken[0].clone()]);
}

fn png() -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../frame/tests/vectors");
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "png")).unwrap()
}

#[test]
fn what_holds_no_picture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.jpg");
    std::fs::write(&text, "no picture").unwrap();
    for path in [folder.path().to_owned(), text, folder.path().join("missing"), "/dev/null".into()] {
        let error = open(&Origin::Path(path.clone())).err().expect("an error").to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_source_without_pictures_any_more_ends_the_camera_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("1.jpg");
    std::fs::write(&picture, vector("420.jpg")).unwrap();
    let mut simulator =
        start(super::Options { origin: Origin::Path(folder.path().to_owned()), ..options() }).await;
    let (mut client, _) = Client::get(simulator.address(), "/stream").await;
    client.pictures(1).await;
    std::fs::remove_file(picture).unwrap();
    let error = tokio::time::timeout(super::LONG, simulator.wait_failed()).await.unwrap();
    assert!(error.to_string().contains("holds no JPEG or PNG picture"), "{error}");
}
