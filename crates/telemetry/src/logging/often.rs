//! The same line again and again: the first few are written, the rest are counted, and summed up.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::lines::{self, AUDIT, PREDICTION};
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines from one place in the code that may come at once.
const BURST: f64 = 40.0;
/// Beyond that, one in this time: 20 a minute.
const EVERY: Duration = Duration::from_secs(3);
/// Time between sums of those that were left out.
const SUM_UP: Duration = Duration::from_secs(10);
/// What sums up is not itself summed up.
const SUMS: &str = "sightwire::left_out";

/// Leaves out lines that come too often; all layers of the log are asked through it. At the levels debug and trace nobody
/// wants that, and what somebody did is never left out.
#[derive(Debug, Default)]
pub(super) struct NotTooOften(Mutex<Places>);

type Places = HashMap<Identifier, Place>;

/// A place in the code that writes lines.
#[derive(Debug)]
struct Place {
    level: Level,
    may_write: f64,
    at: Instant,
    left_out: u64,
    /// The first of those that were left out.
    example: String,
    since: Instant,
}

impl NotTooOften {
    fn is_allowed(&self, event: &Event<'_>, now: Instant) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::INFO || [AUDIT, PREDICTION, SUMS].contains(&metadata.target()) {
            return true;
        }
        let Verdict::LeftOut { first } = self.count_event(metadata, now) else { return true };
        if first {
            // Not under the lock: what is in an event may itself write lines.
            let mut example = Example(String::new());
            event.record(&mut example);
            if let Some(place) = self.0.lock().get_mut(&metadata.callsite()) {
                place.example = example.0;
            }
        }
        false
    }

    fn count_event(&self, metadata: &Metadata<'_>, now: Instant) -> Verdict {
        let mut places = self.0.lock();
        let place = places.entry(metadata.callsite()).or_insert_with(|| Place {
            level: *metadata.level(),
            may_write: BURST,
            at: now,
            left_out: 0,
            example: String::new(),
            since: now,
        });
        let gained = now.saturating_duration_since(place.at).as_secs_f64() / EVERY.as_secs_f64();
        place.may_write = (place.may_write + gained).min(BURST);
        place.at = now;
        if place.may_write >= 1.0 {
            place.may_write -= 1.0;
            return Verdict::Written;
        }
        let first = place.left_out == 0;
        if first {
            place.since = now;
        }
        place.left_out += 1;
        Verdict::LeftOut { first }
    }

    /// Says how many lines were left out, for each place that has left out any for long enough.
    pub(super) fn sum_up(&self, now: Instant) {
        self.sum_up_after(SUM_UP, now);
    }

    /// Says how many lines were left out and not said yet: nothing comes after this.
    pub(super) fn sum_up_all(&self, now: Instant) {
        self.sum_up_after(Duration::ZERO, now);
    }

    fn sum_up_after(&self, age: Duration, now: Instant) {
        let old = |place: &Place| now.saturating_duration_since(place.since) >= age;
        let due = |place: &&mut Place| place.left_out > 0 && old(place);
        let sums: Vec<_> = self
            .0
            .lock()
            .values_mut()
            .filter(due)
            .map(|place| {
                let for_s = now.saturating_duration_since(place.since).as_secs();
                (place.level, std::mem::take(&mut place.left_out), for_s, std::mem::take(&mut place.example))
            })
            .collect();
        for (level, left_out, for_s, example) in sums {
            let example = lines::short_line(&example);
            macro_rules! say {
                ($level:ident) => {
                    tracing::$level!(target: SUMS, left_out, "in {for_s} s, {left_out} more lines like this one: {example}")
                };
            }
            match level {
                Level::ERROR => say!(error),
                Level::WARN => say!(warn),
                _ => say!(info),
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for &'static NotTooOften {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.is_allowed(event, Instant::now())
    }
}

/// What becomes of a line.
enum Verdict {
    Written,
    LeftOut {
        /// Since lines were summed up last.
        first: bool,
    },
}

/// The beginning of an event's text.
struct Example(String);

impl Visit for Example {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // An error says that it is full.
            let _ = write!(Bounded(&mut self.0), "{value:?}");
        }
    }
}

/// Takes a little more than is shown, so that it is seen to be cut.
struct Bounded<'a>(&'a mut String);

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (2 * lines::MAX_BYTES).saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Keeps what comes through.
    #[derive(Clone, Default)]
    struct Written(Arc<(AtomicU64, Mutex<Vec<String>>)>);

    impl<S: Subscriber> Layer<S> for Written {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut text = Example(String::new());
            event.record(&mut text);
            let text = text.0;
            self.0.0.fetch_add(1, Ordering::Relaxed);
            self.0.1.lock().push(text);
        }
    }

    #[test]
    fn a_flood_of_one_place_is_cut_and_summed_up_and_others_are_not() {
        let often: &'static NotTooOften = Box::leak(Box::default());
        let written = Written::default();
        let subscriber = tracing_subscriber::registry().with(often).with(written.clone());
        let _guard = tracing::subscriber::set_default(subscriber);
        for n in 0..100 {
            tracing::info!("a viewer has come, {n} in all");
        }
        tracing::info!("another line");
        for n in 0..100 {
            tracing::info!(target: AUDIT, "somebody did something {n}");
            tracing::debug!("nobody minds {n}");
        }
        assert_eq!(written.0.0.load(Ordering::Relaxed), 40 + 1 + 100 + 100);
        often.sum_up(Instant::now());
        assert_eq!(written.0.0.load(Ordering::Relaxed), 241, "not yet");
        often.sum_up(Instant::now() + SUM_UP);
        let last = written.0.1.lock().last().cloned().unwrap();
        assert_eq!(last, "in 10 s, 60 more lines like this one: a viewer has come, 40 in all");
        often.sum_up(Instant::now() + 2 * SUM_UP);
        assert_eq!(written.0.0.load(Ordering::Relaxed), 242, "said once");
    }
}
