//! What can be chosen anew while streams are watched: nobody notices who watches one that stays.

use std::sync::Arc;

use sightwire_base::lines;

use super::{analysis_places, most_viewers};
use crate::options::Options;
use crate::private::CameraReach;
use crate::registry::ConfiguredAnew;
use crate::{Streams, WatchError};

/// What was looked at, and can be applied without a failure.
#[must_use]
pub struct Reconfiguration {
    options: Arc<Options>,
    cameras: ConfiguredAnew,
}

impl Streams {
    /// Looks whether these can take the place of the options at work: cameras and their limits, and what the relay goes by.
    /// An error changes nothing. What finds objects, threads, files, folders and other
    /// processes stay as they are.
    pub fn prepare_options(&self, new: Options) -> Result<Reconfiguration, WatchError> {
        let now = self.options();
        let mut options = Options::clone(&now);
        let (file, linger) = (now.cameras.file.clone(), now.cameras.linger);
        options.cameras = new.cameras;
        (options.cameras.file, options.cameras.linger) = (file, linger);
        options.relay = new.relay;
        let cameras = self.registry.configured_anew(&options.cameras.configured);
        if let Some(taken) = cameras.new_ids().find(|id| self.is_sent(id)) {
            return Err(WatchError::Taken(taken.to_owned()));
        }
        Ok(Reconfiguration { options: Arc::new(options), cameras })
    }

    /// From now on it goes by that. Cameras that are gone, or have another address, are closed, and those who watched them are
    /// told; all else goes on.
    pub fn reconfigure(&self, to: Reconfiguration) {
        let Reconfiguration { options, cameras } = to;
        *self.reach.write() = CameraReach::new(&options.cameras.allow, options.cameras.private);
        self.viewers.set_max(most_viewers(&options));
        self.running.cameras.set_max(options.cameras.max_upstreams + options.cameras.max_named);
        self.running.sent.set_max(options.relay.max_streams);
        self.running.elsewhere.set_max(options.relay.max_streams);
        self.analyses.set_max(analysis_places(options.cameras.max_analyses));
        self.views.set_max(options.cameras.max_views);
        *self.options.write() = options;
        for before in self.registry.set_configured(cameras) {
            let camera = lines::short_line(&before.table.id);
            tracing::info!(%camera, "it is not configured so any more, and is closed");
            // Also where another has its source now: a stream has the name, and the viewers, of one camera.
            self.stop_stream(&before.table.source.into());
        }
    }
}
