//! `/api/v1/streams`: what is being read, single pictures of it, and what is in them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Extensions, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use sightwire_access::action::WatchStream;
use sightwire_api::stream::{self as api, StreamKind};
use sightwire_base::clock;
use sightwire_hub::picture::{Picture, PictureError};
use sightwire_live::origin::Origin;
use sightwire_live::view::{ViewKey, ViewLease};
use sightwire_live::{Streams, Unreachable, WatchError};

use crate::transport::error_response;
use sightwire_admission::caller::Caller;
use sightwire_admission::may::{May, MayStream};
use sightwire_admission::parts::Path;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_admission::to_sentence;
use sightwire_streaming::arrival::shares_of;
use sightwire_streaming::pick;

/// JPEG quality of snapshots with boxes.
const QUALITY: u8 = 90;

/// What a stream is; `None` where nothing of that id is known.
pub(super) fn kind_of(streams: &Streams, id: &str) -> Option<StreamKind> {
    let running = streams.find_stream(id).map(|upstream| upstream.origin.kind());
    running.or_else(|| streams.registry.get(id).map(|_| StreamKind::Camera))
}

/// As another process calls itself, if one asks: it is told of what is here and not what it watches itself, so that nothing is
/// told in a circle or counted twice.
fn asking_process(caller: &Caller) -> Option<String> {
    caller.is_process().then(|| caller.principal().who().quoted_name())
}

pub async fn list_streams(may: May<WatchStream>, State(streams): State<Arc<Streams>>) -> Json<api::Streams> {
    let reports = if let Some(process) = asking_process(&may) {
        streams.reports_for(&process)
    } else {
        let elsewhere = streams.reports_elsewhere().await;
        streams.stream_reports().into_iter().chain(elsewhere).collect()
    };
    let seen = reports.into_iter().filter(|report| may.check_watch_stream(&report.id, report.kind).is_ok());
    Json(api::Streams { streams: seen.map(|report| shown_to(&may, report)).collect() })
}

pub async fn get_stream(
    may: MayStream<WatchStream>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<Json<api::Stream>, Refusal> {
    if let Some(upstream) = streams.find_stream(&id) {
        may.check_watch_stream(&id, upstream.origin.kind())?;
        let report = match asking_process(&may) {
            Some(process) => streams.report_for(&upstream, &process),
            None => streams.detailed_report(&upstream),
        };
        return Ok(Json(shown_to(&may, report)));
    }
    if let Some(kind) = kind_elsewhere(&may, &streams, &id) {
        may.check_watch_stream(&id, kind)?;
        if let Some(report) = streams.report_elsewhere(&id).await {
            return Ok(Json(shown_to(&may, report)));
        }
    }
    let detail = match streams.registry.get(&id) {
        Some(_) => format!("Nobody watches {id:?}, so it is closed."),
        None => format!("There is no stream {id:?}."),
    };
    Err(Refusal::new(StatusCode::NOT_FOUND, &detail))
}

/// What a stream of another process is, if the caller is told of such.
pub fn kind_elsewhere(caller: &Caller, streams: &Streams, id: &str) -> Option<StreamKind> {
    streams.kind_elsewhere(id).filter(|_| !caller.is_process())
}

/// Who sends and who watches, and from where, is not for every viewer.
pub fn shown_to(caller: &Caller, report: api::Stream) -> api::Stream {
    if caller.sees_viewers() {
        // One who also watches what is not theirs to see is not shown.
        let sees = |viewer: &api::Viewer| viewer.streams.iter().all(|id| caller.check_watch_id(id).is_ok());
        let viewer_list = report.viewer_list.map(|list| list.into_iter().filter(sees).collect());
        return api::Stream { viewer_list, ..report };
    }
    let (peer, viewer_list) =
        (report.peer.as_ref().map(|_| None), report.viewer_list.as_ref().map(|_| Vec::new()));
    api::Stream { peer, viewer_list, ..report }
}

/// The newest picture; opens the camera if it is not being read.
pub async fn stream_snapshot(
    may: MayStream<WatchStream>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    extensions: Extensions,
) -> Result<Response, Refusal> {
    let from = shares_of(&extensions);
    let detect = query::read_flag(&params, "detect", false)?;
    let options = pick::view_options(&streams, &params, false)?;
    let wait = Duration::from_secs_f32(query::read_real(&params, "wait_s", 10.0, &(0.0..=10.0))?);
    let rate = pick::read_rate(&params, 2)?;
    let origin = pick::pick_stream(&may, &streams, &id)?;
    let picture = if detect {
        let key = ViewKey::Drawn { origin, fps: rate.fps, options, quality: QUALITY };
        drawn_picture(streams.open_view(&key, rate.skip_frames, from)?, wait).await
    } else {
        original_picture(&streams, &origin, wait).await
    };
    Ok(match picture {
        Ok(picture) => {
            let jpeg = match picture.jpeg(&*streams.pixels).await {
                Ok(jpeg) => jpeg.clone(),
                Err(PictureError::NoPicture) => {
                    let detail = format!("What is sent as {id:?} is no picture.");
                    return Ok(error_response(StatusCode::BAD_GATEWAY, &detail));
                }
                Err(problem) => {
                    return Ok(error_response(StatusCode::BAD_GATEWAY, &to_sentence(&problem.to_string())));
                }
            };
            let age = clock::since(picture.captured()).as_millis();
            let header = |name: &'static str, value: String| (HeaderName::from_static(name), value);
            (
                [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "no-store")],
                [
                    header("x-sightwire-sequence", picture.sequence().to_string()),
                    header("x-sightwire-age-ms", age.to_string()),
                ],
                jpeg,
            )
                .into_response()
        }
        // A client that asks again and again is not told of an error while a camera is only being connected.
        Err(NoPicture::Yet) if wait.is_zero() => StatusCode::NO_CONTENT.into_response(),
        Err(NoPicture::Yet) => {
            let detail = format!("No picture has come within {} s.", wait.as_secs_f32());
            error_response(StatusCode::BAD_GATEWAY, &detail)
        }
        Err(NoPicture::Refused(refused)) => return Err(refused.into()),
    })
}

/// Why there is none.
enum NoPicture {
    /// None has come in time; one may come yet.
    Yet,
    /// The stream cannot be watched, and why.
    Refused(WatchError),
}

impl From<WatchError> for NoPicture {
    fn from(refused: WatchError) -> Self {
        Self::Refused(refused)
    }
}

async fn original_picture(streams: &Streams, origin: &Origin, wait: Duration) -> Result<Picture, NoPicture> {
    // Who does not wait looks again and again, and is no reason to close what somebody may come back to.
    if wait.is_zero() && !streams.has_room(origin) {
        return Err(streams.no_place(origin).into());
    }
    let camera = Arc::new(streams.open_stream(origin)?);
    streams.keep_a_moment(camera.clone());
    if let Some(newest) = camera.stream.newest() {
        return Ok(newest);
    }
    let first = tokio::time::timeout(wait, camera.stream.first_picture()).await;
    no_picture(first.ok())
}

/// A picture of the view that is made after now.
async fn drawn_picture(view: ViewLease, wait: Duration) -> Result<Picture, NoPicture> {
    let made = async {
        let upstream = view.upstream().stream.clone();
        upstream.first_picture().await?;
        view.stream.first_picture().await
    };
    no_picture(tokio::time::timeout(wait, made).await.ok())
}

fn no_picture(first: Option<Result<Picture, Option<Arc<str>>>>) -> Result<Picture, NoPicture> {
    match first {
        Some(Ok(picture)) => Ok(picture),
        Some(Err(Some(reason))) => Err(WatchError::from(Unreachable::Unwell(reason)).into()),
        Some(Err(None)) | None => Err(NoPicture::Yet),
    }
}
