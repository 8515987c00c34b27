//! What is said over Socket.IO and WebSockets.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;

use super::{BASE64, DATA_URL, Example, NOW};
use crate::board::{BoardFrame, BoardInfo, BoardMetadata, BoardProblem, BoardStats};
use crate::camera::CameraTotals;
use crate::detect::Detection;
use crate::live::{FullType, Live, LiveFull, LivePatch, LiveProcess, LiveServer, PatchType};
use crate::relay::{
    ClientPing, ClientPong, Connected, ConnectedType, LiveFrame, LiveFrameData, Overlay, OverlayData,
    OverlayMetrics, Ping, Pong, RelayError, RelayTotals, SenderHello, SentFrame, StreamEnded,
    StreamStateMessage, StreamStats, ViewerConnected, Warning,
};
use crate::sign::{
    DetailedPrediction, Prediction, SignConnect, SignFrame, SignMessage, SignModel, SignResult,
};
use crate::stream::{AnalysisMode, EndedStream, Stream, StreamKind, StreamState, Viewer};

impl Example for SignConnect {
    fn example() -> Self {
        Self { extras: Some(true), key: None }
    }
}

impl Example for SignFrame {
    fn example() -> Self {
        Self { image: BASE64.into(), id: Some(42) }
    }
}

impl Example for SignMessage<'_> {
    fn example() -> Self {
        Self { message: "ready".into() }
    }
}

impl Example for Prediction<'_> {
    fn example() -> Self {
        Self { label: "wave".into(), score: 0.75 }
    }
}

/// In the order of the model's labels.
const SCORES: [f32; 6] = [0.125, 0.0, 0.0, 0.0, 0.125, 0.75];

impl Example for DetailedPrediction<'_> {
    fn example() -> Self {
        let Prediction { label, score } = Prediction::example();
        Self { label, score, id: Some(42), seen: Some(41), scores: Some(Cow::Owned(SCORES.into())) }
    }
}

impl Example for SignResult<'_> {
    fn example() -> Self {
        let Prediction { label, score } = Prediction::example();
        Self { label, score, seen: Some(41), scores: Cow::Owned(SCORES.into()), age_ms: 3.5, sight: None }
    }
}

impl Example for SignModel {
    fn example() -> Self {
        Self {
            name: "gestures".into(),
            labels: ["still", "left", "right", "up", "down", "wave"].map(str::to_owned).into(),
            window: 10,
            threshold: 0.5,
            arming: true,
            width: 224,
            height: 224,
        }
    }
}

impl Example for SenderHello {
    fn example() -> Self {
        Self { analysis_mode: Some(AnalysisMode::Normal), monitoring_conditions: None }
    }
}

impl Example for SentFrame {
    fn example() -> Self {
        Self { frame: DATA_URL.into(), ..Self::default() }
    }
}

impl Example for ClientPing {
    fn example() -> Self {
        Self::default()
    }
}

impl Example for ClientPong {
    fn example() -> Self {
        Self::default()
    }
}

impl Example for Connected {
    fn example() -> Self {
        let (kind, analysis_mode) = (ConnectedType::default(), AnalysisMode::Normal);
        Self { kind, patient_id: "ward-3".into(), analysis_mode, warning: None }
    }
}

impl Example for RelayError {
    fn example() -> Self {
        Self { message: "The stream was ended by an administrator.".into(), ..Self::default() }
    }
}

impl Example for Warning {
    fn example() -> Self {
        Self { message: "No frames have come for 10 s; the stream ends in 5 s.".into(), ..Self::default() }
    }
}

impl Example for Ping {
    fn example() -> Self {
        Self { timestamp: NOW, ..Self::default() }
    }
}

impl Example for Pong {
    fn example() -> Self {
        Self { timestamp: NOW, ..Self::default() }
    }
}

impl Example for StreamStats {
    fn example() -> Self {
        Self { received: 600, viewers: 2, ..Self::default() }
    }
}

impl Example for ViewerConnected {
    fn example() -> Self {
        Self { active_streams: vec!["ward-3".into()], timestamp: NOW, ..Self::default() }
    }
}

impl Example for LiveFrame {
    fn example() -> Self {
        let data = LiveFrameData { frame: DATA_URL.into() };
        Self { patient_id: "ward-3".into(), data, ..Self::default() }
    }
}

impl Example for StreamEnded {
    fn example() -> Self {
        Self { patient_id: "ward-3".into(), timestamp: NOW, ..Self::default() }
    }
}

impl Example for StreamStateMessage {
    fn example() -> Self {
        Self {
            analysis_mode: Some(AnalysisMode::Normal),
            kind: StreamKind::Relay,
            patient_id: "ward-3".into(),
            since_s: 12.5,
            state: StreamState::Running,
            timestamp: NOW,
            ..Self::default()
        }
    }
}

impl Example for OverlayData {
    fn example() -> Self {
        let metrics = OverlayMetrics {
            delay_ms: 21.3,
            detections: vec![Detection::example()],
            hands: None,
            height: 480,
            model: "yolox-nano".into(),
            width: 640,
        };
        let data = Overlay { metrics: Some(Box::new(metrics)), ..Overlay::default() };
        Self { data, frame_num: 123, patient_id: "ward-3".into(), ..Self::default() }
    }
}

impl Example for LiveFull<Live> {
    fn example() -> Self {
        let data = Live {
            cameras: CameraTotals::example(),
            ended: BTreeMap::from([("3".into(), EndedStream::example())]),
            may_manage: true,
            process: LiveProcess {
                connections: 12,
                cpu_percent: 3.0,
                max_connections: 1024,
                memory_bytes: 90 << 20,
                threads: 9,
            },
            relay: RelayTotals::example(),
            server: LiveServer { uptime_s: 12.0, version: env!("CARGO_PKG_VERSION").into() },
            streams: BTreeMap::from([("front-door".into(), Stream::example())]),
            time: NOW,
            viewers: BTreeMap::from([("7".into(), Viewer::example())]),
            why_not: None,
        };
        Self { data, kind: FullType::default(), version: 1 }
    }
}

impl Example for LivePatch {
    fn example() -> Self {
        let data = json!({ "process": { "cpu_percent": 4.0 }, "time": NOW + 1.0 });
        Self { data, kind: PatchType::default(), version: 2 }
    }
}

impl Example for BoardInfo {
    fn example() -> Self {
        Self {
            message: "Connected to Front door; 2 watch it.".into(),
            camera_id: "front-door".into(),
            viewer_count: 2,
            ..Self::default()
        }
    }
}

impl Example for BoardFrame {
    fn example() -> Self {
        let metadata = BoardMetadata { camera_id: "front-door".into(), frame_number: 123, timestamp: NOW };
        Self { data: BASE64.into(), metadata: Some(metadata), ..Self::default() }
    }
}

impl Example for BoardStats {
    fn example() -> Self {
        Self { processed: 50, sent: 50, read: 75, fps: 10.0, process_time_ms: 24.5, ..Self::default() }
    }
}

impl Example for BoardProblem {
    fn example() -> Self {
        Self { message: "No camera is known.".into(), ..Self::default() }
    }
}
