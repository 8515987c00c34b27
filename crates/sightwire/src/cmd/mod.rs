//! The command line: one module a command.

mod camera;
mod check;
mod check_coordinates;
mod detect;
mod models;
mod read;
mod sample;
mod serve;
mod top;
mod try_networks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sightwire_server::config::{Config, ConfigError, Flags, keys};

use crate::print::{self, PrintError, note, out};

/// One server for live vision: frames in, a model over them, predictions out.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    name = "sightwire",
    after_help = "\
Examples:
  sightwire models pull runtime     get the library that runs models (once)
  sightwire serve                   start the server on 127.0.0.1:8000

Exit codes: 0 done, 1 failed, 2 a mistake in the command line or the configuration."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    Serve(ServeArgs),
    /// Check the configuration and print every key, its value and where it was set.
    #[command(after_help = "Example:\n  sightwire check --config sightwire.toml")]
    Check(ConfigArgs),
    /// Write a configuration file with every key, commented.
    #[command(subcommand, after_help = "Example:\n  sightwire config init sightwire.toml")]
    Config(ConfigCommand),
    /// List, get, import and check models.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Read the text in pictures.
    Read(read::ReadArgs),
    /// Prove that pictures give the same polygons whichever way they are read.
    CheckCoordinates(check_coordinates::CheckCoordinatesArgs),
    /// Find objects in pictures.
    Detect(DetectArgs),
    /// Watch what a running server does: streams, viewers, delays, CPU, memory.
    Top(top::TopArgs),
    /// Draw a gesture clip or pages of text, to try things without a camera and without a scan.
    Sample(SampleArgs),
    /// Be a camera: an ESP32 board as good or as bad as wished, to try things without one.
    Camera(camera::CameraArgs),
    /// Try ways of running networks, for the process that starts this.
    #[command(name = sightwire_server::config::TRY_NETWORKS, hide = true)]
    TryNetworks,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file [default: sightwire.toml, if there is one].
    #[arg(long, value_name = "FILE", env = "SIGHTWIRE_CONFIG")]
    config: Option<PathBuf>,
    /// Set a key, for example `--set recognizer.max_clients=100`. May be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire serve --port 8001
  sightwire serve --listen 0.0.0.0:8000 --set recognizer.max_clients=100

Prints `listening on http://ADDRESS` when it is ready. Ends with 0 after SIGTERM or Ctrl-C.")]
struct ServeArgs {
    /// Address to listen on, or a port of 127.0.0.1; port 0 picks a free one. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// The same as `--listen 127.0.0.1:PORT`.
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print a configuration file with every key at its default, or write it.
    Init {
        /// Where to write it; an existing file is left alone.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sightwire models list
  sightwire models pull runtime
  sightwire models import my_signs.h5 --labels words.txt")]
enum ModelsCommand {
    /// Show all models and whether their files are here.
    List {
        /// text, or json with one object a line.
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

Needs Python 3.9, 3.10 or 3.11 with pip; the first import installs TensorFlow into a folder of the store. Labels are taken
from --labels, from my_signs.labels.txt or labels.txt beside the file (one a line, or JSON), or are the 20 known words.")]
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
struct ImportArgs {
    /// Keras file: .h5 (TensorFlow 2.3 and newer) or .keras.
    file: PathBuf,
    /// Name of the model [default: the file's].
    #[arg(long)]
    name: Option<String>,
    /// File with the names of the outputs: one a line, or JSON.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Probability below which the answer is "none" [default: 0.5].
    #[arg(long, value_name = "0..1", value_parser = share)]
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

fn share(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("it must be from 0 to 1".into()) }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire detect street.jpg
  sightwire detect --format json --classes person,car *.jpg > found.jsonl

Boxes are x and y of the upper left and the lower right corner, in pixels. Results go to stdout, all else to stderr. A file
that cannot be looked at is named, the others go on, and the exit code is 1.")]
struct DetectArgs {
    /// Pictures: JPEG or PNG.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Name of a detection model; one that is not here is fetched [default: yolox-nano].
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Leave out what is less sure [default: the model's own; 0.25 for yolox-nano].
    #[arg(long, value_name = "0..1", value_parser = share)]
    confidence: Option<f32>,
    /// Only these classes, by name.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    classes: Vec<String>,
    /// text, or json with one object a line.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire sample left --out frames/
  sightwire sample wave --y4m wave.y4m --frames 100
  sightwire sample page --out scans/ --frames 3")]
struct SampleArgs {
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
    /// Another number draws another clip, or other pages.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What was asked for cannot be meant so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mistake(String);

impl Cli {
    /// Runs the command; errors are printed here.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Config(ConfigCommand::Init { file }) => init(file),
            Command::Models(command) => models::run(&command),
            Command::Read(args) => read::run(&args),
            Command::CheckCoordinates(args) => check_coordinates::run(&args),
            Command::Detect(args) => detect::run(&args),
            Command::Sample(args) => sample::run(&args),
            Command::Top(args) => top::run(&args),
            Command::Camera(args) => camera::run(&args),
            Command::TryNetworks => try_networks::run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            // Whoever reads this has seen enough, as `head` does.
            Err(error) if matches!(error.downcast_ref(), Some(PrintError::Closed)) => ExitCode::SUCCESS,
            Err(error) => {
                note!("error: {error:#}");
                ExitCode::from(if error.is::<ConfigError>() || error.is::<Mistake>() { 2 } else { 1 })
            }
        }
    }
}

impl ConfigArgs {
    /// For commands that need no model: those that bring one, for example.
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.flags(&[]))
    }

    fn flags(&self, listen: &[String]) -> Flags {
        let file = self.config.clone().filter(|file| !file.as_os_str().is_empty());
        Flags { file, listen: listen.to_vec(), set: self.set.clone() }
    }
}

fn init(file: Option<PathBuf>) -> anyhow::Result<()> {
    use std::io::Write as _;

    use anyhow::Context as _;

    let text = keys::commented_file();
    let Some(path) = file else {
        return Ok(print::raw(&text)?);
    };
    let mut out = std::fs::File::create_new(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{} is already there and was left alone; choose another name", path.display())
        }
        _ => anyhow::anyhow!("cannot write {}: {error}", path.display()),
    })?;
    out.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    out!("wrote {}; start with `sightwire serve --config {0}`", path.display())?;
    Ok(())
}
