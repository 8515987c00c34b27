//! A collector hears what OpenTelemetry's own messages say; and one that does not do its part keeps nobody waiting.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use prost::Message as _;
use sightwire_base::histogram::Histogram;
use sightwire_base::metrics::Metrics;
use sightwire_telemetry::otlp::Exporter;
use sightwire_telemetry::otlp::Otlp;
use sightwire_telemetry::otlp::logs::Events;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

/// As long as it takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn metrics() -> Metrics {
    let (mut metrics, delays) = (Metrics::default(), Histogram::default());
    metrics.counter("frames", "Frames.", 3_u64);
    for ms in [0, 2000, 2500] {
        delays.record(Duration::from_millis(ms));
    }
    metrics.histogram("delay", "Delay.", delays.snapshot());
    metrics
}

/// A request that came.
struct Asked {
    /// Its first line and its headers.
    head: String,
    body: Vec<u8>,
}

fn asked(stream: &mut TcpStream) -> Option<Asked> {
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { head, body })
}

/// A collector that says this to each request: where it is, and what it hears.
fn collector(answer: &'static str) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (hears, heard): (Sender<Asked>, _) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let hears = hears.clone();
            thread::spawn(move || {
                while let Some(request) = asked(&mut stream) {
                    let _ = hears.send(request);
                    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, heard)
}

fn options(endpoint: &str) -> Otlp {
    Otlp {
        endpoint: endpoint.to_owned(),
        headers: vec![("x-key".parse().unwrap(), "s3cret".parse().unwrap())],
        interval: Duration::from_millis(50),
        metrics: true,
        logs: Some(Level::WARN),
    }
}

/// What is logged on this thread goes to an exporter.
fn exporting(options: Otlp) -> (Arc<Events>, Exporter, DefaultGuard) {
    let events = Arc::<Events>::default();
    let exporter = Exporter::with_events(options, events.clone()).unwrap();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(events.layer()));
    (events, exporter, guard)
}

fn heard_at(heard: &Receiver<Asked>, path: &str) -> Asked {
    loop {
        let asked = heard.recv_timeout(PATIENCE).unwrap();
        if asked.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")) {
            return asked;
        }
    }
}

#[test]
fn a_collector_hears_metrics_and_log_lines() {
    let (endpoint, heard) = collector("200 OK");
    let (_events, exporter, _guard) = exporting(options(&endpoint));
    exporter.set_metrics(|| Some(metrics()));
    tracing::warn!(camera = "door", "no picture");

    let asked = heard_at(&heard, "/v1/logs");
    let head = asked.head.to_lowercase();
    assert!(
        head.contains("content-type: application/x-protobuf\r\n") && head.contains("x-key: s3cret\r\n"),
        "{head}"
    );
    let logs = ExportLogsServiceRequest::decode(asked.body.as_slice()).unwrap();
    let of_resource = logs.resource_logs[0].resource.as_ref().unwrap();
    let named = |key: &str| {
        let found = of_resource.attributes.iter().find(|attribute| attribute.key == key).unwrap();
        match found.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::StringValue(text) => text.clone(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(named("service.name"), "sightwire");
    assert_eq!(named("service.version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(named("service.instance.id").len(), 36);
    let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.body.as_ref().unwrap().value, Some(Value::StringValue("no picture".into())));
    assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "WARN"));
    assert!(record.time_unix_nano > 0 && record.observed_time_unix_nano == record.time_unix_nano);
    assert_eq!(record.attributes[0].key, "camera");

    let asked = heard_at(&heard, "/v1/metrics");
    let metrics = ExportMetricsServiceRequest::decode(asked.body.as_slice()).unwrap();
    let metrics = &metrics.resource_metrics[0].scope_metrics[0].metrics;
    let Some(Data::Sum(frames)) = &metrics[0].data else { unreachable!("{metrics:?}") };
    assert!(frames.is_monotonic && frames.aggregation_temporality == 2, "{frames:?}");
    let point = &frames.data_points[0];
    assert_eq!(point.value, Some(number_data_point::Value::AsInt(3)));
    assert!(point.time_unix_nano >= point.start_time_unix_nano && point.start_time_unix_nano > 0);
    assert_eq!((metrics[1].name.as_str(), metrics[1].unit.as_str()), ("sightwire_delay_seconds", "s"));
    let Some(Data::Histogram(delay)) = &metrics[1].data else { unreachable!("{metrics:?}") };
    let point = &delay.data_points[0];
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!((point.bucket_counts[0], point.explicit_bounds[0]), (1, 0.0001));
    assert_eq!((point.count, point.sum), (3, Some(4.5)));
}

#[test]
fn what_is_logged_last_is_heard_at_the_end() {
    let (endpoint, heard) = collector("200 OK");
    let long = Otlp { interval: Duration::from_secs(3600), ..options(&endpoint) };
    let (_events, exporter, _guard) = exporting(long);
    tracing::error!("the last words");
    drop(exporter);
    let logs = ExportLogsServiceRequest::decode(heard_at(&heard, "/v1/logs").body.as_slice()).unwrap();
    assert_eq!(logs.resource_logs[0].scope_logs[0].log_records.len(), 1);
}

#[test]
fn many_lines_are_not_kept_waiting() {
    let (endpoint, heard) = collector("200 OK");
    let long = Otlp { interval: Duration::from_secs(3600), ..options(&endpoint) };
    let (_events, _exporter, _guard) = exporting(long);
    (0..300).for_each(|n| tracing::warn!("{n}"));
    heard_at(&heard, "/v1/logs");
}

#[test]
fn a_collector_that_hangs_slows_nothing_and_holds_no_more_than_its_share() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let (events, exporter, _guard) = exporting(options(&endpoint));
    tracing::warn!("the first");
    let _held = silent.accept().unwrap();
    let long = "x".repeat(10_000);
    // Far more lines than may wait: the code that logs them waits for none.
    (0..20_000).for_each(|n| tracing::warn!(long, "{n}"));
    let dropped = events.dropped();
    assert!((19_000..20_000).contains(&dropped), "{dropped}");
    let begun = Instant::now();
    drop(exporter);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "it was to give up after a second: {took:?}");
}

/// All that is logged in this process, by any code.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_collector_that_takes_nothing_is_told_of_in_one_line_with_its_address_and_the_reason() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (endpoint, heard) = collector("429 Too Many Requests");
    let begun = Instant::now();
    let events = Arc::<Events>::default();
    let exporter = Exporter::with_events(options(&endpoint), events.clone()).unwrap();
    exporter.set_metrics(|| Some(metrics()));
    for _ in 0..3 {
        heard_at(&heard, "/v1/metrics");
    }
    drop(exporter);
    assert!(events.failures() >= 2, "each of those that were answered is counted");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("otlp.endpoint")).collect();
    // Once in ten seconds, on a machine however slow.
    assert!((1..=1 + begun.elapsed().as_secs() as usize / 10).contains(&lines.len()), "{log}");
    for part in [endpoint.as_str(), "WARN", "did not take metrics: it answers 429 Too Many Requests"] {
        assert!(lines[0].contains(part), "{part}: {log}");
    }
    assert!(!log.contains("s3cret"));
}

#[test]
fn lines_that_are_not_taken_now_are_sent_again_and_those_that_never_are_are_dropped() {
    let (endpoint, heard) = collector("503 Service Unavailable");
    let (events, _exporter, _guard) = exporting(options(&endpoint));
    tracing::warn!("again");
    let first = heard_at(&heard, "/v1/logs").body;
    assert_eq!(heard_at(&heard, "/v1/logs").body, first);
    assert_eq!(events.dropped(), 0);

    let (endpoint, heard) = collector("401 Unauthorized");
    let (events, exporter, _guard) = exporting(options(&endpoint));
    tracing::warn!("never");
    heard_at(&heard, "/v1/logs");
    drop(exporter);
    assert_eq!(events.dropped(), 1);
}

#[test]
fn only_what_is_wanted_is_sent() {
    let (endpoint, heard) = collector("200 OK");
    let logs_alone = Otlp { metrics: false, ..options(&endpoint) };
    let (_events, exporter, _guard) = exporting(logs_alone);
    exporter.set_metrics(|| Some(metrics()));
    tracing::warn!("one");
    heard_at(&heard, "/v1/logs");
    tracing::warn!("two");
    drop(exporter);
    assert!(heard.try_iter().all(|asked| asked.head.starts_with("POST /v1/logs ")));
}
