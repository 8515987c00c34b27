//! Cameras that follow no standard to the letter, one row each: how they frame their pictures, what they send before them, what is
//! odd about the pictures, at which pace they come. Each is played with a clock that stands still while anybody works.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sightwire_base::clock;
use sightwire_hub::reader::{ReaderOptions, read_source};
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use sightwire_hub::source::reconnect::{Backoff, Pauses, keep_running};
use sightwire_hub::stream::Stream;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use super::camera::{Camera, Got, MULTIPART, part, parts, pictures, url, vector, web};

/// Of that clock: longer than the slowest camera takes.
const TEN_MINUTES: Duration = Duration::from_secs(600);

struct Odd {
    /// What is odd about it: framing, head, JPEG or pace.
    kind: &'static str,
    name: &'static str,
    /// What each connection is sent, and how long after what came before it; then it is closed.
    pieces: Vec<(Duration, Vec<u8>)>,
    /// What a viewer gets, in this order.
    expected: Vec<Vec<u8>>,
    /// What another program can count the pictures in.
    body: Option<Vec<u8>>,
}

fn at_once(
    kind: &'static str,
    name: &'static str,
    (head, body): (&str, Vec<u8>),
    expected: Vec<Vec<u8>>,
) -> Odd {
    let pieces = vec![(Duration::ZERO, [head.as_bytes(), &body].concat())];
    Odd { kind, name, pieces, expected, body: Some(body) }
}

fn head(version: &str, more: &str) -> String {
    format!("HTTP/{version} 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=--frame\r\n{more}\r\n")
}

fn chunked(name: &'static str, size: usize) -> Odd {
    let mut answer = head("1.1", "Transfer-Encoding: chunked\r\n").into_bytes();
    for chunk in parts(&pictures()).chunks(size) {
        answer.extend(format!("{:X}\r\n", chunk.len()).bytes());
        answer.extend(chunk);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    let pieces = vec![(Duration::ZERO, answer)];
    Odd { kind: "framing", name, pieces, expected: pictures(), body: None }
}

fn with_length(length: impl std::fmt::Display, picture: &[u8]) -> Vec<u8> {
    let header = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
    [header.as_bytes(), picture, b"\r\n"].concat()
}

/// What is odd about the text around pictures.
fn framings() -> Vec<Odd> {
    let (all, body) = (pictures(), parts(&pictures()));
    let [first, second, _] = &all[..] else { panic!() };
    let both = vec![first.clone(), second.clone()];
    let of = |name, body, expected| at_once("framing", name, (MULTIPART, body), expected);
    let lf = |picture: &Vec<u8>| [b"--frame\nContent-Type: image/jpeg\n\n", &picture[..], b"\n"].concat();
    vec![
        at_once("framing", "until the connection closes", (&head("1.1", ""), body.clone()), all.clone()),
        at_once("framing", "HTTP/1.0", (&head("1.0", ""), body.clone()), all.clone()),
        at_once(
            "framing",
            "a length of the whole answer",
            (&head("1.1", &format!("Content-Length: {}\r\n", body.len())), body.clone()),
            all.clone(),
        ),
        chunked("chunks of a byte", 1),
        chunked("chunks of seven bytes", 7),
        chunked("chunks that part headers", 1021),
        chunked("one chunk", 100_000),
        of("lengths", all.iter().flat_map(|one| with_length(one.len(), one)).collect(), all.clone()),
        of("lines that end in LF", all.iter().flat_map(lf).collect(), all.clone()),
        of("a huge length", [with_length("4294967296000", first), part(second)].concat(), both.clone()),
        of("a negative length", [with_length(-1, first), part(second)].concat(), both.clone()),
        of("a length too long", [with_length(5_000_000, first), part(second)].concat(), both.clone()),
        of("a length too short", [with_length(first.len() - 9, first), part(second)].concat(), both.clone()),
        of(
            "rubbish before headers",
            [&[0xa5; 5000][..], &part(first), &[0xff; 5000], &part(second)].concat(),
            both.clone(),
        ),
        of("no header at all", [first.clone(), second.clone()].concat(), both.clone()),
        of(
            "two pictures in one part, the second one small",
            [first, second]
                .map(|one| {
                    with_length(
                        one.len() + vector("420_1x1.jpg").len(),
                        &[&one[..], &vector("420_1x1.jpg")].concat(),
                    )
                })
                .concat(),
            both,
        ),
    ]
}

/// What is odd about the head of the answer.
fn heads() -> Vec<Odd> {
    let of = |name, head: &str| at_once("head", name, (head, parts(&pictures())), pictures());
    vec![
        of("none", ""),
        of("none, and a boundary first", "--frame\r\n"),
        of("ICY", "ICY 200 OK\r\n\r\n"),
        of(
            "LF alone, a space before a colon",
            "HTTP/1.0 200 OK\nServer : board\nX-Framerate\nContent-Type:\n\n",
        ),
        of("no colon, a control character", "HTTP/1.1 200 OK\r\nContent Type; multipart\r\nX: \u{1}\r\n\r\n"),
        of("a type of another kind", "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"),
    ]
}

/// What is odd about the pictures.
fn jpegs() -> Vec<Odd> {
    let all = pictures();
    let [first, second, restart] = &all[..] else { panic!() };
    let thumbnail = {
        let content = [&b"Exif\0\0"[..], &vector("exif_6.jpg")].concat();
        let segment = [&[0xff, 0xe1][..], &(content.len() as u16 + 2).to_be_bytes(), &content].concat();
        [&first[..2], &segment, &first[2..]].concat()
    };
    let before_restarts: Vec<u8> = restart
        .iter()
        .zip(restart.iter().skip(1).map(Some).chain([None]))
        .flat_map(|(byte, next)| match (byte, next) {
            (0xff, Some(0xd0..=0xd7)) => vec![0x12, 0x34, 0x56, 0xff],
            (byte, _) => vec![*byte],
        })
        .collect();
    let endless = &first[..first.len() - 2];
    let of = |name, body: Vec<u8>, expected: &[&Vec<u8>]| {
        at_once("JPEG", name, (MULTIPART, body), expected.iter().map(|one| (*one).clone()).collect())
    };
    vec![
        of("half of one", [part(&first[..first.len() / 2]), part(second)].concat(), &[second]),
        of("a thumbnail within", [part(&thumbnail), part(second)].concat(), &[&thumbnail, second]),
        of("a stray last marker", [&part(first)[..], b"\xff\xd9", &part(second)].concat(), &[first, second]),
        of("bytes before restart markers", part(&before_restarts).repeat(2), &[&before_restarts; 2]),
        of("no last marker, and lengths", with_length(endless.len(), endless).repeat(4), &[first, first]),
        of("no last marker, and none", part(endless).repeat(4), &[first, first]),
        of("zeros behind each", part(&[&first[..], &[0; 300]].concat()).repeat(2), &[first, first]),
    ]
}

fn paces() -> Vec<Odd> {
    let every = |name, seconds, lengths: bool| {
        let header = (Duration::ZERO, MULTIPART.as_bytes().to_vec());
        let of = |picture: &Vec<u8>| {
            let part = if lengths { with_length(picture.len(), picture) } else { part(picture) };
            (Duration::from_secs(seconds), part)
        };
        let pieces = [header].into_iter().chain(pictures().iter().map(of)).collect();
        Odd { kind: "pace", name, pieces, expected: pictures(), body: None }
    };
    let first = vector("420.jpg");
    let (begun, rest) = first.split_at(first.len() / 3);
    let halves = vec![
        (Duration::ZERO, [MULTIPART.as_bytes(), b"--frame\r\n\r\n", begun].concat()),
        (Duration::from_secs(9), [rest, b"\r\n--frame\r\n"].concat()),
    ];
    vec![
        every("one each 8 s", 8, false),
        every("one each 12 s", 12, false),
        every("one each 12 s, with its length", 12, true),
        every("one a minute", 60, false),
        Odd {
            kind: "pace",
            name: "a pause within one",
            pieces: halves,
            expected: vec![first.clone()],
            body: None,
        },
        Odd {
            kind: "pace",
            name: "one part a connection",
            pieces: vec![(Duration::ZERO, [MULTIPART.as_bytes(), &part(&first)].concat())],
            expected: vec![first; 5],
            body: None,
        },
    ]
}

fn all() -> Vec<Odd> {
    [framings(), heads(), jpegs(), paces()].into_iter().flatten().collect()
}

async fn camera(odd: &Odd) -> (Camera, Mjpeg) {
    let pieces = Arc::new(odd.pieces.clone());
    let camera = Camera::start(move |mut stream, _| {
        let pieces = pieces.clone();
        async move {
            for (pause, piece) in &*pieces {
                sleep(*pause).await;
                // A client that has heard enough closes first.
                if stream.write_all(piece).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let source = Mjpeg::new(url(&camera.url()), web(), MjpegOptions::default());
    (camera, source)
}

#[tokio::test(start_paused = true)]
async fn each_gives_its_pictures() {
    for odd in all() {
        let name = format!("{}: {}", odd.kind, odd.name);
        let (camera, source) = camera(&odd).await;
        let (mut got, mut tell) = Got::telling();
        let mut backoff = Backoff::new(Pauses::default(), 1);
        let count = odd.expected.len();
        let all = async {
            for _ in 0..count {
                tell.recv().await.expect("a picture comes");
            }
        };
        let ended = tokio::select! {
            biased;
            came = timeout(TEN_MINUTES, all) => came.is_ok(),
            _ = keep_running(&source, &mut got, &mut backoff) => false,
        };
        let lengths = |pictures: &[Vec<u8>]| pictures.iter().map(Vec::len).collect::<Vec<_>>();
        let found: Vec<Vec<u8>> = got.pictures.iter().map(|picture| picture.to_vec()).collect();
        assert!(
            ended && found[..count] == odd.expected,
            "{name}: {:?} instead of {:?}, {:?}",
            lengths(&found),
            lengths(&odd.expected),
            got.downs
        );
        // One that gives pictures is asked again at once.
        let pauses: Vec<Duration> = got.downs.iter().map(|(_, pause, _)| *pause).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(1)), "{name}: {pauses:?}");
        // What has no head of its own is asked once more, by a client that needs none.
        let most = if odd.name == "one part a connection" { 5 } else { 2 };
        assert!(camera.requests().len() <= most, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_one_is_never_called_stalled_once_its_pace_is_known() {
    for odd in paces().into_iter().filter(|odd| odd.expected.len() == 3) {
        let (_camera, source) = camera(&odd).await;
        let (stream, mut producer) = Stream::new("slow", clock::now());
        let between = odd.pieces[1].0;
        let watched = async {
            // After the second picture, up to the third.
            while stream.counters().pictures.load(Ordering::Relaxed) < 2 {
                sleep(Duration::from_millis(100)).await;
            }
            let since = clock::now();
            while clock::since(since) < between {
                assert_eq!(stream.state().condition.name(), "running", "{}", odd.name);
                sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            watched = timeout(TEN_MINUTES, watched) => watched.expect(odd.name),
            () = read_source(&source, &mut producer, ReaderOptions::default(), 1) => {}
        }
    }
}

/// ffmpeg reads these as OpenCV does, which has it built in.
fn counted_by_ffmpeg(body: &[u8]) -> usize {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, body).unwrap();
    let asked =
        "-v quiet -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 -f mpjpeg";
    let probe = Command::new("ffprobe").args(asked.split(' ')).arg(file.path()).output();
    let told = probe.expect("ffprobe is here: `cargo xtask setup` brings ffmpeg");
    String::from_utf8_lossy(&told.stdout).trim().trim_end_matches(',').parse().unwrap_or(0)
}

#[test]
fn no_picture_is_lost_that_ffmpeg_finds_in_the_same_bytes() {
    let mut read_by_both = 0;
    for odd in all() {
        let Some(body) = &odd.body else { continue };
        let theirs = counted_by_ffmpeg(body);
        // Half a picture, and the first without a last marker, is none here.
        let cut_off = match odd.name {
            "half of one" => 1,
            // The last one, too, whose end nobody can tell.
            "no last marker, and lengths" | "no last marker, and none" => 2,
            _ => 0,
        };
        assert!(odd.expected.len() + cut_off >= theirs, "{}: {}, ffmpeg {theirs}", odd.kind, odd.name);
        read_by_both += usize::from(theirs > 0);
    }
    assert!(read_by_both >= 10, "ffmpeg has read {read_by_both} of them");
}
