//! Who sends a stream, and why it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_api::stream::{self as api, AnalysisMode, RelayProtocol};
use sightwire_base::address::format_peer;
use sightwire_base::clock;
use sightwire_hub::stream::Stream;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::known::Known;

/// What comes so soon after it was asked was sent before.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// Who sends a stream, for as long as the connection lasts.
#[derive(Debug)]
pub struct Sender {
    /// Name of the stream.
    pub id: Arc<str>,
    /// No other sender has it, before or after.
    pub number: u64,
    /// How closely the stream is looked at.
    pub mode: AnalysisMode,
    /// Whether pictures come as binary messages.
    pub binary: bool,
    /// Address and port that it connects from, where known.
    pub peer: Option<SocketAddr>,
    /// Its key or user.
    pub who: Option<Known>,
    /// Messages that should have been frames.
    pub bad: AtomicU64,
    /// Pictures over the rate.
    pub dropped: AtomicU64,
    /// Where its pictures go.
    pub stream: Arc<Stream>,
    /// Asks the sender whether it is still there.
    pub challenge: Notify,
    /// When its stream began.
    pub(crate) began: Instant,
    /// When it was asked last.
    pub(crate) challenged: Mutex<Option<Instant>>,
    pub(crate) heard: watch::Sender<u64>,
    pub(crate) end: Mutex<Option<End>>,
    pub(crate) ended: CancellationToken,
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its sender closed the connection, or lost it.
    Left,
    /// Too many messages that were not frames.
    BadFrames,
    /// No frame for too long.
    Silent,
    /// A message longer than allowed.
    TooLong,
    /// Its sender did not answer when somebody else wanted to send it.
    Replaced,
    /// Somebody who manages the server ended it.
    Administrator,
    /// The server shuts down.
    Stopping,
}

impl End {
    /// For viewers and for the log.
    pub fn reason(self) -> &'static str {
        match self {
            End::Left => "its sender has left",
            End::BadFrames => "its sender sent too many messages that are no frames",
            End::Silent => "its sender sent no frame for too long",
            End::TooLong => "its sender sent a message that is too long",
            End::Replaced => "its sender did not answer, and another took its place",
            End::Administrator => "it was ended by an administrator",
            End::Stopping => "the server stops",
        }
    }
}

impl Sender {
    /// The sender has sent something, or answered. What was on its way before it was asked shows nothing: a goodbye may come
    /// after it.
    pub fn record_activity(&self, answered: bool) {
        let asked = *self.challenged.lock();
        if answered || asked.is_some_and(|asked| clock::since(asked) >= ON_ITS_WAY) {
            self.heard.send_modify(|count| *count += 1);
        }
    }

    /// Ends it, for the first reason that anybody has.
    pub fn end(&self, why: End) {
        self.end.lock().get_or_insert(why);
        self.ended.cancel();
    }

    /// Cancelled when it has to end.
    pub fn end_token(&self) -> &CancellationToken {
        &self.ended
    }

    /// Why it ends, if it does.
    pub fn end_reason(&self) -> Option<End> {
        *self.end.lock()
    }

    /// What is known of the sender, into the report of its stream.
    pub(crate) fn report_in(&self, stream: &mut api::Stream) {
        stream.mode = Some(self.mode);
        stream.protocol = Some(if self.binary { RelayProtocol::Binary } else { RelayProtocol::Text });
        stream.peer = Some(self.peer.map(format_peer));
        stream.bad = Some(self.bad.load(Ordering::Relaxed));
        stream.dropped = Some(self.dropped.load(Ordering::Relaxed));
    }
}
