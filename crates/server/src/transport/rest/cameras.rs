//! `/api/v1/cameras`: which cameras there are; adding, changing, trying and removing them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, FromRef, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sightwire_frame::header;
use sightwire_hub::source::address::CameraUrl;
use sightwire_hub::source::{Sink, SourceError};
use sightwire_hub::stream::Condition;
use sightwire_listen::Peer;
use sightwire_live::registry::{Change, RegistryError};
use sightwire_live::source::CameraSource;
use sightwire_live::upstream;
use sightwire_live::{Cameras, WatchError};
use tokio::sync::Semaphore;

use super::changes::why_not;
use crate::config::Who;
use crate::transport::{error, pick, sentence};

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Means {
    /// All cameras.
    pub cameras: Arc<Cameras>,
    /// Who may change them.
    pub changing: Who,
    /// Places for tries; each is a connection that a client asks for.
    tries: Arc<Semaphore>,
}

impl Means {
    /// Nobody tries one yet.
    pub fn new(cameras: Arc<Cameras>, changing: Who) -> Self {
        Self { cameras, changing, tries: Arc::new(Semaphore::new(MAX_TRIES)) }
    }
}

impl FromRef<Means> for Arc<Cameras> {
    fn from_ref(means: &Means) -> Self {
        means.cameras.clone()
    }
}

/// Longest time that a try of a camera takes.
const TRY: Duration = Duration::from_secs(15);
/// Tries at once.
const MAX_TRIES: usize = 4;

/// Whatever changes something, or makes the server connect somewhere, is not for everyone.
pub async fn guard(
    State(means): State<Means>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && let Some(reason) = may_change(means.changing, peer, request.headers())
    {
        return error(StatusCode::FORBIDDEN, &reason);
    }
    next.run(request).await
}

fn may_change(changing: Who, peer: SocketAddr, headers: &HeaderMap) -> Option<String> {
    why_not(changing, "change cameras", "cameras.changing", peer, headers)
}

pub async fn list(
    State(Means { cameras, changing, .. }): State<Means>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Json<Value> {
    let why_not = may_change(changing, peer, &headers);
    let all: Vec<Value> = cameras.registry.all().iter().map(|camera| cameras.camera_report(camera)).collect();
    let report = cameras.report();
    Json(json!({
        "cameras": all,
        "upstreams": report["upstreams"],
        "max_upstreams": report["max_upstreams"],
        "may_change": why_not.is_none(),
        "why_not": why_not,
    }))
}

pub async fn one(State(cameras): State<Arc<Cameras>>, Path(id): Path<String>) -> Response {
    match cameras.registry.get(&id) {
        Some(camera) => Json(cameras.camera_report(&camera)).into_response(),
        None => pick::refusal(&WatchError::Unknown(id)),
    }
}

pub async fn add(
    State(cameras): State<Arc<Cameras>>,
    change: Result<Json<Change>, JsonRejection>,
) -> Response {
    let change = match body(change) {
        Ok(change) => change,
        Err(detail) => return unreadable(detail),
    };
    let this = cameras.clone();
    // Writes a file.
    let added = tokio::task::spawn_blocking(move || {
        this.registry.add(change, |source| this.check(source), |id| this.is_sent(id))
    });
    match added.await {
        Ok(Ok(camera)) => {
            tracing::info!(camera = camera.table.id, "added");
            (StatusCode::CREATED, Json(cameras.camera_report(&camera))).into_response()
        }
        Ok(Err(reason)) => refusal(&reason),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "The camera could not be added."),
    }
}

pub async fn change(
    State(cameras): State<Arc<Cameras>>,
    Path(id): Path<String>,
    change: Result<Json<Change>, JsonRejection>,
) -> Response {
    let change = match body(change) {
        Ok(change) => change,
        Err(detail) => return unreadable(detail),
    };
    let (this, before) = (cameras.clone(), cameras.registry.get(&id));
    // What follows from the change follows though the one who asked may have gone.
    let changed = tokio::task::spawn_blocking(move || {
        let camera = this.registry.change(&id, change, |source| this.check(source))?;
        if let Some(before) = before.filter(|before| before.table.source != camera.table.source) {
            this.close(&before.table.source);
        }
        Ok::<_, RegistryError>(camera)
    });
    match changed.await {
        Ok(Ok(camera)) => {
            tracing::info!(camera = camera.table.id, "changed");
            Json(cameras.camera_report(&camera)).into_response()
        }
        Ok(Err(reason)) => refusal(&reason),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "The camera could not be changed."),
    }
}

pub async fn remove(State(cameras): State<Arc<Cameras>>, Path(id): Path<String>) -> Response {
    let this = cameras.clone();
    let removed = tokio::task::spawn_blocking(move || {
        let camera = this.registry.remove(&id)?;
        this.close(&camera.table.source);
        Ok::<_, RegistryError>(camera)
    });
    match removed.await {
        Ok(Ok(camera)) => {
            tracing::info!(camera = camera.table.id, "removed");
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(Err(reason)) => refusal(&reason),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "The camera could not be removed."),
    }
}

/// What to try: an address, a camera, or a new address for a camera (whose password it may go on using).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    id: Option<String>,
    url: Option<String>,
    mode: Option<String>,
}

pub async fn test(
    State(Means { cameras, tries, .. }): State<Means>,
    what: Result<Json<Try>, JsonRejection>,
) -> Response {
    let what = match body(what) {
        Ok(what) => what,
        Err(detail) => return unreadable(detail),
    };
    let source = match tried(&cameras, what) {
        Ok(source) => source,
        Err(refused) => return pick::refusal(&refused),
    };
    if let Err(reason) = cameras.check(&source) {
        return pick::refusal(&WatchError::Address(reason));
    }
    let Ok(_turn) = tries.try_acquire() else {
        return pick::refusal(&cameras.too_many());
    };
    let begun = Instant::now();
    // A board serves few at once: if it is being read already, that connection tells how it is.
    let running = cameras.upstreams().into_iter().find(|upstream| upstream.source == source);
    let picture = match running {
        Some(upstream) => of_running(&upstream).await,
        None => first_picture(&cameras, &source).await,
    };
    let jpeg = match picture {
        Ok(jpeg) => jpeg,
        Err(reason) => return pick::refusal(&WatchError::Unreachable(reason)),
    };
    let size = header::probe(&jpeg).map(|header| (header.width, header.height)).unwrap_or_default();
    let header = |name: &'static str, value: u128| (HeaderName::from_static(name), value.to_string());
    (
        [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "no-store")],
        [
            header("x-sightwire-width", size.0.into()),
            header("x-sightwire-height", size.1.into()),
            header("x-sightwire-wait-ms", begun.elapsed().as_millis()),
        ],
        jpeg,
    )
        .into_response()
}

fn tried(cameras: &Cameras, what: Try) -> Result<CameraSource, WatchError> {
    let known = match &what.id {
        Some(id) => {
            let unknown = || WatchError::Unknown(id.clone());
            Some(cameras.registry.get(id).ok_or_else(unknown)?.table.source)
        }
        None => None,
    };
    let address = WatchError::Address;
    match (what.url, known) {
        (Some(text), known) => {
            let url = CameraUrl::parse(&text).map_err(|error| address(error.to_string()))?;
            let hidden =
                || address("name, password and query have to be given anew for another address".into());
            let url = url.unmasked(known.as_ref().and_then(CameraSource::url)).ok_or_else(hidden)?;
            CameraSource::of(&url.secret(), what.mode.as_deref(), None).map_err(address)
        }
        (None, Some(known)) => Ok(known),
        (None, None) => Err(address("give the url of a camera to try, or the id of one".into())),
    }
}

/// The newest picture of a camera that is being read, if it is well.
async fn of_running(upstream: &upstream::Upstream) -> Result<Bytes, String> {
    let (stream, state) = (&upstream.stream, upstream.stream.state());
    let reason = |reason: Option<&str>| reason.unwrap_or("no picture came").to_owned();
    match state.condition {
        Condition::Running | Condition::Starting => {
            match tokio::time::timeout(TRY, stream.first_picture()).await {
                Ok(Ok(picture)) => Ok(picture.jpeg().clone()),
                Ok(Err(why)) => Err(reason(why.as_deref())),
                Err(_) => Err(format!("no picture came within {} s", TRY.as_secs())),
            }
        }
        Condition::Stalled | Condition::Frozen | Condition::Ended => Err(reason(state.reason.as_deref())),
    }
}

/// One connection, for one picture.
async fn first_picture(cameras: &Cameras, source: &CameraSource) -> Result<Bytes, String> {
    struct First(Option<tokio::sync::oneshot::Sender<Bytes>>);

    impl Sink for First {
        fn picture(&mut self, jpeg: Bytes, _now: Instant) {
            if let Some(give) = self.0.take() {
                let _ = give.send(jpeg);
            }
        }

        fn bytes(&mut self, _count: usize, _now: Instant) {}
    }

    let (give, take) = tokio::sync::oneshot::channel();
    let (means, mut sink) = (cameras.means(), First(Some(give)));
    let Some(reads) = upstream::open(source, &means) else {
        return Err("its pictures are sent by somebody, and cannot be tried".into());
    };
    let run = async {
        tokio::select! {
            biased;
            Ok(jpeg) = take => Ok(jpeg),
            error = reads.run(&mut sink) => Err::<Bytes, SourceError>(error),
        }
    };
    match tokio::time::timeout(TRY, run).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no picture came within {} s", TRY.as_secs())),
    }
}

fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, &'static str> {
    // The usual message shows the value, which may hold a password.
    body.map(|Json(body)| body).map_err(|wrong| match wrong {
        JsonRejection::JsonDataError(_) => {
            "A field is unknown or has the wrong type. Known: id, name, url, mode, fps, user, default."
        }
        JsonRejection::MissingJsonContentType(_) => "Send JSON, with Content-Type: application/json.",
        _ => "This is no JSON.",
    })
}

fn unreadable(detail: &str) -> Response {
    error(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

fn refusal(reason: &RegistryError) -> Response {
    let status = match reason {
        RegistryError::Unknown(_) => StatusCode::NOT_FOUND,
        RegistryError::Configured(_) => StatusCode::FORBIDDEN,
        RegistryError::Taken(_) => StatusCode::CONFLICT,
        RegistryError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        RegistryError::Write { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    error(status, &sentence(&reason.to_string()))
}
