//! Bodies of requests: whole in time, within the budget of all that is not whole, and with an answer of their own where they
//! are not.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::receive::{Holding, Receiving};

/// A body of which nothing comes for this long is given up.
const STALLED: Duration = Duration::from_secs(15);

/// Why a body is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing came for a while.
    #[error("Nothing of the body came for {} s.", STALLED.as_secs())]
    Stalled,
    /// It was not whole in time.
    #[error("The body did not arrive whole within {} s (server.receive_timeout_s).", .0.as_secs())]
    TimedOut(Duration),
    /// All unfinished bodies and messages together are too long, and this is the longest.
    #[error("Too much is arriving at once (server.receive_memory_mb). Please try again later.")]
    NoRoom,
    /// Its chunks are not as they should be, or it ends too early.
    #[error("The body is broken: its chunks are not valid, or it ends before its Content-Length.")]
    Broken,
}

impl Fault {
    fn status(self) -> StatusCode {
        match self {
            Fault::Stalled | Fault::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Fault::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// How a body is taken, and what becomes of it. An extension of its request.
#[derive(Clone, Debug, Default)]
pub struct Taking(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_stored: AtomicBool,
    fault: OnceLock<Fault>,
}

impl Taking {
    /// Its bytes go to disk as they come, and its reader sees to its rate: it neither counts as held in memory nor has to
    /// be whole in time.
    pub fn mark_stored(&self) {
        self.0.is_stored.store(true, Ordering::Relaxed);
    }

    /// Whether the body was given up.
    pub fn is_given_up(&self) -> bool {
        self.0.fault.get().is_some()
    }

    /// The answer to the request, or the one to its body: what a handler makes of a body that ends with an error can only be a
    /// guess.
    pub fn choose_answer(&self, response: Response) -> Response {
        let Some(fault) = self.0.fault.get() else { return response };
        if !response.status().is_client_error() && !response.status().is_server_error() {
            return response;
        }
        let (mut parts, _) = response.into_parts();
        let answer = crate::refusal::error_response(fault.status(), &fault.to_string());
        parts.status = fault.status();
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // The rest of the body may still come.
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if *fault == Fault::NoRoom {
            parts.headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        Response::from_parts(parts, answer.into_response().into_body())
    }
}

/// A body on its way.
#[derive(Debug)]
pub struct Receipt<B = Incoming> {
    body: B,
    taking: Taking,
    holding: Holding,
    bytes: usize,
    /// Since when it is waited for (the handler of the request may come to it late), and when something of it came last.
    since: Option<(Instant, Instant)>,
    /// There is one as soon as the body has been waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B: HttpBody<Data = Bytes> + Unpin> Receipt<B> {
    /// Holds no bytes yet; its time begins when it is first waited for.
    pub fn new(body: B, receiving: Arc<Receiving>, taking: Taking) -> Self {
        let holding = Holding::new(receiving);
        Self { body, taking, holding, bytes: 0, since: None, timer: None }
    }

    fn is_stored(&self) -> bool {
        self.taking.0.is_stored.load(Ordering::Relaxed)
    }

    fn poll_fault(&mut self, cx: &mut Context<'_>) -> Option<Fault> {
        if self.holding.poll_given_up(cx).is_ready() {
            return Some(Fault::NoRoom);
        }
        let timeout = self.holding.receiving().timeout();
        let (begun, last) = *self.since.get_or_insert_with(|| (Instant::now(), Instant::now()));
        let whole = if self.is_stored() { None } else { Some(begun + timeout) };
        let stalled = last + STALLED;
        let next = whole.map_or(stalled, |whole| whole.min(stalled));
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
        // It may have been set before some of the body came.
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if whole.is_some_and(|whole| now >= whole) {
                self.holding.receiving().count_timeout();
                return Some(Fault::TimedOut(timeout));
            }
            if now >= stalled {
                self.holding.receiving().count_timeout();
                return Some(Fault::Stalled);
            }
            timer.as_mut().reset(next);
        }
        None
    }

    fn record_bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes += bytes;
        let now = Instant::now();
        self.since = Some((self.since.map_or(now, |(begun, _)| begun), now));
        if self.is_stored() {
            return Ok(());
        }
        self.holding.set_bytes(self.bytes).map_err(|_| Fault::NoRoom)
    }

    fn fail_with(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let fault = *self.taking.0.fault.get_or_init(|| fault);
        Poll::Ready(Some(Err(fault)))
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Receipt<B> {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        if let Some(fault) = this.taking.0.fault.get() {
            return Poll::Ready(Some(Err(*fault)));
        }
        let fault = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match this.record_bytes(frame.data_ref().map_or(0, Bytes::len)) {
                Ok(()) => return Poll::Ready(Some(Ok(frame))),
                Err(fault) => fault,
            },
            Poll::Ready(Some(Err(_))) => Fault::Broken,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => match this.poll_fault(cx) {
                Some(fault) => fault,
                None => return Poll::Pending,
            },
        };
        this.fail_with(fault)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request, and how it is taken if there is one.
pub fn receive_body(body: Incoming, receiving: &Arc<Receiving>) -> (Body, Option<Taking>) {
    if body.is_end_stream() {
        return (Body::empty(), None);
    }
    let taking = Taking::default();
    (Body::new(Receipt::new(body, receiving.clone(), taking.clone())), Some(taking))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    fn receipt(
        pieces: impl stream::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
        limit: usize,
    ) -> (Receipt<Body>, Taking, Arc<Receiving>) {
        let (taking, receiving) = (Taking::default(), Receiving::new(limit, 10, Duration::from_secs(60)));
        (Receipt::new(Body::from_stream(pieces), receiving.clone(), taking.clone()), taking, receiving)
    }

    /// A piece at each multiple of this many seconds.
    fn each(seconds: u64, piece: Bytes) -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> + Send {
        stream::unfold((), move |()| {
            let piece = piece.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Some((Ok(piece), ()))
            }
        })
    }

    async fn taken(receipt: Receipt<Body>) -> Option<usize> {
        to_bytes(Body::new(receipt), usize::MAX).await.ok().map(|bytes| bytes.len())
    }

    async fn said(taking: &Taking) -> (StatusCode, String) {
        let guess = (StatusCode::PAYLOAD_TOO_LARGE, "too large").into_response();
        let answer = taking.choose_answer(guess);
        let status = answer.status();
        (status, String::from_utf8(to_bytes(answer.into_body(), 4096).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_and_one_that_is_stored_is_not() {
        let (body, taking, receiving) = receipt(each(2, Bytes::from_static(b"x")), 1 << 20);
        let begun = Instant::now();
        assert_eq!(taken(body).await, None);
        assert_eq!(begun.elapsed().as_secs(), 60);
        let (status, text) = said(&taking).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert!(text.contains("within 60 s"), "{text}");
        assert_eq!(receiving.timed_out(), 1);

        let (body, taking, _) = receipt(each(2, Bytes::from_static(b"x")).take(100), 1 << 20);
        taking.mark_stored();
        assert_eq!(taken(body).await, Some(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up_stored_or_not() {
        for stored in [false, true] {
            let some = stream::iter([Ok(Bytes::from_static(b"some"))]);
            let (body, taking, _) = receipt(some.chain(stream::pending()), 1 << 20);
            if stored {
                taking.mark_stored();
            }
            let begun = Instant::now();
            assert_eq!(taken(body).await, None);
            assert_eq!((begun.elapsed(), said(&taking).await.0), (STALLED, StatusCode::REQUEST_TIMEOUT));
        }
    }

    #[tokio::test]
    async fn the_longest_body_is_given_up_when_all_are_too_long() {
        let long = stream::repeat_with(|| Ok(Bytes::from(vec![0; 10_000])));
        let (body, taking, receiving) = receipt(long.take(30), 200_000);
        assert_eq!(taken(body).await, None);
        assert_eq!(said(&taking).await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((receiving.given_up(), receiving.used()), (1, 0));
        let long = stream::repeat_with(|| Ok(Bytes::from(vec![0; 10_000])));
        let (body, taking, _) = receipt(long.take(30), 200_000);
        taking.mark_stored();
        assert_eq!(taken(body).await, Some(300_000), "what goes to disk is not in memory");
    }

    #[tokio::test]
    async fn a_broken_body_is_called_broken_and_nothing_else_is() {
        let broken = stream::iter([Ok(Bytes::from_static(b"some")), Err(std::io::Error::other("chunk"))]);
        let (body, taking, _) = receipt(broken, 1 << 20);
        assert_eq!(taken(body).await, None);
        let (status, text) = said(&taking).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("broken"), "{text}");
        let fine = taking.choose_answer(StatusCode::OK.into_response());
        assert_eq!(fine.status(), StatusCode::OK, "whoever answers without the body has answered");
        let (_, taking, _) = receipt(stream::empty(), 1 << 20);
        assert_eq!(said(&taking).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
