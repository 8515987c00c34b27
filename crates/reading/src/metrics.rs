//! What the reading of text counts, for `/metrics`; zeros while nobody has had a text read.

use sightwire_base::metrics::{Collector, Count as _, Metrics};

use crate::TextReader;
use crate::decoding::DecodeMemory;

impl Collector for TextReader {
    fn collect(&self, metrics: &mut Metrics) {
        let stats = self.stats();
        let (begun, failed_of_batches) = self.jobs.totals();
        metrics.counter("reader_pictures", "Pictures, or pages of them, that were read.", stats.pictures);
        metrics.counter("reader_lines", "Lines of text that were read.", stats.lines);
        metrics.counter(
            "reader_refused",
            "Single pictures refused: too many waited.",
            self.permits.refused(),
        );
        metrics.counter(
            "reader_unwanted",
            "Pictures given up because nobody waited for them any more.",
            stats.unwanted,
        );
        metrics.counter("reader_jobs", "Batches that were begun.", begun);
        let failures = &self.failures;
        metrics.counters(
            "reader_failures",
            "Pictures that were not read: single ones by reason, and those of batches.",
            ["reason"],
            [
                ("picture", failures.picture.count()),
                ("late", failures.late.count()),
                ("model", failures.model.count()),
                ("drawing", failures.drawing.count()),
                ("disk", failures.disk.count()),
                ("batch", failed_of_batches),
            ]
            .map(|(reason, count)| ([reason], count)),
        );
        let (running, _, waiting) = self.jobs.counts();
        let (singles, of_batches) = self.permits.count_taken();
        let (kept, kept_bytes) = self.jobs.pictures.usage();
        metrics.gauge("reader_waiting", "Pictures that wait for a thread now.", stats.pending);
        metrics.gauge("reader_reading", "Pictures that are being read now.", stats.reading);
        metrics.gauge("reader_singles", "Single pictures that wait or are being read now.", singles);
        metrics.gauge("reader_of_batches", "Pictures of batches that are being read now.", of_batches);
        metrics.gauge("reader_sessions", "Sessions that are loaded now.", stats.sessions);
        metrics.gauge("reader_jobs_running", "Batches that are being read now.", running);
        metrics.gauge("reader_job_files", "Files of batches that have not been read yet.", waiting);
        metrics.gauge("reader_kept_pictures", "Pictures of batches that are kept in memory.", kept);
        metrics.gauge("reader_kept_bytes", "Their bytes.", kept_bytes);
        metrics.histogram(
            "reader_wait",
            "From handing a picture in to the beginning of the work.",
            stats.wait,
        );
        metrics.histogram("reader_work", "Reading a picture.", stats.took);
    }
}

impl Collector for DecodeMemory {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.gauge(
            "decoding_bytes",
            "Memory taken by single pictures that are decoded and worked on.",
            self.used(),
        );
    }
}
