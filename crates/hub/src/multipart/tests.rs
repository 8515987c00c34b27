use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

const HEADER: &[u8] = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n";

/// Pictures that other software made: all subsamplings, progressive, with restart markers, EXIF.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frame/tests/vectors");
    let mut vectors: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    vectors.sort();
    assert!(vectors.len() >= 20);
    vectors
}

fn vector(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|(file, _)| file == name).unwrap().1
}

fn small() -> Vec<u8> {
    vector("420_1x1.jpg")
}

fn segment(code: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, code];
    bytes.extend((content.len() as u16 + 2).to_be_bytes());
    bytes.extend(content);
    bytes
}

/// `picture` with `bytes` after its first marker.
fn with_segment(picture: &[u8], bytes: &[u8]) -> Vec<u8> {
    [&picture[..2], bytes, &picture[2..]].concat()
}

/// `picture` with another within it, as cameras store a preview.
fn with_thumbnail(picture: &[u8], thumbnail: &[u8]) -> Vec<u8> {
    with_segment(
        picture,
        &segment(0xe1, &[b"Exif\0\0", thumbnail, &[0xff, 0xd9, 0xff, 0xd8, 0xff, 0xe0]].concat()),
    )
}

fn part(picture: &[u8]) -> Vec<u8> {
    [HEADER, picture, b"\r\n"].concat()
}

fn part_of_length(picture: &[u8], length: impl std::fmt::Display) -> Vec<u8> {
    let header = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
    [header.as_bytes(), picture, b"\r\n"].concat()
}

struct Parsed {
    pictures: Vec<Bytes>,
    counts: Counts,
    work: usize,
    most_buffered: usize,
}

fn parse_pieces<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Parsed {
    let mut parser = Parser::new(limits);
    let (mut pictures, mut most_buffered, mut fed) = (Vec::new(), 0, 0);
    for piece in pieces {
        fed += piece.len() as u64;
        parser.feed(piece, |picture| pictures.push(picture));
        most_buffered = most_buffered.max(parser.buffered_bytes());
    }
    parser.finish(|picture| pictures.push(picture));
    let counts = parser.counts();
    assert_eq!(counts.pictures, pictures.len() as u64);
    let bytes: u64 = pictures.iter().map(|picture| picture.len() as u64).sum();
    assert_eq!(counts.picture_bytes + counts.completed * PICTURE_END.len() as u64, bytes);
    assert_eq!(
        counts.picture_bytes + counts.header_bytes + counts.skipped_bytes,
        fed,
        "every byte is counted once"
    );
    Parsed { pictures, counts, work: parser.work, most_buffered }
}

fn parse(bytes: &[u8]) -> Parsed {
    parse_pieces(Limits::default(), [bytes])
}

#[track_caller]
fn assert_found(bytes: &[u8], expected: &[&[u8]]) -> Counts {
    let parsed = parse(bytes);
    let lengths = |pictures: &[&[u8]]| pictures.iter().map(|picture| picture.len()).collect::<Vec<_>>();
    let found: Vec<&[u8]> = parsed.pictures.iter().map(AsRef::as_ref).collect();
    assert!(found == expected, "found pictures of {:?} bytes, not {:?}", lengths(&found), lengths(expected));
    parsed.counts
}

#[test]
fn real_pictures_come_through_untouched_with_a_length_and_without() {
    for (name, picture) in vectors() {
        let bytes = [part(&picture), part_of_length(&picture, picture.len()), picture.clone()].concat();
        let counts = assert_found(&bytes, &[&picture, &picture, &picture]);
        assert_eq!((counts.broken, counts.wrong_lengths, counts.skipped_bytes), (0, 0, 0), "{name}");
    }
}

#[test]
fn a_picture_is_handed_out_with_its_last_byte() {
    let picture = vector("progressive.jpg");
    let wrong_lengths = ["9999999", "100000", "4", "-1", "99999999999999999999999", "many", ""];
    let mut bodies = vec![part(&picture), part_of_length(&picture, picture.len())];
    bodies.extend(wrong_lengths.map(|length| part_of_length(&picture, length)));
    // Nor does a picture that was cut off, or has no scan, hold up the next one until its length is there.
    bodies.push([part_of_length(&picture[..picture.len() / 2], 5 << 20), part(&picture)].concat());
    bodies.push([part_of_length(b"\xff\xd8\xff\xd9", 5 << 20), part(&picture)].concat());
    for body in bodies {
        let mut parser = Parser::new(Limits::default());
        let mut found = 0;
        parser.feed(&body[..body.len() - 3], |_| found += 1);
        assert_eq!(found, 0);
        parser.feed(&body[body.len() - 3..body.len() - 2], |_| found += 1);
        assert_eq!(found, 1);
    }
}

#[test]
fn a_wrong_length_costs_nothing_and_is_counted() {
    let picture = vector("exif_6.jpg");
    let right = picture.len();
    let wrong: Vec<String> =
        [0, 1, 2, 3, 4, 5, right / 2, right - 1, right + 1, right + 2, right * 3, 9 << 20, 11 << 20]
            .into_iter()
            .map(|length| length.to_string())
            .chain(["-1", "+1", "0x10", "1e3", "many", "", "18446744073709551616"].map(str::to_owned))
            .collect();
    for length in wrong {
        let bytes = [part_of_length(&picture, &length), part(&picture)].concat();
        let counts = assert_found(&bytes, &[&picture, &picture]);
        assert_eq!((counts.wrong_lengths, counts.skipped_bytes), (1, 0), "Content-Length: {length}");
    }
}

#[test]
fn headers_of_all_kinds_are_no_garbage() {
    let picture = small();
    let length = picture.len();
    let headers = [
        String::new(),
        "\r\n".to_owned(),
        "--frame\r\n\r\n".to_owned(),
        "--frame\nContent-Type: image/jpeg\n\n".to_owned(),
        format!("--frame\nContent-Length: {length}\n\n"),
        format!("--frame\r\nContent-Length:{length}\r\n"),
        format!("--frame\r\nCONTENT-LENGTH :\t{length} \r\n\r\n\r\n"),
        "--frame\r\nContent-Type:\r\nX-Timestamp\r\n\r\n".to_owned(),
        format!("frame\r\nContent-Type: image/jpeg\r\ncontent-length: {length}\r\n\r\n"),
        format!("--\"a frame\"\r\nContent-Length: {length}\r\nContent-Length: {length}\r\n\r\n"),
        format!("------=_Part_{}\r\nContent-Length: {length}\r\n\r\n", "x".repeat(1000)),
    ];
    for header in &headers {
        let one = [header.as_bytes(), &picture, b"\r\n"].concat();
        let counts = assert_found(&[one.clone(), one].concat(), &[&picture, &picture]);
        assert_eq!((counts.skipped_bytes, counts.wrong_lengths), (0, 0), "{header:?}");
    }
}

#[test]
fn a_length_is_read_from_the_header_of_its_own_part_alone() {
    let picture = small();
    let stale = b"--frame\r\nContent-Length: 5\r\n\r\nhello\r\n";
    let counts = assert_found(&[stale, &part(&picture)[..]].concat(), &[&picture]);
    assert_eq!((counts.wrong_lengths, counts.skipped_bytes), (0, stale.len() as u64 - 2));
}

#[test]
fn a_length_before_an_empty_line_is_of_another_part() {
    let stale = b"frame\r\nContent-Length: 5\r\n\r\nhello\r\nframe\r\nContent-Type: image/jpeg\r\n\r\n";
    let counts = assert_found(&[stale, &small()[..]].concat(), &[&small()]);
    assert_eq!(counts.wrong_lengths, 0);
}

#[test]
fn a_thumbnail_does_not_end_its_picture_and_is_none_itself() {
    let (picture, thumbnail) = (vector("420.jpg"), vector("exif_3.jpg"));
    let nested = with_thumbnail(&picture, &with_thumbnail(&thumbnail, &small()));
    assert_found(&part(&nested).repeat(3), &[&nested, &nested, &nested]);
    // Not even where a length ends at the thumbnail's last marker.
    let inner = nested.len() - picture.len();
    for length in 0..inner + 10 {
        assert_found(&part_of_length(&nested, length), &[&nested]);
    }
    // Nor where the picture is cut off once its scan has begun.
    let cut = &nested[..nested.len() - 20];
    let counts = assert_found(&[part(cut), part(&nested)].concat(), &[&nested]);
    assert_eq!(counts.broken, 1);
}

#[test]
fn fill_bytes_and_stray_last_markers_do_no_harm() {
    let picture = vector("restart.jpg");
    let filled = with_segment(&picture, &[&[0xff; 40][..], &segment(0xfe, b"comment"), &[0xff; 3]].concat());
    let end = filled.len() - 2;
    let filled = [&filled[..end], &[0xff; 5], &filled[end..]].concat();
    assert_found(&part(&filled).repeat(2), &[&filled, &filled]);

    let stray: &[u8] = &[0xff, 0xd9];
    let bytes = [HEADER, stray, &picture, stray, stray, &[0; 100], b"\r\n", &part(&picture)].concat();
    let counts = assert_found(&bytes, &[&picture, &picture]);
    assert_eq!(counts.broken, 0);
    assert!(counts.skipped_bytes >= 106);
}

#[test]
fn of_several_pictures_in_one_part_the_first_is_the_picture() {
    let (first, second) = (small(), vector("444.jpg"));
    for gap in [&b""[..], &[0; 700], b"\xff\xff"] {
        let body = [&first[..], gap, &second, gap, &first].concat();
        let counts = assert_found(
            &[part(&second), part_of_length(&body, body.len()), part(&second)].concat(),
            &[&second, &first, &second],
        );
        assert_eq!((counts.wrong_lengths, counts.broken), (0, 0), "{}", gap.len());
    }
    // Where a line stands between them, the length was wrong, and each is a picture.
    let parts = [part_of_length(&first, first.len() + second.len() + 200), part(&second)].concat();
    let counts = assert_found(&parts, &[&first, &second]);
    assert_eq!(counts.wrong_lengths, 1);
    // Without a length nobody can tell: pictures that follow each other are pictures.
    assert_found(&[&first[..], &second].concat(), &[&first, &second]);
    // A second one that is not whole costs neither the first nor the next part.
    let cut = [&first[..], &second[..second.len() / 2]].concat();
    let counts = assert_found(&[part_of_length(&cut, cut.len()), part(&second)].concat(), &[&first, &second]);
    assert_eq!(counts.broken, 0);
}

#[test]
fn a_camera_whose_pictures_never_have_a_last_marker_gives_all_but_the_first() {
    for name in ["420.jpg", "restart.jpg", "progressive.jpg"] {
        let whole = vector(name);
        let endless = &whole[..whole.len() - 2];
        for sent in [part(endless), part_of_length(endless, endless.len()), endless.to_vec()] {
            let body = [sent.repeat(4), b"--frame--\r\n".to_vec()].concat();
            let parsed = parse(&body);
            // The first is missed, and what ends the last one nobody can tell.
            assert!(parsed.pictures == vec![whole.clone(); 2], "{name}: {}", parsed.pictures.len());
            assert!(parsed.counts.broken <= 2 && parsed.counts.completed == 2);
        }
        // One that is cut off among others that have it is none.
        let cut = &whole[..whole.len() * 2 / 3];
        assert_found(
            &[part(&whole), part(cut), part(cut), part(cut), part(&whole)].concat(),
            &[&whole, &whole],
        );
        assert_found(
            &[part(cut), part(&whole), part(cut), part(cut), part(&whole)].concat(),
            &[&whole, &whole],
        );
    }
}

#[test]
fn trailing_rubbish_within_the_length_is_cut_away() {
    let picture = vector("420.jpg");
    let padded = [&picture[..], &[0; 33]].concat();
    let counts = assert_found(&part_of_length(&padded, padded.len()).repeat(2), &[&picture, &picture]);
    assert_eq!(counts.wrong_lengths, 2);
}

#[test]
fn a_right_length_saves_a_picture_with_bytes_between_its_segments() {
    let picture = vector("420.jpg");
    let odd = [&picture[..20], b"\0\0\0\0", &picture[20..]].concat();
    assert_found(&part_of_length(&odd, odd.len()).repeat(2), &[&odd, &odd]);
    assert_found(&[part(&odd), part(&picture)].concat(), &[&picture]);
}

#[test]
fn damage_within_the_scan_is_left_to_the_decoder() {
    let picture = vector("420_640x480.jpg");
    for damage in [[0xff, 0x01], [0xff, 0xe5], [0xff, 0xc4], [0xff, 0xda], [0xff, 0xc0], [0xff, 0xd8]] {
        let mut damaged = picture.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 2].copy_from_slice(&damage);
        damaged[middle + 2] &= 0x7f;
        assert_found(&[part(&damaged), part(&picture)].concat(), &[&damaged, &picture]);
    }
}

/// The promise of the module, for each byte where a picture can be cut off.
#[test]
fn a_picture_cut_off_anywhere_costs_no_other() {
    let exif = with_segment(&small(), &segment(0xe1, &[b"Exif\0\0", &[7; 90][..]].concat()));
    let mut pictures: Vec<_> = vectors().into_iter().map(|(_, picture)| picture).collect();
    pictures.retain(|picture| picture.len() < 4000);
    pictures.extend([exif, with_thumbnail(&small(), &small())]);
    assert!(pictures.len() > 10);
    for whole in &pictures {
        let mut lost = 0;
        for cut in 0..whole.len() {
            let (cut_off, in_application) = (&whole[..cut], is_in_application_segment(whole, cut));
            // A whole thumbnail in a segment that is not whole: nobody can tell.
            let find = |bytes: &[u8]| {
                let mut found = parse(bytes).pictures;
                found.retain(|picture| picture == whole || !in_application || *picture != small());
                found
            };
            let next = [part(whole), part_of_length(whole, whole.len())].concat();
            for part in [part(cut_off), part_of_length(cut_off, whole.len())] {
                let found = find(&[&part[..], &next].concat());
                let lengths: Vec<usize> = found.iter().map(Bytes::len).collect();
                assert!(found == [whole, whole], "cut of {} at {cut}: {lengths:?}", whole.len());
            }
            // As promised, without anything between them what follows is safe except in an APPn or COM segment.
            if find(&[cut_off, whole, &next].concat()) != [whole, whole, whole] {
                lost += 1;
                assert!(in_application, "cut at {cut}");
            }
        }
        assert!(lost < whole.len() / 20, "{lost}");
    }
}

/// Whether a cut at `cut` leaves an `APPn` or COM segment unproven: it is in it, or before the whole of the next marker.
fn is_in_application_segment(picture: &[u8], cut: usize) -> bool {
    let mut at = 2;
    while at < cut {
        let length = usize::from(u16::from_be_bytes([picture[at + 2], picture[at + 3]]));
        if cut < at + 2 + length + 2 {
            return matches!(picture[at + 1], 0xe0..=0xef | 0xfe);
        }
        if picture[at + 1] == 0xda {
            return false;
        }
        at += 2 + length;
    }
    false
}

#[test]
fn a_picture_too_large_is_given_up_and_the_next_one_found() {
    let limits = Limits { max_picture: 10_000, max_header: 1000 };
    let mut large = vector("420.jpg");
    let end = large.len() - 2;
    large.splice(end..end, vec![0x55; 10_001 - large.len()]);
    let fits = [&large[..end], &large[end + 1..]].concat();
    let picture = small();
    for length in ["", "0", "10000", "10001"] {
        let bytes = [part_of_length(&large, length), part(&picture), part(&fits), part(&picture)].concat();
        let parsed = parse_pieces(limits, bytes.chunks(700));
        assert!(parsed.pictures == [&picture, &fits, &picture]);
        assert_eq!(parsed.counts.broken, 1);
        assert!(parsed.most_buffered <= 10_000 + PICTURE_BYTES);
    }
}

#[test]
fn a_huge_header_is_not_kept() {
    let picture = small();
    let line = format!("X-Padding: {}\r\n", "x".repeat(98));
    let header = format!("--frame\r\n{}Content-Length: {}\r\n\r\n", line.repeat(10_000), picture.len());
    let bytes = [header.as_bytes(), &picture].concat();
    let parsed = parse_pieces(Limits::default(), bytes.chunks(1460));
    assert!(parsed.pictures == [&picture]);
    assert_eq!(parsed.counts.wrong_lengths, 0);
    assert!(parsed.most_buffered <= 2 * Limits::default().max_header + 1460);
}

#[test]
fn a_picture_hidden_behind_a_false_beginning_is_found_at_the_end() {
    let picture = small();
    let bytes = [&[0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff][..], &picture].concat();
    assert_found(&bytes, &[&picture]);
}

#[test]
fn hostile_input_is_worked_through_in_proportion_to_its_size() {
    const BYTES: usize = 15 << 20;
    let picture = small();
    let thumbnails = {
        let mut nested = picture.clone();
        while nested.len() < 60_000 {
            nested = with_segment(&picture, &segment(0xe1, &nested));
        }
        nested
    };
    let cut_thumbnails = thumbnails[..thumbnails.len() - picture.len()].to_vec();
    let cut_in_application =
        with_segment(&picture, &segment(0xe1, &[vec![7; 50_000], part(&picture)].concat()));
    let open_segments = [&[0xff, 0xd8][..], &[0xff, 0xe1, 0xff, 0xff]].concat();
    let patterns: Vec<(&str, Vec<u8>)> = vec![
        ("FF", vec![0xff]),
        ("FF D8", vec![0xff, 0xd8]),
        ("FF D9", vec![0xff, 0xd9]),
        ("FF D8 FF", vec![0xff, 0xd8, 0xff]),
        ("FF D8 FF D9", vec![0xff, 0xd8, 0xff, 0xd9]),
        ("nested thumbnails", thumbnails),
        ("thumbnails of pictures cut off", cut_thumbnails),
        ("segments that lead far", open_segments.clone()),
        ("segments that lead a little", vec![0xff, 0xd8, 0xff, 0xe1, 0, 4, 0xff, 0xe1, 0, 3, 0]),
        ("empty segments", vec![0xff, 0xe1, 0, 2]),
        ("tables that hold pictures", vec![0xff, 0xdb, 0x0f, 0xfe, 0xff, 0xd8, 0xff, 0xe0]),
        ("boundaries", b"\r\n--frame\r\nContent-Length: 99999\r\n\r\n".to_vec()),
        ("pictures that only begin", [HEADER, &picture[..picture.len() - 20]].concat()),
        ("long lengths", part_of_length(&picture[..4], 9 << 20)),
        ("long lengths of what was cut off", part_of_length(&cut_in_application, 9 << 20)),
        ("line breaks", b"\r\n".to_vec()),
    ];
    let scan = picture[..picture.len() - 2].to_vec();
    for (name, pattern) in patterns {
        for prefix in [&b""[..], &scan, &open_segments] {
            let bytes = [prefix, &pattern.repeat(BYTES / 10 / pattern.len())].concat();
            for piece in [bytes.len(), 64 << 10, 1000] {
                let parsed = parse_pieces(Limits::default(), bytes.chunks(piece));
                assert!(
                    parsed.work < 4 * bytes.len(),
                    "{name}: {} steps for {} bytes",
                    parsed.work,
                    bytes.len()
                );
            }
        }
    }
}

/// What a stream may be made of.
fn element() -> impl Strategy<Value = Vec<u8>> {
    let pictures: Vec<Vec<u8>> = vec![
        small(),
        vector("420_odd.jpg"),
        vector("restart.jpg"),
        vector("progressive.jpg"),
        with_thumbnail(&small(), &small()),
    ];
    let picture = select(pictures).boxed();
    prop_oneof![
        4 => picture.clone(),
        2 => (picture, any::<Index>()).prop_map(|(picture, cut)| picture[..cut.index(picture.len())].to_vec()),
        4 => select(vec![HEADER.to_vec(), b"\r\n".to_vec(), b"--frame\n\n".to_vec()]),
        2 => (0..5000_usize).prop_map(|length| format!("\r\n--x\r\nContent-Length: {length}\r\n\r\n").into_bytes()),
        2 => proptest::collection::vec(any::<u8>(), 0..40),
        4 => marker_soup(),
    ]
}

/// Bytes that look like a picture's structure more often than chance would have it.
fn marker_soup() -> impl Strategy<Value = Vec<u8>> {
    let word = select(vec![
        vec![0xff],
        vec![0xd8],
        vec![0xff, 0xd8, 0xff],
        vec![0xff, 0xd9],
        vec![0],
        vec![0xff, 0],
        vec![0xff, 0xe1, 0, 9],
        vec![0xff, 0xdb, 0, 4],
        vec![0xff, 0xe0, 0, 2],
        vec![0xff, 0xc4, 0, 3],
        vec![0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0],
        vec![0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0],
    ]);
    proptest::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

/// Splits `bytes` at `cuts`.
fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(bytes.len());
    let mut start = 0;
    ends.into_iter().map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_pictures_and_counts(
        elements in proptest::collection::vec(element(), 1..12),
        cuts in proptest::collection::vec(any::<Index>(), 0..30),
        max_picture in select(vec![700_usize, 2000, 10 << 20]),
        max_header in select(vec![20_usize, 8 << 10]),
    ) {
        let bytes = elements.concat();
        let limits = Limits { max_picture, max_header };
        let whole = parse_pieces(limits, [&bytes[..]]);
        let split = parse_pieces(limits, pieces(&bytes, &cuts));
        let single = parse_pieces(limits, bytes.chunks(1));
        for parsed in [split, single] {
            prop_assert!(parsed.pictures == whole.pictures);
            prop_assert_eq!(parsed.counts, whole.counts);
            prop_assert!(parsed.work <= 4 * whole.work + 8 * bytes.len() + 100);
        }
        prop_assert!(whole.work <= 4 * bytes.len() + 100, "{} steps for {} bytes", whole.work, bytes.len());
        for picture in &whole.pictures {
            prop_assert!(picture.starts_with(&PICTURE_START) && picture.ends_with(&PICTURE_END));
            prop_assert!(picture.len() <= max_picture);
        }
    }

    #[test]
    fn garbage_without_a_first_marker_loses_no_picture(
        garbage in proptest::collection::vec(
            prop_oneof![marker_soup(), proptest::collection::vec(any::<u8>(), 0..200)], 5),
        chosen in proptest::collection::vec(any::<Index>(), 4),
        headers in proptest::collection::vec(any::<bool>(), 4),
    ) {
        let vectors = vectors();
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (index, mut garbage) in garbage.into_iter().enumerate() {
            while let Some(at) = memchr::memmem::find(&garbage, &[0xff, 0xd8]) {
                garbage[at + 1] = 0x11;
            }
            bytes.extend(garbage);
            if let Some(chosen) = chosen.get(index) {
                let picture = &vectors[chosen.index(vectors.len())].1;
                if headers[index] {
                    bytes.extend(HEADER);
                }
                bytes.extend(picture);
                expected.push(picture.clone());
            }
        }
        prop_assert!(parse(&bytes).pictures == expected);
    }

    #[test]
    fn a_picture_found_by_its_markers_is_the_same_by_itself(
        elements in proptest::collection::vec(element(), 1..8),
    ) {
        let bytes = elements.concat();
        prop_assume!(memchr::memmem::find(&bytes, b"Length").is_none());
        for picture in parse(&bytes).pictures {
            prop_assert!(parse(&picture).pictures == [picture]);
        }
    }
}
