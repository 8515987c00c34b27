//! A camera that is asked for one picture after the other.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use sightwire_http_client::cause::root_cause;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::address::CameraUrl;
use super::web::Web;
use super::{Run, Sink, Skipped, Source, SourceError};
use crate::multipart::{Counts, Limits, Parser};

/// How often to ask, how long to wait, and how much to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Time from one request to the next, unless the camera takes longer.
    pub every: Duration,
    /// Longest time for one picture.
    pub patience: Duration,
    /// What one picture may have.
    pub limits: Limits,
}

/// Once a second, 10 s, and the parser's limits.
impl Default for CaptureOptions {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), patience: Duration::from_secs(10), limits: Limits::default() }
    }
}

/// A camera that answers each request with one picture. There is never more than one request at a time.
#[derive(Debug, Clone)]
pub struct Capture {
    camera: CameraUrl,
    web: Web,
    options: CaptureOptions,
}

impl Capture {
    /// A source that asks `camera`, the address of the picture itself ([`CameraUrl::capture_url`]).
    pub fn new(camera: CameraUrl, web: Web, options: CaptureOptions) -> Self {
        Self { camera, web, options }
    }

    async fn read_pictures(&self, sink: &mut dyn Sink) -> Result<Infallible, SourceError> {
        let mut session = self.web.new_session();
        let mut turn = interval(self.options.every.max(Duration::from_millis(1)));
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            let response = session.get(&self.camera, self.options.patience).await?;
            let picture = self.read_picture(response, sink).await?;
            sink.on_picture(picture, Instant::now().into_std());
        }
    }

    /// The picture of one answer.
    async fn read_picture(&self, mut response: Response, sink: &mut dyn Sink) -> Result<Bytes, SourceError> {
        let CaptureOptions { patience, limits, .. } = self.options;
        let camera = || self.camera.to_string();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or("no type").to_owned();
        let due = Instant::now() + patience;
        let (mut parser, mut bytes, mut picture) = (Parser::new(limits), 0_u64, None);
        loop {
            let chunk = match timeout_at(due, response.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                Ok(Err(error)) => {
                    return Err(SourceError::Broken { camera: camera(), reason: root_cause(&error) });
                }
                Err(_) => return Err(SourceError::NoPicture { camera: camera(), after: patience, bytes }),
            };
            let mut keep = |jpeg| {
                picture.get_or_insert(jpeg);
            };
            let Some(chunk) = chunk else {
                parser.finish(&mut keep);
                break;
            };
            let now = Instant::now();
            sink.on_bytes(chunk.len(), now.into_std());
            bytes += chunk.len() as u64;
            parser.feed(&chunk, &mut keep);
            // A camera that streams here is not waited for. What follows a picture is read to its end, or the connection
            // could not be used again; but not for ever.
            if bytes > 2 * limits.max_picture as u64 || parser.counts().pictures > 1 {
                break;
            }
        }
        if let Some(skipped) = Skipped::from_counts(Counts::default(), parser.counts()) {
            sink.on_skipped(skipped, Instant::now().into_std());
        }
        picture.ok_or_else(|| SourceError::NotPictures { camera: camera(), bytes, content_type })
    }
}

impl Source for Capture {
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
        Box::pin(async move {
            match self.read_pictures(sink).await {
                Ok(never) => match never {},
                Err(error) => error,
            }
        })
    }
}
