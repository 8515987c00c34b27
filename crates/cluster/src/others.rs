//! What other processes say of their streams: asked when somebody wants to know, all of them at once, and once for all who want
//! to know it meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use parking_lot::Mutex;
use sightwire_api::stream::{RelayProtocol, Stream, StreamKind, StreamState, Streams};
use sightwire_base::clock;

use crate::cluster::Cluster;
use crate::directory::Directory;
use crate::entry::{About, Entry};
use crate::peer::{MAX_ANSWER, PeerError, Question, stream_path};
use crate::pull::NO_WORD;

/// One that does not answer within this is not waited for.
const ANSWERS: Duration = Duration::from_secs(1);
/// Of a list of streams, in bytes: some thousands of them.
const MAX_LIST: usize = 4 << 20;
/// Of one stream with all who watch it.
const MAX_STREAM: usize = 1 << 20;
/// What was asked so shortly before is not asked again.
const MOMENT: Duration = Duration::from_millis(200);
/// What was told this long ago may not be so any more.
const TOLD_FOR: Duration = Duration::from_secs(3);

const LIST: &str = "/api/v1/streams";
const ONE: &str = "/api/v1/streams/";

/// What the others said last.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// The task that has it asks; all others wait for what that one is told.
    asking: tokio::sync::Mutex<()>,
    told: Mutex<Told>,
}

#[derive(Clone, Debug, Default)]
struct Told {
    asked: Option<Instant>,
    answered: Option<Instant>,
    /// By which they were asked.
    directory: Arc<Directory>,
    streams: Arc<[Stream]>,
}

impl Cluster {
    /// Streams of other processes, each as its process tells of it, with the name of that. Where one does not answer within a
    /// second, its streams are told of as the directory knows them, as stalled.
    pub async fn ask_for_streams(&self) -> Arc<[Stream]> {
        let came = clock::now();
        let _turn = self.others.asking.lock().await;
        let told = self.others.told.lock().clone();
        let is_new = told.asked.is_some_and(|asked| clock::since(asked) <= MOMENT)
            && Arc::ptr_eq(&told.directory, &self.current_directory());
        if is_new || told.answered.is_some_and(|answered| answered > came) {
            return told.streams;
        }
        let (asked, directory) = (Some(clock::now()), self.current_directory());
        let streams = self.ask_all(&directory).await;
        let told = Told { asked, answered: Some(clock::now()), directory, streams: streams.clone() };
        *self.others.told.lock() = told;
        streams
    }

    /// As [`Self::ask_for_streams`] was answered last. Nobody is asked: nothing, if that is more than some seconds ago.
    pub fn told_of_streams(&self) -> Arc<[Stream]> {
        let told = self.others.told.lock();
        let is_so = told.answered.is_some_and(|answered| clock::since(answered) <= TOLD_FOR);
        if is_so { told.streams.clone() } else { Arc::default() }
    }

    /// A stream of another process and who watches it there, but for this process, as that one tells of it; `None` if it has just
    /// ended. Where that one does not answer within a second, the stream is told of as the directory knows it, as stalled.
    pub async fn ask_for_stream(&self, entry: &Entry) -> Option<Stream> {
        let target = stream_path(ONE, &entry.stream, "");
        let question = Question { method: "GET", target: &target, within: ANSWERS, max_bytes: MAX_STREAM };
        let told =
            self.ask_owner(&entry.process, question).await.and_then(|answer| parse_answer::<Stream>(&answer));
        match told {
            Ok(stream) => Some(of_process(stream, &entry.process)),
            Err(PeerError::Refused(StatusCode::NOT_FOUND, _)) => None,
            Err(why) => Some(Stream { viewer_list: Some(Vec::new()), ..silent_stream(entry, &why) }),
        }
    }

    /// Has the process that has a stream end it; whether there was one.
    pub async fn ask_to_end(&self, entry: &Entry) -> Result<bool, PeerError> {
        let target = stream_path(ONE, &entry.stream, "");
        let question = Question { method: "DELETE", target: &target, within: ANSWERS, max_bytes: MAX_ANSWER };
        match self.ask_owner(&entry.process, question).await {
            Ok(_) => Ok(true),
            Err(PeerError::Refused(StatusCode::NOT_FOUND, _)) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// Has all other processes close a camera, which they know by its mark; those that could not be asked, and why.
    pub async fn ask_all_to_end_camera(&self, camera: &str, mark: &str) -> Vec<(Arc<str>, PeerError)> {
        let (directory, target) =
            (self.current_directory(), stream_path("/api/v1/cluster/streams/", camera, "/end-camera/"));
        let target = stream_path(&target, mark, "");
        let others =
            directory.processes.values().filter(|other| other.instance != self.own_record().instance);
        let asked = others.map(async |other| {
            let question =
                Question { method: "POST", target: &target, within: ANSWERS, max_bytes: MAX_ANSWER };
            let failed = self.peers.ask_question(other, question, self.store_time()).await.err();
            failed.map(|why| (other.name.clone(), why))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Has a process give its cameras to the others; whether there is one of that name.
    pub async fn ask_to_drain(&self, name: &str) -> Result<bool, PeerError> {
        if *name == *self.own_record().name {
            self.drain_cameras();
            return Ok(true);
        }
        if !self.current_directory().processes.contains_key(name) {
            return Ok(false);
        }
        let target = stream_path("/api/v1/cluster/processes/", name, "/drain");
        let question = Question { method: "POST", target: &target, within: ANSWERS, max_bytes: MAX_ANSWER };
        self.ask_owner(name, question).await.map(|_| true)
    }

    async fn ask_all(&self, directory: &Directory) -> Arc<[Stream]> {
        let mut by_process: BTreeMap<&Arc<str>, BTreeMap<&str, &Entry>> = BTreeMap::new();
        for entry in directory.streams.values().filter(|entry| !self.is_mine(entry)) {
            by_process.entry(&entry.process).or_default().insert(&entry.stream, entry);
        }
        let asked = by_process.into_iter().map(async |(process, entries)| {
            let question = Question { method: "GET", target: LIST, within: ANSWERS, max_bytes: MAX_LIST };
            let told =
                self.ask_owner(process, question).await.and_then(|answer| parse_answer::<Streams>(&answer));
            match told {
                Ok(told) => {
                    let own = told.streams.into_iter().filter(|stream| entries.contains_key(&*stream.id));
                    own.map(|stream| of_process(stream, process)).collect()
                }
                Err(why) => {
                    tracing::debug!(process = &**process, "it does not tell of its streams: {why}");
                    entries.values().map(|entry| silent_stream(entry, &why)).collect::<Vec<Stream>>()
                }
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn ask_owner(&self, process: &str, question: Question<'_>) -> Result<Bytes, PeerError> {
        let record = self.current_directory().processes.get(process).cloned();
        let gone = || PeerError::Connect(std::io::Error::other("it is not one of the processes any more"));
        self.peers.ask_question(&*record.ok_or_else(gone)?, question, self.store_time()).await
    }
}

fn parse_answer<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T, PeerError> {
    serde_json::from_slice(answer).map_err(|wrong| PeerError::Protocol(wrong.to_string()))
}

/// A stream as its process tells of it, told on.
fn of_process(stream: Stream, process: &Arc<str>) -> Stream {
    let name = || Some(process.to_string());
    let mut stream = Stream { process: name(), ..stream };
    stream.viewer_list.iter_mut().flatten().for_each(|viewer| viewer.process = name());
    stream
}

/// A stream whose process says nothing of it.
fn silent_stream(entry: &Entry, why: &PeerError) -> Stream {
    let reason = match why {
        PeerError::Connect(_) | PeerError::Late(_) => NO_WORD.to_owned(),
        other => format!("the process that has it cannot be asked: {other}"),
    };
    let (About { mode, binary, .. }, camera) = (&entry.about, entry.about.is_camera());
    Stream {
        id: entry.stream.to_string(),
        kind: if camera { StreamKind::Camera } else { StreamKind::Relay },
        mode: (!camera).then_some(*mode),
        name: entry.stream.to_string(),
        peer: (!camera).then_some(None),
        process: Some(entry.process.to_string()),
        protocol: (!camera).then_some(if *binary { RelayProtocol::Binary } else { RelayProtocol::Text }),
        reason: Some(reason),
        state: StreamState::Stalled,
        ..Stream::default()
    }
}
