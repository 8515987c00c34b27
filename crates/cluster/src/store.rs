//! What coordinates processes: it knows who lives and who has which stream, by one clock of its own.
//!
//! A process lives while its heartbeats come: each counts for a while, and everything that it has counts as long. What has
//! lapsed and was taken by nobody is still its own, so that a store which stood still takes nothing from anybody.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use crate::entry::Token;
use crate::process::{Instance, Record};

/// A moment by the store's clock, in milliseconds since 1970. No other clock is asked.
pub type StoreTime = u64;

/// Longest value of keys and users in common: 4 MiB, more than as many keys and users take as may be.
pub const MAX_RIGHTS_BYTES: usize = 4 << 20;

/// An answer that comes within a bounded time.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What coordinates processes. Each answer is one step that nothing comes between.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// This process lives. The first one makes it known; each makes good what the store has lost of it.
    fn beat_process<'a>(&'a self, heartbeat: &'a Heartbeat) -> Asked<'a, Beat>;

    /// A stream is to be this process's.
    fn claim_stream<'a>(&'a self, claim: &'a Claim) -> Asked<'a, Claimed>;

    /// A stream is still this process's, and this is told of it. What the store has lost of it is made good.
    fn keep_stream<'a>(&'a self, keep: &'a Keep) -> Asked<'a, Kept>;

    /// A stream has ended; nothing if it is another's by now.
    fn release_stream<'a>(&'a self, stream: &'a str, token: Token) -> Asked<'a, ()>;

    /// This process ends, and has nothing any more.
    fn leave_process<'a>(&'a self, name: &'a str, instance: Instance) -> Asked<'a, ()>;

    /// All that is known.
    fn read_snapshot(&self) -> Asked<'_, Snapshot>;

    /// The keys and users that all have in common; `None` if there are none.
    fn read_rights(&self) -> Asked<'_, Option<Shared>>;

    /// These are in common from now on, if until now it was version `before` (0: there were none). Whether it was.
    fn set_rights<'a>(&'a self, before: u64, new: &'a Shared) -> Asked<'a, bool>;

    /// Waits for a connection other than that of this number (0: none), and answers its own: a task that waits hears at once that the
    /// store is back.
    fn wait_connected(&self, number: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>>;

    /// What changes from now on. Some of it may be lost: then a version is missing.
    fn subscribe_changes(&self) -> broadcast::Receiver<Change>;

    /// Where it is, without secrets; `None` where it is within this process.
    fn address(&self) -> Option<String> {
        None
    }
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The process that is alive.
    pub record: Record,
    /// How long this counts.
    pub ttl: Duration,
    /// Shows that all know the same secret, without telling it.
    pub check: Arc<str>,
    /// It has been heard of before in this life: then another that has its name takes its place (`Refusal::Replaced`),
    /// else that one keeps it (`Refusal::Name`).
    pub joined: bool,
    /// Which life of the store begins with this, if it knows nothing: random, without spaces.
    pub epoch: Arc<str>,
}

/// The answer to a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The store's time at the answer.
    pub at: StoreTime,
    /// Which life of the store: what begins anew knows nothing of before.
    pub epoch: Arc<str>,
    /// How often something has changed.
    pub version: u64,
    /// How many streams it knows: fewer than were told of have been lost.
    pub streams: usize,
    /// The heartbeats before had lapsed, or were not known: others may have what was this process's.
    pub lapsed: bool,
    /// Everybody who is known, and until when the last heartbeat counts or counted.
    pub heard: Vec<(Arc<str>, StoreTime)>,
    /// Which version of [`Store::read_rights`] there is; 0 for none.
    pub rights: u64,
}

/// Keys and users that all have in common.
#[derive(Clone, PartialEq, Eq)]
pub struct Shared {
    /// From 1 on, and below 2^53.
    pub version: u64,
    /// Handed on as it is. At most [`MAX_RIGHTS_BYTES`].
    pub value: Arc<str>,
}

/// Without what is in it.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Somebody wants to begin a stream at this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its name: no control characters.
    pub stream: Arc<str>,
    /// The name of the process that claims it.
    pub name: Arc<str>,
    /// Which life of that process claims it.
    pub instance: Instance,
    /// One line of JSON, handed on as it is.
    pub about: Arc<str>,
    /// How long a heartbeat counts.
    pub ttl: Duration,
    /// This lease is taken from its process, if nothing was heard of that for this long.
    pub instead_of: Option<(Token, Duration)>,
    /// It was asked before, and the answer was lost: if that was granted, which is seen by the same `about`, that lease counts.
    pub again: bool,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is this process's.
    Granted(Token),
    /// Another has it, and lives.
    Held {
        /// The lease by which the other process has the stream.
        token: Token,
        /// The name of the process whose lease that is.
        process: Arc<str>,
        /// When that process was heard of last.
        heard: StoreTime,
    },
}

/// What is told of a stream that this process has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The stream's name.
    pub stream: Arc<str>,
    /// The name of the process that has it.
    pub name: Arc<str>,
    /// Which life of that process has it.
    pub instance: Instance,
    /// The lease by which the process has it.
    pub token: Token,
    /// One line of JSON, handed on as it is.
    pub about: Arc<str>,
}

/// Whether a stream is still this process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is still this process's.
    Kept,
    /// Another lease counts now.
    Lost(Token),
}

/// All that a store knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was so.
    pub at: StoreTime,
    /// Which life of the store.
    pub epoch: Arc<str>,
    /// The last change in it.
    pub version: u64,
    /// Processes, and until when the last heartbeat of each counts or counted.
    pub processes: Vec<(Record, StoreTime)>,
    /// Streams by name, each as in [`Entry::to_value`](crate::entry::Entry::to_value).
    pub streams: Vec<(Arc<str>, Arc<str>)>,
}

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// One more than that of the change before.
    pub version: u64,
    /// What has changed, and what it is now.
    pub what: Changed,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A stream, by its name, as in [`Entry::to_value`](crate::entry::Entry::to_value); `None`: it is nobody's any more.
    Stream(Arc<str>, Option<Arc<str>>),
    /// A process, by its name; `None`: it has ended.
    Process(Arc<str>, Option<Record>),
    /// The keys and users in common: which version there is now.
    Rights(u64),
}

impl Changed {
    /// The stream that it is about, if it is about one.
    pub(crate) fn stream(&self) -> Option<&Arc<str>> {
        match self {
            Self::Stream(name, _) => Some(name),
            Self::Process(..) | Self::Rights(_) => None,
        }
    }
}

/// Why a store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time.
    #[error("{0}")]
    Away(Arc<str>),
    /// It does not know this process to live: a heartbeat comes first.
    #[error("it does not know this process")]
    Unknown,
    /// It answered, and this process may not take part.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a process may not take part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another version of us uses it in another way.
    #[error(
        "processes of another version of Sightwire use this Redis (format {theirs}, this one has format {ours}): update all of them, or choose another cluster.prefix"
    )]
    Format {
        /// As in this version.
        ours: u32,
        /// As it is there.
        theirs: Arc<str>,
    },
    /// The others know another secret.
    #[error(
        "the other processes have another secret: give all the same (cluster.secret_file), or choose another cluster.prefix"
    )]
    Secret,
    /// Another process of that name lives.
    #[error("another process is called {name:?} ({url}): set cluster.name to a name of its own")]
    Name {
        /// Both processes' name.
        name: Arc<str>,
        /// Where that one is.
        url: Arc<str>,
    },
    /// Another process of that name came later, and took this one's place.
    #[error(
        "another process is called {name:?} ({url}) and took this one's place: set cluster.name to a name of its own"
    )]
    Replaced {
        /// Both processes' name.
        name: Arc<str>,
        /// Where that one is.
        url: Arc<str>,
    },
    /// Something else uses our keys.
    #[error(
        "{key} in this Redis is of the type {is}, not {want}: something else uses it; choose another cluster.prefix"
    )]
    Type {
        /// The key's name in Redis.
        key: Arc<str>,
        /// The type that Redis says the key has.
        is: Arc<str>,
        /// The type that the key should have.
        want: &'static str,
    },
    /// Something else uses our keys, with the same types.
    #[error("the keys {prefix}* in this Redis are not Sightwire's: choose another cluster.prefix")]
    Foreign {
        /// How their names begin.
        prefix: Arc<str>,
    },
    /// It lacks what is needed.
    #[error("this Redis is version {0}; 7 or newer is needed")]
    TooOld(Arc<str>),
    /// It may only be read.
    #[error(
        "this Redis is a replica, which only reads: give the address of the primary in cluster.redis_url"
    )]
    Replica,
    /// Name or password are wrong, or the user may not do what is needed.
    #[error("this Redis refuses the user or password of cluster.redis_url, or what that user may do: {0}")]
    Denied(Arc<str>),
}
