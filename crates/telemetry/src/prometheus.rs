//! `/metrics`, in the OpenMetrics text format.

use std::iter;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{self, Registry};
use sightwire_base::histogram::{BOUNDS_MS, HistogramSnapshot};
use sightwire_base::metrics::{Family, Kind, Metrics, Sample, Unit, Value};

/// Stands before each name, here and where a collector gets them.
pub(crate) const PREFIX: &str = "sightwire";

/// Writes the families down in their order.
pub fn encode_metrics(metrics: Metrics) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Written(metrics)));
    let mut out = String::with_capacity(8192);
    text::encode(&mut out, &registry)?;
    Ok(out)
}

/// In seconds; the last one has no bound, and takes what is longer than the others.
pub(crate) fn bounds_s() -> impl Iterator<Item = f64> {
    BOUNDS_MS.iter().map(|ms| ms / 1e3)
}

#[derive(Debug)]
struct Written(Metrics);

impl Collector for Written {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.families().iter().try_for_each(|family| encode_family(family, &mut encoder))
    }
}

fn encode_family(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let unit = family.unit.map(|unit| match unit {
        Unit::Seconds => registry::Unit::Seconds,
        Unit::Bytes => registry::Unit::Bytes,
    });
    let kind = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    let mut encoder = encoder.encode_descriptor(family.name, family.help, unit.as_ref(), kind)?;
    if let [Sample { labels, value }] = family.samples.as_slice()
        && labels.is_empty()
    {
        return encode_value(family.kind, value, encoder);
    }
    for Sample { labels, value } in &family.samples {
        encode_value(family.kind, value, encoder.encode_family(labels)?)?;
    }
    Ok(())
}

fn encode_value(kind: Kind, value: &Value, encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
    match (kind, value) {
        (_, Value::Durations(durations)) => encode_durations(durations, encoder),
        (Kind::Counter, Value::Count(count)) => ConstCounter::new(*count).encode(encoder),
        (Kind::Counter, Value::Number(number)) => ConstCounter::new(*number).encode(encoder),
        (_, Value::Count(count)) => ConstGauge::new(*count as f64).encode(encoder),
        (_, Value::Number(number)) => ConstGauge::new(*number).encode(encoder),
    }
}

fn encode_durations(
    durations: &HistogramSnapshot,
    mut encoder: MetricEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let bounds = bounds_s().chain(iter::once(f64::INFINITY));
    let buckets: Vec<(f64, u64)> = bounds.zip(durations.counts).collect();
    encoder.encode_histogram::<NoLabelSet>(durations.sum_us as f64 / 1e6, durations.count(), &buckets, None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sightwire_base::histogram::Histogram;
    use sightwire_base::metrics::{self, Collector as _};

    use super::*;

    #[derive(Debug)]
    struct Doors(Histogram);

    impl metrics::Collector for Doors {
        fn collect(&self, metrics: &mut Metrics) {
            metrics.counter("doors_opened", "Doors that were opened.", 3_u64);
            metrics.counter_of_seconds("doors_moved", "Time in which one moved.", 1.5);
            metrics.gauge("door_open", "1: it is.", true);
            metrics.gauge_in(Unit::Bytes, "door_memory", "Held.", 7_u64);
            metrics.counters("doors_knocked", "Knocks.", ["door", "by"], [(["a \"b\"", ""], 2_u64)]);
            metrics.gauges::<1, String, bool>("door_stuck", "1: it is.", ["door"], []);
            metrics.histogram("door_wait", "Before one.", self.0.snapshot());
        }
    }

    #[test]
    fn a_room_that_declares_its_metrics_has_them_shown() {
        let waits = Histogram::default();
        waits.record(Duration::from_secs(3600));
        let mut metrics = Metrics::default();
        Doors(waits).collect(&mut metrics);
        let text = encode_metrics(metrics).unwrap();
        let (values, waits) = text.split_once("# HELP sightwire_door_wait_seconds Before one.\n").unwrap();
        assert_eq!(
            values,
            "# HELP sightwire_doors_opened Doors that were opened.\n# TYPE sightwire_doors_opened counter\n\
             sightwire_doors_opened_total 3\n\
             # HELP sightwire_doors_moved_seconds Time in which one moved.\n\
             # TYPE sightwire_doors_moved_seconds counter\n# UNIT sightwire_doors_moved_seconds seconds\n\
             sightwire_doors_moved_seconds_total 1.5\n\
             # HELP sightwire_door_open 1: it is.\n# TYPE sightwire_door_open gauge\nsightwire_door_open 1.0\n\
             # HELP sightwire_door_memory_bytes Held.\n# TYPE sightwire_door_memory_bytes gauge\n\
             # UNIT sightwire_door_memory_bytes bytes\nsightwire_door_memory_bytes 7.0\n\
             # HELP sightwire_doors_knocked Knocks.\n# TYPE sightwire_doors_knocked counter\n\
             sightwire_doors_knocked_total{door=\"a \\\"b\\\"\",by=\"\"} 2\n\
             # HELP sightwire_door_stuck 1: it is.\n# TYPE sightwire_door_stuck gauge\n"
        );
        assert!(waits.contains("sightwire_door_wait_seconds_bucket{le=\"5.0\"} 0\n"), "{waits}");
        assert!(waits.contains("sightwire_door_wait_seconds_bucket{le=\"+Inf\"} 1\n"), "{waits}");
    }
}
