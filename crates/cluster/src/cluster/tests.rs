use std::io;
use std::sync::atomic::AtomicUsize;

use sightwire_access::process::Secret;
use sightwire_api::stream::AnalysisMode;
use sightwire_base::captured;
use tokio::task::JoinHandle;

use super::*;
use crate::cluster::claim::NotClaimed;
use crate::dial::Dialing;
use crate::entry::About;
use crate::lease::ClusterLease;
use crate::memory::{Memory, Trouble};
use crate::options::{TTL, WhenDown};

#[derive(Debug, Default)]
struct Nowhere(AtomicUsize);

impl Dial for Nowhere {
    fn dial<'a>(&'a self, _: &'a str) -> Dialing<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}

/// A process that runs until it is dropped.
struct Process {
    cluster: Arc<Cluster>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Process {
    async fn of(store: &Arc<Memory>, name: &str, secret: &str) -> Self {
        let options = Options {
            name: name.into(),
            url: format!("http://{name}:8000").into(),
            secret: Arc::new(Secret::new(secret).unwrap()),
            when_down: WhenDown::Accept,
            ttl: TTL,
            as_it_came: |_, _, _, _| panic!("no picture comes"),
        };
        let cluster = Cluster::new(options, store.clone(), Arc::new(Nowhere::default()));
        let stop = CancellationToken::new();
        let task = tokio::spawn(cluster.clone().run(stop.clone()));
        tokio::time::sleep(Duration::from_millis(10)).await;
        Self { cluster, stop, task }
    }

    async fn two(store: &Arc<Memory>) -> [Self; 2] {
        [Self::of(store, "a", SECRET).await, Self::of(store, "b", SECRET).await]
    }

    async fn claim(&self) -> Result<ClusterLease, NotClaimed> {
        self.claim_named("ward").await
    }

    async fn claim_named(&self, stream: &str) -> Result<ClusterLease, NotClaimed> {
        self.cluster.claim_stream(&stream.into(), About::new_sent(AnalysisMode::Normal, false)).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const SECRET: &str = "known to all of these and to nobody else";

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_dropped_frees_the_name_and_one_whose_process_ends_does_at_once() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    assert!(a.cluster.find_elsewhere("ward").is_none());
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(b.cluster.find_elsewhere("ward").unwrap().token, lease.token());
    drop(lease);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(b.cluster.find_elsewhere("ward").is_none());
    let lease = a.claim().await.unwrap();
    a.stop.cancel();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(b.cluster.current_directory().processes.len(), 1, "it has said goodbye");
    assert!(b.claim().await.unwrap().token() > lease.token());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lives_and_cannot_be_reached_keeps_its_streams() {
    let store = Memory::new();
    let log = captured::capture_log();
    let [a, b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    let refused = b.claim().await;
    assert_eq!(refused.unwrap_err(), NotClaimed::Live("a".into()));
    assert_eq!(log.lines_with("another process cannot be reached").len(), 1, "however often it is tried");
    let status = b.cluster.status();
    let reason = status.processes[0].reason.as_deref();
    assert_eq!(reason, Some("this process cannot reach it: no connection: connection refused"));
    assert!(b.cluster.counts().unreachable.load(Ordering::Relaxed) > 1);
    drop(lease);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_stopped_knows_so_and_loses_what_another_took_meanwhile() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    let lost = Arc::new(AtomicUsize::new(0));
    let count = lost.clone();
    lease.when_lost(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    a.task.abort();
    tokio::time::sleep(TTL.mul_f64(0.98)).await;
    assert!(!lease.may_be_lost());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(lease.may_be_lost());
    let taken = b.claim().await.unwrap();
    assert!(taken.token() > lease.token());
    let again = tokio::spawn(a.cluster.clone().run(CancellationToken::new()));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(lost.load(Ordering::Relaxed), 1);
    drop(lease);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        a.cluster.find_elsewhere("ward").unwrap().token,
        taken.token(),
        "what is another's is not given up"
    );
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn one_that_was_stopped_and_whose_streams_nobody_took_keeps_them() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    let token = lease.token();
    a.task.abort();
    tokio::time::sleep(2 * TTL).await;
    assert!(b.cluster.find_elsewhere("ward").is_none());
    let again = tokio::spawn(a.cluster.clone().run(CancellationToken::new()));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(b.cluster.find_elsewhere("ward").unwrap().token, token);
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn one_with_another_secret_is_told_so_once_and_goes_on_alone() {
    let store = Memory::new();
    let log = captured::capture_log();
    let a = Process::of(&store, "a", SECRET).await;
    let other = Process::of(&store, "b", "another one of which the others do not know").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(other.cluster.standing().0, Standing::Refused(Refusal::Secret));
    assert_eq!(log.lines_with("it cannot be one of the processes").len(), 1);
    assert_eq!(other.claim().await.unwrap().token(), Token::NONE);
    assert_eq!(a.cluster.current_directory().processes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_answers_heartbeats_alone_takes_no_stream_from_anyone() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let dies = Process::of(&store, "c", SECRET).await;
    let [kept, given_up] = [a.claim().await.unwrap(), a.claim_named("hall").await.unwrap()];
    let _orphan = dies.claim_named("yard").await.unwrap();
    tokio::time::sleep(TTL).await;
    assert!(b.cluster.find_elsewhere("yard").is_some());
    let log = captured::capture_log();
    store.set_trouble(Trouble::OnlyBeats);
    let failures = |of: &Process| of.cluster.counts().store_failures.load(Ordering::Relaxed);
    let before = failures(&a);
    // It cannot be given back; nor can the end of a process be read from the store.
    drop(given_up);
    dies.task.abort();
    tokio::time::sleep(2 * TTL).await;
    for process in [&a, &b] {
        assert_eq!(process.cluster.standing().0, Standing::Connected);
    }
    assert!(failures(&a) >= before + 3, "each try is counted");
    assert!(!kept.may_be_lost(), "its sender goes on: nobody could take its name");
    assert!(b.cluster.find_elsewhere("yard").is_none(), "who is silent is not believed for ever");
    let lines = log.lines_with("answers heartbeats, and not all else: it is told to be away").len();
    assert!((1..=8).contains(&lines), "said now and then by each: {lines}");
    assert!(log.lines_with("it is one of the processes now").is_empty(), "it always was");
    store.set_trouble(Trouble::None);
    tokio::time::sleep(TTL).await;
    assert_eq!(b.cluster.find_elsewhere("ward").unwrap().token, kept.token());
    assert!(b.cluster.find_elsewhere("hall").is_none());
}

#[tokio::test(start_paused = true)]
async fn one_that_was_stopped_is_not_sure_of_its_streams_before_all_are_kept() {
    let store = Memory::new();
    let [a, _b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    a.task.abort();
    tokio::time::sleep(2 * TTL).await;
    store.set_trouble(Trouble::OnlyBeats);
    let again = tokio::spawn(a.cluster.clone().run(CancellationToken::new()));
    tokio::time::sleep(TTL).await;
    assert!(lease.may_be_lost(), "heartbeats are answered in time again, and nobody said whose it is");
    store.set_trouble(Trouble::None);
    tokio::time::sleep(TTL).await;
    assert!(!lease.may_be_lost());
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn what_began_while_nobody_could_be_asked_is_claimed_when_that_is_over() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    store.set_trouble(Trouble::Away);
    let lease = a.claim().await.unwrap();
    assert_eq!(lease.token(), Token::NONE);
    store.set_trouble(Trouble::None);
    tokio::time::sleep(TTL).await;
    assert_ne!(lease.token(), Token::NONE);
    assert_eq!(b.cluster.find_elsewhere("ward").unwrap().token, lease.token());
}

#[tokio::test(start_paused = true)]
async fn heartbeats_come_however_much_changes() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    for i in 0..2000 {
        let other =
            b.cluster.claim_stream(&format!("other-{i}").into(), lease.held.about.clone()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(other);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(b.cluster.find_elsewhere("ward").is_some(), "after {i}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_says_how_it_stands_and_what_is_known_of_the_others() {
    use sightwire_api::cluster::ClusterState::{Away, Connected, Refused};

    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let lease = a.claim().await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let status = b.cluster.status();
    assert_eq!((status.state, status.reason), (Connected, None));
    assert_eq!((status.streams_here, status.streams_elsewhere), (0, 1));
    let told: Vec<_> = status.processes.iter().map(|of| (&*of.name, of.is_self, of.streams)).collect();
    assert_eq!(told, [("a", false, 1), ("b", true, 0)]);
    assert_eq!(status.processes[0].version, env!("CARGO_PKG_VERSION"));
    assert_eq!(a.cluster.status().streams_here, 1);

    // It ends without a word.
    a.task.abort();
    tokio::time::sleep(TTL + Duration::from_secs(2)).await;
    let status = b.cluster.status();
    assert_eq!(status.streams_elsewhere, 0);
    assert!(status.processes[0].heard_s.unwrap() > 5.0, "{status:?}");
    assert!(status.processes[0].reason.as_ref().unwrap().starts_with("nothing is heard of it"));
    assert!(status.processes[1].heard_s.unwrap() < 2.0 && status.processes[1].reason.is_none());
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert_eq!(b.cluster.status().processes.len(), 1, "that is long ago");

    store.set_trouble(Trouble::Away);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let status = b.cluster.status();
    assert_eq!((status.state, status.reason.as_deref()), (Away, Some("it is told to be away")));
    assert!((8.0..10.0).contains(&status.since_s), "{status:?}");
    store.set_trouble(Trouble::None);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let other = Process::of(&store, "c", "another one of which the others do not know").await;
    let status = other.cluster.status();
    assert_eq!(status.state, Refused);
    assert!(status.reason.unwrap().contains("another secret"));
    assert_eq!(status.processes.len(), 1, "itself");
    assert_eq!(status.processes[0].heard_s, None);
    drop(lease);
}

#[tokio::test(start_paused = true)]
async fn what_ended_while_a_process_was_cut_off_is_forgotten_and_so_is_who_dies_later() {
    let store = Memory::new();
    let [a, b] = Process::two(&store).await;
    let lease = b.claim().await.unwrap();
    let other =
        b.cluster.claim_stream(&"other".into(), About::new_sent(AnalysisMode::Normal, false)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    store.set_deaf(true);
    store.silence_process(a.cluster.own_record().instance);
    tokio::time::sleep(Duration::from_secs(3)).await;
    drop(lease);
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.set_deaf(false);
    store.hear_process(a.cluster.own_record().instance);
    tokio::time::sleep(TTL).await;
    let names: Vec<_> = a.cluster.current_directory().streams.keys().cloned().collect();
    assert_eq!(names, ["other".into()] as [Arc<str>; 1]);
    // It ends without a word.
    b.task.abort();
    tokio::time::sleep(TTL + TTL / 2).await;
    assert!(a.cluster.current_directory().streams.is_empty(), "nobody is believed for ever");
    drop(other);
}
