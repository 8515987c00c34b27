//! What can be chosen: `cameras.*`, `relay.*` and `detector.*` of the configuration, and what goes with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sightwire_base::memory::Memory;
use sightwire_cluster::Cluster;
use sightwire_frame::header::Limits;
pub use sightwire_hands::watch::WatchOptions;
use sightwire_hub::source::allow::Allow;
use sightwire_models::store::Store;
use sightwire_settings::kind::Who;
use sightwire_settings::{ConfigError, Section, Values, section};

use crate::configured::{self, CAMERA};
use crate::origin::PerOrigin;
use crate::private::PrivateNetworks;
use crate::remote::RemoteDetector;
use crate::source::{CameraError, CameraTable};

/// How streams are watched, and within which bounds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Streams that the server reads.
    pub cameras: CameraOptions,
    /// Streams that are sent.
    pub relay: RelayOptions,
    /// What finds objects in their pictures.
    pub detector: DetectorOptions,
    /// Threads that decode, draw and encode.
    pub threads: usize,
    /// A thread without work for this long lets its sessions go.
    pub idle_release: Duration,
    /// Of a picture that is decoded.
    pub pictures: Limits,
    /// Folders with models and their manifests.
    pub store: Store,
    /// Of the whole server: without it nothing new begins.
    pub memory: Arc<Memory>,
    /// A server of models elsewhere, asked before the model here.
    pub remote: Option<Arc<dyn RemoteDetector>>,
    /// Other processes with which this one acts as one.
    pub cluster: Option<Arc<Cluster>>,
}

impl Options {
    /// Whether slow viewers get pictures of lower quality.
    pub fn lower_quality(&self) -> PerOrigin<bool> {
        PerOrigin { cameras: self.cameras.lower_quality, sent: self.relay.lower_quality }
    }
}

section! {
    /// Streams that the server reads, and their viewers.
    #[derive(Clone, Debug)]
    pub struct CameraOptions: "cameras" {
        /// Address of the camera that `/stream` shows to users who have none of their own.
        pub default_url: Option<CameraTable> = key("default_url", Text, "").secret().at_once(), parse |url: String| default_camera(&url);
        /// What addresses given by clients may lead to: networks (`192.168.1.0/24`), addresses, names of hosts.
        /// Configured cameras are always allowed. Private networks are allowed to whoever asks on the server's own
        /// machine, through no proxy, while the server listens on loopback only and nothing says that a proxy brings
        /// others (`access.mode` other than auto, `server.trusted_proxies`, `server.hosts`, `server.base_path`,
        /// `access.proxy_header`, `[[access.legacy]]`); loopback, link-local and metadata addresses only where listed
        /// themselves.
        pub allow: Allow = key("allow", List, []).at_once(), parse |list| Allow::parse(list.iter().map(String::as_str));
        /// Who may add, change, try and remove cameras while the server runs: local (on this machine, or with an
        /// operator's key), anyone (everyone who reaches the server, without a key; to be removed) or nobody.
        pub changing: Who = key("changing", WhoMay, "local");
        /// Known cameras that one process reads at once. For one more, viewers are answered 503 and Retry-After.
        pub max_upstreams: usize = key("max_upstreams", Int(0, 10_000), 5).at_once();
        /// Cameras that are read at once because a client named their address, or a user saved them. They do not count
        /// towards `max_upstreams`.
        pub max_named: usize = key("max_named", Int(0, 10_000), 5).at_once();
        /// Viewers of cameras at once, over all cameras.
        pub max_viewers: usize = key("max_viewers", Int(0, 1_000_000), 1000).at_once();
        /// Streams that are analysed at once. One address has at most three quarters of them for itself.
        pub max_analyses: usize = key("max_analyses", Int(0, 10_000), 10).at_once();
        /// Views at once: one for each way in which an analysis is drawn. One address has at most three quarters of
        /// them for itself.
        pub max_views: usize = key("max_views", Int(0, 10_000), 32).at_once();
        /// Seconds that a camera without viewers stays open, for viewers who come back at once.
        pub linger: Duration = key("linger_s", Seconds(0.0, 3600.0), 3.0);
        /// Seconds without a frame after which a camera has stalled.
        pub stalled_after: Duration = key("stalled_after_s", Seconds(0.5, 3600.0), 3.0).at_once();
        /// Seconds of the same frame, bit for bit, after which a camera is frozen. 0: never, for test patterns.
        pub frozen_after: Option<Duration> = key("frozen_after_s", Seconds(0.0, 86_400.0), 10.0).at_once() => |after| Some(after).filter(|after| !after.is_zero());
        /// A viewer that takes no byte for this many seconds is disconnected.
        pub viewer_deadline: Duration = key("viewer_deadline_s", Seconds(0.5, 3600.0), 5.0).at_once();
        /// Whether viewers that cannot keep up get smaller frames, encoded again. false: they get fewer frames.
        pub lower_quality: bool = key("lower_quality", Flag, true).at_once();
        /// Largest frame of a camera, in MiB; a larger one is skipped.
        pub max_frame_bytes: usize = key("max_frame_mb", Mib(1, 256), 8).at_once();
        /// File that keeps the cameras added through the page or the API. Empty takes `cameras.json` in store.home.
        pub file: PathBuf = key("file", Path, "") => Option::unwrap_or_default;
    } beside {
        /// Those of the file, the default one included.
        pub configured: Vec<CameraTable>,
        /// Who may have cameras in other private networks read.
        pub private: PrivateNetworks,
    }
}

/// The keys of cameras, and their tables.
pub static CAMERAS: Section = Section::new("cameras", CameraOptions::KEYS).with_tables(&[&CAMERA]);

impl CameraOptions {
    /// With the cameras of the configuration, all of which may be read; what clients add is kept in `home`, unless a file is named.
    pub fn with_configured(
        values: Values<'_>,
        private: PrivateNetworks,
        home: &Path,
    ) -> Result<Self, ConfigError> {
        let mut options = Self::read(values, configured::read_tables(values)?, private)?;
        if options.file.as_os_str().is_empty() {
            options.file = home.join("cameras.json");
        }
        if let Some(camera) = &options.default_url {
            if options.configured.iter().any(|other| other.default || other.id == camera.id) {
                let origin = values.origin("cameras.default_url");
                let reason =
                    format!("a [[camera]] is the default already; take cameras.default_url ({origin}) away");
                return Err(values.invalid("cameras.default_url", &reason));
            }
            options.configured.push(camera.clone());
        }
        for url in options.configured.iter().filter_map(|camera| camera.source.url()) {
            options.allow = options.allow.with_camera(url);
        }
        Ok(options)
    }
}

/// None where it is empty. What is kept of an address shows no password.
fn default_camera(url: &str) -> Result<Option<CameraTable>, CameraError> {
    if url.is_empty() { Ok(None) } else { CameraTable::default_camera(url).map(Some) }
}

section! {
    /// Which model finds objects, and what of that is shown.
    #[derive(Clone, Debug)]
    pub struct DetectorOptions: "detector" {
        /// Name of the detection model; motion, which needs no model; or auto: yolox-nano if it is available, else
        /// motion.
        pub model: String = key("model", Text, "auto");
        /// Lowest confidence of the boxes that are shown, unless a request says otherwise.
        pub confidence: f32 = key("confidence", Number(0.0, 1.0), 0.25) => |least| least as f32;
        /// Of two boxes of a class that overlap more than this (IoU), the one with the higher confidence is kept. 0
        /// takes the model's own (0.5).
        pub iou: Option<f32> = key("iou", Number(0.0, 1.0), 0.0) => |iou| Some(iou as f32).filter(|iou| *iou > 0.0);
        /// Most boxes in one frame or picture.
        pub max_boxes: usize = key("max_boxes", Int(1, 1000), 50);
        /// Classes that are shown unless a request says otherwise, for example `car, person`. Empty: all.
        pub classes: Vec<String> = key("classes", List, []);
        /// none, or motion: the model runs only while something moves (and once every ten seconds).
        pub gated: bool = key("gate", Choice(&["none", "motion"]), "none") => |gate| gate == "motion";
        /// Find hands, too, in streams that are analysed: their joints are drawn, and told in detections and
        /// overlay_data. recognizer.hands and recognizer.arming hold here, too. Needs the model hands (`sightwire
        /// models pull hands`).
        pub hands: bool = key("hands", Flag, false);
        /// Frames per second on which the model is run, over all streams, each with an equal share; on other frames,
        /// boxes are drawn at estimated positions.
        pub max_fps: f64 = key("max_fps", Number(0.1, 1e6), 240.0);
    } beside {
        /// How hands are followed.
        pub watch: WatchOptions,
    }
}

section! {
    /// Streams that are sent, and their viewers.
    #[derive(Clone, Debug)]
    pub struct RelayOptions: "relay", check_deadlines {
        /// Streams from senders to one process at once; and streams of other processes that it pulls at once, counted
        /// apart. One more sender is told so and closed with 1013.
        pub max_streams: usize = key("max_streams", Int(0, 100_000), 64).at_once();
        /// Viewers of `/ws/view` at once. One more is told so and closed with 1013.
        pub max_viewers: usize = key("max_viewers", Int(0, 1_000_000), 1000).at_once();
        /// Seconds without a message after which the sender is warned.
        pub warn_after: Duration = key("warn_after_s", Seconds(0.05, 86_400.0), 10.0).at_once();
        /// Seconds without a frame after which a stream is ended.
        pub end_after: Duration = key("end_after_s", Seconds(0.05, 86_400.0), 15.0).at_once();
        /// Seconds without a frame after which a stream is ended whose sender has given frames and still answers pings:
        /// a page whose tab is hidden. At least relay.end_after_s.
        pub hidden_end_after: Duration = key("hidden_end_after_s", Seconds(0.05, 86_400.0), 90.0).at_once();
        /// Seconds without a frame after which a stream has stalled.
        pub stalled_after: Duration = key("stalled_after_s", Seconds(0.05, 86_400.0), 3.0).at_once();
        /// Seconds between pings to a viewer.
        pub ping_interval: Duration = key("ping_interval_s", Seconds(0.05, 3600.0), 30.0).at_once();
        /// Largest frame of a sender, in MiB; a longer message ends its stream with 1009.
        pub max_frame_bytes: usize = key("max_frame_mb", Mib(1, 256), 8).at_once();
        /// Frames per second of one stream that are passed on; the excess is dropped and counted.
        pub max_fps: f64 = key("max_fps", Number(1.0, 1e6), 60.0).at_once();
        /// Seconds that a viewer may take for a frame, until it is known how long it usually takes. One that takes
        /// nothing for three deadlines, each twice the one before, is closed.
        pub viewer_deadline: Duration = key("viewer_deadline_s", Seconds(0.05, 600.0), 1.0).at_once();
        /// Shortest deadline of a viewer, in seconds. The deadline follows the time that the viewer usually takes.
        pub viewer_deadline_min: Duration = key("viewer_deadline_min_s", Seconds(0.05, 600.0), 0.5).at_once();
        /// Longest deadline of a viewer, in seconds.
        pub viewer_deadline_max: Duration = key("viewer_deadline_max_s", Seconds(0.05, 600.0), 5.0).at_once();
        /// Whether viewers that cannot keep up get smaller frames, encoded again. false: they get fewer frames.
        pub lower_quality: bool = key("lower_quality", Flag, true).at_once();
        /// Who gets `overlay_data`: asked (viewers with `overlays=1`, what the detector finds and, where the model
        /// `pose` is there, bodies), all (also viewers of the old protocol that do not ask, as the prototype did:
        /// bodies, where that model is there) or none.
        pub overlays: Overlays = key("overlays", Choice(&["asked", "all", "none"]), "all").at_once() => Overlays::from_word;
        /// Frames per second that are analysed of a stream in mode normal.
        pub normal_fps: u8 = key("normal_fps", Int(1, 30), 5).at_once() => |fps| fps as u8;
        /// Frames per second that are analysed of a stream in mode enhanced.
        pub enhanced_fps: u8 = key("enhanced_fps", Int(1, 30), 15).at_once() => |fps| fps as u8;
    }
}

impl RelayOptions {
    fn check_deadlines(&self, values: Values<'_>) -> Result<(), ConfigError> {
        if self.viewer_deadline_min > self.viewer_deadline_max {
            let reason = "it must not be longer than relay.viewer_deadline_max_s";
            return Err(values.invalid("relay.viewer_deadline_min_s", reason));
        }
        Ok(())
    }

    /// For a viewer to take a picture.
    pub fn deadline(&self) -> Deadline {
        Deadline { first: self.viewer_deadline, min: self.viewer_deadline_min, max: self.viewer_deadline_max }
    }
}

/// The keys of streams that are sent.
pub static RELAY: Section = Section::new("relay", RelayOptions::KEYS);
/// The keys of the model that finds objects.
pub static DETECTOR: Section = Section::new("detector", DetectorOptions::KEYS);

/// What a viewer may take for one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Until anything is known of the viewer.
    pub first: Duration,
    /// The deadline is never shorter than this.
    pub min: Duration,
    /// The deadline is never longer than this.
    pub max: Duration,
}

/// Who is told what is in the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlays {
    /// Nobody, not even viewers that ask for it.
    None,
    /// Viewers that ask for it.
    Asked,
    /// Those, and viewers of the old protocol that do not ask: they are told of bodies, where the model for them is there.
    All,
}

impl Overlays {
    /// By its word in the configuration.
    fn from_word(word: &str) -> Self {
        match word {
            "none" => Self::None,
            "asked" => Self::Asked,
            _ => Self::All,
        }
    }
}
