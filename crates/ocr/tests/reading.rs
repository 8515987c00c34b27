//! Reading text with the real model: pages that are drawn here.
//!
//! Needs ONNX Runtime and the model in the store (`sightwire models pull runtime`, `… pull ppocr-v4`; `cargo xtask test`
//! does both).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, mpsc};
use std::time::{Duration, Instant};

use sightwire_annotate::{Colour, Face, Letters, Typesetter};
use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::Image;
use sightwire_frame::still::{StillError, StillLimits, probe_still};
use sightwire_models::Provider;
use sightwire_models::manifest::Precision;
use sightwire_models::store::Store;
use sightwire_ocr::enhance::{self, Affine, Homography};
use sightwire_ocr::{
    DEFAULT_MODEL, Doubt, Effort, Language, Memory, PageRequest, ReadError, ReadModel, ReadModelError,
    ReadOptions, ReadService, Reading, ServiceOptions,
};

const WAIT: Duration = Duration::from_secs(500);
const WORDS: [&str; 6] = [
    "The quick brown fox jumps over",
    "Invoice No. 2024-0815",
    "Total: 1,234.50 EUR",
    "Please pay within 30 days",
    "lazy dogs sleep all day long",
    "Room 101, second floor",
];

fn store() -> Store {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    Store::new(home, None)
}

/// One for all tests: there can be one environment in a process.
static WORLD: LazyLock<(Arc<Engine>, Arc<ReadModel>)> = LazyLock::new(|| {
    let store = store();
    let runtime = Runtime::load(&store, None, None).expect("`cargo xtask setup` brings the library");
    let options = EngineOptions {
        provider: None,
        threads: 2,
        precision: Some(Precision::F32),
        gpu_memory_mb: 0,
        trials: None,
    };
    let engine = Arc::new(Engine::new(runtime, options).unwrap());
    let manifest = store.manifest(DEFAULT_MODEL).unwrap();
    let model = ReadModel::load(&store, &manifest).expect("`cargo xtask setup` brings the model");
    (engine, Arc::new(model))
});

static SERVICE: LazyLock<ReadService> = LazyLock::new(|| service(2, 64));

fn service(threads: usize, queue: usize) -> ReadService {
    let idle_release = Duration::from_secs(600);
    ReadService::start(
        WORLD.0.clone(),
        ServiceOptions { threads, queue, idle_release, memory: Memory::unlimited() },
    )
    .unwrap()
}

/// A white page with lines of text at these places: words, left, baseline, size.
fn page(width: u32, height: u32, lines: &[(&str, f32, f32, u16)]) -> Image {
    let mut image = Image::new(width, height);
    image.data_mut().fill(255);
    let mut typesetter = Typesetter::new();
    for (text, x, y, px) in lines {
        let letters = Letters { px: *px, face: Face::Regular, colour: Colour { red: 0, green: 0, blue: 0 } };
        typesetter.draw(&mut image, letters, text, (*x, *y));
    }
    image
}

fn invoice() -> Image {
    let lines: Vec<_> =
        WORDS.iter().zip(1_u8..).map(|(words, row)| (*words, 40.0, f32::from(row) * 60.0, 26)).collect();
    page(640, 420, &lines)
}

type Answer = mpsc::Receiver<Result<Reading, ReadError>>;

fn submit(service: &ReadService, image: Image, options: ReadOptions) -> Answer {
    let (tell, told) = mpsc::channel();
    let job = PageRequest {
        model: WORLD.1.clone(),
        load: Box::new(move || Ok(image)),
        options,
        keep: true,
        wanted: Box::new(|| true),
        effort: Arc::default(),
        done: Box::new(move |read| drop(tell.send(read))),
    };
    service.submit(job).unwrap();
    told
}

fn read(image: Image, options: ReadOptions) -> Reading {
    submit(&SERVICE, image, options).recv_timeout(WAIT).unwrap().unwrap()
}

fn texts(reading: &Reading) -> Vec<&str> {
    reading.regions.iter().map(|region| region.text.as_str()).collect()
}

fn turned(image: &Image, degrees: f32) -> Image {
    enhance::rotate_image(image, degrees, [255; 3]).0
}

#[test]
fn a_page_is_read_word_for_word_with_its_spaces_and_polygons_around_its_lines() {
    let reading = read(invoice(), ReadOptions::default());
    assert_eq!(texts(&reading), WORDS);
    for (row, region) in (1_u8..).zip(&reading.regions) {
        let baseline = f32::from(row) * 60.0;
        let [top_left, top_right, bottom_right, bottom_left] = region.polygon;
        assert!((15.0..=45.0).contains(&top_left[0]) && top_right[0] > 200.0, "{:?}", region.polygon);
        assert!(top_left[1] < baseline - 15.0 && top_left[1] > baseline - 45.0, "{:?}", region.polygon);
        assert!(bottom_left[1] >= baseline && bottom_right[1] < baseline + 20.0, "{:?}", region.polygon);
        assert_eq!(region.characters.len(), region.text.chars().count());
        assert!(region.confidence > 0.9 && region.confidence <= 1.0);
    }
}

#[test]
fn a_picture_gives_the_same_bits_alone_and_among_others_on_one_thread_and_on_two() {
    let alone = read(invoice(), ReadOptions::default());
    // Others of all sizes, so that widths and sizes of sessions are mixed; and a machine that is never idle.
    let small = page(200, 80, &[("Exit 7", 20.0, 50.0, 30)]);
    let mut among = Vec::new();
    for _ in 0..3 {
        among.push((false, submit(&SERVICE, small.clone(), ReadOptions::default())));
        among.push((true, submit(&SERVICE, invoice(), ReadOptions::default())));
        among.push((false, submit(&SERVICE, turned(&invoice(), 8.0), ReadOptions::default())));
    }
    for (same, answer) in among {
        let reading = answer.recv_timeout(WAIT).unwrap().unwrap();
        if same {
            assert_eq!(reading.regions, alone.regions);
        }
    }
    let single = service(1, 4);
    let reading = submit(&single, invoice(), ReadOptions::default()).recv_timeout(WAIT).unwrap().unwrap();
    assert_eq!(reading.regions, alone.regions);
}

#[test]
fn a_page_on_its_head_is_read_and_its_polygons_begin_at_the_top_left_of_the_text() {
    let mut image = invoice();
    image.data_mut().reverse();
    image.data_mut().chunks_exact_mut(3).for_each(<[u8]>::reverse);
    let reading = read(image, ReadOptions::default());
    // From its own first line on.
    assert_eq!(texts(&reading), WORDS);
    for region in &reading.regions {
        let [top_left, top_right, bottom_right, _] = region.polygon;
        assert!(top_left[0] > top_right[0] && top_left[1] > bottom_right[1], "{:?}", region.polygon);
    }
}

#[test]
fn a_page_on_its_side_or_its_head_is_turned_and_is_read_as_upright_where_it_lies() {
    let upright = read(invoice(), ReadOptions::default());
    assert_eq!((upright.turned, upright.size), (0, (640, 420)));
    for quarters in 1..4 {
        let mut image = invoice();
        image.turn_quarters(quarters);
        let reading = read(image.clone(), ReadOptions::default());
        assert_eq!(usize::from(reading.turned), 360 - 90 * quarters);
        assert_eq!(texts(&reading), WORDS);
        assert_eq!(reading.size, (image.width(), image.height()));
        assert!(reading.image.as_deref() == Some(&image), "what is kept is what was given");
        let there = Affine::quarter_turns((640, 420), quarters);
        for (one, other) in upright.regions.iter().zip(&reading.regions) {
            assert_eq!((one.confidence, &one.words), (other.confidence, &other.words));
            for (a, b) in one.polygon.iter().zip(&other.polygon) {
                let a = there.apply(*a);
                assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 0.01, "{quarters}: {a:?} {b:?}");
            }
        }
        let options = ReadOptions { deskew: true, contrast: true, ..ReadOptions::default() };
        let prepared = read(image.clone(), options);
        assert_eq!((texts(&prepared), prepared.turned), (WORDS.to_vec(), reading.turned));
        let options = ReadOptions { angle: false, ..ReadOptions::default() };
        assert_eq!(read(image, options).turned, 0, "nothing is turned");
    }
}

#[test]
fn a_page_that_reads_both_ways_or_says_nothing_is_left_as_it_lies() {
    let both =
        page(640, 420, &[("SOS", 40.0, 80.0, 40), ("NOON", 40.0, 180.0, 40), ("8008", 40.0, 280.0, 40)]);
    for quarters in 0..4 {
        for image in [both.clone(), page(640, 420, &[]), page(300, 100, &[("96", 40.0, 60.0, 40)])] {
            let mut image = image;
            image.turn_quarters(quarters);
            assert_eq!(read(image, ReadOptions::default()).turned, 0, "{quarters}");
        }
    }
    // Notes beside the text of a page turn nothing but themselves.
    let mut noted = page(640, 420, &[]);
    let mut note = page(300, 40, &[("Keep this margin free", 10.0, 28.0, 24)]);
    note.turn_quarters(3);
    for (row, pixels) in note.data().chunks_exact(40 * 3).enumerate() {
        let at = ((row + 20) * 640 + 590) * 3;
        noted.data_mut()[at..at + 40 * 3].copy_from_slice(pixels);
    }
    let mut text = invoice();
    text.data_mut().iter_mut().zip(noted.data()).for_each(|(one, other)| *one = (*one).min(*other));
    for quarters in 0..4 {
        let mut image = text.clone();
        image.turn_quarters(quarters);
        let reading = read(image, ReadOptions::default());
        assert_eq!(usize::from(reading.turned), (360 - 90 * quarters) % 360);
        let words = texts(&reading);
        assert!(WORDS.iter().chain(&["Keep this margin free"]).all(|line| words.contains(line)), "{words:?}");
    }
}

#[test]
fn a_page_that_leans_is_read_and_deskewing_keeps_its_polygons_where_they_are() {
    let image = turned(&invoice(), -9.0);
    let leaning = read(image.clone(), ReadOptions::default());
    assert_eq!(texts(&leaning), WORDS);
    let options = ReadOptions { deskew: true, ..ReadOptions::default() };
    let level = read(image, options);
    assert_eq!(texts(&level), WORDS);
    assert!((level.skew - 9.0).abs() < 0.5, "{}", level.skew);
    for (one, other) in leaning.regions.iter().zip(&level.regions) {
        for (a, b) in one.polygon.iter().zip(&other.polygon) {
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 12.0, "{:?} {:?}", one.polygon, other.polygon);
        }
    }
}

#[test]
fn preprocessing_reads_what_is_faint() {
    let mut faint = invoice();
    faint.data_mut().iter_mut().for_each(|value| *value = 180 + *value / 16);
    let options = ReadOptions { contrast: true, denoise: true, ..ReadOptions::default() };
    assert_eq!(texts(&read(faint, options)), WORDS);
}

#[test]
fn a_strip_much_longer_than_any_session_is_read_to_its_end() {
    let sentence = "all good things come to those who wait and then some more of them";
    let image = page(9000, 60, &[(&[sentence; 8].join(" "), 20.0, 42.0, 30)]);
    let reading = read(image, ReadOptions::default());
    let words = texts(&reading).join(" ");
    assert_eq!(words.matches("wait").count(), 8, "{words}");
    assert!(words.starts_with("all good") && words.ends_with("of them"), "{words}");
}

/// Words in scripts that go from left to right and that the font of the tests has.
fn of_lines(words: [&str; 4]) -> Image {
    let lines: Vec<_> =
        words.iter().zip(1_u8..).map(|(words, row)| (*words, 40.0, f32::from(row) * 60.0, 28)).collect();
    page(900, 300, &lines)
}

#[test]
fn a_page_in_a_script_or_a_language_that_the_model_does_not_know_is_doubted() {
    let unknown = [
        [
            "ქართულად დაწერილი ტექსტი",
            "რომელსაც აქ ვერავინ კითხულობს",
            "ორი ათას ოცდაოთხი 2024",
            "ფასი 12.50 ლარი",
        ],
        [
            "Это написано по-русски и никем",
            "здесь не может быть прочитано",
            "Москва, 14 ноября 2024 года",
            "Цена товара 12.50 рублей",
        ],
        [
            "Αυτό είναι γραμμένο στα ελληνικά",
            "και κανείς εδώ δεν το διαβάζει",
            "Αθήνα, 14 Νοεμβρίου 2024",
            "Η τιμή είναι 12.50 ευρώ",
        ],
    ];
    for words in unknown {
        let reading = read(of_lines(words), ReadOptions::default());
        assert_eq!(reading.doubt, Some(Doubt::Script), "{words:?}: {:?}", texts(&reading));
        let all = read(of_lines(words), ReadOptions { min_confidence: 0.0, ..ReadOptions::default() });
        assert_eq!(all.regions.len() + all.left_out, reading.regions.len() + reading.left_out, "{words:?}");
    }
    let german = [
        "Die Würde des Menschen ist unantastbar. Sie zu achten",
        "und zu schützen ist Verpflichtung aller staatlichen",
        "Gewalt. Das Deutsche Volk bekennt sich darum zu",
        "unverletzlichen und unveräußerlichen Rechten.",
    ];
    let doubt = read(of_lines(german), ReadOptions::default()).doubt;
    assert!(matches!(doubt, Some(Doubt::Letters(Language { name: "German", .. }))), "{doubt:?}");
    assert_eq!(read(invoice(), ReadOptions::default()).doubt, None);
}

#[test]
fn lines_that_are_less_sure_than_was_asked_for_are_counted() {
    let reading = read(invoice(), ReadOptions { min_confidence: 1.0, ..ReadOptions::default() });
    assert_eq!(reading.regions.len() + reading.left_out, WORDS.len());
    assert!(reading.left_out > 0, "nobody is as sure as that of all");
    assert_eq!(read(invoice(), ReadOptions::default()).left_out, 0);
}

#[test]
fn a_blank_picture_and_one_of_a_pixel_have_no_text() {
    for (width, height) in [(640, 480), (1, 1), (2000, 1)] {
        assert!(read(page(width, height, &[]), ReadOptions::default()).regions.is_empty());
    }
}

#[test]
fn work_for_whoever_has_left_is_not_done() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counter, (tell, told)) = (asked.clone(), mpsc::channel());
    let image = invoice();
    let job = PageRequest {
        model: WORLD.1.clone(),
        load: Box::new(move || Ok(image)),
        options: ReadOptions::default(),
        // Leaves after the second line.
        keep: true,
        wanted: Box::new(move || counter.fetch_add(1, Ordering::Relaxed) < 5),
        effort: Arc::default(),
        done: Box::new(move |read| drop(tell.send(read))),
    };
    let own = service(1, 4);
    own.submit(job).unwrap();
    assert!(matches!(told.recv_timeout(WAIT).unwrap(), Err(ReadError::Unwanted)));
    let stats = own.stats();
    assert!(stats.lines < WORDS.len() as u64, "{stats:?}");
    assert_eq!((stats.unwanted, stats.pictures), (1, 0));
}

#[test]
fn waiting_is_no_work_and_too_much_work_ends_at_the_next_step() {
    let read = |load: Box<dyn FnOnce() -> Result<Image, StillError> + Send>, most: Duration| {
        let (tell, told) = mpsc::channel();
        let effort = Arc::new(Effort::at_most(most));
        let job = PageRequest {
            model: WORLD.1.clone(),
            load,
            options: ReadOptions::default(),
            keep: true,
            wanted: Box::new(|| true),
            effort: effort.clone(),
            done: Box::new(move |read| drop(tell.send(read))),
        };
        SERVICE.submit(job).unwrap();
        (told.recv_timeout(WAIT).unwrap(), effort.time_spent())
    };
    let slow = || {
        std::thread::sleep(Duration::from_secs(3));
        Ok(invoice())
    };
    let (waited, spent) = read(Box::new(slow), Duration::from_secs(60));
    assert_eq!(texts(&waited.unwrap()), WORDS);
    assert!(!spent.is_zero() && spent < Duration::from_secs(60), "{spent:?}");
    // What it took was work, and the three seconds before were none.
    let (waited, _) = read(Box::new(slow), spent.mul_f32(4.0).max(Duration::from_millis(500)));
    assert_eq!(texts(&waited.unwrap()), WORDS);
    let (refused, _) = read(Box::new(|| Ok(invoice())), Duration::from_micros(1));
    assert!(matches!(refused, Err(ReadError::TooMuchWork(_))), "{refused:?}");
}

#[test]
fn a_full_queue_refuses_and_a_picture_that_cannot_be_decoded_costs_nobody_else() {
    let own = service(1, 2);
    let (hold, held) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let job = |load: Box<dyn FnOnce() -> Result<Image, StillError> + Send>| {
        let tell = tell.clone();
        PageRequest {
            model: WORLD.1.clone(),
            load,
            options: ReadOptions::default(),
            keep: true,
            wanted: Box::new(|| true),
            effort: Arc::default(),
            done: Box::new(move |read: Result<Reading, ReadError>| drop(tell.send(read.map(|_| ())))),
        }
    };
    own.submit(job(Box::new(move || {
        let _ = held.recv();
        Err(probe_still(b"\x89PNG\r\n\x1a\n", &StillLimits::default()).unwrap_err())
    })))
    .unwrap();
    let begun = Instant::now();
    while own.stats().reading == 0 {
        assert!(begun.elapsed() < WAIT);
        std::thread::sleep(Duration::from_millis(2));
    }
    own.submit(job(Box::new(|| panic!("a bug in a decoder")))).unwrap();
    own.submit(job(Box::new(|| Ok(invoice())))).unwrap();
    let busy = own.submit(job(Box::new(|| Ok(invoice())))).unwrap_err();
    assert_eq!(busy.waiting, 2);
    drop(hold);
    let next = || told.recv_timeout(WAIT).unwrap();
    let broken = next().unwrap_err();
    assert!(matches!(broken, ReadError::Picture(StillError::Damaged { .. })));
    assert_eq!(broken.to_string(), "the PNG is cut off or damaged: it ends within its header");
    assert!(matches!(next(), Err(ReadError::Panicked)));
    assert!(next().is_ok());
    let stats = own.stats();
    assert_eq!((stats.failed, stats.refused, stats.pictures, stats.reading), (2, 1, 1, 0));
    own.submit(job(Box::new(|| panic!("another")))).unwrap();
    assert!(matches!(next(), Err(ReadError::Panicked)));
    assert_eq!(own.stats().sessions, stats.sessions, "what was loaded stays");
}

#[test]
fn little_memory_makes_sessions_take_turns_and_changes_no_text() {
    // Room for one session at a time: what reads lines and what finds them take turns.
    let memory = Memory::new(320 << 20, 0, Arc::new(|| 0));
    let idle_release = Duration::from_secs(600);
    let options = ServiceOptions { threads: 3, queue: 64, idle_release, memory };
    let own = ReadService::start(WORLD.0.clone(), options).unwrap();
    let sizes = [(640, 420), (420, 640), (900, 500), (640, 420)];
    let pages = sizes.map(|(width, height)| page(width, height, &[("Invoice 4711", 40.0, 90.0, 26)]));
    let answers = pages.each_ref().map(|page| submit(&own, page.clone(), ReadOptions::default()));
    for (answer, page) in answers.into_iter().zip(pages) {
        let own = answer.recv_timeout(WAIT).unwrap().unwrap();
        let usual = read(page, ReadOptions::default());
        assert_eq!(texts(&own), texts(&usual));
    }
    let loaded = own.stats().sessions;
    assert!((1..=3).contains(&loaded), "{loaded} sessions are loaded");
}

#[test]
fn memory_that_pictures_take_is_taken_from_sessions_that_nobody_uses() {
    let taken = Arc::new(AtomicU64::new(0));
    let others = taken.clone();
    let memory = Memory::new(1200 << 20, 0, Arc::new(move || others.load(Ordering::Relaxed)));
    let idle_release = Duration::from_secs(600);
    let options = ServiceOptions { threads: 2, queue: 64, idle_release, memory };
    let own = ReadService::start(WORLD.0.clone(), options).unwrap();
    let read = |image: Image| {
        submit(&own, image, ReadOptions::default()).recv_timeout(WAIT).unwrap().unwrap();
        own.stats().sessions
    };
    let before = read(invoice());
    assert!(before >= 2, "{before} sessions are loaded");
    taken.store(1100 << 20, Ordering::Relaxed);
    assert!(read(page(200, 80, &[])) <= 1, "only what was used last may be left");
}

#[test]
fn sessions_are_let_go_when_nobody_reads() {
    let options = ServiceOptions {
        threads: 1,
        queue: 4,
        idle_release: Duration::from_secs(6),
        memory: Memory::unlimited(),
    };
    let own = ReadService::start(WORLD.0.clone(), options).unwrap();
    submit(&own, page(200, 80, &[("Exit 7", 20.0, 50.0, 30)]), ReadOptions::default())
        .recv_timeout(WAIT)
        .unwrap()
        .unwrap();
    assert!(own.stats().sessions >= 2);
    let begun = Instant::now();
    while own.stats().sessions > 0 {
        assert!(begun.elapsed() < WAIT, "{:?}", own.stats());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn ending_the_service_answers_everyone() {
    let own = service(1, 16);
    let answers: Vec<_> = (0..5).map(|_| submit(&own, invoice(), ReadOptions::default())).collect();
    drop(own);
    for answer in answers {
        assert!(matches!(answer.recv_timeout(WAIT).unwrap(), Ok(_) | Err(ReadError::Ended)));
    }
}

#[test]
fn a_model_for_something_else_is_named() {
    let manifest = store().manifest("gestures").unwrap();
    let error = ReadModel::load(&store(), &manifest).unwrap_err();
    assert!(matches!(error, ReadModelError::WrongTask { .. }));
    assert!(error.to_string().contains("clip-classification"), "{error}");
}

#[test]
fn the_engine_in_use_is_the_one_that_was_chosen() {
    let [detector, recogniser] = SERVICE.plan(&WORLD.1);
    assert_eq!(detector.provider, WORLD.0.provider());
    if WORLD.0.provider() == Provider::OpenVino {
        assert_eq!((detector.precision, recogniser.precision), (Precision::F32, Precision::F32));
    }
}

#[test]
fn a_page_in_a_photograph_is_read_straightened_and_its_polygons_are_those_of_the_photograph() {
    // Lines as on a printed page, seen from aside on a dark table.
    let lines = [
        "apples and bread",
        "cheese for dinner",
        "eggs for lunch",
        "green tea",
        "honey and jam",
        "milk and nuts",
        "pears and plums",
        "salt for the soup",
        "two red tomatoes",
        "water and wine",
        "yellow beans",
    ];
    let place = |(line, text)| (text, 60.0, 70.0 + line as f32 * 65.0, 30);
    let printed: Vec<(&str, f32, f32, u16)> = lines.into_iter().enumerate().map(place).collect();
    let paper = page(600, 840, &printed);
    let corners = [[420.0, 60.0], [1010.0, 330.0], [690.0, 850.0], [110.0, 500.0]];
    let there = Homography::onto_quad(600.0, 840.0, corners).unwrap().invert();
    let mut image = Image::new(1200, 900);
    for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let [x, y] = there.apply([(index % 1200) as f32 + 0.5, (index / 1200) as f32 + 0.5]);
        let at = (y.max(0.0) as usize * 600 + x.max(0.0) as usize) * 3;
        let within = x >= 0.0 && y >= 0.0 && x < 600.0 && y < 840.0;
        pixel.copy_from_slice(if within { &paper.data()[at..at + 3] } else { &[40, 60, 80] });
    }
    let reading = read(image.clone(), ReadOptions { perspective: true, ..ReadOptions::default() });
    assert_eq!(texts(&reading), lines);
    let found = reading.corners.unwrap();
    for (one, two) in found.iter().zip(corners) {
        assert!((one[0] - two[0]).hypot(one[1] - two[1]) < 4.0, "{found:?}");
    }
    // The first line begins near the page's upper left corner, and leans as the page does.
    let [left, right, ..] = reading.regions[0].polygon;
    let expected = there.invert().apply([60.0, 45.0]);
    assert!((left[0] - expected[0]).hypot(left[1] - expected[1]) < 20.0, "{left:?} instead of {expected:?}");
    assert!(right[1] - left[1] > 30.0, "{left:?} {right:?}");
    assert_eq!(read(image, ReadOptions::default()).corners, None);
}
