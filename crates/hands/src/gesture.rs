//! Motions that are meant: an open, upright palm held still arms a hand, and its next stroke is named.
//!
//! Nothing in the way of a hand tells whether it is a sign to a machine: people who talk or sign move their hands as far and
//! as fast. So the palm comes first. After that the stroke may blur the hand until its joints are lost: where it went is
//! then read from what moves around the place where it was ([`crate::flow`]). Ways are in palm lengths of the hand as it was
//! armed, so near and far hands are alike.

use std::time::Duration;

mod way;

use way::{Sample, Verdict, judge_way, straighten_gaps};

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

/// When motions count, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GestureOptions {
    /// Only hands that have been armed are followed; without, each hand that rests for a moment is.
    pub arming: bool,
    /// An open palm arms when it has been held this long.
    pub hold: Duration,
    /// An armed hand that does nothing stays armed for this long after it was last held open.
    pub armed_for: Duration,
    /// After a stroke, and its way back, nothing is said for this long.
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
    fn quiet_phase(self, now: Duration) -> Phase {
        Phase::Quiet { until: now + self.quiet_for, latest: now + QUIET_AT_MOST }
    }
}

/// A hand in one picture, as far as its motion is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandPosition {
    /// Its middle, pixels.
    pub middle: [f32; 2],
    /// Length of its palm, pixels.
    pub palm: f32,
    /// How large it looks, pixels: what the fingers do does not matter.
    pub size: f32,
    /// All fingers are straight.
    pub open: bool,
    /// It points up, more or less.
    pub upright: bool,
}

/// How far a hand is armed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arming {
    /// Not at all.
    Not,
    /// An open palm is being held: the share of the time that is over, 0–1.
    Filling(f32),
    /// It is armed for this long.
    Armed(Duration),
}

/// While a hand rests it moves by less than this, palm lengths.
const REST: f32 = 0.35;
/// It has begun to move when it is this far from where it rested.
const ONSET: f32 = 0.45;
/// It began no longer before that.
const BEGINNING: Duration = Duration::from_millis(250);
/// Logarithm of how much larger or smaller a push or pull makes a hand at least.
const GROWN: f32 = 0.26;
/// A hand that moves by more than this from picture to picture, palm lengths, is on its way back.
const STILL: f32 = 0.03;
/// It is for this long at most.
const QUIET_AT_MOST: Duration = Duration::from_secs(3);
/// A hand that is not seen for this long rests no more.
const UNSEEN: Duration = Duration::from_millis(250);
/// Nor is it waited for any longer than this.
const GONE: Duration = Duration::from_millis(1200);
/// A hand that was lost is looked for in every picture for this long.
const MISSED: Duration = Duration::from_millis(600);
/// Without arming, a hand has to rest for this long.
const PAUSE: Duration = Duration::from_millis(150);

/// One hand's motion: pure state.
#[derive(Clone, Debug)]
pub struct Motion {
    options: GestureOptions,
    /// When it was last seen.
    seen: Duration,
    /// How it was last seen.
    place: HandPosition,
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
        /// When it was last seen about there, in whichever shape.
        there: Duration,
        /// Its way since it left, if it has.
        way: Vec<Sample>,
    },
    Quiet {
        /// It is quiet until then. While the hand moves, that is put off.
        until: Duration,
        /// From then on `until` is not put off any more.
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

impl Motion {
    /// Of a hand that has just been found.
    pub fn new(options: GestureOptions, now: Duration, place: HandPosition) -> Self {
        let mut motion =
            Self { options, seen: now, place, at: place.middle, phase: Phase::Idle { held: None } };
        motion.step_idle(now, Some(place));
        motion
    }

    /// How far it is armed.
    pub fn arming(&self, now: Duration) -> Arming {
        match &self.phase {
            Phase::Armed { until, .. } if self.options.arming => Arming::Armed(until.saturating_sub(now)),
            Phase::Idle { held: Some(held) } if self.options.arming => {
                let share = held.held_time().as_secs_f32() / self.options.hold.as_secs_f32();
                if share > 0.0 { Arming::Filling(share.min(1.0)) } else { Arming::Not }
            }
            _ => Arming::Not,
        }
    }

    /// Where it is thought to be, and how long its palm is, pixels.
    pub fn current_place(&self) -> ([f32; 2], f32) {
        let palm = match &self.phase {
            Phase::Armed { rest, .. } => rest.palm,
            _ => self.place.palm,
        };
        (self.at, palm)
    }

    /// Whether what moves around it matters: it is armed, and the flow is to be told to [`Motion::see_picture`].
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
        self.phase = self.options.quiet_phase(now);
    }

    /// The next picture: where the hand is, if it was found, and the way of what moves around it, pixels. What it did, once
    /// that is clear.
    pub fn see_picture(
        &mut self,
        now: Duration,
        place: Option<HandPosition>,
        flow: Option<[f32; 2]>,
    ) -> Option<Stroke> {
        let before = self.at;
        if let Some(place) = place {
            (self.seen, self.place, self.at) = (now, place, place.middle);
        } else if let Some(flow) = flow {
            self.at = [before[0] + flow[0], before[1] + flow[1]];
        }
        match &mut self.phase {
            Phase::Idle { .. } => {
                self.step_idle(now, place);
                None
            }
            Phase::Armed { .. } => self.step_armed(now, place),
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

    fn step_idle(&mut self, now: Duration, place: Option<HandPosition>) {
        let Phase::Idle { held } = &mut self.phase else { return };
        let (arming, options) = (self.options.arming, self.options);
        let waits = |place: &HandPosition| !arming || (place.open && place.upright);
        match (place.filter(waits), held.as_mut()) {
            (Some(place), Some(held)) if held.is_here(&place) => held.follow_drift(now, &place),
            (Some(place), _) => *held = Some(Held::new(now, &place)),
            // Lost, or another shape, for a picture or two.
            (None, Some(old)) if now.saturating_sub(old.last) <= UNSEEN => {}
            (None, _) => *held = None,
        }
        let needed = if arming { options.hold } else { PAUSE };
        if let Some(rest) = held.filter(|held| held.held_time() >= needed) {
            let (until, there) = (now + options.armed_for, now);
            self.phase = Phase::Armed { rest, until, there, way: Vec::new() };
        }
    }

    fn step_armed(&mut self, now: Duration, place: Option<HandPosition>) -> Option<Stroke> {
        let (options, at) = (self.options, self.at);
        let Phase::Armed { rest, until, there, way } = &mut self.phase else { return None };
        let relative = [0, 1].map(|axis| (at[axis] - rest.at[axis]) / rest.palm.max(1.0));
        let grown = place.filter(|place| place.open).map(|place| (place.size / rest.size.max(1.0)).ln());
        if way.is_empty() {
            let moves = relative[0].hypot(relative[1]) > ONSET
                || grown.is_some_and(|grown| grown.abs() > GROWN / 2.0);
            if !moves {
                if place.is_some() {
                    *there = now;
                }
                if let Some(place) = place.filter(|place| !options.arming || (place.open && place.upright)) {
                    rest.follow_drift(now, &place);
                    *until = now + options.armed_for;
                }
                if now >= *until || now.saturating_sub(self.seen) > GONE {
                    self.phase = Phase::Idle { held: None };
                }
                return None;
            }
            let began = rest.last.max(there.saturating_sub(BEGINNING));
            way.push(Sample { time: began, at: [0.0; 2], grown: Some(0.0), seen: true });
        }
        way.push(Sample { time: now, at: relative, grown, seen: place.is_some() });
        straighten_gaps(way);
        match judge_way(now, way, place.is_some()) {
            Verdict::Goes => None,
            Verdict::Stroke(stroke) => {
                self.phase = options.quiet_phase(now);
                Some(stroke)
            }
            Verdict::Nothing => {
                // It rests elsewhere now.
                match place.filter(|_| now < *until) {
                    Some(place) => {
                        *rest = Held { since: rest.since, ..Held::new(now, &place) };
                        *there = now;
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
    fn new(now: Duration, place: &HandPosition) -> Self {
        Self { since: now, at: place.middle, palm: place.palm, size: place.size, last: now }
    }

    fn held_time(&self) -> Duration {
        self.last.saturating_sub(self.since)
    }

    /// Whether a hand rests here.
    fn is_here(&self, place: &HandPosition) -> bool {
        let way = (place.middle[0] - self.at[0]).hypot(place.middle[1] - self.at[1]);
        way < REST * self.palm && (place.size / self.size).ln().abs() < GROWN / 2.0
    }

    /// Follows a hand that drifts.
    fn follow_drift(&mut self, now: Duration, place: &HandPosition) {
        const SHARE: f32 = 0.15;
        for axis in 0..2 {
            self.at[axis] += SHARE * (place.middle[axis] - self.at[axis]);
        }
        self.palm += SHARE * (place.palm - self.palm);
        self.size += SHARE * (place.size - self.size);
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_that_was_armed_may_close_before_its_stroke() {
        let palm = |x: f32, open: bool| HandPosition {
            middle: [x, 240.0],
            palm: 60.0,
            size: 45.0,
            open,
            upright: open,
        };
        for waited in [0_u32, 500, 1500, 2700] {
            let (mut motion, mut now) =
                (Motion::new(GestureOptions::default(), Duration::ZERO, palm(400.0, true)), 0);
            let mut show = |until: u32, place: &dyn Fn(u32) -> HandPosition| {
                let mut strokes = Vec::new();
                while now < until {
                    now += 33;
                    strokes.extend(motion.see_picture(
                        Duration::from_millis(now.into()),
                        Some(place(now)),
                        None,
                    ));
                }
                strokes
            };
            assert_eq!(show(600, &|_| palm(400.0, true)), []);
            assert_eq!(show(600 + waited, &|_| palm(405.0, false)), []);
            // 1.25 palm lengths to the left in 0.3 s, and there it stays.
            let goes = |now: u32| palm(405.0 - 75.0 * ((now - 600 - waited) as f32 / 300.0).min(1.0), false);
            assert_eq!(show(1800 + waited, &goes), [Stroke::Left], "{waited} ms later");
        }
    }

    #[test]
    fn a_hand_that_grows_and_shrinks_for_ever_keeps_no_more_than_a_stroke_of_it() {
        let place =
            |size: f32| HandPosition { middle: [320.0, 240.0], palm: 70.0, size, open: true, upright: true };
        let mut motion = Motion::new(GestureOptions::default(), Duration::ZERO, place(50.0));
        for index in 1..3000_u32 {
            let now = Duration::from_millis(33) * index;
            // Held still until it is armed; then never at rest, and never as large as it was.
            let size = match index {
                ..20 => 50.0,
                _ if index.is_multiple_of(2) => 90.0,
                _ => 75.0,
            };
            motion.see_picture(now, Some(place(size)), None);
            if let Phase::Armed { way, .. } = &motion.phase {
                assert!(way.len() <= 75, "{} points after {now:?}", way.len());
            }
        }
    }
}
