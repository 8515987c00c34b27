//! An object for programs.
//!
//! Coordinates are printed in the shortest form that reads back as the same `f32`, so nothing is lost on the way;
//! confidences have four decimals.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightwire_infer::read::{ReadOptions, Region, Times};

use super::{Document, Page, four_decimals};

/// What stands in the JSON. Lines are in one list, whatever page they are on: most pictures have one.
#[derive(Deserialize, Serialize)]
struct Object<'a> {
    file: Option<Cow<'a, str>>,
    format: Cow<'a, str>,
    model: Cow<'a, str>,
    provider: Cow<'a, str>,
    precision: Precision<'a>,
    options: Options,
    pages: Vec<PageObject>,
    regions: Vec<RegionObject<'a>>,
    text: Cow<'a, str>,
    ms: Milliseconds,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Precision<'a> {
    detection: Cow<'a, str>,
    recognition: Cow<'a, str>,
}

/// As a caller would ask for them.
#[derive(Deserialize, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step of its own, on or off")]
pub(crate) struct Options {
    threshold: f64,
    box_threshold: f64,
    unclip: f64,
    max_side: u32,
    min_confidence: f64,
    angle: bool,
    deskew: bool,
    contrast: bool,
    denoise: bool,
}

#[derive(Deserialize, Serialize)]
struct PageObject {
    /// From 1.
    page: usize,
    width: u32,
    height: u32,
    skew: f32,
}

#[derive(Deserialize, Serialize)]
struct RegionObject<'a> {
    polygon: [[f32; 2]; 4],
    text: Cow<'a, str>,
    confidence: f64,
    page: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    characters: Option<Vec<f64>>,
}

#[derive(Deserialize, Serialize)]
struct Milliseconds {
    wait: f64,
    decode: f64,
    prepare: f64,
    detect: f64,
    recognise: f64,
    total: f64,
}

pub(super) fn write(document: &Document, characters: bool, notes: Vec<String>) -> String {
    let pages = document.pages.iter().enumerate();
    let pages = pages.map(|(index, page)| PageObject {
        page: index + 1,
        width: page.width,
        height: page.height,
        skew: page.skew,
    });
    let regions = document.pages.iter().enumerate().flat_map(|(index, page)| {
        page.regions.iter().map(move |region| RegionObject {
            polygon: region.polygon,
            text: Cow::Borrowed(&region.text),
            confidence: four_decimals(region.confidence),
            page: index + 1,
            characters: characters.then(|| region.characters.iter().copied().map(four_decimals).collect()),
        })
    });
    let object = Object {
        file: document.file.as_deref().map(Cow::Borrowed),
        format: Cow::Borrowed(&document.format),
        model: Cow::Borrowed(&document.model),
        provider: Cow::Borrowed(&document.provider),
        precision: Precision {
            detection: Cow::Borrowed(&document.detection_precision),
            recognition: Cow::Borrowed(&document.recognition_precision),
        },
        options: Options::from(document.options),
        pages: pages.collect(),
        regions: regions.collect(),
        text: Cow::Owned(document.text()),
        ms: Milliseconds::from(&document.times),
        notes,
    };
    // There is no map with odd keys in it, and a string takes whatever is written.
    serde_json::to_string(&object).unwrap_or_default()
}

pub(super) fn read(text: &str) -> serde_json::Result<Document> {
    let object: Object = serde_json::from_str(text)?;
    let pages = object.pages.iter();
    let mut pages: Vec<Page> = pages
        .map(|page| Page { width: page.width, height: page.height, skew: page.skew, regions: Vec::new() })
        .collect();
    for region in object.regions {
        let Some(page) = region.page.checked_sub(1).and_then(|index| pages.get_mut(index)) else {
            let reason = format!("a line is on page {} of {}", region.page, pages.len());
            return Err(serde::de::Error::custom(reason));
        };
        page.regions.push(Region {
            polygon: region.polygon,
            text: region.text.into_owned(),
            confidence: region.confidence as f32,
            characters: region.characters.unwrap_or_default().into_iter().map(|c| c as f32).collect(),
        });
    }
    Ok(Document {
        file: object.file.map(Cow::into_owned),
        format: object.format.into_owned(),
        model: object.model.into_owned(),
        provider: object.provider.into_owned(),
        detection_precision: object.precision.detection.into_owned(),
        recognition_precision: object.precision.recognition.into_owned(),
        options: ReadOptions::from(object.options),
        pages,
        times: Times::from(&object.ms),
    })
}

impl From<ReadOptions> for Options {
    fn from(options: ReadOptions) -> Self {
        Self {
            threshold: four_decimals(options.threshold),
            box_threshold: four_decimals(options.box_threshold),
            unclip: four_decimals(options.unclip),
            max_side: options.max_side,
            min_confidence: four_decimals(options.min_confidence),
            angle: options.angle,
            deskew: options.deskew,
            contrast: options.contrast,
            denoise: options.denoise,
        }
    }
}

impl From<Options> for ReadOptions {
    fn from(options: Options) -> Self {
        Self {
            threshold: options.threshold as f32,
            box_threshold: options.box_threshold as f32,
            unclip: options.unclip as f32,
            max_side: options.max_side,
            min_confidence: options.min_confidence as f32,
            angle: options.angle,
            deskew: options.deskew,
            contrast: options.contrast,
            denoise: options.denoise,
        }
    }
}

impl From<&Times> for Milliseconds {
    fn from(times: &Times) -> Self {
        let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        Self {
            wait: ms(times.wait),
            decode: ms(times.decode),
            prepare: ms(times.prepare),
            detect: ms(times.detect),
            recognise: ms(times.recognise),
            total: ms(times.total),
        }
    }
}

impl From<&Milliseconds> for Times {
    fn from(ms: &Milliseconds) -> Self {
        let time = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
        Self {
            wait: time(ms.wait),
            decode: time(ms.decode),
            prepare: time(ms.prepare),
            detect: time(ms.detect),
            recognise: time(ms.recognise),
            total: time(ms.total),
        }
    }
}
