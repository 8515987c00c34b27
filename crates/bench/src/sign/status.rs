//! What the server says of itself at `/api/v1/status`. Every field may be missing: the generator also
//! loads servers that know nothing of this path.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{http::Connection, target::Target};

const TIMEOUT: Duration = Duration::from_secs(5);

/// The server's counters at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// When the answer came.
    pub(crate) at: Instant,
    /// The answer.
    pub(crate) body: Body,
}

/// The answer, as far as it is used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
    /// The server's version.
    pub(crate) version: Option<String>,
    /// How it computes.
    pub(crate) engine: Option<Engine>,
    /// The sign recogniser.
    pub(crate) recognizer: Option<Recognizer>,
    /// Its process.
    pub(crate) process: Option<Process>,
}

/// The inference engine, repeated in the report so that figures can be told apart.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Engine {
    /// Execution provider in use.
    pub(crate) provider: Option<String>,
    /// ONNX Runtime's version.
    pub(crate) runtime_version: Option<String>,
    /// Inference threads.
    pub(crate) threads: Option<u64>,
    /// Number format.
    pub(crate) precision: Option<String>,
    /// JPEG decoder.
    pub(crate) jpeg: Option<String>,
}

/// The recogniser's counters since the server started.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Recognizer {
    /// The model's name.
    pub(crate) model: Option<String>,
    /// `ready`, `loading`, `failed` or `dummy`.
    pub(crate) state: Option<String>,
    /// Clients connected now.
    pub(crate) clients: Option<u64>,
    /// Most clients at a time.
    pub(crate) max_clients: Option<u64>,
    /// Valid frames received.
    pub(crate) frames_total: Option<u64>,
    /// Frames that the model has looked at.
    pub(crate) frames_analysed_total: Option<u64>,
    /// Predictions made.
    pub(crate) predictions_total: Option<u64>,
}

/// The server's process as it sees itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Process {
    /// CPU time since the start.
    pub(crate) cpu_seconds: Option<f64>,
    /// Resident memory.
    pub(crate) memory_bytes: Option<u64>,
    /// Threads.
    pub(crate) threads: Option<u64>,
}

impl Status {
    /// Asks the server, on a connection of its own; `None` if it has no such page or does not answer.
    pub(crate) async fn fetch(target: &Target) -> Option<Self> {
        let ask = async {
            let response = Connection::open(target, TIMEOUT).await.ok()?.get("/api/v1/status").await.ok()?;
            let at = Instant::now();
            let body = (response.status == 200).then(|| serde_json::from_slice(&response.body).ok())??;
            Some(Self { at, body })
        };
        tokio::time::timeout(TIMEOUT, ask).await.ok().flatten()
    }

    /// The recogniser's part.
    pub(crate) fn recognizer(&self) -> Option<&Recognizer> {
        self.body.recognizer.as_ref()
    }
}

/// What the server's counters gained between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Gain {
    /// Between the two answers.
    pub(crate) seconds: f64,
    /// Valid frames.
    pub(crate) frames: u64,
    /// Frames that the model has looked at.
    pub(crate) analysed: u64,
    /// Predictions.
    pub(crate) predictions: u64,
}

impl Gain {
    /// `None` where a counter is missing or the server was restarted in between.
    pub(crate) fn between(from: &Status, to: &Status) -> Option<Self> {
        let (a, b) = (from.recognizer()?, to.recognizer()?);
        Some(Self {
            seconds: (to.at - from.at).as_secs_f64(),
            frames: b.frames_total?.checked_sub(a.frames_total?)?,
            analysed: b.frames_analysed_total?.checked_sub(a.frames_analysed_total?)?,
            predictions: b.predictions_total?.checked_sub(a.predictions_total?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> Status {
        Status { at: Instant::now(), body: serde_json::from_str(text).unwrap() }
    }

    #[test]
    fn gains_need_both_counters_and_one_process() {
        let a = status(
            r#"{"version":"1","recognizer":{"frames_total":10,"frames_analysed_total":5,"predictions_total":1,"extra":{}}}"#,
        );
        let b = status(
            r#"{"recognizer":{"frames_total":110,"frames_analysed_total":105,"predictions_total":90}}"#,
        );
        let gain = Gain::between(&a, &b).unwrap();
        assert_eq!((gain.frames, gain.analysed, gain.predictions), (100, 100, 89));
        assert_eq!(Gain::between(&b, &a), None);
        assert_eq!(Gain::between(&a, &status("{}")), None);
    }
}
