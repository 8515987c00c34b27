//! A name is one sender's among all processes. A sender of it at another process is asked there whether it is still there.

use std::sync::Arc;

use sightwire_api::stream::AnalysisMode;
use sightwire_cluster::cluster::claim::NotClaimed;
use sightwire_cluster::entry::{About, Entry};
use sightwire_cluster::lease::ClusterLease;

use super::{Listed, Refused, Relay};
use crate::WatchError;

impl Relay {
    /// The right to a name among all processes; `None` where there are no others.
    pub(super) async fn claim_among_all(
        &self,
        id: &Arc<str>,
        mode: AnalysisMode,
        binary: bool,
    ) -> Result<Option<ClusterLease>, Refused> {
        let Some(cluster) = self.streams.cluster() else { return Ok(None) };
        let is_camera = cluster.find_elsewhere(id).is_some_and(|entry| entry.about.is_camera());
        if is_camera || self.streams.has_camera(id) {
            return Err(Refused::Taken(WatchError::Taken(id.to_string())));
        }
        let claimed = cluster.claim_stream(id, About::new_sent(mode, binary)).await;
        claimed.map(Some).map_err(|why| match why {
            NotClaimed::Live(_) => Refused::Live,
            NotClaimed::Away(_) => Refused::Away,
        })
    }

    /// The sender of that stream at another process has to show that it is there, or goes.
    pub(super) async fn ask_elsewhere(&self, entry: &Arc<Entry>) -> Result<(), Refused> {
        let Some(cluster) = self.streams.cluster() else { return Ok(()) };
        if cluster.challenge_remote_sender(entry).await { Err(Refused::Live) } else { Ok(()) }
    }

    /// For another process: whether the sender of a stream is connected here and shows that it is there. One that does not is
    /// sent away.
    pub async fn challenge_local_sender(&self, name: &str) -> bool {
        let listed =
            self.current_listing().get(name).and_then(Listed::local_sender).map(|sender| sender.id.clone());
        match listed {
            Some(id) => self.challenge_sender(&id).await.is_err(),
            None => false,
        }
    }
}
