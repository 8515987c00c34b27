//! What the server says of itself at `/api/v1/status`; the generator also loads servers that know nothing of this path.

use std::time::{Duration, Instant};

use crate::load::target::Target;
use serde::Serialize;
use sightwire_api::status::EngineStatus;

use crate::http::Connection;
use crate::status::parse_status;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The server's answer at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) at: Instant,
    pub(crate) body: sightwire_api::status::Status,
}

/// The inference engine, repeated in the report so that figures can be told apart.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Engine {
    /// Execution provider in use.
    pub(crate) provider: Option<String>,
    pub(crate) runtime_version: Option<String>,
    /// Threads that run networks.
    pub(crate) threads: Option<usize>,
    pub(crate) precision: Option<String>,
    /// The library that decodes JPEGs.
    pub(crate) jpeg: Option<String>,
}

impl From<EngineStatus> for Engine {
    fn from(engine: EngineStatus) -> Self {
        let EngineStatus { provider, runtime_version, threads, precision, jpeg, .. } = engine;
        Self { provider, runtime_version, threads, precision, jpeg: Some(jpeg) }
    }
}

impl Status {
    /// Asks the server, on a connection of its own; `None` if it has no such page or does not answer.
    pub(crate) async fn fetch(target: &Target) -> Option<Self> {
        let ask = async {
            let response = Connection::open(target, TIMEOUT).await.ok()?.get("/api/v1/status").await.ok()?;
            let at = Instant::now();
            let body = (response.status == 200).then(|| parse_status(&response.body).ok())??;
            Some(Self { at, body })
        };
        tokio::time::timeout(TIMEOUT, ask).await.ok().flatten()
    }
}

/// What the server's counters gained between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Gain {
    /// Between the two answers.
    pub(crate) seconds: f64,
    /// Valid frames that came.
    pub(crate) frames: u64,
    /// Frames that the model has looked at.
    pub(crate) analysed: u64,
    pub(crate) predictions: u64,
}

impl Gain {
    /// `None` where the server was restarted in between.
    pub(crate) fn from_statuses(from: &Status, to: &Status) -> Option<Self> {
        let (a, b) = (&from.body.recognizer, &to.body.recognizer);
        Some(Self {
            seconds: (to.at - from.at).as_secs_f64(),
            frames: b.frames_total.checked_sub(a.frames_total)?,
            analysed: b.frames_analysed_total.checked_sub(a.frames_analysed_total)?,
            predictions: b.predictions_total.checked_sub(a.predictions_total)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use sightwire_api::status::RecognizerStatus;

    use super::*;

    fn status(frames: u64, analysed: u64, predictions: u64) -> Status {
        let recognizer = RecognizerStatus {
            frames_total: frames,
            frames_analysed_total: analysed,
            predictions_total: predictions,
            ..RecognizerStatus::default()
        };
        Status {
            at: Instant::now(),
            body: sightwire_api::status::Status { recognizer, ..Default::default() },
        }
    }

    #[test]
    fn gains_are_those_of_one_process() {
        let (a, b) = (status(10, 5, 1), status(110, 105, 90));
        let gain = Gain::from_statuses(&a, &b).unwrap();
        assert_eq!((gain.frames, gain.analysed, gain.predictions), (100, 100, 89));
        assert_eq!(Gain::from_statuses(&b, &a), None);
    }
}
