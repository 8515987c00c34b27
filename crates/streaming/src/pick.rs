//! Which camera a request means, and what it wants to see of it; shared by the protocols that show cameras.

use axum::http::HeaderMap;
use sightwire_access::Denied;
use sightwire_api::stream::StreamKind;
use sightwire_live::demand::{MAX_SKIP, Rate};
use sightwire_live::detector::Model;
use sightwire_live::origin::Origin;
use sightwire_live::shown::{Tracking, ViewOptions};
use sightwire_live::source::CameraSource;
use sightwire_live::{Streams, WatchError};

use sightwire_admission::caller::Caller;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::refusal::Refusal;

/// Whose camera is meant.
const USER: &str = "x-user-id";

/// Who that is, if the request says so.
pub fn request_user(headers: &HeaderMap) -> Option<&str> {
    headers.get(USER).and_then(|user| user.to_str().ok()).map(str::trim).filter(|user| !user.is_empty())
}

/// Why nothing is picked.
#[derive(Debug, thiserror::Error)]
pub enum PickError {
    /// There is no such thing, or it cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// It is not for this caller.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl From<PickError> for Refusal {
    fn from(why: PickError) -> Self {
        match why {
            PickError::Watch(why) => why.into(),
            PickError::Denied(why) => why.into(),
        }
    }
}

/// What [`pick_source`] reads, beside an address.
pub const CAMERA: &[&str] = &["camera", "camera_id"];
/// What [`read_rate`] and [`view_options`] read, with and without `tracking`.
pub const DRAWN: &[&str] = &["conf", "show_labels", "fps", "skip_frames", "classes"];
/// What [`view_options`] reads besides with `tracking`.
pub const TRACKED: &[&str] = &["show_trails", "show_stats"];

/// The stream of `camera=<id>` (or `camera_id`), else the address in the parameter that `url` names, else the camera of
/// `user`, else the default one.
pub fn pick_source(
    caller: &Caller,
    streams: &Streams,
    params: &Params,
    user: Option<&str>,
    url: Option<&str>,
) -> Result<Origin, PickError> {
    if let Some(id) = query::read_text(params, "camera").or_else(|| query::read_text(params, "camera_id")) {
        return pick_stream(caller, streams, id);
    }
    if let Some(address) = url.and_then(|url| query::read_text(params, url)) {
        let source = CameraSource::of_board(address).map_err(WatchError::from)?;
        let origin = Origin::Camera(source.clone(), caller.asks_from());
        // One that is registered has its own id. The id of any other is made of its address, which its client chooses.
        let is_registered = streams.registry.with_source(&source).is_some();
        let id = if is_registered { streams.id_of(&origin) } else { String::new() };
        caller.check_watch_stream(&id, StreamKind::Camera)?;
        let checked = if caller.is_foreign() {
            streams.check_listed(&source)
        } else {
            streams.check_source(&source, caller.asks_from())
        };
        checked.map_err(WatchError::from)?;
        return Ok(origin);
    }
    let camera = streams.registry.for_user(user).ok_or(WatchError::NoCamera)?;
    caller.check_watch_stream(&camera.table.id, StreamKind::Camera)?;
    Ok(camera.table.source.into())
}

/// A registered camera, or a running stream.
pub fn pick_stream(caller: &Caller, streams: &Streams, id: &str) -> Result<Origin, PickError> {
    // Whether there is one is not for those who may not see it.
    caller.check_watch_id(id)?;
    let origin = streams.find_origin(id).ok_or_else(|| WatchError::Unknown(id.to_owned()))?;
    caller.check_watch_stream(id, origin.kind())?;
    Ok(origin)
}

/// How often somebody wants pictures, from `fps` and `skip_frames`, the latter with this default.
pub fn read_rate(params: &Params, skip_frames: u8) -> Result<Rate, ParamError> {
    Ok(Rate {
        fps: query::read_number(params, "fps", 10, &(1..=30))?,
        skip_frames: query::read_number(params, "skip_frames", skip_frames, &(1..=MAX_SKIP))?,
    })
}

/// `conf`, in hundredths: finer differences do not make another view.
pub fn read_confidence(streams: &Streams, params: &Params) -> Result<u8, ParamError> {
    let default = streams.options().detector.confidence;
    let confidence = query::read_real(params, "conf", default, &(0.0..=1.0))?;
    Ok((confidence * 100.0).round() as u8)
}

/// `classes`. Names that the model does not know are refused, once it is known which model that is; `motion` knows none, and
/// shows nothing to those who want cars.
pub fn read_classes(streams: &Streams, params: &Params) -> Result<Vec<String>, ParamError> {
    let Some(classes) = query::read_list(params, "classes") else {
        let mut classes = streams.options().detector.classes.clone();
        classes.sort();
        return Ok(classes);
    };
    if let Some(model @ Model::Network(_)) = streams.detector.ready_model() {
        let known = |class: &String| model.labels().iter().any(|label| label.eq_ignore_ascii_case(class));
        if let Some(unknown) = classes.iter().find(|class| !known(class)) {
            let expected = format!("names that {} knows ({})", model.name(), model.labels().join(", "));
            return Err(ParamError::new("classes", expected, unknown));
        }
    }
    Ok(classes)
}

/// What a page calls itself, in letters and digits; anything else is as good as nothing, since old clients may send what they like.
pub fn page_name(params: &Params, name: &str) -> Option<Box<str>> {
    let page = query::read_text(params, name)?;
    let is_name = page.len() <= 32 && page.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| page.into())
}

/// How objects are drawn: `conf`, `show_labels`, `classes`, and with `tracking` also `show_trails` and `show_stats`.
pub fn view_options(streams: &Streams, params: &Params, tracking: bool) -> Result<ViewOptions, ParamError> {
    let flag = |name| query::read_flag(params, name, true);
    let shown = || Ok::<_, ParamError>(Tracking { trails: flag("show_trails")?, stats: flag("show_stats")? });
    let tracking = tracking.then(shown).transpose()?;
    Ok(ViewOptions {
        tracking,
        confidence: read_confidence(streams, params)?,
        labels: flag("show_labels")?,
        classes: read_classes(streams, params)?,
    })
}
