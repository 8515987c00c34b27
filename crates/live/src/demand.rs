//! How often a stream's pictures are analysed: what each of those who share the analysis wants, and what serves them all.
//!
//! There is one analysis of a stream. It goes as fast as the fastest who is there wants it, and those who want less take
//! fewer of its pictures: so moving a slider starts nothing, and many settings cost what the greatest of them does.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// The most that `skip_frames` may be.
pub const MAX_SKIP: u8 = 10;

/// What somebody wants of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Pictures a second at most, 1–30.
    pub fps: u8,
    /// One of this many pictures is looked at, 1–10; on the others objects are where they are thought to be.
    pub skip_frames: u8,
}

impl Rate {
    /// From one picture to the next, at least.
    pub fn interval(self) -> Duration {
        Duration::from_secs(1) / u32::from(self.fps.max(1))
    }

    /// From one look to the next, at least.
    pub fn between_looks(self) -> Duration {
        self.interval() * u32::from(self.skip_frames.max(1))
    }
}

/// What somebody wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Which objects are there: somebody has asked.
    Objects,
    /// That, and where bodies are.
    ObjectsAndBodies,
    /// Where bodies are: an overlay that nobody has asked for, which gives way to those that somebody has.
    Bodies,
}

impl Wish {
    /// Whether objects are wanted.
    pub fn wants_objects(self) -> bool {
        self != Self::Bodies
    }

    /// Whether bodies are wanted.
    pub fn wants_bodies(self) -> bool {
        self != Self::Objects
    }
}

/// What serves all who are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// As often as the fastest wants pictures.
    pub fps: u8,
    /// From one look to the next, as often as the most curious wants.
    pub between_looks: Duration,
    /// Nobody wants looks closer together than one of this many pictures, however few a camera gives.
    pub least_skip: u8,
}

impl Pace {
    fn from_rates(rates: impl Iterator<Item = Rate> + Clone) -> Option<Self> {
        Some(Self {
            fps: rates.clone().map(|rate| rate.fps).max()?,
            between_looks: rates.clone().map(Rate::between_looks).min()?,
            least_skip: rates.map(|rate| rate.skip_frames).min()?,
        })
    }

    /// From one picture to the next, at least.
    pub fn interval(self) -> Duration {
        Duration::from_secs(1) / u32::from(self.fps.max(1))
    }

    /// One of this many pictures is looked at while the camera gives as many as are wanted.
    pub fn skip_frames(self) -> u64 {
        (self.between_looks.as_secs_f64() / self.interval().as_secs_f64()).round().max(1.0) as u64
    }
}

/// What those who share an analysis want now.
#[derive(Debug)]
pub struct Demand {
    /// Comes before the lock of [`Analysing`]: what somebody wants and its share of all looks change together.
    now: Mutex<Now>,
    analysing: Arc<Analysing>,
}

#[derive(Debug)]
struct Now {
    wishes: Vec<Wanted>,
    /// That of the last ones while nobody is there.
    pace: Pace,
    /// Set while anybody wants anything.
    running: Option<Running>,
}

/// What one of them wants, and from where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How often pictures are to be looked at.
    pub rate: Rate,
    /// What it wants to know of them.
    pub wish: Wish,
    /// The address that it counts for; `None` for the server's own.
    pub from: Option<IpAddr>,
}

impl Demand {
    /// Of one who is about to come.
    pub fn new(rate: Rate, analysing: Arc<Analysing>) -> Self {
        let (fps, least_skip) = (rate.fps, rate.skip_frames);
        let pace = Pace { fps, between_looks: rate.between_looks(), least_skip };
        Self { now: Mutex::new(Now { wishes: Vec::new(), pace, running: None }), analysing }
    }

    /// What serves them all.
    pub fn pace(&self) -> Pace {
        self.now.lock().pace
    }

    /// Whether anybody is there.
    pub fn is_any(&self) -> bool {
        !self.now.lock().wishes.is_empty()
    }

    /// Whether anybody is there who wants objects.
    pub fn wants_objects(&self) -> bool {
        self.now.lock().wishes.iter().any(|wanted| wanted.wish.wants_objects())
    }

    /// Whether anybody is there who wants bodies.
    pub fn wants_bodies(&self) -> bool {
        self.now.lock().wishes.iter().any(|wanted| wanted.wish.wants_bodies())
    }

    /// Whether all who are there, and there are some, are told of bodies without having asked.
    pub fn is_only_overlay(&self) -> bool {
        self.is_any() && !self.wants_objects()
    }

    /// Whether anybody is there who is told of bodies without having asked.
    pub fn is_overlay(&self) -> bool {
        self.now.lock().wishes.iter().any(|wanted| wanted.wish == Wish::Bodies)
    }

    /// From one look to the next, at least: what all analyses may cost together leaves no more for this one.
    pub fn between_looks(&self) -> Duration {
        self.analysing.between_looks(self.wants_objects())
    }

    /// From one look for a body to the next, as often as the most curious wants, and as what others leave allows; `None` where
    /// nobody wants any.
    pub fn between_bodies(&self) -> Option<Duration> {
        let now = self.now.lock();
        let rates = now.wishes.iter().filter(|wanted| wanted.wish.wants_bodies()).map(|wanted| wanted.rate);
        let wanted = rates.map(Rate::between_looks).min()?;
        drop(now);
        Some(wanted.max(self.analysing.between_looks(false)))
    }

    /// Whether all clients that are there, and there are some, come from that address.
    pub fn is_only_from(&self, from: IpAddr) -> bool {
        only_of(self.now.lock().wishes.iter().map(|wanted| wanted.from), from)
    }

    pub(crate) fn change_wishes(&self, change: impl FnOnce(&mut Vec<Wanted>)) {
        let mut now = self.now.lock();
        change(&mut now.wishes);
        now.running = None;
        let all = now.wishes.iter().map(|wanted| wanted.rate);
        let of_objects = now.wishes.iter().filter(|wanted| wanted.wish.wants_objects());
        // Who is told of bodies without having asked has nobody looked for objects.
        let asked = Pace::from_rates(of_objects.map(|wanted| wanted.rate));
        if let Some(pace) = Pace::from_rates(all) {
            let fps = pace.fps;
            now.pace = asked.map_or(pace, |asked| Pace { fps, ..asked });
            now.running = Some(self.analysing.add_running(asked.map(|asked| asked.between_looks)));
        }
    }
}

/// Whether all that are known are that one, and there is one.
pub fn only_of(all: impl Iterator<Item = Option<IpAddr>>, from: IpAddr) -> bool {
    let mut known = all.flatten().peekable();
    known.peek().is_some() && known.all(|address| address == from)
}

/// What analyses may cost together: a number of looks a second, and to each that somebody has asked for an equal share of them. What
/// those leave is shared by overlays that nobody has asked for.
#[derive(Debug)]
pub struct Analysing {
    /// No other lock is taken under it.
    running: Mutex<Count>,
    max_per_s: f64,
}

#[derive(Debug, Default)]
struct Count {
    asked: usize,
    /// Looks a second that they want together.
    wanted_per_s: f64,
    overlays: usize,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub struct Running {
    all: Arc<Analysing>,
    /// Looks a second that are wanted of it, if somebody has asked for it.
    asked: Option<f64>,
}

/// Of all looks this is left for overlays, however many are asked for: what is drawn does not stand still for ever.
const FOR_OVERLAYS: f64 = 0.05;

impl Analysing {
    /// None yet; at most this many looks a second.
    pub fn new(max_per_s: f64) -> Arc<Self> {
        Arc::new(Self { running: Mutex::default(), max_per_s })
    }

    /// One more, of which somebody who has asked for it wants a look that often.
    fn add_running(self: &Arc<Self>, asked: Option<Duration>) -> Running {
        let asked = asked.map(|between| 1.0 / between.as_secs_f64().max(1e-3));
        let mut running = self.running.lock();
        match asked {
            Some(wanted) => {
                running.asked += 1;
                running.wanted_per_s += wanted;
            }
            None => running.overlays += 1,
        }
        drop(running);
        Running { all: self.clone(), asked }
    }

    /// From one look of an analysis to the next, at least; of one that somebody has asked for, or of an overlay.
    fn between_looks(&self, asked: bool) -> Duration {
        let Count { asked: many, wanted_per_s, overlays } = *self.running.lock();
        let left = (self.max_per_s - wanted_per_s).max(FOR_OVERLAYS * self.max_per_s);
        let (sharing, per_s) = if asked { (many, self.max_per_s) } else { (overlays, left) };
        Duration::try_from_secs_f64(sharing.max(1) as f64 / per_s).unwrap_or(Duration::MAX)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.all.running.lock();
        match self.asked {
            Some(wanted) => {
                running.asked -= 1;
                // What rounding leaves of it would pile up.
                running.wanted_per_s = if running.asked == 0 { 0.0 } else { running.wanted_per_s - wanted };
            }
            None => running.overlays -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn wanted(fps: u8, skip_frames: u8) -> Wanted {
        Wanted { rate: Rate { fps, skip_frames }, wish: Wish::Objects, from: None }
    }

    #[test]
    fn the_fastest_and_the_most_curious_decide_and_when_they_leave_others_do() {
        let analysing = Analysing::new(240.0);
        let demand = Demand::new(wanted(10, 2).rate, analysing.clone());
        let pace = || (demand.pace().fps, demand.pace().skip_frames(), demand.pace().least_skip);
        assert_eq!(pace(), (10, 2, 2), "of the one that is about to come");
        demand.change_wishes(|all| all.push(wanted(10, 2)));
        demand.change_wishes(|all| all.push(wanted(30, 10)));
        assert_eq!(pace(), (30, 6, 2), "30 pictures a second and 5 looks");
        demand.change_wishes(|all| all.push(wanted(1, 1)));
        assert_eq!(pace(), (30, 6, 1));
        demand.change_wishes(|all| all.retain(|wanted| wanted.rate.fps != 30));
        assert_eq!(pace(), (10, 2, 1));
        assert_eq!(analysing.running.lock().asked, 1);
        demand.change_wishes(Vec::clear);
        assert_eq!(pace(), (10, 2, 1), "as it was until somebody comes back");
        assert_eq!(analysing.running.lock().asked, 0, "it costs nothing meanwhile");
    }

    #[test]
    fn an_analysis_is_one_addresss_while_nobody_else_is_there() {
        let demand = Demand::new(wanted(10, 2).rate, Analysing::new(240.0));
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse::<IpAddr>().unwrap());
        let of = |from| Wanted { from, ..wanted(10, 2) };
        assert!(!demand.is_only_from(a) && !demand.is_any());
        demand.change_wishes(|all| all.push(of(None)));
        assert!(!demand.is_only_from(a) && demand.is_any(), "the server's own");
        demand.change_wishes(|all| all.push(of(Some(a))));
        assert!(demand.is_only_from(a) && !demand.is_only_from(b));
        demand.change_wishes(|all| all.push(of(Some(b))));
        assert!(!demand.is_only_from(a) && !demand.is_only_from(b));
        demand.change_wishes(|all| all.retain(|wanted| wanted.from != Some(a)));
        assert!(demand.is_only_from(b), "who had it begun has left");
    }

    #[test]
    fn each_analysis_has_an_equal_share_of_what_all_may_cost() {
        let analysing = Analysing::new(20.0);
        let first = analysing.add_running(Some(MS(200)));
        assert_eq!(analysing.between_looks(true), MS(50));
        let second = analysing.add_running(Some(MS(200)));
        assert_eq!(analysing.between_looks(true), MS(100));
        drop((first, second));
        assert_eq!(analysing.between_looks(true), MS(50));
    }

    #[test]
    fn overlays_that_nobody_asked_for_have_what_is_left() {
        let analysing = Analysing::new(20.0);
        let demand = Demand::new(wanted(5, 1).rate, analysing.clone());
        let overlay = Wanted { wish: Wish::Bodies, ..wanted(5, 1) };
        demand.change_wishes(|all| all.push(overlay));
        assert!(demand.wants_bodies() && !demand.wants_objects());
        assert_eq!(demand.between_looks(), MS(50));
        let asked = analysing.add_running(Some(MS(100)));
        assert_eq!((demand.between_looks(), analysing.between_looks(true)), (MS(100), MS(50)));
        let others: Vec<_> = (0..9).map(|_| analysing.add_running(Some(MS(100)))).collect();
        assert_eq!(demand.between_looks(), MS(1000), "a twentieth, however much others want");
        assert_eq!(analysing.between_looks(true), MS(500), "who asks has all, as if there were no overlays");
        drop((asked, others));
        assert_eq!(demand.between_looks(), MS(50));
        // Somebody asks for what is in it.
        demand.change_wishes(|all| all.push(wanted(10, 1)));
        assert!(demand.wants_bodies() && demand.wants_objects());
        assert_eq!(demand.pace().between_looks, MS(100), "of the detector, by who asks");
        assert_eq!(demand.between_bodies(), Some(MS(200)), "as often as the overlay wants it");
        let count = || {
            let running = analysing.running.lock();
            (running.asked, running.overlays)
        };
        assert_eq!(count(), (1, 0));
        demand.change_wishes(|all| all.retain(|wanted| *wanted == overlay));
        assert_eq!(count(), (0, 1));
        demand.change_wishes(|all| {
            all[0].rate.fps = 15;
            all.push(wanted(1, 1));
        });
        let pace = demand.pace();
        assert_eq!((pace.fps, pace.between_looks), (15, MS(1000)), "one look a second is what was asked for");
        assert!(demand.is_overlay() && demand.between_bodies() < Some(MS(70)));
    }
}
