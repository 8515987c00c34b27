//! What is refused so that there is enough for all, in `/metrics`.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use sightwire_measure::memory::Work;
use sightwire_measure::shares::Limit;

use super::Telemetry;
use super::otlp::logs::Events;

pub(super) fn encode(
    telemetry: &Telemetry,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let memory = &telemetry.memory;
    for (name, help, bytes) in [
        (
            "memory_budget",
            "Above it nothing new begins; 0: there is none.",
            memory.budget().unwrap_or_default(),
        ),
        ("memory_used", "What the process has for itself, as the budget counts it.", memory.used()),
    ] {
        let gauge = encoder.encode_descriptor(name, help, Some(&Unit::Bytes), MetricType::Gauge)?;
        ConstGauge::new(bytes as f64).encode(gauge)?;
    }
    let help = "Refused because the memory that the server may use was used up.";
    let mut refused = encoder.encode_descriptor("memory_refused", help, None, MetricType::Counter)?;
    for work in Work::ALL {
        let count = ConstCounter::new(memory.refused(work));
        count.encode(refused.encode_family(&[("what", work.name())])?)?;
    }
    let help = "Refused, dropped or held back because one address, key or user had taken what it may.";
    let mut limited = encoder.encode_descriptor("limited", help, None, MetricType::Counter)?;
    for limit in Limit::ALL {
        let count = ConstCounter::new(telemetry.listening.limited.counted(limit));
        count.encode(limited.encode_family(&[("limit", limit.name())])?)?;
    }
    let help = "Log lines that a collector did not get: too many waited for it, or it did not want them.";
    let dropped = encoder.encode_descriptor("otlp_dropped", help, None, MetricType::Counter)?;
    ConstCounter::new(Events::of_process().dropped()).encode(dropped)?;
    let help = "Requests with metrics or log lines that a collector did not take, or not all of.";
    let failures = encoder.encode_descriptor("otlp_failures", help, None, MetricType::Counter)?;
    ConstCounter::new(Events::of_process().failures()).encode(failures)
}
