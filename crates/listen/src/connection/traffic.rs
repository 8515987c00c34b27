//! What goes over a connection: requests and answers, and from a certain answer on the frames of a WebSocket.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use super::ConnectionHandle;
use crate::frames::{Frames, Head};
use crate::receive::{FREE_BYTES, Holding, Receiving};

/// Bytes of a WebSocket's frames that are read before other connections have their turn.
pub const TURN_BYTES: usize = 128 << 10;
/// This many frames are a turn, however short: whatever library reads them handles all that it has without a pause.
const TURN_FRAMES: usize = 32;
/// Requests have a turn of an eighth, since they are short; frames too while the memory for messages is scarce, so that
/// those that were given up are gone soon.
const SHORT_TURNS: usize = 8;
const MIN_PIECE: usize = 256;

impl ConnectionHandle {
    /// Whether it ended because the peer took nothing for as long as it may.
    pub fn was_given_up(&self) -> bool {
        self.shared.given_up.load(Ordering::Acquire)
    }
}

/// Why a WebSocket is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message did not arrive whole in time.
    TimedOut,
    /// All unfinished messages together are too long, and this is the longest.
    NoRoom,
}

impl Fault {
    /// The whole close frame that says so.
    pub fn close_frame(self) -> Vec<u8> {
        let (code, reason): (u16, &str) = match self {
            Fault::TimedOut => (1008, "A message did not arrive whole in time."),
            Fault::NoRoom => {
                (1013, "Too much is arriving at once; try again later, or send smaller messages.")
            }
        };
        let mut frame = vec![0x88, 2 + reason.len() as u8];
        frame.extend(code.to_be_bytes());
        frame.extend(reason.as_bytes());
        frame
    }
}

/// What goes over one connection, as far as its state has to be known.
#[derive(Debug)]
pub enum Traffic {
    /// The head of the request that came last, if nothing was answered since.
    Http(Head),
    /// The frames that follow when it has become a WebSocket.
    WebSocket(Box<WebSocket>),
}

/// A WebSocket's frames in both directions.
#[derive(Debug)]
pub struct WebSocket {
    received: Frames,
    /// The answer with which it began has to go out first.
    answer: Head,
    sent: Frames,
    holding: Holding,
    /// What is read next at most.
    piece: usize,
    /// Since when a message is unfinished.
    begun: Instant,
    /// There is one while a message is unfinished, and for a while afterwards.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Traffic {
    /// Becomes a WebSocket with the answer that is written now; `None` if frames came before it.
    pub fn become_websocket(&mut self, receiving: &Arc<Receiving>) -> Option<()> {
        if matches!(self, Traffic::Http(head) if !head.is_all()) {
            return None;
        }
        *self = Traffic::WebSocket(Box::new(WebSocket {
            received: Frames::default(),
            answer: Head::default(),
            sent: Frames::default(),
            holding: Holding::new(receiving.clone()),
            piece: TURN_BYTES,
            begun: Instant::now(),
            timer: None,
        }));
        Some(())
    }

    /// Takes note of what came, and says how much of a turn of [`TURN_BYTES`] that was.
    pub fn record_received(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        match self {
            Traffic::Http(head) => {
                head.pass(bytes);
                Ok(bytes.len() * SHORT_TURNS)
            }
            Traffic::WebSocket(socket) => socket.record_received(bytes),
        }
    }

    /// Takes note of what was written; the bytes of messages among them.
    pub fn record_written(&mut self, bytes: &[u8]) -> usize {
        match self {
            Traffic::Http(head) => {
                *head = Head::default();
                0
            }
            Traffic::WebSocket(socket) => socket.sent.pass(socket.answer.pass(bytes)) as usize,
        }
    }

    /// Whether it is a WebSocket of whose peer a message comes that is too long for somebody who is not known.
    pub fn is_long(&self) -> bool {
        matches!(self, Traffic::WebSocket(socket) if socket.received.announced_bytes() > FREE_BYTES as u64)
    }

    /// What is to come of the frame that arrives.
    pub fn bytes_left(&self) -> u64 {
        match self {
            Traffic::Http(_) => 0,
            Traffic::WebSocket(socket) => socket.received.bytes_left(),
        }
    }

    /// Bytes that do not go beyond the frame that arrives.
    pub fn missing_bytes(&self) -> u64 {
        match self {
            Traffic::Http(_) => u64::MAX,
            Traffic::WebSocket(socket) => socket.received.missing_bytes(),
        }
    }

    /// Messages that have come whole.
    pub fn unit_count(&self) -> u64 {
        match self {
            Traffic::Http(_) => 0,
            Traffic::WebSocket(socket) => socket.received.unit_count(),
        }
    }

    /// Whether there is room for more; else the task is woken when there is.
    pub fn has_room(&self, cx: &mut Context<'_>) -> bool {
        match self {
            Traffic::Http(_) => true,
            Traffic::WebSocket(socket) => socket.holding.poll_room(cx).is_ready(),
        }
    }

    /// How many bytes may be read at once: about as many as have [`TURN_FRAMES`] frames, going by what came last.
    pub fn piece_size(&self) -> usize {
        match self {
            Traffic::Http(_) => usize::MAX,
            Traffic::WebSocket(socket) => socket.piece,
        }
    }

    /// Whether a frame may be written now without cutting another in two.
    pub fn is_between_frames(&self) -> bool {
        matches!(self, Traffic::WebSocket(socket) if socket.answer.is_over() && !socket.sent.is_within_frame())
    }

    /// Whether it has to be given up; else the task is woken when it has to be.
    pub fn poll_fault(&mut self, cx: &mut Context<'_>) -> Option<Fault> {
        let Traffic::WebSocket(socket) = self else { return None };
        if socket.holding.poll_given_up(cx).is_ready() {
            return Some(Fault::NoRoom);
        }
        socket.poll_timeout(cx)
    }
}

impl WebSocket {
    fn record_received(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let (was_within, units) = (self.received.is_within(), self.received.unit_count());
        let ended = self.received.ended_frames();
        self.received.pass(bytes);
        if self.received.is_within() && !(was_within && self.received.unit_count() == units) {
            self.begun = Instant::now();
        }
        let frames = (self.received.ended_frames() - ended) as usize;
        // A frame on its way is read as fast as it comes.
        self.piece = bytes
            .len()
            .checked_div(frames)
            .map_or(TURN_BYTES, |length| (length * TURN_FRAMES).clamp(MIN_PIECE, TURN_BYTES));
        self.holding.set_bytes(self.received.held_bytes() as usize).map_err(|_| Fault::NoRoom)?;
        let weight = if self.holding.receiving().is_half_used() { SHORT_TURNS } else { 1 };
        Ok((bytes.len() * weight).max(frames * (TURN_BYTES / TURN_FRAMES)))
    }

    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Option<Fault> {
        let timeout = self.holding.receiving().timeout();
        if self.timer.is_none() && self.received.is_within() {
            self.timer = Some(Box::pin(tokio::time::sleep_until(self.begun + timeout)));
        }
        while let Some(timer) = &mut self.timer {
            let Poll::Ready(()) = timer.as_mut().poll(cx) else { return None };
            if !self.received.is_within() {
                self.timer = None;
            } else if self.begun.elapsed() >= timeout {
                self.holding.receiving().count_timeout();
                return Some(Fault::TimedOut);
            } else {
                timer.as_mut().reset(self.begun + timeout);
            }
        }
        None
    }
}
