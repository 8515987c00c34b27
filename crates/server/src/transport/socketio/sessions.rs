//! Ends Engine.IO sessions that Socket.IO would keep: after a refusal it ends the namespace only, and a raw client
//! could stay connected and be pinged for ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use parking_lot::Mutex;
use socketioxide::SocketIo;
use socketioxide_core::Sid;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::listen::connection::ConnectionHandle;

/// Longer than any id that Engine.IO makes.
const MAX_ID_BYTES: usize = 64;
/// Official clients close by themselves as soon as they have read the refusal.
const GRACE: Duration = Duration::from_secs(2);
/// For so long a polling client is told that its session is unknown; by then the session has timed out.
const REMEMBERED: Duration = Duration::from_secs(120);
/// Refused polling sessions that are remembered at once; the oldest go first.
const MAX_REMEMBERED: usize = 10_000;

/// Sessions that are over, and the connections of those that were upgraded.
#[derive(Debug)]
pub struct Sessions {
    ended: Mutex<HashMap<String, Instant>>,
    /// The connection that a session was upgraded to: Socket.IO knows only the one it began on.
    upgraded: Mutex<HashMap<String, ConnectionHandle>>,
    /// One for each session, whether or not it has a connection now.
    places: Arc<Semaphore>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sessions {
    /// Its tasks are tracked by `tasks` and end at `stop`.
    /// There are at most `max_sessions` at once.
    pub fn new(max_sessions: usize, tasks: TaskTracker, stop: CancellationToken) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(max_sessions));
        Arc::new(Self { ended: Mutex::default(), upgraded: Mutex::default(), places, stop, tasks })
    }

    /// Ends the session's websocket after a grace, and answers its polling as unknown from then on. `connection`: the one
    /// it began on.
    pub fn end_soon(self: &Arc<Self>, id: Sid, connection: Option<ConnectionHandle>, io: SocketIo) {
        let sessions = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(GRACE) => {}
                () = sessions.stop.cancelled() => return,
            }
            if io.of("/").is_some_and(|namespace| namespace.get_socket(id).is_some()) {
                return; // it has come back in
            }
            let upgraded = sessions.upgraded.lock().remove(id.as_str());
            // A connection that carried polls may carry other people's requests too.
            let websockets = connection.into_iter().chain(upgraded).filter(ConnectionHandle::is_websocket);
            for connection in websockets {
                connection.end();
            }
            let now = Instant::now();
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

    fn upgrading(&self, id: String, connection: ConnectionHandle) {
        let mut upgraded = self.upgraded.lock();
        upgraded.retain(|_, connection| !connection.has_ended());
        upgraded.insert(id, connection);
    }
}

/// Watches over Engine.IO's requests: bounds the sessions they begin, refuses those of ended ones, and notes which
/// connection carries a websocket.
pub async fn guard(State(sessions): State<Arc<Sessions>>, mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/socket.io") {
        return next.run(request).await;
    }
    let query = request.uri().query().unwrap_or_default();
    let id = query.split('&').find_map(|pair| pair.strip_prefix("sid=")).map(str::to_owned);
    match &id {
        Some(id) if sessions.ended.lock().contains_key(id) => {
            return (StatusCode::BAD_REQUEST, r#"{"code":1,"message":"Session ID unknown"}"#).into_response();
        }
        Some(_) => {}
        None => {
            let Ok(place) = sessions.places.clone().try_acquire_owned() else {
                let response = crate::transport::error(StatusCode::SERVICE_UNAVAILABLE, "Too many sessions.");
                return ([(RETRY_AFTER, "2")], response).into_response();
            };
            // Engine.IO keeps a session's first request as long as the session, and so the place.
            request.extensions_mut().insert(SessionPlace(Arc::new(place)));
        }
    }
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    // A poll waits for the next message; when the server stops, none will come.
    let response = tokio::select! {
        response = next.run(request) => response,
        () = sessions.stop.cancelled() => {
            return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "the server is stopping").into_response();
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(connection) = connection
    {
        connection.ends_with_the_server();
        if let Some(id) = id.filter(|id| id.len() <= MAX_ID_BYTES) {
            sessions.upgrading(id, connection);
        }
    }
    response
}

/// Holds a session's place; dropped with the session.
#[derive(Clone)]
struct SessionPlace(#[expect(dead_code, reason = "dropping it is its use")] Arc<OwnedSemaphorePermit>);
