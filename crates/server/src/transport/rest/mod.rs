//! Health, metrics and the JSON API. Errors are `{"detail": "…"}`.
//!
//! - [`models`]: the models, and which of them is at work; `runtime`: the library that runs them
//! - [`cameras`], [`streams`]: cameras, and those that are being read; [`detections`]: what is in their pictures;
//!   [`detect`]: what is in a single one
//! - [`read`], [`jobs`]: the text in a picture, and in many; [`picture`]: how these arrive; [`shared`]: batches that workers read
//! - [`login`], [`keys`], [`link`], `share`: logging in, and who else may do what
//! - [`boards`]: what the pages of the camera prototype ask for
//! - `page_errors`: what went wrong in browsers
//! - [`docs`]: the documents that describe all of this
//! - [`live`]: everything, as it changes; [`history`]: how it went; [`manage`]: ending streams and viewers

pub mod boards;
pub mod cameras;
pub mod detect;
pub mod detections;
pub mod docs;
pub mod history;
pub mod jobs;
mod keys;
mod link;
pub mod live;
mod login;
pub mod manage;
pub mod models;
mod page_errors;
pub mod picture;
pub mod read;
mod runtime;
mod share;
pub mod shared;
pub mod streams;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRef, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sightwire_access::Guard;
use sightwire_access::action::{self, Anything, SeeLabels, SeeMetrics, SeeServer};
use sightwire_api::models::{SampleClip, Samples};
use sightwire_api::status::{Health, Readiness, Reloaded, Status};
use sightwire_config::Config;
use sightwire_live::Streams;
use sightwire_measure::disk;
use sightwire_measure::memory::Memory;
use sightwire_models::manifest::Task;
use sightwire_reading::TextReader;
use sightwire_recognizer::Recognizer;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::error;
use crate::reach::Reach;
use crate::reload::{Reload, ReloadError};
use crate::samples;
use sightwire_http::may::May;
use sightwire_http::parts::Path;
use sightwire_http::query::{self, Params};
use sightwire_http::refusal::Refusal;
use sightwire_http::routes::{Routes, delete, get, post};
use sightwire_streaming::paths;
use sightwire_telemetry::live::Live;
use sightwire_telemetry::{Telemetry, Unready};

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Api {
    pub recognizer: Arc<Recognizer>,
    /// Counters, rates, the process.
    pub telemetry: Arc<Telemetry>,
    pub streams: Arc<Streams>,
    /// Reads text in single pictures and in batches.
    pub reader: Arc<TextReader>,
    /// Batches that workers read, if this server is one of those that know of them.
    pub shared: Option<Arc<sightwire_jobs::service::Service>>,
    /// All of it, once a second.
    pub live: Arc<Live>,
    /// Whose tasks sockets are.
    pub tasks: TaskTracker,
    /// The configuration as loaded at the start.
    pub config: Arc<Config>,
    /// One sample clip is drawn at a time.
    pub drawing: Arc<Semaphore>,
    /// Who is known.
    pub access: Arc<Guard>,
    /// Where others find this server.
    pub reach: Arc<Reach>,
    /// Without it nothing new begins.
    pub memory: Arc<Memory>,
    /// Reads the configuration again.
    pub reload: Arc<Reload>,
}

impl FromRef<Api> for Arc<Guard> {
    fn from_ref(api: &Api) -> Self {
        api.access.clone()
    }
}

impl FromRef<Api> for Arc<Memory> {
    fn from_ref(api: &Api) -> Self {
        api.memory.clone()
    }
}

impl FromRef<Api> for Arc<Streams> {
    fn from_ref(api: &Api) -> Self {
        api.streams.clone()
    }
}

impl FromRef<Api> for Arc<TextReader> {
    fn from_ref(api: &Api) -> Self {
        api.reader.clone()
    }
}

/// All routes but the pages and Socket.IO.
pub fn routes(api: Api) -> Routes {
    let any_body = |routes: axum::routing::MethodRouter<_>| routes.layer(DefaultBodyLimit::disable());
    let of_reader = Routes::new()
        .private("/api/v1/read", post(read::read))
        .private("/api/v1/jobs", get(jobs::list).post(jobs::add))
        .private("/api/v1/jobs/{id}", get(jobs::one).delete(jobs::end))
        .private("/api/v1/jobs/{id}/files", get(jobs::rows))
        .private("/api/v1/jobs/{id}/files/{index}", get(jobs::result))
        .private("/api/v1/jobs/{id}/files/{index}/picture", get(jobs::picture))
        .private("/api/v1/jobs/{id}/files/{index}/read", post(jobs::again))
        .private("/api/v1/jobs/{id}/events", get(jobs::events))
        .private("/api/v1/jobs/{id}/export", get(jobs::export))
        .private("/api/v1/cluster/folders", post(shared::add_folders))
        .private("/api/v1/cluster/jobs", get(shared::list).post(shared::add_files))
        .private("/api/v1/cluster/jobs/{id}", get(shared::one).patch(shared::change).delete(shared::remove))
        .private("/api/v1/cluster/jobs/{id}/files", get(shared::rows))
        .private("/api/v1/cluster/jobs/{id}/files/{index}", get(shared::result))
        .private("/api/v1/cluster/jobs/{id}/export", get(shared::export))
        .through(|routes| {
            routes.route_layer(middleware::from_fn(read::guard)).layer(DefaultBodyLimit::disable())
        });
    let own_camera = get(boards::own_camera).post(boards::save).delete(boards::forget);
    Routes::new()
        .private("/api/v1/cameras", get(cameras::list).post(cameras::add))
        .private("/api/v1/cameras/test", post(cameras::test))
        .private("/api/v1/cameras/{id}", get(cameras::one).patch(cameras::change).delete(cameras::remove))
        .private("/api/user/esp32-config", own_camera)
        .private("/api/esp32/snapshot", get(boards::snapshot))
        .private("/api/esp32/status", get(boards::status))
        .private("/api/esp32/test", get(boards::test))
        .private("/debug/streams", get(boards::debug))
        .slashed("/debug/streams/", "/debug/streams")
        .slashed("/api/user/esp32-config/", "/api/user/esp32-config")
        .slashed("/health/", "/health")
        .open(paths::HEALTH, get(boards::health))
        .private("/api/v1/streams", get(streams::list))
        .private("/api/v1/streams/{id}", get(streams::one).delete(manage::end_stream))
        .private("/api/v1/streams/{id}/links", post(share::make))
        .private("/api/v1/streams/{id}/snapshot.jpg", get(streams::snapshot))
        .private("/api/v1/streams/{id}/detections", get(detections::events))
        .private("/api/v1/detect", post(detect::detect).through(any_body))
        .private("/api/v1/viewers", get(manage::viewers))
        .private("/api/v1/viewers/{id}", delete(manage::end_viewer))
        .private("/api/v1/session", get(login::session))
        .private("/api/v1/login", post(login::log_in))
        .private("/api/v1/logout", post(login::log_out))
        .private("/api/v1/keys", get(keys::list).post(keys::add))
        .private("/api/v1/keys/{id}", delete(keys::revoke))
        .private("/api/v1/login-links", post(link::make))
        .private("/api/v1/tls", get(link::tls))
        .private("/api/v1/users", get(keys::users).post(keys::add_user))
        .private("/api/v1/users/{name}", delete(keys::remove_user))
        .private("/api/v1/history", get(history::history))
        .private("/api/v1/live", get(live::live))
        .open("/api/v1/openapi.json", get(docs::openapi))
        .open("/api/v1/asyncapi.json", get(docs::asyncapi))
        .open("/healthz", get(healthz))
        .slashed("/healthz/", "/healthz")
        .open("/labels", get(labels))
        .slashed("/labels/", "/labels")
        .open("/livez", get(livez))
        .open("/readyz", get(readyz))
        .private("/api/v1/page-errors", post(page_errors::add))
        .open("/api/v1/reload", post(reload))
        .open("/metrics", get(metrics))
        .open("/api/v1/status", get(status))
        .open("/api/v1/models", get(models::list))
        .open("/api/v1/models/{name}/activate", post(models::activate))
        .open("/api/v1/models/{name}/fetch", post(runtime::get_better))
        .open("/api/v1/runtime", get(runtime::state).post(runtime::get))
        .open("/api/v1/samples", get(list_samples))
        .open("/api/v1/samples/{gesture}", get(sample))
        .open("/api/{*rest}", get(no_such_path))
        .merge(of_reader)
        .with_state(api)
}

/// Runs what blocks, to its end though the one who asked may have gone; `failed` is said where it panics.
async fn blocking<T: Send + 'static, E: Send + 'static>(
    failed: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal>
where
    Refusal: From<E>,
{
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, failed))??)
}

async fn no_such_path(_: May<SeeServer>) -> Response {
    error(StatusCode::NOT_FOUND, "There is no such API path.")
}

async fn livez(_: May<Anything>) -> &'static str {
    "ok"
}

async fn healthz(_: May<Anything>, State(api): State<Api>) -> Json<Health> {
    Json(Health { status: "ok".to_owned(), model: api.recognizer.model().to_string() })
}

/// Also while the model is being loaded, where its manifest has them.
async fn labels(_: May<SeeLabels>, State(api): State<Api>) -> Response {
    // A manifest is a file.
    let recognizer = api.recognizer.clone();
    let labels = tokio::task::spawn_blocking(move || recognizer.labels()).await;
    let Some(labels) = labels.ok().flatten() else {
        let response = error(StatusCode::SERVICE_UNAVAILABLE, "There is no model yet; /readyz says why.");
        return ([(header::RETRY_AFTER, "2")], response).into_response();
    };
    Json(OrderedLabels(labels)).into_response()
}

/// `{"0":"book","1":"chair",…}` in the order of the labels.
struct OrderedLabels(Vec<String>);

impl Serialize for OrderedLabels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate().map(|(i, label)| (i.to_string(), label)))
    }
}

/// Streams go on: a disk is no reason to send clients elsewhere.
const NOT_KEPT: &str = "A disk is full, or cannot be written to: batches, keys and cameras that are added cannot be kept; the log names the file.";

async fn readyz(_: May<Anything>, State(api): State<Api>) -> Response {
    let Some(unready) = api.telemetry.unready() else {
        let home = api.config.store.home().to_owned();
        let has_room = tokio::task::spawn_blocking(move || disk::has_room(&home)).await.unwrap_or(true);
        let notes = if has_room && !disk::fails_now() { Vec::new() } else { vec![NOT_KEPT.to_owned()] };
        return Json(Readiness::Ready { notes, ready: true }).into_response();
    };
    let progress = match &unready {
        Unready::Loading { done, .. } => done.map(f64::from),
        _ => None,
    };
    let answer = Readiness::Not { progress, ready: false, reason: unready.to_string() };
    let response = (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response();
    match unready.retry_after_s() {
        Some(seconds) => ([(header::RETRY_AFTER, seconds.to_string())], response).into_response(),
        None => response,
    }
}

async fn reload(may: May<action::Reload>, State(api): State<Api>) -> Result<Json<Reloaded>, Refusal> {
    let done = tokio::task::spawn_blocking(move || api.reload.run()).await;
    let done = done.map_err(|_| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "The configuration could not be read again.")
    })?;
    let done = done.map_err(|why| {
        let status = match why {
            ReloadError::NoSource => StatusCode::CONFLICT,
            ReloadError::Config(_) | ReloadError::Certificate(_) | ReloadError::Streams(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        Refusal::verbatim(status, &why.to_string())
    })?;
    may.deed().is("had the configuration read again".to_owned());
    Ok(Json(done))
}

async fn metrics(_: May<SeeMetrics>, State(api): State<Api>) -> Response {
    // Open files are counted one by one.
    let told = tokio::task::spawn_blocking(move || api.telemetry.prometheus()).await;
    match told.unwrap_or(Err(fmt::Error)) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(reason) => error(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string()),
    }
}

async fn status(may: May<SeeServer>, State(api): State<Api>) -> Json<Status> {
    let mut status = api.telemetry.status(&api.config);
    // It says where things are.
    status.cluster = status.cluster.filter(|_| may.sees_viewers());
    // And that, what others do.
    status.recognizer.last = status.recognizer.last.filter(|_| may.sees_viewers());
    Json(status)
}

async fn list_samples(_: May<SeeServer>, State(api): State<Api>) -> Json<Samples> {
    Json(Samples { fps: samples::FPS, gestures: samples::offered(knows_hands(&api)) })
}

fn knows_hands(api: &Api) -> bool {
    api.recognizer.task() == Task::Landmarks
}

async fn sample(
    _: May<SeeServer>,
    State(api): State<Api>,
    Path(gesture): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let seed = query::number(&params, "seed", 0, &(0..=u64::MAX))?;
    // A page may ask for what it has shown with the model before.
    let known = [knows_hands(&api), !knows_hands(&api)].map(|hands| (hands, samples::names(hands)));
    let Some(of_hands) = known.iter().find(|(_, names)| names.contains(&gesture)).map(|(hands, _)| *hands)
    else {
        let detail = format!("There is no such sample; there are {}.", known[0].1.join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, &detail));
    };
    // Drawing takes up to a second of one core: one at a time, or a crowd of them would starve the rest.
    let waited = tokio::time::timeout(Duration::from_secs(5), api.drawing.acquire_owned()).await;
    let Ok(Ok(turn)) = waited else {
        let detail = "Too many samples are being drawn. Please try again.";
        return Err(Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 2, detail));
    };
    let (name, rests) = (gesture.clone(), api.config.recognizer.arming);
    let drawn = blocking("The sample could not be drawn.", move || {
        let drawn = samples::draw(&name, of_hands, rests, seed).unwrap_or_else(|| Ok(Vec::new()));
        drop(turn); // not before, though the one who asked may have gone
        drawn.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
    });
    let body = SampleClip { fps: samples::FPS, frames: drawn.await?, gesture };
    Ok(([(header::CACHE_CONTROL, "public, max-age=86400")], Json(body)).into_response())
}
