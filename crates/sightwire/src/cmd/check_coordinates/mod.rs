//! `sightwire check-coordinates`: proves that a picture gives the same polygons and the same text whichever way it is read.
//!
//! - [`server`]: a server of its own
//! - [`http`]: reads pictures over HTTP

mod http;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sightwire_jobs::inputs::Inputs;
use sightwire_reading::difference::Difference;
use sightwire_reading::output::Document;
use sightwire_top::Address;

use super::read::OptionArgs;
use super::read::batch::{self, Picture};
use super::read::interrupt;
use super::read::reader::TextReader;
use super::{ConfigArgs, Mistake};
use crate::print::{PrintError, Printer, format_count, note, out};
use http::Client;
use server::Server;

/// How many times each picture is in a batch, at other places among the others.
const ROUNDS: usize = 2;
/// Another order at each run would make a failure hard to repeat.
const SEED: u64 = 7;
/// A page takes no longer.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire check-coordinates scans/*.jpg
  sightwire check-coordinates scans/ --url http://10.0.0.7:8000

Each picture is read alone first. Then all are read in a batch, several at once in mixed order; over HTTP, one by one; and \
over HTTP as a job. For each way the largest difference of a coordinate from the first reading is printed, which must be \
0.000 px, and how many texts differ.

Exit codes: 0 no difference, 1 a difference or a picture that cannot be read, 2 a mistake on the command line.")]
pub struct CheckCoordinatesArgs {
    /// Pictures, folders, or patterns such as 'scans/**/*.jpg'.
    #[arg(required = true, value_name = "FILE|FOLDER|PATTERN")]
    inputs: Vec<PathBuf>,
    /// Ask this server, whose engine must be set up the same [default: a server of its own, on a free port].
    #[arg(long, value_name = "URL")]
    url: Option<Address>,
    #[command(flatten)]
    options: OptionArgs,
    #[command(flatten, next_help_heading = "Configuration")]
    config: ConfigArgs,
}

/// A picture and what it says when it is read alone.
struct Alone {
    path: PathBuf,
    document: Document,
}

pub(super) fn run_check_coordinates(args: &CheckCoordinatesArgs, printer: &Printer) -> anyhow::Result<()> {
    let mut config = args.config.load()?;
    args.options.adjust_config(&mut config);
    let jobs = config.engine.options.threads + 1;
    let reader = TextReader::start(printer, &config, &args.options.to_request(&config), jobs, DEADLINE)?;
    let mut pictures = Vec::new();
    let mut unread = 0;
    for input in Inputs::new(&args.inputs, None).map_err(|error| Mistake(error.into()))? {
        let read = match input {
            Ok(input) => match input.path {
                Some(path) => reader
                    .read_file(&input.name, Some(&path), |_, _, _| Ok(()))
                    .map(|document| Alone { path, document })
                    .map_err(|failure| format!("{}: {failure}", input.name)),
                None => return Err(Mistake("stdin can be read only once; name a file".into()).into()),
            },
            Err(unreadable) => Err(format!("{}: {}", unreadable.name, unreadable.reason)),
        };
        match read {
            Ok(picture) => pictures.push(picture),
            Err(reason) => {
                note!(printer, "error: {reason}");
                unread += 1;
            }
        }
    }
    let lines: usize = pictures.iter().map(|picture| picture.document.regions().count()).sum();
    out!(
        printer,
        "{} with {}; {}",
        format_count(pictures.len(), "picture"),
        format_count(lines, "line"),
        reader.in_words()
    )?;

    let mut same = report_difference(printer, "in a batch", &batch_against_alone(&reader, &pictures, jobs)?)?;
    // The engine's memory is the server's from here on.
    drop(reader);
    let own = match args.url {
        Some(_) => None,
        None => Some(Server::start(&args.config, &args.options)?),
    };
    let address =
        args.url.as_ref().map(Address::as_str).or(own.as_ref().map(Server::url)).unwrap_or_default();
    let client = Client::new(address, &args.options)?;
    let mut over_http = Difference::default();
    for picture in &pictures {
        over_http.add(&file_name(&picture.path), &picture.document, &client.read_picture(&picture.path)?);
    }
    same &= report_difference(printer, "over HTTP", &over_http)?;
    let mut in_job = Difference::default();
    let paths: Vec<&Path> = pictures.iter().map(|picture| &*picture.path).collect();
    client.read_as_job(&paths, |index, document| {
        in_job.add(&file_name(&pictures[index].path), &pictures[index].document, document);
    })?;
    same &= report_difference(printer, "as a job over HTTP", &in_job)?;
    drop(own);
    anyhow::ensure!(unread == 0, "{unread} of the pictures could not be read at all");
    anyhow::ensure!(!pictures.is_empty(), "there was no picture to compare");
    anyhow::ensure!(same, "the same picture does not give the same result whichever way it is read");
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.display().to_string()
}

/// All pictures again, in mixed order and several at once.
fn batch_against_alone(reader: &TextReader, pictures: &[Alone], jobs: usize) -> anyhow::Result<Difference> {
    let mut order: Vec<usize> = (0..pictures.len()).cycle().take(ROUNDS * pictures.len()).collect();
    fastrand::Rng::with_seed(SEED).shuffle(&mut order);
    let mut difference = Difference::default();
    let mut failed = None;
    let again = order.into_iter().map(Ok);
    let read = |&index: &usize| {
        let path = &pictures[index].path;
        reader.read_file(&file_name(path), Some(path), |_, _, _| Ok(()))
    };
    batch::process_inputs(
        again,
        jobs.max(2),
        &interrupt::Stop::default(),
        false,
        read,
        |Picture { input, result }| {
            let alone = &pictures[input];
            match result {
                Ok(document) => difference.add(&file_name(&alone.path), &alone.document, &document),
                Err(failure) => failed = Some(format!("{}: {failure}", file_name(&alone.path))),
            }
            Ok(())
        },
    )?;
    match failed {
        Some(reason) => Err(anyhow::anyhow!("in a batch: {reason}")),
        None => Ok(difference),
    }
}

/// A line about one way; whether there was no difference.
fn report_difference(printer: &Printer, way: &str, difference: &Difference) -> Result<bool, PrintError> {
    out!(printer, "{way:<19} {difference}")?;
    Ok(difference.is_none())
}
