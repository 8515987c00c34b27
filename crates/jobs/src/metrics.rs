//! Batches that workers read, for `/metrics`; nothing before it is known how far they are.

use sightwire_base::metrics::{Collector, Metrics};

use crate::service::{Overview, Service};

impl Collector for Service {
    fn collect(&self, metrics: &mut Metrics) {
        let Some(overview) = self.overview() else { return };
        let Overview { running, stopped, done, waiting, read, failed, workers, held } = overview;
        metrics.gauges(
            "cluster_batches",
            "Batches that workers read: running, stopped, and done but not removed yet.",
            ["state"],
            [("running", running), ("stopped", stopped), ("done", done)]
                .map(|(state, count)| ([state], count)),
        );
        metrics.gauges(
            "cluster_batch_files",
            "Files of these batches: waiting (of running ones), read, and failed.",
            ["state"],
            [("waiting", waiting), ("read", read), ("failed", failed)].map(|(state, count)| ([state], count)),
        );
        let Some(workers) = workers else { return };
        metrics.gauge("cluster_workers", "Workers that are running.", workers);
        metrics.gauge("cluster_workers_held", "Workers that take nothing new and say why.", held);
    }
}
