//! This process among others: in `/api/v1/status`, and in `/metrics` where it is one of several.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use sightwire_api::cluster::ClusterStatus;
use sightwire_cluster::Cluster;
use sightwire_cluster::cluster::Standing;
use sightwire_jobs::service::Overview;
use sightwire_live::Streams;
use sightwire_measure::clock;

use super::Telemetry;

pub(super) fn of(streams: &Streams) -> Option<Arc<Cluster>> {
    streams.options().cluster.clone()
}

/// Bytes that came from other processes so far.
pub(super) fn pulled_bytes(streams: &Streams) -> u64 {
    of(streams).map_or(0, |cluster| cluster.counts().pulled_bytes.load(Ordering::Relaxed))
}

impl Telemetry {
    /// How it stands with the others; `None` where it is alone.
    pub(super) fn cluster_status(&self) -> Option<ClusterStatus> {
        let cluster = of(&self.streams)?;
        Some(ClusterStatus {
            pulled_bytes_per_s: self.rates().pulled_bytes_per_s,
            pulls: self.streams.pulled().len(),
            ..cluster.status()
        })
    }
}

/// Batches that workers read; nothing of a server that knows of none.
pub(super) fn batches(
    telemetry: &Telemetry,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let Some(overview) = telemetry.transports.batches() else { return Ok(()) };
    let Overview { running, stopped, done, waiting, read, failed, workers, held } = overview;
    let help = "Batches that workers read: running, stopped, and done but not removed yet.";
    let mut family = encoder.encode_descriptor("cluster_batches", help, None, MetricType::Gauge)?;
    for (state, count) in [("running", running), ("stopped", stopped), ("done", done)] {
        ConstGauge::new(count as f64).encode(family.encode_family(&[("state", state)])?)?;
    }
    let help = "Files of these batches: waiting (of running ones), read, and failed.";
    let mut family = encoder.encode_descriptor("cluster_batch_files", help, None, MetricType::Gauge)?;
    for (state, count) in [("waiting", waiting), ("read", read), ("failed", failed)] {
        ConstGauge::new(count as f64).encode(family.encode_family(&[("state", state)])?)?;
    }
    let Some(workers) = workers else { return Ok(()) };
    for (name, help, value) in [
        ("cluster_workers", "Workers that are running.", workers),
        ("cluster_workers_held", "Workers that take nothing new and say why.", held),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value as f64).encode(one)?;
    }
    Ok(())
}

/// Nothing of a server that is alone.
pub(super) fn encode(
    telemetry: &Telemetry,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let Some(cluster) = of(&telemetry.streams) else { return Ok(()) };
    let (standing, counts) = (cluster.standing().0, cluster.counts());
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    for (name, help, value) in [
        (
            "cluster_connected",
            "1: it is one of the processes; 0: Redis does not answer, or does not let it take part.",
            usize::from(standing == Standing::Connected),
        ),
        ("cluster_processes", "Processes that live, as far as is known.", cluster.known().processes.len()),
        ("cluster_pulls", "Streams that come from other processes now.", telemetry.streams.pulled().len()),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value as f64).encode(one)?;
    }
    if let Some(confirmed) = cluster.rights().confirmed {
        let help = "Since it was known last that keys and users here are those of all processes.";
        let one =
            encoder.encode_descriptor("cluster_rights_age", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        ConstGauge::new(clock::since(confirmed).as_secs_f64()).encode(one)?;
    }
    let help = "Streams that are sent now, to this process and to others.";
    let mut family = encoder.encode_descriptor("cluster_streams", help, None, MetricType::Gauge)?;
    let (here, elsewhere) = cluster.sent();
    for (place, value) in [("here", here), ("elsewhere", elsewhere)] {
        ConstGauge::new(value as f64).encode(family.encode_family(&[("place", place)])?)?;
    }
    for (name, help, value) in [
        ("cluster_pulled_frames", "Pictures that came from other processes.", &counts.pulled_pictures),
        ("cluster_pulled_bytes", "Their bytes.", &counts.pulled_bytes),
        (
            "cluster_pull_failures",
            "Connections for a stream of another process that failed, or ended before the stream.",
            &counts.pull_failures,
        ),
        ("cluster_leases_lost", "Streams of this process that another one has got.", &counts.leases_lost),
        ("cluster_redis_failures", "Questions to Redis that failed.", &counts.store_failures),
        (
            "cluster_peers_unreachable",
            "Questions to other processes, and connections to them, that failed.",
            &counts.unreachable,
        ),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(get(value)).encode(one)?;
    }
    let help = "Streams that were to begin here: granted; held by another process; \
        begun or refused while Redis could not be asked.";
    let mut family = encoder.encode_descriptor("cluster_claims", help, None, MetricType::Counter)?;
    for (outcome, value) in [
        ("granted", &counts.granted),
        ("held", &counts.held),
        ("provisional", &counts.provisional),
        ("refused", &counts.refused),
    ] {
        ConstCounter::new(get(value)).encode(family.encode_family(&[("outcome", outcome)])?)?;
    }
    Ok(())
}
