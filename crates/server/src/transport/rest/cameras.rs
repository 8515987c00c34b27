//! `/api/v1/cameras`: which cameras there are; adding, changing, trying and removing them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use sightwire_access::action::{Act as _, ChangeCameras, WatchStream};
use sightwire_api::camera::{Camera, CameraChange, CameraTest, Cameras, NewCamera};
use sightwire_api::stream::StreamKind;
use sightwire_base::clock;
use sightwire_frame::header;
use sightwire_hub::source::address::CameraUrl;
use sightwire_live::registry::RegistryError;
use sightwire_live::source::{CameraError, CameraSource};
use sightwire_live::{Streams, WatchError};

use super::run_blocking;
use sightwire_admission::caller::{Caller, NotAllowed};
use sightwire_admission::may::{May, MayStream};
use sightwire_admission::object::{self, Object};
use sightwire_admission::parts::Path;
use sightwire_admission::refusal::Refusal;

pub async fn list_cameras(may: May<WatchStream>, State(streams): State<Arc<Streams>>) -> Json<Cameras> {
    let why_not = may.why_not(&ChangeCameras::ACTION);
    let totals = streams.report();
    let cameras = streams.registry.all().into_iter();
    let seen = cameras.filter(|camera| may.check_watch_stream(&camera.table.id, StreamKind::Camera).is_ok());
    Json(Cameras {
        cameras: seen.map(|camera| streams.camera_report(&camera)).collect(),
        max_upstreams: totals.max_upstreams,
        may_change: why_not.is_none(),
        upstreams: totals.upstreams,
        why_not,
    })
}

pub async fn get_camera(
    may: MayStream<WatchStream>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<Json<Camera>, Refusal> {
    may.check_watch_stream(&id, StreamKind::Camera)?;
    let camera = streams.registry.get(&id).ok_or(WatchError::Unknown(id))?;
    Ok(Json(streams.camera_report(&camera)))
}

pub async fn add_camera(
    may: May<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    new: Result<Object<NewCamera>, JsonRejection>,
) -> Result<(StatusCode, Json<Camera>), Refusal> {
    let (change, this, from) = (CameraChange::from(parse_body(new)?), streams.clone(), may.asks_from());
    // Without an id of its own it gets one of its name, which no scope of some streams can be asked about before.
    let takes_another = change.default.is_some() || change.user.is_some();
    let id = change.id.as_deref().filter(|_| !takes_another);
    may.check_stream_action(&ChangeCameras::ACTION, true, id.unwrap_or_default())?;
    let is_simulated = |url: &str| matches!(CameraSource::parse_simulated(url), Ok(Some(_)));
    if change.url.as_deref().is_some_and(|url| !is_simulated(url)) {
        may.check_action(&ChangeCameras::ACTION.with_address(), true)?;
    }
    let camera = run_blocking("The camera could not be added.", move || {
        this.registry.add_camera(change, |source| this.check_new(source, from), |id| this.is_sent(id))
    });
    let camera = camera.await?;
    may.deed().set_description(format!("added the camera {:?}", camera.table.id));
    Ok((StatusCode::CREATED, Json(streams.camera_report(&camera))))
}

pub async fn change_camera(
    may: MayStream<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
    change: Result<Object<CameraChange>, JsonRejection>,
) -> Result<Json<Camera>, Refusal> {
    let change = parse_body(change)?;
    if change.default.is_some() || change.user.is_some() {
        // Another camera may be so now.
        may.check_stream_action(&ChangeCameras::ACTION, true, "")?;
    }
    let (this, from, before) = (streams.clone(), may.asks_from(), streams.registry.get(&id));
    if let Some(before) = before.as_ref().filter(|_| change.url.is_some()) {
        let source = before.table.source.with_change(&change).map_err(RegistryError::from)?;
        check_address_change(&may, &source, Some(&before.table.source))?;
    }
    let camera = run_blocking("The camera could not be changed.", move || {
        let camera = this.registry.change_camera(&id, change, |source| this.check_new(source, from))?;
        if let Some(before) = before.filter(|before| before.table.source != camera.table.source) {
            this.close_camera(&before.table.source);
        }
        Ok::<_, RegistryError>(camera)
    });
    let camera = camera.await?;
    may.deed().set_description(format!("changed the camera {:?}", camera.table.id));
    Ok(Json(streams.camera_report(&camera)))
}

pub async fn remove_camera(
    may: MayStream<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let camera = run_blocking("The camera could not be removed.", move || {
        let camera = streams.registry.remove_camera(&id)?;
        streams.close_camera(&camera.table.source);
        Ok::<_, RegistryError>(camera)
    });
    let camera = camera.await?;
    may.deed().set_description(format!("removed the camera {:?}", camera.table.id));
    Ok(StatusCode::NO_CONTENT)
}

pub async fn test_camera(
    may: May<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    what: Result<Object<CameraTest>, JsonRejection>,
) -> Result<Response, Refusal> {
    let what = parse_body(what)?;
    may.check_stream_action(&ChangeCameras::ACTION, true, what.id.as_deref().unwrap_or_default())?;
    let known = known_source(&streams, what.id.as_deref())?;
    let source = tested_source(what, known.as_ref())?;
    check_address_change(&may, &source, known.as_ref())?;
    let begun = clock::now();
    let jpeg = streams.try_camera(&source, may.asks_from()).await?;
    let size = header::read_dimensions(&jpeg).unwrap_or_default();
    let header = |name: &'static str, value: u128| (HeaderName::from_static(name), value.to_string());
    let headers = [
        header("x-sightwire-width", size.0.into()),
        header("x-sightwire-height", size.1.into()),
        header("x-sightwire-wait-ms", clock::since(begun).as_millis()),
    ];
    Ok(([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "no-store")], headers, jpeg).into_response())
}

/// Whether the caller may have that camera's address used, which is another than it was.
fn check_address_change(
    caller: &Caller,
    source: &CameraSource,
    before: Option<&CameraSource>,
) -> Result<(), NotAllowed> {
    if source.url().is_none() || source.url() == before.and_then(CameraSource::url) {
        return Ok(());
    }
    caller.check_action(&ChangeCameras::ACTION.with_address(), true)
}

fn known_source(streams: &Streams, id: Option<&str>) -> Result<Option<CameraSource>, WatchError> {
    let Some(id) = id else { return Ok(None) };
    let camera = streams.registry.get(id).ok_or_else(|| WatchError::Unknown(id.to_owned()))?;
    Ok(Some(camera.table.source))
}

fn tested_source(what: CameraTest, known: Option<&CameraSource>) -> Result<CameraSource, WatchError> {
    match (what.url, known) {
        (Some(text), known) => {
            if let Some(simulated) = CameraSource::parse_simulated(&text).map_err(CameraError::from)? {
                return Ok(simulated);
            }
            let url = CameraUrl::parse(&text).map_err(CameraError::from)?;
            let url = url.unmasked(known.and_then(CameraSource::url)).ok_or(CameraError::Hidden)?;
            Ok(CameraSource::from_address(&url.secret_url(), what.mode.as_deref(), None)?)
        }
        (None, Some(known)) => Ok(known.clone()),
        (None, None) => Err(CameraError::Nothing.into()),
    }
}

fn parse_body<T>(body: Result<Object<T>, JsonRejection>) -> Result<T, Refusal> {
    let fields = "A field is unknown or has the wrong type. Known: id, name, url, mode, fps, user, default.";
    body.map(|Object(body)| body).map_err(|wrong| object::body_refusal(&wrong, fields))
}
