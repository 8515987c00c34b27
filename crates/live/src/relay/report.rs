//! Streams as the API shows them: cameras, and what clients send.

use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::{Value, json};

use super::Relay;
use crate::meter::lost_percent;
use crate::upstream::Upstream;

impl Relay {
    /// As in `/api/v1/status`.
    pub fn report(&self) -> Value {
        let live = self.now();
        let mut sums = [0.0; 5];
        for session in live.values() {
            let rates = session.upstream.meter.rates();
            sums.iter_mut().zip(rates).for_each(|(sum, rate)| *sum += rate);
        }
        let [pictures, bytes, bytes_out, delivered, missed] = sums;
        json!({
            "streams": live.len(),
            "max_streams": self.options().max_streams,
            "viewers": self.cameras.viewers.now().relay,
            "max_viewers": self.options().max_viewers,
            "frames_in_per_s": rounded(pictures),
            "frames_out_per_s": rounded(delivered),
            "bytes_in_per_s": rounded(bytes),
            "bytes_out_per_s": rounded(bytes_out),
            "lost_percent": lost_percent(delivered, missed),
        })
    }

    /// All streams.
    pub fn stream_reports(&self) -> Vec<Value> {
        self.cameras.upstreams().iter().map(|upstream| self.stream_report(upstream)).collect()
    }

    /// A stream.
    pub fn stream_report(&self, upstream: &Upstream) -> Value {
        let mut report = self.cameras.stream_report(upstream);
        if let Some(session) = self.now().get(upstream.stream.id()) {
            report["mode"] = session.mode.name().into();
            report["protocol"] = if session.binary { "binary" } else { "text" }.into();
            report["peer"] = session.peer.map(|peer| peer.to_string()).into();
            report["bad"] = session.bad.load(Ordering::Relaxed).into();
            report["dropped"] = session.dropped.load(Ordering::Relaxed).into();
        }
        report
    }

    /// A stream and who watches it.
    pub fn detailed_report(&self, upstream: &Upstream) -> Value {
        let (mut report, now) = (self.stream_report(upstream), Instant::now());
        let viewers = self.cameras.viewers.of(upstream.stream.id());
        report["viewer_list"] = viewers.iter().map(|viewer| viewer.report(now)).collect();
        report
    }
}

fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}
