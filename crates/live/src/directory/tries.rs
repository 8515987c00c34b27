//! Trying a camera: one picture of it, now.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_base::clock;
use sightwire_base::memory::Work;
use sightwire_hub::picture::{Picture, PictureError};
use sightwire_hub::source::{Sink, SourceError};
use sightwire_hub::stream::{Condition, Update};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::origin::Origin;
use crate::private::AskedFrom;
use crate::source::{CameraError, CameraSource};
use crate::upstream::{self, Upstream};
use crate::{Streams, WatchError};

/// Tries at once; each is a connection that a client asks for.
pub(crate) const AT_ONCE: usize = 4;
/// Boards that are asked how they are at once.
pub(crate) const ASKED_AT_ONCE: usize = 8;
/// Longest time that one takes.
const TRY: Duration = Duration::from_secs(15);
const NOTHING_CAME: Unreachable = Unreachable::Late(TRY);
/// So the log calls the limit of those that are asked at once, which nobody sets.
const TRIES: &str = "a few are asked at a time";
/// Longest time that a board may take to say how it is.
const STATUS: Duration = Duration::from_secs(5);
/// Bytes in which a board may say how it is, at most.
const MAX_STATUS_BYTES: usize = 64 << 10;

/// Why a camera gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// There is no connection to it, or that ended.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It is being read, and is not well; as its stream says.
    #[error("{0}")]
    Unwell(Arc<str>),
    /// It is being read and not well, and nothing is known of that.
    #[error("no picture came")]
    NoPicture,
    /// No picture came within this time.
    #[error("no picture came within {} s", .0.as_secs())]
    Late(Duration),
    /// What came has no file.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Its stream ended.
    #[error("the camera was closed")]
    Closed,
    /// Only boards are asked how they are.
    #[error("a folder, or a simulated camera, has no status")]
    Folder,
    /// The board says something else than how it is.
    #[error("what the camera answers at /status is no JSON object")]
    Status,
}

impl Streams {
    /// A picture of that camera, whether it is known or not. A board serves few at once: if it is being read already, that
    /// connection tells how it is.
    pub async fn try_camera(&self, source: &CameraSource, from: AskedFrom) -> Result<Bytes, WatchError> {
        self.check_source(source, from)?;
        let _turn = self.try_acquire_place(&self.tries, source)?;
        let running = self.upstreams().into_iter().find(|upstream| upstream.origin.camera() == Some(source));
        if let Some(upstream) = running {
            let picture = newest_of_running(&upstream).await?;
            return Ok(picture.jpeg(&*self.pixels).await.map_err(Unreachable::from)?.clone());
        }
        self.options().memory.admit_work(Work::Camera)?;
        Ok(self.first_picture(source, from).await?)
    }

    /// The next picture of a camera, over the connection that all its viewers share; it stays open for a moment.
    pub async fn one_picture(&self, origin: &Origin, from: Option<IpAddr>) -> Result<Bytes, WatchError> {
        if let Some(from) = from {
            self.make_way(origin, from);
        }
        let camera = Arc::new(self.open_stream(origin)?);
        if let Some(from) = from {
            let _ = camera.asked_by.set(from);
        }
        let upstream = camera.value().clone();
        // And for as long as this waits.
        self.keep_a_moment(camera.clone());
        let waiting = upstream.single_pictures.token();
        let next = tokio::time::timeout(TRY, next_of(&upstream)).await;
        drop(waiting);
        let picture = next.unwrap_or(Err(NOTHING_CAME)).inspect_err(|_| self.close_unseen(&upstream))?;
        Ok(picture.jpeg(&*self.pixels).await.map_err(Unreachable::from)?.clone())
    }

    /// What a board says of itself, as it came; it should be JSON. Only of cameras that are known: other addresses are for
    /// pictures, and may have more to tell.
    pub async fn board_status(&self, source: &CameraSource) -> Result<Vec<u8>, WatchError> {
        if self.registry.with_source(source).is_none() {
            return Err(CameraError::Unasked.into());
        }
        let status = source.url().ok_or(Unreachable::Folder)?.status_url();
        let _turn = self.try_acquire_place(&self.asked, source)?;
        let web = self.web_for_source(source, AskedFrom::Elsewhere);
        Ok(web.fetch(&status, MAX_STATUS_BYTES, STATUS).await.map_err(Unreachable::from)?)
    }

    /// A place among those that are asked at once.
    fn try_acquire_place<'a>(
        &self,
        places: &'a Semaphore,
        source: &CameraSource,
    ) -> Result<SemaphorePermit<'a>, WatchError> {
        places.try_acquire().map_err(|_| self.too_many(TRIES, &source.clone().into()))
    }

    /// One connection, for one picture.
    async fn first_picture(&self, source: &CameraSource, from: AskedFrom) -> Result<Bytes, Unreachable> {
        struct First(Option<oneshot::Sender<Bytes>>);

        impl Sink for First {
            fn on_picture(&mut self, jpeg: Bytes, _now: Instant) {
                if let Some(give) = self.0.take() {
                    let _ = give.send(jpeg);
                }
            }

            fn on_bytes(&mut self, _count: usize, _now: Instant) {}
        }

        let (give, take) = oneshot::channel();
        let web = self.web_for_source(source, from);
        let reads = upstream::build_source(source, &web, self.options().cameras.max_frame_bytes);
        let mut sink = First(Some(give));
        let run = async {
            tokio::select! {
                biased;
                Ok(jpeg) = take => Ok(jpeg),
                error = reads.run(&mut sink) => Err::<Bytes, SourceError>(error),
            }
        };
        Ok(tokio::time::timeout(TRY, run).await.map_err(|_| NOTHING_CAME)??)
    }
}

/// The newest picture of a camera that is being read, if it is well.
async fn newest_of_running(upstream: &Upstream) -> Result<Picture, Unreachable> {
    let state = upstream.stream.state();
    if !is_well(state.condition) {
        return Err(no_picture(state.reason));
    }
    tokio::time::timeout(TRY, first_of(upstream)).await.unwrap_or(Err(NOTHING_CAME))
}

/// A picture that is taken after now.
async fn next_of(upstream: &Upstream) -> Result<Picture, Unreachable> {
    if upstream.stream.newest().is_none() {
        return first_of(upstream).await;
    }
    let mut reader = upstream.stream.tap();
    reader.only_after(Some(clock::now()));
    loop {
        match reader.next().await {
            Some(Update::Picture(picture)) => return Ok(picture),
            Some(Update::State(state)) if !is_well(state.condition) => {
                return Err(no_picture(state.reason));
            }
            Some(_) => {}
            None => return Err(Unreachable::Closed),
        }
    }
}

/// The newest picture, or the first one once it comes. Of a camera that cannot be reached the reason is told at once.
async fn first_of(upstream: &Upstream) -> Result<Picture, Unreachable> {
    upstream.stream.first_picture().await.map_err(no_picture)
}

fn is_well(condition: Condition) -> bool {
    matches!(condition, Condition::Running | Condition::Starting)
}

fn no_picture(reason: Option<Arc<str>>) -> Unreachable {
    reason.map_or(Unreachable::NoPicture, Unreachable::Unwell)
}
