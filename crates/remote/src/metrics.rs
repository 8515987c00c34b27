//! Networks that the server of `engine.remote` is asked for, for `/metrics`; nothing before the first is.

use sightwire_base::metrics::{Collector, Metrics};
use sightwire_engine::remote::RemoteNetworks as _;

use crate::networks::KserveNetworks;

impl Collector for KserveNetworks {
    fn collect(&self, metrics: &mut Metrics) {
        let networks = self.report();
        if networks.is_empty() {
            return;
        }
        metrics.gauges(
            "remote_network_answers",
            "1: the server of engine.remote runs this network; 0: it is run here.",
            ["network"],
            networks.iter().map(|network| ([network.network.as_str()], network.is_here)),
        );
        metrics.counters(
            "remote_network_runs",
            "Runs of a network that the server of engine.remote was asked for; what is not answered is run here.",
            ["network", "outcome"],
            networks.iter().flat_map(|network| {
                [("answered", network.answered), ("failed", network.failed)]
                    .map(|(outcome, runs)| ([network.network.as_str(), outcome], runs))
            }),
        );
    }
}
