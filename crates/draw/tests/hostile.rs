//! Small PDFs that ask for years of work, and what they are told. Each is a kind: something within itself, something that is
//! carried out very often, something that covers the page very often.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/pdf.rs"]
mod pdf;
#[path = "support/test_child.rs"]
mod test_child;

use std::time::Duration;

use sightwire_documents::Pages;
use sightwire_documents::patience::Patience;
use sightwire_documents::program::Launch;
use sightwire_frame::Image;
use sightwire_frame::still::{StillError, StillFormat, StillLimits};

const A4: (u32, u32) = (1653, 2339);
/// Nothing here comes near it.
const PATIENCE: Duration = Duration::from_secs(60);
const FORM: &str = "/Type /XObject /Subtype /Form /BBox [0 0 600 900]";

fn stream(dict: &str, content: &str) -> String {
    format!("<< {dict} /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// One page with these resources; the first of the other objects is 5.
fn page(content: &str, resources: &str, others: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << {resources} >> >>"
        ),
        stream("", content),
    ];
    objects.extend_from_slice(others);
    pdf::file(&objects, "")
}

fn drawn(file: &[u8]) -> Result<Image, StillError> {
    let pages = Pages::new(Launch { places: vec![test_child::file()], args: vec!["draw".into()] }, 1);
    let limits = StillLimits { max_bytes: 4 << 20, max_pixels: 4_000_000, max_side: 4000, max_pages: 20 };
    let header = pages.probe(file, &limits, Patience::with_limit(PATIENCE))?;
    assert_eq!(header.pages[0].size, A4);
    pages.decode(file, (StillFormat::Pdf, A4), 0, &limits, Patience::with_limit(PATIENCE), &|| true)
}

fn refused(file: &[u8], what: &str) {
    assert!(file.len() < 50_000, "a few bytes are enough: {}", file.len());
    let said = drawn(file).map(|image| (image.width(), image.height())).unwrap_err().to_string();
    assert!(said.starts_with("the PDF takes too much work to be drawn: "), "{said}");
    assert!(said.contains(what) && said.contains("print it to a new PDF"), "{said}");
}

const X: &str = "/XObject << /X 5 0 R >>";
const DEEP: &str = "its forms lie within each other more than 24 deep";
const OPERATORS: &str = "it has more than 10000000 operators and glyphs";
const LAYERS: &str = "it has more than 3000000000 pixels of layers";

/// Forms, each of which draws the next one this many times.
fn tower(levels: usize, times: usize) -> Vec<String> {
    let form = |level: usize| {
        let next = format!("{FORM} /Resources << /XObject << /X {} 0 R >> >>", 6 + level);
        stream(&next, &"/X Do ".repeat(times))
    };
    (0..levels - 1).map(form).chain([stream(FORM, "0 0 9 9 re f")]).collect()
}

#[test]
fn what_lies_within_itself() {
    refused(&page("/X Do", X, &tower(30, 2)), DEEP);
    refused(&page("/X Do", X, &[stream(FORM, "/X Do /X Do")]), DEEP);
    let glyph = "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /CharProcs << /a 6 0 R >> \
                 /Encoding << /Type /Encoding /Differences [97 /a] >> /FirstChar 97 /LastChar 97 /Widths [1] >>";
    let glyphs = [glyph.to_owned(), stream("", "1 0 d0 BT /F 1 Tf (aa) Tj ET")];
    refused(&page("BT /F 9 Tf (aa) Tj ET", "/Font << /F 5 0 R >>", &glyphs), DEEP);
    let mask = "/ExtGState << /G << /SMask << /S /Luminosity /G 5 0 R >> >> >>";
    let group = format!("{FORM} /Group << /S /Transparency /CS /DeviceGray >>");
    refused(&page("/G gs 0 0 9 9 re f", mask, &[stream(&group, "/G gs 0 0 9 9 re f")]), DEEP);
    let cell =
        "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 900 /YStep 900";
    let cell = stream(cell, "/Pattern cs /P scn 0 0 9 9 re f");
    refused(&page("/Pattern cs /P scn 0 0 9 9 re f", "/Pattern << /P 5 0 R >>", &[cell]), DEEP);
}

#[test]
fn what_is_carried_out_too_often() {
    refused(&page("/X Do", X, &tower(20, 4)), OPERATORS);
    let cell = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 0.01 /YStep 0.01 /Resources << >>";
    let cell = stream(cell, "0 0 9 9 re f");
    refused(&page("/Pattern cs /P scn 0 0 600 900 re f", "/Pattern << /P 5 0 R >>", &[cell]), OPERATORS);
    refused(&page("[0.0001] 0 d 0 400 m 600 400 l S", "", &[]), "it has more than 1000000 dashes");
    let state = "/ExtGState << /D << /D [[0.0001] 0] >> >>";
    refused(&page("/D gs 0 0 600 900 re S", state, &[]), "it has more than 1000000 dashes");
    let image = stream(
        "/Type /XObject /Subtype /Image /Width 8000 /Height 8000 /BitsPerComponent 1 /ColorSpace /DeviceGray",
        "x",
    );
    refused(&page(&"/X Do ".repeat(20), X, &[image]), "it has more than 1000000000 pixels of pictures");
}

#[test]
fn what_covers_the_page_too_often() {
    let blend = "/ExtGState << /G << /BM /Multiply >> >>";
    refused(&page(&format!("/G gs {}", "0 0 595 842 re f ".repeat(1000)), blend, &[]), LAYERS);
    refused(
        &page(&"/X Do ".repeat(1000), X, &[stream(&format!("{FORM} /Group << /S /Transparency >>"), "")]),
        LAYERS,
    );
    let blended = format!("/ExtGState << /G << /BM [/Screen] >> >> {X}");
    let form = stream(FORM, &"0 0 9 9 re f ".repeat(100));
    refused(&page(&format!("/G gs {}", "/X Do ".repeat(10)), &blended, &[form]), LAYERS);
}

#[test]
fn what_programs_write_is_drawn() {
    let rules = "0 0 m 595 842 l S ".repeat(200);
    let dashed = format!("[3 2] 0 d {}", "0 400 m 595 400 l S ".repeat(20));
    let blend = "/ExtGState << /G << /BM /Multiply >> /N << /BM /Normal >> >>";
    let shaded = format!("/G gs {} /N gs {}", "0 0 99 99 re f ".repeat(8), "9 9 99 99 re f ".repeat(500));
    for (content, resources, others) in [
        (&*rules, "", vec![]),
        (&dashed, "", vec![]),
        (&shaded, blend, vec![]),
        ("/X Do", X, tower(6, 3)),
        (
            "q /X Do Q /X Do",
            X,
            vec![stream(&format!("{FORM} /Group << /S /Transparency >>"), "0 0 99 99 re f")],
        ),
    ] {
        let image = drawn(&page(content, resources, &others)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((image.width(), image.height()), A4);
        assert!(image.data().iter().any(|value| *value < 128), "something was drawn: {content:.40}");
    }
}

#[test]
fn text_is_looked_for_once_in_what_is_drawn_often() {
    // Twenty thousand times a megabyte of nothing, which would be unpacked for each.
    let empty = stream(FORM, &" ".repeat(1 << 20));
    let file = page(&"/X Do ".repeat(20_000), X, &[empty]);
    let pages = Pages::new(Launch { places: vec![test_child::file()], args: vec!["draw".into()] }, 1);
    let limits = StillLimits { max_bytes: 4 << 20, max_pixels: 4_000_000, max_side: 4000, max_pages: 20 };
    let header = pages.probe(&file, &limits, Patience::with_limit(PATIENCE)).unwrap();
    assert!(!header.pages[0].has_text);
    let said = pages
        .decode(&file, (StillFormat::Pdf, A4), 0, &limits, Patience::with_limit(PATIENCE), &|| true)
        .unwrap_err();
    assert!(said.to_string().contains(OPERATORS), "{said}");
}
