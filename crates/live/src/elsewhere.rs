//! Streams of other processes: pulled while somebody here needs them, and one connection for all who do; and what is told of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sightwire_api::stream;
use sightwire_cluster::Cluster;
use sightwire_cluster::entry::{Entry, Token};
use sightwire_cluster::peer::PeerError;
use sightwire_measure::clock;
use sightwire_measure::memory::Work;

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

impl Streams {
    fn cluster(&self) -> Option<Arc<Cluster>> {
        self.options.read().cluster.clone()
    }

    /// The stream of that name that another process has.
    pub(crate) fn elsewhere(&self, name: &str) -> Option<Origin> {
        let entry = self.cluster()?.elsewhere(name)?;
        Some(Origin::Elsewhere(entry.stream.clone(), entry.token))
    }

    /// As it is known to all: another process has it, and nothing here has its name.
    fn entry(&self, name: &str) -> Option<Arc<Entry>> {
        let entry = self.cluster()?.elsewhere(name)?;
        let is_here = self.registry.get(name).is_some() || self.find(name).is_some();
        (!is_here).then_some(entry)
    }

    /// Whether this is one of several processes.
    pub fn has_others(&self) -> bool {
        self.cluster().is_some()
    }

    /// Whether another process has a stream of that name, and nothing here does.
    pub fn is_elsewhere(&self, name: &str) -> bool {
        self.entry(name).is_some()
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

    /// A stream of another process and who watches it, there and here. That process is asked, for at most a second. `None` if none has
    /// it, or it has just ended.
    pub async fn report_elsewhere(&self, name: &str) -> Option<stream::Stream> {
        let (cluster, entry) = (self.cluster()?, self.entry(name)?);
        let told = cluster.ask_for_stream(&entry).await?;
        let (mut report, now) = (self.with_what_is_here(told, entry.token), clock::now());
        let here = self.viewers.of(name);
        report.viewer_list.get_or_insert_default().extend(here.iter().map(|viewer| viewer.report(now)));
        Some(report)
    }

    /// Has the process that has a stream end it, within a second; that process, if there is such a stream.
    pub async fn end_elsewhere(&self, name: &str) -> Result<Option<Arc<str>>, NotEnded> {
        let Some((cluster, entry)) = self.cluster().zip(self.entry(name)) else { return Ok(None) };
        let process = entry.process.clone();
        match cluster.ask_to_end(&entry).await {
            Ok(was_there) => Ok(was_there.then_some(process)),
            Err(why) => Err(NotEnded { process, why }),
        }
    }

    /// What is sent here, for another process, which is told apart by `who`: whoever watches there is not counted.
    pub fn reports_for(&self, who: &str) -> Vec<stream::Stream> {
        let watched = self.viewers.watched_by(who);
        let upstreams = self.upstreams();
        let sent = upstreams.iter().filter(|upstream| upstream.sender.is_some());
        let reports = sent.map(|upstream| {
            let own = watched.iter().filter(|stream| *stream == upstream.stream.id()).count();
            let report = self.stream_report(upstream);
            stream::Stream { viewers: report.viewers.saturating_sub(own), ..report }
        });
        reports.collect()
    }

    /// As [`Self::reports_for`], of one stream with all others who watch it.
    pub fn report_for(&self, upstream: &Upstream, who: &str) -> stream::Stream {
        let (report, now) = (self.stream_report(upstream), clock::now());
        let (own, others): (Vec<_>, Vec<_>) =
            self.viewers.of(&report.id).into_iter().partition(|viewer| viewer.is(who));
        let viewers = report.viewers.saturating_sub(own.len());
        let list = others.iter().map(|viewer| viewer.report(now)).collect();
        stream::Stream { viewers, viewer_list: Some(list), ..report }
    }

    fn as_seen_from_here(&self, told: &[stream::Stream]) -> Vec<stream::Stream> {
        let Some(cluster) = self.cluster() else { return Vec::new() };
        let here: BTreeSet<Arc<str>> = self.upstreams().iter().map(|u| u.stream.id().clone()).collect();
        let reports = told.iter().filter_map(|report| {
            let name = &*report.id;
            let entry = cluster.elsewhere(name)?;
            let is_here = here.contains(name) || self.registry.get(name).is_some();
            (!is_here).then(|| self.with_what_is_here(report.clone(), entry.token))
        });
        reports.collect()
    }

    /// Those who watch here count, too, and where it is analysed here, that is what they see.
    fn with_what_is_here(&self, report: stream::Stream, token: Token) -> stream::Stream {
        let viewers = report.viewers + self.viewers.count(&report.id);
        let origin = Origin::Elsewhere(report.id.as_str().into(), token);
        let analyses = self.analysis_reports(&origin);
        let analyses = if analyses.is_empty() { report.analyses } else { analyses };
        stream::Stream { viewers, analyses, ..report }
    }

    /// Joins those who watch a stream of another process, or begins to pull it.
    pub(crate) fn pull(
        &self,
        origin: &Origin,
        name: &Arc<str>,
        token: Token,
    ) -> Result<StreamLease, WatchError> {
        let unknown = || WatchError::Unknown(name.to_string());
        let options = self.options();
        let cluster = options.cluster.clone().ok_or_else(unknown)?;
        let running = &self.running.elsewhere;
        if running.peek(origin).is_none() {
            cluster.elsewhere(name).filter(|entry| entry.token == token).ok_or_else(unknown)?;
            options.memory.admit(Work::Stream)?;
        }
        let start = |stop| (Upstream::pulled((name, token), cluster, &self.dependencies(), stop), ());
        let opened = running.get(origin, start);
        opened.map(|(lease, _)| lease).map_err(|_| self.too_many("relay.max_streams", origin))
    }
}
