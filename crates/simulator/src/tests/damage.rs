//! What faults are, and what they do to pictures.

use std::time::Duration;

use proptest::prelude::*;
use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Image};

use super::super::damage;
use super::super::faults::{FaultError, Faults, Kind};
use super::{position, vector};

fn parse(list: &str) -> Result<Faults, FaultError> {
    list.parse()
}

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn faults_are_read_as_they_are_written() {
    for kind in Kind::ALL {
        assert_eq!(parse(kind.name()).unwrap().to_string(), kind.name());
    }
    for list in ["", "stall@5s-9s,half-frame@3@0.5s", "garbage@2@1s-1.25s,freeze@4s", "reset@7s"] {
        assert_eq!(parse(list).unwrap().to_string(), list);
    }
    assert_eq!(parse(" stall @ 500ms , ,slow,").unwrap().to_string(), "stall@0.5s,slow");
    assert_eq!(parse("half-frame@1s@3").unwrap().to_string(), "half-frame@3@1s");
}

#[test]
fn a_mistake_is_named_with_what_was_meant() {
    for (list, words) in [
        ("stal@5s", vec!["\"stal\"", "did you mean stall?", "stray-eoi"]),
        ("half_frame", vec!["did you mean half-frame?"]),
        ("xyzzy", vec!["no fault \"xyzzy\"; there are stall"]),
        ("@5s", vec!["no fault \"\""]),
        ("stall@5", vec!["stall@5s"]),
        ("stall@soon", vec!["\"soon\"", "@5s"]),
        ("stall@-1s", vec!["\"-1s\""]),
        ("stall@5s-", vec!["\"5s-\""]),
        ("stall@1e300s", vec!["neither"]),
        ("stall@9999999s", vec!["neither"]),
        ("half-frame@0", vec!["\"0\""]),
        ("half-frame@3@4", vec!["twice"]),
        ("stall@3s@4s", vec!["twice"]),
        ("stall@9s-5s", vec!["ends before it begins"]),
        ("stall@5s-5s", vec!["ends before it begins"]),
    ] {
        let error = parse(list).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{list}: {error}");
    }
    assert_eq!(parse(&"stall,".repeat(33)), Err(FaultError::TooMany));
    assert!(!parse("xyzzy").unwrap_err().to_string().contains("did you mean"));
}

proptest! {
    #[test]
    fn no_list_is_too_strange(list in "[a-z@0-9s,.\\-]{0,40}|\\PC{0,40}") {
        let _ = parse(&list);
    }

    #[test]
    fn what_is_understood_stays_the_same_when_written_again(
        kinds in prop::collection::vec((0_usize..17, prop::option::of(0_u32..100_000), prop::option::of(1_u32..100_000)), 0..32)
    ) {
        let list: Vec<String> = kinds
            .into_iter()
            .map(|(kind, from, length)| {
                let name = Kind::ALL[kind].name();
                match (from, length) {
                    (None, _) => name.to_owned(),
                    (Some(from), None) => format!("{name}@{from}ms"),
                    (Some(from), Some(length)) => format!("{name}@{from}ms-{}ms", from + length),
                }
            })
            .collect();
        let faults = parse(&list.join(",")).unwrap();
        prop_assert_eq!(parse(&faults.to_string()).unwrap(), faults);
    }
}

#[test]
fn times_and_numbers_decide() {
    let faults = parse("stall@5s-9s,half-frame@3,freeze@4s").unwrap();
    for (time, stalls) in
        [(0.0, false), (4.999, false), (5.0, true), (8.999, true), (9.0, false), (1e6, false)]
    {
        assert_eq!(faults.is_on(Kind::Stall, s(time)), stalls, "{time}");
    }
    assert!(!faults.is_on(Kind::Freeze, s(3.9)) && faults.is_on(Kind::Freeze, s(1e6)));
    let hit: Vec<u64> = (1..10).filter(|number| faults.is_hit(Kind::HalfFrame, s(0.0), *number)).collect();
    assert_eq!(hit, [3, 6, 9]);
    assert!(!faults.is_hit(Kind::Garbage, s(0.0), 3));
}

#[test]
fn a_reset_at_a_time_breaks_what_is_open_then_and_one_without_breaks_all() {
    let at_seven = parse("reset@7s").unwrap();
    assert!(!at_seven.is_reset(Some(s(2.0)), s(6.9)));
    assert!(at_seven.is_reset(Some(s(2.0)), s(7.0)));
    assert!(!at_seven.is_reset(Some(s(7.1)), s(7.2)));
    assert!(at_seven.is_reset(None, s(7.0)));
    let always = parse("reset").unwrap();
    assert!(always.is_reset(Some(s(3.0)), s(3.0)));
    let window = parse("reset@1s-2s").unwrap();
    assert!(window.is_reset(Some(s(1.5)), s(1.6)) && !window.is_reset(Some(s(1.5)), s(2.0)));
}

fn decoded(jpeg: &[u8]) -> Image {
    let mut image = Image::default();
    Decoder::new().unwrap().decode(jpeg, &Limits::default(), &mut image).unwrap();
    image
}

#[test]
fn damaged_pictures_are_still_the_same_pictures() {
    let segment = damage::thumbnail_segment().unwrap();
    for name in ["420.jpg", "progressive.jpg", "restart.jpg"] {
        let jpeg = vector(name);
        for damaged in [
            damage::with_thumbnail(&jpeg, &segment),
            damage::with_stray_end(&jpeg),
            damage::with_fill_bytes(&jpeg),
        ] {
            assert!(damaged.len() > jpeg.len());
            assert_eq!(decoded(&damaged), decoded(&jpeg), "{name}");
        }
    }
    // Other bytes are left alone.
    for other in [&b""[..], b"\xff", b"GIF89a"] {
        assert_eq!(&*damage::with_thumbnail(other, &segment), other);
        assert_eq!(&*damage::with_stray_end(other), other);
        assert_eq!(&*damage::with_fill_bytes(other), other);
    }
}

#[test]
fn a_thumbnail_is_a_whole_picture() {
    let segment = damage::thumbnail_segment().unwrap();
    let at = position(&segment, &[0xff, 0xd8, 0xff]).unwrap();
    let image = decoded(&segment[at..]);
    assert_eq!((image.width(), image.height()), (160, 120));
    assert!(segment.ends_with(&[0xff, 0xd9]));
}

#[test]
fn garbage_is_no_beginning_of_a_picture() {
    for number in 0..2000 {
        let garbage = damage::random_garbage(number);
        assert!((300..2000).contains(&garbage.len()));
        assert_eq!(position(&garbage, &[0xff, 0xd8]), None, "{number}");
    }
    assert_ne!(damage::random_garbage(1), damage::random_garbage(2));
}
