//! When a sender is warned, called stalled, and sent away. Pure state; time is given.

use std::time::{Duration, Instant};

use sightwire_hub::silence::Silence;

/// Messages in a row that should have been frames and are none, after which a stream ends.
pub const MAX_BAD: u32 = 10;

/// How long a sender may be silent before something is done.
#[derive(Clone, Copy, Debug)]
pub struct WatchdogOptions {
    /// Time without any message, after which the sender is warned.
    pub warning: Duration,
    /// Time without a frame, after which the stream ends.
    pub end: Duration,
    /// Likewise of a sender that has given frames and answers pings: a page whose tab is hidden. At least [`Self::end`].
    pub hidden_end: Duration,
    /// Time without a frame, after which viewers are told that the stream has stalled.
    pub stall: Duration,
}

/// From one ping of a sender that gives no frame to the next, at most.
const PING_INTERVAL: Duration = Duration::from_secs(5);

impl WatchdogOptions {
    /// From one ping to the next: an answer is missed twice before the stream ends.
    fn ping_interval(&self) -> Duration {
        PING_INTERVAL.min(self.end / 3)
    }
}

/// What is known of a sender.
#[derive(Debug)]
pub struct Watchdog {
    options: WatchdogOptions,
    message: Instant,
    /// The last frame, or when it came.
    frame: Instant,
    /// When it last answered a ping.
    answer: Instant,
    /// When it was last sent one.
    pinged: Instant,
    silence: Silence,
    warned: bool,
    stalled: bool,
    /// Its last picture was one, so its page may be hidden now; one that gives empty pictures is not hidden.
    may_be_hidden: bool,
    bad: u32,
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The sender has to be warned that nothing comes.
    Warn,
    /// Viewers have to be told that the stream has stalled.
    Stalled,
    /// The sender has to be sent a ping.
    Ping,
    /// The stream has to end.
    End,
}

impl Watchdog {
    /// Of a sender that has just come.
    pub fn new(options: WatchdogOptions, now: Instant) -> Self {
        Self {
            options,
            message: now,
            frame: now,
            answer: now,
            pinged: now,
            silence: Silence::new(options.stall, None),
            warned: false,
            stalled: false,
            may_be_hidden: false,
            bad: 0,
        }
    }

    /// It answered a ping, which its browser does, too, while its tab is hidden and sends nothing.
    pub fn record_answer(&mut self, now: Instant) {
        self.answer = now;
    }

    /// A picture of no bytes came: its camera is not ready, or no longer.
    pub fn record_empty(&mut self, now: Instant) {
        self.record_message(now);
        self.may_be_hidden = false;
    }

    /// A message came, whatever it was.
    pub fn record_message(&mut self, now: Instant) {
        (self.message, self.warned) = (now, false);
    }

    /// A frame came: it counts as a message, too, and ends a row of bad ones.
    pub fn record_frame(&mut self, now: Instant) {
        self.record_message(now);
        self.silence.record_picture(now, true);
        (self.frame, self.pinged, self.stalled, self.bad) = (now, now, false, 0);
        self.may_be_hidden = true;
    }

    /// Something came that should have been a frame; whether it was one too many.
    pub fn record_bad(&mut self, now: Instant) -> bool {
        self.record_message(now);
        self.bad += 1;
        self.bad >= MAX_BAD
    }

    /// When [`Self::due_alarm`] may have something to say.
    pub fn next(&self) -> Instant {
        let mut next = self.end_time();
        if let Some(ping) = self.next_ping() {
            next = next.min(ping);
        }
        if !self.warned {
            next = next.min(self.message + self.options.warning);
        }
        if let Some(stall) = self.stall_time() {
            next = next.min(stall);
        }
        next
    }

    /// What is due now.
    pub fn due_alarm(&mut self, now: Instant) -> Option<Alarm> {
        if now >= self.end_time() {
            return Some(Alarm::End);
        }
        if self.next_ping().is_some_and(|ping| now >= ping) {
            self.pinged = now;
            return Some(Alarm::Ping);
        }
        if !self.warned && now >= self.message + self.options.warning {
            self.warned = true;
            return Some(Alarm::Warn);
        }
        if self.stall_time().is_some_and(|stall| now >= stall) {
            self.stalled = true;
            return Some(Alarm::Stalled);
        }
        None
    }

    /// When it is sent a ping, whose answer says that it is still there: not before it may have stalled.
    fn next_ping(&self) -> Option<Instant> {
        let WatchdogOptions { stall, end, .. } = self.options;
        let first = self.frame + stall.min(end / 3);
        self.may_be_hidden.then(|| (self.pinged + self.options.ping_interval()).max(first))
    }

    /// When the stream ends unless a frame or an answer comes.
    fn end_time(&self) -> Instant {
        let WatchdogOptions { end, hidden_end, .. } = self.options;
        if !self.may_be_hidden {
            return self.frame + end;
        }
        (self.frame.max(self.answer) + end).min(self.frame + hidden_end.max(end))
    }

    /// When it is called stalled, if it is not yet.
    fn stall_time(&self) -> Option<Instant> {
        self.silence.end_time().filter(|_| !self.stalled)
    }
}

/// How many pictures of a stream are passed on.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    due: Instant,
}

/// Pictures that come in a bunch, after the network held them up, are passed on.
const BUNCH: u32 = 8;

impl RateLimit {
    /// This many a second.
    pub fn new(fps: f64, now: Instant) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / fps), due: now }
    }

    /// Whether the picture that came now is passed on.
    pub fn allows(&mut self, now: Instant) -> bool {
        if self.next() > now {
            return false;
        }
        self.due = self.due.max(now) + self.interval;
        true
    }

    /// From when on one is passed on.
    pub fn next(&self) -> Instant {
        self.due.checked_sub(self.interval * BUNCH).unwrap_or(self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn watchdog() -> (Watchdog, Instant) {
        let now = Instant::now();
        let options = WatchdogOptions {
            warning: SECOND * 10,
            end: SECOND * 15,
            hidden_end: SECOND * 90,
            stall: SECOND * 3,
        };
        (Watchdog::new(options, now), now)
    }

    /// What happens by itself until then.
    fn alarms(dog: &mut Watchdog, from: Instant, seconds: u32) -> Vec<(u64, Alarm)> {
        let mut all = Vec::new();
        loop {
            let next = dog.next();
            if next > from + SECOND * seconds || all.last().is_some_and(|(_, alarm)| *alarm == Alarm::End) {
                return all;
            }
            if let Some(alarm) = dog.due_alarm(next) {
                all.push((next.duration_since(from).as_secs(), alarm));
            }
        }
    }

    #[test]
    fn one_that_says_nothing_is_warned_after_ten_seconds_and_ended_after_fifteen() {
        let (mut dog, now) = watchdog();
        assert_eq!(alarms(&mut dog, now, 60), [(10, Alarm::Warn), (15, Alarm::End)]);
    }

    #[test]
    fn one_that_has_stopped_is_stalled_then_warned_then_ended() {
        let (mut dog, now) = watchdog();
        dog.record_frame(now);
        let expected =
            [(3, Alarm::Stalled), (5, Alarm::Ping), (10, Alarm::Ping), (10, Alarm::Warn), (15, Alarm::End)];
        assert_eq!(alarms(&mut dog, now, 60), expected);
    }

    /// When it ends, if it answers each ping until then.
    fn end_of_one_that_answers(dog: &mut Watchdog, from: Instant, until: Duration) -> Duration {
        loop {
            let next = dog.next();
            match dog.due_alarm(next) {
                Some(Alarm::End) => return next - from,
                Some(Alarm::Ping) if next - from <= until => dog.record_answer(next),
                _ => {}
            }
        }
    }

    #[test]
    fn a_hidden_page_that_answers_pings_is_stalled_and_ends_after_ninety_seconds() {
        let (mut dog, now) = watchdog();
        dog.record_frame(now);
        assert_eq!(end_of_one_that_answers(&mut dog, now, SECOND * 600), SECOND * 90);
        let (mut dog, now) = watchdog();
        dog.record_frame(now);
        assert_eq!(end_of_one_that_answers(&mut dog, now, SECOND * 30), SECOND * 45, "it is gone");
        let (mut dog, now) = watchdog();
        for minute in 0..10 {
            let now = now + SECOND * 60 * minute;
            dog.record_frame(now);
            while dog.next() < now + SECOND * 60 {
                let next = dog.next();
                assert_ne!(dog.due_alarm(next), Some(Alarm::End), "a timer once a minute");
                dog.record_answer(next);
            }
        }
    }

    #[test]
    fn pings_answered_by_one_without_a_picture_keep_nothing_alive() {
        let (mut dog, now) = watchdog();
        dog.record_answer(now + SECOND * 9);
        assert_eq!(alarms(&mut dog, now, 60), [(10, Alarm::Warn), (15, Alarm::End)]);
        let (mut dog, now) = watchdog();
        dog.record_frame(now);
        for second in 1..15 {
            dog.record_empty(now + SECOND * second);
            dog.record_answer(now + SECOND * second);
            assert_ne!(dog.due_alarm(now + SECOND * second), Some(Alarm::End));
        }
        assert_eq!(dog.due_alarm(now + SECOND * 15), Some(Alarm::End), "nothing good for fifteen seconds");
    }

    #[test]
    fn messages_that_are_no_frames_keep_away_the_warning_and_not_the_end() {
        let (mut dog, now) = watchdog();
        dog.record_message(now + SECOND * 9);
        assert_eq!(alarms(&mut dog, now, 14), []);
        assert_eq!(alarms(&mut dog, now, 60), [(15, Alarm::End)]);
    }

    #[test]
    fn frames_keep_it_alive_and_end_the_stall() {
        let (mut dog, now) = watchdog();
        for second in 0..100 {
            dog.record_frame(now + SECOND * second);
            assert_eq!(dog.due_alarm(now + SECOND * second + SECOND / 2), None);
        }
        assert_eq!(dog.due_alarm(now + SECOND * 102), Some(Alarm::Stalled));
        dog.record_frame(now + SECOND * 103);
        assert_eq!(dog.due_alarm(now + SECOND * 105), None);
    }

    #[test]
    fn one_that_gives_a_frame_every_four_seconds_has_not_stalled_between_them_once_that_is_known() {
        let (mut dog, now) = watchdog();
        dog.record_frame(now);
        assert_eq!(dog.due_alarm(now + SECOND * 3), Some(Alarm::Stalled), "nobody knows it yet");
        for frame in 1..10 {
            dog.record_frame(now + SECOND * 4 * frame);
            assert_eq!(dog.due_alarm(now + SECOND * 4 * frame + SECOND * 4), None);
        }
        assert_eq!(dog.due_alarm(now + SECOND * 36 + SECOND * 9), Some(Alarm::Ping));
        assert_eq!(dog.due_alarm(now + SECOND * 36 + SECOND * 9), None);
        dog.record_message(now + SECOND * 36 + SECOND * 9);
        assert_eq!(dog.due_alarm(now + SECOND * 36 + SECOND * 12), Some(Alarm::Stalled));
    }

    #[test]
    fn the_tenth_bad_message_in_a_row_is_one_too_many() {
        let (mut dog, now) = watchdog();
        for _ in 0..9 {
            assert!(!dog.record_bad(now));
        }
        dog.record_frame(now);
        for _ in 0..9 {
            assert!(!dog.record_bad(now));
        }
        assert!(dog.record_bad(now));
    }

    #[test]
    fn what_is_over_the_rate_is_dropped_and_a_bunch_is_not() {
        let now = Instant::now();
        let mut limit = RateLimit::new(1.0, now);
        let at_once = (0..100).filter(|_| limit.allows(now)).count();
        assert_eq!(at_once, BUNCH as usize + 1, "one that is due, and a bunch");
        let mut limit = RateLimit::new(60.0, now);
        assert!((0..6).all(|_| limit.allows(now)), "held up by the network");
        let passed = (0..1000).filter(|i| limit.allows(now + SECOND / 1000 * *i)).count();
        assert!((50..=70).contains(&passed), "{passed} of 1000 in a second");
    }
}
