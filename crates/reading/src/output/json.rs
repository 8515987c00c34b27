//! An object for programs.
//!
//! Coordinates are printed in the shortest form that reads back as the same `f32`, so nothing is lost on the way;
//! confidences have four decimals.

use std::time::Duration;

use serde::Deserialize;
use sightwire_api::read::{self as api, ReadPrecision, ReadTimes};
use sightwire_ocr::{Corners, ReadOptions, Region, Times, Word};

use super::{Document, Notes, Page, Style, four_decimals, word_confidence};

/// A word as it is stored: where it stands in its line's text, bytes, and in its polygon.
type Mark = (u32, u32, f32, f32);

/// What [`Document::to_stored`] wrote, before it is looked at.
#[derive(Deserialize)]
pub(crate) struct Stored(api::Document, Vec<Vec<Mark>>);

pub(super) fn write_json(document: &Document, style: Style, notes: Vec<String>) -> String {
    // There is no map with odd keys in it, and a string takes whatever is written.
    serde_json::to_string(&to_object(document, style, notes)).unwrap_or_default()
}

/// The object with all confidences, and the words of each line: a third of the bytes that their polygons would take.
pub(super) fn write_stored(document: &Document) -> String {
    let marks = document.regions().map(|region| {
        let mark = |word: &Word| (word.begin, word.end, word.from, word.to);
        region.words.iter().map(mark).collect()
    });
    let marks: Vec<Vec<Mark>> = marks.collect();
    let style = Style { characters: true, ..Style::default() };
    serde_json::to_string(&(to_object(document, style, Vec::new()), marks)).unwrap_or_default()
}

fn to_object(document: &Document, style: Style, notes: Vec<String>) -> api::Document {
    let pages = document.pages.iter().enumerate();
    let pages = pages.map(|(index, page)| api::Page {
        page: index + 1,
        width: page.width,
        height: page.height,
        skew: page.skew,
        turned: page.turned,
        corners: page.corners.map(|corners| corners.map(api::Point)),
        left_out: page.left_out,
    });
    let regions = document.pages.iter().enumerate().flat_map(|(index, page)| {
        page.regions.iter().map(move |region| api::Region {
            polygon: region.polygon.map(api::Point),
            text: region.text.clone(),
            confidence: four_decimals(region.confidence),
            page: index + 1,
            block: region.block + 1,
            row: region.row + 1,
            characters: style
                .characters
                .then(|| region.characters.iter().copied().map(four_decimals).collect()),
            words: style.words.then(|| region.words.iter().map(|word| to_api_word(region, *word)).collect()),
        })
    });
    api::Document {
        file: document.file.clone(),
        format: document.format.clone(),
        model: document.model.clone(),
        provider: document.provider.clone(),
        precision: ReadPrecision {
            detection: document.detection_precision.clone(),
            recognition: document.recognition_precision.clone(),
        },
        options: to_api_options(document.options),
        pages: pages.collect(),
        regions: regions.collect(),
        mean_confidence: document.mean_confidence(),
        text: document.to_text(style.layout),
        ms: times_in_ms(&document.times),
        notes: document.notes().into_iter().chain(notes).collect(),
    }
}

fn to_api_word(region: &Region, word: Word) -> api::Word {
    api::Word {
        text: region.word_text(word).to_owned(),
        polygon: region.word_polygon(word).map(api::Point),
        confidence: word_confidence(region, word),
    }
}

pub(super) fn parse_json(text: &str) -> serde_json::Result<Document> {
    to_document(serde_json::from_str(text)?)
}

pub(super) fn parse_stored(text: &str) -> serde_json::Result<Document> {
    if !text.starts_with('[') {
        return parse_json(text);
    }
    serde_json::from_str::<Stored>(text)?.try_into()
}

impl TryFrom<Stored> for Document {
    type Error = serde_json::Error;

    fn try_from(Stored(object, marks): Stored) -> serde_json::Result<Self> {
        let mut document = to_document(object)?;
        for (region, marks) in document.pages.iter_mut().flat_map(|page| &mut page.regions).zip(marks) {
            let words = marks.into_iter().map(|(begin, end, from, to)| Word { begin, end, from, to });
            region.words = words.collect();
        }
        Ok(document)
    }
}

fn to_document(object: api::Document) -> serde_json::Result<Document> {
    let pages = object.pages.iter();
    let mut pages: Vec<Page> = pages
        .map(|page| Page {
            width: page.width,
            height: page.height,
            skew: page.skew,
            turned: page.turned,
            corners: page.corners.map(|corners| corners.map(|api::Point(corner)| corner)),
            left_out: page.left_out,
            regions: Vec::new(),
        })
        .collect();
    for region in object.regions {
        let Some(page) = region.page.checked_sub(1).and_then(|index| pages.get_mut(index)) else {
            let reason = format!("a line is on page {} of {}", region.page, pages.len());
            return Err(serde::de::Error::custom(reason));
        };
        // Without a row it is one of its own.
        let row = region.row.checked_sub(1).unwrap_or(page.regions.len() as u32);
        page.regions.push(Region {
            polygon: region.polygon.map(|api::Point(corner)| corner),
            text: region.text,
            confidence: region.confidence as f32,
            characters: region.characters.unwrap_or_default().into_iter().map(|c| c as f32).collect(),
            words: Vec::new(),
            block: region.block.saturating_sub(1),
            row,
        });
    }
    Ok(Document {
        file: object.file,
        format: object.format,
        model: object.model,
        provider: object.provider,
        detection_precision: object.precision.detection,
        recognition_precision: object.precision.recognition,
        options: options_of(&object.options),
        pages,
        times: times_of(&object.ms),
        notes: Notes::of_sentences(object.notes),
    })
}

/// As a caller would ask for them.
pub(crate) fn to_api_options(options: ReadOptions) -> api::ReadOptions {
    api::ReadOptions {
        threshold: four_decimals(options.threshold),
        box_threshold: four_decimals(options.box_threshold),
        unclip: four_decimals(options.unclip),
        max_side: options.max_side,
        max_candidates: options.max_candidates,
        min_detection_size: four_decimals(options.min_detection_size),
        min_confidence: four_decimals(options.min_confidence),
        angle: options.angle,
        deskew: options.deskew,
        contrast: options.contrast,
        denoise: options.denoise,
        perspective: options.perspective,
        corners: options.corners.map(|corners| corners.points().map(api::Point)),
    }
}

/// The same to the last bit, for [`options_of`].
pub fn exact_options(exact: ReadOptions) -> api::ReadOptions {
    api::ReadOptions {
        threshold: exact.threshold.into(),
        box_threshold: exact.box_threshold.into(),
        unclip: exact.unclip.into(),
        min_detection_size: exact.min_detection_size.into(),
        min_confidence: exact.min_confidence.into(),
        ..to_api_options(exact)
    }
}

/// As they were asked for.
pub fn options_of(options: &api::ReadOptions) -> ReadOptions {
    ReadOptions {
        threshold: options.threshold as f32,
        box_threshold: options.box_threshold as f32,
        unclip: options.unclip as f32,
        max_side: options.max_side,
        max_candidates: options.max_candidates,
        min_detection_size: options.min_detection_size as f32,
        min_confidence: options.min_confidence as f32,
        angle: options.angle,
        deskew: options.deskew,
        contrast: options.contrast,
        denoise: options.denoise,
        perspective: options.perspective,
        corners: options
            .corners
            .and_then(|corners| Corners::new(corners.map(|api::Point(corner)| corner)).ok()),
    }
}

fn times_in_ms(times: &Times) -> ReadTimes {
    let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
    ReadTimes {
        wait: ms(times.wait),
        decode: ms(times.decode),
        prepare: ms(times.prepare),
        detect: ms(times.detect),
        recognise: ms(times.recognise),
        total: ms(times.total),
    }
}

fn times_of(ms: &ReadTimes) -> Times {
    let time = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
    Times {
        wait: time(ms.wait),
        decode: time(ms.decode),
        prepare: time(ms.prepare),
        detect: time(ms.detect),
        recognise: time(ms.recognise),
        total: time(ms.total),
    }
}
