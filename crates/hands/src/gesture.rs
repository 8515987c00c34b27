//! Motions that are meant: an open, upright palm held still arms a hand, and its next stroke is named.
//!
//! Nothing in the way of a hand tells whether it is a sign to a machine: people who talk or sign move their hands as far and
//! as fast. So the palm comes first. After that the stroke may blur the hand until its joints are lost: where it went is
//! then read from what moves around the place where it was ([`crate::flow`]). Ways are in palm lengths of the hand as it was
//! armed, so near and far hands are alike.

use std::time::Duration;

/// Motions that are named. Directions are those of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stroke {
    /// To smaller x.
    Left,
    /// To larger x.
    Right,
    /// To smaller y.
    Up,
    /// To larger y.
    Down,
    /// Towards the camera.
    Push,
    /// Away from the camera.
    Pull,
    /// From side to side.
    Wave,
}

impl Stroke {
    /// All, in the order of the labels.
    pub const ALL: [Self; 7] =
        [Self::Left, Self::Right, Self::Up, Self::Down, Self::Push, Self::Pull, Self::Wave];

    /// As in labels and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Up => "up",
            Self::Down => "down",
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Wave => "wave",
        }
    }
}

/// When motions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GestureOptions {
    /// Only hands that have been armed are followed; without, each hand that rests for a moment is.
    pub arming: bool,
    /// An open palm arms when it has been held so long.
    pub hold: Duration,
    /// An armed hand that does nothing stays armed for so long after it was last held open.
    pub armed_for: Duration,
    /// After a stroke, and its way back, nothing is said for so long.
    pub quiet_for: Duration,
}

impl Default for GestureOptions {
    fn default() -> Self {
        Self {
            arming: true,
            hold: Duration::from_millis(450),
            armed_for: Duration::from_secs(3),
            quiet_for: Duration::from_secs(1),
        }
    }
}

impl GestureOptions {
    fn quiet(self, now: Duration) -> Phase {
        Phase::Quiet { until: now + self.quiet_for, latest: now + QUIET_AT_MOST }
    }
}

/// A hand in one picture, as far as its motion is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its middle, pixels.
    pub middle: [f32; 2],
    /// Length of its palm, pixels.
    pub palm: f32,
    /// How large it looks, pixels: what the fingers do does not matter.
    pub size: f32,
    /// All fingers are straight.
    pub open: bool,
    /// It points up, give or take.
    pub upright: bool,
}

/// How far a hand is armed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arming {
    /// Not at all.
    Not,
    /// An open palm is being held: so much of the time is over, 0–1.
    Filling(f32),
    /// It is armed for so long.
    Armed(Duration),
}

/// While a hand rests it moves by less than this, palm lengths.
const REST: f32 = 0.35;
/// It has begun to move when it is so far from where it rested.
const ONSET: f32 = 0.45;
/// A stroke goes at least so far, palm lengths,
const WAY: f32 = 0.9;
/// and at least so fast, palm lengths a second.
const PACE: f32 = 1.1;
/// One direction has to be so many times the other.
const CLEAR: f32 = 1.2;
/// A hand has turned round when it came back by so much.
const BACK: f32 = 0.3;
/// What moves by less than this has not moved.
const JITTER: f32 = 0.06;
/// A swing of a wave is at least so far, from side to side.
const SWING: f32 = 0.6;
/// Logarithm of how much larger or smaller a push or pull makes a hand at least.
const GROWN: f32 = 0.26;
/// What has hardly moved for so long, and has not gone far, rests again.
const DWELL: Duration = Duration::from_millis(400);
/// A hand that grew or shrank has ended if it hardly does so for so long.
const SETTLED: Duration = Duration::from_millis(140);
/// A hand that moves by more than this from picture to picture, palm lengths, is on its way back.
const STILL: f32 = 0.03;
/// It is for so long at most.
const QUIET_AT_MOST: Duration = Duration::from_secs(3);
/// A hand that is found again after no longer than this went straight.
const GAP: Duration = Duration::from_millis(250);
/// Near the end of a leg is this part of it,
const END: f32 = 0.05;
/// and this, palm lengths, if that is more.
const END_AT_LEAST: f32 = 0.08;
/// A hand that only turns round is near its end for this part of the leg's time, at most,
const TURNING: f32 = 0.4;
/// or this, if it may go on the other way,
const UNPREPARED: f32 = 0.65;
/// and one that rests for so long more.
const REST_AT_LEAST: Duration = Duration::from_millis(40);
/// No rest has to be longer than this.
const REST_AT_MOST: Duration = Duration::from_millis(400);
/// A hand that goes so far the other way first, palm lengths, prepares.
const PREPARED: f32 = 0.12;
/// A way back has less than this of its stroke's pace.
const SLOWER: f32 = 0.6;
/// A stroke that takes longer, with its preparation, is none.
const LONGEST: Duration = Duration::from_millis(2400);
/// A hand that is not seen for so long rests no more.
const UNSEEN: Duration = Duration::from_millis(250);
/// Nor is it waited for any longer than this.
const GONE: Duration = Duration::from_millis(1200);
/// A hand that was lost is looked for in every picture for so long.
const MISSED: Duration = Duration::from_millis(600);
/// Without arming, a hand has to rest for so long.
const PAUSE: Duration = Duration::from_millis(150);

/// One hand's motion: pure state.
#[derive(Clone, Debug)]
pub struct Motion {
    options: GestureOptions,
    /// When it was last seen,
    seen: Duration,
    /// and how.
    place: Place,
    /// Where it is thought to be, pixels.
    at: [f32; 2],
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Idle {
        /// It has been open and still here since then.
        held: Option<Held>,
    },
    Armed {
        rest: Held,
        until: Duration,
        /// Its way since it left, if it has.
        way: Vec<Sample>,
    },
    Quiet {
        /// Not before; goes on as long as it moves,
        until: Duration,
        /// but no longer than this.
        latest: Duration,
    },
}

/// Where a hand rests.
#[derive(Clone, Copy, Debug)]
struct Held {
    since: Duration,
    at: [f32; 2],
    palm: f32,
    size: f32,
    /// When this was last so.
    last: Duration,
}

/// A point of its way, relative to where it rested.
#[derive(Clone, Copy, Debug)]
struct Sample {
    time: Duration,
    /// Palm lengths.
    at: [f32; 2],
    /// Logarithm of its size, if it was seen open.
    grown: Option<f32>,
    /// By its joints, and not by what moved around it.
    seen: bool,
}

impl Motion {
    /// Of a hand that has just been found.
    pub fn new(options: GestureOptions, now: Duration, place: Place) -> Self {
        let mut motion =
            Self { options, seen: now, place, at: place.middle, phase: Phase::Idle { held: None } };
        motion.idle(now, Some(place));
        motion
    }

    /// How far it is armed.
    pub fn arming(&self, now: Duration) -> Arming {
        match &self.phase {
            Phase::Armed { until, .. } if self.options.arming => Arming::Armed(until.saturating_sub(now)),
            Phase::Idle { held: Some(held) } if self.options.arming => {
                let share = held.lasted().as_secs_f32() / self.options.hold.as_secs_f32();
                if share > 0.0 { Arming::Filling(share.min(1.0)) } else { Arming::Not }
            }
            _ => Arming::Not,
        }
    }

    /// Where it is thought to be, and how long its palm is, pixels.
    pub fn whereabouts(&self) -> ([f32; 2], f32) {
        let palm = match &self.phase {
            Phase::Armed { rest, .. } => rest.palm,
            _ => self.place.palm,
        };
        (self.at, palm)
    }

    /// Whether what moves around it matters: it is armed, and the flow is to be told to [`Motion::picture`].
    pub fn wants_flow(&self) -> bool {
        matches!(self.phase, Phase::Armed { .. })
    }

    /// It is armed or about to be, and was seen a moment ago: it is worth looking for in every picture.
    pub fn is_missed(&self, now: Duration) -> bool {
        let expected = matches!(self.phase, Phase::Armed { .. } | Phase::Idle { held: Some(_) });
        expected && now.saturating_sub(self.seen) <= MISSED
    }

    /// Nobody waits for it any more.
    pub fn is_gone(&self, now: Duration) -> bool {
        now.saturating_sub(self.seen) > GONE
    }

    /// Says nothing for a while: another hand has spoken.
    pub fn hush(&mut self, now: Duration) {
        self.phase = self.options.quiet(now);
    }

    /// The next picture: where the hand is, if it was found, and the way of what moves around it, pixels. What it did, once
    /// that is clear.
    pub fn picture(&mut self, now: Duration, place: Option<Place>, flow: Option<[f32; 2]>) -> Option<Stroke> {
        let before = self.at;
        if let Some(place) = place {
            (self.seen, self.place, self.at) = (now, place, place.middle);
        } else if let Some(flow) = flow {
            self.at = [before[0] + flow[0], before[1] + flow[1]];
        }
        match &mut self.phase {
            Phase::Idle { .. } => {
                self.idle(now, place);
                None
            }
            Phase::Armed { .. } => self.armed(now, place),
            Phase::Quiet { until, latest } => {
                // Its way back belongs to it, however slow.
                let palm = self.place.palm.max(1.0);
                let step = (self.at[0] - before[0]).hypot(self.at[1] - before[1]) / palm;
                if step > STILL && place.is_some() && now < *latest {
                    *until = (*until).max(now + self.options.quiet_for);
                }
                if now >= *until {
                    self.phase = Phase::Idle { held: None };
                }
                None
            }
        }
    }

    fn idle(&mut self, now: Duration, place: Option<Place>) {
        let Phase::Idle { held } = &mut self.phase else { return };
        let (arming, options) = (self.options.arming, self.options);
        let waits = |place: &Place| !arming || (place.open && place.upright);
        match (place.filter(waits), held.as_mut()) {
            (Some(place), Some(held)) if held.is_here(&place) => held.rests(now, &place),
            (Some(place), _) => *held = Some(Held::new(now, &place)),
            // Lost, or another shape, for a picture or two.
            (None, Some(old)) if now.saturating_sub(old.last) <= UNSEEN => {}
            (None, _) => *held = None,
        }
        let needed = if arming { options.hold } else { PAUSE };
        if let Some(rest) = held.filter(|held| held.lasted() >= needed) {
            self.phase = Phase::Armed { rest, until: now + options.armed_for, way: Vec::new() };
        }
    }

    fn armed(&mut self, now: Duration, place: Option<Place>) -> Option<Stroke> {
        let (options, at) = (self.options, self.at);
        let Phase::Armed { rest, until, way } = &mut self.phase else { return None };
        let relative = [0, 1].map(|axis| (at[axis] - rest.at[axis]) / rest.palm.max(1.0));
        let grown = place.filter(|place| place.open).map(|place| (place.size / rest.size.max(1.0)).ln());
        if way.is_empty() {
            let moves = relative[0].hypot(relative[1]) > ONSET
                || grown.is_some_and(|grown| grown.abs() > GROWN / 2.0);
            if !moves {
                if let Some(place) = place.filter(|place| !options.arming || (place.open && place.upright)) {
                    rest.rests(now, &place);
                    *until = now + options.armed_for;
                }
                if now >= *until || now.saturating_sub(self.seen) > GONE {
                    self.phase = Phase::Idle { held: None };
                }
                return None;
            }
            way.push(Sample { time: rest.last, at: [0.0; 2], grown: Some(0.0), seen: true });
        }
        way.push(Sample { time: now, at: relative, grown, seen: place.is_some() });
        straighten(way);
        match judge(now, way, place.is_some()) {
            Verdict::Goes => None,
            Verdict::Stroke(stroke) => {
                self.phase = options.quiet(now);
                Some(stroke)
            }
            Verdict::Nothing => {
                // It rests elsewhere now.
                match place.filter(|_| now < *until) {
                    Some(place) => {
                        *rest = Held { since: rest.since, ..Held::new(now, &place) };
                        way.clear();
                    }
                    None => self.phase = Phase::Idle { held: None },
                }
                None
            }
        }
    }
}

impl Held {
    fn new(now: Duration, place: &Place) -> Self {
        Self { since: now, at: place.middle, palm: place.palm, size: place.size, last: now }
    }

    fn lasted(&self) -> Duration {
        self.last.saturating_sub(self.since)
    }

    /// Whether a hand rests here.
    fn is_here(&self, place: &Place) -> bool {
        let way = (place.middle[0] - self.at[0]).hypot(place.middle[1] - self.at[1]);
        way < REST * self.palm && (place.size / self.size).ln().abs() < GROWN / 2.0
    }

    /// Follows a hand that drifts.
    fn rests(&mut self, now: Duration, place: &Place) {
        const SHARE: f32 = 0.15;
        for axis in 0..2 {
            self.at[axis] += SHARE * (place.middle[axis] - self.at[axis]);
        }
        self.palm += SHARE * (place.palm - self.palm);
        self.size += SHARE * (place.size - self.size);
        self.last = now;
    }
}

enum Verdict {
    /// It is not clear yet.
    Goes,
    Stroke(Stroke),
    /// It was none.
    Nothing,
}

/// A hand that was lost is found again: it went straight from where it was to where it is, whatever moved around it meanwhile.
fn straighten(way: &mut [Sample]) {
    let Some((last, before)) = way.split_last_mut().filter(|(last, _)| last.seen) else { return };
    let Some(first) = before.iter().rposition(|sample| sample.seen) else { return };
    let (from, lost) = (before[first], &mut before[first + 1..]);
    let took = last.time.saturating_sub(from.time);
    if lost.is_empty() || took > GAP {
        return;
    }
    for sample in lost {
        let share = sample.time.saturating_sub(from.time).as_secs_f32() / took.as_secs_f32();
        sample.at = [0, 1].map(|axis| from.at[axis] + share * (last.at[axis] - from.at[axis]));
    }
}

/// What a way is, once it is clear: it ends where the hand rests again. What came before in the other direction, without a rest
/// between, was its preparation; what follows after the rest is its way back. `seen` says that the hand is, in the last picture.
fn judge(now: Duration, way: &[Sample], seen: bool) -> Verdict {
    let Some(first) = way.first() else { return Verdict::Nothing };
    let legs = [legs(way, 0), legs(way, 1)];
    let longest = |axis: usize| legs[axis].iter().map(|leg| leg.way().abs()).fold(0.0, f32::max);
    let age = now.saturating_sub(first.time);
    // Whatever it is, it is not waited for any longer: so a way has an end, too.
    let not_yet = if age > LONGEST { Verdict::Nothing } else { Verdict::Goes };
    match towards_or_away(now, way, longest(0).max(longest(1))) {
        Some(Verdict::Goes) => return not_yet,
        Some(verdict) => return verdict,
        None => {}
    }
    if is_wave(&legs[0]) && longest(0) > longest(1) {
        return Verdict::Stroke(Stroke::Wave);
    }
    let rested = [0, 1].map(|axis| stroke_of(now, way, axis, &legs[axis]).map(|leg| (axis, leg)));
    // Of a way across both, the axis on which it is longer.
    let chosen = rested.into_iter().flatten().max_by(|a, b| a.1.way().abs().total_cmp(&b.1.way().abs()));
    let Some((axis, leg)) = chosen else {
        let rests = range_since(way, now.saturating_sub(DWELL)) < BACK / 2.0 && age > DWELL && seen;
        let short = longest(0).max(longest(1)) < WAY;
        return if rests && short { Verdict::Nothing } else { not_yet };
    };
    // Where a hand that swings turns round on one axis, it rests on the other.
    let goes_on = |other: &Leg| {
        other.way().abs() > leg.way().abs() && other.from.0 < leg.to.0 && leg.from.0 < other.to.0
    };
    if rested[1 - axis].is_none() && legs[1 - axis].iter().any(goes_on) {
        return not_yet;
    }
    let across = at_time(way, leg.to.0)[1 - axis] - at_time(way, leg.from.0)[1 - axis];
    if leg.way().abs() < CLEAR * across.abs() || leg.pace() < PACE {
        return Verdict::Nothing;
    }
    Verdict::Stroke(match (axis, leg.way() > 0.0) {
        (0, false) => Stroke::Left,
        (0, true) => Stroke::Right,
        (_, false) => Stroke::Up,
        (_, true) => Stroke::Down,
    })
}

/// What is meant on one axis, once the hand rests there. A leg that begins by a little the other way was prepared: it is what was
/// meant. One that was not may itself prepare the next: a rest that is long says no, and so does a way back that is shorter and slower.
fn stroke_of(now: Duration, way: &[Sample], axis: usize, legs: &[Leg]) -> Option<Leg> {
    let (last, before) = legs.split_last()?;
    let long = |leg: &&Leg| leg.way().abs() >= WAY;
    let earlier = before.last().filter(long);
    if let Some(earlier) =
        earlier.filter(|earlier| last.is_return(earlier, way, axis) || earlier.is_prepared(way, axis))
    {
        return last.rests(now, way, axis, TURNING).then_some(*earlier);
    }
    let last = Some(last).filter(long)?;
    let part = if earlier.is_some() || last.is_prepared(way, axis) { TURNING } else { UNPREPARED };
    last.rests(now, way, axis, part).then_some(*last)
}

/// A way on one axis without turning round.
#[derive(Clone, Copy, Debug)]
struct Leg {
    from: (Duration, f32),
    to: (Duration, f32),
}

impl Leg {
    fn way(&self) -> f32 {
        self.to.1 - self.from.1
    }

    /// Palm lengths a second.
    fn pace(&self) -> f32 {
        self.way().abs() / self.to.0.saturating_sub(self.from.0).as_secs_f32().max(0.02)
    }

    /// How fast its middle half goes, palm lengths a second: it may begin and end slowly.
    fn heart(&self, way: &[Sample], axis: usize) -> f32 {
        let crossing = |share: f32| {
            let value = self.from.1 + share * self.way();
            let pairs =
                way.windows(2).filter(|pair| pair[0].time >= self.from.0 && pair[1].time <= self.to.0);
            let mut crossed =
                pairs.filter(|pair| (pair[0].at[axis] - value) * (pair[1].at[axis] - value) <= 0.0);
            crossed.next().map_or(0.0, |pair| {
                let step = pair[1].at[axis] - pair[0].at[axis];
                let part = if step == 0.0 { 0.0 } else { (value - pair[0].at[axis]) / step };
                let [from, to] = [pair[0].time, pair[1].time].map(|time| time.as_secs_f32());
                from + part * (to - from)
            })
        };
        self.way().abs() / 2.0 / (crossing(0.75) - crossing(0.25)).max(0.01)
    }

    /// Whether this is only the way back of a stroke before it, and not what that one prepared: people prepare at most a little
    /// faster than they strike, and come back much more slowly.
    fn is_return(&self, stroke: &Self, way: &[Sample], axis: usize) -> bool {
        self.heart(way, axis) < SLOWER * stroke.heart(way, axis)
    }

    /// Whether the hand went a little the other way first.
    fn is_prepared(&self, way: &[Sample], axis: usize) -> bool {
        let direction = self.way().signum();
        let before = way.iter().take_while(|sample| sample.time <= self.to.0);
        before.map(|sample| sample.at[axis] * direction).fold(0.0, f32::min) < -PREPARED
    }

    /// Whether the hand has rested at its end for so long that it does not just turn round: what turns round is near the end
    /// for a part of its time.
    fn rests(&self, now: Duration, way: &[Sample], axis: usize, part: f32) -> bool {
        let near = (END * self.way().abs()).max(END_AT_LEAST);
        let Some(here) = way.last().map(|last| last.at[axis]) else { return false };
        let is_near = |sample: &&Sample| (sample.at[axis] - here).abs() <= near;
        let since = way.iter().rev().take_while(is_near).last();
        // Where it was lost it is not known to rest.
        let found = way.iter().rev().take_while(is_near).filter(|sample| sample.seen).count();
        since.filter(|_| found >= 1).is_some_and(|since| {
            let took = since.time.saturating_sub(self.from.0);
            now.saturating_sub(since.time) >= (took.mul_f32(part) + REST_AT_LEAST).min(REST_AT_MOST)
        })
    }
}

/// To and fro, at least three times, each about as far and as fast as the others.
fn is_wave(legs: &[Leg]) -> bool {
    let longest = legs.iter().map(|leg| leg.way().abs()).fold(0.0, f32::max);
    let swings = |leg: &&Leg| leg.way().abs() >= SWING.max(0.5 * longest);
    legs.iter().filter(swings).count() >= 3
}

fn at_time(way: &[Sample], time: Duration) -> [f32; 2] {
    way.iter().find(|sample| sample.time >= time).map_or([0.0; 2], |sample| sample.at)
}

/// Towards the camera or away from it: it grew or shrank, hardly moved beside that, and stays so.
fn towards_or_away(now: Duration, way: &[Sample], range: f32) -> Option<Verdict> {
    let seen = |sample: &Sample| sample.grown.map(|grown| (sample.time, grown));
    let (time, grown) = way.iter().rev().find_map(seen)?;
    let recent: Vec<f32> = way
        .iter()
        .filter(|sample| now.saturating_sub(sample.time) <= SETTLED)
        .filter_map(|sample| sample.grown)
        .collect();
    // Nearer means larger: what does not move to a side moves more as it grows.
    if grown.abs() < GROWN || range > WAY * grown.exp().max(1.0) || now.saturating_sub(time) > SETTLED {
        return None;
    }
    let spread =
        recent.iter().copied().fold(f32::MIN, f32::max) - recent.iter().copied().fold(f32::MAX, f32::min);
    let settled = recent.len() >= 2 && spread < 0.08;
    let stroke = if grown > 0.0 { Stroke::Push } else { Stroke::Pull };
    Some(if settled { Verdict::Stroke(stroke) } else { Verdict::Goes })
}

/// The legs of a way on an axis, the last one as far as it goes by now.
fn legs(way: &[Sample], axis: usize) -> Vec<Leg> {
    let mut turns: Vec<(Duration, f32)> = vec![(way[0].time, way[0].at[axis])];
    let mut furthest = turns[0];
    let mut direction = 0.0_f32;
    for sample in way {
        let value = sample.at[axis];
        if direction == 0.0 {
            if (value - furthest.1).abs() > BACK {
                direction = (value - furthest.1).signum();
                furthest = (sample.time, value);
            }
        } else if (value - furthest.1) * direction >= JITTER {
            furthest = (sample.time, value);
        } else if (furthest.1 - value) * direction > BACK {
            turns.push(furthest);
            direction = -direction;
            furthest = (sample.time, value);
        }
    }
    turns.push(furthest);
    turns.windows(2).map(|ends| Leg { from: ends[0], to: ends[1] }).collect()
}

/// How far it went to and fro since a time, palm lengths.
fn range_since(way: &[Sample], time: Duration) -> f32 {
    let range = |axis: usize| {
        let values = way.iter().filter(|sample| sample.time >= time).map(|sample| sample.at[axis]);
        values.clone().fold(f32::MIN, f32::max) - values.fold(f32::MAX, f32::min)
    };
    range(0).max(range(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_that_grows_and_shrinks_for_ever_keeps_no_more_than_a_stroke_of_it() {
        let place = |size: f32| Place { middle: [320.0, 240.0], palm: 70.0, size, open: true, upright: true };
        let mut motion = Motion::new(GestureOptions::default(), Duration::ZERO, place(50.0));
        for index in 1..3000_u32 {
            let now = Duration::from_millis(33) * index;
            // Held still until it is armed; then never at rest, and never as large as it was.
            let size = match index {
                ..20 => 50.0,
                _ if index.is_multiple_of(2) => 90.0,
                _ => 75.0,
            };
            motion.picture(now, Some(place(size)), None);
            if let Phase::Armed { way, .. } = &motion.phase {
                assert!(way.len() <= 75, "{} points after {now:?}", way.len());
            }
        }
    }
}
