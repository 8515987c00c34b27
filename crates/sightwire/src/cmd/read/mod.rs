//! `sightwire read`: the text in pictures, by the thousand.
//!
//! - [`args`]: the command line
//! - [`reader`]: one picture, page by page
//! - [`cluster`]: by workers
//! - [`batch`]: several at once, in order, within bounds
//! - [`outputs`]: where results go
//! - [`progress`]: what a person sees meanwhile
//! - [`interrupt`]: what Ctrl-C does

mod args;
pub(super) mod batch;
mod cluster;
pub(super) mod interrupt;
mod outputs;
mod progress;
pub(super) mod reader;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use sightwire_jobs::inputs::{Input, Inputs, Unreadable};
use sightwire_jobs::left_out::LeftOut;
use sightwire_jobs::readable::parse_address;
use sightwire_reading::output::{Format, Style};

use super::Mistake;
use crate::print::{Printer, format_count, note};
pub(super) use args::{OptionArgs, ReadArgs};
use outputs::{Outputs, Rendered};
use progress::Progress;
use reader::TextReader;

/// As many failures are named at the end, with their reasons, and as many notes.
const NAMED: usize = 10;
/// Pictures in flight at most, whatever is asked for: each has its file in memory.
const MAX_JOBS: usize = 256;

/// A line of the file with failures.
#[derive(Serialize)]
struct Failed<'a> {
    file: &'a str,
    error: &'a str,
}

/// What has come of the pictures so far.
#[derive(Debug, Default)]
struct Tally {
    read: usize,
    failed: usize,
    lines: usize,
    /// Lines that were found and left out.
    left_out: usize,
    first_failures: VecDeque<String>,
    /// What is to be said of pictures that were read.
    notes: usize,
    first_notes: Vec<String>,
}

pub(super) fn run_read(args: &ReadArgs, printer: &Printer) -> anyhow::Result<()> {
    for (flag, given) in [("--characters", args.characters), ("--words", args.words)] {
        if given && args.format != Format::Json {
            let mistake = format!("{flag} goes with --format json only, not with {}", args.format);
            return Err(Mistake(mistake.into()).into());
        }
    }
    if args.layout.is_some() && !matches!(args.format, Format::Text | Format::Json) {
        let mistake = format!("--layout goes with --format text or json, not with {}", args.format);
        return Err(Mistake(mistake.into()).into());
    }
    if args.confidence && !args.format.is_submission() {
        let mistake = format!("--confidence goes with the submission formats only, not with {}", args.format);
        return Err(Mistake(mistake.into()).into());
    }
    if args.resume && args.out.is_none() {
        let mistake = "--resume goes with --out only: it looks there for what was read already";
        return Err(Mistake(mistake.into()).into());
    }
    if args.no_times && args.format != Format::Json {
        let mistake = format!("--no-times goes with --format json only, not with {}", args.format);
        return Err(Mistake(mistake.into()).into());
    }
    if let Some(path) = args.inputs.iter().find(|path| !args.cluster && parse_address(path).is_some()) {
        let mistake = format!("{} goes with --cluster only: workers read what is in storage", path.display());
        return Err(Mistake(mistake.into()).into());
    }
    let (mut config, jobs_config) = if args.cluster {
        let (config, jobs) = args.config.load_for_jobs()?;
        (config, Some(jobs))
    } else {
        (args.config.load()?, None)
    };
    args.options.adjust_config(&mut config);
    let shared =
        jobs_config.map(|jobs| cluster::Shared::from_args(printer, args, &config, &jobs)).transpose()?;
    let inputs = Inputs::new(&args.inputs, args.out.as_deref()).map_err(|error| Mistake(error.into()))?;
    let inputs = inputs.with_objects(shared.as_ref().and_then(cluster::Shared::objects));
    let render = outputs::Renderer {
        format: args.format,
        style: Style {
            layout: args.layout.unwrap_or_default(),
            characters: args.characters,
            words: args.words,
            confidence: args.confidence,
        },
        no_times: args.no_times,
    };
    let outputs =
        Outputs::new(render, args.out.as_deref(), &inputs).map_err(|error| Mistake(error.into()))?;
    let jobs = args.jobs.map_or(config.engine.options.threads + 1, NonZeroUsize::get).min(MAX_JOBS);
    let ask = args.options.to_request(&config);
    let by = match shared {
        Some(shared) => By::Cluster(shared),
        None => By::This(TextReader::start(printer, &config, &ask, jobs, args.deadline)?),
    };
    let stop = interrupt::listen_for_signals(printer.clone()).context("cannot listen for Ctrl-C")?;

    let places = outputs.places();
    let left_out = inputs.left_out();
    let mut sink = Sink {
        printer,
        outputs,
        failures: args.failures.as_deref().map(create_file).transpose()?,
        tally: Tally::default(),
        progress: Progress::new(printer, &inputs, args.out.is_some()),
        left_out: left_out.clone(),
        started: Instant::now(),
        is_unwritten: false,
    };
    let named = inputs.again();
    let inputs = inputs.map(|found| {
        found.map(|input| match &places {
            Some(places) => Input { place: places.result_path(&input.place), ..input },
            None => input,
        })
    });
    let (resumed, read_before) = (args.out.as_deref().filter(|_| args.resume), left_out.clone());
    let is_left = |found: &Result<Input, Unreadable>| {
        let was_read =
            matches!((found, resumed), (Ok(input), Some(out)) if outputs::was_read(input, out, &named));
        if was_read {
            read_before.read_before();
        }
        !was_read
    };
    match by {
        By::This(reader) => {
            let ordered = sink.outputs.is_ordered();
            let inputs = inputs.filter(is_left);
            let ended = batch::run_batch(&reader, inputs, jobs, &stop, ordered, render, |picture| {
                sink.write_picture(picture)
            });
            sink.end(args, ended, &stop, &reader.in_words())
        }
        By::Cluster(shared) => {
            let job = shared.begin_job(printer, args, &ask)?;
            let (ended, words) = job.run(inputs, is_left, &stop, render, &mut sink)?;
            sink.end(args, ended, &stop, &words)
        }
    }
}

enum By {
    This(TextReader),
    Cluster(cluster::Shared),
}

/// Where pictures go that are done with.
struct Sink<'a> {
    printer: &'a Printer,
    outputs: Outputs,
    failures: Option<BufWriter<File>>,
    tally: Tally,
    progress: Progress,
    left_out: LeftOut,
    started: Instant,
    /// A result could not be written, such as on a full disk.
    is_unwritten: bool,
}

impl Sink<'_> {
    /// Writes what has come of a picture. The error ends the run.
    fn write_picture(&mut self, picture: batch::Picture<Input, Rendered>) -> io::Result<()> {
        let written = match picture.result {
            Ok(rendered) => self.outputs.write(self.printer, &picture.input, &rendered)?.map(|()| rendered),
            Err(failure) => Err(failure),
        };
        match written {
            Ok(rendered) => self.tally.add_read(&picture.input.name, rendered),
            Err(failure) => {
                self.is_unwritten |= matches!(failure, reader::Failure::Unwritten(_));
                let reason = failure.to_string();
                if let Some(file) = &mut self.failures {
                    let line = Failed { file: &picture.input.name, error: &reason };
                    writeln!(file, "{}", serde_json::to_string(&line)?)?;
                }
                self.outputs.write_failed(self.printer, &picture.input)?;
                self.tally.failed += 1;
                if self.tally.first_failures.len() < NAMED {
                    self.tally.first_failures.push_back(format!("{}: {reason}", picture.input.name));
                }
            }
        }
        self.progress.show(self.tally.read, self.tally.failed, self.left_out.count_read_before());
        Ok(())
    }

    /// Says what has come of all.
    fn end(
        mut self,
        args: &ReadArgs,
        ended: io::Result<()>,
        stop: &interrupt::Stop,
        by: &str,
    ) -> anyhow::Result<()> {
        self.progress.end();
        match ended.and_then(|()| self.outputs.end(self.printer)) {
            // The reader has seen enough, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            ended => ended.context("cannot write the results")?,
        }
        if let Some(mut file) = self.failures {
            file.flush().context("cannot write the list of failures")?;
        }
        let tally = &self.tally;
        if let (0, 1, None, Some(failure), false) = (
            tally.read,
            tally.failed,
            self.left_out.in_words(),
            tally.first_failures.front(),
            args.format.is_submission(),
        ) {
            anyhow::bail!("{failure}");
        }
        sum_up(self.printer, tally, &self.left_out, by, self.started);
        anyhow::ensure!(!stop.is_asked_for(), "stopped before the end; what was read is written");
        anyhow::ensure!(tally.failed == 0, "{} of {} could not be read", tally.failed, count_pictures(tally));
        Ok(())
    }
}

impl Tally {
    fn add_read(&mut self, name: &str, rendered: Rendered) {
        self.read += 1;
        self.lines += rendered.lines;
        self.left_out += rendered.left_out;
        self.notes += rendered.notes.len();
        let room = NAMED.saturating_sub(self.first_notes.len());
        self.first_notes.extend(rendered.notes.into_iter().take(room).map(|note| format!("{name}: {note}")));
    }
}

fn create_file(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}

fn count_pictures(tally: &Tally) -> String {
    format_count(tally.read + tally.failed, "picture")
}

fn sum_up(printer: &Printer, tally: &Tally, left_out: &LeftOut, by: &str, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    // Where nothing was read, the failures say all there is to say.
    if tally.read > 0 || tally.failed == 0 {
        note!(
            printer,
            "{} of {}: {}{} in {seconds:.1} s, {:.1} pictures a second; {}",
            tally.read,
            count_pictures(tally),
            format_count(tally.lines, "line"),
            match tally.left_out {
                0 => String::new(),
                left_out => format!(", {left_out} left out,"),
            },
            tally.read as f64 / seconds.max(1e-3),
            by,
        );
    }
    if let Some(left_out) = left_out.in_words() {
        note!(printer, "{left_out}");
    }
    for note in &tally.first_notes {
        note!(printer, "note: {note}");
    }
    if tally.notes > NAMED {
        note!(printer, "… and {} more; --format json has all of them", tally.notes - NAMED);
    }
    for failure in &tally.first_failures {
        note!(printer, "failed: {failure}");
    }
    if tally.failed > NAMED {
        note!(printer, "… and {} more; --failures FILE lists all of them", tally.failed - NAMED);
    }
}
