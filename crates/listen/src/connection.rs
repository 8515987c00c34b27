//! The stream of one connection. It ends itself where the layers above could not: when its peer reads nothing for
//! [`WRITE_DEADLINE`], when its peer has closed, and when someone holds its [`ConnectionHandle`] and says so.
//!
//! - [`ahead`]: long frames in large pieces
//! - [`traffic`]: what goes over it, requests or frames

mod ahead;
mod traffic;

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::asker::Belonging;
use super::frames::Head;
use super::outbox::Outbox;
use super::per_address::ConnectionSlot;
use super::receive::Receiving;
use super::socket::Socket;
use ahead::Ahead;
use traffic::{Fault, TURN_BYTES, Traffic};

/// A peer that takes no byte for this long is gone, unless something else was set for its connection.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(3);
/// A message of a peer who is not known yet is handled within this, or the next is read all the same.
const HANDLING: Duration = Duration::from_millis(200);

/// How long a peer that is told why its connection ends may take to hear it.
const GOODBYE: Duration = Duration::from_secs(2);

/// How often within the deadline it is looked whether a peer that seems to take nothing takes a little.
const LOOKS: u32 = 4;

/// Ends a connection from outside, whatever protocol it has been upgraded to. An extension of its requests.
#[derive(Clone, Debug)]
pub struct ConnectionHandle {
    end: CancellationToken,
    /// Also cancels `end`, and is looked at where nothing is read or written.
    cut: CancellationToken,
    shared: Arc<Shared>,
}

/// What the stream and its handles know of each other.
#[derive(Debug)]
struct Shared {
    /// The kernel takes no more.
    stalled: AtomicBool,
    /// It has taken nothing for as long as its peer may.
    given_up: AtomicBool,
    /// Who waits until it does.
    waits: AtomicWaker,
    /// The task that reads, while it waits for something else than bytes.
    reader: AtomicWaker,
    /// Bytes that the kernel has taken.
    written: AtomicU64,
    endless: AtomicBool,
    /// With the next answer it becomes a WebSocket.
    becomes_websocket: AtomicBool,
    /// It reads nothing while its answers wait.
    answers_first: AtomicBool,
    /// Its peer has said who it is.
    is_known: AtomicBool,
    /// What its peer still sends is read at the end, for a while: with bytes unread the last answer would be lost.
    hears_out: AtomicBool,
    outbox: OnceLock<Arc<Outbox>>,
    kept: Kept,
    /// In milliseconds; see [`ConnectionHandle::set_write_deadline`].
    write_deadline: AtomicU64,
}

/// What a request left to be kept.
#[derive(Default)]
struct Kept(Mutex<Option<Box<dyn Any + Send>>>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Shared {
    fn mark_writable(&self) {
        self.stalled.store(false, Ordering::Release);
        self.waits.wake();
        self.reader.wake();
    }
}

impl ConnectionHandle {
    /// Waits until the kernel has taken all that was written. For one task at a time.
    ///
    /// What is sent of a live stream is chosen then and not before: layers between would keep it, and it would be old.
    pub async fn wait_for_room(&self) {
        poll_fn(|cx| {
            if !self.shared.stalled.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            self.shared.waits.register(cx.waker());
            // It may have got room between the two.
            if self.shared.stalled.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Bytes that the kernel has taken for the peer.
    pub fn written_bytes(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// Both directions fail from now on.
    pub fn end(&self) {
        self.end.cancel();
    }

    /// For those who know of no connections: it is cut when this is cancelled, whatever it is at. An [end](Self::end) is only seen
    /// by what reads, and by writes that have to wait.
    pub fn cut_token(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// Keeps something until something else takes its place or the connection is gone.
    pub fn keep_value(&self, what: Option<Box<dyn Any + Send>>) {
        // Dropped outside of the lock: it may be anything.
        let before = std::mem::replace(&mut *self.shared.kept.0.lock(), what);
        drop(before);
    }

    /// From now on it carries a session without an end of its own (a websocket): it ends when the server stops.
    pub fn end_on_shutdown(&self) {
        self.shared.endless.store(true, Ordering::Relaxed);
    }

    /// The answer that is written next makes it a WebSocket, whose messages have to arrive whole in time and count in the
    /// budget of all that is not whole. Of a peer that is not [known](Self::mark_known) no long message is read.
    pub fn expect_websocket(&self) {
        self.shared.becomes_websocket.store(true, Ordering::Release);
    }

    /// From now on nothing is read while what was written waits for the peer: a peer that sends and does not read is not
    /// answered into a queue.
    pub fn pause_reads_while_stalled(&self) {
        self.shared.answers_first.store(true, Ordering::Relaxed);
    }

    /// Its peer has said who it is, and may send long messages.
    pub fn mark_known(&self) {
        self.shared.is_known.store(true, Ordering::Release);
        self.shared.reader.wake();
    }

    /// Its answer is the last one, and its peer may still be sending.
    pub fn enable_lingering_close(&self) {
        self.shared.hears_out.store(true, Ordering::Relaxed);
    }

    /// Where messages to its peer are counted until they are sent. The first one stays.
    pub fn set_outbox(&self, outbox: Arc<Outbox>) {
        let _ = self.shared.outbox.set(outbox);
    }

    /// From now on its peer may take no byte for this long.
    pub fn set_write_deadline(&self, deadline: Duration) {
        self.shared.write_deadline.store(deadline.as_millis() as u64, Ordering::Relaxed);
    }
}

/// A connection with a deadline on writes that make no progress, and on messages that do not end.
#[derive(Debug)]
pub struct Guarded {
    stream: Stream,
    end: CancellationToken,
    shared: Arc<Shared>,
    receiving: Arc<Receiving>,
    traffic: Traffic,
    ahead: Ahead,
    /// Of [`TURN_BYTES`], since the task last gave others their turn.
    in_turn: usize,
    /// As it was when the kernel was told.
    known_deadline: Duration,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    // Reading and writing may be polled by different tasks, and a future wakes the last one only: one for each.
    ended_for_reader: Pin<Box<WaitForCancellationFutureOwned>>,
    ended_for_writer: Pin<Box<WaitForCancellationFutureOwned>>,
    look: Pin<Box<Sleep>>,
    stalled_since: Instant,
    /// Whose shares what comes takes; what came and was not counted yet; and how long nothing is read for it.
    belonging: Option<Belonging>,
    owed: usize,
    paying: Option<Pin<Box<Sleep>>>,
    /// Messages of a peer who is not known yet that were handled, and how long the next waits for that.
    handled: u64,
    handling: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    /// Takes the connection's place with it; it is free when the stream is dropped.
    pub fn new(
        stream: Socket,
        place: impl Into<ConnectionSlot>,
        receiving: Arc<Receiving>,
        stop: CancellationToken,
    ) -> (Self, ConnectionHandle) {
        let cut = CancellationToken::new();
        let end = cut.child_token();
        let shared = Arc::new(Shared {
            stalled: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            waits: AtomicWaker::new(),
            reader: AtomicWaker::new(),
            written: AtomicU64::new(0),
            endless: AtomicBool::new(false),
            becomes_websocket: AtomicBool::new(false),
            answers_first: AtomicBool::new(false),
            is_known: AtomicBool::new(false),
            hears_out: AtomicBool::new(false),
            outbox: OnceLock::new(),
            kept: Kept::default(),
            write_deadline: AtomicU64::new(WRITE_DEADLINE.as_millis() as u64),
        });
        let guarded = Self {
            stream: Stream { socket: Some(stream), place: Some(place.into()), has_said_goodbye: false },
            ended_for_reader: Box::pin(end.clone().cancelled_owned()),
            ended_for_writer: Box::pin(end.clone().cancelled_owned()),
            look: Box::pin(tokio::time::sleep(WRITE_DEADLINE)),
            stalled_since: Instant::now(),
            belonging: None,
            owed: 0,
            paying: None,
            handled: 0,
            handling: None,
            shared: shared.clone(),
            receiving,
            traffic: Traffic::Http(Head::default()),
            ahead: Ahead::default(),
            in_turn: 0,
            end: end.clone(),
            known_deadline: WRITE_DEADLINE,
            stopped: Box::pin(stop.cancelled_owned()),
        };
        (guarded, ConnectionHandle { end, cut, shared })
    }

    /// What comes is counted for whom the connection belongs to.
    #[must_use]
    pub fn paid_by(mut self, belonging: Belonging) -> Self {
        self.belonging = Some(belonging);
        self
    }

    /// Whether whom it belongs to may send more, or has to wait: then nothing is read, and its network holds it back.
    fn poll_paid(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(belonging) = &self.belonging else { return Poll::Ready(()) };
        loop {
            if let Some(paying) = &mut self.paying {
                ready!(paying.as_mut().poll(cx));
                self.paying = None;
            }
            match belonging.pay_bytes(&mut self.owed) {
                Ok(()) => return Poll::Ready(()),
                Err(wait) => self.paying = Some(Box::pin(tokio::time::sleep(wait))),
            }
        }
    }

    /// A write of `bufs` has got `result`: progress, or none.
    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let was_stalled = self.shared.stalled.load(Ordering::Relaxed);
        if let Poll::Ready(result) = result {
            if let Ok(taken) = &result {
                self.record_write(bufs, *taken);
            }
            if was_stalled {
                self.shared.mark_writable();
            }
            return Poll::Ready(result);
        }
        if self.ended_for_writer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let now = Instant::now();
        let deadline = Duration::from_millis(self.shared.write_deadline.load(Ordering::Relaxed));
        if !was_stalled {
            self.shared.stalled.store(true, Ordering::Release);
            self.stalled_since = now;
            if deadline != self.known_deadline {
                self.known_deadline = deadline;
                self.leave_it_to_the_deadline();
            }
            self.look.as_mut().reset(now + deadline / LOOKS);
        }
        while self.look.as_mut().poll(cx).is_ready() {
            // The kernel calls a socket writable when a third of what it holds has gone. A slow peer may need longer for that
            // than the deadline, though it reads all the time: then there is some room.
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            match self.stream.socket_mut()?.send_now(first) {
                Ok(taken @ 1..) => {
                    self.record_write(bufs, taken);
                    self.shared.mark_writable();
                    return Poll::Ready(Ok(taken));
                }
                // Of what was encrypted before, and nothing of this.
                Ok(_) => self.stalled_since = now,
                Err(_) => {}
            }
            if now.duration_since(self.stalled_since) >= deadline {
                self.shared.given_up.store(true, Ordering::Release);
                // The reader has to know as well: it may wait for ever for a peer that only sends.
                self.end.cancel();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.look.as_mut().reset(now + deadline / LOOKS);
        }
        Poll::Pending
    }

    /// The kernel has taken this many bytes of them.
    fn record_write(&mut self, bufs: &[io::IoSlice<'_>], mut taken: usize) {
        self.shared.written.fetch_add(taken as u64, Ordering::Relaxed);
        let mut of_messages = 0;
        for buf in bufs {
            let (part, _) = buf.split_at(taken.min(buf.len()));
            of_messages += self.traffic.record_written(part);
            taken -= part.len();
        }
        if of_messages > 0
            && let Some(outbox) = self.shared.outbox.get()
        {
            outbox.record_sent(of_messages);
        }
    }

    /// Before something is written.
    fn prepare_write(&mut self) -> io::Result<&mut Socket> {
        if self.stream.has_said_goodbye {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if matches!(self.traffic, Traffic::Http(_)) && self.shared.becomes_websocket.load(Ordering::Acquire) {
            // Frames that came with the request could not be followed. RFC 6455, section 4.1: a client has to wait for the
            // answer.
            self.traffic.become_websocket(&self.receiving).ok_or_else(|| {
                self.end.cancel();
                io::Error::from(io::ErrorKind::ConnectionAborted)
            })?;
        }
        self.stream.socket_mut()
    }

    /// From now on the deadline alone decides: the kernel's own gives up a peer whose window stays shut for a while, though it
    /// opens again and again. One that vanished takes nothing, and is found by the deadline as well.
    fn leave_it_to_the_deadline(&self) {
        if let Some(socket) = &self.stream.socket
            && let Err(error) = socket.disable_user_timeout()
        {
            tracing::debug!(%error, "a connection keeps the usual deadline of the kernel");
        }
    }

    fn has_ended(&self) -> bool {
        self.end.is_cancelled()
    }

    /// Ends it, and says why if it can.
    fn give_up(&mut self, fault: Fault) {
        let can_say_it = self.traffic.is_between_frames() && !self.shared.stalled.load(Ordering::Relaxed);
        let frame = fault.close_frame();
        if can_say_it && self.stream.socket_mut().is_ok_and(|socket| socket.send_now(&frame).is_ok()) {
            self.stream.has_said_goodbye = true;
        }
        self.end.cancel();
    }

    /// Whether nothing is read for now, though something may be there.
    fn is_kept_waiting(&self) -> bool {
        let shared = &self.shared;
        (shared.answers_first.load(Ordering::Relaxed) && shared.stalled.load(Ordering::Acquire))
            || (self.traffic.is_long() && !shared.is_known.load(Ordering::Acquire))
    }

    /// Whether it is a WebSocket whose peer has to say who it is, and has not yet.
    fn is_unknown(&self) -> bool {
        self.shared.answers_first.load(Ordering::Relaxed) && !self.shared.is_known.load(Ordering::Acquire)
    }

    /// What a peer says who is not known is handled message by message: with the first one it enters, which takes a moment, and a
    /// second that comes with it must find it inside.
    fn poll_handled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let units = self.traffic.unit_count();
        if units == self.handled {
            return Poll::Ready(());
        }
        self.shared.reader.register(cx.waker());
        let handling = self.handling.get_or_insert_with(|| Box::pin(tokio::time::sleep(HANDLING)));
        if self.shared.is_known.load(Ordering::Acquire) || handling.as_mut().poll(cx).is_ready() {
            self.handled = units;
            self.handling = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Reads nothing: the peer has to read first, or to say who it is.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.reader.register(cx.waker());
        if !self.is_kept_waiting() {
            cx.waker().wake_by_ref(); // it has got room between the two
            return Poll::Pending;
        }
        match self.stream.socket_mut()?.poll_peek(cx) {
            // The peer has closed. Else it has sent more, which has to wait.
            Poll::Ready(Ok(0)) => {
                self.end.cancel();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                self.end.cancel();
                Poll::Ready(Err(error))
            }
            _ => self.poll_ended(cx),
        }
    }

    /// Whether it ends while there is nothing to read.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.shared.endless.load(Ordering::Relaxed) && self.stopped.as_mut().poll(cx).is_ready() {
            self.end.cancel();
        } else if self.ended_for_reader.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let is_ended = self.end.is_cancelled();
        self.stream.has_said_goodbye |= !is_ended && self.shared.hears_out.load(Ordering::Relaxed);
        self.end.cancel();
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.has_ended() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if this.in_turn >= TURN_BYTES {
            // The handler of what came may never have to wait for anything else: others are to have their turn.
            this.in_turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(fault) = this.traffic.poll_fault(cx) {
            this.give_up(fault);
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if this.is_kept_waiting() {
            this.in_turn = 0;
            return this.poll_wait(cx);
        }
        if !this.traffic.has_room(cx) || this.poll_paid(cx).is_pending() {
            this.in_turn = 0;
            return this.poll_ended(cx);
        }
        let mut most = this.traffic.piece_size() as u64;
        if this.is_unknown() {
            if this.poll_handled(cx).is_pending() {
                this.in_turn = 0;
                return this.poll_ended(cx);
            }
            most = most.min(this.traffic.missing_bytes());
        }
        let before = buf.filled().len();
        let left = this.traffic.bytes_left();
        let read = if !this.ahead.is_empty() || left > buf.remaining() as u64 {
            this.ahead.poll_read(cx, this.stream.socket_mut()?, left, buf)
        } else {
            Pin::new(&mut this.stream.socket_mut()?.take(most)).poll_read(cx, buf)
        };
        match read {
            Poll::Pending => {
                this.in_turn = 0;
                this.poll_ended(cx)
            }
            Poll::Ready(Ok(())) => {
                let came = buf.filled().get(before..).unwrap_or_default();
                this.owed += came.len();
                if came.is_empty() && buf.remaining() > 0 {
                    // The peer has closed. A write that is stuck would keep everything of it until its deadline.
                    this.end.cancel();
                }
                match this.traffic.record_received(came) {
                    Ok(of_turn) => this.in_turn += of_turn,
                    Err(fault) => {
                        this.give_up(fault);
                        return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                    }
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                this.end.cancel();
                Poll::Ready(Err(error))
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(self.prepare_write()?).poll_write(cx, buf);
        self.watch_write(cx, &[io::IoSlice::new(buf)], result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(self.prepare_write()?).poll_write_vectored(cx, bufs);
        self.watch_write(cx, bufs, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.socket.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.stream.socket_mut()?;
        let keeps = socket.keeps_what_is_written();
        let flushed = Pin::new(socket).poll_flush(cx);
        if !keeps {
            return flushed;
        }
        // A peer that reads nothing is found here, where what was written last waits.
        self.watch_write(cx, &[], flushed.map_ok(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.socket_mut()?).poll_shutdown(cx)
    }
}

/// The socket, which outlives its connection a little where the peer was told why it ends: with a peer that still sends the
/// reason would be lost.
#[derive(Debug)]
struct Stream {
    socket: Option<Socket>,
    place: Option<ConnectionSlot>,
    has_said_goodbye: bool,
}

impl Stream {
    fn socket_mut(&mut self) -> io::Result<&mut Socket> {
        self.socket.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let (Some(mut socket), place) = (self.socket.take(), self.place.take()) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        if self.has_said_goodbye {
            runtime.spawn(async move {
                let goodbye = async {
                    let _ = socket.shutdown().await;
                    let mut rest = [0; 4096];
                    while matches!(socket.read(&mut rest).await, Ok(1..)) {}
                };
                let _ = tokio::time::timeout(GOODBYE, goodbye).await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests;
