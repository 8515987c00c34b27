//! Every format of one document, and what may not get lost on the way.

use std::time::Duration;

use sightwire_ocr::Doubt;

use super::*;

const WITH_CHARACTERS: Style =
    Style { layout: Layout::Rows, characters: true, words: false, confidence: false };

fn region(text: &str, confidence: f32, left: f32) -> Region {
    let polygon = [[left, 1.5], [left + 100.0, 1.5], [left + 100.0, 21.25], [left, 21.25]];
    let characters = vec![confidence; text.chars().count()];
    Region { polygon, text: text.into(), confidence, characters, ..Region::default() }
}

fn document() -> Document {
    Document {
        file: Some("scans/a \"b\".tif".into()),
        format: "tiff".into(),
        model: "ppocr-v4".into(),
        provider: "openvino".into(),
        detection_precision: "bf16".into(),
        recognition_precision: "f32".into(),
        options: ReadOptions { deskew: true, ..ReadOptions::default() },
        pages: vec![
            Page {
                width: 640,
                height: 480,
                skew: 0.0,
                turned: 0,
                corners: None,
                left_out: 2,
                regions: vec![
                    region("Hello, \"world\"", 0.987_654_3, 0.1),
                    Region { row: 1, ..region("=1+1", 0.5, 7.0) },
                ],
            },
            Page {
                width: 320,
                height: 200,
                skew: -1.5,
                turned: 90,
                corners: Some([[1.5, 2.0], [300.0, 2.25], [310.0, 190.0], [0.0, 180.0]]),
                left_out: 0,
                regions: vec![region("你好 <b>", 0.9, 16_777_215.0)],
            },
        ],
        times: Times { total: Duration::from_micros(55_040), ..Times::default() },
        notes: Notes::default(),
    }
}

#[test]
fn json_is_what_scripts_expect() {
    let one = Document { pages: document().pages[..1].to_vec(), ..document() };
    assert_eq!(
        one.to_json(Style::default()),
        concat!(
            r#"{"file":"scans/a \"b\".tif","format":"tiff","model":"ppocr-v4","provider":"openvino","#,
            r#""precision":{"detection":"bf16","recognition":"f32"},"#,
            r#""options":{"threshold":0.3,"box_threshold":0.5,"unclip":1.6,"max_side":2000,"#,
            r#""max_candidates":10000,"min_detection_size":0.0,"min_confidence":0.5,"#,
            r#""angle":true,"deskew":true,"contrast":false,"denoise":false},"#,
            r#""pages":[{"page":1,"width":640,"height":480,"skew":0.0,"left_out":2}],"#,
            r#""regions":[{"polygon":[[0.1,1.5],[100.1,1.5],[100.1,21.25],[0.1,21.25]],"#,
            r#""text":"Hello, \"world\"","confidence":0.9877,"page":1,"block":1,"row":1},"#,
            r#"{"polygon":[[7.0,1.5],[107.0,1.5],[107.0,21.25],[7.0,21.25]],"text":"=1+1","confidence":0.5,"page":1,"block":1,"row":2}],"#,
            r#""mean_confidence":0.7439,"text":"Hello, \"world\"\n=1+1","#,
            r#""ms":{"wait":0.0,"decode":0.0,"prepare":0.0,"detect":0.0,"recognise":0.0,"total":55.0}}"#,
        )
    );
}

#[test]
fn json_reads_back_the_same_polygons_bit_for_bit() {
    let mut before = document();
    before.notes.add(Remark::Doubt(Doubt::Script), 2);
    before.options.corners = "1.5,2,300,2.25,310,190,-4,180".parse().ok();
    before.options.max_candidates = 7;
    before.options.min_detection_size = 12.5;
    // Neighbours that a shorter print would take for each other.
    before.pages[0].regions[0].polygon[0] = [0.1_f32.next_up(), 1e-7];
    let after = Document::from_json(&before.to_json(WITH_CHARACTERS)).unwrap();
    for (a, b) in before.regions().zip(after.regions()) {
        assert_eq!(a.polygon.as_flattened().to_vec(), b.polygon.as_flattened().to_vec());
        assert_eq!(a.text, b.text);
        assert_eq!(a.characters.len(), b.characters.len());
    }
    assert_eq!(after.to_json(WITH_CHARACTERS), before.to_json(WITH_CHARACTERS));
    assert_eq!(after.options, before.options);
    assert_eq!(after.notes(), before.notes());
    assert_eq!(after.pages[0].left_out, 2);
    assert_eq!(after.pages[1].skew.to_bits(), before.pages[1].skew.to_bits());
    assert_eq!(after.pages[1].turned, 90);
    assert!(
        Document::from_json(&before.to_json(Style::default()))
            .unwrap()
            .regions()
            .all(|r| r.characters.is_empty())
    );
}

#[test]
fn a_line_on_a_page_that_is_not_there_is_an_error() {
    let text = document()
        .to_json(Style::default())
        .replace("\"page\":2,\"block\":1,\"row\":1}],", "\"page\":9,\"block\":1,\"row\":1}],");
    assert!(Document::from_json(&text).unwrap_err().to_string().contains("page 9 of 2"));
}

#[test]
fn text_has_a_line_each_and_a_form_feed_between_pages() {
    assert_eq!(document().to_text(Layout::Rows), "Hello, \"world\"\n=1+1\u{c}你好 <b>");
}

#[test]
fn csv_has_a_row_a_line_and_no_formulas() {
    let rows = format!("{}{}", Format::Csv.frame(Style::default()).head, document().to_csv());
    let rows: Vec<_> = rows.split("\r\n").collect();
    assert_eq!(rows[0], "file,page,line,text,confidence,x1,y1,x2,y2,x3,y3,x4,y4");
    assert_eq!(
        rows[1],
        r#""scans/a ""b"".tif",1,1,"Hello, ""world""",0.9877,0.1,1.5,100.1,1.5,100.1,21.25,0.1,21.25"#
    );
    assert!(rows[2].contains(r#",1,2,"'=1+1",0.5,"#), "{}", rows[2]);
    assert_eq!((rows.len(), rows[4]), (5, ""));
    assert!(!document().to_csv().contains("x1"));
}

/// What a file of two results has, the second of which could not be read.
fn submitted(format: Format, style: Style) -> String {
    let Frame { head, between, tail } = format.frame(style);
    let first = Document::submission(Some(&document()), "a,b.tif", format, style);
    let second = Document::submission(None, "broken.jpg", format, style);
    [head, &first, between, &second, tail].concat()
}

#[test]
fn a_submission_has_a_row_for_every_file() {
    assert_eq!(
        submitted(Format::SubmissionCsv, Style::default()),
        concat!(
            "filename,polygons\r\n",
            "\"a,b.tif\",0.1 1.5 100.1 1.5 100.1 21.25 0.1 21.25|7 1.5 107 1.5 107 21.25 7 21.25\r\n",
            "\"a,b.tif#page=2\",16777215 1.5 16777316 1.5 16777316 21.25 16777215 21.25\r\n",
            "broken.jpg,\r\n",
        )
    );
    let sure = submitted(Format::SubmissionCsv, Style { confidence: true, ..Style::default() });
    let rows: Vec<&str> = sure.lines().collect();
    assert_eq!(rows[0], "filename,polygons,confidence");
    assert!(rows[1].ends_with(" 7 21.25,0.7439"), "{}", rows[1]);
    assert_eq!(rows[3], "broken.jpg,,");
}

#[test]
fn a_submission_as_json_is_one_object() {
    let text = submitted(Format::SubmissionJson, Style::default());
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let images = object["images"].as_object().unwrap();
    assert_eq!(images.keys().collect::<Vec<_>>(), ["a,b.tif", "a,b.tif#page=2", "broken.jpg"]);
    assert_eq!(images["broken.jpg"], serde_json::json!({ "words": {} }));
    let word = &images["a,b.tif"]["words"]["0002"];
    assert_eq!(
        *word,
        serde_json::json!({ "points": [[7.0, 1.5], [107.0, 1.5], [107.0, 21.25], [7.0, 21.25]] })
    );
    let sure = submitted(Format::SubmissionJson, Style { confidence: true, ..Style::default() });
    let object: serde_json::Value = serde_json::from_str(&sure).unwrap();
    assert_eq!(object["images"]["a,b.tif"]["confidence"], 0.7439);
    assert_eq!(object["images"]["a,b.tif"]["words"]["0002"]["confidence"], 0.5);
    assert!(object["images"]["broken.jpg"].get("confidence").is_none());
}

/// A line of two words, the first of which takes two fifths.
fn two_words() -> Region {
    let words =
        vec![Word { begin: 0, end: 6, from: 0.0, to: 0.4 }, Word { begin: 7, end: 10, from: 0.6, to: 1.0 }];
    Region { words, characters: vec![1.0, 0.5, 0.1, 0.8, 0.6, 0.7], ..region("你好 <b>", 0.9, 50.0) }
}

#[test]
fn what_is_stored_keeps_the_words_and_what_was_stored_before_is_read() {
    let page = Page {
        width: 320,
        height: 200,
        skew: 0.0,
        turned: 0,
        corners: None,
        left_out: 0,
        regions: vec![region("old", 0.5, 0.1), two_words()],
    };
    let before = Document { pages: vec![page], times: Times::default(), ..document() };
    let style = Style { characters: true, words: true, ..Style::default() };
    let after = Document::from_stored(&before.to_stored()).unwrap();
    assert_eq!(after, before);
    assert_eq!(after.to_json(style), before.to_json(style));
    let json = before.to_json(style);
    let word =
        r#"{"text":"你好","polygon":[[50.0,1.5],[90.0,1.5],[90.0,21.25],[50.0,21.25]],"confidence":0.75}"#;
    assert!(json.contains(word) && json.contains(r#""words":[]"#), "{json}");
    assert!(!before.to_json(WITH_CHARACTERS).contains("words"), "not asked for");
    let old = Document::from_stored(&before.to_json(WITH_CHARACTERS)).unwrap();
    assert_eq!(old.to_json(WITH_CHARACTERS), before.to_json(WITH_CHARACTERS));
    assert!(old.regions().all(|region| region.words.is_empty()));
}

#[test]
fn hocr_has_pages_blocks_lines_and_words() {
    let mut document = document();
    document.pages[1].regions = vec![two_words()];
    let hocr = document.to_hocr();
    for part in [
        r#"<div class="ocr_page" id="page_1" title="image &quot;scans/a %22b%22.tif&quot;; bbox 0 0 640 480; ppageno 0">"#,
        r#"<span class="ocr_line" id="line_1_2" title="bbox 7 1 107 22; poly 7 2 107 2 107 21 7 21; x_wconf 50">"#,
        r#"<div class="ocr_carea" id="block_1_1" title="bbox 0 1 107 22">"#,
        r#"<p class="ocr_par" id="par_1_1" title="bbox 0 1 107 22">"#,
        r#"<span class="ocrx_word" id="word_1_2" title="bbox 7 1 107 22; x_wconf 50">=1+1</span></span><br />"#,
        r#"title="bbox 50 1 90 22; x_wconf 75">你好</span> <span class="ocrx_word""#,
        r#"id="word_2_2" title="bbox 110 1 150 22; x_wconf 70">&lt;b&gt;</span></span>"#,
    ] {
        assert!(hocr.contains(part), "{part} is not in\n{hocr}");
    }
}

#[test]
fn an_annotated_picture_is_a_png_of_its_size() {
    let mut image = sightwire_frame::Image::new(64, 40);
    let png = annotate_image(&mut image, &[region("a", 0.9, 2.0)]).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    assert_eq!(reader.info().size(), (64, 40));
    let mut pixels = vec![0; 64 * 40 * 3];
    reader.next_frame(&mut pixels).unwrap();
    // Green, as lines are that were read well, and not blue.
    assert!(pixels.chunks_exact(3).any(|pixel| pixel[1] > 100 && pixel[0] < 100 && pixel[2] < pixel[1]));
}

#[test]
fn a_format_that_is_none_is_told_which_there_are() {
    assert_eq!("hocr".parse::<Format>(), Ok(Format::Hocr));
    let error = "docx".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("docx") && error.contains("pdf") && error.contains("annotated"), "{error}");
}

#[test]
fn text_keeps_rows_together_and_tells_blocks_apart() {
    let cell = |text: &str, left: f32, block, row| Region { block, row, ..region(text, 1.0, left) };
    let regions = vec![
        cell("Tea", 0.0, 0, 0),
        // 100 px long and 20 px high.
        cell("2.50", 300.0, 0, 0),
        cell("Two", 0.0, 0, 1),
        cell("words", 110.0, 0, 1),
        cell("Total", 0.0, 1, 2),
    ];
    let page = Page { width: 640, height: 480, skew: 0.0, turned: 0, corners: None, left_out: 0, regions };
    let document = Document { pages: vec![page], ..Document::default() };
    assert_eq!(document.to_text(Layout::Lines), "Tea\n2.50\nTwo\nwords\nTotal");
    assert_eq!(document.to_text(Layout::Rows), "Tea\t2.50\nTwo words\nTotal");
    assert_eq!(document.to_text(Layout::Blocks), "Tea\t2.50\nTwo words\n\nTotal");
    let style = Style { layout: Layout::Blocks, ..Style::default() };
    let json = document.to_json(style);
    assert!(json.contains(r#""text":"Tea\t2.50\nTwo words\n\nTotal""#), "{json}");
    let old = json.replace(r#","block":1,"row":1"#, "").replace(r#","block":1,"row":2"#, "");
    let old = Document::from_json(&old.replace(r#","block":2,"row":3"#, "")).unwrap();
    assert_eq!(old.to_text(Layout::Rows), document.to_text(Layout::Lines), "without rows each line is one");
    assert_eq!(
        "row".parse::<Layout>().unwrap_err().to_string(),
        r#""row" is not one of lines, rows, blocks"#
    );
}
