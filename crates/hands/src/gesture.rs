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
const WAY: f32 = 1.1;
/// and at least so fast, palm lengths a second.
const PACE: f32 = 1.5;
/// One direction has to be so many times the other.
const CLEAR: f32 = 1.2;
/// A hand has turned round when it came back by so much.
const BACK: f32 = 0.3;
/// A swing of a wave is at least so far, from side to side.
const SWING: f32 = 0.8;
/// Logarithm of how much larger or smaller a push or pull makes a hand at least.
const GROWN: f32 = 0.26;
/// What stays where the stroke ended for so long has ended.
const DWELL: Duration = Duration::from_millis(160);
/// After it turned round it may be the first swing of a wave for so long.
const TURN: Duration = Duration::from_millis(420);
/// A stroke that takes longer is none.
const LONGEST: Duration = Duration::from_millis(1800);
/// A hand that is not seen for so long rests no more.
const UNSEEN: Duration = Duration::from_millis(250);
/// Nor is it waited for any longer than this.
const GONE: Duration = Duration::from_millis(1200);
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
        /// Not before; goes on as long as it moves.
        until: Duration,
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

    /// Nobody waits for it any more.
    pub fn is_gone(&self, now: Duration) -> bool {
        now.saturating_sub(self.seen) > GONE
    }

    /// Says nothing for a while: another hand has spoken.
    pub fn hush(&mut self, now: Duration) {
        self.phase = Phase::Quiet { until: now + self.options.quiet_for };
    }

    /// The next picture: where the hand is, if it was found, and the way of what moves around it, pixels. What it did, once
    /// that is clear.
    pub fn picture(&mut self, now: Duration, place: Option<Place>, flow: Option<[f32; 2]>) -> Option<Stroke> {
        let before = self.at;
        if let Some(place) = place {
            (self.seen, self.place, self.at) = (now, place, place.middle);
        } else if let Some(step) = flow {
            self.at = [before[0] + step[0], before[1] + step[1]];
        }
        match &mut self.phase {
            Phase::Idle { .. } => {
                self.idle(now, place);
                None
            }
            Phase::Armed { .. } => self.armed(now, place),
            Phase::Quiet { until } => {
                let palm = self.place.palm.max(1.0);
                let step = (self.at[0] - before[0]).hypot(self.at[1] - before[1]) / palm;
                if step > 0.1 && place.is_some() {
                    *until = (*until).max(now + self.options.quiet_for / 2);
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
            way.push(Sample { time: rest.last, at: [0.0; 2], grown: Some(0.0) });
        }
        way.push(Sample { time: now, at: relative, grown });
        match judge(now, way) {
            Verdict::Goes => None,
            Verdict::Stroke(stroke) => {
                self.phase = Phase::Quiet { until: now + options.quiet_for };
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

/// What a way is, once it is clear.
fn judge(now: Duration, way: &[Sample]) -> Verdict {
    let (Some(first), Some(last)) = (way.first(), way.last()) else { return Verdict::Nothing };
    let range = |axis: usize| {
        let values = way.iter().map(|sample| sample.at[axis]);
        values.clone().fold(0.0, f32::max) - values.fold(0.0, f32::min)
    };
    let (across, down) = (range(0), range(1));
    if let Some(verdict) = towards_or_away(now, way, across.max(down)) {
        return verdict;
    }
    let age = now.saturating_sub(first.time);
    let axis = usize::from(down > across);
    let clear = across.max(down) > CLEAR * across.min(down);
    let turns = turns(way, axis);
    let wave =
        axis == 0 && turns.windows(2).filter(|pair| (pair[1].1 - pair[0].1).abs() >= SWING).count() >= 2;
    if wave {
        return Verdict::Stroke(Stroke::Wave);
    }
    // The furthest point: of the stroke, or of the way before it in the other direction.
    let furthest = turns.iter().copied().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let Some((time, value)) = furthest.filter(|(_, value)| value.abs() >= WAY) else {
        let rests = range_since(way, now.saturating_sub(DWELL)) < BACK / 2.0 && age > DWELL;
        return if rests || age > LONGEST { Verdict::Nothing } else { Verdict::Goes };
    };
    let began = way.iter().rev().find(|sample| sample.time < time && sample.at[axis] * value.signum() < 0.2);
    let took = time.saturating_sub(began.map_or(first.time, |sample| sample.time)).as_secs_f32();
    let since = now.saturating_sub(time);
    let here = last.at[axis] * value.signum();
    // It stays, it came back to where it was, or it has had its time.
    let stays = since >= DWELL && here > value.abs() - BACK;
    let came_back = since >= TURN || (here < 0.35 * value.abs() && here > -BACK && since >= TURN / 2);
    if !(stays || came_back || age > LONGEST) {
        return Verdict::Goes;
    }
    if !clear || value.abs() < PACE * took {
        return Verdict::Nothing;
    }
    Verdict::Stroke(match (axis, value > 0.0) {
        (0, false) => Stroke::Left,
        (0, true) => Stroke::Right,
        (_, false) => Stroke::Up,
        (_, true) => Stroke::Down,
    })
}

/// Towards the camera or away from it: it grew or shrank, hardly moved beside that, and stays so.
fn towards_or_away(now: Duration, way: &[Sample], range: f32) -> Option<Verdict> {
    let seen = |sample: &Sample| sample.grown.map(|grown| (sample.time, grown));
    let (time, grown) = way.iter().rev().find_map(seen)?;
    let recent: Vec<f32> = way
        .iter()
        .filter(|sample| now.saturating_sub(sample.time) <= DWELL)
        .filter_map(|sample| sample.grown)
        .collect();
    // Nearer means larger: what does not move to a side moves more as it grows.
    if grown.abs() < GROWN || range > WAY * grown.exp().max(1.0) || now.saturating_sub(time) > DWELL / 2 {
        return None;
    }
    let spread =
        recent.iter().copied().fold(f32::MIN, f32::max) - recent.iter().copied().fold(f32::MAX, f32::min);
    let settled = recent.len() >= 3 && spread < 0.08;
    let stroke = if grown > 0.0 { Stroke::Push } else { Stroke::Pull };
    Some(if settled { Verdict::Stroke(stroke) } else { Verdict::Goes })
}

/// Where the way turns round on an axis, with the point furthest since then at the end.
fn turns(way: &[Sample], axis: usize) -> Vec<(Duration, f32)> {
    let mut turns: Vec<(Duration, f32)> = Vec::new();
    let mut furthest = (way[0].time, way[0].at[axis]);
    let mut direction = 0.0_f32;
    for sample in way {
        let value = sample.at[axis];
        if direction == 0.0 {
            if (value - furthest.1).abs() > BACK {
                direction = (value - furthest.1).signum();
                furthest = (sample.time, value);
            }
        } else if (value - furthest.1) * direction >= 0.0 {
            furthest = (sample.time, value);
        } else if (furthest.1 - value) * direction > BACK {
            turns.push(furthest);
            direction = -direction;
            furthest = (sample.time, value);
        }
    }
    turns.push(furthest);
    turns
}

/// How far it went to and fro since a time, palm lengths.
fn range_since(way: &[Sample], time: Duration) -> f32 {
    let range = |axis: usize| {
        let values = way.iter().filter(|sample| sample.time >= time).map(|sample| sample.at[axis]);
        values.clone().fold(f32::MIN, f32::max) - values.fold(f32::MAX, f32::min)
    };
    range(0).max(range(1))
}
