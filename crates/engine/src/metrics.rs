//! What the engine counts, for `/metrics`.

use sightwire_base::metrics::{Collector, Metrics};

use crate::shared::SharedEngine;

impl Collector for SharedEngine {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.gauge(
            "engine_ways_given_up",
            "Ways of running networks (provider and precision) that failed when they were tried on this machine.",
            self.given_up().len(),
        );
    }
}
