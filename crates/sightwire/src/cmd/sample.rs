//! `sightwire sample`

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use sightwire_frame::{Encoder, Image};
use sightwire_synth::page;
use sightwire_synth::sample::{Clip, Gesture};

use super::Mistake;
use crate::print::{Printer, format_count, out};

const SIZE_PX: (u32, u32) = (640, 480);
const QUALITY: u8 = 90;

/// What is drawn where a gesture's name could stand.
const PAGE: &str = "page";
/// Numbers of invoices that belong to one seed: as many as there are pictures at most.
const PAGES_OF_SEED: u64 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire sample left --out frames/
  sightwire sample wave --y4m wave.y4m --rest 32 --frames 25
  sightwire sample page --out scans/ --frames 3")]
pub(super) struct SampleArgs {
    /// A gesture (still, left, right, up, down, push, pull or wave), or `page`: invoices.
    #[arg(value_name = "GESTURE|page")]
    what: String,
    /// Folder for the pictures, as 000.jpg, 001.jpg, …
    #[arg(long, value_name = "FOLDER", required_unless_present = "y4m")]
    out: Option<PathBuf>,
    /// Uncompressed video file, such as Chromium's fake camera takes.
    #[arg(long, value_name = "FILE")]
    y4m: Option<PathBuf>,
    /// Number of pictures; of a clip, at 25 a second.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    frames: u32,
    /// Pictures of the hand at rest before them: with `recognizer.arming` a motion counts after a rest, of 32 pictures or more.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    rest: u32,
    /// Another number draws another clip, or other pages.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run_sample(args: &SampleArgs, printer: &Printer) -> anyhow::Result<()> {
    if args.what == PAGE {
        return write_pages(args, printer);
    }
    let gesture: Gesture =
        args.what.parse().map_err(|error| Mistake(format!("{error}; page draws pages of text").into()))?;
    let clip = Clip::new(gesture, args.seed, SIZE_PX.0, SIZE_PX.1);
    let draw = |index: u32, image: &mut Image| clip.rested_into(args.rest, index, image);
    let count = args.rest + args.frames;
    if let Some(folder) = &args.out {
        write_pictures(folder, count, draw)?;
    }
    if let Some(path) = &args.y4m {
        let file = fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut out = BufWriter::new(file);
        write_y4m(&mut out, count, draw).with_context(|| format!("cannot write {}", path.display()))?;
    }
    for place in args.out.iter().chain(&args.y4m) {
        out!(printer, "{count} frames of {} in {}", gesture.name(), place.display())?;
    }
    Ok(())
}

fn write_pages(args: &SampleArgs, printer: &Printer) -> anyhow::Result<()> {
    let (Some(folder), None) = (&args.out, &args.y4m) else {
        return Err(Mistake("pages are no video; write them into a folder with --out".into()).into());
    };
    if args.rest > 0 {
        return Err(Mistake("pages have no hand that could --rest".into()).into());
    }
    let first = args.seed.saturating_sub(1).saturating_mul(PAGES_OF_SEED);
    write_pictures(folder, args.frames, |index, image| {
        *image = page::draw_page(&page::invoice_lines(first.saturating_add(index.into())));
    })?;
    out!(printer, "{} in {}", format_count(args.frames as usize, "page"), folder.display())?;
    Ok(())
}

/// 000.jpg, 001.jpg, … in a folder, which is made when missing.
fn write_pictures(folder: &Path, count: u32, mut draw: impl FnMut(u32, &mut Image)) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (mut encoder, mut image, mut jpeg) = (Encoder::new()?, Image::new(0, 0), Vec::new());
    for index in 0..count {
        draw(index, &mut image);
        encoder.encode(&image, QUALITY, &mut jpeg)?;
        let path = folder.join(format!("{index:03}.jpg"));
        fs::write(&path, &jpeg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// YUV4MPEG2, 25 frames a second, 4:2:0 at JPEG siting and full range (BT.601).
fn write_y4m(out: &mut impl Write, count: u32, draw: impl Fn(u32, &mut Image)) -> std::io::Result<()> {
    let mut image = Image::new(0, 0);
    let (width, height) = (SIZE_PX.0 as usize, SIZE_PX.1 as usize);
    writeln!(out, "YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg")?;
    let (mut y, mut u, mut v) =
        (vec![0; width * height], vec![0; width * height / 4], vec![0; width * height / 4]);
    for index in 0..count {
        draw(index, &mut image);
        let pixels = image.data();
        for row in 0..height {
            for column in 0..width {
                let at = (row * width + column) * 3;
                let [b, g, r] = [pixels[at], pixels[at + 1], pixels[at + 2]].map(f32::from);
                y[row * width + column] = (0.299 * r + 0.587 * g + 0.114 * b).round() as u8;
                if row % 2 == 0 && column % 2 == 0 {
                    let chroma = row / 2 * (width / 2) + column / 2;
                    u[chroma] =
                        (128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b).round().clamp(0.0, 255.0) as u8;
                    v[chroma] =
                        (128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b).round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        out.write_all(b"FRAME\n")?;
        for plane in [&y, &u, &v] {
            out.write_all(plane)?;
        }
    }
    out.flush()
}
