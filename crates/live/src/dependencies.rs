//! What everything that runs for a stream is given.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::bodies::Bodies;
use crate::detector::Detector;
use crate::hands::Hands;
use crate::options::Options;
use crate::pixels::PixelPool;
use crate::totals::Totals;

/// What streams, analyses and views run with.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The model that finds objects.
    pub(crate) detector: Arc<Detector>,
    /// The model that finds hands.
    pub(crate) hands: Arc<Hands>,
    /// The model that finds bodies.
    pub(crate) bodies: Arc<Bodies>,
    /// Threads that decode, draw and encode.
    pub(crate) pixels: Arc<PixelPool>,
    /// As they were when this was given out. [`Streams::reconfigure`](crate::Streams::reconfigure) changes those of cameras and
    /// of the relay for what begins later; what runs goes on with those it began with.
    pub(crate) options: Arc<Options>,
    /// Over all of them.
    pub(crate) totals: Arc<Totals>,
    /// Whose tasks they are.
    pub(crate) tasks: TaskTracker,
}
