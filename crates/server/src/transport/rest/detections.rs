//! What is in a camera's pictures, as it happens: Server-Sent Events, or JSON over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use sightwire_hub::delivery::Delivery;
use sightwire_hub::stream::{Subscriber, Update};
use sightwire_live::analysis::Analysed;
use sightwire_live::demand::Looks;
use sightwire_live::view::Look;
use sightwire_live::viewers::{Kind, Watch};
use sightwire_measure::clock;
use tokio_websockets::Message;

use super::Api;
use crate::transport::pick;
use crate::transport::query::Params;
use crate::transport::refusal::Refusal;
use crate::transport::websocket::{self, Terms};
use crate::transport::{arrival, shares_of};

/// Something is sent at least so often, so that either side notices a dead connection.
const ALIVE: Duration = Duration::from_secs(10);
/// Clients have nothing to say here.
const MAX_MESSAGE_BYTES: usize = 4096;
/// A WebSocket whose client takes nothing for so long is given up.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the goodbye may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// Everything about one who listens.
struct Listener {
    stream: Arc<str>,
    look: Look,
    looks: Looks,
    states: Subscriber,
    watch: Watch,
}

struct Event {
    name: &'static str,
    /// JSON, an object.
    data: String,
}

pub async fn events(
    State(Api { streams, tasks, .. }): State<Api>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Response, Refusal> {
    let is_websocket = websocket::is_asked_for(request.headers());
    let kind = if is_websocket { Kind::Websocket } else { Kind::Events };
    let rate = pick::rate(&params, 2)?;
    let (confidence, classes) = (pick::confidence(&streams, &params)?, pick::classes(&streams, &params)?);
    let look = Look { tracking: None, confidence, labels: true, classes };
    let origin = pick::stream(&streams, &id)?;
    // Before anything is opened for it.
    let arrival = arrival(&request, kind, "/api/v1/streams/{id}/detections");
    let from = shares_of(request.headers(), request.extensions());
    let place = streams.viewers.admit(arrival);
    let place = place.ok_or_else(|| streams.too_many())?;
    let analysis = streams.analyse(&origin, rate, from)?;
    let stream = analysis.upstream.stream.id().clone();
    let watch = place.watch(&stream);
    let states = analysis.upstream.stream.tap();
    let listener = Listener { stream, look, looks: analysis.looks(), states, watch };
    if is_websocket {
        let terms =
            Terms { max_message_bytes: MAX_MESSAGE_BYTES, protocol: None, ends_with_the_server: true };
        return Ok(websocket::upgrade(request, terms, &tasks, |socket| talk(socket, listener)));
    }
    let body = stream::unfold(listener, |mut listener| async move {
        let text = match tokio::time::timeout(ALIVE, listener.next()).await {
            Ok(Some(event)) => format!("event: {}\ndata: {}\n\n", event.name, event.data),
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

async fn talk(mut socket: websocket::Socket, mut listener: Listener) {
    let ended = listener.watch.viewer().ended().clone();
    loop {
        tokio::select! {
            event = tokio::time::timeout(ALIVE, listener.next()) => {
                let message = match event {
                    // Both are objects: the name goes before the first of the others.
                    Ok(Some(Event { name, data })) => {
                        Message::text(format!("{{\"event\":\"{name}\",{}", data.trim_start_matches('{')))
                    }
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
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                biased;
                update = self.states.next() => match update? {
                    Update::State(state) => {
                        let data = json!({
                            "stream": &*self.stream,
                            "state": state.condition.name(),
                            "reason": state.reason.as_deref(),
                        });
                        return Some(Event { name: "state", data: data.to_string() });
                    }
                    Update::Picture(_) | Update::Banner(_) => {}
                },
                () = self.looks.changed() => {
                    if let Some((analysed, missed)) = self.looks.take() {
                        return Some(self.detections(&analysed, missed));
                    }
                }
            }
        }
    }

    fn detections(&self, analysed: &Analysed, missed: u64) -> Event {
        let model = &analysed.model;
        let shown = analysed.objects.iter().filter(|object| {
            object.detection.confidence >= self.look.confidence()
                && self.look.shows(model.label(object.detection.class))
        });
        let detections: Vec<Value> = shown.map(|object| object.report(model)).collect();
        let data = json!({
            "stream": &*self.stream,
            "sequence": analysed.sequence,
            "captured": humantime::format_rfc3339_millis(analysed.stamp.taken_at).to_string(),
            "width": analysed.image.width(),
            "height": analysed.image.height(),
            "model": model.name(),
            "delay_ms": (clock::since(analysed.stamp.captured).as_secs_f64() * 1e4).round() / 10.0,
            "detections": detections,
        });
        let data = data.to_string();
        let age = clock::since(analysed.stamp.captured);
        self.watch.viewer().delivered().add(Delivery { bytes: data.len(), missed, age });
        Event { name: "detections", data }
    }
}
