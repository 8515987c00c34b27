//! Which motions are meant, as far as a model of motion can tell: those that follow on rest, and last.
//!
//! The model knows motion and no hands, so people who talk or walk by make labels, up to 98 a minute. A motion counts only
//! if nothing moved for a while before, and if several predictions in a row say the same. Pure state.

use std::time::{Duration, Instant};

/// Nothing moved for this long: the next motion counts.
const REST: Duration = Duration::from_millis(600);
/// It counts for this long.
const ARMED: Duration = Duration::from_secs(3);
/// Predictions say the same for this long before it is said.
const HOLD: Duration = Duration::from_millis(200);
/// A motion is said for this long, though it may be over.
const SAID: Duration = Duration::from_secs(1);
/// Rest is sure from this probability.
const SURE: f32 = 0.8;

/// What one client's predictions come to.
#[derive(Clone, Copy, Debug)]
pub struct Meant {
    /// Index of the label of rest.
    rest: usize,
    /// Below this probability nothing is predicted.
    threshold: f32,
    resting: Option<Instant>,
    armed_until: Option<Instant>,
    /// The motion that goes on, and since when.
    motion: Option<(usize, Instant)>,
    /// The motion that is said, and until when.
    said: Option<(usize, Instant)>,
}

impl Meant {
    /// With a model whose label of rest has this index, and this threshold.
    pub fn new(rest: usize, threshold: f32) -> Self {
        Self { rest, threshold, resting: None, armed_until: None, motion: None, said: None }
    }

    /// Whether what was predicted is to be said.
    pub fn see_prediction(&mut self, now: Instant, label: usize, score: f32) -> bool {
        self.said = self.said.filter(|(_, until)| now < *until);
        self.armed_until = self.armed_until.filter(|until| now < *until);
        if label == self.rest {
            self.motion = None;
            if score >= SURE {
                let since = *self.resting.get_or_insert(now);
                if now.saturating_duration_since(since) >= REST && self.said.is_none() {
                    self.armed_until = Some(now + ARMED);
                }
            }
            return self.said.is_none();
        }
        self.resting = None;
        if score < self.threshold {
            self.motion = None;
            return false;
        }
        let (motion, since) = *self.motion.get_or_insert((label, now));
        if motion != label {
            self.motion = Some((label, now));
            return self.said.is_some_and(|(said, _)| said == label);
        }
        if self.armed_until.is_some() && now.saturating_duration_since(since) >= HOLD {
            self.armed_until = None;
            self.said = Some((label, now + SAID));
        }
        self.said.is_some_and(|(said, _)| said == label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: usize = 0;
    const LEFT: usize = 1;
    const PUSH: usize = 2;

    /// What is said of predictions at 25 a second: how many of each label.
    fn said(predictions: &[(usize, u32)]) -> [u32; 3] {
        let (mut meant, mut now, mut said) = (Meant::new(STILL, 0.5), Instant::now(), [0; 3]);
        for (label, count) in predictions {
            for _ in 0..*count {
                said[*label] += u32::from(meant.see_prediction(now, *label, 0.9));
                now += Duration::from_millis(40);
            }
        }
        said
    }

    #[test]
    fn a_motion_after_rest_is_said_and_its_way_back_is_not() {
        let [_, left, push] = said(&[(STILL, 25), (LEFT, 10), (PUSH, 10)]);
        assert!(left >= 4, "{left}");
        assert_eq!(push, 0);
    }

    #[test]
    fn who_never_rests_says_nothing() {
        let talk = [(PUSH, 8), (STILL, 5), (LEFT, 12), (STILL, 9), (PUSH, 30)].repeat(20);
        let [_, left, push] = said(&talk);
        assert_eq!((left, push), (0, 0));
    }

    #[test]
    fn a_twitch_after_rest_is_no_motion() {
        let [_, left, push] = said(&[(STILL, 25), (LEFT, 4), (STILL, 3), (PUSH, 3), (STILL, 25)]);
        assert_eq!((left, push), (0, 0));
    }
}
