//! What the pages of the camera prototype ask for beside pictures: each user's camera, how boards are, and how the server is.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64_simd::STANDARD;
use serde::Serialize;
use sightwire_access::action::{Act as _, OwnCamera, SeeServer, WatchStream};
use sightwire_api::board::{
    Board, BoardAnswer, BoardChange, BoardConfig, BoardHealth, BoardSaved, BoardSnapshot, BoardStatus,
    BoardTest, OpenStream, OpenStreams,
};
use sightwire_api::camera::CameraChange;
use sightwire_api::stream::StreamKind;
use sightwire_base::clock;
use sightwire_hub::source::address::CameraUrl;
use sightwire_hub::stream::Condition;
use sightwire_live::origin::Origin;
use sightwire_live::registry::{Camera, RegistryError};
use sightwire_live::source::CameraSource;
use sightwire_live::upstream::Upstream;
use sightwire_live::{Streams, Unreachable, WatchError};
use sightwire_models::slot;

use super::{Api, run_blocking};
use sightwire_admission::caller::Caller;
use sightwire_admission::may::May;
use sightwire_admission::object::Object;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_admission::to_sentence;
use sightwire_streaming::arrival::shares_of;
use sightwire_streaming::pick::{self, PickError};

/// Of a camera that its user gave no name.
const NAME: &str = "ESP32-CAM";

pub async fn board_health(_: May<SeeServer>, State(streams): State<Arc<Streams>>) -> Json<BoardHealth> {
    let camera = streams.registry.for_user(None);
    // Any page may ask: that there is a camera, and not where.
    let masked = camera.and_then(|camera| {
        let scheme = if camera.table.source.url()?.is_https() { "https" } else { "http" };
        Some(format!("{scheme}://***"))
    });
    Json(BoardHealth {
        status: "ok".to_owned(),
        service: "smartparking-api".to_owned(),
        // Where the model cannot be had `motion` stands in.
        models_loaded: matches!(streams.detector.state(), slot::State::Ready(_) | slot::State::Failed(_)),
        firebase_connected: false,
        esp32_url: masked,
    })
}

pub async fn debug_streams(may: May<WatchStream>, State(streams): State<Arc<Streams>>) -> Json<OpenStreams> {
    let stream = |upstream: &Arc<Upstream>| OpenStream {
        stream_id: upstream.stream.id().to_string(),
        is_alive: !matches!(upstream.stream.state().condition, Condition::Ended | Condition::Stalled),
        age_seconds: (clock::since(upstream.since).as_secs_f64() * 10.0).round() / 10.0,
    };
    let all = streams.upstreams();
    let seen = all.iter().filter(|one| may.check_watch_stream(one.stream.id(), one.origin.kind()).is_ok());
    let all: Vec<OpenStream> = seen.map(stream).collect();
    Json(OpenStreams { active_count: all.len(), streams: all })
}

pub async fn own_camera(
    may: May<WatchStream>,
    State(streams): State<Arc<Streams>>,
    headers: HeaderMap,
) -> Result<Json<BoardConfig>, Refusal> {
    let camera = streams.registry.of_user(&require_user(&headers)?);
    if let Some(camera) = &camera {
        may.check_watch_stream(&camera.table.id, StreamKind::Camera)?;
    }
    let config = camera.map(|camera| board_of(&camera));
    let none = "No configuration found. Please set up your ESP32-CAM.";
    let message = config.is_none().then(|| none.to_owned());
    Ok(Json(BoardConfig { success: true, config, message }))
}

pub async fn save_board(
    may: May<OwnCamera>,
    State(streams): State<Arc<Streams>>,
    headers: HeaderMap,
    board: Result<Object<BoardChange>, JsonRejection>,
) -> Result<Json<BoardSaved>, Refusal> {
    let user = require_user(&headers)?;
    let before = streams.registry.of_user(&user);
    let id = before.as_ref().map_or("", |before| &before.table.id);
    may.check_stream_action(&OwnCamera::ACTION, true, id)?;
    let no_json = |_| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Send JSON: esp32_url and label.");
    let Object(BoardChange { esp32_url, label }) = board.map_err(no_json)?;
    let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let Some(address) = given(esp32_url) else {
        return Err(Refusal::verbatim(StatusCode::BAD_REQUEST, "esp32_url is required"));
    };
    // A client that sends back what was shown wants another name for it, whatever address is behind that.
    let stays = before.as_ref().is_some_and(|before| board_of(before).esp32_url == address);
    let source = if stays { None } else { Some(CameraSource::of_board(&address).map_err(WatchError::from)?) };
    if source.is_some() {
        may.check_action(&OwnCamera::ACTION.with_address(), true)?;
    }
    let change = CameraChange {
        name: given(label),
        url: source.as_ref().and_then(CameraSource::url).map(CameraUrl::secret_url),
        // One that was read picture by picture has a stream now.
        mode: source.map(|_| "stream".to_owned()),
        user: Some(user),
        ..CameraChange::default()
    };
    let (this, from) = (streams.clone(), may.asks_from());
    let adding = run_blocking("The camera could not be saved.", move || {
        let registry = &this.registry;
        let allowed = |source: &CameraSource| this.check_new(source, from);
        let Some(before) = before else {
            let name = change.name.or_else(|| Some(NAME.to_owned()));
            return registry.add_camera(CameraChange { name, ..change }, allowed, |id| this.is_sent(id));
        };
        let camera = registry.change_camera(&before.table.id, change, allowed)?;
        if before.table.source != camera.table.source {
            this.close_camera(&before.table.source);
        }
        Ok(camera)
    });
    let camera = adding.await?;
    may.deed().set_description(format!("saved the camera {:?} for its user", camera.table.id));
    let Board { esp32_url, label, .. } = board_of(&camera);
    let done = saved_answer("ESP32 configuration saved");
    Ok(Json(BoardSaved { esp32_url: Some(esp32_url), label: Some(label), ..done }))
}

pub async fn forget_board(
    may: May<OwnCamera>,
    State(streams): State<Arc<Streams>>,
    headers: HeaderMap,
) -> Result<Json<BoardSaved>, Refusal> {
    let user = require_user(&headers)?;
    if let Some(camera) = streams.registry.of_user(&user) {
        may.check_stream_action(&OwnCamera::ACTION, true, &camera.table.id)?;
    }
    run_blocking("The camera could not be removed.", move || {
        if let Some(camera) = streams.registry.of_user(&user) {
            streams.registry.remove_camera(&camera.table.id)?;
            streams.close_camera(&camera.table.source);
            may.deed().set_description(format!("removed the camera {:?} of its user", camera.table.id));
        }
        Ok::<_, RegistryError>(())
    })
    .await?;
    Ok(Json(saved_answer("ESP32 configuration deleted")))
}

fn saved_answer(message: &'static str) -> BoardSaved {
    BoardSaved { success: true, message: message.into(), ..BoardSaved::default() }
}

fn require_user(headers: &HeaderMap) -> Result<String, Refusal> {
    let missing = || Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "The header X-User-ID is required.");
    pick::request_user(headers).map(str::to_owned).ok_or_else(missing)
}

fn board_of(camera: &Camera) -> Board {
    // The page asks for the board, whose stream is below it.
    let shown = camera.table.source.shown_address();
    let time = |seconds: u64| {
        // The last second of the year 9999, whatever somebody wrote into the file.
        let at = UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799));
        humantime::format_rfc3339_seconds(at).to_string()
    };
    Board {
        esp32_url: shown.strip_suffix("/stream").unwrap_or(&shown).to_owned(),
        label: camera.table.name.clone(),
        created_at: camera.times.map(|times| time(times.added)),
        updated_at: camera.times.map(|times| time(times.changed)),
    }
}

/// The camera that a page means: `esp32_url`, else its user's, else the default one.
fn pick_camera(
    caller: &Caller,
    api: &Api,
    params: &Params,
    headers: &HeaderMap,
) -> Result<Origin, PickError> {
    let user = query::read_text(params, "user_id").or_else(|| pick::request_user(headers));
    pick::pick_source(caller, &api.streams, params, user, Some("esp32_url"))
}

fn board_answer<T: Serialize>(done: Result<T, PickError>) -> Response {
    if let Err(PickError::Denied(denied)) = done {
        return Refusal::from(denied).into_response();
    }
    let error = done.as_ref().err().map(|reason| to_sentence(&reason.to_string()));
    let answer = BoardAnswer { success: error.is_none(), what: done.ok(), error };
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

pub async fn board_snapshot(
    may: May<WatchStream>,
    State(api): State<Api>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let from = shares_of(&extensions);
    let taken = async {
        let camera = pick_camera(&may, &api, &params, &headers)?;
        Ok(api.streams.one_picture(&camera, from).await?)
    };
    let taken: Result<_, PickError> = taken.await;
    board_answer(taken.map(|jpeg| {
        let base64 = STANDARD.encode_to_string(&jpeg);
        BoardSnapshot { image_data: format!("data:image/jpeg;base64,{base64}") }
    }))
}

pub async fn board_status(
    may: May<WatchStream>,
    State(api): State<Api>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    let said = async {
        let origin = pick_camera(&may, &api, &params, &headers)?;
        let said = api.streams.board_status(origin.camera().ok_or(WatchError::NoCamera)?).await?;
        let said = serde_json::from_slice::<BoardStatus>(&said);
        Ok(said.map_err(|_| WatchError::from(Unreachable::Status))?)
    };
    board_answer(said.await)
}

pub async fn test_board(
    may: May<WatchStream>,
    State(api): State<Api>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<BoardTest>, Refusal> {
    let (begun, from) = (clock::now(), shares_of(&extensions));
    let camera = match pick_camera(&may, &api, &params, &headers) {
        Ok(camera) => Ok(camera),
        Err(PickError::Watch(why)) => Err(why),
        Err(PickError::Denied(denied)) => return Err(denied.into()),
    };
    let url = camera.as_ref().ok().and_then(Origin::camera).map(CameraSource::shown_address);
    let tried = async { api.streams.one_picture(&camera?, from).await };
    let tried = tried.await;
    Ok(Json(BoardTest {
        connected: tried.is_ok(),
        esp32_url: url,
        wait_ms: clock::since(begun).as_millis() as u64,
        error: tried.err().map(|reason| to_sentence(&reason.to_string())),
    }))
}
