//! What a tracker of landmarks makes of a performance: where it finds the hand, how well, and where it loses it.
//!
//! How often is as measured with the real networks on public clips of people and on photographs of hands that were
//! blurred, moved, scaled and cut off. Between the measured points the rate is a straight line:
//!
//! | | at | rate |
//! | --- | --- | --- |
//! | blur within the exposure, hand tracked | 0.25 / 0.5 / 0.75 / 1 P | 1.00 / 0.89 / 0.33 / 0.11 |
//! | the same, found from nothing | 0.25 / 0.5 / 0.75 / 1 P | 1.00 / 0.44 / 0.13 / 0 |
//! | way between two pictures, still tracked | 0.5 / 0.75 / 1 / 1.25 P | 1.00 / 0.99 / 0.67 / 0.11 |
//! | P, found from nothing | 48 / 32 / 24 / 20 px | 0.98 / 0.82 / 0.31 / 0.02 |
//! | part of the hand outside the picture | 30 / 45 / 60 % | 1.00 / 0.93 / 0.64 |
//! | pictures with a hand that is none | 8 of 2,364 | |
//! | jitter of a still hand | wrist 0.005–0.010 P, size 0.3–0.5 % | |
//!
//! Added, not measured: 10 % of the pictures of every hand are without it, half of the gaps one picture long and half
//! two to five; a hand that was lost is found up to two pictures after nothing hinders it any more; each joint is off
//! by a constant of 0.015 P (tips 0.03 P, depth 0.06 P) and by a tenth of its blur; handedness is wrong in about one
//! picture of a hundred, more often seen from its edge.

use super::geometry::sub;
use super::skeleton::JOINTS;
use super::track::{HandAt, Side, palm_of};
use super::{HEIGHT, Performance, WIDTH};
use crate::random::Random;

/// How pictures are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Pictures per second.
    pub fps: f32,
    /// How long each is exposed, in seconds, around its time.
    pub exposure_s: f32,
}

/// One hand, as a network gives it. Places are pixels of a picture of 640 × 480.
#[derive(Debug, Clone)]
pub struct Landmarks {
    /// As [`HandAt::joints`].
    pub joints: [[f32; 3]; JOINTS],
    /// How likely it is a right hand, 0 to 1.
    pub right: f32,
    /// How likely it is a hand at all, 0 to 1.
    pub presence: f32,
}

/// What was found in one picture.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The picture's time in seconds.
    pub t: f32,
    /// Of each hand of the performance, in its order: where it was found, or nothing.
    pub hands: Vec<Option<Landmarks>>,
    /// A hand where there is none: in a face, or in the room.
    pub false_hand: Option<Landmarks>,
}

impl Observation {
    /// All that was taken for hands.
    pub fn landmarks(&self) -> impl Iterator<Item = &Landmarks> {
        self.hands.iter().flatten().chain(&self.false_hand)
    }
}

/// Points of a straight line from point to point, by what they depend on.
type Table = [(f32, f32)];

/// By blur in P.
const TRACKED_BLURRED: &Table = &[(0.25, 1.0), (0.5, 0.89), (0.75, 0.33), (1.0, 0.11), (1.25, 0.0)];
/// By blur in P.
const FOUND_BLURRED: &Table = &[(0.25, 1.0), (0.5, 0.44), (0.75, 0.13), (1.0, 0.0)];
/// By the way from picture to picture, in P.
const TRACKED_MOVED: &Table = &[(0.5, 1.0), (0.75, 0.99), (1.0, 0.67), (1.25, 0.11), (1.5, 0.0)];
/// By P in pixels.
const FOUND_SMALL: &Table =
    &[(16.0, 0.0), (20.0, 0.02), (24.0, 0.31), (32.0, 0.82), (48.0, 0.98), (60.0, 1.0)];
/// By the share that is outside.
const CUT_OFF: &Table = &[(0.3, 1.0), (0.45, 0.93), (0.6, 0.64), (1.0, 0.0)];
/// Chance that one picture shows a hand where there is none.
const FALSE_HANDS: f32 = 8.0 / 2364.0;
/// That a gap begins with a picture: gaps are 2.25 pictures long in the mean, and make up a tenth.
const GAPS: f32 = 0.1 / (0.9 * 2.25);

fn look_up(table: &Table, at: f32) -> f32 {
    let after = table.partition_point(|point| point.0 <= at);
    match (after.checked_sub(1).map(|before| table[before]), table.get(after)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (at - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some(&(_, y))) => y,
        (None, None) => 0.0,
    }
}

/// What makes a hand hard to find in one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hindrance {
    /// The mean way of the joints within the exposure, in P.
    pub(super) blur: f32,
    /// The palm's way since the picture before, in P.
    pub(super) moved: f32,
    pub(super) palm_px: f32,
    pub(super) outside: f32,
}

impl Hindrance {
    /// That a hand that was followed to the picture before is found in this one.
    pub(super) fn tracked_chance(&self) -> f32 {
        look_up(TRACKED_BLURRED, self.blur)
            * look_up(TRACKED_MOVED, self.moved)
            * look_up(CUT_OFF, self.outside)
    }

    /// That it is found without having been followed.
    pub(super) fn found_chance(&self) -> f32 {
        look_up(FOUND_BLURRED, self.blur)
            * look_up(FOUND_SMALL, self.palm_px)
            * look_up(CUT_OFF, self.outside)
    }
}

impl Hindrance {
    /// In a picture that is opened and closed at such times, after a picture `before`.
    pub(super) fn new(opened: &HandAt, now: &HandAt, closed: &HandAt, before: &HandAt) -> Self {
        let p = now.palm_px();
        let [[x0, y0], [x1, y1]] = [before, now].map(HandAt::palm);
        Self {
            blur: joint_distances(opened, closed).iter().sum::<f32>() / JOINTS as f32 / p,
            moved: (x1 - x0).hypot(y1 - y0) / p,
            palm_px: p,
            outside: now.outside,
        }
    }
}

/// How far each joint gets in the picture, in pixels.
fn joint_distances(from: &HandAt, to: &HandAt) -> [f32; JOINTS] {
    std::array::from_fn(|i| {
        let ([x0, y0, _], [x1, y1, _]) = (from.joints[i], to.joints[i]);
        (x1 - x0).hypot(y1 - y0)
    })
}

/// Whether a hand is being followed.
enum Following {
    Yes,
    /// For this many pictures it is not found, even if nothing hinders it.
    Lost(u64),
}

/// One hand's errors and what becomes of it.
struct Eye {
    random: Random,
    following: Following,
    /// Pictures of a gap that are still to come.
    gap: u64,
    /// Of the wrist, in P, and of the size.
    jitter: [f32; 2],
    /// Of each joint, in P.
    constant: [[f32; 3]; JOINTS],
}

impl Eye {
    fn new(mut random: Random) -> Self {
        let constant = std::array::from_fn(|i| {
            let most = if is_tip(i) { 0.03 } else { 0.015 };
            [most, most, 0.06].map(|most| most * random_normal(&mut random))
        });
        let jitter = [random.range(0.005, 0.010), random.range(0.003, 0.005)];
        let wait = random.bits() % 3;
        Self { random, following: Following::Lost(wait), gap: 0, jitter, constant }
    }

    /// Whether the hand is found in the next picture.
    fn try_find(&mut self, hindrance: &Hindrance) -> bool {
        if let Following::Yes = self.following
            && !self.random.chance(hindrance.tracked_chance())
        {
            self.following = Following::Lost(self.random.bits() % 3);
        }
        if let Following::Lost(wait) = self.following
            && self.random.chance(hindrance.found_chance())
        {
            self.following = if wait == 0 { Following::Yes } else { Following::Lost(wait - 1) };
        }
        // A gap is not a loss: the tracker of the hand goes on afterwards.
        if self.gap > 0 {
            self.gap -= 1;
            return false;
        }
        if self.random.chance(GAPS) {
            self.gap = if self.random.chance(0.5) { 0 } else { 1 + self.random.bits() % 4 };
            return false;
        }
        matches!(self.following, Following::Yes)
    }

    fn observe_hand(&mut self, hand: &HandAt, blurs: &[f32; JOINTS]) -> Landmarks {
        let p = hand.palm_px();
        let [place, size] = self.jitter;
        let random = &mut self.random;
        let size = 1.0 + size * random_normal(random);
        let wrist = hand.joints[0];
        let shift = [random_normal(random), random_normal(random)].map(|off| off * place * p);
        let joints = std::array::from_fn(|i| {
            let blur = blurs[i] / p;
            // Where all joints shift together, each adds as much of its own; a tip more.
            let own = place * if is_tip(i) { 1.2 } else { 0.6 } + 0.1 * blur;
            let joint = hand.joints[i];
            let axis = |axis: usize, off: f32| {
                let constant = self.constant[i][axis] * p;
                wrist[axis] + (joint[axis] - wrist[axis]) * size + constant + off * p
            };
            let [dx, dy] =
                if i == 0 { [0.0, 0.0] } else { [random_normal(random) * own, random_normal(random) * own] };
            let dz = random_normal(random) * own * 2.0;
            [axis(0, dx) + shift[0], axis(1, dy) + shift[1], axis(2, dz)]
        });
        let mean = blurs.iter().sum::<f32>() / JOINTS as f32 / p;
        // Told by the palm or the back; from the edge hardly.
        let clear = if hand.normal[2].abs() < 0.4 { 0.5 } else { 1.0 };
        let logit = (3.6 + 1.4 * random_normal(random)) * clear - 1.5 * mean;
        let logit = if hand.side == Side::Right { logit } else { -logit };
        let presence = 1.0 - random.range(0.0, 0.04) - 0.15 * mean * random.range(0.0, 1.0);
        Landmarks { joints, right: 1.0 / (1.0 + (-logit).exp()), presence: presence.clamp(0.5, 1.0) }
    }
}

fn is_tip(joint: usize) -> bool {
    joint != 0 && joint.is_multiple_of(4)
}

/// A number around 0 with a variance of 1: nearly normal, never beyond 3.5.
fn random_normal(random: &mut Random) -> f32 {
    let sum: f32 = (0..4).map(|_| random.range(-1.0, 1.0)).sum();
    sum * 0.866
}

/// What is found of `performance` in pictures at `i / fps` seconds, over the whole of it. `seed` decides the errors.
pub fn observe_performance(performance: &Performance, camera: Camera, seed: u64) -> Vec<Observation> {
    let count = performance.hands_at(0.0).len();
    let mut eyes: Vec<Eye> = (0..count).map(|i| Eye::new(Random::new(seed, 0xe1e + i as u64))).collect();
    let mut random = Random::new(seed, 0xfa15e);
    let mistaken = mistaken_hand(performance, &mut random);
    let pictures = (performance.duration() * camera.fps) as usize + 1;
    let half = camera.exposure_s / 2.0;
    let mut before = performance.hands_at(-1.0 / camera.fps);
    (0..pictures)
        .map(|i| {
            let t = i as f32 / camera.fps;
            let [opened, now, closed] = [t - half, t, t + half].map(|t| performance.hands_at(t));
            let hands = eyes.iter_mut().enumerate().map(|(i, eye)| {
                let hindrance = Hindrance::new(&opened[i], &now[i], &closed[i], &before[i]);
                let is_found = eye.try_find(&hindrance);
                is_found.then(|| eye.observe_hand(&now[i], &joint_distances(&opened[i], &closed[i])))
            });
            let hands = hands.collect();
            before = now;
            let false_hand = random.chance(FALSE_HANDS).then(|| Landmarks {
                right: random.range(0.05, 0.95),
                presence: random.range(0.9, 1.0),
                ..mistaken.clone()
            });
            Observation { t, hands, false_hand }
        })
        .collect()
}

/// What is taken for a hand at times: a place in the face or in the room, which does not move.
fn mistaken_hand(performance: &Performance, random: &mut Random) -> Landmarks {
    let held = Performance::new(super::Act::Held(super::Shape::None), random.bits());
    let shown = held.truth().first().map_or(0.0, |interval| interval.from);
    let hands = held.hands_at(shown);
    let (mut joints, size) =
        hands.first().map_or(([[0.0; 3]; JOINTS], 1.0), |hand| (hand.joints, hand.palm_px()));
    let (place, palm_px) = match performance.person_at(0.0) {
        Some(person) if random.chance(0.8) => (person.head, person.palm_px * random.range(0.6, 1.1)),
        _ => ([random.range(0.1, 0.9) * WIDTH, random.range(0.1, 0.9) * HEIGHT], random.range(25.0, 80.0)),
    };
    let [x, y] = palm_of(&joints);
    let wrist = joints[0];
    for joint in &mut joints {
        let [dx, dy, dz] = sub(*joint, [x, y, wrist[2]]).map(|d| d * palm_px / size);
        *joint = [place[0] + dx, place[1] + dy, dz];
    }
    Landmarks { joints, right: 0.5, presence: 0.95 }
}
