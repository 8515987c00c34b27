//! `sightwire detect`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use sightwire_frame::boxes::Detection;
use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Image};
use sightwire_infer::detect::{
    AUTO, DEFAULT_MODEL, DetectModel, DetectModelError, Detector, DetectorOptions, MOTION,
};
use sightwire_server::config::Config;

use super::{ConfigArgs, Mistake, models, parse_share};
use crate::engine;
use crate::print::{Printer, format_count, note};

/// Of files that the user names, unlike pictures that come over the network; 200 million pixels take 600 MB.
const LIMITS: Limits = Limits { max_bytes: 1 << 30, max_pixels: 200_000_000, max_side: 65_535 };

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire detect street.jpg
  sightwire detect --format json --classes person,car *.jpg > found.jsonl

Boxes are x and y of the upper left and the lower right corner, in pixels. Results go to stdout, everything else to stderr. \
A file that cannot be read is named, the others are still processed, and the exit code is 1.")]
pub(super) struct DetectArgs {
    /// Pictures: JPEG or PNG.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Name of a detection model; one that is not here is fetched [default: yolox-nano].
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Leave out objects with a lower confidence [default: the model's own; 0.25 for yolox-nano].
    #[arg(long, value_name = "0..1", value_parser = parse_share)]
    confidence: Option<f32>,
    /// Only these classes, by name.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    classes: Vec<String>,
    /// text, or json with one object per line.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    config: ConfigArgs,
}

/// What a picture was, and what is in it.
struct Seen {
    width: u32,
    height: u32,
    detections: Vec<Detection>,
    took: Duration,
}

/// A line of JSON.
#[derive(Serialize)]
struct DetectedFile<'a> {
    file: &'a str,
    detections: Vec<DetectedObject<'a>>,
}

#[derive(Serialize)]
struct DetectedObject<'a> {
    label: &'a str,
    confidence: f64,
    /// x and y of the upper left and of the lower right corner, px.
    #[serde(rename = "box")]
    bounds: [f64; 4],
}

pub(super) fn run_detect(args: &DetectArgs, printer: &Printer) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let model = load_model(&config, args.model.as_deref(), printer)?;
    let wanted = class_numbers(&args.classes, model.labels())?;
    let engine = engine::load_engine(&config, printer)?;
    engine::measure_networks(&engine, model.name(), &model.subjects(), false, printer)?;
    let options = DetectorOptions { iou: config.detector.iou, max_boxes: config.detector.max_boxes };
    let mut detector = model.detector(&engine, options)?;
    let (mut decoder, mut image) = (Decoder::new()?, Image::default());
    let threshold = args.confidence.unwrap_or(model.table().confidence);
    let (mut objects, mut failed, mut spent) = (0, 0, Duration::ZERO);
    let mut out = printer.out();
    for file in &args.files {
        let name = file.display().to_string();
        let mut seen = match detect_file(file, &mut decoder, &mut image, &mut detector, threshold) {
            Ok(seen) => seen,
            Err(error) => {
                note!(printer, "error: {name}: {error:#}");
                failed += 1;
                continue;
            }
        };
        if let Some(wanted) = &wanted {
            seen.detections.retain(|detection| wanted.contains(&detection.class));
        }
        objects += seen.detections.len();
        spent += seen.took;
        let written = if args.format == "json" {
            write_json(&mut *out, &name, &seen, model.labels())
        } else {
            write_text(&mut *out, &name, &seen, model.labels())
        };
        match written.and_then(|()| out.flush()) {
            // The reader has seen enough, as `head` does.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("cannot write the results")?,
        }
    }
    let looked_at = args.files.len() - failed;
    if looked_at == 0 {
        anyhow::bail!("{} could not be looked at", format_count(failed, "file"));
    }
    note!(
        printer,
        "{looked_at} of {}: {} from confidence {threshold}; {} on {}, {:.1} ms a picture",
        format_count(args.files.len(), "picture"),
        format_count(objects, "object"),
        model.name(),
        model.plan(&engine),
        spent.as_secs_f64() * 1e3 / looked_at.max(1) as f64,
    );
    anyhow::ensure!(
        failed == 0,
        "{failed} of {} could not be looked at",
        format_count(args.files.len(), "file")
    );
    Ok(())
}

/// The model asked for, fetched if it is not here.
fn load_model(config: &Config, name: Option<&str>, printer: &Printer) -> anyhow::Result<DetectModel> {
    let configured = Some(&*config.detector.model).filter(|name| *name != MOTION);
    let name = name.or(configured).filter(|name| *name != AUTO).unwrap_or(DEFAULT_MODEL);
    let manifest = config.store.manifest(name).map_err(|error| Mistake(error.into()))?;
    if manifest.detect.is_some() && !config.store.has_files(&manifest) {
        models::fetch_model(&config.store, &manifest, printer)?;
    }
    DetectModel::load(&config.store, &manifest).map_err(|error| match error {
        DetectModelError::NoNetwork { .. } | DetectModelError::WrongTask { .. } => {
            Mistake(error.into()).into()
        }
        error => error.into(),
    })
}

/// Numbers of the classes asked for by name; `None` for all.
fn class_numbers(names: &[String], labels: &[String]) -> Result<Option<Vec<usize>>, Mistake> {
    let number = |name: &String| {
        labels.iter().position(|label| label.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let near = |label: &&String| strsim::normalized_damerau_levenshtein(label, name);
            let nearest = labels.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
            let hint = nearest.filter(|label| near(label) > 0.5);
            let hint = hint.map(|label| format!(" (did you mean {label:?}?)")).unwrap_or_default();
            let known = labels.join(", ");
            Mistake(format!("--classes: the model knows no {name:?}{hint}; it knows {known}").into())
        })
    };
    if names.is_empty() { Ok(None) } else { names.iter().map(number).collect::<Result<_, _>>().map(Some) }
}

fn detect_file(
    file: &Path,
    decoder: &mut Decoder,
    image: &mut Image,
    detector: &mut Detector,
    threshold: f32,
) -> anyhow::Result<Seen> {
    let size = std::fs::metadata(file)?.len();
    LIMITS.check_bytes(usize::try_from(size).unwrap_or(usize::MAX))?;
    let bytes = std::fs::read(file)?;
    decoder.decode(&bytes, &LIMITS, image)?;
    let started = Instant::now();
    let detections = detector.detect(image, threshold)?;
    Ok(Seen { width: image.width(), height: image.height(), detections, took: started.elapsed() })
}

fn write_json(out: &mut dyn Write, file: &str, seen: &Seen, labels: &[String]) -> std::io::Result<()> {
    let detections = seen.detections.iter().map(|Detection { rect, class, confidence }| DetectedObject {
        label: &labels[*class],
        confidence: round_to(*confidence, 1e4),
        bounds: [rect.left, rect.top, rect.right, rect.bottom].map(|edge| round_to(edge, 100.0)),
    });
    let line = serde_json::to_string(&DetectedFile { file, detections: detections.collect() })?;
    writeln!(out, "{line}")
}

fn write_text(out: &mut dyn Write, file: &str, seen: &Seen, labels: &[String]) -> std::io::Result<()> {
    let count = match seen.detections.len() {
        0 => "nothing found".to_owned(),
        count => format_count(count, "object"),
    };
    writeln!(out, "{file}: {count} in {}x{}", seen.width, seen.height)?;
    for Detection { rect, class, confidence } in &seen.detections {
        let label = &labels[*class];
        writeln!(
            out,
            "  {label:<14} {confidence:.2}  from {:.0},{:.0} to {:.0},{:.0}",
            rect.left, rect.top, rect.right, rect.bottom
        )?;
    }
    Ok(())
}

/// To this many parts of one, without the digits that a conversion of `f32` brings.
fn round_to(value: f32, parts: f64) -> f64 {
    (f64::from(value) * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use sightwire_frame::boxes::Rect;

    use super::*;

    fn labels() -> Vec<String> {
        ["person", "traffic light"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_class_that_the_model_does_not_know_is_named_with_the_nearest() {
        assert_eq!(class_numbers(&[], &labels()).unwrap(), None);
        let names = ["Traffic Light".to_owned(), "person".to_owned()];
        assert_eq!(class_numbers(&names, &labels()).unwrap(), Some(vec![1, 0]));
        let error = class_numbers(&["persn".to_owned()], &labels()).unwrap_err().to_string();
        assert!(error.contains("persn") && error.contains("did you mean \"person\""), "{error}");
    }

    #[test]
    fn a_line_of_json_is_what_scripts_expect() {
        let rect = Rect { left: 13.123_4, top: 0.0, right: 801.7, bottom: 731.999 };
        let detections = vec![Detection { rect, class: 0, confidence: 0.9 }];
        let seen = Seen { width: 810, height: 1080, detections, took: Duration::ZERO };
        let mut out = Vec::new();
        write_json(&mut out, "a \"b\".jpg", &seen, &labels()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"file\":\"a \\\"b\\\".jpg\",\"detections\":[{\"label\":\"person\",\"confidence\":0.9,\"box\":[13.12,0.0,801.7,732.0]}]}\n"
        );
    }
}
