//! `multipart/x-mixed-replace`: a camera's pictures, as they are or with what is in them.
//!
//! A part is built once and shared by all who get it. Nothing is queued here: the body is asked for more when the
//! connection has room, and then gets the newest picture.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use sightwire_access::action::WatchStream;
use sightwire_api::stream::ViewerKind;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::Update;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::viewers::NewViewer;
use sightwire_live::watching::Watching;
use sightwire_live::{Streams, ViewRequest};

use crate::arrival::{name_unknown, viewer_from_request};
use crate::pick;
use sightwire_admission::may::May;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_admission::routes::{Routes, get};

/// A line in the log for the first picture of a viewer, and for one of this many after it.
const LOG_EVERY: u64 = 100;
/// Proxies must not collect pictures.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What one endpoint has of its own.
#[derive(Clone, Copy)]
struct Endpoint {
    path: &'static str,
    /// The same with a slash, which leads there.
    slashed: &'static str,
    /// Parameter with the camera's address.
    address: Option<&'static str>,
    /// The others that it knows, beside `camera` and `camera_id`.
    known: &'static [&'static [&'static str]],
    view: fn(&Streams, &Params) -> Result<ViewRequest, ParamError>,
}

const ENDPOINTS: [Endpoint; 5] = [
    Endpoint { path: "/stream", slashed: "/stream/", address: None, known: &[&["fps"]], view: original_view },
    Endpoint {
        path: "/stream/proxy",
        slashed: "/stream/proxy/",
        address: Some("esp32_url"),
        known: &[&["fps"]],
        view: original_view,
    },
    Endpoint {
        path: "/stream/detect",
        slashed: "/stream/detect/",
        address: Some("camera_url"),
        known: &[pick::DRAWN],
        view: |streams, params| drawn_view(streams, params, false),
    },
    Endpoint {
        path: "/stream/tracking",
        slashed: "/stream/tracking/",
        address: Some("camera_url"),
        known: &[pick::DRAWN, pick::TRACKED],
        view: |streams, params| drawn_view(streams, params, true),
    },
    // Of one version of the prototype, where another process drew the boxes.
    Endpoint {
        path: "/stream/worker-detection",
        slashed: "/stream/worker-detection/",
        address: None,
        known: &[pick::DRAWN],
        view: |streams, params| drawn_view(streams, params, false),
    },
];

/// A route for each of [`ENDPOINTS`], with a slash at its end and without.
pub fn routes(streams: Arc<Streams>) -> Routes {
    let add = |routes: Routes<_>, endpoint: Endpoint| {
        let handler = move |may: May<WatchStream>, state, params, request| {
            answer_request(endpoint, may, state, params, request)
        };
        routes.add_private(endpoint.path, get(handler)).add_slashed(endpoint.slashed, endpoint.path)
    };
    ENDPOINTS.into_iter().fold(Routes::new(), add).with_state(streams)
}

/// All of a camera's pictures, or as many a second as were asked for.
fn original_view(_: &Streams, params: &Params) -> Result<ViewRequest, ParamError> {
    if query::read_text(params, "fps").is_none() {
        return Ok(ViewRequest::Original);
    }
    Ok(ViewRequest::Apart(pick::read_rate(params, 1)?.interval()))
}

fn drawn_view(streams: &Streams, params: &Params, tracking: bool) -> Result<ViewRequest, ParamError> {
    let rate = pick::read_rate(params, if tracking { 1 } else { 2 })?;
    let options = pick::view_options(streams, params, tracking)?;
    Ok(ViewRequest::Drawn { rate, options })
}

async fn answer_request(
    endpoint: Endpoint,
    may: May<WatchStream>,
    State(streams): State<Arc<Streams>>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Response, Refusal> {
    let view = (endpoint.view)(&streams, &params)?;
    let source =
        pick::pick_source(&may, &streams, &params, pick::request_user(request.headers()), endpoint.address)?;
    let page = pick::page_name(&params, "page");
    let arrival = NewViewer { page, ..viewer_from_request(&request, ViewerKind::Mjpeg, endpoint.path) };
    let peer = arrival.peer;
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let deadline = streams.options().cameras.viewer_deadline;
    let watching =
        Watching::open_and_wait(streams.clone(), source, view, arrival, Picture::file_size).await?;
    if let Some(connection) = &connection {
        connection.set_write_deadline(deadline);
    }
    let headers = [
        (CONTENT_TYPE, "multipart/x-mixed-replace; boundary=frame"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (X_ACCEL_BUFFERING, "no"),
    ];
    let known = [&endpoint.known.concat(), pick::CAMERA, &["page"], endpoint.address.as_slice()].concat();
    let viewer = Box::new(Viewer { streams, watching, connection });
    let response = (headers, Body::from_stream(stream::unfold(viewer, next_part))).into_response();
    Ok(name_unknown(response, &params, &known, endpoint.path, peer))
}

/// Handed on with every part, so it is in a box.
struct Viewer {
    streams: Arc<Streams>,
    watching: Watching,
    connection: Option<ConnectionHandle>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // A viewer that reads slowly and leaves has left.
        if self.connection.as_ref().is_some_and(ConnectionHandle::was_given_up) {
            self.watching.viewer().set_end_reason("it took no pictures in time");
        }
    }
}

/// The next part of the answer; the answer ends with the stream.
async fn next_part(mut viewer: Box<Viewer>) -> Option<(Result<Bytes, Infallible>, Box<Viewer>)> {
    // The layers above take the next part while a third of this one still waits for a slow viewer.
    if let Some(connection) = &viewer.connection {
        connection.wait_for_room().await;
    }
    let watching = &mut viewer.watching;
    let (part, of_the_stream) = loop {
        let (picture, of_the_stream) = match watching.next().await? {
            Update::Picture(picture) => (picture, true),
            Update::Banner(picture) => (picture, false),
            Update::State(_) => continue,
        };
        // The sender of the stream may have sent what is not a file.
        if let Ok(jpeg) = picture.jpeg(&*viewer.streams.pixels).await {
            break (part_of(&picture, jpeg), of_the_stream);
        }
    };
    if of_the_stream {
        let (who, id) = (watching.viewer(), watching.id());
        match who.picture_count() {
            1 => tracing::info!(viewer = who.id(), stream = &**id, "first picture"),
            count if count % LOG_EVERY == 0 => {
                tracing::debug!(viewer = who.id(), stream = &**id, "{count} pictures");
            }
            _ => {}
        }
    }
    Some((Ok(part), viewer))
}

/// A picture as one part of `multipart/x-mixed-replace; boundary=frame`; built for the first who asks, shared by all.
fn part_of(picture: &Picture, jpeg: &Bytes) -> Bytes {
    struct Part;
    let made = picture.forms().get::<Part>(|| {
        let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
        let mut part = BytesMut::with_capacity(head.len() + jpeg.len() + 2);
        part.put_slice(head.as_bytes());
        part.put_slice(jpeg);
        part.put_slice(b"\r\n");
        part.freeze()
    });
    made.clone()
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use super::*;

    #[test]
    fn a_part_is_what_the_old_clients_read() {
        let jpeg = Bytes::from_static(b"JPEG");
        let picture = Picture::new(jpeg.clone(), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        let expected = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\nJPEG\r\n";
        let part = part_of(&picture, &jpeg);
        assert_eq!(part.as_ref(), expected);
        assert_eq!(part_of(&picture.clone(), &jpeg).as_ptr(), part.as_ptr(), "shared, not built again");
    }
}
