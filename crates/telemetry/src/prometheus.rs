//! `/metrics`, in the OpenMetrics text format.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use sightwire_hub::stream::{Condition, Counters as StreamCounters};
use sightwire_infer::sender::ServiceStats;
use sightwire_live::upstream::Upstream;
use sightwire_measure::histogram::{BOUNDS_MS, HistogramSnapshot};

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
        self.streams(&mut encoder)?;
        super::own::encode(&self.0, &mut encoder)?;
        super::limits::encode(&self.0, &mut encoder)?;
        super::cluster::encode(&self.0, &mut encoder)?;
        super::cluster::batches(&self.0, &mut encoder)?;
        super::inference::encode(&self.0, &mut encoder)?;
        super::reading::encode(&self.0.reader, &mut encoder)
    }
}

/// Name of the metric, help text, and how it is read.
type StreamCounter = (&'static str, &'static str, fn(&StreamCounters) -> u64);

/// Counters of a stream.
const STREAM_COUNTERS: [StreamCounter; 8] = [
    ("stream_pictures", "Pictures that came.", |c| c.pictures.load(Ordering::Relaxed)),
    ("stream_received_bytes", "Bytes of pictures that came.", |c| c.bytes.load(Ordering::Relaxed)),
    ("stream_delivered", "Pictures given to viewers.", |c| c.delivered.counts()[0]),
    ("stream_missed", "Pictures that a viewer was too slow for.", |c| c.delivered.counts()[2]),
    ("stream_broken", "Pictures of the source that were not whole.", |c| c.broken.load(Ordering::Relaxed)),
    ("stream_skipped_bytes", "Bytes of the source that belong to no picture.", |c| {
        c.skipped_bytes.load(Ordering::Relaxed)
    }),
    ("stream_wrong_lengths", "Lengths that the source said and that were wrong.", |c| {
        c.wrong_lengths.load(Ordering::Relaxed)
    }),
    ("stream_connects", "Connections to the source that were made or tried.", |c| {
        c.connects.load(Ordering::Relaxed)
    }),
];

impl Everything {
    /// Cameras that are being read, and streams that are sent, by their id. There are never more of them than
    /// `cameras.max_upstreams` and `relay.max_streams`.
    fn streams(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let streams = &self.0.streams;
        let upstreams = streams.upstreams();
        let label = |upstream: &Upstream| [("stream", upstream.stream.id().to_string())];
        for (name, help, count) in STREAM_COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for upstream in &upstreams {
                let labels = label(upstream);
                let one = family.encode_family(&labels)?;
                ConstCounter::new(count(upstream.stream.counters())).encode(one)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "stream_running",
            "1: pictures come; 0: it is starting, has stalled, or is frozen.",
            None,
            MetricType::Gauge,
        )?;
        for upstream in &upstreams {
            let running = upstream.stream.state().condition == Condition::Running;
            let labels = label(upstream);
            ConstGauge::new(f64::from(u8::from(running))).encode(family.encode_family(&labels)?)?;
        }
        let help = "Messages of a sender that should have been frames.";
        let mut family = encoder.encode_descriptor("stream_bad", help, None, MetricType::Counter)?;
        for sender in self.0.relay.senders() {
            let labels = [("stream", sender.id.to_string())];
            let bad = sender.bad.load(Ordering::Relaxed);
            ConstCounter::new(bad).encode(family.encode_family(&labels)?)?;
        }
        let totals = &streams.totals;
        let (delivered, inferred) = (&totals.delivered, totals.inferred_age.snapshot());
        let help = "From a picture's last byte to when a viewer took it.";
        histogram(encoder, "stream_delivered_age", help, &delivered.cameras.ages())?;
        let help = "From a picture's last byte to when its objects were known.";
        histogram(encoder, "stream_inferred_age", help, &inferred)?;
        let help = "From a picture's last byte to when a viewer of a stream that is sent took it.";
        histogram(encoder, "relay_delivered_age", help, &delivered.sent.ages())
    }

    fn counters(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        stats: &ServiceStats,
    ) -> Result<(), std::fmt::Error> {
        let telemetry = &self.0;
        let (admitted, refused) = telemetry.recognizer.admissions();
        let [replies, dropped, invalid] = telemetry.transports.socketio();
        let [handshakes, no_handshakes] = telemetry.transports.handshakes();
        let viewers = &telemetry.streams.viewers;
        let (viewers_admitted, viewers_refused) = (viewers.admitted().cameras, viewers.refused().cameras);
        let totals = &telemetry.streams.totals;
        let ([_, delivered_bytes, _], cameras_refused) =
            (totals.delivered.cameras.counts(), telemetry.streams.refused());
        let connections = telemetry.connections();
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (relay, [relay_delivered, relay_bytes, relay_missed]) =
            (&totals.sent, totals.delivered.sent.counts());
        let [senders_refused, streams_ended, dead] = telemetry.relay.counts();

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
            (
                "recognizer_model_switches",
                "Times that another model took the place of the one in use.",
                telemetry.recognizer.switches(),
            ),
            ("recognizer_failures", "Runs of the model that failed.", stats.failed),
            ("socketio_replies", "Replies to frames.", replies),
            ("socketio_messages_dropped", "Messages that a client did not take in time.", dropped),
            ("socketio_frames_invalid", "Frames that were not valid and got no reply.", invalid),
            ("camera_viewers_admitted", "Viewers of cameras admitted.", viewers_admitted),
            ("camera_viewers_refused", "Viewers of cameras refused: too many at once.", viewers_refused),
            ("camera_requests_refused", "Requests for cameras refused because of a limit.", cameras_refused),
            (
                "camera_unreachable",
                "Viewers that got nothing, because their camera gave no picture.",
                telemetry.streams.unreachable(),
            ),
            ("camera_delivered_bytes", "Bytes of pictures given to viewers.", delivered_bytes),
            ("relay_viewers_admitted", "Viewers of the relay admitted.", viewers.admitted().relay),
            (
                "relay_viewers_refused",
                "Viewers of the relay refused: too many at once.",
                viewers.refused().relay,
            ),
            (
                "relay_viewers_dead",
                "Viewers of the relay closed because they took nothing or gave no sign of life.",
                dead,
            ),
            (
                "relay_senders_refused",
                "Senders refused: the stream is live, too many, or its name.",
                senders_refused,
            ),
            ("relay_streams_ended", "Streams that were sent and have ended.", streams_ended),
            ("relay_pictures", "Pictures that senders sent.", get(&relay.pictures)),
            ("relay_received_bytes", "Their bytes, as they came.", get(&relay.bytes)),
            ("relay_bad_messages", "Messages of senders that should have been frames.", get(&relay.bad)),
            ("relay_dropped", "Pictures of senders over relay.max_fps.", get(&relay.dropped)),
            ("relay_delivered", "Pictures of senders given to viewers.", relay_delivered),
            ("relay_delivered_bytes", "Their bytes.", relay_bytes),
            ("relay_missed", "Pictures of senders that a viewer was too slow for.", relay_missed),
            ("connections_accepted", "Connections accepted.", telemetry.listening.accepted()),
            ("connections_refused", "Connections refused: too many at once.", telemetry.listening.refused()),
            ("accept_failures", "Failed attempts to accept a connection.", connections.accept_failures),
            (
                "receive_given_up",
                "Messages and bodies given up while they arrived: server.receive_memory_mb was used up.",
                connections.given_up,
            ),
            (
                "receive_timeouts",
                "Messages and bodies that did not arrive whole in time.",
                connections.timed_out,
            ),
            (
                "socketio_messages_refused",
                "Messages not sent because too much waited for the client, or for all.",
                telemetry.listening.outboxes.refused(),
            ),
            (
                "socketio_sessions_evicted",
                "Polling sessions without a poll that were removed because there were too many.",
                telemetry.transports.evicted_sessions() as u64,
            ),
            (
                "http_hosts_refused",
                "Requests refused with 421: for a host that this server does not answer for.",
                telemetry.transports.foreign_hosts(),
            ),
            ("tls_handshakes", "TLS handshakes done.", handshakes),
            ("tls_handshakes_failed", "TLS handshakes that failed, or were not done in time.", no_handshakes),
        ] {
            ConstCounter::new(value).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)?;
        }
        Ok(())
    }

    fn gauges(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        stats: &ServiceStats,
    ) -> Result<(), std::fmt::Error> {
        let telemetry = &self.0;
        let connections = telemetry.connections();
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
                "recognizer_longest_wait_seconds",
                "How long the client that has waited longest for its turn has waited.",
                stats.longest_wait.as_secs_f64(),
            ),
            (
                "recognizer_workers_with_sessions",
                "Workers that hold sessions of the model now.",
                stats.workers_with_sessions as f64,
            ),
            (
                "engine_ways_given_up",
                "Ways of running networks (provider and precision) that failed when they were tried on this machine.",
                telemetry.engine.given_up().len() as f64,
            ),
            (
                "camera_upstreams",
                "Cameras that are being read now.",
                telemetry.streams.open_cameras().iter().sum::<usize>() as f64,
            ),
            ("camera_viewers", "Viewers of cameras now.", telemetry.streams.viewers.now().cameras as f64),
            ("relay_streams", "Streams that are sent now.", telemetry.relay.senders().len() as f64),
            ("relay_viewers", "Viewers of the relay now.", telemetry.streams.viewers.now().relay as f64),
            ("camera_analyses", "Analyses of cameras now.", telemetry.streams.analyses().len() as f64),
            ("camera_views", "Views of cameras now.", telemetry.streams.views() as f64),
            ("connections", "Connections now.", telemetry.listening.open() as f64),
            (
                "receive_held_bytes",
                "Bytes held of messages and bodies that are not whole.",
                connections.receiving_bytes as f64,
            ),
            (
                "socketio_waiting_bytes",
                "Bytes of messages that wait to be sent.",
                connections.sending_bytes as f64,
            ),
            (
                "socketio_polling_sessions",
                "Sessions without a WebSocket now.",
                connections.polling_sessions as f64,
            ),
            (
                "decoding_bytes",
                "Memory taken by single pictures that are decoded and worked on.",
                connections.decoding_bytes as f64,
            ),
        ] {
            ConstGauge::new(value).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

pub(super) fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    snapshot: &HistogramSnapshot,
) -> Result<(), std::fmt::Error> {
    let buckets: Vec<(f64, u64)> = BOUNDS_MS
        .iter()
        .map(|ms| ms / 1e3)
        .chain(std::iter::once(f64::INFINITY))
        .zip(snapshot.counts)
        .collect();
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(snapshot.sum_us as f64 / 1e6, snapshot.count(), &buckets, None)
}

#[cfg(test)]
mod tests {
    use sightwire_measure::histogram::Histogram;

    use super::*;

    #[derive(Debug)]
    struct One(Histogram);

    impl Collector for One {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
            histogram(&mut encoder, "delay", "Of something.", &self.0.snapshot())
        }
    }

    #[test]
    fn the_last_bucket_of_a_histogram_has_no_bound() {
        let durations = Histogram::default();
        durations.record(std::time::Duration::from_secs(3600));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(One(durations)));
        let mut out = String::new();
        text::encode(&mut out, &registry).unwrap();
        assert!(out.contains("delay_seconds_bucket{le=\"+Inf\"} 1\n"), "{out}");
    }
}
