//! What the tracker goes by.

use std::time::Duration;

use super::kalman::Noise;
use super::trail::Anchor;

/// Parameters of a [`Tracker`](super::Tracker). Defaults are those of the paper and its code where those have one; times
/// are times and not numbers of pictures, since analyses come at irregular intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerOptions {
    /// Detections at least this sure take part in the first association (the paper's τ).
    pub track_high: f32,
    /// Detections at least this sure, and below `track_high`, take part in the second; the others are dropped. As high
    /// as `track_high`, there is no second association.
    pub track_low: f32,
    /// Detections at least this sure that belong to no track begin one.
    pub track_new: f32,
    /// Most that a pair may cost in the first association: 1 − IoU × confidence of the detection.
    pub match_high: f32,
    /// Most that a pair may cost in the second: 1 − IoU.
    pub match_low: f32,
    /// Most that a pair of a track not yet confirmed and a detection may cost: 1 − IoU × confidence.
    pub match_unconfirmed: f32,
    /// Whether the first association counts the detection's confidence, or IoU alone (the paper's code turns it off for
    /// dense crowds).
    pub fuse_score: bool,
    /// How alike boxes of different classes are: their IoU counts as this share of itself. 1: classes do not matter;
    /// 0: a track never takes a detection of another class.
    pub other_class: f32,
    /// How fast something new may move, in its own heights a second, while one box is all that is known of it. For what
    /// an interval between analyses is longer than a nominal picture, the new track's box and the detections are grown by
    /// this much on all sides before they are compared; else an object that moves by half a width between slow analyses never gets a
    /// track (the idea of growing is that of C-BIoU, Yang et al. 2023). 0: as in the paper.
    pub newcomer_speed: f32,
    /// How far from where it is thought to be somebody may come out from behind something, in its own heights for each second
    /// unseen: what hides it takes a part of its box away first, so that it seems to slow down and to become narrow. Only
    /// detections that would begin a new track are looked at so, of about the same height and not of another class. 0: as in
    /// the paper.
    pub hidden_speed: f32,
    /// A track is confirmed, and gets its id, once it was found in this many analyses in a row; in the first analysis of
    /// all at once.
    pub confirm: u32,
    /// A track that is not found is kept for at least this long (30 pictures in the paper).
    pub lost_buffer: Duration,
    /// A track that is not found is kept, however long that takes, until it was not found in more than this many analyses:
    /// at four a second the buffer alone would be over after three misses.
    pub lost_analyses: u32,
    /// A track that is not found is drawn for this long where it is thought to be, so that boxes do not flicker. The paper's
    /// code draws none.
    pub coast: Duration,
    /// After this time without an analysis all tracks have ended.
    pub pause: Duration,
    /// Of two tracks, one of them lost, whose IoU is above this, the longer-lived goes on.
    pub duplicate_iou: f32,
    /// How far boxes stray.
    pub noise: Noise,
    /// Pictures a second that `noise` is meant for.
    pub nominal_fps: f32,
    /// Which point of the box makes the trail.
    pub anchor: Anchor,
    /// How far a trail goes back.
    pub trail: Duration,
    /// Most points of a trail.
    pub trail_points: usize,
    /// Most detections of one analysis that are considered, the surest.
    pub max_detections: usize,
    /// Most tracks at a time, lost ones included: they go first where there is no room for a new one.
    pub max_tracks: usize,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            track_high: 0.5,
            track_low: 0.1,
            track_new: 0.6,
            match_high: 0.8,
            match_low: 0.5,
            match_unconfirmed: 0.7,
            fuse_score: true,
            other_class: 0.8,
            newcomer_speed: 1.0,
            hidden_speed: 1.0,
            confirm: 2,
            lost_buffer: Duration::from_secs(1),
            lost_analyses: 5,
            coast: Duration::from_millis(400),
            pause: Duration::from_secs(15),
            duplicate_iou: 0.85,
            noise: Noise::default(),
            nominal_fps: 30.0,
            anchor: Anchor::Foot,
            trail: Duration::from_secs(3),
            trail_points: 64,
            max_detections: 300,
            max_tracks: 256,
        }
    }
}

impl TrackerOptions {
    /// For viewers who want to see whatever is found at least this surely: tracks begin there, and nothing that sure is
    /// left to the second association. For detectors whose confidences run low, as those of small models do.
    #[must_use]
    pub fn for_confidence(confidence: f32) -> Self {
        let paper = Self::default();
        Self {
            track_high: confidence,
            track_new: confidence,
            track_low: paper.track_low.min(confidence / 2.0),
            ..paper
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_found_as_surely_as_viewers_wish_begins_a_track() {
        for (confidence, low) in [(0.25, 0.1), (0.1, 0.05)] {
            let options = TrackerOptions::for_confidence(confidence);
            assert_eq!(
                (options.track_high, options.track_new, options.track_low),
                (confidence, confidence, low)
            );
        }
    }
}
