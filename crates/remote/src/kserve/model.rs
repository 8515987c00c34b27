//! A model elsewhere, as one that may be away: asked while it answers, left alone while it does not, and looked for meanwhile.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sightwire_base::clock;
use sightwire_base::histogram::Histogram;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::kserve::breaker::Breaker;
use crate::kserve::client::{CallError, Client, Options};
use crate::kserve::messages::{InferRequest, ModelMetadata};
use crate::kserve::tensor::{MAX_TENSORS, Tensor, TensorError};

/// For each question of a probe.
const PROBED_WITHIN: Duration = Duration::from_secs(2);

/// Whether a model elsewhere is asked.
#[derive(Clone, Debug, Default)]
pub enum Standing {
    /// Nobody has needed it yet.
    #[default]
    Unasked,
    /// It answers; this is what it takes and gives, as far as its server tells.
    Here(Arc<ModelMetadata>),
    /// It does not, and why, in words for people.
    Away(Arc<str>),
}

/// Counters since the model was made.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that were answered with what was asked for.
    pub answered: AtomicU64,
    /// Requests that were late, refused, cut off or answered with nonsense.
    pub failed: AtomicU64,
    /// How often nothing was asked any more.
    pub opened: AtomicU64,
    /// Of requests that were answered, from asking to the checked answer.
    pub took: Histogram,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// It is not asked at the moment; with why.
    #[error("{0}")]
    Away(Arc<str>),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It answers what cannot be an answer.
    #[error("its answer cannot be used: {0}")]
    Nonsense(#[from] TensorError),
}

impl RemoteError {
    /// What it answers, where it answers an error.
    fn code(&self) -> Option<tonic::Code> {
        match self {
            Self::Call(CallError::Refused { code, .. }) => Some(*code),
            _ => None,
        }
    }
}

/// Says of what a model takes and gives whether it is one that can be asked.
type Fits = dyn Fn(&ModelMetadata) -> Result<(), TensorError> + Send + Sync;

/// A model of a server elsewhere.
pub struct RemoteModel {
    client: Client,
    model: String,
    /// Which one of ours is asked for.
    version: String,
    breaker: Mutex<Breaker>,
    standing: watch::Sender<Standing>,
    /// What was heard of the model the last time that it was probed.
    heard: Mutex<Arc<ModelMetadata>>,
    look: Notify,
    probes: watch::Sender<u64>,
    fits: Box<Fits>,
    /// What became of requests.
    pub counters: Counters,
}

impl RemoteModel {
    /// Nothing is asked before somebody needs it, and nothing is found out unless [`RemoteModel::run`] runs. A model that does not fit is
    /// away. Of several versions that the server tells of, the one that is named is asked.
    pub fn new(
        options: Options,
        (model, version): (&str, Option<&str>),
        fits: impl Fn(&ModelMetadata) -> Result<(), TensorError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            client: Client::new(options),
            model: model.to_owned(),
            version: version.unwrap_or_default().to_owned(),
            breaker: Mutex::new(Breaker::new(clock::now())),
            standing: watch::Sender::default(),
            heard: Mutex::default(),
            look: Notify::new(),
            probes: watch::Sender::default(),
            fits: Box::new(fits),
            counters: Counters::default(),
        })
    }

    /// The model's name at that server.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The address of its server.
    pub fn address(&self) -> String {
        self.client.address().to_string()
    }

    /// Whether it is asked now, and changes of that.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Whether it answered the last time.
    pub fn is_answering(&self) -> bool {
        matches!(*self.standing.borrow(), Standing::Here(_))
    }

    /// What it takes and gives, while it is asked or may be tried; else why it is not. The first who wants to know has it looked for.
    pub fn wanted_metadata(&self) -> Result<Arc<ModelMetadata>, RemoteError> {
        if self.breaker.lock().probe_at().is_none() {
            return Ok(self.heard.lock().clone());
        }
        self.look.notify_one();
        match &*self.standing.borrow() {
            Standing::Away(why) => Err(RemoteError::Away(why.clone())),
            Standing::Unasked | Standing::Here(_) => Err(RemoteError::Away("it is being looked for".into())),
        }
    }

    /// Waits until it was looked for once, at most this long; whether it may be asked then.
    pub async fn wait_settled(&self, at_most: Duration) -> bool {
        let mut probes = self.probes.subscribe();
        let first = self.wanted_metadata().is_err() && matches!(*self.standing.borrow(), Standing::Unasked);
        if first {
            let _ = tokio::time::timeout(at_most, probes.wait_for(|probes| *probes > 0)).await;
        }
        self.wanted_metadata().is_ok()
    }

    /// Asks once, and gives what `read` makes of the checked outputs. An answer that is late, or that `read` refuses, is a failure;
    /// after some in a row nothing is asked until a probe succeeds.
    pub async fn infer<T>(
        &self,
        inputs: &[Tensor],
        within: Duration,
        read: impl FnOnce(&[Tensor]) -> Result<T, TensorError>,
    ) -> Result<T, RemoteError> {
        self.ask_once(inputs, within, read, async |_| true).await
    }

    /// As [`RemoteModel::infer`], about inputs that nobody has looked at here. That one is invalid is not the server's fault, whether it
    /// says so or fails in another way: where it answers an error, `is_valid` is asked before that counts.
    pub async fn infer_unseen<T>(
        &self,
        inputs: &[Tensor],
        within: Duration,
        read: impl FnOnce(&[Tensor]) -> Result<T, TensorError>,
        is_valid: impl AsyncFnOnce() -> bool,
    ) -> Result<T, RemoteError> {
        let is_its_fault = async |code: Option<tonic::Code>| match code {
            Some(tonic::Code::InvalidArgument) => false,
            Some(_) => is_valid().await,
            // It hangs, is not there, or answers nonsense: no picture is the cause of that.
            None => true,
        };
        self.ask_once(inputs, within, read, is_its_fault).await
    }

    async fn ask_once<T>(
        &self,
        inputs: &[Tensor],
        within: Duration,
        read: impl FnOnce(&[Tensor]) -> Result<T, TensorError>,
        is_its_fault: impl AsyncFnOnce(Option<tonic::Code>) -> bool,
    ) -> Result<T, RemoteError> {
        let metadata = self.wanted_metadata()?;
        if !self.breaker.lock().may_ask() {
            return Err(RemoteError::Away("another request finds out whether it is back".into()));
        }
        let left = Left(Some(&self.breaker));
        let begun = clock::now();
        let version = metadata.versions.iter().find(|version| **version == self.version);
        let model_version = version.cloned().unwrap_or_default();
        let request = InferRequest { model_version, ..InferRequest::from_inputs(&self.model, inputs) };
        let answer = self.client.infer(request, within).await;
        let answer = answer.map_err(RemoteError::from);
        let result = answer.and_then(|answer| Ok(read(&answer.tensors()?)?));
        match &result {
            Ok(_) => {
                left.mark_known();
                self.counters.answered.fetch_add(1, Ordering::Relaxed);
                self.counters.took.record(clock::since(begun));
                if self.breaker.lock().mark_success() {
                    let here = Standing::Here(self.heard.lock().clone());
                    let before = self.standing.send_replace(here);
                    if !matches!(before, Standing::Here(_)) {
                        tracing::info!(model = self.model, "{} answers", self.client.address());
                    }
                }
            }
            Err(error) => {
                self.counters.failed.fetch_add(1, Ordering::Relaxed);
                // Else it is given back when `left` goes, as one that nobody waits for.
                if is_its_fault(error.code()).await {
                    left.mark_known();
                    self.record_failure(error).await;
                }
            }
        }
        result
    }

    /// Looks for it while it is away, from the first time that somebody needs it until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let looking = async {
            self.look.notified().await;
            loop {
                let due = self.breaker.lock().probe_at();
                let Some(due) = due else {
                    self.look.notified().await;
                    continue;
                };
                tokio::time::sleep_until(due.into()).await;
                match self.probe_server().await {
                    Ok(metadata) => {
                        *self.heard.lock() = Arc::new(metadata);
                        self.breaker.lock().mark_success();
                    }
                    Err(error) => self.record_failure(&error).await,
                }
                self.probes.send_modify(|probes| *probes += 1);
            }
        };
        stop.run_until_cancelled(looking).await;
        self.client.disconnect().await;
    }

    async fn probe_server(&self) -> Result<ModelMetadata, RemoteError> {
        let not = |what: &str| RemoteError::Away(format!("{what} is not ready there").into());
        if !self.client.model_ready(&self.model, PROBED_WITHIN).await? {
            return Err(not(&format!("the model {}", self.model)));
        }
        match self.client.metadata(&self.model, PROBED_WITHIN).await {
            Ok(metadata) if metadata.inputs.len().max(metadata.outputs.len()) > MAX_TENSORS => {
                Err(TensorError::TooMany(metadata.inputs.len().max(metadata.outputs.len())).into())
            }
            Ok(metadata) => {
                (self.fits)(&metadata)?;
                Ok(metadata)
            }
            // Not every server tells.
            Err(CallError::Refused { code: tonic::Code::Unimplemented, .. }) => Ok(ModelMetadata::default()),
            Err(error) => Err(error.into()),
        }
    }

    async fn record_failure(&self, error: &RemoteError) {
        let is_late = self.breaker.lock().mark_failure(clock::now(), fastrand::f64());
        let is_open = self.breaker.lock().probe_at().is_some();
        if is_late {
            self.counters.opened.fetch_add(1, Ordering::Relaxed);
            self.look.notify_one();
        }
        if !is_open {
            return;
        }
        // Whatever else waits there is not waited for.
        self.client.disconnect().await;
        let why: Arc<str> = error.to_string().into();
        let before = self.standing.send_replace(Standing::Away(why.clone()));
        if !matches!(before, Standing::Away(_)) {
            tracing::warn!(model = self.model, "{} is away: {why}", self.client.address());
        }
    }
}

impl fmt::Debug for RemoteModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("model", &self.model)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// A request whose end is not known yet.
struct Left<'a>(Option<&'a Mutex<Breaker>>);

impl Left<'_> {
    fn mark_known(mut self) {
        self.0 = None;
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if let Some(breaker) = self.0 {
            breaker.lock().mark_abandoned();
        }
    }
}
