//! A camera that several processes know: one of them reads it, and the others get its pictures from that one. Which one that is
//! may change while it is watched; then there is a gap as long as a connection takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sightwire_base::clock;
use sightwire_cluster::Cluster;
use sightwire_cluster::cameras::Reader;
use sightwire_cluster::directory::Directory;
use sightwire_cluster::pull::{PullOptions, What};
use sightwire_hub::reader::{ReaderOptions, read_source};
use sightwire_hub::source::Source;
use sightwire_hub::stream::Producer;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// A process from which a camera could not be got is not asked again for this long.
const OUT_FOR: Duration = Duration::from_secs(10);
/// Between one decision who reads it and the next, at least.
const SETTLES: Duration = Duration::from_millis(50);

/// Where a camera's pictures come from at the moment, for code that needs to know.
#[derive(Debug, Default)]
pub struct SourceLocation {
    /// Of the camera's address, by which other processes know it; none of what is this process's own affair.
    mark: Option<Arc<str>>,
    /// The process that they come from, if not from this one.
    from: watch::Sender<Option<Arc<str>>>,
    /// Another process wants it from here.
    wanted: AtomicBool,
    changed: Notify,
}

impl SourceLocation {
    /// Of a camera that other processes may know by that mark.
    pub(crate) fn with_mark(mark: Option<Arc<str>>) -> Self {
        Self { mark, ..Self::default() }
    }

    /// By which other processes know the camera, if they may.
    pub fn mark(&self) -> Option<&Arc<str>> {
        self.mark.as_ref()
    }

    /// In another process, for as long as it is watched.
    pub(crate) fn with_process(process: Arc<str>) -> Self {
        Self { from: watch::Sender::new(Some(process)), ..Self::default() }
    }

    /// Whether its pictures come from another process.
    pub fn is_pulled(&self) -> bool {
        self.from.borrow().is_some()
    }

    /// The process that they come from at the moment, if not from this one.
    pub(crate) fn process(&self) -> Option<Arc<str>> {
        self.from.borrow().clone()
    }

    /// As [`Self::process`], and changes of that.
    pub(crate) fn from(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.from.subscribe()
    }

    /// Another process has decided that this one reads it.
    pub fn want_here(&self) {
        if !self.wanted.swap(true, Ordering::Relaxed) {
            self.changed.notify_one();
        }
    }
}

/// A camera that is read here or elsewhere.
pub(crate) struct SharedCamera {
    pub id: Arc<str>,
    pub mark: Arc<str>,
    pub cluster: Arc<Cluster>,
    pub place: Arc<SourceLocation>,
    pub source: Box<dyn Source>,
    pub reads: ReaderOptions,
    pub pulls: PullOptions,
    pub seed: u64,
}

impl SharedCamera {
    /// Writes its pictures until this future is dropped.
    pub async fn run(self, mut producer: Producer) {
        let mut out: HashMap<Arc<str>, Instant> = HashMap::new();
        loop {
            out.retain(|_, since| clock::since(*since) < OUT_FOR);
            // The asker has looked up who is to read it; the two need not agree.
            let wanted = self.place.wanted.swap(false, Ordering::Relaxed);
            let is_out =
                |name: &str| out.contains_key(name) || wanted && *name != *self.cluster.own_record().name;
            match self.cluster.reader_of(&self.id, &self.mark, is_out) {
                Reader::Here => self.read_here(&mut producer).await,
                Reader::Apart => self.read_apart(&mut producer).await,
                Reader::Process(name) => {
                    if !self.get_from(&name, &mut producer).await {
                        out.insert(name, clock::now());
                    }
                }
            }
            tokio::time::sleep(SETTLES).await;
        }
    }

    /// Until another process has it.
    async fn read_here(&self, producer: &mut Producer) {
        let Some(lease) = self.cluster.claim_camera(&self.id, &self.mark).await else { return };
        let lost = CancellationToken::new();
        let is_lost = lost.clone();
        lease.when_lost(move || is_lost.cancel());
        self.place.from.send_if_modified(|from| from.take().is_some());
        tracing::info!(camera = &*self.id, "this process reads it");
        tokio::select! {
            () = read_source(&*self.source, producer, self.reads, self.seed) => {}
            () = lost.cancelled() => tracing::info!(camera = &*self.id, "another process reads it now"),
            () = self.wait_for_handover() => {}
        }
    }

    /// Waits until this process gives its cameras away, and there is one to take it.
    async fn wait_for_handover(&self) {
        self.cluster.drain_token().cancelled().await;
        self.cluster.announce_drain().await;
        self.cluster.wait_for_available_peer().await;
    }

    /// Until nothing else has its id any more.
    async fn read_apart(&self, producer: &mut Producer) {
        self.place.from.send_if_modified(|from| from.take().is_some());
        tracing::warn!(
            camera = &*self.id,
            "another process has a camera of another address, or a stream that is sent, under this id: this process reads it for itself"
        );
        let mut directory = self.cluster.directory();
        let (id, mark) = (&self.id, Some(&*self.mark));
        let is_over = |all: &Arc<Directory>| {
            all.streams.get(id).is_none_or(|entry| entry.about.camera.as_deref() == mark)
        };
        tokio::select! {
            () = read_source(&*self.source, producer, self.reads, self.seed) => {}
            _ = directory.wait_for(is_over) => {}
        }
    }

    /// Until that process does not have it any more, or this one is to read it; whether anything came.
    async fn get_from(&self, process: &Arc<str>, producer: &mut Producer) -> bool {
        let stream = producer.stream().clone();
        let pictures = || stream.counters().pictures.load(Ordering::Relaxed);
        let before = pictures();
        self.place.from.send_replace(Some(process.clone()));
        tracing::debug!(camera = &*self.id, process = &**process, "got from another process");
        let what = What::Camera { process: process.clone(), mark: self.mark.clone() };
        let why = tokio::select! {
            why = self.cluster.pull_stream(&self.id, what, producer, self.pulls) => Some(why),
            () = self.place.changed.notified() => None,
        };
        tracing::debug!(
            camera = &*self.id,
            process = &**process,
            why = why.as_deref(),
            "not got from there any more"
        );
        why.is_none() || pictures() > before
    }
}
