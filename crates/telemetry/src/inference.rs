//! What other servers ask of this one's models, and what it asks of a model elsewhere, in `/metrics`.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::prometheus::histogram;
use super::{Inference, Telemetry};

pub(super) fn encode(
    telemetry: &Telemetry,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let Inference { connections, turned_away, answered, refused } = telemetry.transports.inference();
    let help = "Connections of other servers now (engine.listen).";
    let one = encoder.encode_descriptor("inference_connections", help, None, MetricType::Gauge)?;
    ConstGauge::new(connections as f64).encode(one)?;
    for (name, help, value) in [
        ("inference_connections_refused", "Such connections closed at once: too many.", turned_away),
        ("inference_answered", "Pictures of other servers that were looked at.", answered),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(one)?;
    }
    let help = "Requests of other servers that were refused.";
    let mut family = encoder.encode_descriptor("inference_refused", help, None, MetricType::Counter)?;
    for (reason, count) in refused {
        ConstCounter::new(count).encode(family.encode_family(&[("reason", reason)])?)?;
    }
    networks(telemetry, encoder)?;
    let Some(remote) = telemetry.streams.detector.remote() else { return Ok(()) };
    let help =
        "1: the server of engine.remote looks at pictures; 0: it is away, or nobody has needed it yet.";
    let one = encoder.encode_descriptor("remote_answers", help, None, MetricType::Gauge)?;
    ConstGauge::new(f64::from(u8::from(remote.answers()))).encode(one)?;
    let counters = remote.counters();
    for (name, help, value) in [
        ("remote_answered", "Pictures that the server of engine.remote looked at.", &counters.answered),
        (
            "remote_failed",
            "Pictures that it did not look at: late, refused, cut off, or no answer that can be used.",
            &counters.failed,
        ),
        ("remote_left_alone", "Times that it was not asked any more, until it was back.", &counters.opened),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value.load(Ordering::Relaxed)).encode(one)?;
    }
    histogram(encoder, "remote_took", "From asking it to its checked answer.", &counters.took.snapshot())
}

/// Networks that the server of `engine.remote` is asked for.
fn networks(telemetry: &Telemetry, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let networks = telemetry.engine.offloaded();
    if networks.is_empty() {
        return Ok(());
    }
    let help = "1: the server of engine.remote runs this network; 0: it is run here.";
    let mut family = encoder.encode_descriptor("remote_network_answers", help, None, MetricType::Gauge)?;
    for network in &networks {
        let labels = [("network", &*network.network)];
        ConstGauge::new(f64::from(u8::from(network.is_here))).encode(family.encode_family(&labels)?)?;
    }
    let help =
        "Runs of a network that the server of engine.remote was asked for; what is not answered is run here.";
    let mut family = encoder.encode_descriptor("remote_network_runs", help, None, MetricType::Counter)?;
    for network in &networks {
        for (outcome, count) in [("answered", network.answered), ("failed", network.failed)] {
            let labels = [("network", &*network.network), ("outcome", outcome)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
