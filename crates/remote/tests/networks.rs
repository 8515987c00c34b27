//! Networks of the model that the program brings along, run by a server on this machine for an engine in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_engine::pool;
use sightwire_engine::priority::Priority;
use sightwire_engine::remote::{RemoteNetworks as _, Report, Task};
use sightwire_engine::shared::{EngineSettings, SharedEngine};
use sightwire_engine::{EngineOptions, NetworkSpec, Session};
use sightwire_infer::clip::model::ClipModel;
use sightwire_models::store::Store;
use sightwire_remote::kserve::client::{Client, Options};
use sightwire_remote::kserve::messages::{InferRequest, ModelMetadata};
use sightwire_remote::kserve::server::{Asker, Bounds, Refusal, Server, Serves};
use sightwire_remote::kserve::tensor::Tensor;
use sightwire_remote::networks::KserveNetworks;
use sightwire_remote::served::{Networks, NotRun};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(30);
const FEATURES: usize = 192;
const SIDE: usize = 224;

fn settings() -> EngineSettings {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    let options =
        EngineOptions { provider: None, threads: 1, precision: None, gpu_memory_mb: 0, trials: None };
    EngineSettings { options, library: None, store: Store::new(home, None), remote: None }
}

/// What the server does with what it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Runs,
    Hangs,
    GivesAnotherShape,
    GivesNoNumbers,
    IsAnotherVersion,
}

struct Model {
    networks: Networks,
    mood: Arc<Mutex<Mood>>,
}

fn refusal(why: &NotRun) -> Refusal {
    match why {
        NotRun::Unknown(words) => Refusal::NoModel(words.clone()),
        NotRun::Unusable(words) => Refusal::NotReady(words.clone()),
        NotRun::Input(why) => Refusal::Invalid(why.to_string()),
        NotRun::Failed(words) => Refusal::Failed(words.clone()),
    }
}

impl Serves for Model {
    type Who = ();

    fn identify(&self, _: &Asker<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn model_ready(&self, (): &(), model: &str) -> Result<bool, Refusal> {
        self.networks.find_anew(model).await.map(|_| true).map_err(|why| refusal(&why))
    }

    async fn metadata(&self, (): &(), model: &str) -> Result<ModelMetadata, Refusal> {
        let found = self.networks.find_network(model, "").await.map_err(|why| refusal(&why))?;
        let mut metadata = found.metadata();
        if *self.mood.lock() == Mood::IsAnotherVersion {
            metadata.versions = vec!["fedcba9876543210".into()];
        }
        Ok(metadata)
    }

    async fn infer(
        &self,
        (): &(),
        (model, version): (&str, &str),
        inputs: Vec<Tensor>,
    ) -> Result<Vec<Tensor>, Refusal> {
        let found = self.networks.find_network(model, version).await.map_err(|why| refusal(&why))?;
        let output = self.networks.run_network(found, &inputs).await.map_err(|why| refusal(&why))?;
        let mood = *self.mood.lock();
        Ok(vec![match mood {
            Mood::Runs | Mood::IsAnotherVersion => output,
            Mood::Hangs => {
                tokio::time::sleep(PATIENCE).await;
                output
            }
            Mood::GivesAnotherShape => Tensor::of_f32("output", &[1, 3], &[0.5; 3]).unwrap(),
            Mood::GivesNoNumbers => Tensor::of_f32("output", output.shape(), &[f32::NAN; FEATURES]).unwrap(),
        }])
    }
}

/// A server, and who asks it.
struct House {
    mood: Arc<Mutex<Mood>>,
    options: Options,
    elsewhere: Arc<KserveNetworks>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl House {
    async fn new(mood: Mood) -> Self {
        let settings = settings();
        let (store, engine) = (settings.store.clone(), SharedEngine::new(settings, || true));
        let idle_release = PATIENCE;
        let threads = pool::Options { name: "networks", threads: 1, priority: Priority::Live, idle_release };
        let mood = Arc::new(Mutex::new(mood));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let networks = Networks::new(store, engine, threads, &tasks).unwrap();
        let server = Server::new(Model { networks, mood: mood.clone() }, None, Bounds::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("grpc://{}", listener.local_addr().unwrap()).parse().unwrap();
        tasks.spawn(server.run(listener, stop.clone(), tasks.clone()));
        let options = Options { address, key: None, tls: None, max_message_bytes: 16 << 20 };
        let elsewhere = KserveNetworks::new(options.clone(), vec![Task::Signs], &tasks, &stop);
        Self { mood, options, elsewhere, stop, tasks }
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.expect("nothing is left behind");
    }

    /// A session that asks the server, and one that does not.
    fn sessions(&self) -> [Session; 2] {
        let remote = Some(self.elsewhere.clone() as _);
        [EngineSettings { remote, ..settings() }, settings()].map(|settings| {
            let engine = sightwire_engine::shared::open_engine(&settings)
                .expect("`cargo xtask setup` brings the library");
            let model =
                ClipModel::load(&settings.store, &settings.store.manifest("gestures").unwrap()).unwrap();
            let network = model.subjects(&engine)[0].network.clone();
            let (input, output) = (vec![1, SIDE, SIDE, 3], vec![1, FEATURES]);
            let spec = NetworkSpec { network: &network, symbol: Some("n"), batch: 1, input, output };
            engine.session(&spec).unwrap()
        })
    }

    fn report(&self) -> Report {
        let [report] = &self.elsewhere.report()[..] else { panic!("{:?}", self.elsewhere.report()) };
        report.clone()
    }
}

/// Pixels that are like no others.
fn pixels() -> Vec<f32> {
    (0..SIDE * SIDE * 3).map(|index| ((index * 37 + index / 91) % 256) as f32 / 255.0).collect()
}

fn run(session: &mut Session) -> Vec<f32> {
    session.run_with(&pixels(), <[f32]>::to_vec).unwrap()
}

/// Runs it again and again until the report is as expected; what it gave the last time.
fn until(house: &House, session: &mut Session, is: impl Fn(&Report) -> bool) -> Vec<f32> {
    let begun = Instant::now();
    loop {
        let values = run(session);
        if is(&house.report()) {
            return values;
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", house.report());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn assert_alike(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let most = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most < 1e-3, "{most}");
    assert!(expected.iter().any(|value| value.abs() > 0.01), "the network says something");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_run_elsewhere_says_what_it_says_here() {
    let house = House::new(Mood::Runs).await;
    let [mut asks, mut here] = house.sessions();
    tokio::task::block_in_place(|| {
        let found = until(&house, &mut asks, |report| report.answered > 0);
        assert_alike(&found, &run(&mut here));
        let report = house.report();
        assert_eq!((&*report.network, report.is_here, report.why_not), ("gestures.backbone", true, None));
    });
    house.end().await;
}

/// What is run here while the server is in that mood, until it is well again.
async fn is_run_here_while(mood: Mood) {
    let house = House::new(mood).await;
    let [mut asks, mut here] = house.sessions();
    tokio::task::block_in_place(|| {
        let expected = run(&mut here);
        // Three in a row, then it is left alone.
        let found = until(&house, &mut asks, |report| {
            assert_eq!(report.answered, 0);
            report.failed >= 3 && report.why_not.is_some()
        });
        assert_eq!(found, expected);
        let before = house.report().failed;
        for _ in 0..10 {
            assert_eq!(run(&mut asks), expected);
        }
        // But for one with which it is found out whether it is well again.
        assert!(house.report().failed <= before + 1, "nobody waits for it any more: {:?}", house.report());
        // And taken again once it is well.
        *house.mood.lock() = Mood::Runs;
        until(&house, &mut asks, |report| report.answered > 0 && report.is_here);
    });
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_answered_in_time_is_run_here() {
    is_run_here_while(Mood::Hangs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_in_another_shape_is_run_here() {
    is_run_here_while(Mood::GivesAnotherShape).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_with_no_numbers_is_run_here() {
    is_run_here_while(Mood::GivesNoNumbers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_file_is_not_asked() {
    let house = House::new(Mood::IsAnotherVersion).await;
    let [mut asks, mut here] = house.sessions();
    tokio::task::block_in_place(|| {
        let found = until(&house, &mut asks, |report| report.why_not.is_some());
        assert_eq!(found, run(&mut here));
        let report = house.report();
        assert!(report.why_not.unwrap().contains("another version"));
        assert_eq!((report.answered, report.failed, report.is_here), (0, 0, false));
    });
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_network_or_does_not_suit_it_is_refused_with_why() {
    let house = House::new(Mood::Runs).await;
    let client = Client::new(house.options.clone());
    let frame =
        |side: usize| Tensor::of_u8("input", &[1, side, side, 3], vec![7; side * side * 3].into()).unwrap();
    let features = Tensor::of_f32("input", &[1, 10, FEATURES], &[0.1; 10 * FEATURES]).unwrap();
    let ask = async |model: &str, version: &str, input: &Tensor| {
        let request = InferRequest {
            model_version: version.into(),
            ..InferRequest::from_inputs(model, std::slice::from_ref(input))
        };
        client
            .infer(request, PATIENCE)
            .await
            .map(|answer| answer.tensors().unwrap())
            .map_err(|error| error.to_string())
    };
    let scores = ask("gestures.head", "", &features).await.unwrap();
    assert_eq!(scores[0].shape(), [1, 8]);
    assert!((scores[0].f32s().unwrap().iter().sum::<f32>() - 1.0).abs() < 1e-3);
    assert_eq!(ask("gestures.backbone", "", &frame(SIDE)).await.unwrap()[0].shape(), [1, FEATURES]);
    let bytes = Tensor::of_u8("input", &[1, 10, FEATURES], vec![1; 10 * FEATURES].into()).unwrap();
    let many = Tensor::of_u8("input", &[17, SIDE, SIDE, 3], vec![7; 17 * SIDE * SIDE * 3].into()).unwrap();
    for (model, version, input, part) in [
        ("gestures", "", &features, "MODEL.ROLE"),
        ("../gestures.head", "", &features, "MODEL.ROLE"),
        ("nothing.head", "", &features, "nothing"),
        ("gestures.tail", "", &features, "no such network"),
        ("gestures.head", "0000000000000000", &features, "version"),
        ("motion.head", "", &features, "not run for others"),
        ("gestures.backbone", "", &frame(SIDE - 1), "shape"),
        ("gestures.backbone", "", &features, "shape"),
        ("gestures.backbone", "", &many, "larger than what is run at once"),
        ("gestures.head", "", &bytes, "UINT8 or FP32"),
    ] {
        let why = ask(model, version, input).await.unwrap_err();
        assert!(why.contains(part), "{model}: {why}");
    }
    client.disconnect().await;
    house.end().await;
}
