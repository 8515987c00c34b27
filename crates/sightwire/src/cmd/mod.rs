//! The command line: one module a command.

mod camera;
mod check;
mod check_coordinates;
mod config;
mod detect;
mod doctor;
mod keys;
mod models;
mod packaging;
mod read;
mod ready;
mod sample;
mod serve;
mod tls;
mod top;
mod try_networks;
mod users;
mod worker;

use std::error::Error;
use std::fmt;
use std::fs;
use std::num::ParseFloatError;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, Parser, Subcommand};
use sightwire_server::config::cluster::JobsConfig;
use sightwire_server::config::{Config, ConfigError, Flags, place};
use sightwire_server::jobs::{Common, Unusable};

use crate::owner;
use crate::print::{PrintError, Printer, note};

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
    Serve(serve::ServeArgs),
    /// Check the configuration and print every key, its value and where it was set.
    #[command(after_help = "Example:\n  sightwire check --config sightwire.toml")]
    Check(ConfigArgs),
    /// Look for what is wrong: configuration, machine, models, server, cameras. Tells no secret.
    Doctor(doctor::DoctorArgs),
    /// Ask the running server whether it is ready, for health checks: exit code 0 if it is, 1 if not.
    #[command(after_help = "Example:\n  sightwire ready && echo \"it takes clients\"")]
    Ready(ConfigArgs),
    /// Write a configuration file with every key, commented.
    #[command(subcommand, after_help = "Example:\n  sightwire config init sightwire.toml")]
    Config(config::ConfigCommand),
    /// Make, list and revoke keys: who may use this server, and for what.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Add, list and remove users, who log in with a password.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Show or renew the certificate authority that this server made for itself.
    #[command(subcommand)]
    Tls(tls::TlsCommand),
    /// List, get, import and check models.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Read the text in pictures.
    Read(read::ReadArgs),
    /// Read pictures that others put in common: any number of these, on any number of machines.
    Worker(worker::WorkerArgs),
    /// Check that pictures give the same polygons however they are read.
    CheckCoordinates(check_coordinates::CheckCoordinatesArgs),
    /// Find objects in pictures.
    Detect(detect::DetectArgs),
    /// Watch what a running server does: streams, viewers, delays, CPU, memory.
    Top(top::TopArgs),
    /// Draw a gesture clip or pages of text, to try things without a camera or a scanner.
    Sample(sample::SampleArgs),
    /// Simulate an ESP32 camera, as reliable or as faulty as you like.
    Camera(camera::CameraArgs),
    /// Print the completions of a shell.
    Completions(packaging::CompletionsArgs),
    /// Write the manual pages into a folder, for packages.
    #[command(hide = true)]
    Manual(packaging::ManualArgs),
    /// Try ways of running networks, for the process that starts this.
    #[command(name = sightwire_server::config::TRY_NETWORKS, hide = true)]
    TryNetworks,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file [default: sightwire.toml, else /etc/sightwire/sightwire.toml].
    #[arg(long, value_name = "FILE", env = "SIGHTWIRE_CONFIG")]
    config: Option<PathBuf>,
    /// Set a key, for example `--set recognizer.max_clients=100`. May be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

fn parse_share(text: &str) -> anyhow::Result<f32> {
    parse_number(text, 0.0..=1.0, "")
}

/// Of a file with a secret.
fn first_line_of(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(first_line(&text))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn parse_seconds(text: &str, range: RangeInclusive<f64>) -> anyhow::Result<Duration> {
    parse_number(text, range, " seconds").map(Duration::from_secs_f64)
}

/// A number within a range; `unit` follows the range in the message.
fn parse_number<T>(text: &str, range: RangeInclusive<T>, unit: &str) -> anyhow::Result<T>
where
    T: FromStr<Err = ParseFloatError> + PartialOrd + fmt::Display,
{
    let value: T = text.parse().with_context(|| format!("{text:?} is not a number"))?;
    ensure!(range.contains(&value), "it must be from {} to {}{unit}", range.start(), range.end());
    Ok(value)
}

/// What was asked for cannot be meant so.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Mistake(BoxError);

/// Whatever a mistake may be: nobody asks for more than its text.
type BoxError = Box<dyn Error + Send + Sync>;

/// What processes have in common; a setting that cannot be used is the user's mistake.
fn open_common(config: &Config, jobs: &JobsConfig, of_storage: bool) -> anyhow::Result<Common> {
    Common::from_config(config.store.home(), jobs, of_storage).map_err(|error| {
        match error.downcast::<Unusable>() {
            Ok(unusable) => Mistake(unusable.into()).into(),
            Err(error) => error,
        }
    })
}

impl Cli {
    /// Runs the command; errors are printed here. Returns the process's exit code.
    pub fn run(self, printer: &Printer) -> u8 {
        let done = match self.command {
            Command::Serve(args) => serve::run_serve(&args, printer),
            Command::Check(args) => check::run_check(&args, printer),
            Command::Doctor(args) => doctor::run_doctor(&args, printer),
            Command::Ready(args) => ready::run_ready(&args, printer),
            Command::Config(command) => config::run_config(&command, printer),
            Command::Keys(command) => keys::run_keys(&command, printer),
            Command::Users(command) => users::run_users(&command, printer),
            Command::Tls(command) => tls::run_tls(&command, printer),
            Command::Models(command) => models::run_models(&command, printer),
            Command::Read(args) => read::run_read(&args, printer),
            Command::Worker(args) => worker::run_worker(&args, printer),
            Command::CheckCoordinates(args) => check_coordinates::run_check_coordinates(&args, printer),
            Command::Detect(args) => detect::run_detect(&args, printer),
            Command::Sample(args) => sample::run_sample(&args, printer),
            Command::Top(args) => top::run_top(&args, printer),
            Command::Camera(args) => camera::run_camera(&args, printer),
            Command::Completions(args) => packaging::write_completions(&args, printer),
            Command::Manual(args) => packaging::write_manual(&args),
            Command::TryNetworks => try_networks::run_trials(),
        };
        match done {
            Ok(()) => 0,
            // The reader has seen enough, as `head` does.
            Err(error) if matches!(error.downcast_ref(), Some(PrintError::Closed)) => 0,
            Err(error) => {
                note!(printer, "error: {error:#}");
                if let Some(cure) = owner::suggest_cure(&error) {
                    note!(printer, "{cure}");
                }
                if error.is::<ConfigError>() || error.is::<Mistake>() { 2 } else { 1 }
            }
        }
    }
}

impl ConfigArgs {
    /// For commands that need no model, since they bring one, for example, and no other processes.
    fn load_for_jobs(&self) -> Result<(Config, JobsConfig), ConfigError> {
        Config::load_for_jobs(&self.flags(&[]))
    }

    fn load(&self) -> Result<Config, ConfigError> {
        Config::load_alone(&self.flags(&[]))
    }

    /// As [`ConfigArgs::load`], where a person would mean the installed server's store.
    fn load_and_say_whose(&self, printer: &Printer) -> Result<Config, ConfigError> {
        let config = self.load()?;
        self.say_whose(&config, printer);
        Ok(config)
    }

    /// Says that there is an installed server, if this is not its store.
    fn say_whose(&self, config: &Config, printer: &Printer) {
        if let Some(note) = place::not_yours(self.config.as_deref()) {
            note!(printer, "note: {note}; this store is {}", config.store.home().display());
        }
    }

    fn flags(&self, listen: &[String]) -> Flags {
        Flags {
            file: self.config.clone(),
            listen: listen.to_vec(),
            set: self.set.clone(),
            ..Flags::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// What a command prints, and how it ends.
    fn run(args: &[&str]) -> (String, String, u8) {
        let kept = [(); 2].map(|()| Arc::new(Mutex::new(Vec::<u8>::new())));
        let [out, err] = kept.clone();
        let code =
            Cli::try_parse_from([&["sightwire"], args].concat()).unwrap().run(&Printer::with_sinks(out, err));
        let [out, err] = kept.map(|kept| String::from_utf8(kept.lock().clone()).unwrap());
        (out, err, code)
    }

    #[test]
    fn results_go_one_way_and_remarks_the_other() {
        let (out, err, code) = run(&["config", "init"]);
        assert_eq!((out, err), (sightwire_server::config::keys::commented_file(), String::new()));
        assert_eq!(code, 0);

        let (out, err, code) = run(&["check", "--set", "server.max_conections=1"]);
        assert!(
            out.is_empty() && err.starts_with("error: ") && err.contains("server.max_connections"),
            "{err}"
        );
        assert_eq!(code, 2, "a mistake in the configuration");

        let two = ["check", "--set", "server.max_conections=1", "--set", "relay.max_fps=-1"];
        let (_, err, code) = run(&two);
        let names = ["server.max_connections", "relay.max_fps"];
        assert!(
            err.lines().zip(names).all(|(line, name)| line.starts_with("error: ") && line.contains(name))
        );
        assert_eq!((err.lines().count(), code), (2, 2), "{err}");
    }
}
