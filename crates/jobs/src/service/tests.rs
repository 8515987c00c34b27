use std::fs;

use sightwire_cluster::memory::MemoryQueue;
use sightwire_reading::ReadOptions;
use sightwire_reading::output::Document;
use sightwire_reading::record;
use sightwire_reading::work::ReadRequest;

use super::*;
use crate::about::Listed;
use crate::part::Part;
use crate::shared::Folders;

struct House {
    dir: tempfile::TempDir,
    service: Arc<Service>,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("scans")).unwrap();
        let service = of(dir.path(), Duration::from_secs(3600));
        Self { dir, service }
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn write(&self, count: usize) {
        for number in 0..count {
            fs::write(self.at(&format!("scans/{number:03}.png")), "").unwrap();
        }
    }
}

fn of(dir: &Path, ttl: Duration) -> Arc<Service> {
    let jobs = Jobs::open(&dir.join("jobs")).unwrap();
    let folders = Folders::new(&[dir.join("scans")]).unwrap();
    Service::new(jobs, Readable { folders, objects: None }, Arc::new(MemoryQueue::default()), ttl)
}

fn how() -> How {
    let ask = ReadRequest { model: "m".into(), options: ReadOptions::default() };
    How::new(&ask, "d".into(), Duration::from_secs(60), None)
}

fn look(service: &Service) {
    service.check_jobs(&CancellationToken::new()).unwrap();
}

/// Reads a chunk; every tenth file cannot be.
fn read(job: &Job, chunk: u32) {
    let (part, todo) = Part::open(job, chunk, "w").unwrap();
    for index in todo.fresh {
        let name = part.entries()[index].name.clone();
        let line = if name.ends_with("0.png") {
            record::failed_line(index, "it is no picture")
        } else {
            record::read_line(index, &Document { file: Some(name), ..Document::default() })
        };
        part.keep_record(index, &line).unwrap();
    }
    part.finish().unwrap();
}

#[test]
fn what_one_server_begins_another_finds_and_all_tell_the_same() {
    let house = House::new();
    house.write(25);
    let (job, _) = house.service.begin_folders("key 1", &[house.at("scans")], &how()).unwrap();
    let other = of(house.dir.path(), Duration::from_secs(3600));
    let begun = other.job_progress(&job).unwrap();
    assert_eq!((begun.state, begun.files, begun.all_found), (State::Running, 0, false));
    look(&other);
    let found = house.service.job_progress(&job).unwrap();
    assert_eq!((found.files, found.all_found, found.ended), (25, true, 0));
    // Chunks of 4, and a last one of 1.
    for chunk in [0, 2, 6] {
        read(&job, chunk);
    }
    let progress = other.job_progress(&job).unwrap();
    assert_eq!((progress.ended, progress.failed, progress.state), (9, 2, State::Running));
    let rows = house.service.list_files(&job, 6, 4).unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (row.index, row.entry.name.ends_with(&format!("{:03}.png", row.index)), row.record.is_some())
        })
        .collect();
    assert_eq!(told, [(6, true, false), (7, true, false), (8, true, true), (9, true, true)]);
    assert_eq!(house.service.list_files(&job, 24, 9).unwrap().len(), 1);
    assert_eq!(house.service.list_files(&job, 25, 9).unwrap().len(), 0);
    for chunk in [1, 3, 4, 5] {
        read(&job, chunk);
    }
    let done = other.job_progress(&job).unwrap();
    assert_eq!((done.ended, done.failed, done.state), (25, 3, State::Done));
}

#[test]
fn a_search_that_was_interrupted_goes_on_and_no_file_is_there_twice() {
    let house = House::new();
    house.write(20);
    let (job, _) = house.service.begin_folders("key 1", &[house.at("scans")], &how()).unwrap();
    let stopped = CancellationToken::new();
    stopped.cancel();
    let about = job.about().unwrap().unwrap();
    house.service.find_job_files(&job, &about, &stopped).unwrap();
    assert_eq!(
        (list::read_listed(&job).unwrap(), job.listed().unwrap()),
        (Listed { chunks: 1, files: 4 }, None)
    );
    // Another process searches.
    let held = job.lock().unwrap().unwrap();
    look(&house.service);
    assert_eq!(list::read_listed(&job).unwrap().chunks, 1);
    drop(held);
    look(&house.service);
    let names: Vec<_> =
        house.service.list_files(&job, 0, 99).unwrap().into_iter().map(|file| file.entry.name).collect();
    let expected: Vec<_> = (0..20).map(|number| house.at(&format!("scans/{number:03}.png"))).collect();
    assert_eq!(names, expected);
}

#[test]
fn a_search_whose_beginning_is_gone_is_stopped_with_a_word() {
    let house = House::new();
    house.write(20);
    let (job, _) = house.service.begin_folders("key 1", &[house.at("scans")], &how()).unwrap();
    let stopped = CancellationToken::new();
    stopped.cancel();
    house.service.find_job_files(&job, &job.about().unwrap().unwrap(), &stopped).unwrap();
    fs::remove_file(house.at("scans/002.png")).unwrap();
    look(&house.service);
    assert_eq!(house.service.job_progress(&job).unwrap().state, State::Stopped);
    assert!(job.note().unwrap().unwrap().contains("002.png is gone"));
}

#[test]
fn only_what_is_for_others_is_begun() {
    let house = House::new();
    let begin = |paths: &[String]| house.service.begin_folders("key 1", paths, &how());
    let says = |paths: &[String]| begin(paths).unwrap_err().to_string();
    assert!(says(&[]).contains("at least one"));
    assert!(says(&vec![house.at("scans"); 101]).contains("at most 100"));
    assert!(says(&["scans".into()]).contains("no absolute path"));
    assert!(says(&[house.at("jobs")]).contains("cluster.folders"));
    assert!(says(&[house.at("scans/none")]).contains("none: "));
    assert!(house.service.all_jobs().unwrap().is_empty());
    assert!(begin(&[house.at("scans")]).is_ok());
}

#[test]
fn what_was_sent_lies_with_the_job_and_half_of_it_is_taken_away() {
    let house = House::new();
    let files = || {
        let sent = |number| (format!("page {number}.png"), Ok(Bytes::from(format!("{number}"))));
        (0..5).map(sent).chain([("notes.zip".to_owned(), Err("it is no zip".to_owned()))])
    };
    let (job, _) = house.service.begin_files("key 1", &how(), files()).unwrap();
    let progress = house.service.job_progress(&job).unwrap();
    assert_eq!((progress.files, progress.all_found), (6, true));
    let entries = job.entries(0).unwrap();
    let own = job.own_file(entries[3].own.as_deref().unwrap()).unwrap();
    assert_eq!((&*entries[3].name, fs::read(own).unwrap()), ("page 3.png", b"3".to_vec()));
    assert_eq!(job.entries(1).unwrap()[1].error.as_deref(), Some("it is no zip"));
    for outside in ["../job.json", ".part", "", "a/b"] {
        assert_eq!(job.own_file(outside), None, "{outside}");
    }
    // Its server was killed while it arrived.
    fs::remove_file(job.folder().join("listed.json")).unwrap();
    let held = job.lock().unwrap().unwrap();
    look(&house.service);
    assert!(job.about().unwrap().is_some(), "it still arrives");
    drop(held);
    look(&house.service);
    assert_eq!(job.about().unwrap(), None);
}

#[test]
fn those_of_servers_go_when_their_time_is_over_and_those_of_commands_stay() {
    let house = House::new();
    house.write(1);
    let (ended, _) = house.service.begin_folders("key 1", &[house.at("scans")], &how()).unwrap();
    let (running, _) = house.service.begin_folders("key 1", &[house.at("scans")], &how()).unwrap();
    let command = house.service.jobs.begin_job(&crate::folder::tests::about("scans")).unwrap();
    for job in [&ended, &command] {
        job.mark_done().unwrap();
    }
    look(&house.service);
    assert_eq!(house.service.all_jobs().unwrap().len(), 3);
    look(&of(house.dir.path(), Duration::ZERO));
    let mut left: Vec<_> = house.service.all_jobs().unwrap().into_iter().map(|(job, _)| job).collect();
    left.sort_by(|one, other| one.id.cmp(&other.id));
    let mut expected = vec![running, command];
    expected.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(left, expected);
}

#[tokio::test]
async fn what_all_jobs_come_to_is_counted() {
    let house = House::new();
    house.write(25);
    let begin = || house.service.begin_folders("key 1", &[house.at("scans")], &how()).unwrap().0;
    let [running, stopped, done] = [begin(), begin(), begin()];
    look(&house.service);
    assert_eq!(house.service.overview(), None, "nobody has looked");
    read(&running, 1);
    for chunk in [0, 2] {
        read(&stopped, chunk);
    }
    stopped.stop().unwrap();
    for chunk in 0..7 {
        read(&done, chunk);
    }
    house.service.look_over().await;
    let expected = Overview {
        running: 1,
        stopped: 1,
        done: 1,
        waiting: 21,
        read: 4 + 6 + 22,
        failed: 2 + 3,
        workers: Some(0),
        held: 0,
    };
    assert_eq!(house.service.overview(), Some(expected.clone()));
    // One that is gone counts no more, and one that went on counts as it is now.
    done.remove().unwrap();
    stopped.go_on().unwrap();
    house.service.look_over().await;
    let later =
        Overview { running: 2, stopped: 0, done: 0, waiting: 21 + 17, read: 4 + 6, failed: 2, ..expected };
    assert_eq!(house.service.overview(), Some(later));
    // One whose chunks cannot be looked at is passed over.
    fs::remove_dir_all(running.folder().join("chunks")).unwrap();
    fs::write(running.folder().join("chunks"), "").unwrap();
    house.service.look_over().await;
    let (running, workers) = house.service.overview().map(|now| (now.running, now.workers)).unwrap();
    assert_eq!((running, workers), (1, Some(0)));
}
