//! One connection: requests and what answers them.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout};

use super::controls::{Changed, ControlError};
use super::faults::Kind;
use super::request::{self, Request};
use super::simulator::Shared;
use super::stream::{self, End, Out};

/// Time for a page to be taken.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// Requests on one connection.
const MAX_REQUESTS: usize = 1000;
/// Bytes that the kernel takes of what the client does not read.
const SEND_BUFFER_BYTES: usize = 256 << 10;
/// How often a camera that does not answer looks whether it should.
const DEAD: Duration = Duration::from_millis(50);
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Serves a connection to its end.
pub async fn serve_connection(mut stream: TcpStream, shared: &Arc<Shared>) {
    let opened = Instant::now();
    let socket = SockRef::from(&stream);
    // Without these it works as well.
    let _ = (stream.set_nodelay(true), socket.set_send_buffer_size(SEND_BUFFER_BYTES));
    let mut buffer = Vec::new();
    for _ in 0..MAX_REQUESTS {
        let next =
            timeout(shared.options.request_deadline, request::read_request(&mut stream, &mut buffer)).await;
        let problem = match next {
            Ok(Ok(Some(request))) => match answer_request(&mut stream, shared, &request, opened).await {
                Ok(End::KeepAlive) if request.keep_alive && !shared.options.http10 => continue,
                Ok(End::KeepAlive | End::Close) => break,
                Ok(End::Reset) => {
                    // Closing then sends RST.
                    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                    return;
                }
                Err(_) => return,
            },
            Ok(Ok(None)) => return,
            Ok(Err(error)) => error.status().map(|status| (status, error.to_string())),
            Err(_) if buffer.is_empty() => return,
            Err(_) => Some(("408 Request Timeout", "the request did not arrive in time".to_owned())),
        };
        if let Some((status, text)) = problem {
            let page = Page { status, kind: TEXT, extra: "", keep_alive: false, body: &text };
            let _ = page.send(&mut stream, shared).await;
        }
        break;
    }
    close_stream(stream).await;
}

/// Closing with something unread would reset the connection, and the answer with it.
async fn close_stream(mut stream: TcpStream) {
    let _ = SockRef::from(&stream).shutdown(Shutdown::Write);
    let mut rest = [0; 4096];
    let _ = timeout(Duration::from_millis(300), async {
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
    })
    .await;
}

/// An answer with a short text as its body.
struct Page<'a> {
    status: &'a str,
    kind: &'a str,
    /// Lines of the header.
    extra: &'a str,
    keep_alive: bool,
    body: &'a str,
}

impl Page<'_> {
    async fn send(&self, stream: &mut TcpStream, shared: &Shared) -> io::Result<End> {
        let Self { status, kind, extra, keep_alive, body } = *self;
        let version = stream::version(shared);
        let keep_alive = keep_alive && !shared.options.http10;
        let connection = if keep_alive { "" } else { "Connection: close\r\n" };
        let length = body.len();
        let answer = format!(
            "{version} {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Access-Control-Allow-Origin: *\r\n{extra}{connection}\r\n{body}"
        );
        timeout(ANSWER_DEADLINE, stream.write_all(answer.as_bytes())).await??;
        Ok(if keep_alive { End::KeepAlive } else { End::Close })
    }
}

async fn answer_request(
    stream: &mut TcpStream,
    shared: &Arc<Shared>,
    request: &Request,
    opened: Instant,
) -> io::Result<End> {
    let keep_alive = request.keep_alive;
    let page = |status, kind, body| Page { status, kind, extra: "", keep_alive, body };
    if !is_admitted(shared, request) {
        let extra = "WWW-Authenticate: Basic realm=\"camera\"\r\n";
        let body = "name and password are needed\n";
        return Page { extra, ..page("401 Unauthorized", TEXT, body) }.send(stream, shared).await;
    }
    // What is asked of the simulator itself is always answered: else no fault could be ended.
    match request.path.as_str() {
        "/status" => {
            let body = to_json(&shared.status());
            page("200 OK", "application/json", &body).send(stream, shared).await
        }
        "/control" => {
            let changed = apply_control(shared, request);
            let (status, body) = match &changed {
                Ok(()) => ("200 OK", String::new()),
                Err(error @ ControlError::Unknown(_)) => ("404 Not Found", format!("{error}\n")),
                Err(error) => ("400 Bad Request", format!("{error}\n")),
            };
            page(status, TEXT, &body).send(stream, shared).await
        }
        "/objects" => {
            let objects = list_objects(shared, request);
            let (status, kind, body) = match objects {
                Ok(body) => ("200 OK", "application/json", body),
                Err(error) => ("404 Not Found", TEXT, format!("{error}\n")),
            };
            page(status, kind, &body).send(stream, shared).await
        }
        path => {
            let (mut reading, writing) = stream.split();
            let not_dead = async {
                while is_on(shared, Kind::Dead) {
                    sleep(DEAD).await;
                }
            };
            tokio::select! {
                () = not_dead => {}
                () = wait_closed(&mut reading) => return Ok(End::Close),
            }
            let is_page_instead = is_on(shared, Kind::Html);
            match path {
                "/stream" | "/capture" if !is_page_instead => {
                    let Some(place) = take_permit(shared) else {
                        shared.counts.refused.fetch_add(1, Ordering::Relaxed);
                        let extra = "Retry-After: 2\r\n";
                        let busy =
                            Page { extra, ..page("503 Service Unavailable", TEXT, "the camera is busy\n") };
                        return busy.send(stream, shared).await;
                    };
                    let out = Out::new(writing, shared, opened);
                    let sending = async {
                        if path == "/stream" {
                            stream::stream_pictures(out).await
                        } else {
                            stream::send_capture(out).await
                        }
                    };
                    let ended = tokio::select! {
                        ended = sending => ended,
                        // A client that sends something meanwhile is not listened to.
                        () = wait_closed(&mut reading) => Ok(End::Close),
                    };
                    drop(place);
                    ended
                }
                "/stream" | "/capture" | "/" => page("200 OK", HTML, INDEX).send(stream, shared).await,
                _ => page("404 Not Found", TEXT, "there is no such page\n").send(stream, shared).await,
            }
        }
    }
}

/// Waits until the client has closed its side. What it sends is dropped.
async fn wait_closed(reading: &mut ReadHalf<'_>) {
    let mut rest = [0; 1024];
    while matches!(reading.read(&mut rest).await, Ok(1..)) {}
}

fn is_on(shared: &Shared, kind: Kind) -> bool {
    let (faults, at) = shared.faults();
    faults.is_on(kind, at)
}

/// A place among those that get pictures.
fn take_permit(shared: &Shared) -> Option<OwnedSemaphorePermit> {
    if is_on(shared, Kind::Busy) { None } else { shared.places.clone().try_acquire_owned().ok() }
}

fn is_admitted(shared: &Shared, request: &Request) -> bool {
    let Some(user) = &shared.options.user else { return true };
    let given = request.authorization.as_deref().and_then(|given| given.split_once(' '));
    given.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("basic") && given.trim() == base64_simd::STANDARD.encode_to_string(user)
    })
}

fn apply_control(shared: &Shared, request: &Request) -> Result<(), ControlError> {
    let changed = shared.settings.lock().set(request.parameter("var"), request.parameter("val"))?;
    if let Changed::Faults(faults) = changed {
        shared.set_faults(faults);
    }
    Ok(())
}

/// Why `/objects` says nothing.
#[derive(Debug, thiserror::Error)]
enum ObjectsError {
    #[error("only a generated scene knows what is in it")]
    NoScene,
    #[error("t is a number of seconds")]
    Time,
}

/// What is in the picture at a time of the camera, or now.
fn list_objects(shared: &Shared, request: &Request) -> Result<String, ObjectsError> {
    let scene = shared.scene.lock().clone();
    let scene = scene.ok_or(ObjectsError::NoScene)?;
    let at = match request.parameter("t") {
        None => shared.time(),
        Some(text) => {
            let seconds = text.parse().ok().filter(|seconds: &f64| *seconds < 1e9);
            let at = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            at.ok_or(ObjectsError::Time)?
        }
    };
    let objects = scene.objects(at).into_iter().map(|object| InPicture {
        id: object.id,
        kind: object.kind.name(),
        bounds: [object.rect.left, object.rect.top, object.rect.right, object.rect.bottom],
        moving: object.moving,
    });
    Ok(to_json(&Shown {
        t: at.as_secs_f64(),
        width: scene.width(),
        height: scene.height(),
        objects: objects.collect(),
    }))
}

#[derive(Serialize)]
struct Shown {
    /// Of the camera, s.
    t: f64,
    width: u32,
    height: u32,
    objects: Vec<InPicture>,
}

/// Something in a picture.
#[derive(Serialize)]
struct InPicture {
    /// The same in all pictures.
    id: u64,
    kind: &'static str,
    /// Left, top, right, bottom, px.
    #[serde(rename = "box")]
    bounds: [f32; 4],
    moving: bool,
}

fn to_json(answer: &impl Serialize) -> String {
    // There is no map with odd keys in it.
    serde_json::to_string(answer).unwrap_or_default()
}

const INDEX: &str = r#"<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Camera</title>
<style>body{font:16px system-ui;margin:1rem;background:#181a1b;color:#ddd}img{max-width:100%}a{color:#8bf}</style>
<h1>Simulated camera</h1>
<img src="/stream" alt="What the camera sees">
<p><a href="/capture">One picture</a> · <a href="/status">Status</a> · <a href="/objects">What is in it</a></p>
"#;
