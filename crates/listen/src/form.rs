//! Bodies of requests as they arrive, never more of them in memory than the one who takes them has asked for.
//!
//! - [`heads`]: headers of a form's parts, made fit for the parser

mod heads;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use multer::{Field, Multipart};
use sightwire_base::clock;

use heads::Heads;

/// A body may be slow for this long.
const GRACE: Duration = Duration::from_secs(30);
/// After [`GRACE`] a body has to have come at this rate, in bytes a second. Else a few that trickle would hold all places.
const MIN_RATE: u64 = 16 << 10;
/// Longest header of a part of a form.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Parts of a form that are not files, the same option again and again included, and their length.
const MAX_OPTIONS: usize = 64;
const MAX_OPTION_BYTES: usize = 1024;
/// Most bytes that are read of a body which is not wanted, and no longer than this: many clients hear an answer only after that.
const MAX_DRAINED_BYTES: u64 = 64 << 20;
const DRAIN_DEADLINE: Duration = Duration::from_secs(3);

/// Why a body cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Nothing more of it came in time.
    #[error("The body did not arrive: nothing came for a while.")]
    Stalled,
    /// It comes too slowly.
    #[error("The body arrives too slowly.")]
    Slow,
    /// It is not what it says.
    #[error("The form is broken: it does not end, or its parts are not as they should be.")]
    Broken,
    /// An option is too long, or there are too many.
    #[error("The form has too many options, or one that is too long.")]
    Options,
}

/// Bytes as they come, with an eye on how fast.
pub struct TimedBody {
    body: BodyDataStream,
    begun: Instant,
    bytes: u64,
}

impl TimedBody {
    /// Counts the time from here on.
    pub fn new(body: Body) -> Self {
        Self { body: body.into_data_stream(), begun: clock::now(), bytes: 0 }
    }

    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll(cx)).await.transpose()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.body.poll_next_unpin(cx).map(|next| match next? {
            Ok(bytes) => {
                self.bytes += bytes.len() as u64;
                let late = clock::since(self.begun).saturating_sub(GRACE).as_secs();
                Some(if late * MIN_RATE > self.bytes { Err(BodyError::Slow) } else { Ok(bytes) })
            }
            Err(_) => Some(Err(BodyError::Stalled)),
        })
    }

    /// Takes what is left, if that is not too much.
    pub async fn drain(mut self) {
        let drained = async {
            let begun = self.bytes;
            while self.bytes - begun < MAX_DRAINED_BYTES && matches!(self.next().await, Ok(Some(_))) {}
        };
        let _ = tokio::time::timeout(DRAIN_DEADLINE, drained).await;
    }
}

/// How many bytes the body says it has.
pub fn content_length(request: &Request) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the body is a form with files.
pub fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

/// A form whose parts are taken one after the other.
///
/// The parser that is used takes whatever it can get whenever it is asked for something; so it gets one piece at a time,
/// and only when it cannot go on without.
pub struct Form {
    multipart: Multipart<'static>,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    open: AtomicBool,
    asked: AtomicBool,
    starved: AtomicBool,
    /// Bytes since the parser got on.
    unused: AtomicUsize,
    /// Parts that were not files.
    options: AtomicUsize,
    fault: parking_lot::Mutex<Option<BodyError>>,
}

struct Gated {
    arrival: TimedBody,
    heads: Heads,
    gate: Arc<Gate>,
}

impl Stream for Gated {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let gate = self.gate.clone();
        gate.asked.store(true, Ordering::Relaxed);
        // The code that shut it opens it again, and asks.
        if !gate.open.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let fault = match self.arrival.poll(cx) {
            Poll::Pending => {
                gate.starved.store(true, Ordering::Relaxed);
                return Poll::Pending;
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Ok(bytes))) => {
                if gate.unused.fetch_add(bytes.len(), Ordering::Relaxed) <= MAX_HEADER_BYTES {
                    return Poll::Ready(Some(Ok(self.heads.pass(bytes))));
                }
                BodyError::Broken
            }
            Poll::Ready(Some(Err(fault))) => fault,
        };
        *gate.fault.lock() = Some(fault);
        Poll::Ready(Some(Err(std::io::Error::other(fault))))
    }
}

impl Gate {
    /// Runs a step of the parser to its end.
    async fn run_step<F: Future>(&self, step: F) -> F::Output {
        tokio::pin!(step);
        let done = poll_fn(|cx| {
            loop {
                self.asked.store(false, Ordering::Relaxed);
                self.starved.store(false, Ordering::Relaxed);
                let was_open = self.open.load(Ordering::Relaxed);
                if let Poll::Ready(done) = step.as_mut().poll(cx) {
                    return Poll::Ready(done);
                }
                let waits =
                    self.starved.load(Ordering::Relaxed) || (was_open && !self.asked.load(Ordering::Relaxed));
                self.open.store(true, Ordering::Relaxed);
                if waits {
                    return Poll::Pending;
                }
            }
        })
        .await;
        self.open.store(false, Ordering::Relaxed);
        self.unused.store(0, Ordering::Relaxed);
        done
    }

    fn fault(&self) -> BodyError {
        self.fault.lock().unwrap_or(BodyError::Broken)
    }
}

impl Form {
    /// An error where the request's `Content-Type` is that of no form.
    pub fn new(request: Request) -> Result<Self, BodyError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or(BodyError::Broken)?;
        let gate = Arc::<Gate>::default();
        let (arrival, heads) = (TimedBody::new(request.into_body()), Heads::new(&boundary));
        let gated = Gated { arrival, heads, gate: gate.clone() };
        Ok(Self { multipart: Multipart::new(gated, boundary), gate })
    }

    /// The next part; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Part>, BodyError> {
        let gate = self.gate.clone();
        let field = gate.run_step(self.multipart.next_field()).await.map_err(|_| gate.fault())?;
        Ok(field.map(|field| Part { field, gate }))
    }

    /// Takes what is left, if that is not too much.
    pub async fn drain(mut self) {
        let drained = async {
            let mut bytes = 0;
            while let Ok(Some(mut part)) = self.next().await {
                while let Ok(Some(chunk)) = part.next().await {
                    bytes += chunk.len() as u64;
                    if bytes > MAX_DRAINED_BYTES {
                        return;
                    }
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_DEADLINE, drained).await;
    }
}

/// A part of a form: a file or an option.
pub struct Part {
    field: Field<'static>,
    gate: Arc<Gate>,
}

impl Part {
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.field.file_name().is_some() || self.field.name() == Some("file")
    }

    /// The name of its field.
    pub fn field(&self) -> Option<&str> {
        self.field.name()
    }

    /// The name that the sender gave the file; empty where a page had nothing to send.
    pub fn name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The part's `Content-Type`, as the sender says.
    pub fn content_type(&self) -> Option<&str> {
        self.field.content_type().map(AsRef::as_ref)
    }

    /// Its next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.gate.run_step(self.field.chunk()).await.map_err(|_| self.gate.fault())
    }

    /// There is nothing in it.
    pub fn skip_part(self) -> Result<(), BodyError> {
        let before = self.gate.options.fetch_add(1, Ordering::Relaxed);
        if before < MAX_OPTIONS { Ok(()) } else { Err(BodyError::Options) }
    }

    /// Adds it to the options.
    pub async fn add_option(mut self, params: &mut BTreeMap<String, String>) -> Result<(), BodyError> {
        let name = self.field.name().unwrap_or_default().to_owned();
        let mut value = Vec::new();
        while let Some(chunk) = self.next().await? {
            value.extend_from_slice(&chunk);
            if value.len() > MAX_OPTION_BYTES {
                return Err(BodyError::Options);
            }
        }
        if name.len() > MAX_OPTION_BYTES {
            return Err(BodyError::Options);
        }
        self.skip_part()?;
        params.insert(name, String::from_utf8(value).map_err(|_| BodyError::Broken)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use futures_util::stream;

    use super::*;

    fn request(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Request {
        Request::builder()
            .header(CONTENT_TYPE, "multipart/form-data; boundary=XX")
            .body(Body::from_stream(pieces.map(Ok::<_, std::io::Error>)))
            .unwrap()
    }

    fn part(head: &str, content: &[u8]) -> Vec<u8> {
        let head = format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    }

    async fn taken(pieces: Vec<Bytes>) -> (Vec<(String, Vec<u8>)>, BTreeMap<String, String>) {
        let mut form = Form::new(request(stream::iter(pieces))).unwrap();
        let (mut files, mut params) = (Vec::new(), BTreeMap::new());
        while let Some(mut part) = form.next().await.unwrap() {
            if !part.is_file() {
                part.add_option(&mut params).await.unwrap();
                continue;
            }
            let (name, mut content) = (part.name().unwrap_or("-").to_owned(), Vec::new());
            while let Some(chunk) = part.next().await.unwrap() {
                content.extend_from_slice(&chunk);
            }
            files.push((name, content));
        }
        (files, params)
    }

    #[tokio::test]
    async fn a_form_is_taken_apart_wherever_its_pieces_end() {
        let content: Vec<u8> = b"line\r\n--X\r\n--XY\r".repeat(50);
        let body = [
            part("name=\"file\"; filename=\"a.jpg\"", &content),
            part("name=\"model\"", b"m"),
            part("name=\"file\"; filename=\"\"", b""),
            part("name=\"file\"", b"b"),
            b"--XX--\r\n".to_vec(),
        ]
        .concat();
        for length in [1, 2, 3, 7, 64, 10_000] {
            let pieces = body.chunks(length).map(Bytes::copy_from_slice).collect();
            let (files, params) = taken(pieces).await;
            let expected = [("a.jpg", content.clone()), ("", vec![]), ("-", b"b".to_vec())];
            assert_eq!(files, expected.map(|(name, content)| (name.to_owned(), content)), "{length}");
            assert_eq!(params.into_iter().collect::<Vec<_>>(), [("model".into(), "m".into())]);
        }
    }

    /// Browsers send a tab, 0x01 or 0x7f as they are; others send CR, LF and letters of another encoding, too.
    #[tokio::test]
    async fn names_that_no_header_may_have_lose_nothing_but_what_is_wrong_with_them() {
        let content = b"\x01\r\n\r\nfilename=\x01\r\n--X\x01".to_vec();
        let names: [(&[u8], &str); 9] = [
            (b"a\x01b.jpg", "a\u{fffd}b.jpg"),
            (b"del\x7f.jpg", "del\u{fffd}.jpg"),
            (b"nul\0.jpg", "nul\u{fffd}.jpg"),
            (b"tab\t.jpg", "tab\t.jpg"),
            (b"cr\r.jpg", "cr\u{fffd}.jpg"),
            (b"lf\n.jpg", "lf\u{fffd}.jpg"),
            (b"crlf\r\n.jpg", "crlf\u{fffd}.jpg"),
            (b"latin\xe9.jpg", "latin\u{fffd}.jpg"),
            ("Küche 厨房.jpg".as_bytes(), "Küche 厨房.jpg"),
        ];
        let (mut body, mut expected) = (part("name=\"file\"; filename=\"first.jpg\"", &content), Vec::new());
        for (name, _) in &names {
            body.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; name=\"pictures\"; filename=\"");
            body.extend_from_slice(name);
            body.extend_from_slice(b"\"\r\nContent-Type: image/jpeg\r\n\r\n");
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(&part("name=\"model\"", b"m"));
        body.extend_from_slice(b"--XX--\r\n");
        for name in std::iter::once("first.jpg").chain(names.iter().map(|(_, name)| *name)) {
            expected.push((name.to_owned(), content.clone()));
        }
        for length in [1, 2, 3, 7, 64, 10_000] {
            let (files, params) = taken(body.chunks(length).map(Bytes::copy_from_slice).collect()).await;
            assert_eq!(files, expected, "{length}");
            assert_eq!(params.into_iter().collect::<Vec<_>>(), [("model".into(), "m".into())]);
        }
    }

    #[tokio::test]
    async fn no_more_of_a_form_is_in_memory_than_was_asked_for() {
        let sent = Arc::new(AtomicU64::new(0));
        let (piece, count) = (Bytes::from(vec![7; 10_000]), sent.clone());
        let endless = stream::repeat(piece).map(move |piece| {
            count.fetch_add(1, Ordering::Relaxed);
            piece
        });
        let head = Bytes::from_static(b"--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n");
        let mut form = Form::new(request(stream::iter([head]).chain(endless))).unwrap();
        let mut part = form.next().await.unwrap().unwrap();
        for asked in 1..100 {
            part.next().await.unwrap().unwrap();
            assert!(sent.load(Ordering::Relaxed) <= asked + 2, "it is as fast as we are");
        }
    }

    #[tokio::test]
    async fn what_never_becomes_a_form_is_given_up() {
        let endless = stream::repeat(Bytes::from(vec![b'x'; 10_000]));
        let head = Bytes::from_static(b"--XX\r\nContent-Disposition: form-data; x=");
        let mut form = Form::new(request(stream::iter([head.clone()]).chain(endless.clone()))).unwrap();
        assert_eq!(form.next().await.err(), Some(BodyError::Broken), "a header without end");
        let mut form = Form::new(request(stream::iter([head]))).unwrap();
        assert_eq!(form.next().await.err(), Some(BodyError::Broken), "it ends too early");
        let head = Bytes::from_static(b"--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n");
        let mut form = Form::new(request(stream::iter([head]).chain(endless))).unwrap();
        let option = form.next().await.unwrap().unwrap().add_option(&mut BTreeMap::new()).await;
        assert_eq!(option.err(), Some(BodyError::Options), "an option without end");
        let same = Bytes::from(part("name=\"model\"", b"m"));
        let mut form = Form::new(request(stream::repeat(same))).unwrap();
        let (mut params, mut taken) = (BTreeMap::new(), 0);
        let end = loop {
            match form.next().await.unwrap().unwrap().add_option(&mut params).await {
                Ok(()) => taken += 1,
                Err(end) => break end,
            }
            assert!(taken <= MAX_OPTIONS, "an option again and again");
        };
        assert_eq!((taken, end), (MAX_OPTIONS, BodyError::Options));
        let plain =
            Request::builder().header(CONTENT_TYPE, "multipart/form-data").body(Body::empty()).unwrap();
        assert_eq!(Form::new(plain).err(), Some(BodyError::Broken), "no boundary");
    }
}
