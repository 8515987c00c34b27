//! `multipart/x-mixed-replace`: a camera's pictures, as they are or with what is in them.
//!
//! A part is built once and shared by all who get it. Nothing is queued here: the body is asked for more when the
//! connection has room, and then gets the newest picture.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use sightwire_listen::Peer;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::{Arrival, Kind};
use sightwire_live::watching::{Shown, Watching};
use sightwire_live::{Cameras, Wish};

use super::query::{ParamError, Params};
use super::{ending, origin, pick};

/// A line in the log for the first picture of a viewer, and for every so-many-th.
const LOG_EVERY: u64 = 100;
/// Proxies must not collect pictures.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What one endpoint has of its own.
#[derive(Clone, Copy)]
struct Endpoint {
    path: &'static str,
    /// Parameter with the camera's address.
    address: Option<&'static str>,
    wish: fn(&Cameras, &Params) -> Result<Wish, ParamError>,
}

const ENDPOINTS: [Endpoint; 4] = [
    Endpoint { path: "/stream", address: None, wish: |_, _| Ok(Wish::Original) },
    Endpoint { path: "/stream/proxy", address: Some("esp32_url"), wish: |_, _| Ok(Wish::Original) },
    Endpoint {
        path: "/stream/detect",
        address: Some("camera_url"),
        wish: |cameras, params| drawn(cameras, params, false),
    },
    Endpoint {
        path: "/stream/tracking",
        address: Some("camera_url"),
        wish: |cameras, params| drawn(cameras, params, true),
    },
];

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Means {
    /// All cameras.
    pub cameras: Arc<Cameras>,
    /// `server.cors_origins`
    pub origins: Arc<Option<Vec<String>>>,
}

/// The four endpoints.
pub fn router(means: Means) -> Router {
    let add = |router: Router<_>, endpoint: Endpoint| {
        let handler =
            move |state, params, headers, connection| answer(endpoint, state, params, headers, connection);
        router.route(endpoint.path, get(handler))
    };
    ENDPOINTS.into_iter().fold(Router::new(), add).with_state(means)
}

fn drawn(cameras: &Cameras, params: &Params, tracking: bool) -> Result<Wish, ParamError> {
    let rate = pick::rate(params, if tracking { 1 } else { 2 })?;
    let look = pick::look(cameras, params, tracking)?;
    Ok(Wish::Drawn { fps: rate.fps, skip_frames: rate.skip_frames, look })
}

async fn answer(
    endpoint: Endpoint,
    State(Means { cameras, origins }): State<Means>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    (peer, connection): (Option<Extension<Peer>>, Option<Extension<ConnectionHandle>>),
) -> Response {
    let wish = match (endpoint.wish)(&cameras, &params) {
        Ok(wish) => wish,
        Err(wrong) => return wrong.response(),
    };
    let foreign = origin::is_foreign(&headers, origins.as_deref());
    let source = match pick::source(&cameras, &params, &headers, endpoint.address, foreign) {
        Ok(source) => source,
        Err(refused) => return pick::refusal(&refused),
    };
    let peer = peer.map(|Extension(Peer(peer))| peer);
    let connection = connection.map(|Extension(connection)| connection);
    let arrival =
        Arrival { peer, kind: Kind::Mjpeg, endpoint: endpoint.path, connection: ending(connection.as_ref()) };
    let deadline = cameras.options().cameras.viewer_deadline;
    let watching = match Watching::begin(cameras, source, wish, arrival).await {
        Ok(watching) => watching,
        Err(refused) => return pick::refusal(&refused),
    };
    if let Some(connection) = &connection {
        connection.set_write_deadline(deadline);
    }
    let headers = [
        (CONTENT_TYPE, "multipart/x-mixed-replace; boundary=frame"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (X_ACCEL_BUFFERING, "no"),
    ];
    let viewer = Box::new(Viewer { watching, connection });
    (headers, Body::from_stream(stream::unfold(viewer, part))).into_response()
}

/// Handed on with every part, so it is in a box.
struct Viewer {
    watching: Watching,
    connection: Option<ConnectionHandle>,
}

/// The next part of the answer; the answer ends with the stream.
async fn part(mut viewer: Box<Viewer>) -> Option<(Result<Bytes, Infallible>, Box<Viewer>)> {
    // The layers above take the next part while a third of this one still waits for a slow viewer.
    if let Some(connection) = &viewer.connection {
        connection.room().await;
    }
    let watching = &mut viewer.watching;
    let (picture, of_the_stream) = loop {
        match watching.next().await? {
            // Whoever sends the stream may have sent what is no file.
            Shown::Picture(picture) if !picture.jpeg().is_empty() => break (picture, true),
            Shown::Banner(picture) => break (picture, false),
            Shown::Picture(_) | Shown::State(_) => {}
        }
    };
    let part = picture.part().clone();
    if of_the_stream {
        let (who, id) = (watching.viewer(), watching.id());
        match who.pictures() {
            1 => tracing::info!(viewer = who.id(), stream = &**id, "first picture"),
            count if count % LOG_EVERY == 0 => {
                tracing::debug!(viewer = who.id(), stream = &**id, "{count} pictures");
            }
            _ => {}
        }
    }
    Some((Ok(part), viewer))
}
