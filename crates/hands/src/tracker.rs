//! Hands over time: which regions of the next picture are to be looked at, and when palms are looked for.
//!
//! The palm detector costs twice as much as following a hand, so it runs a few times a second where a hand is missing: at
//! once in the very picture in which one is lost, and when something begins to move. What it takes for a palm and the
//! landmark network does not is not asked about again for a while.

use std::time::Duration;

use crate::landmarks::{Landmarks, palm_length};
use crate::palm::Palm;
use crate::region::Region;
use crate::{Hand, Side};

/// How hands are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerOptions {
    /// Hands that are followed at most.
    pub hands: usize,
    /// Presence from which something is a hand.
    pub begin: f32,
    /// Presence down to which it still is the hand that it was in the last picture.
    pub keep: f32,
    /// While no hand is there, palms are looked for with this time between.
    pub look_every: Duration,
    /// While a hand is there, and another might come.
    pub look_for_others_every: Duration,
    /// While all hands are there that are followed, and more might be.
    pub look_for_more_every: Duration,
    /// What was not a hand is not asked about again for this time.
    pub refuse_for: Duration,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            hands: 2,
            begin: 0.9,
            keep: 0.6,
            look_every: Duration::from_millis(200),
            look_for_others_every: Duration::from_millis(600),
            look_for_more_every: Duration::from_secs(2),
            refuse_for: Duration::from_millis(1000),
        }
    }
}

/// A palm as large as one that was refused, in its place, is the same.
const SAME_REFUSED: f32 = 0.7;
/// What is not a hand for this time is worth a word.
const UNCLEAR: Duration = Duration::from_secs(3);
/// Handedness is the sum of this many pictures at most: a hand that another takes the place of does not stay what it was.
const SIDE_AT_MOST: f32 = 60.0;
/// A region is moved ahead by this part of its last step.
const AHEAD: f32 = 0.5;
/// Faster than this, in palm lengths per picture, a region is not moved ahead: it is a mistake or a turn.
const LEAP: f32 = 1.5;

/// Which hands there are. Pure state: time is what the caller says.
#[derive(Clone, Debug)]
pub struct Tracker {
    options: TrackerOptions,
    hands: Vec<Tracked>,
    /// Palms that were not hands, and until when that is believed.
    refused: Vec<(Palm, Duration)>,
    /// When palms were last looked for.
    looked: Option<Duration>,
    /// Something is to be looked for in this picture.
    lost: bool,
    /// There was one hand more than are followed when palms were last looked for.
    crowded: bool,
    /// Since when there has been no hand, and something that was taken for a palm.
    unclear: Option<Duration>,
    last_id: u64,
}

#[derive(Clone, Debug)]
struct Tracked {
    hand: Hand,
    /// Where it will be, if it stays.
    region: Region,
    /// Way between the last two pictures, pixels.
    step: [f32; 2],
    /// Sum of the logits of being a right hand.
    right: f32,
}

impl Tracker {
    /// A tracker that follows no hands yet.
    pub fn new(options: TrackerOptions) -> Self {
        let (hands, refused) = (Vec::new(), Vec::new());
        Self { options, hands, refused, looked: None, lost: false, crowded: false, unclear: None, last_id: 0 }
    }

    /// The hands of the last picture, the longest known first.
    pub fn hands(&self) -> impl ExactSizeIterator<Item = &Hand> {
        self.hands.iter().map(|tracked| &tracked.hand)
    }

    /// Where each hand is to be looked for in the next picture, by its place among [`Tracker::hands`].
    pub fn regions(&self) -> Vec<Region> {
        self.hands.iter().map(Tracked::predicted_region).collect()
    }

    /// What was found at each of [`Tracker::regions`] in the next picture. Hands that are no longer there are gone, and so is one
    /// that has come to lie on another.
    pub fn follow_hands(&mut self, found: Vec<Option<Landmarks>>) {
        let before = self.hands.len();
        let mut found = found.into_iter();
        let keep = self.options.keep;
        self.hands.retain_mut(|tracked| {
            let seen = found.next().flatten().filter(|seen| seen.presence >= keep);
            seen.is_some_and(|seen| tracked.add_seen(&seen))
        });
        let mut index = 0;
        while index < self.hands.len() {
            let region = self.hands[index].region;
            // The older one stays.
            if self.hands[..index].iter().any(|older| older.region.is_same(&region)) {
                self.hands.remove(index);
            } else {
                index += 1;
            }
        }
        self.lost |= self.hands.len() < before;
        if !self.hands.is_empty() {
            self.unclear = None;
        }
    }

    /// Whether palms are to be looked for in the picture of time `now`; `stirring` says that something in it has begun to
    /// move, `missed` that a hand of which something is expected was lost a moment ago.
    pub fn needs_search(&self, now: Duration, stirring: bool, missed: bool) -> bool {
        let full = self.hands.len() >= self.options.hands;
        let every = match self.hands.len() {
            0 => self.options.look_every,
            _ if full => self.options.look_for_more_every,
            _ => self.options.look_for_others_every,
        };
        let due = self.looked.is_none_or(|looked| now.saturating_sub(looked) >= every);
        due || (!full && (self.lost || missed)) || (stirring && self.hands.is_empty())
    }

    /// Palms were looked for: those that may be hands which are not known yet, the surest first, and no more than are
    /// missing; two, if none is: what is not a hand and comes first hides no other.
    pub fn candidates(&mut self, now: Duration, palms: &[Palm]) -> Vec<Palm> {
        self.looked = Some(now);
        self.lost = false;
        self.refused.retain(|(_, until)| *until > now);
        self.crowded = false;
        if palms.is_empty() {
            self.unclear = None;
        }
        let missing = match self.options.hands.saturating_sub(self.hands.len()) {
            0 => 2,
            missing => missing,
        };
        let known = |region: &Region| self.hands.iter().any(|hand| hand.region.is_same(region));
        let refused = |palm: &Palm| self.refused.iter().any(|(no, _)| no.rect.iou(&palm.rect) > SAME_REFUSED);
        let mut taken: Vec<Region> = Vec::new();
        let mut candidates = Vec::new();
        for palm in palms {
            let region = Region::of_palm(palm);
            if candidates.len() < missing
                && !known(&region)
                && !refused(palm)
                && !taken.iter().any(|other| other.is_same(&region))
            {
                taken.push(region);
                candidates.push(*palm);
            }
        }
        candidates
    }

    /// What was found at a candidate. Whether it is a hand.
    pub fn begin_hand(&mut self, now: Duration, palm: &Palm, found: Option<Landmarks>) -> bool {
        let Some(seen) = found.filter(|seen| seen.presence >= self.options.begin) else {
            let until = now + self.options.refuse_for;
            self.refused.push((*palm, until));
            if self.hands.is_empty() {
                self.unclear.get_or_insert(now);
            }
            return false;
        };
        let region = Region::of_points(&seen.points);
        let known = self.hands.iter().any(|hand| hand.region.is_same(&region));
        if known || self.hands.len() >= self.options.hands {
            self.crowded |= !known;
            return false;
        }
        self.unclear = None;
        self.last_id += 1;
        let hand = Hand { id: self.last_id, points: seen.points, presence: seen.presence, side: Side::Right };
        let mut tracked = Tracked { hand, region, step: [0.0; 2], right: 0.0 };
        if tracked.add_seen(&seen) {
            tracked.step = [0.0; 2];
            self.hands.push(tracked);
        }
        true
    }

    /// There is a hand that is not followed: there are as many as are followed.
    pub fn is_crowded(&self) -> bool {
        self.crowded && self.hands.len() >= self.options.hands
    }

    /// For a while there has been no hand, but something like a palm.
    pub fn is_unclear(&self, now: Duration) -> bool {
        let long = |since: Duration| now.saturating_sub(since) > UNCLEAR;
        self.hands.is_empty() && self.unclear.is_some_and(long)
    }
}

impl Tracked {
    /// Where it is looked for next. Half a step ahead follows as well as a whole one, and the networks' own answer to where the
    /// region lay, which is part of the step, does not feed back: with the whole step, fists drift onto their forearms.
    fn predicted_region(&self) -> Region {
        self.region.moved_by(AHEAD * self.step[0], AHEAD * self.step[1])
    }

    /// Takes in what was seen of it; false if that is not the shape of a hand.
    fn add_seen(&mut self, seen: &Landmarks) -> bool {
        let (palm, region) = (palm_length(&seen.points), Region::of_points(&seen.points));
        if !(palm > 0.0 && region.side >= 1.0) {
            return false;
        }
        let step = [region.x - self.region.x, region.y - self.region.y];
        self.step = if step[0].hypot(step[1]) > LEAP * palm { [0.0; 2] } else { step };
        self.region = region;
        let right = seen.right.clamp(0.001, 0.999);
        self.right = (self.right + (right / (1.0 - right)).ln()).clamp(-SIDE_AT_MOST, SIDE_AT_MOST);
        self.hand = Hand {
            points: seen.points,
            presence: seen.presence,
            side: if self.right >= 0.0 { Side::Right } else { Side::Left },
            ..self.hand
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{hand_at, palm_at};

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn with_one() -> Tracker {
        let mut tracker = Tracker::new(TrackerOptions::default());
        let palms = tracker.candidates(at(0), &[palm_at(100.0, 100.0)]);
        assert!(tracker.begin_hand(at(0), &palms[0], Some(hand_at(100.0, 100.0, 0.99))));
        tracker
    }

    #[test]
    fn a_hand_keeps_its_number_and_is_looked_for_where_it_moves() {
        let mut tracker = with_one();
        let first = tracker.regions()[0];
        for step in 1..4_u16 {
            let x = 100.0 + 20.0 * f32::from(step);
            tracker.follow_hands(vec![Some(hand_at(x, 100.0, 0.7))]);
        }
        assert_eq!(tracker.hands().next().unwrap().id, 1);
        let ahead = tracker.regions()[0];
        assert!(
            (ahead.x - first.x - 70.0).abs() < 1e-2,
            "{ahead:?} is not half a step ahead, from {first:?}"
        );
        assert_eq!(tracker.hands().next().unwrap().side, Side::Right);
    }

    #[test]
    fn where_a_hand_is_lost_palms_are_looked_for_in_the_same_picture() {
        let mut tracker = with_one();
        tracker.follow_hands(vec![Some(hand_at(100.0, 100.0, 0.99))]);
        assert!(
            !tracker.needs_search(at(33), true, false),
            "a hand is there, and another is looked for later"
        );
        assert!(tracker.needs_search(at(700), false, false));
        tracker.follow_hands(vec![Some(hand_at(100.0, 100.0, 0.3))]);
        assert_eq!(tracker.hands().len(), 0);
        assert!(tracker.needs_search(at(66), false, false));
        tracker.candidates(at(66), &[]);
        assert!(!tracker.needs_search(at(99), false, false), "only once at once");
        assert!(tracker.needs_search(at(99), true, false), "or when something stirs");
        assert!(tracker.needs_search(at(266), false, false));
    }

    #[test]
    fn what_was_no_hand_is_not_asked_about_for_a_while() {
        let mut tracker = Tracker::new(TrackerOptions::default());
        let face = palm_at(300.0, 100.0);
        assert_eq!(tracker.candidates(at(0), &[face]).len(), 1);
        assert!(!tracker.begin_hand(at(0), &face, Some(hand_at(300.0, 100.0, 0.85))));
        let near = palm_at(303.0, 101.0);
        assert_eq!(tracker.candidates(at(200), &[near, palm_at(100.0, 100.0)]), [palm_at(100.0, 100.0)]);
        assert_eq!(tracker.candidates(at(1001), &[near]).len(), 1, "after a while");
    }

    #[test]
    fn there_are_no_two_hands_in_one_place_and_no_more_than_asked_for() {
        let mut tracker = with_one();
        let same = Palm { rect: palm_at(100.0, 100.0).rect, ..palm_at(100.0, 100.0) };
        assert!(!tracker.begin_hand(at(33), &same, Some(hand_at(101.0, 100.0, 0.99))));
        assert!(tracker.begin_hand(at(33), &palm_at(400.0, 100.0), Some(hand_at(400.0, 100.0, 0.99))));
        assert!(
            !tracker.begin_hand(at(33), &palm_at(400.0, 400.0), Some(hand_at(400.0, 400.0, 0.99))),
            "two at most"
        );
        assert!(!tracker.needs_search(at(1999), true, true));
        assert!(tracker.needs_search(at(2000), false, false), "whether there are more");
        // The second one slides onto the first: the first stays.
        tracker.follow_hands(vec![Some(hand_at(100.0, 100.0, 0.99)), Some(hand_at(105.0, 100.0, 0.99))]);
        assert_eq!(tracker.hands().map(|hand| hand.id).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn one_hand_more_than_are_followed_is_noticed_and_forgotten() {
        let options = TrackerOptions { hands: 1, ..TrackerOptions::default() };
        let mut tracker = Tracker::new(options);
        let [one, other] = [100.0, 400.0].map(|x| palm_at(x, 100.0));
        for palm in tracker.candidates(at(0), &[one]) {
            tracker.begin_hand(at(0), &palm, Some(hand_at(100.0, 100.0, 0.99)));
        }
        assert!(!tracker.is_crowded() && !tracker.needs_search(at(1000), true, true));
        assert!(tracker.needs_search(at(2000), false, false), "now and then one is looked for");
        let candidates = tracker.candidates(at(2000), &[one, other]);
        assert_eq!(candidates.len(), 1);
        assert!(!tracker.begin_hand(at(2000), &candidates[0], Some(hand_at(400.0, 100.0, 0.99))));
        assert!(tracker.is_crowded() && tracker.hands().len() == 1);
        assert!(tracker.candidates(at(4000), &[one]).is_empty());
        assert!(!tracker.is_crowded());
    }

    #[test]
    fn a_face_that_is_surer_hides_no_hand_and_what_is_refused_beside_a_hand_is_not_unclear_later() {
        let mut tracker = with_one();
        assert!(tracker.begin_hand(at(33), &palm_at(400.0, 100.0), Some(hand_at(400.0, 100.0, 0.99))));
        let (face, third) = (palm_at(250.0, 300.0), palm_at(500.0, 400.0));
        for palm in tracker.candidates(at(5000), &[face, third]) {
            let is_face = palm == face;
            let found = if is_face { hand_at(250.0, 300.0, 0.7) } else { hand_at(500.0, 400.0, 0.99) };
            tracker.begin_hand(at(5000), &palm, Some(found));
        }
        assert!(tracker.is_crowded());
        // Both hands are lost a minute later, and something like a palm is left.
        tracker.follow_hands(vec![None, None]);
        tracker.candidates(at(60_000), &[face]);
        assert!(!tracker.is_unclear(at(60_000)));
    }

    #[test]
    fn what_is_like_a_palm_and_no_hand_is_unclear_until_it_has_gone_or_is_one() {
        let mut tracker = Tracker::new(TrackerOptions::default());
        let refuse = |tracker: &mut Tracker, time: u64, presence: f32| {
            for palm in tracker.candidates(at(time), &[palm_at(100.0, 100.0)]) {
                tracker.begin_hand(at(time), &palm, Some(hand_at(100.0, 100.0, presence)));
            }
        };
        for time in (0..=4000).step_by(200) {
            assert_eq!(tracker.is_unclear(at(time)), time > 3000, "{time}");
            refuse(&mut tracker, time, 0.7);
        }
        assert!(tracker.candidates(at(4200), &[]).is_empty());
        assert!(!tracker.is_unclear(at(4200)));
        for time in (5000..=9000).step_by(200) {
            refuse(&mut tracker, time, 0.7);
        }
        assert!(tracker.is_unclear(at(9000)));
        refuse(&mut tracker, 10_200, 0.99);
        assert!(!tracker.is_unclear(at(10_200)) && tracker.hands().len() == 1);
    }
}
