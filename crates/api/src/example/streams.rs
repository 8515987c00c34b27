//! Cameras, streams, what is in them, and what the camera prototype's pages are told.

use std::collections::BTreeMap;

use serde_json::json;

use super::{DATA_URL, Example, NOW};
use crate::Quantiles;
use crate::board::{
    Board, BoardAnswer, BoardChange, BoardConfig, BoardHealth, BoardSaved, BoardSnapshot, BoardStatus,
    BoardTest, OpenStream, OpenStreams,
};
use crate::camera::{Camera, CameraChange, CameraMode, CameraTest, Cameras, NewCamera};
use crate::detect::{Detection, Detections, StillDetection, StillDetections, StreamEvent};
use crate::relay::{ActiveStream, ActiveStreams};
use crate::stream::{
    Analysis, AnalysisMode, EndedStream, StageDelays, Stream, StreamKind, StreamState, Streams, Viewer,
    ViewerKind, Viewers, ViewersLink,
};

impl Example for Stream {
    fn example() -> Self {
        let delay = |p50, p95, p99| Some(Quantiles { p50, p95, p99 });
        Self {
            analyses: vec![Analysis {
                analysed_per_s: 5.0,
                delay_ms: StageDelays {
                    decoded: delay(2.0, 3.0, 4.0),
                    encoded: None,
                    inferred: delay(19.0, 24.0, 31.0),
                },
                fps: 10,
                frames_per_s: 10.0,
                model: "yolox-nano".into(),
                objects: BTreeMap::from([("car".into(), 2)]),
                precision: Some("f32".into()),
                provider: Some("cpu".into()),
                skip_frames: 2,
                ..Analysis::default()
            }],
            bytes: 12_582_912,
            bytes_out_per_s: 480_000.0,
            bytes_per_s: 240_000.0,
            connects: 1,
            delay_ms: delay(0.4, 0.9, 1.6),
            delivered: 1198,
            fps: 15.0,
            fps_out: 30.0,
            height: Some(480),
            id: "front-door".into(),
            kind: StreamKind::Camera,
            last_picture_age_s: Some(0.03),
            name: "Front door".into(),
            pictures: 600,
            received_bytes: 12_640_000,
            since_s: 40.0,
            state: StreamState::Running,
            url: Some("http://192.168.1.40/stream".into()),
            viewers: 2,
            width: Some(640),
            ..Self::default()
        }
    }
}

impl Example for EndedStream {
    fn example() -> Self {
        Self {
            began: NOW - 600.0,
            by: Some("the user \"eve\"".into()),
            ended: NOW - 60.0,
            id: "ward-3".into(),
            peer: Some("192.168.1.7:52110".into()),
            pictures: 8_100,
            reason: "its sender has left".into(),
        }
    }
}

impl Example for Streams {
    fn example() -> Self {
        Self { streams: vec![Stream::example()] }
    }
}

impl Example for Viewer {
    fn example() -> Self {
        Self {
            bytes: 6_291_456,
            bytes_per_s: 240_000.0,
            delivered: 599,
            endpoint: "/stream".into(),
            fps: 15.0,
            id: 7,
            kind: ViewerKind::Mjpeg,
            peer: Some("192.168.1.7:50412".into()),
            since_s: 40.0,
            streams: vec!["front-door".into()],
            ..Self::default()
        }
    }
}

impl Example for Viewers {
    fn example() -> Self {
        Self { viewers: vec![Viewer::example()] }
    }
}

impl Example for Camera {
    fn example() -> Self {
        Self {
            default: true,
            id: "front-door".into(),
            mode: CameraMode::Stream,
            name: "Front door".into(),
            url: "http://192.168.1.40/stream".into(),
            ..Self::default()
        }
    }
}

impl Example for Cameras {
    fn example() -> Self {
        Self {
            cameras: vec![Camera::example()],
            max_upstreams: 5,
            may_change: false,
            upstreams: 0,
            why_not: Some("This takes an operator; this key is of a viewer.".into()),
        }
    }
}

impl Example for NewCamera {
    fn example() -> Self {
        let (name, url) = (Some("Back yard".into()), Some("http://192.168.1.41/stream".into()));
        Self { name, url, ..Self::default() }
    }
}

impl Example for CameraChange {
    fn example() -> Self {
        Self { name: Some("Garden".into()), ..Self::default() }
    }
}

impl Example for CameraTest {
    fn example() -> Self {
        Self { url: Some("http://192.168.1.41/stream".into()), ..Self::default() }
    }
}

impl Example for StillDetections {
    fn example() -> Self {
        Self {
            detections: vec![StillDetection {
                bounds: [12.0, 40.5, 220.25, 180.0],
                confidence: 0.9134,
                label: "car".into(),
            }],
            height: 480,
            model: "yolox-nano".into(),
            ms: 21.3,
            notes: Vec::new(),
            width: 640,
        }
    }
}

impl Example for Detection {
    fn example() -> Self {
        Self {
            bounds: [12.0, 40.5, 220.1, 180.0],
            class: 2,
            confidence: 0.9134,
            label: "car".into(),
            track: Some(5),
        }
    }
}

impl Example for Detections {
    fn example() -> Self {
        Self {
            captured: "2026-11-20T14:00:00.123Z".into(),
            delay_ms: 21.3,
            detections: vec![Detection::example()],
            hands: None,
            height: 480,
            model: "yolox-nano".into(),
            sequence: 123,
            shared: None,
            stream: "front-door".into(),
            width: 640,
        }
    }
}

impl Example for StreamEvent {
    fn example() -> Self {
        Self::Detections(Detections::example())
    }
}

impl Example for ActiveStreams {
    fn example() -> Self {
        let about = ActiveStream { analysis_mode: AnalysisMode::Normal };
        Self {
            active_streams: vec!["ward-3".into()],
            stream_details: BTreeMap::from([("ward-3".into(), about)]),
            count: 1,
        }
    }
}

impl Example for ViewersLink {
    fn example() -> Self {
        Self {
            expires: Some("2026-11-21T14:00:00Z".into()),
            key: Some("k7m2x9qa".into()),
            origin: Some("http://192.168.1.2:8000".into()),
            path: "/login?next=%2Fwall%3Fstreams%3Dward-3#key=sw_…".into(),
        }
    }
}

impl Example for BoardHealth {
    fn example() -> Self {
        Self {
            status: "ok".into(),
            service: "smartparking-api".into(),
            models_loaded: true,
            firebase_connected: false,
            esp32_url: Some("http://***".into()),
        }
    }
}

impl Example for OpenStreams {
    fn example() -> Self {
        let one = OpenStream { stream_id: "front-door".into(), is_alive: true, age_seconds: 40.0 };
        Self { active_count: 1, streams: vec![one] }
    }
}

impl Example for BoardConfig {
    fn example() -> Self {
        let time = Some("2026-11-20T14:00:00Z".to_owned());
        Self {
            success: true,
            config: Some(Board {
                esp32_url: "http://192.168.1.40".into(),
                label: "ESP32-CAM".into(),
                created_at: time.clone(),
                updated_at: time,
            }),
            message: None,
        }
    }
}

impl Example for BoardChange {
    fn example() -> Self {
        Self { esp32_url: Some("http://192.168.1.40".into()), label: Some("ESP32-CAM".into()) }
    }
}

impl Example for BoardSaved {
    fn example() -> Self {
        Self {
            success: true,
            message: "ESP32 configuration saved".into(),
            esp32_url: Some("http://192.168.1.40".into()),
            label: Some("ESP32-CAM".into()),
        }
    }
}

impl Example for BoardAnswer<BoardSnapshot> {
    fn example() -> Self {
        Self { success: true, what: Some(BoardSnapshot { image_data: DATA_URL.into() }), error: None }
    }
}

impl Example for BoardAnswer<BoardStatus> {
    fn example() -> Self {
        let said = json!({ "framesize": 8, "quality": 12 });
        let said = said.as_object().cloned().unwrap_or_default();
        Self { success: true, what: Some(BoardStatus(said)), error: None }
    }
}

impl Example for BoardTest {
    fn example() -> Self {
        Self {
            connected: true,
            esp32_url: Some("http://192.168.1.40/stream".into()),
            wait_ms: 120,
            error: None,
        }
    }
}
