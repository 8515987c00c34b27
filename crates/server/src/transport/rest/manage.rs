//! Ending streams and sending viewers away; and who watches.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sightwire_access::action::{Act as _, EndStreams, SeeViewers};
use sightwire_api::stream::{StreamKind, Viewers};
use sightwire_live::Streams;
use sightwire_measure::clock;

use super::streams::kind_elsewhere;
use sightwire_http::caller::Caller;
use sightwire_http::may::{May, MayStream};
use sightwire_http::parts::Path;
use sightwire_http::refusal::Refusal;

pub async fn end_stream(
    may: MayStream<EndStreams>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    if let Some(upstream) = streams.find(&id) {
        may.sees(&id, upstream.origin.kind())?;
        if streams.end(&id) {
            may.deed().is(format!("ended the stream {id:?}"));
            if let Some(mark) = upstream.place.mark() {
                streams.end_camera_elsewhere(&id, mark).await?;
            }
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    if let Some(kind) = kind_elsewhere(&may, &streams, &id) {
        may.sees(&id, kind)?;
        if let Some(process) = streams.end_elsewhere(&id).await? {
            may.deed().is(format!("ended the stream {id:?} of the process {process:?}"));
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, &format!("There is no stream {id:?}.")))
}

pub async fn end_viewer(
    may: May<EndStreams>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let found = id.parse().ok().and_then(|id| streams.viewers.get(id));
    if let Some(viewer) = found {
        // Whoever watches other streams as well is not theirs alone to send away.
        for stream in viewer.streams() {
            may.may_on(&EndStreams::ACTION, true, &stream)?;
            may.sees(&stream, kind_of(&streams, &stream))?;
        }
        streams.viewers.send_away(viewer.id());
        may.deed().is(format!("sent the viewer {id} away"));
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, &format!("There is no viewer {id:?}.")))
}

pub async fn viewers(may: May<SeeViewers>, State(streams): State<Arc<Streams>>) -> Json<Viewers> {
    let now = clock::now();
    let viewers =
        streams.viewers.all().into_iter().filter(|viewer| sees_all(&may, &streams, &viewer.streams()));
    Json(Viewers { viewers: viewers.map(|viewer| viewer.report(now)).collect() })
}

fn sees_all(caller: &Caller, all: &Streams, streams: &[Arc<str>]) -> bool {
    streams.iter().all(|stream| caller.sees(stream, kind_of(all, stream)).is_ok())
}

/// Of a stream that somebody watches.
fn kind_of(all: &Streams, stream: &str) -> StreamKind {
    if all.is_sent(stream) { StreamKind::Relay } else { StreamKind::Camera }
}
