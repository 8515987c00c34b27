//! Metrics and log lines for a collector, over OTLP (http/protobuf). Nothing is sent unless `otlp.endpoint` says where to; and
//! never a span.
//!
//! - `export`: sends what has gathered, on a thread of its own
//! - [`logs`]: log lines on their way there
//! - `metrics`: `/metrics`, as OTLP has it
//! - `wire`: the messages

mod export;
pub mod logs;
mod metrics;
mod options;
mod wire;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

pub use options::{OTLP, Otlp};
use parking_lot::Mutex;
use sightwire_base::lines::LogThrottle;
use sightwire_base::metrics::Metrics;
use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing_subscriber::Layer;

use export::{LAST, Sender};
use logs::Events;

/// Gives what `/metrics` shows, while there is a server.
type Measure = Box<dyn Fn() -> Option<Metrics> + Send>;

/// Takes what is logged in this process, from when an [`Exporter`] sends it; before and without one it costs nothing.
pub fn log_layer<S: Subscriber>() -> impl Layer<S> {
    Events::of_process().layer()
}

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No client can be made.
    #[error("nothing is sent to {endpoint} (otlp.endpoint): {reason}")]
    Client {
        /// As configured.
        endpoint: String,
        /// What is missing.
        reason: String,
    },
    /// The machine has no thread.
    #[error("cannot start the thread that sends to a collector: {0}")]
    Thread(#[from] std::io::Error),
}

/// Sends metrics and log lines until it is dropped, and then what is left, for a second at most.
pub struct Exporter {
    metrics: Arc<Mutex<Option<Measure>>>,
    events: Arc<Events>,
    stop: CancellationToken,
    ended: Mutex<mpsc::Receiver<()>>,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("events", &self.events).finish_non_exhaustive()
    }
}

impl Exporter {
    /// Begins to send what is logged in this process, and metrics once [`Exporter::set_metrics`] says where they are.
    pub fn start(options: Otlp) -> Result<Self, StartError> {
        Self::with_events(options, Events::of_process().clone())
    }

    /// As [`Exporter::start`], of these events.
    pub fn with_events(options: Otlp, events: Arc<Events>) -> Result<Self, StartError> {
        let client = export::build_client(&options);
        let client =
            client.map_err(|reason| StartError::Client { endpoint: options.endpoint.clone(), reason })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (metrics, stop) = (Arc::<Mutex<Option<Measure>>>::default(), CancellationToken::new());
        let level = options.logs;
        let sender = Sender {
            client,
            options,
            events: events.clone(),
            metrics: metrics.clone(),
            stop: stop.clone(),
            instance: instance_id(),
            kept: Vec::new(),
            not_taken: LogThrottle::new(),
        };
        let (end, ended) = mpsc::channel();
        thread::Builder::new().name("otlp".to_owned()).spawn(move || {
            logs::not_from_this_thread();
            runtime.block_on(sender.run());
            let _ = end.send(());
            // A name that is still being resolved is not waited for.
            runtime.shutdown_background();
        })?;
        events.set_level(level);
        Ok(Self { metrics, events, stop, ended: Mutex::new(ended) })
    }

    /// Sends these metrics, those of `/metrics`, as long as there are some.
    pub fn set_metrics(&self, metrics: impl Fn() -> Option<Metrics> + Send + 'static) {
        *self.metrics.lock() = Some(Box::new(metrics));
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.events.set_level(None);
        self.stop.cancel();
        // A little more than it allows itself.
        let _ = self.ended.get_mut().recv_timeout(LAST + Duration::from_millis(200));
    }
}

/// Another one for each start, as a UUID (version 4).
fn instance_id() -> String {
    let [high, low] = [0, 1].map(|n: u8| RandomState::new().hash_one(n));
    let bits = u128::from(high) << 64 | u128::from(low);
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let text = format!("{bits:032x}");
    let part = |from, to| text.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_has_an_id_of_its_own() {
        let (one, other) = (instance_id(), instance_id());
        assert_ne!(one, other);
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'4'));
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{one}");
    }
}
