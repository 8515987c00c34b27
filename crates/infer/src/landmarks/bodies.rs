//! The threads that look for bodies in the pictures of streams, for overlays: one [`BodyService`] for all of them.
//!
//! Overlays give way: the threads are as nice as a batch's, half as many as the engine has, and few pictures wait.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sightwire_engine::pool::{self, Panicked, Pool, Work};
use sightwire_engine::priority::Priority;
use sightwire_engine::{Engine, EngineError, quota};
use sightwire_frame::Image;
use sightwire_hands::pose::Pose;
use sightwire_hands::region::Region;
use tokio::sync::oneshot;

use super::model::{BodyModel, BodyNetwork, HandModelError};

/// The model of bodies at work. Dropping it ends its threads.
pub struct BodyService {
    pool: Pool<Bodies>,
}

/// Why nothing is known of a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLooked {
    /// Its pictures are those of other streams, which wait already.
    #[error("too many pictures wait for the model {POSE}")]
    Busy,
    /// The network could not be run; the log says why.
    #[error("the model {POSE} failed")]
    Failed,
}

struct Bodies {
    model: BodyModel,
    engine: Arc<Engine>,
    most_waiting: usize,
    failed: AtomicU64,
}

struct Request {
    image: Arc<Image>,
    region: Region,
    answer: oneshot::Sender<Result<Option<Pose>, NotLooked>>,
}

/// Name of the model, for log lines.
const POSE: &str = BodyModel::NAME;
/// After a failure of the engine, so that a broken one neither spins nor floods the log.
const FAILED_PAUSE: Duration = Duration::from_millis(500);
/// Pictures that wait for each thread, at most: what waits longer is old when its turn comes.
const WAITING_EACH: usize = 8;

impl BodyService {
    /// Makes the first session, which proves that the model works here, and starts the threads. Blocks.
    pub fn start(
        model: BodyModel,
        engine: Arc<Engine>,
        idle_release: Duration,
    ) -> Result<Self, HandModelError> {
        let first = model.network(&engine)?;
        let threads = (engine.threads() / 2).max(1);
        let most_waiting = threads * WAITING_EACH;
        let options = pool::Options { name: "bodies", threads, priority: Priority::Batch, idle_release };
        let work = Bodies { model, engine, most_waiting, failed: AtomicU64::new(0) };
        let pool = Pool::start(work, VecDeque::new(), options, Some(first))
            .map_err(|error| HandModelError::Thread { model: POSE.to_owned(), error })?;
        Ok(Self { pool })
    }

    /// The body in a region of a picture, if there is one. If the caller stops waiting, the picture is not looked at.
    pub async fn find_pose(&self, image: Arc<Image>, region: Region) -> Result<Option<Pose>, NotLooked> {
        let (answer, answered) = oneshot::channel();
        let request = Request { image, region, answer };
        let most = self.pool.shared().work().most_waiting;
        let refused = self.pool.shared().with_queue(|waiting| {
            let has_room = waiting.len() < most;
            if has_room {
                waiting.push_back(request);
                return None;
            }
            Some(request)
        });
        if refused.is_some() {
            return Err(NotLooked::Busy);
        }
        answered.await.unwrap_or(Err(NotLooked::Failed))
    }

    /// Pictures of which the network could say nothing, since the start.
    pub fn count_failed(&self) -> u64 {
        self.pool.shared().work().failed.load(Ordering::Relaxed)
    }
}

impl Drop for BodyService {
    /// Waits for the runs in flight; pictures that wait are not looked at.
    fn drop(&mut self) {
        drop(self.pool.end(std::mem::take));
    }
}

impl fmt::Debug for BodyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyService").finish_non_exhaustive()
    }
}

impl Work for Bodies {
    type Queue = VecDeque<Request>;
    type Task = Request;
    type Tools = BodyNetwork;
    /// `None` if nobody waits for it.
    type Outcome = Option<Result<Option<Pose>, NotLooked>>;

    fn next(&self, waiting: &mut VecDeque<Request>, _: Option<&BodyNetwork>, _: usize) -> Option<Request> {
        waiting.pop_front()
    }

    fn count_waiting(&self, waiting: &VecDeque<Request>) -> usize {
        waiting.len()
    }

    fn run(&self, network: &mut Option<BodyNetwork>, request: &mut Request) -> Self::Outcome {
        if request.answer.is_closed() {
            return None;
        }
        quota::wait_for_quota(Priority::Batch);
        Some(self.run_network(network, request).map_err(|error| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            tracing::error!(model = POSE, "a picture could not be looked at: {error}");
            std::thread::sleep(FAILED_PAUSE);
            NotLooked::Failed
        }))
    }

    fn finish_task(
        &self,
        _: &pool::Shared<Self>,
        Request { image, answer, .. }: Request,
        outcome: Result<Self::Outcome, Panicked>,
    ) {
        drop(image);
        let outcome = outcome.unwrap_or_else(|Panicked| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            Some(Err(NotLooked::Failed))
        });
        if let Some(outcome) = outcome {
            let _ = answer.send(outcome);
        }
    }

    fn name(&self) -> &str {
        POSE
    }
}

impl Bodies {
    fn run_network(
        &self,
        network: &mut Option<BodyNetwork>,
        request: &Request,
    ) -> Result<Option<Pose>, EngineError> {
        let network =
            match network {
                Some(network) => network,
                None => network.insert(self.model.network(&self.engine).map_err(|error| {
                    EngineError::Run { network: POSE.to_owned(), reason: error.to_string() }
                })?),
            };
        network.find_body(&request.image, &request.region)
    }
}
