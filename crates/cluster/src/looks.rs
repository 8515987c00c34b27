//! What another process sees in a stream that it has: its model looks, once for all processes, and this one shows the same.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sightwire_api::detect::{Detections, StreamEvent};
use tokio::time::timeout;
use tokio_websockets::Message;

use crate::cluster::Cluster;
use crate::peer::{PeerError, Watch, stream_path};

/// Least confidence of what is told: a process that shows it filters for itself.
const LEAST_CONFIDENCE: f32 = 0.1;
/// The other says something at least every ten seconds.
const SILENT: Duration = Duration::from_secs(25);
/// Of what is told of one frame, in bytes: 300 objects and 256 tracks take a quarter.
const MAX_MESSAGE: usize = 512 << 10;

/// A connection by which another process tells what it sees.
pub struct Looks {
    socket: Watch,
}

impl std::fmt::Debug for Looks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looks").finish_non_exhaustive()
    }
}

impl Cluster {
    /// Has that process look at a stream at this rate, every `skip_frames`-th picture of `fps` a second.
    pub async fn open_looks(
        &self,
        process: &str,
        stream: &str,
        (fps, skip_frames): (u8, u8),
    ) -> Result<Looks, PeerError> {
        let record = self.current_directory().processes.get(process).cloned();
        let gone = || PeerError::Connect(std::io::Error::other("it is not one of the processes any more"));
        let query = format!("/detections?conf={LEAST_CONFIDENCE}&fps={fps}&skip_frames={skip_frames}");
        let target = stream_path("/api/v1/streams/", stream, &query);
        let record = record.ok_or_else(gone)?;
        let socket =
            self.peers.open_websocket(&record, &target, self.store_time(), None, MAX_MESSAGE).await?;
        Ok(Looks { socket })
    }
}

impl Looks {
    /// What is told next: of several the newest. `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Detections> {
        loop {
            let first = timeout(SILENT, self.socket.next()).await.ok()??.ok()?;
            let mut newest = read_detections(&first);
            while let Some(Some(Ok(message))) = self.socket.next().now_or_never() {
                newest = read_detections(&message).or(newest);
            }
            if newest.is_some() {
                return newest;
            }
        }
    }
}

fn read_detections(message: &Message) -> Option<Detections> {
    match serde_json::from_str(message.as_text()?).ok()? {
        StreamEvent::Detections(detections) => Some(detections),
        StreamEvent::State(_) => None,
    }
}
