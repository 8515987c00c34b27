//! What a picture says, in the formats that people and programs take.
//!
//! - [`Document`]: a picture that was read, with all its pages
//! - `json`: an object, which can be read back
//! - `csv`: a row for each line, for spreadsheets
//! - `hocr`: hOCR 1.2, for archives and search
//! - `text`: the words alone
//! - `submission`: where text is, for programs that compare detectors
//! - `notes`: what is to be said of how it was read
//! - [`Pdf`]: the pictures with their text unseen under them
//! - [`annotated`]: the picture itself with the lines marked, as PNG

mod annotated;
mod csv;
mod hocr;
mod json;
mod notes;
mod pdf;
mod submission;
mod text;

use std::fmt;
use std::str::FromStr;

use sightwire_documents::PageHeader;
use sightwire_engine::Plan;
use sightwire_ocr::{ReadOptions, Reading, Region, Times, Word};

pub(crate) use json::Stored;
pub(super) use json::to_api_options;
pub use json::{exact_options, options_of};

pub use annotated::{AnnotateError, annotate_image};
use csv::HEADER as CSV_HEADER;
pub use notes::{Notes, Remark};
pub use pdf::Pdf;

/// What a picture says, and how that was found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Its name, as the sender gave it.
    pub file: Option<String>,
    /// Format of the picture: `jpeg`, `png`, …
    pub format: String,
    /// Name of the model.
    pub model: String,
    /// What ran the model: `openvino`, or `openvino+cpu` where its networks differ in that.
    pub provider: String,
    /// Of the network that finds lines: `f32` or `bf16`.
    pub detection_precision: String,
    /// Of the network that reads them.
    pub recognition_precision: String,
    /// How it was read.
    pub options: ReadOptions,
    /// In the file's order; one, except of a TIFF or PDF with several.
    pub pages: Vec<Page>,
    /// Of all pages together.
    pub times: Times,
    /// What is to be said of its pages.
    pub notes: Notes,
}

/// A page of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Width of the upright original, px.
    pub width: u32,
    /// Height of the upright original, px.
    pub height: u32,
    /// By how much it was turned to make its lines level, degrees clockwise.
    pub skew: f32,
    /// By how much it was turned besides so that its text stands upright, degrees clockwise: 0, 90, 180 or 270.
    pub turned: u16,
    /// The corners of the page in a photograph, if it was straightened.
    pub corners: Option<[[f32; 2]; 4]>,
    /// Lines that were found and left out: less sure than was asked for, without a letter, too low, or too many.
    pub left_out: usize,
    /// The lines of text in reading order.
    pub regions: Vec<Region>,
}

impl Document {
    /// Without pages yet. `plans` are of the networks that find and that read lines.
    pub fn new(
        file: Option<String>,
        format: &str,
        model: &str,
        plans: [Plan; 2],
        options: ReadOptions,
    ) -> Self {
        let [detection, recognition] = plans;
        let provider = if detection.provider == recognition.provider {
            detection.provider.name().to_owned()
        } else {
            format!("{}+{}", detection.provider, recognition.provider)
        };
        Self {
            file,
            format: format.to_owned(),
            model: model.to_owned(),
            provider,
            detection_precision: detection.precision.name().to_owned(),
            recognition_precision: recognition.precision.name().to_owned(),
            options,
            ..Self::default()
        }
    }

    /// Adds the page that was read next, and what its file's header says of it.
    pub fn push(&mut self, reading: &Reading, header: &PageHeader) {
        let times = &mut self.times;
        times.wait += reading.times.wait;
        times.decode += reading.times.decode;
        times.prepare += reading.times.prepare;
        times.detect += reading.times.detect;
        times.recognise += reading.times.recognise;
        times.total += reading.times.total;
        self.pages.push(Page {
            width: reading.size.0,
            height: reading.size.1,
            skew: reading.skew,
            turned: reading.turned,
            corners: reading.corners,
            left_out: reading.left_out,
            regions: reading.regions.clone(),
        });
        let remarks = [
            reading.doubt.map(Remark::Doubt),
            header.has_text.then_some(Remark::HasText),
            header.is_reduced.then_some(Remark::Reduced),
            header.is_cut_off.then_some(Remark::CutOff),
        ];
        remarks.into_iter().flatten().for_each(|remark| self.notes.add(remark, self.pages.len()));
    }

    /// What is to be said of its pages, in sentences.
    pub fn notes(&self) -> Vec<String> {
        self.notes.sentences(&self.model, self.pages.len())
    }

    /// All lines, page by page in reading order.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.pages.iter().flat_map(|page| &page.regions)
    }

    /// Of its lines, 0–1, to four decimals; none where there are none.
    pub fn mean_confidence(&self) -> Option<f64> {
        mean_confidence(self.regions())
    }

    /// The words; a form feed stands between pages. Ends without a line break.
    pub fn to_text(&self, layout: Layout) -> String {
        text::write_text(self, layout)
    }

    /// An object on one line, without a line break at its end.
    pub fn to_json(&self, style: Style) -> String {
        self.json_with(style, Vec::new())
    }

    /// The same, with more notes: what the caller should know about its request.
    pub fn json_with(&self, style: Style, notes: Vec<String>) -> String {
        json::write_json(self, style, notes)
    }

    /// Reads what [`Document::to_json`] wrote, without the words. Confidences have four decimals then.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        json::parse_json(text)
    }

    /// All of it for [`Document::from_stored`], on one line.
    pub fn to_stored(&self) -> String {
        json::write_stored(self)
    }

    /// Reads what [`Document::to_stored`] wrote, or [`Document::to_json`]. Confidences have four decimals then.
    pub fn from_stored(text: &str) -> serde_json::Result<Self> {
        json::parse_stored(text)
    }

    /// A row for each line, as RFC 4180 has it; see [`csv`](self::csv) for what is done against formulas. The header is
    /// [`Format::frame`]'s.
    pub fn to_csv(&self) -> String {
        csv::write_csv(self)
    }

    /// Where its lines are, in [`Format::SubmissionCsv`] or [`Format::SubmissionJson`], without what [`Format::frame`] puts
    /// around. Without a document the file could not be read.
    pub fn submission(document: Option<&Self>, name: &str, format: Format, style: Style) -> String {
        match format {
            Format::SubmissionJson => submission::write_json(name, document, style.confidence),
            _ => submission::write_csv(name, document, style.confidence),
        }
    }

    /// A whole document in hOCR 1.2, as XHTML.
    pub fn to_hocr(&self) -> String {
        hocr::write_hocr(self)
    }
}

/// The formats of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The words alone.
    Text,
    /// One object with all that is known of the lines.
    #[default]
    Json,
    /// A row for each line.
    Csv,
    /// hOCR 1.2: XHTML that says where each line stands.
    Hocr,
    /// The pictures with their text unseen under them: see [`Pdf`].
    Pdf,
    /// The picture with the lines marked, as PNG.
    Annotated,
    /// A row for each file: its name, and where its lines are.
    SubmissionCsv,
    /// The same as an object.
    SubmissionJson,
}

/// What stands around the results of several pictures in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// What stands before the first result.
    pub head: &'static str,
    /// What stands between two results.
    pub between: &'static str,
    /// What stands after the last result.
    pub tail: &'static str,
}

impl Format {
    /// All, in the order in which help lists them.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Json,
        Self::Csv,
        Self::Hocr,
        Self::Pdf,
        Self::Annotated,
        Self::SubmissionCsv,
        Self::SubmissionJson,
    ];

    /// As on the command line and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Hocr => "hocr",
            Self::Pdf => "pdf",
            Self::Annotated => "annotated",
            Self::SubmissionCsv => "submission-csv",
            Self::SubmissionJson => "submission-json",
        }
    }

    /// Whether it is a row for each file, whatever became of it.
    pub fn is_submission(self) -> bool {
        matches!(self, Self::SubmissionCsv | Self::SubmissionJson)
    }

    /// What stands around several results in one file.
    pub fn frame(self, style: Style) -> Frame {
        match self {
            Self::Csv => Frame { head: CSV_HEADER, ..Frame::default() },
            Self::SubmissionCsv if style.confidence => {
                Frame { head: "filename,polygons,confidence\r\n", ..Frame::default() }
            }
            Self::SubmissionCsv => Frame { head: "filename,polygons\r\n", ..Frame::default() },
            Self::SubmissionJson => Frame { head: "{\"images\":{", between: ",\n", tail: "}}\n" },
            Self::Text | Self::Json | Self::Hocr | Self::Pdf | Self::Annotated => Frame::default(),
        }
    }

    /// Of a file, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json | Self::SubmissionJson => "json",
            Self::Csv | Self::SubmissionCsv => "csv",
            Self::Hocr => "hocr",
            Self::Pdf => "pdf",
            Self::Annotated => "png",
        }
    }

    /// Value of the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            // Not the object that readings are.
            Self::SubmissionJson => "application/vnd.sightwire.submission+json",
            Self::Csv | Self::SubmissionCsv => "text/csv; charset=utf-8; header=present",
            Self::Hocr => "application/xhtml+xml; charset=utf-8",
            Self::Pdf => "application/pdf",
            Self::Annotated => "image/png",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No format is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of {known}", known = Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// How the lines of a page are put together in its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Each line that was found is one of the text.
    Lines,
    /// What stands side by side is one line of the text: with a tab between where there is room as in a table, else a space.
    #[default]
    Rows,
    /// The same, with an empty line between blocks: columns, paragraphs that stand apart, tables.
    Blocks,
}

impl Layout {
    /// All, in the order in which help lists them.
    pub const ALL: [Self; 3] = [Self::Lines, Self::Rows, Self::Blocks];

    /// As on the command line and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Rows => "rows",
            Self::Blocks => "blocks",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No layout is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of {known}", known = Layout::ALL.map(Layout::name).join(", "))]
pub struct UnknownLayout(String);

impl FromStr for Layout {
    type Err = UnknownLayout;

    fn from_str(text: &str) -> Result<Self, UnknownLayout> {
        Self::ALL
            .into_iter()
            .find(|layout| layout.name() == text)
            .ok_or_else(|| UnknownLayout(text.to_owned()))
    }
}

/// How a result is written, where its format leaves a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// How lines are put together in the text.
    pub layout: Layout,
    /// Whether objects have the confidence of each character, too.
    pub characters: bool,
    /// And its words with their places.
    pub words: bool,
    /// Whether submissions have how sure their lines are.
    pub confidence: bool,
}

/// Of these lines, 0–1, to four decimals; none where there are none.
fn mean_confidence<'a>(regions: impl IntoIterator<Item = &'a Region>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for region in regions {
        sum += four_decimals(region.confidence);
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count) * 1e4).round() / 1e4)
}

/// How sure a word is: the mean of its characters as they are written, so that it is the same of what was stored.
fn word_confidence(region: &Region, word: Word) -> f64 {
    let characters = region.word_characters(word);
    if characters.is_empty() {
        return four_decimals(region.confidence);
    }
    let sum: f64 = characters.iter().copied().map(four_decimals).sum();
    (sum / characters.len() as f64 * 1e4).round() / 1e4
}

/// To four decimals, without the digits that a conversion of `f32` brings.
fn four_decimals(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests;
