//! The library that runs networks, and the model that knows hands: got from the page where they are missing.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sightwire_access::action::{Act as _, GetLibrary, SeeServer};
use sightwire_api::models::{Runtime, RuntimeFetch};

use super::Api;
use sightwire_admission::may::May;
use sightwire_admission::parts::Path;
use sightwire_admission::refusal::Refusal;

/// Whether it is missing, and whether this client may get it.
pub(super) async fn get_runtime(may: May<SeeServer>, State(api): State<Api>) -> Json<Runtime> {
    let refusal = may.why_not(&GetLibrary::ACTION);
    Json(Runtime { may_get: refusal.is_none(), missing: api.recognizer.lacks_runtime(), why_not: refusal })
}

/// Begins to get it; `/api/v1/status` says how far that is.
pub(super) async fn fetch_runtime(
    may: May<GetLibrary>,
    State(api): State<Api>,
) -> Result<(StatusCode, Json<RuntimeFetch>), Refusal> {
    if !api.recognizer.begin_getting_runtime() {
        let detail = "The library is not missing, or is on its way already.";
        return Err(Refusal::new(StatusCode::CONFLICT, detail));
    }
    may.deed().set_description("has the ONNX Runtime library fetched".to_owned());
    let recognizer = api.recognizer;
    api.tasks.spawn_blocking(move || {
        recognizer.get_runtime();
        recognizer.measure_model();
    });
    Ok((StatusCode::ACCEPTED, Json(RuntimeFetch::default())))
}

/// Begins to get a better model than the one at work; `/api/v1/status` says how far that is.
pub(super) async fn get_better(
    may: May<GetLibrary>,
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<RuntimeFetch>), Refusal> {
    let offered = api.recognizer.better_model().is_some_and(|better| better.name == name);
    if !offered || !api.recognizer.begin_getting_better() {
        let detail = "This model is not offered: it is here, or on its way, or another one was chosen.";
        return Err(Refusal::new(StatusCode::CONFLICT, detail));
    }
    may.deed().set_description(format!("has the model {name} fetched"));
    let recognizer = api.recognizer;
    api.tasks.spawn_blocking(move || {
        recognizer.get_better();
        recognizer.measure_model();
    });
    Ok((StatusCode::ACCEPTED, Json(RuntimeFetch::default())))
}
