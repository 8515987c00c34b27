//! A camera's endless answer: `multipart/x-mixed-replace`, or anything else with JPEG pictures in it.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use sightwire_http_client::cause::root_cause;
use tokio::time::{Instant, timeout};

use super::address::CameraUrl;
use super::raw::RawAnswer;
use super::web::Web;
use super::{Run, Sink, Skipped, Source, SourceError};
use crate::multipart::{Limits, Parser};
use crate::silence::Silence;

/// How long to wait, and how much to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MjpegOptions {
    /// Longest time without an answer, or without any byte between pictures; three of the usual intervals of a slower camera.
    pub no_bytes: Duration,
    /// Longest time without a whole picture while bytes come; the same.
    pub no_picture: Duration,
    /// Longest time without a byte as long as it is not known how often pictures come: until the second one.
    pub first_picture: Duration,
    /// Of a picture and of its header.
    pub limits: Limits,
}

/// 10 s, 20 s, 90 s, and the parser's limits.
impl Default for MjpegOptions {
    fn default() -> Self {
        Self {
            no_bytes: Duration::from_secs(10),
            no_picture: Duration::from_secs(20),
            first_picture: Duration::from_secs(90),
            limits: Limits::default(),
        }
    }
}

/// What is more than part headers and boundaries of a slow camera: pictures should have been among it.
const MANY_BYTES: u64 = 64 << 10;

/// A camera that sends pictures as long as somebody listens.
#[derive(Debug)]
pub struct Mjpeg {
    camera: CameraUrl,
    web: Web,
    options: MjpegOptions,
    /// How often its pictures come, over all its connections.
    pace: Mutex<Silence>,
}

impl Mjpeg {
    /// A source that reads `camera`, the address of the stream itself ([`CameraUrl::stream_url`]).
    pub fn new(camera: CameraUrl, web: Web, options: MjpegOptions) -> Self {
        let pace = Mutex::new(Silence::new(options.no_bytes, None));
        Self { camera, web, options, pace }
    }

    async fn read_stream(&self, sink: &mut dyn Sink) -> Result<Infallible, SourceError> {
        let camera = || self.camera.to_string();
        let MjpegOptions { no_bytes, no_picture, first_picture, limits } = self.options;
        let mut answer = match self.web.new_session().get(&self.camera, no_bytes).await {
            Ok(response) => Answer::Http(response),
            Err(SourceError::NoHttp { .. }) if !self.camera.is_https() => {
                Answer::Raw(RawAnswer::open(&self.web, &self.camera, first_picture.max(no_bytes)).await?)
            }
            Err(error) => return Err(error),
        };
        let content_type = answer.content_type().unwrap_or("no type").to_owned();

        let mut parser = Parser::new(limits);
        let mut page = PageCheck::default();
        let (mut bytes, mut bytes_before) = (0_u64, 0_u64);
        let (mut last_picture, mut is_first) = (Instant::now(), true);
        loop {
            let wait = {
                let pace = self.pace.lock();
                if pace.knows_interval() { pace.patience() } else { first_picture.max(no_bytes) }
            };
            let Ok(chunk) = timeout(wait, answer.next_chunk(&self.camera)).await else {
                // Perhaps it has become slower than is waited for.
                self.pace.lock().forget_interval();
                return Err(SourceError::NoBytes { camera: camera(), after: wait });
            };
            let chunk = chunk?;
            let (now, before) = (Instant::now(), parser.counts());
            if let Some(chunk) = &chunk {
                sink.on_bytes(chunk.len(), now.into_std());
                bytes += chunk.len() as u64;
            }
            let mut give = |jpeg| sink.on_picture(jpeg, now.into_std());
            match &chunk {
                Some(chunk) => parser.feed(chunk, &mut give),
                None => parser.finish(&mut give),
            }
            let counts = parser.counts();
            if let Some(skipped) = Skipped::from_counts(before, counts) {
                sink.on_skipped(skipped, now.into_std());
            }
            let Some(chunk) = chunk else {
                return Err(match counts.pictures {
                    0 => SourceError::NotPictures { camera: camera(), bytes, content_type },
                    1 if content_type.starts_with("image/") => SourceError::OnePicture { camera: camera() },
                    pictures => SourceError::Ended { camera: camera(), pictures },
                });
            };
            if counts.pictures > before.pictures {
                (last_picture, bytes_before) = (now, bytes);
                // From the last one of another connection it tells nothing.
                self.pace.lock().record_picture(now.into_std(), !std::mem::take(&mut is_first));
            } else if counts.pictures == 0 && page.is_page(&chunk) {
                return Err(SourceError::WebPage { camera: camera() });
            } else if now >= last_picture + no_picture
                && (now >= last_picture + wait || bytes - bytes_before > MANY_BYTES)
            {
                let bytes = bytes - bytes_before;
                return Err(SourceError::NoPicture { camera: camera(), after: no_picture, bytes });
            }
        }
    }
}

/// What a camera sends.
enum Answer {
    Http(Response),
    Raw(RawAnswer),
}

impl Answer {
    fn content_type(&self) -> Option<&str> {
        match self {
            Self::Http(response) => response.headers().get(CONTENT_TYPE)?.to_str().ok(),
            Self::Raw(_) => None,
        }
    }

    /// The next bytes; `None` at the end.
    async fn next_chunk(&mut self, camera: &CameraUrl) -> Result<Option<Bytes>, SourceError> {
        match self {
            Self::Http(response) => response.chunk().await.map_err(|error| SourceError::Broken {
                camera: camera.to_string(),
                reason: root_cause(&error),
            }),
            Self::Raw(answer) => answer.next_chunk().await,
        }
    }
}

impl Source for Mjpeg {
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
        Box::pin(async move {
            match self.read_stream(sink).await {
                Ok(never) => match never {},
                Err(error) => error,
            }
        })
    }
}

/// Whether an answer begins as a web page does. What its type says is not relied on: boards send odd ones.
#[derive(Debug, Default)]
struct PageCheck {
    start: Vec<u8>,
    is_decided: bool,
}

impl PageCheck {
    /// Takes the next bytes of an answer. True once it is known to be a page.
    fn is_page(&mut self, bytes: &[u8]) -> bool {
        const BEGINNINGS: [&[u8]; 6] = [b"<!doctype", b"<html", b"<head", b"<body", b"<!--", b"<?xml"];
        const ENOUGH: usize = 256;
        if self.is_decided {
            return false;
        }
        self.start.extend(&bytes[..bytes.len().min(ENOUGH)]);
        let start = self.start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.start).trim_ascii_start();
        let is = |beginning: &&[u8]| {
            start.get(..beginning.len()).is_some_and(|s| s.eq_ignore_ascii_case(beginning))
        };
        let may_become = |beginning: &&[u8]| {
            beginning.get(..start.len()).is_some_and(|shorter| shorter.eq_ignore_ascii_case(start))
        };
        self.is_decided = self.start.len() >= ENOUGH || !BEGINNINGS.iter().any(may_become);
        BEGINNINGS.iter().any(is)
    }
}
