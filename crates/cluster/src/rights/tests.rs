use std::fs;
use std::time::SystemTime;

use sightwire_access::Scope;
use sightwire_access::key::Key;
use sightwire_access::principal::Unknown;
use sightwire_access::process::Secret;
use sightwire_access::record::{KeyRecord, NewKey, UserRecord};
use sightwire_access::{Role, store::Store as Files};
use sightwire_base::captured;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;
use crate::Options;
use crate::dial::{Dial, Dialing};
use crate::memory::{Memory, Trouble};
use crate::options::{TTL, WhenDown};
use crate::store::Store;

const SECRET: &str = "known to all of these and to nobody else";
const HOUR: Duration = Duration::from_secs(3600);
/// More than a heartbeat.
const BEAT: Duration = Duration::from_secs(2);
/// Files are read and written meanwhile.
const MOMENT: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Nowhere;

impl Dial for Nowhere {
    fn dial<'a>(&'a self, _: &'a str) -> Dialing<'a> {
        Box::pin(async { Err(std::io::ErrorKind::ConnectionRefused.into()) })
    }
}

/// A process with keys of its own.
struct Process {
    home: Arc<TempDir>,
    cluster: Arc<Cluster>,
    keyring: Arc<Keyring>,
    tasks: Vec<JoinHandle<()>>,
}

impl Process {
    /// One that has not begun.
    fn new(store: &Arc<Memory>, name: &str) -> Self {
        Self::with(store, name, SECRET, Arc::new(tempfile::tempdir().unwrap()))
    }

    fn with(store: &Arc<Memory>, name: &str, secret: &str, home: Arc<TempDir>) -> Self {
        let options = Options {
            name: name.into(),
            url: format!("http://{name}:8000").into(),
            secret: Arc::new(Secret::new(secret).unwrap()),
            when_down: WhenDown::Accept,
            ttl: TTL,
            as_it_came: |_, _, _, _| panic!("no picture comes"),
        };
        let cluster = Cluster::new(options, store.clone(), Arc::new(Nowhere));
        let keyring = Arc::new(Keyring::open(Files::in_folder(home.path()), Arc::default()).unwrap());
        Self { home, cluster, keyring, tasks: Vec::new() }
    }

    async fn begin(&mut self) {
        let (stop, keyring) = (CancellationToken::new(), self.keyring.clone());
        let rights = Rights::new(self.cluster.clone(), keyring.clone(), "p".into(), HOUR);
        self.tasks = vec![
            tokio::spawn(rights.run(stop.clone())),
            tokio::spawn(self.cluster.clone().run(stop.clone())),
            tokio::spawn(keyring.run(stop)),
        ];
        sleep(MOMENT).await;
    }

    async fn begun(store: &Arc<Memory>, name: &str) -> Self {
        let mut this = Self::new(store, name);
        this.begin().await;
        this
    }

    /// It is another life of it.
    async fn again(mut self, store: &Arc<Memory>) -> Self {
        self.tasks.drain(..).for_each(|task| task.abort());
        let (name, home) = (self.cluster.own_record().name.clone(), self.home.path().to_owned());
        let copy = tempfile::tempdir().unwrap();
        for file in fs::read_dir(home).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        let mut this = Self::with(store, &name, SECRET, Arc::new(copy));
        this.begin().await;
        this
    }

    /// As the command line does it.
    fn adds(&self) -> Key {
        let wanted = NewKey { name: None, role: Role::Viewer, scope: Scope::ALL, expires: None };
        let add = |records: &mut Records| {
            Ok::<_, files::StoreError>(records.add_key(&wanted, SystemTime::now())?.0)
        };
        self.keyring.store().update(add).unwrap()
    }

    fn revokes(&self, key: &Key) {
        let revoke = |records: &mut Records| Ok::<_, files::StoreError>(records.revoke_key(key.id()));
        assert!(self.keyring.store().update(revoke).unwrap().is_some());
    }

    fn knows(&self, key: &Key) -> bool {
        self.keyring.find_principal(key.reveal(), SystemTime::now()).is_ok()
    }

    fn version(&self) -> Option<u64> {
        self.cluster.rights_status().version
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_made_or_revoked_at_one_is_so_at_all_within_a_second() {
    let store = Memory::new();
    let (a, b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    assert_eq!((a.version(), b.version()), (Some(0), Some(0)));
    let (first, second) = (a.adds(), b.adds());
    sleep(Duration::from_secs(1)).await;
    for process in [&a, &b] {
        assert!(process.knows(&first) && process.knows(&second));
    }
    let end = CancellationToken::new();
    let watching = b.keyring.find_principal(first.reveal(), SystemTime::now()).unwrap();
    let _hold = watching.credential().unwrap().hold(end.clone());
    let begun = clock::now();
    a.revokes(&first);
    end.cancelled().await;
    assert!(clock::since(begun) <= Duration::from_millis(600), "{:?}", clock::since(begun));
    assert!(!b.knows(&first) && b.knows(&second));
    let begun = clock::now();
    b.revokes(&second);
    // As REST does it.
    b.keyring.take_up().unwrap();
    while a.knows(&second) {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(clock::since(begun) <= Duration::from_millis(50), "{:?}", clock::since(begun));
    assert_eq!(a.version(), b.version());
    let common = a.file("access.common.json");
    assert!(!common.contains(first.reveal()) && common == b.file("access.common.json"));
}

#[tokio::test(start_paused = true)]
async fn what_two_change_while_the_store_is_away_is_all_there_after_it() {
    let store = Memory::new();
    let (a, b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let (old, kept) = (a.adds(), a.adds());
    sleep(BEAT).await;
    for trouble in [Trouble::Away, Trouble::Stalled] {
        store.set_trouble(trouble);
        sleep(BEAT).await;
        let (here, there) = (a.adds(), b.adds());
        if b.knows(&old) {
            b.revokes(&old);
        }
        sleep(BEAT).await;
        assert!(a.knows(&here) && b.knows(&there) && !a.knows(&there) && !b.knows(&here));
        store.set_trouble(Trouble::None);
        sleep(2 * BEAT).await;
        for process in [&a, &b] {
            assert!(process.knows(&here) && process.knows(&there) && process.knows(&kept), "{trouble:?}");
            assert!(!process.knows(&old));
        }
    }
    assert_eq!(a.file("access.json"), b.file("access.json"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_emptied_gets_back_what_was_in_common() {
    let store = Memory::new();
    let (a, b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let (key, revoked) = (a.adds(), a.adds());
    sleep(BEAT).await;
    b.revokes(&revoked);
    sleep(BEAT).await;
    let version = a.version().unwrap();
    store.flush();
    // Somebody without any comes first.
    let c = Process::begun(&store, "c").await;
    sleep(2 * BEAT).await;
    for process in [&a, &b, &c] {
        assert!(process.knows(&key) && !process.knows(&revoked));
        assert_eq!(process.version(), Some(version + 1));
    }
    // Of somebody who began the versions anew, nothing counts; it is kept for people.
    store.flush();
    let mut d = Process::new(&store, "d");
    let other = d.adds();
    d.keyring.take_up().unwrap();
    d.begin().await;
    sleep(2 * BEAT).await;
    for process in [&a, &b, &c, &d] {
        assert!(process.knows(&key) && !process.knows(&other));
    }
    assert!(d.file("access.before-cluster.json").contains(other.id()));
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_takes_what_the_others_have_and_keeps_its_own_aside() {
    let (log, store) = (captured::capture_log(), Memory::new());
    let (mut a, mut b) = (Process::new(&store, "a"), Process::new(&store, "b"));
    let (first, second) = (a.adds(), b.adds());
    a.begin().await;
    b.begin().await;
    sleep(BEAT).await;
    assert!(a.knows(&first) && b.knows(&first) && !a.knows(&second) && !b.knows(&second));
    let said = log.lines_with("before-cluster.json");
    assert!(said.len() == 1, "{said:?}");
    assert!(b.file("access.before-cluster.json").contains(second.id()));
    assert_eq!(a.file("access.before-cluster.json"), "");
    // A process that comes again has everything in common but what was changed meanwhile.
    let third = a.adds();
    sleep(BEAT).await;
    b.revokes(&third);
    let (a, b) = (a.again(&store).await, b.again(&store).await);
    sleep(BEAT).await;
    assert!(a.knows(&first) && b.knows(&first) && !a.knows(&third) && !b.knows(&third));
    assert_eq!(b.file("access.before-cluster.2.json"), "");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_lost_removes_nothing_and_comes_back() {
    let store = Memory::new();
    let (a, b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let key = a.adds();
    sleep(BEAT).await;
    fs::remove_file(b.keyring.store().path()).unwrap();
    sleep(BEAT).await;
    assert!(a.knows(&key) && b.knows(&key));
    fs::write(b.keyring.store().path(), "{").unwrap();
    let other = a.adds();
    sleep(BEAT).await;
    assert!(a.knows(&key) && b.knows(&key) && a.knows(&other) && !b.knows(&other), "a spoilt one stays");
    assert!(b.cluster.rights_status().trouble.unwrap().contains("is not a file of keys"));
    fs::remove_file(b.keyring.store().path()).unwrap();
    sleep(BEAT).await;
    assert!(b.knows(&other) && b.cluster.rights_status().trouble.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_confirms_for_long_counts_no_more_until_somebody_does() {
    let store = Memory::new();
    let (a, b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let key = a.adds();
    sleep(2 * HOUR).await;
    assert!(a.knows(&key) && b.knows(&key), "heartbeats confirm it");
    let end = CancellationToken::new();
    let watching = b.keyring.find_principal(key.reveal(), SystemTime::now()).unwrap();
    let _hold = watching.credential().unwrap().hold(end.clone());
    store.set_trouble(Trouble::Away);
    sleep(Duration::from_secs(3590)).await;
    assert!(b.knows(&key));
    sleep(Duration::from_secs(20)).await;
    let why = b.keyring.find_principal(key.reveal(), SystemTime::now()).unwrap_err();
    assert!(matches!(why, Unknown::Unconfirmed { seconds: 3600.. }), "{why:?}");
    assert!(!end.is_cancelled(), "what is open stays open");
    store.set_trouble(Trouble::None);
    sleep(BEAT).await;
    assert!(b.knows(&key));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_without_the_secret_has_written_makes_no_keys() {
    let (log, store) = (captured::capture_log(), Memory::new());
    let (a, b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let key = a.adds();
    sleep(BEAT).await;
    let good = store.read_rights().await.unwrap().unwrap();
    let bad = |version: u64, value: &str| Shared { version, value: value.into() };
    let before = good.version;
    for (number, forged) in [
        bad(before + 1, &good.value),
        bad(before + 2, &good.value.replace("viewer", "admin")),
        bad(before + 3, ""),
        bad(before + 4, "{}"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(store.set_rights(before + number as u64, &forged).await.unwrap());
        sleep(3 * BEAT).await;
        assert!(a.knows(&key) && b.knows(&key) && b.version() == Some(before));
    }
    let said = log.lines_with("was not written by a process with this secret");
    assert_eq!(said.len(), 2, "each of both says it once: {said:?}");
    assert!(a.cluster.rights_status().trouble.unwrap().contains("{p}:rights"));
    let other = a.adds();
    sleep(Duration::from_secs(3500)).await;
    assert!(a.knows(&key) && a.knows(&other) && !b.knows(&other), "its own file counts");
    sleep(Duration::from_secs(150)).await;
    assert!(!a.knows(&key), "and does so only for a while");
    store.flush();
    assert!(store.set_rights(0, &good).await.unwrap());
    sleep(2 * BEAT).await;
    assert!(a.knows(&key) && b.knows(&other), "until what is there is theirs again");
    assert!(a.cluster.rights_status().trouble.is_none());
}

#[tokio::test(start_paused = true)]
async fn one_that_may_not_take_part_takes_and_gives_no_keys() {
    let store = Memory::new();
    let a = Process::begun(&store, "a").await;
    let key = a.adds();
    sleep(BEAT).await;
    let home = Arc::new(tempfile::tempdir().unwrap());
    let mut other = Process::with(&store, "b", "another one of which the others do not know", home);
    let own = other.adds();
    other.keyring.take_up().unwrap();
    other.begin().await;
    sleep(2 * BEAT).await;
    assert!(other.knows(&own) && !other.knows(&key) && !a.knows(&own));
    assert_eq!(other.file("access.common.json"), "");
}

#[tokio::test(start_paused = true)]
async fn two_of_one_folder_are_as_one() {
    // What is changed at one is looked at each half second, and so is a file that another process has written for both.
    const TWO_LOOKS: Duration = Duration::from_millis(1_200);
    let store = Memory::new();
    let (a, apart) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let mut beside = Process::with(&store, "c", SECRET, a.home.clone());
    beside.begin().await;
    let mut all = Vec::new();
    for round in 0..8 {
        all.push(if round % 2 == 0 { apart.adds() } else { beside.adds() });
        sleep(TWO_LOOKS).await;
        for process in [&a, &beside, &apart] {
            assert!(all.iter().all(|key| process.knows(key)), "{round}");
        }
        if round > 3 {
            let revoked = all.remove(0);
            [&a, &apart, &beside][round % 3].revokes(&revoked);
            sleep(TWO_LOOKS).await;
            for process in [&a, &beside, &apart] {
                assert!(
                    !process.knows(&revoked) && process.cluster.rights_status().trouble.is_none(),
                    "{round}"
                );
            }
        }
    }
    sleep(BEAT).await;
    let versions = [&a, &beside, &apart].map(Process::version);
    assert!(versions.iter().all(|version| *version == Some(12)), "each change once: {versions:?}");
    assert_eq!(a.file("access.json"), apart.file("access.json"));
}

#[tokio::test(start_paused = true)]
async fn many_changes_at_once_at_many_processes_are_all_there_in_the_end() {
    let store = Memory::new();
    let mut all = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        all.push(Process::begun(&store, name).await);
    }
    let mut keys = Vec::new();
    for round in 0..6 {
        for (number, process) in all.iter().enumerate() {
            keys.push(process.adds());
            process.keyring.take_up().unwrap();
            // Those of the round before that it knows by now.
            if let Some(key) = keys.get(round * 5).filter(|key| number == 0 && process.knows(key)) {
                process.revokes(key);
            }
        }
        sleep(Duration::from_millis(u64::from(fastrand::u8(..)))).await;
    }
    sleep(3 * BEAT).await;
    let files: Vec<String> = all.iter().map(|process| process.file("access.json")).collect();
    assert!(files.iter().all(|file| *file == files[0]));
    let (mut there, mut gone) = (0, 0);
    for (number, key) in keys.iter().enumerate() {
        let is_revoked = number % 5 == 0 && !all[0].knows(key);
        for process in &all {
            assert_eq!(process.knows(key), !is_revoked, "the key {number}");
        }
        if is_revoked { gone += 1 } else { there += 1 }
    }
    assert!(there >= 24 && gone >= 5, "{there} {gone}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_cut_off_brings_no_revoked_key_back() {
    let store = Memory::new();
    let (a, mut b) = (Process::begun(&store, "a").await, Process::begun(&store, "b").await);
    let (key, kept) = (a.adds(), a.adds());
    sleep(BEAT).await;
    b.tasks.drain(..).for_each(|task| task.abort());
    a.revokes(&key);
    sleep(BEAT).await;
    let common = a.keyring.store().lock_alone().unwrap().read_common().unwrap().unwrap();
    let (files, path) = (b.keyring.store(), b.keyring.store().path());
    let alone = files.lock_alone().unwrap();
    let (ours, text) = (alone.load().unwrap(), fs::read(path).unwrap());
    fs::remove_file(path).unwrap();
    fs::create_dir_all(path.join("in the way")).unwrap();
    alone.take_over(&ours, &common).unwrap_err();
    fs::remove_dir_all(path).unwrap();
    fs::write(path, text).unwrap();
    drop(alone);
    let other = a.adds();
    sleep(BEAT).await;
    let b = b.again(&store).await;
    sleep(BEAT).await;
    for process in [&a, &b] {
        assert!(!process.knows(&key) && process.knows(&kept) && process.knows(&other));
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_the_same_number_and_is_something_else_is_seen() {
    let elsewhere = Memory::new();
    let stranger = Process::begun(&elsewhere, "c").await;
    let other = stranger.adds();
    sleep(BEAT).await;
    let foreign = elsewhere.read_rights().await.unwrap().unwrap();
    for was_away in [true, false] {
        let store = Memory::new();
        let a = Process::begun(&store, "a").await;
        let key = a.adds();
        sleep(BEAT).await;
        assert_eq!((a.version(), foreign.version), (Some(1), 1));
        if was_away {
            store.set_trouble(Trouble::Away);
            sleep(BEAT).await;
            store.set_trouble(Trouble::None);
            assert!(store.set_rights(1, &foreign).await.unwrap());
        } else {
            // Between two heartbeats.
            store.flush();
            assert!(store.set_rights(0, &foreign).await.unwrap());
        }
        sleep(2 * BEAT).await;
        assert!(a.knows(&key) && !a.knows(&other), "{was_away}");
        assert_eq!(a.version(), Some(2), "{was_away}");
        assert_eq!(store.read_rights().await.unwrap().unwrap().version, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_confirms_nothing() {
    let store = Memory::new();
    let mut a = Process::begun(&store, "a").await;
    let key = a.adds();
    sleep(BEAT).await;
    let identity = a.cluster.options().secret.mac(COMMON, "p");
    let confirmed = |process: &Process| {
        process.keyring.store().lock_alone().unwrap().confirmed_at(&identity).unwrap().unwrap().elapsed()
    };
    assert!(confirmed(&a).unwrap() < HOUR / 4, "the wall clock goes on");
    store.set_trouble(Trouble::Away);
    for (ago, counts) in [(HOUR / 2, true), (2 * HOUR, false)] {
        let at = SystemTime::now().checked_sub(ago).unwrap();
        a.keyring.store().write_confirmed(&identity, at).unwrap();
        a = a.again(&store).await;
        assert_eq!(a.knows(&key), counts);
        sleep(HOUR / 2 + BEAT).await;
        assert!(!a.knows(&key));
    }
    let why = a.keyring.find_principal(key.reveal(), SystemTime::now()).unwrap_err();
    assert!(matches!(why, Unknown::Unconfirmed { seconds: 9000.. }), "{why:?}");
    store.set_trouble(Trouble::None);
    sleep(BEAT).await;
    assert!(a.knows(&key) && confirmed(&a).unwrap() < HOUR / 4);
}

#[tokio::test(start_paused = true)]
async fn as_many_keys_and_users_as_may_be_fit_and_what_does_not_is_told() {
    let store = Memory::new();
    let mut a = Process::new(&store, "a");
    let key = |number: usize| KeyRecord {
        id: format!("{number:08x}"),
        name: format!("the key of the tablet in room {number}"),
        role: Role::Viewer,
        streams: vec![format!("room-{number}-*")],
        uses: Vec::new(),
        created: SystemTime::now(),
        expires: Some(SystemTime::now()),
        sha256: "ab".repeat(32),
        link_by: None,
    };
    let user = |number: usize| UserRecord {
        name: format!("user {number}"),
        role: Role::Viewer,
        streams: Vec::new(),
        uses: Vec::new(),
        created: SystemTime::now(),
        password: sightwire_access::password::hash("correct horse").unwrap(),
    };
    let first = user(0);
    let users = (0..MAX_USERS).map(|number| UserRecord { name: format!("user {number}"), ..first.clone() });
    let mut records =
        Records { version: VERSION, keys: (0..MAX_KEYS).map(key).collect(), users: users.collect() };
    a.keyring.store().lock_alone().unwrap().write_records(&records).unwrap();
    a.keyring.take_up().unwrap();
    a.begin().await;
    sleep(BEAT).await;
    assert_eq!((a.version(), a.cluster.rights_status().trouble), (Some(1), None));
    for key in &mut records.keys {
        key.streams = (0..8).map(|number| format!("{}{number}", "x".repeat(40))).collect();
    }
    a.keyring.store().lock_alone().unwrap().write_records(&records).unwrap();
    sleep(2 * BEAT).await;
    let why = a.cluster.rights_status().trouble.unwrap();
    assert!(why.contains("at most 4194304 in common") && why.contains("revoke keys"), "{why}");
    assert_eq!(a.version(), Some(1));
}
