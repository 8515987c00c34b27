//! The keys that an issuer publishes: fetched in the background, so that nobody who asks waits for another server.

use std::future::{Future, pending};
use std::sync::atomic::Ordering;
use std::time::Duration;

use sightwire_base::{clock, lines};
use tokio::time::{Instant, sleep_until, timeout};

use super::keys::{KeySet, SetError};
use super::{Source, Tokens};

/// Bytes of a set of keys, at most.
pub const MAX_BYTES: usize = 256 << 10;
/// An issuer that takes longer is asked again later.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// How often the keys are fetched.
const REFRESH: Duration = Duration::from_secs(3600);
/// How often they are at most, though tokens name keys that are not known.
const SELDOM: Duration = Duration::from_secs(30);
/// An issuer that fails is asked after 30 s, a minute, two, four, and then with this time between.
const LONGEST: Duration = Duration::from_secs(600);

/// Gets what stands at an address.
pub trait Fetch: Send + Sync + 'static {
    /// At most [`MAX_BYTES`]; given up after [`DEADLINE`].
    fn fetch(&self, address: &str) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

/// Why there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection, or one that is not trusted; in words.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Something else stands there.
    #[error("it answers {0}, not 200")]
    Status(u16),
    /// More than a set of keys is.
    #[error("it answers more than {MAX_BYTES} bytes")]
    TooLong,
    /// Nothing, or not all of it.
    #[error("it has not answered within {} s", DEADLINE.as_secs())]
    Late,
}

/// Why the keys stay as they were.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Set(#[from] SetError),
}

impl Tokens {
    /// Fetches the keys again and again, for ever.
    pub(crate) async fn keep_keys(&self, fetch: &impl Fetch) {
        let Source::Published(address) = &self.settings.source else { return pending().await };
        let mut pause = SELDOM;
        loop {
            // Who misses a key from now on may be helped by this, and has it fetched again if not.
            self.is_wanted.store(false, Ordering::SeqCst);
            let begun = Instant::now();
            let after = match fetch_keys(fetch, address).await {
                Ok(set) => {
                    self.replace_keys(set);
                    pause = SELDOM;
                    REFRESH
                }
                Err(why) => {
                    if let Some(unsaid) = self.failures.admit_line(clock::now()) {
                        let (address, why) = (lines::short_line(address), why.to_string());
                        let why = lines::short_sentence(&why);
                        tracing::warn!(unsaid, "the keys of tokens stay as they were, from {address}: {why}");
                    }
                    let next = LONGEST.min(pause * 2);
                    std::mem::replace(&mut pause, next)
                }
            };
            tokio::select! {
                () = sleep_until(begun + after) => {}
                () = async { self.wait_wanted().await; sleep_until(begun + SELDOM).await } => {}
            }
        }
    }

    /// Returns when somebody misses a key.
    async fn wait_wanted(&self) {
        while !self.is_wanted.load(Ordering::SeqCst) {
            self.wants.notified().await;
        }
    }

    /// Somebody misses a key.
    pub(super) fn request_keys(&self) {
        self.is_wanted.store(true, Ordering::SeqCst);
        self.wants.notify_one();
    }
}

async fn fetch_keys(fetch: &impl Fetch, address: &str) -> Result<KeySet, RefreshError> {
    let text = timeout(DEADLINE, fetch.fetch(address)).await.unwrap_or(Err(FetchError::Late))?;
    Ok(KeySet::from_published(&text)?)
}
