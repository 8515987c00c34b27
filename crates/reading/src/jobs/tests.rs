use std::error::Error as _;
use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use sightwire_base::captured;
use sightwire_ocr::Region;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::events::Listener;
use super::upload::Unreadable;
use super::*;
use crate::decoding::DecodeMemory;
use crate::output::Page;

pub(super) fn limits(change: impl FnOnce(&mut Options)) -> Arc<Options> {
    let mut limits = Options::default_options();
    change(&mut limits);
    Arc::new(limits)
}

pub(super) async fn send(upload: &mut Upload, name: &str, content: &[u8]) -> Result<(), UploadError> {
    upload.begin_file(name, None)?;
    for chunk in content.chunks(100_000) {
        upload.write(&Bytes::copy_from_slice(chunk)).await?;
    }
    upload.end_file().await
}

/// Files of that folder that this process has open.
fn open_in(folder: &std::path::Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path.starts_with(folder))).count()
}

pub(super) fn zip_of(names: &[&str]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(name.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A batch of this many files, in a folder that goes with the spool.
async fn job_of(files: usize) -> (tempfile::TempDir, Arc<Job>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let mut upload = Upload::new(spool.create_folder("job").unwrap(), limits(|_| ()));
    for number in 0..files {
        send(&mut upload, &format!("{number}.jpg"), b"x").await.unwrap();
    }
    let ask = ReadRequest { model: "m".into(), options: ReadOptions::default() };
    (dir, Arc::new(Job::new("".into(), upload.finish().await.unwrap(), (ask, "0a"), 10)))
}

pub(super) fn document(texts: &[&str]) -> Document {
    let region = |(row, text): (u32, &&str)| Region {
        polygon: [[0.1, 0.2]; 4],
        text: (*text).to_owned(),
        confidence: 0.5,
        characters: vec![0.5; text.len()],
        row,
        ..Region::default()
    };
    let page = Page {
        width: 8,
        height: 4,
        skew: 0.0,
        turned: 0,
        corners: None,
        left_out: 0,
        regions: (0..).zip(texts).map(region).collect(),
    };
    Document { pages: vec![page], ..Document::default() }
}

fn finish(job: &Job, index: usize, texts: &[&str]) {
    job.finish_file(index, &document(texts)).unwrap();
}

#[tokio::test]
async fn files_and_zips_arrive_and_what_was_read_leaves_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let folder = spool.create_folder("job").unwrap();
    let mut upload = Upload::new(folder.clone(), limits(|_| ()));
    let large = vec![7; 600_000];
    send(&mut upload, "large.tif", &large).await.unwrap();
    send(&mut upload, "Some.ZIP", &zip_of(&["in/a.jpg", "../b.jpg", "__MACOSX/a.jpg"])).await.unwrap();
    send(&mut upload, "broken.zip", b"PK").await.unwrap();
    send(&mut upload, "empty\n.png", b"").await.unwrap();
    let received = upload.finish().await.unwrap();
    let names: Vec<&str> = received.files.iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["large.tif", "in/a.jpg", "../b.jpg", "broken.zip", "empty\u{fffd}.png"]);
    assert_eq!(received.load_file(0, 1 << 20).unwrap(), large);
    assert_eq!(received.load_file(1, 1 << 20).unwrap(), "in/a.jpg");
    assert_eq!(received.load_file(2, 1 << 20).unwrap_err().to_string(), "its name leads out of the zip");
    let broken = received.load_file(3, 1 << 20).unwrap_err();
    assert!(matches!(&broken, LoadError::Unreadable(Unreadable::Zip(_))), "{broken:?}");
    assert!(broken.to_string().starts_with("it is not a zip that can be read"), "{broken}");
    assert!(broken.source().is_some(), "what the zip's reader says is kept");
    assert_eq!(received.load_file(4, 1 << 20).unwrap(), "");
    assert_eq!(received.load_file(0, 500_000).unwrap_err().to_string(), "it is larger than 0 MiB");
    let on_disk = || std::fs::read_dir(folder.file_path("parts")).unwrap().count();
    assert_eq!(on_disk(), 4, "those that were sent");
    received.write_outcome(0, Err("broken")).unwrap();
    received.write_outcome(1, Ok(&document(&["x"]))).unwrap();
    assert_eq!(on_disk(), 4, "they stay until their results are on the disk for good");
    received.sync().unwrap();
    assert_eq!(on_disk(), 3, "a zip stays for its other files");
    received.release_all();
    assert_eq!(on_disk(), 0);
}

#[tokio::test]
async fn zips_hold_no_file_open_and_a_batch_has_only_so_many() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let folder = spool.create_folder("job").unwrap();
    let mut upload = Upload::new(folder.clone(), limits(|_| ()));
    for number in 0..32 {
        send(&mut upload, "a.zip", &zip_of(&[&format!("{number}.jpg")])).await.unwrap();
    }
    assert!(matches!(send(&mut upload, "a.zip", b"PK").await, Err(UploadError::TooManyZips)));
    send(&mut upload, "b.jpg", b"x").await.unwrap();
    let received = upload.finish().await.unwrap();
    assert_eq!(received.files.len(), 33);
    assert_eq!(received.load_file(31, 1 << 20).unwrap(), "31.jpg");
    assert_eq!(open_in(&folder.file_path("").canonicalize().unwrap()), 1, "the results alone");
    received.release_all();
    assert!(matches!(received.load_file(31, 1 << 20), Err(LoadError::ZipGone)));
}

#[tokio::test]
async fn the_zips_of_a_batch_list_no_more_than_one_may() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let few = limits(|limits| limits.max_job_files = 4);
    let mut upload = Upload::new(spool.create_folder("job").unwrap(), few);
    let folders = zip_of(&["1/", "2/", "3/", "4/", "5/", "6/", "7/"]);
    send(&mut upload, "a.zip", &folders).await.unwrap();
    send(&mut upload, "b.zip", &folders).await.unwrap();
    let received = upload.finish().await.unwrap();
    let reason = received.load_file(0, 1 << 20).unwrap_err().to_string();
    assert_eq!(reason, "it lists 7 files and folders, and the zips of the batch may list 5 more");
}

#[tokio::test]
async fn a_batch_that_is_too_large_or_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let few = limits(|limits| {
        limits.max_job_files = 2;
        limits.max_job_bytes = 1 << 20;
    });
    let upload = |name| Upload::new(spool.create_folder(name).unwrap(), few.clone());

    let mut many = upload("many");
    send(&mut many, "1", b"1").await.unwrap();
    send(&mut many, "2", b"2").await.unwrap();
    assert!(matches!(send(&mut many, "3", b"3").await, Err(UploadError::TooMany(2))));
    let mut zipped = upload("zipped");
    send(&mut zipped, "a.zip", &zip_of(&["1", "2", "3"])).await.unwrap();
    assert!(matches!(zipped.finish().await, Err(UploadError::TooMany(2))));
    let mut large = upload("large");
    assert!(matches!(send(&mut large, "1", &vec![0; 2 << 20]).await, Err(UploadError::TooLarge(_))));
    assert!(matches!(upload("empty").finish().await, Err(UploadError::Empty)));
    let mut left = upload("left");
    left.begin_file("1", None).unwrap();
    left.write(&Bytes::from(vec![0; 700_000])).await.unwrap();
    drop((many, large, left));

    let until = Instant::now() + Duration::from_secs(10);
    while std::fs::read_dir(dir.path()).unwrap().count() > 0 {
        assert!(Instant::now() < until, "something is left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_in_the_log_and_not_for_each_batch() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("taken"), "a file where the folder should be").unwrap();
    let limits = limits(|limits| limits.folder = dir.path().join("taken/deep"));
    let jobs = Jobs::new(
        limits.clone(),
        Permits::new(1, 1),
        Display::new(limits, DecodeMemory::new(1 << 30)).unwrap(),
    );
    let log = captured::capture_log();
    for _ in 0..100 {
        assert!(matches!(jobs.reserve_place().await, Err(UploadError::Disk(_))));
    }
    let lines = log.lines_with("cannot be kept");
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["WARN", "taken/deep", "Not a directory", "reader.folder"] {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
}

/// Stands for a disk that does not take any more.
#[tokio::test]
async fn a_file_that_cannot_be_written_is_said_in_the_log_once_for_a_thousand_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().to_owned());
    let folder = spool.create_folder("job").unwrap();
    std::fs::remove_dir_all(folder.file_path("")).unwrap();
    let log = captured::capture_log();
    for _ in 0..1000 {
        let mut upload = Upload::new(folder.clone(), limits(|_| ()));
        assert!(matches!(send(&mut upload, "a.jpg", b"x").await, Err(UploadError::Disk(_))));
    }
    let lines = log.lines_with("cannot be kept");
    assert_eq!(lines.len(), 1, "{} lines", lines.len());
    let path = folder.file_path("").display().to_string();
    assert!(lines[0].contains(path.trim_end_matches('/')) && lines[0].contains("No such file"), "{lines:?}");
}

#[tokio::test]
async fn results_that_cannot_be_kept_and_files_that_cannot_be_read_again_are_said_in_the_log() {
    let (_dir, job) = job_of(1000).await;
    let limits = limits(|_| ());
    let jobs = Jobs::new(
        limits.clone(),
        Permits::new(1, 1),
        Display::new(limits, DecodeMemory::new(1 << 30)).unwrap(),
    );
    std::fs::remove_dir_all(job.received.folder.file_path("")).unwrap();
    let log = captured::capture_log();
    for index in 0..1000 {
        let reason = job.received.load_file(index, 1 << 20).unwrap_err().to_string();
        assert!(reason.starts_with("it cannot be read: No such file"), "{reason}");
    }
    assert_eq!(log.lines_with("cannot be read").len(), 1);

    for _ in 0..1000 {
        let full = io::Error::from(rustix::io::Errno::NOSPC);
        assert!(jobs.not_kept(&job, full).to_string().contains("cannot be kept in reader.folder"));
    }
    let lines = log.lines_with("cannot be kept");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("No space left on device"), "{lines:?}");
    // A limit of ours is not a trouble of the disk; one of the system is.
    let too_large = io::Error::from(io::ErrorKind::FileTooLarge);
    assert!(jobs.not_kept(&job, too_large).to_string().contains("reader.max_job_mb"));
    let of_system = io::Error::from(rustix::io::Errno::FBIG);
    assert!(jobs.not_kept(&job, of_system).to_string().contains("reader.folder"));
}

#[tokio::test]
async fn a_batch_counts_what_became_of_its_files() {
    let (_dir, job) = job_of(4).await;
    let pictures = PictureCache::new(1000);
    assert_eq!(job.begin_next(), Some(0));
    assert_eq!(job.begin_next(), Some(1));
    finish(&job, 1, &["ab", "cde"]);
    job.fail_file(0, "it is broken").unwrap();
    let summary = job.summary();
    let sightwire_api::read::Job { files, done, failed, waiting, reading, .. } = summary;
    assert_eq!([files, done, failed, waiting, reading], [4, 1, 1, 2, 0]);
    assert_eq!([summary.regions, summary.characters], [2, 5]);
    assert_eq!((summary.mean_confidence, summary.options.unclip), (Some(0.5), 1.6));

    finish(&job, 1, &["abcd"]);
    assert_eq!(job.summary().characters, 4, "read again, it is counted once");
    assert_eq!(job.counts(), (4, 2));

    assert_eq!(job.begin_next(), Some(2));
    assert!(job.cancel());
    finish(&job, 2, &["late"]);
    job.fail_file(2, "late").unwrap();
    assert_eq!((job.begin_next(), job.has_next(), job.cancel()), (None, false, false));
    assert!(job.cancel.is_cancelled() && job.ended_at().is_some());
    let summary = job.summary();
    assert_eq!((summary.state, summary.cancelled), (JobState::Cancelled, 2));
    let rows = job.rows(0, 10, &pictures);
    let states: Vec<FileState> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [FileState::Failed, FileState::Done, FileState::Cancelled, FileState::Cancelled]);
    assert_eq!(rows[0].error.as_deref(), Some("it is broken"));
    assert_eq!((rows[1].width, rows[2].width), (Some(8), None));
    assert_eq!(job.rows(3, usize::MAX, &pictures).len(), 1);
    assert!(job.rows(9, 1, &pictures).is_empty());
    assert_eq!(job.file_outcome(0).unwrap().0, FileState::Failed);
}

#[tokio::test]
async fn a_picture_that_was_read_too_late_is_not_kept() {
    let (_dir, job) = job_of(3).await;
    let limits = limits(|_| ());
    let jobs = Jobs::new(
        limits.clone(),
        Permits::new(1, 1),
        Display::new(limits, DecodeMemory::new(1 << 30)).unwrap(),
    );
    jobs.entries.lock().push(Entry { job: job.clone(), ready: None, is_brought: false });
    let late = |index| jobs.keep_picture(&job, index, Bytes::from_static(b"x"));
    assert_eq!((job.begin_next(), job.begin_next()), (Some(0), Some(1)));
    late(0);
    finish(&job, 0, &["x"]);
    assert_eq!(jobs.pictures.indexes(&job.id), [0]);
    jobs.end_job(&job).await;
    late(1);
    assert_eq!(jobs.pictures.indexes(&job.id), [0], "the batch was cancelled before");
    jobs.end_job(&job).await;
    late(0);
    assert_eq!(jobs.pictures.usage(), (0, 0), "the batch was removed before");
}

/// `file` events' ids and the names of the others, in their order.
fn told(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("id: ").or(line.strip_prefix("event: ")));
    lines.filter(|line| *line != "file").map(str::to_owned).collect()
}

#[tokio::test]
async fn every_listener_is_told_of_every_file_however_slow_it_is() {
    let (_dir, job) = job_of(250).await;
    let (pictures, stop) = (Arc::new(PictureCache::new(0)), CancellationToken::new());
    let listen = |after| Listener::new(job.clone(), pictures.clone(), after, stop.clone());
    let (mut quick, mut slow) = (listen(0), listen(0));
    assert_eq!(told(&quick.next().await.unwrap()), ["job"]);
    let mut heard = Vec::new();
    while let Some(index) = job.begin_next() {
        finish(&job, index, &["x"]);
        if index % 50 == 0 {
            heard.extend(told(&quick.next().await.unwrap()));
        }
    }
    while let Some(text) = quick.next().await {
        heard.extend(told(&text));
    }
    let ids = |from: usize| (from..=250).map(|id| id.to_string()).collect::<Vec<_>>();
    heard.retain(|name| name != "job");
    assert_eq!(heard, [ids(1), vec!["end".into()]].concat());

    let mut late = Vec::new();
    while let Some(text) = slow.next().await {
        late.extend(told(&text));
    }
    assert_eq!(late, [vec!["job".into()], ids(1), vec!["end".into()]].concat());
    let resumed = told(&listen(249).next().await.unwrap());
    assert_eq!(resumed, ["job", "250", "end"]);
    assert_eq!(told(&listen(9999).next().await.unwrap()), ["job", "end"]);
}

#[tokio::test]
async fn a_listener_gets_summaries_in_time_but_not_more_than_four_a_second_and_ends_with_the_server() {
    let (_dir, job) = job_of(1000).await;
    let (pictures, stop) = (Arc::new(PictureCache::new(0)), CancellationToken::new());
    let mut listener = Listener::new(job.clone(), pictures, 0, stop.clone());
    let (begun, mut summaries) = (Instant::now(), 0);
    for _ in 0..100 {
        finish(&job, job.begin_next().unwrap(), &["x"]);
        summaries += told(&listener.next().await.unwrap()).iter().filter(|name| *name == "job").count();
    }
    assert!(summaries as u128 <= 2 + begun.elapsed().as_millis() / 250, "{summaries}");
    let last = listener.next().await.unwrap();
    assert_eq!(told(&last), ["job"], "what changed since is told without another change");
    stop.cancel();
    assert_eq!(listener.next().await, None);
}

/// 10,000 files are cheap.
const _: () = assert!(job::ROW_BYTES <= 160);
