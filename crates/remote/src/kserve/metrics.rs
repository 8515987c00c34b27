//! What other servers ask of this one's models, for `/metrics`.

use sightwire_base::metrics::{Collector, Metrics};

use crate::kserve::server::{REASONS, Server, Serves};

impl<T: Serves> Collector for Server<T> {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.gauge(
            "inference_connections",
            "Connections of other servers now (engine.listen).",
            self.connections(),
        );
        metrics.counter(
            "inference_connections_refused",
            "Such connections closed at once: too many.",
            &self.counters.turned_away,
        );
        metrics.counter(
            "inference_answered",
            "Pictures of other servers that were looked at.",
            &self.counters.answered,
        );
        metrics.counters(
            "inference_refused",
            "Requests of other servers that were refused.",
            ["reason"],
            REASONS.iter().zip(&self.counters.refused).map(|((reason, _), count)| ([*reason], count)),
        );
    }
}
