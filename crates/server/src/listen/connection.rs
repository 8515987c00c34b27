//! The stream of one connection. It ends itself where the layers above could not: when its peer reads nothing for
//! [`WRITE_DEADLINE`], when its peer has closed, and when someone holds its [`ConnectionHandle`] and says so.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A peer that takes no byte for so long is gone, unless something else was set for its connection.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(3);

/// How often within the deadline it is looked whether a peer that seems to take nothing takes a little.
const LOOKS: u32 = 4;

/// Ends a connection from outside, whatever protocol it has been upgraded to. An extension of its requests.
#[derive(Clone, Debug)]
pub struct ConnectionHandle {
    end: CancellationToken,
    room: Arc<Room>,
    endless: Arc<AtomicBool>,
    /// Milliseconds.
    write_deadline: Arc<AtomicU64>,
}

/// Whether the kernel takes more.
#[derive(Debug, Default)]
struct Room {
    stalled: AtomicBool,
    waits: AtomicWaker,
    /// Bytes that the kernel has taken.
    written: AtomicU64,
}

impl Room {
    fn is_there(&self) {
        self.stalled.store(false, Ordering::Release);
        self.waits.wake();
    }
}

impl ConnectionHandle {
    /// Waits until the kernel has taken all that was written. For one task at a time.
    ///
    /// What is sent of a live stream is chosen then and not before: layers between would keep it, and it would be old.
    pub async fn room(&self) {
        poll_fn(|cx| {
            if !self.room.stalled.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            self.room.waits.register(cx.waker());
            // It may have got room between the two.
            if self.room.stalled.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Bytes that the kernel has taken for the peer.
    pub fn written(&self) -> u64 {
        self.room.written.load(Ordering::Relaxed)
    }

    /// Both directions fail from now on.
    pub fn end(&self) {
        self.end.cancel();
    }

    /// From now on it carries a session without an end of its own (a websocket): it ends when the server stops.
    pub fn ends_with_the_server(&self) {
        self.endless.store(true, Ordering::Relaxed);
    }

    /// From now on its peer may take no byte for so long.
    pub fn set_write_deadline(&self, deadline: Duration) {
        self.write_deadline.store(deadline.as_millis() as u64, Ordering::Relaxed);
    }

    /// Whether it carries a websocket.
    pub fn is_websocket(&self) -> bool {
        self.endless.load(Ordering::Relaxed)
    }

    /// Whether it has ended, or its peer has closed.
    pub fn has_ended(&self) -> bool {
        self.end.is_cancelled()
    }
}

/// A TCP stream with a deadline on writes that make no progress.
#[derive(Debug)]
pub struct Guarded {
    stream: TcpStream,
    end: CancellationToken,
    endless: Arc<AtomicBool>,
    write_deadline: Arc<AtomicU64>,
    /// As it was when the kernel was told.
    known_deadline: Duration,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    // Reading and writing may be polled by different tasks, and a future wakes the last one only: one for each.
    ended_for_reader: Pin<Box<WaitForCancellationFutureOwned>>,
    ended_for_writer: Pin<Box<WaitForCancellationFutureOwned>>,
    look: Pin<Box<Sleep>>,
    stalled_since: Instant,
    room: Arc<Room>,
    _place: OwnedSemaphorePermit,
}

impl Guarded {
    /// Takes the connection's place with it; it is free when the stream is dropped.
    pub fn new(
        stream: TcpStream,
        place: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) -> (Self, ConnectionHandle) {
        let (end, endless) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let room = Arc::<Room>::default();
        let write_deadline = Arc::new(AtomicU64::new(WRITE_DEADLINE.as_millis() as u64));
        let guarded = Self {
            stream,
            ended_for_reader: Box::pin(end.clone().cancelled_owned()),
            ended_for_writer: Box::pin(end.clone().cancelled_owned()),
            look: Box::pin(tokio::time::sleep(WRITE_DEADLINE)),
            stalled_since: Instant::now(),
            room: room.clone(),
            end: end.clone(),
            endless: endless.clone(),
            write_deadline: write_deadline.clone(),
            known_deadline: WRITE_DEADLINE,
            stopped: Box::pin(stop.cancelled_owned()),
            _place: place,
        };
        (guarded, ConnectionHandle { end, room, endless, write_deadline })
    }

    /// A write has got `result`: progress, or none. `first` are bytes that it was about.
    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let was_stalled = self.room.stalled.load(Ordering::Relaxed);
        if result.is_ready() {
            if let Poll::Ready(Ok(taken)) = &result {
                self.room.written.fetch_add(*taken as u64, Ordering::Relaxed);
            }
            if was_stalled {
                self.room.is_there();
            }
            return result;
        }
        if self.ended_for_writer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let now = Instant::now();
        let deadline = Duration::from_millis(self.write_deadline.load(Ordering::Relaxed));
        if !was_stalled {
            self.room.stalled.store(true, Ordering::Release);
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
            if let Ok(taken @ 1..) = SockRef::from(&self.stream).send(first) {
                self.room.is_there();
                self.room.written.fetch_add(taken as u64, Ordering::Relaxed);
                return Poll::Ready(Ok(taken));
            }
            if now.duration_since(self.stalled_since) >= deadline {
                // The reader has to know as well: it may wait for ever for a peer that only sends.
                self.end.cancel();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.look.as_mut().reset(now + deadline / LOOKS);
        }
        Poll::Pending
    }

    /// From now on the deadline alone decides: the kernel's own gives up a peer whose window stays shut for a while, though it
    /// opens again and again. One that vanished takes nothing, and is found by the deadline as well.
    fn leave_it_to_the_deadline(&self) {
        #[cfg(target_os = "linux")]
        if let Err(error) = SockRef::from(&self.stream).set_tcp_user_timeout(None) {
            tracing::debug!(%error, "a connection keeps the usual deadline of the kernel");
        }
    }

    fn has_ended(&self) -> bool {
        self.end.is_cancelled()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.has_ended() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending
                if self.endless.load(Ordering::Relaxed) && self.stopped.as_mut().poll(cx).is_ready() =>
            {
                self.end.cancel();
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Poll::Pending if self.ended_for_reader.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Poll::Ready(Ok(())) if buf.filled().len() == before && buf.remaining() > 0 => {
                // The peer has closed. A write that is stuck would keep everything of it until its deadline.
                self.end.cancel();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                self.end.cancel();
                Poll::Ready(Err(error))
            }
            result => result,
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, buf, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        self.watch(cx, first, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    use super::*;

    async fn pair() -> (Guarded, ConnectionHandle, TcpStream, Arc<Semaphore>) {
        pair_until(CancellationToken::new()).await
    }

    async fn pair_until(stop: CancellationToken) -> (Guarded, ConnectionHandle, TcpStream, Arc<Semaphore>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let places = Arc::new(Semaphore::new(1));
        let (guarded, handle) = Guarded::new(stream, places.clone().try_acquire_owned().unwrap(), stop);
        (guarded, handle, peer, places)
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_ends_the_connection_for_its_reader_too() {
        let (guarded, _handle, _peer, places) = pair().await;
        let (mut reader, mut writer) = tokio::io::split(guarded);
        let start = Instant::now();
        let reading = tokio::spawn(async move { reader.read_u8().await.unwrap_err().kind() });
        let chunk = vec![0; 1 << 20];
        let error = loop {
            if let Err(error) = writer.write_all(&chunk).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
        assert!(start.elapsed() < Duration::from_secs(5));
        drop(writer);
        assert_eq!(places.available_permits(), 1, "its place is free");
    }

    #[tokio::test]
    async fn a_peer_that_reads_slowly_all_the_time_is_kept_beyond_the_deadline() {
        let (mut guarded, handle, mut peer, _places) = pair().await;
        handle.set_write_deadline(Duration::from_millis(300));
        let reading = tokio::spawn(async move {
            let mut some = vec![0; 32 << 10];
            for _ in 0..40 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if peer.read(&mut some).await.unwrap_or(0) == 0 {
                    return None;
                }
            }
            Some(peer)
        });
        let chunk = vec![0; 1 << 20];
        let writing = tokio::spawn(async move {
            loop {
                if let Err(error) = guarded.write_all(&chunk).await {
                    break (error.kind(), Instant::now());
                }
            }
        });
        let peer = reading.await.unwrap();
        let still_here = peer.is_some() && !writing.is_finished();
        assert!(still_here, "it read 600 kB a second for two seconds");
        let stopped = Instant::now();
        let (kind, ended) = writing.await.unwrap();
        assert_eq!(kind, io::ErrorKind::TimedOut, "and then nothing");
        assert!(ended.duration_since(stopped) < Duration::from_secs(3));
    }

    #[tokio::test]
    async fn the_handle_ends_both_directions() {
        let (guarded, handle, _peer, _places) = pair().await;
        let (mut reader, _writer) = tokio::io::split(guarded);
        let reading = tokio::spawn(async move { reader.read_u8().await.unwrap_err().kind() });
        tokio::task::yield_now().await;
        handle.end();
        assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_websocket_ends_with_the_server_and_a_request_does_not() {
        let stop = CancellationToken::new();
        let (mut endless, handle, _peer, _places) = pair_until(stop.clone()).await;
        let (mut request, _handle, mut request_peer, _places) = pair_until(stop.clone()).await;
        handle.ends_with_the_server();
        let reading = tokio::spawn(async move { endless.read_u8().await.unwrap_err().kind() });
        tokio::task::yield_now().await;
        stop.cancel();
        assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
        request_peer.write_u8(7).await.unwrap();
        assert_eq!(request.read_u8().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn there_is_room_when_all_is_written_and_none_while_the_peer_is_behind() {
        let (guarded, handle, mut peer, _places) = pair().await;
        let (reader, mut writer) = tokio::io::split(guarded);
        handle.room().await;
        let writing = tokio::spawn(async move {
            writer.write_all(&vec![0; 32 << 20]).await.unwrap();
            writer
        });
        let soon = Duration::from_millis(200);
        tokio::time::sleep(soon).await;
        assert!(tokio::time::timeout(soon, handle.room()).await.is_err(), "the peer has read nothing");
        let reading = tokio::spawn(async move { tokio::io::copy(&mut peer, &mut tokio::io::sink()).await });
        let writer = writing.await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), handle.room()).await.unwrap();
        drop((writer, reader));
        reading.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_closed_does_not_keep_a_stuck_writer() {
        let (guarded, _handle, mut peer, _places) = pair().await;
        let (mut reader, mut writer) = tokio::io::split(guarded);
        let writing = tokio::spawn(async move {
            let chunk = vec![0; 1 << 20];
            loop {
                if let Err(error) = writer.write_all(&chunk).await {
                    break error.kind();
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        peer.shutdown().await.unwrap();
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 0);
        let kind = tokio::time::timeout(Duration::from_millis(500), writing).await.unwrap().unwrap();
        assert_eq!(kind, io::ErrorKind::ConnectionAborted);
    }
}
