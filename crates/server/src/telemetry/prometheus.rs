//! `/metrics`, in the OpenMetrics text format.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use sightwire_infer::clip::service::ServiceStats;
use sightwire_infer::histogram::{BOUNDS_MS, HistogramSnapshot};

use super::Telemetry;

/// Reads all counters and writes them down.
pub fn encode(telemetry: &Arc<Telemetry>) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("sightwire");
    registry.register_collector(Box::new(Everything(telemetry.clone())));
    let mut out = String::with_capacity(8192);
    text::encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Everything(Arc<Telemetry>);

impl Collector for Everything {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let stats = self.0.recognizer.stats();
        self.counters(&mut encoder, &stats)?;
        self.gauges(&mut encoder, &stats)?;
        for (name, help, value) in [
            ("recognizer_delay", "Arrival of a window's newest frame to its prediction.", &stats.delay),
            ("recognizer_decode", "Decoding and resizing of a frame.", &stats.decode),
            ("recognizer_infer", "Running the model on a frame.", &stats.infer),
        ] {
            histogram(&mut encoder, name, help, value)?;
        }
        Ok(())
    }
}

impl Everything {
    fn counters(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        stats: &ServiceStats,
    ) -> Result<(), std::fmt::Error> {
        let telemetry = &self.0;
        let (admitted, refused) = telemetry.recognizer.admissions();
        let socketio = &telemetry.socketio;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);

        for (name, help, value) in [
            ("recognizer_clients_admitted", "Clients admitted.", admitted),
            ("recognizer_clients_refused", "Clients refused at capacity.", refused),
            ("recognizer_frames", "Valid frames received while a model was there.", stats.frames),
            ("recognizer_frames_analysed", "Frames decoded and run through the model.", stats.analysed),
            (
                "recognizer_frames_skipped",
                "Frames not analysed: not their client's turn (past capacity).",
                stats.skipped,
            ),
            (
                "recognizer_frames_excess",
                "Frames not analysed: their client sends too many a second.",
                stats.excess,
            ),
            (
                "recognizer_frames_broken",
                "Frames with a valid header that could not be decoded.",
                stats.broken,
            ),
            ("recognizer_predictions", "Predictions made.", stats.predictions),
            ("recognizer_failures", "Runs of the model that failed.", stats.failed),
            ("socketio_replies", "Replies to frames.", get(&socketio.replies)),
            (
                "socketio_messages_dropped",
                "Messages that a client did not take in time.",
                get(&socketio.dropped),
            ),
            (
                "socketio_frames_invalid",
                "Frames that were not valid and got no reply.",
                get(&socketio.invalid),
            ),
            ("connections_accepted", "Connections accepted.", telemetry.listening.accepted()),
            ("connections_refused", "Connections refused: too many at once.", telemetry.listening.refused()),
        ] {
            ConstCounter::new(value).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)?;
        }
        let cpu_seconds = super::process::usage().cpu_seconds;
        let cpu = encoder.encode_descriptor(
            "process_cpu",
            "User and system time.",
            Some(&Unit::Seconds),
            MetricType::Counter,
        )?;
        ConstCounter::new(cpu_seconds).encode(cpu)
    }

    fn gauges(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        stats: &ServiceStats,
    ) -> Result<(), std::fmt::Error> {
        let telemetry = &self.0;
        let process = super::process::usage();
        for (name, help, value) in [
            ("recognizer_clients", "Clients now.", telemetry.recognizer.clients() as f64),
            ("recognizer_clients_max", "Clients at most.", telemetry.recognizer.max_clients() as f64),
            (
                "recognizer_clients_running",
                "Clients whose frames are being analysed now.",
                stats.running as f64,
            ),
            ("recognizer_frames_pending", "Frames that wait for a worker now.", stats.pending as f64),
            (
                "recognizer_capacity_fps",
                "Frames a second that can be analysed, as measured.",
                f64::from(stats.capacity_fps),
            ),
            (
                "recognizer_workers_with_sessions",
                "Workers that hold sessions of the model now.",
                stats.workers_with_sessions as f64,
            ),
            ("connections", "Connections now.", telemetry.listening.open() as f64),
            ("process_threads", "Threads.", process.threads as f64),
        ] {
            ConstGauge::new(value).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Gauge,
            )?)?;
        }
        let memory = encoder.encode_descriptor(
            "process_memory",
            "Resident memory.",
            Some(&Unit::Bytes),
            MetricType::Gauge,
        )?;
        ConstGauge::new(process.memory_bytes as f64).encode(memory)?;
        Ok(())
    }
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    snapshot: &HistogramSnapshot,
) -> Result<(), std::fmt::Error> {
    let buckets: Vec<(f64, u64)> =
        BOUNDS_MS.iter().map(|ms| ms / 1e3).chain(std::iter::once(f64::MAX)).zip(snapshot.counts).collect();
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(snapshot.sum_us as f64 / 1e6, snapshot.count(), &buckets, None)
}
