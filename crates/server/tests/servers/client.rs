//! A WebSocket client that does just what it is told, right or wrong.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep, timeout};

/// Kinds of frames.
pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BYTES: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// Pictures as binary messages.
pub const BINARY: &str = "sightwire.v1";

/// Who waits in vain fails after this time; the clock is paused, so that is at once.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often a slow reader takes its share.
const SIP: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Text(String),
    Bytes(Bytes),
    Ping,
    Pong(Bytes),
    /// The goodbye: its code and reason.
    Close(u16, String),
    /// The end of the connection.
    Gone,
}

impl What {
    /// The JSON of a text.
    pub fn json(&self) -> Option<Value> {
        match self {
            Self::Text(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }

    /// Whether it is a JSON message of that type.
    pub fn is(&self, kind: &str) -> bool {
        self.json().is_some_and(|json| json["type"] == kind)
    }
}

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// The subprotocol that it offers.
    pub protocol: Option<&'static str>,
    /// Whether it answers pings and goodbyes of the protocol.
    pub answers: bool,
}

pub const POLITE: Manners = Manners { protocol: None, answers: true };
/// Gives no sign of life.
pub const MUTE: Manners = Manners { answers: false, ..POLITE };
/// Sends and gets pictures as binary messages.
pub const MODERN: Manners = Manners { protocol: Some(BINARY), ..POLITE };

/// How much is read.
#[derive(Clone, Copy, Debug)]
pub enum Reading {
    All,
    Nothing,
    PerSecond(usize),
}

/// One connection. It is gone without a word when it is dropped.
pub struct Client {
    pub peer: SocketAddr,
    /// All that was heard and looked at so far, and when it came.
    pub heard: Vec<(Instant, What)>,
    out: Arc<Mutex<WriteHalf<DuplexStream>>>,
    incoming: mpsc::UnboundedReceiver<(Instant, What)>,
    reading: watch::Sender<Reading>,
    reader: JoinHandle<()>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// One frame as it is on the wire; `length` is what it says of itself.
pub fn frame(head: u8, payload: &[u8], length: u64, is_masked: bool) -> Vec<u8> {
    let mask = u8::from(is_masked) << 7;
    let mut bytes = vec![head];
    match length {
        0..126 => bytes.push(mask | length as u8),
        126..65_536 => {
            bytes.push(mask | 0x7e);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 0x7f);
            bytes.extend(length.to_be_bytes());
        }
    }
    if is_masked {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        bytes.extend(key);
        bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        bytes.extend(payload);
    }
    bytes
}

/// A whole message in one frame, as clients send it.
pub fn whole(kind: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x80 | kind, payload, payload.len() as u64, true)
}

/// The beginning of a message of bytes that is longer than what comes of it.
pub fn beginning(length: u64) -> Vec<u8> {
    frame(0x80 | BYTES, b"", length, true)
}

/// Reads up to the end of an answer's head; the head, and what came behind it.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> (String, BytesMut) {
    let mut bytes = BytesMut::new();
    let reading = async {
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = bytes.split_to(end + 4);
                return (String::from_utf8(head.to_vec()).unwrap(), bytes);
            }
            let read = stream.read_buf(&mut bytes).await.unwrap();
            assert!(read > 0, "the connection was closed without an answer: {bytes:?}");
        }
    };
    timeout(PATIENCE, reading).await.expect("an answer")
}

impl Client {
    /// Shakes hands; the head of the answer where it is refused.
    pub async fn shake(
        mut stream: DuplexStream,
        peer: SocketAddr,
        (path, host): (&str, &str),
        Manners { protocol, answers }: Manners,
    ) -> Result<Self, String> {
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        if let Some(protocol) = protocol {
            request.extend(["Sec-WebSocket-Protocol: ", protocol, "\r\n"]);
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let (head, rest) = head(&mut stream).await;
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(head);
        }
        let (read, write) = split(stream);
        let out = Arc::new(Mutex::new(write));
        let (reading, how) = watch::channel(Reading::All);
        let (heard, incoming) = mpsc::unbounded_channel();
        let ear = Ear { read, how, out: answers.then(|| out.clone()), heard, unread: rest };
        let reader = tokio::spawn(ear.listen());
        Ok(Self { peer, heard: Vec::new(), out, incoming, reading, reader })
    }

    /// Sends bytes that need be no frame; they wait while the server takes none.
    pub async fn raw(&self, bytes: &[u8]) {
        let mut out = self.out.lock().await;
        timeout(PATIENCE, out.write_all(bytes)).await.expect("the server reads").expect("it is still there");
    }

    /// As many of these bytes as the server takes, for as long as the connection lasts.
    pub async fn pour(&self, bytes: &[u8]) {
        let _ = self.out.lock().await.write_all(bytes).await;
    }

    pub async fn send(&self, kind: u8, payload: &[u8]) {
        self.raw(&whole(kind, payload)).await;
    }

    pub async fn text(&self, text: &str) {
        self.send(TEXT, text.as_bytes()).await;
    }

    /// Sends a picture as a binary message.
    pub async fn jpeg(&self, jpeg: &[u8]) {
        self.send(BYTES, &packed(jpeg)).await;
    }

    /// Sends a picture as a text.
    pub async fn picture(&self, url: &str) {
        self.text(&format!(r#"{{"type":"frame","frame":"{url}"}}"#)).await;
    }

    pub async fn close(&self) {
        self.send(CLOSE, &1000u16.to_be_bytes()).await;
    }

    pub fn pause(&self) {
        self.reading.send_replace(Reading::Nothing);
    }

    pub fn resume(&self) {
        self.reading.send_replace(Reading::All);
    }

    /// Reads at most this many bytes a second.
    pub fn throttle(&self, bytes: usize) {
        self.reading.send_replace(Reading::PerSecond(bytes));
    }

    /// The next thing that comes.
    pub async fn hear(&mut self) -> What {
        let Ok(Some(heard)) = timeout(PATIENCE, self.incoming.recv()).await else {
            panic!("nothing comes after {:?}", self.heard.iter().rev().take(3).collect::<Vec<_>>())
        };
        self.heard.push(heard.clone());
        heard.1
    }

    /// Whatever has come by now.
    pub fn so_far(&mut self) -> Vec<What> {
        let before = self.heard.len();
        while let Ok(heard) = self.incoming.try_recv() {
            self.heard.push(heard);
        }
        self.heard[before..].iter().map(|(_, what)| what.clone()).collect()
    }

    /// Likewise, without pings.
    pub fn said_so_far(&mut self) -> Vec<What> {
        self.so_far().into_iter().filter(|what| !matches!(what, What::Ping)).collect()
    }

    /// All of that kind that was heard, and when.
    pub fn all(&mut self, is: impl Fn(&What) -> bool) -> Vec<(Instant, What)> {
        self.so_far();
        self.heard.iter().filter(|(_, what)| is(what)).cloned().collect()
    }

    /// The next thing of which that is true.
    pub async fn until(&mut self, is: impl Fn(&What) -> bool) -> What {
        loop {
            let what = self.hear().await;
            if is(&what) {
                return what;
            }
            assert_ne!(what, What::Gone, "it is gone after {:?}", self.heard);
        }
    }

    /// The next JSON message of that type.
    pub async fn next(&mut self, kind: &str) -> Value {
        self.until(|what| what.is(kind)).await.json().unwrap()
    }

    /// The next JSON message of any type.
    pub async fn json(&mut self) -> Value {
        self.until(|what| matches!(what, What::Text(_))).await.json().unwrap()
    }

    /// Waits for the goodbye.
    pub async fn closed(&mut self) -> (u16, String) {
        match self.until(|what| matches!(what, What::Close(..))).await {
            What::Close(code, reason) => (code, reason),
            _ => unreachable!(),
        }
    }

    /// Waits for the end of the connection.
    pub async fn gone(&mut self) {
        while self.hear().await != What::Gone {}
    }
}

/// A binary picture message.
pub fn packed(jpeg: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 20];
    message[0] = 1;
    message.extend(jpeg);
    message
}

/// This many bytes that are a JPEG as far as the relay looks.
pub fn jpeg(bytes: usize) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe0];
    jpeg.resize(bytes, 7);
    jpeg
}

/// The number of a binary picture message in its stream.
pub fn number(message: &What) -> Option<u64> {
    match message {
        What::Bytes(bytes) => Some((&bytes[4..]).get_u64()),
        _ => None,
    }
}

/// Reads some more, as much as there may be; false at the end.
pub async fn sip(
    read: &mut (impl AsyncRead + Unpin),
    how: &mut watch::Receiver<Reading>,
    unread: &mut BytesMut,
) -> bool {
    loop {
        let (most, pause) = match *how.borrow_and_update() {
            Reading::All => (64 << 10, Duration::ZERO),
            Reading::Nothing => (0, Duration::ZERO),
            Reading::PerSecond(bytes) => (bytes / 20, SIP),
        };
        let mut piece = vec![0; most];
        let read = tokio::select! {
            biased;
            changed = how.changed() => if changed.is_ok() { continue } else { return false },
            read = read.read(&mut piece), if most > 0 => read,
        };
        let Ok(count @ 1..) = read else { return false };
        unread.extend_from_slice(&piece[..count]);
        sleep(pause).await;
        return true;
    }
}

/// The reading half of a client.
struct Ear {
    read: ReadHalf<DuplexStream>,
    how: watch::Receiver<Reading>,
    /// Where pings and goodbyes are answered, if they are.
    out: Option<Arc<Mutex<WriteHalf<DuplexStream>>>>,
    heard: mpsc::UnboundedSender<(Instant, What)>,
    unread: BytesMut,
}

impl Ear {
    async fn listen(mut self) {
        loop {
            while let Some(what) = self.take() {
                let _ = self.heard.send((Instant::now(), what));
            }
            if !sip(&mut self.read, &mut self.how, &mut self.unread).await {
                break;
            }
        }
        let _ = self.heard.send((Instant::now(), What::Gone));
    }

    /// The next message that is there.
    fn take(&mut self) -> Option<What> {
        let (first, second) = (*self.unread.first()?, *self.unread.get(1)?);
        assert_eq!(first & 0xf0, 0x80, "one frame for each message, without extensions");
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (start, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes(self.unread.get(2..4)?.try_into().unwrap()))),
            127 => (10, u64::from_be_bytes(self.unread.get(2..10)?.try_into().unwrap()) as usize),
            short => (2, usize::from(short)),
        };
        if self.unread.len() < start + length {
            return None;
        }
        self.unread.advance(start);
        let payload = self.unread.split_to(length).freeze();
        Some(match first & 0x0f {
            TEXT => What::Text(String::from_utf8(payload.to_vec()).unwrap()),
            BYTES => What::Bytes(payload),
            PING => {
                self.answer(PONG, &payload);
                What::Ping
            }
            PONG => What::Pong(payload),
            CLOSE => {
                self.answer(CLOSE, &payload[..payload.len().min(2)]);
                let code = if payload.len() < 2 { 1005 } else { (&payload[..]).get_u16() };
                What::Close(code, String::from_utf8(payload[payload.len().min(2)..].to_vec()).unwrap())
            }
            kind => panic!("a frame of kind {kind}"),
        })
    }

    fn answer(&self, kind: u8, payload: &[u8]) {
        if let Some(out) = self.out.clone() {
            let bytes = whole(kind, payload);
            tokio::spawn(async move {
                let _ = out.lock().await.write_all(&bytes).await;
            });
        }
    }
}
