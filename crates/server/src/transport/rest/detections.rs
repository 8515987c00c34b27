//! What is in a camera's pictures, as it happens: Server-Sent Events, or JSON over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde::Serialize;
use sightwire_access::action::WatchStream;
use sightwire_api::detect::{Detections, StateChange, StreamEvent};
use sightwire_api::stream::ViewerKind;
use sightwire_base::clock;
use sightwire_hub::delivery::Delivery;
use sightwire_hub::stream::{Subscriber, Update};
use sightwire_live::analysis::Analysed;
use sightwire_live::analysis_lease::Looks;
use sightwire_live::demand::Wish;
use sightwire_live::directory::report::stream_state;
use sightwire_live::hands::Sighted;
use sightwire_live::shown::ViewOptions;
use sightwire_live::viewers::{NewViewer, Watch};
use tokio_websockets::Message;

use super::Api;
use sightwire_admission::may::MayStream;
use sightwire_admission::parts::Path;
use sightwire_admission::query::Params;
use sightwire_admission::refusal::Refusal;
use sightwire_listen::websocket::{self, UpgradeOptions};
use sightwire_streaming::arrival::{shares_of, viewer_from_request};
use sightwire_streaming::pick;

/// Longest time in which nothing is sent, so that either side notices a dead connection.
const ALIVE: Duration = Duration::from_secs(10);
/// Clients have nothing to say here.
const MAX_MESSAGE_BYTES: usize = 4096;
/// A WebSocket whose client takes nothing for this long is given up.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the goodbye may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// Everything about one who listens.
struct Listener {
    stream: Arc<str>,
    shown: ViewOptions,
    looks: Looks,
    states: Subscriber,
    watch: Watch,
    form: Framing,
    /// Another process, which shows the same to its own viewers.
    is_process: bool,
}

/// How a listener gets its events.
#[derive(Clone, Copy)]
enum Framing {
    /// As Server-Sent Events of one endless answer.
    Events,
    /// As messages of a WebSocket.
    Messages,
}

impl Framing {
    fn format_event(self, event: &StreamEvent) -> String {
        let (name, data) = match (self, event) {
            (Self::Messages, event) => return to_json(event),
            (Self::Events, StreamEvent::Detections(detections)) => ("detections", to_json(detections)),
            (Self::Events, StreamEvent::State(state)) => ("state", to_json(state)),
        };
        format!("event: {name}\ndata: {data}\n\n")
    }
}

fn to_json(message: &impl Serialize) -> String {
    // There is no map with odd keys in it.
    serde_json::to_string(message).unwrap_or_default()
}

pub async fn stream_events(
    may: MayStream<WatchStream>,
    State(Api { streams, tasks, .. }): State<Api>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Response, Refusal> {
    let is_websocket = websocket::is_asked_for(request.headers());
    let is_process = may.is_process();
    let kind = match is_websocket {
        _ if is_process => ViewerKind::Process,
        true => ViewerKind::Websocket,
        false => ViewerKind::Events,
    };
    let rate = pick::read_rate(&params, 2)?;
    let (confidence, classes) =
        (pick::read_confidence(&streams, &params)?, pick::read_classes(&streams, &params)?);
    let shown = ViewOptions { tracking: None, confidence, labels: true, classes };
    let origin = pick::pick_stream(&may, &streams, &id)?;
    // Before anything is opened for it.
    let page = pick::page_name(&params, "beside").filter(|_| !is_process);
    let beside = page.is_some();
    let arrival =
        NewViewer { page, beside, ..viewer_from_request(&request, kind, "/api/v1/streams/{id}/detections") };
    let from = shares_of(request.extensions());
    let admission = streams.admit_viewer(arrival)?;
    let analysis = streams.analyse_stream(&origin, (Wish::Objects, rate), from)?;
    if is_process && analysis.upstream.place.is_pulled() {
        // Nothing goes from process to process to process.
        return Err(Refusal::new(StatusCode::CONFLICT, "another process reads it"));
    }
    let stream = analysis.upstream.stream.id().clone();
    let watch = admission.watch_stream(&stream);
    let states = analysis.upstream.stream.tap();
    let form = if is_websocket { Framing::Messages } else { Framing::Events };
    let looks = analysis.into_looks();
    let listener = Listener { stream, shown, looks, states, watch, form, is_process };
    if is_websocket {
        let options = UpgradeOptions {
            max_message_bytes: MAX_MESSAGE_BYTES,
            protocol: None,
            ends_with_the_server: true,
        };
        return Ok(websocket::upgrade_request(request, options, &tasks, |socket| {
            serve_socket(socket, listener)
        }));
    }
    let body = stream::unfold(listener, |mut listener| async move {
        let text = match tokio::time::timeout(ALIVE, listener.next()).await {
            Ok(Some(text)) => text,
            Ok(None) => return None,
            Err(_) => ": still here\n\n".to_owned(),
        };
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), listener))
    });
    // Proxies must not collect events.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), unbuffered];
    Ok((headers, Body::from_stream(body)).into_response())
}

async fn serve_socket(mut socket: websocket::Socket, mut listener: Listener) {
    let ended = listener.watch.viewer().end_token().clone();
    loop {
        tokio::select! {
            event = tokio::time::timeout(ALIVE, listener.next()) => {
                let message = match event {
                    Ok(Some(text)) => Message::text(text),
                    Ok(None) => break,
                    Err(_) => Message::ping(""),
                };
                let sent = tokio::time::timeout(WRITE_DEADLINE, socket.send(message)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            () = ended.cancelled() => break,
            message = socket.next() => match message {
                Some(Ok(message)) if !message.is_close() => {}
                _ => return,
            }
        }
    }
    let _ = tokio::time::timeout(CLOSE_DEADLINE, socket.close()).await;
}

impl Listener {
    /// The next that happens; what was too fast for the listener it misses.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                biased;
                update = self.states.next() => match update? {
                    Update::State(state) => {
                        let change = StateChange {
                            reason: state.reason.as_deref().map(str::to_owned),
                            state: stream_state(state.condition),
                            stream: self.stream.to_string(),
                        };
                        return Some(self.form.format_event(&StreamEvent::State(change)));
                    }
                    Update::Picture(_) | Update::Banner(_) => {}
                },
                () = self.looks.changed() => {
                    if let Some((analysed, missed)) = self.looks.take_look() {
                        return Some(self.detections(&analysed, missed));
                    }
                }
            }
        }
    }

    fn detections(&self, analysed: &Analysed, missed: u64) -> String {
        let (model, age) = (&analysed.model, clock::since(analysed.stamp.captured));
        let shown = analysed.objects.iter().filter(|object| {
            object.detection.confidence >= self.shown.confidence()
                && self.shown.is_class_shown(model.label(object.detection.class))
        });
        let text = self.form.format_event(&StreamEvent::Detections(Detections {
            captured: humantime::format_rfc3339_millis(analysed.stamp.taken_at).to_string(),
            delay_ms: (age.as_secs_f64() * 1e4).round() / 10.0,
            detections: shown.map(|object| object.report(model)).collect(),
            hands: analysed.hands.as_ref().and_then(Sighted::to_api),
            height: analysed.image.height(),
            model: model.name().to_owned(),
            sequence: analysed.sequence,
            shared: self.is_process.then(|| Box::new(analysed.shared_look())),
            stream: self.stream.to_string(),
            width: analysed.image.width(),
        }));
        self.watch.viewer().delivered().add(Delivery { bytes: text.len(), missed, age });
        text
    }
}
