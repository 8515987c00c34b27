//! Asking another process. Both show with each question that they know the secret, and neither says it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sightwire_access::process::{ANSWER, Secret, Tag};
use sightwire_api::cluster::ChallengeAnswer;
use tokio::time::timeout;
use tokio_websockets::{ClientBuilder, Config, Limits, WebSocketStream};

use crate::cluster::ProcessReport;
use crate::dial::{Connection, Dial};
use crate::process::{Instance, Record};
use crate::store::StoreTime;

/// For a connection, and for what is agreed on over it.
const CONNECT: Duration = Duration::from_secs(2);
/// A sender has two seconds to show that it is there, and two to go if it does not; the rest is for the way.
const CHALLENGE: Duration = Duration::from_millis(4500);
/// Of a short answer, in bytes.
pub(crate) const MAX_ANSWER: usize = 64 << 10;
/// What a message has beside its picture, at most.
const MESSAGE_OVERHEAD: usize = 4 << 10;
/// Longest reason of another process that is said on, in characters.
const MAX_REASON: usize = 200;
/// What needs no percent sign in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why another process could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Nobody has told the time that all share yet.
    #[error("the time that all processes share is not known yet")]
    NoTime,
    /// What stands in the directory was not written by one who knows the secret.
    #[error("what the directory says of it was written by one who has another secret (cluster.secret_file)")]
    Record,
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[source] std::io::Error),
    /// It takes too long.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// What answers does not speak as it should.
    #[error("it does not answer as Sightwire does: {0}")]
    Protocol(String),
    /// The process that answers does not know the secret.
    #[error(
        "whoever answers there does not know the secret of this cluster (cluster.advertise_url, cluster.secret_file)"
    )]
    Stranger,
    /// It knows us and does not do it.
    #[error("it answers {0}: {1}")]
    Refused(StatusCode, String),
}

/// How this process asks the others.
#[derive(Debug)]
pub struct Peers {
    secret: Arc<Secret>,
    me: Instance,
    dial: Arc<dyn Dial>,
}

/// What the MAC of a record is of: nobody else can make a process's address another, or have it say something.
pub(crate) fn attested_text(process: &Record, said: &ProcessReport) -> String {
    let said =
        serde_json::to_string(&ProcessReport { mac: String::new(), ..said.clone() }).unwrap_or_default();
    let Record { name, instance, url, .. } = process;
    format!("{name}\n{instance}\n{url}\n{said}")
}

/// What is asked of another process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// For the connection and the whole answer.
    pub within: Duration,
    /// Of the answer, at most.
    pub max_bytes: usize,
}

/// A path or query with the name of a stream in it.
pub(crate) fn stream_path(before: &str, stream: &str, behind: &str) -> String {
    format!("{before}{}{behind}", utf8_percent_encode(stream, PATH))
}

/// A stream of another process as a viewer gets it.
pub(crate) type Watch = WebSocketStream<Connection>;

impl Peers {
    pub(crate) fn new(secret: Arc<Secret>, me: Instance, dial: Arc<dyn Dial>) -> Self {
        Self { secret, me, dial }
    }

    /// Whether a stream's sender is there; one that does not answer is sent away.
    pub(crate) async fn challenge_stream(
        &self,
        process: &Record,
        stream: &str,
        time: Option<StoreTime>,
    ) -> Result<bool, PeerError> {
        let target = stream_path("/api/v1/cluster/streams/", stream, "/challenge");
        let question = Question { method: "POST", target: &target, within: CHALLENGE, max_bytes: MAX_ANSWER };
        let answer = self.ask_question(process, question, time).await?;
        let answer: ChallengeAnswer =
            serde_json::from_slice(&answer).map_err(|wrong| PeerError::Protocol(wrong.to_string()))?;
        Ok(answer.live)
    }

    /// Asks something that has a short answer.
    pub(crate) async fn ask_question(
        &self,
        process: &Record,
        question: Question<'_>,
        time: Option<StoreTime>,
    ) -> Result<Bytes, PeerError> {
        let tag = self.sign_tag(process, question.method, question.target, time)?;
        let (status, body) = self.exchange(process, question, Some(&tag)).await?;
        if status.is_success() { Ok(body) } else { Err(refusal_error(status, &body)) }
    }

    /// Whether a process is one of ours, and answers. It is not shown that this one is.
    pub(crate) async fn check_reachable(&self, process: &Record) -> Result<(), PeerError> {
        self.said_by(process).ok_or(PeerError::Record)?;
        let question = Question { method: "GET", target: "/livez", within: CONNECT, max_bytes: MAX_ANSWER };
        match self.exchange(process, question, None).await? {
            (StatusCode::OK, body) if &*body == b"ok" => Ok(()),
            (StatusCode::OK, _) => Err(PeerError::Protocol("what it says at /livez is not \"ok\"".into())),
            (status, body) => Err(refusal_error(status, &body)),
        }
    }

    /// A question over a connection of its own, and the whole answer. With a tag, the process that answers has to know the secret, too.
    async fn exchange(
        &self,
        process: &Record,
        question: Question<'_>,
        tag: Option<&Tag>,
    ) -> Result<(StatusCode, Bytes), PeerError> {
        let Question { method, target, within, max_bytes } = question;
        let mut request = Request::builder().method(method).uri(target).header(HOST, url_authority(process)?);
        if let Some(tag) = tag {
            request = request.header(AUTHORIZATION, tag.to_string());
        }
        let request =
            request.body(Empty::<Bytes>::new()).map_err(|wrong| PeerError::Protocol(wrong.to_string()))?;
        let broken = |wrong: hyper::Error| PeerError::Protocol(wrong.to_string());
        let asked = async {
            let connection = self.connect(process).await?;
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(connection)).await.map_err(broken)?;
            let answered = async {
                let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
                // A process that does not know us, or has no place for us, has not looked at what we say.
                let is_known =
                    !matches!(head.status, StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE);
                if let Some(tag) = tag.filter(|_| is_known) {
                    self.check_answer(tag, &head.headers)?;
                }
                // Of one who may be anybody, no more than what is wrong.
                let body = Limited::new(body, if is_known { max_bytes } else { MAX_ANSWER }).collect().await;
                let body = body.map_err(|wrong| PeerError::Protocol(wrong.to_string()))?;
                Ok((head.status, body.to_bytes()))
            };
            tokio::pin!(answered);
            tokio::select! {
                biased;
                answered = &mut answered => answered,
                // It may have said all before.
                _ = connection => answered.await,
            }
        };
        timeout(within, asked).await.map_err(|_| PeerError::Late(within))?
    }

    /// Watches a stream as a viewer of `sightwire.v1` does.
    pub(crate) async fn watch_stream(
        &self,
        process: &Record,
        stream: &str,
        time: Option<StoreTime>,
        max_picture: usize,
    ) -> Result<Watch, PeerError> {
        let target = stream_path("/ws/view?streams=", stream, "");
        let limit = max_picture + MESSAGE_OVERHEAD;
        self.open_websocket(process, &target, time, Some("sightwire.v1"), limit).await
    }

    /// Opens a WebSocket, with that protocol if one is named, for messages of this many bytes at most.
    pub(crate) async fn open_websocket(
        &self,
        process: &Record,
        target: &str,
        time: Option<StoreTime>,
        spoken: Option<&'static str>,
        limit: usize,
    ) -> Result<Watch, PeerError> {
        let tag = self.sign_tag(process, "GET", target, time)?;
        let authority = url_authority(process)?;
        let protocol = |wrong: &dyn std::fmt::Display| PeerError::Protocol(wrong.to_string());
        let connection = self.connect(process).await?;
        let tag_value = HeaderValue::from_str(&tag.to_string()).map_err(|wrong| protocol(&wrong))?;
        let agreed = async {
            // How it is encrypted is settled by now.
            let mut builder = ClientBuilder::new()
                .uri(&format!("ws://{authority}{target}"))
                .map_err(|wrong| protocol(&wrong))?;
            if let Some(spoken) = spoken {
                builder = builder
                    .add_header(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(spoken))
                    .map_err(|wrong| protocol(&wrong))?;
            }
            builder
                .add_header(AUTHORIZATION, tag_value)
                .map_err(|wrong| protocol(&wrong))?
                .config(Config::default().flush_threshold(1))
                .limits(Limits::default().max_payload_len(Some(limit)))
                .connect_on(connection)
                .await
                .map_err(|wrong| protocol(&wrong))
        };
        let (socket, answer) = timeout(CONNECT, agreed).await.map_err(|_| PeerError::Late(CONNECT))??;
        self.check_answer(&tag, answer.headers())?;
        let agreed = answer.headers().get(SEC_WEBSOCKET_PROTOCOL);
        if let Some(spoken) = spoken.filter(|spoken| agreed.is_none_or(|agreed| agreed != spoken)) {
            return Err(PeerError::Protocol(format!("it does not speak {spoken}")));
        }
        Ok(socket)
    }

    /// What a process says of itself, if it was that one.
    pub(crate) fn said_by(&self, process: &Record) -> Option<ProcessReport> {
        let said: ProcessReport = serde_json::from_str(&process.about).ok()?;
        self.secret.is_valid_mac("process", &attested_text(process, &said), &said.mac).then_some(said)
    }

    fn sign_tag(
        &self,
        process: &Record,
        method: &str,
        target: &str,
        time: Option<StoreTime>,
    ) -> Result<Tag, PeerError> {
        self.said_by(process).ok_or(PeerError::Record)?;
        let time = time.ok_or(PeerError::NoTime)?;
        Ok(Tag::sign(&self.secret, self.me.into(), process.instance.into(), time, method, target))
    }

    /// Whether the process that answered knows the secret, too.
    fn check_answer(&self, tag: &Tag, headers: &HeaderMap) -> Result<(), PeerError> {
        let answer = headers.get(ANSWER).and_then(|answer| answer.to_str().ok());
        let known = answer.is_some_and(|answer| tag.is_answered_by(&self.secret, answer));
        known.then_some(()).ok_or(PeerError::Stranger)
    }

    async fn connect(&self, process: &Record) -> Result<Connection, PeerError> {
        let dialed = timeout(CONNECT, self.dial.dial(&process.url)).await;
        dialed.map_err(|_| PeerError::Late(CONNECT))?.map_err(PeerError::Connect)
    }
}

fn url_authority(process: &Record) -> Result<String, PeerError> {
    let uri: Option<Uri> = process.url.parse().ok();
    let authority = uri.and_then(|uri| uri.authority().map(ToString::to_string));
    authority.ok_or_else(|| PeerError::Protocol("its address is none".into()))
}

/// In its own words, so far as they are to be repeated.
fn refusal_error(status: StatusCode, body: &[u8]) -> PeerError {
    #[derive(serde::Deserialize)]
    struct Detail {
        detail: String,
    }
    let said = serde_json::from_slice(body).map_or_else(|_| String::new(), |Detail { detail }| detail);
    PeerError::Refused(status, said.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::dial::Dialing;

    /// Answers each question with this.
    #[derive(Debug)]
    struct Says(&'static str);

    impl Dial for Says {
        fn dial<'a>(&'a self, _url: &'a str) -> Dialing<'a> {
            let (near, mut far) = tokio::io::duplex(1 << 10);
            let answer = self.0;
            Box::pin(async move {
                tokio::spawn(async move {
                    far.read_exact(&mut [0; 4]).await.unwrap();
                    far.write_all(answer.as_bytes()).await.unwrap();
                });
                Ok(Box::new(near) as Connection)
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_place_for_us_is_no_stranger() {
        let secret = Arc::new(Secret::new("known to all of these and to nobody else").unwrap());
        let (mut said, instance) = (ProcessReport::default(), Instance::random());
        let mut record =
            Record { name: "b".into(), instance, url: "http://b:1".into(), about: Arc::default() };
        said.mac = secret.mac("process", &attested_text(&record, &said));
        record.about = serde_json::to_string(&said).unwrap().into();
        let ask = async |answer| {
            let peers = Peers::new(secret.clone(), Instance::random(), Arc::new(Says(answer)));
            let question = Question { method: "GET", target: "/x", within: CONNECT, max_bytes: MAX_ANSWER };
            peers.ask_question(&record, question, Some(1)).await.unwrap_err()
        };
        let full = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 18\r\n\r\n{\"detail\":\"full.\"}";
        let why = ask(full).await;
        assert!(
            matches!(&why, PeerError::Refused(StatusCode::SERVICE_UNAVAILABLE, said) if said == "full."),
            "{why}"
        );
        let why = ask("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        assert!(matches!(why, PeerError::Stranger), "{why}");
    }
}
