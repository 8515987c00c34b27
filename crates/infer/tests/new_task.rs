//! A task that this crate does not know, made from outside: what docs/adding-a-task.md says is all that it takes.

#[path = "detection/onnx.rs"]
#[expect(dead_code, reason = "a small network needs little of it")]
mod onnx;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use onnx::Attribute::Int;
use onnx::Graph;
use sightwire_engine::network::Network;
use sightwire_engine::pool::{self, Panicked, Pool, Work};
use sightwire_engine::priority::Priority;
use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineError, EngineOptions, NetworkSpec, Session};
use sightwire_frame::Image;
use sightwire_models::slot::{ModelSlot, State};
use sightwire_models::store::Store;
use tokio::sync::oneshot;

const SIDE: usize = 8;

/// How light a picture is, 0–1.
#[derive(Clone, Debug, PartialEq)]
struct Light(f32);

#[derive(Debug, thiserror::Error)]
enum LightError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the picture is {0} pixels wide")]
    Width(u32),
    #[error("the model failed on this picture")]
    Panicked,
}

type Answer = oneshot::Sender<Result<Light, LightError>>;

/// The task: a network, what waits for it, and how a picture becomes an answer.
struct Lightness {
    network: Network,
    engine: Arc<Engine>,
}

impl Work for Lightness {
    type Queue = VecDeque<(Image, Answer)>;
    type Task = (Image, Answer);
    type Tools = Session;
    type Outcome = Result<Light, LightError>;

    fn next(&self, queue: &mut Self::Queue, _: Option<&Session>, _: usize) -> Option<Self::Task> {
        queue.pop_front()
    }

    fn count_waiting(&self, queue: &Self::Queue) -> usize {
        queue.len()
    }

    fn run(&self, tools: &mut Option<Session>, (image, _): &mut Self::Task) -> Self::Outcome {
        if image.width() != SIDE as u32 {
            return Err(LightError::Width(image.width()));
        }
        let session = match tools {
            Some(session) => session,
            None => tools.insert(self.engine.session(&self.spec())?),
        };
        assert_ne!(image.data()[0], 13, "a bug in this task");
        let input: Vec<f32> = image.data().iter().map(|value| f32::from(*value) / 255.0).collect();
        let mut output = Vec::new();
        session.run(&input, &mut output)?;
        Ok(Light(output[0]))
    }

    fn finish_task(
        &self,
        _: &pool::Shared<Self>,
        task: Self::Task,
        outcome: Result<Self::Outcome, Panicked>,
    ) {
        let _ = task.1.send(outcome.unwrap_or(Err(LightError::Panicked)));
    }

    fn name(&self) -> &str {
        self.network.model()
    }
}

impl Lightness {
    fn spec(&self) -> NetworkSpec<'_> {
        let input = vec![1, 3, SIDE, SIDE];
        NetworkSpec { network: &self.network, symbol: None, batch: 1, input, output: vec![1, 1, 1, 1] }
    }

    fn start() -> anyhow::Result<Arc<Pool<Self>>> {
        let mean = Graph::new(&[1, 3, SIDE, SIDE], &[1, 1, 1, 1])
            .node("ReduceMean", &["images"], "output", &[Int("keepdims", 1)])
            .file();
        let network = Network::new("lightness", "mean.onnx", mean.into(), None, None);
        let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
            PathBuf::from,
        );
        let runtime = Runtime::load(&Store::new(home, None), None, None)?;
        let options =
            EngineOptions { provider: None, threads: 2, precision: None, gpu_memory_mb: 0, trials: None };
        let work = Self { network, engine: Arc::new(Engine::new(runtime, options)?) };
        let options = pool::Options {
            name: "light",
            threads: 2,
            priority: Priority::Live,
            idle_release: Duration::from_mins(1),
        };
        Ok(Arc::new(Pool::start(work, VecDeque::new(), options, None)?))
    }
}

async fn light(pool: &Pool<Lightness>, side: usize, value: u8) -> Result<Light, LightError> {
    let mut image = Image::new(side as u32, side as u32);
    image.data_mut().fill(value);
    let (give, take) = oneshot::channel();
    pool.shared().with_queue(|queue| queue.push_back((image, give)));
    take.await.unwrap_or(Err(LightError::Panicked))
}

#[tokio::test]
async fn a_task_from_outside_runs_as_the_others_do() {
    let slot = ModelSlot::default();
    slot.spawn_load(|slot| {
        slot.set_ready(Lightness::start()?);
        Ok(())
    });
    let State::Ready(pool) = slot.wait_settled(true).await else { panic!("it is started") };
    assert_eq!(light(&pool, SIDE, 0).await.unwrap(), Light(0.0));
    let grey = light(&pool, SIDE, 51).await.unwrap().0;
    assert!((grey - 0.2).abs() < 1e-3, "{grey}");
    let refused = light(&pool, SIDE + 1, 0).await.unwrap_err();
    assert_eq!(refused.to_string(), "the picture is 9 pixels wide");
    let failed = light(&pool, SIDE, 13).await.unwrap_err();
    assert_eq!(failed.to_string(), "the model failed on this picture");
    assert_eq!(light(&pool, SIDE, 255).await.unwrap(), Light(1.0));
}
