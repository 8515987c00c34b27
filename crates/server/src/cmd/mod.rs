//! The command line: one module a command.

mod check;
mod models;
mod sample;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Flags, keys};

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
    /// List, get and check models.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Draw a gesture clip, to try things without a camera.
    Sample(SampleArgs),
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
  sightwire serve
  sightwire serve --listen 0.0.0.0:8000 --set recognizer.max_clients=100

Prints `listening on http://ADDRESS` when it is ready. Ends with 0 after SIGTERM or Ctrl-C.")]
struct ServeArgs {
    /// Address to listen on; port 0 picks a free one. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
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
  sightwire models pull runtime")]
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
        /// Name of a model, `runtime`, or `runtime-openvino`, `runtime-cpu-…`, `runtime-cuda`.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Verify a model's files and run it once.
    Check {
        /// Name of a model.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire sample left --out frames/
  sightwire sample wave --y4m wave.y4m --frames 100")]
struct SampleArgs {
    /// still, left, right, up, down, push, pull or wave.
    gesture: String,
    /// Folder for the frames, as 000.jpg, 001.jpg, …
    #[arg(long, value_name = "FOLDER", required_unless_present = "y4m")]
    out: Option<PathBuf>,
    /// Uncompressed video file, such as Chromium's fake camera takes.
    #[arg(long, value_name = "FILE")]
    y4m: Option<PathBuf>,
    /// Number of frames, at 25 a second.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    frames: u32,
    /// Another number draws another clip.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Cli {
    /// Runs the command; errors are printed here.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Config(ConfigCommand::Init { file }) => init(file),
            Command::Models(command) => models::run(&command),
            Command::Sample(args) => sample::run(&args),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
            }
        }
    }
}

impl ConfigArgs {
    fn load(&self, listen: &[String]) -> Result<Config, ConfigError> {
        let file = self.config.clone().filter(|file| !file.as_os_str().is_empty());
        Config::load(&Flags { file, listen: listen.to_vec(), set: self.set.clone() })
    }
}

fn init(file: Option<PathBuf>) -> anyhow::Result<()> {
    use std::io::Write as _;

    use anyhow::Context as _;

    let text = keys::commented_file();
    let Some(path) = file else {
        print!("{text}");
        return Ok(());
    };
    let mut out = std::fs::File::create_new(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{} is already there and was left alone; choose another name", path.display())
        }
        _ => anyhow::anyhow!("cannot write {}: {error}", path.display()),
    })?;
    out.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}; start with `sightwire serve --config {0}`", path.display());
    Ok(())
}
