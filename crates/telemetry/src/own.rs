//! What the server says of itself in `/metrics`: its process, its log, its life.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use sightwire_measure::disk;

use super::{Telemetry, logging, process};

pub(super) fn encode(
    telemetry: &Telemetry,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let (life, usage, files) = (&telemetry.life, process::usage(), process::open_files());
    let [reloads, failed_reloads] = life.reloads();
    let failed_reloads = failed_reloads + telemetry.transports.certificate_failures();
    for (name, help, value) in [
        (
            "panics",
            "Mistakes of the server that ended a task; the log has a line for each.",
            logging::panics::count(),
        ),
        ("log_lines_dropped", "Lines of the log that nobody took in time.", logging::dropped()),
        ("log_file_failures", "Lines of the log that could not be written to a file.", logging::failures()),
        (
            "disk_failures",
            "Times that a file of the server could not be written, or one that it keeps could not be read.",
            disk::failures(),
        ),
        ("clock_jumps", "Times that the system's clock was set.", life.clock_jumps()),
        ("reloads", "Times that the configuration was read again and used.", reloads),
        (
            "reload_failures",
            "Times that the configuration, or a certificate, was read again and could not be used.",
            failed_reloads,
        ),
        ("page_errors", "Errors of pages in browsers that they have told the server.", life.page_errors()),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(one)?;
    }
    let cpu = encoder.encode_descriptor(
        "process_cpu",
        "User and system time.",
        Some(&Unit::Seconds),
        MetricType::Counter,
    )?;
    ConstCounter::new(usage.cpu_seconds).encode(cpu)?;
    for (name, help, unit, value) in [
        ("start_time", "When the server began, since 1970 (UTC).", Some(Unit::Seconds), life.began),
        (
            "ready",
            "1: it takes clients; 0: /readyz says why not.",
            None,
            f64::from(u8::from(telemetry.unready().is_none())),
        ),
        ("process_threads", "Threads.", None, usage.threads as f64),
        ("process_memory", "Resident memory.", Some(Unit::Bytes), usage.memory_bytes as f64),
        ("process_open_fds", "Files and sockets that are open now.", None, files.open as f64),
        ("process_max_fds", "Files and sockets that may be open.", None, files.most as f64),
    ] {
        let one = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        ConstGauge::new(value).encode(one)?;
    }
    if let Some(expires) = telemetry.transports.certificate_expires() {
        let help = "When the certificate expires, since 1970 (UTC); absent without TLS.";
        let unit = Some(&Unit::Seconds);
        let one = encoder.encode_descriptor("tls_certificate_expiry", help, unit, MetricType::Gauge)?;
        ConstGauge::new(expires).encode(one)?;
    }
    let help = "1: a thread of this pool does not come back from a task.";
    let mut family = encoder.encode_descriptor("pipeline_stalled", help, None, MetricType::Gauge)?;
    for pool in PIPELINES {
        let is_stuck = life.is_stuck(pool);
        ConstGauge::new(f64::from(u8::from(is_stuck)))
            .encode(family.encode_family(&[("pipeline", pool)])?)?;
    }
    Ok(())
}

/// Pools whose threads are watched over.
const PIPELINES: [&str; 5] = ["clip", "detect", "hands", "pixels", "read"];
