//! The one list of what is in `/metrics`. Each room says there itself what it counts: `impl Collector`.

use std::fmt;
use std::sync::Arc;

use sightwire_base::disk::DiskMetrics;
use sightwire_base::metrics::{ByKind, Collector, Metrics, collect_all};
use sightwire_jobs::service::Service;
use sightwire_listen::host::Hosts;
use sightwire_listen::tls::Handshakes;
use sightwire_live::metrics::{PullMetrics, StreamMetrics};
use sightwire_remote::detector::KserveDetector;
use sightwire_remote::networks::KserveNetworks;
use sightwire_telemetry::logging::LogMetrics;
use sightwire_telemetry::otlp::logs::Events;
use sightwire_telemetry::process::ProcessMetrics;
use sightwire_telemetry::prometheus;
use sightwire_tls::Certificates;

use super::{Observed, Observer};
use crate::reload::Reload;

/// What else counts, beside the parts that are looked at.
#[derive(Debug)]
pub struct Sources {
    pub observer: Arc<Observer>,
    pub reload: Arc<Reload>,
    pub socketio: Arc<dyn Collector>,
    pub hosts: Arc<Hosts>,
    pub handshakes: Arc<Handshakes>,
    pub certificates: Option<Arc<Certificates>>,
    pub inference: Arc<dyn Collector>,
    /// Has networks run elsewhere.
    pub networks: Option<Arc<KserveNetworks>>,
    /// Has objects found elsewhere.
    pub detector: Option<Arc<KserveDetector>>,
    /// Batches that workers read.
    pub batches: Option<Arc<Service>>,
}

/// All that is counted.
#[derive(Debug)]
pub struct Collectors(Vec<Arc<dyn Collector>>);

impl Collectors {
    /// In the order in which it is shown.
    pub fn new(sources: Sources) -> Arc<Self> {
        let Sources { observer, reload, socketio, hosts, handshakes, certificates, .. } = sources;
        let Observed { engine, recognizer, streams, relay, reader, listening, sessions, memory } =
            observer.parts.clone();
        let of_clients: Vec<Arc<dyn Collector>> = vec![
            recognizer,
            engine,
            socketio,
            Arc::new(StreamMetrics::new(streams.clone(), relay)),
            listening.clone(),
            sessions,
            hosts,
            handshakes,
            reader.display.decoding.clone(),
        ];
        let mut of_process: Vec<Arc<dyn Collector>> = vec![
            Arc::new(LogMetrics),
            Arc::new(DiskMetrics),
            observer.life.clone(),
            reload,
            observer,
            Arc::new(ProcessMetrics),
        ];
        of_process.extend(certificates.map(|one| one as Arc<dyn Collector>));
        let mut all: Vec<Arc<dyn Collector>> = vec![
            Arc::new(ByKind(of_clients)),
            Arc::new(ByKind(of_process)),
            memory,
            listening.limited.clone(),
            Events::of_process().clone(),
        ];
        if let Some(cluster) = streams.cluster() {
            all.extend([cluster as Arc<dyn Collector>, Arc::new(PullMetrics(streams.clone()))]);
        }
        all.extend(sources.batches.map(|one| one as Arc<dyn Collector>));
        all.push(sources.inference);
        all.extend(sources.networks.map(|one| one as Arc<dyn Collector>));
        all.extend(sources.detector.map(|one| one as Arc<dyn Collector>));
        all.push(reader);
        Arc::new(Self(all))
    }

    /// All values, now.
    pub fn collect(&self) -> Metrics {
        collect_all(&self.0)
    }

    /// The text of `/metrics`.
    pub fn render_text(&self) -> Result<String, fmt::Error> {
        prometheus::encode_metrics(self.collect())
    }
}

impl Collector for Observer {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter(
            "page_errors",
            "Errors of pages in browsers that they have told the server.",
            self.page_errors(),
        );
        metrics.gauge(
            "ready",
            "1: it takes clients; 0: /readyz says why not.",
            self.unready_reason().is_none(),
        );
    }
}
