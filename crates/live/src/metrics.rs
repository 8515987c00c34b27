//! What streams and their viewers count, for `/metrics`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use sightwire_base::metrics::{Collector, Metrics};
use sightwire_hub::stream::{Condition, Counters};

use crate::Streams;
use crate::relay::Relay;
use crate::upstream::Upstream;

/// Of cameras and of what is sent, in sum and by stream.
#[derive(Debug)]
pub struct StreamMetrics {
    streams: Arc<Streams>,
    relay: Arc<Relay>,
}

/// Of the streams that come from other processes.
#[derive(Debug)]
pub struct PullMetrics(pub Arc<Streams>);

impl StreamMetrics {
    /// Reads the numbers of these streams and this relay.
    pub fn new(streams: Arc<Streams>, relay: Arc<Relay>) -> Self {
        Self { streams, relay }
    }

    fn collect_cameras(&self, metrics: &mut Metrics) {
        let viewers = &self.streams.viewers;
        metrics.counter(
            "camera_viewers_admitted",
            "Viewers of cameras admitted.",
            viewers.admitted_counts().cameras,
        );
        metrics.counter(
            "camera_viewers_refused",
            "Viewers of cameras refused: too many at once.",
            viewers.refused_counts().cameras,
        );
        metrics.counter(
            "camera_requests_refused",
            "Requests for cameras refused because of a limit.",
            self.streams.refused_count(),
        );
        metrics.counter(
            "camera_unreachable",
            "Viewers that got nothing, because their camera gave no picture.",
            self.streams.unreachable_count(),
        );
        let [_, bytes, _] = self.streams.totals.delivered.cameras.counts();
        metrics.counter("camera_delivered_bytes", "Bytes of pictures given to viewers.", bytes);
        metrics.gauge(
            "camera_upstreams",
            "Cameras that are being read now.",
            self.streams.open_cameras().iter().sum::<usize>(),
        );
        metrics.gauge("camera_viewers", "Viewers of cameras now.", viewers.current_counts().cameras);
    }

    fn collect_relay(&self, metrics: &mut Metrics) {
        let viewers = &self.streams.viewers;
        metrics.counter(
            "relay_viewers_admitted",
            "Viewers of the relay admitted.",
            viewers.admitted_counts().relay,
        );
        metrics.counter(
            "relay_viewers_refused",
            "Viewers of the relay refused: too many at once.",
            viewers.refused_counts().relay,
        );
        let [senders_refused, ended, dead] = self.relay.counts();
        metrics.counter(
            "relay_viewers_dead",
            "Viewers of the relay closed because they took nothing or gave no sign of life.",
            dead,
        );
        metrics.counter(
            "relay_senders_refused",
            "Senders refused: the stream is live, too many, or its name.",
            senders_refused,
        );
        metrics.counter("relay_streams_ended", "Streams that were sent and have ended.", ended);
        let sent = &self.streams.totals.sent;
        metrics.counter("relay_pictures", "Pictures that senders sent.", &sent.pictures);
        metrics.counter("relay_received_bytes", "Their bytes, as they came.", &sent.bytes);
        metrics.counter("relay_bad_messages", "Messages of senders that should have been frames.", &sent.bad);
        metrics.counter("relay_dropped", "Pictures of senders over relay.max_fps.", &sent.dropped);
        let [delivered, bytes, missed] = self.streams.totals.delivered.sent.counts();
        metrics.counter("relay_delivered", "Pictures of senders given to viewers.", delivered);
        metrics.counter("relay_delivered_bytes", "Their bytes.", bytes);
        metrics.counter("relay_missed", "Pictures of senders that a viewer was too slow for.", missed);
        metrics.gauge("relay_streams", "Streams that are sent now.", self.relay.senders().len());
        metrics.gauge("relay_viewers", "Viewers of the relay now.", viewers.current_counts().relay);
    }

    /// Cameras that are being read, and streams that are sent, by their id. There are never more of them than
    /// `cameras.max_upstreams` and `relay.max_streams`.
    fn collect_each(&self, metrics: &mut Metrics) {
        let upstreams = self.streams.upstreams();
        let mut counter = |name, help, count: fn(&Counters) -> u64| {
            let samples =
                upstreams.iter().map(|upstream| (stream_labels(upstream), count(upstream.stream.counters())));
            metrics.counters(name, help, ["stream"], samples);
        };
        counter("stream_pictures", "Pictures that came.", |c| c.pictures.load(Relaxed));
        counter("stream_received_bytes", "Bytes of pictures that came.", |c| c.bytes.load(Relaxed));
        counter("stream_delivered", "Pictures given to viewers.", |c| c.delivered.counts()[0]);
        counter("stream_missed", "Pictures that a viewer was too slow for.", |c| c.delivered.counts()[2]);
        counter("stream_broken", "Pictures of the source that were not whole.", |c| c.broken.load(Relaxed));
        counter("stream_skipped_bytes", "Bytes of the source that belong to no picture.", |c| {
            c.skipped_bytes.load(Relaxed)
        });
        counter("stream_wrong_lengths", "Lengths that the source said and that were wrong.", |c| {
            c.wrong_lengths.load(Relaxed)
        });
        counter("stream_connects", "Connections to the source that were made or tried.", |c| {
            c.connects.load(Relaxed)
        });
        metrics.gauges(
            "stream_running",
            "1: pictures come; 0: it is starting, has stalled, or is frozen.",
            ["stream"],
            upstreams.iter().map(|upstream| {
                (stream_labels(upstream), upstream.stream.state().condition == Condition::Running)
            }),
        );
        let senders = self.relay.senders();
        metrics.counters(
            "stream_bad",
            "Messages of a sender that should have been frames.",
            ["stream"],
            senders.iter().map(|sender| ([&*sender.id], &sender.bad)),
        );
    }
}

impl Collector for StreamMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        self.collect_cameras(metrics);
        self.collect_relay(metrics);
        metrics.gauge("camera_analyses", "Analyses of cameras now.", self.streams.analyses().len());
        metrics.gauge("camera_views", "Views of cameras now.", self.streams.view_count());
        self.collect_each(metrics);
        let totals = &self.streams.totals;
        metrics.histogram(
            "stream_delivered_age",
            "From a picture's last byte to when a viewer took it.",
            totals.delivered.cameras.ages(),
        );
        metrics.histogram(
            "stream_inferred_age",
            "From a picture's last byte to when its objects were known.",
            totals.inferred_age.snapshot(),
        );
        metrics.histogram(
            "relay_delivered_age",
            "From a picture's last byte to when a viewer of a stream that is sent took it.",
            totals.delivered.sent.ages(),
        );
    }
}

/// A stream by its id.
fn stream_labels(upstream: &Upstream) -> [String; 1] {
    [upstream.stream.id().to_string()]
}

impl Collector for PullMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        let pulled = self.0.pulled_streams().len();
        metrics.gauge("cluster_pulls", "Streams that come from other processes now.", pulled);
    }
}
