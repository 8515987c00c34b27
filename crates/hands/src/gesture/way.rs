//! The way of a hand since it left where it rested, and what it is: which of its legs was meant.
//!
//! Ways are in palm lengths of the hand as it was armed.

use std::time::Duration;

use super::{GROWN, Stroke};

/// A stroke goes at least this far, palm lengths.
const WAY: f32 = 0.9;
/// A stroke goes at least this fast, palm lengths a second.
const PACE: f32 = 1.1;
/// One direction has to be this many times the other.
const CLEAR: f32 = 1.2;
/// A hand has turned round when it came back by this much.
const BACK: f32 = 0.3;
/// What moves by less than this has not moved.
const JITTER: f32 = 0.06;
/// A swing of a wave is at least this far, from side to side.
const SWING: f32 = 0.6;
/// What has hardly moved for this long, and has not gone far, rests again.
const DWELL: Duration = Duration::from_millis(400);
/// A hand that grew or shrank has ended if it hardly does so for this long.
const SETTLED: Duration = Duration::from_millis(140);
/// A hand that is found again after no longer than this went straight.
const GAP: Duration = Duration::from_millis(250);
/// Near the end of a leg is what is no further from it than this part of the leg's length.
const END: f32 = 0.05;
/// Near the end of a leg is at least what is no further from it than this, palm lengths.
const END_AT_LEAST: f32 = 0.08;
/// A hand that only turns round is near the end of a leg for this part of the leg's time, at most.
const TURNING: f32 = 0.4;
/// A hand that may go on the other way is near the end of a leg for this part of the leg's time, at most.
const UNPREPARED: f32 = 0.65;
/// A hand that rests is near the end of a leg for at least this much longer than one that turns round.
const REST_AT_LEAST: Duration = Duration::from_millis(40);
/// No rest has to be longer than this.
const REST_AT_MOST: Duration = Duration::from_millis(400);
/// A hand that goes this far the other way first, palm lengths, prepares.
const PREPARED: f32 = 0.12;
/// A way back has less than this of its stroke's pace.
const SLOWER: f32 = 0.6;
/// A stroke that takes longer, with its preparation, is none.
const LONGEST: Duration = Duration::from_millis(2400);

/// A point of its way, relative to where it rested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) time: Duration,
    /// Palm lengths.
    pub(super) at: [f32; 2],
    /// Logarithm of its size, if it was seen open.
    pub(super) grown: Option<f32>,
    /// By its joints, and not by what moved around it.
    pub(super) seen: bool,
}

pub(super) enum Verdict {
    /// It is not clear yet.
    Goes,
    Stroke(Stroke),
    Nothing,
}

/// A hand that was lost is found again: it went straight from where it was to where it is, whatever moved around it meanwhile.
pub(super) fn straighten_gaps(way: &mut [Sample]) {
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
pub(super) fn judge_way(now: Duration, way: &[Sample], seen: bool) -> Verdict {
    let Some(first) = way.first() else { return Verdict::Nothing };
    let legs = [find_legs(way, 0), find_legs(way, 1)];
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
/// meant. One that was not may itself prepare the next: a rest that is long says no, and so does a way back that is slow.
fn stroke_of(now: Duration, way: &[Sample], axis: usize, legs: &[Leg]) -> Option<Leg> {
    let (last, before) = legs.split_last()?;
    let long = |leg: &&Leg| leg.way().abs() >= WAY;
    let earlier = before.last().filter(long);
    if let Some(earlier) =
        earlier.filter(|earlier| last.is_return(earlier, way, axis) || earlier.is_prepared(way, axis))
    {
        return last.has_rested(now, way, axis, TURNING).then_some(*earlier);
    }
    let last = Some(last).filter(long)?;
    let part = if earlier.is_some() || last.is_prepared(way, axis) { TURNING } else { UNPREPARED };
    last.has_rested(now, way, axis, part).then_some(*last)
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
    fn has_rested(&self, now: Duration, way: &[Sample], axis: usize, part: f32) -> bool {
        let near = (END * self.way().abs()).max(END_AT_LEAST);
        let Some(here) = way.last().map(|last| last.at[axis]) else { return false };
        let still = way.iter().rev().take_while(|sample| (sample.at[axis] - here).abs() <= near);
        // Where it was lost it is not known to rest.
        still.clone().any(|sample| sample.seen)
            && still.last().is_some_and(|since| {
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
fn find_legs(way: &[Sample], axis: usize) -> Vec<Leg> {
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
