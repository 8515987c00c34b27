//! Pictures that workers read: put into a job, chunk by chunk, and written as they come back, in the order of the pictures.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde_json::json;
use sightwire_cluster::queue::{Queue as _, Worker};
use sightwire_jobs::about::{About, FORMAT, Listed};
use sightwire_jobs::folder::Job;
use sightwire_jobs::list::{self, Lists, SearchError};
use sightwire_jobs::outcome::read_outcomes;
use sightwire_jobs::readable::parse_address;
use sightwire_jobs::worker::Shown;
use sightwire_models::digest;
use sightwire_ocr::ReadModel;
use sightwire_reading::output::Format;
use sightwire_s3::Objects;
use sightwire_server::config::Config;
use sightwire_server::config::cluster::JobsConfig;
use tokio_util::sync::CancellationToken;

use super::batch::Picture;
use super::interrupt::Stop;
use super::outputs::Renderer;
use super::reader::{Failure, load_model};
use super::{ReadArgs, Sink};
use crate::cmd::{Mistake, open_common};
use crate::print::{Printer, format_count, note};
use sightwire_jobs::how::How;
use sightwire_jobs::inputs::{Input, Unreadable, check_storage};
use sightwire_reading::work::ReadRequest;
use sightwire_server::jobs::Common;

/// How often it is looked whether something was read.
const LOOK: Duration = Duration::from_millis(50);
/// How often workers are asked for.
const ASK: Duration = Duration::from_secs(1);
/// What is wrong with workers is said this many times at most.
const MAX_REFUSED: usize = 20;
/// After this time without any worker it is said that there is none.
const LONELY: Duration = Duration::from_secs(5);

/// What is shared with workers.
pub struct Shared {
    common: Common,
    digest: String,
    how_precision: Option<sightwire_models::manifest::Precision>,
}

/// A job that workers read.
pub struct Running {
    common: Common,
    job: Job,
    /// How much of it an earlier run has put together, and whether that was all.
    before: (Listed, bool),
    workers: Workers,
    /// Held as long as this reads it.
    _lock: File,
}

impl Shared {
    /// Where objects are, for the code that lists them.
    pub fn objects(&self) -> Option<Objects> {
        self.common.readable.objects.clone()
    }

    /// Looks at what was asked, and at the model, which is fetched if it is not here.
    pub fn from_args(
        printer: &Printer,
        args: &ReadArgs,
        config: &Config,
        jobs: &JobsConfig,
    ) -> anyhow::Result<Self> {
        if matches!(args.format, Format::Annotated | Format::Pdf) {
            let mistake = format!(
                "--cluster does not go with --format {}: workers send text, not pictures",
                args.format
            );
            return Err(Mistake(mistake.into()).into());
        }
        if args.jobs.is_some() {
            let mistake = "--jobs is for this process alone: with --cluster each worker has as many as engine.threads says";
            return Err(Mistake(mistake.into()).into());
        }
        let of_storage = args.inputs.iter().any(|path| parse_address(path).is_some());
        let model: ReadModel = load_model(printer, config, &args.options.to_request(config).model)?;
        Ok(Self {
            common: open_common(config, jobs, of_storage)?,
            digest: model.digest(),
            how_precision: config.engine.options.precision,
        })
    }

    /// A job for what was asked: one that was begun before is gone on with.
    pub fn begin_job(self, printer: &Printer, args: &ReadArgs, ask: &ReadRequest) -> anyhow::Result<Running> {
        let how = How::new(ask, self.digest, args.deadline, self.how_precision);
        // Patterns are not paths of files, and yet begin somewhere. What lies in storage is the same from everywhere.
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let whole = |path: &PathBuf| {
            parse_address(path).map_or_else(|| absolute(path), |_| path.clone()).display().to_string()
        };
        let inputs: Vec<String> = args.inputs.iter().map(whole).collect();
        let out = args.out.as_ref().map(whole);
        let how = serde_json::to_value(how)?;
        let named: Vec<String> = args.inputs.iter().map(|path| path.display().to_string()).collect();
        let asked =
            json!([env!("CARGO_PKG_VERSION"), inputs, named, out, args.resume, how, args.format.to_string()]);
        let key = digest::sha256_hex(asked.to_string().as_bytes());
        let jobs = &self.common.jobs;
        let known = jobs.all_jobs()?.into_iter().find(|(_, about)| about.key == key);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let is_new = known.is_none();
        let (job, lock) = match known {
            Some((job, _)) => {
                let lock = job.lock()?;
                (job, lock)
            }
            None => jobs.begin_locked(&About {
                format: FORMAT,
                name: named.join(" "),
                created,
                key,
                how,
                ..About::default()
            })?,
        };
        let Some(lock) = lock else {
            anyhow::bail!("job {} is being written by another process: wait for its end, or stop it", job.id);
        };
        let before = if is_new { (Listed::default(), false) } else { listed_before(&job)? };
        if !is_new {
            job.go_on()?;
            let all = if before.1 {
                "all of its pictures were found then: those that came since are not in it"
            } else {
                "finding the rest of its pictures"
            };
            note!(printer, "going on with job {}: {all}", job.id);
        }
        let workers = Workers::start_watching(&self.common, printer, &job)?;
        Ok(Running { common: self.common, job, before, workers, _lock: lock })
    }
}

/// What is in its lists, and whether that is all.
fn listed_before(job: &Job) -> anyhow::Result<(Listed, bool)> {
    Ok(match job.listed()? {
        Some(listed) => (listed, true),
        None => (list::read_listed(job)?, false),
    })
}

impl Running {
    /// Reads all; what became of it, and what read it, in words. The outer error is of the job, the inner one of what is written.
    /// After both, nobody reads on, and the same command goes on with it.
    pub fn run(
        self,
        mut inputs: impl Iterator<Item = Result<Input, Unreadable>>,
        is_left: impl Fn(&Result<Input, Unreadable>) -> bool,
        stop: &Stop,
        render: Renderer,
        sink: &mut Sink<'_>,
    ) -> anyhow::Result<(io::Result<()>, String)> {
        let ended = self.read_all(&mut inputs, is_left, stop, render, sink);
        self.workers.forget_job();
        let has_seen_enough = matches!(&ended, Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe);
        let is_whole = matches!(ended, Ok(Ok(true))) && !sink.is_unwritten;
        let kept = if is_whole || has_seen_enough { self.job.remove() } else { self.job.stop() };
        match kept {
            Err(error) => note!(sink.printer, "job {}: {error}", self.job.id),
            Ok(()) if !is_whole && !has_seen_enough => {
                note!(sink.printer, "job {} is stopped: the same command goes on with it", self.job.id);
            }
            Ok(()) => {}
        }
        let words = format!("read by {}", format_count(self.workers.most_workers(), "worker"));
        ended.map(|written| (written.map(|_| ()), words))
    }

    /// Whether all is read; else it was to stop.
    fn read_all(
        &self,
        inputs: &mut impl Iterator<Item = Result<Input, Unreadable>>,
        is_left: impl Fn(&Result<Input, Unreadable>) -> bool,
        stop: &Stop,
        render: Renderer,
        sink: &mut Sink<'_>,
    ) -> anyhow::Result<io::Result<bool>> {
        let (before, was_all) = self.before;
        if !was_all {
            self.pass_over(inputs, before)?;
        }
        let mut inputs = inputs.filter(|found| is_left(found));
        let mut lists = (!was_all).then(|| Lists::from_listed(self.job.clone(), before));
        let mut all = was_all.then_some(before);
        let mut next = 0;
        loop {
            if stop.is_asked_for() {
                return Ok(Ok(false));
            }
            let mut has_moved = false;
            if let Some(open) = &mut lists {
                has_moved = true;
                if !self.list_chunk(open, &mut inputs)? {
                    all = lists.take().map(Lists::end).transpose()?;
                }
            }
            if self.job.is_read(next) {
                for (entry, record) in read_outcomes(&self.job, next)? {
                    let input = Input {
                        name: entry.name,
                        path: entry.path.map(PathBuf::from),
                        place: entry.place.into(),
                        modified: None,
                    };
                    let result = record.outcome.map_err(Failure::Elsewhere);
                    let result = result.map(|document| render.render(document, &input));
                    if let Err(error) = sink.write_picture(Picture { input, result }) {
                        return Ok(Err(error));
                    }
                }
                next += 1;
                has_moved = true;
            }
            if all.is_some_and(|all| next >= all.chunks) {
                return Ok(Ok(true));
            }
            sink.progress.set_ahead(self.workers.files_ahead());
            if !has_moved {
                thread::sleep(LOOK);
            }
        }
    }

    /// Another run has put these into chunks. What has come between them since is not read by this job.
    fn pass_over(
        &self,
        inputs: &mut impl Iterator<Item = Result<Input, Unreadable>>,
        before: Listed,
    ) -> anyhow::Result<()> {
        list::pass_over(&self.job, before, inputs).map_err(|error| match error {
            SearchError::Gone(name) => anyhow::anyhow!(
                "{name} is gone, which job {} began with: remove {} to begin anew",
                self.job.id,
                self.job.folder().display()
            ),
            error => error.into(),
        })
    }

    /// The next chunk; whether there may be more.
    fn list_chunk(
        &self,
        lists: &mut Lists,
        inputs: &mut impl Iterator<Item = Result<Input, Unreadable>>,
    ) -> anyhow::Result<bool> {
        for found in inputs {
            check_storage(&found)?;
            if lists.push(self.common.readable.to_entry(found))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Who works, asked for beside the run.
struct Workers {
    known: Arc<Mutex<Known>>,
    stop: CancellationToken,
    runtime: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Known {
    most: usize,
    ahead: usize,
    /// Nobody is to take of the job any more.
    is_over: bool,
}

impl Workers {
    fn start_watching(common: &Common, printer: &Printer, job: &Job) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (known, stop) = (Arc::new(Mutex::new(Known::default())), CancellationToken::new());
        let (queue, id, printer) = (common.queue.clone(), job.id.clone(), printer.clone());
        let watching = {
            let (known, stop) = (known.clone(), stop.clone());
            async move {
                let asks = async {
                    let (mut alone_since, mut said) = (Instant::now(), false);
                    let (mut trouble, mut refused) = (String::new(), HashSet::new());
                    loop {
                        // What was said since the last look is told, too.
                        let is_last = stop.is_cancelled();
                        match queue.workers().await {
                            Ok(workers) => {
                                trouble.clear();
                                let mut known = known.lock();
                                known.most = known.most.max(workers.len());
                                let shown: Vec<Shown> = workers.iter().map(parse_shown).collect();
                                known.ahead = shown
                                    .iter()
                                    .map(|shown| unfinished_files(shown, id.as_str()))
                                    .fold(0, usize::saturating_add);
                                for why in worker_refusals(&workers, &shown, id.as_str()) {
                                    if refused.len() < MAX_REFUSED && refused.insert(why.clone()) {
                                        note!(printer, "{why}");
                                    }
                                }
                                if !workers.is_empty() {
                                    (alone_since, said) = (Instant::now(), false);
                                } else if !is_last && alone_since.elapsed() > LONELY && !said {
                                    said = true;
                                    note!(
                                        printer,
                                        "no worker is there: start some (`sightwire worker`) with the same cluster.* settings"
                                    );
                                }
                            }
                            Err(error) if !is_last && trouble != error.to_string() => {
                                trouble = error.to_string();
                                note!(
                                    printer,
                                    "Redis does not answer: {trouble}; what is being read goes on"
                                );
                            }
                            Err(_) => {}
                        }
                        if is_last {
                            break;
                        }
                        tokio::select! {
                            () = stop.cancelled() => {}
                            () = tokio::time::sleep(ASK) => {}
                        }
                    }
                    if known.lock().is_over {
                        // Redis forgets it by itself a day later.
                        let _ = queue.forget_job(&id).await;
                    }
                };
                tokio::select! {
                    () = asks => {}
                    () = queue.run(CancellationToken::new()) => {}
                }
            }
        };
        let runtime =
            thread::Builder::new().name("workers".into()).spawn(move || runtime.block_on(watching))?;
        Ok(Self { known, stop, runtime: Some(runtime) })
    }

    /// How many there were at once.
    fn most_workers(&self) -> usize {
        self.known.lock().most
    }

    /// Files that are read of chunks which are not.
    fn files_ahead(&self) -> usize {
        self.known.lock().ahead
    }

    /// Nobody is to take of the job any more.
    fn forget_job(&self) {
        self.known.lock().is_over = true;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            let _ = runtime.join();
        }
    }
}

fn parse_shown(worker: &Worker) -> Shown {
    serde_json::from_str(&worker.about).unwrap_or_default()
}

/// How many files it has read of chunks of a job that it has not ended.
fn unfinished_files(shown: &Shown, job: &str) -> usize {
    shown.at.iter().filter(|(of, _)| of == job).fold(0, |files, (_, more)| files.saturating_add(*more))
}

/// Why workers do not read a job, or not now.
fn worker_refusals(workers: &[Worker], shown: &[Shown], job: &str) -> Vec<String> {
    let of = |(worker, shown): (&Worker, &Shown)| {
        let refused = shown.refused.iter().filter(|(of, _)| of == job);
        let refused = refused.map(|(_, why)| format!("worker {} does not read it: {why}", worker.name));
        let note = (!shown.note.is_empty()).then(|| format!("worker {}: {}", worker.name, shown.note));
        refused.chain(note).collect::<Vec<_>>()
    };
    workers.iter().zip(shown).flat_map(of).collect()
}
