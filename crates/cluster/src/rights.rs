//! Keys and users in common. The file of each process (`access.json`) is what that process goes by, and the store is where these
//! files meet: a process that changes its own sends the change there, and takes over what others have changed.
//!
//! What stands in the store has a MAC by the secret of the cluster: who can only write there makes no keys. It has the version in
//! it, so that what is older and comes back is known to be older.
//!
//! - `meet`: what is to be done with what stands here and there

mod meet;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sightwire_access::common::Common;
use sightwire_access::keyring::Keyring;
use sightwire_access::record::{MAX_KEYS, MAX_USERS, Records, VERSION};
use sightwire_access::store::{self as files, check_records};
use sightwire_base::{clock, lines};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;

use self::meet::{Base, Met, plan_merge};
use crate::cluster::{Cluster, Standing};
use crate::process::Instance;
use crate::store::{Change, Changed, MAX_RIGHTS_BYTES, Shared, StoreError};

/// How often it is tried at once, while others are always faster.
const TRIES: u32 = 5;
/// How often it is written down when keys and users were confirmed last.
const NOTED: Duration = Duration::from_secs(60);
/// Purposes of MACs.
const RIGHTS: &str = "rights";
const COMMON: &str = "common";

/// What the process's place among the others knows of it.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// By the last heartbeat.
    told: watch::Sender<Option<Told>>,
    status: Mutex<RightsStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    version: u64,
    asked: Instant,
}

impl Board {
    /// A heartbeat that was sent then was answered: this version is in common.
    pub(crate) fn record_version(&self, version: u64, asked: Instant) {
        self.told.send_replace(Some(Told { version, asked }));
    }
}

/// How it goes with keys and users in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RightsStatus {
    /// Which version counts here; 0: nobody has any. `None` before the first answer.
    pub version: Option<u64>,
    /// When it was known last that this version is the one that all have in common.
    pub confirmed: Option<Instant>,
    /// Why keys and users here may be others than elsewhere, although the store answers.
    pub trouble: Option<Arc<str>>,
}

impl Cluster {
    /// How it goes with keys and users in common.
    pub fn rights_status(&self) -> RightsStatus {
        self.rights.status.lock().clone()
    }
}

/// What keeps the keys and users of a process the same as the others'.
#[derive(Debug)]
pub struct Rights {
    cluster: Arc<Cluster>,
    keyring: Arc<Keyring>,
    prefix: Arc<str>,
    max_age: Duration,
    /// By which what was in common with these processes is told from what was with others.
    identity: String,
    /// When it was last written down that they were confirmed.
    noted: Mutex<Option<Instant>>,
}

/// Why keys and users here may be others than elsewhere.
#[derive(Debug, thiserror::Error)]
enum RightsError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own file cannot be read or written.
    #[error(transparent)]
    File(#[from] files::StoreError),
    /// Somebody else has written it.
    #[error(
        "what Redis has of keys and users ({{{prefix}}}:rights) was not written by a process with this secret, and is not believed: \
         those in this process's own file count; if it is known who wrote it, delete it there, and a process puts its own in its place"
    )]
    Forged { prefix: Arc<str> },
    /// The MAC is right, and it is not what we write.
    #[error(
        "what Redis has of keys and users cannot be used: {0}; have all processes run the same version of Sightwire"
    )]
    Unusable(String),
    #[error(
        "keys and users take {0} bytes, and processes can have at most {MAX_RIGHTS_BYTES} in common: what is changed here does not \
         count at the others; revoke keys that nobody needs (`sightwire keys revoke ID`)"
    )]
    TooLarge(usize),
    #[error("other processes change keys and users all the time; it was tried {TRIES} times")]
    Contended,
    /// The process ends, or something broke.
    #[error("keys and users cannot be looked at: {0}")]
    Broken(#[from] JoinError),
}

/// What stands in the store, but for its MAC.
#[derive(Deserialize, Serialize)]
struct Value {
    origin: String,
    records: Records,
}

/// What came of looking at both.
enum Step {
    /// They are the same, and this version. What counted here before and has nothing to do with it stands there now.
    Common { version: u64, aside: Option<PathBuf> },
    /// This has to be put into the store, in the place of version `before`; this process's own is all in it.
    Put { before: u64, new: Shared, own: meet::Shared },
}

impl Rights {
    /// Of the keys and users that `keyring` knows. They count for this long after they were last known to be those of all.
    /// `prefix` tells the cluster from others with its secret.
    pub fn new(
        cluster: Arc<Cluster>,
        keyring: Arc<Keyring>,
        prefix: Arc<str>,
        max_age: Duration,
    ) -> Arc<Self> {
        let identity = cluster.options().secret.mac(COMMON, &prefix);
        Arc::new(Self { cluster, keyring, prefix, max_age, identity, noted: Mutex::default() })
    }

    /// Until `stop`. To be awaited once, beside [`Cluster::run`].
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut told = self.cluster.rights.told.subscribe();
        let mut changes = self.cluster.store.subscribe_changes();
        let mut own = self.keyring.changes();
        let this = self.clone();
        let last = spawn_blocking(move || this.last_confirmed()).await.ok().flatten();
        self.keyring.require_confirmation(self.max_age, last);
        // Which version is in common, and whether something may have become another one here or there.
        let (mut known, mut is_due) = (None, true);
        // Since when it is connected, by which connection, and after how many changes.
        let (mut connected, mut connection, mut changed) = (None, 0, 0);
        // How often in a row it was answered all but what it asked of keys and users.
        let mut unanswered = 0;
        loop {
            let mut heartbeat = None;
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                Ok(()) = told.changed() => {
                    heartbeat = *told.borrow_and_update();
                    heartbeat.map(|told| told.version)
                }
                another = self.cluster.store.wait_connected(connection) => {
                    (connection, is_due) = (another, true);
                    continue;
                }
                change = changes.recv() => match change {
                    Ok(Change { version, what }) => {
                        // Who counts anew knows nothing of before: what has the number of what is known may be something else.
                        // The next heartbeat tells whether this process may take part in that.
                        let is_anew = version <= changed;
                        is_due |= is_anew;
                        changed = version;
                        match what {
                            Changed::Rights(version) if !is_anew => Some(version),
                            _ => continue,
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        is_due = true;
                        continue;
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                Ok(()) = own.changed() => {
                    is_due = true;
                    known
                }
            };
            let (standing, since) = self.cluster.standing();
            if standing != Standing::Connected {
                is_due = true;
                continue;
            }
            // It may have been away while nothing was heard here.
            is_due |= connected.replace(since) != Some(since);
            if is_due || heard != known {
                // Before it is read: what changes meanwhile is looked at once more.
                own.mark_unchanged();
                let met = self.sync_records().await;
                is_due = met.is_err();
                let is_unanswered = heartbeat.is_some() && matches!(met, Err(RightsError::Store(_)));
                unanswered = if is_unanswered { unanswered + 1 } else { 0 };
                known = self.came_to(met, unanswered);
            }
            if let Some(told) = heartbeat.filter(|told| Some(told.version) == known) {
                self.confirm_rights(told.asked);
            }
        }
    }

    /// When it was known last, before this process began, that what was in common then is what counts here.
    fn last_confirmed(&self) -> Option<SystemTime> {
        let last = || {
            let alone = self.keyring.store().lock_alone()?;
            match alone.read_common()? {
                Some(common) if common.cluster == self.identity => alone.confirmed_at(&self.identity),
                _ => Ok(None),
            }
        };
        let warn = |why: &files::StoreError| {
            tracing::warn!("it is not known when keys and users were confirmed last: {why}");
        };
        last().inspect_err(warn).ok().flatten()
    }

    /// Makes keys and users here and there the same. Which version they are then, and when it was so.
    async fn sync_records(self: &Arc<Self>) -> Result<(u64, Instant), RightsError> {
        let store = &self.cluster.store;
        let (mut asked, mut theirs, mut sent) = (clock::now(), store.read_rights().await?, None);
        for _ in 0..=TRIES {
            let (this, base) = (self.clone(), sent.clone());
            match spawn_blocking(move || this.reconcile_files(base, theirs.as_ref())).await?? {
                Step::Common { version, aside } => {
                    if let Some(path) = aside {
                        tracing::warn!(
                            "the other processes have keys and users in common, and those count here from now on; what this \
                             process had before is kept in {}: add again what is still needed of it",
                            path.display()
                        );
                    }
                    return Ok((version, asked));
                }
                Step::Put { before, new, own } => {
                    asked = clock::now();
                    if store.set_rights(before, &new).await? {
                        theirs = Some(new);
                        sent = Some(own);
                    } else {
                        theirs = store.read_rights().await?;
                    }
                }
            }
        }
        Err(RightsError::Contended)
    }

    /// Looks at what stands here and there, and writes what is to stand here. `sent` was put into the store just now. Reads and
    /// writes files.
    fn reconcile_files(
        &self,
        sent: Option<meet::Shared>,
        theirs: Option<&Shared>,
    ) -> Result<Step, RightsError> {
        let theirs = theirs.map(|theirs| self.decode_shared(theirs)).transpose()?;
        let (files, mut has_changed, mut aside) = (self.keyring.store(), false, None);
        let alone = files.lock_alone()?;
        let kept = alone.read_common()?.filter(|common| common.cluster == self.identity);
        let ours = files.file_stamp()?.is_some().then(|| alone.load()).transpose()?;
        let ours = ours.map(|ours| Records { version: VERSION, ..ours });
        let is_after = |sent: &meet::Shared| {
            theirs.as_ref().is_some_and(|now| now.version >= sent.version && now.origin == sent.origin)
        };
        let base = sent
            .filter(is_after)
            .map(Base::Sent)
            .or_else(|| kept.as_ref().map(|kept| Base::Common(shared_from_common(kept))));
        let origin = || Instance::random().to_string();
        let (shared, is_foreign) = match plan_merge(base.as_ref(), ours.as_ref(), theirs.as_ref(), origin) {
            Met::Common { shared, is_foreign } => (shared, is_foreign),
            Met::Put { before, new } => {
                let own = ours.unwrap_or_else(|| new.records.clone());
                let own = meet::Shared { records: own, ..new.clone() };
                return Ok(Step::Put { before, new: self.encode_shared(new)?, own });
            }
        };
        let meet::Shared { version, origin, records } = shared;
        let (keys, users) = (records.keys.len(), records.users.len());
        let common = Common { cluster: self.identity.clone(), origin, version, records };
        let nothing = Records::default();
        let here = ours.as_ref().unwrap_or(&nothing);
        if *here != common.records {
            aside = is_foreign.then(|| alone.set_aside(here)).transpose()?;
            alone.take_over(here, &common)?;
            has_changed = true;
        } else if kept.as_ref() != Some(&common) {
            alone.write_common(&common)?;
        }
        drop(alone);
        if has_changed {
            tracing::info!(version, keys, users, "keys and users are as the other processes have them");
            self.keyring.take_up()?;
        }
        Ok(Step::Common { version, aside })
    }

    /// Notes what came of it; which version is in common. `unanswered`: how often in a row what was asked of keys and users was not
    /// answered while heartbeats were.
    fn came_to(self: &Arc<Self>, met: Result<(u64, Instant), RightsError>, unanswered: u32) -> Option<u64> {
        if let Ok((_, asked)) = &met {
            self.confirm_rights(*asked);
        }
        let mut status = self.cluster.rights.status.lock();
        let (version, trouble) = match met {
            Ok((version, _)) => (Some(version), None),
            // Once, it may have gone away since the heartbeat; and that is known by the next one.
            Err(RightsError::Store(why)) if unanswered > 1 => {
                let why =
                    format!("heartbeats are answered, and what is asked of keys and users is not: {why}");
                (None, Some(why.into()))
            }
            Err(RightsError::Store(why)) => {
                tracing::debug!("keys and users cannot be compared with the others': {why}");
                (None, status.trouble.clone())
            }
            Err(why) => (None, Some(lines::short_sentence(&why.to_string()).to_string().into())),
        };
        if trouble != status.trouble {
            if let Some(why) = &trouble {
                tracing::error!("keys and users may not be those of the other processes: {why}");
            } else {
                tracing::info!("keys and users are those of the other processes again");
            }
        }
        (status.version, status.trouble) = (version.or(status.version), trouble);
        version
    }

    fn confirm_rights(self: &Arc<Self>, then: Instant) {
        self.keyring.confirm(then);
        let mut status = self.cluster.rights.status.lock();
        status.confirmed = status.confirmed.max(Some(then));
        drop(status);
        let mut noted = self.noted.lock();
        if noted.is_none_or(|noted| clock::since(noted) >= NOTED) {
            *noted = Some(clock::now());
            let (this, age) = (self.clone(), clock::since(then));
            // What goes wrong is told there. The disk may be slow.
            drop(spawn_blocking(move || {
                let at = SystemTime::now().checked_sub(age)?;
                this.keyring.store().write_confirmed(&this.identity, at).ok()
            }));
        }
    }

    fn covered_text(&self, version: u64, text: &str) -> String {
        format!("{}\n{version}\n{text}", self.prefix)
    }

    fn encode_shared(&self, shared: meet::Shared) -> Result<Shared, RightsError> {
        let meet::Shared { version, origin, records } = shared;
        let text = serde_json::to_string(&Value { origin, records });
        let text = text.map_err(|error| RightsError::Unusable(error.to_string()))?;
        let mac = self.cluster.options().secret.mac(RIGHTS, &self.covered_text(version, &text));
        let value = format!("{mac} {text}");
        if value.len() > MAX_RIGHTS_BYTES {
            return Err(RightsError::TooLarge(value.len()));
        }
        Ok(Shared { version, value: value.into() })
    }

    fn decode_shared(&self, shared: &Shared) -> Result<meet::Shared, RightsError> {
        let version = shared.version;
        let is_ours = |(mac, text): &(&str, &str)| {
            version > 0
                && self.cluster.options().secret.is_valid_mac(RIGHTS, &self.covered_text(version, text), mac)
        };
        let parts = shared.value.split_once(' ').filter(is_ours);
        let (_, text) = parts.ok_or_else(|| RightsError::Forged { prefix: self.prefix.clone() })?;
        let value = serde_json::from_str::<Value>(text);
        let Value { origin, records } = value.map_err(|error| RightsError::Unusable(error.to_string()))?;
        let unusable = |why: &str| Err(RightsError::Unusable(why.to_owned()));
        if records.version > VERSION {
            return unusable("it was written by a newer Sightwire");
        }
        if records.keys.len() > MAX_KEYS || records.users.len() > MAX_USERS {
            return unusable("there are too many");
        }
        check_records(&records).map_err(|error| RightsError::Unusable(error.to_string()))?;
        Ok(meet::Shared { version, origin, records: Records { version: VERSION, ..records } })
    }
}

fn shared_from_common(common: &Common) -> meet::Shared {
    let Common { version, origin, records, .. } = common.clone();
    meet::Shared { version, origin, records: Records { version: VERSION, ..records } }
}

#[cfg(test)]
mod tests;
