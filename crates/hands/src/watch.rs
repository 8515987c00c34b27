//! Watches the hands of one camera: networks are asked for as little as possible, and what the hands say comes out.

use std::time::Duration;

use sightwire_api::sign::{HandHint, Shoulders};
use sightwire_frame::Image;

use crate::flow::{self, Small};
use crate::gesture::{Arming, GestureOptions, HandPosition, Motion, Stroke};
use crate::label::Label;
use crate::landmarks::{Landmarks, palm_length};
use crate::palm::Palm;
use crate::pose::{Body, Pose};
use crate::region::Region;
use crate::shape::{self, Measures, Shape};
use crate::tracker::{Tracker, TrackerOptions};
use crate::{Hand, Points};

/// The networks.
pub trait Networks {
    /// Why a network could not be run.
    type Error;

    /// The palms in a picture, the surest first.
    fn palms(&mut self, image: &Image) -> Result<Vec<Palm>, Self::Error>;

    /// The joints of the hand in a region, if the network can say anything of it.
    fn landmarks(&mut self, image: &Image, region: &Region) -> Result<Option<Landmarks>, Self::Error>;

    /// The body in a region, if there is one, and a network that finds them.
    fn pose(&mut self, _: &Image, _: &Region) -> Result<Option<Pose>, Self::Error> {
        Ok(None)
    }
}

/// How hands are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WatchOptions {
    /// How they are followed.
    pub tracker: TrackerOptions,
    /// When their motions count.
    pub gesture: GestureOptions,
}

impl WatchOptions {
    /// With this many hands at most, whose motions count only once they are armed, or always.
    pub fn with_hands(hands: usize, arming: bool) -> Self {
        Self {
            tracker: TrackerOptions { hands, ..TrackerOptions::default() },
            gesture: GestureOptions { arming, ..GestureOptions::default() },
        }
    }
}

/// What a hand says.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedHand {
    /// The hand and its joints.
    pub hand: Hand,
    /// The shape that it has held for long enough.
    pub shape: Option<Shape>,
    /// How far it is armed.
    pub arming: Arming,
}

/// What is said, by all hands together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpokenSign {
    /// The shape or motion that is said.
    pub label: Label,
    /// How sure that is, 0–1: as sure as it is that this is a hand.
    pub score: f32,
}

/// What there is in a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// The hands, the longest known first.
    pub hands: Vec<WatchedHand>,
    /// A motion that has just become clear.
    pub stroke: Option<Stroke>,
    /// A motion, for a second, or a shape, as long as it is held.
    pub said: Option<SpokenSign>,
    /// Of the person who shows the hands, where they were seen last.
    pub shoulders: Option<Shoulders>,
    /// Whether palms were looked for.
    pub looked: bool,
}

/// The hands of one camera. Less than 50 KB.
#[derive(Clone, Debug)]
pub struct Watch {
    options: WatchOptions,
    tracker: Tracker,
    performers: Vec<Performer>,
    body: Body,
    now: Small,
    before: Small,
    /// The last motion, and until when it is said.
    spoken: Option<(SpokenSign, Duration)>,
    /// Whether something moved in the last picture.
    stirred: bool,
    brightness: f32,
    /// Time between pictures, of late.
    interval: Duration,
    last: Option<Duration>,
}

/// A hand that may do something, also while it is not found.
#[derive(Clone, Debug)]
struct Performer {
    hand: u64,
    /// How sure it was that it is a hand, when it was last seen.
    presence: f32,
    shape: shape::HeldShape,
    motion: Motion,
    /// Where it last moved to, and when.
    stayed: (Duration, HandPosition),
}

impl Performer {
    /// It does not move, not even as little as a hand that is held still.
    fn is_frozen(&self, now: Duration) -> bool {
        now.saturating_sub(self.stayed.0) > FROZEN
    }

    fn stay_at(&mut self, now: Duration, place: HandPosition) {
        let before = self.stayed.1;
        let step = (place.middle[0] - before.middle[0]).hypot(place.middle[1] - before.middle[1]);
        let moved = step > TREMBLE * before.palm || (place.size / before.size).ln().abs() > TREMBLE;
        if moved {
            self.stayed = (now, place);
        }
    }
}

/// When this much of the picture changes, something stirs.
const STIRRED: f32 = 0.012;
/// A hand that is found again this near, palm lengths, is the one that was lost.
const NEAR: f32 = 2.5;
/// What moves around a hand is looked for this far, palm lengths.
const AROUND: f32 = 3.0;
/// A hand whose middle was this near the lower edge when it was lost, palm lengths, has left.
const LEAVING: f32 = 1.0;
/// A palm that points up: at most 40 degrees from it.
const UPRIGHT: f32 = 0.76;
/// Below this brightness (0–255) cameras expose for long.
const DARK: f32 = 50.0;
/// Below this many pictures a second strokes are lost.
const FEW: f32 = 20.0;
/// Below this part of the picture's longer side a palm is hardly found.
const SMALL: f32 = 0.05;
/// A hand of whose joints this part is outside the picture is cut.
const CUT: f32 = 0.25;
/// No hand of a person stays within this, palm lengths, for this long.
const TREMBLE: f32 = 0.08;
const FROZEN: Duration = Duration::from_secs(20);
/// A motion is said for this long.
const SAID: Duration = Duration::from_secs(1);
/// How sure a motion is whose hand was lost on its way.
const LOST: f32 = 0.9;

impl Watch {
    /// Nothing has been seen yet.
    pub fn new(options: WatchOptions) -> Self {
        Self {
            options,
            tracker: Tracker::new(options.tracker),
            performers: Vec::new(),
            body: Body::default(),
            now: Small::default(),
            before: Small::default(),
            spoken: None,
            stirred: false,
            brightness: 128.0,
            interval: Duration::ZERO,
            last: None,
        }
    }

    /// The next picture, taken at `now`, which counts from anywhere and does not go back.
    pub fn see_picture<N: Networks>(
        &mut self,
        now: Duration,
        image: &Image,
        networks: &mut N,
    ) -> Result<Sight, N::Error> {
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.copy_image(image);
        let stirs = self.last.is_some() && self.now.changed_share(&self.before) > STIRRED;
        let begins = stirs && !self.stirred;
        self.stirred = stirs;
        let regions = self.tracker.regions();
        let found =
            regions.iter().map(|region| networks.landmarks(image, region)).collect::<Result<_, _>>()?;
        self.tracker.follow_hands(found);
        let missed = self.performers.iter().any(|performer| {
            let found = self.tracker.hands().any(|hand| hand.id == performer.hand);
            !found && performer.motion.is_missed(now)
        });
        let looked = self.tracker.needs_search(now, begins, missed);
        if looked {
            let palms = networks.palms(image)?;
            for palm in self.tracker.candidates(now, &palms) {
                let found = networks.landmarks(image, &Region::of_palm(&palm))?;
                self.tracker.begin_hand(now, &palm, found);
            }
        }
        let hands: Vec<Hand> = self.tracker.hands().cloned().collect();
        let sight = self.take_in(now, hands, image.height() as f32);
        let shoulders = self.find_shoulders(now, image, networks)?;
        Ok(Sight { shoulders, looked, ..sight })
    }

    /// Where the person who shows their hands has their shoulders.
    fn find_shoulders<N: Networks>(
        &mut self,
        now: Duration,
        image: &Image,
        networks: &mut N,
    ) -> Result<Option<Shoulders>, N::Error> {
        match self.performers.first() {
            None => self.body = Body::default(),
            Some(performer) => {
                let (middle, palm) = performer.motion.current_place();
                if let Some(region) = self.body.search_region(now, middle, palm) {
                    self.body.set_found(networks.pose(image, &region)?);
                }
            }
        }
        Ok(self.body.shoulders())
    }

    /// What the hands of the picture taken last by [`Watch::see_picture`] say; `bottom` is its lower edge, pixels.
    fn take_in(&mut self, now: Duration, hands: Vec<Hand>, bottom: f32) -> Sight {
        self.update_pace(now);
        self.brightness += 0.1 * (self.now.brightness() - self.brightness);
        let seen: Vec<(Option<Measures>, HandPosition)> =
            hands.iter().map(|hand| measure_place(&hand.points)).collect();
        let who = self.assign_performers(now, &hands, &seen);
        let (small, before) = (&self.now, &self.before);
        let mut stroke = None;
        for (index, performer) in self.performers.iter_mut().enumerate() {
            let hand = who.iter().position(|performer| *performer == index);
            let at = hand.map(|hand| seen[hand].1);
            let around = performer.motion.wants_flow().then(|| performer.motion.current_place());
            // Where the joints are seen, they say where it goes.
            let flow = around
                .filter(|_| at.is_none())
                .map(|(middle, palm)| flow::measure_flow(before, small, middle, AROUND * palm).step);
            let of_this = performer.motion.see_picture(now, at, flow);
            // A hand that was lowered and let go of was not meant.
            let (place, palm) = performer.motion.current_place();
            let gone = at.is_none() && place[1] + LEAVING * palm > bottom;
            stroke = of_this.filter(|stroke| *stroke != Stroke::Down || !gone).or(stroke);
            if let Some(hand) = hand {
                performer.stay_at(now, seen[hand].1);
                performer.presence = hands[hand].presence;
                let measures = seen[hand].0.filter(|_| !performer.is_frozen(now));
                performer.shape.see_shape(now, measures.and_then(|measures| measures.shape()));
            }
            if performer.is_frozen(now) {
                performer.motion.hush(now);
            }
        }
        if let Some(stroke) = stroke {
            self.performers.iter_mut().for_each(|performer| performer.motion.hush(now));
            let score = hands.iter().map(|hand| hand.presence).fold(LOST, f32::max);
            self.spoken = Some((SpokenSign { label: Label::Stroke(stroke), score }, now + SAID));
        }
        let hands: Vec<WatchedHand> = hands
            .into_iter()
            .zip(&who)
            .map(|(hand, who)| {
                let performer = &self.performers[*who];
                WatchedHand { hand, shape: performer.shape.shape(now), arming: performer.motion.arming(now) }
            })
            .collect();
        self.performers.retain(|performer| !performer.motion.is_gone(now));
        self.spoken = self.spoken.filter(|(_, until)| now < *until);
        // Of a hand that is lost for a moment, too.
        let shape = |performer: &Performer| {
            Some(SpokenSign { label: Label::Shape(performer.shape.shape(now)?), score: performer.presence })
        };
        let said = self.spoken.map(|(said, _)| said).or_else(|| self.performers.iter().find_map(shape));
        Sight { hands, stroke, said, ..Sight::default() }
    }

    /// Who each hand is, by its place among the performers.
    fn assign_performers(
        &mut self,
        now: Duration,
        hands: &[Hand],
        seen: &[(Option<Measures>, HandPosition)],
    ) -> Vec<usize> {
        let mut who: Vec<Option<usize>> = hands
            .iter()
            .map(|hand| self.performers.iter().position(|performer| performer.hand == hand.id))
            .collect();
        for index in 0..hands.len() {
            if who[index].is_some() {
                continue;
            }
            let place = seen[index].1;
            // One that was lost near here, the nearest.
            let distance = |performer: &Performer| {
                let (at, palm) = performer.motion.current_place();
                (place.middle[0] - at[0]).hypot(place.middle[1] - at[1]) / palm.max(1.0)
            };
            let lost = self
                .performers
                .iter()
                .enumerate()
                .filter(|(performer, _)| !who.contains(&Some(*performer)))
                .map(|(performer, lost)| (performer, distance(lost)))
                .filter(|(_, distance)| *distance < NEAR)
                .min_by(|a, b| a.1.total_cmp(&b.1));
            let performer = lost.map_or_else(
                || {
                    let motion = Motion::new(self.options.gesture, now, place);
                    self.performers.push(Performer {
                        hand: 0,
                        presence: 0.0,
                        shape: shape::HeldShape::default(),
                        motion,
                        stayed: (now, place),
                    });
                    self.performers.len() - 1
                },
                |(performer, _)| performer,
            );
            self.performers[performer].hand = hands[index].id;
            who[index] = Some(performer);
        }
        who.into_iter().flatten().collect()
    }

    /// Where each hand is thought to be, pixels, those that are lost for a moment among them.
    pub fn whereabouts(&self) -> impl Iterator<Item = [f32; 2]> {
        self.performers.iter().map(|performer| performer.motion.current_place().0)
    }

    fn update_pace(&mut self, now: Duration) {
        if let Some(last) = self.last {
            let interval = now.saturating_sub(last).min(Duration::from_secs(1));
            self.interval =
                if self.interval.is_zero() { interval } else { (self.interval * 15 + interval) / 16 };
        }
        self.last = Some(now);
    }

    /// What keeps hands from being seen well, in the picture taken last, of this width and height.
    pub fn hints(&self, [width, height]: [u32; 2]) -> Vec<HandHint> {
        let longer_side = width.max(height) as f32;
        let small = |hand: &Hand| palm_length(&hand.points) < SMALL * longer_side;
        let outside =
            |[x, y, _]: &[f32; 3]| !(0.0..=width as f32).contains(x) || !(0.0..=height as f32).contains(y);
        let cut = |hand: &Hand| {
            let count = hand.points.iter().filter(|point| outside(point)).count();
            count as f32 > CUT * hand.points.len() as f32
        };
        let slow = !self.interval.is_zero() && self.interval.as_secs_f32() > 1.0 / FEW;
        let now = self.last.unwrap_or_default();
        // Before a black wall a hand may be well lit.
        let shown = self.performers.iter().any(|performer| performer.shape.shape(now).is_some());
        let all = [
            (HandHint::Slow, slow),
            (HandHint::Dark, self.brightness < DARK && !shown),
            (HandHint::Far, self.tracker.hands().any(small)),
            (HandHint::Cut, self.tracker.hands().any(cut)),
            (HandHint::Frozen, self.performers.iter().any(|performer| performer.is_frozen(now))),
            (HandHint::Crowded, self.tracker.is_crowded()),
            (HandHint::Unclear, self.tracker.is_unclear(now)),
        ];
        all.into_iter().filter(|(_, so)| *so).map(|(hint, _)| hint).collect()
    }
}

/// What a hand's points say of its shape and its motion.
fn measure_place(points: &Points) -> (Option<Measures>, HandPosition) {
    let measures = Measures::from_points(points);
    let count = points.len() as f32;
    let middle = [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / count);
    let steady = crate::region::STEADY.map(|joint| [points[joint][0], points[joint][1]]);
    let centre = [0, 1].map(|axis| steady.iter().map(|point| point[axis]).sum::<f32>() / steady.len() as f32);
    let spread = steady.iter().map(|point| (point[0] - centre[0]).powi(2) + (point[1] - centre[1]).powi(2));
    let size = (spread.sum::<f32>() / steady.len() as f32).sqrt();
    let open = measures.is_some_and(|measures| measures.is_open());
    let upright = measures.is_some_and(|measures| measures.up > UPRIGHT);
    (measures, HandPosition { middle, palm: palm_length(points), size, open, upright })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{hand_at, palm_at};

    /// Always finds an open hand, with its middle there.
    struct There([f32; 2]);

    impl Networks for There {
        type Error = std::convert::Infallible;

        fn palms(&mut self, _: &Image) -> Result<Vec<Palm>, Self::Error> {
            Ok(vec![palm_at(self.0[0], self.0[1])])
        }

        fn landmarks(&mut self, _: &Image, _: &Region) -> Result<Option<Landmarks>, Self::Error> {
            Ok(Some(hand_at(self.0[0], self.0[1], 0.99)))
        }
    }

    fn look(watch: &mut Watch, milliseconds: u64, middle: [f32; 2]) -> (Sight, Vec<HandHint>) {
        let image = Image::new(640, 480);
        let Ok(sight) = watch.see_picture(Duration::from_millis(milliseconds), &image, &mut There(middle));
        (sight, watch.hints([640, 480]))
    }

    #[test]
    fn nothing_is_said_of_a_hand_that_never_moves_until_it_does() {
        let mut watch = Watch::new(WatchOptions::default());
        let mut last = None;
        for time in (0..25_000).step_by(100) {
            let jitter = (time / 100 % 3) as f32;
            let (sight, hints) = look(&mut watch, time, [300.0 + jitter, 240.0]);
            let frozen = time > 20_000;
            assert_eq!(hints.contains(&HandHint::Frozen), frozen, "{time}");
            if (1_000..20_000).contains(&time) {
                assert_eq!(sight.hands[0].shape, Some(Shape::OpenPalm), "{time}");
            }
            last = Some(sight);
        }
        let last = last.unwrap();
        assert_eq!((last.hands[0].shape, last.hands[0].arming, last.said), (None, Arming::Not, None));
        for time in (25_000..27_500).step_by(100) {
            let (sight, hints) = look(&mut watch, time, [340.0, 240.0]);
            assert!(!hints.contains(&HandHint::Frozen), "{time}");
            if time > 26_000 {
                assert_eq!(sight.hands[0].shape, Some(Shape::OpenPalm), "{time}");
            }
        }
    }

    #[test]
    fn a_hand_that_is_cut_by_the_edge_is_named() {
        let mut watch = Watch::new(WatchOptions::default());
        assert!(!look(&mut watch, 0, [300.0, 240.0]).1.contains(&HandHint::Cut));
        assert!(look(&mut watch, 100, [5.0, 240.0]).1.contains(&HandHint::Cut));
    }
}
