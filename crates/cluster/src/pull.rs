//! A stream of another process, here: pulled over one connection while somebody needs it, newest picture first.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde::Deserialize;
use sightwire_api::stream::StreamState;
use sightwire_base::clock;
use sightwire_hub::picture::Stamp;
use sightwire_hub::stream::{Condition, Producer, State};
use sightwire_scan::relay as scan;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_websockets::{Message, Payload};

use crate::cluster::Cluster;
use crate::directory::Directory;
use crate::entry::{Entry, Token};
use crate::peer::Watch;
use crate::process::Record;

/// After this time without a word the owner is asked for one.
const ASK: Duration = Duration::from_secs(1);
/// After this time without a word the owner is not there.
const SILENT: Duration = Duration::from_millis(2500);
/// How soon a connection that ended is made again, doubled each time up to the second.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// A picture older than this has a clock that says nothing.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Messages that are passed over for a newer one, at most.
const AT_ONCE: u32 = 64;
/// Said of streams that are another's now.
const ANOTHER: &str = "another sends it now";
const MOVED: &str = "another process reads it now";
/// Said of a stream of which nothing is heard.
pub(crate) const NO_WORD: &str = "the process that has it does not answer";

/// Bounds on what is pulled.
#[derive(Clone, Copy, Debug)]
pub struct PullOptions {
    /// Of a picture, in bytes.
    pub max_picture: usize,
    /// A stream of which nothing is heard for this long is over, though nobody says so. `None`: it only stalls, as long as its
    /// process is known to have it.
    pub give_up: Option<Duration>,
}

/// How a connection ended.
#[derive(Debug)]
enum Over {
    /// The stream has ended, with this reason.
    Ended(Arc<str>),
    /// The connection broke; the stream may go on.
    Lost,
}

/// What the owner says beside pictures. Of anything else nothing needs to be known.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    state: Option<StreamState>,
    #[serde(default)]
    since_s: f64,
}

impl What {
    /// Whether that entry says that it is not the same stream any more.
    fn is_over(&self, now: &Entry) -> bool {
        match self {
            Self::Sent(token) => now.token > *token,
            Self::Camera { process, mark } => {
                now.process != *process || now.about.camera.as_deref() != Some(mark)
            }
        }
    }

    /// Whether what such a process sends is that: a camera is read by a lease, which all know of.
    fn is_sure(&self, entry: Option<&Arc<Entry>>) -> bool {
        match self {
            Self::Sent(_) => true,
            Self::Camera { .. } => entry.is_some_and(|entry| !self.is_over(entry)),
        }
    }

    /// Whether it is known not to be there any more, or elsewhere.
    fn is_gone(&self, directory: &Directory, stream: &str) -> bool {
        let entry = directory.streams.get(stream);
        let process = match self {
            Self::Sent(token) => entry.filter(|entry| entry.token == *token).map(|entry| &entry.process),
            Self::Camera { process, .. } => Some(process),
        };
        process.is_none_or(|process| !directory.processes.contains_key(process))
            || entry.is_some_and(|entry| self.is_over(entry))
    }
}

/// What is pulled.
#[derive(Clone, Debug)]
pub enum What {
    /// What somebody sends, by that lease.
    Sent(Token),
    /// A camera of that mark, which a process reads, or is to.
    Camera {
        /// The name of that process.
        process: Arc<str>,
        /// [Of the camera](Cluster::camera_mark).
        mark: Arc<str>,
    },
}

/// A stream that is pulled.
struct Pull<'a> {
    cluster: Arc<Cluster>,
    directory: watch::Receiver<Arc<Directory>>,
    stream: Arc<str>,
    what: What,
    producer: &'a mut Producer,
    options: PullOptions,
    /// What its owner said of itself last, and how far the common clock is ahead of that one's by it.
    about: Arc<str>,
    ahead_ms: Option<i64>,
    /// Since when there is a connection, and whether anything was told of the stream by it.
    connected: Instant,
    told: bool,
}

impl Cluster {
    /// Writes the pictures of another process's stream until that has ended there; why it has.
    pub async fn pull_stream(
        self: &Arc<Self>,
        stream: &Arc<str>,
        what: What,
        producer: &mut Producer,
        options: PullOptions,
    ) -> Arc<str> {
        let directory = self.directory();
        let (cluster, stream) = (self.clone(), stream.clone());
        let (about, ahead_ms) = ("".into(), None);
        let (connected, told) = (clock::now(), false);
        let mut pull =
            Pull { cluster, directory, stream, what, producer, options, about, ahead_ms, connected, told };
        pull.run().await
    }
}

impl Pull<'_> {
    async fn run(&mut self) -> Arc<str> {
        let mut heard = clock::now();
        let mut again = AGAIN[0];
        loop {
            let Some(process) = self.find_owner() else { return self.why_gone() };
            let begun = clock::now();
            let time = self.cluster.store_time();
            let max = self.options.max_picture;
            let connected = self.cluster.peers.watch_stream(&process, &self.stream, time, max).await;
            self.cluster.record_contact(&process, connected.as_ref().err());
            match connected {
                Ok(socket) => match self.watch_socket(socket, &process).await {
                    Over::Ended(reason) => return reason,
                    Over::Lost => {}
                },
                Err(why) => {
                    let (stream, process) = (&*self.stream, &*process.name);
                    tracing::debug!(stream, process, "it is not got from there: {why}");
                }
            }
            self.cluster.counts.pull_failures.fetch_add(1, Ordering::Relaxed);
            if let Some(newest) = self.producer.stream().newest() {
                heard = heard.max(newest.captured());
            }
            if self.options.give_up.is_some_and(|after| clock::since(heard) >= after) {
                return NO_WORD.into();
            }
            self.mark_stalled();
            again = if clock::since(begun) > AGAIN[1] { AGAIN[0] } else { (again * 2).min(AGAIN[1]) };
            // The process that has it may be known to be gone before that.
            let (stream, what) = (self.stream.clone(), self.what.clone());
            let gone = self.directory.wait_for(|directory| what.is_gone(directory, &stream));
            let _ = timeout(again, gone).await;
        }
    }

    /// Who has it, if that is still the same stream.
    fn find_owner(&mut self) -> Option<Arc<Record>> {
        let directory = self.directory.borrow_and_update();
        let entry = directory.streams.get(&self.stream);
        let process = match &self.what {
            What::Sent(token) => &entry.filter(|entry| entry.token == *token)?.process,
            What::Camera { process, .. } => process,
        };
        if entry.is_some_and(|entry| self.what.is_over(entry)) {
            return None;
        }
        directory.processes.get(process).cloned()
    }

    fn why_gone(&mut self) -> Arc<str> {
        match (&self.what, self.directory.borrow_and_update().streams.get(&self.stream)) {
            (What::Camera { .. }, _) => MOVED.into(),
            (What::Sent(_), Some(_)) => ANOTHER.into(),
            (What::Sent(_), None) => "its sender, or the process that had it, has left".into(),
        }
    }

    /// No picture is shown that may be old.
    fn mark_stalled(&self) {
        let state = self.producer.stream().state();
        if state.condition == Condition::Running {
            let since = self.producer.stream().newest().map_or(state.since, |newest| newest.captured());
            self.producer.set_state(State::new(Condition::Stalled, Some(NO_WORD), since));
        }
    }

    async fn watch_socket(&mut self, mut socket: Watch, process: &Record) -> Over {
        let (mut heard, mut directory) = (clock::now(), self.directory.clone());
        (self.connected, self.told) = (heard, false);
        loop {
            let silent = clock::since(heard);
            let (stream, what) = (self.stream.clone(), self.what.clone());
            let is_another = move |directory: &Arc<Directory>| {
                directory.streams.get(&stream).is_some_and(|entry| what.is_over(entry))
            };
            let another = async {
                // A process that knows of no more changes has none to tell of.
                if directory.wait_for(is_another).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                message = socket.next() => match message {
                    Some(Ok(message)) => {
                        heard = clock::now();
                        if self.is_not_there() {
                            return Over::Ended(NO_WORD.into());
                        }
                        if let Some(over) = self.newest_of(message, &mut socket, process).await {
                            return over;
                        }
                    }
                    Some(Err(_)) | None => return Over::Lost,
                },
                () = another => return Over::Ended(self.why_gone()),
                () = tokio::time::sleep(ASK.saturating_sub(silent)), if silent < ASK => {
                    let asked = socket.send(Message::text(r#"{"type":"ping"}"#));
                    if timeout(ASK, asked).await.is_ok_and(|asked| asked.is_err()) {
                        return Over::Lost;
                    }
                }
                () = tokio::time::sleep(SILENT.saturating_sub(silent)), if silent >= ASK => return Over::Lost,
            }
        }
    }

    /// A process that is asked for a camera that it does not know, or has no place for, says nothing of it.
    fn is_not_there(&self) -> bool {
        let is_sure = self.what.is_sure(self.directory.borrow().streams.get(&self.stream));
        !self.told
            && !is_sure
            && self.options.give_up.is_some_and(|after| clock::since(self.connected) >= after)
    }

    /// Takes what has come; of several pictures the last.
    async fn newest_of(&mut self, first: Message, socket: &mut Watch, process: &Record) -> Option<Over> {
        let mut picture = None;
        let (mut next, mut left) = (Some(first), AT_ONCE);
        while let Some(message) = next {
            left -= 1;
            if message.is_binary() {
                picture = Some(message.into_payload());
            } else if let Some(text) = message.as_text() {
                let said: Said = serde_json::from_str(text).unwrap_or_default();
                if said.kind == "ping" {
                    // What answers the pings of the protocol goes with it.
                    let answer = socket.send(Message::text(r#"{"type":"pong"}"#));
                    let _ = timeout(ASK, answer).await;
                } else if let Some(over) = self.handle_event(&said, picture.is_some()) {
                    return Some(over);
                }
            }
            // What comes faster than it is looked at is not waited for.
            if left == 0 {
                break;
            }
            next = match socket.next().now_or_never() {
                Some(Some(Ok(message))) => Some(message),
                // The end is seen by the task that waits for more.
                Some(Some(Err(_)) | None) | None => None,
            };
        }
        if let Some(picture) = picture {
            self.publish_picture(picture, process);
        }
        None
    }

    fn handle_event(&mut self, said: &Said, is_before_a_picture: bool) -> Option<Over> {
        match said.kind.as_str() {
            "stream_ended" => {
                let reason = said.reason.as_deref().unwrap_or("its sender has left");
                return Some(Over::Ended(reason.into()));
            }
            "stream_state" => {
                let condition = match said.state? {
                    StreamState::Stalled => Condition::Stalled,
                    StreamState::Frozen => Condition::Frozen,
                    StreamState::Starting if said.reason.is_some() && self.has_none() => Condition::Starting,
                    // It runs with its first picture, and ends with a message of its own.
                    _ => return None,
                };
                self.told |= condition != Condition::Starting;
                if !is_before_a_picture {
                    let since = Duration::try_from_secs_f64(said.since_s).unwrap_or_default();
                    let since = clock::now().checked_sub(since).unwrap_or_else(clock::now);
                    self.producer.set_state(State::new(condition, said.reason.as_deref(), since));
                }
            }
            _ => {}
        }
        None
    }

    fn has_none(&self) -> bool {
        self.producer.stream().newest().is_none()
    }

    fn publish_picture(&mut self, message: Payload, process: &Record) {
        if !self.what.is_sure(self.directory.borrow().streams.get(&self.stream)) {
            return;
        }
        self.told = true;
        let message: Bytes = message.into();
        let file = scan::read_binary(&message).ok();
        if file.is_none() && scan::read_as_it_came(&message).is_none() {
            return;
        }
        let (size, now) = (message.len(), clock::now());
        let number = |at: usize| message[at..at + 8].try_into().map(u64::from_be_bytes).unwrap_or_default();
        let (sequence, micros) = (number(4), number(12));
        let age = self.picture_age(process, micros).min(MAX_AGE);
        let captured = now.checked_sub(age).unwrap_or(now);
        let taken_at = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        self.mark_running(now);
        let stamp = Stamp { sequence, captured, taken_at };
        if let Some(range) = file {
            self.producer.publish_derived(message.slice(range), stamp);
        } else if let Some(url) = scan::read_as_it_came(&message) {
            let make = self.cluster.options().as_it_came;
            self.producer.publish(|sequence| make(&self.stream, url, sequence, stamp));
        }
        self.producer.count_bytes(size);
        let counts = &self.cluster.counts;
        counts.pulled_pictures.fetch_add(1, Ordering::Relaxed);
        counts.pulled_bytes.fetch_add(size as u64, Ordering::Relaxed);
    }

    /// How long ago it was that the owner's clock said that.
    fn picture_age(&mut self, process: &Record, unix_micros: u64) -> Duration {
        let known = self.cluster.current_directory();
        let about = known.processes.get(&process.name).map_or(&process.about, |now| &now.about);
        if self.about != *about {
            self.about = about.clone();
            self.ahead_ms =
                known.processes.get(&process.name).and_then(|now| self.cluster.said_by(now).ahead_ms);
        }
        let (Some(ahead), Some(now)) = (self.ahead_ms, self.cluster.store_time()) else {
            return Duration::ZERO;
        };
        let then = (unix_micros as i64).saturating_add(ahead.saturating_mul(1000));
        Duration::from_micros((now as i64).saturating_mul(1000).saturating_sub(then).max(0) as u64)
    }

    fn mark_running(&self, now: Instant) {
        if self.producer.stream().state().condition != Condition::Running {
            self.producer.set_state(State::new(Condition::Running, None, now));
        }
    }
}
