//! Text reading: a picture in, lines of text with their polygons out.
//!
//! - [`options`]: what a caller may choose
//! - [`model`]: [`ReadModel`]: the networks of a model: one finds lines, one tells which are upside down, one reads them
//! - [`service`]: [`ReadService`]: the threads that do it; [`effort`]: how much they have done for a picture
//! - [`enhance`]: pictures made level, evened out and freed of noise before their text is read; [`crop`]: a quadrilateral of a
//!   picture, made upright
//! - `words`: [`Word`]: where the words of a line are
//!
//! A picture is scaled and laid into one of a few sizes ([`canvas`]); a network maps where text is; outlines are drawn
//! around it ([`outline`]) and parted between columns ([`gutter`]); each line is cut out and made level ([`line`](mod@line)), turned if it stands on its head,
//! and read ([`ctc`]), once more if it stood against the page; at last they are put into reading order (`sightwire-layout`), and
//! it is asked whether they can be what stands there ([`doubt`](mod@doubt)). What one step does to a line depends on that
//! line alone, so a picture gives the same text and the same polygons whatever else is read beside it.
#![forbid(unsafe_code)]

mod canvas;
pub mod crop;
mod ctc;
mod direction;
mod doubt;
pub mod effort;
pub mod enhance;
mod gutter;
mod line;
pub mod memory;
pub mod model;
pub mod options;
mod outline;
mod page;
mod pixels;
pub mod service;
mod sessions;
mod words;

use std::sync::Arc;
use std::time::Duration;

use sightwire_frame::Image;

pub use doubt::{Doubt, Language};
pub use effort::Effort;
pub use memory::Memory;
pub use model::{ReadModel, ReadModelError};
pub use options::{Corners, NoCorners, ReadOptions, UnsuitedCorners};
pub use service::{Busy, PageRequest, ReadError, ReadService, ServiceOptions, ServiceStats};
pub use words::Word;

/// Name of the model that is taken where nobody asks for another.
pub const DEFAULT_MODEL: &str = "ppocr-v4";

/// A line of text in a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    /// Its corners in pixels of the upright original, (x, y), clockwise from the top left of the text: for a line that
    /// stands on its head the first is at the bottom right.
    pub polygon: [[f32; 2]; 4],
    /// The characters of the line, with spaces.
    pub text: String,
    /// How sure that is, 0–1: the mean of its characters.
    pub confidence: f32,
    /// How sure each character of `text` is, 0–1.
    pub characters: Vec<f32>,
    /// Its words in the order of `text`.
    pub words: Vec<Word>,
    /// The number of its block in the picture: lines that stand together, in one column. From 0 in reading order.
    pub block: u32,
    /// The number of its row: what stands side by side in one block. From 0 in reading order, over all blocks.
    pub row: u32,
}

/// What a picture says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Lines of text in reading order.
    pub regions: Vec<Region>,
    /// Lines that were found beside them and are left out: less sure than was asked for, without a letter, too low, or too
    /// many.
    pub left_out: usize,
    /// Why the text may not be what stands there.
    pub doubt: Option<Doubt>,
    /// Width and height of the picture, upright, before any preprocessing, px. Polygons are in its pixels.
    pub size: (u32, u32),
    /// That picture, if it is to be kept.
    pub image: Option<Arc<Image>>,
    /// The corners of the page in it that was read, in its pixels, clockwise from the page's upper left; `None` if there is
    /// none that stands out, or it was not looked for.
    pub corners: Option<[[f32; 2]; 4]>,
    /// By how much the picture was turned to make its lines level, degrees clockwise; 0 unless asked for.
    pub skew: f32,
    /// By how much it was turned besides so that its text stands upright, degrees clockwise: 0, 90, 180 or 270.
    pub turned: u16,
    /// How long each step took.
    pub times: Times,
}

/// Where the time of a picture went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// From handing in to the beginning of the work.
    pub wait: Duration,
    /// Decoding the file to pixels.
    pub decode: Duration,
    /// Straightening, deskewing, contrast and noise, as far as they are asked for.
    pub prepare: Duration,
    /// Finding lines: scaling, the network, and the outlines.
    pub detect: Duration,
    /// Cutting them out and reading them: from the end of detection to the last line.
    pub recognise: Duration,
    /// All of it, without `wait`.
    pub total: Duration,
}
