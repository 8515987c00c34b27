//! Tracking: detections of one picture after the other in, objects that keep their number out.
//!
//! ByteTrack (Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every Detection Box"): sure
//! detections are given to tracks first, unsure ones then to the tracks that are left, so that somebody who is half
//! hidden is not lost. Where a track will be says a Kalman filter. Only [`motion`] looks at pixels.
//!
//! - [`tracker`]: [`Tracker`]: the two associations, and the life of tracks
//! - [`options`]: [`TrackerOptions`], with the paper's values
//! - [`kalman`]: where a box will be
//! - [`assignment`]: who belongs to whom
//! - [`trail`]: where a track has been
//! - [`motion`]: [`Motion`]: what moves in pictures from one place, found without a network
//!
//! What differs from the paper's code: time is time, not a number of pictures; ids are given when a track is confirmed,
//! so false boxes use none up; classes count (weakly, or as an option); a track that was lost takes over from
//! its younger duplicate without a gap.

#![forbid(unsafe_code)]

pub mod assignment;
pub mod kalman;
pub mod motion;
mod object;
pub mod options;
pub mod tracker;
pub mod trail;

use std::time::Duration;

use sightwire_frame::boxes::Rect;

pub use motion::{Motion, MotionOptions};
pub use options::TrackerOptions;
pub use tracker::Tracker;
pub use trail::{Anchor, TrailPoint};

/// One object, at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// 1, 2, 3 … in the order in which objects were confirmed; never used again.
    pub id: u64,
    /// Where it is thought to be, in pixels of the original picture. It may reach past the picture.
    pub rect: Rect,
    /// The class that its detections had most, of late.
    pub class: usize,
    /// Of the newest detection that was it, 0–1.
    pub confidence: f32,
    /// The highest confidence of late, sinking by half in a second: what to compare with a threshold, so that
    /// an object near it does not flicker.
    pub held_confidence: f32,
    /// Since it was first found.
    pub age: Duration,
    /// Since it was last found.
    pub unseen: Duration,
    /// Where it has been, the oldest point first, ending where it is.
    pub trail: Vec<TrailPoint>,
}
