//! What a camera gives, for those who look for what is wrong: over a connection of its own, without a server.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_frame::header;
use sightwire_hub::source::{Sink, Skipped, Source, SourceError};
use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout_at};

use crate::Unreachable;
use crate::options::CameraOptions;
use crate::private::CameraReach;
use crate::registry::Camera;
use crate::upstream;

/// After the first picture, others are counted for this long.
const COUNTED: Duration = Duration::from_secs(2);

/// What was seen of a camera that gives pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraProbe {
    /// Width and height of the first picture, px; `None` if it is not a JPEG.
    pub size: Option<(u32, u32)>,
    /// Bytes of the first picture.
    pub bytes: usize,
    /// Pictures a second; `None` if there was but one.
    pub fps: Option<f64>,
    /// Pictures that were not whole.
    pub broken: u64,
    /// Until the first picture came.
    pub first_after: Duration,
    /// Why there were no more, where the camera has ended it.
    pub ended: Option<SourceError>,
}

/// Looks at a camera for at most `within`. It may serve few at once, so that a server that reads it may be in the way.
pub async fn look_at_camera(
    Camera { table, leads_to, .. }: &Camera,
    options: &CameraOptions,
    within: Duration,
) -> Result<CameraProbe, Unreachable> {
    let reach = CameraReach::new(&options.allow, options.private);
    look_at_source(
        &*upstream::build_source(&table.source, reach.web_for_known(*leads_to), options.max_frame_bytes),
        within,
    )
    .await
}

async fn look_at_source(reads: &dyn Source, within: Duration) -> Result<CameraProbe, Unreachable> {
    let (came, first_came) = oneshot::channel();
    let mut pictures = Pictures { came: Some(came), first: None, last: None, others: 0, broken: 0 };
    let (begun, due) = (Instant::now(), tokio::time::Instant::now() + within);
    let enough = async {
        if let Ok(Ok(())) = timeout_at(due, first_came).await {
            sleep_until(due.min(tokio::time::Instant::now() + COUNTED)).await;
        }
    };
    let ended = tokio::select! {
        error = reads.run(&mut pictures) => Some(error),
        () = enough => None,
    };
    let Some((jpeg, first)) = pictures.first else {
        return Err(ended.map_or(Unreachable::Late(within), Unreachable::from));
    };
    let size = header::read_dimensions(&jpeg);
    let took = pictures.last.map(|last| last.saturating_duration_since(first).as_secs_f64());
    Ok(CameraProbe {
        size,
        bytes: jpeg.len(),
        fps: took.filter(|seconds| *seconds > 0.0).map(|seconds| f64::from(pictures.others) / seconds),
        broken: pictures.broken,
        first_after: first.saturating_duration_since(begun),
        ended,
    })
}

struct Pictures {
    came: Option<oneshot::Sender<()>>,
    first: Option<(Bytes, Instant)>,
    last: Option<Instant>,
    /// Pictures after the first.
    others: u32,
    broken: u64,
}

impl Sink for Pictures {
    fn on_picture(&mut self, jpeg: Bytes, now: Instant) {
        if self.first.is_some() {
            (self.last, self.others) = (Some(now), self.others + 1);
            return;
        }
        self.first = Some((jpeg, now));
        if let Some(came) = self.came.take() {
            let _ = came.send(());
        }
    }

    fn on_bytes(&mut self, _count: usize, _now: Instant) {}

    fn on_skipped(&mut self, skipped: Skipped, _now: Instant) {
        self.broken += skipped.broken;
    }
}

#[cfg(test)]
mod tests {
    use sightwire_hub::source::Run;

    use super::*;

    /// Gives this many pictures a second, up to a number, and then ends or is silent.
    struct Camera {
        pictures: u32,
        ends: bool,
    }

    impl Source for Camera {
        fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
            Box::pin(async move {
                for _ in 0..self.pictures {
                    sink.on_picture(Bytes::from_static(b"no JPEG"), tokio::time::Instant::now().into());
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                if !self.ends {
                    std::future::pending::<()>().await;
                }
                SourceError::Ended { camera: "http://a".into(), pictures: 0 }
            })
        }
    }

    const WITHIN: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn pictures_are_counted_for_a_while() {
        let begun = tokio::time::Instant::now();
        let seen = look_at_source(&Camera { pictures: 1000, ends: false }, WITHIN).await.unwrap();
        assert_eq!(begun.elapsed(), COUNTED);
        let fps = seen.fps.unwrap();
        assert!((9.9..10.1).contains(&fps), "{fps}");
        assert_eq!((seen.size, seen.bytes, seen.ended), (None, 7, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_says_nothing_is_given_up_in_time() {
        let begun = tokio::time::Instant::now();
        let seen = look_at_source(&Camera { pictures: 0, ends: false }, WITHIN).await;
        assert_eq!((seen, begun.elapsed()), (Err(Unreachable::Late(WITHIN)), WITHIN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_ends_says_why_with_or_without_pictures() {
        let seen = look_at_source(&Camera { pictures: 0, ends: true }, WITHIN).await;
        assert!(matches!(seen, Err(Unreachable::Source(_))), "{seen:?}");
        let seen = look_at_source(&Camera { pictures: 1, ends: true }, WITHIN).await.unwrap();
        assert!(seen.fps.is_none() && seen.ended.is_some(), "{seen:?}");
    }
}
