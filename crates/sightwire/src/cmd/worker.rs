//! `sightwire worker`: reads pictures that others put in common.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use parking_lot::Mutex;
use sightwire_jobs::about::{About, Entry, Plan};
use sightwire_jobs::folder::Job;
use sightwire_jobs::readable::Readable;
use sightwire_jobs::worker::{Away, Opened, Opens, Reads, SILENT, Unfit, Worker, WorkerOptions};
use sightwire_models::manifest::Precision;
use sightwire_reading::record;
use sightwire_server::config::Config;
use sightwire_telemetry::logging;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::read::reader::{Failure, LIMITS, TextReader};
use super::{ConfigArgs, Mistake, open_common};
use crate::owner;
use crate::print::{Printer, note};
use sightwire_jobs::how::How;
use sightwire_server::jobs::Common;

/// Pages that are being read at the end may take this long; then they are another's.
const LAST: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  SIGHTWIRE_CLUSTER_REDIS_URL=redis://192.168.1.9 sightwire worker --set 'cluster.folders=[\"/mnt/scans\"]'
  sightwire read --cluster /mnt/scans --out /mnt/text
  SIGHTWIRE_CLUSTER_REDIS_URL=redis://192.168.1.9 sightwire worker --set 'cluster.buckets=[\"s3://scans/2026\"]'
  sightwire read --cluster s3://scans/2026 --out /mnt/text

Reads what `sightwire read --cluster` puts in common: as many workers as there are, on as many machines, share it. All see the same \
`cluster.folders` and `cluster.jobs_folder`, and the same Redis (`cluster.redis_url`). One that is killed loses nothing: others go \
on with what it had. What lies in S3-compatible storage (`cluster.buckets`) is read with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
AWS_SESSION_TOKEN of the environment. SIGTERM or Ctrl-C ends it as soon as the pages in progress are read.")]
pub(super) struct WorkerArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run_worker(args: &WorkerArgs, printer: &Printer) -> anyhow::Result<()> {
    let (config, jobs) = args.config.load_for_jobs()?;
    owner::refuse_root(config.store.home())?;
    let _log = logging::start_logging(&config.log).map_err(|error| Mistake(error.into()))?;
    let Common { jobs, readable, queue } = open_common(&config, &jobs, true)?;
    let hands = config.engine.options.threads + 1;
    let name = format!("{}-{:08x}", host_name(), fastrand::u32(..));
    note!(printer, "worker {name}: jobs in {}, Redis at {}", jobs.root().display(), queue.address());
    let options = WorkerOptions { name: name.into(), hands, silent: SILENT };
    let opens = Opener {
        config: Arc::new(config),
        readable,
        printer: printer.clone(),
        hands,
        readers: Mutex::default(),
    };
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let counts = runtime.block_on(async {
        let stop = CancellationToken::new();
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let connected = CancellationToken::new();
        let worker = Worker::run(
            options,
            env!("CARGO_PKG_VERSION"),
            queue.clone(),
            jobs,
            Arc::new(opens),
            stop.clone(),
        );
        let asked = async {
            let mut asked = async || {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            };
            asked().await;
            note!(printer, "stopping once the pages in progress are read; Ctrl-C again stops at once");
            stop.cancel();
            let _ = tokio::time::timeout(LAST, asked()).await;
        };
        tokio::select! {
            ended = worker => ended.context("cannot start").map(Some),
            () = queue.run(connected) => Ok(None),
            () = asked => Ok(None),
        }
    })?;
    runtime.shutdown_background();
    match counts {
        Some(counts) => note!(printer, "{} files read, {} chunks ended", counts.files, counts.chunks),
        None => note!(printer, "stopped before that: others read what was in progress"),
    }
    Ok(())
}

/// Of this machine, as it is used in names of files.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fits = |char: char| if char.is_ascii_alphanumeric() { char } else { '-' };
    name.chars().take(40).map(fits).collect()
}

/// Loads what a job is read with.
struct Opener {
    config: Arc<Config>,
    readable: Readable,
    printer: Printer,
    hands: usize,
    /// By precision: one engine serves all jobs of one.
    readers: Mutex<Vec<(Option<Precision>, TextReader)>>,
}

impl Opener {
    fn open_reader(&self, how: &How) -> anyhow::Result<TextReader> {
        let mut readers = self.readers.lock();
        let (ask, deadline) = (how.to_request(), how.deadline());
        if let Some((_, reader)) = readers.iter().find(|(precision, _)| *precision == how.precision) {
            return reader.with_request(&self.printer, &self.config, &ask, &how.digest, deadline);
        }
        let mut config = (*self.config).clone();
        if how.precision.is_some() {
            config.engine.options.precision = how.precision;
        }
        let reader = TextReader::start(&self.printer, &config, &ask, self.hands, deadline)?;
        readers.push((how.precision, reader.clone()));
        Ok(reader)
    }
}

impl Opens for Opener {
    fn open_job(&self, job: &Job, about: &About, first: &[Entry]) -> Result<Opened, Unfit> {
        let how: How = serde_json::from_value(about.how.clone())
            .map_err(|error| Unfit(format!("what it asks for is not understood: {error}").into()))?;
        self.readable.check_visible(first)?;
        let reader = self.open_reader(&how).map_err(|error| Unfit(format!("{error:#}").into()))?;
        let (model, runs) = reader.model();
        let digest = model.digest();
        if digest != how.digest {
            let words = format!(
                "it asks for another version of {} than is here: `sightwire models pull {}`",
                model.name(),
                model.name()
            );
            return Err(Unfit(words.into()));
        }
        let plan = Plan {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: format!("{} {digest}", model.name()),
            runs: runs.into(),
        };
        let readable = self.readable.clone();
        Ok(Opened { plan, reads: Arc::new(Reader { text: reader, job: job.clone(), readable }) })
    }
}

struct Reader {
    text: TextReader,
    job: Job,
    readable: Readable,
}

impl Reads for Reader {
    fn read_record(&self, index: usize, entry: &Entry) -> Result<String, Away> {
        let read = match self.readable.open_of(&self.job, entry, LIMITS.max_bytes) {
            Ok(found) => match self.text.read_found(&entry.name, found) {
                // Another worker may have the program, or this one soon.
                Err(Failure::Still(why)) if why.waits_for_drawing() => return Err(Away(why.to_string())),
                read => read.map_err(|failure| failure.to_string()),
            },
            Err(error) if error.is_passing() => return Err(Away(error.to_string())),
            Err(error) => Err(error.to_string()),
        };
        Ok(match read {
            Ok(document) => record::read_line(index, &document),
            Err(why) => record::failed_line(index, &why),
        })
    }
}
