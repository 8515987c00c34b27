//! Execution providers, and sessions with static shapes.

use std::fmt;
use std::sync::Arc;

use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider as _};
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{TensorRef, ValueType};
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};
use serde::{Deserialize, Serialize};
use sightwire_models::Provider;
use sightwire_models::manifest::Precision;

use crate::cpu::Cpu;
use crate::description::Description;
use crate::network::Network;
use crate::remote::{Away, RemoteNetworks, Task};
use crate::runtime::{Runtime, has_nvidia_gpu};
use crate::trial::choose::{Allowed, choose_plan};
use crate::trial::record::{Machine, Record};
use crate::trial::{TrialError, TrialOptions, Trials};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.precision.name())
    }
}

/// Sessions are made one at a time, whichever engine makes them: it takes memory, and OpenVINO's compiler all cores.
static MAKING: Mutex<()> = Mutex::new(());

/// How networks are run.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// `None` chooses by what the library and the machine have.
    pub provider: Option<Provider>,
    /// Threads that run networks, each with sessions of its own.
    pub threads: usize,
    /// `None` takes what the model's manifest allows.
    pub precision: Option<Precision>,
    /// Most memory that CUDA may take, in MiB; 0 sets no bound.
    pub gpu_memory_mb: usize,
    /// Every way of running a network is tried in a child process first, and the fastest that works is taken; `None` takes
    /// what the manifest says.
    pub trials: Option<TrialOptions>,
}

/// Makes sessions; one in a process.
#[derive(Debug)]
pub struct Engine {
    runtime: Runtime,
    options: EngineOptions,
    provider: Provider,
    /// Those that are there, the usual one first.
    available: Vec<Provider>,
    /// Why the provider is not the best one, for people.
    note: Option<String>,
    /// What is tried before it is done, and where.
    trials: Option<(Trials, Machine)>,
    remote: Option<Arc<dyn RemoteNetworks>>,
}

/// Of address space, in bytes: four times what a small server maps.
const LEAST_ADDRESS_SPACE: u64 = 4 << 30;

/// Why a network cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The provider asked for is not there.
    #[error(
        "the execution provider {provider} is not available: {reason}; set `engine.provider = \"auto\"` to take what there is"
    )]
    Provider {
        /// The provider that the configuration asks for.
        provider: Provider,
        /// Why it is not available.
        reason: String,
    },
    /// The process may have too little address space.
    #[error(
        "`ulimit -v` allows {} MiB of address space: where a library finds none it computes wrongly, or ends the process; allow at least {} MiB, or take the limit away (`ulimit -v unlimited`): server.memory_mb and control groups bound memory",
        .allowed >> 20, LEAST_ADDRESS_SPACE >> 20
    )]
    AddressSpace {
        /// Bytes.
        allowed: u64,
    },
    /// Not a network, or one with parts the library does not know.
    #[error("{network} cannot be loaded with {provider}: {reason}")]
    Load {
        /// File name.
        network: String,
        /// The provider that it was loaded with.
        provider: Provider,
        /// As the library says.
        reason: String,
    },
    /// The network is not the one its manifest describes.
    #[error(
        "{network} has the {side} {found}, but its manifest says {expected}; correct the manifest or supply the right file"
    )]
    Shape {
        /// File name.
        network: String,
        /// `input` or `output`.
        side: &'static str,
        /// As in the file.
        found: String,
        /// As in the manifest.
        expected: String,
    },
    /// It was tried, and does not work.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// A run failed.
    #[error("{network} failed: {reason}")]
    Run {
        /// File name.
        network: String,
        /// As the library says.
        reason: String,
    },
}

/// A network as its manifest describes it. Shapes are static: the free dimension is set when the session is made.
#[derive(Clone, Debug)]
pub struct NetworkSpec<'a> {
    /// The file it is made of.
    pub network: &'a Network,
    /// Name of the free dimension, if there is one.
    pub symbol: Option<&'a str>,
    /// Value of the free dimension.
    pub batch: usize,
    /// Of the only input (f32).
    pub input: Vec<usize>,
    /// Of the only output (f32).
    pub output: Vec<usize>,
}

/// The provider that suits a network best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferred {
    /// The provider that is taken unless another is asked for.
    pub provider: Provider,
    /// No other one can run it.
    pub only: bool,
}

/// What a network is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Plan {
    /// The execution provider.
    pub provider: Provider,
    /// The number format it calculates in.
    pub precision: Precision,
}

/// One network, ready to run, for one thread at a time.
pub struct Session {
    name: String,
    input: Vec<usize>,
    inner: OrtSession,
    /// Who is asked to run it first.
    away: Option<Away>,
}

/// A network that is run at one of several shapes. The output's shape is what the network makes of it.
#[derive(Clone, Debug)]
pub struct ShapedSpec<'a> {
    /// The file it is made of.
    pub network: &'a Network,
    /// What the file says of it.
    pub description: &'a Description,
    /// Of the only input (f32).
    pub input: Vec<usize>,
    /// Which dimensions of the input may differ from run to run ([`Session::run_sized`]); `input` is then what it is
    /// warmed up with.
    pub varying: &'a [usize],
    /// Threads that work on one run.
    pub threads: usize,
    /// What it is run with.
    pub plan: Plan,
}

/// At which shape a session is made.
pub(crate) struct Shape<'a> {
    /// Of the only input.
    pub(crate) input: &'a [usize],
    /// Free dimensions that have one size, by name.
    pub(crate) sizes: &'a [(String, usize)],
    /// Whether others are free in each run.
    pub(crate) varies: bool,
}

impl Engine {
    /// Chooses the provider: the one asked for, else CUDA where its library and a GPU are there, else OpenVINO where
    /// its library is there, else the plain CPU.
    pub fn new(runtime: Runtime, options: EngineOptions) -> Result<Self, EngineError> {
        if let Some(allowed) = getrlimit(Resource::As).current.filter(|bytes| *bytes < LEAST_ADDRESS_SPACE) {
            return Err(EngineError::AddressSpace { allowed });
        }
        let available = |provider| match provider {
            Provider::OpenVino if runtime.has_beside("libonnxruntime_providers_openvino.so") => Ok(()),
            Provider::OpenVino => {
                Err("this ONNX Runtime was built without it (`sightwire models pull runtime-openvino`)")
            }
            Provider::Cuda if !runtime.has_beside("libonnxruntime_providers_cuda.so") => {
                Err("this ONNX Runtime was built without it (`sightwire models pull runtime-cuda`)")
            }
            Provider::Cuda if !has_nvidia_gpu() => Err("no NVIDIA GPU, or no driver for it, was found"),
            Provider::Cuda
                if std::env::var("CUDA_VISIBLE_DEVICES").is_ok_and(|v| v.trim().is_empty() || v == "-1") =>
            {
                Err("CUDA_VISIBLE_DEVICES is empty, which means CPU only")
            }
            Provider::Cpu | Provider::Cuda => Ok(()),
        };
        let (provider, note) = match options.provider {
            Some(provider) => {
                available(provider)
                    .map_err(|reason| EngineError::Provider { provider, reason: reason.to_owned() })?;
                (provider, None)
            }
            None if available(Provider::Cuda).is_ok() => (Provider::Cuda, None),
            None if available(Provider::OpenVino).is_ok() => (Provider::OpenVino, None),
            None => {
                let note = (std::env::consts::ARCH == "x86_64").then(|| {
                    "OpenVINO may be faster on this CPU: `sightwire models pull runtime-openvino`".to_owned()
                });
                (Provider::Cpu, note)
            }
        };
        let others = [Provider::Cuda, Provider::OpenVino, Provider::Cpu];
        let others = others.into_iter().filter(|other| *other != provider && available(*other).is_ok());
        let available: Vec<Provider> = std::iter::once(provider).chain(others).collect();
        let trials = options
            .trials
            .clone()
            .map(|options| (Trials::new(options), describe_machine(&runtime, &available)));
        Ok(Self { runtime, options, provider, available, note, trials, remote: None })
    }

    /// Networks that may be run elsewhere are asked for there first.
    #[must_use]
    pub fn with_remote(self, remote: Option<Arc<dyn RemoteNetworks>>) -> Self {
        Self { remote, ..self }
    }

    /// Whether networks for this are asked for elsewhere first.
    pub fn runs_remotely(&self, task: Task) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.takes_task(task))
    }

    pub(crate) fn trials(&self) -> Option<(&Trials, &Machine)> {
        self.trials.as_ref().map(|(trials, place)| (trials, place))
    }

    /// The provider in use. A session that cannot be made with it is an error, never a silent fall-back.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The library in use.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Why the provider is not the best one.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Threads that run networks.
    pub fn threads(&self) -> usize {
        self.options.threads
    }

    /// How it was asked to run.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The ways in which a network may be run here, the usual one first. What the configuration asks for by name goes before
    /// the manifest, unless no other provider can run it.
    pub fn ways(&self, network: &Network) -> Vec<Plan> {
        let providers = match (self.options.provider, network.preferred()) {
            // The plain CPU is in every library.
            (_, Some(Preferred { provider: Provider::Cpu, only: true })) => vec![Provider::Cpu],
            (Some(asked), _) => vec![asked],
            (None, _) => self.available.clone(),
        };
        let mut ways: Vec<Plan> = providers
            .iter()
            .map(|provider| Plan { provider: *provider, precision: Precision::F32 })
            .collect();
        let half =
            network.precision().is_some() && providers.contains(&Provider::OpenVino) && self.may_run_bf16();
        if half {
            ways.push(Plan { provider: Provider::OpenVino, precision: Precision::Bf16 });
        }
        ways
    }

    /// Where the CPU cannot do it by itself, it is slower than f32, and done only for who asks for it by name.
    fn may_run_bf16(&self) -> bool {
        let cpu = Cpu::this_machine();
        let asked = self.options.precision == Some(Precision::Bf16);
        (cpu.bf16 || asked) && cpu.tiles_are_safe(|name| std::env::var_os(name))
    }

    /// What a network is run with: the best of what was tried; without trials, what the manifest says.
    pub fn decide_plan(&self, network: &Network, input: &[usize]) -> Plan {
        let Some((trials, place)) = self.trials() else {
            return self.default_plan(network.precision(), network.preferred());
        };
        let record = trials.find_record(place, network, input);
        // Where nothing works, `usable` says so before anything is run.
        self.best_plan(network, record.as_deref()).unwrap_or(self.ways(network)[0])
    }

    /// The best way by what is known; `None` if nothing that is allowed works.
    pub(crate) fn best_plan(&self, network: &Network, record: Option<&Record>) -> Option<Plan> {
        let allowed = match (network.precision(), self.options.precision) {
            (None, _) | (_, Some(Precision::F32)) | (Some(Precision::F32), None) => Allowed::F32,
            (_, Some(Precision::Bf16)) => Allowed::Bf16,
            (Some(Precision::Bf16), None) => Allowed::Bf16IfFaster,
        };
        let outcome = |way: &Plan| record.and_then(|record| record.outcome(*way));
        choose_plan(&self.ways(network), outcome, allowed)
    }

    fn default_plan(&self, allowed: Option<Precision>, preferred: Option<Preferred>) -> Plan {
        let precision = match allowed {
            Some(allowed) => self.options.precision.unwrap_or(allowed),
            None => Precision::F32,
        };
        let precision = if self.may_run_bf16() { precision } else { Precision::F32 };
        let asked_for = self.options.provider.is_some() || precision == Precision::Bf16;
        let provider = match (self.provider, preferred) {
            // The plain CPU is in every library.
            (Provider::OpenVino, Some(Preferred { provider: Provider::Cpu, only })) if only || !asked_for => {
                Provider::Cpu
            }
            (provider, _) => provider,
        };
        let precision = if provider == Provider::OpenVino { precision } else { Precision::F32 };
        Plan { provider, precision }
    }

    /// Frames that are worth running at once: CPUs gain nothing from more than one (measured, docs/benchmarks.md).
    pub fn batch_size(&self) -> usize {
        match self.provider {
            Provider::Cpu | Provider::OpenVino => 1,
            Provider::Cuda => 8,
        }
    }

    /// Makes a session, checks its shapes against the manifest, and runs it once on zeros.
    pub fn session(&self, spec: &NetworkSpec<'_>) -> Result<Session, EngineError> {
        let sizes: Vec<_> = spec.symbol.map(|symbol| (symbol.to_owned(), spec.batch)).into_iter().collect();
        let (network, plan) = (spec.network, spec.network.plan(self, &spec.input));
        let _one_at_a_time = MAKING.lock();
        let shape = Shape { input: &spec.input, sizes: &sizes, varies: false };
        let mut session = self.make_session(network.name(), network.bytes(), &shape, 1, plan)?;
        check_side(spec, "input", session.inner.inputs(), &spec.input)?;
        check_side(spec, "output", session.inner.outputs(), &spec.output)?;
        session.warm_up()?;
        session.away = self.remote_for(network, spec.output.iter().copied().map(Some).collect());
        Ok(session)
    }

    /// Who runs it instead, in its usual shape.
    fn remote_for(&self, network: &Network, expected: Vec<Option<usize>>) -> Option<Away> {
        let to = self.remote.clone()?;
        let network = Arc::new(network.as_offered()?);
        to.takes_task(network.terms.task).then_some(Away { to, network, expected })
    }

    /// Reads what a network's file says of it, without making it ready to run.
    pub fn describe(&self, name: &str, bytes: &[u8], key: &str) -> Result<Description, EngineError> {
        let _one_at_a_time = MAKING.lock();
        let load = |error: &dyn fmt::Display| EngineError::Load {
            network: name.to_owned(),
            provider: Provider::Cpu,
            reason: error.to_string(),
        };
        let make = || {
            OrtSession::builder(self.runtime.environment())?
                .with_optimization_level(GraphOptimizationLevel::Disable)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .commit_from_memory(bytes)
        };
        let session = make().map_err(|error: ort::Error| load(&error))?;
        let [input] = session.inputs() else {
            return Err(load(&format!("it has {} inputs instead of one", session.inputs().len())));
        };
        let ValueType::Tensor { ty: ort::value::TensorElementType::Float32, shape, dimension_symbols } =
            input.dtype()
        else {
            return Err(load(&format!("its input is {:?} instead of an f32 tensor", input.dtype())));
        };
        let sizes = |shape: &[i64]| shape.iter().map(|size| usize::try_from(*size).ok()).collect();
        let output = session.outputs().first().and_then(|output| output.dtype().tensor_shape());
        Ok(Description {
            input: sizes(shape),
            output: output.map(|shape| sizes(shape)).unwrap_or_default(),
            symbols: dimension_symbols.iter().map(ToString::to_string).collect(),
            metadata: session.metadata().ok().and_then(|metadata| metadata.custom(key)),
        })
    }

    /// Makes a session for one shape, or for all that differ from it in some dimensions, and runs it once on zeros.
    pub fn shaped_session(&self, spec: &ShapedSpec<'_>) -> Result<Session, EngineError> {
        let (name, bytes) = (spec.network.name(), spec.network.bytes());
        let mut sizes = spec.description.free_sizes(name, &spec.input)?;
        let varies = |symbol: &String| {
            spec.varying.iter().any(|index| spec.description.symbols.get(*index) == Some(symbol))
        };
        sizes.retain(|(symbol, _)| !varies(symbol));
        let _one_at_a_time = MAKING.lock();
        let shape = Shape { input: &spec.input, sizes: &sizes, varies: !spec.varying.is_empty() };
        let mut session = self.make_session(name, bytes, &shape, spec.threads, spec.plan)?;
        session.warm_up()?;
        Ok(session)
    }

    /// A session that was not run yet.
    pub(crate) fn make_session(
        &self,
        name: &str,
        bytes: &[u8],
        shape: &Shape<'_>,
        threads: usize,
        plan: Plan,
    ) -> Result<Session, EngineError> {
        let builder = self.session_builder(shape, threads, plan);
        let inner = builder.and_then(|mut builder| builder.commit_from_memory(bytes));
        let inner = inner.map_err(|error| EngineError::Load {
            network: name.to_owned(),
            provider: plan.provider,
            reason: error.to_string(),
        })?;
        Ok(Session { name: name.to_owned(), input: shape.input.to_vec(), inner, away: None })
    }

    fn session_builder(&self, shape: &Shape<'_>, threads: usize, plan: Plan) -> ort::Result<SessionBuilder> {
        let mut builder = OrtSession::builder(self.runtime.environment())?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?;
        for (symbol, size) in shape.sizes {
            builder = builder.with_dimension_override(symbol, *size as i64)?;
        }
        match plan.provider {
            // Planned for each shape anew, memory would be twice as much, and no faster.
            Provider::Cpu => builder = builder.with_memory_pattern(!shape.varies)?,
            Provider::OpenVino => {
                let precision = plan.precision.name();
                // Without the last key OpenVINO pins the caller of every session to the first core.
                let config = format!(
                    r#"{{"CPU":{{"INFERENCE_PRECISION_HINT":"{precision}","INFERENCE_NUM_THREADS":"{threads}","NUM_STREAMS":"1","ENABLE_CPU_PINNING":"NO"}}}}"#
                );
                let openvino = ep::OpenVINO::default()
                    .with_device_type("CPU")
                    .with_arbitrary_config("load_config", config);
                builder = builder.with_execution_providers([openvino.build().error_on_failure()])?;
            }
            Provider::Cuda => {
                let mut cuda = ep::CUDA::default();
                if self.options.gpu_memory_mb > 0 {
                    cuda = cuda.with_memory_limit(self.options.gpu_memory_mb << 20);
                }
                builder = builder.with_execution_providers([cuda.build().error_on_failure()])?;
            }
        }
        Ok(builder)
    }
}

/// What decides how networks run: the CPU, and the library with its providers.
fn describe_machine(runtime: &Runtime, available: &[Provider]) -> Machine {
    let mut providers: Vec<&str> = available.iter().map(|provider| provider.name()).collect();
    providers.sort_unstable();
    let mut library = format!("{} ({}), {}", runtime.version(), runtime.build(), providers.join(" "));
    if available.contains(&Provider::Cuda) {
        let driver = std::fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default();
        library = format!("{library}; {}", driver.lines().next().unwrap_or_default());
    }
    Machine { cpu: Cpu::this_machine().identity(|name| std::env::var_os(name)), library }
}

impl Session {
    /// Runs the network once on zeros: what it makes at its first run is then made.
    fn warm_up(&mut self) -> Result<(), EngineError> {
        let zeros = vec![0.0; self.input.iter().product()];
        self.run_with(&zeros, |_| ())
    }

    /// Runs the network: `input` in the shape of its spec, row-major; `output` is replaced by all output values.
    pub fn run(&mut self, input: &[f32], output: &mut Vec<f32>) -> Result<(), EngineError> {
        self.run_with(input, |values| {
            output.clear();
            output.extend_from_slice(values);
        })
    }

    /// As [`Session::run`]; `read` sees the output values where the library has them, without a copy.
    pub fn run_with<T>(&mut self, input: &[f32], read: impl FnOnce(&[f32]) -> T) -> Result<T, EngineError> {
        self.run_shaped(input, |_, values| read(values))
    }

    /// As [`Session::run_with`]; `read` sees the output's shape, too.
    pub fn run_shaped<T>(
        &mut self,
        input: &[f32],
        read: impl FnOnce(&[i64], &[f32]) -> T,
    ) -> Result<T, EngineError> {
        if let Some(Away { to, network, expected }) = &self.away
            && let Some(output) = to.run(network, &self.input, input, expected)
        {
            return Ok(read(&output.shape, &output.values));
        }
        Self::run_on(&mut self.inner, &self.name, &self.input, input, read)
    }

    /// As [`Session::run_shaped`], with an input of this shape; it may differ from the spec's in the dimensions that vary.
    pub fn run_sized<T>(
        &mut self,
        shape: &[usize],
        input: &[f32],
        read: impl FnOnce(&[i64], &[f32]) -> T,
    ) -> Result<T, EngineError> {
        Self::run_on(&mut self.inner, &self.name, shape, input, read)
    }

    fn run_on<T>(
        inner: &mut OrtSession,
        name: &str,
        shape: &[usize],
        input: &[f32],
        read: impl FnOnce(&[i64], &[f32]) -> T,
    ) -> Result<T, EngineError> {
        let failed =
            |error: ort::Error| EngineError::Run { network: name.to_owned(), reason: error.to_string() };
        let tensor = TensorRef::from_array_view((shape, input)).map_err(failed)?;
        let outputs = inner.run(ort::inputs![tensor]).map_err(failed)?;
        let (shape, values) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        Ok(read(shape, values))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.name)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// The network has exactly one such side, of f32 and of this shape. A dimension override with an unknown symbol is
/// silently ignored by ONNX Runtime, and shows here as a dimension of -1.
fn check_side(
    spec: &NetworkSpec<'_>,
    side: &'static str,
    found: &[ort::value::Outlet],
    expected: &[usize],
) -> Result<(), EngineError> {
    let shape: Option<Vec<i64>> = match found {
        [only] => match only.dtype() {
            ValueType::Tensor { ty: ort::value::TensorElementType::Float32, shape, .. } => {
                Some(shape.to_vec())
            }
            _ => None,
        },
        _ => None,
    };
    let same = shape
        .as_ref()
        .is_some_and(|s| s.len() == expected.len() && s.iter().zip(expected).all(|(a, b)| *a == *b as i64));
    if same {
        return Ok(());
    }
    let found = match (shape, found) {
        (Some(shape), _) => format!("f32 {shape:?}"),
        (None, [only]) => format!("{:?}", only.dtype()),
        (None, several) => format!("{} tensors instead of one", several.len()),
    };
    Err(EngineError::Shape {
        network: spec.network.name().to_owned(),
        side,
        found,
        expected: format!("f32 {expected:?}"),
    })
}
