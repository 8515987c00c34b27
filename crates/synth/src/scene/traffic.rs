//! Who is where at what time.
//!
//! A timetable that repeats, in which only the looks, the bays and the moments differ from round to round. So what
//! happens at a time is computed from that time alone, and nobody drives into anybody: the two lanes of the aisle
//! have their own bays, and whatever is done in a lane begins [`SLOT_S`] after what was begun there before.

use std::f32::consts::{FRAC_PI_2, PI};
use std::time::Duration;

use super::canvas::{Canvas, bounding_box, clip_polygon};
use super::solid::{Pose, convex_hull};
use super::view::{Pixel, View};
use super::{Car, Person, SceneKind};
use crate::random::Random;
use sightwire_frame::boxes::Rect;

/// Width of a bay.
pub(super) const BAY_M: f32 = 2.7;
/// Where the bays begin and end, from the camera: the near row and the far one, with the aisle between.
pub(super) const NEAR_BAYS_M: [f32; 2] = [5.6, 10.8];
pub(super) const FAR_BAYS_M: [f32; 2] = [17.4, 22.6];
/// The middle of the pavement beyond the far bays.
pub(super) const PAVEMENT_M: [f32; 2] = [22.8, 24.8];

/// Time between what is begun in one lane.
const SLOT_S: f64 = 9.0;
/// Slots of a round.
const SLOTS: i64 = 8;
/// Time between people on the pavement.
const WALK_S: f64 = 21.0;
const SPEED_M_S: f32 = 5.5;
const BRAKES_M_S2: f32 = 2.6;
const PULLS_M_S2: f32 = 2.0;
/// Where cars come into the aisle and leave it, to both sides.
const EDGE_M: f32 = 17.0;
/// Of the bend into a bay.
const BEND_M: f32 = 4.0;
/// A viewer that looks later sees this moment.
const LATEST: Duration = Duration::from_secs(1 << 32);
/// Slower than this is standing.
const STANDING_M_S: f32 = 0.05;

/// Someone in the scene at some time.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) id: u64,
    pub(super) pose: Pose,
    pub(super) moving: bool,
    look: Look,
}

#[derive(Debug, Clone)]
enum Look {
    Car { car: Car, braking: bool },
    Person { person: Person, way: f32 },
}

impl Actor {
    pub(super) fn kind(&self) -> SceneKind {
        match self.look {
            Look::Car { .. } => SceneKind::Car,
            Look::Person { .. } => SceneKind::Person,
        }
    }

    /// Along the ground from the camera.
    pub(super) fn distance(&self) -> f32 {
        self.pose.x.hypot(self.pose.y)
    }

    pub(super) fn draw(&self, view: &View, canvas: &mut Canvas<'_>) {
        match &self.look {
            Look::Car { car, braking } => car.draw(&self.pose, *braking, view, canvas),
            Look::Person { person, way } => person.draw(&self.pose, *way, view, canvas),
        }
    }

    /// Draws its shadow on the ground, and returns the box around that.
    pub(super) fn draw_shadow(&self, view: &View, canvas: &mut Canvas<'_>) -> Rect {
        match &self.look {
            Look::Car { car, .. } => car.draw_shadow(&self.pose, view, canvas),
            Look::Person { .. } => Person::draw_shadow(&self.pose, view, canvas),
        }
    }

    /// The box around it in the picture, and past its edges.
    pub(super) fn bounds(&self, view: &View) -> Rect {
        bounding_box(&self.corners(view))
    }

    /// The box around the part of it that lies in the picture, if there is any.
    pub(super) fn visible_box(&self, view: &View) -> Option<Rect> {
        let outline = clip_polygon(convex_hull(self.corners(view)), view.width(), view.height());
        (!outline.is_empty()).then(|| bounding_box(&outline).clamp_to(view.width(), view.height()))
    }

    fn corners(&self, view: &View) -> Vec<Pixel> {
        let corners = match &self.look {
            Look::Car { car, .. } => car.corners(&self.pose),
            Look::Person { way, .. } => Person::corners(&self.pose, *way),
        };
        corners.into_iter().map(|corner| view.project(corner)).collect()
    }

    /// The four corners of a car on the ground.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> Option<[[f32; 2]; 4]> {
        let Look::Car { car, .. } = &self.look else { return None };
        let (nose, side) = car.half_size();
        let corners = [[nose, side], [-nose, side], [-nose, -side], [nose, -side]];
        Some(corners.map(|[x, y]| {
            let [x, y, _] = self.pose.world_point([x, y, 0.0]);
            [x, y]
        }))
    }
}

/// One direction of the aisle and the bays beside it.
struct Lane {
    number: u64,
    y: f32,
    /// 1: to the right, -1: to the left.
    direction: f32,
    /// Bays (0 is before the camera) for those who come in slots 0, 2 and 6, and leave in slots 5, 7 and 11.
    bays: [&'static [i8]; 3],
    /// Bays of cars that stay.
    taken: &'static [i8],
}

/// Traffic is on the right.
const LANES: [Lane; 2] = [
    Lane { number: 0, y: 12.6, direction: 1.0, bays: [&[-2], &[0], &[1]], taken: &[-3, -1, 2, 3] },
    Lane {
        number: 1,
        y: 15.8,
        direction: -1.0,
        bays: [&[-3, -2], &[0, 1], &[3]],
        taken: &[-5, -4, -1, 2, 4, 5],
    },
];
/// First and last slot of each kind of visit; two drive through.
const VISITS: [(i64, i64); 3] = [(0, 5), (2, 7), (6, 11)];
const THROUGH: [i64; 2] = [1, 4];

/// The timetable of one seed.
pub(super) struct Traffic {
    seed: u64,
}

impl Traffic {
    /// The timetable, and the cars that stand there always.
    pub(super) fn new(seed: u64) -> (Self, Vec<Actor>) {
        let mut random = Random::new(seed, 0x7061_726b);
        let mut parked = Vec::new();
        for lane in &LANES {
            for &bay in lane.taken {
                let car = Car::new(&mut random);
                let backwards = random.chance(0.3);
                let turn = random.range(-0.03, 0.03) + if backwards { PI } else { 0.0 };
                let pose = Pose {
                    x: bay_x(bay) + random.range(-0.12, 0.12),
                    y: lane.parked_y() + random.range(-0.25, 0.25),
                    heading: (lane.direction * -FRAC_PI_2 + turn).sin_cos(),
                };
                let look = Look::Car { car, braking: false };
                parked.push(Actor { id: parked.len() as u64 + 1, pose, moving: false, look });
            }
        }
        (Self { seed }, parked)
    }

    /// Everyone who comes and goes, and is there at time `t`.
    pub(super) fn actors_at(&self, t: Duration) -> Vec<Actor> {
        let t = t.min(LATEST).as_secs_f64();
        let mut actors = Vec::with_capacity(16);
        let round = (t / (SLOT_S * SLOTS as f64)).floor() as i64;
        for lane in &LANES {
            // A visit reaches into the next round.
            for round in [round - 1, round] {
                let visits = VISITS.into_iter().map(|(come, go)| (come, Some(go)));
                let through = THROUGH.into_iter().map(|come| (come, None));
                for (kind, (come, go)) in visits.chain(through).enumerate() {
                    actors.extend(self.car_at(t, lane, round, kind, come, go));
                }
            }
        }
        let walk = (t / WALK_S).floor() as i64;
        actors.extend([walk - 1, walk].into_iter().filter_map(|walk| self.person_at(t, walk)));
        actors
    }

    fn car_at(
        &self,
        t: f64,
        lane: &Lane,
        round: i64,
        kind: usize,
        come: i64,
        go: Option<i64>,
    ) -> Option<Actor> {
        // Rounds count from -1.
        let number = (round + 1) as u64;
        let id = 1000 + number * 16 + lane.number * 8 + kind as u64;
        let mut random = Random::new(self.seed, id);
        let car = Car::new(&mut random);
        let mut begin =
            |slot: i64| (round * SLOTS + slot) as f64 * SLOT_S + f64::from(random.range(0.0, 0.8));
        let (came, goes) = (begin(come), go.map(&mut begin));
        if t < came {
            return None;
        }
        let (route, done) = if let Some(goes) = goes {
            let bays = lane.bays[kind];
            let bay = bays[random.bits() as usize % bays.len()];
            let there = lane.parking_route(bay_x(bay));
            if t < goes { (there, t - came) } else { (lane.leaving_route(bay_x(bay)), t - goes) }
        } else {
            let stop = random.chance(0.5).then(|| random.range(-3.0, 3.0));
            (lane.through_route(stop), t - came)
        };
        let motion = route.motion_at(done as f32)?;
        let look = Look::Car { car, braking: motion.braking };
        Some(Actor { id, pose: lane.pose_at(&motion), moving: motion.speed.abs() > STANDING_M_S, look })
    }

    fn person_at(&self, t: f64, walk: i64) -> Option<Actor> {
        const OUTSIDE_M: f32 = 16.0;
        let number = (walk + 1) as u64;
        let mut random = Random::new(self.seed, 0x7761_6c6b_0000 + number);
        if random.chance(0.25) {
            return None;
        }
        let person = Person::new(&mut random);
        let direction = if random.chance(0.5) { 1.0 } else { -1.0 };
        let speed = random.range(1.2, 1.6);
        // Who goes to the right walks on the near side.
        let y = PAVEMENT_M[0] + if direction > 0.0 { 0.6 } else { 1.4 };
        let begin = walk as f64 * WALK_S + f64::from(random.range(0.0, 6.0));
        let stop = random.range(-6.0, 6.0);
        let pause = if random.chance(0.3) { random.range(2.0, 5.0) } else { 0.0 };
        let gone = (t - begin) as f32;
        if gone < 0.0 {
            return None;
        }
        let until_stop = (stop + OUTSIDE_M) / speed;
        let standing = gone >= until_stop && gone < until_stop + pause;
        let way = speed * (gone.min(until_stop) + (gone - until_stop - pause).max(0.0));
        if way > 2.0 * OUTSIDE_M {
            return None;
        }
        let x = (way - OUTSIDE_M) * direction;
        let pose = Pose { x, y, heading: (0.0, direction) };
        let look = Look::Person { person, way: if standing { 0.0 } else { way } };
        Some(Actor { id: 1 << 40 | number, pose, moving: !standing, look })
    }
}

fn bay_x(bay: i8) -> f32 {
    f32::from(bay) * BAY_M
}

impl Lane {
    /// Where cars stand in a bay of this lane.
    fn parked_y(&self) -> f32 {
        let [from, to] = if self.direction > 0.0 { NEAR_BAYS_M } else { FAR_BAYS_M };
        f32::midpoint(from, to)
    }

    /// Metres from where cars come in to `x`.
    fn way_to(&self, x: f32) -> f32 {
        EDGE_M + x * self.direction
    }

    /// From the beginning of the bend to where cars stand.
    fn way_into_bay(&self) -> f32 {
        (self.parked_y() - self.y).abs() - BEND_M + BEND_M * FRAC_PI_2
    }

    fn through_route(&self, stop: Option<f32>) -> Route {
        let mut route = Route::new(0.0, None);
        if let Some(stop) = stop {
            route.brake_at(self.way_to(stop));
            route.stand(2.0);
            route.pull_away();
        }
        route.cruise_to(2.0 * EDGE_M);
        route
    }

    fn parking_route(&self, bay_x: f32) -> Route {
        let bend = self.way_to(bay_x) - BEND_M;
        let mut route = Route::new(0.0, Some(bend));
        route.brake_at(bend);
        route.stand(0.8);
        route.creep_to(bend + self.way_into_bay());
        route.stand(f32::INFINITY);
        route
    }

    fn leaving_route(&self, bay_x: f32) -> Route {
        let bend = self.way_to(bay_x) - BEND_M;
        let mut route = Route::new(bend + self.way_into_bay(), Some(bend));
        route.creep_to(bend);
        route.stand(0.7);
        route.leave_bend();
        route.pull_away();
        route.cruise_to(2.0 * EDGE_M);
        route
    }

    fn pose_at(&self, motion: &Motion) -> Pose {
        // Along the lane, to its right, and the turn to the right; for the direction of the lane.
        let (along, aside, turn) = match motion.bend {
            Some(bend) if motion.way > bend => {
                let turn = (motion.way - bend) / BEND_M;
                if turn < FRAC_PI_2 {
                    let (sin, cos) = turn.sin_cos();
                    (bend + BEND_M * sin, BEND_M * (1.0 - cos), turn)
                } else {
                    let straight = motion.way - bend - BEND_M * FRAC_PI_2;
                    (bend + BEND_M, BEND_M + straight, FRAC_PI_2)
                }
            }
            _ => (motion.way, 0.0, 0.0),
        };
        let along_heading = if self.direction > 0.0 { 0.0 } else { PI };
        Pose {
            x: (along - EDGE_M) * self.direction,
            y: self.y - aside * self.direction,
            heading: (along_heading - turn).sin_cos(),
        }
    }
}

/// A drive: where a car is after some time, as metres of its way.
struct Route {
    legs: Vec<Leg>,
    start: f32,
    /// Where the way bends into a bay.
    bend: Option<f32>,
    end: f32,
}

/// A part of a drive.
struct Leg {
    seconds: f32,
    /// Length of this part in metres; negative where it drives backwards.
    way: f32,
    pace: Pace,
    bend: Option<f32>,
}

#[derive(Clone, Copy)]
enum Pace {
    Even,
    /// From cruising speed to a stand, evenly.
    Brake,
    /// From a stand to cruising speed, evenly.
    Pull,
    /// From a stand to a stand, softly.
    Creep,
}

/// Where on its way a car is.
struct Motion {
    way: f32,
    speed: f32,
    braking: bool,
    bend: Option<f32>,
}

impl Route {
    fn new(start: f32, bend: Option<f32>) -> Self {
        Self { legs: Vec::with_capacity(6), start, bend, end: start }
    }

    fn add_leg(&mut self, seconds: f32, way: f32, pace: Pace) {
        self.end += way;
        self.legs.push(Leg { seconds, way, pace, bend: self.bend });
    }

    fn cruise_to(&mut self, way: f32) {
        let distance = (way - self.end).max(0.0);
        self.add_leg(distance / SPEED_M_S, distance, Pace::Even);
    }

    fn brake_at(&mut self, way: f32) {
        let distance = SPEED_M_S * SPEED_M_S / (2.0 * BRAKES_M_S2);
        self.cruise_to(way - distance);
        self.add_leg(SPEED_M_S / BRAKES_M_S2, distance, Pace::Brake);
    }

    fn stand(&mut self, seconds: f32) {
        self.add_leg(seconds, 0.0, Pace::Even);
    }

    fn pull_away(&mut self) {
        self.add_leg(SPEED_M_S / PULLS_M_S2, SPEED_M_S * SPEED_M_S / (2.0 * PULLS_M_S2), Pace::Pull);
    }

    fn creep_to(&mut self, way: f32) {
        let distance = way - self.end;
        self.add_leg(distance.abs() / 1.3, distance, Pace::Creep);
    }

    /// The rest of the way follows the lane.
    fn leave_bend(&mut self) {
        self.bend = None;
    }

    /// After this many seconds; nowhere after its end.
    fn motion_at(&self, seconds: f32) -> Option<Motion> {
        let (mut way, mut left) = (self.start, seconds);
        for leg in &self.legs {
            if left >= leg.seconds {
                left -= leg.seconds;
                way += leg.way;
                continue;
            }
            let share = if leg.seconds.is_finite() { left / leg.seconds } else { 0.0 };
            let (done, pace) = match leg.pace {
                Pace::Even => (share, 1.0),
                Pace::Brake => (share * (2.0 - share), 2.0 * (1.0 - share)),
                Pace::Pull => (share * share, 2.0 * share),
                Pace::Creep => (share * share * (3.0 - 2.0 * share), 6.0 * share * (1.0 - share)),
            };
            let speed = if leg.seconds.is_finite() { leg.way / leg.seconds * pace } else { 0.0 };
            let braking = matches!(leg.pace, Pace::Brake) || matches!(leg.pace, Pace::Creep) && share > 0.6;
            let braking = braking || leg.way == 0.0 && leg.seconds.is_finite();
            return Some(Motion { way: way + leg.way * done, speed, braking, bend: leg.bend });
        }
        None
    }
}
