//! What can be chosen: `cameras.*`, `relay.*` and `detector.*` of the configuration, and what goes with them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sightwire_cluster::Cluster;
use sightwire_frame::header::Limits;
pub use sightwire_hands::watch::WatchOptions;
use sightwire_hub::source::allow::Allow;
use sightwire_kserve::client::Options as RemoteOptions;
use sightwire_measure::memory::Memory;
use sightwire_models::store::Store;

use crate::origin::PerOrigin;
use crate::private::PrivateNetworks;
use crate::source::CameraTable;

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
    /// A thread without work for so long lets its sessions go.
    pub idle_release: Duration,
    /// Of a picture that is decoded.
    pub pictures: Limits,
    /// Folders with models and their manifests.
    pub store: Store,
    /// Of the whole server: without it nothing new begins.
    pub memory: Arc<Memory>,
    /// A server of models elsewhere, asked before the model here.
    pub remote: Option<RemoteOptions>,
    /// Other processes with which this one acts as one.
    pub cluster: Option<Arc<Cluster>>,
}

impl Options {
    /// Whether slow viewers get pictures of lower quality.
    pub fn lower_quality(&self) -> PerOrigin<bool> {
        PerOrigin { cameras: self.cameras.lower_quality, sent: self.relay.lower_quality }
    }
}

/// Streams that the server reads, and their viewers.
#[derive(Clone, Debug)]
pub struct CameraOptions {
    /// Those of the file, the default one included.
    pub configured: Vec<CameraTable>,
    /// What clients may name, configured cameras included.
    pub allow: Allow,
    /// Who may have cameras in other private networks read.
    pub private: PrivateNetworks,
    /// Cameras that are known and read at once, at most.
    pub max_upstreams: usize,
    /// Cameras that clients name by their address and that are read at once, at most.
    pub max_named: usize,
    /// Viewers of cameras at most.
    pub max_viewers: usize,
    /// Streams that are analysed at most.
    pub max_analyses: usize,
    /// Views that run at once, at most.
    pub max_views: usize,
    /// How long a camera and its analysis go on without a viewer.
    pub linger: Duration,
    /// A camera without a picture for so long has stalled.
    pub stalled_after: Duration,
    /// A camera that gives the same picture for so long is frozen; `None`: never.
    pub frozen_after: Option<Duration>,
    /// A viewer that takes nothing for so long is closed.
    pub viewer_deadline: Duration,
    /// Whether slow viewers get pictures of lower quality.
    pub lower_quality: bool,
    /// Largest picture of a camera, in bytes; a larger one is skipped.
    pub max_frame_bytes: usize,
    /// Where cameras that clients added are kept.
    pub file: PathBuf,
}

/// Which model finds objects, and what of that is shown.
#[derive(Clone, Debug)]
pub struct DetectorOptions {
    /// Name of the model, `auto` or `motion`.
    pub model: String,
    /// What is less sure is not shown, where nobody asks for another.
    pub confidence: f32,
    /// `None` takes the model's.
    pub iou: Option<f32>,
    /// Boxes in one picture, at most.
    pub max_boxes: usize,
    /// Classes that are shown where nobody asks for others; empty: all.
    pub classes: Vec<String>,
    /// Pictures that the model looks at a second, over all streams.
    pub max_fps: f64,
    /// Run the model only while something moves.
    pub gated: bool,
    /// Find hands, too, and in this way, where the model for them is there.
    pub hands: Option<WatchOptions>,
}

/// Streams that are sent, and their viewers.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// Streams that are sent at once, at most.
    pub max_streams: usize,
    /// Viewers of them at most.
    pub max_viewers: usize,
    /// A sender without a frame for so long is warned,
    pub warn_after: Duration,
    /// and after so long its stream ends.
    pub end_after: Duration,
    /// Likewise of one that has given frames and answers pings: a page whose tab is hidden. At least `end_after`.
    pub hidden_end_after: Duration,
    /// A stream without a frame for so long has stalled.
    pub stalled_after: Duration,
    /// From one ping of a viewer to the next.
    pub ping_interval: Duration,
    /// Largest picture of a sender, in bytes; a longer message ends its stream.
    pub max_frame_bytes: usize,
    /// Pictures of one sender a second.
    pub max_fps: f64,
    /// For a viewer to take a picture.
    pub deadline: Deadline,
    /// Whether slow viewers get pictures of lower quality.
    pub lower_quality: bool,
    /// Who is told what is in the pictures.
    pub overlays: Overlays,
    /// Pictures a second that are analysed of a stream that is looked at as usual,
    pub normal_fps: u8,
    /// and of one that is looked at closely.
    pub enhanced_fps: u8,
}

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
