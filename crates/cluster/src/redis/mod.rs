//! A store in Redis: one connection, over which it is asked and tells of changes. Redis's clock decides what counts. Keys and
//! users, which may take megabytes, are asked for over a connection of their own each time, so that no heartbeat waits behind them.
//!
//! What it keeps has the same first part in all names, `{PREFIX}:`.
//!
//! | key | holds |
//! | --- | --- |
//! | `meta` (hash) | `format`, `epoch`, and `check`, by which a wrong secret is seen; also the channel of changes |
//! | `count` (hash) | `version`: changes so far; `fence`: the highest token |
//! | `processes` (hash) | by name: instance, URL, JSON |
//! | `until` (sorted set) | by name: until when the last heartbeat counts |
//! | `streams` (hash) | by name: as in [`Entry::to_value`](crate::entry::Entry::to_value) |
//! | `rights` (string) | the keys and users in common: their version, a space, and what is in [`Shared::value`] |
//!
//! - [`connect`]: one connection; [`scripts`]: what is asked, and the answers; [`heard`]: what is told, and what is believed
//! - [`queue`]: work in common

mod connect;
mod heard;
mod queue;
mod scripts;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Script, ScriptInvocation, Value};
use rustls::ClientConfig;
use sightwire_base::clock;
use sightwire_base::histogram::{Histogram, HistogramSnapshot};
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

pub use self::connect::UrlError;
use self::connect::{Address, Driver, away_error};
use self::heard::Heard;
use self::queue::QueueScripts;
use self::scripts::{Answer, Keys, Scripts};
use crate::entry::Token;
use crate::memory::FORGOTTEN_AFTER;
use crate::process::Instance;
use crate::store::{
    Asked, Beat, Change, Claim, Claimed, Heartbeat, Keep, Kept, MAX_RIGHTS_BYTES, Refusal, Shared, Snapshot,
    Store, StoreError,
};

/// Longest time that an answer takes. Then the connection is given up: what is behind it may stand still for longer.
pub const ANSWER: Duration = Duration::from_millis(500);
/// Longest time that an answer about keys and users takes. What is late is given up alone.
pub const RIGHTS_ANSWER: Duration = Duration::from_secs(5);
/// Between attempts to connect: the first time, and at most. Each is up to a third shorter, so that not all processes come at
/// once.
const PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Which Redis, and what of it.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://`, `rediss://` (over TLS) or `redis+unix://`, with user and password.
    pub url: String,
    /// What is ours there: all our names begin with it. Processes with the same one act as one.
    pub prefix: Arc<str>,
    /// Whom to trust over TLS; asked for by `rediss://`.
    pub trust: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trust = self.trust.is_some();
        f.debug_struct("RedisOptions")
            .field("prefix", &self.prefix)
            .field("trust", &trust)
            .finish_non_exhaustive()
    }
}

/// A store in Redis. It is connected while [`run`](Self::run) runs, and otherwise says that it is not.
pub struct Redis {
    address: Address,
    scripts: Scripts,
    queue: QueueScripts,
    heard: Arc<Heard>,
    link: watch::Sender<Link>,
    counts: Counts,
}

/// The connection, or why there is none.
#[derive(Clone)]
enum Link {
    /// None was tried so far.
    New,
    Up {
        connection: MultiplexedConnection,
        /// Which of all connections.
        number: u64,
        since: Instant,
        version: Arc<str>,
    },
    Down {
        since: Instant,
        why: StoreError,
    },
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    failures: AtomicU64,
    answers: Histogram,
}

/// What was counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisCounts {
    /// Connections that were made.
    pub connections: u64,
    /// Connections that were lost or given up, and attempts that failed.
    pub failures: u64,
    /// How long answers took.
    pub answers: HistogramSnapshot,
}

/// Whether there is a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisStatus {
    /// None was tried so far.
    New,
    /// There is a connection.
    Connected {
        /// Since when there is one.
        since: Instant,
        /// The version of the Redis at its other end.
        version: Arc<str>,
    },
    /// There is no connection.
    Away {
        /// Since when there is none.
        since: Instant,
        /// Why the last attempt failed.
        why: StoreError,
    },
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = &self.scripts.keys.prefix;
        f.debug_struct("Redis")
            .field("address", &self.address)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

/// No connection outlives what drives it, however that ends.
struct Ended<'a>(&'a Redis);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.set_down(None, away_error("this process has stopped asking"));
    }
}

impl Redis {
    /// Asks nothing yet: the connection is made when it is driven.
    pub fn new(options: RedisOptions) -> Result<Arc<Self>, UrlError> {
        let scripts = Scripts::new(Keys::with_prefix(&options.prefix));
        Ok(Arc::new(Self {
            address: Address::from_url(&options.url, options.trust)?,
            heard: Arc::new(Heard::new(scripts.keys.channel())),
            queue: QueueScripts::new(&scripts.keys.prefix),
            scripts,
            link: watch::Sender::new(Link::New),
            counts: Counts::default(),
        }))
    }

    /// Host and port, or the path of its socket.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Whether there is a connection now.
    pub fn status(&self) -> RedisStatus {
        match &*self.link.borrow() {
            Link::New => RedisStatus::New,
            Link::Up { since, version, .. } => {
                RedisStatus::Connected { since: *since, version: version.clone() }
            }
            Link::Down { since, why } => RedisStatus::Away { since: *since, why: why.clone() },
        }
    }

    /// Waits until there is a connection other than the one before, which `number` tells of (0: none), and answers its own.
    /// A task that waits here hears at once that Redis is back.
    pub async fn wait_connected(&self, number: u64) -> u64 {
        let another = |link: &Link| matches!(link, Link::Up { number: now, .. } if *now != number);
        // The sender is ours, so it is never gone.
        match self.link.subscribe().wait_for(another).await.as_deref() {
            Ok(Link::Up { number, .. }) => *number,
            _ => number,
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> RedisCounts {
        let Counts { connections, failures, answers } = &self.counts;
        RedisCounts {
            connections: connections.load(Ordering::Relaxed),
            failures: failures.load(Ordering::Relaxed),
            answers: answers.snapshot(),
        }
    }

    /// Connects, and again whenever that fails, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let _ended = Ended(self);
        let _ = stop.run_until_cancelled(self.connect_for_ever()).await;
    }

    async fn connect_for_ever(&self) {
        let mut pause = PAUSE;
        loop {
            let begun = clock::now();
            let why = self.run_connection().await;
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
            debug!("no connection to Redis: {why}");
            self.set_down(None, why);
            // One that held for a while says that the trouble before is over.
            if clock::since(begun) > MAX_PAUSE {
                pause = PAUSE;
            }
            tokio::time::sleep(pause.mul_f64(1.0 - fastrand::f64() / 3.0)).await;
            pause = (2 * pause).min(MAX_PAUSE);
        }
    }

    /// One connection, from its beginning to its end; why it ended, or was none.
    async fn run_connection(&self) -> StoreError {
        let (connection, mut driver) = match self.address.dial(self.heard.clone()).await {
            Ok(made) => made,
            Err(why) => return why,
        };
        let version = match self.greet_server(&connection, &mut driver).await {
            Ok(version) => version,
            Err(why) => return why,
        };
        let number = 1 + self.counts.connections.fetch_add(1, Ordering::Relaxed);
        debug!("connected to Redis {version} at {}", self.address);
        let mut link = self.link.subscribe();
        self.link.send_replace(Link::Up { connection, number, since: clock::now(), version });
        let given_up = async {
            match link.wait_for(|link| !matches!(link, Link::Up { .. })).await.as_deref() {
                Ok(Link::Down { why, .. }) => why.clone(),
                _ => self.address.lost_error(),
            }
        };
        tokio::select! {
            () = driver => self.address.lost_error(),
            why = given_up => why,
        }
    }

    async fn greet_server(
        &self,
        connection: &MultiplexedConnection,
        driver: &mut Driver,
    ) -> Result<Arc<str>, StoreError> {
        let mut connection = connection.clone();
        let channel = self.scripts.keys.channel();
        tokio::select! {
            greeted = self.address.greet_server(&mut connection, &channel) => greeted,
            () = driver => Err(self.address.lost_error()),
        }
    }

    /// There is no connection any more; if a number is given, only if it is that one.
    fn set_down(&self, which: Option<u64>, why: StoreError) {
        self.link.send_if_modified(|link| {
            let since = match link {
                Link::Up { number, .. } if which.is_some_and(|which| which != *number) => return false,
                Link::Down { .. } if which.is_some() => return false,
                Link::Down { since, .. } => *since,
                Link::New | Link::Up { .. } => clock::now(),
            };
            *link = Link::Down { since, why };
            true
        });
    }

    /// The connection, or why there is none. Only the very first one is waited for.
    async fn current_connection(&self) -> Result<(MultiplexedConnection, u64), StoreError> {
        let mut link = self.link.subscribe();
        match link.wait_for(|link| !matches!(link, Link::New)).await.as_deref() {
            Ok(Link::Up { connection, number, .. }) => Ok((connection.clone(), *number)),
            Ok(Link::Down { why, .. }) => Err(why.clone()),
            _ => Err(self.address.lost_error()),
        }
    }

    /// As [`Self::current_connection`], within [`ANSWER`].
    async fn up_soon(&self) -> Result<(MultiplexedConnection, u64), StoreError> {
        let none = |_| Err(away_error(format!("there is no connection to {} yet", self.address)));
        timeout(ANSWER, self.current_connection()).await.unwrap_or_else(none)
    }

    fn ask_script<'a, T: Send + 'a>(
        &'a self,
        script: &'a Script,
        args: impl IntoIterator<Item = String>,
        read: impl FnOnce(&[Value]) -> Answer<T> + Send + 'a,
    ) -> Asked<'a, T> {
        self.ask_on(script, &self.scripts.keys.all, args, read)
    }

    /// Asks about these keys.
    fn ask_on<'a, T: Send + 'a>(
        &'a self,
        script: &'a Script,
        keys: &[String],
        args: impl IntoIterator<Item = String>,
        read: impl FnOnce(&[Value]) -> Answer<T> + Send + 'a,
    ) -> Asked<'a, T> {
        let asking = prepare_script(script, keys, args);
        Box::pin(async move {
            let begun = clock::now();
            let (mut connection, number) = self.up_soon().await?;
            let left = ANSWER.saturating_sub(clock::since(begun));
            let answer = timeout(left, asking.invoke_async::<Vec<Value>>(&mut connection));
            let Ok(answer) = answer.await else {
                let why = self.address.late_error(ANSWER);
                self.set_down(Some(number), why.clone());
                return Err(why);
            };
            self.counts.answers.record(clock::since(begun));
            match answer {
                Ok(answer) => read(&answer).unwrap_or_else(|| Err(self.address.odd_answer())),
                Err(error) => {
                    let why = self.address.command_error(&error);
                    // What was the primary is so no more: its name may lead to another one by now.
                    if why == StoreError::Refused(Refusal::Replica) {
                        self.set_down(Some(number), why.clone());
                    }
                    Err(why)
                }
            }
        })
    }

    /// As [`Self::ask_script`], for what may be long: while there is a connection, over another one, and nothing else is given up where
    /// that fails or is late.
    fn ask_apart<'a, T: Send + 'a>(
        &'a self,
        script: &'a Script,
        args: impl IntoIterator<Item = String>,
        read: impl FnOnce(&[Value]) -> Answer<T> + Send + 'a,
    ) -> Asked<'a, T> {
        let asking = prepare_script(script, &self.scripts.keys.all, args);
        let asked = async move {
            self.up_soon().await?;
            let (mut connection, driver) = self.address.dial(self.heard.clone()).await?;
            let answer = tokio::select! {
                biased;
                answer = asking.invoke_async::<Vec<Value>>(&mut connection) => answer,
                () = driver => return Err(self.address.lost_error()),
            };
            let answer = answer.map_err(|error| self.address.command_error(&error))?;
            read(&answer).unwrap_or_else(|| Err(self.address.odd_answer()))
        };
        Box::pin(async move {
            let late = |_| Err(self.address.late_error(RIGHTS_ANSWER));
            timeout(RIGHTS_ANSWER, asked).await.unwrap_or_else(late)
        })
    }
}

fn prepare_script<'a>(
    script: &'a Script,
    keys: &[String],
    args: impl IntoIterator<Item = String>,
) -> ScriptInvocation<'a> {
    let mut asking = script.prepare_invoke();
    for key in keys {
        asking.key(key);
    }
    for arg in args {
        asking.arg(arg);
    }
    asking
}

impl Store for Redis {
    fn beat_process<'a>(&'a self, heartbeat: &'a Heartbeat) -> Asked<'a, Beat> {
        let Heartbeat { record, ttl, check, joined, epoch } = heartbeat;
        let args = [
            scripts::format_version(),
            check.to_string(),
            epoch.to_string(),
            record.name.to_string(),
            record.instance.to_string(),
            record.url.to_string(),
            record.about.to_string(),
            scripts::format_ms(*ttl),
            u8::from(*joined).to_string(),
            scripts::format_ms(FORGOTTEN_AFTER),
        ];
        self.ask_script(&self.scripts.beat, args, |answer| {
            scripts::read_beat(answer, &record.name, &self.scripts.keys, &self.heard)
        })
    }

    fn claim_stream<'a>(&'a self, claim: &'a Claim) -> Asked<'a, Claimed> {
        let (taken, quiet) = claim.instead_of.unwrap_or((Token::NONE, Duration::ZERO));
        let args = [
            claim.stream.to_string(),
            claim.name.to_string(),
            claim.instance.to_string(),
            claim.about.to_string(),
            scripts::format_ms(claim.ttl),
            taken.to_string(),
            scripts::format_ms(quiet),
            u8::from(claim.again).to_string(),
        ];
        self.ask_script(&self.scripts.claim, args, scripts::read_claimed)
    }

    fn keep_stream<'a>(&'a self, keep: &'a Keep) -> Asked<'a, Kept> {
        let args = [
            keep.stream.to_string(),
            keep.name.to_string(),
            keep.instance.to_string(),
            keep.about.to_string(),
            keep.token.to_string(),
        ];
        self.ask_script(&self.scripts.keep, args, scripts::read_kept)
    }

    fn release_stream<'a>(&'a self, stream: &'a str, token: Token) -> Asked<'a, ()> {
        self.ask_script(&self.scripts.release, [stream.to_owned(), token.to_string()], scripts::read_done)
    }

    fn leave_process<'a>(&'a self, name: &'a str, instance: Instance) -> Asked<'a, ()> {
        self.ask_script(&self.scripts.leave, [name.to_owned(), instance.to_string()], scripts::read_done)
    }

    fn read_snapshot(&self) -> Asked<'_, Snapshot> {
        let args = [scripts::MAX_PROCESSES, scripts::MAX_STREAMS, heard::MAX_ENTRY_BYTES];
        self.ask_script(&self.scripts.read, args.map(|most| most.to_string()), |answer| {
            scripts::read_snapshot(answer, &self.heard)
        })
    }

    fn read_rights(&self) -> Asked<'_, Option<Shared>> {
        let longest = MAX_RIGHTS_BYTES + "9007199254740992 ".len();
        self.ask_apart(&self.scripts.rights, [longest.to_string()], scripts::read_rights)
    }

    fn set_rights<'a>(&'a self, before: u64, new: &'a Shared) -> Asked<'a, bool> {
        let args = [before.to_string(), new.version.to_string(), new.value.to_string()];
        self.ask_apart(&self.scripts.set_rights, args, scripts::were_set)
    }

    fn wait_connected(&self, number: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(Self::wait_connected(self, number))
    }

    fn subscribe_changes(&self) -> broadcast::Receiver<Change> {
        self.heard.subscribe_changes()
    }

    fn address(&self) -> Option<String> {
        Some(Self::address(self))
    }
}
