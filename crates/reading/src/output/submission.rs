//! Where text is, file by file, as programs take it that compare how well it is found.
//!
//! CSV: `filename,polygons`, and on request `confidence`; a polygon is `x1 y1 x2 y2 x3 y3 x4 y4`, and `|` stands between
//! two. JSON: `{"images":{"a.jpg":{"words":{"0001":{"points":[[x1,y1],…]}}}}}`. A file without text, or that could not
//! be read, has its row all the same.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use super::csv::escape_formula;
use super::{Document, Region, four_decimals, mean_confidence};

#[derive(Serialize)]
struct Entry<'a> {
    words: Words<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
}

/// Lines by their number, with how sure they are or without.
struct Words<'a>(&'a [Region], bool);

#[derive(Serialize)]
struct Word {
    points: [[f32; 2]; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
}

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate().map(|(index, region)| {
            let confidence = self.1.then(|| four_decimals(region.confidence));
            (format!("{:04}", index + 1), Word { points: region.polygon, confidence })
        }))
    }
}

/// A row for each page; of a file that could not be read, one that is empty.
pub(super) fn write_csv(name: &str, document: Option<&Document>, confidence: bool) -> String {
    let mut out = String::new();
    for (name, regions) in named_pages(name, document) {
        out.push_str(&quote_name(&name));
        for (index, region) in regions.iter().enumerate() {
            out.push(if index == 0 { ',' } else { '|' });
            for (index, part) in region.polygon.as_flattened().iter().enumerate() {
                let space = if index == 0 { "" } else { " " };
                let _ = write!(out, "{space}{part}");
            }
        }
        if regions.is_empty() {
            out.push(',');
        }
        if confidence {
            let mean = mean_confidence(regions).map_or_else(String::new, |mean| mean.to_string());
            let _ = write!(out, ",{mean}");
        }
        out.push_str("\r\n");
    }
    out
}

/// The entry of each page, with a comma between two.
pub(super) fn write_json(name: &str, document: Option<&Document>, confidence: bool) -> String {
    let mut out = String::new();
    for (index, (name, regions)) in named_pages(name, document).into_iter().enumerate() {
        let mean = if confidence { mean_confidence(regions) } else { None };
        let entry = Entry { words: Words(regions, confidence), confidence: mean };
        // Names are strings, and a string takes whatever is written.
        let text = |value: serde_json::Result<String>| value.unwrap_or_default();
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            out,
            "{comma}{}:{}",
            text(serde_json::to_string(&name)),
            text(serde_json::to_string(&entry))
        );
    }
    out
}

/// The lines of each page, under the name of the file, or of its later page: `a.tif#page=2`.
fn named_pages<'a>(name: &str, document: Option<&'a Document>) -> Vec<(String, &'a [Region])> {
    let Some(document) = document else { return vec![(name.to_owned(), &[])] };
    let pages = document.pages.iter().enumerate().map(|(index, page)| {
        let name = if index == 0 { name.to_owned() } else { format!("{name}#page={}", index + 1) };
        (name, &*page.regions)
    });
    pages.collect()
}

/// A name, in quotation marks only where it needs them.
fn quote_name(name: &str) -> String {
    let name = escape_formula(name);
    if name.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.into_owned()
    }
}
