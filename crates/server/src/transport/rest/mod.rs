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

use crate::config::Config;
use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRef, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sightwire_access::Guard;
use sightwire_access::action::{self, Anything, SeeLabels, SeeMetrics, SeeServer};
use sightwire_api::models::{SampleClip, Samples};
use sightwire_api::settings::Settings;
use sightwire_api::status::{Health, Readiness, Reloaded, Status};
use sightwire_base::disk;
use sightwire_base::memory::Memory;
use sightwire_live::Streams;
use sightwire_models::manifest::Task;
use sightwire_reading::TextReader;
use sightwire_recognizer::Recognizer;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::error_response;
use crate::observe::live::Live;
use crate::observe::metrics::Collectors;
use crate::observe::{Observer, Unready};
use crate::reach::Reach;
use crate::reload::{Reload, ReloadError};
use crate::samples;
use sightwire_admission::may::May;
use sightwire_admission::parts::Path;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_admission::routes::{Routes, delete, get, post};
use sightwire_streaming::paths;

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Api {
    pub recognizer: Arc<Recognizer>,
    /// Counters, rates, the process.
    pub observer: Arc<Observer>,
    pub metrics: Arc<Collectors>,
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
        .add_private("/api/v1/read", post(read::read_picture))
        .add_private("/api/v1/jobs", get(jobs::list_jobs).post(jobs::add_job))
        .add_private("/api/v1/jobs/{id}", get(jobs::get_job).delete(jobs::end_job))
        .add_private("/api/v1/jobs/{id}/files", get(jobs::list_files))
        .add_private("/api/v1/jobs/{id}/files/{index}", get(jobs::get_result))
        .add_private("/api/v1/jobs/{id}/files/{index}/picture", get(jobs::get_picture))
        .add_private("/api/v1/jobs/{id}/files/{index}/read", post(jobs::read_again))
        .add_private("/api/v1/jobs/{id}/events", get(jobs::stream_events))
        .add_private("/api/v1/jobs/{id}/export", get(jobs::export_job))
        .add_private("/api/v1/cluster/folders", post(shared::add_folders))
        .add_private("/api/v1/cluster/jobs", get(shared::list_jobs).post(shared::add_files))
        .add_private(
            "/api/v1/cluster/jobs/{id}",
            get(shared::get_job).patch(shared::change_job).delete(shared::remove_job),
        )
        .add_private("/api/v1/cluster/jobs/{id}/files", get(shared::list_files))
        .add_private("/api/v1/cluster/jobs/{id}/files/{index}", get(shared::get_result))
        .add_private("/api/v1/cluster/jobs/{id}/export", get(shared::export_job))
        .with_layer(|routes| {
            routes.route_layer(middleware::from_fn(read::guard_reading)).layer(DefaultBodyLimit::disable())
        });
    let own_camera = get(boards::own_camera).post(boards::save_board).delete(boards::forget_board);
    Routes::new()
        .add_private("/api/v1/cameras", get(cameras::list_cameras).post(cameras::add_camera))
        .add_private("/api/v1/cameras/test", post(cameras::test_camera))
        .add_private(
            "/api/v1/cameras/{id}",
            get(cameras::get_camera).patch(cameras::change_camera).delete(cameras::remove_camera),
        )
        .add_private("/api/user/esp32-config", own_camera)
        .add_private("/api/esp32/snapshot", get(boards::board_snapshot))
        .add_private("/api/esp32/status", get(boards::board_status))
        .add_private("/api/esp32/test", get(boards::test_board))
        .add_private("/debug/streams", get(boards::debug_streams))
        .add_slashed("/debug/streams/", "/debug/streams")
        .add_slashed("/api/user/esp32-config/", "/api/user/esp32-config")
        .add_slashed("/health/", "/health")
        .add_open(paths::HEALTH, get(boards::board_health))
        .add_private("/api/v1/streams", get(streams::list_streams))
        .add_private("/api/v1/streams/{id}", get(streams::get_stream).delete(manage::end_stream))
        .add_private("/api/v1/streams/{id}/links", post(share::share_stream))
        .add_private("/api/v1/streams/{id}/snapshot.jpg", get(streams::stream_snapshot))
        .add_private("/api/v1/streams/{id}/detections", get(detections::stream_events))
        .add_private("/api/v1/detect", post(detect::detect_objects).with_layer(any_body))
        .add_private("/api/v1/viewers", get(manage::list_viewers))
        .add_private("/api/v1/viewers/{id}", delete(manage::end_viewer))
        .add_private("/api/v1/session", get(login::get_session))
        .add_private("/api/v1/login", post(login::log_in))
        .add_private("/api/v1/logout", post(login::log_out))
        .add_private("/api/v1/keys", get(keys::list_keys).post(keys::add_key))
        .add_private("/api/v1/keys/{id}", delete(keys::revoke_key))
        .add_private("/api/v1/login-links", post(link::make_link))
        .add_private("/api/v1/tls", get(link::tls_status))
        .add_private("/api/v1/users", get(keys::list_users).post(keys::add_user))
        .add_private("/api/v1/users/{name}", delete(keys::remove_user))
        .add_private("/api/v1/history", get(history::get_history))
        .add_private("/api/v1/live", get(live::live_updates))
        .add_open("/api/v1/openapi.json", get(docs::serve_openapi))
        .add_open("/api/v1/asyncapi.json", get(docs::serve_asyncapi))
        .add_open("/healthz", get(healthz))
        .add_slashed("/healthz/", "/healthz")
        .add_open("/labels", get(get_labels))
        .add_slashed("/labels/", "/labels")
        .add_open("/livez", get(livez))
        .add_open("/readyz", get(readyz))
        .add_private("/api/v1/page-errors", post(page_errors::add_page_error))
        .add_open("/api/v1/reload", post(reload_config))
        .add_private("/api/v1/settings", get(get_settings))
        .add_open("/metrics", get(get_metrics))
        .add_open("/api/v1/status", get(get_status))
        .add_open("/api/v1/models", get(models::list_models))
        .add_open("/api/v1/models/{name}/activate", post(models::activate_model))
        .add_open("/api/v1/models/{name}/fetch", post(runtime::get_better))
        .add_open("/api/v1/runtime", get(runtime::get_runtime).post(runtime::fetch_runtime))
        .add_open("/api/v1/samples", get(list_samples))
        .add_open("/api/v1/samples/{gesture}", get(get_sample))
        .add_open("/api/{*rest}", get(no_such_path))
        .merge(of_reader)
        .with_state(api)
}

/// Runs what blocks, to its end though the one who asked may have gone; `failed` is said where it panics.
async fn run_blocking<T: Send + 'static, E: Send + 'static>(
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
    error_response(StatusCode::NOT_FOUND, "There is no such API path.")
}

async fn livez(_: May<Anything>) -> &'static str {
    "ok"
}

async fn healthz(_: May<Anything>, State(api): State<Api>) -> Json<Health> {
    Json(Health { status: "ok".to_owned(), model: api.recognizer.model().to_string() })
}

/// Also while the model is being loaded, where its manifest has them.
async fn get_labels(_: May<SeeLabels>, State(api): State<Api>) -> Response {
    // A manifest is a file.
    let recognizer = api.recognizer.clone();
    let labels = tokio::task::spawn_blocking(move || recognizer.labels()).await;
    let Some(labels) = labels.ok().flatten() else {
        let response =
            error_response(StatusCode::SERVICE_UNAVAILABLE, "There is no model yet; /readyz says why.");
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
    let Some(unready) = api.observer.unready_reason() else {
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

async fn get_settings(
    _may: May<action::SeeSettings>,
    State(api): State<Api>,
) -> Result<Json<Settings>, Refusal> {
    // While the files are read again, it waits.
    let settings = tokio::task::spawn_blocking(move || api.reload.settings())
        .await
        .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "The settings could not be told."))?;
    settings.map(Json).map_err(|why| Refusal::verbatim(StatusCode::CONFLICT, &why.to_string()))
}

async fn reload_config(may: May<action::Reload>, State(api): State<Api>) -> Result<Json<Reloaded>, Refusal> {
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
    may.deed().set_description("had the configuration read again".to_owned());
    Ok(Json(done))
}

async fn get_metrics(_: May<SeeMetrics>, State(api): State<Api>) -> Response {
    // Open files are counted one by one.
    let told = tokio::task::spawn_blocking(move || api.metrics.render_text()).await;
    match told.unwrap_or(Err(fmt::Error)) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(reason) => error_response(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string()),
    }
}

async fn get_status(may: May<SeeServer>, State(api): State<Api>) -> Json<Status> {
    let mut status = api.observer.status(&api.config.for_status());
    // It says where things are.
    status.cluster = status.cluster.filter(|_| may.sees_viewers());
    // And that, what others do.
    status.recognizer.last = status.recognizer.last.filter(|_| may.sees_viewers());
    Json(status)
}

async fn list_samples(_: May<SeeServer>, State(api): State<Api>) -> Json<Samples> {
    Json(Samples { fps: samples::FPS, gestures: samples::offered_clips(knows_hands(&api)) })
}

fn knows_hands(api: &Api) -> bool {
    api.recognizer.task() == Task::Landmarks
}

async fn get_sample(
    _: May<SeeServer>,
    State(api): State<Api>,
    Path(gesture): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let seed = query::read_number(&params, "seed", 0, &(0..=u64::MAX))?;
    // A page may ask for what it has shown with the model before.
    let known = [knows_hands(&api), !knows_hands(&api)].map(|hands| (hands, samples::clip_names(hands)));
    let Some(of_hands) = known.iter().find(|(_, names)| names.contains(&gesture)).map(|(hands, _)| *hands)
    else {
        let detail = format!("There is no such sample; there are {}.", known[0].1.join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, &detail));
    };
    // Drawing takes up to a second of one core: one at a time, or a crowd of them would starve the rest.
    let waited = tokio::time::timeout(Duration::from_secs(5), api.drawing.acquire_owned()).await;
    let Ok(Ok(turn)) = waited else {
        let detail = "Too many samples are being drawn. Please try again.";
        return Err(Refusal::retry_later(StatusCode::SERVICE_UNAVAILABLE, 2, detail));
    };
    let (name, rests) = (gesture.clone(), api.config.recognizer.arming);
    let drawn = run_blocking("The sample could not be drawn.", move || {
        let drawn = samples::draw_clip(&name, of_hands, rests, seed).unwrap_or_else(|| Ok(Vec::new()));
        drop(turn); // not before, though the one who asked may have gone
        drawn.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
    });
    let body = SampleClip { fps: samples::FPS, frames: drawn.await?, gesture };
    Ok(([(header::CACHE_CONTROL, "public, max-age=86400")], Json(body)).into_response())
}
