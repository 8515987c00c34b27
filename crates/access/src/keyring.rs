//! Who is known now: the keys and users of the store.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Role;
use crate::confirmed::Confirmed;
use crate::credential::Credential;
use crate::key::{Key, KeyHash};
use crate::password;
use crate::principal::{Principal, Rules, Unknown, Who};
use crate::recent::Recent;
use crate::record::{KeyRecord, Records, UserRecord, fold_name};
use crate::scope::Scope;
use crate::store::{Stamp, Store, StoreError};

/// How often it is looked whether keys were added, revoked or have expired. Half of what is promised.
pub(crate) const EVERY: Duration = Duration::from_millis(500);
/// Names of users who are not in the store and whom a proxy has let in lately.
const MAX_NAMED: usize = 10_000;

/// The keys and users of the store, ready to be looked up.
#[derive(Debug)]
pub struct Keyring {
    store: Store,
    rules: Arc<Rules>,
    /// Comes before `named`: no user becomes known from the store while one of that name becomes known by a proxy alone.
    known: RwLock<Known>,
    /// Users whom only a proxy knows, by their [`fold_name`] names.
    named: Mutex<Recent<Box<str>, Arc<str>>>,
    /// One reads the store at a time, so that what is older never replaces what is newer. Comes before `known`.
    taking_up: Mutex<()>,
    unread: LogThrottle,
    /// How often something has changed.
    changes: watch::Sender<u64>,
    /// Only where others may have revoked what is known here.
    confirmed: OnceLock<Confirmed>,
}

#[derive(Debug, Default)]
struct Known {
    stamp: Option<Stamp>,
    keys: HashMap<Box<str>, KnownKey>,
    users: Vec<KnownUser>,
}

#[derive(Debug)]
struct KnownUser {
    record: UserRecord,
    /// [`fold_name`].
    name: Option<Box<str>>,
    principal: Arc<Principal>,
    credential: Arc<Credential>,
}

/// What counts no more.
#[derive(Debug)]
struct Gone {
    what: String,
    credential: Arc<Credential>,
}

#[derive(Debug)]
struct KnownKey {
    record: KeyRecord,
    hash: KeyHash,
    principal: Arc<Principal>,
    credential: Arc<Credential>,
}

impl KnownKey {
    fn valid_principal(&self, now: SystemTime) -> Result<Arc<Principal>, Unknown> {
        if self.record.has_expired(now) { Err(Unknown::Expired) } else { Ok(self.principal.clone()) }
    }
}

impl Keyring {
    /// Reads the store. An error where it cannot be used: then nobody could be told from anybody.
    pub fn open(store: Store, rules: Arc<Rules>) -> Result<Self, StoreError> {
        let keyring = Self {
            store,
            rules,
            known: RwLock::default(),
            named: Mutex::new(Recent::new(MAX_NAMED)),
            taking_up: Mutex::new(()),
            unread: LogThrottle::new(),
            changes: watch::Sender::new(0),
            confirmed: OnceLock::new(),
        };
        keyring.take_up()?;
        Ok(keyring)
    }

    /// Where keys are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// From now on keys and users count only while it is confirmed that they still do, again and again within `max_age`. Until
    /// then they are taken to have been confirmed at `last`; where that is not known or still to come, now.
    pub fn require_confirmation(&self, max_age: Duration, last: Option<SystemTime>) {
        // Twice is once.
        let _ = self.confirmed.set(Confirmed::new(max_age, last));
    }

    /// They did count then.
    pub fn confirm(&self, then: Instant) {
        if let Some(confirmed) = self.confirmed.get() {
            confirmed.confirm_at(then);
        }
    }

    /// How long ago it was confirmed that keys and users count; `None` where that is not needed.
    pub fn confirmed_since(&self) -> Option<Duration> {
        self.confirmed.get().map(Confirmed::age)
    }

    /// An error where keys and users have not been confirmed for too long.
    pub fn check_confirmed(&self) -> Result<(), Unknown> {
        match self.confirmed.get().and_then(Confirmed::too_old) {
            Some(age) => Err(Unknown::Unconfirmed { seconds: age.as_secs() }),
            None => Ok(()),
        }
    }

    /// Tells when anybody has changed keys or users.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The principal that has this key.
    pub fn find_principal(&self, text: &str, now: SystemTime) -> Result<Arc<Principal>, Unknown> {
        let key = Key::parse(text).map_err(|_| Unknown::NotAKey)?;
        let known = self.known.read();
        let known = known.keys.get(key.id()).filter(|known| known.hash.is_same(&key.hash()));
        let known = known.ok_or(Unknown::NotKnown)?;
        self.check_confirmed()?;
        known.valid_principal(now)
    }

    /// The principal that has the key of this id, for those who have been shown the way to it.
    pub fn of_id(&self, id: &str, now: SystemTime) -> Result<Arc<Principal>, Unknown> {
        let known = self.known.read();
        let known = known.keys.get(id).ok_or(Unknown::NotKnown)?;
        self.check_confirmed()?;
        known.valid_principal(now)
    }

    /// The user of that name and password, which is compared for as long where there is none of that name. Takes tens of
    /// milliseconds and 19 MiB: not for threads that serve others. Whether users count now is another question:
    /// [`Self::check_confirmed`].
    pub fn find_user(&self, name: &str, password: &str) -> Option<Arc<Principal>> {
        let name = fold_name(name);
        let found = {
            let known = self.known.read();
            let user = known.users.iter().find(|user| name.is_some() && user.name == name);
            user.map(|user| (user.record.password.clone(), user.principal.clone()))
        };
        let is_it = password::is_correct(password, found.as_ref().map(|(hash, _)| hash.as_str()));
        found.filter(|_| is_it).map(|(_, principal)| principal)
    }

    /// The one who has that name by a proxy's word: the user of that name, or one with that role who is in no store; with none, nobody
    /// else.
    pub fn find_named(&self, name: &str, role: Option<Role>) -> Result<Arc<Principal>, Unknown> {
        // What Apache sends for nobody.
        let folded = fold_name(name).filter(|name| **name != *"(null)").ok_or(Unknown::ProxiedName)?;
        let known = self.known.read();
        let user = known.users.iter().find(|user| user.name.as_ref() == Some(&folded));
        if let Some(user) = user {
            self.check_confirmed()?;
            return Ok(user.principal.clone());
        }
        let role = role.ok_or(Unknown::NoUser)?;
        // Nobody is added to the store meanwhile.
        let mut named = self.named.lock();
        if let Some((principal, _)) = named.get(&folded) {
            return Ok(principal.clone());
        }
        let (shown, credential) = (Arc::<str>::from(&*folded), Some(Arc::default()));
        let who = Who::Proxied { name: shown.clone() };
        let principal = Arc::new(Principal::new(who, role, Scope::ALL, self.rules.clone(), credential));
        named.insert(folded, principal.clone(), shown);
        Ok(principal)
    }

    /// Takes up what has changed in the store, and ends what is served because of keys that count no more. Reads files.
    pub fn take_up(&self) -> Result<(), StoreError> {
        let _alone = self.taking_up.lock();
        // Before it is read: what changes meanwhile is seen the next time.
        let stamp = self.store.file_stamp()?;
        let is_another = stamp != self.known.read().stamp;
        if !is_another && stamp.is_some() {
            return Ok(());
        }
        let records = self.store.load()?;
        let gone = self.replace_records(stamp, records)?;
        if is_another {
            self.changes.send_modify(|changes| *changes += 1);
        }
        for Gone { what, credential } in gone {
            let ended = credential.revoke();
            tracing::info!(ended, "{what} counts no more");
        }
        Ok(())
    }

    /// Those of before that count no more, or count as something else.
    fn replace_records(&self, stamp: Option<Stamp>, records: Records) -> Result<Vec<Gone>, StoreError> {
        let mut known = self.known.write();
        let mut before = std::mem::take(&mut known.keys);
        for record in records.keys {
            let key = match before.remove(record.id.as_str()) {
                Some(key) if key.record == record => key,
                changed => {
                    before.extend(changed.map(|key| (key.record.id.as_str().into(), key)));
                    self.known_key(record)?
                }
            };
            known.keys.insert(key.record.id.as_str().into(), key);
        }
        let mut users = std::mem::take(&mut known.users);
        for record in records.users {
            let stays = users.iter().position(|user| user.record == record);
            let user = match stays {
                Some(at) => users.swap_remove(at),
                None => self.known_user(record)?,
            };
            known.users.push(user);
        }
        known.stamp = stamp;
        // A user whom only a proxy knew until now may do from now on what the store says.
        let is_known = |name: &Arc<str>| known.users.iter().any(|user| user.name.as_deref() == Some(&**name));
        let named = self.named.lock().take_if(is_known).into_iter().map(|credential| {
            let what = "a user whom only a proxy knew before".to_owned();
            Gone { what, credential }
        });
        let keys = before.into_values().map(|key| {
            let what = format!("the key {} ({:?})", key.record.id, key.record.name);
            Gone { what, credential: key.credential }
        });
        let users = users.into_iter().map(|user| Gone {
            what: format!("the user {:?}, as it was,", user.record.name),
            credential: user.credential,
        });
        Ok(keys.chain(users).chain(named).collect())
    }

    fn known_user(&self, record: UserRecord) -> Result<KnownUser, StoreError> {
        let (who, credential) =
            (Who::User { name: record.name.as_str().into() }, Arc::<Credential>::default());
        let (role, rules) = (record.role, self.rules.clone());
        let principal = Principal::new(who, role, record.scope()?, rules, Some(credential.clone()));
        let name = fold_name(&record.name);
        Ok(KnownUser { record, name, principal: Arc::new(principal), credential })
    }

    fn known_key(&self, record: KeyRecord) -> Result<KnownKey, StoreError> {
        let credential = Arc::new(Credential::default());
        let who = Who::Key { id: record.id.as_str().into(), name: record.name.as_str().into() };
        let (role, scope, hash) = (record.role, record.scope()?, record.hash()?);
        let principal =
            Arc::new(Principal::new(who, role, scope, self.rules.clone(), Some(credential.clone())));
        Ok(KnownKey { record, hash, principal, credential })
    }

    /// Ends what is served because of keys that have expired.
    pub fn expire_keys(&self, now: SystemTime) {
        let known = self.known.read();
        for key in known.keys.values().filter(|key| key.record.has_expired(now)) {
            // They stay in the list: a client that uses one is told that it has expired.
            let ended = key.credential.revoke();
            if ended > 0 {
                tracing::info!(ended, "the key {} ({:?}) has expired", key.record.id, key.record.name);
            }
        }
    }

    /// Looks again and again until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let this = self.clone();
            // The disk may be slow.
            let looked = tokio::task::spawn_blocking(move || this.take_up()).await;
            if let Ok(Err(error)) = looked
                && let Some(unsaid) = self.unread.admit_line(clock::now())
            {
                sightwire_base::disk::count_failure();
                let error = lines::short_sentence(&error.to_string()).to_string();
                tracing::error!(unsaid, "keys stay as they were: {error}");
            }
            self.expire_keys(SystemTime::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Act as _, WatchStream};
    use crate::record::{NewKey, NewUser};

    fn add(store: &Store, expires: Option<SystemTime>) -> Key {
        let wanted = NewKey { name: None, role: Role::Viewer, scope: Scope::ALL, expires };
        store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, SystemTime::now())?.0)).unwrap()
    }

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let home = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(Store::in_folder(home.path()), Arc::default()).unwrap();
        (home, keyring)
    }

    fn find(keyring: &Keyring, key: &str) -> Result<Arc<Principal>, Unknown> {
        keyring.find_principal(key, SystemTime::now())
    }

    #[test]
    fn a_key_counts_from_when_it_is_in_the_store_until_it_is_revoked() {
        let (_home, keyring) = keyring();
        let key = add(&keyring.store, None);
        assert_eq!(find(&keyring, key.reveal()).unwrap_err(), Unknown::NotKnown);
        keyring.take_up().unwrap();
        let principal = find(&keyring, key.reveal()).unwrap();
        assert!(principal.check_action(&WatchStream::ACTION).is_ok());

        let end = CancellationToken::new();
        let _hold = principal.credential().unwrap().hold(end.clone());
        let other = add(&keyring.store, None);
        keyring.take_up().unwrap();
        assert!(!end.is_cancelled(), "another key changes nothing for this one");
        keyring.store.update(|r| Ok::<_, StoreError>(r.revoke_key(key.id()))).unwrap();
        keyring.take_up().unwrap();
        assert!(end.is_cancelled());
        assert_eq!(find(&keyring, key.reveal()).unwrap_err(), Unknown::NotKnown);
        assert!(find(&keyring, other.reveal()).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_key_opened_ends_within_a_second_after_it_is_revoked_by_whomever() {
        let (_home, keyring) = keyring();
        let keyring = Arc::new(keyring);
        let (stop, store) = (CancellationToken::new(), keyring.store().clone());
        let running = tokio::spawn(keyring.clone().run(stop.clone()));
        for pause_ms in [10, 250, 490, 510] {
            let key = add(&store, None);
            keyring.take_up().unwrap();
            let end = CancellationToken::new();
            let _hold = find(&keyring, key.reveal()).unwrap().credential().unwrap().hold(end.clone());
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            let revoked = tokio::time::Instant::now();
            store.update(|r| Ok::<_, StoreError>(r.revoke_key(key.id()))).unwrap();
            end.cancelled().await;
            let took = revoked.elapsed();
            assert!(took <= Duration::from_secs(1), "{took:?}");
        }
        stop.cancel();
        running.await.unwrap();
    }

    #[test]
    fn a_key_that_may_less_than_before_is_cut_off_and_may_come_again() {
        let (_home, keyring) = keyring();
        let key = add(&keyring.store, None);
        keyring.take_up().unwrap();
        let end = CancellationToken::new();
        let principal = find(&keyring, key.reveal()).unwrap();
        let _hold = principal.credential().unwrap().hold(end.clone());
        keyring
            .store
            .update(|r| {
                r.keys[0].streams = vec!["gate".into()];
                Ok::<_, StoreError>(())
            })
            .unwrap();
        keyring.take_up().unwrap();
        assert!(end.is_cancelled());
        let principal = find(&keyring, key.reveal()).unwrap();
        assert!(principal.check_stream_action(&WatchStream::ACTION, "yard", None).is_err());
    }

    #[test]
    fn an_expired_key_is_told_so_and_ends_what_it_opened() {
        let (_home, keyring) = keyring();
        let soon = SystemTime::now() + Duration::from_secs(60);
        let key = add(&keyring.store, Some(soon));
        keyring.take_up().unwrap();
        let end = CancellationToken::new();
        let _hold = find(&keyring, key.reveal()).unwrap().credential().unwrap().hold(end.clone());
        keyring.expire_keys(SystemTime::now());
        assert!(!end.is_cancelled());
        let later = soon + Duration::from_secs(1);
        keyring.expire_keys(later);
        assert!(end.is_cancelled());
        assert_eq!(keyring.find_principal(key.reveal(), later).unwrap_err(), Unknown::Expired);
    }

    #[test]
    fn a_user_is_known_by_name_and_password_until_either_changes() {
        let (_home, keyring) = keyring();
        let change = |change: &dyn Fn(&mut Records)| {
            keyring
                .store
                .update(|records| {
                    change(records);
                    Ok::<_, StoreError>(())
                })
                .unwrap();
            keyring.take_up().unwrap();
        };
        let hash = password::hash("correct horse").unwrap();
        let wanted = NewUser { name: "Anna".into(), role: Role::Operator, scope: Scope::ALL, password: hash };
        change(&|records| {
            records.add_user(wanted.clone(), SystemTime::now()).unwrap();
        });
        let anna = keyring.find_user("anna", "correct horse").unwrap();
        assert_eq!((anna.role(), anna.who().to_string()), (Some(Role::Operator), "the user Anna".into()));
        assert!(
            keyring.find_user("anna", "wrong horse").is_none()
                && keyring.find_user("otto", "correct horse").is_none()
        );
        let end = CancellationToken::new();
        let session = anna.credential().unwrap().new_child();
        let _hold = session.hold(end.clone());
        let other = NewKey { name: None, role: Role::Viewer, scope: Scope::ALL, expires: None };
        change(&|records| {
            records.add_key(&other, SystemTime::now()).unwrap();
        });
        assert!(!end.is_cancelled());
        change(&|records| records.users[0].role = Role::Viewer);
        assert!(end.is_cancelled());
        assert_eq!(keyring.find_user("anna", "correct horse").unwrap().role(), Some(Role::Viewer));
    }

    #[test]
    fn a_user_whom_only_a_proxy_knows_may_what_the_store_says_once_it_knows_them() {
        let (_home, keyring) = keyring();
        let change = |change: &dyn Fn(&mut Records)| {
            let changed = keyring.store.update(|records| {
                change(records);
                Ok::<_, StoreError>(())
            });
            changed.unwrap();
            keyring.take_up().unwrap();
        };
        let named = |name: &str| keyring.find_named(name, Some(Role::Operator)).unwrap();
        let anna = named(" Anna");
        assert_eq!(anna.who().to_string(), "the user anna of the proxy");
        assert_eq!((anna.role(), anna.scope()), (Some(Role::Operator), &Scope::ALL));
        assert!(Arc::ptr_eq(&anna, &named("ANNA")) && !Arc::ptr_eq(&anna, &named("otto")));
        let [of_anna, of_otto] = [(); 2].map(|()| CancellationToken::new());
        let _anna = anna.credential().unwrap().hold(of_anna.clone());
        let _otto = named("otto").credential().unwrap().hold(of_otto.clone());
        let password = password::hash("correct horse").unwrap();
        let scope = Scope::new(["gate"], []).unwrap();
        let wanted = NewUser { name: "Anna".into(), role: Role::Viewer, scope: scope.clone(), password };
        change(&|records| {
            records.add_user(wanted.clone(), SystemTime::now()).unwrap();
        });
        assert!(of_anna.is_cancelled() && !of_otto.is_cancelled());
        let anna = named("anna");
        assert_eq!(anna.who().to_string(), "the user Anna");
        assert_eq!((anna.role(), anna.scope()), (Some(Role::Viewer), &scope));
        let of_anna = CancellationToken::new();
        let _anna = anna.credential().unwrap().hold(of_anna.clone());
        change(&|records| drop(records.remove_user("anna")));
        assert!(of_anna.is_cancelled() && named("anna").role() == Some(Role::Operator));
        for wrong in ["", " ", "a\nb", &"x".repeat(65)] {
            let why = keyring.find_named(wrong, Some(Role::Viewer)).unwrap_err();
            assert_eq!(why, Unknown::ProxiedName, "{wrong:?}");
        }
        assert_eq!(keyring.find_named("anna", None).unwrap_err(), Unknown::NoUser);
        change(&|records| {
            records.add_user(wanted.clone(), SystemTime::now()).unwrap();
        });
        assert_eq!(keyring.find_named("anna", None).unwrap().role(), Some(Role::Viewer));
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_to_be_confirmed_counts_as_long_as_it_is() {
        let (_home, keyring) = keyring();
        let key = add(&keyring.store, None);
        let password = password::hash("correct horse").unwrap();
        let wanted = NewUser { name: "Anna".into(), role: Role::Viewer, scope: Scope::ALL, password };
        let added = |r: &mut Records| Ok::<_, StoreError>(r.add_user(wanted, SystemTime::now())?.clone());
        keyring.store.update(added).unwrap();
        keyring.take_up().unwrap();
        let hour = Duration::from_secs(3600);
        tokio::time::sleep(2 * hour).await;
        assert!(find(&keyring, key.reveal()).is_ok() && keyring.confirmed_since().is_none(), "alone");
        keyring.require_confirmation(hour, None);
        tokio::time::sleep(hour).await;
        assert!(find(&keyring, key.reveal()).is_ok(), "it counts as confirmed at first");
        let heard = clock::now();
        keyring.confirm(heard);
        keyring.confirm(heard.checked_sub(hour).unwrap());
        tokio::time::sleep(hour).await;
        assert!(find(&keyring, key.reveal()).is_ok() && keyring.find_named("anna", None).is_ok());
        tokio::time::sleep(Duration::from_secs(60)).await;
        let why = Unknown::Unconfirmed { seconds: 3660 };
        assert_eq!(find(&keyring, key.reveal()).unwrap_err(), why);
        assert_eq!(keyring.of_id(key.id(), SystemTime::now()).unwrap_err(), why);
        assert_eq!(keyring.find_named("anna", None).unwrap_err(), why);
        assert!(keyring.find_named("otto", Some(Role::Viewer)).is_ok(), "the proxy says so, nobody else");
        assert!(why.to_string().contains("for 61 min"), "{why}");
        let other = Key::generate().unwrap();
        assert_eq!(find(&keyring, other.reveal()).unwrap_err(), Unknown::NotKnown);
        keyring.confirm(clock::now());
        assert!(find(&keyring, key.reveal()).is_ok());
    }

    #[test]
    fn whoever_waits_for_changes_hears_of_each() {
        let (_home, keyring) = keyring();
        let mut changes = keyring.changes();
        changes.mark_unchanged();
        keyring.take_up().unwrap();
        assert!(!changes.has_changed().unwrap());
        add(&keyring.store, None);
        keyring.take_up().unwrap();
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn a_wrong_secret_with_the_right_id_is_not_known() {
        let (_home, keyring) = keyring();
        let key = add(&keyring.store, None);
        keyring.take_up().unwrap();
        let other = Key::generate().unwrap();
        let (_, secret) = other.reveal().split_at(12);
        let forged = format!("sw_{}_{secret}", key.id());
        assert_eq!(find(&keyring, &forged).unwrap_err(), Unknown::NotKnown);
        assert_eq!(find(&keyring, "sw_x").unwrap_err(), Unknown::NotAKey);
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_registry_takes_changes_up_and_keeps_what_it_knows_of_a_spoilt_file() {
        let log = sightwire_base::captured::capture_log();
        let (_home, keyring) = keyring();
        let (keyring, stop) = (Arc::new(keyring), CancellationToken::new());
        let running = tokio::spawn(keyring.clone().run(stop.clone()));
        let key = add(&keyring.store, None);
        while find(&keyring, key.reveal()).is_err() {
            tokio::time::sleep(EVERY).await;
        }
        std::fs::write(keyring.store.path(), "{").unwrap();
        while log.lines_with("keys stay as they were").is_empty() {
            tokio::time::sleep(EVERY).await;
        }
        assert!(find(&keyring, key.reveal()).is_ok());
        std::fs::remove_file(keyring.store.path()).unwrap();
        while find(&keyring, key.reveal()).is_ok() {
            tokio::time::sleep(EVERY).await;
        }
        stop.cancel();
        running.await.unwrap();
    }
}
