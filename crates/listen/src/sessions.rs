//! Watches over Engine.IO's sessions from outside: bounds those that poll, ends those that Socket.IO would keep (after a
//! refusal it ends the namespace only, and a raw client could stay connected and be pinged for ever), and tells their
//! connections who is at the other end.
//!
//! - [`packets`]: bodies of polling clients, one packet after the other

mod packets;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::asker::{Asker, Belonging, TooMany};
use crate::connection::ConnectionHandle;
use crate::outbox::{Outbox, Outboxes};
use crate::receive::FREE_BYTES;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use sightwire_api::sign::EngineIoError;
use sightwire_base::address::counted_address;
use sightwire_base::clock;
use sightwire_base::metrics::{Collector, Metrics};
use socketioxide::SocketIo;
use socketioxide_core::Sid;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client;
use crate::websocket;

/// Official clients close by themselves as soon as they have read the refusal.
const GRACE: Duration = Duration::from_secs(2);
/// How long a polling client is told that its session is unknown; after this time the session has timed out.
const REMEMBERED: Duration = Duration::from_secs(120);
/// Refused polling sessions that are remembered at once; the oldest go first.
const MAX_REMEMBERED: usize = 10_000;
/// The first answer of a session has its id in it, and not much more.
const MAX_OPENING: usize = 4096;
/// A client that has been answered and posts at once may be faster than what admits it.
const ADMITTANCE: Duration = Duration::from_secs(1);

/// The Engine.IO sessions of all clients, and how many of them may poll.
#[derive(Debug)]
pub struct Sessions {
    /// Comes before the signs of life of each session: whether one has been ended and how many have not change together.
    polling: Mutex<Polling>,
    /// Sessions that poll, at once. Those that have been ended and are still being put away come on top.
    max_polling: usize,
    evicted: AtomicUsize,
    /// Sessions that are over for Socket.IO, and not for Engine.IO.
    ended: Mutex<HashMap<String, Instant>>,
    outboxes: Arc<Outboxes>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Sessions that began by polling.
#[derive(Debug, Default)]
struct Polling {
    by_id: HashMap<String, (Arc<Life>, Weak<Session>)>,
    /// Those that are being put away as well.
    by_address: HashMap<IpAddr, usize>,
    /// The sum of these.
    all: usize,
    /// Sessions that nobody has ended.
    live: usize,
}

/// One session. Engine.IO keeps it as long as its own: it is an extension of the request that began it.
#[derive(Debug)]
pub struct Session {
    all: Weak<Sessions>,
    life: Arc<Life>,
    outbox: Arc<Outbox>,
    /// Cancelled as soon as it has entered the namespace.
    known: CancellationToken,
    /// Cancelled as soon as it has entered, or was refused: what it sends next may be handled.
    answered: CancellationToken,
    /// The one that it has now.
    websocket: Mutex<Option<ConnectionHandle>>,
    /// One is taking the place of its polls, or has.
    upgrades: AtomicBool,
    /// A post is on its way.
    posts: AtomicBool,
    /// If it began by polling.
    id: Mutex<Option<String>>,
    counts: AtomicBool,
    /// Comes before the lock of what that connection belongs to.
    carried: Mutex<Carried>,
}

/// Signs of life of a session that polls.
#[derive(Debug)]
struct Life {
    /// Where it came from, as far as it is counted.
    address: IpAddr,
    /// Polls that wait for something to be sent; a session with one is alive.
    polls: AtomicUsize,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    last: Instant,
    /// It has come back after it was opened.
    has_come_back: bool,
    /// It does not poll any more.
    has_websocket: bool,
    is_ended: bool,
}

/// There are too many sessions.
struct Full;

impl Sessions {
    /// Its tasks are tracked by `tasks` and end at `stop`. At most `max_polling` sessions poll at once; those with a
    /// websocket are as many as there are connections.
    pub fn new(
        max_polling: usize,
        outboxes: Arc<Outboxes>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            polling: Mutex::default(),
            max_polling,
            evicted: AtomicUsize::new(0),
            ended: Mutex::default(),
            outboxes,
            stop,
            tasks,
        })
    }

    /// Sessions that poll now.
    pub fn polling_count(&self) -> usize {
        self.polling.lock().live
    }

    /// Polling sessions that were ended so far to make room for others.
    pub fn evicted_count(&self) -> usize {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Ends the session's websocket after a grace, and answers its polling as unknown from then on.
    pub fn end_soon(self: &Arc<Self>, id: Sid, session: Option<Arc<Session>>, io: SocketIo) {
        let sessions = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(GRACE) => {}
                () = sessions.stop.cancelled() => return,
            }
            if io.of("/").is_some_and(|namespace| namespace.get_socket(id).is_some()) {
                return; // it has come back in
            }
            // A connection that carried polls may carry other people's requests too.
            if let Some(websocket) = session.and_then(|session| session.websocket.lock().clone()) {
                websocket.end();
            }
            let now = clock::now();
            let mut ended = sessions.ended.lock();
            ended.retain(|_, at| now.saturating_duration_since(*at) < REMEMBERED);
            if ended.len() >= MAX_REMEMBERED
                && let Some(oldest) = ended.iter().min_by_key(|(_, at)| **at).map(|(id, _)| id.clone())
            {
                ended.remove(&oldest);
            }
            ended.insert(id.to_string(), now);
        });
    }

    /// Runs beside the sessions.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled_owned(task).await });
    }

    /// A session that begins.
    fn begin_session(self: &Arc<Self>, address: IpAddr) -> Arc<Session> {
        Arc::new(Session {
            all: Arc::downgrade(self),
            life: Arc::new(Life {
                address: counted_address(address),
                polls: AtomicUsize::new(0),
                seen: Mutex::new(Seen {
                    last: clock::now(),
                    has_come_back: false,
                    has_websocket: false,
                    is_ended: false,
                }),
            }),
            outbox: Outbox::new(self.outboxes.clone()),
            known: CancellationToken::new(),
            answered: CancellationToken::new(),
            websocket: Mutex::default(),
            upgrades: AtomicBool::new(false),
            posts: AtomicBool::new(false),
            id: Mutex::default(),
            counts: AtomicBool::new(false),
            carried: Mutex::default(),
        })
    }

    /// Counts a session that polls. Where there are too many, one without life has to go: its id.
    fn admit_polling(&self, session: &Session) -> Result<Option<String>, Full> {
        let mut polling = self.polling.lock();
        let all = polling.all;
        let own = polling.by_address.get(&session.life.address).copied().unwrap_or_default();
        let fair = all / polling.by_address.len().max(1);
        // What is put away takes some seconds. Meanwhile others than those that make so many are let in.
        if all >= 3 * self.max_polling || (all >= 2 * self.max_polling && own >= fair) {
            return Err(Full);
        }
        let full = polling.live >= self.max_polling;
        let victim = if full { Some(polling.choose_victim().ok_or(Full)?) } else { None };
        polling.all += 1;
        session.counts.store(true, Ordering::Relaxed);
        *polling.by_address.entry(session.life.address).or_default() += 1;
        polling.live += 1;
        if let Some(victim) = &victim {
            polling.mark_ended(victim);
            self.evicted.fetch_add(1, Ordering::Relaxed);
            tracing::info!("a polling session that nobody polls for was removed to make room for another");
        }
        Ok(victim)
    }

    fn record_opened(&self, session: &Arc<Session>, id: &str) {
        *session.id.lock() = Some(id.to_owned());
        let entry = (session.life.clone(), Arc::downgrade(session));
        self.polling.lock().by_id.insert(id.to_owned(), entry);
    }

    fn find_session(&self, id: &str) -> Option<Arc<Session>> {
        self.polling.lock().by_id.get(id)?.1.upgrade()
    }
}

impl Collector for Sessions {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter(
            "socketio_sessions_evicted",
            "Polling sessions without a poll that were removed because there were too many.",
            self.evicted_count() as u64,
        );
        metrics.gauge("socketio_polling_sessions", "Sessions without a WebSocket now.", self.polling_count());
    }
}

impl Polling {
    /// Of those that do not poll now, and of the address that has most: the one that has been silent longest, those first that
    /// never came back.
    fn choose_victim(&self) -> Option<String> {
        let lifeless = self.by_id.iter().filter_map(|(id, (life, _))| {
            let seen = life.seen.lock();
            let is_lifeless =
                life.polls.load(Ordering::Relaxed) == 0 && !seen.is_ended && !seen.has_websocket;
            let of_address = self.by_address.get(&life.address).copied().unwrap_or_default();
            is_lifeless.then(|| ((of_address, !seen.has_come_back, clock::since(seen.last)), id))
        });
        lifeless.max_by_key(|(rank, _)| *rank).map(|(_, id)| id.clone())
    }

    fn mark_ended(&mut self, id: &str) {
        if let Some((life, _)) = self.by_id.get(id) {
            let mut seen = life.seen.lock();
            self.live -= usize::from(!seen.is_ended);
            seen.is_ended = true;
        }
    }
}

impl Session {
    /// It has entered the namespace, and its handlers are there: its connections may carry long messages.
    pub fn mark_known(&self) {
        self.known.cancel();
        self.answered.cancel();
        if let Some(websocket) = &*self.websocket.lock() {
            websocket.mark_known();
        }
    }

    /// It may not enter the namespace.
    pub fn mark_refused(&self) {
        self.answered.cancel();
    }

    /// Its connections count for who enters, if that one may have one more.
    pub fn assign_to(&self, asker: Option<&Asker>) -> Result<(), TooMany> {
        self.carried.lock().assign_to(asker)
    }

    /// Messages to it that wait.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// It has a websocket from now on, on that connection.
    fn mark_upgraded(&self, connection: &ConnectionHandle) {
        connection.end_on_shutdown();
        connection.pause_reads_while_stalled();
        connection.set_outbox(self.outbox.clone());
        connection.expect_websocket();
        *self.websocket.lock() = Some(connection.clone());
        if self.known.is_cancelled() {
            connection.mark_known();
        }
    }

    /// It does not count among those that poll any more.
    fn leave_polling(&self) {
        let Some(all) = self.all.upgrade() else { return };
        let mut polling = all.polling.lock();
        if !self.counts.swap(false, Ordering::Relaxed) {
            return;
        }
        polling.live -= usize::from(!self.life.seen.lock().is_ended);
        if let Some(count) = polling.by_address.get_mut(&self.life.address) {
            *count -= 1;
            if *count == 0 {
                polling.by_address.remove(&self.life.address);
            }
            polling.all -= 1;
        }
    }

    fn come_back(&self) {
        let mut seen = self.life.seen.lock();
        seen.last = clock::now();
        seen.has_come_back = true;
    }
}

/// What carries a session now, and whom that belongs to: the connection of its latest request, or its WebSocket.
#[derive(Debug, Default)]
struct Carried {
    by: Option<Belonging>,
    /// As the one who entered has said, perhaps only then.
    for_whom: Option<Asker>,
}

impl Carried {
    /// It counts for who enters, if that one may have one more connection.
    fn assign_to(&mut self, asker: Option<&Asker>) -> Result<(), TooMany> {
        self.for_whom = asker.cloned();
        self.by.as_ref().map_or(Ok(()), |connection| connection.assign_to(asker))
    }

    /// A request of the session comes over that connection, and says nothing of who has entered.
    fn set_connection(&mut self, connection: Option<&Belonging>) {
        if let (Some(connection), Some(asker)) = (connection, &self.for_whom) {
            // Who was let in is not sent away by the next request.
            let _ = connection.assign_to(Some(asker));
        }
        self.by = connection.cloned();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.leave_polling();
        if let (Some(all), Some(id)) = (self.all.upgrade(), self.id.get_mut()) {
            all.polling.lock().by_id.remove(id);
        }
    }
}

/// A poll that waits.
struct Poll {
    session: Arc<Session>,
    /// What ends the session if the poll is given up: what it would have brought is lost.
    end: Option<Next>,
}

impl Poll {
    fn new(session: Arc<Session>) -> Self {
        session.life.polls.fetch_add(1, Ordering::Relaxed);
        Self { session, end: None }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        let session = &self.session;
        session.life.polls.fetch_sub(1, Ordering::Relaxed);
        let Some(next) = self.end.take() else { return };
        let (all, id) = (session.all.upgrade(), session.id.lock().clone());
        if let (Some(all), Some(id)) = (all, id)
            && !all.stop.is_cancelled()
            && !session.upgrades.load(Ordering::Relaxed)
        {
            all.tasks.spawn(async move { close_session(&id, next).await });
        }
    }
}

/// A post on its way.
struct Post<'a>(&'a Session);

impl Drop for Post<'_> {
    fn drop(&mut self) {
        self.0.posts.store(false, Ordering::Release);
    }
}

/// Ends a polling session as its client would.
async fn close_session(id: &str, next: Next) {
    let uri = format!("/socket.io/?EIO=4&transport=polling&sid={id}");
    if let Ok(goodbye) = Request::post(uri).body(Body::from("1")) {
        next.run(goodbye).await;
    }
}

fn unknown_session() -> Response {
    bad_request(1, "Session ID unknown")
}

fn bad_request(code: u8, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(EngineIoError { code, message: message.to_owned() })).into_response()
}

/// The library writes the number of an error as text.
async fn with_a_number(response: Response) -> Response {
    if response.status() != StatusCode::BAD_REQUEST {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_OPENING).await else {
        return parts.status.into_response();
    };
    let text = String::from_utf8_lossy(&body);
    let Some((code, rest)) = text.strip_prefix(r#"{"code":""#).and_then(|rest| rest.split_once('"')) else {
        return Response::from_parts(parts, Body::from(body));
    };
    let text = format!(r#"{{"code":{code}{rest}"#);
    parts.headers.insert(CONTENT_LENGTH, text.len().into());
    Response::from_parts(parts, Body::from(text))
}

fn refuse_request(text: &'static str) -> Response {
    bad_request(3, text)
}

/// Goes around Engine.IO's requests.
pub async fn guard_requests(State(sessions): State<Arc<Sessions>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/socket.io") {
        return next.run(request).await;
    }
    let transport = query_parameter(&request, "transport");
    if transport.is_some_and(|name| !matches!(name, "polling" | "websocket")) {
        return bad_request(0, "Transport unknown");
    }
    // Engine.IO itself takes any key.
    if transport == Some("websocket") && !websocket::is_handshake(request.headers()) {
        return websocket::no_handshake();
    }
    let id = query_parameter(&request, "sid").map(str::to_owned);
    if id.as_ref().is_some_and(|id| sessions.ended.lock().contains_key(id)) {
        return unknown_session();
    }
    // A poll waits for the next message; when the server stops, none will come.
    tokio::select! {
        response = handle_request(&sessions, id, request, next) => with_a_number(response).await,
        () = sessions.stop.cancelled() => {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "the server is stopping").into_response()
        }
    }
}

async fn handle_request(
    sessions: &Arc<Sessions>,
    id: Option<String>,
    request: Request,
    next: Next,
) -> Response {
    let session = if let Some(id) = &id {
        sessions.find_session(id)
    } else {
        let address =
            client::request_client(request.extensions()).map_or(IpAddr::from([0; 4]), |client| client.ip());
        Some(sessions.begin_session(address))
    };
    let is_websocket = query_parameter(&request, "transport") == Some("websocket");
    let Some(session) = session else {
        if is_websocket {
            return unknown_session();
        }
        // Whatever Engine.IO does not know, it says so itself.
        return next.run(request).await;
    };
    session.carried.lock().set_connection(request.extensions().get());
    if is_websocket {
        return upgrade_session(session, id.is_none(), request, next).await;
    }
    match id {
        None => open_session(sessions, session, request, next).await,
        Some(_) if request.method() == Method::GET => poll(session, request, next).await,
        Some(_) => post_packets(session, request, next).await,
    }
}

/// Engine.IO keeps the first request of a session as long as the session, and with any piece of its head the 8 KiB into which
/// it was read. So what it does not look at is left out, and the rest is copied.
fn strip_request(mut request: Request) -> Request {
    let head = std::mem::take(request.headers_mut());
    for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, CONTENT_TYPE] {
        if let Some(copy) = head.get(&name).and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            request.headers_mut().insert(name, copy);
        }
    }
    if let Ok(copy) = request.uri().to_string().parse() {
        *request.uri_mut() = copy;
    }
    request
}

async fn upgrade_session(session: Arc<Session>, begins: bool, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    if begins {
        request = strip_request(request);
        request.extensions_mut().insert(session.clone());
    } else if session.upgrades.swap(true, Ordering::AcqRel) {
        return refuse_request("The session has a WebSocket already");
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(connection) = connection
    {
        session.mark_upgraded(&connection);
        session.life.seen.lock().has_websocket = true;
        session.leave_polling();
    } else {
        session.upgrades.store(false, Ordering::Release);
    }
    response
}

async fn open_session(
    sessions: &Arc<Sessions>,
    session: Arc<Session>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(victim) = sessions.admit_polling(&session) else {
        let response = crate::refusal::error_response(StatusCode::SERVICE_UNAVAILABLE, "Too many sessions.");
        return ([(RETRY_AFTER, "2")], response).into_response();
    };
    if let Some(victim) = victim {
        close_session(&victim, next.clone()).await;
    }
    let mut request = strip_request(request);
    request.extensions_mut().insert(session.clone());
    let (parts, body) = next.run(request).await.into_parts();
    if parts.status != StatusCode::OK {
        return Response::from_parts(parts, body);
    }
    let Ok(body) = to_bytes(body, MAX_OPENING).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(id) = id_of(&body) {
        sessions.record_opened(&session, &id);
    }
    Response::from_parts(parts, Body::from(body))
}

async fn poll(session: Arc<Session>, request: Request, next: Next) -> Response {
    session.come_back();
    let mut poll = Poll::new(session);
    poll.end = Some(next.clone());
    let response = next.run(request).await;
    poll.end = None;
    if let Some(length) = content_length(response.headers()) {
        poll.session.outbox.record_sent(length);
    }
    poll.session.come_back();
    response
}

async fn post_packets(session: Arc<Session>, request: Request, next: Next) -> Response {
    session.come_back();
    if session.posts.swap(true, Ordering::AcqRel) {
        if let Some(id) = query_parameter(&request, "sid") {
            close_session(id, next).await;
        }
        return refuse_request("A session posts one body after the other");
    }
    let _post = Post(&session);
    post_alone(&session, request, next).await
}

async fn post_alone(session: &Session, request: Request, next: Next) -> Response {
    let is_long = content_length(request.headers()).is_some_and(|length| length > FREE_BYTES);
    if is_long {
        let _ = tokio::time::timeout(ADMITTANCE, session.known.cancelled()).await;
    }
    let limit = if session.known.is_cancelled() { usize::MAX } else { FREE_BYTES };
    let response = next
        .run(request.map(|body| Body::new(packets::Packets::new(body, limit, session.answered.clone()))))
        .await;
    // What is posted next must find it inside, if this was the packet with which it enters.
    if !session.answered.is_cancelled() && !session.life.seen.lock().is_ended {
        let _ = tokio::time::timeout(packets::ENTERING, session.answered.cancelled()).await;
    }
    response
}

/// As Engine.IO reads it: what it goes by and what is bounded here must be the same.
fn query_parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query()?.split('&');
    pairs
        .map(|pair| pair.split('='))
        .find_map(|mut parts| if parts.next() == Some(name) { parts.next() } else { None })
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The session's id, from an opening like `0{"sid":"…", …}`.
fn id_of(opening: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Opening {
        sid: String,
    }
    serde_json::from_slice::<Opening>(opening.strip_prefix(b"0")?).ok().map(|opening| opening.sid)
}

#[cfg(test)]
mod tests;
