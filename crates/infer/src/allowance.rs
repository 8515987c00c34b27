//! How often one client may have a frame analysed: a number of times a second, and more at once after a pause.

use std::time::{Duration, Instant};

/// A client that has been silent for this long neither counts as load nor holds a place in the order.
pub const SILENT: Duration = Duration::from_millis(500);
/// Share of a second's frames that may come at once.
const BURST_S: f32 = 0.5;

/// What a client may send. Time is what the caller says.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    max_fps: f32,
    /// Frames that it may send now.
    left: f32,
    last: Option<Instant>,
}

impl Allowance {
    /// Of a client that has sent nothing yet.
    pub fn new(max_fps: f32) -> Self {
        Self { max_fps, left: burst_size(max_fps), last: None }
    }

    /// A frame has come: whether it is within the rate.
    pub fn accept_frame(&mut self, now: Instant) -> bool {
        if let Some(last) = self.last.replace(now) {
            let elapsed = now.saturating_duration_since(last).as_secs_f32();
            self.left = (self.left + elapsed * self.max_fps).min(burst_size(self.max_fps));
        }
        let takes = self.left >= 1.0;
        if takes {
            self.left -= 1.0;
        }
        takes
    }

    /// Whether a frame came, taken or not, a moment ago.
    pub fn is_active(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.saturating_duration_since(last) < SILENT)
    }

    /// When the last frame came, taken or not.
    pub fn last_frame(&self) -> Option<Instant> {
        self.last
    }
}

/// Frames that may come at once: one, however low the rate is.
fn burst_size(max_fps: f32) -> f32 {
    (max_fps * BURST_S).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of this many frames a second for ten seconds, those that are taken.
    fn taken(max_fps: f32, sent_fps: u32) -> usize {
        let (start, mut allowance) = (Instant::now(), Allowance::new(max_fps));
        let at = |frame: u32| start + Duration::from_secs(1) * frame / sent_fps;
        (0..10 * sent_fps).filter(|frame| allowance.accept_frame(at(*frame))).count()
    }

    #[test]
    fn whoever_sends_too_many_has_as_many_taken_as_are_allowed() {
        assert_eq!(taken(30.0, 25), 250, "all of them");
        assert!((314..=315).contains(&taken(30.0, 100)), "and half a second's at once");
    }

    #[test]
    fn a_low_rate_lets_frames_in_too() {
        for (max_fps, expected) in [(0.5, 5), (1.0, 10), (1.5, 15), (2.0, 20)] {
            let taken = taken(max_fps, 25);
            assert!((expected..=expected + 1).contains(&taken), "{taken} at {max_fps} a second");
        }
    }

    #[test]
    fn a_pause_saves_no_more_than_half_a_second() {
        let (start, mut allowance) = (Instant::now(), Allowance::new(30.0));
        assert!(allowance.accept_frame(start));
        let later = start + Duration::from_secs(60);
        assert_eq!((0..100).filter(|_| allowance.accept_frame(later)).count(), 15);
        assert_eq!(allowance.last_frame(), Some(later));
    }
}
