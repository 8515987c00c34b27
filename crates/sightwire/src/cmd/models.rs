//! `sightwire models list | pull | import | check`

mod landmarks;
mod manifest;
mod reading;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};
use sightwire_api::models::ListedModel;
use sightwire_engine::Engine;
use sightwire_engine::runtime::{self, Runtime};
use sightwire_engine::trial::Subject;
use sightwire_frame::Image;
use sightwire_frame::header::Limits;
use sightwire_import::environment::Environment;
use sightwire_import::foreign::Foreign;
use sightwire_import::missing;
use sightwire_import::{self, ImportError, Request};
use sightwire_infer::clip::model::{self, ClipModel, Window};
use sightwire_infer::detect::{DetectModel, DetectorOptions};
use sightwire_models::fetch::{self, Progress};
use sightwire_models::manifest::{Manifest, Precision, Task};
use sightwire_models::store::{Need, Store, StoreError};
use sightwire_server::config::Config;

use super::{ConfigArgs, parse_share};
use crate::engine;
use crate::owner;
use crate::print::{PrintError, Printer, format_count, note, out};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sightwire models list
  sightwire models pull runtime
  sightwire models import my_signs.h5 --labels words.txt")]
pub(super) enum ModelsCommand {
    /// Show all models and whether their files are here.
    List {
        /// text, or json with one object per line.
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Get the files of a model, or `runtime`: the ONNX Runtime library that fits this machine.
    Pull {
        /// Name of a model, `runtime` (or `runtime-openvino`, `runtime-cpu-…`, `runtime-cuda`), or `importer`: what imports
        /// Keras files, so that imports work without a network later.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make a model out of a Keras file, once: convert it, compare it with the original, and keep it in the store.
    #[command(after_help = "\
Examples:
  sightwire models import WLASL20c_model.h5
  sightwire models import my_signs.h5 --name signs --labels words.txt

Needs Python 3.9, 3.10 or 3.11 with pip; the first import installs TensorFlow into a folder of the store. Labels are taken \
from --labels, from my_signs.labels.txt or labels.txt beside the file (one per line, or JSON), or are the 20 known words.")]
    Import(ImportArgs),
    /// Verify a model's files, run it, and show in which ways it can be run on this machine and how fast.
    Check {
        /// Name of a model.
        name: String,
        /// Try and measure all ways again, even if that was done before.
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Keras file: .h5 (TensorFlow 2.3 and newer) or .keras; for an ONNX file, a manifest to complete is printed.
    file: PathBuf,
    /// Name of the model [default: the file's].
    #[arg(long)]
    name: Option<String>,
    /// File with the names of the outputs: one a line, or JSON.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Probability below which the answer is "none" [default: 0.5].
    #[arg(long, value_name = "0..1", value_parser = parse_share)]
    threshold: Option<f32>,
    /// Do not split it into a backbone for each frame and a head for each window: about ten times slower, to compare.
    #[arg(long)]
    whole: bool,
    /// SPDX expression of the model's licence, for its card.
    #[arg(long, value_name = "SPDX")]
    licence: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run_models(command: &ModelsCommand, printer: &Printer) -> anyhow::Result<()> {
    match command {
        ModelsCommand::List { format, config } => list_models(&config.load()?, format == "json", printer),
        ModelsCommand::Pull { name, config } => pull_model(&to_write(config)?, name, printer),
        ModelsCommand::Import(args) => import_model(&to_write(&args.config)?, args, printer),
        ModelsCommand::Check { name, again, config } => {
            check_model(&to_write(config)?, name, *again, printer)
        }
    }
}

fn list_models(config: &Config, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let (manifests, errors) = config.store.manifests();
    for m in &manifests {
        let needs = config.store.needs(m);
        let damaged = needs.is_none() && is_damaged(&config.store, m);
        if as_json {
            out!(
                printer,
                "{}",
                serde_json::to_string(&ListedModel {
                    available: needs.is_none() && !damaged,
                    licence: m.licence.clone(),
                    name: m.name.clone(),
                    task: m.task.name().to_owned(),
                    title: m.title.clone(),
                })?
            )?;
        } else {
            let state = match needs {
                None if damaged => "damaged",
                None => "here",
                Some(Need::Import) => "to import",
                Some(Need::Pull) => "not here",
            };
            out!(printer, "{:<22} {:<20} {state:<9} {}", m.name, m.task.name(), m.title)?;
        }
    }
    for error in &errors {
        note!(printer, "warning: {error}");
    }
    if !as_json {
        note!(
            printer,
            "store: {}; get one that is not here, or damaged, with `sightwire models pull NAME`",
            config.store.home().display()
        );
    }
    Ok(())
}

/// Whether a file of a model that is here is not the one that its manifest means.
fn is_damaged(store: &Store, manifest: &Manifest) -> bool {
    let is = |file| matches!(store.verified_path(&manifest.name, file), Err(StoreError::Altered { .. }));
    manifest.runtime.is_none() && manifest.files.iter().any(is)
}

/// For commands that write into the store.
fn to_write(config: &ConfigArgs) -> anyhow::Result<Config> {
    let config = config.load()?;
    owner::refuse_root(config.store.home())?;
    Ok(config)
}

fn pull_model(config: &Config, name: &str, printer: &Printer) -> anyhow::Result<()> {
    let store = &config.store;
    if name == "importer" {
        let steps = Steps { printer };
        let made =
            Environment::make_ready(store, config.import.python.as_deref(), &mut |step| steps.show(&step));
        steps.end();
        let python = made?.python();
        out!(printer, "the importer is ready: {}", python.display())?;
        return Ok(());
    }
    let manifest = find_model(store, name)?;
    fetch_model(store, &manifest, printer)?;
    if let Some(file) = manifest.to_import() {
        let source = store.verified_path(&manifest.name, file)?;
        return convert_model(config, &import_request(config, &source, Some(&manifest)), printer);
    }
    out!(printer, "{} is ready", manifest.name)?;
    Ok(())
}

fn import_request(config: &Config, source: &Path, manifest: Option<&Manifest>) -> Request {
    Request::from_source(source, manifest, config.import.python.clone(), &config.engine_settings())
}

/// Brings a model's files into the store.
pub(super) fn fetch_model(store: &Store, manifest: &Manifest, printer: &Printer) -> anyhow::Result<()> {
    let started = Instant::now();
    let terminal = printer.err_is_terminal();
    let lead = if terminal { "\r" } else { "" };
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    fetch::pull_files(store, manifest, &mut |progress| match progress {
        Progress::Present(file) => note!(printer, "{}: {} is here", manifest.name, file.name),
        Progress::Fetching(file, from) => {
            let size = file.size_bytes.map(|bytes| format!(" ({})", megabytes(bytes))).unwrap_or_default();
            note!(printer, "{}: getting {}{size} from {from}", manifest.name, file.name);
        }
        Progress::Bytes { bytes, of } if terminal => {
            let of = of.map(|of| format!(" of {}", megabytes(of))).unwrap_or_default();
            printer.remark(format_args!("\r  {}{of}   ", megabytes(bytes)));
        }
        Progress::Bytes { .. } => {}
        Progress::Retry { reason, pause } => {
            note!(printer, "{lead}{}: {reason}; again in {:.0} s", manifest.name, pause.as_secs_f32());
        }
        Progress::Done(file) => {
            let seconds = started.elapsed().as_secs_f32();
            note!(printer, "{lead}{}: verified {} ({seconds:.1} s)", manifest.name, file.name);
        }
    })?;
    Ok(())
}

fn import_model(config: &Config, args: &ImportArgs, printer: &Printer) -> anyhow::Result<()> {
    // Before anything is fetched for it.
    match sightwire_import::check_source(&args.file) {
        Err(ImportError::Foreign { path, foreign: Foreign::Onnx }) => {
            manifest::print_manifest(&config.store, &path, args.name.as_deref(), printer)?;
            anyhow::bail!("{} was not imported, since it is {} already", path.display(), Foreign::Onnx);
        }
        checked => checked?,
    }
    let request = Request {
        name: args.name.clone(),
        labels_file: args.labels.clone(),
        threshold: args.threshold,
        whole: args.whole,
        licence: args.licence.clone(),
        ..import_request(config, &args.file, None)
    };
    convert_model(config, &request, printer)
}

/// Steps of an import, on stderr: on a terminal each in the place of the one before, else a line for each.
struct Steps<'a> {
    printer: &'a Printer,
}

impl Steps<'_> {
    fn show(&self, step: &sightwire_import::Progress) -> bool {
        if !step.text.is_empty() {
            let percent = step.done.map(|done| format!("{:3.0} % ", done * 100.0)).unwrap_or_default();
            let (lead, end) = if self.printer.err_is_terminal() { ("\r\x1b[2K", "") } else { ("", "\n") };
            self.printer.remark(format_args!("{lead}{percent}{}{end}", step.text));
        }
        true
    }

    fn end(&self) {
        if self.printer.err_is_terminal() {
            self.printer.remark(format_args!("\r\x1b[2K"));
        }
    }
}

/// Imports a file, and says what came of it.
fn convert_model(config: &Config, request: &Request, printer: &Printer) -> anyhow::Result<()> {
    if config.engine.library.is_none()
        && runtime::runtime_packages(&config.store).iter().all(|p| !config.store.has_files(p))
    {
        // The import is compared with its original in the engine that will run it.
        fetch_model(&config.store, &find_model(&config.store, "runtime")?, printer)?;
    }
    let started = Instant::now();
    let steps = Steps { printer };
    let manifest = sightwire_import::import_model(&config.store, request, &mut |step| steps.show(&step));
    steps.end();
    let manifest = manifest?;
    let (Some(clip), Some(imported)) = (&manifest.clip, &manifest.imported) else {
        anyhow::bail!("the manifest of {} has no [clip] or no [imported]", manifest.name);
    };
    let kind = if clip.features.is_some() {
        "split into a backbone for each frame and a head for each window"
    } else {
        "whole: every prediction takes all frames of its window, which is much slower"
    };
    note!(
        printer,
        "{}: {} frames of {}x{}, {} labels ({} to {})",
        manifest.name,
        clip.window,
        clip.width,
        clip.height,
        clip.labels.len(),
        clip.labels.first().map_or("", String::as_str),
        clip.labels.last().map_or("", String::as_str),
    );
    note!(printer, "{}: {kind}", manifest.name);
    note!(
        printer,
        "{}: differs from the original by at most {:.1e} in any probability ({} windows compared)",
        manifest.name,
        imported.difference,
        imported.clips
    );
    let ms = match clip.precision {
        Precision::F32 => imported.f32_ms,
        Precision::Bf16 => imported.bf16_ms.unwrap_or(imported.f32_ms),
    };
    note!(printer, "{}: {ms:.1} ms a prediction on one thread at {}", manifest.name, clip.precision.name());
    for note in &imported.notes {
        note!(printer, "{}: note: {note}", manifest.name);
    }
    note!(
        printer,
        "done in {:.1} s; run it with `sightwire serve --set recognizer.model={}`",
        started.elapsed().as_secs_f32(),
        manifest.name
    );
    out!(printer, "{} is ready", manifest.name)?;
    Ok(())
}

/// The model called so, or the package that `runtime` stands for on this machine.
fn find_model(store: &Store, name: &str) -> anyhow::Result<Manifest> {
    if name == "runtime" { missing::runtime_package(store) } else { Ok(store.manifest(name)?) }
}

fn check_model(config: &Config, name: &str, again: bool, printer: &Printer) -> anyhow::Result<()> {
    let manifest = find_model(&config.store, name)?;
    if manifest.task == Task::Runtime {
        return check_runtime(config, &manifest, printer);
    }
    if manifest.task == Task::ObjectDetection {
        return check_detector(config, &manifest, again, printer);
    }
    if manifest.task == Task::TextReading {
        return reading::check_reading(config, &manifest, again, printer);
    }
    if let Some(table) = manifest.landmarks {
        return landmarks::check_landmarks(config, &manifest, table.of, again, printer);
    }
    let model = ClipModel::load(&config.store, &manifest)?;
    out!(printer, "{}", right_files(&manifest))?;
    let engine = engine::load_engine(config, printer)?;
    let subjects = model.subjects(&engine);
    engine::measure_networks(&engine, name, &subjects, again, printer)?;
    show_ways(&engine, name, &subjects, printer)?;
    let started = Instant::now();
    let mut networks = model.networks(&engine, Limits::default())?;
    let made = started.elapsed();
    let mut window = Window::default();
    for _ in 0..model.clip().window {
        networks.extend(&mut window, 1)?;
    }
    let runs = if model.is_split() { 100 } else { 20 };
    let started = Instant::now();
    for _ in 0..runs {
        networks.extend(&mut window, 1)?;
        networks.predict(&window)?;
    }
    out!(
        printer,
        "{name}: runs on ONNX Runtime {} ({}); {:.2} ms a prediction on one thread; sessions made in {:.0} ms",
        engine.runtime().version(),
        model::in_words(&model.plans(&engine)),
        started.elapsed().as_secs_f64() * 1e3 / f64::from(runs),
        made.as_secs_f64() * 1e3,
    )?;
    Ok(())
}

/// What it says of a model whose files have been compared with their hashes.
fn right_files(manifest: &Manifest) -> String {
    let what = if manifest.files.len() == 1 { "is the right one" } else { "are the right ones" };
    format!("{}: {} {what}", manifest.name, format_count(manifest.files.len(), "file"))
}

/// What came of each way of running each network, and which is taken.
fn show_ways(engine: &Engine, name: &str, subjects: &[Subject], printer: &Printer) -> Result<(), PrintError> {
    for subject in subjects {
        let Some((record, taken)) = engine.record(subject) else {
            out!(printer, "{name}: {}: nothing is known of how it runs", subject.network.name())?;
            continue;
        };
        out!(
            printer,
            "{name}: {} at {:?}: {}; taken: {taken}",
            record.network,
            record.input,
            record.in_words()
        )?;
    }
    Ok(())
}

fn check_detector(
    config: &Config,
    manifest: &Manifest,
    again: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    let name = &manifest.name;
    if manifest.files.is_empty() {
        out!(printer, "{name}: needs no files")?;
        return Ok(());
    }
    let model = DetectModel::load(&config.store, manifest)?;
    out!(printer, "{}", right_files(manifest))?;
    let engine = engine::load_engine(config, printer)?;
    let subjects = model.subjects();
    engine::measure_networks(&engine, name, &subjects, again, printer)?;
    show_ways(&engine, name, &subjects, printer)?;
    let started = Instant::now();
    let mut detector = model.detector(&engine, DetectorOptions::default())?;
    let made = started.elapsed();
    let picture = Image::new(640, 480);
    let runs = 50;
    let started = Instant::now();
    for _ in 0..runs {
        detector.detect(&picture, model.table().confidence)?;
    }
    out!(
        printer,
        "{name}: runs on ONNX Runtime {} ({}); {:.2} ms a picture of 640x480 on one thread; session made in {:.0} ms",
        engine.runtime().version(),
        model.plan(&engine),
        started.elapsed().as_secs_f64() * 1e3 / f64::from(runs),
        made.as_secs_f64() * 1e3,
    )?;
    Ok(())
}

fn check_runtime(config: &Config, manifest: &Manifest, printer: &Printer) -> anyhow::Result<()> {
    let missing = || Some(config.store.runtime_dir(&manifest.name).join(&manifest.runtime.as_ref()?.library));
    let library = config.store.runtime_library(manifest).or_else(missing);
    let runtime = Runtime::load(&config.store, library.as_deref(), None)?;
    out!(
        printer,
        "{}: version {} loads from {}",
        manifest.name,
        runtime.version(),
        runtime.library().display()
    )?;
    Ok(())
}
