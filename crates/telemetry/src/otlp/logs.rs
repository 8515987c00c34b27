//! Log lines on their way to a collector. Code that logs waits for nobody: what does not fit is dropped, and counted.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sightwire_access::key::redact_keys;
use sightwire_base::lines;
use sightwire_base::metrics::{Collector, Metrics};
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::wire::{Any, Attribute, LogRecord, Value};

/// Lines that wait for a collector at most; about 4 MB with the longest of them.
pub(super) const MAX_LINES: usize = 512;
/// This many are sent without waiting for the next time.
const MANY: usize = MAX_LINES / 2;
/// Most bytes of a line and of one of its fields, and most fields.
const MAX_MESSAGE: usize = 4096;
const MAX_FIELD: usize = 512;
const MAX_FIELDS: usize = 8;

thread_local! {
    /// Whether this is the thread that sends: what it says of its failures would be said of those, too.
    static SENDS: Cell<bool> = const { Cell::new(false) };
}

/// Log lines that wait for a collector.
#[derive(Debug, Default)]
pub struct Events {
    /// 0 while nobody sends them; else the number of levels that are taken, from error on.
    levels: AtomicUsize,
    waiting: Mutex<VecDeque<LogRecord>>,
    dropped: AtomicU64,
    failures: AtomicU64,
    pub(super) many: Notify,
}

impl Collector for Events {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter(
            "otlp_dropped",
            "Log lines that a collector did not get: too many waited for it, or it did not want them.",
            self.dropped(),
        );
        metrics.counter(
            "otlp_failures",
            "Requests with metrics or log lines that a collector did not take, or not all of.",
            self.failures(),
        );
    }
}

impl Events {
    /// Those of this process. They are taken from when somebody sends them.
    pub fn of_process() -> &'static Arc<Self> {
        static EVENTS: LazyLock<Arc<Events>> = LazyLock::new(Arc::default);
        &EVENTS
    }

    /// Brings what is logged here.
    pub fn layer<S: Subscriber>(self: &Arc<Self>) -> impl Layer<S> + use<S> {
        Taking(self.clone())
    }

    /// Lines that were dropped: too many waited, or the collector did not want them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn count_dropped(&self, lines: usize) {
        self.dropped.fetch_add(lines as u64, Ordering::Relaxed);
    }

    /// Requests with log lines or metrics that the collector did not take, or not all of.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// From here on, lines of this level and above are taken; `None`: no more.
    pub(super) fn set_level(&self, level: Option<Level>) {
        self.levels.store(level.map_or(0, level_rank), Ordering::Relaxed);
    }

    /// All that wait.
    pub(super) fn drain(&self) -> Vec<LogRecord> {
        self.waiting.lock().drain(..).collect()
    }

    fn put_record(&self, record: LogRecord) {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= MAX_LINES {
            drop(waiting);
            return self.count_dropped(1);
        }
        waiting.push_back(record);
        if waiting.len() == MANY {
            self.many.notify_one();
        }
    }
}

/// On the thread that sends.
pub(super) fn not_from_this_thread() {
    SENDS.set(true);
}

/// From 1, for errors.
fn level_rank(level: Level) -> usize {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

/// As OpenTelemetry numbers them.
fn level_severity(level: Level) -> i32 {
    match level {
        Level::ERROR => 17,
        Level::WARN => 13,
        Level::INFO => 9,
        Level::DEBUG => 5,
        Level::TRACE => 1,
    }
}

struct Taking(Arc<Events>);

impl<S: Subscriber> Layer<S> for Taking {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level_rank(level) > self.0.levels.load(Ordering::Relaxed) || SENDS.get() {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.attributes.push(Attribute::new("target", Value::Text(event.metadata().target().to_owned())));
        self.0.put_record(LogRecord {
            unix_ns: now,
            observed_unix_ns: now,
            severity: level_severity(level),
            severity_text: level.to_string(),
            body: Some(Any { value: Some(Value::Text(fields.message)) }),
            attributes: fields.attributes,
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    attributes: Vec<Attribute>,
}

impl Fields {
    fn put_field(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            if let Value::Text(text) = value {
                self.message = text;
            }
        } else if self.attributes.len() < MAX_FIELDS {
            self.attributes.push(Attribute::new(field.name(), value));
        }
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        let max_bytes = if field.name() == "message" { MAX_MESSAGE } else { MAX_FIELD };
        self.put_field(field, Value::Text(redact_text(text, max_bytes)));
    }
}

/// As the log has it: without what is secret of keys, and on one line.
fn redact_text(text: &str, max_bytes: usize) -> String {
    let text = redact_keys(text.as_bytes());
    lines::short_within(&String::from_utf8_lossy(&text), max_bytes).to_string()
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_field(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_field(field, i64::try_from(value).map_or_else(|_| Value::Double(value as f64), Value::Int));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put_field(field, Value::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_field(field, Value::Bool(value));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn logged(level: Option<Level>, log: impl FnOnce()) -> (Arc<Events>, Vec<LogRecord>) {
        let events = Arc::<Events>::default();
        events.set_level(level);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(events.layer()), log);
        let records = events.drain();
        (events, records)
    }

    fn body(record: &LogRecord) -> &str {
        match record.body.as_ref().and_then(|body| body.value.as_ref()) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    #[test]
    fn lines_of_the_level_and_above_are_taken_with_their_fields() {
        let (_, records) = logged(Some(Level::WARN), || {
            tracing::info!("not this");
            tracing::warn!(camera = "door", count = 3, "no {}", "picture");
            tracing::error!("all is lost");
        });
        let said: Vec<_> = records.iter().map(|record| (body(record), record.severity)).collect();
        assert_eq!(said, [("no picture", 13), ("all is lost", 17)]);
        let camera = Attribute::new("camera", Value::Text("door".into()));
        assert_eq!(records[0].attributes[..2], [camera, Attribute::new("count", Value::Int(3))]);
        assert!(logged(None, || tracing::error!("nobody sends it")).1.is_empty());
    }

    #[test]
    fn no_key_and_no_control_character_leaves_the_process() {
        let key = sightwire_access::key::Key::generate().unwrap();
        let (_, records) = logged(Some(Level::WARN), || {
            tracing::warn!(asked = key.reveal(), "for {}\n{}\u{1b}[2J", key.reveal(), "x".repeat(1 << 20));
        });
        let record = format!("{records:?}");
        assert!(!record.contains(&key.reveal()[12..]) && record.contains("\\\\n"), "{}", &record[..200]);
        assert!(body(&records[0]).len() < MAX_MESSAGE + 32);
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let (events, records) = logged(Some(Level::WARN), || {
            (0..MAX_LINES + 7).for_each(|n| tracing::warn!("{n}"));
        });
        assert_eq!((records.len(), events.dropped()), (MAX_LINES, 7));
        assert_eq!(body(&records[0]), "0", "the first say how it began");
    }
}
