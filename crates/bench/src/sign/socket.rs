//! A WebSocket connection to the Socket.IO endpoint, read and written by one task without locks.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use crate::load::{
    target::Target,
    timer::{Clockwork, Timer},
};
use bytes::Bytes;
use futures_core::Stream as _;
use futures_sink::Sink as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_websockets::{ClientBuilder, Config, Error, Limits, Message, WebSocketStream};

/// How the socket is set up before it connects.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SocketOptions {
    /// Receive buffer; the system's choice if `None`.
    pub(crate) receive_buffer_bytes: Option<u32>,
}

/// A client's WebSocket, and a timer that interrupts its reading.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    timer: Timer,
    writing: bool,
}

#[derive(Debug)]
pub(crate) enum Step {
    Text(Message),
    /// The connection has ended, with the reason.
    Ended(String),
    /// All that was queued is in the kernel's hands.
    Flushed,
    /// The time has come.
    Time,
}

impl Socket {
    /// Connects and upgrades; a client of Engine.IO that goes straight to WebSocket.
    pub(crate) async fn connect(
        target: &Target,
        clockwork: &Clockwork,
        options: SocketOptions,
    ) -> Result<Self, Error> {
        let tcp = if target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
            .map_err(Error::Io)?;
        if let Some(bytes) = options.receive_buffer_bytes {
            tcp.set_recv_buffer_size(bytes).map_err(Error::Io)?;
        }
        let tcp = tcp.connect(target.address).await.map_err(Error::Io)?;
        tcp.set_nodelay(true).map_err(Error::Io)?;
        let uri = format!("ws://{}/socket.io/?EIO=4&transport=websocket", target.authority);
        let invalid = |_| Error::Io(io::Error::new(io::ErrorKind::InvalidInput, "the address is no URI"));
        let builder = ClientBuilder::new()
            .uri(&uri)
            .map_err(invalid)?
            // A frame goes to the kernel as soon as it is queued.
            .config(Config::default().flush_threshold(1))
            .limits(Limits::default().max_payload_len(Some(1 << 20)));
        let (stream, _) = builder.connect_on(tcp).await?;
        Ok(Self { stream, timer: clockwork.timer(), writing: false })
    }

    /// Whether something queued has not been taken by the kernel yet.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing
    }

    /// Queues a text message and, if there is one, the binary message behind it.
    pub(crate) fn queue_message(&mut self, text: Bytes, attachment: Option<Bytes>) -> Result<(), Error> {
        self.writing = true;
        let stream = Pin::new(&mut self.stream);
        stream.start_send(Message::text(text))?;
        if let Some(bytes) = attachment {
            Pin::new(&mut self.stream).start_send(Message::binary(bytes))?;
        }
        Ok(())
    }

    /// Waits for whichever comes first: a message, the end of writing, or the time `wake`. Reading goes
    /// on while a write is stuck, so that both sides never wait for each other. Safe to cancel.
    pub(crate) async fn next_step(&mut self, wake: Instant) -> Step {
        self.timer.set(wake);
        poll_fn(|cx| {
            loop {
                let Poll::Ready(message) = Pin::new(&mut self.stream).poll_next(cx) else {
                    break;
                };
                match message {
                    Some(Ok(message)) if message.is_text() => return Poll::Ready(Step::Text(message)),
                    Some(Ok(message)) => {
                        if let Some((code, reason)) = message.as_close() {
                            let code = u16::from(code);
                            return Poll::Ready(Step::Ended(format!(
                                "closed by the server ({code}) {reason}"
                            )));
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(Step::Ended(error.to_string())),
                    None => return Poll::Ready(Step::Ended("connection closed by the server".to_owned())),
                }
            }
            self.poll_write_or_time(cx)
        })
        .await
    }

    /// As [`Self::step`], but never reads: a client whose reader hangs.
    pub(crate) async fn step_without_reading(&mut self, wake: Instant) -> Step {
        self.timer.set(wake);
        poll_fn(|cx| self.poll_write_or_time(cx)).await
    }

    fn poll_write_or_time(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Step> {
        if self.writing {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => {
                    self.writing = false;
                    return Poll::Ready(Step::Flushed);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Ended(error.to_string())),
                Poll::Pending => {}
            }
        }
        self.timer.poll(cx).map(|()| Step::Time)
    }

    /// Says goodbye with a WebSocket close and waits for the answer, a second at most.
    pub(crate) async fn close(mut self) {
        let close = poll_fn(|cx| Pin::new(&mut self.stream).poll_close(cx));
        let _ = tokio::time::timeout(Duration::from_secs(1), close).await;
    }

    /// Ends the connection without a WebSocket close: with a TCP reset if `reset`, else with a FIN.
    pub(crate) fn drop_abruptly(self, reset: bool) {
        if reset {
            let linger = Some(Duration::ZERO);
            let _ = socket2::SockRef::from(self.stream.get_ref()).set_linger(linger);
        }
    }
}
