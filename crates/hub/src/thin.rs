//! Fewer pictures than there are, evenly.

use std::time::{Duration, Instant};

/// Pictures that come a little early are taken, or a rate near the camera's own would drop every other one.
const EARLY: Duration = Duration::from_millis(8);

/// Chooses at most this many pictures a second. Pure state; time is given.
#[derive(Debug, Default)]
pub struct Thin {
    /// When the picture that was taken last was due. The next one is due an interval later, whatever the interval is then.
    turn: Option<Instant>,
}

impl Thin {
    /// Whether a picture is taken that was captured then, where pictures are to be this far apart.
    pub fn takes(&mut self, captured: Instant, interval: Duration) -> bool {
        self.takes_early(captured, interval, EARLY)
    }

    /// As [`Self::takes`], for pictures that are chosen among those which are about `2 * early` apart.
    pub fn takes_early(&mut self, captured: Instant, interval: Duration, early: Duration) -> bool {
        let due = self.turn.map(|turn| turn + interval);
        if due.is_some_and(|due| captured + early < due) {
            return false;
        }
        // Behind by more than one turn, turns are lost instead of being made up for.
        let earliest = captured.checked_sub(interval).unwrap_or(captured);
        self.turn = Some(due.map_or(captured, |due| due.max(earliest)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// How many of two seconds' pictures are taken, after a first second.
    fn taken(camera_fps: u32, interval: Duration) -> usize {
        let (start, mut thin) = (Instant::now(), Thin::default());
        let pictures = (0..3 * camera_fps).map(|i| start + Duration::from_secs(1) * i / camera_fps);
        let later = |at: &Instant| *at >= start + MS(1000);
        pictures.filter(|at| thin.takes(*at, interval)).filter(later).count()
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
    fn whoever_comes_and_wants_more_does_not_wait_for_the_turn_of_who_wants_less() {
        let (start, mut thin) = (Instant::now(), Thin::default());
        assert!(thin.takes(start, MS(10_000)));
        assert!(!thin.takes(start + MS(50), MS(10_000)));
        assert!(thin.takes(start + MS(100), MS(100)), "ten seconds were not decided then");
        assert!(!thin.takes(start + MS(150), MS(100)));
        assert!(!thin.takes(start + MS(1000), MS(10_000)), "and back");
    }

    #[test]
    fn looks_are_chosen_among_pictures_though_these_come_unevenly() {
        let (start, mut thin) = (Instant::now(), Thin::default());
        // At 10 a second, up to 30 ms late; every second one is wanted.
        let jitter = [0, 25, 0, 30, 10, 0, 28, 5, 30, 0];
        let captured = (0..100_u64).map(|i| start + MS(100 * i + jitter[(i % 10) as usize]));
        let taken: Vec<bool> = captured.map(|at| thin.takes_early(at, MS(200), MS(50))).collect();
        assert!(taken.chunks(2).all(|pair| pair[0] != pair[1]), "{taken:?}");
    }
}
