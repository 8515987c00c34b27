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
use socketioxide_core::Sid;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::listen::connection::ConnectionHandle;

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
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sessions {
    /// Its tasks are tracked by `tasks` and end at `stop`.
    pub fn new(tasks: TaskTracker, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { ended: Mutex::default(), upgraded: Mutex::default(), stop, tasks })
    }

    /// Ends the session's connections after a grace, and answers its polling as unknown from then on. `connection`: the
    /// one it began on.
    pub fn end_soon(self: &Arc<Self>, id: Sid, connection: Option<ConnectionHandle>) {
        let sessions = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(GRACE) => {}
                () = sessions.stop.cancelled() => return,
            }
            let upgraded = sessions.upgraded.lock().remove(id.as_str());
            for connection in connection.into_iter().chain(upgraded) {
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

    fn upgrading(&self, id: &str, connection: ConnectionHandle) {
        let mut upgraded = self.upgraded.lock();
        upgraded.retain(|_, connection| !connection.has_ended());
        upgraded.insert(id.to_owned(), connection);
    }
}

/// Answers requests of ended sessions as Engine.IO does for unknown ones.
pub async fn guard(State(sessions): State<Arc<Sessions>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/socket.io") {
        return next.run(request).await;
    }
    let query = request.uri().query().unwrap_or_default();
    let id = query.split('&').find_map(|pair| pair.strip_prefix("sid="));
    if id.is_some_and(|id| sessions.ended.lock().contains_key(id)) {
        return (StatusCode::BAD_REQUEST, r#"{"code":1,"message":"Session ID unknown"}"#).into_response();
    }
    if query.contains("transport=websocket") {
        if let Some(connection) = request.extensions().get::<ConnectionHandle>() {
            connection.ends_with_the_server();
            if let Some(id) = id {
                sessions.upgrading(id, connection.clone());
            }
        }
        return next.run(request).await;
    }
    // A poll waits for the next message; when the server stops, none will come.
    tokio::select! {
        response = next.run(request) => response,
        () = sessions.stop.cancelled() => {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "the server is stopping").into_response()
        }
    }
}
