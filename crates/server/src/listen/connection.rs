//! The stream of one connection. It ends itself where the layers above could not: when its peer reads nothing for
//! [`WRITE_DEADLINE`], when its peer has closed, and when someone holds its [`ConnectionHandle`] and says so.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A peer that takes no byte for so long is gone.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(3);

/// Ends a connection from outside, whatever protocol it has been upgraded to. An extension of its requests.
#[derive(Clone, Debug)]
pub struct ConnectionHandle {
    end: CancellationToken,
    endless: Arc<AtomicBool>,
}

impl ConnectionHandle {
    /// Both directions fail from now on.
    pub fn end(&self) {
        self.end.cancel();
    }

    /// From now on it carries a session without an end of its own (a websocket): it ends when the server stops.
    pub fn ends_with_the_server(&self) {
        self.endless.store(true, Ordering::Relaxed);
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
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    // Reading and writing may be polled by different tasks, and a future wakes the last one only: one for each.
    ended_for_reader: Pin<Box<WaitForCancellationFutureOwned>>,
    ended_for_writer: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Pin<Box<Sleep>>,
    stalled: bool,
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
        let guarded = Self {
            stream,
            ended_for_reader: Box::pin(end.clone().cancelled_owned()),
            ended_for_writer: Box::pin(end.clone().cancelled_owned()),
            deadline: Box::pin(tokio::time::sleep(WRITE_DEADLINE)),
            stalled: false,
            end: end.clone(),
            endless: endless.clone(),
            stopped: Box::pin(stop.cancelled_owned()),
            _place: place,
        };
        (guarded, ConnectionHandle { end, endless })
    }

    /// A write has got `result`: progress, or none.
    fn watch<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = false;
            return result;
        }
        if self.ended_for_writer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if !self.stalled {
            self.stalled = true;
            self.deadline.as_mut().reset(Instant::now() + WRITE_DEADLINE);
        }
        if self.deadline.as_mut().poll(cx).is_ready() {
            // The reader has to know as well: it may wait for ever for a peer that only sends.
            self.end.cancel();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
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
        self.watch(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, result)
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
