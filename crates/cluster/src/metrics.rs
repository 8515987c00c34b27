//! This process among others, for `/metrics`.

use sightwire_base::clock;
use sightwire_base::metrics::{Collector, Metrics, Unit};

use crate::Cluster;
use crate::cluster::Standing;

impl Collector for Cluster {
    fn collect(&self, metrics: &mut Metrics) {
        let (standing, counts) = (self.standing().0, self.counts());
        metrics.gauge(
            "cluster_connected",
            "1: it is one of the processes; 0: Redis does not answer, or does not let it take part.",
            standing == Standing::Connected,
        );
        metrics.gauge(
            "cluster_processes",
            "Processes that live, as far as is known.",
            self.current_directory().processes.len(),
        );
        if let Some(confirmed) = self.rights_status().confirmed {
            metrics.gauge_in(
                Unit::Seconds,
                "cluster_rights_age",
                "Since it was known last that keys and users here are those of all processes.",
                clock::since(confirmed).as_secs_f64(),
            );
        }
        let (here, elsewhere) = self.count_sent();
        metrics.gauges(
            "cluster_streams",
            "Streams that are sent now, to this process and to others.",
            ["place"],
            [("here", here), ("elsewhere", elsewhere)].map(|(place, count)| ([place], count)),
        );
        metrics.counter(
            "cluster_pulled_frames",
            "Pictures that came from other processes.",
            &counts.pulled_pictures,
        );
        metrics.counter("cluster_pulled_bytes", "Their bytes.", &counts.pulled_bytes);
        metrics.counter(
            "cluster_pull_failures",
            "Connections for a stream of another process that failed, or ended before the stream.",
            &counts.pull_failures,
        );
        metrics.counter(
            "cluster_leases_lost",
            "Streams of this process that another one has got.",
            &counts.leases_lost,
        );
        metrics.counter("cluster_redis_failures", "Questions to Redis that failed.", &counts.store_failures);
        metrics.counter(
            "cluster_peers_unreachable",
            "Questions to other processes, and connections to them, that failed.",
            &counts.unreachable,
        );
        metrics.counters(
            "cluster_claims",
            "Streams that were to begin here: granted; held by another process; begun or refused while Redis could not \
             be asked.",
            ["outcome"],
            [
                ("granted", &counts.granted),
                ("held", &counts.held),
                ("provisional", &counts.provisional),
                ("refused", &counts.refused),
            ]
            .map(|(outcome, count)| ([outcome], count)),
        );
    }
}
