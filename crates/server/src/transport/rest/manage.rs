//! Ending streams and sending viewers away; and who watches.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sightwire_access::action::{Act as _, EndStreams, SeeViewers};
use sightwire_api::stream::{StreamKind, Viewers};
use sightwire_base::clock;
use sightwire_live::Streams;

use super::streams::kind_elsewhere;
use sightwire_admission::caller::Caller;
use sightwire_admission::may::{May, MayStream};
use sightwire_admission::parts::Path;
use sightwire_admission::refusal::Refusal;

pub async fn end_stream(
    may: MayStream<EndStreams>,
    State(streams): State<Arc<Streams>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    if let Some(upstream) = streams.find_stream(&id) {
        may.check_watch_stream(&id, upstream.origin.kind())?;
        if streams.end_stream(&id) {
            may.deed().set_description(format!("ended the stream {id:?}"));
            if let Some(mark) = upstream.place.mark() {
                streams.end_camera_elsewhere(&id, mark).await?;
            }
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    if let Some(kind) = kind_elsewhere(&may, &streams, &id) {
        may.check_watch_stream(&id, kind)?;
        if let Some(process) = streams.end_elsewhere(&id).await? {
            may.deed().set_description(format!("ended the stream {id:?} of the process {process:?}"));
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
        // A viewer that watches other streams as well is not theirs alone to send away.
        for stream in viewer.streams() {
            may.check_stream_action(&EndStreams::ACTION, true, &stream)?;
            may.check_watch_stream(&stream, kind_of(&streams, &stream))?;
        }
        streams.viewers.send_away(viewer.id());
        may.deed().set_description(format!("sent the viewer {id} away"));
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, &format!("There is no viewer {id:?}.")))
}

pub async fn list_viewers(may: May<SeeViewers>, State(streams): State<Arc<Streams>>) -> Json<Viewers> {
    let now = clock::now();
    let viewers =
        streams.viewers.all().into_iter().filter(|viewer| sees_all(&may, &streams, &viewer.streams()));
    Json(Viewers { viewers: viewers.map(|viewer| viewer.report(now)).collect() })
}

fn sees_all(caller: &Caller, all: &Streams, streams: &[Arc<str>]) -> bool {
    streams.iter().all(|stream| caller.check_watch_stream(stream, kind_of(all, stream)).is_ok())
}

/// Of a stream that somebody watches.
fn kind_of(all: &Streams, stream: &str) -> StreamKind {
    if all.is_sent(stream) { StreamKind::Relay } else { StreamKind::Camera }
}
