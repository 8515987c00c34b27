//! Streams of other processes: pulled while somebody here needs them, over one connection for all who do; and what is told of
//! them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sightwire_api::stream::{self, StreamKind};
use sightwire_base::clock;
use sightwire_base::memory::Work;
use sightwire_cluster::Cluster;
use sightwire_cluster::entry::{Entry, Token};
use sightwire_cluster::peer::PeerError;
use sightwire_hub::stream::Condition;

use crate::origin::Origin;
use crate::upstream::Upstream;
use crate::{StreamLease, Streams, WatchError};

/// How long one is pulled after the last who needed it has left.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// A stream of another process was not ended, as far as is known.
#[derive(Debug, thiserror::Error)]
#[error("the process {process} has this stream, and could not be asked to end it: {why}")]
pub struct NotEnded {
    /// Its name.
    pub process: Arc<str>,
    /// What came of asking it.
    #[source]
    pub why: PeerError,
}

fn kind_of(entry: &Entry) -> StreamKind {
    if entry.about.is_camera() { StreamKind::Camera } else { StreamKind::Relay }
}

impl Streams {
    /// The other processes with which this one acts as one.
    pub fn cluster(&self) -> Option<Arc<Cluster>> {
        self.options.read().cluster.clone()
    }

    /// Tells the others what this process's models can do.
    pub(crate) fn offer_capacity(&self) {
        let Some(cluster) = self.cluster() else { return };
        if let Some(capacity) = self.detector.capacity() {
            cluster.offer_capacity(capacity);
        }
    }

    /// The stream of that name that another process has.
    pub(crate) fn find_elsewhere(&self, name: &str) -> Option<Origin> {
        let entry = self.cluster()?.find_elsewhere(name)?;
        Some(Origin::Elsewhere(entry.stream.clone(), entry.token, kind_of(&entry)))
    }

    /// Whether somebody sends a stream of that name to another process.
    pub(crate) fn is_sent_elsewhere(&self, name: &str) -> bool {
        let entry = self.cluster().and_then(|cluster| cluster.find_elsewhere(name));
        entry.is_some_and(|entry| !entry.about.is_camera())
    }

    /// As it is known to all: another process has it, and nothing here has its name.
    fn foreign_entry(&self, name: &str) -> Option<Arc<Entry>> {
        let entry = self.cluster()?.find_elsewhere(name)?;
        (self.find_stream(name).is_none() && !self.is_named_here(&entry)).then_some(entry)
    }

    /// Whether a camera here has the name of what is sent elsewhere. A camera may be the same one.
    fn is_named_here(&self, entry: &Entry) -> bool {
        !entry.about.is_camera() && self.registry.get(&entry.stream).is_some()
    }

    /// Whether this is one of several processes.
    pub fn has_others(&self) -> bool {
        self.cluster().is_some()
    }

    /// What a stream is that another process has, where nothing here has its name.
    pub fn kind_elsewhere(&self, name: &str) -> Option<StreamKind> {
        self.foreign_entry(name).map(|entry| kind_of(&entry))
    }

    /// Streams of other processes, as in answers, without who watches them. Those processes are asked, for at most a second.
    pub async fn reports_elsewhere(&self) -> Vec<stream::Stream> {
        let Some(cluster) = self.cluster() else { return Vec::new() };
        let told = cluster.ask_for_streams().await;
        self.as_seen_from_here(&told)
    }

    /// As [`Self::reports_elsewhere`] answered last, not long ago; nobody is asked.
    pub fn told_elsewhere(&self) -> Vec<stream::Stream> {
        self.cluster().map_or_else(Vec::new, |cluster| self.as_seen_from_here(&cluster.told_of_streams()))
    }

    /// A stream of another process and who watches it, there and here. That process is asked, for at most a second. `None` if
    /// none has it, or it has just ended.
    pub async fn report_elsewhere(&self, name: &str) -> Option<stream::Stream> {
        let (cluster, entry) = (self.cluster()?, self.foreign_entry(name)?);
        let told = cluster.ask_for_stream(&entry).await?;
        let (mut report, now) = (self.with_what_is_here(told, entry.token), clock::now());
        let here = self.viewers.stream_viewers(name);
        report.viewer_list.get_or_insert_default().extend(here.iter().map(|viewer| viewer.report(now)));
        Some(report)
    }

    /// Has the process that has a stream end it, within a second, and a camera all that have it; that process, if there is such a
    /// stream.
    pub async fn end_elsewhere(&self, name: &str) -> Result<Option<Arc<str>>, NotEnded> {
        let Some((cluster, entry)) = self.cluster().zip(self.foreign_entry(name)) else { return Ok(None) };
        let process = entry.process.clone();
        if let Some(mark) = &entry.about.camera {
            self.end_camera_elsewhere(name, mark).await?;
            return Ok(Some(process));
        }
        match cluster.ask_to_end(&entry).await {
            Ok(was_there) => Ok(was_there.then_some(process)),
            Err(why) => Err(NotEnded { process, why }),
        }
    }

    /// Has all other processes close the camera of that mark, within a second: those that get it from another one would read it
    /// themselves. An error where the one that reads it could not be asked.
    pub async fn end_camera_elsewhere(&self, name: &str, mark: &str) -> Result<(), NotEnded> {
        let Some(cluster) = self.cluster() else { return Ok(()) };
        let reader = cluster.find_elsewhere(name).map(|entry| entry.process.clone());
        for (process, why) in cluster.ask_all_to_end_camera(name, mark).await {
            if reader.as_ref() == Some(&process) {
                return Err(NotEnded { process, why });
            }
            tracing::warn!(camera = name, process = &*process, "it could not be asked to close it: {why}");
        }
        Ok(())
    }

    /// Closes the camera of that mark, because another process is asked to; whether there was one.
    pub fn end_camera_here(&self, mark: &str) -> bool {
        let cameras = self.running.cameras.all();
        let is_it = |upstream: &Upstream| upstream.place.mark().is_some_and(|own| **own == *mark);
        let found = cameras.iter().find(|(_, upstream)| is_it(upstream));
        found.inspect(|(_, upstream)| self.close_stream(upstream)).is_some()
    }

    /// What is here, for another process, which is told apart by `who`: what that one watches itself is not counted.
    pub fn reports_for(&self, who: &str) -> Vec<stream::Stream> {
        let watched = self.viewers.watched_by(who);
        let reports = self.stream_reports().into_iter().map(|report| {
            let own = watched.iter().filter(|stream| ***stream == *report.id).count();
            stream::Stream { viewers: report.viewers.saturating_sub(own), ..report }
        });
        reports.collect()
    }

    /// As [`Self::reports_for`], of one stream with all others who watch it.
    pub fn report_for(&self, upstream: &Upstream, who: &str) -> stream::Stream {
        let (report, now) = (self.stream_report(upstream), clock::now());
        let (own, others): (Vec<_>, Vec<_>) =
            self.viewers.stream_viewers(&report.id).into_iter().partition(|viewer| viewer.is_known_as(who));
        let viewers = report.viewers.saturating_sub(own.len());
        let list = others.iter().map(|viewer| viewer.report(now)).collect();
        stream::Stream { viewers, viewer_list: Some(list), ..report }
    }

    fn as_seen_from_here(&self, told: &[stream::Stream]) -> Vec<stream::Stream> {
        let Some(cluster) = self.cluster() else { return Vec::new() };
        let here: BTreeSet<Arc<str>> = self.upstreams().iter().map(|u| u.stream.id().clone()).collect();
        let reports = told.iter().filter_map(|report| {
            let name = &*report.id;
            // Another may have it since that was told.
            let is_of = |entry: &Arc<Entry>| report.process.as_deref() == Some(&*entry.process);
            let entry = cluster.find_elsewhere(name).filter(is_of)?;
            let is_here = here.contains(name) || self.is_named_here(&entry);
            (!is_here).then(|| self.with_what_is_here(report.clone(), entry.token))
        });
        reports.collect()
    }

    /// Those who watch here count, too, and where it is analysed here, that is what they see.
    fn with_what_is_here(&self, report: stream::Stream, token: Token) -> stream::Stream {
        let viewers = report.viewers + self.viewers.watcher_count(&report.id);
        let origin = Origin::Elsewhere(report.id.as_str().into(), token, report.kind);
        let analyses = self.analysis_reports(&origin);
        let analyses = if analyses.is_empty() { report.analyses } else { analyses };
        stream::Stream { viewers, analyses, ..report }
    }

    /// Joins those who watch a stream of another process, or begins to pull it.
    pub(crate) fn pull_stream(
        &self,
        origin: &Origin,
        name: &Arc<str>,
        token: Token,
    ) -> Result<StreamLease, WatchError> {
        let unknown = || WatchError::Unknown(name.to_string());
        let options = self.options();
        let cluster = options.cluster.clone().ok_or_else(unknown)?;
        let running = &self.running.elsewhere;
        let before = running.peek(origin);
        // It may be listed for a moment longer. What begins anew has another token.
        if before.as_ref().is_some_and(|before| before.stream.state().condition == Condition::Ended) {
            return Err(unknown());
        }
        let entry = cluster.find_elsewhere(name).filter(|entry| entry.token == token);
        if before.is_none() {
            entry.as_ref().ok_or_else(unknown)?;
            options.memory.admit_work(Work::Stream)?;
        }
        let process = entry.map_or_else(|| "".into(), |entry| entry.process.clone());
        let start = |stop| {
            let deps = self.dependencies();
            (Upstream::from_process(origin, name, token, process, cluster, &deps, stop), ())
        };
        let opened = running.get(origin, start);
        opened.map(|(lease, _)| lease).map_err(|_| self.too_many("relay.max_streams", origin))
    }
}
