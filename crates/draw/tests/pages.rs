//! What a child draws, and what becomes of one that behaves badly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/pdf.rs"]
mod pdf;
#[path = "support/test_child.rs"]
mod test_child;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sightwire_base::memory::Memory;
use sightwire_documents::patience::Patience;
use sightwire_documents::program::Launch;
use sightwire_documents::{FileHeader, Pages};
use sightwire_frame::Image;
use sightwire_frame::still::{StillError, StillFormat, StillLimits, Undrawn};

const PATIENCE: Duration = Duration::from_secs(60);

fn pages_that(fate: &str) -> Pages {
    let places = vec![test_child::file()];
    Pages::new(Launch { places, args: vec![fate.into()] }, 2)
}

fn limits() -> StillLimits {
    StillLimits { max_bytes: 1 << 20, max_pixels: 4_000_000, max_side: 4000, max_pages: 20 }
}

fn probe(file: &[u8]) -> FileHeader {
    pages_that("draw")
        .probe(file, &limits(), Patience::with_limit(PATIENCE))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn draw(file: &[u8], page: u32) -> Image {
    let header = probe(file);
    let of = (header.format, header.pages[page as usize].size);
    let drawn =
        pages_that("draw").decode(file, of, page, &limits(), Patience::with_limit(PATIENCE), &|| true);
    drawn.unwrap_or_else(|error| panic!("{error}"))
}

fn refused(fate: &str, file: &[u8], patience: Duration) -> StillError {
    pages_that(fate).probe(file, &limits(), Patience::with_limit(patience)).unwrap_err()
}

fn a_pdf() -> Vec<u8> {
    pdf::pdf((144.0, 72.0), &["1 0 0 rg 0 0 72 72 re f", "BT /F1 24 Tf 10 20 Td (Hello) Tj ET"])
}

#[test]
fn pages_of_a_pdf_are_drawn_on_white_at_200_dpi() {
    let file = a_pdf();
    let header = probe(&file);
    assert_eq!(header.format, StillFormat::Pdf);
    let facts: Vec<_> = header.pages.iter().map(|page| (page.size, page.has_text, page.is_reduced)).collect();
    assert_eq!(facts, [((400, 200), false, false), ((400, 200), true, false)]);
    let red = draw(&file, 0);
    let at = |image: &Image, x: usize, y: usize| {
        let place = (y * image.width() as usize + x) * 3;
        <[u8; 3]>::try_from(&image.data()[place..place + 3]).unwrap()
    };
    assert_eq!((at(&red, 50, 100), at(&red, 350, 100)), ([0, 0, 255], [255; 3]), "BGR");
    let text = draw(&file, 1);
    let dark = text.data().chunks(3).filter(|pixel| pixel[0] < 100).count();
    assert!((500..8000).contains(&dark), "{dark} dark pixels");
}

#[test]
fn text_that_a_scan_has_invisibly_is_noticed_also_within_a_form() {
    let invisible = pdf::pdf((72.0, 72.0), &["BT 3 Tr /F1 9 Tf (unseen) Tj ET", "0 0 9 9 re f"]);
    let found: Vec<_> = probe(&invisible).pages.iter().map(|page| page.has_text).collect();
    assert_eq!(found, [true, false]);
    let form = |content: &str| {
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R \
             /Resources << /XObject << /X 5 0 R >> >> >>"
                .to_owned(),
            "<< /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
            format!(
                "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length {} \
                 /Resources << /XObject << /X 5 0 R >> >> >>\nstream\n{content}\nendstream",
                content.len()
            ),
        ];
        probe(&pdf::file(&objects, "")).pages[0].has_text
    };
    assert!(form("BT [(a) 5 (b)] TJ ET"));
    assert!(!form("/X Do /X Do"), "one that contains itself");
}

#[test]
fn a_page_that_would_pass_the_limits_is_drawn_smaller() {
    let poster = pdf::pdf((2000.0, 4000.0), &["0 0 2000 2000 re f"]);
    let page = probe(&poster).pages[0];
    assert!(page.is_reduced && page.size == (1414, 2828), "{page:?}");
    assert_eq!(draw(&poster, 0).height(), 2828);
}

#[test]
fn too_many_pages_are_refused() {
    let many = pdf::pdf((72.0, 72.0), &[""; 21]);
    let error = refused("draw", &many, PATIENCE);
    assert_eq!(error, StillError::Pages { format: StillFormat::Pdf, limit: 20 });
    assert_eq!(error.to_string(), "the PDF has more than 20 pages: split it");
}

#[test]
fn a_pdf_with_a_password_is_refused_by_that_name() {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [] /Count 0 >>".to_owned(),
        format!("<< /Filter /Standard /V 1 /R 2 /P -1 /O <{0}> /U <{0}> >>", "ab".repeat(32)),
    ];
    let locked = pdf::file(&objects, "/Encrypt 3 0 R /ID [<00> <00>]");
    let error = refused("draw", &locked, PATIENCE);
    assert_eq!(error.to_string(), "the PDF is protected by a password: save it without one");
}

#[test]
fn a_damaged_pdf_is_an_error_in_words() {
    let whole = a_pdf();
    for file in [&whole[..40], b"%PDF-1.7\nnothing else", b"%PDF-"] {
        let error = refused("draw", file, PATIENCE).to_string();
        assert!(error.starts_with("the PDF is cut off or damaged: it"), "{error}");
    }
    // Whatever is missing, there is an answer or words.
    for cut in (0..whole.len()).step_by(101) {
        let _ = pages_that("draw").probe(&whole[..cut], &limits(), Patience::with_limit(PATIENCE));
    }
}

#[test]
fn a_child_that_hangs_is_ended_at_the_deadline() {
    let begun = Instant::now();
    let patience = Duration::from_millis(300);
    let said = |fate: &str| refused(fate, &a_pdf(), patience).to_string();
    let waited = said("hang");
    assert!(
        waited.starts_with("the PDF was not drawn within 0.3 s, in which it had a core for 0."),
        "{waited}"
    );
    // What has a core has used it; on a busy machine it may have none.
    let spun = said("spin");
    assert!(
        ["took more than 0.3 s to be drawn", "machine is busy"].iter().any(|end| spun.ends_with(end)),
        "{spun}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_child_has_so_much_time_of_a_core_however_long_is_waited_for_it() {
    let patience = Patience::Until { at: Instant::now() + PATIENCE, of: Duration::from_secs(1) };
    let error = pages_that("spin").probe(&a_pdf(), &limits(), patience).unwrap_err();
    let said = "the PDF takes too much work to be drawn: it takes more than 1 s of a core; ";
    assert!(error.to_string().starts_with(said), "{error}");
}

#[test]
fn a_child_whose_page_nobody_wants_is_ended_at_once() {
    let (begun, asked) = (Instant::now(), AtomicUsize::new(0));
    let wanted = || asked.fetch_add(1, Ordering::Relaxed) < 3;
    let of = (StillFormat::Pdf, (400, 200));
    let error = pages_that("hang")
        .decode(&a_pdf(), of, 0, &limits(), Patience::with_limit(PATIENCE), &wanted)
        .unwrap_err();
    assert_eq!(error, StillError::Undrawn { format: StillFormat::Pdf, why: Undrawn::Unwanted });
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_child_that_wants_all_memory_costs_its_file_only() {
    let error = refused("allocate", &a_pdf(), PATIENCE);
    assert_eq!(error.to_string(), "the PDF needs more than 1024 MiB of memory to be drawn");
}

#[test]
fn what_a_child_has_is_a_part_of_the_servers_memory() {
    let of = |budget| pages_that("hold").with_memory(Arc::new(Memory::new(Some(budget))));
    let asked = |pages: Pages, patience| {
        let refused = pages.probe(&a_pdf(), &limits(), Patience::with_limit(patience)).unwrap_err();
        (refused.waits_for_drawing(), refused.to_string())
    };
    // It has more than a small one, and all of this process has more than that.
    let (waits, said) = asked(of(1 << 20), PATIENCE);
    assert!(waits && said.contains("uses all of its memory (server.memory_mb)"), "{said}");
    // To fill its memory takes it tenths of a second of a core on a slow machine. One that had a core for half of its time is
    // said to be late, and does not say whether there was room.
    let (waits, said) = asked(of(1 << 40), Duration::from_secs(5));
    assert!(!waits && said.contains("within 5 s"), "there is room: {said}");
    let allocates = pages_that("allocate").with_memory(Arc::new(Memory::new(Some(700 << 20))));
    let (_, said) = asked(allocates, PATIENCE);
    assert_eq!(said, "the PDF needs more than 350 MiB of memory to be drawn", "half of the budget");
}

#[test]
fn a_child_that_crashes_or_says_something_else_is_said_to() {
    let said = |fate: &str| refused(fate, &a_pdf(), PATIENCE).to_string();
    let failed = "the PDF made the process that draws it fail: ";
    assert_eq!(said("crash"), format!("{failed}it ended by SIGABRT"));
    assert_eq!(said("flood"), format!("{failed}it answered more than was asked"));
    assert_eq!(said("babble"), format!("{failed}it ended without an answer (exit code 0)"));
    let shouted = said("shout");
    assert!(shouted.starts_with(&format!("{failed}it ended without an answer (exit code 3), ")), "{shouted}");
    assert!(shouted.len() < 500);
}

#[test]
fn a_child_can_open_no_file() {
    let said = refused("write", &a_pdf(), PATIENCE).to_string();
    assert!(said.ends_with("exit code 44)"), "{said}");
}

#[test]
fn a_child_reaches_no_process_and_starts_none_where_the_kernel_filters_calls() {
    if !std::path::Path::new("/proc/sys/kernel/seccomp/actions_avail").exists() {
        return;
    }
    let said = refused("touch", &a_pdf(), PATIENCE).to_string();
    assert!(
        said.ends_with("exit code 40)"),
        "1 more: it signals its parent; 2: starts a program; 4: has no threads: {said}"
    );
}

#[test]
fn a_child_has_no_environment_and_no_file_of_its_parent() {
    let said = refused("tell", &a_pdf(), PATIENCE).to_string();
    assert!(said.ends_with("sightwire-draw at /: 0 variables, its file not held"), "{said}");
}

#[test]
fn where_nothing_can_be_drawn_other_pictures_are_read_all_the_same() {
    let plain = Pages::without_children();
    let mut jpeg = Vec::new();
    sightwire_frame::Encoder::new().unwrap().encode(&Image::new(8, 4), 90, &mut jpeg).unwrap();
    let header = plain.probe(&jpeg, &limits(), Patience::with_limit(PATIENCE)).unwrap();
    let of = (header.format, header.pages[0].size);
    assert_eq!(of, (StillFormat::Jpeg, (8, 4)));
    assert_eq!(
        plain.decode(&jpeg, of, 0, &limits(), Patience::with_limit(PATIENCE), &|| true).unwrap().width(),
        8
    );
    let error = plain.probe(&a_pdf(), &limits(), Patience::with_limit(PATIENCE)).unwrap_err().to_string();
    assert!(error.contains("it looks like a PDF"), "{error}");
}
