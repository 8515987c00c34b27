//! Cameras as text over a WebSocket, for the pages of the camera prototype: `/ws/stream/detect`, `/ws/stream/raw`,
//! `/ws/viewer/detection`. A viewer says all of it in the query, and nothing afterwards.
//!
//! As everywhere, a viewer gets the newest picture when there is room for one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use axum::extract::{Query, Request, State};
use axum::response::Response;
use base64_simd::STANDARD;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use sightwire_access::action::WatchStream;
use sightwire_api::board::{BoardInfo, BoardMetadata, BoardProblem, BoardStats};
use sightwire_api::stream::ViewerKind;
use sightwire_base::clock;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::Update;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::demand::Rate;
use sightwire_live::origin::Origin;
use sightwire_live::viewers::NewViewer;
use sightwire_live::watching::Watching;
use sightwire_live::{Streams, ViewRequest, WatchError};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tokio_websockets::Message;

use crate::arrival::{name_unknown, viewer_from_request};
use crate::pick::PickError;
use crate::{paths, pick};
use sightwire_admission::caller::Caller;
use sightwire_admission::may::May;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::routes::{Routes, get};
use sightwire_admission::to_sentence;
use sightwire_listen::websocket::{self, Socket, UpgradeOptions};

/// Longest time in which nothing is sent, so that either side notices a dead connection.
const ALIVE: Duration = Duration::from_secs(10);
/// Viewers have nothing to say here.
const MAX_MESSAGE_BYTES: usize = 4096;
/// A message with figures comes after this many pictures.
const STATS_EVERY: u64 = 50;
/// The page comes again by itself.
const TRY_AGAIN: u16 = 1013;
/// Pictures a second where nobody asks for another rate.
const RAW_FPS: u8 = 30;

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// Where cameras are found.
    pub streams: Arc<Streams>,
    /// Whose tasks sockets are.
    pub tasks: TaskTracker,
}

/// How pictures are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// As JSON, with figures now and then.
    Frames,
    /// As base64 and nothing else.
    Raw,
    /// As JSON that says of which camera, after a message that says who else watches.
    Viewer,
}

impl Format {
    /// The parameters that it knows.
    fn known_params(self) -> Vec<&'static str> {
        let own: &[&[&str]] = match self {
            Self::Frames => &[&["camera_url"], pick::DRAWN],
            Self::Raw => &[&["fps"]],
            Self::Viewer => &[pick::DRAWN],
        };
        [pick::CAMERA, &["user_id"], &own.concat()].concat()
    }
}

/// As JSON, which these always can be.
fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// Routes of the prototype's sockets for boards and their viewers.
pub fn routes(deps: Dependencies) -> Routes {
    let raw = async |may: May<WatchStream>, state, params, request| {
        answer_request(Format::Raw, &may, state, params, request)
    };
    let detect = async |may: May<WatchStream>, state, params, request| {
        answer_request(Format::Frames, &may, state, params, request)
    };
    let viewer = async |may: May<WatchStream>, state, params, request| {
        answer_request(Format::Viewer, &may, state, params, request)
    };
    Routes::new()
        .add_private(paths::DETECT, get(detect))
        .add_private(paths::RAW, get(raw))
        // As one version of the prototype has it.
        .add_private("/ws/ws/stream/raw", get(raw))
        .add_private("/ws/viewer/detection", get(viewer))
        .with_state(deps)
}

fn answer_request(
    format: Format,
    caller: &Caller,
    State(deps): State<Dependencies>,
    Query(params): Query<Params>,
    request: Request,
) -> Response {
    let user = query::read_text(&params, "user_id").or_else(|| pick::request_user(request.headers()));
    let wanted = pick_view(caller, format, &deps.streams, &params, user);
    let endpoint = match format {
        Format::Frames => "/ws/stream/detect",
        Format::Raw => "/ws/stream/raw",
        Format::Viewer => "/ws/viewer/detection",
    };
    let arrival = viewer_from_request(&request, ViewerKind::Websocket, endpoint);
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let upgrade_options =
        UpgradeOptions { max_message_bytes: MAX_MESSAGE_BYTES, protocol: None, ends_with_the_server: true };
    let (streams, tasks, peer) = (deps.streams.clone(), deps.tasks.clone(), arrival.peer);
    let response = websocket::upgrade_request(request, upgrade_options, &tasks, move |socket| {
        serve_viewer(socket, streams, format, wanted, arrival, connection)
    });
    name_unknown(response, &params, &format.known_params(), endpoint, peer)
}

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
enum Unwatched {
    #[error("{}", to_sentence(&.0.to_string()))]
    Pick(#[from] PickError),
    #[error("{}", to_sentence(&.0.to_string()))]
    Watch(#[from] WatchError),
    #[error(transparent)]
    Param(#[from] ParamError),
}

/// The page shows what it is told once the socket is open, and cannot read why it did not open: so a reason is text.
fn pick_view(
    caller: &Caller,
    format: Format,
    streams: &Streams,
    params: &Params,
    user: Option<&str>,
) -> Result<(Origin, ViewRequest), Unwatched> {
    let url = (format == Format::Frames).then_some("camera_url");
    let origin = pick::pick_source(caller, streams, params, user, url)?;
    if format == Format::Raw {
        let fps = query::read_number(params, "fps", RAW_FPS, &(1..=30))?;
        return Ok((origin, ViewRequest::Apart(Rate { fps, skip_frames: 1 }.interval())));
    }
    let view = pick::read_rate(params, 2).and_then(|rate| {
        let options = pick::view_options(streams, params, false)?;
        Ok(ViewRequest::Drawn { rate, options })
    });
    Ok((origin, view?))
}

/// One who watches, from the handshake to the end.
async fn serve_viewer(
    mut socket: Socket,
    streams: Arc<Streams>,
    format: Format,
    wanted: Result<(Origin, ViewRequest), Unwatched>,
    arrival: NewViewer,
    connection: Option<ConnectionHandle>,
) {
    let deadline = streams.options().cameras.viewer_deadline;
    let begun = match wanted {
        Ok((origin, view)) => {
            let begun = tokio::select! {
                begun = Watching::open_and_wait(streams.clone(), origin, view, arrival, encoded_size) => begun,
                () = wait_closed(&mut socket) => return,
            };
            begun.map_err(Unwatched::from)
        }
        Err(reason) => Err(reason),
    };
    let watching = match begun {
        Ok(watching) => watching,
        Err(reason) => {
            let reason = reason.to_string();
            let text = to_json(&BoardProblem { message: reason.clone(), ..BoardProblem::default() });
            let _ = timeout(deadline, socket.send(Message::text(text))).await;
            return websocket::close_socket(socket, TRY_AGAIN, &reason).await;
        }
    };
    if let Some(connection) = &connection {
        connection.mark_known();
        connection.set_write_deadline(deadline);
    }
    Viewer { socket, streams, format, watching, connection, deadline }.run().await;
}

/// Waits for the end of a socket whose peer says nothing.
async fn wait_closed(socket: &mut Socket) {
    while socket.next().await.is_some_and(|message| message.is_ok_and(|message| !message.is_close())) {}
}

struct Viewer {
    socket: Socket,
    streams: Arc<Streams>,
    format: Format,
    watching: Watching,
    connection: Option<ConnectionHandle>,
    deadline: Duration,
}

impl Viewer {
    async fn run(mut self) {
        let ended = self.watching.viewer().end_token().clone();
        if self.format == Format::Viewer
            && self.send_message(Message::text(self.welcome_text())).await.is_err()
        {
            return;
        }
        let (mut sent, mut since) = (0_u64, clock::now());
        let mut alive = Instant::now();
        loop {
            let next = async {
                if let Some(connection) = &self.connection {
                    connection.wait_for_room().await;
                }
                self.watching.next().await
            };
            let update = tokio::select! {
                update = next => update,
                () = wait_closed(&mut self.socket) => return,
                () = ended.cancelled() => None,
                () = tokio::time::sleep_until(alive + ALIVE) => {
                    alive = Instant::now();
                    if self.send_message(Message::ping("")).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            let picture = match &update {
                Some(Update::Picture(picture) | Update::Banner(picture)) => picture,
                Some(Update::State(_)) => continue,
                None => break,
            };
            let Ok(jpeg) = picture.jpeg(&*self.streams.pixels).await else { continue };
            if self.send_message(Message::text(self.frame_text(picture, jpeg))).await.is_err() {
                return;
            }
            (sent, alive) = (sent + 1, Instant::now());
            if self.format == Format::Frames && sent.is_multiple_of(STATS_EVERY) {
                let stats = self.stats_text(sent, picture, clock::since(since));
                since = clock::now();
                if self.send_message(Message::text(stats)).await.is_err() {
                    return;
                }
            }
        }
        websocket::close_socket(self.socket, TRY_AGAIN, "the stream has ended").await;
    }

    async fn send_message(&mut self, message: Message) -> Result<(), ()> {
        match timeout(self.deadline, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(()),
            Err(_) => {
                self.watching.viewer().set_end_reason("it took no pictures in time");
                Err(())
            }
        }
    }

    fn welcome_text(&self) -> String {
        let (id, count) = (&**self.watching.id(), self.streams.viewers.watcher_count(self.watching.id()));
        let message = format!("Connected to camera {id}. Viewers: {count}");
        to_json(&BoardInfo { message, camera_id: id.to_owned(), viewer_count: count, ..BoardInfo::default() })
    }

    /// Built for the first who asks, shared by all.
    fn frame_text(&self, picture: &Picture, jpeg: &[u8]) -> Bytes {
        struct Frames;
        struct Raw;
        struct Viewed;
        match self.format {
            Format::Frames => picture.forms().get::<Frames>(|| wrap_frame(jpeg, "}")).clone(),
            Format::Raw => picture.forms().get::<Raw>(|| with_base64("", jpeg, "")).clone(),
            Format::Viewer => {
                let made = picture.forms().get::<Viewed>(|| {
                    let stamp = picture.stamp();
                    let taken = stamp.taken_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
                    let (camera_id, frame_number) = (self.watching.id().to_string(), stamp.sequence);
                    let metadata = to_json(&BoardMetadata { camera_id, frame_number, timestamp: taken });
                    wrap_frame(jpeg, &format!(",\"metadata\":{metadata}}}"))
                });
                made.clone()
            }
        }
    }

    fn stats_text(&self, sent: u64, picture: &Picture, of_these: Duration) -> String {
        let read = self.watching.upstream().stream.counters().pictures.load(Ordering::Relaxed);
        let [delivered, _, missed] = self.watching.viewer().delivered().counts();
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        to_json(&BoardStats {
            processed: delivered + missed,
            sent,
            read,
            fps: rounded(STATS_EVERY as f64 / of_these.as_secs_f64().max(1e-3)),
            process_time_ms: rounded(clock::since(picture.captured()).as_secs_f64() * 1e3),
            ..BoardStats::default()
        })
    }
}

fn wrap_frame(jpeg: &[u8], end: &str) -> Bytes {
    with_base64("{\"type\":\"frame\",\"data\":\"", jpeg, &format!("\"{end}"))
}

fn with_base64(head: &str, jpeg: &[u8], end: &str) -> Bytes {
    let mut text = Vec::with_capacity(head.len() + STANDARD.encoded_length(jpeg.len()) + end.len());
    text.extend_from_slice(head.as_bytes());
    STANDARD.encode_append(jpeg, &mut text);
    text.extend_from_slice(end.as_bytes());
    text.into()
}

/// Of a picture as it is sent here, but for what stands around it.
fn encoded_size(picture: &Picture) -> usize {
    picture.file_size().div_ceil(3) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_the_old_page_reads() {
        assert_eq!(wrap_frame(b"JPEG", "}").as_ref(), br#"{"type":"frame","data":"SlBFRw=="}"#);
        assert_eq!(with_base64("", b"JPEG", "").as_ref(), b"SlBFRw==");
        let end = ",\"metadata\":{}}";
        let text: serde_json::Value = serde_json::from_slice(&wrap_frame(b"JPEG", end)).unwrap();
        assert_eq!(text, serde_json::json!({ "type": "frame", "data": "SlBFRw==", "metadata": {} }));
    }
}
