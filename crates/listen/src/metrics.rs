//! What connections count, for `/metrics`.

use sightwire_base::metrics::{Collector, Metrics};

use crate::Listening;
use crate::host::Hosts;
use crate::tls::Handshakes;

impl Collector for Listening {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter("connections_accepted", "Connections accepted.", self.accepted_count());
        metrics.counter(
            "connections_refused",
            "Connections refused: too many at once.",
            self.refused_count(),
        );
        metrics.counter("accept_failures", "Failed attempts to accept a connection.", self.accept_failures());
        metrics.counter(
            "receive_given_up",
            "Messages and bodies given up while they arrived: server.receive_memory_mb was used up.",
            self.receiving.given_up(),
        );
        metrics.counter(
            "receive_timeouts",
            "Messages and bodies that did not arrive whole in time.",
            self.receiving.timed_out(),
        );
        metrics.counter(
            "socketio_messages_refused",
            "Messages not sent because too much waited for the client, or for all.",
            self.outboxes.refused(),
        );
        metrics.gauge("connections", "Connections now.", self.open_count());
        metrics.gauge(
            "receive_held_bytes",
            "Bytes held of messages and bodies that are not whole.",
            self.receiving.used(),
        );
        metrics.gauge(
            "socketio_waiting_bytes",
            "Bytes of messages that wait to be sent.",
            self.outboxes.waiting(),
        );
    }
}

impl Collector for Hosts {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter(
            "http_hosts_refused",
            "Requests refused with 421: for a host that this server does not answer for.",
            self.refused(),
        );
    }
}

impl Collector for Handshakes {
    fn collect(&self, metrics: &mut Metrics) {
        let [done, failed] = self.counts();
        metrics.counter("tls_handshakes", "TLS handshakes done.", done);
        metrics.counter(
            "tls_handshakes_failed",
            "TLS handshakes that failed, or were not done in time.",
            failed,
        );
    }
}
