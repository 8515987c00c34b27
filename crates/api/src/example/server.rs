//! What runs, the models, and clips.

use std::collections::BTreeMap;

use super::{DATA_URL, Example, NOW};
use crate::Error;
use crate::camera::CameraTotals;
use crate::cluster::{ChallengeAnswer, ClusterProcess, ClusterState, ClusterStatus};
use crate::history::History;
use crate::models::{
    Activated, ClipModel, Labels, Model, Models, Runtime, RuntimeFetch, SampleClip, Samples,
};
use crate::read::ReadPrecision;
use crate::relay::RelayTotals;
use crate::settings::{Setting, SettingKind, SettingTable, SettingValue, Settings};
use crate::status::{
    Amx, Connections, Cpu, DetectorStatus, DrawingStatus, EngineStatus, Health, JobTotals, LastSign,
    MemoryStatus, ModelState, Network, PageError, PredictionDelay, ProcessStatus, ReadLimits, ReaderStatus,
    Readiness, RecognizerState, RecognizerStatus, Reloaded, Status,
};

impl Example for ChallengeAnswer {
    fn example() -> Self {
        Self { live: true }
    }
}

impl Example for History {
    fn example() -> Self {
        let series = [("in", vec![Some(14.9), Some(15.1)]), ("lost", vec![None, Some(0.0)])];
        let series = series.map(|(name, values)| (name.to_owned(), values));
        Self { kept_s: 3600, series: BTreeMap::from(series), step_s: 10, time: NOW }
    }
}

impl Example for Error {
    fn example() -> Self {
        Self { detail: "There is no stream \"front-door\".".into() }
    }
}

fn labels() -> Vec<String> {
    ["still", "left", "right", "up", "down", "wave"].map(str::to_owned).into()
}

impl Example for Status {
    fn example() -> Self {
        Self {
            cameras: CameraTotals::example(),
            cluster: Some(cluster()),
            connections: Connections {
                decoding_max_bytes: 1 << 30,
                max: 1024,
                open: 12,
                receiving_max_bytes: 256 << 20,
                sending_max_bytes: 64 << 20,
                ..Connections::default()
            },
            detector: DetectorStatus {
                busy_s: 11.2,
                confidence: 0.25,
                labels: vec!["person".into(), "bicycle".into(), "car".into()],
                model: "yolox-nano".into(),
                precision: Some("f32".into()),
                provider: Some("cpu".into()),
                runs: 1200,
                state: ModelState::Ready,
                threads: Some(2),
                ..DetectorStatus::default()
            },
            engine: engine(),
            memory: MemoryStatus {
                budget_bytes: Some(6 << 30),
                used_bytes: 80 << 20,
                ..MemoryStatus::default()
            },
            process: ProcessStatus {
                cpu_percent: 3.0,
                cpu_seconds: 1.23,
                memory_bytes: 90 << 20,
                threads: 9,
            },
            reader: reader(),
            recognizer: recognizer(),
            relay: RelayTotals::example(),
            uptime_s: 12.3,
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

fn cluster() -> ClusterStatus {
    let process = |name: &str, heard_s, streams| ClusterProcess {
        heard_s: Some(heard_s),
        is_self: name == "a",
        name: name.into(),
        streams,
        url: format!("http://{name}.example.org:8000"),
        version: env!("CARGO_PKG_VERSION").into(),
        ..ClusterProcess::default()
    };
    ClusterStatus {
        name: "a".into(),
        processes: vec![process("a", 0.4, 2), process("b", 1.1, 3)],
        pulled_bytes_per_s: 3_000_000.0,
        pulls: 1,
        redis: Some("10.0.0.9:6379".into()),
        since_s: 12.0,
        state: ClusterState::Connected,
        streams_elsewhere: 3,
        streams_here: 2,
        url: "http://a.example.org:8000".into(),
        ..ClusterStatus::default()
    }
}

fn engine() -> EngineStatus {
    let network = |role: &str| Network { precision: "f32".into(), provider: "cpu".into(), role: role.into() };
    EngineStatus {
        cpu: Cpu {
            amx: Amx::Absent,
            extensions: "avx2 avx512".into(),
            name: "AMD EPYC, family 25 model 17 stepping 1".into(),
        },
        jpeg: "libjpeg-turbo".into(),
        networks: ["backbone", "head"].map(network).into(),
        precision: Some("f32".into()),
        provider: Some("cpu".into()),
        requested: "auto".into(),
        runtime_version: Some("1.24.1".into()),
        threads: Some(2),
        ..EngineStatus::default()
    }
}

fn reader() -> ReaderStatus {
    ReaderStatus {
        drawing: DrawingStatus { available: true, why: None },
        jobs: JobTotals { ended: 2, kept: 10, kept_bytes: 4_000_000, running: 1, waiting: 14 },
        limits: ReadLimits {
            deadline_s: 60.0,
            job_ttl_s: 3600.0,
            display_size: 2048,
            keep_pictures: 10,
            max_image_mb: 64,
            max_job_files: 10_000,
            max_job_mb: 2048,
            max_jobs: 16,
            max_pages: 100,
            max_pixels: 120_000_000,
            max_side_px: 65_535,
        },
        lines: 900,
        model: "ppocr-v4".into(),
        models: vec!["ppocr-v4".into()],
        pictures: 120,
        precision: Some(ReadPrecision { detection: "f32".into(), recognition: "f32".into() }),
        provider: Some("cpu".into()),
        reading: 2,
        sessions: 4,
        state: ModelState::Ready,
        threads: 2,
        ..ReaderStatus::default()
    }
}

fn recognizer() -> RecognizerStatus {
    RecognizerStatus {
        analysed_per_s: 75.0,
        capacity_fps: 900.0,
        clients: 3,
        delay_ms: PredictionDelay { p50: Some(3.1), p95: Some(6.0) },
        frames_analysed_total: 100,
        frames_per_s: 75.0,
        frames_total: 100,
        labels: labels(),
        last: Some(LastSign { age_s: 4.2, confidence: 0.93, label: "wave".into() }),
        max_clients: 50,
        model: "gestures".into(),
        predictions_per_s: 74.0,
        predictions_total: 91,
        state: RecognizerState::Ready,
        task: "clip-classification".into(),
        threshold: Some(0.5),
        window: Some(10),
        ..RecognizerStatus::default()
    }
}

impl Example for CameraTotals {
    fn example() -> Self {
        Self {
            analyses: 1,
            bytes_in_per_s: 720_000.0,
            bytes_out_per_s: 2_160_000.0,
            frames_per_s: 15.0,
            known: 2,
            max_analyses: 10,
            max_named: 5,
            max_upstreams: 5,
            max_viewers: 1000,
            max_views: 32,
            upstreams: 1,
            viewers: 3,
            views: 1,
            ..Self::default()
        }
    }
}

impl Example for RelayTotals {
    fn example() -> Self {
        Self {
            bytes_in_per_s: 6_000_000.0,
            bytes_out_per_s: 59_800_000.0,
            frames_in_per_s: 60.0,
            frames_out_per_s: 598.0,
            lost_percent: 0.3,
            max_streams: 64,
            max_viewers: 1000,
            streams: 2,
            viewers: 10,
        }
    }
}

impl Example for Health {
    fn example() -> Self {
        Self { status: "ok".into(), model: "gestures".into() }
    }
}

impl Example for Readiness {
    fn example() -> Self {
        Self::Ready { notes: Vec::new(), ready: true }
    }
}

impl Example for Models {
    fn example() -> Self {
        let clip = ClipModel {
            height: 224,
            precision: "f32".into(),
            split: true,
            threshold: 0.5,
            width: 224,
            window: 10,
        };
        let gestures = Model {
            active: true,
            available: true,
            clip: Some(clip),
            labels: Some(labels()),
            licence: "MIT OR Apache-2.0".into(),
            name: "gestures".into(),
            recognizer: true,
            size_bytes: 1_900_000,
            source: "trained for Sightwire on generated clips".into(),
            task: "clip-classification".into(),
            title: "Gestures".into(),
            ..Model::default()
        };
        Self { errors: Vec::new(), may_activate: true, models: vec![gestures], why_not: None }
    }
}

impl Example for Activated {
    fn example() -> Self {
        Self { model: "gestures".into(), took_ms: 870 }
    }
}

impl Example for Runtime {
    fn example() -> Self {
        Self { may_get: true, missing: false, why_not: None }
    }
}

impl Example for Settings {
    fn example() -> Self {
        let setting = Setting {
            at_once: true,
            choices: None,
            default: SettingValue::Number(60.0),
            env: "SIGHTWIRE_RELAY_MAX_FPS".into(),
            kind: SettingKind::Number,
            max: Some(1e6),
            min: Some(1.0),
            name: "relay.max_fps".into(),
            old_env: Vec::new(),
            origin: "sightwire.toml, line 12".into(),
            secret: false,
            text: "Pictures per second of one stream that are passed on.".into(),
            unit: Some("fps".into()),
            value: Some(SettingValue::Number(30.0)),
        };
        let table = SettingTable { at_once: true, count: 2, name: "[[camera]]".into() };
        Self { settings: vec![setting], tables: vec![table] }
    }
}

impl Example for Reloaded {
    fn example() -> Self {
        Self { applied: vec!["[[camera]]".into()], needs_restart: vec!["server.max_connections".into()] }
    }
}

impl Example for PageError {
    fn example() -> Self {
        Self {
            message: "TypeError: x is undefined".into(),
            page: "/wall".into(),
            place: "/assets/index.js:1:2345".into(),
        }
    }
}

impl Example for RuntimeFetch {
    fn example() -> Self {
        Self::default()
    }
}

impl Example for Samples {
    fn example() -> Self {
        Self { fps: 25, gestures: labels() }
    }
}

impl Example for SampleClip {
    fn example() -> Self {
        Self { fps: 25, frames: vec![DATA_URL.into()], gesture: "wave".into() }
    }
}

impl Example for Labels {
    fn example() -> Self {
        labels()
            .into_iter()
            .enumerate()
            .map(|(index, label)| (index.to_string(), label))
            .collect::<BTreeMap<_, _>>()
    }
}
