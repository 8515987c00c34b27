//! Finds pages in photographs: `cargo run --release -p sightwire-ocr --example straighten -- [--out FOLDER] FILES`.
//!
//! Prints a line of JSON for each file: the corners of its page (null where there is none), how sure that is, and how many
//! milliseconds it took. With `--out`, writes each picture into a folder, straightened where there is a page, as
//! `NAME.jpg`, and prints by which homography points of the original get there.

use std::path::PathBuf;
use std::time::Instant;

use sightwire_frame::still::{StillDecoder, StillLimits};
use sightwire_frame::{Encoder, Image};
use sightwire_ocr::enhance::{Homography, find_corners, straighten_page};

const QUALITY: u8 = 95;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let folder =
        arguments.next_if(|argument| argument == "--out").and_then(|_| arguments.next()).map(PathBuf::from);
    let (mut decoder, mut encoder, limits) = (StillDecoder::new()?, Encoder::new()?, StillLimits::default());
    let (mut image, mut jpeg) = (Image::default(), Vec::new());
    for file in arguments.map(PathBuf::from) {
        decoder.decode(&std::fs::read(&file)?, 0, &limits, &mut image)?;
        let start = Instant::now();
        let found = find_corners(&image);
        let millis = start.elapsed().as_secs_f64() * 1e3;
        let points = found.map_or("null".into(), |found| format!("{:?}", found.points));
        let confidence = found.map_or(0.0, |found| found.confidence);
        let mut there = Homography::IDENTITY;
        if let Some(folder) = &folder {
            let flat = found.and_then(|found| straighten_page(&image, found.points));
            let (page, map) = flat.unwrap_or_else(|| (image.clone(), there));
            there = map;
            encoder.encode(&page, QUALITY, &mut jpeg)?;
            let name = file.with_extension("jpg");
            std::fs::write(folder.join(name.file_name().unwrap_or_default()), &jpeg)?;
        }
        let name = file.to_string_lossy();
        println!(
            r#"{{"file":{name:?},"corners":{points},"confidence":{confidence},"ms":{millis:.2},"there":{:?}}}"#,
            there.0
        );
    }
    Ok(())
}
