//! Files in S3-compatible storage, for callers that block: listed page by page, and read whole within bounds.
//!
//! - [`address`]: what `s3://bucket/key` means
//! - [`listing`]: what lies below an address, one after another
//! - [`error`]: why an object is not read
//! - `client`: how storage is asked
//!
//! Only buckets that were named are asked for anything, with credentials that were given: no others are looked for.

#![forbid(unsafe_code)]

pub mod address;
mod client;
pub mod error;
pub mod listing;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;
use object_store::{BackoffConfig, GetOptions, ObjectStore as _, RetryConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use url::Url;

use address::{Address, AddressError};
use client::{Client, ClientError};
use error::{ObjectError, Trouble};
use listing::{Listing, Page};

/// How many times one request that fails is sent again, after pauses that grow, and within what time.
const RETRIES: usize = 3;
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
const RETRY: Duration = Duration::from_secs(15);
/// An object that does not come while the storage answers is asked for this many times.
const TRIES: usize = 3;
/// How long an object may take to come, each time that it is asked for.
const WHOLE: Duration = Duration::from_secs(600);
/// A page of a list, or a word that the storage is there.
const SHORT: Duration = Duration::from_secs(60);

/// Where objects lie that are read.
#[derive(Clone, Debug)]
pub struct ObjectsOptions {
    /// Below these addresses, and nowhere else.
    pub buckets: Vec<Address>,
    /// Of the storage; `None` is Amazon's of the region.
    pub endpoint: Option<Url>,
    /// As requests are signed.
    pub region: String,
}

/// What requests are signed with.
#[derive(Clone)]
pub struct Credentials {
    /// Says whose they are.
    pub key_id: String,
    /// Is never sent.
    pub secret: String,
    /// Of credentials that expire.
    pub token: Option<String>,
}

/// Without the secret and the token.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The environment has no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is not set: objects are read with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment (and AWS_SESSION_TOKEN, if they expire)"
)]
pub struct NoCredentials(&'static str);

impl Credentials {
    /// Those of the environment; nobody else is asked for any.
    pub fn of_environment() -> Result<Self, NoCredentials> {
        let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let must = |name| of(name).ok_or(NoCredentials(name));
        let (key_id, secret) = (must("AWS_ACCESS_KEY_ID")?, must("AWS_SECRET_ACCESS_KEY")?);
        Ok(Self { key_id, secret, token: of("AWS_SESSION_TOKEN") })
    }
}

/// Storage cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no thread to ask it on.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What was given makes no address.
    #[error("cannot ask bucket {bucket}: {error}")]
    Bucket {
        /// Its name.
        bucket: String,
        /// The error of the library.
        error: object_store::Error,
    },
}

/// Objects below the addresses that were named. All methods block, and are for threads that may.
#[derive(Clone)]
pub struct Objects {
    inner: Arc<Inner>,
}

struct Inner {
    buckets: Vec<Address>,
    stores: HashMap<String, AmazonS3>,
    /// As people are told.
    endpoint: Arc<str>,
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
}

/// The thread that drops the last one may not block.
impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("buckets", &self.inner.buckets).finish_non_exhaustive()
    }
}

impl Objects {
    /// Asks nobody so far.
    pub fn new(options: &ObjectsOptions, credentials: &Credentials) -> Result<Self, ObjectsError> {
        let amazon = || format!("https://s3.{}.amazonaws.com", options.region);
        let endpoint = options
            .endpoint
            .as_ref()
            .map_or_else(amazon, |url| url.as_str().trim_end_matches('/').to_owned());
        let client = Client::new(endpoint.starts_with("https:"))?;
        let backoff = BackoffConfig { init_backoff: PAUSES.0, max_backoff: PAUSES.1, base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY };
        let store = |bucket: &str| {
            let builder = AmazonS3Builder::new()
                .with_bucket_name(bucket)
                .with_endpoint(&endpoint)
                .with_region(&options.region)
                .with_access_key_id(&credentials.key_id)
                .with_secret_access_key(&credentials.secret)
                .with_retry(retry.clone())
                .with_http_connector(client.clone());
            let with_token = match &credentials.token {
                Some(token) => builder.with_token(token),
                None => builder,
            };
            let built = with_token.build();
            built.map_err(|error| ObjectsError::Bucket { bucket: bucket.to_owned(), error })
        };
        let mut stores = HashMap::new();
        for Address { bucket, .. } in &options.buckets {
            if !stores.contains_key(bucket) {
                stores.insert(bucket.clone(), store(bucket)?);
            }
        }
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("objects").enable_all().build()?;
        let (buckets, endpoint) = (options.buckets.clone(), endpoint.into());
        Ok(Self { inner: Arc::new(Inner { buckets, stores, endpoint, runtime: Some(runtime) }) })
    }

    /// Whether it lies below one of the addresses that were named.
    pub fn contains_address(&self, address: &Address) -> bool {
        self.inner.buckets.iter().any(|root| root.contains_address(address))
    }

    /// What lies below an address, or the object that it names. The error comes with the first one.
    pub fn list(&self, at: &Address) -> Listing {
        Listing::new(self.clone(), at.clone())
    }

    /// All of an object, if it has at most this many bytes.
    pub fn read_object(&self, address: &Address, max_bytes: usize) -> Result<Vec<u8>, ObjectError> {
        let (store, path) = (self.store_for(address)?, object_path(address)?);
        self.block_on(async {
            let mut tries = 0;
            loop {
                let trouble = match timeout(WHOLE, read_whole(store, &path, max_bytes)).await {
                    Err(_) => return Err(ObjectError::Late(WHOLE)),
                    Ok(Ok(bytes)) => return Ok(bytes),
                    Ok(Err(Failed::Large)) => return Err(ObjectError::Large(max_bytes)),
                    Ok(Err(Failed::Asked(trouble))) => trouble,
                };
                if let Some(error) = ObjectError::from_trouble(&trouble) {
                    return Err(error);
                }
                // Where the storage answers, it is this object that does not come.
                self.check_storage(store).await?;
                tries += 1;
                if tries == TRIES {
                    return Err(ObjectError::Broken(trouble));
                }
            }
        })
    }

    /// Whether an object can be read: asks for it, and lets it go as soon as it begins.
    pub fn check_object(&self, address: &Address) -> Result<(), ObjectError> {
        let (store, path) = (self.store_for(address)?, object_path(address)?);
        let seen = self.with_deadline(store.get_opts(&path, GetOptions::default()))?;
        seen.map(drop).map_err(|error| self.refused_error(&error))
    }

    /// A page of what begins so; all of a page lies in memory.
    fn list_page(&self, at: &Address, prefix: &str, after: Option<String>) -> Result<Page, ObjectError> {
        let store = self.store_for(at)?;
        let options = PaginatedListOptions { page_token: after, ..PaginatedListOptions::default() };
        let prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
        match self.with_deadline(store.list_paginated(prefix, options))? {
            Ok(page) => Ok(Page::from_result(page)),
            Err(object_store::Error::InvalidPath { source }) => Err(ObjectError::Keys(source.to_string())),
            Err(error) => Err(self.refused_error(&error)),
        }
    }

    /// Whether the storage answers, whatever it says.
    async fn check_storage(&self, store: &AmazonS3) -> Result<(), ObjectError> {
        let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        match timeout(SHORT, store.list_paginated(None, options)).await.map_err(|_| self.late_error())? {
            Ok(_) => Ok(()),
            Err(error) => {
                Some(self.refused_error(&error)).filter(ObjectError::is_passing).map_or(Ok(()), Err)
            }
        }
    }

    /// Of what was asked for, or of the storage.
    fn refused_error(&self, error: &object_store::Error) -> ObjectError {
        let trouble = Trouble::from_error(error);
        ObjectError::from_trouble(&trouble).unwrap_or_else(|| self.away_error(&trouble))
    }

    fn away_error(&self, trouble: &Trouble) -> ObjectError {
        ObjectError::Away { endpoint: self.inner.endpoint.clone(), why: trouble.to_string() }
    }

    fn late_error(&self) -> ObjectError {
        self.away_error(&Trouble::Broken("it does not answer in time".into()))
    }

    fn store_for(&self, address: &Address) -> Result<&AmazonS3, ObjectError> {
        let store = self.inner.stores.get(&address.bucket).filter(|_| self.contains_address(address));
        store.ok_or(ObjectError::Outside)
    }

    fn with_deadline<T>(&self, asked: impl Future<Output = T>) -> Result<T, ObjectError> {
        self.block_on(async { timeout(SHORT, asked).await.map_err(|_| self.late_error()) })
    }

    fn block_on<T>(&self, asked: impl Future<Output = T>) -> T {
        match &self.inner.runtime {
            Some(runtime) => runtime.block_on(asked),
            None => unreachable!("it is there until the last is dropped"),
        }
    }
}

/// Why there are no bytes.
enum Failed {
    Large,
    Asked(Trouble),
}

async fn read_whole(store: &AmazonS3, path: &Path, max_bytes: usize) -> Result<Vec<u8>, Failed> {
    let asked = |error: object_store::Error| Failed::Asked(Trouble::from_error(&error));
    let found = store.get_opts(path, GetOptions::default()).await.map_err(asked)?;
    let size = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
    if size > max_bytes {
        return Err(Failed::Large);
    }
    let (mut bytes, mut stream) = (Vec::with_capacity(size), found.into_stream());
    while let Some(chunk) = stream.try_next().await.map_err(asked)? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(Failed::Large);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn object_path(address: &Address) -> Result<Path, AddressError> {
    if address.key.is_empty() || address.key.ends_with('/') {
        return Err(AddressError::NoKey(address.to_string()));
    }
    Path::parse(&address.key).map_err(|_| AddressError::Key(address.to_string()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn objects(endpoint: &str) -> Objects {
        let options = ObjectsOptions {
            buckets: vec!["s3://scans/2026".parse().unwrap()],
            endpoint: Some(endpoint.parse().unwrap()),
            region: "us-east-1".into(),
        };
        let credentials = Credentials { key_id: "key".into(), secret: "s3cret".into(), token: None };
        assert!(!format!("{credentials:?}").contains("s3cret"));
        Objects::new(&options, &credentials).unwrap()
    }

    /// Answers so, whatever it is asked.
    fn storage(answer: &'static str) -> Objects {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 8192]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        objects(&endpoint)
    }

    fn a() -> Address {
        "s3://scans/2026/a.png".parse().unwrap()
    }

    #[test]
    fn an_object_is_read_whole_or_not_at_all() {
        let four = storage("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd");
        assert_eq!(four.read_object(&a(), 4), Ok(b"abcd".to_vec()));
        assert_eq!(four.read_object(&a(), 3), Err(ObjectError::Large(3)));
        assert_eq!(four.check_object(&a()), Ok(()));
        let refused =
            "HTTP/1.1 403 no\r\nContent-Length: 25\r\nConnection: close\r\n\r\n<Code>AccessDenied</Code>\n";
        assert_eq!(storage(refused).read_object(&a(), 9), Err(ObjectError::Denied));
    }

    #[test]
    fn nothing_but_what_was_named_is_asked_for() {
        // The caller would be told that nothing listens there.
        let objects = objects("http://127.0.0.1:9");
        for outside in ["s3://scans", "s3://scans/2025/a.png", "s3://other/2026/a.png"] {
            let outside: Address = outside.parse().unwrap();
            assert_eq!(objects.read_object(&outside, 9), Err(ObjectError::Outside));
            assert_eq!(objects.list(&outside).collect::<Vec<_>>(), [Err(ObjectError::Outside)]);
        }
    }

    #[test]
    fn storage_that_does_not_answer_is_away() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = objects(&format!("http://{nobody}")).read_object(&a(), 9).unwrap_err();
        assert!(error.is_passing(), "{error}");
        assert_eq!(
            error.to_string(),
            format!("the storage at http://{nobody} is away: nothing listens there")
        );
        let busy = "HTTP/1.1 503 no\r\nContent-Length: 21\r\nConnection: close\r\n\r\n<Code>SlowDown</Code>";
        let error = storage(busy).read_object(&a(), 9).unwrap_err();
        assert!(error.to_string().ends_with("is away: it answers 503 (SlowDown)"), "{error}");
    }
}
