//! The certificate, for `/metrics`.

use std::time::UNIX_EPOCH;

use sightwire_base::metrics::{Collector, Metrics, Unit};

use crate::Certificates;

impl Collector for Certificates {
    fn collect(&self, metrics: &mut Metrics) {
        let until = self.facts().validity.not_after.duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics.gauge_in(
            Unit::Seconds,
            "tls_certificate_expiry",
            "When the certificate expires, since 1970 (UTC); absent without TLS.",
            until.as_secs_f64(),
        );
    }
}
