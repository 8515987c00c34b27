//! Metrics, as the room that counts them declares them: each family in one call, with its name, what it means, and its value
//! now. How they are written down is not known here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::histogram::HistogramSnapshot;

/// What counts something that is to be seen in `/metrics`.
pub trait Collector: fmt::Debug + Send + Sync {
    /// Adds its families, with their values now. It is called for each look at `/metrics`, off the async runtime, and waits for
    /// nothing but short locks.
    fn collect(&self, metrics: &mut Metrics);
}

/// What a family's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Grows, and begins at 0 with the process.
    Counter,
    /// Is what it is now.
    Gauge,
    /// Durations, in the buckets of [`crate::histogram::BOUNDS_MS`].
    Histogram,
}

/// In what values are, where that is not a number of things. It ends the name of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter of things.
    Count(u64),
    /// Of a gauge, or of a counter of seconds.
    Number(f64),
    /// The buckets and the sum of a histogram.
    Durations(HistogramSnapshot),
}

/// A value, and of what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values; none where the family has one value.
    pub labels: Vec<(&'static str, String)>,
    /// As it is now.
    pub value: Value,
}

/// All values of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Without the product's name before it, and without unit and `_total` behind it.
    pub name: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// In what they are.
    pub unit: Option<Unit>,
    /// One without labels, or any number of them with the same labels.
    pub samples: Vec<Sample>,
}

/// Families of all who were asked, in their order.
#[derive(Debug, Default)]
pub struct Metrics(Vec<Family>);

/// What a gauge takes: numbers, and whether something is so (1) or not (0).
pub trait Level {
    /// The value; 1 or 0 for a yes or no.
    fn level(self) -> f64;
}

impl Level for f64 {
    fn level(self) -> f64 {
        self
    }
}

impl Level for u64 {
    fn level(self) -> f64 {
        self as f64
    }
}

impl Level for usize {
    fn level(self) -> f64 {
        self as f64
    }
}

impl Level for bool {
    fn level(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// What a counter takes: a number, or what is counted with.
pub trait Count {
    /// The value that it has now.
    fn count(self) -> u64;
}

impl Count for u64 {
    fn count(self) -> u64 {
        self
    }
}

impl Count for &AtomicU64 {
    fn count(self) -> u64 {
        self.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// How many there were so far.
    pub fn counter(&mut self, name: &'static str, help: &'static str, count: impl Count) {
        self.add_family(
            name,
            help,
            Kind::Counter,
            None,
            vec![Sample::without_labels(Value::Count(count.count()))],
        );
    }

    /// For how long so far.
    pub fn counter_of_seconds(&mut self, name: &'static str, help: &'static str, seconds: f64) {
        self.add_family(
            name,
            help,
            Kind::Counter,
            Some(Unit::Seconds),
            vec![Sample::without_labels(Value::Number(seconds))],
        );
    }

    /// How many there were of each so far; `labels` are their names.
    pub fn counters<const N: usize, S: Into<String>, C: Count>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        samples: impl IntoIterator<Item = ([S; N], C)>,
    ) {
        let samples = samples.into_iter().map(|(values, count)| (values, Value::Count(count.count())));
        self.add_each(name, help, Kind::Counter, labels, samples);
    }

    /// How many there are, or whether it is so.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, level: impl Level) {
        self.add_family(
            name,
            help,
            Kind::Gauge,
            None,
            vec![Sample::without_labels(Value::Number(level.level()))],
        );
    }

    /// How much there is of it.
    pub fn gauge_in(&mut self, unit: Unit, name: &'static str, help: &'static str, level: impl Level) {
        self.add_family(
            name,
            help,
            Kind::Gauge,
            Some(unit),
            vec![Sample::without_labels(Value::Number(level.level()))],
        );
    }

    /// How many there are of each, or whether it is so with each; `labels` are their names.
    pub fn gauges<const N: usize, S: Into<String>, L: Level>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        samples: impl IntoIterator<Item = ([S; N], L)>,
    ) {
        let samples = samples.into_iter().map(|(values, level)| (values, Value::Number(level.level())));
        self.add_each(name, help, Kind::Gauge, labels, samples);
    }

    /// How long it took each time.
    pub fn histogram(&mut self, name: &'static str, help: &'static str, durations: HistogramSnapshot) {
        self.add_family(
            name,
            help,
            Kind::Histogram,
            Some(Unit::Seconds),
            vec![Sample::without_labels(Value::Durations(durations))],
        );
    }

    fn add_each<const N: usize, S: Into<String>>(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: Kind,
        labels: [&'static str; N],
        samples: impl Iterator<Item = ([S; N], Value)>,
    ) {
        let samples = samples.map(|(values, value)| Sample {
            labels: labels.into_iter().zip(values.map(Into::into)).collect(),
            value,
        });
        self.add_family(name, help, kind, None, samples.collect());
    }

    fn add_family(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: Kind,
        unit: Option<Unit>,
        samples: Vec<Sample>,
    ) {
        self.0.push(Family { name, help, kind, unit, samples });
    }

    /// In the order in which they were declared.
    pub fn families(&self) -> &[Family] {
        &self.0
    }
}

impl Sample {
    fn without_labels(value: Value) -> Self {
        Self { labels: Vec::new(), value }
    }
}

/// All that they count, in their order.
pub fn collect_all(from: &[Arc<dyn Collector>]) -> Metrics {
    let mut metrics = Metrics::default();
    for one in from {
        one.collect(&mut metrics);
    }
    metrics
}

/// Several as one: first all counters that have one value, then such gauges, then what has labels or is a histogram.
#[derive(Debug)]
pub struct ByKind(pub Vec<Arc<dyn Collector>>);

impl Collector for ByKind {
    fn collect(&self, metrics: &mut Metrics) {
        let mut own = collect_all(&self.0);
        own.0.sort_by_key(|family| match (family.kind, family.samples.as_slice()) {
            (kind @ (Kind::Counter | Kind::Gauge), [one]) if one.labels.is_empty() => kind,
            _ => Kind::Histogram,
        });
        metrics.0.append(&mut own.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Gates(AtomicU64);

    impl Collector for Gates {
        fn collect(&self, metrics: &mut Metrics) {
            metrics.gauges("gate_open", "1: it is.", ["gate"], [(["north"], true)]);
            metrics.gauge("gates", "Gates now.", 1_usize);
            metrics.counter("gates_built", "Gates that were built.", &self.0);
        }
    }

    #[test]
    fn several_are_in_the_order_of_their_kinds_and_else_as_they_come() {
        let gates = || Arc::new(Gates(AtomicU64::new(3))) as Arc<dyn Collector>;
        let mut metrics = Metrics::default();
        ByKind(vec![gates(), gates()]).collect(&mut metrics);
        let names: Vec<_> = metrics.families().iter().map(|family| family.name).collect();
        assert_eq!(names, ["gates_built", "gates_built", "gates", "gates", "gate_open", "gate_open"]);
        let [built, .., open] = metrics.families() else { panic!("{metrics:?}") };
        assert_eq!(built.samples, [Sample { labels: vec![], value: Value::Count(3) }]);
        assert_eq!(open.samples[0].labels, [("gate", "north".to_owned())]);
        assert_eq!(open.samples[0].value, Value::Number(1.0));
    }
}
