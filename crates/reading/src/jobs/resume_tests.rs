//! What the next server finds of batches.

use std::fs;

use proptest::prelude::*;
use sightwire_base::captured;
use sightwire_frame::still::StillFormat;

use super::results::RESULTS;
use super::spool::{DESCRIPTION, Folder};
use super::tests::{document, limits, send, zip_of};
use super::*;
use crate::decoding::DecodeMemory;

/// A batch of this many files and a zip of two, one of which leads out of it, that outlives its server.
async fn sent(spool: &Spool, files: usize) -> Job {
    let mut upload = Upload::new(spool.create_folder(&spool::new_name()).unwrap(), limits(|_| ()));
    for number in 0..files {
        send(&mut upload, &format!("{number}.jpg"), format!("picture {number}").as_bytes()).await.unwrap();
    }
    send(&mut upload, "a.zip", &zip_of(&["in/a.jpg", "../b.jpg"])).await.unwrap();
    let options = ReadOptions { threshold: 0.123_456_7, ..ReadOptions::default() };
    let ask = ReadRequest { model: "m".into(), options };
    let job = Job::new("key 1".into(), upload.finish().await.unwrap(), (ask, "0a"), 10);
    job.write().unwrap();
    job.received.folder.keep();
    job
}

fn again(spool: &Spool) -> Job {
    let folder: Folder = spool.list_folders().unwrap().remove(0);
    let description = description::Description::read(&folder, 100).unwrap();
    Job::from_description(folder, &description, &limits(|_| ())).unwrap()
}

#[tokio::test]
async fn a_batch_that_ends_one_server_after_the_other_is_left_and_one_result_makes_it_good() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    spool.claim(true).unwrap();
    sent(&spool, 3).await;
    let tries = |job: &Job| tries::so_far(&job.received.folder, job.counts().1);
    for before in 0..tries::MOST {
        let job = again(&spool);
        assert_eq!(tries(&job), before);
        job.begin_next().unwrap();
        job.mark_begun();
        job.mark_begun();
    }
    let job = again(&spool);
    assert_eq!(tries(&job), tries::MOST);
    let index = job.begin_next().unwrap();
    job.finish_file(index, &document(&["text"])).unwrap();
    assert_eq!(tries(&again(&spool)), 0);
    // One that ends as it should is not a try.
    job.mark_begun();
    tries::end_try(&job.received.folder);
    assert_eq!(tries(&again(&spool)), 0);
}

/// All that is known of it but for times, and of its files in the order in which they ended.
fn known(job: &Job) -> String {
    let mut summary = job.summary();
    (summary.ms, summary.files_per_s, summary.left_s) = (0.0, 0.0, None);
    let pictures = PictureCache::new(0);
    format!("{summary:?} {:?} {:?}", job.rows(0, 100, &pictures), job.ended_rows(0, 100, &pictures))
}

#[derive(Clone, Debug)]
enum Step {
    Read(u8),
    Fail,
    Again(usize, u8),
    Sync,
    Cancel,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_u8).prop_map(Step::Read),
        2 => Just(Step::Fail),
        1 => (0..7_usize, 0..4_u8).prop_map(|(index, lines)| Step::Again(index, lines)),
        2 => Just(Step::Sync),
        1 => Just(Step::Cancel),
    ];
    prop::collection::vec(step, 0..12)
}

fn take(job: &Job, step: &Step) {
    let texts = |lines: u8| vec!["some words"; lines.into()];
    match step {
        Step::Read(lines) => {
            if let Some(index) = job.begin_next() {
                job.finish_file(index, &document(&texts(*lines))).unwrap();
            }
        }
        Step::Fail => {
            if let Some(index) = job.begin_next() {
                job.fail_file(index, "it is no picture").unwrap();
            }
        }
        Step::Again(index, lines) => job.finish_file(*index, &document(&texts(*lines))).unwrap(),
        Step::Sync => job.received.sync().unwrap(),
        Step::Cancel => {
            if job.cancel() {
                job.settle();
            }
        }
    }
    if job.ended_at().is_some() {
        job.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_batch_is_as_its_server_left_it_and_no_file_is_lost(steps in steps(), lost: prop::sample::Index) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let job = runtime.block_on(sent(&spool, 5));
        let results = job.received.folder.file_path(RESULTS);
        let mut for_good = 0;
        for step in &steps {
            take(&job, step);
            if matches!(step, Step::Sync) || job.ended_at().is_some() {
                for_good = fs::metadata(&results).unwrap().len();
            }
        }
        let before = known(&job);
        drop(job);
        let next = again(&spool);
        prop_assert_eq!(known(&next), before);
        prop_assert_eq!(next.ask.options.threshold.to_bits(), 0.123_456_7_f32.to_bits());
        drop(next);

        // The machine loses power, and with it anything that was not on the disk for good.
        let written = fs::metadata(&results).unwrap().len();
        let kept = for_good + lost.index((written - for_good) as usize + 1) as u64;
        fs::OpenOptions::new().write(true).open(&results).unwrap().set_len(kept).unwrap();
        let next = again(&spool);
        let (files, _) = next.counts();
        for index in 0..files {
            match next.file_outcome(index).unwrap() {
                (FileState::Waiting, ..) => drop(next.received.load_file(index, 1000).unwrap()),
                (FileState::Done, _, Some(span)) => drop(export::read_result(&next, span, 0.0).unwrap()),
                (FileState::Failed | FileState::Cancelled, ..) => {}
                other => prop_assert!(false, "{index}: {other:?}"),
            }
        }
    }
}

fn jobs(folder: &std::path::Path, change: impl FnOnce(&mut Options)) -> Arc<Jobs> {
    let limits = limits(|limits| {
        limits.folder = folder.to_owned();
        change(limits);
    });
    Jobs::new(limits.clone(), Permits::new(1, 1), Display::new(limits, DecodeMemory::new(1 << 30)).unwrap())
}

#[tokio::test]
async fn the_next_server_goes_on_with_batches_and_leaves_what_it_does_not_understand() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let (running, other, ended) = (sent(&spool, 1).await, sent(&spool, 2).await, sent(&spool, 1).await);
    ended.cancel();
    ended.settle();
    let begun = spool.create_folder(&spool::new_name()).unwrap();
    begun.keep();
    let strange = spool.create_folder(&spool::new_name()).unwrap();
    strange.keep();
    fs::write(strange.file_path(DESCRIPTION), "{\"format\":7}").unwrap();

    let log = captured::capture_log();
    let first = jobs(dir.path(), |_| ());
    assert_eq!(first.claim_folder(false).unwrap(), Claim::New);
    first.known.send_replace(true);
    let ids: Vec<_> = first.all_jobs().await.iter().map(|job| job.id.clone()).collect();
    assert_eq!(ids, [&ended, &other, &running].map(|job| job.id.clone()), "the newest first");
    assert_eq!(first.counts(), (2, 1, 1 + 1 + 2 + 1));
    let said = log.lines_with("is left as it is");
    let path = strange.file_path(DESCRIPTION);
    assert!(said.len() == 1 && said[0].contains(&path.display().to_string()), "{said:?}");
    assert!(path.exists() && !begun.is_whole().unwrap());

    let second = jobs(dir.path(), |_| ());
    assert_eq!(second.claim_folder(false).unwrap(), Claim::Taken);
    let Ok(Err(elsewhere)) = second.reserve_place().await else { panic!("the folder is another server's") };
    let words = elsewhere.to_string();
    assert!(words.contains(&dir.path().display().to_string()) && words.contains("reader.folder"), "{words}");
    assert_eq!(log.lines_with("another server has the folder").len(), 1);
    drop(first);
    assert_eq!(second.claim_folder(false).unwrap(), Claim::New);
    assert_eq!(second.current_jobs().len(), 3);
    drop(second);

    // Of what ended, the last stays; what runs goes before it.
    let few = jobs(dir.path(), |limits| limits.max_jobs = 2);
    few.claim_folder(true).unwrap();
    let states: Vec<_> = few.current_jobs().iter().map(|job| job.state()).collect();
    assert_eq!(states, [JobState::Running; 2]);
    assert_eq!(log.lines_with("there is no place for a batch").len(), 1);
    assert_eq!(spool.list_folders().unwrap().len(), 4, "it is still there");
}

#[tokio::test]
async fn a_batch_that_has_ended_is_kept_for_its_time_by_the_clock_on_the_wall() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let job = sent(&spool, 1).await;
    job.cancel();
    job.settle();
    let ended = job.ended_at().unwrap();
    drop(job);
    let next = jobs(dir.path(), |_| ());
    next.claim_folder(false).unwrap();
    let hour = next.limits.job_ttl;
    next.expire_jobs(ended - hour).await;
    next.expire_jobs(ended + hour - Duration::from_secs(1)).await;
    assert_eq!(next.current_jobs().len(), 1);
    next.expire_jobs(ended + hour).await;
    assert!(next.current_jobs().is_empty());
    let gone = || spool.list_folders().unwrap().is_empty();
    for _ in 0..500 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("its folder is still there");
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_while_what_is_read_cannot_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let job = Arc::new(sent(&spool, 3).await);
    let jobs = jobs(dir.path(), |_| ());
    assert_eq!((job.begin_next(), job.begin_next()), (Some(0), Some(1)));
    let full = || FileError::Work(WorkError::Disk(rustix::io::Errno::NOSPC.into()));
    jobs.report_failure(&job, 0, full()).await;
    jobs.report_failure(&job, 1, full()).await;
    let summary = job.summary();
    assert_eq!((summary.failed, summary.waiting, summary.reading), (1, 4, 0), "one is refused");
    assert!(
        summary.notes[0].contains("No space left on device") && summary.notes[0].contains("reader.folder")
    );
    assert!(!job.has_next());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(job.begin_next(), Some(0), "nothing was lost");
    job.finish_file(0, &document(&["x"])).unwrap();
    assert!(job.summary().notes.is_empty());
    assert_eq!(job.begin_next(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_late_file_is_tried_once_more_after_all_others() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let job = Arc::new(sent(&spool, 3).await);
    let jobs = jobs(dir.path(), |_| ());
    let much = || FileError::Work(WorkError::TooMuchWork(Duration::from_secs(60)));
    let why = Undrawn::Busy { of: Duration::from_secs(60), worked: Duration::ZERO };
    let busy =
        || FileError::Picture(StillError::Undrawn { format: StillFormat::Pdf, why: why.clone() }.into());
    assert_eq!((job.begin_next(), job.begin_next()), (Some(0), Some(1)));
    jobs.report_failure(&job, 0, much()).await;
    jobs.report_failure(&job, 1, busy()).await;
    let summary = job.summary();
    assert_eq!((summary.failed, summary.waiting, summary.reading), (1, 4, 0), "one is refused");
    assert_eq!([(); 4].map(|()| job.begin_next()), [2, 3, 0, 1].map(Some), "what was late comes last");
    for index in [1, 2, 3] {
        job.finish_file(index, &document(&["x"])).unwrap();
    }
    assert_eq!(job.state(), JobState::Running);
    jobs.report_failure(&job, 0, much()).await;
    assert_eq!((job.summary().failed, job.summary().done), (2, 3), "once more, and not for ever");
    let (_, error, _) = job.file_outcome(0).unwrap();
    assert!(error.unwrap().contains("more than 60 s of work"));
}

fn undrawn(format: StillFormat) -> FileError {
    let why = Undrawn::NoProgram("the program is missing; build it".into());
    FileError::Picture(StillError::Undrawn { format, why }.into())
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_drawn_yet_wait_and_keep_no_other_file_of_their_batch_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let job = Arc::new(sent(&spool, 4).await);
    let jobs = jobs(dir.path(), |_| ());
    assert_eq!([(); 3].map(|()| job.begin_next()), [0, 1, 2].map(Some));
    let log = captured::capture_log();
    jobs.report_failure(&job, 0, undrawn(StillFormat::Pdf)).await;
    jobs.report_failure(&job, 1, undrawn(StillFormat::Heic)).await;
    assert_eq!(log.lines_with("files of a batch wait to be drawn: the program is missing").len(), 1);
    job.finish_file(2, &document(&["x"])).unwrap();
    let summary = job.summary();
    assert_eq!((summary.done, summary.failed, summary.waiting), (1, 1, 4), "one is refused");
    assert!(summary.notes[0].ends_with("the program is missing; build it."), "{:?}", summary.notes);
    // Those that came after go first.
    assert_eq!([job.begin_next(), job.begin_next()], [3, 4].map(Some));
    job.finish_file(3, &document(&["x"])).unwrap();
    job.finish_file(4, &document(&["x"])).unwrap();
    assert!(!job.has_next());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!([job.begin_next(), job.begin_next(), job.begin_next()], [Some(0), Some(1), None]);
    jobs.report_failure(&job, 1, undrawn(StillFormat::Heic)).await;
    assert!(!job.has_next());
    job.finish_file(0, &document(&["x"])).unwrap();
    assert!(job.summary().notes.is_empty());
    assert_eq!(job.begin_next(), Some(1), "what could be drawn tells that others can");
    job.finish_file(1, &document(&["x"])).unwrap();
    assert_eq!(job.state(), JobState::Done);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_tells_as_well_that_files_can_be_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let job = Arc::new(sent(&spool, 1).await);
    let jobs = jobs(dir.path(), |_| ());
    assert_eq!(job.begin_next(), Some(0));
    jobs.report_failure(&job, 0, undrawn(StillFormat::Pdf)).await;
    assert_eq!(job.summary().notes.len(), 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(job.begin_next(), Some(0));
    let damaged = StillError::damaged(StillFormat::Pdf, "it has no pages");
    jobs.report_failure(&job, 0, FileError::Picture(damaged.into())).await;
    assert!(job.summary().notes.is_empty(), "others may wait for nothing more: {:?}", job.summary().notes);
}
