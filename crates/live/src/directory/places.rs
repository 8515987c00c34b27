//! Who may have a camera opened: those that are known have places of their own, and those that clients name by their address
//! compete with one another alone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sightwire_base::memory::Work;
use sightwire_hub::on_demand::OnDemand;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::elsewhere::LINGER;
use crate::options::Options;
use crate::origin::Origin;
use crate::upstream::{self, Upstream};
use crate::{StreamLease, Streams, WatchError};

/// Streams that run, by where their pictures come from: none takes another's places.
#[derive(Debug)]
pub struct Running {
    /// Cameras that are being read.
    pub cameras: OnDemand<Origin, Upstream>,
    /// What is sent here.
    pub sent: OnDemand<Origin, Upstream>,
    /// What is pulled from other processes.
    pub elsewhere: OnDemand<Origin, Upstream>,
}

impl Running {
    pub fn new(options: &Options, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let running =
            |max, linger| OnDemand::new(max, linger, Upstream::is_over, tasks.clone(), stop.clone());
        let (cameras, streams) = (&options.cameras, options.relay.max_streams);
        Self {
            cameras: running(cameras.max_upstreams + cameras.max_named, cameras.linger),
            sent: running(streams, Duration::ZERO),
            elsewhere: running(streams, LINGER),
        }
    }

    pub fn for_origin(&self, origin: &Origin) -> &OnDemand<Origin, Upstream> {
        match origin {
            Origin::Camera(..) => &self.cameras,
            Origin::Sent(_) => &self.sent,
            Origin::Elsewhere(..) => &self.elsewhere,
        }
    }
}

impl Streams {
    /// Joins those who watch a stream; a camera that nobody watches is opened.
    pub fn open_stream(&self, origin: &Origin) -> Result<StreamLease, WatchError> {
        let (source, from) = match origin {
            Origin::Sent(name) => {
                let sent = self.running.sent.join(origin);
                return sent.ok_or_else(|| WatchError::Unknown(name.to_string()));
            }
            Origin::Elsewhere(name, token, _) => return self.pull_stream(origin, name, *token),
            Origin::Camera(source, from) => (source, *from),
        };
        self.check_source(source, from)?;
        if !self.running.cameras.is_running(origin) {
            self.options().memory.admit_work(Work::Camera)?;
        }
        let id = self.id_of(origin);
        if !self.has_room(origin) {
            self.drop_idle(origin);
        }
        let (max, known) = self.camera_limit(origin);
        // A file is one machine's, and an address that a client names is that client's affair.
        let is_shared = known && source.url().is_some() && self.registry.with_source(source).is_some();
        let start = |stop| {
            let reads = upstream::build_source(
                source,
                &self.web_for_source(source, from),
                self.options().cameras.max_frame_bytes,
            );
            (Upstream::from_camera(&id, is_shared, source, reads, &self.dependencies(), stop), ())
        };
        let alike = |other: &Origin| self.is_known(other) == known;
        let opened = self.running.cameras.get_among(origin, max, alike, start);
        opened.map(|(lease, _)| lease).map_err(|_| self.no_place(origin))
    }

    /// That stream cannot be opened, for as many are open as may.
    pub fn no_place(&self, origin: &Origin) -> WatchError {
        let limit = if self.is_known(origin) { "cameras.max_upstreams" } else { "cameras.max_named" };
        self.too_many(limit, origin)
    }

    /// A camera of the configuration, or that was added for all. One that a user saved is that user's own affair.
    fn is_known(&self, origin: &Origin) -> bool {
        let known = origin.camera().and_then(|source| self.registry.with_source(source));
        known.is_some_and(|camera| camera.configured || camera.table.user.is_none())
    }

    /// How many cameras of its kind may be open, and whether that is those which are known.
    fn camera_limit(&self, origin: &Origin) -> (usize, bool) {
        let known = self.is_known(origin);
        let options = self.options();
        let cameras = &options.cameras;
        (if known { cameras.max_upstreams } else { cameras.max_named }, known)
    }

    /// Whether a stream runs, or may be opened without closing another.
    pub fn has_room(&self, origin: &Origin) -> bool {
        let running = self.running.for_origin(origin);
        if running.is_running(origin) {
            return true;
        }
        if origin.camera().is_none() {
            return running.len() < running.max();
        }
        let (max, known) = self.camera_limit(origin);
        running.count(|other| self.is_known(other) == known) < max
    }

    /// Cameras that are being read: those that are known, and those that clients named by their address.
    pub fn open_cameras(&self) -> [usize; 2] {
        let (all, known) =
            (self.running.cameras.len(), self.running.cameras.count(|camera| self.is_known(camera)));
        [known, all.saturating_sub(known)]
    }

    /// Where there was no place for a camera that is named by its address, one that never gave a picture gives way: of the address
    /// that had most of them opened, if those are still more afterwards than the newcomer's, or the newcomer has none.
    pub fn make_way(&self, origin: &Origin, newcomer: IpAddr) {
        if origin.camera().is_none() || self.is_known(origin) || self.has_room(origin) {
            return;
        }
        self.drop_idle(origin);
        if self.has_room(origin) {
            return;
        }
        let named: Vec<Arc<Upstream>> = self
            .upstreams()
            .into_iter()
            .filter(|u| u.origin.camera().is_some() && !self.is_known(&u.origin))
            .collect();
        let of = |address: Option<&IpAddr>| named.iter().filter(|u| u.asked_by.get() == address).count();
        let own = of(Some(&newcomer));
        let silent = named.iter().filter(|upstream| upstream.stream.newest().is_none());
        let greediest = silent.max_by_key(|upstream| of(upstream.asked_by.get()));
        let gives_way = |upstream: &&Arc<Upstream>| {
            let count = of(upstream.asked_by.get());
            count > own + 1 || (own == 0 && count > 0)
        };
        let Some(upstream) = greediest.filter(gives_way) else { return };
        tracing::info!(
            camera = &**upstream.stream.id(),
            "closed: it gave no picture, and others wait for a place"
        );
        self.stop_this(upstream);
    }

    /// Closes a camera of the same kind that is only kept by analyses which linger.
    fn drop_idle(&self, newcomer: &Origin) {
        let known = self.is_known(newcomer);
        for (origin, _) in self.running.cameras.all() {
            if self.is_known(&origin) != known {
                continue;
            }
            let is_idle = |_: &Arc<Upstream>, leases| {
                // Not the analysis itself: the last to hold it leaves this camera, which is locked.
                let analysed = self.analyses.is_running(&origin);
                self.analyses.lease_count(&origin) == 0 && leases <= usize::from(analysed)
            };
            if self.running.cameras.stop_if(&origin, is_idle) {
                self.stop_what_is_made_of(&origin);
                return;
            }
        }
    }
}
