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
use sightwire_frame::header;
use sightwire_hub::source::address::CameraUrl;
use sightwire_live::registry::RegistryError;
use sightwire_live::source::{CameraError, CameraSource};
use sightwire_live::{Streams, WatchError};
use sightwire_measure::clock;

use super::blocking;
use sightwire_http::caller::{Caller, NotAllowed};
use sightwire_http::may::{May, MayStream};
use sightwire_http::object::{self, Object};
use sightwire_http::parts::Path;
use sightwire_http::refusal::Refusal;

pub async fn list(may: May<WatchStream>, State(streams): State<Arc<Streams>>) -> Json<Cameras> {
    let why_not = may.why_not(&ChangeCameras::ACTION);
    let totals = streams.report();
    let cameras = streams.registry.all().into_iter();
    let seen = cameras.filter(|camera| may.sees(&camera.table.id, StreamKind::Camera).is_ok());
    Json(Cameras {
        cameras: seen.map(|camera| streams.camera_report(&camera)).collect(),
        max_upstreams: totals.max_upstreams,
        may_change: why_not.is_none(),
        upstreams: totals.upstreams,
        why_not,
    })
}

pub async fn one(
    may: MayStream<WatchStream>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<Json<Camera>, Refusal> {
    may.sees(&id, StreamKind::Camera)?;
    let camera = streams.registry.get(&id).ok_or(WatchError::Unknown(id))?;
    Ok(Json(streams.camera_report(&camera)))
}

pub async fn add(
    may: May<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    new: Result<Object<NewCamera>, JsonRejection>,
) -> Result<(StatusCode, Json<Camera>), Refusal> {
    let (change, this, from) = (CameraChange::from(body(new)?), streams.clone(), may.asks_from());
    // Without an id of its own it gets one of its name, which no scope of some streams can be asked about before.
    let takes_another = change.default.is_some() || change.user.is_some();
    let id = change.id.as_deref().filter(|_| !takes_another);
    may.may_on(&ChangeCameras::ACTION, true, id.unwrap_or_default())?;
    let is_simulated = |url: &str| matches!(CameraSource::simulated(url), Ok(Some(_)));
    if change.url.as_deref().is_some_and(|url| !is_simulated(url)) {
        may.may(&ChangeCameras::ACTION.with_address(), true)?;
    }
    let camera = blocking("The camera could not be added.", move || {
        this.registry.add(change, |source| this.check_new(source, from), |id| this.is_sent(id))
    });
    let camera = camera.await?;
    may.deed().is(format!("added the camera {:?}", camera.table.id));
    Ok((StatusCode::CREATED, Json(streams.camera_report(&camera))))
}

pub async fn change(
    may: MayStream<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
    change: Result<Object<CameraChange>, JsonRejection>,
) -> Result<Json<Camera>, Refusal> {
    let change = body(change)?;
    if change.default.is_some() || change.user.is_some() {
        // Another camera may be so now.
        may.may_on(&ChangeCameras::ACTION, true, "")?;
    }
    let (this, from, before) = (streams.clone(), may.asks_from(), streams.registry.get(&id));
    if let Some(before) = before.as_ref().filter(|_| change.url.is_some()) {
        let source = before.table.source.changed(&change).map_err(RegistryError::from)?;
        may_give_address(&may, &source, Some(&before.table.source))?;
    }
    let camera = blocking("The camera could not be changed.", move || {
        let camera = this.registry.change(&id, change, |source| this.check_new(source, from))?;
        if let Some(before) = before.filter(|before| before.table.source != camera.table.source) {
            this.close_camera(&before.table.source);
        }
        Ok::<_, RegistryError>(camera)
    });
    let camera = camera.await?;
    may.deed().is(format!("changed the camera {:?}", camera.table.id));
    Ok(Json(streams.camera_report(&camera)))
}

pub async fn remove(
    may: MayStream<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let camera = blocking("The camera could not be removed.", move || {
        let camera = streams.registry.remove(&id)?;
        streams.close_camera(&camera.table.source);
        Ok::<_, RegistryError>(camera)
    });
    let camera = camera.await?;
    may.deed().is(format!("removed the camera {:?}", camera.table.id));
    Ok(StatusCode::NO_CONTENT)
}

pub async fn test(
    may: May<ChangeCameras>,
    State(streams): State<Arc<Streams>>,
    what: Result<Object<CameraTest>, JsonRejection>,
) -> Result<Response, Refusal> {
    let what = body(what)?;
    may.may_on(&ChangeCameras::ACTION, true, what.id.as_deref().unwrap_or_default())?;
    let known = known(&streams, what.id.as_deref())?;
    let source = tried(what, known.as_ref())?;
    may_give_address(&may, &source, known.as_ref())?;
    let begun = clock::now();
    let jpeg = streams.try_camera(&source, may.asks_from()).await?;
    let size = header::probe(&jpeg).map(|header| (header.width, header.height)).unwrap_or_default();
    let header = |name: &'static str, value: u128| (HeaderName::from_static(name), value.to_string());
    let headers = [
        header("x-sightwire-width", size.0.into()),
        header("x-sightwire-height", size.1.into()),
        header("x-sightwire-wait-ms", clock::since(begun).as_millis()),
    ];
    Ok(([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "no-store")], headers, jpeg).into_response())
}

/// Whether the caller may have that camera's address used, which is another than it was.
fn may_give_address(
    caller: &Caller,
    source: &CameraSource,
    before: Option<&CameraSource>,
) -> Result<(), NotAllowed> {
    if source.url().is_none() || source.url() == before.and_then(CameraSource::url) {
        return Ok(());
    }
    caller.may(&ChangeCameras::ACTION.with_address(), true)
}

fn known(streams: &Streams, id: Option<&str>) -> Result<Option<CameraSource>, WatchError> {
    let Some(id) = id else { return Ok(None) };
    let camera = streams.registry.get(id).ok_or_else(|| WatchError::Unknown(id.to_owned()))?;
    Ok(Some(camera.table.source))
}

fn tried(what: CameraTest, known: Option<&CameraSource>) -> Result<CameraSource, WatchError> {
    match (what.url, known) {
        (Some(text), known) => {
            if let Some(simulated) = CameraSource::simulated(&text).map_err(CameraError::from)? {
                return Ok(simulated);
            }
            let url = CameraUrl::parse(&text).map_err(CameraError::from)?;
            let url = url.unmasked(known.and_then(CameraSource::url)).ok_or(CameraError::Hidden)?;
            Ok(CameraSource::of(&url.secret(), what.mode.as_deref(), None)?)
        }
        (None, Some(known)) => Ok(known.clone()),
        (None, None) => Err(CameraError::Nothing.into()),
    }
}

fn body<T>(body: Result<Object<T>, JsonRejection>) -> Result<T, Refusal> {
    let fields = "A field is unknown or has the wrong type. Known: id, name, url, mode, fps, user, default.";
    body.map(|Object(body)| body).map_err(|wrong| object::refusal(&wrong, fields))
}
