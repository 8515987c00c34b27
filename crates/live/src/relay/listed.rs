//! What is sent: here, or to other processes.

use std::collections::BTreeMap;
use std::sync::Arc;

use sightwire_api::stream::{AnalysisMode, StreamKind};
use sightwire_cluster::entry::Entry;
use sightwire_hub::stream::Condition;
use tokio_util::sync::CancellationToken;

use super::{Relay, Sender};
use crate::origin::Origin;

/// Streams that are being sent, by name.
pub type Listing = Arc<BTreeMap<Arc<str>, Listed>>;

/// A stream that is being sent.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub id: Arc<str>,
    /// How closely it is looked at.
    pub mode: AnalysisMode,
    /// No other of that name has it, before or after.
    pub number: u64,
    /// Where its sender is.
    pub place: SenderLocation,
}

/// Where a stream's sender is.
#[derive(Clone, Debug)]
pub enum SenderLocation {
    /// Connected to this process.
    Here(Arc<Sender>),
    /// Connected to another.
    Elsewhere(Arc<Entry>),
}

impl Listed {
    pub(super) fn here_by(sender: &Arc<Sender>) -> Self {
        let (id, mode, number) = (sender.id.clone(), sender.mode, sender.number);
        Self { id, mode, number, place: SenderLocation::Here(sender.clone()) }
    }

    fn from_entry(entry: &Arc<Entry>) -> Self {
        // Tokens are microseconds since 1970, so that they are never as low as a number of a sender here.
        let (id, mode, number) = (entry.stream.clone(), entry.about.mode, entry.token.into());
        Self { id, mode, number, place: SenderLocation::Elsewhere(entry.clone()) }
    }

    /// Its sender, where that is connected to this process.
    pub fn local_sender(&self) -> Option<&Arc<Sender>> {
        match &self.place {
            SenderLocation::Here(sender) => Some(sender),
            SenderLocation::Elsewhere(_) => None,
        }
    }

    /// The origin by which the stream is opened.
    pub fn origin(&self) -> Origin {
        match &self.place {
            SenderLocation::Here(sender) => Origin::Sent(sender.id.clone()),
            SenderLocation::Elsewhere(entry) => {
                Origin::Elsewhere(entry.stream.clone(), entry.token, StreamKind::Relay)
            }
        }
    }

    /// Whether it has just ended: it stands there until its successor may come.
    pub fn has_ended(&self) -> bool {
        self.local_sender().is_some_and(|sender| sender.stream.state().condition == Condition::Ended)
    }
}

impl Relay {
    /// Follows what other processes have, until `stop`; nothing where there are none.
    pub async fn follow_others(self: Arc<Self>, stop: CancellationToken) {
        let Some(cluster) = self.streams.cluster() else { return };
        let mut directory = cluster.directory();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = directory.changed() => if changed.is_err() {
                    return;
                },
            }
            directory.mark_unchanged();
            self.live.send_if_modified(|live| {
                let mut all = BTreeMap::clone(live);
                self.list_elsewhere(&mut all);
                let is_same = all.len() == live.len()
                    && all.iter().zip(live.iter()).all(|(a, b)| a.0 == b.0 && a.1.number == b.1.number);
                *live = Arc::new(all);
                !is_same
            });
        }
    }

    /// What is here, or has the name of a camera here, is not looked for elsewhere.
    pub(super) fn list_elsewhere(&self, all: &mut BTreeMap<Arc<str>, Listed>) {
        all.retain(|_, listed| listed.local_sender().is_some());
        let Some(cluster) = self.streams.cluster() else { return };
        for (name, entry) in &cluster.current_directory().streams {
            if !cluster.is_mine(entry)
                && !entry.about.is_camera()
                && !all.contains_key(name)
                && self.streams.registry.get(name).is_none()
            {
                all.insert(name.clone(), Listed::from_entry(entry));
            }
        }
    }
}
