//! Streams that have ended, for an hour: who sent them, when, and why they are over.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sightwire_api::stream::EndedStream;
use sightwire_base::address::format_peer;
use sightwire_base::clock;

use super::{End, Sender};
use crate::known::Known;

/// A stream that has ended is remembered for this long.
const KEPT: Duration = Duration::from_secs(3600);
/// Of more ended streams than these the older ones are forgotten: a sender that comes and goes each second does not fill the
/// memory.
const MOST: usize = 200;

/// The last ones, the oldest first.
#[derive(Debug, Default)]
pub struct Gone(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    streams: VecDeque<Arc<GoneStream>>,
    next: u64,
}

#[derive(Debug)]
struct GoneStream {
    number: u64,
    at: Instant,
    id: Arc<str>,
    began: SystemTime,
    ended: SystemTime,
    frames: u64,
    peer: Option<SocketAddr>,
    who: Option<Known>,
    why: End,
}

impl Gone {
    /// A sender's stream is over.
    pub(super) fn record_end(&self, sender: &Sender, why: End) {
        let (at, ended) = (clock::now(), SystemTime::now());
        let lasted = at.saturating_duration_since(sender.began);
        let mut kept = self.0.lock();
        let number = kept.next;
        kept.next += 1;
        if kept.streams.len() == MOST {
            kept.streams.pop_front();
        }
        kept.streams.push_back(Arc::new(GoneStream {
            number,
            at,
            id: sender.id.clone(),
            began: ended.checked_sub(lasted).unwrap_or(ended),
            ended,
            frames: sender.stream.counters().pictures.load(Ordering::Relaxed),
            peer: sender.peer,
            who: sender.who.clone(),
            why,
        }));
    }

    /// By a number that no other one has.
    pub fn all(&self) -> Vec<(u64, EndedStream)> {
        let now = clock::now();
        let mut kept = self.0.lock();
        while kept.streams.front().is_some_and(|oldest| now.saturating_duration_since(oldest.at) > KEPT) {
            kept.streams.pop_front();
        }
        let streams: Vec<_> = kept.streams.iter().cloned().collect();
        drop(kept);
        streams.iter().map(|gone| (gone.number, gone.report())).collect()
    }
}

impl GoneStream {
    fn report(&self) -> EndedStream {
        let unix =
            |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        EndedStream {
            began: unix(self.began),
            by: self.who.as_ref().map(|who| who.name().to_owned()),
            ended: unix(self.ended),
            id: self.id.to_string(),
            peer: self.peer.map(format_peer),
            pictures: self.frames,
            reason: self.why.reason().to_owned(),
        }
    }
}
