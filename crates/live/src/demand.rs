//! How often a stream's pictures are analysed: what each of those who share the analysis wants, and what serves them all.
//!
//! There is one analysis of a stream. It goes as fast as the fastest who is there wants it, and whoever wants less takes
//! fewer of its pictures: so moving a slider starts nothing, and what one asks for costs only by how much it is more than
//! what the others ask for.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_hub::on_demand::Lease;
use tokio::sync::watch;

use crate::analysis::{Analysed, Analysis};
use crate::origin::Origin;

/// Pictures that come a little early are taken, or a rate near the camera's own would drop every other one.
const EARLY: Duration = Duration::from_millis(8);
/// The most that `skip_frames` may be.
pub const MAX_SKIP: u8 = 10;

/// What somebody wants of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Pictures a second at most, 1–30.
    pub fps: u8,
    /// Every so-many-th picture is looked at, 1–10; on the others objects are where they are thought to be.
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

/// What serves all who are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// As often as the fastest wants pictures.
    pub fps: u8,
    /// From one look to the next, as often as the most curious wants.
    pub between_looks: Duration,
    /// Nobody wants looks closer together than every so-many-th picture, however few a camera gives.
    pub least_skip: u8,
}

impl Pace {
    fn of(rates: &[Rate]) -> Option<Self> {
        Some(Self {
            fps: rates.iter().map(|rate| rate.fps).max()?,
            between_looks: rates.iter().map(|rate| rate.between_looks()).min()?,
            least_skip: rates.iter().map(|rate| rate.skip_frames).min()?,
        })
    }

    /// From one picture to the next, at least.
    pub fn interval(self) -> Duration {
        Duration::from_secs(1) / u32::from(self.fps.max(1))
    }

    /// Every so-many-th picture is looked at while the camera gives as many as are wanted.
    pub fn skip_frames(self) -> u64 {
        (self.between_looks.as_secs_f64() / self.interval().as_secs_f64()).round().max(1.0) as u64
    }
}

/// What those who share an analysis want now.
#[derive(Debug)]
pub struct Demand {
    rates: Mutex<Vec<Rate>>,
    /// That of the last ones while nobody is there.
    pace: Mutex<Pace>,
}

impl Demand {
    /// Of one who is about to come.
    pub fn new(rate: Rate) -> Self {
        let (fps, least_skip) = (rate.fps, rate.skip_frames);
        let pace = Pace { fps, between_looks: rate.between_looks(), least_skip };
        Self { rates: Mutex::default(), pace: Mutex::new(pace) }
    }

    /// What serves them all.
    pub fn pace(&self) -> Pace {
        *self.pace.lock()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Rate>)) {
        let mut rates = self.rates.lock();
        change(&mut rates);
        if let Some(pace) = Pace::of(&rates) {
            *self.pace.lock() = pace;
        }
    }
}

/// An analysis that somebody needs, at a rate of their own.
#[derive(Debug)]
pub struct AnalysisLease {
    lease: Lease<Origin, Analysis>,
    rate: Rate,
}

impl AnalysisLease {
    /// From now on the analysis is as fast as this one wants it, too.
    pub fn new(lease: Lease<Origin, Analysis>, rate: Rate) -> Self {
        lease.demand.change(|rates| rates.push(rate));
        Self { lease, rate }
    }

    /// The analysis itself, without keeping it running.
    pub fn value(&self) -> &Arc<Analysis> {
        self.lease.value()
    }

    /// What is found from now on, as often as it is wanted.
    pub fn looks(self) -> Looks {
        Looks { newest: self.subscribe(), thin: Thin::default(), look: 0, lease: self }
    }
}

impl Deref for AnalysisLease {
    type Target = Analysis;

    fn deref(&self) -> &Analysis {
        &self.lease
    }
}

impl Drop for AnalysisLease {
    fn drop(&mut self) {
        self.lease.demand.change(|rates| {
            if let Some(index) = rates.iter().position(|rate| *rate == self.rate) {
                rates.swap_remove(index);
            }
        });
    }
}

/// Chooses at most so many pictures a second, evenly. Pure state; time is given.
#[derive(Debug, Default)]
pub struct Thin {
    due: Option<Instant>,
}

impl Thin {
    /// Whether a picture is taken that was captured then, where pictures are to be so far apart.
    pub fn takes(&mut self, captured: Instant, interval: Duration) -> bool {
        self.takes_early(captured, interval, EARLY)
    }

    /// As [`Self::takes`], for pictures that are chosen among those which are about `2 * early` apart.
    pub fn takes_early(&mut self, captured: Instant, interval: Duration, early: Duration) -> bool {
        if self.due.is_some_and(|due| captured + early < due) {
            return false;
        }
        // Behind by more than one turn, turns are lost instead of being made up for.
        let due =
            self.due.map_or(captured, |due| due.max(captured.checked_sub(interval).unwrap_or(captured)));
        self.due = Some(due + interval);
        true
    }
}

/// What analyses may cost together: so many looks a second, and to each an equal share of them.
#[derive(Debug)]
pub struct Analysing {
    running: AtomicUsize,
    max_per_s: f64,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub struct Running(Arc<Analysing>);

impl Analysing {
    /// None yet; at most so many looks a second.
    pub fn new(max_per_s: f64) -> Arc<Self> {
        Arc::new(Self { running: AtomicUsize::new(0), max_per_s })
    }

    /// One more.
    pub fn enter(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    /// From one look of an analysis to the next, at least.
    pub fn between_looks(&self) -> Duration {
        let running = self.running.load(Ordering::Relaxed).max(1) as f64;
        Duration::try_from_secs_f64(running / self.max_per_s).unwrap_or(Duration::MAX)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Pictures that the model looked at, as often as one of those who share the analysis wants them.
#[derive(Debug)]
pub struct Looks {
    lease: AnalysisLease,
    newest: watch::Receiver<Option<Arc<Analysed>>>,
    thin: Thin,
    /// Number of the last look that was taken.
    look: u64,
}

impl Looks {
    /// The stream's analysis.
    pub fn analysis(&self) -> &Analysis {
        &self.lease
    }

    /// Waits until there may be something to take; `Err` when the analysis is over. Cancel-safe.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.newest.changed().await?;
        self.newest.mark_changed();
        Ok(())
    }

    /// What was found and not taken yet, and how many looks were missed before it.
    pub fn take(&mut self) -> Option<(Arc<Analysed>, u64)> {
        if !self.newest.has_changed().is_ok_and(|changed| changed) {
            return None;
        }
        let analysed = self.newest.borrow_and_update().clone().filter(|analysed| analysed.looked)?;
        let (own, all) = (self.lease.rate.between_looks(), self.lease.demand.pace().between_looks);
        if own > all && !self.thin.takes_early(analysed.stamp.captured, own, all / 2) {
            return None;
        }
        // Of every so-many looks of the analysis one is wanted here.
        let wanted = (own.as_secs_f64() / all.as_secs_f64()).round().max(1.0) as u64;
        let before = std::mem::replace(&mut self.look, analysed.look);
        let missed = match before {
            0 => 0,
            before => (analysed.look.saturating_sub(before) / wanted).saturating_sub(1),
        };
        Some((analysed, missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn rate(fps: u8, skip_frames: u8) -> Rate {
        Rate { fps, skip_frames }
    }

    #[test]
    fn the_fastest_and_the_most_curious_decide_and_when_they_leave_others_do() {
        let demand = Demand::new(rate(10, 2));
        let pace = || (demand.pace().fps, demand.pace().skip_frames(), demand.pace().least_skip);
        assert_eq!(pace(), (10, 2, 2), "of the one that is about to come");
        demand.change(|rates| rates.push(rate(10, 2)));
        demand.change(|rates| rates.push(rate(30, 10)));
        assert_eq!(pace(), (30, 6, 2), "30 pictures a second and 5 looks");
        demand.change(|rates| rates.push(rate(1, 1)));
        assert_eq!(pace(), (30, 6, 1));
        demand.change(|rates| rates.retain(|rate| rate.fps != 30));
        assert_eq!(pace(), (10, 2, 1));
        demand.change(Vec::clear);
        assert_eq!(pace(), (10, 2, 1), "as it was until somebody comes back");
    }

    /// How many of a second's pictures are taken, after a first second.
    fn taken(camera_fps: u32, interval: Duration) -> usize {
        let (start, mut thin) = (Instant::now(), Thin::default());
        let pictures = (0..3 * camera_fps).map(|i| start + Duration::from_secs(1) * i / camera_fps);
        let of_second = |at: &Instant| *at >= start + MS(1000);
        pictures.filter(|at| thin.takes(*at, interval)).filter(of_second).count()
    }

    #[test]
    fn pictures_are_thinned_evenly_to_the_rate_that_is_wanted() {
        assert_eq!(taken(30, MS(1000)), 2);
        assert_eq!(taken(30, MS(100)), 20);
        assert_eq!(taken(25, MS(125)), 16);
        assert_eq!(taken(10, MS(33)), 20, "no more than there are");
        assert_eq!(taken(10, MS(100)), 20);
    }

    #[test]
    fn turns_that_were_lost_are_not_made_up_for() {
        let (start, mut thin) = (Instant::now(), Thin::default());
        assert!(thin.takes(start, MS(100)));
        assert!(thin.takes(start + MS(1000), MS(100)), "after a pause");
        let soon = [1010, 1020, 1030, 1040, 1050].map(|at| thin.takes(start + MS(at), MS(100)));
        assert!(soon.iter().filter(|taken| **taken).count() <= 1, "{soon:?}");
    }

    #[test]
    fn each_analysis_has_an_equal_share_of_what_all_may_cost() {
        let analysing = Analysing::new(20.0);
        let first = analysing.enter();
        assert_eq!(analysing.between_looks(), MS(50));
        let second = analysing.enter();
        assert_eq!(analysing.between_looks(), MS(100));
        drop((first, second));
        assert_eq!(analysing.between_looks(), MS(50));
    }

    #[test]
    fn looks_are_chosen_among_pictures_though_these_come_unevenly() {
        let (start, mut thin) = (Instant::now(), Thin::default());
        // At 10 a second, up to 30 ms early or late; every second one is wanted.
        let jitter = [0, 25, 0, 30, 10, 0, 28, 5, 30, 0];
        let captured = (0..100_u64).map(|i| start + MS(100 * i + jitter[(i % 10) as usize]));
        let taken: Vec<bool> = captured.map(|at| thin.takes_early(at, MS(200), MS(50))).collect();
        assert!(taken.chunks(2).all(|pair| pair[0] != pair[1]), "{taken:?}");
    }
}
