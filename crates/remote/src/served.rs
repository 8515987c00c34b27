//! Runs the networks of this machine's models for others.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kserve::messages::{ModelMetadata, TensorMetadata};
use crate::kserve::tensor::{Datatype, Tensor, TensorError, find_tensor};
use parking_lot::Mutex;
use sightwire_engine::network::Network;
use sightwire_engine::pool;
use sightwire_engine::remote::{Levels, Offered};
use sightwire_engine::shared::SharedEngine;
use sightwire_engine::trial::Subject;
use sightwire_engine::{Description, Engine, EngineError, Plan, Session, ShapedSpec};
use sightwire_infer::clip::model::ClipModel;
use sightwire_infer::jobs::Jobs;
use sightwire_infer::landmarks;
use sightwire_models::manifest::{self, Manifest, is_plain_name};
use sightwire_models::store::Store;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{INPUT, MAX_REALS, MAX_VALUES, OUTPUT, PLATFORM};

/// Models whose files are kept in memory.
const MAX_MODELS: usize = 4;
/// Sessions of one thread.
const MAX_SESSIONS: usize = 8;
/// A model that could not be loaded is not tried again sooner.
const RETRY: Duration = Duration::from_secs(5);

/// Runs networks for others. Sessions are made when they are first needed.
pub struct Networks {
    store: Store,
    engine: Arc<SharedEngine>,
    jobs: Jobs<Sessions>,
    tasks: TaskTracker,
    /// By the model's name.
    models: Mutex<HashMap<String, Loading>>,
    /// Files are read and tried for one model at a time.
    turn: Arc<Mutex<()>>,
}

/// A model that is being loaded, or was.
struct Loading {
    begun: Instant,
    told: Told,
}

/// What comes of loading, once it is known.
type Told = watch::Receiver<Option<Result<Arc<Loaded>, NotRun>>>;

#[derive(Debug)]
struct Loaded {
    task: manifest::Task,
    /// Of the manifest, what tells its files from those of another version.
    files: Vec<String>,
    networks: Vec<Arc<Served>>,
}

/// A network that can be run.
#[derive(Debug)]
pub struct Served {
    offered: Offered,
    network: Arc<Network>,
    description: Description,
    /// At which it is tried.
    tried: Vec<usize>,
    plan: Plan,
    engine: Arc<Engine>,
}

/// Those of one thread, the one that was used last at the end.
#[derive(Default)]
pub struct Sessions(Vec<(Arc<Served>, Session)>);

/// Why a network is not run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRun {
    /// There is none of this name or version, or its model is not here.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be run here.
    #[error("{0}")]
    Unusable(String),
    /// The input is none of this network's.
    #[error(transparent)]
    Input(#[from] TensorError),
    /// It was run, and failed.
    #[error("{0}")]
    Failed(String),
}

impl Networks {
    /// Has threads as the options say.
    pub fn new(
        store: Store,
        engine: Arc<SharedEngine>,
        options: pool::Options,
        tasks: &TaskTracker,
    ) -> std::io::Result<Self> {
        let jobs = Jobs::start(options, || Some(Sessions::default()))?;
        let (models, turn) = (Mutex::default(), Arc::default());
        Ok(Self { store, engine, jobs, tasks: tasks.clone(), models, turn })
    }

    /// What a network is for; `None` if it cannot be the name of one.
    pub async fn task(&self, name: &str) -> Option<manifest::Task> {
        let (model, _) = name.rsplit_once('.').filter(|(model, _)| is_plain_name(model))?;
        if let Some(Ok(loaded)) =
            self.models.lock().get(model).and_then(|loading| loading.told.borrow().clone())
        {
            return Some(loaded.task);
        }
        let (store, model) = (self.store.clone(), model.to_owned());
        let known = tokio::task::spawn_blocking(move || store.manifest(&model));
        Some(known.await.ok()?.ok()?.task)
    }

    /// A network of a model that is here, in this version of it unless that is empty. The first time its files are read and tried,
    /// which may take some seconds, and goes on though nobody waits for it any more.
    pub async fn find_network(&self, name: &str, version: &str) -> Result<Arc<Served>, NotRun> {
        let unknown = |why: &str| NotRun::Unknown(format!("{name:.64}: {why}"));
        let Some((model, _)) = name.rsplit_once('.').filter(|(model, _)| is_plain_name(model)) else {
            return Err(unknown("a network is called MODEL.ROLE, such as hands.palm"));
        };
        let mut told = self.start_loading(model)?;
        let told = told.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
        let loaded = told.ok_or_else(|| NotRun::Unusable("its files could not be read".to_owned()))??;
        let found = loaded.networks.iter().find(|served| served.offered.name == name);
        let found = found.ok_or_else(|| unknown("the model has no such network"))?;
        if !version.is_empty() && version != found.offered.version {
            return Err(unknown("this version of it is not here"));
        }
        Ok(found.clone())
    }

    /// As [`Networks::find_network`], of the files that the store has now.
    pub async fn find_anew(&self, name: &str) -> Result<Arc<Served>, NotRun> {
        if let Some((model, _)) = name.rsplit_once('.').filter(|(model, _)| is_plain_name(model)) {
            let (store, known) = (self.store.clone(), model.to_owned());
            let now = tokio::task::spawn_blocking(move || {
                store.manifest(&known).map(|manifest| network_files(&manifest))
            });
            let now = now.await.ok().and_then(Result::ok);
            let mut models = self.models.lock();
            let is_other = |loading: &Loading| matches!(&*loading.told.borrow(), Some(Ok(loaded)) if Some(&loaded.files) != now.as_ref());
            if models.get(model).is_some_and(is_other) {
                models.remove(model);
            }
        }
        self.find_network(name, "").await
    }

    /// Of a model that is loaded, is being loaded, or is from now on.
    fn start_loading(&self, model: &str) -> Result<Told, NotRun> {
        let mut models = self.models.lock();
        if let Some(Loading { begun, told }) = models.get(model) {
            let has_failed = matches!(&*told.borrow(), Some(Err(_)));
            if !has_failed || begun.elapsed() < RETRY {
                return Ok(told.clone());
            }
            models.remove(model);
        }
        if models.len() >= MAX_MODELS {
            let ended = models.iter().filter(|(_, loading)| loading.told.borrow().is_some());
            let oldest = ended.min_by_key(|(_, loading)| loading.begun).map(|(name, _)| name.clone());
            let busy = || NotRun::Unusable("other models are being loaded; try again in a moment".to_owned());
            models.remove(&oldest.ok_or_else(busy)?);
        }
        let (give, told) = watch::channel(None);
        let (store, engine, turn) = (self.store.clone(), self.engine.clone(), self.turn.clone());
        let name = model.to_owned();
        self.tasks.spawn_blocking(move || {
            let _one_at_a_time = turn.lock();
            give.send_replace(Some(load_networks(&store, &engine, &name).map(Arc::new)));
        });
        models.insert(model.to_owned(), Loading { begun: Instant::now(), told: told.clone() });
        Ok(told)
    }

    /// Runs a network with these inputs; waits for a thread.
    pub async fn run_network(&self, served: Arc<Served>, inputs: &[Tensor]) -> Result<Tensor, NotRun> {
        let input = served.check_input(inputs)?;
        let running = self.jobs.run(move |sessions| sessions.run(served, &input));
        running.await.unwrap_or_else(|lost| Err(NotRun::Failed(lost.to_string())))
    }
}

fn network_files(manifest: &Manifest) -> Vec<String> {
    manifest.files.iter().filter_map(|file| file.sha256.clone()).collect()
}

/// All networks of a model that is here; blocks.
fn load_networks(store: &Store, engine: &SharedEngine, model: &str) -> Result<Loaded, NotRun> {
    let unusable = |error: &dyn fmt::Display| NotRun::Unusable(format!("the model {model}: {error}"));
    let manifest = store.manifest(model).map_err(|error| NotRun::Unknown(error.to_string()))?;
    if !store.has_files(&manifest) {
        return Err(NotRun::Unknown(format!(
            "the model {model} is not here: `sightwire models pull {model}`"
        )));
    }
    let going_on = || engine.going_on();
    let own = engine.get().map_err(|error| unusable(&error))?;
    let subjects = trial_subjects(store, &manifest, &own)?;
    own.ensure_usable(&subjects, &going_on).map_err(|error| unusable(&error))?;
    let served = subjects.into_iter().filter_map(|subject| Served::new(&own, subject).transpose());
    let networks = served.map(|served| served.map(Arc::new).map_err(|error| unusable(&error)));
    let networks = networks.collect::<Result<_, _>>()?;
    Ok(Loaded { task: manifest.task, files: network_files(&manifest), networks })
}

fn trial_subjects(store: &Store, manifest: &Manifest, engine: &Engine) -> Result<Vec<Subject>, NotRun> {
    let name = &manifest.name;
    let unusable = |error: &dyn fmt::Display| NotRun::Unusable(format!("the model {name}: {error}"));
    match manifest.task {
        manifest::Task::ClipClassification => {
            let model = ClipModel::load(store, manifest).map_err(|error| unusable(&error))?;
            Ok(model.subjects(engine))
        }
        manifest::Task::Landmarks => {
            landmarks::trial_subjects(store, manifest).map_err(|error| unusable(&error))
        }
        _ => Err(NotRun::Unknown(format!("networks for {} are not run for others", manifest.task.name()))),
    }
}

impl Served {
    fn new(engine: &Arc<Engine>, subject: Subject) -> Result<Option<Self>, EngineError> {
        let Subject { network, input: tried, .. } = subject;
        let Some(offered) = network.as_offered() else { return Ok(None) };
        let description = engine.describe(network.name(), network.bytes(), "")?;
        let plan = network.plan(engine, &tried);
        Ok(Some(Self { offered, network, description, tried, plan, engine: engine.clone() }))
    }

    /// What it takes and gives.
    pub fn metadata(&self) -> ModelMetadata {
        let tensor = |name: &str, datatype: Datatype, shape: &[Option<usize>]| TensorMetadata {
            name: name.to_owned(),
            datatype: datatype.name().to_owned(),
            shape: shape.iter().map(|size| size.map_or(-1, |size| size as i64)).collect(),
        };
        let takes = if self.offered.terms.levels.is_some() { Datatype::Uint8 } else { Datatype::Fp32 };
        ModelMetadata {
            name: self.offered.name.clone(),
            versions: vec![self.offered.version.clone()],
            platform: PLATFORM.to_owned(),
            inputs: vec![tensor(INPUT, takes, &self.description.input)],
            outputs: vec![tensor(OUTPUT, Datatype::Fp32, &self.description.output)],
        }
    }

    /// The input, if it is one that the network takes.
    fn check_input(&self, inputs: &[Tensor]) -> Result<Tensor, TensorError> {
        let unfit = |why| TensorError::Unfit { name: INPUT, why };
        let input = find_tensor(inputs, INPUT)?;
        let (shape, takes) = (input.shape(), &self.description.input);
        let fits =
            |(size, takes): (&usize, &Option<usize>)| *size > 0 && takes.is_none_or(|takes| takes == *size);
        if shape.len() != takes.len() || !shape.iter().zip(takes).all(fits) {
            return Err(unfit("does not have the network's shape, which its metadata tells"));
        }
        let values: usize = shape.iter().product();
        let most = match (input.datatype(), self.offered.terms.levels) {
            (Datatype::Uint8, Some(_)) => MAX_VALUES,
            (Datatype::Fp32, _) => MAX_REALS,
            _ => return Err(unfit("has to be UINT8 or FP32, as its metadata tells")),
        };
        // A batch is as large as memory then, so it is bounded by what it is tried with.
        let tried: usize = self.tried.iter().product();
        if values > most || values > tried.saturating_mul(MAX_BATCH) {
            return Err(unfit("is larger than what is run at once"));
        }
        Ok(input.clone())
    }

    fn make_session(&self) -> Result<Session, EngineError> {
        let free = self.description.input.iter().enumerate().filter(|(_, size)| size.is_none());
        let varying: Vec<usize> = free.map(|(index, _)| index).collect();
        self.engine.shaped_session(&ShapedSpec {
            network: &self.network,
            description: &self.description,
            input: self.tried.clone(),
            varying: &varying,
            threads: 1,
            plan: self.plan,
        })
    }
}

/// Inputs of the usual shape that are run at once.
const MAX_BATCH: usize = 16;

impl Sessions {
    fn run(&mut self, served: Arc<Served>, input: &Tensor) -> Result<Tensor, NotRun> {
        let failed = |error: &dyn fmt::Display| NotRun::Failed(error.to_string());
        let values = match (input.datatype(), served.offered.terms.levels) {
            (Datatype::Uint8, Some(levels)) => of_bytes(input.raw(), levels),
            _ => input.f32s()?,
        };
        let kept = self.0.iter().position(|(of, _)| Arc::ptr_eq(of, &served));
        let (served, mut session) = if let Some(at) = kept {
            self.0.remove(at)
        } else {
            let session = served.make_session().map_err(|error| failed(&error))?;
            (served, session)
        };
        // One that has failed is used no more.
        let output = session.run_sized(input.shape(), &values, |shape, values| {
            let shape: Vec<usize> = shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
            Tensor::of_f32(OUTPUT, &shape, values)
        });
        let output = output.map_err(|error| failed(&error))?;
        if self.0.len() >= MAX_SESSIONS {
            self.0.remove(0);
        }
        self.0.push((served, session));
        output.map_err(|error| failed(&error))
    }
}

fn of_bytes(bytes: &[u8], levels: Levels) -> Vec<f32> {
    let values = levels.values();
    bytes.iter().map(|byte| values[usize::from(*byte)]).collect()
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Networks").field("store", &self.store).finish_non_exhaustive()
    }
}
