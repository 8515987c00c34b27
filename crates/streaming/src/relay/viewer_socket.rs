//! A viewer's connection: one message under way at a time, a deadline for each, and no more than a few things read
//! while it is being written.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _, StreamExt as _};
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::relay::pace::Pace;
use sightwire_live::viewers::{Timing, Viewer};
use sightwire_scan::relay::{self as scan, Incoming};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_websockets::{Error, Message};

use super::message;
use sightwire_listen::websocket::Socket;

/// Messages that are read while one is being written; the answers to pings wait behind it.
const READ_MEANWHILE: u32 = 32;

/// Bytes that show that a viewer reads. The kernel takes a few of a peer that reads nothing: there is room in its last
/// segment.
const PROGRESS: u64 = 1024;

/// Why a viewer is served no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It has closed, or broken the protocol.
    Left,
    /// It sent a message longer than allowed.
    TooLong,
    /// It took nothing for several deadlines.
    TooSlow,
    /// It said nothing for several pings.
    Silent,
    /// Somebody who manages the server has sent it away.
    SentAway,
    /// The server shuts down.
    Stopping,
}

/// The connection to a viewer, which is closed when it does not take or say anything for too long.
pub struct ViewerSocket {
    pub socket: Socket,
    pace: Pace,
    connection: Option<ConnectionHandle>,
    viewer: Arc<Viewer>,
    stop: CancellationToken,
    ended: CancellationToken,
    heard: Instant,
    /// Pings that wait for an answer; never more than are read while something is written.
    pongs_due: u32,
    /// The ping under way, and when it was sent.
    pinged: Option<(u32, Instant)>,
    pings: u32,
}

enum Step {
    Flushed(Result<(), Error>),
    Read(Option<Result<Message, Error>>),
}

impl ViewerSocket {
    pub fn new(
        socket: Socket,
        pace: Pace,
        connection: Option<ConnectionHandle>,
        viewer: Arc<Viewer>,
        stop: CancellationToken,
    ) -> Self {
        let (ended, heard) = (viewer.end_token().clone(), Instant::now());
        let (pongs_due, pinged, pings) = (0, None, 0);
        Self { socket, pace, connection, viewer, stop, ended, heard, pongs_due, pinged, pings }
    }

    /// Hands over a picture; how long that takes tells how long the next may.
    pub async fn send_picture(&mut self, message: Message) -> Result<(), Gone> {
        let begun = Instant::now();
        self.send_message(message).await?;
        self.pace.record_write(begun.elapsed());
        let ((write, rtt), deadline) = (self.pace.measured(), self.pace.deadline());
        self.viewer.set_timing(Timing { rtt, write, deadline });
        Ok(())
    }

    /// Hands over a message.
    pub async fn send_message(&mut self, message: Message) -> Result<(), Gone> {
        self.flush().await?; // answers to the protocol's own pings
        self.queue_pongs()?;
        Pin::new(&mut self.socket).start_send(message).map_err(|_| Gone::Left)?;
        self.flush().await
    }

    /// Hands over a text.
    pub async fn send_text(&mut self, text: String) -> Result<(), Gone> {
        self.send_message(Message::text(text)).await
    }

    /// Asks whether the viewer is there, in its own words and in the protocol's.
    pub async fn send_ping(&mut self, silence: Duration) -> Result<(), Gone> {
        if self.heard.elapsed() > silence {
            return Err(Gone::Silent);
        }
        self.pings = self.pings.wrapping_add(1);
        self.pinged = Some((self.pings, Instant::now()));
        let payload = Bytes::copy_from_slice(&self.pings.to_be_bytes());
        self.send_message(Message::ping(payload)).await
    }

    /// Reads a message, and waits for one if there is none. Cancel-safe.
    pub async fn read_message(&mut self) -> Result<(), Gone> {
        let read = tokio::select! {
            read = self.socket.next() => read,
            () = self.stop.cancelled() => return Err(Gone::Stopping),
            () = self.ended.cancelled() => return Err(Gone::SentAway),
        };
        self.handle_read(read)
    }

    /// Answers what was heard, also while something else was being written.
    pub async fn send_pongs(&mut self) -> Result<(), Gone> {
        self.flush().await?;
        while self.pongs_due > 0 {
            self.queue_pongs()?;
            self.flush().await?;
        }
        Ok(())
    }

    /// One for each ping.
    fn queue_pongs(&mut self) -> Result<(), Gone> {
        for _ in 0..std::mem::take(&mut self.pongs_due) {
            Pin::new(&mut self.socket)
                .start_send(Message::text(message::pong_message()))
                .map_err(|_| Gone::Left)?;
        }
        Ok(())
    }

    /// Whether a ping waits for its answer.
    pub fn has_pongs_due(&self) -> bool {
        self.pongs_due > 0
    }

    fn handle_read(&mut self, read: Option<Result<Message, Error>>) -> Result<(), Gone> {
        let message = match read {
            Some(Ok(message)) => message,
            Some(Err(Error::PayloadTooLong { .. })) => return Err(Gone::TooLong),
            Some(Err(_)) | None => return Err(Gone::Left),
        };
        if message.is_close() {
            return Err(Gone::Left);
        }
        self.heard = Instant::now();
        if let Some(text) = message.as_text() {
            self.pongs_due += u32::from(scan::parse_message(text) == Incoming::Ping);
        } else if message.is_pong()
            && let Some((number, at)) = self.pinged
            && message.as_payload()[..] == number.to_be_bytes()
        {
            self.pinged = None;
            self.pace.record_rtt(at.elapsed());
        }
        Ok(())
    }

    /// Writes what is under way; reads a little meanwhile, so that a viewer that leaves is noticed.
    async fn flush(&mut self) -> Result<(), Gone> {
        let mut may_read = READ_MEANWHILE.saturating_sub(self.pongs_due);
        let mut taken = self.taken_bytes();
        let deadline = sleep(self.pace.deadline());
        tokio::pin!(deadline);
        loop {
            let socket = &mut self.socket;
            let step = poll_fn(|cx| {
                // Reading goes first: one who takes pictures as fast as they come is heard all the same.
                if may_read > 0
                    && let Poll::Ready(read) = Pin::new(&mut *socket).poll_next(cx)
                {
                    return Poll::Ready(Step::Read(read));
                }
                Pin::new(&mut *socket).poll_flush(cx).map(Step::Flushed)
            });
            tokio::select! {
                biased;
                step = step => match step {
                    Step::Flushed(flushed) => return flushed.map_err(|_| Gone::Left),
                    Step::Read(read) => {
                        may_read -= 1;
                        self.handle_read(read)?;
                    }
                },
                () = self.stop.cancelled() => return Err(Gone::Stopping),
                () = self.ended.cancelled() => return Err(Gone::SentAway),
                () = &mut deadline => {
                    let now = self.taken_bytes();
                    if self.pace.record_miss(now - taken >= PROGRESS) {
                        return Err(Gone::TooSlow);
                    }
                    taken = now;
                    deadline.as_mut().reset(Instant::now() + self.pace.deadline());
                }
            }
        }
    }

    /// Bytes that the kernel has taken for this viewer.
    fn taken_bytes(&self) -> u64 {
        self.connection.as_ref().map_or(0, ConnectionHandle::written_bytes)
    }

    /// What is below it.
    pub fn connection(&self) -> Option<ConnectionHandle> {
        self.connection.clone()
    }
}
