//! Health, metrics and the JSON API. Errors are `{"detail": "…"}`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sightwire_frame::sample::{Clip, Gesture};
use sightwire_frame::{Encoder, Image};
use sightwire_infer::manifest::Task;
use sightwire_infer::store::Store;
use tokio::sync::Semaphore;

use super::error;
use crate::recognizer::{Recognizer, State as RecognizerState};
use crate::telemetry::{Telemetry, process};

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Api {
    /// The sign recogniser.
    pub recognizer: Arc<Recognizer>,
    /// Counters, rates, the process.
    pub telemetry: Arc<Telemetry>,
    /// Models.
    pub store: Store,
    /// One sample clip is drawn at a time.
    pub drawing: Arc<Semaphore>,
    /// As configured, for `engine.requested`.
    pub requested_provider: &'static str,
}

/// Frames of a sample clip, at [`SAMPLE_FPS`].
const SAMPLE_FRAMES: u32 = 25;
const SAMPLE_FPS: u32 = 25;
const SAMPLE_SIZE_PX: (u32, u32) = (640, 480);
const SAMPLE_QUALITY: u8 = 80;

/// All routes but the pages and Socket.IO.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/labels", get(labels))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/models", get(models))
        .route("/api/v1/samples", get(samples))
        .route("/api/v1/samples/{gesture}", get(sample))
        .route("/api/{*rest}", get(|| async { error(StatusCode::NOT_FOUND, "There is no such API path.") }))
        .with_state(api)
}

async fn healthz(State(api): State<Api>) -> Json<Value> {
    Json(json!({ "status": "ok", "model": api.recognizer.model() }))
}

async fn labels(State(api): State<Api>) -> Json<OrderedLabels> {
    Json(OrderedLabels(api.recognizer.facts().map(|facts| facts.labels).unwrap_or_default()))
}

/// `{"0":"book","1":"chair",…}` in the order of the labels.
struct OrderedLabels(Vec<String>);

impl Serialize for OrderedLabels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate().map(|(i, label)| (i.to_string(), label)))
    }
}

async fn readyz(State(api): State<Api>) -> Response {
    let not_ready = |reason: &str| {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": reason }))).into_response()
    };
    match api.recognizer.state() {
        RecognizerState::Loading => {
            ([(header::RETRY_AFTER, "2")], not_ready("the model is being loaded")).into_response()
        }
        RecognizerState::Failed(reason) => not_ready(&format!("{reason}; then start the server again")),
        RecognizerState::Ready(_) | RecognizerState::Dummy => Json(json!({ "ready": true })).into_response(),
    }
}

async fn metrics(State(api): State<Api>) -> Response {
    match api.telemetry.prometheus() {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(reason) => error(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string()),
    }
}

async fn status(State(api): State<Api>) -> Json<Value> {
    let recognizer = &api.recognizer;
    let (state, failure) = match recognizer.state() {
        RecognizerState::Loading => ("loading", None),
        RecognizerState::Ready(_) => ("ready", None),
        RecognizerState::Failed(reason) => ("failed", Some(reason)),
        RecognizerState::Dummy => ("dummy", None),
    };
    let engine = match recognizer.state() {
        RecognizerState::Ready(service) => {
            let engine = service.engine();
            json!({
                "provider": engine.provider().name(),
                "requested": api.requested_provider,
                "runtime_version": engine.runtime().version(),
                "threads": engine.threads(),
                "precision": engine.precision(service.model().clip().precision).name(),
                "jpeg": sightwire_frame::JPEG_BACKEND,
                "note": engine.note(),
            })
        }
        _ => json!({
            "provider": null, "requested": api.requested_provider, "runtime_version": null, "threads": null,
            "precision": null, "jpeg": sightwire_frame::JPEG_BACKEND, "note": null,
        }),
    };
    let facts = recognizer.facts();
    let stats = recognizer.stats();
    let rates = api.telemetry.rates();
    let process = process::usage();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": api.telemetry.uptime().as_secs_f64(),
        "engine": engine,
        "recognizer": {
            "model": recognizer.model(),
            "task": Task::ClipClassification.name(),
            "state": state,
            "error": failure,
            "labels": facts.as_ref().map(|f| f.labels.as_slice()).unwrap_or_default(),
            "window": facts.as_ref().map(|f| f.window),
            "threshold": facts.as_ref().map(|f| f.threshold),
            "clients": recognizer.clients(),
            "max_clients": recognizer.max_clients(),
            "frames_total": stats.frames,
            "frames_analysed_total": stats.analysed,
            "predictions_total": stats.predictions,
            "frames_per_s": rates.frames_per_s,
            "analysed_per_s": rates.analysed_per_s,
            "predictions_per_s": rates.predictions_per_s,
            "delay_ms": { "p50": rates.delay_p50_ms, "p95": rates.delay_p95_ms },
            "capacity_fps": stats.capacity_fps,
            "overloaded": rates.skipped_per_s > 0.0,
        },
        "process": {
            "cpu_seconds": process.cpu_seconds,
            "cpu_percent": rates.cpu_percent,
            "memory_bytes": process.memory_bytes,
            "threads": process.threads,
        },
    }))
}

async fn models(State(api): State<Api>) -> Json<Value> {
    // Reads a folder and small files, some of them for the first time.
    let listed = tokio::task::spawn_blocking(move || {
        let (manifests, errors) = api.store.manifests();
        let models: Vec<Value> = manifests
            .iter()
            .filter(|m| m.task != Task::Runtime)
            .map(|m| {
                json!({
                    "name": m.name,
                    "task": m.task.name(),
                    "title": m.title,
                    "licence": m.licence,
                    "source": m.origin,
                    "active": m.name == api.recognizer.model(),
                    "available": api.store.has(m),
                    "card": api.store.card(&m.name),
                    "labels": m.clip.as_ref().map(|c| &c.labels),
                    "size_bytes": m.files.iter().map(|f| f.size_bytes).sum::<u64>(),
                })
            })
            .collect();
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        json!({ "models": models, "errors": errors })
    });
    Json(listed.await.unwrap_or_else(|_| json!({ "models": [], "errors": ["listing failed"] })))
}

async fn samples() -> Json<Value> {
    let gestures: Vec<&str> = Gesture::ALL.iter().map(|g| g.name()).collect();
    Json(json!({ "fps": SAMPLE_FPS, "gestures": gestures }))
}

#[derive(Deserialize)]
struct SampleQuery {
    #[serde(default)]
    seed: u64,
}

async fn sample(
    State(api): State<Api>,
    Path(gesture): Path<String>,
    Query(query): Query<SampleQuery>,
) -> Response {
    let Ok(gesture) = gesture.parse::<Gesture>() else {
        let known: Vec<&str> = Gesture::ALL.iter().map(|g| g.name()).collect();
        return error(
            StatusCode::NOT_FOUND,
            &format!("There is no such sample; there are {}.", known.join(", ")),
        );
    };
    // Drawing takes a hundred milliseconds of one core: one at a time, or a crowd of them would starve the rest.
    let waited = tokio::time::timeout(Duration::from_secs(5), api.drawing.acquire_owned()).await;
    let Ok(Ok(turn)) = waited else {
        let response =
            error(StatusCode::SERVICE_UNAVAILABLE, "Too many samples are being drawn. Please try again.");
        return ([(header::RETRY_AFTER, "2")], response).into_response();
    };
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = draw_sample(gesture, query.seed);
        drop(turn); // not before, though the one who asked may have gone
        drawn
    })
    .await;
    match drawn {
        Ok(Ok(frames)) => {
            let body: BTreeMap<&str, Value> = BTreeMap::from([
                ("gesture", gesture.name().into()),
                ("fps", SAMPLE_FPS.into()),
                ("frames", frames.into()),
            ]);
            ([(header::CACHE_CONTROL, "public, max-age=86400")], Json(body)).into_response()
        }
        Ok(Err(reason)) => error(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string()),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "The sample could not be drawn."),
    }
}

fn draw_sample(gesture: Gesture, seed: u64) -> Result<Vec<String>, sightwire_frame::EncodeError> {
    let clip = Clip::new(gesture, seed, SAMPLE_SIZE_PX.0, SAMPLE_SIZE_PX.1);
    let mut encoder = Encoder::new()?;
    let (mut image, mut jpeg) = (Image::new(0, 0), Vec::new());
    (0..SAMPLE_FRAMES)
        .map(|index| {
            clip.frame_into(index, &mut image);
            encoder.encode(&image, SAMPLE_QUALITY, &mut jpeg)?;
            let base64 = base64_simd::STANDARD.encode_to_string(&jpeg);
            Ok(format!("data:image/jpeg;base64,{base64}"))
        })
        .collect()
}
