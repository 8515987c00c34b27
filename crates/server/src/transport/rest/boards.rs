//! What the pages of the camera prototype ask for beside pictures: each user's camera, how boards are, and how the server is.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64_simd::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sightwire_hub::source::address::CameraUrl;
use sightwire_hub::stream::Condition;
use sightwire_live::registry::{Camera, Change, RegistryError};
use sightwire_live::source::CameraSource;
use sightwire_live::upstream::Upstream;
use sightwire_live::{Streams, WatchError};
use sightwire_measure::clock;

use super::{Api, blocking};
use crate::transport::query::{self, Params};
use crate::transport::refusal::Refusal;
use crate::transport::{origin, pick, sentence};

/// Of a camera that its user gave no name.
const NAME: &str = "ESP32-CAM";

pub async fn health(State(streams): State<Arc<Streams>>) -> Json<Value> {
    let camera = streams.registry.for_user(None);
    // Any page may ask: that there is a camera, and not where.
    let masked = camera.and_then(|camera| {
        let scheme = if camera.table.source.url()?.is_https() { "https" } else { "http" };
        Some(format!("{scheme}://***"))
    });
    Json(json!({
        "status": "ok",
        "service": "smartparking-api",
        "models_loaded": streams.detector.ready().is_some(),
        "firebase_connected": false,
        "esp32_url": masked,
    }))
}

pub async fn debug(State(streams): State<Arc<Streams>>) -> Json<Value> {
    let stream = |upstream: &Arc<Upstream>| {
        json!({
            "stream_id": &**upstream.stream.id(),
            "is_alive": !matches!(upstream.stream.state().condition, Condition::Ended | Condition::Stalled),
            "age_seconds": (clock::since(upstream.since).as_secs_f64() * 10.0).round() / 10.0,
        })
    };
    let all: Vec<Value> = streams.upstreams().iter().map(stream).collect();
    Json(json!({ "active_count": all.len(), "streams": all }))
}

pub async fn own_camera(
    State(streams): State<Arc<Streams>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let user = user(&headers)?;
    Ok(Json(match streams.registry.of_user(&user) {
        Some(camera) => json!({ "success": true, "config": config_of(&camera) }),
        None => json!({
            "success": true,
            "config": null,
            "message": "No configuration found. Please set up your ESP32-CAM.",
        }),
    }))
}

/// As the page sends it.
#[derive(Deserialize)]
pub struct Board {
    esp32_url: Option<String>,
    label: Option<String>,
}

pub async fn save(
    State(streams): State<Arc<Streams>>,
    headers: HeaderMap,
    board: Result<Json<Board>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let user = user(&headers)?;
    let no_json = |_| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Send JSON: esp32_url and label.");
    let Json(Board { esp32_url, label }) = board.map_err(no_json)?;
    let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let Some(address) = given(esp32_url) else {
        return Err(Refusal::verbatim(StatusCode::BAD_REQUEST, "esp32_url is required"));
    };
    let source = CameraSource::of_board(&address).map_err(WatchError::Address)?;
    let change = Change {
        name: given(label),
        url: source.url().map(CameraUrl::secret),
        user: Some(user.clone()),
        ..Change::default()
    };
    let this = streams.clone();
    let saved = blocking("The camera could not be saved.", move || {
        let registry = &this.registry;
        let allowed = |source: &CameraSource| this.check(source);
        let Some(before) = registry.of_user(&user) else {
            let name = change.name.or_else(|| Some(NAME.to_owned()));
            return registry.add(Change { name, ..change }, allowed, |id| this.is_sent(id));
        };
        let camera = registry.change(&before.table.id, change, allowed)?;
        if before.table.source != camera.table.source {
            this.close_camera(&before.table.source);
        }
        Ok(camera)
    });
    let camera = saved.await?;
    tracing::info!(camera = camera.table.id, "saved by its user");
    let config = config_of(&camera);
    Ok(Json(json!({
        "success": true,
        "message": "ESP32 configuration saved",
        "esp32_url": config["esp32_url"],
        "label": config["label"],
    })))
}

pub async fn forget(State(streams): State<Arc<Streams>>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let user = user(&headers)?;
    blocking("The camera could not be removed.", move || {
        if let Some(camera) = streams.registry.of_user(&user) {
            streams.registry.remove(&camera.table.id)?;
            streams.close_camera(&camera.table.source);
            tracing::info!(camera = camera.table.id, "removed by its user");
        }
        Ok::<_, RegistryError>(())
    })
    .await?;
    Ok(Json(json!({ "success": true, "message": "ESP32 configuration deleted" })))
}

fn user(headers: &HeaderMap) -> Result<String, Refusal> {
    let missing = || Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "The header X-User-ID is required.");
    pick::user(headers).map(str::to_owned).ok_or_else(missing)
}

fn config_of(camera: &Camera) -> Value {
    // The page asks for the board, whose stream is below it.
    let shown = camera.table.source.shown();
    let time = |seconds: u64| {
        let at = UNIX_EPOCH + Duration::from_secs(seconds);
        humantime::format_rfc3339_seconds(at).to_string()
    };
    json!({
        "esp32_url": shown.strip_suffix("/stream").unwrap_or(&shown),
        "label": camera.table.name,
        "created_at": camera.times.map(|times| time(times.added)),
        "updated_at": camera.times.map(|times| time(times.changed)),
    })
}

/// The camera that a page means: `esp32_url`, else its user's, else the default one.
fn camera(api: &Api, params: &Params, headers: &HeaderMap) -> Result<CameraSource, WatchError> {
    let user = query::text(params, "user_id").or_else(|| pick::user(headers));
    let foreign = origin::is_foreign(headers, api.config.server.cors_origins.as_deref());
    let found = pick::source(&api.streams, params, user, Some("esp32_url"), foreign)?;
    found.camera().cloned().ok_or(WatchError::NoCamera)
}

pub async fn snapshot(State(api): State<Api>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    let taken = async { api.streams.try_camera(&camera(&api, &params, &headers)?).await };
    told(taken.await.map(|jpeg| {
        let url = STANDARD.encode_to_string(&jpeg);
        Map::from_iter([("imageData".to_owned(), format!("data:image/jpeg;base64,{url}").into())])
    }))
}

pub async fn status(State(api): State<Api>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    let said = async { api.streams.board_status(&camera(&api, &params, &headers)?).await };
    told(said.await.and_then(|said| {
        let no_json =
            |_| WatchError::Unreachable("what the camera answers at /status is no JSON object".into());
        serde_json::from_slice::<Map<String, Value>>(&said).map_err(no_json)
    }))
}

pub async fn test(State(api): State<Api>, Query(params): Query<Params>, headers: HeaderMap) -> Json<Value> {
    let begun = clock::now();
    let camera = camera(&api, &params, &headers);
    let url = camera.as_ref().ok().map(CameraSource::shown);
    let tried = async { api.streams.try_camera(&camera?).await };
    let tried = tried.await;
    Json(json!({
        "connected": tried.is_ok(),
        "esp32_url": url,
        "wait_ms": clock::since(begun).as_millis() as u64,
        "error": tried.err().map(|reason| sentence(&reason.to_string())),
    }))
}

/// The pages read `success`, whatever the status is.
fn told(done: Result<Map<String, Value>, WatchError>) -> Response {
    let answer = match done {
        Ok(mut answer) => {
            answer.insert("success".into(), true.into());
            answer
        }
        Err(reason) => {
            let error = sentence(&reason.to_string());
            Map::from_iter([("success".into(), false.into()), ("error".into(), error.into())])
        }
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
