//! Several workers on one job, within this process: whatever happens to some of them, each file is in the result once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sightwire_cluster::memory::MemoryQueue;
use sightwire_cluster::queue::Queue;
use sightwire_jobs::about::{About, Entry, FORMAT, Listed, Plan};
use sightwire_jobs::folder::{Job, Jobs};
use sightwire_jobs::list::Lists;
use sightwire_jobs::outcome::read_outcomes;
use sightwire_jobs::worker::{Away, Counts, Opened, Opens, Reads, Unfit, Worker, WorkerOptions};
use sightwire_reading::output::Document;
use sightwire_reading::record;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Reads files by doing nothing for a while; those whose name begins so are odd.
struct Fake {
    takes: Duration,
    plan: &'static str,
    read: AtomicUsize,
    away: AtomicBool,
}

struct Reader(Arc<Fake>);

impl Reads for Reader {
    fn read_record(&self, index: usize, entry: &Entry) -> Result<String, Away> {
        std::thread::sleep(self.0.takes);
        if self.0.away.load(Ordering::Relaxed) {
            return Err(Away("the storage is away".into()));
        }
        self.0.read.fetch_add(1, Ordering::Relaxed);
        assert!(!entry.name.starts_with("panics"), "as it is told");
        if entry.name.starts_with("broken") {
            return Ok(record::failed_line(index, "it is broken"));
        }
        Ok(record::read_line(index, &Document { file: Some(entry.name.clone()), ..Document::default() }))
    }
}

struct Opener(Arc<Fake>);

impl Opens for Opener {
    fn open_job(&self, _: &Job, _: &About, _: &[Entry]) -> Result<Opened, Unfit> {
        let plan = Plan { version: "1".into(), model: "m".into(), runs: vec![self.0.plan.into()] };
        Ok(Opened { plan, reads: Arc::new(Reader(self.0.clone())) })
    }
}

fn fake(plan: &'static str) -> Arc<Fake> {
    Arc::new(Fake {
        takes: Duration::from_millis(1),
        plan,
        read: AtomicUsize::new(0),
        away: AtomicBool::new(false),
    })
}

struct Place {
    _folder: tempfile::TempDir,
    jobs: Jobs,
    queue: Arc<MemoryQueue>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let jobs = Jobs::open(folder.path()).unwrap();
        Self { _folder: folder, jobs, queue: Arc::default() }
    }

    fn job(&self, names: impl IntoIterator<Item = String>) -> Job {
        let how = serde_json::Value::Null;
        let about = About {
            format: FORMAT,
            name: "scans".into(),
            created: 1,
            key: "k".into(),
            how,
            ..About::default()
        };
        let job = self.jobs.begin_job(&about).unwrap();
        let mut lists = Lists::from_listed(job.clone(), Listed::default());
        for name in names {
            lists.push(Entry { path: Some(name.clone()), name, ..Entry::default() }).unwrap();
        }
        lists.end().unwrap();
        job
    }

    fn worker(&self, name: &str, fake: &Arc<Fake>, stop: &CancellationToken) -> JoinHandle<Counts> {
        let options = WorkerOptions { name: name.into(), hands: 2, silent: Duration::from_millis(400) };
        let (queue, jobs) = (self.queue.clone() as Arc<dyn Queue>, self.jobs.clone());
        let (opens, stop) = (Arc::new(Opener(fake.clone())), stop.clone());
        tokio::spawn(async move { Worker::run(options, "1", queue, jobs, opens, stop).await.unwrap() })
    }
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| match number % 50 {
        17 => format!("broken {number}"),
        33 => format!("panics {number}"),
        _ => format!("{number}"),
    })
}

async fn ends(job: &Job) {
    let ended = async {
        while !job.has_ended() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), ended).await.expect("the job ends");
}

fn is_whole(job: &Job, names: impl Iterator<Item = String>) {
    let chunks = job.listed().unwrap().unwrap().chunks;
    let all: Vec<_> = (0..chunks).flat_map(|chunk| read_outcomes(job, chunk).unwrap()).collect();
    let expected = names.map(|name| match name.split(' ').next() {
        Some("broken") => "it is broken".to_owned(),
        Some("panics") => "it made the reader fail".to_owned(),
        _ => name,
    });
    let said =
        all.into_iter().map(|(_, record)| record.outcome.map_or_else(|why| why, |read| read.file.unwrap()));
    assert_eq!(said.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let left = |kind: &str| has(job.folder(), kind);
    assert!(!left(".part") && !left(".starts") && !left(".part-new"), "nothing is left over");
}

fn has(folder: &Path, end: &str) -> bool {
    let mut files = std::fs::read_dir(folder.join("chunks")).unwrap();
    files.any(|file| file.unwrap().file_name().to_string_lossy().ends_with(end))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_read_all_though_one_dies_and_the_queue_forgets_twice() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let job = place.job(names(1500));
    let fake = fake("cpu");
    let dies = place.worker("a", &fake, &stop);
    let others = [place.worker("b", &fake, &stop), place.worker("c", &fake, &stop)];
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        place.queue.flush();
    }
    dies.abort();
    ends(&job).await;
    stop.cancel();
    for other in others {
        assert!(other.await.unwrap().chunks > 0);
    }
    is_whole(&job, names(1500));
    // What was read is not read again, but for what was in progress and for chunks that two had for a moment.
    let read = fake.read.load(Ordering::Relaxed);
    assert!((1500..1900).contains(&read), "{read}");
    assert_eq!(place.queue.queued_chunks(&job.id), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_with_another_model_takes_nothing() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let (first, other) = (fake("cpu f32"), fake("cpu bf16"));
    let job = place.job(names(300));
    let first_worker = place.worker("a", &first, &stop);
    while first.read.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let other_worker = place.worker("b", &other, &stop);
    ends(&job).await;
    stop.cancel();
    first_worker.await.unwrap();
    assert_eq!(other_worker.await.unwrap(), Counts::default());
    is_whole(&job, names(300));
}

struct Refuses;

impl Opens for Refuses {
    fn open_job(&self, _: &Job, _: &About, _: &[Entry]) -> Result<Opened, Unfit> {
        Err(Unfit("its folder is not here".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_refused_is_told_before_the_next_beat() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let options = WorkerOptions { name: "a".into(), hands: 1, silent: Duration::from_secs(3600) };
    let (queue, jobs) = (place.queue.clone() as Arc<dyn Queue>, place.jobs.clone());
    let run = Worker::run(options, "1", queue, jobs, Arc::new(Refuses), stop.clone());
    let worker = tokio::spawn(async move { run.await.unwrap() });
    let shown = async |words: &str| {
        while !place.queue.workers().await.unwrap().iter().any(|worker| worker.about.contains(words)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    shown("").await;
    let beat = tokio::time::Instant::now();
    let _job = place.job(names(3));
    shown("its folder is not here").await;
    // The next beat would come after a third of `WORKER_TTL`.
    assert!(beat.elapsed() < Duration::from_secs(1), "{:?}", beat.elapsed());
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_stopped_gives_back_and_a_queue_that_is_away_is_waited_for() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let job = place.job(names(600));
    let fake = fake("cpu");
    let worker = place.worker("a", &fake, &stop);
    while fake.read.load(Ordering::Relaxed) < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.cancel();
    let counts = timeout(Duration::from_secs(5), worker).await.unwrap().unwrap();
    assert!((20..100).contains(&counts.files), "{counts:?}");
    assert_eq!(place.queue.workers().await.unwrap(), []);
    let stop = CancellationToken::new();
    place.queue.set_away(true);
    let worker = place.worker("b", &fake, &stop);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fake.read.load(Ordering::Relaxed), counts.files as usize);
    place.queue.set_away(false);
    ends(&job).await;
    stop.cancel();
    worker.await.unwrap();
    is_whole(&job, names(600));
    assert_eq!(fake.read.load(Ordering::Relaxed), 600, "nothing is read twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_stopped_or_removed_is_let_go() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let job = place.job(names(3000));
    let fake = fake("cpu");
    let worker = place.worker("a", &fake, &stop);
    while fake.read.load(Ordering::Relaxed) < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    job.stop().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let read = fake.read.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fake.read.load(Ordering::Relaxed), read);
    job.go_on().unwrap();
    while fake.read.load(Ordering::Relaxed) == read {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    job.remove().unwrap();
    let next = place.job(names(30));
    ends(&next).await;
    stop.cancel();
    worker.await.unwrap();
    is_whole(&next, names(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_read_in_turn() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let (long, short) = (place.job(names(2000)), place.job(names(20)));
    let fake = fake("cpu");
    let worker = place.worker("a", &fake, &stop);
    ends(&short).await;
    assert!(!long.has_ended());
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_that_is_away_fails_no_file_and_is_told() {
    let (place, stop) = (Place::new(), CancellationToken::new());
    let job = place.job(names(300));
    let fake = fake("cpu");
    let worker = place.worker("a", &fake, &stop);
    while fake.read.load(Ordering::Relaxed) < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fake.away.store(true, Ordering::Relaxed);
    let says = async || {
        let workers = place.queue.workers().await.unwrap();
        workers.iter().any(|worker| worker.about.contains("the storage is away"))
    };
    let said = async {
        while !says().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), said).await.expect("it says so");
    let read = fake.read.load(Ordering::Relaxed);
    fake.away.store(false, Ordering::Relaxed);
    ends(&job).await;
    stop.cancel();
    worker.await.unwrap();
    // Nothing fails, nothing is a suspect, and nothing is read twice.
    is_whole(&job, names(300));
    assert!(read < 300 && fake.read.load(Ordering::Relaxed) == 300);
}
