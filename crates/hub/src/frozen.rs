//! Tells when pictures still come but something is wrong: always the same one, or far fewer than usual.
//!
//! Pure state: the time of each picture is given. A board that hangs with its last picture in memory looks alive to
//! everything else.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// A source whose pictures are all the same, bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    /// When that picture came first.
    pub since: Instant,
    /// How often it has come.
    pub times: u64,
}

/// Watches for a picture that repeats.
///
/// Noise of the sensor makes every picture of a real camera another, even of a scene in which nothing moves. A test
/// pattern may repeat for good, so the watch can be turned off. Pictures are compared, not hashed: nearly always they
/// differ in length or in their first kilobyte.
#[derive(Debug, Clone)]
pub struct RepeatWatch {
    after: Option<Duration>,
    last: Option<(Bytes, Frozen)>,
}

impl RepeatWatch {
    /// How often a picture has to come, however slow the source is.
    const LEAST_TIMES: u64 = 3;

    /// A watch that calls a source frozen when the same picture comes again `after` that time; `None`: never.
    pub fn new(after: Option<Duration>) -> Self {
        Self { after, last: None }
    }

    /// A picture has come. Whether the source is frozen.
    pub fn check_picture(&mut self, jpeg: &Bytes, now: Instant) -> Option<Frozen> {
        let after = self.after?;
        match &mut self.last {
            Some((last, frozen)) if last == jpeg => {
                frozen.times += 1;
                let is_frozen = now.saturating_duration_since(frozen.since) >= after;
                (is_frozen && frozen.times >= Self::LEAST_TIMES).then_some(*frozen)
            }
            last => {
                *last = Some((jpeg.clone(), Frozen { since: now, times: 1 }));
                None
            }
        }
    }

    /// The connection is another: what comes is compared with nothing before.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

/// A source that gives far fewer pictures than usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slow {
    /// Pictures per second now.
    pub rate: f64,
    /// Pictures per second as usual.
    pub usual: f64,
}

/// When a source is slow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateOptions {
    /// Below this share of the usual rate.
    pub share: f64,
    /// Whole seconds for which the rate has to be this low.
    pub seconds: u32,
}

/// A quarter, 5 s.
impl Default for RateOptions {
    fn default() -> Self {
        Self { share: 0.25, seconds: 5 }
    }
}

/// Watches the rate of pictures.
///
/// The usual rate is the mean of the first seconds, and then follows the rate with a time constant of 30 s; of 10 minutes
/// while the source is slow, so that a camera which was set to another rate is not called slow for ever. A source that
/// usually gives less than about a picture a second is never called slow.
#[derive(Debug, Clone)]
pub struct RateWatch {
    options: RateOptions,
    /// When the second that is being counted began.
    second: Option<Instant>,
    count: u32,
    /// Counts of the last whole seconds, newest last; no more than `options.seconds`.
    recent: Vec<u32>,
    usual: Option<f64>,
    /// Seconds of which the usual rate is made, up to `WARM_UP`.
    seen: u32,
}

impl RateWatch {
    const WARM_UP: u32 = 10;
    /// Pictures that the seconds looked at usually bring. Of fewer, chance decides how many come.
    const LEAST_PICTURES: f64 = 4.0;
    const FOLLOW_SECONDS: f64 = 30.0;
    const FOLLOW_SECONDS_SLOW: f64 = 600.0;

    /// A watch that knows no usual rate yet.
    pub fn new(options: RateOptions) -> Self {
        let options = RateOptions { seconds: options.seconds.clamp(1, 3600), ..options };
        Self { options, second: None, count: 0, recent: Vec::new(), usual: None, seen: 0 }
    }

    /// A picture has come.
    pub fn record_picture(&mut self, now: Instant) {
        self.pass_time(now);
        self.second.get_or_insert(now);
        self.count = self.count.saturating_add(1);
    }

    /// Whether the source is slow. To be asked now and then, also while no picture comes.
    pub fn check_slow(&mut self, now: Instant) -> Option<Slow> {
        self.pass_time(now);
        self.slow_state()
    }

    /// The connection is another: the time without one does not count. The usual rate stays.
    pub fn reset(&mut self) {
        (self.second, self.count) = (None, 0);
        self.recent.clear();
    }

    fn slow_state(&self) -> Option<Slow> {
        let usual = self.usual.filter(|_| self.seen >= Self::WARM_UP)?;
        let seconds = self.options.seconds;
        if self.recent.len() < seconds as usize || usual * f64::from(seconds) < Self::LEAST_PICTURES {
            return None;
        }
        let rate = f64::from(self.recent.iter().sum::<u32>()) / self.recent.len() as f64;
        (rate < self.options.share * usual).then_some(Slow { rate, usual })
    }

    /// Ends the seconds that are over.
    fn pass_time(&mut self, now: Instant) {
        let Some(begin) = self.second else { return };
        let over = now.saturating_duration_since(begin).as_secs();
        // After a long silence the last seconds tell everything.
        let skipped = over.saturating_sub(2 * u64::from(self.options.seconds));
        for _ in skipped..over {
            let count = std::mem::take(&mut self.count);
            self.end_second(count);
        }
        self.second = Some(begin + Duration::from_secs(over));
    }

    fn end_second(&mut self, count: u32) {
        if self.recent.len() >= self.options.seconds as usize {
            self.recent.remove(0);
        }
        self.recent.push(count);
        let is_slow = self.slow_state().is_some();
        let share = if self.seen < Self::WARM_UP {
            self.seen += 1;
            1.0 / f64::from(self.seen)
        } else {
            let follow = if is_slow { Self::FOLLOW_SECONDS_SLOW } else { Self::FOLLOW_SECONDS };
            1.0 - (-1.0 / follow).exp()
        };
        let usual = self.usual.unwrap_or_default();
        self.usual = Some(usual + (f64::from(count) - usual) * share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(number: u32) -> Bytes {
        Bytes::from(vec![number as u8; 1000])
    }

    /// Feeds `seconds` seconds at `rate` and asks ten times a second; counts how often it was slow.
    fn feed(watch: &mut RateWatch, now: &mut Instant, rate: u32, seconds: u32) -> u32 {
        let mut slow = 0;
        for step in 0..seconds * 600 {
            if rate > 0 && step % (600 / rate) == 0 {
                watch.record_picture(*now);
            }
            *now += Duration::from_secs(1) / 600;
            slow += u32::from(step % 60 == 0 && watch.check_slow(*now).is_some());
        }
        slow
    }

    #[test]
    fn the_same_picture_for_the_time_set_is_frozen_and_another_ends_it() {
        let start = Instant::now();
        let mut watch = RepeatWatch::new(Some(Duration::from_secs(10)));
        for tenth in 0..300 {
            let now = start + Duration::from_millis(100 * tenth);
            let state = watch.check_picture(&picture(1), now);
            assert_eq!(state.is_some(), tenth >= 100);
            if let Some(frozen) = state {
                assert_eq!(frozen, Frozen { since: start, times: tenth + 1 });
            }
        }
        let later = start + Duration::from_secs(30);
        assert_eq!(watch.check_picture(&picture(2), later), None);
        assert_eq!(watch.check_picture(&picture(2), later + Duration::from_secs(5)), None);
    }

    #[test]
    fn pictures_that_differ_in_one_byte_are_not_frozen() {
        let start = Instant::now();
        let mut watch = RepeatWatch::new(Some(Duration::from_secs(1)));
        for second in 0..100 {
            let mut noisy = vec![7; 1000];
            noisy[900] = (second % 2) as u8;
            assert_eq!(watch.check_picture(&noisy.into(), start + Duration::from_secs(second)), None);
        }
    }

    #[test]
    fn a_slow_source_is_not_frozen_by_one_repetition() {
        let start = Instant::now();
        let mut watch = RepeatWatch::new(Some(Duration::from_secs(10)));
        assert_eq!(watch.check_picture(&picture(1), start), None);
        assert_eq!(watch.check_picture(&picture(1), start + Duration::from_secs(60)), None);
        assert!(watch.check_picture(&picture(1), start + Duration::from_secs(120)).is_some());
    }

    #[test]
    fn a_watch_that_is_off_and_one_that_was_reset_know_nothing() {
        let start = Instant::now();
        let mut off = RepeatWatch::new(None);
        let mut reset = RepeatWatch::new(Some(Duration::from_secs(10)));
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            assert_eq!(off.check_picture(&picture(1), now), None);
            if second % 9 == 0 {
                reset.reset();
            }
            assert_eq!(reset.check_picture(&picture(1), now), None);
        }
    }

    #[test]
    fn a_rate_far_below_the_usual_is_slow_after_the_time_set_and_no_longer_when_it_is_back() {
        let (mut watch, mut now) = (RateWatch::new(RateOptions::default()), Instant::now());
        assert_eq!(feed(&mut watch, &mut now, 20, 60), 0);
        assert_eq!(feed(&mut watch, &mut now, 4, 3), 0, "too short to tell");
        assert!(feed(&mut watch, &mut now, 4, 10) > 50);
        let slow = watch.check_slow(now).unwrap();
        assert!((3.5..4.5).contains(&slow.rate) && (17.0..20.0).contains(&slow.usual), "{slow:?}");
        feed(&mut watch, &mut now, 20, 2);
        assert_eq!(feed(&mut watch, &mut now, 20, 60), 0);
    }

    #[test]
    fn a_rate_a_little_below_the_usual_is_not_slow() {
        let (mut watch, mut now) = (RateWatch::new(RateOptions::default()), Instant::now());
        feed(&mut watch, &mut now, 20, 60);
        assert_eq!(feed(&mut watch, &mut now, 6, 60), 0);
    }

    #[test]
    fn a_rate_that_was_changed_for_good_becomes_the_usual_one() {
        let (mut watch, mut now) = (RateWatch::new(RateOptions::default()), Instant::now());
        feed(&mut watch, &mut now, 25, 60);
        assert!(feed(&mut watch, &mut now, 5, 60) > 100);
        feed(&mut watch, &mut now, 5, 600);
        assert_eq!(feed(&mut watch, &mut now, 5, 600), 0);
    }

    #[test]
    fn a_source_of_few_pictures_is_never_slow() {
        let (mut watch, mut now) = (RateWatch::new(RateOptions::default()), Instant::now());
        for gap in [3, 3, 3, 3, 3, 3, 9, 3, 20, 3] {
            watch.record_picture(now);
            for _ in 0..gap {
                now += Duration::from_secs(1);
                assert_eq!(watch.check_slow(now), None);
            }
        }
    }

    #[test]
    fn silence_is_slow_and_a_new_connection_starts_afresh() {
        let (mut watch, mut now) = (RateWatch::new(RateOptions::default()), Instant::now());
        feed(&mut watch, &mut now, 20, 60);
        // The first question after an hour: no work for each of its seconds.
        now += Duration::from_secs(3600);
        assert!(watch.check_slow(now).is_some());
        watch.reset();
        assert_eq!(watch.check_slow(now), None);
        assert_eq!(feed(&mut watch, &mut now, 20, 30), 0);
    }
}
