//! `/metrics` of text reading.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use sightwire_reading::TextReader;

use super::prometheus::histogram;

/// Writes everything down; zeros while nobody has had a text read.
pub(super) fn encode(
    reader: &TextReader,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let stats = reader.stats();
    let (begun, of_batches) = reader.jobs.totals();
    for (name, help, value) in [
        ("reader_pictures", "Pictures, or pages of them, that were read.", stats.pictures),
        ("reader_lines", "Lines of text that were read.", stats.lines),
        ("reader_refused", "Single pictures refused: too many waited.", reader.permits.refused()),
        ("reader_unwanted", "Pictures given up because nobody waited for them any more.", stats.unwanted),
        ("reader_jobs", "Batches that were begun.", begun),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(one)?;
    }
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let failures = &reader.failures;
    let help = "Pictures that were not read: single ones by reason, and those of batches.";
    let mut family = encoder.encode_descriptor("reader_failures", help, None, MetricType::Counter)?;
    for (reason, value) in [
        ("picture", get(&failures.picture)),
        ("late", get(&failures.late)),
        ("model", get(&failures.model)),
        ("drawing", get(&failures.drawing)),
        ("disk", get(&failures.disk)),
        ("batch", of_batches),
    ] {
        ConstCounter::new(value).encode(family.encode_family(&[("reason", reason)])?)?;
    }
    let (running, _, waiting) = reader.jobs.counts();
    let (singles, batch) = reader.permits.taken();
    let (kept, kept_bytes) = reader.jobs.pictures.usage();
    for (name, help, value) in [
        ("reader_waiting", "Pictures that wait for a thread now.", stats.pending),
        ("reader_reading", "Pictures that are being read now.", stats.reading),
        ("reader_singles", "Single pictures that wait or are being read now.", singles),
        ("reader_of_batches", "Pictures of batches that are being read now.", batch),
        ("reader_sessions", "Sessions that are loaded now.", stats.sessions),
        ("reader_jobs_running", "Batches that are being read now.", running),
        ("reader_job_files", "Files of batches that have not been read yet.", waiting),
        ("reader_kept_pictures", "Pictures of batches that are kept in memory.", kept),
        ("reader_kept_bytes", "Their bytes.", kept_bytes),
    ] {
        let one = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value as f64).encode(one)?;
    }
    histogram(
        encoder,
        "reader_wait",
        "From handing a picture in to the beginning of the work.",
        &stats.wait,
    )?;
    histogram(encoder, "reader_work", "Reading a picture.", &stats.took)
}
