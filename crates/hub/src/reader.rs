//! Reads a source for a stream: again and again while it fails, and says what is wrong with it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_base::clock;

use crate::frozen::{RateOptions, RateWatch, RepeatWatch};
use crate::silence::Silence;
use crate::source::reconnect::{Backoff, Pauses, keep_running};
use crate::source::{Sink, Skipped, Source, SourceError};
use crate::stream::{Condition, Producer, State};

/// When a source is called what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReaderOptions {
    /// Without a picture for this long it has stalled; a source that usually gives one less often gets three of its usual
    /// intervals.
    pub stalled_after: Duration,
    /// How often a picture is asked for, where the source is one that is asked.
    pub every: Option<Duration>,
    /// The same picture again after this time: it is frozen. `None`: never.
    pub frozen_after: Option<Duration>,
    /// When it is slow.
    pub rate: RateOptions,
    /// Before it is tried again.
    pub pauses: Pauses,
}

/// Stalled after 3 s, frozen after 10 s.
impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            stalled_after: Duration::from_secs(3),
            every: None,
            frozen_after: Some(Duration::from_secs(10)),
            rate: RateOptions::default(),
            pauses: Pauses::default(),
        }
    }
}

/// How often it is looked whether pictures have stopped coming.
const LOOK: Duration = Duration::from_millis(250);

/// Reads `source` into `producer` until this future is dropped.
pub async fn read_source(source: &dyn Source, producer: &mut Producer, options: ReaderOptions, seed: u64) {
    let watch = Mutex::new(SourceWatch::new(producer, options));
    let mut backoff = Backoff::new(options.pauses, seed);
    let mut sink = Shared(&watch);
    let look = async {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            watch.lock().check_silence(clock::now());
        }
    };
    tokio::select! {
        never = keep_running(source, &mut sink, &mut backoff) => match never {},
        () = look => {}
    }
}

struct Shared<'a, 'b>(&'a Mutex<SourceWatch<'b>>);

impl Sink for Shared<'_, '_> {
    fn on_picture(&mut self, jpeg: Bytes, now: Instant) {
        self.0.lock().handle_picture(jpeg, now);
    }

    fn on_bytes(&mut self, count: usize, _now: Instant) {
        self.0.lock().producer.count_bytes(count);
    }

    fn on_skipped(&mut self, skipped: Skipped, _now: Instant) {
        self.0.lock().producer.count_skipped(skipped);
    }

    fn on_down(&mut self, error: &SourceError, pause: Duration, now: Instant) {
        self.0.lock().handle_down(error, pause, now);
    }
}

/// What is known of a source, and the state that follows from it.
struct SourceWatch<'a> {
    producer: &'a mut Producer,
    options: ReaderOptions,
    repeats: RepeatWatch,
    rate: RateWatch,
    began: Instant,
    silence: Silence,
    down: Option<Down>,
}

/// There is no connection.
struct Down {
    why: String,
    again: Instant,
}

impl<'a> SourceWatch<'a> {
    fn new(producer: &'a mut Producer, options: ReaderOptions) -> Self {
        let began = producer.stream().state().since;
        producer.stream().counters().connects.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut silence = Silence::new(options.stalled_after, options.every);
        // Another may have written it before: that picture is the last so far, however old it is.
        if let Some(newest) = producer.stream().newest() {
            silence.record_picture(newest.captured(), false);
        }
        Self {
            producer,
            options,
            repeats: RepeatWatch::new(options.frozen_after),
            rate: RateWatch::new(options.rate),
            began,
            silence,
            down: None,
        }
    }

    fn handle_picture(&mut self, jpeg: Bytes, now: Instant) {
        // Whatever was said of it meanwhile: over one connection it is as slow as it is.
        self.silence.record_picture(now, self.down.is_none());
        self.down = None;
        self.rate.record_picture(now);
        self.producer.set_slow(self.rate.check_slow(now));
        let frozen = self.repeats.check_picture(&jpeg, now);
        // The state first: subscribers take no pictures of what they believe to be frozen.
        match frozen {
            Some(frozen) => {
                let reason = "the camera sends the same picture again and again. Restart it";
                self.set_condition(Condition::Frozen, Some(reason), frozen.since);
            }
            None => self.set_condition(Condition::Running, None, now),
        }
        self.producer.publish_jpeg(jpeg, now);
    }

    fn handle_down(&mut self, error: &SourceError, pause: Duration, now: Instant) {
        self.repeats.reset();
        self.rate.reset();
        self.down = Some(Down { why: error.to_string(), again: now + pause });
        // A camera that ends its answer after each picture is not down while they come.
        let ends = matches!(error, SourceError::Ended { .. } | SourceError::OnePicture { .. });
        if !ends || self.silence.last_picture().is_none() {
            self.check_silence(now);
        }
        self.producer.stream().counters().connects.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// Says what has become of the stream by now if no picture has come since.
    fn check_silence(&mut self, now: Instant) {
        let Some(last) = self.silence.last_picture() else {
            let reason = self.down.as_ref().map(|down| down.why.as_str());
            return self.set_condition(Condition::Starting, reason, self.began);
        };
        self.producer.set_slow(self.rate.check_slow(now));
        let silence = now.saturating_duration_since(last);
        let patience = self.silence.patience();
        let is_frozen = self.producer.stream().state().condition == Condition::Frozen;
        if self.down.is_none() && silence < patience {
            return;
        }
        // While it is being tried again right now, nothing new is known.
        let reason = match &self.down {
            Some(down) if silence >= patience || !is_brief(down, now, self.options.stalled_after) => {
                down.why.clone()
            }
            Some(_) => return,
            None if is_frozen => "the camera sent the same picture again and again, and now none".to_owned(),
            None => "the camera is connected but sends no picture".to_owned(),
        };
        self.set_condition(Condition::Stalled, Some(&reason), last);
    }

    fn set_condition(&self, condition: Condition, reason: Option<&str>, since: Instant) {
        let present = self.producer.stream().state();
        let same = present.condition == condition && present.reason.as_deref() == reason;
        if !same {
            let since = if present.condition == condition { present.since } else { since };
            self.producer.set_state(State::new(condition, reason, since));
        }
    }
}

/// Whether the connection is likely to be back before anybody has noticed.
fn is_brief(down: &Down, now: Instant, stalled_after: Duration) -> bool {
    down.again.saturating_duration_since(now) < stalled_after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    fn watch() -> (SourceWatch<'static>, Instant) {
        let now = Instant::now();
        let (_, producer) = Stream::new("a", now);
        (SourceWatch::new(Box::leak(Box::new(producer)), ReaderOptions::default()), now)
    }

    fn jpeg(byte: u8) -> Bytes {
        Bytes::copy_from_slice(&[byte])
    }

    fn state(watch: &SourceWatch) -> (&'static str, Option<String>) {
        let state = watch.producer.stream().state();
        (state.condition.name(), state.reason.map(|r| r.to_string()))
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn unreachable() -> SourceError {
        SourceError::Unreachable { camera: "http://cam".into(), reason: "refused".into() }
    }

    #[test]
    fn a_camera_that_is_connected_and_silent_has_stalled_and_comes_back() {
        let (mut watch, now) = watch();
        assert_eq!(state(&watch), ("starting", None));
        watch.handle_picture(jpeg(1), now);
        assert_eq!(state(&watch), ("running", None));
        watch.check_silence(now + SECOND * 2);
        assert_eq!(state(&watch).0, "running");
        watch.check_silence(now + SECOND * 3);
        let (name, reason) = state(&watch);
        assert_eq!((name, reason.unwrap().contains("sends no picture")), ("stalled", true));
        assert_eq!(watch.producer.stream().state().since, now, "since its last picture");
        watch.handle_picture(jpeg(2), now + SECOND * 9);
        assert_eq!(state(&watch), ("running", None));
    }

    #[test]
    fn a_camera_that_was_never_reached_is_starting_and_says_why() {
        let (mut watch, now) = watch();
        watch.handle_down(&unreachable(), SECOND, now);
        let (name, reason) = state(&watch);
        assert_eq!(name, "starting");
        assert!(reason.unwrap().contains("cannot be reached"));
    }

    #[test]
    fn a_brief_reconnect_is_not_shown_and_a_long_one_is() {
        let (mut watch, now) = watch();
        watch.handle_picture(jpeg(1), now);
        watch.handle_down(&unreachable(), SECOND, now + SECOND / 10);
        assert_eq!(state(&watch).0, "running");
        watch.check_silence(now + SECOND * 3);
        assert_eq!(state(&watch).0, "stalled");
        watch.handle_picture(jpeg(2), now + SECOND * 4);
        assert_eq!(state(&watch).0, "running");
        watch.handle_down(&unreachable(), SECOND * 30, now + SECOND * 5);
        assert_eq!(state(&watch).0, "stalled", "it will not be back soon");
    }

    #[test]
    fn the_same_picture_again_and_again_is_frozen_until_another_comes() {
        let (mut watch, now) = watch();
        for tenth in 0..=100 {
            watch.handle_picture(jpeg(1), now + SECOND / 10 * tenth);
        }
        assert_eq!(state(&watch).0, "frozen");
        assert_eq!(watch.producer.stream().state().since, now, "since that picture came first");
        watch.handle_picture(jpeg(2), now + SECOND * 11);
        assert_eq!(state(&watch).0, "running");
    }

    #[test]
    fn an_outage_does_not_make_the_next_stall_be_noticed_late() {
        let (mut watch, now) = watch();
        for tenth in 0..20 {
            watch.handle_picture(jpeg(tenth), now + SECOND / 10 * u32::from(tenth));
        }
        watch.handle_down(&unreachable(), SECOND * 30, now + SECOND * 3);
        assert_eq!(state(&watch).0, "stalled");
        let back = now + SECOND * 600;
        for tenth in 0..3 {
            watch.handle_picture(jpeg(100 + tenth), back + SECOND / 10 * u32::from(tenth));
        }
        assert_eq!(state(&watch).0, "running");
        watch.check_silence(back + SECOND * 4);
        assert_eq!(state(&watch).0, "stalled");
    }

    #[test]
    fn a_camera_that_is_asked_every_five_seconds_has_not_stalled_after_its_first_picture() {
        let now = Instant::now();
        let (_, producer) = Stream::new("a", now);
        let options = ReaderOptions { every: Some(SECOND * 5), ..ReaderOptions::default() };
        let mut watch = SourceWatch::new(Box::leak(Box::new(producer)), options);
        watch.handle_picture(jpeg(1), now);
        watch.check_silence(now + SECOND * 14);
        assert_eq!(state(&watch).0, "running");
        watch.check_silence(now + SECOND * 15);
        assert_eq!(state(&watch).0, "stalled");
    }

    #[test]
    fn a_camera_that_gives_a_picture_every_five_seconds_has_not_stalled_between_them() {
        let (mut watch, now) = watch();
        for i in 0..5 {
            watch.handle_picture(jpeg(i), now + SECOND * 5 * u32::from(i));
        }
        watch.check_silence(now + SECOND * 24);
        assert_eq!(state(&watch).0, "running");
        watch.check_silence(now + SECOND * 36);
        assert_eq!(state(&watch).0, "stalled");
    }

    #[test]
    fn a_camera_that_gives_a_picture_a_minute_is_slow_and_not_stalled_after_its_second() {
        for interval in [8, 12, 60] {
            let (mut watch, now) = watch();
            watch.handle_picture(jpeg(0), now);
            for second in 1..=interval * 4 {
                let at = now + SECOND * second;
                // As while it is read: four times a second.
                watch.check_silence(at);
                if second > interval {
                    assert_eq!(state(&watch).0, "running", "{interval} s, after {second}");
                }
                if second % interval == 0 {
                    watch.handle_picture(jpeg(1 + (second / interval) as u8), at);
                }
            }
            watch.check_silence(now + SECOND * interval * 8);
            assert_eq!(state(&watch).0, "stalled", "{interval} s");
        }
    }
}
