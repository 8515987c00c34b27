//! Sends what has gathered, on a thread of its own: a collector that does not answer keeps nobody waiting but that thread.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Otlp;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::Mutex;
use prost::Message as _;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use sightwire_base::metrics::Metrics;
use sightwire_http_client::cause::Cause;
use sightwire_http_client::trust::{self, Trust};
use tokio_util::sync::CancellationToken;

use super::Measure;
use super::logs::Events;
use super::metrics::{Times, convert_metrics};
use super::wire::{self, Answer, Attribute, LogRecord, Resource, Scope, Value};

/// For each request, from its connection to its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time for all of it at the end.
pub(super) const LAST: Duration = Duration::from_secs(1);
/// Longest time between two tries at a collector that takes nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const MAX_ANSWER: usize = 64 << 10;

/// Sends, until it is told to stop.
pub(super) struct Sender {
    pub client: Client,
    pub options: Otlp,
    pub events: Arc<Events>,
    pub metrics: Arc<Mutex<Option<Measure>>>,
    pub stop: CancellationToken,
    pub instance: String,
    /// Lines that were not taken yet.
    pub kept: Vec<LogRecord>,
    pub not_taken: LogThrottle,
}

/// What became of a request.
enum Sent {
    Taken,
    /// It may be taken another time, but not before that.
    Later(Duration),
    /// It is never taken.
    Refused,
}

impl Sender {
    /// Ends at most [`LAST`] after it is told to.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let cut = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST).await;
        };
        let start_unix_ns = unix_ns();
        tokio::select! {
            () = cut => {}
            () = self.send_until_stopped(start_unix_ns) => {}
        }
    }

    async fn send_until_stopped(&mut self, start_unix_ns: u64) {
        let (stop, events) = (self.stop.clone(), self.events.clone());
        let (mut pause, mut failures) = (self.options.interval, 0);
        loop {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                // A collector that takes nothing is left alone for its time.
                () = events.many.notified(), if failures == 0 => {}
            }
            let is_last = stop.is_cancelled();
            if let Some(at_least) = self.send_waiting(start_unix_ns).await {
                let longer = self.options.interval.saturating_mul(1 << failures.min(8));
                (pause, failures) = (longer.max(at_least).min(LONGEST_PAUSE), failures + 1);
            } else {
                if failures > 0 {
                    let endpoint = &self.options.endpoint;
                    tracing::info!("{endpoint} (otlp.endpoint) takes what is sent again");
                }
                (pause, failures) = (self.options.interval, 0);
            }
            if is_last {
                return;
            }
        }
    }

    /// Sends what there is. How long to wait at least, if the collector takes nothing now.
    async fn send_waiting(&mut self, start_unix_ns: u64) -> Option<Duration> {
        if self.kept.is_empty() {
            self.kept = self.events.drain();
        }
        let mut later = None;
        if !self.kept.is_empty() {
            let logs = wire::Logs {
                resources: vec![wire::ResourceLogs {
                    resource: Some(self.resource()),
                    scopes: vec![wire::ScopeLogs { scope: Some(own_scope()), records: self.kept.clone() }],
                }],
            };
            match self.post_body("/v1/logs", "log lines", logs.encode_to_vec()).await {
                Sent::Taken => self.kept.clear(),
                // Metrics may have another way there.
                Sent::Later(pause) => later = Some(pause),
                Sent::Refused => {
                    self.events.count_dropped(self.kept.len());
                    self.kept.clear();
                }
            }
        }
        let Some(metrics) = self.collect_metrics() else { return later };
        let metrics = convert_metrics(&metrics, Times { start_unix_ns, unix_ns: unix_ns() });
        let metrics = wire::Metrics {
            resources: vec![wire::ResourceMetrics {
                resource: Some(self.resource()),
                scopes: vec![wire::ScopeMetrics { scope: Some(own_scope()), metrics }],
            }],
        };
        match self.post_body("/v1/metrics", "metrics", metrics.encode_to_vec()).await {
            Sent::Later(pause) => later.max(Some(pause)),
            // The next ones have all that these had.
            Sent::Taken | Sent::Refused => later,
        }
    }

    /// The metrics, if they are to be sent. A panic in the code that makes them costs these, and is in the log.
    fn collect_metrics(&self) -> Option<Metrics> {
        let metrics = self.metrics.lock();
        let metrics = metrics.as_ref().filter(|_| self.options.metrics)?;
        catch_unwind(AssertUnwindSafe(metrics)).ok().flatten()
    }

    async fn post_body(&self, path: &str, what: &str, body: Vec<u8>) -> Sent {
        let headers: HeaderMap = self.options.headers.iter().cloned().collect();
        let request = self.client.post(format!("{}{path}", self.options.endpoint)).headers(headers);
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let mut answer = match request.body(body).send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.log_failure(what, &in_words(&error));
                return Sent::Later(Duration::ZERO);
            }
        };
        let status = answer.status();
        if status.is_success() {
            if let Some(partial) = read_partial(&mut answer).await {
                self.log_failure(
                    what,
                    &format!("it left out {}: {}", partial.rejected, lines::short_line(&partial.why)),
                );
            }
            return Sent::Taken;
        }
        self.log_failure(what, &format!("it answers {status}"));
        // As OTLP has it: these alone are worth another try.
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ) {
            let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
            return Sent::Later(Duration::from_secs(after.unwrap_or(0)));
        }
        Sent::Refused
    }

    fn log_failure(&self, what: &str, why: &str) {
        self.events.count_failure();
        if let Some(unsaid) = self.not_taken.admit_line(clock::now()) {
            let endpoint = &self.options.endpoint;
            tracing::warn!(unsaid, "the collector at {endpoint} (otlp.endpoint) did not take {what}: {why}");
        }
    }

    fn resource(&self) -> Resource {
        let attributes = [
            ("service.name", "sightwire"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", &self.instance),
        ];
        let attributes = attributes.map(|(key, value)| Attribute::new(key, Value::Text(value.to_owned())));
        Resource { attributes: attributes.into() }
    }
}

/// Whether it took all, as far as it says so.
async fn read_partial(answer: &mut Response) -> Option<wire::Partial> {
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if text.len() + chunk.len() > MAX_ANSWER {
            return None;
        }
        text.extend_from_slice(&chunk);
    }
    Answer::decode(text.as_slice()).ok()?.partial.filter(|partial| partial.rejected > 0)
}

/// Over https through the environment's proxy, if there is one; never sent on elsewhere.
pub(super) fn build_client(options: &Otlp) -> Result<Client, String> {
    let builder = if options.endpoint.starts_with("https://") {
        let tls = Trust::System.tls().map_err(ToString::to_string)?;
        sightwire_http_client::client_builder(tls).redirect(Policy::none())
    } else {
        sightwire_http_client::direct_builder(trust::trust_nobody())
    };
    let builder = builder.timeout(PATIENCE).pool_max_idle_per_host(1);
    builder.build().map_err(|error| in_words(&error))
}

fn in_words(error: &(dyn Error + 'static)) -> String {
    Cause::from_error(error).in_words()
}

fn own_scope() -> Scope {
    Scope { name: "sightwire".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

fn unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}
