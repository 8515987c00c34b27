//! Socket.IO v5 / Engine.IO v4 at `/socket.io/`: frames in, predictions out. docs/protocol.md has the contract.
//!
//! - [`message`]: what a `frame` event may look like

pub mod message;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sightwire_access::Denied;
use sightwire_access::action::{Act as _, SendFrames};
use sightwire_access::credential::Hold;
use sightwire_access::principal::Who;
use sightwire_api::sign::{DetailedPrediction, Prediction, SignMessage, SignResult};
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use sightwire_base::metrics::{Collector, Metrics};
use sightwire_frame::header::Limits;
use sightwire_listen::outbox::Outbox;
use sightwire_recognizer::Frame;
use sightwire_recognizer::{Client, Event, OnEvent, Recognizer, Reply, State};
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::handler::{ConnectHandler as _, FromMessageParts, MessageHandler};
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::{DisconnectReason, Socket};
use socketioxide::{ParserConfig, SendError, SocketError, SocketIo};
use socketioxide_core::{Sid, Value};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

use crate::options::SocketIoOptions;
use crate::paths;
use message::FrameMessageError;
use sightwire_listen::sessions::{Session, Sessions};

use sightwire_admission::caller::{Caller, Gate, NotAllowed};
use sightwire_admission::requests::FrameLimiter;
use sightwire_admission::to_sentence;
use sightwire_listen::asker::TooMany;

/// What clients are told at capacity; strict.
const AT_CAPACITY: &str = "Server at capacity, please try again later";
/// What clients are told where the model could not be loaded.
const NO_MODEL: &str = "The recogniser has no model; the server's log and /readyz say why";
/// Messages that wait for a client to take them; past that a reply is dropped and counted.
const MAX_UNSENT_MESSAGES: usize = 256;
/// A session that never enters the namespace.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
const UPGRADE_DEADLINE: Duration = Duration::from_secs(10);
/// What is counted for an acknowledgement: about as long as one is.
const ACK_BYTES: usize = 8;
/// An acknowledgement says nothing else.
const NOTHING: [(); 0] = [];
/// What an idle client's connection holds to be read into; of a long frame more is read at once (`listen::connection`).
const READ_BUFFER_BYTES: usize = 2 << 10;

/// Counters since the start.
#[derive(Debug, Default)]
pub struct SocketIoCounters {
    /// Replies that were handed over to be sent.
    pub replies: AtomicU64,
    /// Replies that a client did not take: its buffer was full.
    pub dropped: AtomicU64,
    /// Frames that were not valid.
    pub invalid: AtomicU64,
}

impl SocketIoCounters {
    /// A client did not take a message, which is gone.
    fn not_taken(&self) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(dropped, "ERROR a client does not take its messages in time, and one was dropped");
    }
}

impl Collector for SocketIoCounters {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter("socketio_replies", "Replies to frames.", &self.replies);
        metrics.counter(
            "socketio_messages_dropped",
            "Messages that a client did not take in time.",
            &self.dropped,
        );
        metrics.counter(
            "socketio_frames_invalid",
            "Frames that were not valid and got no reply.",
            &self.invalid,
        );
    }
}

/// The Socket.IO side of the recogniser.
#[derive(Clone)]
pub struct SocketIoTransport {
    recognizer: Arc<Recognizer>,
    limits: Limits,
    counters: Arc<SocketIoCounters>,
    sessions: Arc<Sessions>,
    gate: Gate,
}

/// What a client may say when it connects. Old clients say nothing.
///
/// Whatever it is, it is taken: what is not understood is as if it were not said, but for a key, which then does not count.
#[derive(Clone, Default, Deserialize)]
struct Auth {
    #[serde(default)]
    key: Option<serde_json::Value>,
    #[serde(default)]
    extras: Option<serde_json::Value>,
}

impl Auth {
    /// A key, where none came with the handshake.
    fn key(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.as_str().unwrap_or_default())
    }

    /// Wants more than the old contract: `id`, `seen` and `scores` in predictions, `model` and `result` events.
    fn wants_extras(&self) -> bool {
        self.extras.as_ref().and_then(serde_json::Value::as_bool).unwrap_or_default()
    }
}

/// A client that was admitted.
struct SocketClient {
    transport: SocketIoTransport,
    admitted: Arc<Client>,
    session: Option<Arc<Session>>,
    frames: FrameLimiter,
    io: SocketIo,
    extras: bool,
    /// Name of the model that it was told of when it came, if there was one.
    told: Option<String>,
    bad_frames: Mutex<BadFrames>,
}

/// By what a client is known, and who waits for that to be revoked: not for longer than the client is there, or is let in at
/// all.
struct KnownBy {
    _hold: Hold,
    left: CancellationToken,
}

impl Drop for KnownBy {
    fn drop(&mut self) {
        self.left.cancel();
    }
}

/// Counts a client's frames that are not valid, and says which of them is worth a log line.
#[derive(Default)]
struct BadFrames {
    count: u64,
    log: LogThrottle,
}

impl BadFrames {
    /// One more; returns their number if it is time to say so.
    fn count_bad(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        self.log.admit_line(now).map(|_| self.count)
    }
}

/// What `frame` events of a client go to. A closure would do, but for each event a task would be made: of a client that
/// floods, thousands that others have to wait behind.
struct OnFrame(Arc<SocketClient>);

impl MessageHandler<LocalAdapter, ()> for OnFrame {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, mut value: Value, ack: Option<i64>) {
        let ack = ack.is_some().then(|| AckSender::from_message_parts(&socket, &mut value, &ack));
        // The raw text, shared with the message that it came in.
        let (text, attachments) = match value {
            Value::Str(text, attachments) => (text.into(), attachments),
            Value::Bytes(_) => (Bytes::new(), None),
        };
        SocketClient::handle_frame(&self.0, &socket, &text, attachments.as_ref(), ack.is_none());
        if let Some(Ok(ack)) = ack {
            self.acknowledge(ack);
        }
    }
}

impl OnFrame {
    /// Says that a frame was handled, valid or not, as the Python prototype's library does: `43N[]`.
    fn acknowledge(&self, ack: AckSender) {
        let outbox = self.0.session.as_ref().map(|session| session.outbox());
        if outbox.is_some_and(|outbox| !outbox.take_room(ACK_BYTES)) {
            self.0.transport.counters.not_taken();
        } else if ack.send(&NOTHING).is_err()
            && let Some(outbox) = outbox
        {
            outbox.record_sent(ACK_BYTES);
        }
    }
}

/// Those routes, and Socket.IO around them. What is done for each request and each part of an answer is compiled here.
pub fn wrap_routes(routes: Router, layer: SocketIoLayer<LocalAdapter>) -> Router {
    let with_socketio =
        ServiceBuilder::new().map_request(paths::rewrite_legacy_path).layer(layer).service(routes);
    Router::new().fallback_service(with_socketio)
}

impl SocketIoTransport {
    /// Builds the layer to put around the router, and the handle that closes it.
    pub fn build_layer(
        options: &SocketIoOptions,
        pictures: Limits,
        recognizer: Arc<Recognizer>,
        sessions: Arc<Sessions>,
        gate: Gate,
    ) -> (SocketIoLayer<LocalAdapter>, SocketIo, Arc<SocketIoCounters>) {
        let bytes = options.max_message_bytes;
        let (layer, io) = SocketIo::builder()
            .max_payload(bytes as u64)
            .ws_max_message_size(bytes)
            .ws_max_frame_size(bytes)
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .ping_interval(options.ping_interval)
            .ping_timeout(options.ping_timeout)
            .connect_timeout(CONNECT_DEADLINE)
            .upgrade_timeout(UPGRADE_DEADLINE)
            .max_buffer_size(MAX_UNSENT_MESSAGES)
            .with_parser(ParserConfig::common().max_incoming_binaries(4).max_incoming_binary_buf_size(bytes))
            .build_layer();
        let counters = Arc::new(SocketIoCounters::default());
        let transport = Self { recognizer, limits: pictures, counters: counters.clone(), sessions, gate };
        let asking = transport.clone();
        // A client that may not is told so by the namespace's own refusal, `connect_error`.
        let may_enter = async move |socket: SocketRef, io: SocketIo, TryData(auth): TryData<Auth>| {
            asking.admit_socket(&socket, io, &auth.unwrap_or_default())
        };
        // The body of the closure runs before anything else of this client is handled, so no frame is missed.
        let enter = move |socket: SocketRef, io: SocketIo, TryData(auth): TryData<Auth>| {
            transport.handle_connect(socket, io, &auth.unwrap_or_default());
            async {}
        };
        io.ns("/", enter.with(may_enter));
        (layer, io, counters)
    }

    /// Whether that client may send frames.
    fn admit_socket(&self, socket: &SocketRef, io: SocketIo, auth: &Auth) -> Result<(), Box<str>> {
        let session = session_of(socket);
        let allowed = match self.find_caller(socket, auth) {
            // Sending a frame changes nothing; but a page from elsewhere does not do it as the user of this machine.
            Some(caller) => caller
                .check_action(&SendFrames::ACTION, *caller.principal().who() == Who::Here)
                .map_err(|why| why_not(&why))
                .and_then(|()| assign_session(socket, &caller).map_err(|many| many.to_string())),
            None => Err("nobody has looked who asks".to_owned()),
        };
        allowed.map_err(|why| {
            if let Some(session) = &session {
                session.mark_refused();
            }
            self.sessions.end_soon(socket.id, session, io);
            to_sentence(&why).into()
        })
    }

    /// Who that is: by the key that it sends now, else by what its handshake came with.
    fn find_caller(&self, socket: &Socket<LocalAdapter>, auth: &Auth) -> Option<Caller> {
        let caller = socket.req_parts().extensions.get::<Caller>()?;
        Some(match auth.key() {
            Some(key) => self.gate.with_key(caller, key, &socket.req_parts().extensions),
            None => caller.clone(),
        })
    }

    /// Disconnects the client when what it is known by counts no more.
    fn disconnect_on_revocation(
        &self,
        socket: &SocketRef,
        io: &SocketIo,
        caller: &Caller,
    ) -> Option<Arc<KnownBy>> {
        let (revoked, left) = (CancellationToken::new(), CancellationToken::new());
        let hold = caller.principal().credential()?.hold(revoked.clone());
        let (transport, io, id, gone) = (self.clone(), io.clone(), socket.id, left.clone());
        self.sessions.spawn(async move {
            tokio::select! {
                () = gone.cancelled() => {}
                () = revoked.cancelled() => {
                    let Some(socket) = io.of("/").and_then(|namespace| namespace.get_socket(id)) else { return };
                    transport.sessions.end_soon(id, session_of(&socket), io);
                    let _ = socket.disconnect();
                }
            }
        });
        Some(Arc::new(KnownBy { _hold: hold, left }))
    }

    fn handle_connect(&self, socket: SocketRef, io: SocketIo, auth: &Auth) {
        let id = socket.id;
        // Its key may have been revoked since it was asked whether it may enter.
        let caller = self.find_caller(&socket, auth);
        let Some(caller) = caller.filter(|caller| caller.check_action(&SendFrames::ACTION, false).is_ok())
        else {
            self.sessions.end_soon(id, session_of(&socket), io);
            let _ = socket.disconnect();
            return;
        };
        let known = self.disconnect_on_revocation(&socket, &io, &caller);
        self.recognizer.try_again();
        if let State::Failed { .. } = self.recognizer.state() {
            self.refuse_socket(&socket, io, NO_MODEL);
            let _ = socket.disconnect();
            return;
        }
        let session = session_of(&socket);
        let outbox = session.as_ref().map(|session| session.outbox().clone());
        let on_event = auth.wants_extras().then(|| self.event_pusher(io.clone(), id, outbox));
        let Some(admitted) = self.recognizer.admit_client(id.to_string(), on_event) else {
            self.refuse_socket(&socket, io, AT_CAPACITY);
            let _ = socket.disconnect();
            return;
        };
        let admitted = Arc::new(admitted);
        let frames = frames_of(&socket);
        let facts = auth.wants_extras().then(|| self.recognizer.model_facts()).flatten();
        let client = Arc::new(SocketClient {
            transport: self.clone(),
            admitted: admitted.clone(),
            session: session.clone(),
            frames: frames.for_caller(&caller),
            io,
            extras: auth.wants_extras(),
            told: facts.as_ref().map(|facts| facts.name.clone()),
            bad_frames: Mutex::default(),
        });
        socket.on("frame", OnFrame(client));
        let sessions = self.sessions.clone();
        socket.on_disconnect(move |socket: SocketRef, io: SocketIo, reason: DisconnectReason| {
            if let Some(known) = &known {
                known.left.cancel();
            }
            admitted.leave(&reason.to_string());
            if reason == DisconnectReason::ClientNSDisconnect {
                // It has left the namespace and may keep the connection, where nothing counts it any more.
                sessions.end_soon(socket.id, session_of(&socket), io);
            }
            async {}
        });

        if let Some(session) = &session {
            session.mark_known();
        }
        let outbox = session.as_ref().map(|session| &**session.outbox());
        let _ = send_event(&socket, outbox, "status", &SignMessage { message: "ready".into() });
        if let Some(facts) = facts {
            let _ = send_event(&socket, outbox, "model", &facts);
        }
    }

    /// Says why, and sees to it that the session really ends when it is disconnected.
    fn refuse_socket(&self, socket: &Socket<LocalAdapter>, io: SocketIo, message: &str) {
        let _ = socket.emit("error", &SignMessage { message: message.into() });
        let session = session_of(socket);
        if let Some(session) = &session {
            session.mark_refused();
        }
        self.sessions.end_soon(socket.id, session, io);
    }

    /// Pushes each new answer to the client, and the facts of a model that took another's place. Holds no reference to
    /// the socket, which holds the client.
    fn event_pusher(&self, io: SocketIo, id: Sid, outbox: Option<Arc<Outbox>>) -> OnEvent {
        let counters = self.counters.clone();
        Arc::new(move |event: Event<'_>| {
            // The namespace goes before the last prediction when the server stops.
            let Some(socket) = io.of("/").and_then(|namespace| namespace.get_socket(id)) else {
                return;
            };
            let answer = match event {
                Event::Model(facts) => {
                    let _ = send_event(&socket, outbox.as_deref(), "model", facts);
                    return;
                }
                Event::Answer(answer) => answer,
            };
            let Some(prediction) = answer.prediction.as_deref() else {
                return;
            };
            let age = prediction.finished.saturating_duration_since(prediction.arrived);
            let event = SignResult {
                label: Cow::Borrowed(&answer.label),
                score: round_score(answer.score),
                seen: prediction.seen,
                scores: Cow::Borrowed(&prediction.scores),
                age_ms: age.as_secs_f32() * 1e3,
                sight: answer.sight(),
            };
            if let Sent::Full = send_event(&socket, outbox.as_deref(), "result", &event) {
                counters.not_taken();
            }
        })
    }
}

impl SocketClient {
    /// Handles one `frame`; replies as soon as it can, or not at all if it is not valid. A reply that is acknowledged does not
    /// wait, nor does that of a client who is told of each result.
    fn handle_frame(
        client: &Arc<Self>,
        socket: &Arc<Socket<LocalAdapter>>,
        text: &Bytes,
        attachments: Option<&VecDeque<Bytes>>,
        may_wait: bool,
    ) {
        if !client.frames.take_frame() {
            return;
        }
        let arrived = clock::now();
        let message = match message::parse(text, attachments, &client.transport.limits) {
            Ok(message) => message,
            Err(error) => return client.log_invalid(socket.id, &error, arrived),
        };
        let frame = Frame { payload: message.payload, arrived, id: message.id };
        let (replier, socket) = (client.clone(), socket.clone());
        let reply = move |reply| replier.send_reply(&socket, message.id, reply);
        client.admitted.push_frame(frame, may_wait && !client.extras, reply);
    }

    fn log_invalid(&self, socket: Sid, error: &FrameMessageError, now: Instant) {
        self.transport.counters.invalid.fetch_add(1, Ordering::Relaxed);
        if let Some(count) = self.bad_frames.lock().count_bad(now) {
            let error = error.to_string();
            let error = lines::short_sentence(&error);
            tracing::warn!("ERROR client={socket} frame skipped, {count} so far: {error}");
        }
    }

    fn send_reply(&self, socket: &Arc<Socket<LocalAdapter>>, id: Option<u64>, reply: Reply) {
        let transport = &self.transport;
        let outbox = self.session.as_ref().map(|session| &**session.outbox());
        let answer = match reply {
            Reply::Answer(answer) => answer,
            Reply::First(answer) => {
                // A client that came while the model was being loaded has not been told of it; a client that was silent while it
                // was replaced, of another one.
                if self.extras
                    && let Some(facts) = transport.recognizer.model_facts()
                    && self.told.as_ref() != Some(&facts.name)
                {
                    let _ = send_event(socket, outbox, "model", &facts);
                }
                answer
            }
            Reply::Unavailable => {
                self.admitted.leave("the model could not be loaded");
                transport.refuse_socket(socket, self.io.clone(), NO_MODEL);
                let _ = socket.clone().disconnect();
                return;
            }
        };
        let sent = if self.extras {
            let prediction = answer.prediction.as_deref();
            send_event(
                socket,
                outbox,
                "prediction",
                &DetailedPrediction {
                    label: Cow::Borrowed(&answer.label),
                    score: round_score(answer.score),
                    id,
                    seen: prediction.and_then(|p| p.seen),
                    scores: prediction.map(|p| Cow::Borrowed(&*p.scores)),
                },
            )
        } else {
            let reply = Prediction { label: Cow::Borrowed(&answer.label), score: round_score(answer.score) };
            send_event(socket, outbox, "prediction", &reply)
        };
        match sent {
            Sent::Yes => {
                transport.counters.replies.fetch_add(1, Ordering::Relaxed);
            }
            Sent::Gone => {}
            Sent::Full => transport.counters.not_taken(),
        }
    }
}

/// Frames of a client that has made the handshake.
fn frames_of(socket: &Socket<LocalAdapter>) -> FrameLimiter {
    socket.req_parts().extensions.get::<FrameLimiter>().cloned().unwrap_or_default()
}

/// Why somebody may not send frames, and here keys come in another way.
fn why_not(why: &NotAllowed) -> String {
    match why {
        NotAllowed::Denied(Denied::NoKey(words)) => {
            format!("a key is needed to {words}: send it as `auth: {{ key }}`, or as `?key=KEY`")
        }
        why => why.to_string(),
    }
}

/// Its connections are that client's, who may have said only now who it is.
fn assign_session(socket: &Socket<LocalAdapter>, caller: &Caller) -> Result<(), TooMany> {
    let Some(session) = session_of(socket) else { return Ok(()) };
    session.assign_to(frames_of(socket).for_caller(caller).asker())
}

/// What has become of a message.
enum Sent {
    Yes,
    /// Too much waits for the client.
    Full,
    /// The client has left.
    Gone,
}

/// Sends an event, if there is room for it among all that waits.
fn send_event<T: Serialize + ?Sized>(
    socket: &Socket<LocalAdapter>,
    outbox: Option<&Outbox>,
    event: &str,
    data: &T,
) -> Sent {
    let mut length = Length(r#"42["",]"#.len() + event.len());
    if serde_json::to_writer(&mut length, data).is_err() {
        return Sent::Gone; // what cannot be written to a counter is not written at all
    }
    if outbox.is_some_and(|outbox| !outbox.take_room(length.0)) {
        return Sent::Full;
    }
    let sent = socket.emit(event, data);
    if sent.is_err()
        && let Some(outbox) = outbox
    {
        outbox.record_sent(length.0);
    }
    match sent {
        Ok(()) => Sent::Yes,
        Err(SendError::Socket(SocketError::Closed)) => Sent::Gone,
        Err(_) => Sent::Full,
    }
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn session_of(socket: &Socket<LocalAdapter>) -> Option<Arc<Session>> {
    socket.req_parts().extensions.get().cloned()
}

impl std::fmt::Debug for SocketIoTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SocketIoTransport").field("counters", &self.counters).finish_non_exhaustive()
    }
}

/// Four decimals: as many as mean anything, and as many as old clients print.
fn round_score(score: f32) -> f32 {
    (score * 1e4).round() / 1e4
}
