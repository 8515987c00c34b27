//! The command line of `sightwire read`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use sightwire_models::manifest::Precision;
use sightwire_ocr::options::{MAX_CANDIDATES, MIN_DETECTION_SIZES};
use sightwire_ocr::{Corners, NoCorners, ReadOptions};
use sightwire_reading::output::{Format, Layout};
use sightwire_reading::work::ReadRequest;
use sightwire_server::config::Config;

use crate::cmd::{self, ConfigArgs, parse_share};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire read letter.jpg
  sightwire read scans/ --format json > scans.jsonl
  sightwire read 'archive/**/*.tif' --format hocr --out hocr/
  curl -s https://example.org/sign.png | sightwire read -

A folder is read with all folders in it: JPEG, PNG, WebP, TIFF and PDF (all pages), BMP, GIF, AVIF and HEIC; hidden \
files are left out. A file that is named is read whatever its extension. Polygons are in pixels of the upright picture, clockwise from the \
text's upper left. Results go to stdout in the order of the pictures, everything else to stderr. Ctrl-C finishes the \
pictures in progress; a second one stops at once.

Exit codes: 0 all were read, 1 some were not (the first ten are named), 2 a mistake on the command line.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct ReadArgs {
    /// Pictures, folders, patterns such as 'scans/**/*.jpg', or - for stdin.
    #[arg(required = true, value_name = "FILE|FOLDER|PATTERN")]
    pub inputs: Vec<PathBuf>,
    /// text, json (one object per line), csv, hocr, pdf (the pictures with their text under them, to be searched),
    /// annotated (PNG with the lines marked), or submission-csv or submission-json (where the lines of each file are, and an
    /// empty row for a file that could not be read).
    #[arg(long, default_value_t = Format::Text)]
    pub format: Format,
    /// Write a file for each picture into this folder, keeping the folders of the input.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// How text puts lines together: lines (each by itself), rows (what stands side by side is one line, cells with a tab
    /// between) or blocks (the same, with an empty line between columns and paragraphs) [default: rows].
    #[arg(long)]
    pub layout: Option<Layout>,
    /// Add the confidence of each character (json only).
    #[arg(long)]
    pub characters: bool,
    /// Add the words of each line with their places (json only).
    #[arg(long)]
    pub words: bool,
    /// Add how sure the lines are (submission formats only).
    #[arg(long)]
    pub confidence: bool,
    /// Let all workers (`sightwire worker`) read: `cluster.redis_url` and `cluster.folders` say where they are. Then `s3://bucket/folder`
    /// is read, too, if `cluster.buckets` names it. The same command goes on with what was stopped.
    #[arg(long)]
    pub cluster: bool,
    /// Write 0 for how long each picture took, so that two runs give the same bytes (json only).
    #[arg(long)]
    pub no_times: bool,
    /// Leave out pictures whose result in the folder of --out is newer than they are.
    #[arg(long)]
    pub resume: bool,
    /// Write every failure to this file, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub failures: Option<PathBuf>,
    /// Pictures in flight at once, each with its file in memory [default: one more than there are threads].
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Work")]
    pub jobs: Option<NonZeroUsize>,
    /// Abandon a page that takes more than this many seconds of work. Waiting for cores does not count.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_deadline, help_heading = "Work")]
    pub deadline: Duration,
    #[command(flatten)]
    pub options: OptionArgs,
    #[command(flatten, next_help_heading = "Configuration")]
    pub config: ConfigArgs,
}

/// How pictures are read, and with what.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Reading")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct OptionArgs {
    /// Name of a model for text; one that is not here is fetched [default: `reader.model`, which is ppocr-v4].
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// auto takes what the model was checked with; f32 is exact, bf16 faster.
    #[arg(long, default_value = "auto", value_parser = ["auto", "f32", "bf16"])]
    pub precision: String,
    /// A pixel counts as text from this probability.
    #[arg(long, value_name = "0..1", value_parser = parse_share, default_value_t = default_options().threshold)]
    pub threshold: f32,
    /// Keep a line if the mean probability of its pixels is at least this.
    #[arg(long, value_name = "0..1", value_parser = parse_share, default_value_t = default_options().box_threshold)]
    pub box_threshold: f32,
    /// How far a line's outline is moved outwards; more for letters with long tails.
    #[arg(long, value_name = "0.5..5", value_parser = parse_unclip, default_value_t = default_options().unclip)]
    pub unclip: f32,
    /// Look for lines in a copy whose longer side has at most this many pixels; lines are read from the original.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(64..=8192), default_value_t = default_options().max_side)]
    pub max_side: u32,
    /// Read at most this many lines of a page: of more, the largest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CANDIDATES)), default_value_t = default_options().max_candidates)]
    pub max_candidates: u32,
    /// Leave out lines that are lower than this many pixels.
    #[arg(long, value_name = "PX", value_parser = detection_size, default_value_t = default_options().min_detection_size)]
    pub min_detection_size: f32,
    /// Leave out lines with a lower confidence.
    #[arg(long, value_name = "0..1", value_parser = parse_share, default_value_t = default_options().min_confidence)]
    pub min_confidence: f32,
    /// Turn no page and no line that does not stand upright.
    #[arg(long)]
    pub no_angle: bool,
    /// Find the page in a photograph and read it as if seen from straight above.
    #[arg(long)]
    pub perspective: bool,
    /// Where that page is in every picture, instead of looking for it: four corners in pixels of the upright picture,
    /// clockwise from the page's upper left.
    #[arg(long, value_name = "X,Y,X,Y,X,Y,X,Y", value_parser = parse_corners, allow_hyphen_values = true)]
    pub corners: Option<Corners>,
    /// Straighten the picture, for skewed scans.
    #[arg(long)]
    pub deskew: bool,
    /// Even out contrast, for faded print and shadows.
    #[arg(long)]
    pub contrast: bool,
    /// Remove noise, for dim photographs.
    #[arg(long)]
    pub denoise: bool,
}

fn default_options() -> ReadOptions {
    ReadOptions::default()
}

fn at_least_one(text: &str) -> anyhow::Result<NonZeroUsize> {
    let value: usize = text.parse().with_context(|| format!("{text:?} is not a whole number"))?;
    NonZeroUsize::new(value).context("it must be at least 1")
}

fn parse_unclip(text: &str) -> anyhow::Result<f32> {
    cmd::parse_number(text, 0.5..=5.0, "")
}

fn detection_size(text: &str) -> anyhow::Result<f32> {
    cmd::parse_number(text, MIN_DETECTION_SIZES, "")
}

fn parse_corners(text: &str) -> anyhow::Result<Corners> {
    text.parse().map_err(|why: NoCorners| anyhow::anyhow!("it must be {why}"))
}

fn parse_deadline(text: &str) -> anyhow::Result<Duration> {
    cmd::parse_seconds(text, 0.01..=86_400.0)
}

impl OptionArgs {
    /// What was asked for here goes before the configuration.
    pub fn adjust_config(&self, config: &mut Config) {
        match &*self.precision {
            "f32" => config.engine.options.precision = Some(Precision::F32),
            "bf16" => config.engine.options.precision = Some(Precision::Bf16),
            _ => {}
        }
    }

    /// What these arguments ask of the reader.
    pub fn to_request(&self, config: &Config) -> ReadRequest {
        let model = self.model.as_ref().unwrap_or(&config.reader.model).clone();
        let options = ReadOptions {
            threshold: self.threshold,
            box_threshold: self.box_threshold,
            unclip: self.unclip,
            max_side: self.max_side,
            max_candidates: self.max_candidates,
            min_detection_size: self.min_detection_size,
            min_confidence: self.min_confidence,
            angle: !self.no_angle,
            perspective: self.perspective,
            corners: self.corners,
            deskew: self.deskew,
            contrast: self.contrast,
            denoise: self.denoise,
        };
        ReadRequest { model, options }
    }
}
