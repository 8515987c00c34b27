//! Plays a generated performance to a [`Watch`]: the joints that networks would give of it, and small pictures of it.

use std::convert::Infallible;
use std::time::Duration;

use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;
use sightwire_hands::label::Label;
use sightwire_hands::landmarks::Landmarks;
use sightwire_hands::palm::Palm;
use sightwire_hands::region::Region;
use sightwire_hands::watch::{Networks, Watch, WatchOptions};
use sightwire_synth::hand::{self, Camera, Performance, Stage, observe_performance};

/// Pictures are this many times smaller than those in which joints are observed: nothing but their small grey copies matters.
pub const SMALLER: f32 = 4.0;

/// Something that was said, and when it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpokenLabel {
    /// Seconds since the performance began.
    pub at: f32,
    pub label: Label,
}

/// The joints of one picture, as networks would give them.
struct Observed(Vec<Landmarks>);

impl Networks for Observed {
    type Error = Infallible;

    fn palms(&mut self, _: &Image) -> Result<Vec<Palm>, Infallible> {
        Ok(self.0.iter().map(palm).collect())
    }

    fn landmarks(&mut self, _: &Image, region: &Region) -> Result<Option<Landmarks>, Infallible> {
        let overlap = |landmarks: &&Landmarks| Region::of_points(&landmarks.points).overlap(region);
        let best = self.0.iter().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
        Ok(best.filter(|best| overlap(best) > 0.1).cloned())
    }
}

/// The palm that the detector would find: around wrist and knuckles.
fn palm(landmarks: &Landmarks) -> Palm {
    let at = |joint: usize| [landmarks.points[joint][0], landmarks.points[joint][1]];
    let points = [0, 5, 9, 13, 17, 1, 2].map(at);
    let axis = |axis: usize| points.iter().map(move |point| point[axis]);
    let mean = |axis_values: f32| axis_values / points.len() as f32;
    let (x, y) = (mean(axis(0).sum()), mean(axis(1).sum()));
    let low = |values: &mut dyn Iterator<Item = f32>| values.fold(f32::MAX, f32::min);
    let high = |values: &mut dyn Iterator<Item = f32>| values.fold(f32::MIN, f32::max);
    let side = (high(&mut axis(0)) - low(&mut axis(0))).max(high(&mut axis(1)) - low(&mut axis(1)));
    let half = side / 2.0;
    Palm {
        rect: Rect { left: x - half, top: y - half, right: x + half, bottom: y + half },
        points,
        score: 0.8,
    }
}

/// All that is said while a performance is watched, in the order in which it began.
pub fn play(performance: &Performance, camera: Camera, options: WatchOptions) -> Vec<SpokenLabel> {
    play_with(performance, camera, options, |_, _, _| {})
}

/// As [`play`]; `see` is told of each picture: when it was, the joints in it, and the watch after it.
pub fn play_with(
    performance: &Performance,
    camera: Camera,
    options: WatchOptions,
    mut see: impl FnMut(f32, &[Landmarks], &Watch),
) -> Vec<SpokenLabel> {
    let mut watch = Watch::new(options);
    let mut said: Vec<SpokenLabel> = Vec::new();
    let mut now: Option<Label> = None;
    let stage = Stage::new(
        performance,
        [hand::WIDTH / SMALLER, hand::HEIGHT / SMALLER].map(|side| side as u32),
        performance.seed(),
    );
    for observation in observe_performance(performance, camera, performance.seed()) {
        let picture = stage.picture(observation.t, camera.exposure_s);
        let of_network = |hand: &hand::Landmarks| Landmarks {
            points: hand.joints.map(|joint| joint.map(|value| value / SMALLER)),
            presence: hand.presence,
            right: hand.right,
        };
        let mut networks = Observed(observation.landmarks().map(of_network).collect());
        let Ok(sight) =
            watch.see_picture(Duration::from_secs_f32(observation.t + 1.0), &picture, &mut networks);
        see(observation.t, &networks.0, &watch);
        let label = sight.said.map(|said| said.label);
        if label != now {
            said.extend(label.map(|label| SpokenLabel { at: observation.t, label }));
            now = label;
        }
    }
    said
}
