//! Health, metrics and the JSON API. Errors are `{"detail": "…"}`.
//!
//! - [`changes`]: who may change things
//! - [`models`]: the models, and which of them is at work; `runtime`: the library that runs them
//! - [`cameras`], [`streams`]: cameras, and those that are being read; [`detections`]: what is in their pictures;
//!   [`detect`]: what is in a single one
//! - [`read`], [`jobs`]: the text in a picture, and in many; [`form`]: how these arrive; [`refusal`]: why they do not
//! - [`live`]: everything, as it changes; [`manage`]: ending streams and viewers

pub mod cameras;
pub mod changes;
pub mod detect;
pub mod detections;
pub mod form;
pub mod jobs;
pub mod live;
pub mod manage;
pub mod models;
pub mod read;
pub mod refusal;
mod runtime;
pub mod streams;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sightwire_frame::{Encoder, Image};
use sightwire_import::Progress;
use sightwire_infer::cpu::{Cpu, Tiles};
use sightwire_infer::shared::SharedEngine;
use sightwire_live::Cameras;
use sightwire_live::relay::Relay;
use sightwire_models::Provider;
use sightwire_models::manifest::Task;
use sightwire_reading::Reader;
use sightwire_recognizer::{Recognizer, State as RecognizerState};
use sightwire_synth::sample::{Clip, Gesture};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::error;
use crate::config::Config;
use crate::telemetry::live::Live;
use crate::telemetry::{Telemetry, process};
use manage::Manage;

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Api {
    /// What runs networks.
    pub engine: Arc<SharedEngine>,
    /// The sign recogniser.
    pub recognizer: Arc<Recognizer>,
    /// Counters, rates, the process.
    pub telemetry: Arc<Telemetry>,
    /// All cameras.
    pub cameras: Arc<Cameras>,
    /// Streams that are sent.
    pub relay: Arc<Relay>,
    /// Text in pictures.
    pub reader: Arc<Reader>,
    /// All of it, once a second.
    pub live: Arc<Live>,
    /// Whose tasks sockets are.
    pub tasks: TaskTracker,
    /// As loaded; an activated model is run by it, too.
    pub config: Arc<Config>,
    /// One sample clip is drawn at a time.
    pub drawing: Arc<Semaphore>,
}

/// Frames of a sample clip, at [`SAMPLE_FPS`].
const SAMPLE_FRAMES: u32 = 25;
const SAMPLE_FPS: u32 = 25;
const SAMPLE_SIZE_PX: (u32, u32) = (640, 480);
const SAMPLE_QUALITY: u8 = 80;

/// All routes but the pages and Socket.IO.
pub fn router(api: Api) -> Router {
    let listeners = detections::Detections { cameras: api.cameras.clone(), tasks: api.tasks.clone() };
    let manage = Manage { relay: api.relay.clone(), who: api.config.server.managing };
    let live = live::Means { live: api.live.clone(), manage: manage.clone(), tasks: api.tasks.clone() };
    let of_streams = Router::new()
        .route("/api/v1/streams", get(streams::list))
        .route("/api/v1/streams/{id}", get(streams::one).delete(manage::end_stream))
        .route("/api/v1/viewers", get(manage::viewers))
        .route("/api/v1/viewers/{id}", delete(manage::end_viewer))
        .with_state(manage)
        .merge(Router::new().route("/api/v1/live", get(live::live)).with_state(live));
    let means = cameras::Means::new(api.cameras.clone(), api.config.cameras.changing);
    let of_cameras = Router::new()
        .route("/api/v1/cameras", get(cameras::list).post(cameras::add))
        .route("/api/v1/cameras/test", post(cameras::test))
        .route("/api/v1/cameras/{id}", get(cameras::one).patch(cameras::change).delete(cameras::remove))
        .route("/api/v1/streams/{id}/snapshot.jpg", get(streams::snapshot))
        .route_layer(middleware::from_fn_with_state(means.clone(), cameras::guard))
        .with_state(means)
        .merge(
            Router::new()
                .route("/api/v1/detect", post(detect::detect).layer(DefaultBodyLimit::disable()))
                .with_state(detect::Means {
                    cameras: api.cameras.clone(),
                    decoding: api.reader.display.decoding.clone(),
                }),
        )
        .merge(
            Router::new()
                .route("/api/v1/streams/{id}/detections", get(detections::events))
                .with_state(listeners),
        );
    let of_reader = Router::new()
        .route("/api/v1/read", post(read::read))
        .route("/api/v1/jobs", get(jobs::list).post(jobs::add))
        .route("/api/v1/jobs/{id}", get(jobs::one).delete(jobs::end))
        .route("/api/v1/jobs/{id}/files", get(jobs::rows))
        .route("/api/v1/jobs/{id}/files/{index}", get(jobs::result))
        .route("/api/v1/jobs/{id}/files/{index}/picture", get(jobs::picture))
        .route("/api/v1/jobs/{id}/files/{index}/read", post(jobs::again))
        .route("/api/v1/jobs/{id}/events", get(jobs::events))
        .route("/api/v1/jobs/{id}/export", get(jobs::export))
        .route_layer(middleware::from_fn_with_state(api.config.clone(), read::guard))
        .layer(DefaultBodyLimit::disable())
        .with_state(api.reader.clone());
    Router::new()
        .route("/healthz", get(healthz))
        .route("/labels", get(labels))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/models", get(models::list))
        .route("/api/v1/models/{name}/activate", post(models::activate))
        .route("/api/v1/runtime", get(runtime::state).post(runtime::get))
        .route("/api/v1/samples", get(samples))
        .route("/api/v1/samples/{gesture}", get(sample))
        .route("/api/{*rest}", get(|| async { error(StatusCode::NOT_FOUND, "There is no such API path.") }))
        .with_state(api)
        .merge(of_cameras)
        .merge(of_streams)
        .merge(of_reader)
}

async fn healthz(State(api): State<Api>) -> Json<Value> {
    Json(json!({ "status": "ok", "model": &*api.recognizer.model() }))
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
    let not_ready = |reason: &str, progress: Option<f32>| {
        let answer = json!({ "ready": false, "reason": reason, "progress": progress });
        (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
    };
    match api.recognizer.state() {
        RecognizerState::Loading(Progress { text, done }) => {
            ([(header::RETRY_AFTER, "2")], not_ready(&text, done)).into_response()
        }
        RecognizerState::Failed { reason, .. } => {
            not_ready(&format!("{reason}; then start the server again, or activate another model"), None)
        }
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

fn cpu() -> Value {
    let cpu = Cpu::here();
    let amx = match cpu.tiles {
        Tiles::Absent => "absent",
        Tiles::Usable => "usable",
        Tiles::Unusable => "unusable",
        Tiles::Off => "off",
    };
    json!({ "name": cpu.name, "extensions": cpu.extensions, "amx": amx })
}

async fn status(State(api): State<Api>) -> Json<Value> {
    let recognizer = &api.recognizer;
    let (state, loading, failure, missing) = match recognizer.state() {
        RecognizerState::Loading(progress) => ("loading", Some(progress), None, None),
        RecognizerState::Ready(_) => ("ready", None, None, None),
        RecognizerState::Failed { reason, missing } => ("failed", None, Some(reason), missing),
        RecognizerState::Dummy => ("dummy", None, None, None),
    };
    let requested = api.config.engine.options.provider.map_or("auto", Provider::name);
    let mut engine = match recognizer.state() {
        RecognizerState::Ready(service) => {
            let engine = service.engine();
            // The first network is the one that costs.
            let plan = service.plans().first().map(|(_, plan)| *plan);
            let networks: Vec<Value> = service
                .plans()
                .iter()
                .map(|(role, plan)| {
                    json!({ "role": role, "provider": plan.provider, "precision": plan.precision })
                })
                .collect();
            json!({
                "provider": plan.map(|p| p.provider),
                "requested": requested,
                "runtime_version": engine.runtime().version(),
                "threads": engine.threads(),
                "precision": plan.map(|p| p.precision),
                "networks": networks,
                "jpeg": sightwire_frame::JPEG_BACKEND,
                "note": engine.note(),
            })
        }
        _ => json!({
            "provider": null, "requested": requested, "runtime_version": null, "threads": null,
            "precision": null, "networks": [], "jpeg": sightwire_frame::JPEG_BACKEND, "note": null,
        }),
    };
    engine["cpu"] = cpu();
    engine["warnings"] = api.engine.warnings().into();
    let facts = recognizer.facts();
    let stats = recognizer.stats();
    let rates = api.telemetry.rates();
    let process = process::usage();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": api.telemetry.uptime().as_secs_f64(),
        "engine": engine,
        "recognizer": {
            "model": &*recognizer.model(),
            "task": Task::ClipClassification.name(),
            "state": state,
            "error": failure,
            "cure": missing.map(|missing| missing.command(&api.config.store)),
            "loading": loading,
            "switching": recognizer.switching_to().map(|to| json!({ "to": to })),
            "warning": recognizer.warning().as_deref(),
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
        "cameras": api.cameras.report(),
        "relay": api.relay.report(),
        "detector": api.cameras.detector.report(),
        "reader": api.reader.report(),
        "process": {
            "cpu_seconds": process.cpu_seconds,
            "cpu_percent": rates.cpu_percent,
            "memory_bytes": process.memory_bytes,
            "threads": process.threads,
        },
        "connections": api.telemetry.connections(),
    }))
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
