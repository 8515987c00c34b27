//! The text of `/metrics` as OTLP has it. It is read, so that there is one list of metrics: what is shown there is sent.

use std::collections::BTreeMap;

use super::wire::{
    Attribute, CUMULATIVE, Gauge, Histogram, HistogramPoint, Metric, Number, Point, Points, Sum, Value,
};

/// Since when counters are counted, and when they were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub start_unix_ns: u64,
    pub unix_ns: u64,
}

/// A metric of the text, with the lines of its samples.
#[derive(Debug, Default)]
struct Family<'a> {
    name: &'a str,
    help: String,
    kind: &'a str,
    unit: &'a str,
    samples: Vec<Sample<'a>>,
}

#[derive(Debug)]
struct Sample<'a> {
    /// What the name has after the family's: `_total`, `_bucket`, …
    suffix: &'a str,
    labels: Vec<(&'a str, String)>,
    value: &'a str,
}

/// All metrics of a text in the OpenMetrics format, as we write it.
pub(super) fn of_text(text: &str, times: Times) -> Vec<Metric> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (Some(what), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            if families.last().is_none_or(|family| family.name != name) {
                families.push(Family { name, ..Family::default() });
            }
            let Some(family) = families.last_mut() else { continue };
            match what {
                "HELP" => family.help = unescaped(rest),
                "TYPE" => family.kind = rest,
                "UNIT" => family.unit = rest,
                _ => {}
            }
        } else if let Some(family) = families.last_mut()
            && let Some(sample) = sample(line, family.name)
        {
            family.samples.push(sample);
        }
    }
    families.into_iter().filter_map(|family| metric(family, times)).collect()
}

/// `name{label="value",…} value`
fn sample<'a>(line: &'a str, family: &str) -> Option<Sample<'a>> {
    let rest = line.strip_prefix(family)?;
    let (suffix, labels, value) = if let Some((suffix, rest)) = rest.split_once('{') {
        let (labels, value) = labels(rest)?;
        (suffix, labels, value)
    } else {
        let (suffix, value) = rest.split_once(' ')?;
        (suffix, Vec::new(), value)
    };
    Some(Sample { suffix, labels, value: value.trim() })
}

/// What stands between the braces, and what follows them.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let mut is_escaped = false;
        let end = quoted.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        })?;
        labels.push((name, unescaped(quoted.get(..end)?)));
        rest = quoted.get(end + 1..)?;
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn unescaped(text: &str) -> String {
    let (mut out, mut chars) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            }),
            c => out.push(c),
        }
    }
    out
}

fn metric(family: Family<'_>, times: Times) -> Option<Metric> {
    let points = |suffix: &str| {
        let samples = family.samples.iter().filter(|sample| sample.suffix == suffix);
        samples.filter_map(|sample| point(sample, times)).collect::<Vec<_>>()
    };
    let points = match family.kind {
        "counter" => {
            Points::Sum(Sum { points: points("_total"), temporality: CUMULATIVE, is_monotonic: true })
        }
        "gauge" => Points::Gauge(Gauge { points: points("") }),
        "histogram" => Points::Histogram(Histogram {
            points: histograms(&family.samples, times),
            temporality: CUMULATIVE,
        }),
        _ => return None,
    };
    let is_empty = match &points {
        Points::Sum(sum) => sum.points.is_empty(),
        Points::Gauge(gauge) => gauge.points.is_empty(),
        Points::Histogram(histogram) => histogram.points.is_empty(),
    };
    // As UCUM has them.
    let unit = match family.unit {
        "seconds" => "s",
        "bytes" => "By",
        unit => unit,
    };
    (!is_empty).then(|| Metric {
        name: family.name.to_owned(),
        description: family.help,
        unit: unit.to_owned(),
        points: Some(points),
    })
}

fn attributes(labels: &[(&str, String)]) -> Vec<Attribute> {
    labels.iter().map(|(name, value)| Attribute::new(*name, Value::Text(value.clone()))).collect()
}

fn point(sample: &Sample<'_>, times: Times) -> Option<Point> {
    let whole = sample.value.parse().map(Number::Int);
    let value = whole.or_else(|_| sample.value.parse().map(Number::Double)).ok()?;
    Some(Point {
        start_unix_ns: times.start_unix_ns,
        unix_ns: times.unix_ns,
        value: Some(value),
        attributes: attributes(&sample.labels),
    })
}

/// One point for each set of labels, of its buckets, sum and count.
fn histograms(samples: &[Sample<'_>], times: Times) -> Vec<HistogramPoint> {
    let mut points: BTreeMap<Vec<(&str, String)>, HistogramPoint> = BTreeMap::new();
    for sample in samples {
        let bound = sample.labels.iter().find(|(name, _)| *name == "le").map(|(_, bound)| bound.as_str());
        let labels: Vec<_> = sample.labels.iter().filter(|(name, _)| *name != "le").cloned().collect();
        let point = points.entry(labels).or_insert_with_key(|labels| HistogramPoint {
            start_unix_ns: times.start_unix_ns,
            unix_ns: times.unix_ns,
            attributes: attributes(labels),
            ..HistogramPoint::default()
        });
        match sample.suffix {
            "_count" => point.count = sample.value.parse().unwrap_or_default(),
            "_sum" => point.sum = sample.value.parse().ok(),
            "_bucket" => {
                // There each bucket has all that is below its bound.
                let below: u64 = point.counts.iter().sum();
                let upto: u64 = sample.value.parse().unwrap_or_default();
                point.counts.push(upto.saturating_sub(below));
                point
                    .bounds
                    .extend(bound.and_then(|bound| bound.parse::<f64>().ok()).filter(|b| b.is_finite()));
            }
            _ => {}
        }
    }
    points.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times { start_unix_ns: 1, unix_ns: 2 };

    #[test]
    fn every_kind_of_metric_is_read_back_as_it_was_written() {
        let text = "# HELP a_frames Frames.\n# TYPE a_frames counter\na_frames_total 3\n\
                    # HELP a_cpu_seconds Time.\n# TYPE a_cpu_seconds counter\n# UNIT a_cpu_seconds seconds\na_cpu_seconds_total 1.5\n\
                    # HELP a_clients Clients \\\\ now.\n# TYPE a_clients gauge\na_clients{stream=\"a \\\"b\\\", {c}\",x=\"\"} 2.0\na_clients{stream=\"d\"} 0.0\n\
                    # HELP a_delay_seconds Delay.\n# TYPE a_delay_seconds histogram\n# UNIT a_delay_seconds seconds\n\
                    a_delay_seconds_sum 4.5\na_delay_seconds_count 6\n\
                    a_delay_seconds_bucket{le=\"0.1\"} 1\na_delay_seconds_bucket{le=\"1.0\"} 4\na_delay_seconds_bucket{le=\"+Inf\"} 6\n\
                    # HELP a_nothing Nothing.\n# TYPE a_nothing counter\n# EOF\n";
        let metrics = of_text(text, TIMES);
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["a_frames", "a_cpu_seconds", "a_clients", "a_delay_seconds"]);
        let Some(Points::Sum(frames)) = &metrics[0].points else { unreachable!("{metrics:?}") };
        assert_eq!((frames.points[0].value.clone(), frames.is_monotonic), (Some(Number::Int(3)), true));
        assert_eq!((metrics[1].unit.as_str(), metrics[2].description.as_str()), ("s", "Clients \\ now."));
        let Some(Points::Gauge(clients)) = &metrics[2].points else { unreachable!("{metrics:?}") };
        assert_eq!(
            clients.points[0].attributes[0],
            Attribute::new("stream", Value::Text("a \"b\", {c}".into()))
        );
        assert_eq!(clients.points[0].value, Some(Number::Double(2.0)));
        assert_eq!(clients.points.len(), 2);
        let Some(Points::Histogram(delay)) = &metrics[3].points else { unreachable!("{metrics:?}") };
        let delay = &delay.points[0];
        assert_eq!((delay.count, delay.sum), (6, Some(4.5)));
        assert_eq!((&delay.counts[..], &delay.bounds[..]), (&[1, 3, 2][..], &[0.1, 1.0][..]));
    }

    #[test]
    fn a_line_that_is_none_is_left_out() {
        for text in ["a 1\n", "# TYPE a gauge\na{x=\"1\n", "# TYPE a gauge\na one\n", "# TYPE a\n", "#"] {
            assert_eq!(of_text(text, TIMES), [], "{text}");
        }
    }
}
