//! Work that several processes share: jobs in chunks, each of which one worker has at a time.
//!
//! What a job is, and what has come of it, is not known here: chunks are numbers. What a queue forgets is put in again by the process that
//! knows what is left ([`Queue::add_chunk`] takes a chunk only once), so nothing is lost with it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::store::{Asked, StoreTime};

/// Chunks of a job that wait or are being worked on, for each worker that lives (at least one): more are refused.
pub const QUEUED_PER_WORKER: usize = 2;
/// Longest text that a worker shows of itself.
pub const MAX_ABOUT_BYTES: usize = 4096;
/// Workers that are shown, at most.
pub const MAX_WORKERS: usize = 1000;
/// Time after its last use at which what is left of a job in the queue is forgotten.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a worker counts as alive after its sign of life.
pub const WORKER_TTL: Duration = Duration::from_secs(5);

/// Sixteen hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(Arc<str>);

impl JobId {
    /// `None` if it is not such a name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_one.then(|| Self(text.into()))
    }

    /// One that nobody has.
    pub fn random() -> Self {
        Self(format!("{:016x}", fastrand::u64(..)).into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A chunk that a worker has, until it is said to be done, given back, or carried on by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldChunk {
    /// The job that it belongs to.
    pub job: JobId,
    /// Which chunk of it.
    pub chunk: u32,
    /// By which entry of the queue it was given: each is given out to one worker at a time.
    pub entry: Arc<str>,
}

/// A chunk that a worker was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedChunk {
    /// The chunk, by which the worker gives it back.
    pub held: HeldChunk,
    /// How often it was given out, with this time: more than once, others had it and did not end it.
    pub deliveries: u64,
}

/// What became of a chunk that is to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It waits for a worker.
    Queued,
    /// It was in the queue already.
    Already,
    /// As many of its job are there as workers need.
    Full,
}

/// A worker that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its name: no other has it.
    pub name: Arc<str>,
    /// One line of JSON, handed on as it is.
    pub about: Arc<str>,
    /// Until when it counts.
    pub until: StoreTime,
}

/// Chunks of jobs, and who works on them. Each answer is one step that nothing comes between.
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// A chunk is to be done, if it is not queued already.
    fn add_chunk<'a>(&'a self, job: &'a JobId, chunk: u32) -> Asked<'a, Added>;

    /// A chunk for a worker: first one whose worker has said nothing for `silent`, else the one that waits longest.
    fn take_chunk<'a>(
        &'a self,
        job: &'a JobId,
        worker: &'a str,
        silent: Duration,
    ) -> Asked<'a, Option<ClaimedChunk>>;

    /// This worker lives, for [`WORKER_TTL`], and works on these. Answers those that it has no more: another carries on with them, or
    /// nobody is to.
    fn beat_worker<'a>(
        &'a self,
        worker: &'a str,
        about: &'a str,
        held: &'a [HeldChunk],
    ) -> Asked<'a, Vec<HeldChunk>>;

    /// A chunk is done, no matter who has it now. Whether it was queued.
    fn finish_chunk<'a>(&'a self, held: &'a HeldChunk) -> Asked<'a, bool>;

    /// A worker will not end this chunk: the next may have it at once. Whether it had it.
    fn give_back<'a>(&'a self, worker: &'a str, held: &'a HeldChunk) -> Asked<'a, bool>;

    /// Nothing of this job is to be done any more.
    fn forget_job<'a>(&'a self, job: &'a JobId) -> Asked<'a, ()>;

    /// This worker ends: it is no longer among those that live.
    fn leave_worker<'a>(&'a self, worker: &'a str) -> Asked<'a, ()>;

    /// Those that live, by name.
    fn workers(&self) -> Asked<'_, Vec<Worker>>;

    /// Waits for a connection other than that of this number (0: none), and answers its own.
    fn wait_connected(&self, number: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_called_by_sixteen_hexadecimal_digits() {
        assert_eq!(JobId::parse("0123456789abcdef").unwrap().as_str(), "0123456789abcdef");
        for other in ["", "0123456789abcde", "0123456789ABCDEF", "../../../etc/pass", "0123456789abcdef0"] {
            assert_eq!(JobId::parse(other), None, "{other}");
        }
        let (one, other) = (JobId::random(), JobId::random());
        assert_ne!(one, other);
        assert_eq!(JobId::parse(one.as_str()), Some(one));
    }
}
