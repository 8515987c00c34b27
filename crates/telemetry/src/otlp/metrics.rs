//! Metrics as OTLP has them: the same families, with the same names, as `/metrics`.

use sightwire_base::histogram::HistogramSnapshot;
use sightwire_base::metrics::{Family, Kind, Metrics, Sample, Unit, Value};

use super::wire::{
    self, Attribute, CUMULATIVE, Gauge, Histogram, HistogramPoint, Metric, Number, Point, Points, Sum,
};
use crate::prometheus::{PREFIX, bounds_s};

/// Since when counters are counted, and when they were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub start_unix_ns: u64,
    pub unix_ns: u64,
}

/// All families that have a value now.
pub(super) fn convert_metrics(metrics: &Metrics, times: Times) -> Vec<Metric> {
    let families = metrics.families().iter().filter(|family| !family.samples.is_empty());
    families.map(|family| convert_family(family, times)).collect()
}

fn convert_family(family: &Family, times: Times) -> Metric {
    // In the name as OpenMetrics has them, in the field as UCUM does.
    let (suffix, unit) = match family.unit {
        Some(Unit::Seconds) => ("_seconds", "s"),
        Some(Unit::Bytes) => ("_bytes", "By"),
        None => ("", ""),
    };
    let numbers = || family.samples.iter().filter_map(|sample| convert_number(sample, times)).collect();
    let points = match family.kind {
        Kind::Counter => Points::Sum(Sum { points: numbers(), temporality: CUMULATIVE, is_monotonic: true }),
        Kind::Gauge => Points::Gauge(Gauge { points: numbers() }),
        Kind::Histogram => {
            let points = family.samples.iter().filter_map(|sample| convert_durations(sample, times));
            Points::Histogram(Histogram { points: points.collect(), temporality: CUMULATIVE })
        }
    };
    Metric {
        name: format!("{PREFIX}_{}{suffix}", family.name),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        points: Some(points),
    }
}

fn sample_attributes(sample: &Sample) -> Vec<Attribute> {
    let labels = sample.labels.iter();
    labels.map(|(name, value)| Attribute::new(*name, wire::Value::Text(value.clone()))).collect()
}

fn convert_number(sample: &Sample, times: Times) -> Option<Point> {
    let value = match sample.value {
        Value::Count(count) => Number::Int(i64::try_from(count).unwrap_or(i64::MAX)),
        Value::Number(number) => Number::Double(number),
        Value::Durations(_) => return None,
    };
    Some(Point {
        start_unix_ns: times.start_unix_ns,
        unix_ns: times.unix_ns,
        value: Some(value),
        attributes: sample_attributes(sample),
    })
}

fn convert_durations(sample: &Sample, times: Times) -> Option<HistogramPoint> {
    let Value::Durations(durations @ HistogramSnapshot { counts, sum_us }) = &sample.value else {
        return None;
    };
    Some(HistogramPoint {
        start_unix_ns: times.start_unix_ns,
        unix_ns: times.unix_ns,
        count: durations.count(),
        sum: Some(*sum_us as f64 / 1e6),
        counts: counts.to_vec(),
        bounds: bounds_s().collect(),
        attributes: sample_attributes(sample),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sightwire_base::histogram;

    use super::*;

    const TIMES: Times = Times { start_unix_ns: 1, unix_ns: 2 };

    #[test]
    fn every_kind_of_metric_is_sent_under_the_name_that_it_is_shown_with() {
        let mut metrics = Metrics::default();
        metrics.counter("frames", "Frames.", 3_u64);
        metrics.counter_of_seconds("cpu", "Time.", 1.5);
        metrics.gauges(
            "clients",
            "Clients now.",
            ["stream", "x"],
            [(["a \"b\"", ""], 2_u64), (["d", ""], 0)],
        );
        let delays = histogram::Histogram::default();
        for ms in [0, 3, 7000] {
            delays.record(Duration::from_millis(ms));
        }
        metrics.histogram("delay", "Delay.", delays.snapshot());
        metrics.counters::<1, String, u64>("nothing", "Nothing.", ["stream"], []);
        let metrics = convert_metrics(&metrics, TIMES);
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(
            names,
            ["sightwire_frames", "sightwire_cpu_seconds", "sightwire_clients", "sightwire_delay_seconds"]
        );
        let Some(Points::Sum(frames)) = &metrics[0].points else { unreachable!("{metrics:?}") };
        assert_eq!((frames.points[0].value.clone(), frames.is_monotonic), (Some(Number::Int(3)), true));
        assert_eq!((metrics[1].unit.as_str(), metrics[2].description.as_str()), ("s", "Clients now."));
        let Some(Points::Gauge(clients)) = &metrics[2].points else { unreachable!("{metrics:?}") };
        assert_eq!(
            clients.points[0].attributes[0],
            Attribute::new("stream", wire::Value::Text("a \"b\"".into()))
        );
        assert_eq!(clients.points[0].value, Some(Number::Double(2.0)));
        assert_eq!(clients.points.len(), 2);
        let Some(Points::Histogram(delay)) = &metrics[3].points else { unreachable!("{metrics:?}") };
        let delay = &delay.points[0];
        assert_eq!((delay.count, delay.sum), (3, Some(7.003)));
        assert_eq!(delay.counts.len(), delay.bounds.len() + 1, "the last has no bound");
        assert_eq!((delay.counts.first(), delay.counts.last()), (Some(&1), Some(&1)));
        assert_eq!((delay.bounds.first(), delay.bounds.last()), (Some(&0.0001), Some(&5.0)));
    }
}
