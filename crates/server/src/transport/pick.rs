//! Which camera a request means, and what it wants to see of it; shared by the protocols that show cameras.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sightwire_live::detector::{Model, Readiness};
use sightwire_live::source::CameraSource;
use sightwire_live::view::Look;
use sightwire_live::{Cameras, WatchError};

use super::query::{self, ParamError, Params};
use super::{error, sentence};

/// Whose camera is meant.
const USER: &str = "x-user-id";

/// `foreign`: a page from elsewhere asks. `camera=<id>`, else the address in the parameter `url`, else the user's camera, else the default one.
pub fn source(
    cameras: &Cameras,
    params: &Params,
    headers: &HeaderMap,
    url: Option<&str>,
    foreign: bool,
) -> Result<CameraSource, WatchError> {
    if let Some(id) = query::text(params, "camera") {
        return stream(cameras, id);
    }
    if let Some(address) = url.and_then(|url| query::text(params, url)) {
        let source = CameraSource::of_board(address).map_err(WatchError::Address)?;
        let checked = if foreign { cameras.check_listed(&source) } else { cameras.check(&source) };
        checked.map_err(WatchError::Address)?;
        return Ok(source);
    }
    let user = headers.get(USER).and_then(|user| user.to_str().ok()).map(str::trim).filter(|u| !u.is_empty());
    let camera = cameras.registry.for_user(user).ok_or(WatchError::NoCamera)?;
    Ok(camera.table.source)
}

/// The source of a registered camera, or of a running stream.
pub fn stream(cameras: &Cameras, id: &str) -> Result<CameraSource, WatchError> {
    let registered = cameras.registry.get(id).map(|camera| camera.table.source);
    registered
        .or_else(|| cameras.find(id).map(|upstream| upstream.source.clone()))
        .ok_or_else(|| WatchError::Unknown(id.to_owned()))
}

/// How often pictures are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Pictures a second at most.
    pub fps: u8,
    /// Every so-many-th is analysed.
    pub skip_frames: u8,
}

/// `fps` and `skip_frames`.
pub fn rate(params: &Params, skip_frames: u8) -> Result<Rate, ParamError> {
    Ok(Rate {
        fps: query::number(params, "fps", 10, &(1..=30))?,
        skip_frames: query::number(params, "skip_frames", skip_frames, &(1..=10))?,
    })
}

/// `conf`, in hundredths: finer differences are no other view.
pub fn confidence(cameras: &Cameras, params: &Params) -> Result<u8, ParamError> {
    let default = cameras.options().detector.confidence;
    let confidence: f32 = query::number(params, "conf", default, &(0.0..=1.0))?;
    Ok((confidence * 100.0).round() as u8)
}

/// `classes`. Names that the model does not know are refused, once it is known which model that is; `motion` knows none, and
/// shows nothing to those who want cars.
pub fn classes(cameras: &Cameras, params: &Params) -> Result<Vec<String>, ParamError> {
    let Some(classes) = query::list(params, "classes") else {
        let mut classes = cameras.options().detector.classes.clone();
        classes.sort();
        return Ok(classes);
    };
    if let Readiness::Ready { model: model @ Model::Network(_), .. } = cameras.detector.readiness() {
        let known = |class: &String| model.labels().iter().any(|label| label.eq_ignore_ascii_case(class));
        if let Some(unknown) = classes.iter().find(|class| !known(class)) {
            let expected = format!("names that {} knows ({})", model.name(), model.labels().join(", "));
            return Err(ParamError::new("classes", expected, unknown));
        }
    }
    Ok(classes)
}

/// How objects are drawn: `conf`, `show_labels`, `classes`, and with `tracking` also `show_trails`.
pub fn look(cameras: &Cameras, params: &Params, tracking: bool) -> Result<Look, ParamError> {
    Ok(Look {
        tracking,
        confidence: confidence(cameras, params)?,
        labels: query::flag(params, "show_labels", true)?,
        trails: tracking && query::flag(params, "show_trails", true)?,
        classes: classes(cameras, params)?,
    })
}

/// The answer to a request for something that cannot be watched.
pub fn refusal(reason: &WatchError) -> Response {
    let status = match reason {
        WatchError::NoCamera => StatusCode::BAD_REQUEST,
        WatchError::Unknown(_) => StatusCode::NOT_FOUND,
        WatchError::Taken(_) => StatusCode::CONFLICT,
        WatchError::Address(_) => StatusCode::UNPROCESSABLE_ENTITY,
        WatchError::Unreachable(_) => StatusCode::BAD_GATEWAY,
        WatchError::TooMany => StatusCode::SERVICE_UNAVAILABLE,
    };
    let response = error(status, &sentence(&reason.to_string()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return ([(RETRY_AFTER, "2")], response).into_response();
    }
    response
}
